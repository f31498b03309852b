package seg

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/dicom/internal/validate"
	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

var meta = object.Meta{Seed: "test", Program: "plaquerisk", Version: "0.0", Series: 7001, Describe: "Plaque"}

// written writes regions on a source series: two that overlap, one in two pieces
// with slices between them, one of a single voxel, and an empty one.
func written(t testing.TB, tilt float64) (path, ct string, src *object.Source, regions []Region) {
	t.Helper()
	ct = t.TempDir()
	src = validate.Source(t, ct, validate.Grid(tilt))
	g := src.Grid
	two := validate.Ellipsoid(g, [3]float64{8, 30, 3}, [3]float64{4, 5, 2})
	for n, in := range validate.Ellipsoid(g, [3]float64{8, 30, 16}, [3]float64{4, 3, 2}).In {
		two.In[n] = two.In[n] || in
	}
	one := imaging.NewMask(g)
	one.In[g.Offset(43, 0, 19)] = true
	region := func(name string, m *imaging.Mask) Region {
		return Region{Name: name, Mask: m, Category: object.Abnormal, Type: object.Plaque, Site: object.Arteries["LAD"],
			Algorithm: "SEMIAUTOMATIC", Maker: "plaquerisk", Colour: [3]uint8{230, 159, 0}}
	}
	whole := validate.Ellipsoid(g, [3]float64{20, 15, 9}, [3]float64{8, 9, 6})
	lo, hi, _ := whole.Bounds()
	regions = []Region{
		region("LAD_plaque_1", whole.Crop(lo, hi)), region("LAD_lumen", validate.Ellipsoid(g, [3]float64{24, 15, 9}, [3]float64{5, 4, 7})),
		region("RCA_plaque_1", two), region("Größe ÄÖ", one), region("empty", imaging.NewMask(g)),
	}
	regions[1].Category, regions[1].Type, regions[1].Algorithm = object.Anatomical, object.ArteryLumen, "MANUAL"
	path = validate.Store(t, func(w io.Writer) error { return Write(w, src, regions, &meta) })
	return path, ct, src, regions
}

// What is written is read back voxel by voxel, with and without the CT, on tilted
// slices too.
func TestRoundTrip(t *testing.T) {
	for _, tilt := range []float64{0, 0.3} {
		path, _, src, regions := written(t, tilt)
		for _, ct := range []*imaging.Grid{nil, &src.Grid} {
			got := read(t, path, ct)
			if got.FrameOfReference != src.FrameOfReference || len(got.Segments) != len(regions) || len(got.Layers) != 2 {
				t.Fatalf("tilt %g: frame %s, %d segments on %d layers", tilt, got.FrameOfReference, len(got.Segments), len(got.Layers))
			}
			want := object.NewLayers(src.Grid)
			for n, r := range regions {
				if got.Segments[n].Name != r.Name {
					t.Errorf("segment %d is %q, want %q", n+1, got.Segments[n].Name, r.Name)
				}
				var voxels []int32
				for at, in := range onSource(t, src, r.Mask) {
					if in {
						voxels = append(voxels, int32(at))
					}
				}
				if err := want.Add(r.Name, int32(n+1), voxels); err != nil {
					t.Fatal(err)
				}
				if d := differing(t, got.Segmentation, &want.Segmentation, n, n); d != 0 {
					t.Errorf("tilt %g: segment %q differs in %g voxels", tilt, r.Name, d)
				}
			}
		}
	}
}

// onSource returns the voxels of m on the grid of the source.
func onSource(t testing.TB, src *object.Source, m *imaging.Mask) []bool {
	t.Helper()
	f, err := imaging.Align(&src.Grid, &m.Grid, imaging.OnVoxels)
	if err != nil {
		t.Fatal(err)
	}
	out := imaging.NewMask(src.Grid)
	f.Copy(out, [3]int{}, m)
	return out.In
}

// The same regions give the same bytes.
func TestSameBytes(t *testing.T) {
	a, _, _, _ := written(t, 0)
	b, _, _, _ := written(t, 0)
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x, y) {
		t.Error("two runs give different files")
	}
}

// dciodvfy finds no error.
func TestRules(t *testing.T) {
	path, _, _, _ := written(t, 0)
	found := validate.IOD(t, path)
	for _, line := range found {
		t.Log(line)
	}
	verify.Check{Suite: "dicom", Case: "SEG as written", Quantity: "errors", Source: "dciodvfy (dicom3tools 2022-06)", Got: float64(len(found))}.Run(t)
}

