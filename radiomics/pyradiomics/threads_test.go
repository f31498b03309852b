package pyradiomics

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Features of a region large enough for several threads, of all image types,
// have the same bits for any number of them; and extraction can be cancelled.
func TestManyThreads(t *testing.T) {
	g := imaging.NewGrid([3]int{38, 36, 34}, [3]float64{0.5, 0.5, 0.6}, r3.Vec{})
	vol, mask := imaging.NewVolume(g), imaging.NewMask(g)
	for o := range vol.Values {
		i, j, k := g.Coords(o)
		vol.Values[o] = float32(hashNoise(i, j, k, 3)) / 3
		x, y, z := float64(i)-18.5, float64(j)-17.5, float64(k)-16.5
		mask.In[o] = x*x/324+y*y/306+z*z/289 < 1
	}
	if n := mask.Count(); n < 20_000 {
		t.Fatalf("%d voxels are not worth two threads", n)
	}
	params, err := Parse("threads", []byte(`{"imageType": {"Original": {}, "LoG": {"sigma": [1.0]}, "Wavelet": {}, "Square": {}, "Gradient": {}}, "setting": {"binWidth": 5}}`))
	if err != nil {
		t.Fatal(err)
	}
	old := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(old)
	var first []float64
	for _, threads := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(threads)
		v, _, err := Extract(t.Context(), vol, mask, params)
		if err != nil {
			t.Fatal(err)
		}
		if threads == 1 {
			first = v.Values
		}
		for n, x := range v.Values {
			if x != first[n] && !(math.IsNaN(x) && math.IsNaN(first[n])) {
				t.Errorf("%d threads: %s is %v, want %v", threads, v.Schema.Column(n).Name, x, first[n])
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Extract(ctx, vol, mask, params); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	// An error of one image stops all, and is the one that is returned.
	params.ImageTypes[2].Settings.BinWidth = 1e-12
	if _, _, err := Extract(t.Context(), vol, mask, params); err == nil || errors.Is(err, errStopped) {
		t.Errorf("bins of no width: error %v", err)
	}
}

// A tilted gantry is said; a turned patient is none.
func TestSheared(t *testing.T) {
	vol, mask, pixels := phantom(t, "tiny")
	p := DefaultParams()
	p.Pixels = pixels
	c, s := math.Cos(0.2), math.Sin(0.2)
	for _, test := range []struct {
		axes [3]r3.Vec
		want bool
	}{
		{[3]r3.Vec{{X: 1}, {Y: 1}, {Y: s, Z: c}}, true},
		{[3]r3.Vec{{X: 1}, {Y: c, Z: s}, {Y: -s, Z: c}}, false},
	} {
		vol.Axes, mask.Axes = test.axes, test.axes
		_, notes, err := Extract(t.Context(), vol, mask, p)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.ContainsFunc(notes, func(n risk.Note) bool { return n.Code == "PLQ-316" }); got != test.want {
			t.Errorf("axes %v: noted %v", test.axes, got)
		}
	}
}
