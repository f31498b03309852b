package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/classifier"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/risk"
)

// modelCard prints what a model is, and writes it for other programs.
func (a *app) modelCard() *cobra.Command {
	var export string
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "model [MODEL.json]",
		Short: "Print the card of a model, the shipped one by default, as Markdown, or export it",
		Long: `Model prints the card of a model. With --export it writes its trees for other
programs, by the ending of the file: .json and .ubj for XGBoost, .txt for
LightGBM, .onnx for ONNX. They are those of a lesion, for a model of plaques; a
model of train --table must be a single boosting.`,
		Example: "  plaquerisk model\n  plaquerisk model model.json > card.md\n  plaquerisk model any.json --export any.onnx",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := ""
			if len(args) > 0 {
				path = args[0]
			}
			if export != "" {
				return a.exportModel(path, export, overwrite)
			}
			if trained, err := isTrained(path); err != nil {
				return err
			} else if trained {
				m, err := openTrained(path)
				if err != nil {
					return err
				}
				return writeTableCard(a.stdout, m)
			}
			m, err := pipeline.LoadModel(path)
			if err != nil {
				return err
			}
			return writeCard(a.stdout, m)
		},
	}
	cmd.Flags().StringVar(&export, "export", "", "`FILE`.json, .ubj, .txt or .onnx to write")
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "replace --export")
	return cmd
}

func writeCard(w io.Writer, m *classifier.Model) error {
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
	purpose := "What it is for: research on the outcome above, in patients, scanners and segmentations like those of the training data.\n" +
		"What it is not for: decisions about a patient. "
	if strings.Contains(strings.ToLower(c.Label), "synthetic") {
		purpose = "What it is for: to show that the line from a CT series to a report works, and to test it. What it is not for: any statement\n" +
			"about a patient. "
	}
	without := ""
	for _, x := range c.Without {
		without += fmt.Sprintf("| AUC without %s, by artery and by patient | %s; %s |\n", x.Modality, auc(x.ArteryAUC), auc(x.PatientAUC))
	}
	_, err := fmt.Fprintf(w, `# Model card: %s

**%s. RESEARCH USE ONLY. Not a medical device. Not for diagnosis or treatment.**

| | |
|---|---|
| label | %s |
| outcome | %s |
| trained on | %s |
| training data | %d patients (%d positive), %d arteries (%d positive), %d lesions |
| features | %s |
| learner | gradient-boosted trees: %d bags of patients, %d rounds, depth %d, learning rate %g |
| levels | %s |
| AUC by artery, cross-validated | %s |
| AUC by patient, cross-validated | %s |
%s| training table | SHA-256 %s |
| model | SHA-256 %s |

%sProbabilities are those of the training cohort; they are not calibrated for any other. The interval of a
score is the spread of the ensemble over patients drawn anew; it does not contain errors of the image, the segmentation
or the mechanics. Features outside the training range are named in every report. The model refuses a table in which a
column that it needs is missing or has another unit or definition.
`, c.Name, sentence(c.Label), c.Label, orNotStated(c.Outcome), orNotStated(c.Trained), t.Patients, t.PositivePatients, t.Arteries, t.PositiveArteries, t.Lesions,
		strings.Join(modalities, ", "), b.Bags, b.Rounds, b.MaxDepth, b.LearningRate, m.Settings.Aggregation, auc(c.ArteryAUC), auc(c.PatientAUC), without, t.Fingerprint, m.SHA256(), purpose)
	return err
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
