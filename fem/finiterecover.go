package fem

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// cutShare is what a cell that an interface cuts counts in a fit: enough where
// there is no other, next to nothing beside whole cells.
const cutShare = 0.03

// finiteFields are what is fitted: stress and strain at the middles of the cells.
type finiteFields struct {
	stress, strain centres
	cut            []bool    // several materials in the cell
	density        []float64 // strain energy density at the points, kPa
}

// recoverFinite sets points, surface and energy of a phase for displacements u of
// the nodes from the unloaded shape, in the way of [Result.recover]: Cauchy stress and
// Green and Lagrange's strain are fitted, each material by itself. The mean over a
// cell stands for its middle.
func (r *Result) recoverFinite(ctx context.Context, w *finiteBody, phase *Phase, free, u []r3.Vec) error {
	phase.Points = slices.Clone(r.Points)
	c, energy, err := r.finiteCentres(ctx, w, phase.Points, free, u)
	if err != nil {
		return err
	}
	phase.Energy = energy
	m := r.Mesh
	surface := make([][]SurfacePoint, m.Along)
	err = par.For(ctx, m.Along, func(k int) {
		var f fit
		for e := m.Cell(0, 0, k); e < m.Cell(0, 0, k+1); e++ {
			surface[k] = f.finiteCell(surface[k], r, phase.Points, c, e)
		}
	})
	phase.Surface = slices.Concat(surface...)
	return err
}

// finiteCentres computes the means over the cells, the volumes of the points in the
// image, and the strain energy.
func (r *Result) finiteCentres(ctx context.Context, w *finiteBody, points []Point, free, u []r3.Vec) (*finiteFields, float64, error) {
	cells := r.Mesh.Cells
	at, first := make([]r3.Vec, len(cells)), make([]int32, len(cells)+1)
	for e := range cells {
		at[e], first[e+1] = r.Mesh.Centre(e), int32(e+1)
	}
	c := &finiteFields{stress: centres{at, first, make([]centre, len(cells))}, strain: centres{at, first, make([]centre, len(cells))},
		cut: make([]bool, len(cells)), density: make([]float64, len(points))}
	energies, errs := make([]float64, len(cells)), make([]error, len(cells))
	err := par.Blocks(ctx, len(cells), 128, func(lo, hi int) {
		k := w.kernel()
		var imaged element.Hex8
		for e := lo; e < hi; e++ {
			x := r.Mesh.Corners(e)
			imaged.Set(&x)
			if errs[e] = k.evaluate(e, free, u, element.NoTangent); errs[e] != nil {
				return
			}
			energies[e] = k.Energy
			own := w.points[element.Points*e : element.Points*(e+1)]
			share := 1.0
			for q := range own {
				c.cut[e] = c.cut[e] || own[q] != own[0]
			}
			if c.cut[e] {
				share = cutShare
			}
			stress := centre{share: share, material: r.materials.of[r.Tissue[e]]}
			strain := stress
			for q := range own {
				f := k.F[q]
				if k.Pre != nil {
					f = element.Product(&f, k.Pre)
				}
				cg := element.RightCauchyGreen(&f)
				t, g := k.Cauchy(q), element.GreenLagrange(&cg)
				part := k.Weight[q] / k.Volume
				for i := range t {
					stress.stress[i] += part * t[i]
					strain.stress[i] += part * g[i]
				}
				points[element.Points*e+q].Volume = imaged.Weight[q]
				c.density[element.Points*e+q] = k.Density[q]
			}
			c.stress.of[e], c.strain.of[e] = stress, strain
		}
	})
	var energy float64
	for e := range cells {
		if errs[e] != nil {
			return nil, 0, errs[e]
		}
		energy += energies[e]
	}
	return c, energy, err
}

// finiteCell recovers the points of cell e and appends its surface points, as
// [fit.cell] does.
func (f *fit) finiteCell(surface []SurfacePoint, r *Result, all []Point, c *finiteFields, e int) []SurfacePoint {
	x := r.Mesh.Corners(e)
	inv := covectors(tangents(&x))
	at := c.stress.at[e]
	points := all[element.Points*e : element.Points*(e+1)]
	type spot3 struct {
		point *Point
		y     [3]float64
	}
	var done [imaging.NumTissues]bool // by material
	for q := range points {
		mat := r.materials.of[points[q].Tissue]
		if done[mat] {
			continue
		}
		done[mat] = true
		var spots []spot3
		local := func(xi [3]float64) ([3]float64, r3.Vec) {
			n := element.Shape(xi[0], xi[1], xi[2])
			p := spot(&x, &n)
			return inv.mul(r3.Sub(p, at)), p
		}
		var energy, volume float64
		for n := q; n < len(points); n++ {
			if r.materials.of[points[n].Tissue] == mat {
				xi0, xi1, xi2 := element.QuadraturePoint(n)
				y, _ := local([3]float64{xi0, xi1, xi2})
				spots = append(spots, spot3{&points[n], y})
				points[n].Energy = c.density[element.Points*e+n]
				energy, volume = energy+points[n].Energy*points[n].Volume, volume+points[n].Volume
			}
		}
		from := len(surface)
		var places [][3]float64
		add := func(xi [3]float64) {
			y, p := local(xi)
			surface = append(surface, SurfacePoint{Cell: e, At: p, Point: Point{Tissue: points[q].Tissue, CapDepth: math.NaN(), Young: points[q].Young, Energy: energy / volume}})
			places = append(places, y)
		}
		if e%r.Mesh.Through == 0 && mat == r.materials.of[r.Tissue[e]] {
			add([3]float64{-1, 0, 0})
		}
		for _, face := range faces {
			if n, ok := r.neighbour(e, face); ok && !c.cut[e] && (c.cut[n] || r.materials.of[r.Tissue[n]] != mat) {
				add(face)
			}
		}
		for n, y := range places {
			spots = append(spots, spot3{&surface[from+n].Point, y})
		}
		for n, field := range []*centres{&c.stress, &c.strain} {
			f.gather(r, field, e, mat, &inv)
			// A tissue of cut cells alone has no middle of its own near by.
			known := f.normal[0][0] > 0
			f.solve()
			for _, s := range spots {
				t := field.of[e].stress
				if known {
					t = f.at(s.y)
				}
				if n == 0 {
					s.point.Stress = t
				} else {
					s.point.Strain = t
				}
			}
		}
		for _, s := range spots {
			s.point.derive()
		}
	}
	return surface
}
