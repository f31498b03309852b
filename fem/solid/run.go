package solid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Result is what [Run] finds.
type Result struct {
	Fields     *Fields
	Probes     []Probe
	Statistics []Statistic
	Quality    Quality
	Warnings   []string

	shape []r3.Vec // of the file
	names []string // of the materials: their sets
	from  []r3.Vec // displacement of the shape of the file from the unloaded one; nil: none
}

// Probe is the state at a point.
type Probe struct {
	Name         string
	At           r3.Vec
	Off          float64 // distance of the point from the mesh, mm
	Displacement r3.Vec  // mm
	Tensors
}

// Statistic holds the statistics of a region.
type Statistic struct {
	Name   string
	Volume float64 // of the reference shape, mm³
	Energy float64 // strain energy, µJ
	Fields []FieldStatistic
}

// FieldStatistic is one scalar: volume-weighted, but for the maximum.
type FieldStatistic struct {
	Name                          string
	Mean, P50, P90, P95, P99, Max float64
}

// Quality says how well the problem was solved.
type Quality struct {
	Converged       bool
	Residual        float64 // relative to the load
	Load            float64 // part of the load that is carried
	Steps           int
	Newton          int
	Linear          int     // linear iterations; one per factorisation
	MinJacobian     float64 // smallest volume ratio at a quadrature point
	MinJacobianAt   r3.Vec  // mm
	MinShape        float64 // smallest Jacobian of the mesh at a quadrature point over that of its element's mean
	Nodes, Elements int
	UnloadedSolves  int     // forward solves for the unloaded shape
	UnloadedError   float64 // mm
}

// unloadTolerance is the distance, mm, that nodes may keep from the given shape.
const unloadTolerance = 2e-4

// Run reads a mesh (.msh, .vtu, .inp) and a problem file and solves it. If the
// solver does not converge it returns an error that matches [ErrNotConverged],
// with the result at the part of the load that is carried where there is one.
func Run(ctx context.Context, meshPath, problemPath string) (*Result, error) {
	m, err := ReadMesh(meshPath)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(problemPath)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := ReadProblem(problemPath, f)
	if err != nil {
		return nil, err
	}
	r, err := p.Solve(ctx, m)
	if err != nil {
		err = fmt.Errorf("%s on %s: %w", problemPath, meshPath, err)
	}
	return r, err
}

// Solve solves p on a mesh, as [Run].
func (p *Problem) Solve(ctx context.Context, m *mesh.Solid) (*Result, error) {
	b, warnings, err := p.Body(m)
	if err != nil {
		return nil, err
	}
	r := &Result{Warnings: warnings, shape: m.Nodes}
	for _, s := range p.Materials {
		r.names = append(r.names, strings.Join(s.Set, "+"))
	}
	set := DefaultSettings()
	set.Steps, set.Tolerance = p.Steps, p.Tolerance
	set.Linear = min(set.Linear, p.Tolerance/10)
	if p.Prestress != nil {
		if b, err = r.unload(ctx, b, &set, *p.Prestress); err != nil {
			return nil, err
		}
	}
	sol, fail := b.Solve(ctx, set)
	if sol == nil {
		return nil, fail
	}
	if r.Fields, err = sol.Fields(ctx); err != nil {
		return nil, errors.Join(fail, err)
	}
	r.judge(sol, fail)
	if err := p.probe(r); err != nil {
		return nil, err
	}
	if err := p.statistics(r, &finder{m: m}); err != nil {
		return nil, err
	}
	return r, fail
}

// unload recovers the shape without pressure and returns the body there; set
// starts from the shape that was given.
func (r *Result) unload(ctx context.Context, b *Body, set *Settings, pressure float64) (*Body, error) {
	for _, f := range b.Fixed {
		if f.Value != 0 {
			return nil, errors.New("prestress and prescribed displacements do not go together: the unloaded shape would depend on their history")
		}
	}
	free, err := b.atPressure(pressure).Unload(ctx, *set, unloadTolerance, 25)
	if err != nil {
		return nil, err
	}
	r.from = make([]r3.Vec, len(r.shape))
	for n := range r.from {
		r.from[n] = free.Loaded.Displacement(n)
	}
	r.Quality.UnloadedSolves, r.Quality.UnloadedError = free.Solves, free.Error
	set.Start = free.Loaded
	loaded := *b
	loaded.Mesh = free.Body.Mesh
	return &loaded, nil
}

