package coronary

import (
	"math"

	"github.com/plaquerisk/plaquerisk/feature"
)

// signs is the table of the features of [Signs]. A sign is 1 or 0, and undefined
// if it could not be looked for.
var signs = []struct {
	feature.Column
	value func(s *Signs) float64
}{
	{column("hrp.low_attenuation", "1", highRisk, "one voxel below 30 HU", "1: the plaque has low attenuation; 0: not."), func(s *Signs) float64 { return s.LowAttenuation.number() }},
	{column("hrp.positive_remodelling", "1", highRisk, "remodelling index of 1.1 or more", "1: the vessel is remodelled outwards; 0: not."), func(s *Signs) float64 { return s.PositiveRemodelling.number() }},
	{column("hrp.spotty_calcium", "1", highRisk, spot, "1: there is a spot of calcium; 0: not."), func(s *Signs) float64 { return s.SpottyCalcium.number() }},
	{column("hrp.spots", "1", highRisk, spot, "Number of spots of calcium."), func(s *Signs) float64 { return s.SpottyCalcium.measured(float64(s.Spots)) }},
	{column("hrp.napkin_ring", "1", highRisk, napkin, "1: a napkin ring over a millimetre or more; 0: not."), func(s *Signs) float64 { return s.NapkinRing.number() }},
	{column("hrp.napkin_ring_length", "mm", highRisk, napkin, "Longest stretch of sections in a row that show the ring."), func(s *Signs) float64 { return s.NapkinRing.measured(s.NapkinLength) }},
	{column("hrp.count", "1", highRisk, "all four looked for", "Number of signs of a high-risk plaque, 0 to 4; undefined if one could not be looked for."), (*Signs).complete},
}

const (
	highRisk = "CAD-RADS 2.0"
	spot     = "0.2 mm³ or more, below 3 mm in every direction, beside other plaque"
	napkin   = "core below 30 HU within 0.6 mm of the lumen, rim up to 130 HU and 25 HU above it"
)

// number returns 1 for yes, 0 for no and NaN for unknown.
func (k Known) number() float64 {
	switch k {
	case Yes:
		return 1
	case No:
		return 0
	}
	return math.NaN()
}

// measured returns x, which was measured to answer k, NaN for an unknown answer.
func (k Known) measured(x float64) float64 {
	if k == Unknown {
		return math.NaN()
	}
	return x
}

// complete returns the number of signs if all were looked for.
func (s *Signs) complete() float64 {
	if len(s.Unknown) > 0 {
		return math.NaN()
	}
	return float64(s.Count())
}

var signSchema = func() feature.Schema {
	var cols []feature.Column
	for _, s := range signs {
		cols = append(cols, s.Column)
	}
	return feature.MustSchema(cols...)
}()

// SignColumns returns the columns of [Signs.Vector], in order.
func SignColumns() []feature.Column { return signSchema.Columns() }

// Vector returns the signs as features.
func (s *Signs) Vector() feature.Vector {
	v := feature.NewVector(signSchema)
	for n, x := range signs {
		v.Values[n] = x.value(s)
	}
	return v
}
