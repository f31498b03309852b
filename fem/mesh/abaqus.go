package mesh

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
)

// abaqusSolid matches the solid elements of Abaqus and CalculiX, with letters for
// variants behind.
var abaqusSolid = regexp.MustCompile(`^C3D(4|8|10|20)([A-Z]*)$`)

// ReadAbaqus reads the mesh of an input file of Abaqus or CalculiX: *NODE,
// *ELEMENT with C3D4, C3D8, C3D10, C3D20 and variants, *NSET, *ELSET (also
// GENERATE) and *SURFACE of elements or nodes. C3D8I become hex8 with enhanced
// modes; other letters (R, H, M, T) choose integration rules that are not taken
// over. Other keywords, such as materials and steps, are left out, since the
// problem file holds them. Names keep their case but are found in any.
func ReadAbaqus(r io.Reader) (*Solid, error) {
	a := &abaqus{in: newBounded(r), node: map[int]int32{}, elem: map[int]int32{}, names: map[string]string{}}
	a.b = newBuilder(nil)
	if err := a.read(); err != nil {
		return nil, fmt.Errorf("inp: line %d: %w", a.in.line, err)
	}
	s, err := a.finish()
	if err != nil {
		return nil, fmt.Errorf("inp: %w", err)
	}
	return s, nil
}

// abaqus is the state of reading.
type abaqus struct {
	in    *bounded
	b     *builder
	node  map[int]int32     // by label
	elem  map[int]int32     // by label
	names map[string]string // upper case: as first written
	later []func() error    // what needs all nodes and elements
}

func (a *abaqus) read() error {
	line, err := a.in.textLine()
	for err == nil {
		if !strings.HasPrefix(line, "*") || strings.HasPrefix(line, "**") {
			line, err = a.in.textLine()
			continue
		}
		key, params := keyword(line)
		var data [][]string
		use := func([][]string) error { return nil }
		switch key {
		case "NODE":
			use = func(d [][]string) error { return a.nodes(params, d) }
		case "ELEMENT":
			if use, err = a.elements(params); err != nil {
				return err
			}
		case "NSET", "ELSET":
			use = func(d [][]string) error { return a.set(key, params, d) }
		case "SURFACE":
			use = func(d [][]string) error { return a.surface(params, d) }
		case "INCLUDE":
			return errors.New("*INCLUDE is not read: put the mesh into one file")
		case "PART", "INSTANCE", "ASSEMBLY":
			return fmt.Errorf("*%s is not read: write a flat input file", key)
		}
		for {
			line, err = a.in.textLine()
			if err != nil || strings.HasPrefix(line, "*") && !strings.HasPrefix(line, "**") {
				break
			}
			if line == "" || strings.HasPrefix(line, "**") {
				continue
			}
			f := strings.Split(line, ",")
			for n := range f {
				f[n] = strings.TrimSpace(f[n])
			}
			data = append(data, f)
			// Rows are used at once, so that a file is not held twice; elements may go
			// on over lines and see all rows since the last whole one.
			if key == "ELEMENT" && f[len(f)-1] == "" {
				continue
			}
			if uerr := use(data); uerr != nil {
				return fmt.Errorf("*%s: %w", key, uerr)
			}
			data = data[:0]
		}
		if len(data) > 0 {
			if uerr := use(data); uerr != nil {
				return fmt.Errorf("*%s: %w", key, uerr)
			}
		}
	}
	if err != io.EOF {
		return err
	}
	return nil
}

// keyword splits "*NSET, NSET=ends, GENERATE".
func keyword(line string) (key string, params map[string]string) {
	f := strings.Split(line[1:], ",")
	params = map[string]string{}
	for _, p := range f[1:] {
		k, v, _ := strings.Cut(p, "=")
		params[strings.ToUpper(strings.TrimSpace(k))] = strings.Trim(strings.TrimSpace(v), `"`)
	}
	return strings.ToUpper(strings.TrimSpace(f[0])), params
}

