package fem

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Uncertainty declares how far the inputs of a solution may be off. The inputs
// are taken as independent.
type Uncertainty struct {
	// Enabled computes a band for every marker.
	Enabled bool `yaml:"enabled"`
	// Level is the share of outcomes between the ends of a band: 90 for the 5th to the 95th percentile.
	Level float64 `yaml:"level_percent"`
	// PressureSD is the standard deviation of the blood pressure.
	PressureSD float64 `yaml:"pressure_sd_mmhg"`
	// LumenSD is the standard deviation of the place of the lumen's border along its normal, as a share of the edge of a voxel: it makes caps thinner or thicker.
	LumenSD float64 `yaml:"lumen_sd_voxels"`
	// Young are the factors by which Young's moduli scatter: log-normal, 90 % of values lie within the modulus over and times the factor.
	Young Factors `yaml:"young_factor"`
}

// Factors holds a factor for each tissue class; 1 is exact.
type Factors struct {
	// Wall is the artery wall outside any plaque; a ratio.
	Wall float64 `yaml:"wall"`
	// LowAttenuation is lipid-rich or necrotic plaque, the soft core; a ratio.
	LowAttenuation float64 `yaml:"low_attenuation"`
	// FibroFatty is plaque between core and fibrous tissue; a ratio.
	FibroFatty float64 `yaml:"fibro_fatty"`
	// Fibrous is collagen-rich plaque; a ratio.
	Fibrous float64 `yaml:"fibrous"`
	// Calcified is calcium; a ratio.
	Calcified float64 `yaml:"calcified"`
}

// DefaultUncertainty returns what is declared unless the settings say otherwise:
// moduli scatter by two to five in the sources of the materials; a cuff may be
// off by 8 mmHg (ISO 81060-2); a border in a CT image by a quarter of a voxel.
func DefaultUncertainty() Uncertainty {
	return Uncertainty{Level: 90, PressureSD: 8, LumenSD: 0.25,
		Young: Factors{Wall: 2, LowAttenuation: 3, FibroFatty: 3, Fibrous: 2, Calcified: 5}}
}

// table returns the standard deviations of ln E by tissue.
func (f *Factors) table() (sd [imaging.NumTissues]float64) {
	for t, x := range map[imaging.Tissue]float64{imaging.Wall: f.Wall, imaging.LowAttenuation: f.LowAttenuation,
		imaging.FibroFatty: f.FibroFatty, imaging.Fibrous: f.Fibrous, imaging.Calcified: f.Calcified} {
		sd[t] = math.Log(x) / distuv.UnitNormal.Quantile(0.95)
	}
	return sd
}

// validate returns what is wrong with u.
func (u *Uncertainty) validate() (errs []error) {
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("uncertainty: "+format, args...))
		}
	}
	check(u.Level > 0 && u.Level < 100, "level_percent is %g: must be between 0 and 100", u.Level)
	check(u.PressureSD >= 0 && u.PressureSD <= 100, "pressure_sd_mmhg is %g: must be from 0 to 100", u.PressureSD)
	check(u.LumenSD >= 0 && u.LumenSD <= 2, "lumen_sd_voxels is %g: must be from 0 to 2", u.LumenSD)
	for _, f := range []struct {
		name  string
		value float64
	}{{"wall", u.Young.Wall}, {"low_attenuation", u.Young.LowAttenuation}, {"fibro_fatty", u.Young.FibroFatty}, {"fibrous", u.Young.Fibrous}, {"calcified", u.Young.Calcified}} {
		check(f.value >= 1 && f.value <= 1000, "young_factor: %s is %g: must be from 1 to 1000", f.name, f.value)
	}
	return errs
}

// Band is a marker with the interval in which it lies, given what was declared of
// the inputs.
type Band struct {
	Column    feature.Column
	Value     float64
	Low, High float64 // NaN where the value is not known
	// By holds what each source contributes: its standard deviation of the logarithm
	// of the marker, or of the marker itself if Linear.
	By     []float64
	Linear bool
}

// Bands are the markers of an interval with their uncertainty.
type Bands struct {
	Sources []string // "pressure", "young_modulus.fibrous", …, "lumen"
	Markers []Band   // in the order of [Columns], without those of further phases
}

// step is the change of ln E and ln p by which markers are differentiated: small
// beside what is declared, large beside the tolerance of the solver.
const step = 0.02