// highdicom and pydicom read the voxels that were written.
func TestPeers(t *testing.T) {
	path, ct, src, regions := written(t, 0)
	files, err := filepath.Glob(filepath.Join(ct, "*.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Segments []struct {
			Label, SHA256, Tracking string
			Voxels                  int
			Volume                  int `json:"volume_voxels"`
			Pydicom                 int `json:"pydicom_voxels"`
		}
		Affine [4][4]float64
		For    string
	}
	validate.Python(t, &got, filepath.Join("..", "internal", "validate", "testdata", "seg.py"), append([]string{path}, files...)...)
	check := func(quantity string, got, want float64) {
		verify.Check{Suite: "dicom", Case: "SEG as written", Quantity: quantity, Source: "highdicom 0.28.2, pydicom 3.0.2", Got: got, Want: want, Tol: 1e-9}.Run(t)
	}
	if got.For != src.FrameOfReference || len(got.Segments) != len(regions) {
		t.Fatalf("%+v", got)
	}
	for n, s := range got.Segments {
		in := onSource(t, src, regions[n].Mask)
		h := sha256.New()
		count := 0
		for at, inside := range in {
			if inside {
				i, j, k := src.Grid.Coords(at)
				binary.Write(h, binary.LittleEndian, [3]int32{int32(k), int32(j), int32(i)})
				count++
			}
		}
		if s.Label != regions[n].Name || s.Tracking != regions[n].Name || s.SHA256 != hex.EncodeToString(h.Sum(nil)) {
			t.Errorf("segment %d: %+v, want %d voxels", n+1, s, count)
		}
		check(fmt.Sprintf("segment %d, voxels by source image", n+1), float64(s.Voxels), float64(count))
		check(fmt.Sprintf("segment %d, voxels of the volume", n+1), float64(s.Volume), float64(count))
		check(fmt.Sprintf("segment %d, voxels of its frames", n+1), float64(s.Pydicom), float64(count))
	}
	step := math.Sqrt(got.Affine[0][0]*got.Affine[0][0] + got.Affine[1][0]*got.Affine[1][0] + got.Affine[2][0]*got.Affine[2][0])
	check("distance of slices, mm", step, src.Grid.Spacing[2])
}

// dcmqi reads the voxels that were written; of one segment only, since it joins
// overlapping ones.
func TestDcmqi(t *testing.T) {
	path, _, src, regions := written(t, 0)
	out := t.TempDir()
	validate.Tool(t, "segimage2itkimage", "--inputDICOM", path, "--outputDirectory", out, "--outputType", "nrrd", "--prefix", "s")
	files, err := filepath.Glob(filepath.Join(out, "s-*.nrrd"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for n, r := range regions {
		count := 0.0
		for _, file := range files {
			s, err := format.ReadSegmentation(file)
			if err != nil {
				t.Fatal(err)
			}
			for at, seg := range s.Segments {
				if seg.Value != int32(n+1) {
					continue
				}
				want := object.NewLayers(src.Grid)
				var voxels []int32
				for at, in := range onSource(t, src, r.Mask) {
					if in {
						voxels = append(voxels, int32(at))
					}
				}
				if err := want.Add(r.Name, 1, voxels); err != nil {
					t.Fatal(err)
				}
				verify.Check{Suite: "dicom", Case: "SEG as written", Quantity: fmt.Sprintf("segment %d, voxels that differ", n+1),
					Source: "dcmqi 1.5.7", Got: differing(t, s, &want.Segmentation, at, 0)}.Run(t)
				count += float64(len(voxels))
			}
		}
		if count == 0 && r.Name != "empty" {
			t.Errorf("dcmqi finds no segment %d", n+1)
		}
	}
}

// Elements are those that the standard asks of the class, and no others.
func TestTables(t *testing.T) {
	path, _, _, _ := written(t, 0)
	found := validate.Tables(t, path)
	for _, line := range found {
		t.Log(line)
	}
	verify.Check{Suite: "dicom", Case: "SEG as written", Quantity: "elements missing, empty or foreign", Source: "PS3.3, tables of highdicom 0.28.2", Got: float64(len(found))}.Run(t)
}

// Objects of public scans, which differ in encoding, character sets and attributes,
// keep the rules and come back.
func TestPublicSources(t *testing.T) {
	dir := verify.Shared(t, "data")
	for _, path := range []string{"dicom/seg/ct-3slice", "dicom/seg/23x38x3", "dicom/series/head_5mm", "dicom/multiframe/eCT_Supplemental.dcm", "ibsi1/ct_phantom/dicom/image"} {
		index, err := dicom.Scan(context.Background(), filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(index.Series, func(s dicom.Series) bool { return s.Image && s.Modality == "CT" })
		if at < 0 {
			t.Fatalf("%s: no CT", path)
		}
		src, err := object.ReadSource(context.Background(), &index.Series[at])
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		g := src.Grid
		m := validate.Ellipsoid(g, [3]float64{float64(g.Size[0]) / 2, float64(g.Size[1]) / 2, 1}, [3]float64{float64(g.Size[0]) / 4, float64(g.Size[1]) / 3, 2})
		region := Region{Name: "region", Mask: m, Category: object.Anatomical, Type: object.Coronary, Algorithm: "MANUAL"}
		file := validate.Store(t, func(w io.Writer) error { return Write(w, src, []Region{region}, &meta) })
		got := read(t, file, nil)
		verify.Check{Suite: "dicom", Case: "SEG on " + path, Quantity: "voxels", Source: "as written", Got: float64(got.Mask(0).Count()), Want: float64(m.Count())}.Run(t)
		if found := validate.IOD(t, file); len(found) > 0 {
			t.Errorf("%s: %s", path, strings.Join(found, "\n"))
		}
	}
}
