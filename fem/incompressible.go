package fem

import (
	"context"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Ratios κ/μ = 2 (1 + ν) / 3 (1 − 2ν) of bulk to shear modulus.
const (
	stiffRatio = 600      // above this (ν = 0.4992) the pressure of a cell becomes an unknown,
	softRatio  = 29.0 / 3 // and the matrix holds this one (ν = 0.45)
)

// soften returns the laws for the matrix and the mean bulk moduli of each cell in
// the matrix and in truth; nil if no cell is nearly incompressible.
func (p *Problem) soften() (law [][element.Points]element.Lame, soft, bulk []float64) {
	stiff := func(l *[element.Points]element.Lame) bool {
		for q := range l {
			if l[q].Bulk > stiffRatio*l[q].Shear {
				return true
			}
		}
		return false
	}
	any := false
	for e := range p.Law {
		any = any || stiff(&p.Law[e])
	}
	if !any {
		return nil, nil, nil
	}
	law = make([][element.Points]element.Lame, len(p.Law))
	soft, bulk = make([]float64, len(p.Law)), make([]float64, len(p.Law))
	var h element.Hex8
	for e := range p.Law {
		law[e] = p.Law[e]
		x := p.Mesh.Corners(e)
		h.Set(&x)
		for q, w := range h.Weight {
			l := &law[e][q]
			bulk[e] += l.Bulk * w / h.Volume
			l.Bulk = min(l.Bulk, softRatio*l.Shear)
			soft[e] += l.Bulk * w / h.Volume
		}
		if !stiff(&p.Law[e]) {
			law[e], soft[e] = p.Law[e], bulk[e]
		}
	}
	return law, soft, bulk
}

// dilatation couples the displacements of a problem with the pressures of its
// cells.
type dilatation struct {
	p      *Problem
	volume []float64
	flux   [][8][3]float64 // ∫ ∂N_a/∂x dV, mm²
}

func newDilatation(p *Problem) *dilatation {
	d := &dilatation{p: p, volume: make([]float64, len(p.Mesh.Cells)), flux: make([][8][3]float64, len(p.Mesh.Cells))}
	_ = par.Blocks(context.Background(), len(d.flux), 256, func(lo, hi int) {
		var h element.Hex8
		for e := lo; e < hi; e++ {
			x := p.Mesh.Corners(e)
			h.Set(&x)
			d.volume[e] = h.Volume
			for a, m := range h.Mean {
				for c, v := range m {
					d.flux[e][a][c] = h.Volume * v
				}
			}
		}
	})
	return d
}

// Volume returns the volume of each cell.
func (d *dilatation) Volume() []float64 { return d.volume }

// Mean stores the mean dilatation of each cell in theta.
func (d *dilatation) Mean(theta, u []float64) {
	_ = par.Blocks(context.Background(), len(theta), 1024, func(lo, hi int) {
		for e := lo; e < hi; e++ {
			var t float64
			for a, n := range d.p.Mesh.Cells[e] {
				g, v := &d.flux[e][a], (*[3]float64)(u[3*int(n):])
				t += g[0]*v[0] + g[1]*v[1] + g[2]*v[2]
			}
			theta[e] = t / d.volume[e]
		}
	})
}

// AddForce adds the forces of the pressures of the cells to f, in the order of
// the mesh. Fixed nodes must carry none before.
func (d *dilatation) AddForce(f, pressure []float64) {
	for e, p := range pressure {
		if p == 0 {
			continue
		}
		for a, n := range d.p.Mesh.Cells[e] {
			g, v := &d.flux[e][a], (*[3]float64)(f[3*int(n):])
			v[0] += p * g[0]
			v[1] += p * g[1]
			v[2] += p * g[2]
		}
	}
	applyFixed(f, d.p.Fixed)
}

// applyFixed replaces f by Q f on the fixed nodes.
func applyFixed(f []float64, fixed []sparse.Fixed) {
	for n := range fixed {
		q := &fixed[n].Q
		v := f[3*fixed[n].Node : 3*fixed[n].Node+3]
		a, b, c := v[0], v[1], v[2]
		for i := range 3 {
			v[i] = q[3*i]*a + q[3*i+1]*b + q[3*i+2]*c
		}
	}
}
