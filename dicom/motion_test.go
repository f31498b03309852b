package dicom

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// heart returns vessels of 400 HU in tissue of 40 ± 15 HU, shifted by so many
// pixels from slice 20 on.
func heart(shift int) *imaging.Volume {
	rng := rand.New(rand.NewPCG(3, 3))
	v := imaging.NewVolume(imaging.NewGrid([3]int{120, 120, 40}, [3]float64{0.4, 0.4, 0.5}, r3.Vec{}))
	for n := range v.Values {
		i, j, k := v.Coords(n)
		if k >= 20 {
			i -= shift
		}
		v.Values[n] = float32(40 + 15*rng.NormFloat64())
		if (8*i+5*j+k)/96%2 == 0 && j/15%2 == 0 {
			v.Values[n] += 360
		}
	}
	return v
}

// A jump of the anatomy is found where it is, and noise or vessels that run
// obliquely are none.
func TestSteps(t *testing.T) {
	if got := Steps(heart(0)); len(got) != 0 {
		t.Errorf("steps at %v in a still heart", got)
	}
	if got := Steps(heart(5)); !slices.Equal(got, []int{19}) {
		t.Errorf("steps at %v, want 19", got)
	}
}

// Three real scans that show no step have none.
func TestStillScans(t *testing.T) {
	if testing.Short() {
		t.Skip("reads three scans")
	}
	v, err := nifti.ReadVolume(verify.Shared(t, "data", "ct", "heart-cta-1p5mm", "ct.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if got := Steps(v); len(got) != 0 {
		t.Errorf("heart-cta-1p5mm: steps at %v", got)
	}
	for _, folder := range []string{"heart-gated-noncontrast/dicom", "chest-noncontrast-8mm"} {
		study, err := Load(t.Context(), choose(t, verify.Shared(t, "data", "ct", folder)), DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		if got := Steps(study.Volume); len(got) != 0 {
			t.Errorf("%s: steps at %v", folder, got)
		}
	}
}

// The heart rate and an unusual tube voltage are said.
func TestVoltageAndRate(t *testing.T) {
	m := DefaultMeta()
	m.KVp, m.HeartRate = 80, 88
	study, err := Load(t.Context(), choose(t, writeSeries(t, ramp(grid(5)), m)), DefaultConfig())
	if err != nil || !mentions(study.Findings, PLQVoltage, "80 kV") || !mentions(study.Findings, PLQMotion, "88 per minute") {
		t.Errorf("%v, %+v", err, study.Findings)
	}
}
