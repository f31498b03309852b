package classifier

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Others is the name of the contribution that stands for all features beyond
// the ten largest.
const Others = "all other features"

// largest is the number of contributions that a prediction names.
const largest = 10

// values returns the values of v in the order of the model's columns. It fails
// if a column is missing in v, or has another unit or definition; columns that
// the model does not know are ignored.
func (m *Model) values(v feature.Vector) ([]float64, error) {
	at, err := v.Schema.Match(&m.Schema)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", m.name(), err)
	}
	x := make([]float64, len(at))
	for n, c := range at {
		if math.IsInf(v.Values[c], 0) {
			return nil, fmt.Errorf("model %s: column %q: infinite value", m.name(), v.Schema.Column(c).Name)
		}
		x[n] = v.Values[c]
	}
	return x, nil
}

func (m *Model) name() string {
	if m.Card.Name == "" {
		return "without name"
	}
	return fmt.Sprintf("%q", m.Card.Name)
}

// Predict scores one lesion. Low and High are the 2.5th and 97.5th percentile
// of the members of the ensemble; they show how much the answer depends on
// which patients were seen, not how far the truth may be.
func (m *Model) Predict(v feature.Vector) (risk.Prediction, error) {
	x, err := m.values(v)
	if err != nil {
		return risk.Prediction{}, err
	}
	p, _ := m.predict(x)
	return p, nil
}

// predict returns the prediction of a row of the model's columns, and the
// probability of each member.
func (m *Model) predict(x []float64) (risk.Prediction, []float64) {
	members := make([]float64, len(m.Ensemble.Bags))
	m.Ensemble.Members(members, x)
	for b, f := range members {
		members[b] = Logistic(f)
	}
	phi := make([]float64, len(x))
	p := risk.Prediction{Probability: Logistic(m.Ensemble.LogOdds(x)), Base: m.Ensemble.Contributions(phi, x)}
	p.Low, p.High = interval(members, p.Probability)
	p.Contributions = m.contributions(phi, x)
	return p, members
}

// interval returns the 2.5th and 97.5th percentile of members, widened to hold p.
func interval(members []float64, p float64) (low, high float64) {
	s := slices.Sorted(slices.Values(members))
	return min(quantile(s, 0.025), p), max(quantile(s, 0.975), p)
}

// contributions returns the largest entries of phi, largest first, and the sum
// of the others.
func (m *Model) contributions(phi, x []float64) []risk.Contribution {
	order := make([]int, 0, len(phi))
	for c, f := range phi {
		if f != 0 {
			order = append(order, c)
		}
	}
	// Columns stand in the order of their names: stable sorting breaks ties.
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(math.Abs(phi[b]), math.Abs(phi[a])) })
	var list []risk.Contribution
	for _, c := range order[:min(largest, len(order))] {
		col := m.Schema.Column(c)
		list = append(list, risk.Contribution{Feature: col.Name, Value: risk.Number(x[c]), Unit: col.Unit,
			LogOdds: phi[c], Percentile: risk.Number(m.Ranges[c].Percentile(x[c]))})
	}
	if len(order) > largest {
		var rest float64
		for _, c := range order[largest:] {
			rest += phi[c]
		}
		list = append(list, risk.Contribution{Feature: Others, Value: risk.NaN(), LogOdds: rest, Percentile: risk.NaN()})
	}
	return list
}

// OutOfRange names the features of v that lie outside the training range, in
// the order of their names.
func (m *Model) OutOfRange(v feature.Vector) ([]string, error) {
	x, err := m.values(v)
	if err != nil {
		return nil, err
	}
	var names []string
	for c := range x {
		if m.Ranges[c].Outside(x[c]) {
			names = append(names, m.Schema.Column(c).Name)
		}
	}
	return names, nil
}

// Lesion is a plaque to be scored.
type Lesion struct {
	Name     string // "LAD-1"
	Artery   string // "LAD"
	Features feature.Vector
	// Reason, if not empty, says why Features could not be computed.
	Reason string
}

