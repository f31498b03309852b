package fem

import (
	"context"
	"slices"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Ratios κ/μ = 2 (1 + ν) / 3 (1 − 2ν) of bulk to shear modulus.
const (
	stiffRatio = 600      // above this (ν = 0.4992) the pressure of a cell becomes an unknown,
	softRatio  = 29.0 / 3 // and the matrix holds this one (ν = 0.45), as the one that is aggregated does
)

// softened returns the laws with bulk moduli of at most limit times the shear
// modulus in the cells that exceed that by more than the factor over somewhere,
// or nil if none does.
func (p *Problem) softened(limit, over float64) [][element.Points]element.Lame {
	var law [][element.Points]element.Lame
	for e := range p.Law {
		stiff := false
		for _, l := range p.Law[e] {
			stiff = stiff || l.Bulk > over*limit*l.Shear
		}
		if !stiff {
			continue
		}
		if law == nil {
			law = slices.Clone(p.Law)
		}
		for q := range law[e] {
			l := &law[e][q]
			l.Bulk = min(l.Bulk, limit*l.Shear)
		}
	}
	return law
}

// bulk returns the mean bulk moduli of the cells.
func (p *Problem) bulk(law [][element.Points]element.Lame) []float64 {
	k := make([]float64, len(law))
	var h element.Hex8
	for e := range law {
		x := p.Mesh.Corners(e)
		h.Set(&x)
		for q, w := range h.Weight {
			k[e] += law[e][q].Bulk * w / h.Volume
		}
	}
	return k
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
