package texture

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The CT phantom has the consensus value of every texture feature in every
// configuration, A to E. The steps before texture are made here, from package
// imaging alone.
func TestIBSICTPhantom(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a scan of 2.5 million voxels")
	}
	dir := verify.Shared(t, "data", "ibsi1")
	scan, err := nifti.ReadVolume(filepath.Join(dir, "ct_phantom", "nifti", "image.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	round := func(v *imaging.Volume) {
		for n, x := range v.Values {
			v.Values[n] = float32(math.Round(float64(x)))
		}
	}
	round(scan)
	seg, err := nifti.ReadSegmentation(filepath.Join(dir, "ct_phantom", "nifti", "mask.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	mask := imaging.NewMask(scan.Grid)
	for n, label := range seg.Layers[0] {
		mask.In[n] = label != 0
	}
	reference := records(t, filepath.Join(dir, "ibsi1_reference_values.csv"))
	cube := [3]float64{2, 2, 2}
	for _, test := range []struct {
		config   string
		spacing  [3]float64
		method   imaging.Interpolation
		lo, hi   float64
		outliers float64 // standard deviations
		bins     int     // 0: 25 HU from lo
		compared int
	}{
		{"A", scan.Spacing, imaging.Linear, -500, 400, 0, 0, 4*41 + 2*54},
		{"B", [3]float64{2, 2, scan.Spacing[2]}, imaging.Linear, -500, 400, 0, 32, 4*41 + 2*54},
		{"C", cube, imaging.Linear, -1000, 400, 0, 0, 2*41 + 54},
		{"D", cube, imaging.Linear, math.Inf(-1), math.Inf(1), 3, 32, 2*41 + 54},
		{"E", cube, imaging.CubicSpline, -1000, 400, 3, 32, 2*41 + 54},
	} {
		vol, roi := scan, mask
		if test.config != "A" {
			grid := imaging.Regrid(&scan.Grid, test.spacing)
			if vol, err = imaging.Resample(t.Context(), scan, grid, test.method); err != nil {
				t.Fatal(err)
			}
			round(vol)
			if roi, err = imaging.ResampleMask(t.Context(), mask, grid, 0.5); err != nil {
				t.Fatal(err)
			}
		}
		at, values := within(vol, roi, test.lo, test.hi)
		if test.outliers > 0 {
			mean, sd := meanSD(values)
			at, values = within(vol, roi, max(test.lo, mean-test.outliers*sd), min(test.hi, mean+test.outliers*sd))
		}
		var levels []uint16
		n := test.bins
		if n > 0 {
			levels, _ = discretise(values, 0, n)
		} else {
			for _, x := range values {
				l := int(math.Floor((x-test.lo)/25)) + 1
				levels, n = append(levels, uint16(l)), max(n, l)
			}
		}
		cfg := everything()
		cols, got := cfg.Columns(), mustCompute(t, NewRegion(vol.Size, vol.Spacing, at, levels, n, roi.In), cfg)
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
