package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/classifier"
	"github.com/plaquerisk/plaquerisk/internal/version"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/reports"
	"github.com/plaquerisk/plaquerisk/risk"
)

// modelCard prints what a model is, and writes it for other programs.
func (a *app) modelCard() *cobra.Command {
	var export, pdf, asJSON string
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "model [MODEL.json]",
		Short: "Print the card of a model, the shipped one by default, as Markdown, or export it",
		Long: `Model prints the card of a model. With --export it writes its trees for other
programs, by the ending of the file: .json and .ubj for XGBoost, .txt for
LightGBM, .onnx for ONNX. They are those of a lesion, for a model of plaques; a
model of train --table must be a single boosting.`,
		Example: "  plaquerisk model\n  plaquerisk model model.json > card.md\n  plaquerisk model model.json --pdf card.pdf\n  plaquerisk model any.json --export any.onnx",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := ""
			if len(args) > 0 {
				path = args[0]
			}
			if export != "" {
				return a.exportModel(path, export, overwrite)
			}
			card, err := cardOf(path)
			if err != nil {
				return err
			}
			if pdf == "" && asJSON == "" {
				return card.Markdown(a.stdout)
			}
			return a.writeCard(card, pdf, asJSON, overwrite)
		},
	}
	cmd.Flags().StringVar(&export, "export", "", "`FILE`.json, .ubj, .txt or .onnx to write")
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "replace --export, --pdf and --json")
	cmd.Flags().StringVar(&pdf, "pdf", "", "card to write as `FILE`.pdf instead of Markdown")
	cmd.Flags().StringVar(&asJSON, "json", "", "card to write as `FILE`.json instead of Markdown")
	return cmd
}

// cardOf returns the card of the model at path, the shipped one if it is empty.
func cardOf(path string) (*reports.Card, error) {
	trained, err := isTrained(path)
	if err != nil {
		return nil, err
	}
	if trained {
		m, err := openTrained(path)
		if err != nil {
			return nil, err
		}
		return tableModelCard(m)
	}
	m, err := pipeline.LoadModel(path)
	if err != nil {
		return nil, err
	}
	return plaqueCard(m), nil
}

// writeCard writes a card as PDF and JSON where these are asked for.
func (a *app) writeCard(card *reports.Card, pdf, asJSON string, overwrite bool) error {
	if err := fresh(overwrite, pdf, asJSON); err != nil {
		return err
	}
	cfg, _, err := a.settings()
	if err != nil {
		return err
	}
	if pdf != "" {
		if err := a.writeFile(pdf, func(w io.Writer) error { return card.PDF(w, cfg.Report) }); err != nil {
			return err
		}
	}
	if asJSON == "" {
		return nil
	}
	return a.writeFile(asJSON, func(w io.Writer) error { return writeIndented(w, card) })
}

// plaqueCard is the card of a model of plaques.
func plaqueCard(m *classifier.Model) *reports.Card {
	c, t, b := m.Card, m.Training, m.Settings.Boosting
	count := map[string]int{}
	for _, col := range m.Schema.Columns() {
		count[col.Modality]++
	}
	var modalities []string
	for _, name := range m.Settings.Modalities {
		modalities = append(modalities, fmt.Sprintf("%d %s", count[name], name))
	}
	auc := func(x [3]risk.Number) string { return aucText(x) + ", 95 % interval in brackets" }
	purpose := "What it is for: research on the outcome above, in patients, scanners and segmentations like those of the training data. " +
		"What it is not for: decisions about a patient. "
	if strings.Contains(strings.ToLower(c.Label), "synthetic") {
		purpose = "What it is for: to show that the line from a CT series to a report works, and to test it. What it is not for: any statement " +
			"about a patient. "
	}
	card := &reports.Card{Name: c.Name, Label: sentence(c.Label), Program: version.Program + " " + version.Version, Notes: []string{}, Rows: [][2]string{
		{"label", c.Label},
		{"outcome", orNotStated(c.Outcome)},
		{"trained on", orNotStated(c.Trained)},
		{"training data", fmt.Sprintf("%d patients (%d positive), %d arteries (%d positive), %d lesions", t.Patients, t.PositivePatients, t.Arteries, t.PositiveArteries, t.Lesions)},
		{"features", strings.Join(modalities, ", ")},
		{"learner", fmt.Sprintf("gradient-boosted trees: %d bags of patients, %d rounds, depth %d, learning rate %g", b.Bags, b.Rounds, b.MaxDepth, b.LearningRate)},
		{"levels", m.Settings.Aggregation.String()},
		{"AUC by artery, cross-validated", auc(c.ArteryAUC)},
		{"AUC by patient, cross-validated", auc(c.PatientAUC)},
	}}
	for _, x := range c.Without {
		card.Rows = append(card.Rows, [2]string{"AUC without " + x.Modality + ", by artery and by patient", auc(x.ArteryAUC) + "; " + auc(x.PatientAUC)})
	}
	card.Rows = append(card.Rows, [2]string{"training table", "SHA-256 " + t.Fingerprint}, [2]string{"model", "SHA-256 " + m.SHA256()})
	card.Text = purpose + "Probabilities are those of the training cohort; they are not calibrated for any other. The interval of a " +
		"score is the spread of the ensemble over patients drawn anew; it does not contain errors of the image, the segmentation " +
		"or the mechanics. Features outside the training range are named in every report. The model refuses a table in which a " +
		"column that it needs is missing or has another unit or definition."
	return card
}

// sentence starts s with a capital letter.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func orNotStated(s string) string {
	if s == "" {
		return "not stated"
	}
	return s
}
