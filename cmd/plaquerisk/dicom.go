package main

import "github.com/spf13/cobra"

// dicom groups what concerns DICOM files as such.
func (a *app) dicom() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dicom",
		Short: "DICOM files: volumes made of them, archives, patients' attributes taken out",
		Example: `  plaquerisk dicom convert study --out ct.nii.gz
  plaquerisk dicom deidentify study --key key --out clean`,
	}
	cmd.AddCommand(a.dicomConvert(), a.dicomDeidentify())
	return cmd
}