// judge fills in the quality.
func (r *Result) judge(sol *Solution, fail error) {
	q, m := &r.Quality, sol.sys.Mesh
	q.Converged, q.Load = fail == nil, 1
	var c *ConvergenceError
	if errors.As(fail, &c) {
		q.Load = c.Load
	}
	q.Residual, q.Steps, q.Newton, q.Linear = sol.Residual, sol.Steps, sol.Newton, sol.Linear
	q.MinJacobian, q.MinJacobianAt = r.Fields.minDet, m.Centre(r.Fields.minAt)
	q.Nodes, q.Elements = len(m.Nodes), m.Cells()
	q.MinShape = math.Inf(1)
	var e element.Continuum
	var x []r3.Vec
	for n := range m.Cells() {
		x = m.Corners(x[:0], n)
		q.MinShape = min(q.MinShape, e.Set(element.Of(m.Types[n], false), x))
	}
}

// displacement returns that of node n from the shape of the file, mm.
func (r *Result) displacement(n int) r3.Vec {
	u := r.Fields.Displacement(n)
	if r.from != nil {
		u = r3.Sub(u, r.from[n])
	}
	return u
}

// probe evaluates the probes.
func (p *Problem) probe(r *Result) error {
	m := *r.Fields.sys.Mesh
	m.Nodes = r.shape
	find := &finder{m: &m}
	for n, q := range p.Probes {
		in := func(int) bool { return true }
		if len(q.Set) > 0 {
			cells, err := find.cells(q.Set)
			if err != nil {
				return fmt.Errorf("probes, entry %d: %w", n+1, err)
			}
			in = func(e int) bool { _, ok := slices.BinarySearch(cells, int32(e)); return ok }
		}
		out := Probe{Name: q.Name, At: r3.Vec{X: q.At[0], Y: q.At[1], Z: q.At[2]}}
		var e int
		var xi [3]float64
		e, xi, out.Off = locate(&m, out.At, in)
		if e < 0 {
			return fmt.Errorf("probes, entry %d: no element there", n+1)
		}
		c := m.Centre(e)
		if size := r3.Norm(r3.Sub(m.Nodes[m.Cell(e)[0]], c)); out.Off > size {
			r.Warnings = append(r.Warnings, fmt.Sprintf("probe %s lies %.3g mm outside of its elements: the nearest place is reported", q.Name, out.Off))
		}
		out.Tensors, _ = r.Fields.At(e, xi)
		shape, _ := m.Types[e].Shape(xi)
		for a, node := range m.Cell(e) {
			out.Displacement = r3.Add(out.Displacement, r3.Scale(shape[a], r.displacement(int(node))))
		}
		r.Probes = append(r.Probes, out)
	}
	return nil
}

// scalars are the fields of which statistics are made.
var scalars = []struct {
	name string
	of   func(t *Tensors) float64
}{
	{"von_mises", func(t *Tensors) float64 { return t.Stress.VonMises() }},
	{"principal", func(t *Tensors) float64 { return t.Stress.Principal()[0] }},
	{"principal_2", func(t *Tensors) float64 { return t.Stress.Principal()[1] }},
	{"principal_3", func(t *Tensors) float64 { return t.Stress.Principal()[2] }},
	{"principal_strain", func(t *Tensors) float64 { return t.Strain.Principal()[0] }},
	{"strain_energy_density", func(t *Tensors) float64 { return t.Energy }},
	{"volume_ratio", func(t *Tensors) float64 { return t.Stretch }},
	{"stress_xx", func(t *Tensors) float64 { return t.Stress[0] }},
	{"stress_yy", func(t *Tensors) float64 { return t.Stress[1] }},
	{"stress_zz", func(t *Tensors) float64 { return t.Stress[2] }},
	{"stress_xy", func(t *Tensors) float64 { return t.Stress[3] }},
	{"stress_yz", func(t *Tensors) float64 { return t.Stress[4] }},
	{"stress_zx", func(t *Tensors) float64 { return t.Stress[5] }},
	{"strain_xx", func(t *Tensors) float64 { return t.Strain[0] }},
	{"strain_yy", func(t *Tensors) float64 { return t.Strain[1] }},
	{"strain_zz", func(t *Tensors) float64 { return t.Strain[2] }},
	{"strain_xy", func(t *Tensors) float64 { return t.Strain[3] }},
	{"strain_yz", func(t *Tensors) float64 { return t.Strain[4] }},
	{"strain_zx", func(t *Tensors) float64 { return t.Strain[5] }},
}

