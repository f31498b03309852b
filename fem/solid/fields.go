package solid

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Sample is the state at a quadrature point.
type Sample struct {
	At     r3.Vec  // in the reference shape, mm
	Volume float64 // that it stands for, in the reference shape, mm³
	Tensors
}

// Tensors is what is known of a point.
type Tensors struct {
	Stress  element.Tensor // Cauchy, kPa
	Strain  element.Tensor // linear in small strain, Green-Lagrange in finite strain
	Stretch float64        // volume ratio J; 1 + tr ε in small strain
	Energy  float64        // strain energy per reference volume, kPa
}

// values is the number of scalars of Tensors.
const values = 14

func (t *Tensors) get(v *[values]float64) {
	copy(v[:6], t.Stress[:])
	copy(v[6:12], t.Strain[:])
	v[12], v[13] = t.Stretch, t.Energy
}

func (t *Tensors) set(v *[values]float64) {
	copy(t.Stress[:], v[:6])
	copy(t.Strain[:], v[6:12])
	t.Stretch, t.Energy = v[12], v[13]
}

// Fields holds stress and strain of a solution: raw at the quadrature points, and
// recovered at the nodes, where each material has values of its own. Nothing is
// averaged across an interface.
type Fields struct {
	*Solution
	Samples []Sample // of cell e: Samples[First[e]:First[e+1]]
	First   []int32
	Nodal   []Tensors // recovered values, one for each node and material that meet
	nodalOf [][]int32 // Nodal of the nodes of each cell
	node    []int32   // node of each Nodal
	around  *mesh.Lists
	means   []Sample // of cells whose fields are good in the middle alone
	minDet  float64  // smallest J at a quadrature point
	minAt   int      // its cell
}

// Fields recovers stress and strain. Around each node a quadratic polynomial is
// fitted, by least squares weighted with volume, to points of the elements of one
// material that meet there, and evaluated at the node (Zienkiewicz and Zhu 1992).
// Points are the quadrature points of quadratic elements and the means of others.
// Where the latter lie on one side of the node, at a surface or an interface,
// those around them are taken too, of the same material, so that the value there
// is extrapolated from two layers. The constant stress of a tet4 scatters from one
// element to the next: there one layer more is taken.
func (s *Solution) Fields(ctx context.Context) (*Fields, error) {
	f := &Fields{Solution: s}
	if err := f.sample(ctx); err != nil {
		return nil, err
	}
	if err := f.recover(ctx); err != nil {
		return nil, err
	}
	return f, nil
}

// sample evaluates all quadrature points.
func (f *Fields) sample(ctx context.Context) error {
	s := f.sys
	m := s.Mesh
	f.First = make([]int32, m.Cells()+1)
	for e := range m.Cells() {
		f.First[e+1] = f.First[e] + int32(len(s.reference(e).Xi))
	}
	f.Samples = make([]Sample, f.First[m.Cells()])
	t := state{f.U, f.alpha}
	pressure, _, err := s.dilate(ctx, t)
	if err != nil {
		return err
	}
	least := make([]float64, m.Cells())
	err = s.eachCell(ctx, s.colours, func(w *work, e int) error {
		if s.bricks != nil {
			least[e] = s.bricks.sample(f.Samples[f.First[e]:f.First[e+1]], &w.brick, e, f.U)
			return nil
		}
		if err := s.evaluate(w, e, t, pressure, false); err != nil {
			return err
		}
		law := s.Laws[s.Of[e]]
		least[e] = math.Inf(1)
		for q := range w.c.Ref.Xi {
			p := &w.c.Point[q]
			det := element.Determinant(&p.F)
			if !s.Finite {
				det = 1 + p.Strain[0] + p.Strain[1] + p.Strain[2]
			}
			least[e] = min(least[e], det)
			f.Samples[int(f.First[e])+q] = Sample{w.c.At[q], w.c.Weight[q], Tensors{
				Stress: w.c.Cauchy(law, q, s.Finite), Strain: p.Strain, Stretch: det,
				Energy: p.Response.Energy + p.Pressure*p.Pressure/(2*law.Bulk()),
			}}
		}
		return nil
	})
	f.minDet = math.Inf(1)
	for e, d := range least {
		if d < f.minDet {
			f.minDet, f.minAt = d, e
		}
	}
	return err
}

