package texture

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// chain is the steps of IBSI before texture.
type chain struct {
	spacing  [3]float64
	method   imaging.Interpolation
	lo, hi   float64 // re-segmentation
	outliers float64 // standard deviations
	width    float64 // of bins from lo, or
	bins     int     // their number
}

// region makes them, from package imaging alone.
func (c *chain) region(t testing.TB, scan *imaging.Volume, mask *imaging.Mask) *Region {
	t.Helper()
	vol, roi := scan, mask
	if c.spacing != scan.Spacing {
		grid := imaging.Regrid(&scan.Grid, c.spacing)
		var err error
		if vol, err = imaging.Resample(t.Context(), scan, grid, c.method); err != nil {
			t.Fatal(err)
		}
		round(vol)
		if roi, err = imaging.ResampleMask(t.Context(), mask, grid, 0.5); err != nil {
			t.Fatal(err)
		}
	}
	at, values := within(vol, roi, c.lo, c.hi)
	if c.outliers > 0 {
		mean, sd := meanSD(values)
		at, values = within(vol, roi, max(c.lo, mean-c.outliers*sd), min(c.hi, mean+c.outliers*sd))
	}
	var levels []uint16
	n := c.bins
	if n > 0 {
		levels, _ = discretise(values, 0, n)
	} else {
		for _, x := range values {
			l := int(math.Floor((x-c.lo)/c.width)) + 1
			levels, n = append(levels, uint16(l)), max(n, l)
		}
	}
	return NewRegion(vol.Size, vol.Spacing, at, levels, n, roi.In)
}

// round makes whole HU.
func round(v *imaging.Volume) {
	for n, x := range v.Values {
		v.Values[n] = float32(math.Round(float64(x)))
	}
}

// scan reads an image, in whole HU, and a mask.
func scan(t testing.TB, image, mask string) (*imaging.Volume, *imaging.Mask) {
	t.Helper()
	vol, err := nifti.ReadVolume(image)
	if err != nil {
		t.Fatal(err)
	}
	round(vol)
	seg, err := nifti.ReadSegmentation(mask)
	if err != nil {
		t.Fatal(err)
	}
	m := imaging.NewMask(vol.Grid)
	for n, label := range seg.Layers[0] {
		m.In[n] = label != 0
	}
	return vol, m
}

// The CT phantom has the consensus value of every texture feature in every
// configuration, A to E.
func TestIBSICTPhantom(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a scan of 2.5 million voxels")
	}
	dir := verify.Shared(t, "data", "ibsi1")
	vol, mask := scan(t, filepath.Join(dir, "ct_phantom", "nifti", "image.nii.gz"), filepath.Join(dir, "ct_phantom", "nifti", "mask.nii.gz"))
	reference := records(t, filepath.Join(dir, "ibsi1_reference_values.csv"))
	cube, plane := [3]float64{2, 2, 2}, [3]float64{2, 2, vol.Spacing[2]}
	for _, test := range []struct {
		config string
		chain
		compared int
	}{
		{"A", chain{vol.Spacing, imaging.Linear, -500, 400, 0, 25, 0}, 4*41 + 2*54},
		{"B", chain{plane, imaging.Linear, -500, 400, 0, 0, 32}, 4*41 + 2*54},
		{"C", chain{cube, imaging.Linear, -1000, 400, 0, 25, 0}, 2*41 + 54},
		{"D", chain{cube, imaging.Linear, math.Inf(-1), math.Inf(1), 3, 0, 32}, 2*41 + 54},
		{"E", chain{cube, imaging.CubicSpline, -1000, 400, 3, 0, 32}, 2*41 + 54},
	} {
		cfg := everything()
		cols, got := cfg.Columns(), mustCompute(t, test.region(t, vol, mask), cfg)
		compared := 0
		for _, r := range reference {
			if r["config"] != test.config {
				continue
			}
			for n, c := range cols {
				if c.Code == r["ibsi_id"] && ibsiAggregation[c.Aggregation] == r["aggregation"] {
					compared++
					verify.Check{Suite: "radiomics", Case: "IBSI 1 CT phantom, configuration " + test.config, Quantity: c.Name() + ", " + c.Unit,
						Source: "IBSI 1 consensus " + c.Code, Got: got[n].Value, Want: number(t, r["value"]), Tol: number(t, r["tolerance"]), Digits: 3}.Run(t)
				}
			}
		}
		if compared != test.compared {
			t.Errorf("%s: %d values compared, want %d", test.config, compared, test.compared)
		}
	}
}

// A sarcoma of the validation set has the texture on which at least four of nine
// teams agree.
func TestIBSIValidation(t *testing.T) {
	if testing.Short() {
		t.Skip("resamples a scan to 1 mm")
	}
	dir := verify.Shared(t, "data", "ibsi_validation")
	vol, mask := scan(t, filepath.Join(dir, "STS_001_CT_image.nii.gz"), filepath.Join(dir, "STS_001_CT_mask.nii.gz"))
	c := chain{[3]float64{1, 1, 1}, imaging.CubicSpline, -200, 200, 0, 10, 0}
	cfg := DefaultConfig()
	cols, got := cfg.Columns(), mustCompute(t, c.region(t, vol, mask), cfg)
	compared := 0
	for _, r := range records(t, filepath.Join(dir, "ibsi1_phase3_ct_values.csv")) {
		for n, c := range cols {
			if c.Code == r["ibsi_id"] && ibsiAggregation[c.Aggregation] == r["aggregation"] && number(t, r["n_agree"]) >= 4 {
				compared++
				want := number(t, r["value"])
				verify.Check{Suite: "radiomics", Case: "IBSI validation case STS_001", Quantity: c.Name() + ", " + c.Unit, Source: "agreement of " + r["n_agree"] + " teams of " + r["n_teams"],
					Got: got[n].Value, Want: want, Tol: max(0.005*math.Abs(want), 1.5*number(t, r["max_abs_dev_of_agreeing"]))}.Run(t)
			}
		}
	}
	if compared < 90 {
		t.Errorf("%d values compared", compared)
	}
}

// within returns the voxels of a mask with intensities from lo to hi.
func within(v *imaging.Volume, m *imaging.Mask, lo, hi float64) (at []int, values []float64) {
	for n, in := range m.In {
		if x := float64(v.Values[n]); in && x >= lo && x <= hi {
			at, values = append(at, n), append(values, x)
		}
	}
	return at, values
}

func meanSD(values []float64) (mean, sd float64) {
	for _, x := range values {
		mean += x / float64(len(values))
	}
	for _, x := range values {
		sd += (x - mean) * (x - mean) / float64(len(values))
	}
	return mean, math.Sqrt(sd)
}
