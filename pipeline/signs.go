package pipeline

import (
	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/risk"
)

// anatomyColumns returns the columns of anatomy: measures of the plaque, signs
// of high risk, fat around its artery.
func anatomyColumns() []feature.Column {
	cols := append(coronary.Columns(), coronary.SignColumns()...)
	return append(cols, coronary.FatColumns()...)
}

// anatomyVector returns the features of [anatomyColumns] of plaque p.
func (a *assessment) anatomyVector(p *coronary.Plaque, m *coronary.Measures, s *coronary.Signs) (feature.Vector, error) {
	return feature.Join(m.Vector(), s.Vector(), a.fat[p.Artery].Vector())
}

// signsOf converts the signs to their place in the contract.
func signsOf(s *coronary.Signs) *risk.Signs {
	answer := func(k coronary.Known) *bool {
		if k == coronary.Unknown {
			return nil
		}
		yes := k == coronary.Yes
		return &yes
	}
	v := s.Vector()
	out := &risk.Signs{
		LowAttenuation: answer(s.LowAttenuation), PositiveRemodelling: answer(s.PositiveRemodelling),
		SpottyCalcium: answer(s.SpottyCalcium), NapkinRing: answer(s.NapkinRing),
		Count: s.Count(), HighRisk: s.HighRisk(), LowMM3: risk.Number(s.LowVolume), Spots: s.Spots,
		NapkinMM: risk.Number(v.Get("anatomy.hrp.napkin_ring_length")), Unknown: []string{},
	}
	out.Unknown = append(out.Unknown, s.Unknown...)
	return out
}

// segmentNames returns the segments in which a plaque lies.
func (a *assessment) segmentNames(p *coronary.Plaque) []string {
	names := []string{}
	v := a.vessel(p.Artery)
	if v == nil {
		return names
	}
	for _, s := range coronary.SegmentsOf(v.Segments(), p.From, p.To) {
		names = append(names, s.String())
	}
	return names
}