// Bands returns the uncertainty of the markers between pairs of arc lengths, mm,
// to first order. r must be the solution of v with those labels; in finite strain
// its systole gets the bands that the linear solution has, relative to the marker
// or, where it can change sign, as they are.
//
// Displacement is differentiated by the moduli with the matrix and the
// preconditioner of the solution itself,
//
//	K ∂u/∂ln Eₜ = −(∂K/∂ln Eₜ) u                                     (F.14)
//
// so that a tissue costs one more iteration and no set-up; stress and markers
// follow by central differences. The border of the lumen is moved by its
// standard deviation to either side in two solves of their own. With dᵢ the
// change of ln m for one standard deviation of source i,
//
//	m exp(±z √Σ dᵢ²)                                                 (F.15)
//
// is the band; z is the normal quantile of the level. Markers that can change
// sign or vanish, which are components of stress and volumes, have dᵢ of m itself
// and bands m ± z √Σ dᵢ².
func (r *Result) Bands(ctx context.Context, v *coronary.Vessel, tissue *imaging.Labels, spans [][2]float64) ([]Bands, error) {
	u := r.Conditions.Uncertainty
	cfg := r.Conditions
	cfg.Kinematics = SmallStrain
	base := r
	if r.kept == nil {
		cfg.Uncertainty.Enabled = true
		var err error
		if base, err = Solve(ctx, v, tissue, r.From, r.To, cfg); err != nil {
			return nil, err
		}
	}
	g := &gathering{cfg: cfg, spans: spans, value: r.markers(spans), out: make([]Bands, len(spans))}
	for n := range g.out {
		g.out[n].Markers = g.begin(n)
	}
	if u.PressureSD > 0 {
		low, high := base.scaled(1-step), base.scaled(1+step)
		for _, x := range []*Result{low, high} {
			if err := x.recover(ctx); err != nil {
				return nil, err
			}
		}
		g.add("pressure", u.PressureSD/r.Conditions.Pressure/(2*step), low, high)
	}
	sd := u.Young.table()
	for _, t := range solids {
		if sd[t] == 0 || !base.holds(t) {
			continue
		}
		low, high, err := base.stiffened(ctx, tissue, t)
		if err != nil {
			return nil, fmt.Errorf("sensitivity to the modulus of %s: %w", t, err)
		}
		g.add("young_modulus."+t.String(), sd[t]/(2*step), low, high)
	}
	base.kept, base.Solution.again = nil, nil // matrix and preconditioner go before others come
	if u.LumenSD > 0 && tissue != nil {
		s := tissue.Spacing
		d := u.LumenSD * math.Cbrt(s[0]*s[1]*s[2])
		var sides [2]*Result
		cfg.Uncertainty.Enabled = false
		for n, by := range []float64{-d, d} {
			var err error
			if sides[n], err = Solve(ctx, widened(v, by), tissue, r.From, r.To, cfg); err != nil {
				return nil, fmt.Errorf("lumen moved by %+.2f mm: %w", by, err)
			}
		}
		g.add("lumen", 0.5, sides[0], sides[1])
	}
	g.finish(distuv.UnitNormal.Quantile(0.5 + u.Level/200))
	return g.out, nil
}

// gathering collects the contributions of the sources.
type gathering struct {
	cfg   Config
	spans [][2]float64
	value [][]float64
	out   []Bands
}

// markers returns the values of the columns over intervals.
func (r *Result) markers(spans [][2]float64) [][]float64 {
	all := make([][]float64, len(spans))
	for n, s := range spans {
		all[n] = r.Features(s[0], s[1]).Values
	}
	return all
}

// begin returns the markers of an interval without bands.
func (g *gathering) begin(n int) []Band {
	cols := columnsOf(g.cfg)
	bands := make([]Band, len(cols))
	for c, col := range cols {
		linear := c >= len(markers) || statistics[markers[c].statistic].unit == "mm³" || fields[markers[c].field].signed
		bands[c] = Band{Column: col, Value: g.value[n][c], Linear: linear}
	}
	return bands
}

// add takes a source into account: factor times the difference of the markers of
// two results is the change for one standard deviation.
func (g *gathering) add(source string, factor float64, low, high *Result) {
	a, b := low.markers(g.spans), high.markers(g.spans)
	for n := range g.out {
		g.out[n].Sources = append(g.out[n].Sources, source)
		for c := range g.out[n].Markers {
			m := &g.out[n].Markers[c]
			x, y := a[n][c], b[n][c]
			if !m.Linear {
				x, y = math.Log(x), math.Log(y)
			}
			m.By = append(m.By, factor*(y-x))
		}
	}
}

// finish makes the bands.
func (g *gathering) finish(z float64) {
	for n := range g.out {
		for c := range g.out[n].Markers {
			m := &g.out[n].Markers[c]
			var sum float64
			for _, d := range m.By {
				sum += d * d
			}
			w := z * math.Sqrt(sum)
			if m.Linear {
				m.Low, m.High = m.Value-w, m.Value+w
				if c >= len(markers) || !fields[markers[c].field].signed { // volumes and lengths
					m.Low = max(m.Low, 0)
				}
			} else {
				m.Low, m.High = m.Value*math.Exp(-w), m.Value*math.Exp(w)
			}
		}
	}
}

// holds tells whether the mesh holds a tissue.
func (r *Result) holds(t imaging.Tissue) bool {
	for n := range r.Points {
		if r.Points[n].Tissue == t {
			return true
		}
	}
	return false
}

// scaled returns r with its displacement multiplied, without stresses.
func (r *Result) scaled(by float64) *Result {
	u := make([]r3.Vec, len(r.Solution.U))
	for n, x := range r.Solution.U {
		u[n] = r3.Scale(by, x)
	}
	return r.with(u)
}

