package fem

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// The kinematics.
const (
	SmallStrain  = "small"  // linear, on the imaged shape
	FiniteStrain = "finite" // large strain and rotation, with the unloaded shape
)

// Finite holds the choices of finite strain.
type Finite struct {
	// Prestress says that the image shows the artery under diastolic pressure: the
	// shape without load is found first. Otherwise the imaged shape is taken for it.
	Prestress bool `yaml:"prestress"`
	// Diastolic is the blood pressure under which the image was taken; the systolic
	// one is pressure_mmhg.
	Diastolic float64 `yaml:"diastolic_mmhg"`
	// AxialStretch is the length of the artery in the body over that of the cut-out
	// one; 1 for none.
	AxialStretch float64 `yaml:"axial_stretch"`
	// Foundation takes the place of outer_support_kpa_per_mm: the stiffness, in every
	// direction, of the tissue around, relaxed in the unloaded shape. It also keeps
	// long bent arteries in their place.
	Foundation float64 `yaml:"outer_support_kpa_per_mm"`
	// Laws are the solids of the tissues: "elastic", the neo-Hookean solid with the
	// Young's modulus and Poisson's ratio of the materials, the name of a published law
	// (tang2004_wall, holzapfel2005_media …), or a form with its constants in kPa
	// ("exponential c1=36.8 D1=14.4 D2=2 K=6560").
	Laws Laws `yaml:"laws"`
	// Tolerance ends Newton's method: the residual force over the applied force.
	Tolerance float64 `yaml:"tolerance"`
	// MaxNewton bounds the iterations of each load step.
	MaxNewton int `yaml:"max_newton_iterations"`
}

// Laws names the solid of each tissue class.
type Laws struct {
	// Wall is the artery wall outside any plaque.
	Wall string `yaml:"wall"`
	// LowAttenuation is lipid-rich or necrotic plaque, the soft core.
	LowAttenuation string `yaml:"low_attenuation"`
	// FibroFatty is plaque between core and fibrous tissue.
	FibroFatty string `yaml:"fibro_fatty"`
	// Fibrous is collagen-rich plaque.
	Fibrous string `yaml:"fibrous"`
	// Calcified is calcium.
	Calcified string `yaml:"calcified"`
}

// elasticLaw names the neo-Hookean equivalent of a tissue's elastic constants.
const elasticLaw = "elastic"

// DefaultFinite returns prestress at 80 mmHg and neo-Hookean tissue in a soft bed.
func DefaultFinite() Finite {
	return Finite{Prestress: true, Diastolic: 80, AxialStretch: 1, Foundation: 30,
		Laws:      Laws{elasticLaw, elasticLaw, elasticLaw, elasticLaw, elasticLaw},
		Tolerance: 1e-8, MaxNewton: 25}
}

// table returns the names by tissue, as [Materials.table] does.
func (l *Laws) table() [imaging.NumTissues]string {
	var t [imaging.NumTissues]string
	t[imaging.Background], t[imaging.Lumen], t[imaging.Wall] = l.Wall, l.Wall, l.Wall
	t[imaging.LowAttenuation], t[imaging.FibroFatty] = l.LowAttenuation, l.FibroFatty
	t[imaging.Fibrous], t[imaging.Calcified] = l.Fibrous, l.Calcified
	return t
}

// mostStretch is the stretch up to which laws must be stable.
const mostStretch = 1.5

// validate returns what is wrong with f.
func (f *Finite) validate(systolic float64) (errs []error) {
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("finite: "+format, args...))
		}
	}
	check(f.Diastolic > 0 && f.Diastolic < systolic, "diastolic_mmhg is %g: must be above 0 and below the systolic pressure_mmhg, %g", f.Diastolic, systolic)
	check(f.AxialStretch >= 0.9 && f.AxialStretch <= 1.6, "axial_stretch is %g: must be from 0.9 to 1.6", f.AxialStretch)
	check(f.Foundation >= 0 && f.Foundation <= 1e6, "outer_support_kpa_per_mm is %g: must be between 0 (free) and 1e6", f.Foundation)
	check(f.Tolerance >= 1e-12 && f.Tolerance <= 1e-3, "tolerance is %g: must be from 1e-12 to 1e-3", f.Tolerance)
	check(f.MaxNewton >= 3, "max_newton_iterations is %d: must be at least 3", f.MaxNewton)
	names := f.Laws.table()
	for _, t := range solids {
		if names[t] == elasticLaw {
			continue
		}
		l, _, err := material.Parse(names[t])
		if err == nil {
			err = material.Stable(l, mostStretch)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("finite: laws: %s: %s: %w", t, names[t], err))
		}
	}
	return errs
}

