package mha

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// volume and segmentation decode a single file that is in memory.
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
	for _, z := range []bool{false, true} {
		var b bytes.Buffer
		if err := WriteVolume(&b, v, z); err != nil {
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

func example() *imaging.Segmentation {
	s := &imaging.Segmentation{Grid: oblique(), Layers: [][]int32{make([]int32, 24)}, Segments: []imaging.Segment{{Value: 1}, {Value: 300}}}
	for n := range 5 {
		s.Layers[0][n], s.Layers[0][n+12] = 1, 300
	}
	return s
}

// Labels come back, and the same segmentation always gives the same bytes.
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
	if !reflect.DeepEqual(got.Segments, s.Segments) || !reflect.DeepEqual(got.Layers, s.Layers) {
		t.Errorf("got %v %v", got.Segments, got.Layers)
	}
	s.Layers = append(s.Layers, s.Layers[0])
	if err := WriteSegmentation(io.Discard, s, true); err == nil || !strings.Contains(err.Error(), "2 layers") {
		t.Errorf("two layers: %v", err)
	}
}

const plain = "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n" +
	"TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 4 5 6\nElementSpacing = 1 2 3\nDimSize = 3 2 1\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"

const six = "\x00\x01\x02\x03\x04\x05"

// edit replaces pairs of words in plain and appends data.
func edit(data string, pairs ...string) []byte {
	return []byte(strings.NewReplacer(pairs...).Replace(plain) + data)
}

// packed compresses s.
func packed(s string, writer func(io.Writer) io.WriteCloser) string {
	var b bytes.Buffer
	w := writer(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

// Each way to write six numbers down reads as the same six numbers.
func TestEncodings(t *testing.T) {
	z := packed(six, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	gz := packed(six, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	size := func(s string) string { return fmt.Sprintf("CompressedData = True\nCompressedDataSize = %d", len(s)) }
	for name, file := range map[string][]byte{
		"raw":             edit(six),
		"CRLF":            []byte(strings.ReplaceAll(plain, "\n", "\r\n") + six),
		"colons":          edit(six, " = ", ": "),
		"comment":         []byte("Comment = a = b\nMine: x\n" + plain + six),
		"text":            edit("0 1 2\n3,4 5\n", "BinaryData = True", "BinaryData = False"),
		"zlib":            edit(z, "CompressedData = False", "CompressedData = True"),
		"zlib, size":      edit(z+"behind it", "CompressedData = False", size(z)),
		"gzip":            edit(gz, "CompressedData = False", size(gz)),
		"skip all before": edit("any length"+six, "DimSize", "HeaderSize = -1\nDimSize"),
		"skip, zlib":      edit("any length"+z, "CompressedData = False", size(z)+"\nHeaderSize = -1"),
		"big endian":      edit("\x00\x00\x00\x01\x00\x02\x00\x03\x00\x04\x00\x05", "UCHAR", "USHORT", "MSB = False", "MSB = True"),
		"other order key": edit("\x00\x00\x00\x01\x00\x02\x00\x03\x00\x04\x00\x05", "UCHAR", "SHORT", "BinaryDataByteOrderMSB = False", "ElementByteOrderMSB = T"),
		"long is four":    edit("\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x05\x00\x00\x00", "UCHAR", "LONG"),
		"other keys":      edit(six, "Offset", "Position", "TransformMatrix", "Rotation", "ElementSpacing", "ElementSize"),
		"four axes": edit(six, "NDims = 3", "NDims = 4", "= 3 2 1", "= 3 2 1 1", "= 1 2 3", "= 1 2 3 1", "= 4 5 6", "= 4 5 6 0",
			"1 0 0 0 1 0 0 0 1", "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1"),
		"no scale": edit(six, "DimSize", "ElementToIntensityFunctionSlope = 1\nElementNumberOfChannels = 1\nCenterOfRotation = 7 8 9\nDimSize"),
	} {
		v, err := volume(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := []float32{0, 1, 2, 3, 4, 5}; !reflect.DeepEqual(v.Values, want) || v.Spacing != [3]float64{1, 2, 3} || v.Origin != (r3.Vec{X: 4, Y: 5, Z: 6}) {
			t.Errorf("%s: %v %v", name, v.Values, v.Grid.String())
		}
	}
}

// Every type of number keeps its sign and size.
func TestTypes(t *testing.T) {
	for name, want := range map[string]float32{
		"CHAR": -1, "UCHAR": 255, "SHORT": -1, "USHORT": 65535, "INT": -1, "UINT": 1<<32 - 1,
		"LONG": -1, "ULONG": 1<<32 - 1, "LONG_LONG": -1, "ULONG_LONG": 1 << 63 * 2,
	} {
		n := kinds["MET_"+name].Bytes()
		v, err := volume(edit(strings.Repeat("\xff", 6*n), "UCHAR", name))
		if err != nil || v.Values[5] != want {
			t.Errorf("%s: %v %v, want %g", name, v, err, want)
		}
	}
	v, err := volume(edit(strings.Repeat("\x00\x00\x80\xbf", 6), "UCHAR", "FLOAT"))
	if err != nil || v.Values[0] != -1 {
		t.Errorf("float: %v %v", v, err)
	}
	v, err = volume(edit(strings.Repeat("\x00\x00\x00\x00\x00\x00\xf0\xbf", 6), "UCHAR", "DOUBLE"))
	if err != nil || v.Values[0] != -1 {
		t.Errorf("double: %v %v", v, err)
	}
}

// The three vectors of TransformMatrix are the directions of the axes, one
// after the other.
func TestDirections(t *testing.T) {
	v, err := volume(edit(six, "1 0 0 0 1 0 0 0 1", "0 1 0 -1 0 0 0 0 1"))
	if err != nil {
		t.Fatal(err)
	}
	if v.Axes != [3]r3.Vec{{Y: 1}, {X: -1}, {Z: 1}} {
		t.Errorf("axes %v", v.Axes)
	}
}

// Headers that cannot be trusted are refused with key and reason.
func TestRefusals(t *testing.T) {
	z := packed(six, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	for _, test := range []struct {
		name string
		file []byte
		want string
	}{
		{"no data", []byte("ObjectType = Image\nNDims = 3\n"), "without ElementDataFile"},
		{"junk", []byte("ObjectType = Image\nhello\n" + plain), "header line 2"},
		{"twice", []byte("NDims = 3\n" + plain), "NDims stands there twice"},
		{"list", edit("a.raw\n", "LOCAL", "LIST"), "several files"},
		{"pattern", edit("", "LOCAL", "a%03d.raw 1 9 1"), "pattern"},
		{"cut off", edit(six[:5]), "cannot hold"},
		{"excess", edit(six + strings.Repeat("x", 100)), "more data"},
		{"huge", edit(six, "3 2 1", "1000 1000 1000"), "cannot hold"},
		{"overflow", edit(six, "3 2 1", "1000000000 1000000000 1000000000"), "more than"},
		{"no size", edit(six, "DimSize = 3 2 1\n", ""), "DimSize"},
		{"zero", edit(six, "3 2 1", "3 0 1"), "DimSize"},
		{"two axes", edit(six, "NDims = 3", "NDims = 2"), "three axes"},
		{"images", edit(six, "NDims = 3", "NDims = 4", "3 2 1", "3 1 1 2"), "more than one image"},
		{"no spacing", edit(six, "ElementSpacing = 1 2 3\n", ""), "size of a voxel"},
		{"spacing", edit(six, "1 2 3", "1 -2 3"), "above zero"},
		{"nan", edit(six, "4 5 6", "4 nan 6"), `Offset "4 nan 6": "nan"`},
		{"flat", edit(six, "1 0 0 0 1 0 0 0 1", "1 0 0 1 0 0 0 0 1"), "span no volume"},
		{"colour", edit(six, "DimSize", "ElementNumberOfChannels = 3\nDimSize"), "ElementNumberOfChannels 3"},
		{"scale", edit(six, "DimSize", "ElementToIntensityFunctionSlope = 2\nDimSize"), "ElementToIntensityFunctionSlope 2"},
		{"type", edit(six, "UCHAR", "UCHAR_ARRAY"), "MET_UCHAR_ARRAY"},
		{"object", edit(six, "= Image", "= Tube"), `ObjectType "Tube"`},
		{"flag", edit(six, "CompressedData = False", "CompressedData = maybe"), `CompressedData "maybe"`},
		{"zlib", edit("no zlib", "CompressedData = False", "CompressedData = True"), "zlib"},
		{"short zlib", edit(z, "CompressedData = False", "CompressedData = True\nCompressedDataSize = 999"), "CompressedDataSize 999"},
		{"skip", edit(z, "CompressedData = False", "CompressedData = True\nHeaderSize = -1"), "needs CompressedDataSize"},
		{"skip text", edit("0 1 2 3 4 5", "BinaryData = True", "BinaryData = False\nHeaderSize = -1"), "HeaderSize -1"},
		{"skip far", edit(six, "DimSize", "HeaderSize = 99999999999\nDimSize"), "cannot hold"},
		{"skip what", edit(six, "DimSize", "HeaderSize = -2\nDimSize"), "HeaderSize -2"},
		{"NaN", edit("1 2 3 nan 4 5", "BinaryData = True", "BinaryData = False", "UCHAR", "FLOAT"), "voxel (0, 1, 0) is NaN"},
	} {
		if _, err := volume(test.file); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
	if _, err := segmentation(edit("1 2 3 0.5 4 5", "BinaryData = True", "BinaryData = False")); err == nil || !strings.Contains(err.Error(), "voxel (0, 1, 0) is 0.5") {
		t.Errorf("label 0.5: %v", err)
	}
}

// A compressed file in which a byte was changed never gives other voxels.
func TestDamage(t *testing.T) {
	v := imaging.NewVolume(oblique())
	for n := range v.Values {
		v.Values[n] = float32(n * 7919 % 13)
	}
	var b bytes.Buffer
	if err := WriteVolume(&b, v, true); err != nil {
		t.Fatal(err)
	}
	start := bytes.Index(b.Bytes(), []byte("LOCAL\n")) + 6
	for at := start; at < b.Len(); at++ {
		c := bytes.Clone(b.Bytes())
		c[at] ^= 0x10
		if got, err := volume(c); err == nil && !slices.Equal(got.Values, v.Values) {
			t.Errorf("byte %d of %d changed, other voxels, and no error", at, b.Len())
		}
	}
}

// Voxels are read from the file beside a header, from a skip on, and a link out
// of the folder is not followed.
func TestDetached(t *testing.T) {
	dir := t.TempDir()
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
	write("secret.raw", six)
	write("in/sub/d.raw", "head"+six)
	for skip, name := range map[string]string{"4": "a.mhd", "-1": "b.mhd"} {
		path := write("in/"+name, strings.NewReplacer("LOCAL", "sub/d.raw", "DimSize", "HeaderSize = "+skip+"\nDimSize").Replace(plain))
		if v, err := ReadVolume(path); err != nil || v.Values[5] != 5 {
			t.Errorf("HeaderSize %s: %v", skip, err)
		}
		if s, err := ReadSegmentation(path); err != nil || len(s.Segments) != 5 {
			t.Errorf("HeaderSize %s: %v", skip, err)
		}
	}
	for name, want := range map[string]string{"../secret.raw": "outside the folder", "/etc/passwd": "outside the folder", "none.raw": "none.raw"} {
		bad := write("in/c.mhd", strings.Replace(plain, "LOCAL", name, 1))
		if _, err := ReadVolume(bad); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "c.mhd") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Symlink(filepath.Join("..", "secret.raw"), filepath.Join(dir, "in", "link.raw")); err != nil {
		t.Skip(err)
	}
	bad := write("in/d.mhd", strings.Replace(plain, "LOCAL", "link.raw", 1))
	if _, err := ReadVolume(bad); err == nil {
		t.Error("a link out of the folder was followed")
	}
}

// The first key tells a MetaImage.
func TestSniff(t *testing.T) {
	for head, want := range map[string]bool{
		plain: true, "NDims=3": true, "Comment: x\n": true, "": false, "NRRD0004\n": false, "label = 3\n": false, "\x00\x01": false,
	} {
		if Sniff([]byte(head)) != want {
			t.Errorf("Sniff(%.20q) = %v", head, !want)
		}
	}
}

// peer is a Python that has SimpleITK, named by PLAQUERISK_PYTHON.
func peer(t *testing.T, script string, args ...string) string {
	python := os.Getenv("PLAQUERISK_PYTHON")
	if python == "" {
		t.Skip("set PLAQUERISK_PYTHON to a Python that has SimpleITK to run this test")
	}
	out, err := exec.Command(python, append([]string{"-c", script}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", python, err, out)
	}
	return string(out)
}

// Files that SimpleITK writes are read with its values and places, and files
// that we write are read by SimpleITK with ours.
func TestSimpleITK(t *testing.T) {
	dir := t.TempDir()
	peer(t, `
import sys, SimpleITK as sitk, numpy as np
for n, (name, kind, z) in enumerate([("u1.mha", np.uint8, 0), ("i2.mha", np.int16, 1), ("u4.mhd", np.uint32, 0), ("i8.mhd", np.int64, 1), ("f4.mha", np.float32, 1), ("f8.mhd", np.float64, 0)]):
    im = sitk.GetImageFromArray(np.arange(60).reshape(3, 4, 5).astype(kind))
    im.SetSpacing((0.4, 0.5, 0.75)); im.SetOrigin((-10.5, 20.1, 300))
    c, s = np.cos(0.3), np.sin(0.3)
    im.SetDirection((c, -s, 0, s, c, 0, 0, 0, 1))
    sitk.WriteImage(im, sys.argv[1] + "/" + name, bool(z))
`, dir)
	rot := r3.NewRotation(0.3, r3.Vec{Z: 1})
	want := imaging.NewVolume(imaging.NewGrid([3]int{5, 4, 3}, [3]float64{0.4, 0.5, 0.75}, r3.Vec{X: -10.5, Y: 20.1, Z: 300}))
	for a := range want.Axes {
		want.Axes[a] = rot.Rotate(want.Axes[a])
	}
	for n := range want.Values {
		want.Values[n] = float32(n)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.mh*"))
	if err != nil || len(names) != 6 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		got, err := ReadVolume(name)
		if err != nil {
			t.Error(err)
			continue
		}
		most := 0.0
		for n, x := range got.Values {
			most = max(most, math.Abs(float64(x-want.Values[n])))
		}
		check := func(quantity string, x, tol float64) {
			verify.Check{Suite: "imaging", Case: "MetaImage written by SimpleITK: " + filepath.Base(name), Quantity: quantity,
				Source: "SimpleITK", Got: x, Tol: tol}.Run(t)
		}
		check("largest difference of a voxel", most, 0)
		check("largest distance of a corner, mm", got.CornerDistance(&want.Grid), 1e-9)
		if s, err := ReadSegmentation(name); err != nil || len(s.Segments) != 59 {
			t.Errorf("%s as labels: %v", name, err)
		}
	}
	want.Grid = oblique()
	want.Grid.Axes[2] = r3.Cross(want.Axes[0], want.Axes[1]) // ITK wants axes that are perpendicular
	want.Values = want.Values[:want.Len()]
	for _, z := range []bool{false, true} {
		path := filepath.Join(dir, fmt.Sprint(z, ".mha"))
		var b bytes.Buffer
		if err := WriteVolume(&b, want, z); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		out := peer(t, `
import sys, SimpleITK as sitk
im = sitk.ReadImage(sys.argv[1])
print(*sitk.GetArrayFromImage(im).ravel(), *im.TransformContinuousIndexToPhysicalPoint([3.0, 2.0, 1.0]))
`, path)
		x := make([]float64, 27)
		for n, w := range strings.Fields(out) {
			if _, err := fmt.Sscan(w, &x[n]); err != nil {
				t.Fatal(err)
			}
		}
		for n := range 24 {
			if x[n] != float64(n) {
				t.Errorf("SimpleITK reads voxel %d as %g", n, x[n])
			}
		}
		verify.Check{Suite: "imaging", Case: fmt.Sprintf("our MetaImage, compressed %v, read by SimpleITK", z), Quantity: "distance of the last voxel, mm",
			Source: "SimpleITK", Got: r3.Norm(r3.Sub(r3.Vec{X: x[24], Y: x[25], Z: x[26]}, want.Point(3, 2, 1))), Tol: 1e-9}.Run(t)
	}
}

// No bytes make the reader panic or take memory that they cannot fill.
func FuzzRead(f *testing.F) {
	f.Add([]byte(plain + six))
	f.Add(edit("0 1 2 3 4 5", "BinaryData = True", "BinaryData = False"))
	f.Add(edit("x"+six, "DimSize", "HeaderSize = -1\nDimSize"))
	f.Add(edit(six, "DimSize", "CompressedDataSize = -9223372036854775808\nHeaderSize = 9223372036854775807\nDimSize"))
	for _, z := range []bool{false, true} {
		var b bytes.Buffer
		if err := WriteSegmentation(&b, example(), z); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		Sniff(b)
		if v, err := volume(b); err == nil && len(v.Values) != v.Len() {
			t.Errorf("%d values for %v", len(v.Values), v.Grid.String())
		}
		if s, err := segmentation(b); err == nil && len(s.Layers[0]) != s.Len() {
			t.Errorf("%d labels for %v", len(s.Layers[0]), s.Grid.String())
		}
	})
}
