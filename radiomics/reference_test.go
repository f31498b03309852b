package radiomics

import (
	"encoding/csv"
	"math"
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

// suffix returns our suffix for an aggregation of the reference tables.
func suffix(aggregation string) string {
	return map[string]string{
		"2D, averaged": "2d_averaged", "2D, slice-merged": "2d_slice_merged", "2.5D, direction-merged": "25d_direction_merged",
		"2.5D, merged": "25d_merged", "3D, averaged": "3d_averaged", "3D, merged": "3d_merged", "2D": "2d", "2.5D": "25d", "3D": "3d",
	}[aggregation]
}

// compare checks every row of a table of reference values, and returns how many
// there were. skip tells why a row has no comparison.
func compare(t *testing.T, v *feature.Vector, rows []map[string]string, check verify.Check, skip func(row map[string]string) bool) int {
	t.Helper()
	type key struct{ code, aggregation string }
	at := map[key]int{}
	for n, c := range v.Schema.Columns() {
		code := strings.TrimPrefix(c.Ref, "IBSI:")
		parts := strings.Split(c.Name, ".")
		at[key{code, ""}] = n
		if len(parts) == 4 {
			at[key{code, parts[3]}] = n
		}
	}
	count := 0
	for _, r := range rows {
		if skip != nil && skip(r) {
			continue
		}
		code := r["ibsi_id"]
		if p := r["param_id"]; p != "" {
			code = p
		}
		aggregation := suffix(r["aggregation"])
		n, ok := at[key{code, aggregation}]
		if !ok && aggregation == "3d" { // families of one aggregation
			n, ok = at[key{code, ""}]
		}
		if !ok {
			t.Errorf("no column for %s (%s, %s)", r["feature"], code, r["aggregation"])
			continue
		}
		count++
		c := v.Schema.Column(n)
		check.Quantity, check.Got = c.Name+", "+c.Unit, v.Values[n]
		check.Want, check.Tol = number(t, r["value"]), number(t, r["tolerance"])
		check.Source = "IBSI 1 consensus " + code
		check.Run(t)
	}
	return count
}

// The digital phantom has the consensus value of every feature in every
// aggregation, after rounding to three digits.
func TestDigitalPhantom(t *testing.T) {
	vol, mask := digitalPhantom(t)
	cfg := IBSIConfig()
	cfg.Discretisation, cfg.Aggregations = "none", aggregationNames()
	v, notes, err := Extract(t.Context(), vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notes {
		if n.Code == "PLQ-301" {
			t.Errorf("note: %s", n.Text)
		}
	}
	rows := records(t, filepath.Join("testdata", "ibsi1_digital_values.csv"))
	if n := compare(t, &v, rows, verify.Check{Suite: "radiomics", Case: "IBSI 1 digital phantom", Digits: 3}, nil); n != 482 {
		t.Errorf("%d comparisons, want 482", n)
	}
}

// ctPhantom returns the CT phantom of IBSI 1.
func ctPhantom(t testing.TB) (*imaging.Volume, *imaging.Mask) {
	t.Helper()
	dir := verify.Shared(t, "data", "ibsi1", "ct_phantom", "nifti")
	vol, err := nifti.ReadVolume(filepath.Join(dir, "image.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	seg, err := nifti.ReadSegmentation(filepath.Join(dir, "mask.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	return vol, seg.Mask(0)
}

// The CT phantom has the consensus values of configurations A to E: the whole
// chain of interpolation, re-segmentation and discretisation.
func TestCTPhantom(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a scan of 2.5 million voxels")
	}
	vol, mask := ctPhantom(t)
	reference := records(t, verify.Shared(t, "data", "ibsi1", "ibsi1_reference_values.csv"))
	for _, name := range []string{"A", "B", "C", "D", "E"} {
		t.Run(name, func(t *testing.T) {
			cfg, _, err := Preset("ibsi1_" + strings.ToLower(name))
			if err != nil {
				t.Fatal(err)
			}
			v, _, err := Extract(t.Context(), vol, mask, cfg)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int{"A": 346, "B": 346, "C": 210, "D": 210, "E": 210}[name]
			check := verify.Check{Suite: "radiomics", Case: "IBSI 1 CT phantom, configuration " + name, Digits: 3}
			n := compare(t, &v, reference, check, func(r map[string]string) bool { return r["config"] != name })
			if n != want {
				t.Errorf("%d comparisons, want %d", n, want)
			}
		})
	}
}

// The steps from the image to the intensities have the sizes, counts and
// intensities that IBSI gives for configurations A to E.
func TestDiagnostics(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a scan of 2.5 million voxels")
	}
	vol, mask := ctPhantom(t)
	reference := records(t, verify.Shared(t, "data", "ibsi1", "ibsi1_diagnostic_values.csv"))
	count := 0
	for _, name := range []string{"A", "B", "C", "D", "E"} {
		cfg, _, err := Preset("ibsi1_" + strings.ToLower(name))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Families = []string{"diagnostics"}
		v, _, err := Extract(t.Context(), vol, mask, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range reference {
			if r["config"] != name {
				continue
			}
			count++
			verify.Check{Suite: "radiomics", Case: "IBSI 1 CT phantom, configuration " + name + ", steps", Quantity: r["tag"], Digits: max(3, len(strings.NewReplacer("-", "", ".", "").Replace(r["value"]))),
				Source: "IBSI 1 diagnostics", Got: v.Get("original.diagnostics." + r["tag"]), Want: number(t, r["value"]), Tol: number(t, r["tolerance"])}.Run(t)
		}
	}
	if count != 300 {
		t.Errorf("%d comparisons, want 300", count)
	}
}

// sarcoma returns the soft-tissue sarcoma that nine teams worked on.
func sarcoma(t *testing.T) (*imaging.Volume, *imaging.Mask) {
	t.Helper()
	dir := verify.Shared(t, "data", "ibsi_validation")
	vol, err := nifti.ReadVolume(filepath.Join(dir, "STS_001_CT_image.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	seg, err := nifti.ReadSegmentation(filepath.Join(dir, "STS_001_CT_mask.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	return vol, seg.Mask(0)
}

// agreed checks the rows on which at least four of nine teams agree: 99 % of
// them must lie within 0.5 %, or 1.5 times the spread of those teams. value
// finds ours.
func agreed(t *testing.T, title string, rows []map[string]string, value func(row map[string]string) (string, float64)) {
	t.Helper()
	count, missed := 0, 0
	for _, r := range rows {
		if number(t, r["n_agree"]) < 4 {
			continue
		}
		count++
		want := number(t, r["value"])
		name, got := value(r)
		check := verify.Check{Suite: "radiomics", Case: title, Quantity: name, Source: r["n_agree"] + " of " + r["n_teams"] + " teams",
			Got: got, Want: want, Tol: max(0.005*math.Abs(want), 1.5*number(t, r["max_abs_dev_of_agreeing"]))}
		if !check.Pass() {
			missed++
			t.Logf("%s: got %g, want %g ± %g", name, got, want, check.Tol)
			continue
		}
		check.Run(t)
	}
	t.Logf("%d of %d rows hold", count-missed, count)
	if 100*missed > count {
		t.Errorf("%d of %d rows missed", missed, count)
	}
}

// A sarcoma on a clinical CT has the features on which teams agree.
func TestSarcoma(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a scan of 10 million voxels")
	}
	vol, mask := sarcoma(t)
	cfg, _, err := Preset("ibsi1_phase3")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Families = append(cfg.Families, "diagnostics")
	v, _, err := Extract(t.Context(), vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	byTag := map[string]string{"ivh_v10": "NK6P", "ivh_v90": "4279", "ivh_i10": "PWN1", "ivh_i90": "BOHI", "ivh_diff_v10_v90": "WITY", "ivh_diff_i10_i90": "JXJA"}
	rows := records(t, verify.Shared(t, "data", "ibsi_validation", "ibsi1_phase3_ct_values.csv"))
	agreed(t, "IBSI 1 phase 3, STS_001", rows, func(r map[string]string) (string, float64) {
		if r["family"] == "diagnostic" {
			name := "original.diagnostics." + r["tag"]
			return name, v.Get(name)
		}
		code := r["ibsi_id"]
		if c := byTag[r["tag"]]; c != "" {
			code = c
		}
		for n, c := range v.Schema.Columns() {
			if c.Ref == "IBSI:"+code {
				return c.Name, v.Values[n]
			}
		}
		return "no column for " + code, math.NaN()
	})
}

// filtered returns the value of an IBSI code for filter configuration n: 1 is
// the unfiltered image.
func filtered(v *feature.Vector, n, code string) (string, float64) {
	image := "f" + n + "."
	if n == "1" {
		image = "original."
	}
	for m, c := range v.Schema.Columns() {
		if c.Ref == "IBSI:"+code && strings.HasPrefix(c.Name, image) {
			return c.Name, v.Values[m]
		}
	}
	return "no column for " + code + " of " + image, math.NaN()
}

// Filter responses of the CT phantom have the consensus values of IBSI 2, phase 2.
func TestFilteredPhantom(t *testing.T) {
	if testing.Short() {
		t.Skip("filters a scan of 2.5 million voxels")
	}
	vol, mask := ctPhantom(t)
	reference := records(t, verify.Shared(t, "data", "ibsi2", "ibsi2_reference_values.csv"))
	count := 0
	for _, chain := range []string{"A", "B"} {
		cfg, _, err := Preset("ibsi2_" + strings.ToLower(chain))
		if err != nil {
			t.Fatal(err)
		}
		v, _, err := Extract(t.Context(), vol, mask, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range reference {
			configuration, ok := strings.CutSuffix(r["config"], "."+chain)
			if !ok {
				continue
			}
			count++
			name, got := filtered(&v, configuration, r["ibsi_id"])
			verify.Check{Suite: "radiomics", Case: "IBSI 2 phase 2, configuration " + r["config"], Quantity: name, Source: "IBSI 2 consensus " + r["ibsi_id"],
				Got: got, Want: number(t, r["value"]), Tol: number(t, r["tolerance"])}.Run(t)
		}
	}
	if count != 323 {
		t.Errorf("%d comparisons, want 323", count)
	}
}

// Filter responses of the sarcoma have the values on which teams agree.
func TestFilteredSarcoma(t *testing.T) {
	if testing.Short() {
		t.Skip("filters a scan of 10 million voxels")
	}
	vol, mask := sarcoma(t)
	cfg, _, err := Preset("ibsi2_phase3")
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := Extract(t.Context(), vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	rows := records(t, verify.Shared(t, "data", "ibsi_validation", "ibsi2_phase3_ct_values.csv"))
	agreed(t, "IBSI 2 phase 3, STS_001", rows, func(r map[string]string) (string, float64) {
		return filtered(&v, r["config"], r["ibsi_id"])
	})
}
