package mesh

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// ErrSpan is returned when too little of the asked interval has complete
// sections.
var ErrSpan = errors.New("not enough complete sections")

// ErrThickness is returned when the lumen touches or crosses the outer wall.
var ErrThickness = errors.New("the lumen touches the outer wall")

// Sizes says how fine a swept mesh is.
type Sizes struct {
	Around  int     // elements around the lumen
	Through int     // elements through the wall
	Axial   float64 // length along the centre-line, mm
	// Grading is the thickness of the outermost layer over that of the innermost.
	Grading float64
	// MinWall is the least thickness that the wall may have, mm. Thinner places are
	// thickened outwards up to this, as long as no more than MaxThin of all rays
	// need it.
	MinWall float64
	MaxThin float64
	// MinJacobian is the scaled Jacobian below which planes are relaxed.
	MinJacobian float64
	// Adapt, if not nil, makes the mesh finer at interfaces of tissues.
	Adapt *Adapt
}

// Swept is a mesh of the wall between lumen and outer border, swept along the
// centre-line. Node (i, j, k) has number (k·Around + j)·(Through+1) + i: i from
// lumen to outer wall, j around (from N towards B), k along. Cell (i, j, k) has
// number (k·Around + j)·Through + i.
type Swept struct {
	Mesh
	Around, Through, Along int       // elements
	S                      []float64 // arc length of the node planes, mm; Along + 1
	Frames                 []coronary.Frame
	Quality                Quality
	Relaxed                int     // nodes moved to unfold elements
	MaxShift               float64 // by at most so much, mm
	Thin                   int     // rays thickened to MinWall
	ThinAt                 float64 // arc length of the thinnest of them, mm
	NotStar                int     // sections in which a ray meets a contour more than once
	NotStarAt              float64 // arc length of the first of them, mm
}

// Cell returns the number of cell (i, j, k).
func (s *Swept) Cell(i, j, k int) int { return (k*s.Around+j)*s.Through + i }

// Node returns the number of node (i, j, k); j wraps around.
func (s *Swept) Node(i, j, k int) int {
	return (k*s.Around+j%s.Around)*(s.Through+1) + i
}

// Coords is the inverse of [Swept.Cell].
func (s *Swept) Coords(e int) (i, j, k int) {
	return e % s.Through, e / s.Through % s.Around, e / (s.Through * s.Around)
}

// Where says in words where cell e lies.
func (s *Swept) Where(e int) string {
	i, j, k := s.Coords(e)
	return fmt.Sprintf("s = %.2f mm, %.0f° around, layer %d of %d from the lumen", (s.S[k]+s.S[k+1])/2, (float64(j)+0.5)*360/float64(s.Around), i+1, s.Through)
}

// Inner returns the faces on the lumen, each counter-clockwise seen from the
// lumen.
func (s *Swept) Inner() [][4]int32 { return s.faces(0) }

// Outer returns the faces on the outer wall, each counter-clockwise seen from
// outside.
func (s *Swept) Outer() [][4]int32 { return s.faces(s.Through) }

func (s *Swept) faces(i int) [][4]int32 {
	f := make([][4]int32, 0, s.Around*s.Along)
	for k := range s.Along {
		for j := range s.Around {
			a, b := int32(s.Node(i, j, k)), int32(s.Node(i, j+1, k))
			c, d := int32(s.Node(i, j+1, k+1)), int32(s.Node(i, j, k+1))
			if i == 0 {
				f = append(f, [4]int32{a, d, c, b})
			} else {
				f = append(f, [4]int32{a, b, c, d})
			}
		}
	}
	return f
}

// maxNodes bounds the memory of a solution to some 4 GB.
const maxNodes = 1_000_000

// ring is a section as distances from the lumen's centroid along rays.
type ring struct {
	s           float64
	frame       coronary.Frame // its origin is the centroid
	lumen, wall []float64      // mm, in the directions of equal steps
}

