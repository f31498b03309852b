package imaging_test

import (
	"context"
	"encoding/csv"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

func noise(size [3]int, spacing [3]float64) *imaging.Volume {
	v := imaging.NewVolume(imaging.NewGrid(size, spacing, r3.Vec{X: -3, Y: 5, Z: 7}))
	rng := rand.New(rand.NewPCG(2, 3))
	for n := range v.Values {
		v.Values[n] = float32(rng.NormFloat64() * 100)
	}
	return v
}

// On its own grid every method gives back the image, and the voxel values are
// found from any other way to walk the same places.
func TestResampleIdentity(t *testing.T) {
	for _, size := range [][3]int{{9, 8, 7}, {40, 3, 2}, {5, 1, 1}} {
		v := noise(size, [3]float64{0.4, 0.5, 0.7})
		for _, method := range []imaging.Interpolation{imaging.Nearest, imaging.Linear, imaging.CubicSpline} {
			got, err := imaging.Resample(t.Context(), v, v.Grid, method)
			if err != nil {
				t.Fatal(err)
			}
			for n := range v.Values {
				if math.Abs(float64(got.Values[n]-v.Values[n])) > 2e-4 { // coefficients are kept in single precision
					t.Fatalf("%v %v: voxel %d is %g, want %g", size, method, n, got.Values[n], v.Values[n])
				}
			}
			// The same lattice from the opposite corner.
			back := v.Grid
			back.Origin = v.Point(float64(size[0]-1), float64(size[1]-1), float64(size[2]-1))
			for a := range back.Axes {
				back.Axes[a] = r3.Scale(-1, back.Axes[a])
			}
			got, err = imaging.Resample(t.Context(), v, back, method)
			if err != nil {
				t.Fatal(err)
			}
			for n := range v.Values {
				if math.Abs(float64(got.Values[len(v.Values)-1-n]-v.Values[n])) > 2e-4 {
					t.Fatalf("%v %v reversed: voxel %d differs", size, method, n)
				}
			}
		}
	}
}

// Linear interpolation keeps a plane; the spline keeps a cubic polynomial away
// from the border, where mirroring bends it.
func TestResamplePolynomials(t *testing.T) {
	g := imaging.NewGrid([3]int{60, 4, 4}, [3]float64{1, 1, 1}, r3.Vec{})
	plane, cubic := imaging.NewVolume(g), imaging.NewVolume(g)
	f := func(x float64) float64 { x = (x - 30) / 10; return 3*x*x*x - 2*x*x + x }
	for n := range plane.Values {
		i, j, k := g.Coords(n)
		plane.Values[n] = float32(2*i - 3*j + 4*k)
		cubic.Values[n] = float32(f(float64(i)))
	}
	onto := imaging.NewGrid([3]int{60, 5, 5}, [3]float64{0.31, 0.5, 0.5}, r3.Vec{X: 20.13, Y: 0.5, Z: 0.5})
	a, err := imaging.Resample(t.Context(), plane, onto, imaging.Linear)
	if err != nil {
		t.Fatal(err)
	}
	b, err := imaging.Resample(t.Context(), cubic, onto, imaging.CubicSpline)
	if err != nil {
		t.Fatal(err)
	}
	for n := range a.Values {
		i, j, k := onto.Coords(n)
		p := onto.Point(float64(i), float64(j), float64(k))
		if want := 2*p.X - 3*p.Y + 4*p.Z; math.Abs(float64(a.Values[n])-want) > 1e-4 {
			t.Fatalf("plane at %v: %g, want %g", p, a.Values[n], want)
		}
		if want := f(p.X); math.Abs(float64(b.Values[n])-want) > 1e-4 {
			t.Fatalf("cubic at %v: %g, want %g", p, b.Values[n], want)
		}
	}
}

// Beyond the border the nearest voxel counts for images, nothing for masks.
func TestResampleOutside(t *testing.T) {
	v := noise([3]int{4, 4, 4}, [3]float64{1, 1, 1})
	far := imaging.NewGrid([3]int{1, 1, 1}, [3]float64{1, 1, 1}, r3.Vec{X: -100, Y: -100, Z: -100})
	for _, method := range []imaging.Interpolation{imaging.Nearest, imaging.Linear, imaging.CubicSpline} {
		got, err := imaging.Resample(t.Context(), v, far, method)
		if err != nil || math.Abs(float64(got.Values[0]-v.Values[0])) > 2e-4 {
			t.Errorf("%v: %v, want %g %v", method, got, v.Values[0], err)
		}
	}
	m := imaging.NewMask(v.Grid)
	for n := range m.In {
		m.In[n] = true
	}
	if got, err := imaging.ResampleMask(t.Context(), m, far, 0.5); err != nil || got.In[0] {
		t.Errorf("mask reaches beyond its grid: %v", err)
	}
	// A cropped mask gives what the whole gives, and exactly half is in.
	m = imaging.NewMask(v.Grid)
	m.In[m.Offset(1, 1, 1)], m.In[m.Offset(2, 1, 1)] = true, true
	onto := imaging.NewGrid([3]int{8, 8, 8}, [3]float64{0.5, 0.5, 0.5}, v.Origin)
	whole, err := imaging.ResampleMask(t.Context(), m, onto, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	lo, hi, _ := m.Bounds()
	part, err := imaging.ResampleMask(t.Context(), m.Crop(lo, hi), onto, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole.In {
		if whole.In[n] != part.In[n] {
			t.Fatalf("voxel %d differs", n)
		}
	}
	if !whole.In[onto.Offset(1, 2, 2)] || whole.In[onto.Offset(1, 1, 2)] {
		t.Error("the border of ½ is in the wrong place")
	}
}

// A long loop stops when its context does, and wrong settings are errors.
func TestResampleErrors(t *testing.T) {
	v := noise([3]int{4, 4, 4}, [3]float64{1, 1, 1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, method := range []imaging.Interpolation{imaging.Linear, imaging.CubicSpline} {
		if _, err := imaging.Resample(ctx, v, v.Grid, method); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	}
	if _, err := imaging.Gaussian(ctx, v, [3]float64{1, 1, 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := imaging.Resample(t.Context(), v, v.Grid, 9); err == nil {
		t.Error("an unknown method was accepted")
	}
	if _, err := imaging.Resample(t.Context(), v, imaging.Grid{}, imaging.Linear); err == nil {
		t.Error("an empty grid was accepted")
	}
	if _, err := imaging.ResampleMask(t.Context(), imaging.NewMask(v.Grid), v.Grid, 0); err == nil {
		t.Error("a threshold of zero was accepted")
	}
	if _, err := imaging.Gaussian(t.Context(), v, [3]float64{math.NaN(), 1, 1}); err == nil {
		t.Error("a NaN width was accepted")
	}
}

// A constant stays constant, and a point becomes the Gaussian of the asked
// variance along each axis, in mm.
func TestGaussian(t *testing.T) {
	g := imaging.NewGrid([3]int{41, 37, 31}, [3]float64{0.4, 0.5, 0.8}, r3.Vec{})
	v := imaging.NewVolume(g)
	v.Values[g.Offset(20, 18, 15)] = 1
	sigma := [3]float64{1, 1.2, 1.6}
	s, err := imaging.Gaussian(t.Context(), v, sigma)
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	var moment [3]float64
	c := g.Point(20, 18, 15)
	for n, x := range s.Values {
		i, j, k := g.Coords(n)
		d := r3.Sub(g.Point(float64(i), float64(j), float64(k)), c)
		sum += float64(x)
		for a, y := range [3]float64{d.X, d.Y, d.Z} {
			moment[a] += float64(x) * y * y
		}
	}
	if math.Abs(sum-1) > 1e-5 {
		t.Errorf("sum %g", sum)
	}
	for a := range 3 {
		if got := math.Sqrt(moment[a]); math.Abs(got-sigma[a]) > 0.01*sigma[a] { // cut off at 4σ
			t.Errorf("axis %d: width %g mm, want %g", a, got, sigma[a])
		}
	}
	for n := range v.Values {
		v.Values[n] = -70
	}
	s, err = imaging.Gaussian(t.Context(), v, [3]float64{2, 0, 3})
	if err != nil {
		t.Fatal(err)
	}
	for n, x := range s.Values {
		if math.Abs(float64(x)+70) > 1e-4 {
			t.Fatalf("voxel %d of a constant: %g", n, x)
		}
	}
}

// The new grid covers the old one, shares its centre, and does not gain a
// voxel from a spacing in single precision.
func TestRegrid(t *testing.T) {
	g := imaging.NewGrid([3]int{20, 21, 10}, [3]float64{float64(float32(0.4)), 0.5, 0.75}, r3.Vec{X: 1, Y: 2, Z: 3})
	r := imaging.IsotropicGrid(&g, 0.4)
	if r.Size != [3]int{20, 27, 19} || r.Spacing != [3]float64{0.4, 0.4, 0.4} {
		t.Errorf("grid %v", r.String())
	}
	a, b := g.Point(9.5, 10, 4.5), r.Point(9.5, 13, 9)
	if r3.Norm(r3.Sub(a, b)) > 1e-9 {
		t.Errorf("centre %v, want %v", b, a)
	}
}

// Resampling the IBSI CT phantom gives the check values of configurations C
// (trilinear) and E (tricubic spline).
func TestResampleIBSI(t *testing.T) {
	if testing.Short() {
		t.Skip("resamples a CT twice")
	}
	dir := verify.Shared(t, "data", "ibsi1")
	v, err := nifti.ReadVolume(filepath.Join(dir, "ct_phantom", "nifti", "image.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for n, x := range v.Values {
		v.Values[n] = float32(math.Round(float64(x)))
	}
	seg, err := nifti.ReadSegmentation(filepath.Join(dir, "ct_phantom", "nifti", "mask.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	roi := seg.Mask(0)
	onto := imaging.IsotropicGrid(&v.Grid, 2)
	mask, err := imaging.ResampleMask(t.Context(), roi, onto, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "ibsi1_diagnostic_values.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for n, method := range []imaging.Interpolation{imaging.Linear, imaging.CubicSpline} {
		config := []string{"C", "E"}[n]
		r, err := imaging.Resample(t.Context(), v, onto, method)
		if err != nil {
			t.Fatal(err)
		}
		var sum, all float64
		lo, hi, top, bottom := math.Inf(1), math.Inf(-1), math.Inf(-1), math.Inf(1)
		for n, x := range r.Values {
			y := math.Round(float64(x))
			all += y
			top, bottom = max(top, y), min(bottom, y)
			if mask.In[n] {
				sum += y
				lo, hi = min(lo, y), max(hi, y)
			}
		}
		box0, box1, _ := mask.Bounds()
		got := map[string]float64{
			"img_dim_x_interp_img": float64(onto.Size[0]), "img_dim_y_interp_img": float64(onto.Size[1]), "img_dim_z_interp_img": float64(onto.Size[2]),
			"mean_int_interp_img": all / float64(len(r.Values)), "min_int_interp_img": bottom, "max_int_interp_img": top,
			"morph_mask_bb_dim_x_interp_roi": float64(box1[0] - box0[0]), "morph_mask_bb_dim_y_interp_roi": float64(box1[1] - box0[1]), "morph_mask_bb_dim_z_interp_roi": float64(box1[2] - box0[2]),
			"morph_mask_vox_count_interp_roi": float64(mask.Count()), "int_mask_mean_int_interp_roi": sum / float64(mask.Count()),
			"int_mask_min_int_interp_roi": lo, "int_mask_max_int_interp_roi": hi,
		}
		for _, row := range rows[1:] {
			x, ok := got[row[6]]
			if !ok || row[3] != config {
				continue
			}
			want, err1 := strconv.ParseFloat(row[4], 64)
			tol, err2 := strconv.ParseFloat(row[5], 64)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			c := verify.Check{Suite: "imaging", Case: "IBSI CT phantom, configuration " + config + ", resampled", Quantity: row[6], Source: "IBSI 1 check value", Got: x, Want: want, Tol: tol}
			if math.Abs(want) < 1000 {
				c.Digits = 3
			}
			c.Run(t)
			t.Logf("%s %s: %.6g (%.6g ± %.3g)", config, row[6], x, want, tol)
		}
	}
}
