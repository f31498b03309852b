package coronary

import (
	"fmt"
	"math"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// Scan is what a calcium score needs to know of an acquisition. The zero value
// of a field means that it is not known.
type Scan struct {
	KVp       float64 // peak tube voltage, kV
	Thickness float64 // slice thickness, mm
	Contrast  Known   // whether a contrast agent was given
	Gated     Known   // whether the scan was triggered by the ECG
}

// Known is a fact that may be unknown.
type Known int

// The three states of a fact.
const (
	Unknown Known = iota
	Yes
	No
)

// The limits of the Agatston score.
const (
	calciumHU      = 130.0 // threshold
	calciumArea    = 1.0   // least area of a lesion in a slice, mm²
	agatstonSlices = 3.0   // the slice increment that the score was defined on, mm
)

// Calcium is the amount of calcium in a non-contrast scan.
type Calcium struct {
	Agatston float64 // score
	Volume   float64 // mm³ at or above 130 HU
	Mass     float64 // mg; NaN without a calibration
	Lesions  int     // connected lesions in three dimensions
}

// ScoreCalcium scores the voxels of region (the coronary arteries, one mask or
// the union of all) in a non-contrast, ECG-gated scan at 120 kVp with slices of
// 2.5 to 3 mm (Agatston et al., J Am Coll Cardiol 15(4):827–832, 1990):
//
//	score = Σ_slices Σ_lesions A · w · Δz / 3 mm                       (C.6)
//
// A lesion is a connected set (eight neighbours) of pixels of at least 130 HU
// and 1 mm² in a slice; w is 1, 2, 3 or 4 for a peak from 130, 200, 300 or 400
// HU; Δz is the distance between slices. calibration in mg/cm³ per HU gives the
// mass (0 or NaN: none). Any other acquisition is refused, since its score would
// not compare: the error names what differs.
func ScoreCalcium(v *imaging.Volume, region *imaging.Mask, scan Scan, calibration float64) (Calcium, error) {
	if err := scan.Suits(v); err != nil {
		return Calcium{}, err
	}
	if region.Grid != v.Grid {
		return Calcium{}, fmt.Errorf("calcium score: the mask of the arteries has %v voxels and the CT %v, or lies elsewhere: match it to the CT first", region.Size, v.Size)
	}
	c := Calcium{Mass: math.NaN()}
	pixel, dz := v.Spacing[0]*v.Spacing[1], v.Spacing[2]
	dense := imaging.NewMask(v.Grid) // voxels of lesions that count
	var sum float64                  // HU of those voxels
	slice := imaging.NewMask(flat(v.Grid))
	n := v.Size[0] * v.Size[1]
	for k := range v.Size[2] {
		values := v.Values[k*n : (k+1)*n]
		any := false
		for o := range slice.In {
			slice.In[o] = region.In[k*n+o] && values[o] >= calciumHU
			any = any || slice.In[o]
		}
		if !any {
			continue
		}
		labels, sizes := imaging.Components(slice, imaging.Corners)
		peak := make([]float32, len(sizes))
		for o, l := range labels {
			if l > 0 {
				peak[l-1] = max(peak[l-1], values[o])
			}
		}
		for l, size := range sizes {
			area := float64(size) * pixel
			if area < calciumArea {
				continue
			}
			c.Agatston += area * density(peak[l]) * dz / agatstonSlices
			c.Volume += area * dz
		}
		for o, l := range labels {
			if l > 0 && float64(sizes[l-1])*pixel >= calciumArea {
				dense.In[k*n+o] = true
				sum += float64(values[o])
			}
		}
	}
	_, sizes := imaging.Components(dense, imaging.Corners)
	c.Lesions = len(sizes)
	if calibration > 0 {
		c.Mass = calibration * sum * pixel * dz / 1000 // mm³ to cm³
	}
	return c, nil
}

// density returns the weight of a lesion with this peak, HU.
func density(peak float32) float64 {
	return math.Min(math.Floor(float64(peak)/100), 4)
}

// flat returns a grid of one slice.
func flat(g imaging.Grid) imaging.Grid {
	return g.Crop([3]int{}, [3]int{g.Size[0], g.Size[1], 1})
}

// Suits returns an error that lists what keeps a scan from being scored.
func (s Scan) Suits(v *imaging.Volume) error {
	var why []string
	add := func(bad bool, format string, args ...any) {
		if bad {
			why = append(why, fmt.Sprintf(format, args...))
		}
	}
	add(s.Contrast != No, "it is %s with contrast", map[Known]string{Yes: "a scan", Unknown: "not known not to be a scan"}[s.Contrast])
	add(s.Gated != Yes, "ECG gating is %s", map[Known]string{No: "absent", Unknown: "not known"}[s.Gated])
	add(math.Abs(s.KVp-120) > 0.5, "the tube voltage is %s instead of 120 kV", or(s.KVp, "kV"))
	add(!(s.Thickness >= 2.5-0.01 && s.Thickness <= 3+0.01), "slices are %s thick instead of 2.5 to 3 mm", or(s.Thickness, "mm"))
	dz := v.Spacing[2]
	add(!(dz >= 1 && dz <= 3+0.01), "slices are %.2f mm apart instead of 1 to 3 mm", dz)
	if len(why) > 0 {
		return fmt.Errorf("calcium score: this CT cannot be scored: %s; use a non-contrast, ECG-gated scan at 120 kVp with slices of 2.5 to 3 mm", strings.Join(why, "; "))
	}
	return nil
}

// or writes a quantity, or that it is not known.
func or(x float64, unit string) string {
	if !(x > 0) {
		return "not known"
	}
	return fmt.Sprintf("%g %s", x, unit)
}