// setOf returns the set of a name in any case.
func (a *abaqus) setOf(name string) *Set {
	up := strings.ToUpper(name)
	if _, ok := a.names[up]; !ok {
		a.names[up] = name
	}
	return a.b.SetOf(a.names[up])
}

func (a *abaqus) nodes(params map[string]string, rows [][]string) error {
	for _, f := range rows {
		if len(f) < 2 {
			return fmt.Errorf("%.40q: want a label and coordinates", strings.Join(f, ","))
		}
		label, err := strconv.Atoi(f[0])
		if err != nil {
			return fmt.Errorf("%.20q where a node's label should stand", f[0])
		}
		var x [3]float64
		for i := range x {
			if i+1 < len(f) && f[i+1] != "" {
				if x[i], err = strconv.ParseFloat(f[i+1], 64); err != nil {
					return fmt.Errorf("node %d: %.20q where a coordinate should stand", label, f[i+1])
				}
			}
		}
		if _, twice := a.node[label]; twice {
			return fmt.Errorf("node %d is given twice", label)
		}
		n := int32(len(a.b.Nodes))
		a.node[label] = n
		a.b.Nodes = append(a.b.Nodes, r3.Vec{X: x[0], Y: x[1], Z: x[2]})
		if name := params["NSET"]; name != "" {
			s := a.setOf(name)
			s.Nodes = append(s.Nodes, n)
		}
	}
	return nil
}

// elements returns what to do with the rows of one *ELEMENT.
func (a *abaqus) elements(params map[string]string) (func([][]string) error, error) {
	kind := strings.ToUpper(params["TYPE"])
	m := abaqusSolid.FindStringSubmatch(kind)
	if m == nil {
		if strings.HasPrefix(kind, "C3D") {
			return nil, fmt.Errorf("elements of type %.20s: only C3D4, C3D8, C3D10, C3D20 and variants are solved", kind)
		}
		a.b.drop("elements of type " + kind)
		return func([][]string) error { return nil }, nil
	}
	t := map[string]element.Type{"4": element.Tetra4, "8": element.Brick8, "10": element.Tetra10, "20": element.Brick20}[m[1]]
	if m[2] != "" && m[2] != "I" {
		a.b.drop("the integration rule of " + kind)
	}
	enhanced := kind == "C3D8I"
	var label int
	var have []int32
	open := false
	return func(rows [][]string) error {
		for _, f := range rows {
			for _, w := range f {
				if w == "" {
					continue
				}
				v, err := strconv.Atoi(w)
				if err != nil {
					return fmt.Errorf("%.20q where a label should stand", w)
				}
				if !open {
					label, have, open = v, have[:0], true
					continue
				}
				n, ok := a.node[v]
				if !ok {
					return fmt.Errorf("element %d names node %d, which is not given before it", label, v)
				}
				if have = append(have, n); len(have) < t.Nodes() {
					continue
				}
				open = false
				if _, twice := a.elem[label]; twice {
					return fmt.Errorf("element %d is given twice", label)
				}
				e := a.b.cell(t, have)
				a.elem[label] = e
				a.b.Enhanced = append(a.b.Enhanced, enhanced)
				if name := params["ELSET"]; name != "" {
					s := a.setOf(name)
					s.Cells = append(s.Cells, e)
				}
			}
		}
		return nil
	}, nil
}

// set reads rows of *NSET and *ELSET: labels, names of sets, or ranges.
func (a *abaqus) set(key string, params map[string]string, rows [][]string) error {
	name := params[key]
	if name == "" {
		return errors.New("the set has no name")
	}
	byLabel := a.node
	if key == "ELSET" {
		byLabel = a.elem
	}
	_, generate := params["GENERATE"]
	a.setOf(name)
	for _, f := range rows {
		row := slices.Clone(f)
		a.later = append(a.later, func() error {
			items := func(s *Set) *[]int32 {
				if key == "ELSET" {
					return &s.Cells
				}
				return &s.Nodes
			}
			into := items(a.setOf(name))
			if generate {
				return generated(row, byLabel, into)
			}
			for _, w := range row {
				if w == "" {
					continue
				}
				if v, err := strconv.Atoi(w); err == nil {
					n, ok := byLabel[v]
					if !ok {
						return fmt.Errorf("set %q names %d, which is not given", name, v)
					}
					*into = append(*into, n)
					continue
				}
				other, ok := a.b.Set(a.names[strings.ToUpper(w)])
				if !ok {
					return fmt.Errorf("set %q names set %.40q, which is not given", name, w)
				}
				*into = append(*into, *items(other)...)
			}
			return nil
		})
	}
	return nil
}

