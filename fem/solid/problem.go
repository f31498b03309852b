package solid

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/internal/strictyaml"
	"github.com/plaquerisk/plaquerisk/internal/suggest"
)

// Problem is what a YAML file says of a mesh: materials, loads, constraints, and
// what to report. Lengths are mm, stress and moduli kPa, forces mN.
type Problem struct {
	// Kinematics is "small" or "finite".
	Kinematics string `yaml:"kinematics"`
	// Hex8 is "enhanced" or "bbar"; by default what the file says (C3D8I or C3D8),
	// and enhanced where it does not say.
	Hex8        string           `yaml:"hex8,omitempty"`
	Materials   []MaterialSpec   `yaml:"materials"`
	Loads       []LoadSpec       `yaml:"loads"`
	Constraints []ConstraintSpec `yaml:"constraints"`
	// Steps is the number of load steps in finite strain; they are cut in halves
	// where needed.
	Steps int `yaml:"steps"`
	// Prestress is the pressure, kPa, that the mesh already carries: the shape
	// without it is recovered first. It takes the place of all pressures there.
	Prestress *float64 `yaml:"prestress,omitempty"`
	// Tolerance ends Newton's method: the residual over the load.
	Tolerance  float64         `yaml:"tolerance"`
	Probes     []ProbeSpec     `yaml:"probes"`
	Statistics []StatisticSpec `yaml:"statistics"`
}

// DefaultProblem returns small strain, four steps and a tolerance of 1e-8.
func DefaultProblem() Problem { return Problem{Kinematics: "small", Steps: 4, Tolerance: 1e-8} }

// Names is one name or a list of them; numbers are names too.
type Names []string

// UnmarshalYAML reads a scalar or a list.
func (n *Names) UnmarshalYAML(read func(any) error) error {
	var v any
	if err := read(&v); err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, x := range list {
		switch x := x.(type) {
		case string:
			*n = append(*n, x)
		case int, int64, uint64:
			*n = append(*n, fmt.Sprint(x))
		default:
			return fmt.Errorf("%v is no name of a set", x)
		}
	}
	return nil
}

// MaterialSpec gives a law to sets of cells: by name, by "array=value", or by the
// value alone of an integer cell array.
type MaterialSpec struct {
	Set Names  `yaml:"set"`
	Law string `yaml:"law"` // linear, neo_hookean, mooney_rivlin, yeoh, polynomial, exponential, hgo, or a published one

	E  *float64 `yaml:"E,omitempty"`  // linear, kPa
	Nu *float64 `yaml:"nu,omitempty"` // linear

	C10 *float64 `yaml:"C10,omitempty"` // kPa, as all C
	C01 *float64 `yaml:"C01,omitempty"`
	C20 *float64 `yaml:"C20,omitempty"`
	C11 *float64 `yaml:"C11,omitempty"`
	C02 *float64 `yaml:"C02,omitempty"`
	C30 *float64 `yaml:"C30,omitempty"`
	K   *float64 `yaml:"K,omitempty"` // bulk modulus, kPa

	Sc1 *float64 `yaml:"c1,omitempty"` // exponential, kPa
	D1  *float64 `yaml:"D1,omitempty"` // exponential, kPa
	D2  *float64 `yaml:"D2,omitempty"` // exponential

	K1    *float64 `yaml:"k1,omitempty"`    // hgo, kPa
	K2    *float64 `yaml:"k2,omitempty"`    // hgo
	Kappa *float64 `yaml:"kappa,omitempty"` // hgo, dispersion; 0
	// Fibres are directions in space; or Angle, in degrees, is that of two families
	// to either side of the hoop direction around the line through Origin along Axis.
	Fibres [][3]float64 `yaml:"fibres,omitempty"`
	Angle  *float64     `yaml:"angle_deg,omitempty"`
	Axis   *[3]float64  `yaml:"axis,omitempty"`   // (0, 0, 1) by default
	Origin *[3]float64  `yaml:"origin,omitempty"` // (0, 0, 0) by default
}

