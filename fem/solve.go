package fem

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Result is the mechanics of one vessel under pressure.
type Result struct {
	Artery     coronary.Artery
	From, To   float64 // what was asked for, arc length in mm
	Mesh       *mesh.Swept
	Solution   *Solution
	Points     []Point          // Points[8·e + q] is quadrature point q of cell e
	Tissue     []imaging.Tissue // of each cell: the most frequent of its samples
	Notes      []risk.Note
	Conditions Config

	kept   *Problem // for sensitivities, with the matrix in Solution
	marked bool     // the rims are
}

// Point is the state at a quadrature point.
type Point struct {
	Volume float64 // mm³ that it stands for
	Tissue imaging.Tissue
	// CapDepth is the distance from the lumen, mm, of a point that lies between the
	// lumen and a low attenuation core; NaN elsewhere.
	CapDepth float64
	Young    float64        // kPa
	Stress   element.Tensor // Cauchy, kPa
	Strain   element.Tensor
	Sigma1   float64 // largest principal stress, kPa
	Sigma3   float64 // smallest principal stress, kPa
	VonMises float64 // kPa
	Eps1     float64 // largest principal strain
	Energy   float64 // strain energy density, kPa
	Radial   float64 // normal stress across the wall, kPa
	Hoop     float64 // normal stress around the lumen, kPa
	Axial    float64 // normal stress along the vessel, kPa
	Rims     Rims    // soft or hard tissue that lies next to the point
}

// Solve computes the wall of vessel v between two arc lengths, mm, with some
// padding on either side. Where sections are incomplete it takes the longest
// complete run; a note says so. tissue may be nil: then all is plain wall.
//
// It returns an error that matches [mesh.ErrSpan] if too little of the interval
// can be meshed, [mesh.ErrThickness] if the lumen touches the outer wall, a
// *[mesh.InvertedError] if an element is folded and [ErrNotConverged] if the
// solver gave up.
func Solve(ctx context.Context, v *coronary.Vessel, tissue *imaging.Labels, from, to float64, cfg Config) (*Result, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("mechanics settings: %w", err)
	}
	r := &Result{Artery: v.Artery, From: from, To: to, Conditions: cfg}
	where := func(err error) error {
		name := string(v.Artery)
		if name == "" {
			name = "vessel"
		}
		return fmt.Errorf("mechanics of %s from %.2f to %.2f mm: %w", name, from, to, err)
	}
	if math.IsNaN(from) || math.IsNaN(to) || math.IsInf(from, 0) || math.IsInf(to, 0) {
		return nil, where(errors.New("the interval is not finite"))
	}
	if tissue != nil && len(tissue.Class) != tissue.Len() {
		panic(fmt.Sprintf("fem: Solve: %d labels on a grid of %d voxels", len(tissue.Class), tissue.Len()))
	}
	var err error
	if r.Mesh, err = mesh.Sweep(ctx, v, from-cfg.Padding, to+cfg.Padding, cfg.sizes()); err != nil {
		return nil, where(err)
	}
	p := NewProblem(&r.Mesh.Mesh, element.Lame{})
	p.Lattice = &sparse.Lattice{N: [3]int{r.Mesh.Through + 1, r.Mesh.Around, r.Mesh.Along + 1}, Ring: true}
	r.Points = make([]Point, element.Points*len(r.Mesh.Cells))
	r.Tissue = make([]imaging.Tissue, len(r.Mesh.Cells))
	if err := r.assign(ctx, tissue, p); err != nil {
		return nil, where(err)
	}
	p.Press(r.Mesh.Inner(), cfg.KPa())
	last := len(r.Mesh.Frames) - 1
	for _, k := range []int{0, last} {
		for j := range r.Mesh.Around {
			for i := range r.Mesh.Through + 1 {
				if cfg.Ends == Clamped {
					p.Clamp(r.Mesh.Node(i, j, k))
				} else {
					p.Slide(r.Mesh.Node(i, j, k), r.Mesh.Frames[k].T)
				}
			}
		}
	}
	if cfg.Foundation > 0 {
		for _, f := range r.Mesh.Outer() {
			p.Springs = append(p.Springs, Spring{Face: f, Stiffness: cfg.Foundation})
		}
	}
	if p.Keep = cfg.Uncertainty.Enabled; p.Keep {
		r.kept = p
	}
	if r.Solution, err = p.Solve(ctx, cfg.Tolerance, cfg.MaxIterations); err != nil {
		var inv *mesh.InvertedError
		if errors.As(err, &inv) {
			inv.Where = r.Mesh.Where(inv.Cell)
		}
		return nil, where(err)
	}
	if err := r.recover(ctx, p); err != nil {
		return nil, where(err)
	}
	r.Notes = r.notes()
	return r, nil
}

// samples are the reference coordinates of eight sub-cells in each octant of
// the element, [8·q + n].
var samples = func() (s [64][8]float64) {
	for q, c := range element.Corners {
		for n, d := range element.Corners {
			s[8*q+n] = element.Shape(c[0]/2+d[0]/4, c[1]/2+d[1]/4, c[2]/2+d[2]/4)
		}
	}
	return s
}()

