package mesh

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
)

// volumeOf returns the volume of all cells; it fails on a folded one, so that it
// finds wrong orders of nodes: middles of edges in each other's place fold.
func volumeOf(t *testing.T, s *Solid) (v float64) {
	t.Helper()
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	var c element.Continuum
	for e := range s.Cells() {
		c.Set(element.Of(s.Types[e], false), s.Corners(nil, e))
		v += c.Volume
		// Middles lie between their corners.
		cell := s.Cell(e)
		for m, ed := range s.Types[e].Edges() {
			if at := s.Types[e].Corners() + m; at < len(cell) {
				mid := r3.Scale(0.5, r3.Add(s.Nodes[cell[ed[0]]], s.Nodes[cell[ed[1]]]))
				if d := r3.Norm(r3.Sub(s.Nodes[cell[at]], mid)); d > 0.2*r3.Norm(r3.Sub(s.Nodes[cell[ed[0]]], s.Nodes[cell[ed[1]]])) {
					t.Fatalf("%s: middle node %d is %g mm off its edge", s.Types[e], at, d)
				}
			}
		}
	}
	return v
}

// two is a box 2 × 1 × 1 of two cells of each type, with sets.
func two(t element.Type) *Solid {
	s := NewSolid(Box([3]int{2, 1, 1}, r3.Vec{X: 2, Y: 1, Z: 1}))
	if t.Corners() == 4 {
		s = s.Tetrahedra()
	}
	if t.Nodes() > t.Corners() {
		s = s.Refine()
	}
	for e := range s.Cells() {
		name := "left"
		if s.Centre(e).X > 1 {
			name = "right"
		}
		set := s.SetOf(name)
		set.Cells = append(set.Cells, int32(e))
	}
	for n, p := range s.Nodes {
		if p.X == 0 {
			set := s.SetOf("base")
			set.Nodes = append(set.Nodes, int32(n))
		}
	}
	var end []int32
	for n, p := range s.Nodes {
		if p.X == 2 {
			end = append(end, int32(n))
		}
	}
	s.SetOf("end").Sides = s.SidesOf(s.Boundary(), end)
	return s
}

// same compares a mesh that was read with the one that was written.
func same(t *testing.T, got, want *Solid) {
	t.Helper()
	if v := volumeOf(t, got); math.Abs(v-2) > 1e-6 {
		t.Errorf("volume %g, want 2", v)
	}
	if !slices.Equal(got.Types, want.Types) || len(got.Nodes) != len(want.Nodes) {
		t.Errorf("%d cells and %d nodes, want %d and %d", got.Cells(), len(got.Nodes), want.Cells(), len(want.Nodes))
	}
	for _, name := range []string{"left", "right"} {
		g, ok := got.Set(name)
		w, _ := want.Set(name)
		if !ok || !slices.Equal(g.Cells, w.Cells) {
			t.Errorf("set %s: %+v", name, g)
		}
	}
	base, ok := got.Set("base")
	if !ok || len(base.Nodes) == 0 && len(base.Sides) == 0 {
		t.Fatalf("set base: %+v", base)
	}
	for _, n := range got.NodesOf(base) {
		if got.Nodes[n].X != 0 {
			t.Errorf("set base has node %v", got.Nodes[n])
		}
	}
	end, ok := got.Set("end")
	w, _ := want.Set("end")
	if !ok || len(end.Sides) != len(w.Sides) {
		t.Fatalf("set end: %+v, want %d sides", end, len(w.Sides))
	}
	for _, side := range end.Sides {
		var x []r3.Vec
		for _, n := range got.SideNodes(nil, side) {
			x = append(x, got.Nodes[n])
			if got.Nodes[n].X != 2 {
				t.Errorf("set end has node %v", got.Nodes[n])
			}
		}
		if _, flux := element.FaceOf(len(x)).Area(x, slices.Repeat([]r3.Vec{{X: 1}}, len(x))); flux <= 0 {
			t.Error("a side of set end looks inwards")
		}
	}
}

var inpNames = map[element.Type]string{element.Brick8: "C3D8", element.Brick20: "C3D20R", element.Tetra4: "C3D4", element.Tetra10: "C3D10"}