// LoadSpec loads a set of sides, or of nodes that make up sides.
type LoadSpec struct {
	Set      Names       `yaml:"set,omitempty"`
	Point    *[3]float64 `yaml:"point,omitempty"`    // or the node nearest to it, for a force
	Pressure *float64    `yaml:"pressure,omitempty"` // kPa; follows the side in finite strain
	Traction *[3]float64 `yaml:"traction,omitempty"` // kPa of reference area, dead
	Force    *[3]float64 `yaml:"force,omitempty"`    // mN in all, spread over sides or shared by nodes, dead
}

// ConstraintSpec holds or moves nodes.
type ConstraintSpec struct {
	Set          Names              `yaml:"set,omitempty"`
	Point        *[3]float64        `yaml:"point,omitempty"` // the nearest node
	Fix          []string           `yaml:"fix,omitempty"`   // of x, y, z
	Displacement map[string]float64 `yaml:"displacement,omitempty"`
	Foundation   *float64           `yaml:"foundation,omitempty"` // springs along the normal of sides, kPa/mm
}

// ProbeSpec asks for the state at a point of the reference shape.
type ProbeSpec struct {
	Name string     `yaml:"name"`
	At   [3]float64 `yaml:"at"`
	Set  Names      `yaml:"set,omitempty"` // seen from these cells; any by default
}

// StatisticSpec asks for statistics of a set, or of all, in a box.
type StatisticSpec struct {
	Name   string                `yaml:"name"`
	Set    Names                 `yaml:"set,omitempty"`
	Within map[string][2]float64 `yaml:"within,omitempty"` // by x, y, z; mm of the reference shape
}

// ReadProblem reads a problem file: unknown keys are errors.
func ReadProblem(name string, r io.Reader) (*Problem, error) {
	p := DefaultProblem()
	if err := strictyaml.Decode(name, r, &p); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &p, nil
}

// check tells all that is wrong without the mesh.
func (p *Problem) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if p.Kinematics != "small" && p.Kinematics != "finite" {
		bad("kinematics is %q: want small or finite", p.Kinematics)
	}
	if !slices.Contains([]string{"", "enhanced", "bbar"}, p.Hex8) {
		bad("hex8 is %q: want enhanced or bbar", p.Hex8)
	}
	if len(p.Materials) == 0 {
		bad("materials are missing")
	}
	if p.Steps < 1 || p.Steps > 10000 {
		bad("steps is %d: want 1 to 10000", p.Steps)
	}
	if !(p.Tolerance >= 1e-14 && p.Tolerance <= 1e-2) {
		bad("tolerance is %g: want 1e-14 to 1e-2", p.Tolerance)
	}
	if p.Prestress != nil && p.Kinematics != "finite" {
		bad("prestress needs kinematics: finite")
	}
	for n, m := range p.Materials {
		if len(m.Set) == 0 {
			bad("materials, entry %d: set is missing", n+1)
		}
		if _, err := m.law(); err != nil {
			bad("materials, entry %d (%s): %w", n+1, strings.Join(m.Set, ", "), err)
		}
	}
	for n, l := range p.Loads {
		given := 0
		for _, has := range []bool{l.Pressure != nil, l.Traction != nil, l.Force != nil} {
			if has {
				given++
			}
		}
		switch {
		case given != 1:
			bad("loads, entry %d: give one of pressure, traction and force", n+1)
		case (len(l.Set) == 0) == (l.Point == nil):
			bad("loads, entry %d: give a set or a point", n+1)
		case l.Point != nil && l.Force == nil:
			bad("loads, entry %d: at a point only a force can act", n+1)
		}
	}
	for n, c := range p.Constraints {
		if (len(c.Set) == 0) == (c.Point == nil) {
			bad("constraints, entry %d: give a set or a point", n+1)
		}
		if len(c.Fix) == 0 && len(c.Displacement) == 0 && c.Foundation == nil {
			bad("constraints, entry %d: give fix, displacement or foundation", n+1)
		}
		for _, a := range c.Fix {
			if _, ok := axes[a]; !ok {
				bad("constraints, entry %d: fix %q: want x, y or z", n+1, a)
			}
			if _, both := c.Displacement[a]; both {
				bad("constraints, entry %d: %s is both fixed and displaced", n+1, a)
			}
		}
		for a := range c.Displacement {
			if _, ok := axes[a]; !ok {
				bad("constraints, entry %d: displacement %q: want x, y or z", n+1, a)
			}
		}
		if c.Foundation != nil && (!(*c.Foundation > 0) || c.Point != nil) {
			bad("constraints, entry %d: foundation is %g: must be positive, and on a set", n+1, *c.Foundation)
		}
	}
	seen := map[string]bool{}
	for n, q := range p.Probes {
		if q.Name == "" || seen[q.Name] {
			bad("probes, entry %d: name %q is missing or used before", n+1, q.Name)
		}
		seen[q.Name] = true
	}
	seen = map[string]bool{}
	for n, q := range p.Statistics {
		if q.Name == "" || seen[q.Name] {
			bad("statistics, entry %d: name %q is missing or used before", n+1, q.Name)
		}
		seen[q.Name] = true
		for a, w := range q.Within {
			if _, ok := axes[a]; !ok || !(w[0] <= w[1]) {
				bad("statistics, entry %d: within %s: [%g, %g]: want x, y or z and a rising pair", n+1, a, w[0], w[1])
			}
		}
	}
	return errors.Join(errs...)
}

