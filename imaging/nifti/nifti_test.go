package nifti

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// rotated returns a grid turned about an arbitrary axis, left-handed if flip.
func rotated(flip bool) imaging.Grid {
	rot := r3.NewRotation(2.1, r3.Vec{X: 0.3, Y: -0.7, Z: 0.5})
	g := imaging.NewGrid([3]int{4, 3, 2}, [3]float64{0.4, 0.5, 0.75}, r3.Vec{X: -10.5, Y: 20.25, Z: 300})
	for a := range g.Axes {
		g.Axes[a] = rot.Rotate(g.Axes[a])
	}
	if flip {
		g.Axes[2] = r3.Scale(-1, g.Axes[2])
	}
	return g
}

func sheared() imaging.Grid {
	g := imaging.NewGrid([3]int{4, 3, 2}, [3]float64{0.4, 0.4, 0.6}, r3.Vec{X: 1, Y: 2, Z: 3})
	g.Axes[2] = r3.Unit(r3.Vec{Y: 0.3, Z: 1})
	return g
}

// What is written is read back: values exactly, positions to the precision of
// float32, through the sform as through the qform.
func TestVolumeRoundTrip(t *testing.T) {
	for name, g := range map[string]imaging.Grid{
		"axial":       imaging.NewGrid([3]int{4, 3, 2}, [3]float64{0.4, 0.5, 0.75}, r3.Vec{X: 1.25, Y: 2, Z: -3}),
		"rotated":     rotated(false),
		"left-handed": rotated(true),
		"sheared":     sheared(),
		"long":        imaging.NewGrid([3]int{40000, 1, 1}, [3]float64{0.1, 0.2, 0.3}, r3.Vec{X: 0.1}),
	} {
		t.Run(name, func(t *testing.T) {
			v := imaging.NewVolume(g)
			rng := rand.New(rand.NewPCG(1, 2))
			for n := range v.Values {
				v.Values[n] = float32(rng.NormFloat64() * 1000)
			}
			for _, gz := range []bool{false, true} {
				var b bytes.Buffer
				if err := WriteVolume(&b, v, gz); err != nil {
					t.Fatal(err)
				}
				got, err := decodeVolume(bytes.NewReader(b.Bytes()), int64(b.Len()))
				if err != nil {
					t.Fatal(err)
				}
				for n := range v.Values {
					if got.Values[n] != v.Values[n] {
						t.Fatalf("voxel %d: got %v, want %v", n, got.Values[n], v.Values[n])
					}
				}
				if d := got.CornerDistance(&g); d > 1e-4 {
					t.Errorf("gz %v: corners moved by %g mm: %v", gz, d, got.Grid.String())
				}
				if gz || name == "long" {
					continue
				}
				// Without the sform the qform must say the same.
				raw := bytes.Clone(b.Bytes())
				raw[254] = 0
				viaQ, err := decodeVolume(bytes.NewReader(raw), int64(len(raw)))
				if err != nil {
					t.Fatal(err)
				}
				if d := viaQ.CornerDistance(&g); (d > 1e-4) != (name == "sheared") {
					t.Errorf("through the qform corners move by %g mm", d)
				}
			}
		})
	}
}

// Half turns about the axes, where the quaternion has no real part, survive.
func TestHalfTurns(t *testing.T) {
	for _, s := range [][3]float64{{1, 1, 1}, {-1, -1, 1}, {1, -1, -1}, {-1, 1, -1}, {-1, 1, 1}} {
		g := imaging.NewGrid([3]int{2, 3, 4}, [3]float64{1, 2, 3}, r3.Vec{})
		for a := range g.Axes {
			g.Axes[a] = r3.Scale(s[a], g.Axes[a])
		}
		var b bytes.Buffer
		if err := WriteVolume(&b, imaging.NewVolume(g), false); err != nil {
			t.Fatal(err)
		}
		raw := b.Bytes()
		raw[254] = 0
		got, err := decodeVolume(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			t.Fatal(err)
		}
		if d := got.CornerDistance(&g); !(d < 1e-6) {
			t.Errorf("signs %v: corners move by %g mm", s, d)
		}
	}
}

