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
	"github.com/plaquerisk/plaquerisk/risk"
)

// Result is the mechanics of one vessel under pressure.
type Result struct {
	Artery     coronary.Artery
	From, To   float64 // what was asked for, arc length in mm
	Mesh       *mesh.Swept
	Solution   *Solution
	Points     []Point          // Points[8·e + q] is quadrature point q of cell e, or stands for octant q of a cell that an interface cuts
	Tissue     []imaging.Tissue // of each cell: the most frequent of its samples
	Notes      []risk.Note
	Conditions Config
	// Of finite strain: the phases, of which Points and Solution are systole, and the
	// shape without load.
	Phases   []Phase
	Unloaded *Unloading

	// Voxel is the longest edge of the voxels that the tissue comes from, mm; 0 if it
	// is exact.
	Voxel float64
	// Surface holds states on the lumen and on both sides of interfaces, by cell.
	Surface []SurfacePoint

	parts     []Component
	materials materials
	mixed     []*mixture // of each cell, nil where it is of one material

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

// parallel is the angle between end planes, rad, up to which they slide in
// parallel planes across their mean direction. Planes that are parallel within a
// few degrees resist sideways motion so little that the iteration fails, and
// would leave to that resistance what the artery beyond carries.
const parallel = 0.2

// Solve computes the wall of vessel v between two arc lengths, mm, with some
// padding on either side. Where sections are incomplete it takes the longest
// complete run; a note says so. tissue may be nil: then all is plain wall.
//
// It returns an error that matches [mesh.ErrSpan] if too little of the interval
// can be meshed, [mesh.ErrThickness] if the lumen touches the outer wall, a
// *[mesh.InvertedError] if an element is folded and [ErrNotConverged] if the
// solver gave up.
func Solve(ctx context.Context, v *coronary.Vessel, tissue *imaging.Labels, from, to float64, cfg Config) (*Result, error) {
	if tissue != nil && len(tissue.Class) != tissue.Len() {
		panic(fmt.Sprintf("fem: Solve: %d labels on a grid of %d voxels", len(tissue.Class), tissue.Len()))
	}
	parts, err := Components(ctx, tissue)
	if err != nil {
		return nil, err
	}
	r := &Result{}
	if tissue != nil {
		r.Voxel = max(tissue.Spacing[0], tissue.Spacing[1], tissue.Spacing[2])
	}
	if err := r.solve(ctx, v, parts, from, to, cfg); err != nil {
		return nil, err
	}
	return r, nil
}

// SolveComponents is [Solve] with the plaque given as surfaces, which may be exact.
func SolveComponents(ctx context.Context, v *coronary.Vessel, parts []Component, from, to float64, cfg Config) (*Result, error) {
	r := &Result{}
	if err := r.solve(ctx, v, parts, from, to, cfg); err != nil {
		return nil, err
	}
	return r, nil
}

// solve fills r.
func (r *Result) solve(ctx context.Context, v *coronary.Vessel, parts []Component, from, to float64, cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("mechanics settings: %w", err)
	}
	if cfg.Kinematics == FiniteStrain {
		cfg = cfg.equivalents()
	}
	r.Artery, r.From, r.To, r.Conditions, r.parts = v.Artery, from, to, cfg, parts
	where := func(err error) error {
		name := string(v.Artery)
		if name == "" {
			name = "vessel"
		}
		return fmt.Errorf("mechanics of %s from %.2f to %.2f mm: %w", name, from, to, err)
	}
	if math.IsNaN(from) || math.IsNaN(to) || math.IsInf(from, 0) || math.IsInf(to, 0) {
		return where(errors.New("the interval is not finite"))
	}
	sizes := cfg.sizes()
	if distance := nearest(parts); distance != nil {
		sizes.Adapt = &mesh.Adapt{Distance: distance, Axial: cfg.FineAxial, Through: cfg.Crowding, Around: cfg.Crowding / 2}
	}
	var err error
	if r.Mesh, err = mesh.Sweep(ctx, v, from-cfg.Padding, to+cfg.Padding, sizes); err != nil {
		return where(err)
	}
	p := NewProblem(&r.Mesh.Mesh, element.Lame{})
	p.Lattice = &sparse.Lattice{N: [3]int{r.Mesh.Through + 1, r.Mesh.Around, r.Mesh.Along + 1}, Ring: true}
	r.Points = make([]Point, element.Points*len(r.Mesh.Cells))
	r.Tissue = make([]imaging.Tissue, len(r.Mesh.Cells))
	if err := r.assign(ctx, p); err != nil {
		return where(err)
	}
	p.Press(r.Mesh.Inner(), cfg.KPa())
	last := len(r.Mesh.Frames) - 1
	normals := map[int]r3.Vec{0: r.Mesh.Frames[0].T, last: r.Mesh.Frames[last].T}
	if a, b := normals[0], normals[last]; cfg.Ends == Sliding && r3.Norm(r3.Sub(a, b)) < parallel {
		n := r3.Unit(r3.Add(a, b))
		normals[0], normals[last], p.Relief = n, n, true
	}
	for _, k := range []int{0, last} {
		for j := range r.Mesh.Around {
			for i := range r.Mesh.Through + 1 {
				if cfg.Ends == Clamped {
					p.Clamp(r.Mesh.Node(i, j, k))
				} else {
					p.Slide(r.Mesh.Node(i, j, k), normals[k])
				}
			}
		}
	}
	if cfg.Foundation > 0 {
		for _, f := range r.Mesh.Outer() {
			p.Springs = append(p.Springs, Spring{Face: f, Stiffness: cfg.Foundation})
		}
	}
	if cfg.Kinematics == FiniteStrain {
		r.mixed = make([]*mixture, len(r.Mesh.Cells)) // points are quadrature points there
		if err := r.solveFinite(ctx, p); err != nil {
			return where(err)
		}
		r.Notes = r.notes()
		return nil
	}
	if p.Keep = cfg.Uncertainty.Enabled; p.Keep {
		r.kept = p
	}
	r.Solution, err = p.Solve(ctx, cfg.Tolerance, cfg.MaxIterations)
	if err != nil {
		var inv *mesh.InvertedError
		if errors.As(err, &inv) {
			inv.Where = r.Mesh.Where(inv.Cell)
		}
		return where(err)
	}
	if err := r.recover(ctx); err != nil {
		return where(err)
	}
	r.Notes = r.notes()
	return nil
}
