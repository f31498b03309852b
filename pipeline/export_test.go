package pipeline

import (
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/sr"
	"github.com/plaquerisk/plaquerisk/fem"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Every number of a report has a code and a unit that fit, and no two of a group
// have the same meaning.
func TestExportCodes(t *testing.T) {
	all := append(anatomyOf(&risk.Measures{}), stressOf(&risk.StressSummary{})...)
	all = append(all, scoreOf(&risk.Level{Prediction: &risk.Prediction{}})...)
	for _, c := range fem.Columns(fem.DefaultConfig()) {
		all = append(all, sr.Measurement{Concept: markerCode(c.Name), Unit: ucum(c.Unit)})
	}
	type meaning struct{ concept, derivation object.Code }
	seen := map[meaning]bool{}
	for _, m := range all {
		for _, c := range []object.Code{m.Concept, m.Unit, m.Derivation} {
			if m.Derivation == (object.Code{}) && c == m.Derivation {
				continue
			}
			if c.Value == "" || len(c.Value) > 16 || c.Scheme == "" || c.Meaning == "" || len(c.Meaning) > 64 {
				t.Errorf("%s: code %+v", m.Concept.Meaning, c)
			}
		}
		if strings.HasPrefix(m.Unit.Value, "{") {
			t.Errorf("%s: unit %s is not of UCUM", m.Concept.Meaning, m.Unit.Meaning)
		}
		if k := (meaning{m.Concept, m.Derivation}); seen[k] {
			t.Errorf("%+v stands twice", k)
		} else {
			seen[k] = true
		}
	}
}