// inp writes a mesh as an input file of Abaqus.
func inp(s *Solid) string {
	var b strings.Builder
	b.WriteString("*HEADING\ntwo\n** comment\n*NODE, NSET=Nall\n")
	for n, p := range s.Nodes {
		fmt.Fprintf(&b, "%d, %.17g, %.17g, %.17g\n", 10+n, p.X, p.Y, p.Z)
	}
	fmt.Fprintf(&b, "*Element, type=%s, ELSET=Eall\n", inpNames[s.Types[0]])
	for e := range s.Cells() {
		fmt.Fprintf(&b, "%d", 100+e)
		for a, n := range s.Cell(e) {
			b.WriteString(",")
			if a == 15 {
				b.WriteString("\n")
			}
			fmt.Fprintf(&b, " %d", 10+n)
		}
		b.WriteString("\n")
	}
	for _, set := range s.Sets {
		if len(set.Cells) > 0 {
			fmt.Fprintf(&b, "*ELSET, ELSET=%s\n", set.Name)
			for _, e := range set.Cells {
				fmt.Fprintf(&b, "%d,\n", 100+e)
			}
		}
		if len(set.Nodes) > 0 {
			fmt.Fprintf(&b, "*NSET, NSET=%s\n", set.Name)
			for _, n := range set.Nodes {
				fmt.Fprintf(&b, "%d,\n", 10+n)
			}
		}
		if len(set.Sides) > 0 {
			fmt.Fprintf(&b, "*SURFACE, NAME=%s\n", set.Name)
			for _, f := range set.Sides {
				fmt.Fprintf(&b, "%d, S%d\n", 100+f.Cell, f.Face+1)
			}
		}
	}
	b.WriteString("*MATERIAL, NAME=m\n*ELASTIC\n1, 0.3\n*STEP\n*END STEP\n")
	return b.String()
}

// An input file of Abaqus gives back its elements, node and element sets and
// surfaces; names are found in any case.
func TestReadAbaqus(t *testing.T) {
	for typ := range inpNames {
		want := two(typ)
		got, err := ReadAbaqus(strings.NewReader(inp(want)))
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
	}
	got, err := ReadAbaqus(strings.NewReader(inp(two(element.Brick8)) + "*NSET, NSET=low, GENERATE\n10, 14, 2\n*ELSET,ELSET=both\nLEFT, Right\n"))
	if err != nil {
		t.Fatal(err)
	}
	low, _ := got.Set("low")
	both, _ := got.Set("both")
	if !slices.Equal(low.Nodes, []int32{0, 2, 4}) || !slices.Equal(both.Cells, []int32{0, 1}) {
		t.Errorf("generated %v, of sets %v", low.Nodes, both.Cells)
	}
}

// What cannot be read is refused with its line and what to do.
func TestReadAbaqusErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "no hexahedra"}, {"*NODE\n1,x,0,0\n", "line 2"}, {"*NODE\n1,0,0,0\n1,0,0,0\n", "twice"},
		{"*ELEMENT,TYPE=C3D4\n1,1,2,3,4\n", "not given before"}, {"*ELEMENT,TYPE=C3D6\n", "C3D6"}, {"*INCLUDE,INPUT=x\n", "INCLUDE"},
		{inp(two(element.Brick8)) + "*SURFACE,NAME=s\nnone,S1\n", "not given"}, {inp(two(element.Tetra4)) + "*SURFACE,NAME=s\nEall,S5\n", "no face"},
		{inp(two(element.Brick8)) + "*NSET,NSET=a,GENERATE\n1,2000000000,1\n", "labels"},
	} {
		if _, err := ReadAbaqus(strings.NewReader(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60q: %v, want %q", test.text, err, test.want)
		}
	}
}

