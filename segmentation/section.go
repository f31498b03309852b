package segmentation

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

const (
	mostFailed = 0.25 // share of rays without border up to which a contour is closed by interpolation
	opening    = 1.8  // radius, in medians, from which a ray of the lumen has left through a branch
)

// borders are the two borders of a section in polar form about c.
type borders struct {
	c           r2.Vec
	lumen, wall []float64 // squared radii, mm²; nil if not found
}

// cutSections cuts v every cfg.SectionStep, from half a step on, across its
// centre-line and finds lumen and, if outside is given, outer wall there. Where
// the lumen goes over into one of the others, it has no border, and at the mouth
// of one of the sides, its branches, neither border is there. It returns the
// share of the outer border that had to be moved outwards to keep the least wall
// thickness, and the section with the most of it.
func cutSections(ctx context.Context, v *coronary.Vessel, inside, outside *field, others, sides []*imaging.Mask, cfg Config) (thin float64, worst int, err error) {
	n := max(1, int(math.Floor(v.Length()/cfg.SectionStep)))
	s := make([]float64, n)
	for i := range s {
		s[i] = (v.Length()-float64(n-1)*cfg.SectionStep)/2 + float64(i)*cfg.SectionStep
	}
	frames := v.Frames(s)
	found := make([]borders, n)
	sp := inside.v.Spacing
	voxel := max(sp[0], sp[1], sp[2])
	err = par.For(ctx, n, func(i int) {
		if s[i] < voxel || s[i] > v.Length()-voxel {
			return // the end of the mask rounds its own border there
		}
		found[i] = findBorders(inside, outside, others, sides, &frames[i], cfg)
	})
	if err != nil {
		return 0, 0, err
	}
	for _, of := range []func(b *borders) *[]float64{
		func(b *borders) *[]float64 { return &b.lumen },
		func(b *borders) *[]float64 { return &b.wall },
	} {
		smoothAlong(s, found, of, cfg.SectionSmoothing)
	}
	v.Sections = make([]coronary.Section, n)
	moved, all, most := 0, 0, 0
	for i := range v.Sections {
		sec := coronary.Section{S: s[i], Frame: frames[i]}
		b := &found[i]
		if b.lumen != nil {
			sec.Lumen = coronary.PolarContour(b.c, roots(b.lumen))
		}
		if b.wall != nil {
			lumen, wall, before := roots(b.lumen), roots(b.wall), moved
			for a := range wall {
				if wall[a] < lumen[a]+cfg.MinWall {
					wall[a] = lumen[a] + cfg.MinWall
					moved++
				}
			}
			all += len(wall)
			if moved-before > most {
				most, worst = moved-before, i
			}
			sec.Wall = coronary.PolarContour(b.c, wall)
		}
		v.Sections[i] = sec
	}
	return float64(moved) / float64(max(all, 1)), worst, nil
}

func roots(sq []float64) []float64 {
	r := make([]float64, len(sq))
	for n, x := range sq {
		r[n] = math.Sqrt(x)
	}
	return r
}

// findBorders finds both borders in the plane of f.
func findBorders(inside, outside *field, others, sides []*imaging.Mask, f *coronary.Frame, cfg Config) (b borders) {
	lumen := make([]float64, cfg.Rays)
	c, ok := castLumen(lumen, inside, f, cfg)
	if !ok {
		return b
	}
	voxel := inside.v.MinSpacing()
	mouth := mouths(lumen, c, sides, f, voxel)
	if !closeMouths(lumen, slices.Concat(mouth, mouths(lumen, c, others, f, voxel))) {
		return b
	}
	b.c = c
	b.lumen = smoothCircle(lumen, cfg.ContourSmoothing)
	if outside == nil {
		return b
	}
	wall := make([]float64, cfg.Rays)
	p := outside.plane(f)
	if failed := p.cast(wall, c, 0, cfg.MaxRadius); float64(failed) <= mostFailed*float64(len(wall)) && closeMouths(wall, mouth) {
		b.wall = smoothCircle(wall, cfg.ContourSmoothing)
	}
	return b
}

