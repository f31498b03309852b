package sparse

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Sections corrects a preconditioner for long bodies on a lattice, whose third
// axis runs along them. A long body bends and turns at a tiny fraction of the
// stiffness of its elements. Coarse lattices resist that too much, and the single
// precision of [Multigrid] rounds it away; but it is nearly a motion of rigid
// sections. Z holds the six rigid motions of some sections, the stations, with
// linear weights between them, and E = ZᵀAZ is solved directly. The two are joined
// as in balancing domain decomposition (Mandel, Commun Numer Methods Eng 9 (1993)
// 233; Tang, Nabben, Vuik and Erlangga, J Sci Comput 39 (2009) 340):
//
//	M⁻¹ = Q + (I − QA) V (I − AQ),   Q = Z E⁻¹ Zᵀ                      (F.23)
//
// where V is the preconditioner to be corrected. M is symmetric, and definite if V
// is on what Z leaves.
type Sections struct {
	pre     Preconditioner
	fixed   []Fixed
	nodes   int       // of a plane
	arm     []r3.Vec  // of each node from the centre of its plane
	left    []int     // station at or before each plane
	weight  []float64 // of the next one
	from    []r3.Vec  // to the centre of each plane from the stations left[k] and left[k]+1
	first   []int     // first station that the rows of AZ of each plane have, and how many
	count   []int
	az      [][]float64 // rows of AZ of each plane: 3·motions·count values per node
	band    []float64   // Cholesky factor of E, by rows of 2·motions that end at the diagonal
	c, d    []float64   // of the stations
	balance []float64
	parts   []float64 // of the planes
}

const (
	motions  = 6           // of a rigid body: translations and rotations
	bandwide = 2 * motions // values in a row of the factor of E
	partwide = 3 * motions // values of a plane: of up to three stations
)

// longBody is the length of a body over the mean radius of its sections from which
// [NewSections] finds it long. Shorter ones gain nothing.
const longBody = 12

// NewSections corrects pre, a preconditioner for the held matrix a of a body with
// nodes at x. It returns pre itself for a body that is not long.
func NewSections(ctx context.Context, a *Stencil, x []r3.Vec, fixed []Fixed, pre Preconditioner) (Preconditioner, error) {
	if len(x) != a.Len() {
		return nil, fmt.Errorf("sections: %d places of %d nodes", len(x), a.Len())
	}
	planes, nodes := a.N[2], a.N[0]*a.N[1]
	s := &Sections{pre: pre, fixed: fixed, nodes: nodes, arm: make([]r3.Vec, len(x))}
	centre := make([]r3.Vec, planes)
	var size float64 // mean square distance from the centre
	for k := range planes {
		for _, p := range x[k*nodes : (k+1)*nodes] {
			centre[k] = r3.Add(centre[k], r3.Scale(1/float64(nodes), p))
		}
		for n := k * nodes; n < (k+1)*nodes; n++ {
			s.arm[n] = r3.Sub(x[n], centre[k])
			size += r3.Norm2(s.arm[n]) / float64(len(x))
		}
	}
	along := make([]float64, planes)
	for k := 1; k < planes; k++ {
		along[k] = along[k-1] + r3.Norm(r3.Sub(centre[k], centre[k-1]))
	}
	radius := math.Sqrt(size)
	if !(radius > 0 && along[planes-1] >= longBody*radius) {
		return pre, nil
	}
	at := stations(along, radius)
	s.place(centre, along, at)
	if err := s.project(ctx, a); err != nil {
		return nil, err
	}
	s.factor(len(at))
	s.c, s.d = make([]float64, motions*len(at)), make([]float64, motions*len(at))
	s.balance = make([]float64, 3*len(x))
	s.parts = make([]float64, partwide*planes)
	return s, nil
}

// stations returns the planes that are stations: the first, the last and about one
// per step between.
func stations(along []float64, step float64) []int {
	last := len(along) - 1
	n := math.Floor(along[last] / step) // intervals
	at := []int{0}
	for k := 1; k < last; k++ {
		if along[k]-along[at[len(at)-1]] >= along[last]/n && along[last]-along[k] > along[last]/n/2 {
			at = append(at, k)
		}
	}
	return append(at, last)
}

// place finds the two stations of each plane.
func (s *Sections) place(centre []r3.Vec, along []float64, at []int) {
	planes := len(centre)
	s.left, s.weight, s.from = make([]int, planes), make([]float64, planes), make([]r3.Vec, 2*planes)
	s.first, s.count = make([]int, planes), make([]int, planes)
	for n := range len(at) - 1 {
		a, b := at[n], at[n+1]
		for k := a; k <= b; k++ {
			s.left[k], s.weight[k] = n, (along[k]-along[a])/(along[b]-along[a])
			s.from[2*k], s.from[2*k+1] = r3.Sub(centre[k], centre[a]), r3.Sub(centre[k], centre[b])
			s.first[k], s.count[k] = n, 2
			if k == a && n > 0 {
				s.first[k], s.count[k] = n-1, 3
			}
		}
	}
}

