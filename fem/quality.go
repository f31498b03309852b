package fem

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// Discretisation estimates what a finer mesh would change in a region.
type Discretisation struct {
	Region string
	// Energy is the error of the stress in the energy norm over the norm of the stress,
	// estimated after Zienkiewicz and Zhu (Int J Numer Meth Eng 24 (1987) 337):
	//
	//	η² = ∫ (σ* − σ) : C⁻¹ : (σ* − σ) dV / ∫ σ* : C⁻¹ : σ* dV         (F.13)
	//
	// where σ* is smooth within each tissue.
	Energy float64
	// P99 and Mean are the 99th percentile and the mean of the largest principal
	// stress of σ* over those of σ, less 1: about what refinement by half changes.
	P99, Mean float64
}

// Discretisation compares the stress of the elements with one that is smooth
// within each tissue, over [Regions] between two arc lengths, mm. Values
// are NaN in empty regions.
func (r *Result) Discretisation(from, to float64) []Discretisation {
	w := r.window(from, to)
	plain, smooth := r.stresses(w)
	out := make([]Discretisation, len(regions))
	for g := range regions {
		raw, better := make(sample, 0, w.count[g]), make(sample, 0, w.count[g])
		for n := range w.in {
			if w.in[n]>>g&1 != 0 {
				p := &r.Points[w.from+n]
				raw = append(raw, weighted{plain[n].Principal()[0], p.Volume})
				better = append(better, weighted{smooth[n].Principal()[0], p.Volume})
			}
		}
		raw.sort()
		better.sort()
		out[g] = Discretisation{Region: regions[g].name, Energy: r.energyError(w, g, plain, smooth),
			P99: better.percentile(99)/raw.percentile(99) - 1, Mean: better.mean()/raw.mean() - 1}
	}
	return out
}

// energyError returns η of a region (F.13) from the stresses of a window.
func (r *Result) energyError(w *window, region int, plain, smooth []element.Tensor) float64 {
	var diff, norm float64
	for n := range w.in {
		if w.in[n]>>region&1 == 0 {
			continue
		}
		p, s := &r.Points[w.from+n], &smooth[n]
		var d element.Tensor
		for i := range d {
			d[i] = s[i] - plain[n][i]
		}
		c := r.compliance(p)
		diff += p.Volume * c.of(&d)
		norm += p.Volume * c.of(s)
	}
	return math.Sqrt(diff / norm)
}

// stresses returns at the points of a window the stress of the elements
// themselves, which in small strain is not the recovered one of Points, and what
// is smooth of it.
func (r *Result) stresses(w *window) (plain, smooth []element.Tensor) {
	lo, hi := w.from/element.Points, w.to/element.Points
	plain = make([]element.Tensor, element.Points*(hi-lo))
	if r.Phases != nil {
		for n := range plain {
			plain[n] = r.Points[element.Points*lo+n].Stress
		}
		return plain, r.smooth(w)
	}
	var h element.Hex8
	for e := lo; e < hi; e++ {
		x := r.Mesh.Corners(e)
		h.Set(&x)
		var u [8]r3.Vec
		for a, n := range r.Mesh.Cells[e] {
			u[a] = r.Solution.U[n]
		}
		for q := range element.Points {
			p, n := &r.Points[element.Points*e+q], element.Points*(e-lo)+q
			strain := h.Strain(&u, q)
			if mix := r.mixed[e]; mix != nil {
				if l := slices.Index(mix.material, r.materials.of[p.Tissue]); l >= 0 {
					strain = mix.Strain(l, strain, mix.Traction(strain))
				}
			}
			plain[n] = r.materials.law[r.materials.of[p.Tissue]].Stress(strain)
		}
	}
	x := *r
	x.Points = slices.Clone(r.Points)
	for n, s := range plain {
		x.Points[element.Points*lo+n].Stress = s
	}
	return plain, x.smooth(w)
}

