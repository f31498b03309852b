package pipeline

import (
	"context"
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/classifier"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/risk"
)

// score predicts every lesion, artery and the patient. A lesion whose wall
// stress could not be computed is not scored by a model that was trained with
// it: a default for a whole modality would be shown as if it were a result.
func (a *assessment) score(context.Context) error {
	reason := ""
	switch {
	case a.model == nil:
		reason = "no model was given"
	case len(a.out.Lesions) == 0:
		reason = "no plaque was found"
	}
	if reason != "" {
		a.out.Patient.Reason = reason
		for n := range a.out.Arteries {
			a.out.Arteries[n].Reason = reason
		}
		for n := range a.out.Lesions {
			a.out.Lesions[n].Reason = reason
		}
		return nil
	}
	needs := map[string]bool{}
	for _, c := range a.model.Schema.Columns() {
		needs[c.Modality] = true
	}
	lesions := make([]classifier.Lesion, len(a.out.Lesions))
	for n, l := range a.out.Lesions {
		lesions[n] = classifier.Lesion{Name: l.Name, Artery: string(l.Artery),
			Features: feature.Vector{Schema: a.schema, Values: a.rows[n].Values}}
		if missing := missingModality(lesions[n].Features, needs); missing != "" {
			lesions[n].Reason = fmt.Sprintf("the model needs %s features, which could not be computed", missing)
			a.out.Lesions[n].Notes = append(a.out.Lesions[n].Notes, risk.Note{Code: "PLQ-616", Severity: risk.Warning, Where: l.Name,
				Text: "Not scored: " + lesions[n].Reason + "."})
		}
	}
	var arteries []string
	for _, ar := range a.out.Arteries {
		arteries = append(arteries, string(ar.Name))
	}
	s, err := a.model.Score(lesions, arteries)
	if err != nil {
		return fail(BadConfig, "PLQ-603", fmt.Errorf("the model does not fit these settings: %w", err))
	}
	for n := range s.Lesions {
		a.out.Lesions[n].Level = s.Lesions[n]
	}
	for n := range s.Arteries {
		a.out.Arteries[n].Level = s.Arteries[n].Level
	}
	a.out.Patient = s.Patient
	a.out.Model = a.model.Extract(s.OutOfRange)
	a.note(s.Notes...)
	return nil
}

// missingModality returns a needed modality of which v has no value at all.
func missingModality(v feature.Vector, needs map[string]bool) string {
	known := map[string]bool{}
	for n, x := range v.Values {
		if !math.IsNaN(x) {
			c := v.Schema.Column(n)
			known[c.Modality] = true
		}
	}
	for _, m := range []string{feature.Radiomics, feature.Biomechanics, feature.Anatomy} {
		if needs[m] && !known[m] {
			return m
		}
	}
	return ""
}