// assign gives every quadrature point the stiffness of the tissue in its octant
// of the element: the geometric mean of Young's moduli and the mean of Poisson's
// ratios over eight samples of the labels, nearest voxel (docs/theory/fem.md,
// section 3). Blood and background inside the mesh count as wall.
func (r *Result) assign(ctx context.Context, labels *imaging.Labels, p *Problem) error {
	table := r.Conditions.Materials.table()
	var logE [imaging.NumTissues]float64
	for t, m := range table {
		logE[t] = math.Log(m.Young)
	}
	look := lookup(labels)
	return par.Blocks(ctx, len(r.Mesh.Cells), 128, func(lo, hi int) {
		for e := lo; e < hi; e++ {
			x := r.Mesh.Corners(e)
			var whole [imaging.NumTissues]int
			for q := range element.Points {
				var count [imaging.NumTissues]int
				var le, nu float64
				for n := range 8 {
					var s r3.Vec
					for a, w := range samples[8*q+n] {
						s.X += w * x[a].X
						s.Y += w * x[a].Y
						s.Z += w * x[a].Z
					}
					t := look(s)
					if !t.IsPlaque() {
						t = imaging.Wall
					}
					count[t]++
					whole[t]++
					le += logE[t] / 8
					nu += table[t].Poisson / 8
				}
				pt := &r.Points[element.Points*e+q]
				pt.Tissue = most(&count)
				pt.Young = math.Exp(le)
				pt.CapDepth = math.NaN()
				p.Law[e][q] = element.Moduli(pt.Young, nu)
			}
			r.Tissue[e] = most(&whole)
		}
	})
}

// most returns the most frequent tissue, the later one in imaging's order
// among equals.
func most(count *[imaging.NumTissues]int) imaging.Tissue {
	best := 0
	for t, n := range count {
		if n >= count[best] {
			best = t
		}
	}
	return imaging.Tissue(best)
}

// lookup returns the label of the voxel nearest to a position; Background
// outside the grid.
func lookup(l *imaging.Labels) func(r3.Vec) imaging.Tissue {
	if l == nil {
		return func(r3.Vec) imaging.Tissue { return imaging.Wall }
	}
	// Index is affine: tabulate it once.
	i0, j0, k0 := l.Index(r3.Vec{})
	var m [3][3]float64
	for a, unit := range []r3.Vec{{X: 1}, {Y: 1}, {Z: 1}} {
		i, j, k := l.Index(unit)
		m[0][a], m[1][a], m[2][a] = i-i0, j-j0, k-k0
	}
	return func(p r3.Vec) imaging.Tissue {
		i := int(math.Floor(i0 + m[0][0]*p.X + m[0][1]*p.Y + m[0][2]*p.Z + 0.5))
		j := int(math.Floor(j0 + m[1][0]*p.X + m[1][1]*p.Y + m[1][2]*p.Z + 0.5))
		k := int(math.Floor(k0 + m[2][0]*p.X + m[2][1]*p.Y + m[2][2]*p.Z + 0.5))
		if !l.Inside(i, j, k) {
			return imaging.Background
		}
		return l.Class[l.Offset(i, j, k)]
	}
}

// recover computes strain and stress at the quadrature points, from each
// point's own material: nothing is averaged across elements or tissues.
func (r *Result) recover(ctx context.Context, p *Problem) error {
	err := par.Blocks(ctx, len(r.Mesh.Cells), 128, func(lo, hi int) {
		var h element.Hex8
		for e := lo; e < hi; e++ {
			x := r.Mesh.Corners(e)
			h.Set(&x)
			var u [8]r3.Vec
			for a, n := range r.Mesh.Cells[e] {
				u[a] = r.Solution.U[n]
			}
			for q := range element.Points {
				pt := &r.Points[element.Points*e+q]
				pt.Volume = h.Weight[q]
				pt.Strain = h.Strain(&u, q)
				pt.Stress = p.Law[e][q].Stress(pt.Strain)
				s := pt.Stress.Principal()
				pt.Sigma1, pt.Sigma3 = s[0], s[2]
				pt.VonMises = pt.Stress.VonMises()
				pt.Eps1 = pt.Strain.Principal()[0]
				pt.Energy = element.Energy(pt.Stress, pt.Strain)
			}
		}
	})
	if err != nil {
		return err
	}
	r.findCaps()
	return r.locate(ctx)
}

// The quadrature points of a cell that lie behind one another on a way from the
// lumen outwards: first the one nearer to the lumen.
var columns = [4][2]int{{0, 1}, {3, 2}, {4, 5}, {7, 6}}

// findCaps marks the points between the lumen and a low attenuation core.
func (r *Result) findCaps() {
	m := r.Mesh
	for k := range m.Along {
		for j := range m.Around {
			for _, col := range columns {
				// The first core point from the lumen, if any.
				core := -1
				for n := range 2 * m.Through {
					if r.Points[8*m.Cell(n/2, j, k)+col[n%2]].Tissue == imaging.LowAttenuation {
						core = n
						break
					}
				}
				for n := range core {
					e, q := m.Cell(n/2, j, k), col[n%2]
					r.Points[8*e+q].CapDepth = r.depth(e, q, j, k)
				}
			}
		}
	}
}

// depth returns the distance of quadrature point q of cell e from the lumen,
// along the mesh line through it, mm.
func (r *Result) depth(e, q, j, k int) float64 {
	x, y, z := element.QuadraturePoint(q)
	at := func(e int, x float64) (p r3.Vec) {
		c := r.Mesh.Corners(e)
		for a, w := range element.Shape(x, y, z) {
			p = r3.Add(p, r3.Scale(w, c[a]))
		}
		return p
	}
	return r3.Norm(r3.Sub(at(e, x), at(r.Mesh.Cell(0, j, k), -1)))
}
