package pyradiomics

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// Feature maps of a region are PyRadiomics' own, of derived images too: within
// 1e-6, of the value or of 1 HU where the mean of a wavelet's band cancels.
func TestMaps(t *testing.T) {
	p, err := ReadFile("testdata/voxels.yaml")
	if err != nil {
		t.Fatal(err)
	}
	vol, mask, pixels := phantom(t, "tiny")
	p.Pixels = pixels
	got := map[string]*imaging.Volume{}
	err = Maps(context.Background(), vol, mask, p, func(m FeatureMap) error {
		got[m.Name] = m.Volume
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := records(t, "testdata/voxels_tiny.csv")
	if len(rows) != mask.Count() || len(got) != len(rows[0])-3 {
		t.Fatalf("%d voxels and %d maps, PyRadiomics has %d and %d", mask.Count(), len(got), len(rows), len(rows[0])-3)
	}
	total, equal := 0, 0
	for _, r := range rows {
		at := [3]int{}
		for a, axis := range []string{"i", "j", "k"} {
			if at[a], err = strconv.Atoi(r[axis]); err != nil {
				t.Fatal(err)
			}
		}
		for name, cell := range r {
			if len(name) == 1 {
				continue
			}
			want, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			m := got[name]
			if m == nil {
				t.Fatalf("no map %s", name)
			}
			i, j, k := m.Index(vol.Point(float64(at[0]), float64(at[1]), float64(at[2])))
			total++
			if v := m.At(int(i+0.5), int(j+0.5), int(k+0.5)); math.Abs(v-want) <= exact*max(1, math.Abs(want)) {
				equal++
			} else {
				t.Errorf("%s at %v: %.9g, PyRadiomics %.9g", name, at, v, want)
			}
		}
	}
	for name, m := range got {
		if m.Values[0] != -7 {
			t.Errorf("%s: %g outside the region, want initValue", name, m.Values[0])
		}
	}
	verify.Check{Suite: "radiomics", Case: "PyRadiomics 3.0.1 on our phantoms, feature maps", Quantity: fmt.Sprintf("values of %d within 1e-6", total),
		Source: "PyRadiomics 3.0.1 run by testdata/peer.py", Got: float64(equal), Want: float64(total)}.Run(t)
}
