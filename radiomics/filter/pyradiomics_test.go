package filter

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// peerImage is the image of testdata/pyradiomics.py.
func peerImage() *imaging.Volume {
	v := imaging.NewVolume(imaging.NewGrid([3]int{9, 8, 7}, [3]float64{0.5, 0.6, 0.8}, r3.Vec{}))
	for n := range v.Values {
		v.Values[n] = float32(n*7919%1013 + 2*(n%9)*(n%9) - 400)
	}
	return v
}

// peerConfig translates a row of testdata/pyradiomics.csv.
func peerConfig(t *testing.T, name, kind, settings string) Config {
	t.Helper()
	c := Config{Kind: kind}
	image, band, _ := strings.Cut(name, "-")
	switch kind {
	case "wavelet_pywt":
		c.Band = band
		if level := strings.TrimPrefix(image, "wavelet"); level != "" {
			c.Level = int(verify.Number(t, level))
		}
		if len(band) == 2 {
			c.Dimensions = 2
		}
	case "lbp_3d":
		c.Map = strings.TrimPrefix(band, "3D-")
	}
	for part := range strings.SplitSeq(settings, ",") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "sigma":
			c.Sigma = verify.Number(t, value)
		case "ignore_spacing":
			c.IgnoreSpacing = true
		case "method":
			c.Method = value
		case "radius":
			c.Radius = verify.Number(t, value)
		case "samples":
			c.Samples = int(verify.Number(t, value))
		case "axis":
			c.Axis = value
		case "harmonics":
			c.Harmonics = int(verify.Number(t, value))
		case "subdivision":
			n := int(verify.Number(t, value))
			c.Subdivision = &n
		case "coif1", "db2", "bior2.2", "haar":
			c.Wavelet = key
		}
	}
	return c
}

// Filters of PyRadiomics give its images, voxel by voxel, to the rounding of
// float32.
func TestPyRadiomics(t *testing.T) {
	text, err := os.ReadFile("testdata/pyradiomics.csv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSpace(line), ";")
		name, kind, settings := fields[0], fields[1], fields[2]
		t.Run(name+" "+settings, func(t *testing.T) {
			v := peerImage()
			if settings == "quarters" {
				for n := range v.Values {
					v.Values[n] += 0.25 * float32(n%3)
				}
			}
			f, err := New(peerConfig(t, name, kind, settings))
			if err != nil {
				t.Fatal(err)
			}
			h, err := f.Apply(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			var worst, lo, hi float64
			for n, x := range fields[3:] {
				want, err := strconv.ParseFloat(x, 64)
				if err != nil {
					t.Fatal(err)
				}
				worst = max(worst, math.Abs(float64(h.Values[n])-want))
				lo, hi = min(lo, want), max(hi, want)
			}
			verify.Check{Suite: "radiomics", Case: strings.TrimSpace("PyRadiomics image " + name + " " + settings), Quantity: "largest difference / range",
				Source: "PyRadiomics 3.0.1, " + fmt.Sprint(len(fields)-3) + " voxels", Got: worst / (hi - lo), Want: 0, Tol: 1e-6}.Run(t)
			t.Logf("%.2g", worst/(hi-lo))
		})
	}
}
