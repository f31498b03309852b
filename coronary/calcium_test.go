package coronary

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// calciumGrid has pixels of ¼ mm² and slices 3 mm apart.
func calciumGrid() imaging.Grid {
	return imaging.Grid{Size: [3]int{20, 20, 4}, Spacing: [3]float64{0.5, 0.5, 3}, Axes: [3]r3.Vec{{X: 1}, {Y: 1}, {Z: 1}}}
}

var calciumScan = Scan{KVp: 120, Thickness: 3, Contrast: No, Gated: Yes}

// paint sets the pixels of a box in slice k.
func paint(v *imaging.Volume, i0, j0, i1, j1, k int, hu float32) {
	for j := j0; j < j1; j++ {
		for i := i0; i < i1; i++ {
			v.Values[v.Offset(i, j, k)] = hu
		}
	}
}

// Lesions of known area and peak have a known score: computed by hand from the
// definition of Agatston et al.
func TestAgatston(t *testing.T) {
	v := imaging.NewVolume(calciumGrid())
	region := imaging.NewMask(v.Grid)
	for o := range region.In {
		region.In[o] = true
	}
	paint(v, 1, 1, 5, 5, 0, 150)   // 4 mm², weight 1
	paint(v, 10, 1, 14, 3, 0, 250) // 2 mm², weight 2
	paint(v, 1, 10, 3, 12, 1, 399) // 1 mm², weight 3
	paint(v, 10, 10, 14, 14, 2, 140)
	paint(v, 11, 11, 12, 12, 2, 1200) // the peak rules the lesion: 4 mm², weight 4
	paint(v, 1, 17, 4, 18, 3, 900)    // 0.75 mm²: too small
	paint(v, 16, 16, 20, 20, 3, 129)  // below the threshold
	c, err := ScoreCalcium(v, region, calciumScan, 0.8)
	if err != nil {
		t.Fatal(err)
	}
	if want := 4.0*1 + 2*2 + 1*3 + 4*4; c.Agatston != want {
		t.Errorf("score %g, want %g", c.Agatston, want)
	}
	if want := 3.0 * (4 + 2 + 1 + 4); c.Volume != want || c.Lesions != 4 {
		t.Errorf("volume %g mm³ of %d lesions, want %g of 4", c.Volume, c.Lesions, want)
	}
	if want := 0.8 * 0.75 / 1000 * (16*150 + 8*250 + 4*399 + 15*140 + 1200); math.Abs(c.Mass-want) > 1e-9 {
		t.Errorf("mass %g mg, want %g", c.Mass, want)
	}
	// Outside the arteries nothing counts.
	if c, err := ScoreCalcium(v, imaging.NewMask(v.Grid), calciumScan, 0); err != nil || c.Agatston != 0 || !math.IsNaN(c.Mass) {
		t.Errorf("without arteries: %+v, %v", c, err)
	}
}

// A contrast CT is never scored, nor is any other acquisition that does not compare.
func TestAgatstonRefuses(t *testing.T) {
	v := imaging.NewVolume(calciumGrid())
	region := imaging.NewMask(v.Grid)
	for _, c := range []struct {
		scan Scan
		want string
	}{
		{Scan{KVp: 120, Thickness: 3, Contrast: Yes, Gated: Yes}, "with contrast"},
		{Scan{KVp: 120, Thickness: 3, Gated: Yes}, "not known"},
		{Scan{KVp: 120, Thickness: 3, Contrast: No, Gated: No}, "gating is absent"},
		{Scan{KVp: 100, Thickness: 3, Contrast: No, Gated: Yes}, "100 kV"},
		{Scan{Thickness: 3, Contrast: No, Gated: Yes}, "voltage is not known"},
		{Scan{KVp: 120, Thickness: 0.6, Contrast: No, Gated: Yes}, "0.6 mm"},
	} {
		if _, err := ScoreCalcium(v, region, c.scan, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.scan, err)
		}
	}
	other := region.Grid
	other.Origin.X = 5
	if _, err := ScoreCalcium(v, imaging.NewMask(other), calciumScan, 0); err == nil {
		t.Error("a mask that lies elsewhere is scored")
	}
}
