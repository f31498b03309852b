package classifier

import (
	"fmt"
	"slices"

	"github.com/plaquerisk/plaquerisk/classifier/levels"
)

// Rule combines probabilities of parts to that of the whole.
type Rule = levels.Rule

// The rules.
const (
	Max       = levels.Max
	NoisyOr   = levels.NoisyOr
	Mean      = levels.Mean
	TopTwo    = levels.TopTwo
	LogSumExp = levels.LogSumExp
)

// Rules are all rules.
var Rules = levels.Rules

// Aggregation says how lesions make an artery and arteries a patient.
type Aggregation struct {
	// Artery is the rule from the lesions of an artery to the artery: max, noisy_or, mean, top_2 or log_sum_exp.
	Artery Rule `yaml:"artery" json:"artery"`
	// Patient is the rule from the arteries of a patient to the patient: max, noisy_or, mean, top_2 or log_sum_exp.
	Patient Rule `yaml:"patient" json:"patient"`
}

// String names both rules.
func (a Aggregation) String() string {
	return fmt.Sprintf("lesion to artery by %s, artery to patient by %s", a.Artery, a.Patient)
}

// Unit is one artery or one patient with its rows.
type Unit struct {
	ArteryID       // Case and Artery are empty for a patient
	Group    int   // patient, a place in Data.Patients
	Label    int   // 0 or 1; a patient is positive if one of its arteries is
	Parts    []int // rows of an artery; places in the arteries' list for a patient
}

// ArteryUnits returns the arteries of d that have rows, in the order of their
// identifiers. Data without arteries has one per row.
func ArteryUnits(d *Data) []Unit {
	var units []Unit
	if d.Unit == nil {
		for r := range d.Y {
			units = append(units, Unit{ArteryID: ArteryID{Patient: d.Patients[d.Group[r]]}, Group: d.Group[r], Label: int(d.Y[r]), Parts: []int{r}})
		}
		return units
	}
	rows := make([][]int, len(d.Arteries))
	for r, u := range d.Unit {
		rows[u] = append(rows[u], r)
	}
	for u, parts := range rows {
		if len(parts) > 0 {
			r := parts[0]
			units = append(units, Unit{ArteryID: d.Arteries[u], Group: d.Group[r], Label: int(d.Y[r]), Parts: parts})
		}
	}
	return units
}

// PatientUnits returns the patients of the arteries, in the order of their
// identifiers. Arteries of several scans of one patient count together.
func PatientUnits(arteries []Unit) []Unit {
	var units []Unit
	at := make(map[int]int)
	for n, a := range arteries {
		u, ok := at[a.Group]
		if !ok {
			u = len(units)
			at[a.Group] = u
			units = append(units, Unit{ArteryID: ArteryID{Patient: a.Patient}, Group: a.Group})
		}
		units[u].Parts = append(units[u].Parts, n)
		units[u].Label = max(units[u].Label, a.Label)
	}
	slices.SortFunc(units, func(a, b Unit) int { return a.Group - b.Group })
	return units
}

// combineUnits returns the probability of each unit from those of its parts.
func combineUnits(r Rule, units []Unit, p []float64) []float64 {
	q := make([]float64, len(units))
	var parts []float64
	for n, u := range units {
		parts = parts[:0]
		for _, part := range u.Parts {
			parts = append(parts, p[part])
		}
		q[n] = r.Combine(parts)
	}
	return q
}

// Levels returns the probabilities of arteries and patients from those of rows.
func (a Aggregation) Levels(arteries, patients []Unit, rows []float64) (artery, patient []float64) {
	artery = combineUnits(a.Artery, arteries, rows)
	return artery, combineUnits(a.Patient, patients, artery)
}
