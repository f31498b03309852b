package ibsi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/radiomics"
	"github.com/plaquerisk/plaquerisk/radiomics/filter"
)

// responseMaps compares filters with the consensus response maps: the largest
// difference, as a part of the map's range.
func responseMaps(ctx context.Context, dir string, add func(*Suite)) error {
	dir = filepath.Join(dir, "ibsi2")
	table, err := readFile(filepath.Join(dir, "ibsi2_phase1_configs.csv"))
	if err != nil {
		return err
	}
	s := &Suite{Name: "IBSI 2, phase 1, response maps"}
	for _, r := range table {
		if r["response_map"] == "" {
			continue
		}
		fail := func(err error) error { return fmt.Errorf("%s: %s: %w", s.Name, r["config"], err) }
		cfg, err := filterConfig(r)
		if err != nil {
			return fail(err)
		}
		f, err := filter.New(cfg)
		if err != nil {
			return fail(err)
		}
		image, err := format.ReadVolume(filepath.Join(dir, "phantoms", r["phantom"]+".nii.gz"))
		if err != nil {
			return fail(err)
		}
		want, err := format.ReadVolume(filepath.Join(dir, filepath.FromSlash(r["response_map"])))
		if err != nil {
			return fail(err)
		}
		got, err := f.Apply(ctx, image)
		if err != nil {
			return fail(err)
		}
		if len(got.Values) != len(want.Values) {
			return fail(fmt.Errorf("the map has %v voxels, the image %v", want.Size, got.Size))
		}
		var worst float64
		for n, x := range got.Values {
			worst = max(worst, math.Abs(float64(x)-float64(want.Values[n])))
		}
		s.Rows = append(s.Rows, Row{Quantity: r["config"] + " " + r["filter"] + ", largest difference / range",
			Got: worst / float64(slices.Max(want.Values)-slices.Min(want.Values)), Tol: 0.01})
	}
	add(s)
	return nil
}

// filterConfig translates a row of the configurations of phase 1.
func filterConfig(r record) (filter.Config, error) {
	c := filter.Config{Dimensions: 3, Boundary: r["padding"]}
	if r["dimension"] == "2D" {
		c.Dimensions = 2
	}
	switch name := r["filter"]; {
	case name == "riesz_log", name == "riesz_simoncelli":
		c.Kind = name
	case name == "simoncelli" && c.Boundary == "mirror": // the teams transformed the image as it is
		c.Kind, c.Boundary = name, ""
	default:
		c.Kind, c.Wavelet, _ = strings.Cut(name, "_")
	}
	if c.Kind == "gabor" {
		c.Dimensions = 0
	}
	var errs []error
	number := func(s string) float64 {
		x, err := strconv.ParseFloat(s, 64)
		errs = append(errs, err)
		return x
	}
	for part := range strings.SplitSeq(r["parameters"], ";") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "support":
			c.Width = int(number(value))
		case "sigma_mm":
			c.Sigma = number(value)
		case "cutoff":
			c.Cutoff = number(strings.TrimSuffix(value, "sigma"))
		case "kernel":
			c.Kernel = value
		case "rotation_invariance":
			c.RotationInvariant = true
		case "pooling":
			c.Pooling = strings.Replace(value, "average", "mean", 1)
		case "energy_distance":
			c.EnergyDistance = int(number(value))
		case "lambda_mm":
			c.Wavelength = number(value)
		case "gamma":
			c.AspectRatio = number(value)
		case "theta_deg":
			c.Angle = number(value)
		case "theta_step_deg":
			c.AngleStep = number(value)
		case "average_over_orthogonal_planes":
			c.OrthogonalPlanes = true
		case "response":
			c.Response = value
		case "map":
			if c.Kind == "wavelet" {
				c.Band = value
			}
		case "level":
			c.Level = int(number(value))
		case "l":
			for l := range strings.SplitSeq(value, ",") {
				c.RieszOrder = append(c.RieszOrder, int(number(l)))
			}
		case "undecimated", "":
		default:
			errs = append(errs, fmt.Errorf("unknown parameter %q", part))
		}
	}
	return c, errors.Join(errs...)
}

// filtered finds the value of a code in the image of filter configuration n; 1
// is the unfiltered image.
func filtered(v *feature.Vector, n, code string, row *Row) {
	image := "f" + n + "."
	if n == "1" {
		image = "original."
	}
	for m, c := range v.Schema.Columns() {
		if c.IBSI() == code && strings.HasPrefix(c.Name, image) {
			row.Quantity, row.Got, row.Missing = c.Name+", "+c.Unit, v.Values[m], math.IsNaN(v.Values[m])
			return
		}
	}
}

// filteredPhantom compares statistics of filtered images of the CT phantom.
func filteredPhantom(ctx context.Context, dir string, add func(*Suite)) error {
	vol, mask, err := ctPhantom(dir)
	if err != nil {
		return err
	}
	reference, err := readFile(filepath.Join(dir, "ibsi2", "ibsi2_reference_values.csv"))
	if err != nil {
		return err
	}
	for _, chain := range []string{"A", "B"} {
		s := &Suite{Name: "IBSI 2, phase 2, filters 1." + chain + " to 9." + chain}
		cfg, _, err := radiomics.Preset("ibsi2_" + strings.ToLower(chain))
		if err != nil {
			return err
		}
		v, _, err := radiomics.Extract(ctx, vol, mask, cfg)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		for _, r := range reference {
			n, ok := strings.CutSuffix(r["config"], "."+chain)
			if !ok {
				continue
			}
			x, err := r.numbers("value", "tolerance")
			if err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
			row := Row{Quantity: r["config"] + " " + r["feature"], Code: r["ibsi_id"], Want: x[0], Tol: x[1], Missing: true}
			filtered(&v, n, row.Code, &row)
			s.Rows = append(s.Rows, row)
		}
		add(s)
	}
	return nil
}
