package fem

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// finiteBody is a vessel in finite strain on a lattice of bricks.
type finiteBody struct {
	mesh    *mesh.Swept // the imaged shape
	lattice sparse.Lattice
	laws    [imaging.NumTissues]tissueLaw
	points  []finitePoint // as Result.Points
	stretch float64       // along the vessel, of the reference shape; 1: none
	inner   [][4]int32    // the lumen
	outer   [][4]int32    // the outer wall, where it lies in a bed
	bed     float64       // its stiffness, kPa per mm
	fixed   []sparse.Fixed
	cap     float64 // most bulk modulus over the shear modulus, for preconditioners; 0: none
}

// finitePoint is the solid at a quadrature point.
type finitePoint struct {
	tissue uint8
	scale  float64 // factor of the tissue's Ŵ
	bulk   float64 // kPa
}

// finiteBody takes mesh, constraints and materials from the linear problem p. The
// solid of a point is that of its most frequent tissue. Where all tissues have laws
// of one form, it is scaled so that its moduli at small strain are those of the
// linear problem, mixed where tissues meet.
func (r *Result) finiteBody(p *Problem) *finiteBody {
	cfg := &r.Conditions
	w := &finiteBody{mesh: r.Mesh, lattice: *p.Lattice, laws: cfg.laws(), points: make([]finitePoint, len(r.Points)),
		stretch: cfg.Finite.AxialStretch, inner: r.Mesh.Inner(), bed: cfg.Finite.Foundation, fixed: p.Fixed}
	if cfg.Finite.Foundation > 0 {
		w.outer = r.Mesh.Outer()
	}
	mixed := true
	for _, t := range solids {
		mixed = mixed && fmt.Sprintf("%T", w.laws[t].Law) == fmt.Sprintf("%T", w.laws[imaging.Wall].Law)
	}
	for n := range w.points {
		t := r.Points[n].Tissue
		law := &w.laws[t]
		w.points[n] = finitePoint{uint8(t), 1, law.Bulk()}
		if l := p.Law[n/element.Points][n%element.Points]; mixed && l.Shear > 0 {
			w.points[n] = finitePoint{uint8(t), l.Shear / law.Shear(), l.Bulk}
		}
	}
	return w
}

// kernel is the scratch of one goroutine.
type finiteKernel struct {
	element.Brick
	w      *finiteBody
	pre    [3][3]float64
	fibres [imaging.NumTissues][2]r3.Vec
}

func (w *finiteBody) kernel() *finiteKernel { return &finiteKernel{w: w} }

// evaluate computes cell e for displacements u of the nodes from the unloaded shape.
func (k *finiteKernel) evaluate(e int, free, u []r3.Vec, tangent element.Tangent) error {
	w := k.w
	var from, move [8]r3.Vec
	for a, n := range w.mesh.Cells[e] {
		from[a], move[a] = free[n], u[n]
	}
	if !(k.Set(&from) > 0) {
		return w.inverted(e)
	}
	k.Pre = nil
	var axes *[3]r3.Vec
	if w.stretch != 1 {
		axes = w.axes(e)
		k.pre = stretchAlong(axes[2], w.stretch)
		k.Pre = &k.pre
	}
	for q := range element.Points {
		p := &w.points[element.Points*e+q]
		law := &w.laws[p.tissue]
		k.Law[q] = element.PointLaw{Law: law.Law, Scale: p.scale, Bulk: p.bulk}
		if w.cap > 0 {
			k.Law[q].Bulk = min(p.bulk, w.cap*p.scale*law.Shear())
		}
		if !math.IsNaN(law.angle) {
			if axes == nil {
				axes = w.axes(e)
			}
			s, c := math.Sincos(law.angle)
			f := &k.fibres[p.tissue]
			f[0] = r3.Add(r3.Scale(c, axes[1]), r3.Scale(s, axes[2]))
			f[1] = r3.Add(r3.Scale(c, axes[1]), r3.Scale(-s, axes[2]))
			k.Law[q].Dirs = f[:]
		}
	}
	if err := k.Evaluate(&move, tangent); err != nil {
		return w.inverted(e)
	}
	return nil
}

// inverted says that cell e cannot be evaluated.
func (w *finiteBody) inverted(e int) error {
	return &cellError{cell: e, at: w.mesh.Centre(e), where: w.mesh.Where(e)}
}

// axes returns the radial, hoop and axial unit vectors of cell e in the imaged
// shape: the axial one is the mean of its edges along the vessel, the radial one as
// near to those through the wall as it can be.
func (w *finiteBody) axes(e int) *[3]r3.Vec {
	x := w.mesh.Corners(e)
	var radial, axial r3.Vec
	for a, c := range element.Corners {
		radial = r3.Add(radial, r3.Scale(c[0], x[a]))
		axial = r3.Add(axial, r3.Scale(c[2], x[a]))
	}
	axial = r3.Unit(axial)
	radial = r3.Unit(r3.Sub(radial, r3.Scale(r3.Dot(radial, axial), axial)))
	return &[3]r3.Vec{radial, r3.Cross(axial, radial), axial}
}

