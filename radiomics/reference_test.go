package radiomics

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// records reads a CSV with a header; '#' starts a comment.
func records(t testing.TB, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for n, name := range rows[0] {
			m[name] = row[n]
		}
		out = append(out, m)
	}
	return out
}

// number parses a number of reference data.
func number(t testing.TB, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// digitalPhantom returns the digital phantom of IBSI 1.
func digitalPhantom(t testing.TB) (*imaging.Volume, *imaging.Mask) {
	t.Helper()
	g := imaging.NewGrid([3]int{5, 4, 4}, [3]float64{2, 2, 2}, r3.Vec{})
	vol, mask := imaging.NewVolume(g), imaging.NewMask(g)
	for n, r := range records(t, filepath.Join("testdata", "ibsi1_digital_phantom.csv")) {
		vol.Values[n] = float32(number(t, r["level"]))
		mask.In[n] = r["inside"] == "1"
	}
	return vol, mask
}

// byCode finds the value of an IBSI code and aggregation among unfiltered
// features.
func byCode(v *feature.Vector, code, aggregation string) (name string, value float64, ok bool) {
	for n, c := range v.Schema.Columns() {
		if c.Ref == "IBSI:"+code && strings.HasPrefix(c.Name, "original.") && (aggregation == "" || strings.HasSuffix(c.Name, "."+aggregation)) {
			return c.Name, v.Values[n], true
		}
	}
	return "", 0, false
}

// The digital phantom has the consensus value of every feature of the families
// present, after rounding to three digits.
func TestDigitalPhantom(t *testing.T) {
	vol, mask := digitalPhantom(t)
	cfg := IBSIConfig()
	cfg.Discretisation = "none"
	v, notes, err := Extract(t.Context(), vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notes {
		if n.Code == "PLQ-301" {
			t.Errorf("note: %s", n.Text)
		}
	}
	checked := 0
	for _, r := range records(t, filepath.Join("testdata", "ibsi1_digital_values.csv")) {
		name, got, ok := byCode(&v, r["ibsi_id"], r["aggregation"])
		if !ok {
			t.Errorf("no column for %s (%s)", r["feature"], r["ibsi_id"])
			continue
		}
		checked++
		verify.Check{Suite: "radiomics", Case: "IBSI 1 digital phantom", Quantity: name, Source: "IBSI 1 consensus " + r["ibsi_id"],
			Got: got, Want: number(t, r["value"]), Tol: number(t, r["tolerance"]), Digits: 3}.Run(t)
	}
	if want := standardised(&v); checked != want {
		t.Errorf("%d of %d columns have a reference value", checked, want)
	}
}

// The CT phantom has the consensus values of configurations C, D and E: the
// whole chain of interpolation, re-segmentation and discretisation.
func TestCTPhantom(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a scan of 2.5 million voxels")
	}
	dir := verify.Shared(t, "data", "ibsi1")
	vol, err := nifti.ReadVolume(filepath.Join(dir, "ct_phantom", "nifti", "image.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for n, x := range vol.Values {
		vol.Values[n] = float32(int(x+32768.5) - 32768) // whole HU, as the README of the data asks
	}
	seg, err := nifti.ReadSegmentation(filepath.Join(dir, "ct_phantom", "nifti", "mask.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	mask := seg.Mask(0)
	reference := records(t, filepath.Join(dir, "ibsi1_reference_values.csv"))
	base := IBSIConfig()
	base.Spacing, base.RoundHU = 2, true
	c, d := base, base
	c.RangeHU, c.BinOrigin = []float64{-1000, 400}, "range"
	d.OutlierSD, d.Discretisation, d.Bins = 3, "fbn", 32
	e := d
	e.RangeHU, e.Interpolation = c.RangeHU, "cubic_spline"
	for _, test := range []struct {
		name string
		cfg  Config
	}{{"C", c}, {"D", d}, {"E", e}} {
		t.Run(test.name, func(t *testing.T) {
			v, _, err := Extract(t.Context(), vol, mask, test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			checked := 0
			for _, r := range reference {
				aggregation := map[string]string{"3D": "", "3D, averaged": "3d_averaged", "3D, merged": "3d_merged"}
				a, ok := aggregation[r["aggregation"]]
				if !ok || r["config"] != test.name {
					continue
				}
				name, got, ok := byCode(&v, r["ibsi_id"], a)
				if !ok {
					continue
				}
				checked++
				verify.Check{Suite: "radiomics", Case: "IBSI 1 CT phantom, configuration " + test.name, Quantity: name,
					Source: "IBSI 1 consensus " + r["ibsi_id"], Got: got, Want: number(t, r["value"]), Tol: number(t, r["tolerance"]), Digits: 3}.Run(t)
			}
			if want := standardised(&v); checked != want {
				t.Errorf("%d of %d columns have a reference value", checked, want)
			}
		})
	}
}

// standardised counts the columns that IBSI defines.
func standardised(v *feature.Vector) int {
	n := 0
	for _, c := range v.Schema.Columns() {
		if strings.HasPrefix(c.Ref, "IBSI:") {
			n++
		}
	}
	return n
}
