package segmentation

import (
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// longVessel is a vessel of 150 mm with three plaques, on voxels of 0.4 mm.
func longVessel() (*imaging.Volume, []Mask) {
	line := arc(28, 5, 10.6)
	bump := func(s float64) float64 {
		for _, c := range []float64{20, 60, 110} {
			if x := (s - c) / 8; math.Abs(x) < 1 {
				return (1 + math.Cos(math.Pi*x)) / 2
			}
		}
		return 0
	}
	ref := func(s float64) float64 { return 1.9 - 0.9*s/line.Length() }
	tb := tube{line: line,
		lumen:  func(s float64) float64 { return ref(s) * (1 - 0.4*bump(s)) },
		outer:  func(s float64) float64 { return (ref(s) + 0.5) * (1 + 0.2*bump(s)) },
		plaque: func(s, theta, depth float64) bool { return bump(s) > 0 },
	}
	return tb.voxelise(0.4)
}

// anatomy runs all of the anatomy of a vessel from masks.
func anatomy(t testing.TB, vol *imaging.Volume, masks []Mask) {
	vessels, _, err := Vessels(t.Context(), vol, masks, DefaultConfig())
	if err != nil || len(vessels) != 1 {
		t.Fatalf("%d vessels, %v", len(vessels), err)
	}
	v := &vessels[0]
	plaques, _, err := Plaques(t.Context(), vol, vessels, masks, DefaultConfig())
	if err != nil || len(plaques) < 3 {
		t.Fatalf("%d plaques, %v", len(plaques), err)
	}
	tissue, err := Tissues(t.Context(), vol, v, masks, plaques, DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	coronary.Measure(v, tissue, nil)
	for n := range plaques {
		m := coronary.Measure(v, tissue, &plaques[n])
		coronary.FindSigns(vol, v, &plaques[n], &m)
	}
}

// The anatomy of a vessel of 150 mm takes a second of two processors at most,
// and less memory than three times the CT.
func TestSpeed(t *testing.T) {
	if testing.Short() || verify.Race {
		t.Skip("measures time and memory")
	}
	vol, masks := longVessel()
	var before, after runtime.MemStats
	best := time.Duration(math.MaxInt64)
	for range 3 {
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		anatomy(t, vol, masks)
		best = min(best, time.Since(start))
		runtime.ReadMemStats(&after)
	}
	ct := float64(4 * 512 * 512 * 256)
	t.Logf("%v, %.0f MB allocated in all, box of %v voxels", best, float64(after.TotalAlloc-before.TotalAlloc)/1e6, vol.Size)
	verify.Check{Suite: "segmentation", Case: "vessel of 150 mm, voxels of 0.4 mm", Quantity: "all memory ever taken, in CT volumes of 512×512×256 voxels",
		Source: "issue 6: below 3", Got: float64(after.TotalAlloc-before.TotalAlloc) / ct, Tol: 3}.Run(t)
}

func BenchmarkAnatomy(b *testing.B) {
	vol, masks := longVessel()
	b.ReportAllocs()
	for b.Loop() {
		anatomy(b, vol, masks)
	}
}