// What is neither a hexahedron nor a tetrahedron is refused by its name.
func TestReadVTUOther(t *testing.T) {
	for kind, name := range map[string]string{"13": "wedge", "14": "pyramid"} {
		if _, err := ReadVTU(strings.NewReader(strings.Replace(textVTU, ">12 9<", ">"+kind+" 9<", 1))); err == nil || !strings.Contains(err.Error(), "cell 0 is a "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A cell that is listed the other way round is turned, and named; one whose node
// was pulled through a face is not, and so found to be folded.
func TestTurned(t *testing.T) {
	const nodes = "*NODE\n1,0,0,0\n2,1,0,0\n3,0,1,0\n4,0,0,1\n5,%s\n*ELEMENT,TYPE=C3D4,ELSET=all\n1,1,2,3,4\n2,%s\n"
	for _, test := range []struct {
		place, corners string
		turned         int
		folded         bool
	}{
		{"1,1,1", "2,3,4,5", 0, false}, {"1,1,1", "3,2,4,5", 1, false}, {"-.3,-.3,.3", "2,3,4,5", 0, true},
	} {
		s, err := ReadAbaqus(strings.NewReader(fmt.Sprintf(nodes, test.place, test.corners)))
		if err != nil {
			t.Fatal(err)
		}
		var inverted *InvertedError
		if err := s.Check(); len(s.Turned) != test.turned || errors.As(err, &inverted) != test.folded {
			t.Errorf("%+v: turned %v, %v", test, s.Turned, err)
		}
	}
}

// A mesh that is written as VTU is read as the same, with its data.
func TestVTURoundTrip(t *testing.T) {
	for typ := range inpNames {
		want := two(typ)
		field := Field{Name: "density", Dim: 1, Values: make([]float64, want.Cells())}
		var b bytes.Buffer
		if err := want.WriteVTU(&b, nil, []Field{field}, Field{Name: "a < b", Dim: 1, Values: []float64{1.5}}); err != nil {
			t.Fatal(err)
		}
		got, err := ReadVTU(&b)
		if err != nil {
			t.Fatal(err)
		}
		if v := volumeOf(t, got); math.Abs(v-2) > 1e-6 || !slices.Equal(got.Conn, want.Conn) {
			t.Errorf("%s: volume %g, cells %v", typ, v, got.Conn)
		}
	}
}

// Text, masks and numbers: cells and surface cells in one file.
func TestReadVTUText(t *testing.T) {
	s, err := ReadVTU(strings.NewReader(textVTU))
	if err != nil {
		t.Fatal(err)
	}
	if v := volumeOf(t, s); math.Abs(v-1) > 1e-12 || s.Types[0] != element.Brick8 {
		t.Errorf("volume %g", v)
	}
	if len(s.Data) != 2 || s.Data[0].Name != "tissue" || s.Data[0].Values[0] != 7 {
		t.Errorf("data %+v", s.Data)
	}
	for _, name := range []string{"lumen", "tissue=3"} {
		if set, ok := s.Set(name); !ok || len(set.Sides) != 1 || set.Sides[0] != (Side{0, 1}) {
			t.Errorf("set %s: %+v", name, set)
		}
	}
	if set, ok := s.Set("fixed"); !ok || !slices.Equal(set.Nodes, []int32{0, 3}) {
		t.Errorf("set fixed: %+v", set)
	}
}

const textVTU = `<?xml version="1.0"?>
<VTKFile type="UnstructuredGrid" version="0.1" byte_order="LittleEndian">
<UnstructuredGrid><Piece NumberOfPoints="8" NumberOfCells="2">
<Points><DataArray type="Float64" NumberOfComponents="3" format="ascii">
0 0 0 1 0 0 1 1 0 0 1 0 0 0 1 1 0 1 1 1 1 0 1 1</DataArray></Points>
<Cells><DataArray type="Int64" Name="connectivity" format="ascii">0 1 2 3 4 5 6 7 4 5 6 7</DataArray>
<DataArray type="Int64" Name="offsets" format="ascii">8 12</DataArray>
<DataArray type="UInt8" Name="types" format="ascii">12 9</DataArray></Cells>
<PointData><DataArray type="Int32" Name="fixed" format="ascii">1 0 0 1 0 0 0 0</DataArray></PointData>
<CellData><DataArray type="Int32" Name="tissue" format="ascii">7 3</DataArray>
<DataArray type="Int8" Name="lumen" format="ascii">0 1</DataArray></CellData>
</Piece></UnstructuredGrid></VTKFile>
`

// Files of meshio in every encoding that it has, and of VTK's appended kind made
// here, give the same mesh. meshio comes from PyPI; the test skips without it.
func TestReadVTUOfOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("runs Python")
	}
	python := os.Getenv("PLAQUERISK_PYTHON")
	if python == "" {
		python = "python3"
	}
	if exec.Command(python, "-c", "import meshio").Run() != nil {
		t.Skip("no python3 with meshio; set PLAQUERISK_PYTHON")
	}
	dir := t.TempDir()
	for typ, name := range inpNames {
		path := filepath.Join(dir, name+".inp")
		text := strings.Replace(inp(two(typ)), "*SURFACE", "** SURFACE", 1)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		script := fmt.Sprintf(`
import meshio, numpy as np
s = meshio.read(%[1]q)
m = meshio.Mesh(s.points, s.cells, cell_data={"tissue": [np.arange(len(c.data), dtype=np.int32) for c in s.cells]})
for n, (b, c) in enumerate([(False, None), (True, None), (True, "zlib")]):
    meshio.vtu.write(%[2]q + "/%[3]s-%%d.vtu" %% n, m, binary=b, compression=c)
m = meshio.Mesh(s.points, s.cells, cell_data={"gmsh:physical": [np.ones(len(c.data), dtype=np.int32) for c in s.cells], "gmsh:geometrical": [np.ones(len(c.data), dtype=np.int32) for c in s.cells]})
for n, b in enumerate([False, True]):
    meshio.gmsh.write(%[2]q + "/%[3]s-%%d.msh" %% n, m, fmt_version="4.1", binary=b)
`, path, dir, name)
		if out, err := exec.Command(python, "-c", script).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for n := range 5 {
			ext, read := fmt.Sprintf("-%d.vtu", n), ReadVTU
			if n > 2 {
				ext, read = fmt.Sprintf("-%d.msh", n-3), ReadGmsh
			}
			f, err := os.Open(filepath.Join(dir, name+ext))
			if err != nil {
				t.Fatal(err)
			}
			s, err := read(f)
			f.Close()
			if err != nil {
				t.Fatalf("%s%s: %v", name, ext, err)
			}
			if v := volumeOf(t, s); math.Abs(v-2) > 1e-6 || s.Types[0] != typ {
				t.Errorf("%s%s: volume %g of %s", name, ext, v, s.Types[0])
			}
			if n < 3 && (len(s.Data) != 1 || s.Data[0].Values[1] != 1) {
				t.Errorf("%s%s: data %+v", name, ext, s.Data)
			}
		}
	}
}

// Appended data, raw and in base64, with headers of 64 bits and blocks that were
// padded each by itself.
func TestReadVTUAppended(t *testing.T) {
	block := func(data []byte) []byte {
		return append(binary.LittleEndian.AppendUint64(nil, uint64(len(data))), data...)
	}
	var xyz, conn, ends []byte
	for _, v := range []float32{0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1} {
		xyz = binary.LittleEndian.AppendUint32(xyz, math.Float32bits(v))
	}
	for i := range uint64(4) {
		conn = binary.LittleEndian.AppendUint64(conn, i)
	}
	ends = binary.LittleEndian.AppendUint64(ends, 4)
	for _, raw := range []bool{true, false} {
		var data []byte
		var at []any
		for _, d := range [][]byte{xyz, conn, ends, {10}} {
			at = append(at, len(data))
			if raw {
				data = append(data, block(d)...)
			} else { // header and data apart
				data = append(data, base64.StdEncoding.EncodeToString(block(d)[:8])...)
				data = append(data, base64.StdEncoding.EncodeToString(d)...)
			}
		}
		at = append(at, map[bool]string{true: "raw", false: "base64"}[raw])
		text := fmt.Sprintf(`<VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian" header_type="UInt64"><UnstructuredGrid>
<Piece NumberOfPoints="4" NumberOfCells="1"><Points><DataArray type="Float32" NumberOfComponents="3" format="appended" offset="%d"/></Points>
<Cells><DataArray type="UInt64" Name="connectivity" format="appended" offset="%d"/><DataArray type="Int64" Name="offsets" format="appended" offset="%d"/>
<DataArray type="UInt8" Name="types" format="appended" offset="%d"/></Cells></Piece></UnstructuredGrid><AppendedData encoding="%s">_`, at...)
		s, err := ReadVTU(strings.NewReader(text + string(data) + "</AppendedData></VTKFile>"))
		if err != nil {
			t.Fatal(err)
		}
		if v := volumeOf(t, s); math.Abs(v-1.0/6) > 1e-12 {
			t.Errorf("raw %v: volume %g", raw, v)
		}
	}
}

// msh is a mesh of Gmsh: a tet4 in a named volume with a named surface and point.
const msh = `$MeshFormat
4.1 0 8
$EndMeshFormat
$PhysicalNames
3
0 3 "pin"
2 2 "lumen"
3 1 "wall of vessel"
$EndPhysicalNames
$Entities
1 0 1 1
1 0 0 0 1 3
5 0 0 0 1 1 0 1 2 0
7 0 0 0 1 1 1 1 1 0
$EndEntities
$Nodes
1 4 10 13
3 7 0 4
10
11
12
13
0 0 0
1 0 0
0 1 0
0 0 1
$EndNodes
$Elements
3 3 1 3
0 1 15 1
1 10
2 5 2 1
2 10 11 12
3 7 4 1
3 10 11 12 13
$EndElements
`

// Physical groups of Gmsh become sets by name.
func TestReadGmsh(t *testing.T) {
	s, err := ReadGmsh(strings.NewReader(msh))
	if err != nil {
		t.Fatal(err)
	}
	if v := volumeOf(t, s); math.Abs(v-1.0/6) > 1e-15 {
		t.Errorf("volume %g", v)
	}
	wall, _ := s.Set("wall of vessel")
	lumen, _ := s.Set("lumen")
	pin, _ := s.Set("pin")
	if wall == nil || lumen == nil || pin == nil || len(wall.Cells) != 1 || !slices.Equal(lumen.Sides, []Side{{0, 0}}) || !slices.Equal(pin.Nodes, []int32{0}) {
		t.Errorf("sets %+v", s.Sets)
	}
	// The same in binary.
	b := binaryMsh(t, msh)
	bin, err := ReadGmsh(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(bin.Conn, s.Conn) || !slices.Equal(bin.Nodes, s.Nodes) || len(bin.Sets) != len(s.Sets) {
		t.Errorf("binary: %+v", bin)
	}
	for _, test := range []struct{ text, want string }{
		{"", "no Gmsh mesh"}, {"$MeshFormat\n2.2 0 8\n", "only 4.1"}, {strings.Replace(msh, "3 10 11 12 13", "3 10 11 12 99", 1), "99"},
		{strings.Replace(msh, "2 10 11 12\n", "2 10 11 10\n", 1), "no side"}, {strings.Replace(msh, "3 7 4 1\n3 10 11 12 13", "3 7 6 1\n3 10 11 12 13 10 11", 1), "wedges of 6 nodes"},
		{strings.Replace(msh, "3 7 4 1\n3 10 11 12 13", "3 7 7 1\n3 10 11 12 13 10", 1), "pyramids of 5 nodes"},
	} {
		if _, err := ReadGmsh(strings.NewReader(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.40q: %v, want %q", test.text, err, test.want)
		}
	}
}

// binaryMsh turns the sections of a text mesh into binary: what stands on a line
// of its own as integers of the widths of the format.
func binaryMsh(t *testing.T, text string) []byte {
	t.Helper()
	out := []byte("$MeshFormat\n4.1 1 8\n\x01\x00\x00\x00\n$EndMeshFormat\n")
	_, rest, _ := strings.Cut(text, "$EndMeshFormat\n")
	names, rest, _ := strings.Cut(rest, "$Entities\n")
	out = append(out, names+"$Entities\n"...)
	u := binary.LittleEndian
	put := func(kinds string, words []string) {
		for i, k := range kinds {
			var v float64
			if _, err := fmt.Sscan(words[i], &v); err != nil {
				t.Fatal(err)
			}
			switch k {
			case 'i':
				out = u.AppendUint32(out, uint32(int32(v)))
			case 'z':
				out = u.AppendUint64(out, uint64(v))
			case 'd':
				out = u.AppendUint64(out, math.Float64bits(v))
			}
		}
	}
	lines := strings.Split(rest, "\n")
	// The layouts of the lines of msh, in order; empty for text.
	layout := []string{"zzzz", "idddzi", "iddddddziz", "iddddddziz", "$EndEntities", "$Nodes", "zzzz", "iiiz", "z", "z", "z", "z", "ddd", "ddd", "ddd", "ddd", "$EndNodes", "$Elements",
		"zzzz", "iiiz", "zz", "iiiz", "zzzz", "iiiz", "zzzzz", "$EndElements"}
	for n, l := range layout {
		if l[0] == '$' {
			if strings.HasPrefix(l, "$End") {
				out = append(out, '\n')
			}
			out = append(out, l+"\n"...)
			continue
		}
		put(l, strings.Fields(lines[n]))
	}
	return out
}

// Meshes found by chance never break a reader.
func TestReadersTakeRandomBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, text := range []string{msh, string(binaryMsh(t, msh)), textVTU, inp(two(element.Brick8))} {
		for range 300 {
			b := []byte(text)
			for range 1 + rng.IntN(4) {
				b[rng.IntN(len(b))] = byte(rng.IntN(256))
			}
			readAll(b)
		}
	}
}

// readAll gives b to all readers and checks what they return.
func readAll(b []byte) {
	for _, read := range []func([]byte) (*Solid, error){
		func(b []byte) (*Solid, error) { return ReadGmsh(bytes.NewReader(b)) },
		func(b []byte) (*Solid, error) { return ReadVTU(bytes.NewReader(b)) },
		func(b []byte) (*Solid, error) { return ReadAbaqus(bytes.NewReader(b)) },
	} {
		if s, err := read(b); err == nil {
			_ = s.Check()
			s.Boundary()
		}
	}
}

func FuzzReadGmsh(f *testing.F) {
	f.Add([]byte(msh))
	f.Fuzz(func(t *testing.T, b []byte) { readAll(b) })
}

func FuzzReadVTU(f *testing.F) {
	f.Add([]byte(textVTU))
	f.Fuzz(func(t *testing.T, b []byte) { readAll(b) })
}

func FuzzReadAbaqus(f *testing.F) {
	f.Add([]byte(inp(two(element.Tetra4))))
	f.Fuzz(func(t *testing.T, b []byte) { readAll(b) })
}
