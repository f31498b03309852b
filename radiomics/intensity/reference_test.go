package intensity

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging/nrrd"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// codes maps the codes of a table to its values.
func codes[T any](table []Feature[T], values []float64, into map[string]float64) {
	for n, f := range table {
		if f.Code != "" {
			into[f.Code] = values[n]
		}
	}
}

// The digital phantom has the consensus values of IBSI's statistics, histogram,
// intensity-volume histogram and local intensity.
func TestDigitalPhantom(t *testing.T) {
	box := Box[float32]{Size: [3]int{5, 4, 4}, Spacing: [3]float64{2, 2, 2}}
	var inside []int
	var x []float32
	var levels []uint8
	for n, r := range verify.Rows(t, filepath.Join("..", "ibsi", "data", "phantom.csv")) {
		v := verify.Number(t, r[3])
		box.Values = append(box.Values, float32(v))
		if r[4] == "1" {
			inside, x, levels = append(inside, n), append(x, float32(v)), append(levels, uint8(v))
		}
	}
	var w Workspace
	got := map[string]map[string]float64{"intensity-based statistics": {}, "intensity histogram": {}, "intensity-volume histogram": {}, "local intensity": {}}
	s := make([]float64, len(StatisticsFeatures))
	NewStatistics(&w, x).Values(s, nil)
	codes(StatisticsFeatures, s, got["intensity-based statistics"])
	h := make([]float64, len(HistogramFeatures))
	NewHistogram(&w, Count(nil, levels)).Values(h, nil)
	codes(HistogramFeatures, h, got["intensity histogram"])
	v, err := NewVolumeHistogram(&w, x, VolumeHistogramConfig{Scale: Definite, Step: 1, Low: math.NaN(), High: math.NaN()})
	if err != nil {
		t.Fatal(err)
	}
	i := make([]float64, len(VolumeHistogramFeatures))
	v.Values(i, nil)
	codes(VolumeHistogramFeatures, i, got["intensity-volume histogram"])
	l := make([]float64, len(LocalFeatures))
	support := make([]feature.Support, len(LocalFeatures))
	local, err := NewLocal(t.Context(), &w, box, inside)
	if err != nil {
		t.Fatal(err)
	}
	local.Values(l, support)
	codes(LocalFeatures, l, got["local intensity"])
	if support[0].Voxels < 30 || support[0].Voxels > 80 || support[0].Reason != feature.Defined {
		t.Errorf("local peak rests on %+v", support[0])
	}
	checked := 0
	for _, r := range verify.Rows(t, filepath.Join(verify.Shared(t, "data", "ibsi1"), "ibsi1_reference_values.csv")) {
		values, ok := got[r[2]]
		if !ok || r[4] != "digital" {
			continue
		}
		code := r[0]
		if r[8] != "" {
			code = r[8] // of the feature with its parameter
		}
		value, ok := values[code]
		if !ok {
			t.Errorf("no feature %s (%s)", code, r[1])
			continue
		}
		checked++
		verify.Check{Suite: "radiomics", Case: "IBSI 1 digital phantom", Quantity: r[2] + ": " + r[1], Source: "IBSI 1 consensus " + code,
			Got: value, Want: verify.Number(t, r[5]), Tol: verify.Number(t, r[6]), Digits: 3}.Run(t)
	}
	if checked != 18+23+6+2 {
		t.Errorf("%d of 49 values checked", checked)
	}
}

// The brain of PyRadiomics' own tests has its baseline values.
func TestBrain(t *testing.T) {
	dir := verify.Shared(t, "data", "pyradiomics")
	image, err := nrrd.ReadVolume(filepath.Join(dir, "brain1_image.nrrd"))
	if err != nil {
		t.Fatal(err)
	}
	label, err := nrrd.ReadVolume(filepath.Join(dir, "brain1_label.nrrd"))
	if err != nil {
		t.Fatal(err)
	}
	var x []float32
	for n, l := range label.Values {
		if l == 1 {
			x = append(x, image.Values[n])
		}
	}
	levels := make([]int, len(x))
	for n, v := range x {
		levels[n] = int(math.Floor(float64(v) / 25)) // bins at multiples of the width
	}
	var w Workspace
	f := NewFirstOrder(&w, x, FirstOrderConfig{VoxelVolume: image.VoxelVolume(), Shift: 2000, Counts: Count(nil, levels)})
	values := make([]float64, len(FirstOrderFeatures))
	f.Values(values, nil)
	checked := 0
	for _, r := range verify.Rows(t, filepath.Join(dir, "brain1_reference_values.csv")) {
		if r[1] != "base" || r[2] != "firstorder" {
			continue
		}
		for n, f := range FirstOrderFeatures {
			if f.PyRadiomics == r[3] {
				checked++
				want := verify.Number(t, r[4])
				verify.Check{Suite: "radiomics", Case: "PyRadiomics brain1, base", Quantity: "firstorder." + f.PyRadiomics, Source: "PyRadiomics baseline",
					Got: values[n], Want: want, Tol: 1e-10 * math.Abs(want)}.Run(t)
			}
		}
	}
	if checked != 18 {
		t.Errorf("%d of 18 values checked", checked)
	}
}
