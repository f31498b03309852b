package rtstruct

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/internal/validate"
	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// small is the lattice onto which damaged structure sets are filled.
var small = imaging.NewGrid([3]int{7, 6, 4}, [3]float64{0.5, 0.6, 0.8}, r3.Vec{X: -2, Y: -2, Z: -1})

// made returns a structure set on small, or on slices oblique to it.
func made(t testing.TB, oblique bool) []byte {
	t.Helper()
	src := &object.Source{Grid: small, Images: make([]object.Ref, small.Size[2]), StudyUID: "2.25.1", SeriesUID: "2.25.2", FrameOfReference: "2.25.3"}
	for k := range src.Images {
		src.Images[k] = object.Ref{Class: "1.2.840.10008.5.1.4.1.1.2", UID: "2.25.4" + strconv.Itoa(k)}
	}
	src.Files = src.Images
	ball := validate.Ellipsoid(small, [3]float64{3, 3, 2}, [3]float64{2, 2, 1})
	if oblique {
		src.Grid.Axes = [3]r3.Vec{{X: 1}, {Y: 0.8, Z: 0.6}, {Y: -0.6, Z: 0.8}}
	}
	ball.Grid = src.Grid
	var b bytes.Buffer
	if err := Write(&b, src, []Region{{Name: "ball", Mask: ball, Algorithm: "MANUAL"}}, &meta); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// damaged reads and fills one damaged file within bounded memory.
func damaged(t *testing.T, b []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := part10.Open(bytes.NewReader(b), int64(len(b)), part10.DefaultLimits())
	if err == nil {
		var rois []ROI
		if rois, err = Read(f); err == nil {
			var p *Place
			if p, err = Segmentation(context.Background(), &small, rois); err == nil && (len(p.Segments) != len(rois) || len(p.Regions) != len(rois)) {
				t.Errorf("%d segments of %d regions", len(p.Segments), len(rois))
			}
		}
	}
	runtime.ReadMemStats(&after)
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(1)<<22+100*uint64(len(b)); got > most {
		t.Errorf("%d bytes allocated for a file of %d: %v", got, len(b), err)
	}
}

// FuzzRead: see damaged.
func FuzzRead(f *testing.F) {
	f.Add(made(f, false))
	f.Add(made(f, true))
	f.Fuzz(damaged)
}

// TestDamaged is the part of fuzzing that every run of the tests repeats: bytes
// changed, numbers made large, pieces cut out. PLAQUERISK_FUZZ sets how many.
func TestDamaged(t *testing.T) {
	runs := 300
	if n, err := strconv.Atoi(os.Getenv("PLAQUERISK_FUZZ")); err == nil {
		runs = n
	}
	r := rand.New(rand.NewPCG(7, 63))
	seeds := [][]byte{made(t, false), made(t, true)}
	for range runs {
		damaged(t, validate.Damage(r, seeds[r.IntN(len(seeds))]))
	}
}
