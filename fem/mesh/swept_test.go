package mesh

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/fem/element"
)

var sizes = Sizes{Around: 32, Through: 6, Axial: 0.5, Grading: 2, MinWall: 0.1, MaxThin: 0.1, MinJacobian: 0.1}

func circle(radius float64) (c coronary.Contour) {
	for n := range 128 {
		sin, cos := math.Sincos(2 * math.Pi * (float64(n) + 0.4) / 128)
		c.Points = append(c.Points, r2.Vec{X: radius * cos, Y: radius * sin})
	}
	return c
}

// arc is a tube along an arc of radius bend (0: straight) with circular
// contours.
func arc(length, bend, in, out float64) *coronary.Vessel {
	v := &coronary.Vessel{}
	for n := 0; float64(n)*0.5 <= length+1e-9; n++ {
		s := 0.5 * float64(n)
		f := coronary.Frame{Origin: r3.Vec{Z: s}, T: r3.Vec{Z: 1}, N: r3.Vec{X: 1}, B: r3.Vec{Y: 1}}
		if bend > 0 {
			sin, cos := math.Sincos(s / bend)
			f = coronary.Frame{Origin: r3.Vec{X: bend * (1 - cos), Z: bend * sin}, T: r3.Vec{X: sin, Z: cos}, N: r3.Vec{X: cos, Z: -sin}, B: r3.Vec{Y: 1}}
		}
		v.Sections = append(v.Sections, coronary.Section{S: s, Frame: f, Lumen: circle(in), Wall: circle(out)})
	}
	return v
}

func volume(m *Mesh) (sum float64) {
	var h element.Hex8
	for e := range m.Cells {
		x := m.Corners(e)
		h.Set(&x)
		sum += h.Volume
	}
	return sum
}

// The mesh of a straight or bent tube has the volume of the tube (Pappus), and
// its inner and outer faces look away from the wall.
func TestSweepVolume(t *testing.T) {
	for _, bend := range []float64{0, 20} {
		m, err := Sweep(context.Background(), arc(10, bend, 1.5, 2.5), 0, 10, sizes)
		if err != nil {
			t.Fatal(err)
		}
		// A polygon of 32 sides in a circle.
		want := 10 * 16 * math.Sin(2*math.Pi/32) * (2.5*2.5 - 1.5*1.5)
		if got := volume(&m.Mesh); math.Abs(got-want) > 0.002*want {
			t.Errorf("bend %g: volume %.3f mm³, want %.3f", bend, got, want)
		}
		if m.Quality.MinScaledJacobian < 0.9 || m.Relaxed != 0 || m.Thin != 0 || m.NotStar != 0 {
			t.Errorf("bend %g: %+v, %d nodes relaxed, %d thin rays, %d sections not star-shaped", bend, m.Quality, m.Relaxed, m.Thin, m.NotStar)
		}
		for n, faces := range [][][4]int32{m.Inner(), m.Outer()} {
			for f, face := range faces {
				a, b, c := m.Nodes[face[0]], m.Nodes[face[1]], m.Nodes[face[2]]
				normal := r3.Cross(r3.Sub(b, a), r3.Sub(c, b))
				k := f / m.Around
				away := r3.Dot(normal, r3.Sub(a, m.Frames[k].Origin))
				if (away > 0) != (n == 1) {
					t.Fatalf("bend %g: face %d of set %d looks the wrong way", bend, f, n)
				}
			}
		}
	}
}

