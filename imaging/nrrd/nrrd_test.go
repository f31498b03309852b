package nrrd

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// volume and segmentation decode an attached file that is in memory.
func volume(b []byte) (*imaging.Volume, error) { return decodeBytes(b, decodeVolume) }

func segmentation(b []byte) (*imaging.Segmentation, error) { return decodeBytes(b, decodeSegmentation) }

func decodeBytes[T any](b []byte, decode func(*header, data) (T, error)) (t T, err error) {
	h, err := readHeader(bufio.NewReader(bytes.NewReader(b)))
	if err != nil {
		return t, err
	}
	if name, err := h.detached(); err != nil || name != "" {
		return t, fmt.Errorf("detached: %q %w", name, err)
	}
	return decode(h, data{r: bytes.NewReader(b), offset: h.bytes, size: int64(len(b))})
}

func oblique() imaging.Grid {
	rot := r3.NewRotation(1.2, r3.Vec{X: 0.3, Y: -0.7, Z: 0.5})
	g := imaging.NewGrid([3]int{4, 3, 2}, [3]float64{0.4, 0.5, 0.75}, r3.Vec{X: -10.5, Y: 20.1, Z: 300})
	for a := range g.Axes {
		g.Axes[a] = rot.Rotate(g.Axes[a])
	}
	g.Axes[2] = r3.Unit(r3.Add(g.Axes[2], r3.Scale(0.2, g.Axes[1]))) // tilted gantry
	return g
}

// What is written is read back: values exactly, positions to rounding.
func TestVolumeRoundTrip(t *testing.T) {
	v := imaging.NewVolume(oblique())
	for n := range v.Values {
		v.Values[n] = float32(n)*1.7 - 1000
	}
	for _, gz := range []bool{false, true} {
		var b bytes.Buffer
		if err := WriteVolume(&b, v, gz); err != nil {
			t.Fatal(err)
		}
		got, err := volume(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Values, v.Values) {
			t.Error("values differ")
		}
		if d := got.CornerDistance(&v.Grid); d > 1e-12 {
			t.Errorf("corners moved by %g mm", d)
		}
	}
}

// example has two segments that overlap, so two layers.
func example() *imaging.Segmentation {
	s := &imaging.Segmentation{Grid: oblique(), Layers: [][]int32{make([]int32, 24), make([]int32, 24)}}
	for n := range 10 {
		s.Layers[0][n] = 1
		s.Layers[1][n+5] = 300
	}
	s.Layers[0][20] = 7
	s.Segments = []imaging.Segment{
		{ID: "Segment_1", Name: "LAD_lumen", Value: 1},
		{ID: "Segment_2", Name: "LAD_plaque_1 \\ näher", Value: 300, Layer: 1},
		{ID: "s3", Name: "line\nbreak", Value: 7},
	}
	return s
}