// statistics evaluates the statistics: recovered values at the quadrature points,
// weighted with their volume; the maximum is that of the nodes too.
func (p *Problem) statistics(r *Result, find *finder) error {
	f := r.Fields
	m := *f.sys.Mesh
	m.Nodes = r.shape
	for n, q := range p.Statistics {
		var cells []int32
		if len(q.Set) > 0 {
			var err error
			if cells, err = find.cells(q.Set); err != nil {
				return fmt.Errorf("statistics, entry %d: %w", n+1, err)
			}
		} else {
			for e := range m.Cells() {
				cells = append(cells, int32(e))
			}
		}
		lo, hi := [3]float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}, [3]float64{math.Inf(1), math.Inf(1), math.Inf(1)}
		for name, w := range q.Within {
			lo[axes[name]], hi[axes[name]] = w[0]-1e-9, w[1]+1e-9
		}
		inside := func(p r3.Vec) bool {
			return p.X >= lo[0] && p.X <= hi[0] && p.Y >= lo[1] && p.Y <= hi[1] && p.Z >= lo[2] && p.Z <= hi[2]
		}
		out, err := r.statistic(q.Name, &m, cells, inside)
		if err != nil {
			return fmt.Errorf("statistics, entry %d (%s): %w", n+1, q.Name, err)
		}
		r.Statistics = append(r.Statistics, *out)
	}
	return nil
}

// statistic evaluates the quadrature points and nodes of cells, on the mesh m of the
// shape of the file, that lie inside.
func (r *Result) statistic(name string, m *mesh.Solid, cells []int32, inside func(r3.Vec) bool) (*Statistic, error) {
	f := r.Fields
	first := make([]int32, len(cells)+1) // point of each cell
	for i, e := range cells {
		first[i+1] = first[i] + f.First[e+1] - f.First[e]
	}
	volume := make([]float64, first[len(cells)]) // zero outside
	moved := make([]float64, len(volume))        // length of the displacement
	state := make([]Tensors, len(volume))
	_ = par.Blocks(context.Background(), len(cells), 256, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			e := int(cells[i])
			ref := f.sys.reference(e)
			for q := range ref.Xi {
				var at, u r3.Vec
				for a, node := range m.Cell(e) {
					at = r3.Add(at, r3.Scale(ref.N[q][a], m.Nodes[node]))
					u = r3.Add(u, r3.Scale(ref.N[q][a], r.displacement(int(node))))
				}
				if p := int(first[i]) + q; inside(at) {
					volume[p], moved[p] = f.Samples[int(f.First[e])+q].Volume, r3.Norm(u)
					state[p], _ = f.mix(e, ref.N[q])
				}
			}
		}
	})
	out := &Statistic{Name: name, Fields: make([]FieldStatistic, len(scalars)+1)}
	for i, e := range cells {
		for p := first[i]; p < first[i+1]; p++ {
			out.Volume += volume[p]
			out.Energy += volume[p] * f.Samples[f.First[e]+p-first[i]].Energy
		}
	}
	if out.Volume == 0 {
		return nil, errors.New("no quadrature point lies within")
	}
	_ = par.For(context.Background(), len(out.Fields), func(k int) {
		of, name := func(p int) float64 { return moved[p] }, "displacement"
		at := func(e, a int) float64 { return r3.Norm(r.displacement(int(m.Cell(e)[a]))) }
		if k > 0 {
			scalar := &scalars[k-1]
			of, name = func(p int) float64 { return scalar.of(&state[p]) }, scalar.name
			at = func(e, a int) float64 { return scalar.of(&f.Nodal[f.nodalOf[e][a]]) }
		}
		most := math.Inf(-1)
		for _, e := range cells {
			for a, node := range m.Cell(int(e)) {
				if inside(m.Nodes[node]) {
					most = max(most, at(int(e), a))
				}
			}
		}
		v := make([]weighted, 0, len(volume))
		for p, w := range volume {
			if w > 0 {
				v = append(v, weighted{of(p), w})
			}
		}
		out.Fields[k] = summarise(name, v, most)
	})
	return out, nil
}