// with returns r with another displacement, to be recovered.
func (r *Result) with(u []r3.Vec) *Result {
	x := *r
	sol := *r.Solution
	sol.U, sol.again = u, nil
	x.Solution, x.kept = &sol, nil
	x.Points = make([]Point, len(r.Points))
	for n := range x.Points {
		p := &r.Points[n]
		x.Points[n] = Point{Tissue: p.Tissue, CapDepth: math.NaN(), Young: p.Young, Rims: p.Rims}
	}
	return &x
}

// stiffened returns the states with ln E of a tissue lower and higher by step.
func (r *Result) stiffened(ctx context.Context, tissue *imaging.Labels, t imaging.Tissue) (low, high *Result, err error) {
	var side [2]*Result
	var law [2]*Problem
	var force [2][]float64
	for n, by := range []float64{-step, step} {
		x := r.with(nil)
		*x.Conditions.Materials.of(t) *= math.Exp(by)
		p := *r.kept
		p.Law = make([][element.Points]element.Lame, len(r.kept.Law))
		x.Tissue = make([]imaging.Tissue, len(r.Tissue))
		if err := x.assign(ctx, &p); err != nil {
			return nil, nil, err
		}
		for i := range x.Points { // the same tissues, hence the same rims
			x.Points[i].Rims = r.Points[i].Rims
		}
		if force[n], err = p.forces(ctx, r.Solution.U); err != nil {
			return nil, nil, err
		}
		side[n], law[n] = x, &p
	}
	f, w := make([]float64, len(force[0])), make([]float64, len(force[0]))
	for i := range f {
		f[i] = (force[0][i] - force[1][i]) / 2 // for a change by step
	}
	applyFixed(f, r.kept.Fixed)
	report, err := r.Solution.again(ctx, w, f)
	if err != nil {
		return nil, nil, err
	}
	if !report.Converged {
		return nil, nil, &ConvergenceError{Report: report, Target: r.Conditions.Tolerance}
	}
	for n, by := range []float64{-1, 1} {
		u := make([]r3.Vec, len(r.Solution.U))
		for a, v := range r.Solution.U {
			u[a] = r3.Add(v, r3.Scale(by, r3.Vec{X: w[3*a], Y: w[3*a+1], Z: w[3*a+2]}))
		}
		side[n].Solution.U = u
		if err := side[n].recover(ctx); err != nil {
			return nil, nil, err
		}
	}
	return side[0], side[1], nil
}

// of returns the modulus of a tissue.
func (m *Materials) of(t imaging.Tissue) *float64 {
	switch t {
	case imaging.LowAttenuation:
		return &m.LowAttenuation.Young
	case imaging.FibroFatty:
		return &m.FibroFatty.Young
	case imaging.Fibrous:
		return &m.Fibrous.Young
	case imaging.Calcified:
		return &m.Calcified.Young
	}
	return &m.Wall.Young
}

// forces returns the forces of the cells on the nodes at the displacement u, mN,
// three values a node, added in the order of the mesh.
func (p *Problem) forces(ctx context.Context, u []r3.Vec) ([]float64, error) {
	f := make([]float64, 3*len(u))
	local := make([][8]r3.Vec, min(chunk, len(p.Mesh.Cells)))
	for from := 0; from < len(p.Mesh.Cells); from += chunk {
		n := min(chunk, len(p.Mesh.Cells)-from)
		err := par.Blocks(ctx, n, 64, func(lo, hi int) {
			var h element.Hex8
			var k [8][8][9]float64
			for e := lo; e < hi; e++ {
				p.stiffness(&h, from+e, &k)
				for a := range local[e] {
					var s r3.Vec
					for b, node := range p.Mesh.Cells[from+e] {
						m, v := &k[a][b], u[node]
						s.X += m[0]*v.X + m[1]*v.Y + m[2]*v.Z
						s.Y += m[3]*v.X + m[4]*v.Y + m[5]*v.Z
						s.Z += m[6]*v.X + m[7]*v.Y + m[8]*v.Z
					}
					local[e][a] = s
				}
			}
		})
		if err != nil {
			return nil, err
		}
		for e := range n {
			for a, node := range p.Mesh.Cells[from+e] {
				f[3*node] += local[e][a].X
				f[3*node+1] += local[e][a].Y
				f[3*node+2] += local[e][a].Z
			}
		}
	}
	return f, nil
}

// widened returns v with the border of its lumen moved outwards by d, mm. The
// outer wall stays.
func widened(v *coronary.Vessel, d float64) *coronary.Vessel {
	w := *v
	w.Sections = append([]coronary.Section(nil), v.Sections...)
	for n := range w.Sections {
		p := w.Sections[n].Lumen.Points
		q := make([]r2.Vec, len(p))
		for i := range p {
			t := r2.Sub(p[(i+1)%len(p)], p[(i+len(p)-1)%len(p)])
			q[i] = p[i]
			if l := r2.Norm(t); l > 0 {
				q[i] = r2.Add(p[i], r2.Vec{X: t.Y * d / l, Y: -t.X * d / l}) // counter-clockwise: outwards is to the right
			}
		}
		w.Sections[n].Lumen.Points = q
	}
	return &w
}
