package filter

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// scan is an image and its region, as the chain of IBSI 2 makes them before
// the filter: interpolated or not, whole HU, cut to the re-segmentation range.
type scan struct {
	image  *imaging.Volume
	inside []int // offsets of the voxels in the region and in the range
	lo, hi [3]int
}

// newScan follows section 5 of the manual: the image is interpolated by cubic
// splines and rounded, the region by linear ones, and the range is that of the
// unfiltered image.
func newScan(t *testing.T, image, mask string, spacing float64, low, high float64) *scan {
	t.Helper()
	v := volume(t, image)
	m, err := nifti.ReadVolume(mask)
	if err != nil {
		t.Fatal(err)
	}
	roi := imaging.NewMask(m.Grid)
	for n, x := range m.Values {
		roi.In[n] = x > 0.5
	}
	round := func() {
		for n, x := range v.Values {
			v.Values[n] = float32(math.Round(float64(x)))
		}
	}
	round()
	if spacing > 0 {
		grid := imaging.IsotropicGrid(&v.Grid, spacing)
		if v, err = imaging.Resample(t.Context(), v, grid, imaging.CubicSpline); err != nil {
			t.Fatal(err)
		}
		round()
		if roi, err = imaging.ResampleMask(t.Context(), roi, grid, 0.5); err != nil {
			t.Fatal(err)
		}
	}
	s := &scan{image: v}
	for n, in := range roi.In {
		if x := float64(v.Values[n]); in && x >= low && x <= high {
			s.inside = append(s.inside, n)
		}
	}
	s.lo, s.hi, _ = roi.Bounds()
	return s
}

// response returns the response of f inside the region. Filters of finite
// support see no more of the image than they need.
func (s *scan) response(t *testing.T, f Filter) []float64 {
	t.Helper()
	v, lo := s.image, [3]int{}
	if n, finite := f.Support(v.Spacing); finite {
		var hi [3]int
		for a := range 3 {
			lo[a], hi[a] = s.lo[a]-n[a], s.hi[a]+n[a]
		}
		lo, hi = v.Clamp(lo, hi)
		v = v.Crop(lo, hi)
	}
	h, err := f.Apply(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float64, len(s.inside))
	for n, at := range s.inside {
		nx, ny := s.image.Size[0], s.image.Size[1]
		x[n] = h.At(at%nx-lo[0], at/nx%ny-lo[1], at/nx/ny-lo[2])
	}
	return x
}

// statistics returns the 18 statistics of IBSI by their tags.
func statistics(x []float64) map[string]float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	n := float64(len(x))
	mean := func(f func(x float64) float64) float64 {
		var sum float64
		for _, y := range x {
			sum += f(y)
		}
		return sum / n
	}
	percentile := func(p float64) float64 {
		at := p / 100 * (n - 1)
		i := int(at)
		return x[i] + (at-float64(i))*(x[min(i+1, len(x)-1)]-x[i])
	}
	mu := mean(func(x float64) float64 { return x })
	moment := func(p float64) float64 { return mean(func(x float64) float64 { return math.Pow(x-mu, p) }) }
	variance, median := moment(2), percentile(50)
	p10, p25, p75, p90 := percentile(10), percentile(25), percentile(75), percentile(90)
	var robust, count, around float64
	for _, y := range x {
		if y >= p10 && y <= p90 {
			robust, count = robust+y, count+1
		}
	}
	robust /= count
	for _, y := range x {
		if y >= p10 && y <= p90 {
			around += math.Abs(y-robust) / count
		}
	}
	return map[string]float64{
		"stat_mean": mu, "stat_var": variance, "stat_skew": moment(3) / math.Pow(variance, 1.5), "stat_kurt": moment(4)/(variance*variance) - 3,
		"stat_median": median, "stat_min": x[0], "stat_p10": p10, "stat_p90": p90, "stat_max": x[len(x)-1], "stat_iqr": p75 - p25,
		"stat_range": x[len(x)-1] - x[0], "stat_mad": mean(func(x float64) float64 { return math.Abs(x - mu) }), "stat_rmad": around,
		"stat_medad": mean(func(x float64) float64 { return math.Abs(x - median) }), "stat_cov": math.Sqrt(variance) / mu,
		"stat_qcod": (p75 - p25) / (p75 + p25), "stat_energy": n * mean(func(x float64) float64 { return x * x }),
		"stat_rms": math.Sqrt(mean(func(x float64) float64 { return x * x })),
	}
}