// weighted is a value and the volume that has it.
type weighted struct{ value, volume float64 }

// summarise returns the statistics of values, which change their order. The
// percentile p is the smallest value at or below which p % of the volume lies.
func summarise(name string, v []weighted, most float64) FieldStatistic {
	var total, sum float64
	for _, x := range v {
		total += x.volume
		sum += x.volume * x.value
		most = max(most, x.value)
	}
	s := FieldStatistic{Name: name, Mean: sum / total, Max: most}
	var below float64 // volume of the values that are left out of v
	for _, p := range []struct {
		part float64
		to   *float64
	}{{0.5, &s.P50}, {0.9, &s.P90}, {0.95, &s.P95}, {0.99, &s.P99}} {
		var skip float64
		*p.to, v, skip = smallestAbove(v, p.part*total*(1-1e-12)-below)
		below += skip
	}
	return s
}

// smallestAbove returns the smallest value at or below which at least the given
// volume lies, by partition as in Hoare's quickselect. It reorders v and returns
// the end of it from where the search ended, with the volume before: larger volumes
// end there.
func smallestAbove(v []weighted, volume float64) (value float64, rest []weighted, skipped float64) {
	for from, to := 0, len(v); ; {
		w := v[from:to]
		pivot := max(min(w[0].value, w[len(w)/2].value), min(max(w[0].value, w[len(w)/2].value), w[len(w)-1].value))
		// w[:low] lie below the pivot, w[low:i] are equal to it, w[high:] lie above.
		low, high := 0, len(w)
		var below, equal float64
		for i := 0; i < high; {
			switch x := w[i]; {
			case x.value < pivot:
				below += x.volume
				w[low], w[i] = w[i], w[low]
				low++
				i++
			case x.value > pivot:
				high--
				w[high], w[i] = w[i], w[high]
			default:
				equal += x.volume
				i++
			}
		}
		switch {
		case low > 0 && below >= volume:
			to = from + low
		case below+equal >= volume || high == len(w):
			return pivot, v[from:], skipped
		default:
			volume -= below + equal
			skipped += below + equal
			from += high
		}
	}
}

// tensorJSON names the components of a symmetric tensor.
func tensorJSON(t element.Tensor) map[string]float64 {
	return map[string]float64{"xx": t[0], "yy": t[1], "zz": t[2], "xy": t[3], "yz": t[4], "zx": t[5]}
}

func vecJSON(v r3.Vec) [3]float64 { return [3]float64{v.X, v.Y, v.Z} }

// WriteJSON writes probes, statistics and quality under the names of the problem
// file: lengths in mm, stress and energy density in kPa, energy in µJ. "principal"
// holds the principal stresses of a probe in falling order, and the statistics of
// the largest one; shear strain is that of the tensor.
func (r *Result) WriteJSON(w io.Writer) error {
	probes, statistics := map[string]any{}, map[string]any{}
	for _, p := range r.Probes {
		probes[p.Name] = map[string]any{
			"at": vecJSON(p.At), "distance_to_mesh": p.Off, "displacement": vecJSON(p.Displacement),
			"stress": tensorJSON(p.Stress), "strain": tensorJSON(p.Strain), "von_mises": p.Stress.VonMises(),
			"principal": p.Stress.Principal(), "principal_strain": p.Strain.Principal(), "strain_energy_density": p.Energy, "volume_ratio": p.Stretch,
		}
	}
	for _, s := range r.Statistics {
		row := map[string]any{"volume": s.Volume, "strain_energy": s.Energy}
		for _, f := range s.Fields {
			row[f.Name] = map[string]float64{"mean": f.Mean, "p50": f.P50, "p90": f.P90, "p95": f.P95, "p99": f.P99, "max": f.Max}
		}
		statistics[s.Name] = row
	}
	q := r.Quality
	quality := map[string]any{
		"converged": q.Converged, "residual": q.Residual, "load": q.Load, "steps": q.Steps, "newton_iterations": q.Newton, "iterations": q.Linear,
		"min_jacobian": q.MinJacobian, "min_jacobian_at": vecJSON(q.MinJacobianAt), "min_mesh_jacobian": q.MinShape,
		"nodes": q.Nodes, "elements": q.Elements,
	}
	if r.from != nil {
		quality["unloaded_solves"], quality["unloaded_error"] = q.UnloadedSolves, q.UnloadedError
	}
	warnings := r.Warnings
	if warnings == nil {
		warnings = []string{}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{"format": "plaquerisk-solid", "version": 1, "probes": probes, "statistics": statistics,
		"strain_energy": r.Fields.Energy, "quality": quality, "warnings": warnings})
}

