package segmentation

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

const (
	mostFailed = 0.25 // share of rays without border up to which a contour is closed by interpolation
	opening    = 1.8  // radius, in medians, from which a ray of the lumen has left through a branch
)

// cutSections cuts v every cfg.SectionStep, from half a step on, across its
// centre-line and finds lumen and, if outside is given, outer wall there. It
// returns the share of the outer border that had to be moved outwards to keep
// the least wall thickness.
func cutSections(ctx context.Context, v *coronary.Vessel, inside, outside *field, cfg Config) (thin float64, err error) {
	n := max(1, int(math.Floor(v.Length()/cfg.SectionStep)))
	first := (v.Length() - float64(n-1)*cfg.SectionStep) / 2
	s := make([]float64, n)
	for i := range s {
		s[i] = first + float64(i)*cfg.SectionStep
	}
	v.Sections = make([]coronary.Section, n)
	moved := make([]int, n)
	borders := make([]int, n)
	frames := v.Frames(s)
	err = par.For(ctx, n, func(i int) {
		sec := coronary.Section{S: s[i], Frame: frames[i]}
		lumen := make([]float64, cfg.Rays)
		c, ok := castLumen(lumen, inside, &sec.Frame, cfg)
		if ok {
			var wall []float64
			if outside != nil {
				w := make([]float64, cfg.Rays)
				p := outside.plane(&sec.Frame)
				if failed := p.cast(w, c, 0, cfg.MaxRadius); float64(failed) <= mostFailed*float64(len(w)) {
					smoothCircle(w, cfg.ContourSmoothing)
					wall = w
				}
			}
			smoothCircle(lumen, cfg.ContourSmoothing)
			sec.Lumen = coronary.PolarContour(c, lumen)
			if wall != nil {
				for a := range wall {
					if wall[a] < lumen[a]+cfg.MinWall {
						wall[a] = lumen[a] + cfg.MinWall
						moved[i]++
					}
				}
				borders[i] = len(wall)
				sec.Wall = coronary.PolarContour(c, wall)
			}
		}
		v.Sections[i] = sec
	})
	if err != nil {
		return 0, err
	}
	m, all := 0, 0
	for i := range moved {
		m += moved[i]
		all += borders[i]
	}
	return float64(m) / float64(max(all, 1)), nil
}

// castLumen finds the lumen around its own centroid, in three rounds.
func castLumen(r []float64, inside *field, f *coronary.Frame, cfg Config) (c r2.Vec, ok bool) {
	p := inside.plane(f)
	for round := range 3 {
		failed := p.cast(r, c, 0, cfg.MaxRadius)
		if float64(failed) > mostFailed*float64(len(r)) {
			return c, false
		}
		sorted := slices.Clone(r)
		slices.Sort(sorted)
		limit := opening * sorted[len(sorted)/2]
		for n := range r {
			if r[n] > limit {
				r[n] = math.NaN()
				failed++
			}
		}
		if float64(failed) > mostFailed*float64(len(r)) {
			return c, false
		}
		fillCircle(r)
		if round < 2 {
			c = coronary.PolarContour(c, r).Centroid()
		}
	}
	return c, true
}

// smoothCircle convolves r² with a Gaussian of sigma mm along a circle of the
// mean radius. The enclosed area is ½∫r²dθ, so smoothing r² keeps it.
func smoothCircle(r []float64, sigma float64) {
	var mean float64
	for _, x := range r {
		mean += x / float64(len(r))
	}
	step := 2 * math.Pi * mean / float64(len(r))
	if !(sigma > 0) || !(step > 0) {
		return
	}
	w := make([]float64, min(int(4*sigma/step)+1, len(r)/2))
	sum := 0.0
	for t := range w {
		x := float64(t) * step / sigma
		w[t] = math.Exp(-x * x / 2)
		sum += w[t]
		if t > 0 {
			sum += w[t]
		}
	}
	n := len(r)
	sq := make([]float64, n)
	for i, x := range r {
		sq[i] = x * x
	}
	for i := range r {
		a := w[0] * sq[i]
		for t := 1; t < len(w); t++ {
			a += w[t] * (sq[(i+t)%n] + sq[(i-t+n)%n])
		}
		r[i] = math.Sqrt(a / sum)
	}
}