// tissueLaw is the solid of a tissue in finite strain.
type tissueLaw struct {
	material.Law
	angle float64 // of two families of fibres to the hoop direction, rad; NaN: none
}

// laws returns the solids by tissue.
func (c *Config) laws() [imaging.NumTissues]tissueLaw {
	var laws [imaging.NumTissues]tissueLaw
	names, elastic := c.Finite.Laws.table(), c.Materials.table()
	for t := range laws {
		if l, angle, err := material.Parse(names[t]); err == nil {
			laws[t] = tissueLaw{l, angle}
			continue
		}
		l := material.Linear{Elastic: elastic[t]}
		laws[t] = tissueLaw{material.NeoHookean(l.Shear()/2, l.Bulk()), math.NaN()}
	}
	return laws
}

// equivalents returns c with the elastic constants that its laws have at small
// strain, by which materials are mixed where tissues meet.
func (c Config) equivalents() Config {
	laws, names, elastic := c.laws(), c.Finite.Laws.table(), c.Materials.table()
	of := func(t imaging.Tissue) material.Elastic {
		if names[t] == elasticLaw {
			return elastic[t]
		}
		k, mu := laws[t].Bulk(), laws[t].Shear()
		return material.Elastic{Young: 9 * k * mu / (3*k + mu), Poisson: material.Poisson(laws[t])}
	}
	c.Materials = Materials{of(imaging.Wall), of(imaging.LowAttenuation), of(imaging.FibroFatty), of(imaging.Fibrous), of(imaging.Calcified)}
	return c
}

// describeFinite replaces what [Config.Describe] says by what holds in finite strain.
func (c *Config) describeFinite(m *risk.Mechanics) {
	m.Formulation = fmt.Sprintf("static, finite strain, hyperelastic; eight-node bricks with mean dilatation; diastole %g mmHg and systole %g mmHg from ", c.Finite.Diastolic, c.Pressure)
	if c.Finite.Prestress {
		m.Formulation += "the unloaded shape, of which the image shows diastole"
	} else {
		m.Formulation += "the imaged shape, taken as unloaded"
	}
	if c.Finite.AxialStretch != 1 {
		m.Formulation += fmt.Sprintf("; stretched along by %g", c.Finite.AxialStretch)
	}
	if before, _, ok := strings.Cut(m.Ends, "; outer wall"); ok {
		m.Ends = before
	}
	m.Ends += "; outer wall free"
	if c.Finite.Foundation > 0 {
		m.Ends = strings.TrimSuffix(m.Ends, "free") + fmt.Sprintf("in a bed of %g kPa/mm", c.Finite.Foundation)
	}
	same, names := c.equivalents(), c.Finite.Laws.table()
	table := same.Materials.table()
	for _, t := range solids {
		source := "neo-Hookean, constants of the settings"
		if p, ok := material.PublishedLaw(names[t]); ok {
			source = p.Name + ": " + p.Source
		} else if names[t] != elasticLaw {
			source = names[t]
		} else if lib, ok := material.Lookup(t); ok && lib.Elastic == table[t] {
			source = "neo-Hookean, " + lib.Source
		}
		m.Materials = append(m.Materials, risk.Material{Tissue: t.String(), YoungKPa: table[t].Young, Poisson: table[t].Poisson, Source: source})
	}
}

// finiteSettings are the choices that change the values, in words.
func (c *Config) finiteSettings() string {
	s := fmt.Sprintf("finite strain; %g and %g mmHg; prestress %v; axial stretch %g; bed %g kPa/mm; %s ends; bricks %d around × %d through (grading %g) × %g mm; cap within %g mm;",
		c.Finite.Diastolic, c.Pressure, c.Finite.Prestress, c.Finite.AxialStretch, c.Finite.Foundation, c.Ends, c.Around, c.Through, c.Grading, c.Axial, c.CapDepth)
	table, names := c.Materials.table(), c.Finite.Laws.table()
	for n, t := range solids {
		if n > 0 {
			s += ","
		}
		if s += " " + t.String() + " "; names[t] == elasticLaw {
			s += fmt.Sprintf("neo-Hookean E/ν %g/%g", table[t].Young, table[t].Poisson)
		} else {
			s += names[t]
		}
	}
	return s
}

// The phases of the heart beat.
const (
	Diastole = "diastole"
	Systole  = "systole"
	Pulse    = "pulse" // systole less diastole
)