// WriteVTU writes the shape of the file with displacement at nodes and, at cells,
// material, mean stress, strain and what follows from them. Recovered stress at
// nodes has one array for each material, not a number where it is absent, since a
// node on an interface has a value of each.
func (r *Result) WriteVTU(w io.Writer) error {
	f := r.Fields
	m := *f.sys.Mesh
	m.Nodes = r.shape
	u := mesh.Field{Name: "displacement", Unit: "mm", Dim: 3}
	for n := range m.Nodes {
		d := r.displacement(n)
		u.Values = append(u.Values, d.X, d.Y, d.Z)
	}
	nodes := []mesh.Field{u}
	if r.from != nil {
		v := mesh.Field{Name: "displacement_of_given_shape", Unit: "mm", Dim: 3}
		for _, d := range r.from {
			v.Values = append(v.Values, d.X, d.Y, d.Z)
		}
		nodes = append(nodes, v)
	}
	for l := range f.sys.Laws {
		s := mesh.Field{Name: "stress", Unit: "kPa", Dim: 6, Values: slices.Repeat([]float64{math.NaN()}, 6*len(m.Nodes))}
		v := mesh.Field{Name: "von_mises", Unit: "kPa", Dim: 1, Values: slices.Repeat([]float64{math.NaN()}, len(m.Nodes))}
		p := mesh.Field{Name: "principal", Unit: "kPa", Dim: 1, Values: slices.Repeat([]float64{math.NaN()}, len(m.Nodes))}
		for _, x := range []*mesh.Field{&s, &v, &p} {
			if len(f.sys.Laws) > 1 {
				x.Name += "_in_" + r.names[l]
			}
			nodes = append(nodes, *x)
		}
		for e := range m.Cells() {
			if f.sys.Of[e] != int32(l) {
				continue
			}
			for a, node := range m.Cell(e) {
				t := f.Nodal[f.nodalOf[e][a]].Stress
				copy(s.Values[6*node:], t[:])
				v.Values[node], p.Values[node] = t.VonMises(), t.Principal()[0]
			}
		}
	}
	cells := []mesh.Field{{Name: "material", Dim: 1}, {Name: "stress", Unit: "kPa", Dim: 6}, {Name: "strain", Dim: 6}, {Name: "von_mises", Unit: "kPa", Dim: 1},
		{Name: "principal", Unit: "kPa", Dim: 3}, {Name: "strain_energy_density", Unit: "kPa", Dim: 1}, {Name: "volume_ratio", Dim: 1}}
	for e := range m.Cells() {
		var sum [values]float64
		var volume float64
		for q := f.First[e]; q < f.First[e+1]; q++ {
			s := &f.Samples[q]
			var v [values]float64
			s.get(&v)
			for i := range sum {
				sum[i] += s.Volume * v[i]
			}
			volume += s.Volume
		}
		for i := range sum {
			sum[i] /= volume
		}
		var t Tensors
		t.set(&sum)
		p := t.Stress.Principal()
		for n, v := range [][]float64{{float64(f.sys.Of[e] + 1)}, t.Stress[:], t.Strain[:], {t.Stress.VonMises()}, p[:], {t.Energy}, {t.Stretch}} {
			cells[n].Values = append(cells[n].Values, v...)
		}
	}
	converged := 0.0
	if r.Quality.Converged {
		converged = 1
	}
	return m.WriteVTU(w, nodes, cells, mesh.Field{Name: "converged", Dim: 1, Values: []float64{converged}},
		mesh.Field{Name: "part_of_load", Dim: 1, Values: []float64{r.Quality.Load}})
}