// generated adds the labels first to last by step that exist.
func generated(row []string, byLabel map[int]int32, into *[]int32) error {
	v := [3]int{0, 0, 1}
	n := 0
	for _, w := range row {
		if w == "" {
			continue
		}
		x, err := strconv.Atoi(w)
		if err != nil || n > 2 {
			return fmt.Errorf("%.40q is no range of labels", strings.Join(row, ","))
		}
		v[n] = x
		n++
	}
	if n < 2 || v[2] < 1 {
		return fmt.Errorf("%.40q is no range of labels", strings.Join(row, ","))
	}
	if (v[1]-v[0])/v[2] > 100*len(byLabel)+1000 {
		return fmt.Errorf("%.40q: most of these labels are not given", strings.Join(row, ","))
	}
	for l := v[0]; l <= v[1]; l += v[2] {
		if n, ok := byLabel[l]; ok {
			*into = append(*into, n)
		}
	}
	return nil
}

// surface reads rows of *SURFACE: an element or set with its face, or nodes.
func (a *abaqus) surface(params map[string]string, rows [][]string) error {
	name := params["NAME"]
	if name == "" {
		return errors.New("the surface has no name")
	}
	if kind := strings.ToUpper(params["TYPE"]); kind == "NODE" {
		return a.set("NSET", map[string]string{"NSET": name}, rows)
	} else if kind != "" && kind != "ELEMENT" {
		return fmt.Errorf("surface %q is of type %.20s: only ELEMENT and NODE are read", name, kind)
	}
	a.setOf(name)
	for _, f := range rows {
		row := slices.Clone(f)
		a.later = append(a.later, func() error {
			if len(row) < 2 || len(row[1]) != 2 || (row[1][0] != 'S' && row[1][0] != 's') {
				return fmt.Errorf("surface %q: %.40q: want an element or set and a face S1 to S6", name, strings.Join(row, ","))
			}
			face := int(row[1][1]) - '1'
			var cells []int32
			if v, err := strconv.Atoi(row[0]); err == nil {
				e, ok := a.elem[v]
				if !ok {
					return fmt.Errorf("surface %q names element %d, which is not given", name, v)
				}
				cells = []int32{e}
			} else if s, ok := a.b.Set(a.names[strings.ToUpper(row[0])]); ok {
				cells = s.Cells
			} else {
				return fmt.Errorf("surface %q names set %.40q, which is not given", name, row[0])
			}
			for _, e := range cells {
				if face < 0 || face >= len(a.b.Types[e].Faces()) {
					return fmt.Errorf("surface %q: a %s has no face %s", name, a.b.Types[e], row[1])
				}
				cell := a.b.Cell(int(e))
				var corners []int32
				n := 3
				if a.b.Types[e].Corners() == 8 {
					n = 4
				}
				for _, c := range a.b.Types[e].Faces()[face][:n] {
					corners = append(corners, cell[c])
				}
				var k key
				copy(k[:], corners)
				a.b.surfaces = append(a.b.surfaces, surface{name, sorted(k, n)})
			}
			return nil
		})
	}
	return nil
}

func (a *abaqus) finish() (*Solid, error) {
	for _, f := range a.later {
		if err := f(); err != nil {
			return nil, err
		}
	}
	for n := range a.b.surfaces {
		a.b.surfaces[n].set = a.names[strings.ToUpper(a.b.surfaces[n].set)]
	}
	for n := range a.b.Sets {
		slices.SortFunc(a.b.Sets[n].Cells, cmp.Compare)
		a.b.Sets[n].Cells = slices.Compact(a.b.Sets[n].Cells)
	}
	return a.b.finish()
}
