package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/radiomics/pyradiomics"
)

// radiomics groups what concerns radiomic features beside their extraction.
func (a *app) radiomics() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "radiomics",
		Short: "What the radiomic features are, where they lie and how far they can be trusted",
		Example: `  plaquerisk radiomics list --profile ibsi
  plaquerisk radiomics maps --ct image.nii.gz --mask mask.nii.gz --features glcm.contrast --out maps
  plaquerisk radiomics stability --cases cases.csv --profile coronary --out stability.csv`,
	}
	cmd.AddCommand(a.radiomicsList(), a.radiomicsPreset(), a.radiomicsMaps(), a.radiomicsStability())
	return cmd
}

// dictionary is the JSON of radiomics list.
type dictionary struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Profile string `json:"profile"`
	// Features in the order of their columns.
	Features []entry `json:"features"`
}

// entry is a feature of the dictionary.
type entry struct {
	// Name of the column.
	Name string `json:"name"`
	// PyRadiomics is the name that PyRadiomics gives the feature, if it has it.
	PyRadiomics string `json:"pyradiomics,omitempty"`
	// IBSI is the code of the standard's definition.
	IBSI string `json:"ibsi,omitempty"`
	// Unit of the value; "1" for a pure number.
	Unit string `json:"unit"`
	// Ref is the reference of the formula.
	Ref string `json:"ref"`
	// Settings that change the value.
	Settings string `json:"settings,omitempty"`
	// Meaning in one sentence.
	Meaning string `json:"meaning"`
}

func (a *app) radiomicsList() *cobra.Command {
	var profile, params string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List every feature of a profile: name, PyRadiomics' name, IBSI code, unit, formula, settings, meaning",
		Example: `  plaquerisk radiomics list --profile coronary
  plaquerisk radiomics list --params Params.yaml --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			p, err := a.pipeline("none")
			if err != nil {
				return err
			}
			chosen, err := p.Profile(profile, params)
			if err != nil {
				return err
			}
			d := newDictionary(chosen)
			if asJSON {
				enc := json.NewEncoder(a.stdout)
				enc.SetEscapeHTML(false)
				enc.SetIndent("", " ")
				return enc.Encode(d)
			}
			return d.print(a.stdout)
		},
	}
	f := cmd.Flags()
	f.StringVar(&profile, "profile", "", strings.Join(pipeline.Profiles, ", ")+"; else pyradiomics if --params is a file of PyRadiomics, or ibsi")
	f.StringVar(&params, "params", "", "settings of the profile, `FILE`.yaml")
	f.BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// newDictionary describes the features of a profile.
func newDictionary(p *pipeline.Profile) *dictionary {
	theirs := pyRadiomicsNames()
	d := &dictionary{Format: "plaquerisk.dictionary", Version: 1, Profile: p.Name}
	for _, c := range p.Schema.Columns() {
		e := entry{Name: c.Name, IBSI: c.IBSI(), Unit: c.Unit, Ref: c.Ref, Settings: c.Settings, Meaning: c.Doc}
		if p.Name == pipeline.ProfilePyRadiomics {
			_, e.PyRadiomics, _ = strings.Cut(c.Name, "_")
		} else if e.IBSI != "" {
			e.PyRadiomics = theirs[family(c.Name)+" "+e.IBSI]
		}
		d.Features = append(d.Features, e)
	}
	return d
}

// family returns the family of a column, under PyRadiomics' name for it.
func family(name string) string {
	words := strings.SplitN(name, ".", 3)
	if len(words) < 3 {
		return ""
	}
	switch words[1] {
	case "ngldm":
		return "gldm"
	case "morphology":
		return "shape"
	case "statistics":
		return "firstorder"
	case "histogram": // its entropy and uniformity are PyRadiomics' first order
		return "firstorder"
	}
	return words[1]
}

// pyRadiomicsNames returns class_Feature by class and IBSI code.
func pyRadiomicsNames() map[string]string {
	names := map[string]string{}
	for _, c := range pyradiomics.Columns(pyradiomics.DefaultParams()) {
		_, name, _ := strings.Cut(c.Name, "_")
		class, _, _ := strings.Cut(name, "_")
		if code := c.IBSI(); code != "" {
			names[class+" "+code] = name
		}
	}
	return names
}

// print writes d as a table for people.
func (d *dictionary) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "NAME\tPYRADIOMICS\tIBSI\tUNIT\tREFERENCE\tMEANING")
	settings := ""
	for _, e := range d.Features {
		if e.Settings != settings {
			settings = e.Settings
			fmt.Fprintf(tw, "# %s\n", settings)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", e.Name, e.PyRadiomics, e.IBSI, e.Unit, e.Ref, e.Meaning)
	}
	return tw.Flush()
}