// stretchAlong returns G, a stretch λ along t that keeps the volume.
func stretchAlong(t r3.Vec, lambda float64) (g [3][3]float64) {
	across := 1 / math.Sqrt(lambda)
	d := [3]float64{t.X, t.Y, t.Z}
	for i := range 3 {
		for j := range 3 {
			g[i][j] = (lambda - across) * d[i] * d[j]
		}
		g[i][i] += across
	}
	return g
}

// forces stores in f what is missing to balance at a pressure, kPa: loads less
// the forces of material and bed. k gets their symmetric stiffness against a
// motion of the nodes, unless none is wanted, and motion, unless nil, the deformation
// gradient around each node up to a factor. Planes of cells are computed side by side, the even ones before the
// odd ones, so that sums keep their order. It returns the length of the load.
func (w *finiteBody) forces(ctx context.Context, f []float64, tangent element.Tangent, k *sparse.Stencil, motion [][9]float64, free, u []r3.Vec, pressure float64) (load float64, err error) {
	clear(f)
	if tangent == element.NoTangent {
		k = nil
	} else {
		clear(k.Val)
	}
	if tangent == element.FullTangent {
		w.press(f, k, free, u, pressure)
	} else {
		w.press(f, nil, free, u, pressure)
	}
	applyFixed(f, w.fixed)
	load = math.Sqrt(dotSerial(f, f))
	w.support(f, k, u)
	clear(motion)
	plane := w.mesh.Around * w.mesh.Through
	errs := make([]error, w.mesh.Along)
	for parity := range 2 {
		err := par.For(ctx, (w.mesh.Along+1-parity)/2, func(n int) {
			n = 2*n + parity
			b := w.kernel()
			for e := n * plane; e < (n+1)*plane; e++ {
				if errs[n] = b.evaluate(e, free, u, tangent); errs[n] != nil {
					return
				}
				b.add(e, f, k, motion)
			}
		})
		if err != nil {
			return 0, err
		}
		for _, err := range errs {
			if err != nil {
				return 0, err
			}
		}
	}
	applyFixed(f, w.fixed)
	if k != nil {
		k.Constrain(w.fixed)
	}
	return load, nil
}

// add adds what [finiteKernel.evaluate] left.
func (k *finiteKernel) add(e int, f []float64, m *sparse.Stencil, motion [][9]float64) {
	cell := &k.w.mesh.Cells[e]
	for a, n := range cell {
		g, v := (*[3]float64)(f[3*n:]), &k.Force[a]
		g[0] -= v[0]
		g[1] -= v[1]
		g[2] -= v[2]
		if motion != nil { // point a lies in the octant of corner a
			t, d := &motion[n], &k.F[a]
			for i := range 9 {
				t[i] += k.Weight[a] * d[i/3][i%3]
			}
		}
		if m == nil {
			continue
		}
		for b := a; b < 8; b++ {
			v := &k.Stiff[a][b]
			m.Add(int(n), int(cell[b]), v)
			if b > a {
				m.Add(int(cell[b]), int(n), &[9]float64{v[0], v[3], v[6], v[1], v[4], v[7], v[2], v[5], v[8]})
			}
		}
	}
}

// press adds the loads of the pressure on the displaced lumen and, if wanted, the
// symmetric part of their stiffness: all of it, as far as the lumen ends in planes.
func (w *finiteBody) press(f []float64, k *sparse.Stencil, free, u []r3.Vec, pressure float64) {
	face := element.FaceOf(4)
	var at [4]r3.Vec
	var stiff []float64
	if k != nil {
		stiff = make([]float64, 144)
	}
	for _, nodes := range w.inner {
		var load [12]float64
		for a, n := range nodes {
			at[a] = r3.Add(free[n], u[n])
		}
		clear(stiff)
		face.Pressure(load[:], stiff, at[:], pressure)
		for a, n := range nodes {
			for i := range 3 {
				f[3*int(n)+i] += load[3*a+i]
			}
			if k == nil {
				continue
			}
			for b, m := range nodes {
				var v [9]float64
				for i := range 3 {
					for j := range 3 {
						v[3*i+j] = -(stiff[(3*a+i)*12+3*b+j] + stiff[(3*b+j)*12+3*a+i]) / 2
					}
				}
				k.Add(int(n), int(m), &v)
			}
		}
	}
}

// support adds the forces of the bed, on the areas of the imaged shape, and its
// stiffness.
func (w *finiteBody) support(f []float64, k *sparse.Stencil, u []r3.Vec) {
	for _, face := range w.outer {
		var at [4]r3.Vec
		for a, n := range face {
			at[a] = w.mesh.Nodes[n]
		}
		kf := element.Bed(at, w.bed)
		for a, na := range face {
			for b, nb := range face {
				v, d := kf[a][b], &u[nb]
				f[3*na] -= v * d.X
				f[3*na+1] -= v * d.Y
				f[3*na+2] -= v * d.Z
				if k != nil {
					k.Add(int(na), int(nb), &[9]float64{v, 0, 0, 0, v, 0, 0, 0, v})
				}
			}
		}
	}
}
