package pipeline

import (
	"math"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// measures converts anatomy to its place in the contract.
func measures(m *coronary.Measures) risk.Measures {
	n := func(x float64) risk.Number { return risk.Number(x) }
	return risk.Measures{
		LengthMM: n(m.Length), PlaqueMM3: n(m.Plaque), LowAttenuation: n(m.LowAttenuation), FibroFatty: n(m.FibroFatty),
		Fibrous: n(m.Fibrous), Calcified: n(m.Calcified), PercentAtheroma: n(m.PercentAtheroma),
		DiameterStenosis: n(m.DiameterStenosis), AreaStenosis: n(m.AreaStenosis),
		MinLumenArea: n(m.MinLumenArea), MinLumenDiameter: n(m.MinLumenDiameter),
		Remodelling: n(m.Remodelling), PlaqueBurden: n(m.Burden),
		CapMM: n(m.Cap), CapBelowVoxel: m.CapBelowVoxel,
	}
}

// intervalsOf converts intervals to their place in the contract.
func intervalsOf(i *coronary.Intervals) *risk.Intervals {
	n := func(x coronary.Interval) [2]risk.Number {
		return [2]risk.Number{risk.Number(x.Low), risk.Number(x.High)}
	}
	return &risk.Intervals{
		OffsetMM: i.Offset, DiameterStenosis: n(i.DiameterStenosis), AreaStenosis: n(i.AreaStenosis),
		MinLumenArea: n(i.MinLumenArea), MinLumenDiameter: n(i.MinLumenDiameter), Remodelling: n(i.Remodelling),
		PlaqueBurden: n(i.Burden), PlaqueMM3: n(i.Plaque), PercentAtheroma: n(i.PercentAtheroma), CapMM: n(i.Cap),
	}
}

// undefinedMeasures are the measures of an artery that was not traced.
func undefinedMeasures() risk.Measures {
	m := coronary.Measure(nil, nil, nil)
	return measures(&m)
}

// meanHU returns the mean of the voxels of roi, whose grid lies on the voxels
// of vol; NaN for an empty roi.
func meanHU(vol *imaging.Volume, roi *imaging.Mask) float64 {
	var sum float64
	n := 0
	visit(vol, roi, func(_, _, _ int, hu float64) { sum += hu; n++ })
	return sum / float64(n)
}

// visit calls f for every voxel of roi with its place and value in vol, in the
// order of memory. Voxels outside vol are left out.
func visit(vol *imaging.Volume, roi *imaging.Mask, f func(i, j, k int, hu float64)) {
	x, y, z := vol.Index(roi.Origin)
	oi, oj, ok := int(math.Round(x)), int(math.Round(y)), int(math.Round(z))
	for k := range roi.Size[2] {
		for j := range roi.Size[1] {
			for i := range roi.Size[0] {
				if roi.In[roi.Offset(i, j, k)] && vol.Inside(i+oi, j+oj, k+ok) {
					f(i+oi, j+oj, k+ok, vol.At(i+oi, j+oj, k+ok))
				}
			}
		}
	}
}
