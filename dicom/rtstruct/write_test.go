package rtstruct

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/internal/validate"
	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

var meta = object.Meta{Seed: "test", Program: "plaquerisk", Version: "0.0", Series: 7002, Describe: "Plaque"}

// written writes regions on a source series: a solid one, a ring, noise in which
// voxels touch at corners, a single voxel, nothing.
func written(t testing.TB, tilt float64) (path, ct string, src *object.Source, regions []Region) {
	t.Helper()
	ct = t.TempDir()
	src = validate.Source(t, ct, validate.Grid(tilt))
	g := src.Grid
	ring := validate.Ellipsoid(g, [3]float64{20, 15, 9}, [3]float64{8, 9, 6})
	for n, in := range validate.Ellipsoid(g, [3]float64{21, 16, 9}, [3]float64{4, 3, 7}).In {
		ring.In[n] = ring.In[n] && !in
	}
	noise, one := imaging.NewMask(g), imaging.NewMask(g)
	r := rand.New(rand.NewPCG(1, 2))
	for n := range noise.In[:2*g.Size[0]*g.Size[1]] {
		noise.In[n] = r.IntN(3) == 0
	}
	one.In[g.Offset(43, 0, 19)] = true
	for _, x := range []struct {
		name string
		mask *imaging.Mask
	}{{"LAD_plaque_1", validate.Ellipsoid(g, [3]float64{20, 15, 9}, [3]float64{8, 9, 6})}, {"wall", ring}, {"noise", noise}, {"Größe", one}, {"empty", imaging.NewMask(g)}} {
		regions = append(regions, Region{Name: x.name, Mask: x.mask, Algorithm: "AUTOMATIC", Colour: [3]uint8{255, 128, 0}})
	}
	path = validate.Store(t, func(w io.Writer) error { return Write(w, src, regions, &meta) })
	return path, ct, src, regions
}

// What is written is read back voxel by voxel, on tilted slices too.
func TestRoundTrip(t *testing.T) {
	for _, tilt := range []float64{0, 0.3} {
		path, _, src, regions := written(t, tilt)
		rois := readFile(t, path)
		for n, r := range regions {
			if rois[n].Name != r.Name || rois[n].FrameOfReference != src.FrameOfReference {
				t.Errorf("region %d: %q in %s", n+1, rois[n].Name, rois[n].FrameOfReference)
			}
			f, err := rois[n].Fill(context.Background(), &src.Grid)
			if err != nil {
				t.Fatal(err)
			}
			back := imaging.NewMask(src.Grid)
			if f.Mask != nil {
				a, err := imaging.Align(&src.Grid, &f.Grid, imaging.OnVoxels)
				if err != nil {
					t.Fatal(err)
				}
				a.Copy(back, [3]int{}, f.Mask)
			}
			if !slices.Equal(back.In, r.Mask.In) {
				t.Errorf("tilt %g: region %q: %d voxels back of %d", tilt, r.Name, back.Count(), r.Mask.Count())
			}
			if math.Abs(f.Enclosed-f.Volume) > 1e-3*f.Volume && r.Name != "noise" { // whose parts are too many for whole nesting
				t.Errorf("tilt %g: region %q encloses %g mm³, its voxels measure %g", tilt, r.Name, f.Enclosed, f.Volume)
			}
		}
	}
}

// Outlines keep the area of a disc of radius 4 voxels, wherever its centre lies
// on the voxels: that of the mask exactly, and so that of the disc within what
// voxels can.
func TestArea(t *testing.T) {
	g := imaging.NewGrid([3]int{16, 16, 1}, [3]float64{0.5, 0.5, 0.5}, r3.Vec{})
	worst := 0.0
	for step := range 100 {
		c := [3]float64{8 + float64(step%10)/10, 8 + float64(step/10)/10, 0}
		m := validate.Ellipsoid(g, c, [3]float64{4, 4, 1})
		lines, err := Outlines(&g, m)
		if err != nil {
			t.Fatal(err)
		}
		f, err := (&ROI{Contours: lines}).Fill(context.Background(), &g)
		if err != nil {
			t.Fatal(err)
		}
		worst = max(worst, math.Abs(f.Enclosed/m.VolumeMM3()-1), math.Abs(f.Volume/m.VolumeMM3()-1))
	}
	verify.Check{Suite: "dicom", Case: "RTSTRUCT, disc of radius 4 voxels, mask → contours → mask", Quantity: "largest error of the area, %",
		Source: "area of the mask, 100 places", Got: 100 * worst, Want: 0, Tol: 1}.Run(t)
}

// dciodvfy finds no error.
func TestRules(t *testing.T) {
	path, _, _, _ := written(t, 0)
	found := validate.IOD(t, path)
	for _, line := range found {
		t.Log(line)
	}
	verify.Check{Suite: "dicom", Case: "RTSTRUCT as written", Quantity: "errors", Source: "dciodvfy (dicom3tools 2022-06)", Got: float64(len(found))}.Run(t)
}

// pydicom reads contours that enclose the voxels that were written, and their
// volume.
func TestPeers(t *testing.T) {
	path, ct, src, regions := written(t, 0)
	files, err := filepath.Glob(filepath.Join(ct, "*.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Regions []struct {
			Label, SHA256 string
			Voxels        int
			Volume        float64 `json:"volume_mm3"`
		}
		For string
	}
	validate.Python(t, &got, filepath.Join("..", "internal", "validate", "testdata", "rtstruct.py"), append([]string{path}, files...)...)
	if got.For != src.FrameOfReference || len(got.Regions) != len(regions) {
		t.Fatalf("%+v", got)
	}
	for n, r := range got.Regions {
		h := sha256.New()
		for at, in := range regions[n].Mask.In {
			if in {
				i, j, k := src.Grid.Coords(at)
				binary.Write(h, binary.LittleEndian, [3]int32{int32(k), int32(j), int32(i)})
			}
		}
		if r.Label != regions[n].Name || r.SHA256 != hex.EncodeToString(h.Sum(nil)) {
			t.Errorf("region %d: %+v, want %d voxels", n+1, r, regions[n].Mask.Count())
		}
		for _, q := range []struct {
			name      string
			got, want float64
		}{{"voxels", float64(r.Voxels), float64(regions[n].Mask.Count())}, {"volume, mm³", r.Volume, regions[n].Mask.VolumeMM3()}} {
			verify.Check{Suite: "dicom", Case: "RTSTRUCT as written", Quantity: fmt.Sprintf("region %d, %s", n+1, q.name), Source: "pydicom 3.0.2, numpy",
				Got: q.got, Want: q.want, Tol: 1e-4 * q.want}.Run(t)
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
	verify.Check{Suite: "dicom", Case: "RTSTRUCT as written", Quantity: "elements missing, empty or foreign", Source: "PS3.3, tables of highdicom 0.28.2", Got: float64(len(found))}.Run(t)
}
