package fem

import (
	"context"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// SurfacePoint is the state on the lumen or on one side of an interface of
// materials, in cell Cell. It stands for no volume.
type SurfacePoint struct {
	Cell int
	At   r3.Vec // mm
	Point
}

// centre is the stress of one material at the middle of a cell, where a trilinear
// displacement has its best strain.
type centre struct {
	stress   element.Tensor
	share    float64 // of the cell
	material uint8
}

// centres holds the centres of all cells: those of cell e are of[first[e]:first[e+1]].
type centres struct {
	at    []r3.Vec
	first []int32
	of    []centre
}

// recover computes the state at all points and on the surfaces.
//
// Where an interface cuts a cell, the mean strain is resolved into those of the
// layers by (F.20). Around each cell and for each of its materials, a quadratic
// polynomial is then fitted to the stresses of that material alone at the middles
// of the cells around, by least squares weighted with their shares and distances
// (Zienkiewicz and Zhu, Int J Numer Meth Eng 33 (1992) 1331), and evaluated at
// the points. So nothing is averaged across an interface, and values there and on
// the lumen are extrapolated from their own side.
func (r *Result) recover(ctx context.Context) error {
	c, err := r.centres(ctx)
	if err != nil {
		return err
	}
	m := r.Mesh
	surface := make([][]SurfacePoint, m.Along)
	err = par.For(ctx, m.Along, func(k int) {
		var f fit
		for e := m.Cell(0, 0, k); e < m.Cell(0, 0, k+1); e++ {
			surface[k] = f.cell(surface[k], r, c, e)
		}
	})
	if err != nil {
		return err
	}
	r.Surface = nil
	for _, s := range surface {
		r.Surface = append(r.Surface, s...)
	}
	r.findCaps()
	return r.locate(ctx)
}

// centres computes the stresses at the middles of the cells and the volumes of
// the points.
func (r *Result) centres(ctx context.Context) (*centres, error) {
	m := r.Mesh
	c := &centres{at: make([]r3.Vec, len(m.Cells)), first: make([]int32, len(m.Cells)+1)}
	for e, mix := range r.mixed {
		c.first[e+1] = c.first[e] + 1
		if mix != nil {
			c.first[e+1] = c.first[e] + int32(len(mix.Layers))
		}
	}
	c.of = make([]centre, c.first[len(m.Cells)])
	return c, par.Blocks(ctx, len(m.Cells), 128, func(lo, hi int) {
		var h element.Hex8
		for e := lo; e < hi; e++ {
			x := m.Corners(e)
			h.Set(&x)
			var u [8]r3.Vec
			for a, n := range m.Cells[e] {
				u[a] = r.Solution.U[n]
			}
			c.at[e] = m.Centre(e)
			var strain element.Tensor
			mix := r.mixed[e]
			for q, w := range h.Weight {
				for i, v := range h.Strain(&u, q) {
					strain[i] += v * w / h.Volume
				}
				if mix != nil {
					w = mix.part[q] * h.Volume
				}
				r.Points[element.Points*e+q].Volume = w
			}
			of := c.of[c.first[e]:c.first[e+1]]
			if mix == nil {
				mat := r.materials.of[r.Tissue[e]]
				of[0] = centre{r.materials.law[mat].Stress(strain), 1, mat}
				continue
			}
			t := mix.Traction(strain)
			for n, l := range mix.Layers {
				of[n] = centre{l.Lame.Stress(mix.Strain(n, strain, t)), l.Share, mix.material[n]}
			}
		}
	})
}

const (
	terms     = 10
	nearby    = 2    // cells in the radial direction that a fit takes on either side; one in the others
	decay     = 0.7  // weight of a cell n steps away: exp(−decay n²)
	leastPart = 0.02 // share of a cell from which its stress counts
)

// decays are the weights by n².
var decays = func() (w [nearby*nearby + 3]float64) {
	for n := range w {
		w[n] = math.Exp(-decay * float64(n))
	}
	return w
}()

// fit is scratch of the recovery: the normal equations of a polynomial of the
// six stresses.
type fit struct {
	normal [terms][terms]float64 // lower triangle; after solve L and D of LDLᵀ
	right  [terms]element.Tensor // after solve the coefficients
	drop   [terms]bool
	lo, hi element.Tensor // range of the stresses
}

// monomials are the terms of the polynomial at x.
func monomials(x [3]float64) [terms]float64 {
	return [terms]float64{1, x[0], x[1], x[2], x[0] * x[0], x[1] * x[1], x[2] * x[2], x[0] * x[1], x[1] * x[2], x[2] * x[0]}
}

// cell recovers the points of cell e and appends its surface points.
func (f *fit) cell(surface []SurfacePoint, r *Result, c *centres, e int) []SurfacePoint {
	x := r.Mesh.Corners(e)
	inv := covectors(tangents(&x))
	mix := r.mixed[e]
	points := r.Points[element.Points*e : element.Points*(e+1)]
	local := func(xi [3]float64) ([3]float64, r3.Vec) {
		n := element.Shape(xi[0], xi[1], xi[2])
		p := spot(&x, &n)
		return inv.mul(r3.Sub(p, c.at[e])), p
	}
	for _, own := range c.of[c.first[e]:c.first[e+1]] {
		mat := own.material
		f.gather(r, c, e, mat, &inv)
		f.solve()
		law := r.materials.law[mat]
		for q := range points {
			if pt := &points[q]; r.materials.of[pt.Tissue] == mat {
				y, _ := local(r.reference(e, q))
				pt.set(f.at(y), law)
			}
		}
		add := func(xi [3]float64, t imaging.Tissue) {
			y, p := local(xi)
			s := SurfacePoint{Cell: e, At: p, Point: Point{Tissue: t, CapDepth: math.NaN(), Young: r.Conditions.Materials.table()[t].Young}}
			s.set(f.at(y), law)
			surface = append(surface, s)
		}
		if e%r.Mesh.Through == 0 && mat == r.materials.of[r.Tissue[e]] {
			add([3]float64{-1, 0, 0}, r.Tissue[e])
		}
		if mix == nil {
			for _, face := range faces {
				if n, ok := r.neighbour(e, face); ok && r.mixed[n] == nil && r.materials.of[r.Tissue[n]] != mat {
					add(face, r.Tissue[e])
				}
			}
			continue
		}
		for _, rim := range mix.rims {
			for n, t := range rim.sides {
				if r.materials.of[t] == mat && r.materials.of[rim.sides[1-n]] != mat {
					add(rim.xi, t)
				}
			}
		}
	}
	return surface
}

// faces are the middles of the faces of a cell.
var faces = [][3]float64{{-1, 0, 0}, {1, 0, 0}, {0, -1, 0}, {0, 1, 0}, {0, 0, -1}, {0, 0, 1}}

// neighbour returns the cell beyond a face and whether there is one.
func (r *Result) neighbour(e int, face [3]float64) (int, bool) {
	m := r.Mesh
	i, j, k := m.Coords(e)
	i, j, k = i+int(face[0]), (j+int(face[1])+m.Around)%m.Around, k+int(face[2])
	return m.Cell(i, j, k), i >= 0 && i < m.Through && k >= 0 && k < m.Along
}

// set stores the state of a material with the stress s.
func (pt *Point) set(s element.Tensor, law element.Lame) {
	pt.Stress, pt.Strain = s, law.Strain(s)
	p := s.Principal()
	pt.Sigma1, pt.Sigma3 = p[0], p[2]
	pt.VonMises = s.VonMises()
	pt.Eps1 = pt.Strain.Principal()[0]
	pt.Energy = element.Energy(pt.Stress, pt.Strain)
}

// gather collects the equations of a material around cell e.
func (f *fit) gather(r *Result, c *centres, e int, material uint8, inv *rows) {
	f.normal, f.right = [terms][terms]float64{}, [terms]element.Tensor{}
	for t := range f.lo {
		f.lo[t], f.hi[t] = math.Inf(1), math.Inf(-1)
	}
	m := r.Mesh
	i0, j0, k0 := m.Coords(e)
	for k := max(0, k0-1); k <= min(m.Along-1, k0+1); k++ {
		for dj := -1; dj <= 1; dj++ {
			for i := max(0, i0-nearby); i <= min(m.Through-1, i0+nearby); i++ {
				n := m.Cell(i, (j0+dj+m.Around)%m.Around, k)
				for s := c.first[n]; s < c.first[n+1]; s++ {
					if d := &c.of[s]; d.material == material && (d.share > leastPart || n == e) {
						w := d.share * decays[(i-i0)*(i-i0)+dj*dj+(k-k0)*(k-k0)]
						f.add(monomials(inv.mul(r3.Sub(c.at[n], c.at[e]))), &d.stress, w)
					}
				}
			}
		}
	}
}

func (f *fit) add(b [terms]float64, s *element.Tensor, w float64) {
	for p, v := range b {
		v *= w
		for q, u := range b[:p+1] {
			f.normal[p][q] += v * u
		}
		for t, y := range s {
			f.right[p][t] += v * y
		}
	}
	for t, y := range s {
		f.lo[t], f.hi[t] = min(f.lo[t], y), max(f.hi[t], y)
	}
}

// solve finds the coefficients by LDLᵀ. Terms that the data cannot tell from those
// before them are left out.
func (f *fit) solve() {
	a := &f.normal
	for p := range terms {
		whole := a[p][p]
		for q := range p {
			if f.drop[q] {
				a[p][q] = 0
				continue
			}
			for s := range q {
				a[p][q] -= a[p][s] * a[q][s] * a[s][s]
			}
			a[p][q] /= a[q][q]
			a[p][p] -= a[p][q] * a[p][q] * a[q][q]
		}
		if f.drop[p] = !(a[p][p] > 1e-3*whole); f.drop[p] {
			a[p][p] = 0
		}
	}
	for p := range terms {
		for t := range f.right[p] {
			if f.drop[p] {
				f.right[p][t] = 0
				continue
			}
			for q := range p {
				f.right[p][t] -= a[p][q] * f.right[q][t]
			}
		}
	}
	for p := terms - 1; p >= 0; p-- {
		if f.drop[p] {
			continue
		}
		for t := range f.right[p] {
			f.right[p][t] /= a[p][p]
			for q := p + 1; q < terms; q++ {
				f.right[p][t] -= a[q][p] * f.right[q][t]
			}
		}
	}
}

// at returns the polynomial at x, held within the range of the data and half as
// much beyond, since few data may let it swing.
func (f *fit) at(x [3]float64) (s element.Tensor) {
	for p, v := range monomials(x) {
		for t := range s {
			s[t] += v * f.right[p][t]
		}
	}
	for t := range s {
		if f.lo[t] > f.hi[t] {
			continue // no data
		}
		slack := (f.hi[t] - f.lo[t]) / 2
		s[t] = min(max(s[t], f.lo[t]-slack), f.hi[t]+slack)
	}
	return s
}

// reference returns the place of a point in its cell.
func (r *Result) reference(e, q int) (xi [3]float64) {
	if r.mixed != nil && r.mixed[e] != nil {
		return r.mixed[e].at[q]
	}
	xi[0], xi[1], xi[2] = element.QuadraturePoint(q)
	return xi
}

// rows are the gradients ∇ξ of reference coordinates.
type rows [3]r3.Vec

func (m *rows) mul(v r3.Vec) [3]float64 {
	return [3]float64{r3.Dot(m[0], v), r3.Dot(m[1], v), r3.Dot(m[2], v)}
}

// covectors returns ∇ξ for the tangents ∂x/∂ξ.
func covectors(t [3]r3.Vec) (m rows) {
	det := r3.Dot(t[0], r3.Cross(t[1], t[2]))
	for i := range m {
		m[i] = r3.Scale(1/det, r3.Cross(t[(i+1)%3], t[(i+2)%3]))
	}
	return m
}

// onSurface finds what the place of a surface point says. It belongs to a cap if
// the nearest point of its tissue does.
func (r *Result) onSurface(s *SurfacePoint) {
	x := r.Mesh.Corners(s.Cell)
	radial, axial := r.directions(s.Cell, 0, &x)
	s.Radial, s.Hoop, s.Axial = normal(&s.Stress, radial), normal(&s.Stress, r3.Cross(axial, radial)), normal(&s.Stress, axial)
	cells := []int{s.Cell, s.Cell - 1} // the next one towards the lumen
	if s.Cell%r.Mesh.Through == 0 {
		cells = cells[:1]
	}
	least := math.Inf(1)
	for _, e := range cells {
		for q := range element.Points {
			n := element.Points*e + q
			if r.Points[n].Tissue != s.Tissue {
				continue
			}
			if way := r3.Sub(s.At, r.At(n)); r3.Norm2(way) < least {
				least = r3.Norm2(way)
				s.CapDepth = max(0, r.Points[n].CapDepth+r3.Dot(way, radial))
			}
		}
	}
}
