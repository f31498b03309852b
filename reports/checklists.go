package reports

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/plaquerisk/plaquerisk/risk"
)

// Checklist is a reporting checklist that is filled in as far as an evaluation
// knows. The items are those of the publication by number; what they ask for is
// in our words, and the publication's count.
type Checklist struct {
	Name   string // "tripod_ai"
	Source string
	items  []item
}

// item is one item of a checklist. What the program knows is said by fact, a key
// of [facts]; what it cannot know is for the author.
type item struct {
	number string
	asks   string
	fact   string // keys, apart by blanks; empty: the program knows nothing
	author string // what is left to write; empty: nothing
	weight string // of METRICS
}

// Checklists are TRIPOD+AI, CLEAR and METRICS.
var Checklists = []Checklist{
	{"tripod_ai", "Collins GS et al., TRIPOD+AI statement, BMJ 2024;385:e078378", tripod},
	{"clear", "Kocak B et al., CLEAR, Insights Imaging 2023;14:75", clear58},
	{"metrics", "Kocak B et al., METRICS, Insights Imaging 2024;15:8", metrics30},
}

// Write writes the checklist as CSV: item, what it asks for, what the program
// knows, what the author must add, and for METRICS the weight.
func (c *Checklist) Write(w io.Writer, e *risk.Evaluation) error {
	known := facts(e)
	out := csv.NewWriter(w)
	weighted := c.items[0].weight != ""
	head := []string{"item", "asks_for", "known_to_the_program", "author_must_add", "state"}
	if weighted {
		head = append(head, "weight")
	}
	if err := out.Write(head); err != nil {
		return err
	}
	for _, x := range c.items {
		var parts []string
		for _, key := range strings.Fields(x.fact) {
			text, ok := known[key]
			if !ok {
				panic("reports: checklist " + c.Name + ": no fact " + key)
			}
			if text != "" {
				parts = append(parts, text)
			}
		}
		state := "open"
		switch {
		case len(parts) > 0 && x.author == "":
			state = "filled"
		case len(parts) > 0:
			state = "partly filled"
		}
		line := []string{x.number, x.asks, strings.Join(parts, " "), x.author, state}
		if weighted {
			line = append(line, x.weight)
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// facts are sentences of an evaluation by key; empty where it does not know.
func facts(e *risk.Evaluation) map[string]string {
	f := map[string]string{
		"protocol": fmt.Sprintf("%d-fold cross-validation by patient, %d times, stratified by outcome, seed %d. %s", e.Protocol.Folds, e.Protocol.Repeats, e.Protocol.Seed, e.Protocol.Text),
		"learner":  "Learner: " + e.Protocol.Learner + "; " + e.Protocol.Aggregation + ".",
		"interval": "Intervals: " + e.Protocol.Interval + ".",
		"counts": fmt.Sprintf("%d patients (%d positive), %d arteries (%d positive), %d plaques.", e.Data.Patients, e.Data.PositivePatients,
			e.Data.Arteries, e.Data.PositiveArteries, e.Data.Lesions),
		"software":     fmt.Sprintf("Software: %s %s, open source, pure Go; settings in the annex of the report (SHA-256 %.12s); input table by hash.", e.Provenance.Program, e.Provenance.Version, e.Provenance.SettingsSHA256),
		"extraction":   "Features follow the definitions of the IBSI and are checked against its reference values (docs/verification.md); image types, resampling, discretisation and classes are in the settings of the extraction.",
		"balance":      "No rows were added or removed for balance; the threshold is the share of positives and probabilities are those of the cohort.",
		"missing":      "Missing values go the way in each split that lowered the loss in training; no value is filled in.",
		"measures":     "Discrimination: AUC, average precision, sensitivity, specificity, predictive values. Calibration: intercept, slope, in the large, ICI, E50, E90, Emax, smooth curve. Usefulness: decision curves.",
		"explanation":  "Exact Shapley values (TreeSHAP) out of fold, ranked, with the share of folds that use a feature.",
		"internal":     "Internal test by patient-grouped cross-validation; no patient was trained on and tested by one model.",
		"availability": "The program is open source; models are files with a card and a hash.",
		"tuning":       "The program chooses no setting on the test folds, and columns without outcomes.",
	}
	f["outcome"] = ""
	if o := strings.TrimSuffix(e.Outcome, "."); o != "" && o != "not stated" {
		f["outcome"] = "Event: " + o + "."
	}
	var flow []string
	for _, step := range e.Flow {
		line := fmt.Sprintf("%d %s", step.Count, step.Label)
		for _, x := range step.Excluded {
			line += fmt.Sprintf(" (left: %d %s)", x.Count, x.Reason)
		}
		flow = append(flow, line)
	}
	f["flow"] = listed("Flow: ", flow)
	var arms, auc, slope, brier []string
	for i := range e.Arms {
		a := &e.Arms[i]
		arms = append(arms, fmt.Sprintf("%s, %d features", a.Name, a.Columns))
		for _, l := range a.Levels {
			auc = append(auc, fmt.Sprintf("%s by %s %s", a.Name, l.Level, interval(l.AUC, 2)))
			brier = append(brier, fmt.Sprintf("%s by %s Brier %s, log loss %s", a.Name, l.Level, number(l.Brier, 3), number(l.LogLoss, 3)))
			text := fmt.Sprintf("%s by %s slope %s, intercept %s", a.Name, l.Level, number(l.CalSlope, 2), number(l.CalIntercept, 2))
			if l.Judged != nil {
				text += ", ICI " + number(l.Judged.ICI, 3)
			}
			slope = append(slope, text)
		}
	}
	f["arms"], f["auc"], f["calibration"], f["accuracy"] = listed("Sets of features: ", arms), listed("AUC: ", auc), listed("Calibration: ", slope), listed("Accuracy: ", brier)
	var diff, enough, lacking, top []string
	for _, d := range e.Comparison {
		diff = append(diff, fmt.Sprintf("%s less %s by %s %s, p %s", d.A, d.B, d.Level, interval(d.AUC, 2), pValue(d.P)))
	}
	for _, x := range e.Support {
		enough = append(enough, x.Arm+": "+strings.TrimSuffix(x.Text, "."))
	}
	for _, x := range e.Lacking {
		for _, l := range x.Levels {
			lacking = append(lacking, fmt.Sprintf("without %s by %s AUC %s", x.Modality, l.Level, interval(l.AUC, 2)))
		}
	}
	for _, x := range e.Importance[:min(5, len(e.Importance))] {
		top = append(top, x.Feature)
	}
	f["differences"], f["sample"], f["lacking"], f["top"] = listed("Differences of the AUC: ", diff), listed("", enough), listed("Patients who lack a modality: ", lacking), listed("Most important: ", top)
	f["stability"] = ""
	if s := e.Stability; s != nil {
		f["stability"] = fmt.Sprintf("Stability of the %d most important of %d features over the folds: Nogueira %s.", s.Features, s.Of, interval(s.Nogueira, 2))
	}
	f["failures"] = ""
	if n := len(e.Failures); n > 0 {
		f["failures"] = fmt.Sprintf("%d cases gave no result; they are listed with codes.", n)
	}
	f["baseline"] = ""
	if len(e.Data.Baseline) > 0 {
		f["baseline"] = fmt.Sprintf("Medians and quartiles of %d features in negative and positive arteries, with missing rows, are in the report.", len(e.Data.Baseline))
	}
	return f
}

// listed joins sentences, nothing of none.
func listed(head string, parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return head + strings.Join(parts, "; ") + "."
}