// mouths returns the rays that end, within a voxel, in one of the lumens.
func mouths(r []float64, c r2.Vec, lumens []*imaging.Mask, f *coronary.Frame, voxel float64) []int {
	var out []int
	for n := range r {
		sin, cos := math.Sincos(2 * math.Pi * float64(n) / float64(len(r)))
		p := f.Point(r2.Add(c, r2.Scale(r[n]+0.7*voxel, r2.Vec{X: cos, Y: sin})))
		for _, m := range lumens {
			x, y, z := m.Index(p)
			if i, j, k := int(math.Round(x)), int(math.Round(y)), int(math.Round(z)); m.Inside(i, j, k) && m.In[m.Offset(i, j, k)] {
				out = append(out, n)
				break
			}
		}
	}
	return out
}

// closeMouths interpolates rays that end in a mouth. It tells whether enough
// rays end at a wall.
func closeMouths(r []float64, mouths []int) bool {
	if float64(len(mouths)) > mostFailed*float64(len(r)) {
		return false
	}
	if len(mouths) > 0 {
		for _, n := range mouths {
			r[n] = math.NaN()
		}
		fillCircle(r)
	}
	return true
}

// smoothAlong smooths a border along the vessel with the twicing kernel
// 2G − G∗G of a Gaussian of sigma mm, direction by direction. Like the
// smoothing around the circle it acts on squared radii, so that areas are
// averaged; unlike a Gaussian it leaves the depth of a short stenosis alone up
// to fourth order in sigma. Sections without the border are left out.
func smoothAlong(s []float64, found []borders, of func(*borders) *[]float64, sigma float64) {
	if !(sigma > 0) {
		return
	}
	gauss := func(in [][]float64) [][]float64 {
		out := make([][]float64, len(in))
		for i := range in {
			if in[i] == nil {
				continue
			}
			out[i] = make([]float64, len(in[i]))
			var sum float64
			for j := range in {
				d := (s[j] - s[i]) / sigma
				if in[j] == nil || math.Abs(d) > 4 {
					continue
				}
				w := math.Exp(-d * d / 2)
				sum += w
				for a, x := range in[j] {
					out[i][a] += w * x
				}
			}
			for a := range out[i] {
				out[i][a] /= sum
			}
		}
		return out
	}
	in := make([][]float64, len(found))
	for i := range found {
		in[i] = *of(&found[i])
	}
	once := gauss(in)
	rest := make([][]float64, len(in))
	for i := range in {
		if in[i] != nil {
			rest[i] = make([]float64, len(in[i]))
			for a := range rest[i] {
				rest[i][a] = in[i][a] - once[i][a]
			}
		}
	}
	rest = gauss(rest)
	for i := range in {
		for a := range in[i] {
			in[i][a] = max(once[i][a]+rest[i][a], 1e-4) // in place: in[i] is the border's own slice
		}
	}
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

// smoothCircle returns r² convolved with a Gaussian of sigma mm along a circle
// of the mean radius. The enclosed area is ½∫r²dθ, so smoothing r² keeps it.
func smoothCircle(r []float64, sigma float64) []float64 {
	n := len(r)
	var mean float64
	sq := make([]float64, n)
	for i, x := range r {
		mean += x / float64(n)
		sq[i] = x * x
	}
	step := 2 * math.Pi * mean / float64(n)
	if !(sigma > 0) || !(step > 0) {
		return sq
	}
	w := make([]float64, min(int(4*sigma/step)+1, n/2))
	sum := 0.0
	for t := range w {
		x := float64(t) * step / sigma
		w[t] = math.Exp(-x * x / 2)
		sum += w[t]
		if t > 0 {
			sum += w[t]
		}
	}
	out := make([]float64, n)
	for i := range out {
		a := w[0] * sq[i]
		for t := 1; t < len(w); t++ {
			a += w[t] * (sq[(i+t)%n] + sq[(i-t+n)%n])
		}
		out[i] = a / sum
	}
	return out
}