// share returns the weight in plane k of its first (0) or second (1) station.
func (s *Sections) share(k, side int) float64 {
	if side == 0 {
		return 1 - s.weight[k]
	}
	return s.weight[k]
}

// motion returns the six rigid motions of node n about the centre of its plane,
// less what is fixed.
func (s *Sections) motion(n int, q []int32) (m [motions][3]float64) {
	d := s.arm[n]
	m = [motions][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, -d.Z, d.Y}, {d.Z, 0, -d.X}, {-d.Y, d.X, 0}}
	if f := q[n]; f >= 0 {
		for i := range m {
			applyFixed(m[i][:], []Fixed{{Q: s.fixed[f].Q}})
		}
	}
	return m
}

// project computes the rows of AZ.
func (s *Sections) project(ctx context.Context, a *Stencil) error {
	planes := a.N[2]
	q := projectors(a.Len(), s.fixed)
	s.az = make([][]float64, planes)
	return par.For(ctx, planes, func(k int) {
		lo, hi := max(k-1, 0)*s.nodes, min(k+2, planes)*s.nodes
		z := make([][motions][3]float64, hi-lo)
		for n := range z {
			z[n] = s.motion(lo+n, q)
		}
		width := motions * s.count[k]
		s.az[k] = make([]float64, 3*width*s.nodes)
		for n := range s.nodes {
			row := s.az[k][3*width*n : 3*width*(n+1)]
			var y [3][3][motions]float64 // A times the motions of the plane before, of this one and of the next
			a.visit(k*s.nodes+n, func(b, step int) {
				v, flip := a.block(k*s.nodes+n, b, step)
				if flip {
					v = transpose3(v)
				}
				y := &y[step/9]
				for i, u := range &z[b-lo] {
					y[0][i] += v[0]*u[0] + v[1]*u[1] + v[2]*u[2]
					y[1][i] += v[3]*u[0] + v[4]*u[1] + v[5]*u[2]
					y[2][i] += v[6]*u[0] + v[7]*u[1] + v[8]*u[2]
				}
			})
			for l := max(k-1, 0); l <= min(k+1, planes-1); l++ {
				for side := range 2 {
					w, at := s.share(l, side), motions*(s.left[l]+side-s.first[k])
					if w == 0 {
						continue
					}
					for c := range 3 {
						addMotion(row[c*width+at:c*width+at+motions], w, s.from[2*l+side], &y[l-k+1][c])
					}
				}
			}
		}
	})
}

// addMotion adds w times the values f of forces and torques about a point to dst,
// those about another one from which the way to the first is d.
func addMotion(dst []float64, w float64, d r3.Vec, f *[motions]float64) {
	dst = dst[:motions:motions]
	dst[0] += w * f[0]
	dst[1] += w * f[1]
	dst[2] += w * f[2]
	dst[3] += w * (f[3] + d.Y*f[2] - d.Z*f[1])
	dst[4] += w * (f[4] + d.Z*f[0] - d.X*f[2])
	dst[5] += w * (f[5] + d.X*f[1] - d.Y*f[0])
}

// factor computes the Cholesky factor of E. Motions that nothing resists leave
// pivots of rounding; their unknowns are set to zero.
func (s *Sections) factor(stations int) {
	s.band = make([]float64, motions*stations*bandwide)
	for k, az := range s.az {
		width := motions * s.count[k]
		for col := range width {
			var f [motions]float64
			for n := range s.nodes {
				row := az[3*width*n:]
				s.collect(&f, k*s.nodes+n, row[col], row[width+col], row[2*width+col])
			}
			c := motions*s.first[k] + col
			for side := range 2 {
				w := s.share(k, side)
				if w == 0 {
					continue // perhaps beyond the band
				}
				var at [motions]float64
				addMotion(at[:], w, s.from[2*k+side], &f)
				for i, v := range at {
					if r := motions*(s.left[k]+side) + i; r >= c {
						s.band[r*bandwide+bandwide-1+c-r] += v
					}
				}
			}
		}
	}
	for r := range motions * stations {
		row := s.band[r*bandwide : (r+1)*bandwide]
		start := row[bandwide-1]
		first := max(0, r-bandwide+1)
		for c := first; c <= r; c++ {
			other := s.band[c*bandwide : (c+1)*bandwide]
			v := row[bandwide-1+c-r]
			for p := max(first, c-bandwide+1); p < c; p++ {
				v -= row[bandwide-1+p-r] * other[bandwide-1+p-c]
			}
			if c < r {
				row[bandwide-1+c-r] = v / other[bandwide-1]
			} else if v > slack*start {
				row[bandwide-1] = math.Sqrt(v)
			} else {
				clear(row)
				row[bandwide-1] = 1e150
			}
		}
	}
}