// Labels of any size come back, in the smallest type that holds them.
func TestSegmentationRoundTrip(t *testing.T) {
	for _, top := range []int32{200, 30000, 1 << 30} {
		s := &imaging.Segmentation{Grid: rotated(true), Layers: [][]int32{make([]int32, 24)}}
		s.Layers[0][5], s.Layers[0][6], s.Layers[0][20] = 3, top, 3
		var b bytes.Buffer
		if err := WriteSegmentation(&b, s, true); err != nil {
			t.Fatal(err)
		}
		got, err := decodeSegmentation(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Segments) != 2 || got.Segments[0].Value != 3 || got.Segments[1].Value != top {
			t.Errorf("segments %v", got.Segments)
		}
		for n, v := range s.Layers[0] {
			if got.Layers[0][n] != v {
				t.Errorf("voxel %d: got %d, want %d", n, got.Layers[0][n], v)
			}
		}
	}
	two := &imaging.Segmentation{Grid: sheared(), Layers: make([][]int32, 2)}
	if err := WriteSegmentation(new(bytes.Buffer), two, false); err == nil {
		t.Error("two layers were written to NIfTI")
	}
}

// build makes a NIfTI-1 file of a 3×2×1 image by hand.
func build(order binary.ByteOrder, datatype int16, data []byte, edit func(b []byte)) []byte {
	b := make([]byte, 352)
	order.PutUint32(b, 348)
	for n, d := range []uint16{3, 3, 2, 1} {
		order.PutUint16(b[40+2*n:], d)
	}
	order.PutUint16(b[70:], uint16(datatype))
	for n, x := range []float32{1, 0.4, 0.5, 2} {
		order.PutUint32(b[76+4*n:], math.Float32bits(x))
	}
	order.PutUint32(b[108:], math.Float32bits(352))
	copy(b[344:], "n+1\x00")
	if edit != nil {
		edit(b)
	}
	return append(b, data...)
}

// Every type of number in both byte orders gives the same values.
func TestTypes(t *testing.T) {
	want := []float32{0, 1, 2, 100, 5, 127}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for code, kind := range kinds {
			var b bytes.Buffer
			for _, x := range want {
				var v any
				switch code {
				case 2:
					v = uint8(x)
				case 4:
					v = int16(x)
				case 8:
					v = int32(x)
				case 16:
					v = x
				case 64:
					v = float64(x)
				case 256:
					v = int8(x)
				case 512:
					v = uint16(x)
				case 768:
					v = uint32(x)
				case 1024:
					v = int64(x)
				case 1280:
					v = uint64(x)
				}
				if err := binary.Write(&b, order, v); err != nil {
					t.Fatal(err)
				}
			}
			file := build(order, int16(code), b.Bytes(), nil)
			got, err := decodeVolume(bytes.NewReader(file), int64(len(file)))
			if err != nil {
				t.Fatalf("%v type %d: %v", order, code, err)
			}
			for n := range want {
				if got.Values[n] != want[n] {
					t.Errorf("%v type %d (%d bytes) voxel %d: got %v", order, code, kind.Bytes(), n, got.Values[n])
				}
			}
			if got.Spacing != [3]float64{0.4, 0.5, 2} {
				t.Errorf("spacing %v: decimals of float32 are not kept", got.Spacing)
			}
		}
	}
}