// On a bend so sharp that the section planes cross inside the wall, elements
// fold; nodes are moved until none does.
func TestUnfold(t *testing.T) {
	v := arc(14, 0, 1, 2)
	// A kink of 80° within 2 mm: planes turn faster than the outer radius allows.
	for n := range v.Sections {
		s := v.Sections[n].S
		a := 1.4 * min(max((s-6)/2, 0), 1)
		sin, cos := math.Sincos(a)
		f := &v.Sections[n].Frame
		f.T, f.N = r3.Vec{X: sin, Z: cos}, r3.Vec{X: cos, Z: -sin}
		if n > 0 {
			f.Origin = r3.Add(v.Sections[n-1].Frame.Origin, r3.Scale(0.5, f.T))
		}
	}
	m, err := Sweep(context.Background(), v, 0, 14, sizes)
	if err != nil {
		t.Fatal(err)
	}
	if m.Relaxed == 0 || !(m.MaxShift > 0) || !(m.Quality.MinScaledJacobian > 0.05) {
		t.Errorf("%d nodes relaxed by up to %g mm, least Jacobian %g", m.Relaxed, m.MaxShift, m.Quality.MinScaledJacobian)
	}
	want := math.Pi * (2*2 - 1*1) * 14
	if got := volume(&m.Mesh); math.Abs(got-want) > 0.1*want {
		t.Errorf("volume %.2f mm³, want about %.2f", got, want)
	}
}

// A vessel that turns back on itself within a section cannot be unfolded: the
// error names the element and its place.
func TestInverted(t *testing.T) {
	v := arc(10, 0, 1.5, 2.5)
	f := &v.Sections[20].Frame // the last: ends must stay flat
	f.T, f.N = r3.Scale(-1, f.T), r3.Scale(-1, f.N)
	_, err := Sweep(context.Background(), v, 0, 10, sizes)
	var inverted *InvertedError
	if !errors.As(err, &inverted) || !strings.Contains(err.Error(), "s = ") {
		t.Errorf("got %v, want an InvertedError with its arc length", err)
	}
}

// Incomplete sections shorten the mesh to the longest complete run; too little
// is an error; a lumen that touches the wall here and there is thickened and
// counted, one that does so everywhere refused with a place.
func TestIncomplete(t *testing.T) {
	v := arc(20, 0, 1.5, 2.5)
	v.Sections[12].Wall.Points = nil // at 6 mm
	m, err := Sweep(context.Background(), v, 1, 19, sizes)
	if err != nil {
		t.Fatal(err)
	}
	if m.S[0] != 6.5 || m.S[m.Along] != 19 {
		t.Errorf("meshed from %g to %g mm, want 6.5 to 19", m.S[0], m.S[m.Along])
	}
	if _, err := Sweep(context.Background(), v, 5.8, 6.2, sizes); !errors.Is(err, ErrSpan) {
		t.Errorf("hole: %v, want ErrSpan", err)
	}
	if _, err := Sweep(context.Background(), v, 9, 8, sizes); !errors.Is(err, ErrSpan) {
		t.Errorf("empty interval: %v, want ErrSpan", err)
	}
	if _, err := Sweep(context.Background(), &coronary.Vessel{}, 0, 10, sizes); !errors.Is(err, ErrSpan) {
		t.Errorf("no sections: %v, want ErrSpan", err)
	}

	huge := sizes
	huge.Axial, huge.Around, huge.Through = 0.02, 512, 64
	if _, err := Sweep(context.Background(), v, 7, 20, huge); err == nil || !strings.Contains(err.Error(), "nodes") {
		t.Errorf("a mesh of 21 million nodes: %v", err)
	}

	v = arc(20, 0, 1.5, 2.5)
	v.Sections[20].Lumen = circle(2.5)
	if m, err = Sweep(context.Background(), v, 0, 20, sizes); err != nil {
		t.Fatal(err)
	}
	if m.Thin != 32 || m.ThinAt != 10 {
		t.Errorf("%d thin rays, thinnest at %g mm, want 32 at 10", m.Thin, m.ThinAt)
	}
	for n := range v.Sections {
		v.Sections[n].Lumen = circle(2.6)
	}
	if _, err := Sweep(context.Background(), v, 0, 20, sizes); !errors.Is(err, ErrThickness) || !strings.Contains(err.Error(), "s = ") {
		t.Errorf("no wall: %v, want ErrThickness with a place", err)
	}
	for n := range v.Sections {
		v.Sections[n].Lumen = circle(1)
		for p := range v.Sections[n].Lumen.Points {
			v.Sections[n].Lumen.Points[p].X += 9
		}
	}
	if _, err := Sweep(context.Background(), v, 0, 20, sizes); err == nil || !strings.Contains(err.Error(), "outside") {
		t.Errorf("lumen beside the wall: %v", err)
	}
}