// recover fits the nodal values.
func (f *Fields) recover(ctx context.Context) error {
	s := f.sys
	m := s.Mesh
	f.around = m.CellsAround()
	f.nodalOf = make([][]int32, m.Cells())
	all := make([]int32, len(m.Conn))
	for e := range f.nodalOf {
		f.nodalOf[e] = all[m.Start[e]:m.Start[e+1]:m.Start[e+1]]
	}
	var material []int32 // of each Nodal
	for n := range m.Nodes {
		from := len(f.node)
		for _, e := range f.around.Of(n) {
			at := slices.Index(material[from:], s.Of[e])
			if at < 0 {
				at = len(material) - from
				material = append(material, s.Of[e])
				f.node = append(f.node, int32(n))
			}
			f.nodalOf[e][slices.Index(m.Cell(int(e)), int32(n))] = int32(from + at)
		}
	}
	f.means = make([]Sample, m.Cells())
	if err := par.Blocks(ctx, m.Cells(), 256, func(lo, hi int) {
		for e := lo; e < hi; e++ {
			if !f.quadratic(e) {
				f.means[e] = mean(f.Samples[f.First[e]:f.First[e+1]])
			}
		}
	}); err != nil {
		return err
	}
	f.Nodal = make([]Tensors, len(f.node))
	return par.Blocks(ctx, len(f.node), 64, func(lo, hi int) {
		var p polynomial
		for at := lo; at < hi; at++ {
			f.Nodal[at] = f.fit(&p, int(f.node[at]), material[at])
		}
	})
}

// quadratic tells whether cell e is of a quadratic type.
func (f *Fields) quadratic(e int) bool {
	t := f.sys.Mesh.Types[e]
	return t.Nodes() > t.Corners()
}

// mean returns the mean of samples, weighted with their volume.
func mean(samples []Sample) (one Sample) {
	var sum [values]float64
	for q := range samples {
		s := &samples[q]
		var v [values]float64
		s.get(&v)
		one.Volume += s.Volume
		one.At = r3.Add(one.At, r3.Scale(s.Volume, s.At))
		for i := range sum {
			sum[i] += s.Volume * v[i]
		}
	}
	for i := range sum {
		sum[i] /= one.Volume
	}
	one.At = r3.Scale(1/one.Volume, one.At)
	one.set(&sum)
	return one
}

// patch appends to cells those around node n of a material.
func (f *Fields) patch(cells []int32, n int, material int32) []int32 {
	for _, e := range f.around.Of(n) {
		if f.sys.Of[e] == material {
			cells = append(cells, e)
		}
	}
	return cells
}

// fit returns the value at node n of the polynomial through the points of the patch
// of a material.
func (f *Fields) fit(p *polynomial, n int, material int32) Tensors {
	m := f.sys.Mesh
	p.patch = f.patch(p.patch[:0], n, material)
	quadratic := f.quadratic(int(p.patch[0]))
	p.gather(f, p.patch, m.Nodes[n], quadratic)
	rings := 0
	if !quadratic && p.oneSided() {
		rings = 1
	}
	if m.Types[p.patch[0]] == element.Tetra4 {
		rings++
	}
	for range rings {
		p.wide = p.wide[:0]
		for _, e := range p.patch {
			for _, o := range m.Cell(int(e))[:m.Types[e].Corners()] {
				p.wide = f.patch(p.wide, int(o), material)
			}
		}
		slices.Sort(p.wide)
		p.patch, p.wide = slices.Compact(p.wide), p.patch
	}
	if rings > 0 {
		p.gather(f, p.patch, m.Nodes[n], quadratic)
	}
	var sum [values]float64
	for n, w := range p.weights() {
		for i := range sum {
			sum[i] += w * p.values[n][i]
		}
	}
	var out Tensors
	out.set(&sum)
	out.Energy = max(out.Energy, 0)
	return out
}

// polynomial is scratch of a fit.
type polynomial struct {
	patch, wide []int32
	at          []r3.Vec // relative to the node
	volume      []float64
	values      [][values]float64
	mid         r3.Vec         // mean of at
	square      element.Tensor // mean of at⊗at
	reach       float64        // greatest length of at
	columns     [10][]float64
	w           []float64
}

// gather takes the points of the cells of patch: all quadrature points of
// quadratic elements, and one mean of each other, whose stress is good in the
// middle alone.
func (p *polynomial) gather(f *Fields, patch []int32, x r3.Vec, each bool) {
	p.at, p.volume, p.values = p.at[:0], p.volume[:0], p.values[:0]
	for _, e := range patch {
		points := f.means[e : e+1]
		if each {
			points = f.Samples[f.First[e]:f.First[e+1]]
		}
		for q := range points {
			var v [values]float64
			points[q].get(&v)
			p.add(r3.Sub(points[q].At, x), points[q].Volume, &v)
		}
	}
	p.mid, p.square, p.reach = r3.Vec{}, element.Tensor{}, 0
	var total float64
	for _, v := range p.volume {
		total += v
	}
	for i, d := range p.at {
		v := p.volume[i] / total
		p.mid = r3.Add(p.mid, r3.Scale(v, d))
		for k, x := range [6]float64{d.X * d.X, d.Y * d.Y, d.Z * d.Z, d.X * d.Y, d.Y * d.Z, d.Z * d.X} {
			p.square[k] += v * x
		}
		p.reach = max(p.reach, r3.Norm(d))
	}
}