// Sweep meshes the vessel between the arc lengths from and to. Where sections
// are incomplete it takes the longest complete run inside; S tells what was
// meshed.
func Sweep(ctx context.Context, v *coronary.Vessel, from, to float64, sizes Sizes) (*Swept, error) {
	run, err := completeRun(v.Sections, from, to)
	if err != nil {
		return nil, err
	}
	lo, hi := max(from, run[0].S), min(to, run[len(run)-1].S)
	if hi-lo < 2*sizes.Axial {
		return nil, fmt.Errorf("%w: %.2f mm between s = %.2f and %.2f mm, need %.2f mm", ErrSpan, hi-lo, lo, hi, 2*sizes.Axial)
	}
	m := &Swept{Around: sizes.Around, Through: sizes.Through}
	rings := make([]ring, len(run))
	for a := range run {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var star bool
		if rings[a], star, err = cut(&run[a]); err != nil {
			return nil, err
		}
		if !star {
			if m.NotStar == 0 {
				m.NotStarAt = run[a].S
			}
			m.NotStar++
		}
	}
	var look *survey
	if a := sizes.Adapt; a == nil {
		n := max(2, int(math.Round((hi-lo)/sizes.Axial)))
		for k := range n + 1 {
			m.S = append(m.S, lo+(hi-lo)*float64(k)/float64(n))
		}
	} else {
		fine := min(a.Axial, sizes.Axial)
		if look, err = a.survey(ctx, rings, lo, hi, fine/2, 2*sizes.Around); err != nil {
			return nil, err
		}
		m.S = look.planes(fine, sizes.Axial)
	}
	m.Along = len(m.S) - 1
	n := m.Along
	if nodes := (n + 1) * sizes.Around * (sizes.Through + 1); nodes > maxNodes {
		return nil, fmt.Errorf("%d nodes, at most %d; make the elements longer or the interval shorter", nodes, maxNodes)
	}
	layer := layers(sizes.Through, sizes.Grading)
	m.Nodes = make([]r3.Vec, (n+1)*sizes.Around*(sizes.Through+1))
	m.Frames = make([]coronary.Frame, n+1)
	thin := make([]thinness, n+1)
	err = par.For(ctx, n+1, func(k int) {
		r := between(rings, m.S[k])
		m.Frames[k] = r.frame
		theta := make([]float64, sizes.Around)
		for j := range theta {
			theta[j] = float64(j) / float64(sizes.Around)
		}
		if a := sizes.Adapt; a != nil && a.Around > 1 {
			in, out := r.mean()
			theta = look.angles(m.S[k], sizes.Around, a.Around, aroundReach*math.Pi*(in+out)/float64(sizes.Around))
		}
		for j, th := range theta {
			in, out := r.at(th)
			ray := func(t float64) r3.Vec { return r.frame.Point(direction(th, in+t*(out-in))) }
			if out-in < sizes.MinWall {
				if thin[k].rays++; thin[k].rays == 1 || out-in < thin[k].least {
					thin[k].least, thin[k].at = out-in, ray(0)
				}
				out = in + sizes.MinWall
			}
			t := layer
			if sizes.Adapt != nil {
				t = sizes.Adapt.through(layer, out-in, ray)
			}
			for i, t := range t {
				m.Nodes[m.Node(i, j, k)] = ray(t)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	var thinnest thinness
	for k, t := range thin {
		if t.rays > 0 && (m.Thin == 0 || t.least < thinnest.least) {
			thinnest, m.ThinAt = t, m.S[k]
		}
		m.Thin += t.rays
	}
	rays := (n + 1) * sizes.Around
	if float64(m.Thin) > sizes.MaxThin*float64(rays) {
		return nil, fmt.Errorf("%w: thinner than %.3f mm on %d of %d rays, least %.3f mm at s = %.2f mm (%.2f, %.2f, %.2f); check the wall segmentation there",
			ErrThickness, sizes.MinWall, m.Thin, rays, thinnest.least, m.ThinAt, thinnest.at.X, thinnest.at.Y, thinnest.at.Z)
	}
	for k := range n {
		for j := range sizes.Around {
			for i := range sizes.Through {
				m.Cells = append(m.Cells, [8]int32{
					int32(m.Node(i, j, k)), int32(m.Node(i+1, j, k)), int32(m.Node(i+1, j+1, k)), int32(m.Node(i, j+1, k)),
					int32(m.Node(i, j, k+1)), int32(m.Node(i+1, j, k+1)), int32(m.Node(i+1, j+1, k+1)), int32(m.Node(i, j+1, k+1)),
				})
			}
		}
	}
	m.unfold(sizes.MinJacobian)
	m.Quality = m.Mesh.Quality()
	if !(m.Quality.MinScaledJacobian > 0) {
		return nil, &InvertedError{Quality: m.Quality, Where: m.Where(m.Quality.Cell)}
	}
	return m, nil
}

// thinness tells where the wall of a node plane is thinner than the mesh may be.
type thinness struct {
	rays  int
	least float64 // mm
	at    r3.Vec
}

// completeRun returns the complete sections in a row that cover most of
// [from, to], with the ones just outside that are needed to reach its ends.
func completeRun(sections []coronary.Section, from, to float64) ([]coronary.Section, error) {
	if !(from < to) {
		return nil, fmt.Errorf("%w: the interval from %.2f to %.2f mm is empty", ErrSpan, from, to)
	}
	var best []coronary.Section
	var length float64
	for a := 0; a < len(sections); a++ {
		if !sections[a].Complete() {
			continue
		}
		b := a
		for b+1 < len(sections) && sections[b+1].Complete() {
			b++
		}
		if l := min(to, sections[b].S) - max(from, sections[a].S); l > length {
			length, best = l, sections[a:b+1]
		}
		a = b
	}
	if len(best) < 2 {
		return nil, fmt.Errorf("%w: no two neighbouring sections between s = %.2f and %.2f mm have both lumen and outer wall", ErrSpan, from, to)
	}
	// Sections far outside are not needed.
	for len(best) > 2 && best[1].S <= from {
		best = best[1:]
	}
	for len(best) > 2 && best[len(best)-2].S >= to {
		best = best[:len(best)-1]
	}
	return best, nil
}

// layers returns the positions of the node layers through the wall, 0 at the
// lumen and 1 at the outer border, in geometric progression.
func layers(n int, grading float64) []float64 {
	t := make([]float64, n+1)
	q := 1.0
	if n > 1 {
		q = math.Pow(grading, 1/float64(n-1))
	}
	h := 1.0
	for i := range n {
		t[i+1] = t[i] + h
		h *= q
	}
	for i := range t {
		t[i] /= t[n]
	}
	t[n] = 1
	return t
}

// direction returns the in-plane point at distance r in the direction of theta
// turns.
func direction(theta, r float64) r2.Vec {
	sin, cos := math.Sincos(2 * math.Pi * theta)
	return r2.Vec{X: r * cos, Y: r * sin}
}

// rays is the number of directions in which a section is measured.
const rays = 360

// cut measures a section along rays from the centroid of its lumen. It reports
// false if a ray meets a contour more than once; the farthest crossing counts.
func cut(s *coronary.Section) (ring, bool, error) {
	c := centroid(s.Lumen.Points)
	r := ring{s: s.S, frame: s.Frame, lumen: make([]float64, rays), wall: make([]float64, rays)}
	r.frame.Origin = s.Frame.Point(c)
	star := true
	for n, to := range [][]float64{r.lumen, r.wall} {
		poly, name := s.Lumen.Points, "lumen"
		if n == 1 {
			poly, name = s.Wall.Points, "outer wall"
		}
		hits := farthest(to, poly, c)
		for _, h := range hits {
			if h == 0 {
				return ring{}, false, fmt.Errorf("section at s = %.2f mm: the centroid of the lumen, (%.2f, %.2f, %.2f) mm, lies outside the %s",
					s.S, r.frame.Origin.X, r.frame.Origin.Y, r.frame.Origin.Z, name)
			}
			star = star && h == 1
		}
	}
	return r, star, nil
}

// at returns the distances of lumen and outer wall from the centre in the
// direction of theta turns.
func (r *ring) at(theta float64) (lumen, wall float64) {
	x := (theta - math.Floor(theta)) * rays
	a := int(x) % rays
	b, f := (a+1)%rays, x-math.Floor(x)
	return (1-f)*r.lumen[a] + f*r.lumen[b], (1-f)*r.wall[a] + f*r.wall[b]
}

// mean returns the mean distances of lumen and outer wall.
func (r *ring) mean() (lumen, wall float64) {
	for j := range rays {
		lumen += r.lumen[j] / rays
		wall += r.wall[j] / rays
	}
	return lumen, wall
}

// centroid returns the centroid of a polygon, or the mean of its points if it
// has no area.
func centroid(p []r2.Vec) r2.Vec {
	var a, x, y float64
	var mean r2.Vec
	o := p[0]
	for n := range p {
		u, v := r2.Sub(p[n], o), r2.Sub(p[(n+1)%len(p)], o)
		c := r2.Cross(u, v)
		a += c
		x += c * (u.X + v.X)
		y += c * (u.Y + v.Y)
		mean = r2.Add(mean, u)
	}
	if a == 0 {
		return r2.Add(o, r2.Scale(1/float64(len(p)), mean))
	}
	return r2.Add(o, r2.Vec{X: x / (3 * a), Y: y / (3 * a)})
}

// farthest stores in far the largest distance at which each of the rays from c
// crosses the polygon, and returns how often each crosses it. An edge is looked at
// only by the rays that may meet it.
func farthest(far []float64, p []r2.Vec, c r2.Vec) (hits []int) {
	n := len(far)
	hits = make([]int, n)
	for e := range p {
		u, v := r2.Sub(p[e], c), r2.Sub(p[(e+1)%len(p)], c)
		from := math.Atan2(u.Y, u.X)
		turn := math.Atan2(r2.Cross(u, v), r2.Dot(u, v))
		lo, hi := min(from, from+turn)*float64(n)/(2*math.Pi), max(from, from+turn)*float64(n)/(2*math.Pi)
		for j := int(math.Floor(lo - 1e-6)); j <= int(math.Ceil(hi+1e-6)); j++ {
			at := ((j % n) + n) % n
			d := direction(float64(at)/float64(n), 1)
			// Signed distances from the ray's line; half-open, so a corner counts once.
			a, b := r2.Cross(d, u), r2.Cross(d, v)
			if (a < 0) == (b < 0) {
				continue
			}
			if t := r2.Dot(d, u) + (r2.Dot(d, v)-r2.Dot(d, u))*a/(a-b); t > 0 {
				hits[at]++
				far[at] = max(far[at], t)
			}
		}
	}
	return hits
}

// between interpolates the rings linearly at arc length s.
func between(rings []ring, s float64) ring {
	n := 0
	for n < len(rings)-2 && rings[n+1].s < s {
		n++
	}
	a, b := &rings[n], &rings[n+1]
	f := (s - a.s) / (b.s - a.s)
	f = min(max(f, 0), 1)
	mix := func(p, q r3.Vec) r3.Vec { return r3.Add(r3.Scale(1-f, p), r3.Scale(f, q)) }
	r := ring{s: s, lumen: make([]float64, len(a.lumen)), wall: make([]float64, len(a.wall))}
	t := r3.Unit(mix(a.frame.T, b.frame.T))
	nn := mix(a.frame.N, b.frame.N)
	nn = r3.Unit(r3.Sub(nn, r3.Scale(r3.Dot(nn, t), t)))
	r.frame = coronary.Frame{Origin: mix(a.frame.Origin, b.frame.Origin), T: t, N: nn, B: r3.Cross(t, nn)}
	for j := range r.lumen {
		r.lumen[j] = (1-f)*a.lumen[j] + f*b.lumen[j]
		r.wall[j] = (1-f)*a.wall[j] + f*b.wall[j]
	}
	return r
}

// unfold moves nodes along the vessel where planes come too close or cross, as
// on the inside of a sharp bend: lines of nodes along the vessel through bad
// cells are smoothed, ¼ ½ ¼, until the cells are good. The first and last plane
// stay, since the ends must be flat.
func (s *Swept) unfold(limit float64) {
	old := append([]r3.Vec(nil), s.Nodes...)
	move := make([]bool, len(s.Nodes))
	for sweep := 0; sweep < 200; sweep++ {
		clear(move)
		bad := false
		for e := range s.Cells {
			x := s.Corners(e)
			if element.ScaledJacobian(&x) >= limit {
				continue
			}
			bad = true
			// The whole thickness around the cell, two planes on either side.
			_, j, k := s.Coords(e)
			for dk := max(1, k-2); dk <= min(s.Along-1, k+3); dk++ {
				for dj := -1; dj <= 2; dj++ {
					for i := range s.Through + 1 {
						move[s.Node(i, j+dj+s.Around, dk)] = true
					}
				}
			}
		}
		if !bad {
			break
		}
		plane := s.Around * (s.Through + 1)
		before := append([]r3.Vec(nil), s.Nodes...)
		for n, m := range move {
			if m {
				s.Nodes[n] = r3.Add(r3.Scale(0.5, before[n]), r3.Scale(0.25, r3.Add(before[n-plane], before[n+plane])))
			}
		}
	}
	for n, p := range old {
		if d := r3.Norm(r3.Sub(p, s.Nodes[n])); d > 0 {
			s.Relaxed++
			s.MaxShift = max(s.MaxShift, d)
		}
	}
}
