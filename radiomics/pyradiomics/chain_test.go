package pyradiomics

import (
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// parse returns the parameters of a text that is right.
func parse(t testing.TB, text string) *Params {
	t.Helper()
	p, err := Parse("test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// extract returns the features of a region that has some.
func extract(t testing.TB, vol *imaging.Volume, mask *imaging.Mask, p *Params) feature.Vector {
	t.Helper()
	v, _, err := Extract(context.Background(), vol, mask, p)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Values) != v.Schema.Len() || len(v.Support) != v.Schema.Len() {
		t.Fatalf("%d values and %d supports for %d columns", len(v.Values), len(v.Support), v.Schema.Len())
	}
	return v
}

// sameBits tells whether two vectors are equal to the last bit.
func sameBits(a, b feature.Vector) bool {
	for n := range a.Values {
		if math.Float64bits(a.Values[n]) != math.Float64bits(b.Values[n]) {
			return false
		}
	}
	return len(a.Values) == len(b.Values)
}

// A mask may be stored cropped to its voxels, also where it is resampled.
func TestCroppedMask(t *testing.T) {
	vol, mask, pixels := phantom(t, "calcified")
	lo, hi, _ := mask.Bounds()
	for _, text := range []string{"{}", "setting: {resampledPixelSpacing: [0.3, 0.3, 0.3]}"} {
		p := parse(t, text)
		p.Pixels = pixels
		if !sameBits(extract(t, vol, mask, p), extract(t, vol, mask.Crop(lo, hi), p)) {
			t.Errorf("%s: the cropped mask gives other features", text)
		}
	}
}

// A mask on other voxels is refused, in words that name the remedy, and put on
// the image's voxels if the file asks for it.
func TestGeometry(t *testing.T) {
	vol, mask, _ := phantom(t, "calcified")
	other := &imaging.Mask{Grid: mask.Grid, In: mask.In}
	other.Origin = r3.Add(other.Origin, r3.Vec{X: 0.01})
	_, _, err := Extract(context.Background(), vol, other, parse(t, "{}"))
	if !errors.Is(err, ErrRegion) || !strings.Contains(err.Error(), "geometry mismatch") || !strings.Contains(err.Error(), "correctMask") {
		t.Errorf("error %v", err)
	}
	want := extract(t, vol, mask, parse(t, "{}"))
	for _, text := range []string{"setting: {correctMask: true}", "setting: {geometryTolerance: 0.05}"} {
		if !sameBits(want, extract(t, vol, other, parse(t, text))) {
			t.Errorf("%s: other features", text)
		}
	}
	other.Origin = r3.Add(other.Origin, r3.Vec{X: 100})
	_, _, err = Extract(context.Background(), vol, other, parse(t, "setting: {correctMask: true}"))
	if !errors.Is(err, ErrRegion) || !strings.Contains(err.Error(), "larger than image space") {
		t.Errorf("error %v", err)
	}
}

// A mask file on other voxels than the image decides where resampling starts,
// whether the region is cropped out of it or not.
func TestMaskGrid(t *testing.T) {
	vol, mask, _ := phantom(t, "calcified")
	file := mask.Crop([3]int{5, 3, 2}, [3]int{36, 33, 24})
	file.Origin = r3.Add(file.Origin, r3.Vec{X: 0.1, Y: -0.05})
	p := parse(t, "setting: {resampledPixelSpacing: [0.3, 0.3, 0.3]}")
	want := extract(t, vol, file, p)
	lo, hi, _ := file.Bounds()
	p.MaskGrid = &file.Grid
	if !sameBits(want, extract(t, vol, file.Crop(lo, hi), p)) {
		t.Error("the cropped region gives other features")
	}
}

// What PyRadiomics refuses is refused in its words.
func TestRefusals(t *testing.T) {
	vol, full, _ := phantom(t, "sphere")
	voxels := func(at ...[3]int) *imaging.Mask {
		m := imaging.NewMask(vol.Grid)
		for _, x := range at {
			m.In[m.Offset(x[0], x[1], x[2])] = true
		}
		return m
	}
	for _, test := range []struct {
		text string
		mask *imaging.Mask
		want string
	}{
		{"{}", voxels(), "nothing is segmented"},
		{"{}", voxels([3]int{5, 5, 5}), "mask only contains 1 segmented voxel"},
		{"{}", voxels([3]int{5, 5, 5}, [3]int{6, 5, 5}), "number of dimensions 1, minimum required 2"},
		{"setting: {minimumROISize: 100000}", full, "size of the ROI is too small (minimum size: 100000"},
		{"setting: {resegmentRange: [5000]}", full, "resegmentation excluded too many voxels with label 1 (retained 0 voxel(s))"},
		{"setting: {binWidth: 0.0001}", full, "binWidth 0.0001 makes"},
	} {
		_, _, err := Extract(context.Background(), vol, test.mask, parse(t, test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.text, err, test.want)
		}
	}
}

// Undefined values have a reason, and so have values by convention.
func TestReasons(t *testing.T) {
	vol, mask, _ := phantom(t, "tiny")
	lo, hi, _ := mask.Bounds()
	small := vol.Crop([3]int{lo[0], lo[1], lo[2]}, [3]int{hi[0], hi[1], lo[2] + 3})
	p := parse(t, "imageType: {Original: {}, LoG: {sigma: [1]}}\nsetting: {force2D: true}")
	v, notes, err := Extract(context.Background(), small, mask.Crop([3]int{lo[0], lo[1], lo[2]}, [3]int{hi[0], hi[1], lo[2] + 3}), p)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	for _, n := range notes {
		codes[n.Code] = true
	}
	if !codes["PLQ-311"] || !codes["PLQ-313"] {
		t.Errorf("notes %v", notes)
	}
	for _, test := range []struct {
		name   string
		reason feature.Reason
	}{
		{"original_shape2D_Perimeter", SeveralSlices},
		{"log-sigma-1-mm-3D_glcm_Contrast", feature.SmallSupport},
		{"original_glcm_Contrast", feature.Defined},
	} {
		n, ok := v.Schema.Index(test.name)
		if !ok || v.Support[n].Reason != test.reason || math.IsNaN(v.Values[n]) != (test.reason != feature.Defined) {
			t.Errorf("%s: %v, %+v, want reason %q", test.name, v.Values[n], v.Support[n], test.reason)
		}
	}
	flat := extract(t, vol, mask, parse(t, "setting: {binWidth: 100000}"))
	n, _ := flat.Schema.Index("original_glcm_Correlation")
	if flat.Values[n] != 1 || flat.Support[n].Reason != feature.OneLevel || flat.Support[n].Pairs == 0 {
		t.Errorf("correlation of a flat region: %v %+v, want 1 with the reason", flat.Values[n], flat.Support[n])
	}
	vol.Values[vol.Offset(lo[0]+2, lo[1]+2, lo[2]+2)] = float32(math.NaN())
	v, notes, err = Extract(context.Background(), vol, mask, parse(t, "{}"))
	n, _ = v.Schema.Index("original_firstorder_Mean")
	if err != nil || !math.IsNaN(v.Values[n]) || len(notes) == 0 || notes[0].Code != "PLQ-314" {
		t.Errorf("voxel without a number: %v, %v, %v", v.Values[n], notes, err)
	}
}

// What a file asks for in vain is said.
func TestInVain(t *testing.T) {
	vol, mask, _ := phantom(t, "tiny")
	_, notes, err := Extract(context.Background(), vol, mask, parse(t, "imageType: {Original: {}, LoG: {}}\nfeatureClass: {glcm: [Contrast, SumVariance]}"))
	if err != nil || len(notes) != 2 || notes[0].Code != "PLQ-315" || notes[1].Code != "PLQ-312" {
		t.Errorf("notes %v, error %v", notes, err)
	}
}

// Features have the same bits for any number of processors.
func TestThreads(t *testing.T) {
	vol, mask, pixels := phantom(t, "sphere")
	p := parse(t, "imageType: {Original: {}, Square: {}, Gradient: {}}\nsetting: {resampledPixelSpacing: [0.6, 0.6, 0.6]}")
	p.Pixels = pixels
	old := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(old)
	want := extract(t, vol, mask, p)
	for _, n := range []int{2, 8} {
		runtime.GOMAXPROCS(n)
		if !sameBits(want, extract(t, vol, mask, p)) {
			t.Errorf("%d processors give other bits", n)
		}
	}
}

// A cancelled extraction says so.
func TestCancelled(t *testing.T) {
	vol, mask, _ := phantom(t, "tiny")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := Extract(ctx, vol, mask, DefaultParams()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// An extractor that has seen other regions gives the same features.
func TestReuse(t *testing.T) {
	e, err := NewExtractor(DefaultParams())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sphere", "tiny", "lipid_float", "flat"} {
		vol, mask, _ := phantom(t, name)
		v, _, err := e.Extract(context.Background(), vol, mask)
		if err != nil {
			t.Fatal(err)
		}
		if !sameBits(v, extract(t, vol, mask, DefaultParams())) {
			t.Errorf("%s: an extractor in use gives other features", name)
		}
	}
}

// Any small image and region is computed or refused, never a panic.
func FuzzExtract(f *testing.F) {
	f.Add([]byte{3, 3, 3, 1, 200, 7, 9, 255, 0, 31}, uint8(0))
	f.Add([]byte{1, 1, 1, 255}, uint8(1))
	f.Add([]byte{4, 2, 1, 1, 1, 1, 255, 3, 3, 3, 128}, uint8(2))
	texts := []string{
		"{}",
		"setting: {binCount: 7, force2D: true, minimumROIDimensions: 1}",
		"setting: {resampledPixelSpacing: [0.5, 1.5, 0], minimumROIDimensions: 1, resegmentRange: [-1, 2], resegmentMode: sigma}",
		"imageType: {Square: {}, SquareRoot: {}, Logarithm: {}, Exponential: {}, Gradient: {}}\nsetting: {normalize: true, removeOutliers: 1, binWidth: 0.5}",
		"setting: {preCrop: true, padDistance: 1, distances: [1, 2], weightingNorm: infinity, force2D: true, force2Ddimension: 2}",
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		if len(data) < 4 {
			return
		}
		g := imaging.NewGrid([3]int{1 + int(data[0]%6), 1 + int(data[1]%6), 1 + int(data[2]%6)}, [3]float64{1, 1, 2}, r3.Vec{})
		vol, mask := imaging.NewVolume(g), imaging.NewMask(g)
		for o := range vol.Values {
			b := data[3+o%(len(data)-3)]
			vol.Values[o], mask.In[o] = float32(int8(b)), b&1 == 1
			if b == 254 {
				vol.Values[o] = float32(math.Inf(1))
			}
		}
		v, _, err := Extract(context.Background(), vol, mask, parse(t, texts[int(which)%len(texts)]))
		if err != nil {
			return
		}
		for n, x := range v.Values {
			if math.IsNaN(x) && v.Support[n].Reason == feature.Defined {
				t.Errorf("%s is undefined without a reason", v.Schema.Column(n).Name)
			}
		}
	})
}
