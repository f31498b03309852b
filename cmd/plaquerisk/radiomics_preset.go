package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/radiomics"
)

func (a *app) radiomicsPreset() *cobra.Command {
	return &cobra.Command{
		Use:   "preset [NAME]",
		Short: "Print a parameter file with the settings of IBSI's reference data; without a name, list them",
		Example: `  plaquerisk radiomics preset
  plaquerisk radiomics preset ibsi1_c > c.yaml
  plaquerisk extract radiomics --ct image.nii.gz --mask mask.nii.gz --params c.yaml --out features.csv`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: radiomics.Presets(),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				_, err := fmt.Fprintln(a.stdout, strings.Join(radiomics.Presets(), "\n"))
				return err
			}
			_, text, err := radiomics.Preset(args[0])
			if err != nil {
				return usageError("%v", err)
			}
			_, err = a.stdout.Write(text)
			return err
		},
	}
}
