package filter

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// table reads a CSV file as one map per row.
func table(t *testing.T, elem ...string) []map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, l := range lines[1:] {
		row := map[string]string{}
		for n, x := range l {
			row[lines[0][n]] = x
		}
		rows = append(rows, row)
	}
	return rows
}

// configOf translates a row of the configurations of IBSI 2.
func configOf(t *testing.T, row map[string]string) Config {
	t.Helper()
	c := Config{Dimensions: 3, Boundary: row["padding"]}
	if row["dimension"] == "2D" {
		c.Dimensions = 2
	}
	number := func(s string) float64 {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	c.Kind, c.Wavelet, _ = strings.Cut(row["filter"], "_")
	if row["filter"] == "simoncelli" && row["padding"] == "mirror" {
		c.Boundary = "" // the teams took the transform of the image as it is
	}
	switch row["filter"] {
	case "riesz_log", "riesz_simoncelli":
		c.Kind, c.Wavelet = row["filter"], ""
	}
	if c.Kind == "gabor" {
		c.Dimensions = 0
	}
	for part := range strings.SplitSeq(row["parameters"], ";") {
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
			t.Fatalf("parameter %q of %s", part, row["config"])
		}
	}
	return c
}

// The responses to the phantoms of IBSI 2 are the consensus maps, everywhere
// within 1 % of their range.
func TestResponseMaps(t *testing.T) {
	dir := verify.Shared(t, "data", "ibsi2")
	for _, row := range table(t, dir, "ibsi2_phase1_configs.csv") {
		if row["response_map"] == "" {
			continue
		}
		t.Run(row["config"], func(t *testing.T) {
			if testing.Short() && (strings.Contains(row["filter"], "riesz") || strings.Contains(row["parameters"], "orthogonal")) {
				t.Skip("takes a second")
			}
			v := volume(t, dir, "phantoms", row["phantom"]+".nii.gz")
			want := volume(t, dir, row["response_map"])
			f, err := New(configOf(t, row))
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Apply(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			var worst float64
			for n, x := range got.Values {
				worst = max(worst, math.Abs(float64(x)-float64(want.Values[n])))
			}
			worst /= float64(slices.Max(want.Values) - slices.Min(want.Values))
			verify.Check{Suite: "radiomics", Case: fmt.Sprintf("IBSI 2 phase 1, %s %s", row["config"], row["filter"]),
				Quantity: "largest difference / range of the map", Source: "IBSI 2 consensus response map",
				Got: worst, Want: 0, Tol: 0.01}.Run(t)
			t.Logf("%.3g", worst)
		})
	}
}

func volume(t *testing.T, elem ...string) *imaging.Volume {
	t.Helper()
	v, err := nifti.ReadVolume(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
