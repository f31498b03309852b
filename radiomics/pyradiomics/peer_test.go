package pyradiomics

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// records reads a table of testdata as maps.
func records(t testing.TB, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for n, cell := range row {
			m[rows[0][n]] = cell
		}
		out = append(out, m)
	}
	return out
}

// hashNoise is noise() of testdata/peer.py.
func hashNoise(i, j, k int, seed uint32) int {
	h := uint32(i)*73856093 ^ uint32(j)*19349663 ^ uint32(k)*83492791 ^ seed*2654435761
	h = (h ^ h>>16) * 0x7FEB352D
	h = (h ^ h>>15) * 0x846CA68B
	h ^= h >> 16
	return int(h&255) + int(h>>8&255) + int(h>>16&255) + int(h>>24) - 510
}

// phantom makes a case of testdata/phantom_cases.csv, as testdata/peer.py does.
func phantom(t testing.TB, name string) (*imaging.Volume, *imaging.Mask, Pixels) {
	t.Helper()
	for _, c := range records(t, "testdata/phantom_cases.csv") {
		if c["case"] != name {
			continue
		}
		whole := func(m map[string]string, key string) int {
			v, err := strconv.Atoi(m[key])
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		var spacing [3]float64
		for a, key := range []string{"sx", "sy", "sz"} {
			spacing[a], _ = strconv.ParseFloat(c[key], 64)
		}
		g := imaging.NewGrid([3]int{whole(c, "nx"), whole(c, "ny"), whole(c, "nz")}, spacing, r3.Vec{X: -12.5, Y: 30.25, Z: -100})
		vol, mask := imaging.NewVolume(g), imaging.NewMask(g)
		var shapes []map[string]string
		for _, s := range records(t, "testdata/phantom_shapes.csv") {
			if s["case"] == name {
				shapes = append(shapes, s)
			}
		}
		seed, base, pixels := uint32(whole(c, "seed")), whole(c, "base"), Int16
		value := make([]int, g.Len())
		for o := range value {
			i, j, k := g.Coords(o)
			value[o] = base + hashNoise(i, j, k, seed)>>3 + hashNoise(i>>2, j>>2, k>>1, seed+1000)>>3
		}
		for _, s := range shapes {
			ci, cj, ck, slant := whole(s, "ci"), whole(s, "cj"), whole(s, "ck"), whole(s, "slant")
			a, b, cc, d, add := whole(s, "a"), whole(s, "b"), whole(s, "c"), whole(s, "d"), whole(s, "value")
			block, image, op := s["kind"] == "block", s["target"] == "image", s["op"]
			for o := range value {
				i, j, k := g.Coords(o)
				z := k - ck
				x, y := i-ci-z*slant>>3, j-cj
				here := a*x*x+b*y*y+cc*z*z <= d
				if block {
					here = max(a*max(x, -x), b*max(y, -y), cc*max(z, -z)) <= d
				}
				switch {
				case image:
					if here {
						value[o] += add
					}
				case op == "+":
					mask.In[o] = mask.In[o] || here
				case op == "-":
					mask.In[o] = mask.In[o] && !here
				default:
					mask.In[o] = mask.In[o] && here
				}
			}
		}
		if c["pixels"] == "float32" {
			pixels = Float32
		}
		for o, v := range value {
			vol.Values[o] = float32(v)
			if pixels == Float32 {
				i, j, k := g.Coords(o)
				vol.Values[o] = float32(float64(v) + float64(hashNoise(i, j, k, seed+2000))/1024)
			}
		}
		return vol, mask, pixels
	}
	t.Fatalf("no case %s", name)
	return nil, nil, 0
}

// exact is the relative difference up to which values count as equal.
const exact = 1e-6

// offBy returns the relative difference of got from want. A length or ratio of
// less than 1e-15 is zero: PyRadiomics writes what rounding leaves of it.
func offBy(got, want float64) float64 {
	if got == want || math.IsNaN(got) && math.IsNaN(want) || got == 0 && math.Abs(want) < 1e-15 {
		return 0
	}
	if off := math.Abs(got-want) / math.Abs(want); !math.IsNaN(off) {
		return off
	}
	return math.Inf(1)
}

// compared counts how values of PyRadiomics are met.
type compared struct{ values, close, equal int }

// compare runs a parameter file of testdata on the phantoms and compares with
// what PyRadiomics wrote.
func compare(t *testing.T, name string) compared {
	t.Helper()
	params, err := ReadFile("testdata/params_" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := records(t, "testdata/peer_"+name+".csv")
	var sum compared
	for column := range want[0] {
		if column == "feature" {
			continue
		}
		vol, mask, pixels := phantom(t, column)
		p := *params
		p.Pixels = pixels
		v, _, err := Extract(context.Background(), vol, mask, &p)
		if err != nil {
			t.Fatalf("%s: %v", column, err)
		}
		if len(v.Values) != len(want) {
			t.Errorf("%s: %d values, PyRadiomics has %d", column, len(v.Values), len(want))
		}
		for _, row := range want {
			at, ok := v.Schema.Index(row["feature"])
			if !ok {
				t.Fatalf("%s: no feature %s", column, row["feature"])
			}
			if row[column] == "" {
				continue // PyRadiomics has no such image for this case
			}
			w, err := strconv.ParseFloat(row[column], 64)
			if err != nil {
				t.Fatal(err)
			}
			got := v.Values[at]
			off := offBy(got, w)
			sum.values++
			if off <= 0.03 {
				sum.close++
			} else if testing.Verbose() {
				t.Logf("FAR %s %s: %.10g, PyRadiomics %.10g", column, row["feature"], got, w)
			}
			if off <= exact {
				sum.equal++
			} else if testing.Verbose() {
				t.Logf("%s %s: %.10g, PyRadiomics %.10g, off %.2g", column, row["feature"], got, w, off)
			}
		}
	}
	return sum
}

// exceptions says why some values of a file differ by more than 1e-6.
var exceptions = map[string]string{
	"images":             singleWavelets + "; a bin edge that the largest value of an exponential image meets",
	"cropped":            singleWavelets,
	"force2d":            singleWavelets,
	"force2d_axis1":      singleWavelets,
	"normalized":         singleWavelets,
	"resampled_spline":   singleWavelets,
	"resampled_gaussian": "one voxel whose interpolated value is a whole number but for rounding, which is then cut off",
}

const singleWavelets = "means and medians near zero of wavelet bands, which PyRadiomics computes in float32 for images of float32 and we store in float32"

// slow are the files that take seconds.
var slow = []string{"images", "cropped", "lbp3d", "resampled_gaussian", "resampled_hamming", "resampled_sinc", "resampled_spline"}

// The features of twenty regions, ten like plaques and ten large, with every
// image type, and of some regions with every setting, are PyRadiomics' own.
func TestPeer(t *testing.T) {
	paths, err := filepath.Glob("testdata/params_*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	for _, path := range paths {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "params_"), ".yaml")
		t.Run(name, func(t *testing.T) {
			if testing.Short() && slices.Contains(slow, name) {
				t.Skip("takes seconds")
			}
			c := compare(t, name)
			check := func(quantity string, got, want, tol float64) {
				verify.Check{Suite: "radiomics", Case: "PyRadiomics 3.0.1 on our phantoms, " + name, Quantity: quantity,
					Source: "PyRadiomics 3.0.1 run by testdata/peer.py", Got: got, Want: want, Tol: tol}.Run(t)
			}
			check(fmt.Sprintf("share of %d values within 3 %%", c.values), float64(c.close)/float64(c.values), 1, 0)
			rest := ""
			if why := exceptions[name]; why != "" {
				rest = " (the rest: " + why + ")"
			}
			check(fmt.Sprintf("share of %d values within 1e-6%s", c.values, rest), float64(c.equal)/float64(c.values), 1, 0.02)
		})
	}
}
