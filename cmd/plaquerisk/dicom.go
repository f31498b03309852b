package main

import "github.com/spf13/cobra"

// dicom groups what concerns DICOM files as such.
func (a *app) dicom() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dicom",
		Short: "DICOM files: volumes made of them, archives, patients' attributes taken out",
		Example: `  plaquerisk dicom convert study --out ct.nii.gz
  plaquerisk dicom deidentify study --key key --out clean
  plaquerisk dicom index archive --out manifest.jsonl
  plaquerisk dicom get https://pacs.example/dicom-web --study 1.2.3 --out study`,
	}
	cmd.AddCommand(a.dicomConvert(), a.dicomDeidentify(), a.dicomIndex(), a.dicomEcho(), a.dicomFind(), a.dicomGet(), a.dicomSend())
	return cmd
}
