package morphology

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/plaquerisk/plaquerisk/imaging/nrrd"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// body is a mask made by a formula.
type body struct {
	name    string
	size    [3]int
	spacing [3]float64
	inside  func(i, j, k int) bool
}

// bodies are the masks of testdata/pyradiomics_shape.csv.
func bodies() []body {
	sq := func(x float64) float64 { return x * x }
	noise := func(i, j, k, m int) int { return (i*i*7 + j*j*13 + k*k*29 + i*j*k*5 + i*j*3 + j*k*11) % m }
	return []body{
		{"voxel", [3]int{3, 3, 3}, [3]float64{1, 2, 3}, func(i, j, k int) bool { return i == 1 && j == 1 && k == 1 }},
		{"plate", [3]int{9, 7, 3}, [3]float64{0.5, 0.7, 2}, func(i, j, k int) bool { return k == 1 && (i-4)*(i-4)+(j-3)*(j-3) <= 10 }},
		{"noise", [3]int{14, 12, 10}, [3]float64{0.4, 0.5, 0.7}, func(i, j, k int) bool { return noise(i, j, k, 5) < 2 }},
		{"rough ball", [3]int{24, 24, 24}, [3]float64{1, 1, 1}, func(i, j, k int) bool {
			return sq(float64(i)-11.3)+sq(float64(j)-11.8)+sq(float64(k)-12.1) < 100 && noise(i, j, k, 7) < 6
		}},
		{"crescent", [3]int{70, 40, 30}, [3]float64{0.4, 0.4, 0.4}, func(i, j, k int) bool {
			x, y, z := sq(float64(i-30))*0.7, float64(j), sq(float64(k-14))
			return x+sq(y-18)+z*0.5 < 300 && x+sq(y-12)+z*0.3 >= 240
		}},
		{"ellipsoid", [3]int{80, 64, 50}, [3]float64{0.5, 0.6, 0.9}, func(i, j, k int) bool {
			x, y, z := float64(i-39)*0.5, float64(j-31)*0.6, float64(k-24)*0.9
			return sq((x*0.8+y*0.6)/14)+sq((y*0.8-x*0.6)/9)+sq((z+0.2*x)/11) < 1
		}},
		{"two parts", [3]int{130, 6, 6}, [3]float64{1, 1, 1}, func(i, j, k int) bool { return (i < 3 || i > 126) && j < 2+i%3 && k < 3 }},
	}
}

// mask fills a box with the body.
func (b *body) mask() []bool {
	m := make([]bool, 0, b.size[0]*b.size[1]*b.size[2])
	for k := range b.size[2] {
		for j := range b.size[1] {
			for i := range b.size[0] {
				m = append(m, b.inside(i, j, k))
			}
		}
	}
	return m
}

// Masks made by a formula have the values that PyRadiomics 3.0.1 returns.
func TestPyRadiomics(t *testing.T) {
	want := map[[3]string]string{}
	for _, r := range verify.Rows(t, filepath.Join("testdata", "pyradiomics_shape.csv")) {
		want[[3]string{r[0], r[1], r[2]}] = r[3]
	}
	checked := 0
	var w Workspace
	compare := func(b body, family, name string, got float64) {
		s, ok := want[[3]string{b.name, family, name}]
		if !ok {
			t.Errorf("no value of %s for %s", name, b.name)
			return
		}
		checked++
		x := verify.Number(t, s)
		// What PyRadiomics returns for an axis of no length is rounding.
		tol := 1e-9*math.Abs(x) + 2e-7
		verify.Check{Suite: "radiomics", Case: "PyRadiomics, mask " + b.name, Quantity: family + "." + name, Source: "PyRadiomics 3.0.1",
			Got: got, Want: x, Tol: tol}.Run(t)
	}
	for _, b := range bodies() {
		mask := b.mask()
		values := make([]float64, len(PyRadiomicsFeatures))
		NewPyRadiomics(&w, b.size, b.spacing, mask).Values(values, nil)
		for n, f := range PyRadiomicsFeatures {
			compare(b, "shape", f.PyRadiomics, values[n])
		}
		if b.name != "plate" && b.name != "rough ball" && b.name != "voxel" {
			continue
		}
		n := b.size[0] * b.size[1]
		values = make([]float64, len(PlaneFeatures))
		NewPlane(&w, [2]int{b.size[0], b.size[1]}, [2]float64{b.spacing[0], b.spacing[1]}, mask[b.size[2]/2*n:][:n]).Values(values, nil)
		for n, f := range PlaneFeatures {
			compare(b, "shape2D", f.PyRadiomics, values[n])
		}
	}
	if checked != len(want) {
		t.Errorf("%d of %d values checked", checked, len(want))
	}
}

