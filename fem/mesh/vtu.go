package mesh

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
)

// Field is a quantity on nodes or cells: Dim values each, all of one node or
// cell together.
type Field struct {
	Name, Unit string
	Dim        int
	Values     []float64
}

// WriteVTU writes the mesh with fields on nodes and on cells as an unstructured
// grid in VTK's XML format, version 1.0, inline base64 of little-endian float32
// and int32: ParaView, VTK and meshio read it. The unit stands in the name, as in
// "displacement_mm". Equal input gives equal bytes.
//
// See https://docs.vtk.org/en/latest/design_documents/VTKFileFormats.html.
func (m *Mesh) WriteVTU(w io.Writer, nodes, cells []Field) error {
	return NewSolid(m).WriteVTU(w, nodes, cells)
}

// WriteVTU writes the mesh as [Mesh.WriteVTU] does, with the type of each cell, and
// with values that hold for all of it as field data.
func (m *Solid) WriteVTU(w io.Writer, nodes, cells []Field, whole ...Field) error {
	for n, f := range append(append([]Field(nil), nodes...), cells...) {
		want := f.Dim * len(m.Nodes)
		if n >= len(nodes) {
			want = f.Dim * m.Cells()
		}
		if f.Dim < 1 || len(f.Values) != want {
			return fmt.Errorf("vtu: field %q has %d values of dimension %d, want %d", f.Name, len(f.Values), f.Dim, want)
		}
	}
	b := bufio.NewWriterSize(w, 1<<16)
	fmt.Fprintf(b, "<?xml version=\"1.0\"?>\n<VTKFile type=\"UnstructuredGrid\" version=\"1.0\" byte_order=\"LittleEndian\" header_type=\"UInt32\">\n")
	b.WriteString("<UnstructuredGrid>\n")
	if len(whole) > 0 {
		b.WriteString("<FieldData>\n")
		for _, f := range whole {
			fmt.Fprintf(b, "<DataArray type=\"Float32\" Name=\"%s\" NumberOfComponents=\"%d\" NumberOfTuples=\"%d\" format=\"ascii\">\n", quote(f.title()), f.Dim, len(f.Values)/f.Dim)
			for _, v := range f.Values {
				fmt.Fprintln(b, float32(v))
			}
			b.WriteString("</DataArray>\n")
		}
		b.WriteString("</FieldData>\n")
	}
	fmt.Fprintf(b, "<Piece NumberOfPoints=\"%d\" NumberOfCells=\"%d\">\n", len(m.Nodes), m.Cells())
	b.WriteString("<PointData>\n")
	for _, f := range nodes {
		floats(b, f.title(), f.Dim, len(f.Values), func(n int) float64 { return f.Values[n] })
	}
	b.WriteString("</PointData>\n<CellData>\n")
	for _, f := range cells {
		floats(b, f.title(), f.Dim, len(f.Values), func(n int) float64 { return f.Values[n] })
	}
	b.WriteString("</CellData>\n<Points>\n")
	floats(b, "Points", 3, 3*len(m.Nodes), func(n int) float64 {
		p := m.Nodes[n/3]
		return [3]float64{p.X, p.Y, p.Z}[n%3]
	})
	b.WriteString("</Points>\n<Cells>\n")
	ints(b, "connectivity", len(m.Conn), func(n int) int32 { return m.Conn[n] })
	ints(b, "offsets", m.Cells(), func(n int) int32 { return m.Start[n+1] })
	types := make([]byte, m.Cells())
	for n, t := range m.Types {
		types[n] = vtkType[t]
	}
	array(b, "UInt8", "types", 1, types)
	b.WriteString("</Cells>\n</Piece>\n</UnstructuredGrid>\n</VTKFile>\n")
	return b.Flush()
}

func (f *Field) title() string {
	if f.Unit == "" || f.Unit == "1" {
		return f.Name
	}
	return f.Name + "_" + strings.NewReplacer("/", "_per_", "°", "deg", "%", "percent").Replace(f.Unit)
}

// floats writes n values as float32.
func floats(b *bufio.Writer, name string, dim, n int, at func(int) float64) {
	raw := make([]byte, 4*n)
	for i := range n {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(float32(at(i))))
	}
	array(b, "Float32", name, dim, raw)
}

// ints writes n values as int32.
func ints(b *bufio.Writer, name string, n int, at func(int) int32) {
	raw := make([]byte, 4*n)
	for i := range n {
		binary.LittleEndian.PutUint32(raw[4*i:], uint32(at(i)))
	}
	array(b, "Int32", name, 1, raw)
}

// array writes raw as base64 with its length in front, the two encoded as one.
func array(b *bufio.Writer, kind, name string, dim int, raw []byte) {
	fmt.Fprintf(b, "<DataArray type=\"%s\" Name=\"%s\" NumberOfComponents=\"%d\" format=\"binary\">\n", kind, quote(name), dim)
	enc := base64.NewEncoder(base64.StdEncoding, b)
	var head [4]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(raw)))
	// Errors stay in b and come out at its Flush.
	_, _ = enc.Write(head[:])
	_, _ = enc.Write(raw)
	_ = enc.Close()
	b.WriteString("\n</DataArray>\n")
}

// quote returns a name as XML writes it.
func quote(name string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(name)) // a strings.Builder does not fail
	return b.String()
}