var axes = map[string]uint8{"x": 0, "y": 1, "z": 2}

// lawKeys are the constants of each law: those that it needs, and those it may
// have.
var lawKeys = map[string][2][]string{
	"linear":        {{"E", "nu"}},
	"neo_hookean":   {{"C10", "K"}},
	"mooney_rivlin": {{"C10", "C01", "K"}},
	"yeoh":          {{"C10", "C20", "C30", "K"}},
	"polynomial":    {{"K"}, {"C10", "C01", "C20", "C11", "C02", "C30"}},
	"exponential":   {{"c1", "D1", "D2", "K"}},
	"hgo":           {{"C10", "k1", "k2", "K"}, {"kappa"}},
}

// law makes the law of m.
func (m *MaterialSpec) law() (material.Law, error) {
	given := map[string]*float64{"E": m.E, "nu": m.Nu, "C10": m.C10, "C01": m.C01, "C20": m.C20, "C11": m.C11, "C02": m.C02, "C30": m.C30, "K": m.K,
		"c1": m.Sc1, "D1": m.D1, "D2": m.D2, "k1": m.K1, "k2": m.K2, "kappa": m.Kappa}
	names := []string{"E", "nu", "C10", "C01", "C20", "C11", "C02", "C30", "K", "c1", "D1", "D2", "k1", "k2", "kappa"}
	keys, ok := lawKeys[m.Law]
	if !ok {
		row, published := material.PublishedLaw(m.Law)
		if !published {
			all := []string{"linear", "neo_hookean", "mooney_rivlin", "yeoh", "polynomial", "exponential", "hgo"}
			for _, r := range material.PublishedLaws() {
				all = append(all, r.Name)
			}
			return nil, fmt.Errorf("law %q is not known%s", m.Law, suggest.Hint(m.Law, all))
		}
		for _, k := range names {
			if given[k] != nil {
				return nil, fmt.Errorf("law %s takes no %s", m.Law, k)
			}
		}
		return row.Law, nil
	}
	v := func(k string) float64 {
		if p := given[k]; p != nil {
			return *p
		}
		return 0
	}
	for _, k := range names {
		switch {
		case given[k] == nil && slices.Contains(keys[0], k):
			return nil, fmt.Errorf("law %s needs %s", m.Law, k)
		case given[k] != nil && !slices.Contains(keys[0], k) && !slices.Contains(keys[1], k):
			return nil, fmt.Errorf("law %s takes no %s", m.Law, k)
		}
	}
	var l material.Law
	switch m.Law {
	case "linear":
		l = material.Linear{Elastic: material.Elastic{Young: v("E"), Poisson: v("nu")}}
		if nu := v("nu"); nu == 0.5 {
			return nil, errors.New("nu is 0.5: an incompressible solid has no bulk modulus; use 0.49 to 0.4999")
		} else if !(nu > -1 && nu < 0.5) {
			return nil, fmt.Errorf("nu is %g: must be above -1 and below 0.5", nu)
		}
		if e := v("E"); !(e > 0) || math.IsInf(e, 0) {
			return nil, fmt.Errorf("modulus E is %g: must be positive and finite", e)
		}
		return l, nil
	case "exponential":
		l = material.Exponential{C1: v("c1"), D1: v("D1"), D2: v("D2"), K: v("K")}
	case "hgo":
		l = material.HGO{C10: v("C10"), K1: v("k1"), K2: v("k2"), Kappa: v("kappa"), K: v("K")}
		if len(m.Fibres) == 0 && m.Angle == nil {
			return nil, errors.New("law hgo needs fibres or angle_deg")
		}
	default:
		l = material.Polynomial{C10: v("C10"), C01: v("C01"), C20: v("C20"), C11: v("C11"), C02: v("C02"), C30: v("C30"), K: v("K")}
	}
	return l, l.Check()
}