// ArteryScore is the score of one artery.
type ArteryScore struct {
	Name string
	risk.Level
}

// Scores are the scores of one patient.
type Scores struct {
	Lesions    []risk.Level // as many as lesions were given
	Arteries   []ArteryScore
	Patient    risk.Level
	OutOfRange []string // features of any lesion outside the training range
	Notes      []risk.Note
}

// Score scores the lesions of a patient, its arteries from their lesions and
// the patient from its arteries. arteries are those that were looked at, with
// or without plaque, in the order wanted; the artery of each lesion must be
// among them. Whole and parts are combined member by member, so that Low and
// High of an artery or patient come from the same ensemble.
//
// What cannot be scored has no prediction and a reason. An artery without
// plaque has the rate of such arteries in training; if there were none, it is
// not scored, and the patient is scored without it.
func (m *Model) Score(lesions []Lesion, arteries []string) (*Scores, error) {
	s := &Scores{Lesions: make([]risk.Level, len(lesions))}
	members := make([][]float64, len(lesions))
	outside := make(map[string]bool)
	for n, l := range lesions {
		if !slices.Contains(arteries, l.Artery) {
			return nil, fmt.Errorf("lesion %s: artery %q is not among %q", l.Name, l.Artery, arteries)
		}
		if l.Reason != "" {
			s.Lesions[n].Reason = l.Reason
			continue
		}
		x, err := m.values(l.Features)
		if err != nil {
			return nil, fmt.Errorf("lesion %s: %w", l.Name, err)
		}
		if reason := m.unscorable(x); reason != "" {
			s.Lesions[n].Reason = reason
			continue
		}
		p, mem := m.predict(x)
		s.Lesions[n].Prediction = &p
		members[n] = mem
		s.noteMissing(m, l.Name, x)
		for c := range x {
			if m.Ranges[c].Outside(x[c]) {
				outside[m.Schema.Column(c).Name] = true
			}
		}
	}
	for c := range m.Schema.Len() {
		if name := m.Schema.Column(c).Name; outside[name] {
			s.OutOfRange = append(s.OutOfRange, name)
		}
	}
	if len(s.OutOfRange) > 0 {
		s.Notes = append(s.Notes, risk.Note{Code: "PLQ-511", Severity: risk.Warning, Text: fmt.Sprintf(
			"%d of %d features lie outside the range of the training cohort (%s). The score extrapolates and is less certain.",
			len(s.OutOfRange), m.Schema.Len(), some(s.OutOfRange, 3))})
	}

	var whole []part
	var unscored []string
	for _, name := range arteries {
		a := ArteryScore{Name: name}
		var parts []part
		count := 0
		for n, l := range lesions {
			if l.Artery != name {
				continue
			}
			count++
			if p := s.Lesions[n].Prediction; p != nil {
				parts = append(parts, part{p, members[n]})
			}
		}
		switch {
		case len(parts) > 0:
			p := combine(m.Settings.Aggregation.Artery, parts)
			a.Prediction = p.Prediction
			whole = append(whole, p)
		case count > 0:
			a.Reason = "none of its lesions could be scored"
			unscored = append(unscored, name)
		case m.EmptyArteries == 0:
			a.Reason = "no plaque"
		default:
			a.Reason = fmt.Sprintf("no plaque: rate of the %d such arteries in training", m.EmptyArteries)
			p := part{Prediction: &risk.Prediction{Probability: Logistic(m.Empty), Base: m.Empty}}
			p.Low, p.High = p.Probability, p.Probability
			p.members = slices.Repeat([]float64{p.Probability}, len(m.Ensemble.Bags))
			a.Prediction = p.Prediction
			whole = append(whole, p)
		}
		s.Arteries = append(s.Arteries, a)
	}
	if len(unscored) > 0 {
		s.Notes = append(s.Notes, risk.Note{Code: "PLQ-512", Severity: risk.Warning, Where: strings.Join(unscored, ", "),
			Text: "None of the lesions could be scored; the patient's score does not count them and may be too low."})
	}
	switch {
	case len(whole) > 0:
		s.Patient.Prediction = combine(m.Settings.Aggregation.Patient, whole).Prediction
	case len(unscored) > 0:
		s.Patient.Reason = "no lesion could be scored"
	default:
		s.Patient.Reason = "no plaque"
	}
	return s, nil
}