// Phase is a state of the vessel in finite strain.
type Phase struct {
	Name     string
	Pressure float64 // kPa; of the pulse the difference
	// Points are as in a [Result]: Cauchy stress, Green and Lagrange's strain against
	// the unloaded shape (its largest principal value is ½ (λ² − 1) of the stretch λ)
	// and strain energy per unloaded volume; for the pulse the differences of the
	// tensors and of the energy.
	Points  []Point
	Surface []SurfacePoint
	Shift   []r3.Vec // of the nodes of the imaged shape, mm; for the pulse from diastole
	Newton  int      // iterations of Newton's method
	Energy  float64  // strain energy, µJ
}

// Unloading is the shape without load.
type Unloading struct {
	Nodes      []r3.Vec // mm
	Iterations int      // of the inverse problem, one linear solve each
	Residual   float64  // of the balance in the imaged shape, relative to the load

	body *finiteBody
}

// Phase returns r in another phase; what is computed from results, such as
// features, maps and files, then holds for that phase. It reports false if r has no such phase.
func (r *Result) Phase(name string) (*Result, bool) {
	for n := range r.Phases {
		if p := &r.Phases[n]; p.Name == name {
			c := *r
			s := *r.Solution
			s.U = p.Shift
			c.Points, c.Surface, c.Solution = p.Points, p.Surface, &s
			return &c, true
		}
	}
	return nil, false
}

// solveFinite finds the unloaded shape, diastole and systole of the body p, which
// [Solve] has assembled. Where the solver gives up the error matches [ErrNotConverged].
func (r *Result) solveFinite(ctx context.Context, p *Problem) error {
	cfg := &r.Conditions
	if p.Lattice == nil {
		return errors.New("finite strain needs a swept mesh")
	}
	w := r.finiteBody(p)
	s := newBalance(w, cfg.Finite)
	imaged := p.Mesh.Nodes
	low, high := cfg.Finite.Diastolic*kPaPerMMHg, cfg.KPa()
	free, u := imaged, make([]r3.Vec, len(imaged))
	var err error
	if cfg.Finite.Prestress {
		if u, err = s.unload(ctx, imaged, low); err != nil {
			return fmt.Errorf("unloaded shape: %w", err)
		}
		free = before(imaged, u)
	}
	r.Unloaded = &Unloading{Nodes: free, Iterations: s.newton, Residual: s.residual, body: w}
	first, reached := u, 0.0 // the displacement in the image
	for _, phase := range []Phase{{Name: Diastole, Pressure: low}, {Name: Systole, Pressure: high}} {
		s.newton = 0
		if !(phase.Name == Diastole && cfg.Finite.Prestress) {
			if u, err = s.solve(ctx, free, u, reached, phase.Pressure); err != nil {
				return fmt.Errorf("%s: %w", phase.Name, err)
			}
		}
		reached = phase.Pressure
		phase.Newton = s.newton
		phase.Shift = before(u, first)
		if err := r.recoverFinite(ctx, w, &phase, free, u); err != nil {
			return err
		}
		r.Phases = append(r.Phases, phase)
	}
	r.Solution = &Solution{U: r.Phases[1].Shift, Unknowns: 3 * len(u), Levels: s.levels(), Free: len(s.free),
		Report: sparse.Report{Iterations: s.total, Residual: s.residual, Converged: true}}
	last := &r.Phases[1]
	r.Points, r.Surface = last.Points, last.Surface
	r.findCaps()
	rest := &r.Phases[0]
	for n := range rest.Points {
		rest.Points[n].CapDepth = last.Points[n].CapDepth
	}
	r.Phases = append(r.Phases, pulse(rest, last))
	for _, p := range r.Phases {
		view, _ := r.Phase(p.Name)
		if err := view.locate(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pulse returns systole less diastole.
func pulse(low, high *Phase) Phase {
	d := Phase{Name: Pulse, Pressure: high.Pressure - low.Pressure, Energy: high.Energy - low.Energy,
		Points: slices.Clone(high.Points), Surface: slices.Clone(high.Surface), Shift: before(high.Shift, low.Shift)}
	for n := range d.Points {
		d.Points[n].subtract(&low.Points[n])
	}
	for n := range d.Surface {
		d.Surface[n].subtract(&low.Surface[n].Point)
	}
	return d
}

// subtract takes the state of q away.
func (p *Point) subtract(q *Point) {
	for i := range p.Stress {
		p.Stress[i] -= q.Stress[i]
		p.Strain[i] -= q.Strain[i]
	}
	p.Energy -= q.Energy
	p.derive()
}

// derive sets what follows from stress and strain.
func (p *Point) derive() {
	s := p.Stress.Principal()
	p.Sigma1, p.Sigma3 = s[0], s[2]
	p.VonMises = p.Stress.VonMises()
	p.Eps1 = p.Strain.Principal()[0]
}
