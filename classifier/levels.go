package classifier

import (
	"fmt"
	"math"
	"slices"
)

// Rule combines probabilities of parts to that of the whole.
type Rule string

// The rules. All are monotone, independent of order, and leave one part as it
// is; see docs/theory/classifier.md.
const (
	// Max takes the largest: the whole is as bad as its worst part.
	Max Rule = "max"
	// NoisyOr is 1 − Π(1 − pᵢ): the whole fails if any part does, independently.
	NoisyOr Rule = "noisy_or"
	// Mean is the average.
	Mean Rule = "mean"
	// TopTwo is the average of the two largest: the worst part, unless it stands alone.
	TopTwo Rule = "top_2"
	// LogSumExp is a smooth maximum, between the average and the largest:
	//
	//	1/r ln (1/n Σ exp r pᵢ)    with r = 8                         (C.11)
	LogSumExp Rule = "log_sum_exp"
)

// sharpness is r of [LogSumExp].
const sharpness = 8

// Rules are all rules.
var Rules = []Rule{Max, NoisyOr, Mean, TopTwo, LogSumExp}

// Combine returns the probability of the whole. It panics without parts: what
// an artery without plaque is worth is for the model to say.
func (r Rule) Combine(p []float64) float64 {
	if len(p) == 0 {
		panic("classifier: Combine: no probabilities")
	}
	switch r {
	case Max:
		return slices.Max(p)
	case NoisyOr:
		if len(p) == 1 {
			return p[0]
		}
		// Sorted, so that the last bit does not depend on the order of parts.
		s := slices.Sorted(slices.Values(p))
		q := 1.0
		for _, x := range s {
			q *= 1 - x
		}
		return 1 - q
	case Mean:
		s := slices.Sorted(slices.Values(p))
		var sum float64
		for _, x := range s {
			sum += x
		}
		return min(sum/float64(len(p)), s[len(s)-1])
	case TopTwo:
		s := slices.Sorted(slices.Values(p))
		return s[len(s)-1]/2 + s[max(0, len(s)-2)]/2
	case LogSumExp:
		s := slices.Sorted(slices.Values(p))
		top := s[len(s)-1]
		var sum float64
		for _, x := range s {
			sum += math.Exp(sharpness * (x - top))
		}
		return max(0, top+math.Log(sum/float64(len(s)))/sharpness)
	}
	panic(fmt.Sprintf("classifier: unknown rule %q", r))
}

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
func (r Rule) combineUnits(units []Unit, p []float64) []float64 {
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
	artery = a.Artery.combineUnits(arteries, rows)
	return artery, a.Patient.combineUnits(patients, artery)
}