// smooth returns the stress at the points of a window after it was carried to the
// nodes, tissue by tissue, and back.
func (r *Result) smooth(w *window) []element.Tensor {
	lo, hi := w.from/element.Points, w.to/element.Points
	out := make([]element.Tensor, element.Points*(hi-lo))
	for _, t := range solids {
		if !slices.Contains(r.Tissue[lo:hi], t) {
			continue
		}
		var nodal [6][]float64
		for c := range nodal {
			nodal[c] = r.carry(t, lo, hi, func(p *Point) float64 { return p.Stress[c] })
		}
		for e := lo; e < hi; e++ {
			if r.Tissue[e] != t {
				continue
			}
			for q := range element.Points {
				for c := range nodal {
					var s float64
					for a, node := range r.Mesh.Cells[e] {
						s += pointShapes[q][a] * nodal[c][node]
					}
					out[element.Points*(e-lo)+q][c] = s
				}
			}
		}
	}
	return out
}

// compliance holds the factors of the complementary energy of an isotropic solid,
//
//	σ : C⁻¹ : σ = dev σ : dev σ / 2μ + (tr σ)² / 9κ
type compliance struct{ shear, bulk float64 }

func (r *Result) compliance(p *Point) compliance {
	l := element.Moduli(p.Young, r.Conditions.Materials.table()[p.Tissue].Poisson)
	return compliance{1 / (2 * l.Shear), 1 / (9 * l.Bulk)}
}

func (c compliance) of(s *element.Tensor) float64 {
	tr := s[0] + s[1] + s[2]
	dd := s[0]*s[0] + s[1]*s[1] + s[2]*s[2] - tr*tr/3 + 2*(s[3]*s[3]+s[4]*s[4]+s[5]*s[5])
	return c.shear*dd + c.bulk*tr*tr
}

// Share is how much of a tissue the mesh holds.
type Share struct {
	Tissue imaging.Tissue
	Mesh   float64 // mm³, by the tissue of quadrature points
	Mask   float64 // mm³, voxels of the labels whose centres lie in the mesh
}

// Composition compares the tissues of the mesh with the labels they were taken
// from, over the whole mesh. Labels of blood and background in the mesh count as
// wall, as they did for the stiffness.
func (r *Result) Composition(ctx context.Context, labels *imaging.Labels) ([]Share, error) {
	var mesh [imaging.NumTissues]float64
	for n := range r.Points {
		mesh[r.Points[n].Tissue] += r.Points[n].Volume
	}
	var mask [imaging.NumTissues]float64
	if labels != nil {
		grid, offset := r.box(&labels.Grid)
		voxels := make([]imaging.Tissue, grid.Len())
		err := r.Mesh.EachVoxel(ctx, grid, nil, func(voxel, _ int, _ [8]float64) {
			i, j, k := grid.Coords(voxel)
			voxels[voxel] = labels.Class[labels.Offset(i+offset[0], j+offset[1], k+offset[2])]
			if !voxels[voxel].IsPlaque() {
				voxels[voxel] = imaging.Wall
			}
		})
		if err != nil {
			return nil, err
		}
		one := grid.Spacing[0] * grid.Spacing[1] * grid.Spacing[2]
		for _, t := range voxels {
			mask[t] += one
		}
	}
	var out []Share
	for _, t := range solids {
		if mesh[t] > 0 || mask[t] > 0 {
			out = append(out, Share{t, mesh[t], mask[t]})
		}
	}
	return out, nil
}

// box returns the part of a grid around the mesh, and where it begins.
func (r *Result) box(g *imaging.Grid) (imaging.Grid, [3]int) {
	lo, hi := g.Size, [3]int{}
	for _, p := range r.Mesh.Nodes {
		i, j, k := g.Index(p)
		for a, x := range [3]float64{i, j, k} {
			lo[a] = max(0, min(lo[a], int(math.Floor(x))))
			hi[a] = min(g.Size[a], max(hi[a], int(math.Ceil(x))+1))
		}
	}
	for a := range lo { // a mesh outside the grid leaves one voxel
		lo[a] = min(lo[a], g.Size[a]-1)
		hi[a] = max(hi[a], lo[a]+1)
	}
	return g.Crop(lo, hi), lo
}