// Names, labels and layers of segments come back, and the same segmentation
// always gives the same bytes.
func TestSegmentationRoundTrip(t *testing.T) {
	s := example()
	var b, c bytes.Buffer
	for _, w := range []*bytes.Buffer{&b, &c} {
		if err := WriteSegmentation(w, s, true); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(b.Bytes(), c.Bytes()) {
		t.Error("two writings differ")
	}
	got, err := segmentation(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Segments, s.Segments) {
		t.Errorf("segments\n%+v, want\n%+v", got.Segments, s.Segments)
	}
	if !reflect.DeepEqual(got.Layers, s.Layers) {
		t.Errorf("layers %v, want %v", got.Layers, s.Layers)
	}
}

// attached puts a header before data.
func attached(head, data string) []byte { return []byte("NRRD0005\n" + head + "\n\n" + data) }

const plain = "type: uchar\ndimension: 3\nsizes: 3 2 1\nspacings: 1 2 3\nencoding: raw"

// Each way to write six numbers down reads as the same six numbers.
func TestEncodings(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write([]byte("XX\x00\x01\x02\x03\x04\x05"))
	w.Close()
	enc := func(e string) string { return strings.Replace(plain, "encoding: raw", e, 1) }
	for name, file := range map[string][]byte{
		"raw":             attached(plain, "\x00\x01\x02\x03\x04\x05"),
		"CRLF":            []byte("NRRD0001\r\n" + strings.ReplaceAll(plain, "\n", "\r\n") + "\r\n\r\n\x00\x01\x02\x03\x04\x05"),
		"ascii":           attached(enc("encoding: ascii"), "0 1 2\n3,4 5\n"),
		"hex":             attached(enc("encoding: hex"), "00 01 02\n0304\n05\n"),
		"line skip":       attached(plain+"\nline skip: 2", "one\ntwo\n\x00\x01\x02\x03\x04\x05"),
		"byte skip":       attached(plain+"\nbyteskip: 3", "abc\x00\x01\x02\x03\x04\x05"),
		"both":            attached(plain+"\nlineskip: 1\nbyte skip: 3", "one\nabc\x00\x01\x02\x03\x04\x05"),
		"byte skip -1":    attached(plain+"\nbyte skip: -1", strings.Repeat("x", 100)+"\x00\x01\x02\x03\x04\x05"),
		"gzip skip":       attached(enc("encoding: gz")+"\nbyte skip: 2", z.String()),
		"gzip skip -1":    attached(enc("encoding: gz")+"\nbyte skip: -1\nline skip: 1", "one\n"+z.String()),
		"big endian":      attached(strings.Replace(plain, "uchar", "unsigned short int", 1)+"\nendian: big", "\x00\x00\x00\x01\x00\x02\x00\x03\x00\x04\x00\x05"),
		"float ascii":     attached(strings.Replace(enc("encoding: text"), "uchar", "float", 1)+"\nendian: big", "0 1 2.0 3e0 4 5"),
		"keys, comments":  attached("# hello\nkey:=a: b\n"+plain+"\nContent: x:=y", "\x00\x01\x02\x03\x04\x05"),
		"list of one":     attached(strings.NewReplacer("dimension: 3", "dimension: 4", "3 2 1", "1 3 2 1", "1 2 3", "NaN 1 2 3").Replace(plain), "\x00\x01\x02\x03\x04\x05"),
		"trailing single": attached(strings.NewReplacer("dimension: 3", "dimension: 4", "3 2 1", "3 2 1 1", "1 2 3", "1 2 3 1").Replace(plain), "\x00\x01\x02\x03\x04\x05"),
	} {
		v, err := volume(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := []float32{0, 1, 2, 3, 4, 5}; !reflect.DeepEqual(v.Values, want) || v.Spacing != [3]float64{1, 2, 3} {
			t.Errorf("%s: %v %v", name, v.Values, v.Grid.String())
		}
	}
}

// The three anatomical spaces and the units of length all become LPS mm.
func TestSpaces(t *testing.T) {
	for _, test := range []struct {
		space string
		want  r3.Vec
	}{
		{"space: LPS", r3.Vec{X: 1, Y: 2, Z: 3}},
		{"space: left-posterior-superior", r3.Vec{X: 1, Y: 2, Z: 3}},
		{"space: RAS", r3.Vec{X: -1, Y: -2, Z: 3}},
		{"space: Right-Anterior-Superior", r3.Vec{X: -1, Y: -2, Z: 3}},
		{"space: LAS", r3.Vec{X: 1, Y: -2, Z: 3}},
		{"space: left-anterior-superior", r3.Vec{X: 1, Y: -2, Z: 3}},
		{"space dimension: 3", r3.Vec{X: 1, Y: 2, Z: 3}},
		{"space: LPS\nspace units: \"cm\" \"cm\" \"cm\"", r3.Vec{X: 10, Y: 20, Z: 30}},
	} {
		file := attached("type: uchar\ndimension: 4\nsizes: 1 1 1 1\nencoding: raw\nspace directions: none (2, 0, 0) (0,0,2) (0,1,1)\nspace origin: (1,2,3)\n"+test.space, "\x09")
		v, err := volume(file)
		if err != nil {
			t.Errorf("%s: %v", test.space, err)
			continue
		}
		if v.Origin != test.want {
			t.Errorf("%s: origin %v, want %v", test.space, v.Origin, test.want)
		}
	}
}

// Headers that cannot be trusted are refused with the reason.
func TestRefusals(t *testing.T) {
	six := "\x00\x01\x02\x03\x04\x05"
	for _, test := range []struct{ name, head, data, want string }{
		{"list", plain + "\ndata file: LIST\na.raw\nb.raw", "", "LIST"},
		{"pattern", plain + "\ndata file: a%03d.raw 1 9 1", "", "pattern"},
		{"cut off", plain, six[:5], "cannot hold"},
		{"excess", plain, six + strings.Repeat("x", 100), "more data"},
		{"huge", strings.Replace(plain, "3 2 1", "1000 1000 1000", 1), six, "cannot hold"},
		{"overflow", strings.Replace(plain, "3 2 1", "1000000000 1000000000 1000000000", 1), six, "more than"},
		{"no endian", strings.Replace(plain, "uchar", "short", 1), six + six, "endian"},
		{"block", strings.Replace(plain, "uchar", "block", 1), six, "block"},
		{"time", plain + "\nspace: LPST", six, "time axis"},
		{"two", "type: uchar\ndimension: 2\nsizes: 3 2\nspacings: 1 1\nencoding: raw", six, "2 axes"},
		{"no spacing", "type: uchar\ndimension: 3\nsizes: 3 2 1\nencoding: raw", six, "size of a voxel"},
		{"four", strings.NewReplacer("dimension: 3", "dimension: 4", "3 2 1", "3 1 1 2", "1 2 3", "1 2 3 1").Replace(plain), six, "more than one image"},
		{"vector", "type: uchar\ndimension: 4\nsizes: 2 3 1 1\nspacings: nan 1 1 1\nencoding: raw", six, "2 values per voxel"},
		{"junk", plain + "\nnothing here", six, "header line 7"},
		{"twice", plain + "\ntype: int", six, "twice"},
		{"bad ascii", strings.Replace(plain, "raw", "ascii", 1), "1 2 x 3 4 5", `"x" is not a number`},
		{"NaN", strings.NewReplacer("raw", "ascii", "uchar", "float").Replace(plain), "1 2 3 nan 4 5", "voxel (0, 1, 0) is NaN"},
	} {
		_, err := volume(attached(test.head, test.data))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
	_, err := segmentation(attached(strings.NewReplacer("raw", "ascii", "uchar", "float").Replace(plain), "1 2 3 0.5 4 5"))
	if err == nil || !strings.Contains(err.Error(), "voxel (0, 1, 0) is 0.5") {
		t.Errorf("label 0.5: %v", err)
	}
	for keys, want := range map[string]string{
		"Segment0_ID:=a\nSegment0_Layer:=1":      "layer 1",
		"Segment0_ID:=a\nSegment0_LabelValue:=0": "LabelValue",
		"Segment0_Name:=a\nSegment1_Name:=b":     "share label 1",
	} {
		if _, err := segmentation(attached(plain+"\n"+keys, six)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", keys, err, want)
		}
	}
}

// A data file is read beside its header, and a link out of the folder is not
// followed.
func TestDetached(t *testing.T) {
	dir := t.TempDir()
	inner := filepath.Join(dir, "in")
	write := func(name, data string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("secret.raw", "\x00\x01\x02\x03\x04\x05")
	write("in/sub/d.raw", "\x00\x01\x02\x03\x04\x05")
	good := write("in/a.nhdr", "NRRD0004\n"+plain+"\ndata file: sub/d.raw\n")
	if v, err := ReadVolume(good); err != nil || v.Values[5] != 5 {
		t.Errorf("detached: %v", err)
	}
	for _, name := range []string{"../secret.raw", "/etc/passwd"} {
		bad := write("in/c.nhdr", "NRRD0004\n"+plain+"\ndata file: "+name+"\n")
		if _, err := ReadVolume(bad); err == nil || !strings.Contains(err.Error(), "outside the folder") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Symlink(filepath.Join("..", "secret.raw"), filepath.Join(inner, "link.raw")); err != nil {
		t.Skip(err)
	}
	bad := write("in/b.nhdr", "NRRD0004\n"+plain+"\ndata file: link.raw\n")
	if _, err := ReadVolume(bad); err == nil || !strings.Contains(err.Error(), "data file") {
		t.Errorf("a link out of the folder was followed: %v", err)
	}
}

// A label that no segment names is still a segment, and a Slicer file from
// before layers had numbers is read.
func TestSegmentNames(t *testing.T) {
	s, err := segmentation(attached(plain+"\nSegment0_ID:=a\nSegment0_Name:=A\nSegment0_LabelValue:=3", "\x00\x01\x02\x03\x04\x05"))
	if err != nil {
		t.Fatal(err)
	}
	want := []imaging.Segment{{ID: "a", Name: "A", Value: 3}, {Value: 1}, {Value: 2}, {Value: 4}, {Value: 5}}
	if !reflect.DeepEqual(s.Segments, want) {
		t.Errorf("segments %v", s.Segments)
	}
	old := "type: uchar\ndimension: 4\nsizes: 2 3 1 1\nspace: LPS\nspace directions: none (1,0,0) (0,1,0) (0,0,1)\nencoding: raw\nSegment0_ID:=a\nSegment1_ID:=b"
	s, err = segmentation(attached(old, "\x01\x00\x01\x01\x00\x01"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Segments) != 2 || s.Segments[1].Layer != 1 || s.Mask(0).Count() != 2 || s.Mask(1).Count() != 2 {
		t.Errorf("segments %v", s.Segments)
	}
}

// Every encoding of one ball gives the same ball.
func TestForeignBalls(t *testing.T) {
	dir := verify.Shared(t, "data", "dicom", "masks", "nrrd")
	names, err := filepath.Glob(filepath.Join(dir, "Ball*"))
	if err != nil || len(names) == 0 {
		t.Fatal("no files", err)
	}
	read := 0
	var first *imaging.Volume
	for _, path := range names {
		if ext := filepath.Ext(path); ext != ".nrrd" && ext != ".nhdr" || strings.Contains(path, "_nifti") {
			continue
		}
		v, err := ReadVolume(path)
		if err != nil {
			t.Error(err)
			continue
		}
		read++
		if first == nil {
			first = v
		}
		if !reflect.DeepEqual(v, first) {
			t.Errorf("%s differs", path)
		}
	}
	if read != 6 {
		t.Errorf("%d files read", read)
	}
	// The header names a NIfTI file as gzip data and leaves its header to be
	// skipped: that does not fit and must be noticed.
	if _, err := ReadVolume(filepath.Join(dir, "BallBinary30x30x30_nifti.nhdr")); err == nil || !strings.Contains(err.Error(), "more data") {
		t.Errorf("data of the wrong length: %v", err)
	}
	if v, err := ReadVolume(filepath.Join(dir, "test_simple4d_raw.nrrd")); err != nil {
		t.Error(err)
	} else if v.Axes[0] != (r3.Vec{X: -1}) {
		t.Errorf("RAS axes %v", v.Axes)
	}
	for _, name := range []string{"test2d_ascii.nrrd", "test_customFields.nrrd"} {
		if _, err := ReadVolume(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), "a volume has three") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Slicer's own segmentation gives its names and lies on its CT.
func TestForeignSlicer(t *testing.T) {
	dir := verify.Shared(t, "data", "dicom", "masks", "slicer")
	v, err := ReadVolume(filepath.Join(dir, "CTChest4.nrrd"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ReadSegmentation(filepath.Join(dir, "Segmentation.seg.nrrd"))
	if err != nil {
		t.Fatal(err)
	}
	if !v.Same(&s.Grid) {
		t.Errorf("CT %v, segmentation %v", v.Grid.String(), s.Grid.String())
	}
	if s.Segments[0].Name != "ribs" || s.Segments[0].ID != "Segment_1" || s.Segments[1].Name != "cervical vertebral column" {
		t.Errorf("segments %+v", s.Segments)
	}
	for n, seg := range s.Segments {
		if m := s.Mask(n); m != nil {
			t.Log(seg.Name, m.Count(), m.VolumeMM3())
		}
	}
}

// The label maps behind the DICOM SEG samples are read.
func TestForeignLabelMaps(t *testing.T) {
	dir := verify.Shared(t, "data", "dicom", "seg")
	for _, pattern := range []string{"ct-3slice/*.nrrd", "23x38x3/*.nrrd", "sparse/*.nrrd"} {
		names, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
		if err != nil || len(names) == 0 {
			t.Errorf("%s: no files %v", pattern, err)
		}
		for _, path := range names {
			s, err := ReadSegmentation(path)
			if err != nil {
				t.Error(err)
				continue
			}
			t.Log(filepath.Base(path), s.Grid.String(), len(s.Segments))
		}
	}
}

// No bytes make the reader panic or take memory that they cannot fill.
func FuzzRead(f *testing.F) {
	f.Add(attached(plain, "\x00\x01\x02\x03\x04\x05"))
	f.Add(attached(strings.Replace(plain, "raw", "ascii", 1), "0 1 2 3 4 5"))
	f.Add(attached(strings.Replace(plain, "raw", "hex", 1)+"\nbyte skip: -1", "0001020304050607"))
	f.Add(attached(strings.Replace(plain, "raw", "bzip2", 1)+"\nline skip: 1", "a\nBZh91AY"))
	f.Add([]byte("NRRD0001\ntype:short\ndimension:4\nsizes:1 1 1 1\nspace directions:)\nendian:little")) // once a panic
	var b bytes.Buffer
	if err := WriteSegmentation(&b, example(), true); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := volume(b); err == nil && len(v.Values) != v.Len() {
			t.Errorf("%d values for %v", len(v.Values), v.Grid.String())
		}
		if s, err := segmentation(b); err == nil {
			for _, layer := range s.Layers {
				if len(layer) != s.Len() {
					t.Errorf("%d labels for %v", len(layer), s.Grid.String())
				}
			}
		}
	})
}
