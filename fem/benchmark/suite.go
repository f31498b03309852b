package benchmark

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"sync"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/solid"
)

//go:embed data/values.csv
var values []byte

// Case is a problem with reference values.
type Case struct {
	Section string // A to F, as in the specification of the benchmarks
	Name    string
	Slow    bool // takes more than a second or two even in part
	run     func(*run) error
}

// Row is one comparison.
type Row struct {
	Case     string // with the mesh: "LAME-PE, hex20, 10 × 8"
	Quantity string // with the place
	Unit     string
	Source   string
	Got      float64
	Want     float64
	Tol      float64 // allowed |got − want|
}

// Pass tells whether the comparison holds.
func (r *Row) Pass() bool { return math.Abs(r.Got-r.Want) <= r.Tol+1e-12*max(1, math.Abs(r.Want)) }

// Reference holds the values that cases are compared with.
type Reference map[[3]string]value

// value is a line of the table.
type value struct {
	value, tol float64
	unit, kind string
}

// ReadReference reads a table with the columns case, quantity, location, value,
// unit, rel_tol and kind.
func ReadReference(r io.Reader) (Reference, error) {
	lines, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 || !slices.Equal(lines[0], []string{"case", "quantity", "location", "value", "unit", "rel_tol", "kind"}) {
		return nil, fmt.Errorf("the columns are not case, quantity, location, value, unit, rel_tol, kind")
	}
	all := Reference{}
	for n, l := range lines[1:] {
		v, err1 := strconv.ParseFloat(l[3], 64)
		tol, err2 := strconv.ParseFloat(l[5], 64)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("line %d: value %q, rel_tol %q: want numbers", n+2, l[3], l[5])
		}
		all[[3]string{l[0], l[1], l[2]}] = value{v, tol, l[4], l[6]}
	}
	return all, nil
}

// builtIn is the table inside the program.
var builtIn = sync.OnceValues(func() (Reference, error) { return ReadReference(bytes.NewReader(values)) })

// BuiltIn returns the reference values inside the program.
func BuiltIn() (Reference, error) { return builtIn() }

// Cases are those that can be run, in the order of their sections.
func Cases() []Case {
	return []Case{
		{"A", "patch of distorted elements (MacNeal and Harder)", false, patch},
		{"A", "homogeneous deformation", false, homogeneous},
		{"B", "manufactured solutions", true, manufactured},
		{"C", "Lamé's cylinder, ν 0.3 to 0.4999", false, lame},
		{"C", "Lamé's cylinder with closed ends", false, lameClosed},
		{"C", "three layers", false, layers},
		{"C", "eccentric bore (Jeffery)", true, eccentric},
		{"C", "hyperelastic cylinders", true, finiteCylinders},
		{"C", "compressible neo-Hookean cylinders", true, compressibleCylinders},
		{"C", "fibres (Holzapfel, Gasser, Ogden)", true, fibreCylinder},
		{"A", "work along a path of 20 steps", true, workAlongPath},
		{"C", "unloaded shape of an imaged cylinder", true, prestress},
		{"D", "spheres", true, spheres},
		{"E", "Cook's membrane", true, cookMembrane},
		{"E", "beams (MacNeal and Harder)", true, beams},
		{"E", "elliptic membrane and plate (NAFEMS LE1, LE10)", true, nafems},
		{"F", "plaque section D1", true, plaqueSection},
		{"F", "core in a tube D2", true, coreInTube},
	}
}

// Run solves a case and compares it; all takes every element, law and mesh, which
// is minutes for the whole suite, otherwise one of each kind.
func (c *Case) Run(ctx context.Context, ref Reference, all bool) ([]Row, error) {
	r := &run{ctx: ctx, ref: ref, all: all}
	if err := c.run(r); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	if r.err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, r.err)
	}
	return r.rows, nil
}

// run is a case under way.
type run struct {
	ctx  context.Context
	ref  Reference
	all  bool
	rows []Row
	err  error // the first of compare and at
}

// compare adds a comparison with the table; how names the mesh. A reference of
// zero is met within the tolerance times zero, which is 16 kPa unless given.
func (s *run) compare(name, how, quantity, location string, got float64, zero ...float64) {
	v, ok := s.ref[[3]string{name, quantity, location}]
	if !ok {
		s.fail(fmt.Errorf("the reference values lack %s, %s, %s", name, quantity, location))
		return
	}
	tol := v.tol * math.Abs(v.value)
	if v.value == 0 {
		tol = v.tol * append(zero, 16)[0]
	}
	if location != "" {
		quantity += " at " + location
	}
	s.rows = append(s.rows, Row{name + ", " + how, quantity, v.unit, "fem-benchmarks.csv: " + v.kind, got, v.value, tol})
}

// check adds a comparison with a value that theory gives.
func (s *run) check(name, quantity, source string, got, want, tol float64) {
	s.rows = append(s.rows, Row{name, quantity, "1", source, got, want, tol})
}

// fail keeps the first error.
func (s *run) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// solve finds the displacement of a body.
func (s *run) solve(b *solid.Body, steps int) (*solid.Solution, error) {
	set := solid.DefaultSettings()
	set.Steps = steps
	return b.Solve(s.ctx, set)
}

// fields solves a body and recovers its fields.
func (s *run) fields(b *solid.Body, steps int) (*solid.Fields, error) {
	sol, err := s.solve(b, steps)
	if err != nil {
		return nil, err
	}
	return sol.Fields(s.ctx)
}

// at returns the recovered state of a body at p from the side of material l.
func (s *run) at(b *solid.Body, f *solid.Fields, p r3.Vec, l int32) (solid.Tensors, r3.Vec) {
	e, xi, off := f.Locate(p, func(e int) bool { return b.Of[e] == l })
	if e < 0 || off > 0.01 {
		s.fail(fmt.Errorf("no cell of material %d at %v (%g mm off)", l, p, off))
		return solid.Tensors{}, r3.Vec{}
	}
	return f.At(e, xi)
}

// polar returns the radial, hoop and axial components of a stress at p.
func polar(s element.Tensor, p r3.Vec) (rr, tt, zz float64) {
	r := math.Hypot(p.X, p.Y)
	c, d := p.X/r, p.Y/r
	return c*c*s[0] + d*d*s[1] + 2*c*d*s[3], d*d*s[0] + c*c*s[1] - 2*c*d*s[3], s[2]
}