// The statistics of the responses to the CT phantom are the consensus values.
func TestPhaseTwo(t *testing.T) {
	if testing.Short() {
		t.Skip("filters a whole CT")
	}
	dir := verify.Shared(t, "data", "ibsi2")
	ct := verify.Shared(t, "data", "ibsi1", "ct_phantom", "nifti")
	values := table(t, dir, "ibsi2_reference_values.csv")
	var scans [2]*scan
	for _, row := range table(t, dir, "ibsi2_phase2_configs.csv") {
		if row["has_reference"] != "1" {
			continue
		}
		t.Run(row["config"], func(t *testing.T) {
			kind, spacing := 0, 0.0
			if strings.HasSuffix(row["config"], "B") {
				kind, spacing = 1, 1
			}
			if scans[kind] == nil {
				scans[kind] = newScan(t, ct+"/image.nii.gz", ct+"/mask.nii.gz", spacing, -1000, 400)
			}
			got := statistics(respond(t, scans[kind], row))
			for _, want := range values {
				if want["config"] != row["config"] {
					continue
				}
				verify.Check{Suite: "radiomics", Case: fmt.Sprintf("IBSI 2 phase 2, %s %s", row["config"], row["filter"]),
					Quantity: want["feature"], Source: "IBSI 2 consensus value",
					Got: got[want["tag"]], Want: float(t, want["value"]), Tol: float(t, want["tolerance"])}.Run(t)
			}
		})
	}
}

// respond returns the response of a row's filter, or the image itself.
func respond(t *testing.T, s *scan, row map[string]string) []float64 {
	t.Helper()
	if row["filter"] == "none" {
		x := make([]float64, len(s.inside))
		for n, at := range s.inside {
			x[n] = float64(s.image.Values[at])
		}
		return x
	}
	f, err := New(configOf(t, row))
	if err != nil {
		t.Fatal(err)
	}
	return s.response(t, f)
}

func float(t *testing.T, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// The statistics of the responses to the soft-tissue sarcoma case are those on
// which at least four teams agree.
func TestPhaseThree(t *testing.T) {
	if testing.Short() {
		t.Skip("filters a whole CT")
	}
	dir := verify.Shared(t, "data", "ibsi2")
	sts := verify.Shared(t, "data", "ibsi_validation")
	values := table(t, sts, "ibsi2_phase3_ct_values.csv")
	var s *scan
	for _, row := range table(t, dir, "ibsi2_phase3_configs.csv") {
		t.Run(row["config"], func(t *testing.T) {
			if s == nil {
				s = newScan(t, sts+"/STS_001_CT_image.nii.gz", sts+"/STS_001_CT_mask.nii.gz", 1, -200, 200)
			}
			got := statistics(respond(t, s, row))
			for _, want := range values {
				if want["config"] != row["config"] || float(t, want["n_agree"]) < 4 {
					continue
				}
				x := float(t, want["value"])
				verify.Check{Suite: "radiomics", Case: fmt.Sprintf("IBSI 2 phase 3, STS_001, %s %s", row["config"], row["filter"]),
					Quantity: want["feature"], Source: "agreement of " + want["n_agree"] + " of " + want["n_teams"] + " teams",
					Got: got[want["tag"]], Want: x, Tol: max(0.005*math.Abs(x), 1.5*float(t, want["max_abs_dev_of_agreeing"]))}.Run(t)
			}
		})
	}
}