// slack is the pivot of E over its diagonal below which a motion is free. Bending
// over the whole length leaves some 1e-7, rounding 1e-12.
const slack = 1e-10

// collect adds a force on node n and its torque about the centre of its plane to f.
func (s *Sections) collect(f *[motions]float64, n int, x, y, z float64) {
	d := s.arm[n]
	f[0] += x
	f[1] += y
	f[2] += z
	f[3] += d.Y*z - d.Z*y
	f[4] += d.Z*x - d.X*z
	f[5] += d.X*y - d.Y*x
}

// solve replaces x by E⁻¹x.
func (s *Sections) solve(x []float64) {
	for r := range x {
		row := s.band[r*bandwide : (r+1)*bandwide]
		v := x[r]
		for p := max(0, r-bandwide+1); p < r; p++ {
			v -= row[bandwide-1+p-r] * x[p]
		}
		x[r] = v / row[bandwide-1]
	}
	for r := len(x) - 1; r >= 0; r-- {
		row := s.band[r*bandwide : (r+1)*bandwide]
		x[r] /= row[bandwide-1]
		for p := max(0, r-bandwide+1); p < r; p++ {
			x[p] -= row[bandwide-1+p-r] * x[r]
		}
	}
}

// Apply stores M⁻¹⋅r in dst.
func (s *Sections) Apply(dst, r []float64) {
	ctx, planes := context.Background(), len(s.az)
	// c = E⁻¹ Zᵀ r
	_ = par.For(ctx, planes, func(k int) {
		f := (*[motions]float64)(s.parts[k*partwide:])
		*f = [motions]float64{}
		for n := k * s.nodes; n < (k+1)*s.nodes; n++ {
			s.collect(f, n, r[3*n], r[3*n+1], r[3*n+2])
		}
	})
	clear(s.c)
	for k := range planes {
		for side := range 2 {
			addMotion(s.c[motions*(s.left[k]+side):][:motions], s.share(k, side), s.from[2*k+side], (*[motions]float64)(s.parts[k*partwide:]))
		}
	}
	s.solve(s.c)
	_ = par.For(ctx, planes, func(k int) {
		width := motions * s.count[k]
		c := s.c[motions*s.first[k]:][:width]
		at := 3 * k * s.nodes
		for n := range 3 * s.nodes {
			v := r[at+n]
			for i, a := range s.az[k][width*n:][:width] {
				v -= a * c[i]
			}
			s.balance[at+n] = v
		}
	})
	s.pre.Apply(dst, s.balance)
	// c − E⁻¹ (AZ)ᵀ dst
	_ = par.For(ctx, planes, func(k int) {
		width := motions * s.count[k]
		f := s.parts[k*partwide:][:width]
		clear(f)
		for n, u := range dst[3*k*s.nodes : 3*(k+1)*s.nodes] {
			for i, a := range s.az[k][width*n:][:width] {
				f[i] += a * u
			}
		}
	})
	clear(s.d)
	for k := range planes {
		for i, v := range s.parts[k*partwide:][:motions*s.count[k]] {
			s.d[motions*s.first[k]+i] += v
		}
	}
	s.solve(s.d)
	for i, v := range s.d {
		s.c[i] -= v
	}
	_ = par.For(ctx, planes, func(k int) {
		var t, w r3.Vec // motion of the plane
		for side := range 2 {
			c := s.c[motions*(s.left[k]+side):][:motions]
			turn := r3.Vec{X: c[3], Y: c[4], Z: c[5]}
			move := r3.Add(r3.Vec{X: c[0], Y: c[1], Z: c[2]}, r3.Cross(turn, s.from[2*k+side]))
			t, w = r3.Add(t, r3.Scale(s.share(k, side), move)), r3.Add(w, r3.Scale(s.share(k, side), turn))
		}
		for n := k * s.nodes; n < (k+1)*s.nodes; n++ {
			d := s.arm[n]
			dst[3*n] += t.X + w.Y*d.Z - w.Z*d.Y
			dst[3*n+1] += t.Y + w.Z*d.X - w.X*d.Z
			dst[3*n+2] += t.Z + w.X*d.Y - w.Y*d.X
		}
	})
	applyFixed(dst, s.fixed)
}