// vtu is as much of the file format as the test needs.
type vtu struct {
	Type  string `xml:"type,attr"`
	Piece struct {
		Points int         `xml:"NumberOfPoints,attr"`
		Cells  int         `xml:"NumberOfCells,attr"`
		Data   []dataArray `xml:"PointData>DataArray"`
		Cell   []dataArray `xml:"CellData>DataArray"`
		At     []dataArray `xml:"Points>DataArray"`
		Conn   []dataArray `xml:"Cells>DataArray"`
	} `xml:"UnstructuredGrid>Piece"`
}

type dataArray struct {
	Type string `xml:"type,attr"`
	Name string `xml:"Name,attr"`
	Dim  int    `xml:"NumberOfComponents,attr"`
	Text string `xml:",chardata"`
}

func (d *dataArray) bytes(t *testing.T) []byte {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(d.Text))
	if err != nil {
		t.Fatal(err)
	}
	if n := binary.LittleEndian.Uint32(raw); int(n) != len(raw)-4 {
		t.Fatalf("%s: header says %d bytes, found %d", d.Name, n, len(raw)-4)
	}
	return raw[4:]
}

// A written mesh reads back with its counts, positions, corners and fields.
func TestVTU(t *testing.T) {
	m := Box([3]int{3, 2, 2}, r3.Vec{X: 3, Y: 2, Z: 2})
	u := Field{Name: "displacement", Unit: "mm", Dim: 3, Values: make([]float64, 3*len(m.Nodes))}
	u.Values[7] = -2.5
	e := Field{Name: "a<b", Unit: "kPa", Dim: 1, Values: make([]float64, len(m.Cells))}
	var b bytes.Buffer
	if err := m.WriteVTU(&b, []Field{u}, []Field{e}); err != nil {
		t.Fatal(err)
	}
	var f vtu
	if err := xml.Unmarshal(b.Bytes(), &f); err != nil {
		t.Fatal(err)
	}
	p := &f.Piece
	if f.Type != "UnstructuredGrid" || p.Points != 36 || p.Cells != 12 || len(p.Data) != 1 || len(p.Cell) != 1 || len(p.Conn) != 3 {
		t.Fatalf("header %+v", f)
	}
	if p.Data[0].Name != "displacement_mm" || p.Cell[0].Name != "a<b_kPa" {
		t.Errorf("names %q, %q", p.Data[0].Name, p.Cell[0].Name)
	}
	for _, c := range []struct {
		d    *dataArray
		want int
	}{{&p.Data[0], 4 * 3 * 36}, {&p.Cell[0], 4 * 12}, {&p.At[0], 4 * 3 * 36}, {&p.Conn[0], 4 * 8 * 12}, {&p.Conn[1], 4 * 12}, {&p.Conn[2], 12}} {
		if got := len(c.d.bytes(t)); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.d.Name, got, c.want)
		}
	}
	if v := math.Float32frombits(binary.LittleEndian.Uint32(p.Data[0].bytes(t)[28:])); v != -2.5 {
		t.Errorf("displacement of node 2 is %g, want -2.5", v)
	}
	if last := binary.LittleEndian.Uint32(p.Conn[1].bytes(t)[44:]); last != 96 {
		t.Errorf("last offset %d, want 96", last)
	}
	if p.Conn[2].bytes(t)[0] != 12 {
		t.Error("cell type is not 12")
	}
	if err := m.WriteVTU(&b, []Field{e}, nil); err == nil {
		t.Error("a cell field on the nodes was accepted")
	}
}

// ExampleSweep meshes a straight artery.
func ExampleSweep() {
	m, err := Sweep(context.Background(), arc(10, 0, 1.5, 2.5), 0, 10, sizes)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d nodes, %d elements, least scaled Jacobian %.2f\n", len(m.Nodes), len(m.Cells), m.Quality.MinScaledJacobian)
	// Output: 4704 nodes, 3840 elements, least scaled Jacobian 1.00
}