// Slope, intercept, units, extensions and trailing axes are understood.
func TestHeaderFields(t *testing.T) {
	le := binary.LittleEndian
	data := []byte{0, 1, 2, 3, 4, 5}
	for _, test := range []struct {
		name  string
		edit  func(b []byte)
		data  []byte
		check func(v *imaging.Volume) bool
	}{
		{"slope", func(b []byte) {
			le.PutUint32(b[112:], math.Float32bits(2))
			le.PutUint32(b[116:], math.Float32bits(-1024))
		}, data, func(v *imaging.Volume) bool { return v.Values[3] == -1018 }},
		{"slope NaN", func(b []byte) {
			le.PutUint32(b[112:], math.Float32bits(float32(math.NaN())))
			le.PutUint32(b[116:], math.Float32bits(7))
		}, data, func(v *imaging.Volume) bool { return v.Values[3] == 3 }},
		{"metres", func(b []byte) { b[123] = 1 | 8 }, data, func(v *imaging.Volume) bool { return v.Spacing[0] == 400 }},
		{"micrometres", func(b []byte) { b[123] = 3 }, data, func(v *imaging.Volume) bool { return math.Abs(v.Spacing[0]-0.0004) < 1e-12 }},
		{"extension", func(b []byte) { le.PutUint32(b[108:], math.Float32bits(368)) },
			append(make([]byte, 16), data...), func(v *imaging.Volume) bool { return v.Values[5] == 5 }},
		{"five axes", func(b []byte) {
			le.PutUint16(b[40:], 5)
			le.PutUint16(b[48:], 1)
			le.PutUint16(b[50:], 1)
		}, data, func(v *imaging.Volume) bool { return v.Values[5] == 5 }},
		{"RAS to LPS", func(b []byte) {
			le.PutUint16(b[254:], 2)
			for n, x := range []float32{0.4, 0, 0, 10, 0, 0.5, 0, 20, 0, 0, 2, 30} {
				le.PutUint32(b[280+4*n:], math.Float32bits(x))
			}
		}, data, func(v *imaging.Volume) bool {
			return v.Origin == r3.Vec{X: -10, Y: -20, Z: 30} && v.Axes[0] == r3.Vec{X: -1} && v.Axes[1] == r3.Vec{Y: -1}
		}},
		{"zeros after the data", nil, append(bytes.Clone(data), 0, 0, 0), func(v *imaging.Volume) bool { return v.Values[5] == 5 }},
	} {
		file := build(le, 2, test.data, test.edit)
		v, err := decodeVolume(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if !test.check(v) {
			t.Errorf("%s: got %v %v %v", test.name, v.Grid.String(), v.Axes, v.Values)
		}
	}
}

// What cannot be trusted is refused with a sentence that says why.
func TestRefusals(t *testing.T) {
	le := binary.LittleEndian
	nan := le.AppendUint32(make([]byte, 20), math.Float32bits(float32(math.NaN())))
	half := le.AppendUint32(make([]byte, 20), math.Float32bits(2.5))
	for _, test := range []struct {
		name     string
		datatype int16
		data     []byte
		edit     func(b []byte)
		want     string
	}{
		{"pair", 2, make([]byte, 6), func(b []byte) { copy(b[344:], "ni1\x00") }, "two-file"},
		{"Analyze", 2, make([]byte, 6), func(b []byte) { clear(b[344:348]) }, "Analyze"},
		{"cut off", 4, make([]byte, 11), nil, "cut off"},
		{"RGB", 128, make([]byte, 18), nil, "datatype 128"},
		{"time", 2, make([]byte, 12), func(b []byte) { le.PutUint16(b[40:], 4); le.PutUint16(b[48:], 2) }, "dim[4] = 2"},
		{"two axes", 2, make([]byte, 6), func(b []byte) { le.PutUint16(b[40:], 2) }, "three axes"},
		{"huge", 64, make([]byte, 48), func(b []byte) {
			for n := range 3 {
				le.PutUint16(b[42+2*n:], 1000)
			}
		}, "asks for 1000000000 voxels"},
		{"negative", 2, make([]byte, 6), func(b []byte) { le.PutUint16(b[42:], 0xffff) }, "not a size"},
		{"sform zero", 2, make([]byte, 6), func(b []byte) { b[254] = 1 }, "sform: spacing"},
		{"offset", 2, make([]byte, 6), func(b []byte) { le.PutUint32(b[108:], math.Float32bits(1e9)) }, "vox_offset"},
		{"offset in header", 2, make([]byte, 6), func(b []byte) { le.PutUint32(b[108:], math.Float32bits(100)) }, "vox_offset"},
		{"NaN", 16, nan, nil, "voxel (2, 1, 0) is NaN"},
		{"labels", 16, half, nil, "voxel (2, 1, 0) is 2.5"},
	} {
		file := build(le, test.datatype, test.data, test.edit)
		_, err := decodeVolume(bytes.NewReader(file), int64(len(file)))
		if test.name == "NaN" {
			file = build(le, test.datatype, test.data[:24], test.edit)
			_, err = decodeVolume(bytes.NewReader(file), int64(len(file)))
		}
		if test.name == "labels" {
			_, err = decodeSegmentation(bytes.NewReader(file), int64(len(file)))
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

// The IBSI digital phantom has the ROI of 74 voxels of 2 mm that the standard
// says.
func TestIBSIPhantom(t *testing.T) {
	dir := verify.Shared(t, "data", "ibsi1", "digital_phantom")
	v, err := ReadVolume(filepath.Join(dir, "image.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ReadSegmentation(filepath.Join(dir, "mask.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if v.Size != [3]int{5, 4, 4} || !v.Same(&s.Grid) || len(s.Segments) != 1 {
		t.Fatalf("image %v, mask %v, %d segments", v.Grid.String(), s.Grid.String(), len(s.Segments))
	}
	verify.Check{Suite: "imaging", Case: "IBSI digital phantom, NIfTI", Quantity: "voxels in the mask", Source: "IBSI 1 reference manual",
		Got: float64(s.Mask(0).Count()), Want: 74}.Run(t)
}

// The published counts of the plaque VOI are found in its files.
func TestPlaqueVOI(t *testing.T) {
	dir := verify.Shared(t, "data", "ct", "plaque-voi-no-nrs")
	var files []string
	for _, e := range must(os.ReadDir(dir))(t) {
		if strings.HasSuffix(e.Name(), ".nii.gz") {
			files = append(files, e.Name())
		}
	}
	if len(files) == 0 {
		t.Skip("no NIfTI files")
	}
	for _, name := range files {
		v, err := ReadVolume(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Log(name, v.Grid.String())
		if strings.Contains(name, "mask") {
			s, err := ReadSegmentation(filepath.Join(dir, name))
			if err != nil {
				t.Error(err)
				continue
			}
			verify.Check{Suite: "imaging", Case: "plaque VOI, NIfTI mask", Quantity: "volume, mm³", Source: "README of the data (RIA 1.7.2)",
				Got: s.Mask(0).VolumeMM3(), Want: 41.4, Tol: 0.05}.Run(t)
		}
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Public files of other programs are read or refused as their form deserves.
func TestForeignFiles(t *testing.T) {
	dir := verify.Shared(t, "data", "dicom", "masks", "nifti")
	for name, want := range map[string]string{
		"anatomical.nii":        "",
		"standard.nii.gz":       "",
		"example_nifti2.nii.gz": "dim[4]",
		"nifti1.hdr":            "two-file",
	} {
		v, err := ReadVolume(filepath.Join(dir, name))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case want == "":
			t.Log(name, v.Grid.String(), v.Axes)
		case err == nil || !strings.Contains(err.Error(), want):
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}

// The published CTA lies in L-P-S axes of 1.5 mm, and its label files fit it
// in mm even on grids of their own.
func TestHeartCTA(t *testing.T) {
	dir := verify.Shared(t, "data", "ct", "heart-cta-1p5mm")
	v, err := ReadVolume(filepath.Join(dir, "ct.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if v.Size != [3]int{120, 126, 164} {
		t.Errorf("size %v", v.Size)
	}
	for a := range 3 {
		if math.Abs(v.Spacing[a]-1.5) > 1e-4 {
			t.Errorf("spacing %v", v.Spacing)
		}
	}
	t.Log(v.Axes)
	for _, name := range []string{"label_aorta.nii.gz", "label_pulmonary_artery_subgrid.nii.gz", "label_heart_fullgrid.nii.gz"} {
		s, err := ReadSegmentation(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Log(name, s.Grid.String(), len(s.Segments))
	}
}

// No bytes make the reader panic or take memory that they cannot fill.
func FuzzRead(f *testing.F) {
	le := binary.LittleEndian
	f.Add(build(le, 2, make([]byte, 6), nil))
	f.Add(build(binary.BigEndian, 16, make([]byte, 24), nil))
	f.Add(build(le, 4, make([]byte, 12), func(b []byte) { b[254] = 1 }))
	var b bytes.Buffer
	if err := WriteVolume(&b, imaging.NewVolume(rotated(true)), true); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := decodeVolume(bytes.NewReader(b), int64(len(b))); err == nil && len(v.Values) != v.Len() {
			t.Errorf("%d values for %v", len(v.Values), v.Grid.String())
		}
		if s, err := decodeSegmentation(bytes.NewReader(b), int64(len(b))); err == nil && len(s.Layers[0]) != s.Len() {
			t.Errorf("%d labels for %v", len(s.Layers[0]), s.Grid.String())
		}
	})
}
