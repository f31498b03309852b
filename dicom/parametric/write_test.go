package parametric

import (
	"bytes"
	"io"
	"math"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/internal/validate"
	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// written writes a map of a ball of stress.
func written(t testing.TB) (string, *imaging.Volume) {
	t.Helper()
	src := validate.Source(t, t.TempDir(), validate.Grid(0))
	v := imaging.NewVolume(src.Grid)
	for n, in := range validate.Ellipsoid(src.Grid, [3]float64{20, 15, 9}, [3]float64{8, 9, 6}).In {
		if in {
			v.Values[n] = 50 + float32(n)/1024
		}
	}
	p := &Map{Name: "LAD_principal_stress", Values: v, Quantity: object.Code{Value: "principal_stress", Scheme: object.Private, Meaning: "Largest principal Cauchy stress"},
		Unit: object.Code{Value: "kPa", Scheme: "UCUM", Meaning: "kilopascal"}, Made: object.Code{Value: "fem", Scheme: object.Private, Meaning: "Finite element analysis"}, Site: object.Arteries["LAD"]}
	path := validate.Store(t, func(w io.Writer) error {
		return Write(w, src, p, &object.Meta{Seed: "test", Program: "plaquerisk", Version: "0.0", Series: 7004, Describe: "Stress"})
	})
	return path, v
}

// dciodvfy finds no error.
func TestRules(t *testing.T) {
	path, _ := written(t)
	found := validate.IOD(t, path)
	for _, line := range found {
		t.Log(line)
	}
	verify.Check{Suite: "dicom", Case: "parametric map as written", Quantity: "errors", Source: "dciodvfy (dicom3tools 2022-06)", Got: float64(len(found))}.Run(t)
}

// highdicom and pydicom read the values in their places.
func TestPeers(t *testing.T) {
	path, v := written(t)
	var got struct {
		Unit, Quantity string
		Frames         int
		Sum            float64
		Volume         float64 `json:"volume_sum"`
		Largest        float64
		At             [3]float64 `json:"at_lps_mm"`
	}
	validate.Python(t, &got, filepath.Join("..", "internal", "validate", "testdata", "map.py"), path)
	sum, largest, at := 0.0, 0.0, 0
	lo, hi := v.Size[2], 0
	for n, x := range v.Values {
		sum += float64(x)
		if float64(x) > largest {
			largest, at = float64(x), n
		}
		if x != 0 {
			_, _, k := v.Coords(n)
			lo, hi = min(lo, k), max(hi, k+1)
		}
	}
	i, j, k := v.Coords(at)
	where := v.Point(float64(i), float64(j), float64(k))
	if got.Unit != "kPa" || got.Quantity != "principal_stress" {
		t.Errorf("%+v", got)
	}
	for _, q := range []struct {
		name           string
		got, want, tol float64
	}{
		{"frames", float64(got.Frames), float64(hi - lo), 0}, {"sum of the frames, kPa", got.Sum, sum, 1e-6 * sum}, {"sum of the volume, kPa", got.Volume, sum, 1e-6 * sum},
		{"largest value, kPa", got.Largest, largest, 0}, {"distance of its place, mm", r3.Norm(r3.Sub(where, r3.Vec{X: got.At[0], Y: got.At[1], Z: got.At[2]})), 0, 1e-6},
	} {
		verify.Check{Suite: "dicom", Case: "parametric map as written", Quantity: q.name, Source: "highdicom 0.28.2, pydicom 3.0.2", Got: q.got, Want: q.want, Tol: q.tol}.Run(t)
	}
}

// What cannot be a map is refused.
func TestRefused(t *testing.T) {
	src := validate.Source(t, t.TempDir(), validate.Grid(0))
	meta := &object.Meta{Program: "plaquerisk"}
	empty := imaging.NewVolume(src.Grid)
	nan := imaging.NewVolume(src.Grid)
	nan.Values[7] = float32(math.NaN())
	for name, v := range map[string]*imaging.Volume{"empty": empty, "not a number": nan, "elsewhere": imaging.NewVolume(imaging.NewGrid([3]int{2, 2, 2}, [3]float64{1, 1, 1}, r3.Vec{}))} {
		if err := Write(&bytes.Buffer{}, src, &Map{Name: name, Values: v}, meta); err == nil {
			t.Errorf("%s: written", name)
		}
	}
}

// dcmqi reads the map.
func TestDcmqi(t *testing.T) {
	path, v := written(t)
	out := t.TempDir()
	validate.Tool(t, "paramap2itkimage", "--inputDICOM", path, "--outputDirectory", out, "--outputType", "nrrd", "--prefix", "m")
	files, err := filepath.Glob(filepath.Join(out, "*.nrrd"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	got, err := format.ReadVolume(files[0])
	if err != nil {
		t.Fatal(err)
	}
	f, err := imaging.Align(&v.Grid, &got.Grid, imaging.OnVoxels)
	if err != nil {
		t.Fatal(err)
	}
	worst, sum, want := 0.0, 0.0, 0.0
	for n, x := range got.Values {
		at := f.At(got.Coords(n))
		worst = max(worst, math.Abs(float64(x-v.Values[v.Offset(at[0], at[1], at[2])])))
		sum += float64(x)
	}
	for _, x := range v.Values {
		want += float64(x)
	}
	verify.Check{Suite: "dicom", Case: "parametric map as written", Quantity: "largest difference of a voxel, kPa", Source: "dcmqi 1.5.7", Got: worst}.Run(t)
	verify.Check{Suite: "dicom", Case: "parametric map as written", Quantity: "sum, kPa", Source: "dcmqi 1.5.7", Got: sum, Want: want, Tol: 1e-9 * want}.Run(t)
}

// Elements are those that the standard asks of the class, and no others.
func TestTables(t *testing.T) {
	path, _ := written(t)
	found := validate.Tables(t, path)
	for _, line := range found {
		t.Log(line)
	}
	verify.Check{Suite: "dicom", Case: "parametric map as written", Quantity: "elements missing, empty or foreign", Source: "PS3.3, tables of highdicom 0.28.2", Got: float64(len(found))}.Run(t)
}