// unscorable says why a row of the model's columns should not be scored: it has
// no value at all, or none of an image or mechanics modality that the model was
// trained with. Trees would answer, but with the default for a whole modality,
// which must not be shown as a result, unless the model was trained for patients
// who lack one ([Boosting.ModalityDropout]). Empty: it can be scored.
func (m *Model) unscorable(x []float64) string {
	if !slices.ContainsFunc(x, func(v float64) bool { return !math.IsNaN(v) }) {
		return "no feature that the model needs could be computed"
	}
	for _, modality := range []string{feature.Radiomics, feature.Biomechanics} {
		if m.Settings.Boosting.ModalityDropout == 0 && m.lacks(x, modality) {
			return "no " + modality + " feature could be computed, and the model was trained with them"
		}
	}
	return ""
}

// lacks tells whether the model has columns of a modality and a row has none of
// their values.
func (m *Model) lacks(x []float64, modality string) bool {
	needed := false
	for c := range x {
		if m.Schema.Column(c).Modality == modality {
			if needed = true; !math.IsNaN(x[c]) {
				return false
			}
		}
	}
	return needed
}

// noteMissing adds a note if features of a lesion are missing.
func (s *Scores) noteMissing(m *Model, lesion string, x []float64) {
	var missing []string
	for c := range x {
		if math.IsNaN(x[c]) {
			missing = append(missing, m.Schema.Column(c).Name)
		}
	}
	for _, w := range m.Card.Without {
		if m.lacks(x, w.Modality) {
			s.Notes = append(s.Notes, risk.Note{Code: "PLQ-510", Severity: risk.Warning, Where: lesion, Text: fmt.Sprintf(
				"No %s feature is known. The score is that of a patient who lacks them: in cross-validation its AUC by artery was %.2f, and with all features %.2f.",
				w.Modality, w.ArteryAUC[0], m.Card.ArteryAUC[0])})
		}
	}
	if len(missing) > 0 {
		s.Notes = append(s.Notes, risk.Note{Code: "PLQ-510", Severity: risk.Warning, Where: lesion, Text: fmt.Sprintf(
			"%d of %d features of the model are missing (%s); the trees treat them as they learnt to, and the score is less certain.",
			len(missing), len(x), some(missing, 3))})
	}
}

// some joins the first n names and says how many more there are.
func some(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

// part is a prediction with the probabilities of the members behind it.
type part struct {
	*risk.Prediction
	members []float64
}

// combine applies rule to the parts and to each member of the ensemble. The
// contributions are those of the one part that decides, if the rule has such a
// part; otherwise there are none, and Base is the log-odds of the result.
func combine(rule Rule, parts []part) part {
	p := make([]float64, len(parts))
	for n := range parts {
		p[n] = parts[n].Probability
	}
	whole := part{&risk.Prediction{Probability: rule.Combine(p)}, make([]float64, len(parts[0].members))}
	for b := range whole.members {
		for n := range parts {
			p[n] = parts[n].members[b]
		}
		whole.members[b] = rule.Combine(p)
	}
	whole.Low, whole.High = interval(whole.members, whole.Probability)
	decides := -1
	if len(parts) == 1 {
		decides = 0
	} else if rule == Max {
		decides = slices.IndexFunc(parts, func(q part) bool { return q.Probability == whole.Probability })
	}
	if decides >= 0 {
		whole.Base = parts[decides].Base
		whole.Contributions = slices.Clone(parts[decides].Contributions)
	} else {
		whole.Base = Logit(whole.Probability)
	}
	return whole
}