// The brain of PyRadiomics' own tests has its baseline values. Those of the mesh
// were recorded with an older algorithm: the current one differs by up to 0.1 %
// (see TestPyRadiomics).
func TestBrain(t *testing.T) {
	dir := verify.Shared(t, "data", "pyradiomics")
	label, err := nrrd.ReadVolume(filepath.Join(dir, "brain1_label.nrrd"))
	if err != nil {
		t.Fatal(err)
	}
	mask := make([]bool, len(label.Values))
	for n, v := range label.Values {
		mask[n] = v == 1
	}
	old := map[string]bool{"MeshVolume": true, "SurfaceArea": true, "SurfaceVolumeRatio": true, "Sphericity": true}
	var w Workspace
	p := NewPyRadiomics(&w, label.Size, label.Spacing, mask)
	values := make([]float64, len(PyRadiomicsFeatures))
	p.Values(values, nil)
	checked := 0
	for _, r := range verify.Rows(t, filepath.Join(dir, "brain1_reference_values.csv")) {
		if r[1] != "base" || r[2] != "shape" {
			continue
		}
		for n, f := range PyRadiomicsFeatures {
			if f.PyRadiomics != r[3] {
				continue
			}
			tol := 1e-6
			if old[r[3]] {
				tol = 2e-3
			}
			x := verify.Number(t, r[4])
			checked++
			verify.Check{Suite: "radiomics", Case: "PyRadiomics brain1, base", Quantity: "shape." + f.PyRadiomics, Source: "PyRadiomics baseline",
				Got: values[n], Want: x, Tol: tol * math.Abs(x)}.Run(t)
		}
	}
	// Its shape2D values are those of slice 16.
	n := label.Size[0] * label.Size[1]
	q := NewPlane(&w, [2]int(label.Size[:2]), [2]float64(label.Spacing[:2]), mask[16*n:][:n])
	values = make([]float64, len(PlaneFeatures))
	q.Values(values, nil)
	for _, r := range verify.Rows(t, filepath.Join(dir, "brain1_reference_values.csv")) {
		for n, f := range PlaneFeatures {
			if r[2] == "shape2D" && f.PyRadiomics == r[3] {
				x := verify.Number(t, r[4])
				checked++
				verify.Check{Suite: "radiomics", Case: "PyRadiomics brain1, shape2D", Quantity: "shape2D." + f.PyRadiomics, Source: "PyRadiomics baseline",
					Got: values[n], Want: x, Tol: 1e-6 * math.Abs(x)}.Run(t)
			}
		}
	}
	if checked != 14+9 {
		t.Errorf("%d of 23 values checked", checked)
	}
}

// Any mask is measured without panic, and its largest diameter is that of all
// pairs of corners.
func FuzzMask(f *testing.F) {
	f.Add(uint8(3), uint8(2), []byte{0xff, 0x13, 0x5a})
	f.Add(uint8(70), uint8(1), []byte{1, 0, 0, 0, 0, 0, 0, 0, 0x80})
	f.Add(uint8(1), uint8(1), []byte{0})
	f.Fuzz(func(t *testing.T, nx, ny uint8, data []byte) {
		size := [3]int{max(int(nx), 1), max(int(ny), 1), 0}
		if len(data) > 64 {
			data = data[:64]
		}
		size[2] = 8 * len(data) / (size[0] * size[1])
		r := Region{Size: size, Spacing: [3]float64{0.4, 0.3, 1}, Mask: make([]bool, size[0]*size[1]*size[2])}
		for n := range r.Mask {
			if data[n/8]>>(n%8)&1 == 1 {
				r.Mask[n] = true
				r.Inside, r.Values = append(r.Inside, n), append(r.Values, float64(n%5))
			}
		}
		var w Workspace
		p := NewPyRadiomics(&w, r.Size, r.Spacing, r.Mask)
		if _, err := NewShape(t.Context(), &w, r); err != nil {
			t.Fatal(err)
		}
		all := vertices(r)
		if len(all) == 0 {
			return
		}
		var want float64
		for m, a := range all {
			for _, b := range all[:m] {
				want = max(want, square(float64(a[0]-b[0])*0.2)+square(float64(a[1]-b[1])*0.15)+square(float64(a[2]-b[2])*0.5))
			}
		}
		if want = math.Sqrt(want); math.Abs(p.Diameter-want) > 1e-12*want {
			t.Errorf("diameter %g, of all pairs %g", p.Diameter, want)
		}
	})
}
