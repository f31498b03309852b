package pipeline

import (
	"context"
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
	"github.com/plaquerisk/plaquerisk/segmentation"
)

// noiseLag is the distance, in voxels along a row, of the two samples whose
// difference measures noise: far enough to be nearly uncorrelated in coronary
// kernels (the noise power peaks near 0.3/mm), near enough to see the same
// enhancement.
const noiseLag = 3

// lumen measures enhancement and noise in the core of the lumen (voxels whose
// six neighbours are lumen too, away from partial volume) and refuses a scan
// that is not enhanced.
func (a *assessment) lumen(context.Context) error {
	var n, pairs int
	var sum, square, diff float64
	for _, m := range a.Masks {
		if m.Structure != segmentation.Lumen {
			continue
		}
		core := erode(erode(m.Mask))
		var before [noiseLag]struct {
			at [3]int
			hu float64
		}
		visit(a.Volume, core, func(i, j, k int, hu float64) {
			n++
			sum += hu
			square += hu * hu
			if b := before[n%noiseLag]; b.at == [3]int{i - noiseLag, j, k} {
				pairs++
				diff += (hu - b.hu) * (hu - b.hu)
			}
			before[n%noiseLag].at, before[n%noiseLag].hu = [3]int{i, j, k}, hu
		})
	}
	a.out.Image.LumenMeanHU, a.out.Image.LumenSDHU, a.out.Image.NoiseHU = risk.NaN(), risk.NaN(), risk.NaN()
	if n == 0 {
		return nil
	}
	mean := sum / float64(n)
	a.out.Image.LumenMeanHU = risk.Number(mean)
	a.out.Image.LumenSDHU = risk.Number(math.Sqrt(max(0, square/float64(n)-mean*mean)))
	if pairs > 0 {
		a.out.Image.NoiseHU = risk.Number(math.Sqrt(diff / float64(2*pairs)))
	}
	if mean < a.cfg.Quality.MinLumenMeanHU {
		return fail(Refused, "PLQ-607", fmt.Errorf(
			"the lumen is not enhanced: %.0f HU on average in its core, want at least %g HU (quality.min_lumen_mean_hu); plaque cannot be told from blood",
			mean, a.cfg.Quality.MinLumenMeanHU))
	}
	if noise := float64(a.out.Image.NoiseHU); noise > a.cfg.Quality.WarnNoiseHU {
		a.note(risk.Note{Code: "PLQ-614", Severity: risk.Warning,
			Text: fmt.Sprintf("Noise in the lumen is %.0f HU, more than %g HU: composition by HU thresholds and texture are less certain.", noise, a.cfg.Quality.WarnNoiseHU)})
	}
	return nil
}

// erode returns the voxels of m whose six neighbours are in m.
func erode(m *imaging.Mask) *imaging.Mask {
	out := imaging.NewMask(m.Grid)
	in := func(i, j, k int) bool { return m.Inside(i, j, k) && m.In[m.Offset(i, j, k)] }
	for o, set := range m.In {
		if !set {
			continue
		}
		i, j, k := m.Coords(o)
		out.In[o] = in(i-1, j, k) && in(i+1, j, k) && in(i, j-1, k) && in(i, j+1, k) && in(i, j, k-1) && in(i, j, k+1)
	}
	return out
}