// fibres returns the fibre directions at p, none for laws without.
func (m *MaterialSpec) fibres(p r3.Vec) ([]r3.Vec, error) {
	angle := math.NaN()
	if m.Angle != nil {
		angle = *m.Angle * math.Pi / 180
	} else if row, ok := material.PublishedLaw(m.Law); ok {
		angle = row.Angle
	}
	var out []r3.Vec
	for _, f := range m.Fibres {
		v := r3.Vec{X: f[0], Y: f[1], Z: f[2]}
		if r3.Norm(v) == 0 {
			return nil, errors.New("a fibre direction is zero")
		}
		out = append(out, r3.Unit(v))
	}
	if len(out) > 0 || math.IsNaN(angle) {
		return out, nil
	}
	axis, origin := r3.Vec{Z: 1}, r3.Vec{}
	if m.Axis != nil {
		axis = r3.Vec{X: m.Axis[0], Y: m.Axis[1], Z: m.Axis[2]}
	}
	if m.Origin != nil {
		origin = r3.Vec{X: m.Origin[0], Y: m.Origin[1], Z: m.Origin[2]}
	}
	axis = r3.Unit(axis)
	hoop := r3.Cross(axis, r3.Sub(p, origin))
	if !(r3.Norm(hoop) > 0) {
		return nil, fmt.Errorf("the hoop direction at (%.3f, %.3f, %.3f) mm is not defined: give axis and origin", p.X, p.Y, p.Z)
	}
	s, c := math.Sincos(angle)
	hoop = r3.Scale(c, r3.Unit(hoop))
	return []r3.Vec{r3.Add(hoop, r3.Scale(s, axis)), r3.Sub(hoop, r3.Scale(s, axis))}, nil
}

