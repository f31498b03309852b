package dicom

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Limits of the hint at motion.
const (
	stepRatio   = 2.0  // times the difference of the pairs around, from which a pair of slices is a step
	stepMin     = 20.0 // HU above it
	stepAround  = 4    // pairs on either side
	stepSoft    = -300 // HU from which a voxel is no air or lung
	stepPixels  = 500  // looked at, at least
	stepStride  = 3    // pixels between those that are looked at, along rows and columns
	fastHeart   = 75.0 // beats per minute from which motion is likely
	lowVoltage  = 95.0 // kV below which contrast and calcium are brighter than limits in HU mean
	highVoltage = 130.0
)

// Steps returns the pairs of slices, by the index of the first, between which
// the heart may have moved: the mean difference
//
//	Dₖ = mean |v(i, j, k+1) − v(i, j, k)|                           (D.3)
//
// over soft tissue, at least twice the median of the four pairs on either
// side and 20 HU more. Where the table stepped between heartbeats or a breath was
// taken, anatomy jumps from one slice to the next.
func Steps(vol *imaging.Volume) []int {
	n := vol.Size[2] - 1
	if n < 2*stepAround {
		return nil
	}
	d := make([]float64, n)
	for k := range d {
		sum, count := 0.0, 0
		for j := 0; j < vol.Size[1]; j += stepStride {
			a := vol.Values[vol.Offset(0, j, k):][:vol.Size[0]]
			b := vol.Values[vol.Offset(0, j, k+1):][:vol.Size[0]]
			for i := 0; i < len(a); i += stepStride {
				if a[i] > stepSoft && b[i] > stepSoft {
					sum += math.Abs(float64(b[i] - a[i]))
					count++
				}
			}
		}
		if d[k] = math.NaN(); count >= stepPixels {
			d[k] = sum / float64(count)
		}
	}
	var out []int
	for k := range d {
		around := make([]float64, 0, 2*stepAround)
		for m := max(0, k-stepAround); m <= min(n-1, k+stepAround); m++ {
			if m != k && !math.IsNaN(d[m]) {
				around = append(around, d[m])
			}
		}
		if len(around) < stepAround {
			continue
		}
		slices.Sort(around)
		if usual := around[len(around)/2]; d[k] > stepRatio*usual && d[k] > usual+stepMin {
			out = append(out, k)
		}
	}
	return out
}

// checkMotion hints at motion, by the heart rate and by steps in the image.
func (s *Series) checkMotion(vol *imaging.Volume) []Finding {
	var out []Finding
	if s.HeartRate > fastHeart {
		out = append(out, finding(PLQMotion, risk.Info, Pass, "", "heart rate %.0f per minute: blur by motion is likely", s.HeartRate))
	}
	if vol == nil {
		return out
	}
	if steps := Steps(vol); len(steps) > 0 {
		var at []string
		for _, k := range steps[:min(len(steps), maxNamed)] {
			at = append(at, fmt.Sprintf("%.2f", s.Slices[k].Z))
		}
		out = append(out, finding(PLQMotion, risk.Warning, Pass, fmt.Sprintf("z = %s mm", at[0]),
			"anatomy jumps from slice to slice at %d places (z = %s mm): the table stepped, or the patient moved; vessels may be broken there", len(steps), strings.Join(at, ", ")))
	}
	return out
}

// checkVoltage warns of tube voltages for which limits in HU are not meant.
func (s *Series) checkVoltage() []Finding {
	if !(s.KVp < lowVoltage || s.KVp > highVoltage) { // unknown is said elsewhere
		return nil
	}
	return []Finding{finding(PLQVoltage, risk.Warning, Pass, "", "%v is %g kV: contrast and calcium have other CT numbers than at 100 to 130 kV, where the limits of tissues come from", tKVP, s.KVp)}
}