// oneSided tells whether the points lie on one side of the node: along some
// direction their mean is nearly as far from it as their root mean square,
//
//	mᵀ S⁻¹ m > ½,   m = ⟨d⟩,  S = ⟨d dᵀ⟩
//
// which is one for a single layer of elements, however flat they are, and zero
// inside an even mesh.
func (p *polynomial) oneSided() bool {
	s := p.square
	shift := 1e-9 * (s[0] + s[1] + s[2]) // points in a plane
	s[0], s[1], s[2] = s[0]+shift, s[1]+shift, s[2]+shift
	inv, _ := s.Invert()
	m := p.mid
	return inv[0]*m.X*m.X+inv[1]*m.Y*m.Y+inv[2]*m.Z*m.Z+2*(inv[3]*m.X*m.Y+inv[4]*m.Y*m.Z+inv[5]*m.Z*m.X) > 0.5
}

func (p *polynomial) add(at r3.Vec, volume float64, v *[values]float64) {
	p.at, p.volume, p.values = append(p.at, at), append(p.volume, volume), append(p.values, *v)
}

// weights returns the factors of the points whose sum is the fitted polynomial at
// the node, of the terms 1, x, y, z, xx, yy, zz, xy, yz, zx.
// Terms that the points cannot tell from those before them are left out.
func (p *polynomial) weights() []float64 {
	n := len(p.at)
	p.w = append(p.w[:0], make([]float64, n)...)
	var kept int
	var here [10]float64 // orthonormal terms at the node
	for t := range p.columns {
		col := append(p.columns[kept][:0], make([]float64, n)...)
		p.columns[kept] = col
		var before float64
		for i, at := range p.at {
			d := r3.Scale(1/p.reach, at)
			v := math.Sqrt(p.volume[i])
			switch t {
			case 1, 2, 3:
				v *= [3]float64{d.X, d.Y, d.Z}[t-1]
			case 4, 5, 6:
				v *= [3]float64{d.X * d.X, d.Y * d.Y, d.Z * d.Z}[t-4]
			case 7, 8, 9:
				v *= [3]float64{d.X * d.Y, d.Y * d.Z, d.Z * d.X}[t-7]
			}
			col[i] = v
			before += v * v
		}
		at := 0.0 // every term but the first vanishes at the node
		if t == 0 {
			at = 1
		}
		for k := range kept {
			c := floats.Dot(col, p.columns[k])
			floats.AddScaled(col, -c, p.columns[k])
			at -= c * here[k]
		}
		after := floats.Dot(col, col)
		if after <= 1e-3*before || after == 0 {
			continue
		}
		floats.Scale(1/math.Sqrt(after), col)
		here[kept] = at / math.Sqrt(after)
		kept++
	}
	for k := range kept {
		floats.AddScaled(p.w, here[k], p.columns[k])
	}
	for i, v := range p.volume {
		p.w[i] *= math.Sqrt(v)
	}
	return p.w
}

// At returns the recovered values and the displacement in cell e at the reference
// coordinates xi.
func (f *Fields) At(e int, xi [3]float64) (t Tensors, u r3.Vec) {
	n, _ := f.sys.Mesh.Types[e].Shape(xi)
	return f.mix(e, n)
}

// mix returns the nodal values of cell e weighted with n.
func (f *Fields) mix(e int, n []float64) (t Tensors, u r3.Vec) {
	var sum [values]float64
	for a, at := range f.nodalOf[e] {
		var v [values]float64
		f.Nodal[at].get(&v)
		for i := range sum {
			sum[i] += n[a] * v[i]
		}
		u = r3.Add(u, r3.Scale(n[a], f.Displacement(int(f.node[at]))))
	}
	t.set(&sum)
	return t, u
}

// Locate returns the cell that holds the point p of the reference shape, among
// those that in admits, and its coordinates there. If none holds it, the nearest
// counts, and off is the distance to it, mm. It returns −1 if in admits none.
func (f *Fields) Locate(p r3.Vec, in func(e int) bool) (cell int, xi [3]float64, off float64) {
	return locate(f.sys.Mesh, p, in)
}

func locate(m *mesh.Solid, p r3.Vec, in func(e int) bool) (cell int, xi [3]float64, off float64) {
	cell, off = -1, math.Inf(1)
	var x []r3.Vec
	for e := range m.Cells() {
		if !in(e) {
			continue
		}
		x = m.Corners(x[:0], e)
		lo, hi := x[0], x[0]
		for _, q := range x[1:] {
			lo = r3.Vec{X: min(lo.X, q.X), Y: min(lo.Y, q.Y), Z: min(lo.Z, q.Z)}
			hi = r3.Vec{X: max(hi.X, q.X), Y: max(hi.Y, q.Y), Z: max(hi.Z, q.Z)}
		}
		// A curved side may leave the box of its nodes a little.
		gap := r3.Vec{X: max(lo.X-p.X, p.X-hi.X, 0), Y: max(lo.Y-p.Y, p.Y-hi.Y, 0), Z: max(lo.Z-p.Z, p.Z-hi.Z, 0)}
		if r3.Norm(gap)-0.1*r3.Norm(r3.Sub(hi, lo)) > off {
			continue
		}
		if c, d := m.Types[e].Invert(x, p); d < off-1e-12 {
			cell, xi, off = e, c, d
		}
		if off < 1e-12 {
			break
		}
	}
	return cell, xi, off
}