// ReadMesh reads a mesh by the ending of its name: .msh, .vtu or .inp.
func ReadMesh(path string) (*mesh.Solid, error) {
	read, ok := map[string]func(io.Reader) (*mesh.Solid, error){".msh": mesh.ReadGmsh, ".vtu": mesh.ReadVTU, ".inp": mesh.ReadAbaqus}[strings.ToLower(filepath.Ext(path))]
	if !ok {
		return nil, fmt.Errorf("%s: meshes end in .msh (Gmsh 4.1), .vtu (VTK) or .inp (Abaqus, CalculiX)", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Body makes the body that p describes on m, with warnings.
func (p *Problem) Body(m *mesh.Solid) (*Body, []string, error) {
	b := &Body{Mesh: m, Of: make([]int32, m.Cells()), Finite: p.Kinematics == "finite"}
	warnings := slices.Clone(m.Dropped)
	for n, what := range warnings {
		warnings[n] = "left out of the mesh: " + what
	}
	if t := m.Turned; len(t) > 0 {
		p := m.Centre(int(t[0]))
		warnings = append(warnings, fmt.Sprintf("%d of %d elements list their corners the other way round and were turned, the first is element %d at (%.3f, %.3f, %.3f) mm", len(t), m.Cells(), t[0], p.X, p.Y, p.Z))
	}
	if p.Hex8 != "" || m.Enhanced == nil {
		m.Enhanced = make([]bool, m.Cells())
		for e := range m.Enhanced {
			m.Enhanced[e] = p.Hex8 != "bbar"
		}
	}
	f := &finder{m: m}
	warn, err := p.assign(b, f)
	if err != nil {
		return nil, nil, err
	}
	warnings = append(warnings, warn...)
	for n := range p.Loads {
		if err := p.Loads[n].apply(b, f); err != nil {
			return nil, nil, fmt.Errorf("loads, entry %d: %w", n+1, err)
		}
	}
	if err := p.constrain(b, f); err != nil {
		return nil, nil, err
	}
	return b, warnings, nil
}

// assign gives each cell its material.
func (p *Problem) assign(b *Body, f *finder) (warnings []string, err error) {
	for e := range b.Of {
		b.Of[e] = -1
	}
	for n := range p.Materials {
		spec := &p.Materials[n]
		law, err := spec.law()
		if err != nil {
			return nil, fmt.Errorf("materials, entry %d: %w", n+1, err)
		}
		if err := material.Stable(law, 1.3); err != nil {
			warnings = append(warnings, fmt.Sprintf("material %d (%s): %v", n+1, strings.Join(spec.Set, ", "), err))
		}
		if nu := material.Poisson(law); nu > 0.49999 {
			return nil, fmt.Errorf("materials, entry %d: Poisson's ratio of its constants is %.7f: below about 0.49999 the numbers keep their digits; lower K", n+1, nu)
		}
		b.Laws = append(b.Laws, law)
		cells, err := f.cells(spec.Set)
		if err != nil {
			return nil, fmt.Errorf("materials, entry %d: %w", n+1, err)
		}
		for _, e := range cells {
			if old := b.Of[e]; old >= 0 && old != int32(n) {
				return nil, fmt.Errorf("element %d belongs to materials %d and %d", e, old+1, n+1)
			}
			b.Of[e] = int32(n)
			fibres, err := spec.fibres(b.Mesh.Centre(int(e)))
			if err != nil {
				return nil, fmt.Errorf("materials, entry %d: element %d: %w", n+1, e, err)
			}
			if len(fibres) > 0 {
				if b.Fibres == nil {
					b.Fibres = make([][]r3.Vec, b.Mesh.Cells())
				}
				b.Fibres[e] = fibres
			}
		}
	}
	var without, first int
	for e, n := range b.Of {
		if n < 0 {
			if without == 0 {
				first = e
			}
			without++
		}
	}
	if without > 0 {
		c := b.Mesh.Centre(first)
		return nil, fmt.Errorf("%d elements have no material, the first is element %d at (%.3f, %.3f, %.3f) mm; give one to its set (the mesh has %s)",
			without, first, c.X, c.Y, c.Z, f.list())
	}
	return warnings, nil
}

// apply adds the load to b.
func (l *LoadSpec) apply(b *Body, f *finder) error {
	vec := func(v [3]float64) r3.Vec { return r3.Vec{X: v[0], Y: v[1], Z: v[2]} }
	nodal := func(nodes []int32, force r3.Vec) {
		if b.Force == nil {
			b.Force = make([]float64, 3*len(b.Mesh.Nodes))
		}
		for _, n := range nodes {
			b.Force[3*n] += force.X / float64(len(nodes))
			b.Force[3*n+1] += force.Y / float64(len(nodes))
			b.Force[3*n+2] += force.Z / float64(len(nodes))
		}
	}
	if l.Point != nil {
		nodal([]int32{f.nearest(vec(*l.Point))}, vec(*l.Force))
		return nil
	}
	sides, err := f.sides(l.Set)
	if err != nil {
		if l.Force == nil {
			return err
		}
		nodes, nerr := f.nodes(l.Set)
		if nerr != nil {
			return nerr
		}
		nodal(nodes, vec(*l.Force))
		return nil
	}
	switch {
	case l.Pressure != nil:
		b.Pressures = append(b.Pressures, Pressure{sides, *l.Pressure})
	case l.Traction != nil:
		b.Tractions = append(b.Tractions, Traction{sides, vec(*l.Traction)})
	default:
		var area float64
		for _, s := range sides {
			var x []r3.Vec
			for _, n := range b.Mesh.SideNodes(nil, s) {
				x = append(x, b.Mesh.Nodes[n])
			}
			a, _ := element.FaceOf(len(x)).Area(x, nil)
			area += a
		}
		b.Tractions = append(b.Tractions, Traction{sides, r3.Scale(1/area, vec(*l.Force))})
	}
	return nil
}

// constrain adds the constraints to b. A component that is given twice must be
// given alike.
func (p *Problem) constrain(b *Body, f *finder) error {
	type key struct {
		node int32
		axis uint8
	}
	have := map[key]float64{}
	for n, c := range p.Constraints {
		fail := func(err error) error { return fmt.Errorf("constraints, entry %d: %w", n+1, err) }
		if c.Foundation != nil {
			sides, err := f.sides(c.Set)
			if err != nil {
				return fail(err)
			}
			b.Springs = append(b.Springs, Spring{sides, *c.Foundation})
		}
		var nodes []int32
		if c.Point != nil {
			nodes = []int32{f.nearest(r3.Vec{X: c.Point[0], Y: c.Point[1], Z: c.Point[2]})}
		} else {
			var err error
			if nodes, err = f.nodes(c.Set); err != nil {
				return fail(err)
			}
		}
		for _, name := range []string{"x", "y", "z"} {
			value, moved := c.Displacement[name]
			if !moved && !slices.Contains(c.Fix, name) {
				continue
			}
			if math.IsNaN(value) || math.IsInf(value, 0) {
				return fail(fmt.Errorf("displacement %s is %g: must be finite", name, value))
			}
			for _, node := range nodes {
				k := key{node, axes[name]}
				if old, twice := have[k]; twice && old != value {
					x := b.Mesh.Nodes[node]
					return fail(fmt.Errorf("node %d at (%.3f, %.3f, %.3f) mm already moves by %g mm along %s, not %g", node, x.X, x.Y, x.Z, old, name, value))
				} else if twice {
					continue
				}
				have[k] = value
				b.Fixed = append(b.Fixed, Fix{node, k.axis, value})
			}
		}
	}
	return nil
}

// finder looks sets up by name.
type finder struct {
	m        *mesh.Solid
	boundary []mesh.Side
	used     []bool // nodes of cells
}

// list names the sets of the mesh for an error.
func (f *finder) list() string {
	var names []string
	for _, s := range f.m.Sets {
		names = append(names, s.Name)
	}
	for _, d := range f.m.Data {
		values := slices.Clone(d.Values)
		slices.Sort(values)
		for n, v := range slices.Compact(values) {
			if n == 10 {
				names = append(names, d.Name+"=…")
				break
			}
			names = append(names, d.Name+"="+strconv.Itoa(int(v)))
		}
	}
	if len(names) == 0 {
		return "no sets"
	}
	return "sets " + strings.Join(names, ", ")
}

// find returns the parts that a name stands for: a set, in any case; "array=value";
// or the value of an integer array.
func (f *finder) find(name string) (*mesh.Set, error) {
	if s, ok := f.m.Set(name); ok {
		return s, nil
	}
	for n := range f.m.Sets {
		if strings.EqualFold(f.m.Sets[n].Name, name) {
			return &f.m.Sets[n], nil
		}
	}
	array, text, both := strings.Cut(name, "=")
	if !both {
		array, text = "", name
	}
	if v, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32); err == nil {
		found := &mesh.Set{Name: name}
		for _, d := range f.m.Data {
			if both && d.Name != strings.TrimSpace(array) {
				continue
			}
			for e, x := range d.Values {
				if int64(x) == v {
					found.Cells = append(found.Cells, int32(e))
				}
			}
			if len(found.Cells) > 0 {
				break // the first array that has the value
			}
		}
		for _, s := range f.m.Sets {
			if !both && strings.HasSuffix(s.Name, "="+text) {
				found.Nodes, found.Sides = append(found.Nodes, s.Nodes...), append(found.Sides, s.Sides...)
			}
		}
		if len(found.Cells)+len(found.Nodes)+len(found.Sides) > 0 {
			return found, nil
		}
	}
	var names []string
	for _, s := range f.m.Sets {
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("set %q is not in the mesh%s (it has %s)", name, suggest.Hint(name, names), f.list())
}

// cells returns the cells of sets.
func (f *finder) cells(names Names) (cells []int32, err error) {
	for _, name := range names {
		s, err := f.find(name)
		if err != nil {
			return nil, err
		}
		if len(s.Cells) == 0 {
			return nil, fmt.Errorf("set %q holds no volume elements", name)
		}
		cells = append(cells, s.Cells...)
	}
	slices.Sort(cells)
	return slices.Compact(cells), nil
}

// sides returns the sides of sets: their own, or those of the boundary between
// their nodes.
func (f *finder) sides(names Names) (sides []mesh.Side, err error) {
	for _, name := range names {
		s, err := f.find(name)
		if err != nil {
			return nil, err
		}
		own := s.Sides
		if len(own) == 0 && len(s.Nodes) > 0 {
			if f.boundary == nil {
				f.boundary = f.m.Boundary()
			}
			nodes := slices.Clone(s.Nodes)
			slices.Sort(nodes)
			own = f.m.SidesOf(f.boundary, nodes)
		}
		if len(own) == 0 {
			return nil, fmt.Errorf("set %q holds no side of an element: a surface is needed", name)
		}
		sides = append(sides, own...)
	}
	return sides, nil
}

// nodes returns the nodes of sets: those of their sides and their own; of their
// cells only where they have neither.
func (f *finder) nodes(names Names) (nodes []int32, err error) {
	for _, name := range names {
		s, err := f.find(name)
		if err != nil {
			return nil, err
		}
		part := mesh.Set{Nodes: s.Nodes, Sides: s.Sides}
		if len(s.Nodes)+len(s.Sides) == 0 {
			part.Cells = s.Cells
		}
		nodes = append(nodes, f.m.NodesOf(&part)...)
	}
	slices.Sort(nodes)
	if nodes = slices.Compact(nodes); len(nodes) == 0 {
		return nil, fmt.Errorf("set %s holds no node of an element", strings.Join(names, ", "))
	}
	return nodes, nil
}

// nearest returns the node nearest to p, of those that cells have; the first of
// several.
func (f *finder) nearest(p r3.Vec) int32 {
	if f.used == nil {
		f.used = make([]bool, len(f.m.Nodes))
		for _, n := range f.m.Conn {
			f.used[n] = true
		}
	}
	best, least := 0, math.Inf(1)
	for n, x := range f.m.Nodes {
		if d := r3.Norm2(r3.Sub(x, p)); f.used[n] && d < least {
			best, least = n, d
		}
	}
	return int32(best)
}
