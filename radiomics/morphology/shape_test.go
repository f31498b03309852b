package morphology

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// digital returns the digital phantom of IBSI 1.
func digital(t testing.TB) Region {
	r := Region{Size: [3]int{5, 4, 4}, Spacing: [3]float64{2, 2, 2}}
	for n, row := range verify.Rows(t, filepath.Join("..", "ibsi", "data", "phantom.csv")) {
		in := row[len(row)-1] == "1"
		r.Mask = append(r.Mask, in)
		if in {
			r.Inside = append(r.Inside, n)
			r.Values = append(r.Values, verify.Number(t, row[len(row)-2]))
		}
	}
	return r
}

// The digital phantom has the consensus values of IBSI's morphology, and those
// of the oriented bounding box that the manual's tables give.
func TestDigitalPhantom(t *testing.T) {
	var w Workspace
	s, err := NewShape(t.Context(), &w, digital(t))
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float64, len(ShapeFeatures))
	support := make([]feature.Support, len(ShapeFeatures))
	s.Values(values, support)
	byCode := map[string]int{}
	for n, f := range ShapeFeatures {
		byCode[f.Code] = n
		if support[n] != (feature.Support{Voxels: 74}) {
			t.Errorf("%s: support %+v", f.Name, support[n])
		}
	}
	check := func(code string, want, tol float64) {
		n := byCode[code]
		verify.Check{Suite: "radiomics", Case: "IBSI 1 digital phantom", Quantity: "morphology." + ShapeFeatures[n].Name, Source: "IBSI 1 consensus " + code,
			Got: values[n], Want: want, Tol: tol, Digits: 3}.Run(t)
	}
	check("ZH1A", 0.869, 0.005)
	check("IQYR", 0.866, 0.005)
	checked := 0
	for _, r := range verify.Rows(t, filepath.Join(verify.Shared(t, "data", "ibsi1"), "ibsi1_reference_values.csv")) {
		if r[2] == "morphology" && r[4] == "digital" {
			check(r[0], verify.Number(t, r[5]), verify.Number(t, r[6]))
			checked++
		}
	}
	if checked != 25 {
		t.Errorf("%d of 25 values checked", checked)
	}
}

// random returns a region with rough borders and intensities of its own.
func random(seed uint64, size [3]int, part float64) Region {
	rng := rand.New(rand.NewPCG(seed, 1))
	r := Region{Size: size, Spacing: [3]float64{0.4, 0.5, 0.7}}
	for n := range size[0] * size[1] * size[2] {
		in := rng.Float64() < part
		r.Mask = append(r.Mask, in)
		if in && rng.Float64() < 0.9 {
			r.Inside = append(r.Inside, n)
			r.Values = append(r.Values, 100*rng.NormFloat64()+float64(n%size[0]))
		}
	}
	return r
}

// vertices returns all corners of the surface of a mask, in half voxels.
func vertices(r Region) (all []point) {
	in := func(i, j, k int) bool {
		return i >= 0 && j >= 0 && k >= 0 && i < r.Size[0] && j < r.Size[1] && k < r.Size[2] && r.Mask[(k*r.Size[1]+j)*r.Size[0]+i]
	}
	for k := -1; k < r.Size[2]; k++ {
		for j := -1; j < r.Size[1]; j++ {
			for i := -1; i < r.Size[0]; i++ {
				for a := range 3 {
					d := [3]int{}
					d[a] = 1
					if in(i, j, k) != in(i+d[0], j+d[1], k+d[2]) {
						all = append(all, point{int32(2*i + d[0]), int32(2*j + d[1]), int32(2*k + d[2])})
					}
				}
			}
		}
	}
	return all
}

// Diameters are those of all pairs of corners, and every corner lies within the
// hull, which has some of them as its corners.
func TestBruteForce(t *testing.T) {
	var w Workspace
	regions := []Region{random(1, [3]int{7, 5, 6}, 0.3), random(2, [3]int{3, 9, 20}, 0.05), random(3, [3]int{70, 3, 2}, 0.02), random(4, [3]int{1, 1, 1}, 2), random(5, [3]int{12, 11, 13}, 0.01)}
	for _, b := range bodies() {
		if b.size[0]*b.size[1]*b.size[2] < 20_000 {
			regions = append(regions, Region{Size: b.size, Spacing: b.spacing, Mask: b.mask()})
		}
	}
	for n, r := range regions {
		all := vertices(r)
		var want [4]float64 // same i, j, k, any
		for m, p := range all {
			for _, q := range all[:m] {
				var d float64
				for a := range 3 {
					d += square(float64(p[a]-q[a]) * (r.Spacing[a] / 2))
				}
				for a := range 3 {
					if p[a] == q[a] {
						want[a] = max(want[a], d)
					}
				}
				want[3] = max(want[3], d)
			}
		}
		p := NewPyRadiomics(&w, r.Size, r.Spacing, r.Mask)
		for a, got := range [4]float64{p.Row, p.Column, p.Slice, p.Diameter} {
			if math.Abs(got-math.Sqrt(want[a])) > 1e-13*got {
				t.Errorf("region %d: diameter %d is %.17g, of all pairs %.17g", n, a, got, math.Sqrt(want[a]))
			}
		}
		s, err := NewShape(t.Context(), &w, r)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(s.Diameter-math.Sqrt(want[3])) > 1e-13*s.Diameter {
			t.Errorf("region %d: diameter of the hull %.17g, of all pairs %.17g", n, s.Diameter, math.Sqrt(want[3]))
		}
		known := map[point]bool{}
		for _, p := range all {
			q := point{}
			for a := range 3 {
				q[a] = p[a] + 2 - 2*int32(w.region.lo[a]) // in the margin's frame
			}
			known[q] = true
			for m := range w.hull.faces {
				if up := w.hull.faces[m].above(q); up > 0 {
					t.Fatalf("region %d: corner %v lies %d above face %d of the hull", n, q, up, m)
				}
			}
		}
		for _, p := range w.hull.points {
			if !known[p] {
				t.Errorf("region %d: corner %v of the hull is none of the surface", n, p)
			}
		}
		// Euler: a closed body of triangles.
		if v, f := len(w.hull.points), len(w.hull.faces); f != 2*v-4 {
			t.Errorf("region %d: hull of %d corners has %d faces", n, v, f)
		}
		for m, f := range w.hull.faces {
			for e := range 3 {
				g := w.hull.faces[f.beside[e]]
				if !slices.Contains(g.v[:], f.v[e]) || !slices.Contains(g.v[:], f.v[(e+1)%3]) || int(f.beside[e]) == m {
					t.Errorf("region %d: face %d is not beside face %d", n, f.beside[e], m)
				}
			}
		}
	}
}

// Moran's I and Geary's C are those of all pairs, by direct sums and by Fourier
// transforms.
func TestAutocorrelationBruteForce(t *testing.T) {
	for n, r := range []Region{digital(t), random(6, [3]int{9, 6, 5}, 0.6), random(7, [3]int{21, 20, 1}, 0.7), random(8, [3]int{1, 1, 30}, 0.9), random(9, [3]int{23, 17, 13}, 0.8), random(16, [3]int{60, 70, 50}, 0.0002)} {
		var mean, m2, weight, cross, differences float64
		for _, x := range r.Values {
			mean += x / float64(len(r.Values))
		}
		for _, x := range r.Values {
			m2 += square(x - mean)
		}
		for a, o := range r.Inside {
			var w, c, ds float64 // of one voxel, to keep the digits
			for b, p := range r.Inside {
				if a == b {
					continue
				}
				d := math.Sqrt(square(float64(o%r.Size[0]-p%r.Size[0])*r.Spacing[0]) +
					square(float64(o/r.Size[0]%r.Size[1]-p/r.Size[0]%r.Size[1])*r.Spacing[1]) +
					square(float64(o/r.Size[0]/r.Size[1]-p/r.Size[0]/r.Size[1])*r.Spacing[2]))
				w += 1 / d
				c += (r.Values[a] - mean) * (r.Values[b] - mean) / d
				ds += square(r.Values[a]-r.Values[b]) / d
			}
			weight += w
			cross += c
			differences += ds
		}
		count := float64(len(r.Values))
		moran, geary := count/weight*cross/m2, (count-1)/(2*weight)*differences/m2
		var f field
		f.standardise(r.Size, newFrame(r.Spacing, [3]float64{}), r.Inside, r.Values)
		near, err := f.direct(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		far, err := f.fourier(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []pairSums{near, far} {
			i, c := s.cross/s.weight, (count-1)/count*(s.square-s.cross)/s.weight
			if math.Abs(i-moran) > 1e-12 || math.Abs(c-geary) > 1e-12 {
				t.Errorf("region %d: I %.15g C %.15g, want %.15g %.15g", n, i, c, moran, geary)
			}
		}
	}
}

// turned returns the region with its axes in another order, the first reversed.
func turned(r Region, order [3]int) Region {
	out := Region{Mask: make([]bool, len(r.Mask))}
	for a, from := range order {
		out.Size[a], out.Spacing[a] = r.Size[from], r.Spacing[from]
	}
	value := map[int]float64{}
	for n, o := range r.Inside {
		value[o] = r.Values[n]
	}
	for n := range out.Mask {
		p := [3]int{out.Size[0] - 1 - n%out.Size[0], n / out.Size[0] % out.Size[1], n / out.Size[0] / out.Size[1]}
		var q [3]int
		for a, from := range order {
			q[from] = p[a]
		}
		o := (q[2]*r.Size[1]+q[1])*r.Size[0] + q[0]
		out.Mask[n] = r.Mask[o]
		if x, ok := value[o]; ok {
			out.Inside, out.Values = append(out.Inside, n), append(out.Values, x)
		}
	}
	return out
}

// Turning a region by right angles, and widening its box, changes none of IBSI's
// features.
func TestTurned(t *testing.T) {
	var w Workspace
	r := random(10, [3]int{11, 9, 8}, 0.4)
	values := func(r Region) []float64 {
		s, err := NewShape(t.Context(), &w, r)
		if err != nil {
			t.Fatal(err)
		}
		v := make([]float64, len(ShapeFeatures))
		s.Values(v, nil)
		return v
	}
	want := values(r)
	for _, order := range [][3]int{{0, 1, 2}, {1, 2, 0}, {2, 0, 1}, {1, 0, 2}, {0, 2, 1}} {
		for n, got := range values(turned(r, order)) {
			tol := 1e-11
			switch ShapeFeatures[n].Code {
			case "SWZ1":
				tol = 2e-6 // the ellipsoid is iterated to this
			case "C0JK", "2PR5", "SKGS", "BQWJ", "KRCK", "QCFX", "25C7", "R59B", "RDD2", "7T7F", "IQYR", "BRI8":
				// Of two cuts of a loop that enclose the same volume, which differ in
				// area, the first is taken.
				tol = 1e-3
			}
			if math.Abs(got-want[n]) > tol*math.Abs(want[n]) {
				t.Errorf("order %v: %s is %.15g, want %.15g", order, ShapeFeatures[n].Name, got, want[n])
			}
		}
	}
}

// Voxels twice as large make volumes eight times, areas four times and lengths
// twice as large; ratios stay.
func TestScaled(t *testing.T) {
	var w Workspace
	r := random(11, [3]int{12, 9, 8}, 0.5)
	s, err := NewShape(t.Context(), &w, r)
	if err != nil {
		t.Fatal(err)
	}
	want := *s
	for a := range 3 {
		r.Spacing[a] *= 2
	}
	if s, err = NewShape(t.Context(), &w, r); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name            string
		got, want, grow float64
	}{
		{"volume", s.Mesh.Volume, want.Mesh.Volume, 8}, {"area", s.Mesh.Area, want.Mesh.Area, 4},
		{"hull", s.Hull.Volume, want.Hull.Volume, 8}, {"hull's area", s.Hull.Area, want.Hull.Area, 4},
		{"box", s.OrientedBox.Volume, want.OrientedBox.Volume, 8}, {"ellipsoid", s.EnclosingSolid.Volume, want.EnclosingSolid.Volume, 8},
		{"diameter", s.Diameter, want.Diameter, 2}, {"axis", s.Axes[0], want.Axes[0], 2}, {"shift", s.Shift, want.Shift, 2},
		{"Moran", s.MoranI, want.MoranI, 1}, {"Geary", s.GearyC, want.GearyC, 1},
	} {
		if math.Abs(c.got-c.grow*c.want) > 1e-12*math.Abs(c.got) {
			t.Errorf("%s is %g, want %g times %g", c.name, c.got, c.grow, c.want)
		}
	}
}

// Two copies far apart have twice the volume and area, in both conventions.
func TestTwoCopies(t *testing.T) {
	var w Workspace
	r := random(12, [3]int{20, 9, 8}, 0.5)
	two := Region{Size: [3]int{100, 9, 8}, Spacing: r.Spacing, Mask: make([]bool, 100*9*8)}
	for n, in := range r.Mask {
		at := n/20*100 + n%20
		two.Mask[at], two.Mask[at+71] = in, in
	}
	one, err := NewShape(t.Context(), &w, r)
	if err != nil {
		t.Fatal(err)
	}
	want := one.Mesh
	area := NewPyRadiomics(&w, r.Size, r.Spacing, r.Mask).Mesh.Area
	s, err := NewShape(t.Context(), &w, two)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(s.Mesh.Volume-2*want.Volume) > 1e-12*want.Volume || math.Abs(s.Mesh.Area-2*want.Area) > 1e-12*want.Area {
		t.Errorf("two copies have %v, one %v", s.Mesh, want)
	}
	if got := NewPyRadiomics(&w, two.Size, two.Spacing, two.Mask).Mesh.Area; math.Abs(got-2*area) > 1e-12*area {
		t.Errorf("two copies have an area of %g, one %g", got, area)
	}
}

// Closed forms: the smallest box and ellipsoid around an octahedron (one voxel),
// a block, and bodies given by their corners.
func TestEnclosing(t *testing.T) {
	near := func(what string, got, want, tol float64) {
		t.Helper()
		if math.Abs(got-want) > tol*want {
			t.Errorf("%s is %.10g, want %.10g", what, got, want)
		}
	}
	build := func(ps ...point) *Workspace {
		w := &Workspace{}
		w.hull.build(ps)
		w.hull.finish()
		return w
	}
	unit := newFrame([3]float64{2, 2, 2}, [3]float64{}) // corners in half voxels are mm
	// A block turned by a right-angled triangle 3, 4, 5 about k: 50 by 25 by 7.
	var turned []point
	for n := range int32(8) {
		a, b, c := n&1*10, n>>1&1*5, n>>2*7
		turned = append(turned, point{4*a - 3*b, 3*a + 4*b, c})
	}
	w := build(turned...)
	got := w.search.smallest(&w.hull, &unit)
	near("box around a turned block", got.Volume, 50*25*7, 1e-12)
	near("its area", got.Area, 2*(50*25+25*7+50*7), 1e-12)
	// The smallest ellipsoid around a block has its edges times √3 as axes.
	near("ellipsoid around a block", w.ball.smallest(w.hull.points, &unit).Volume, math.Pi/6*math.Sqrt(27)*50*25*7, 2e-6) // the volume at which the iteration may stop
	// A regular tetrahedron lies best in a cube: on edges, with no face on a side.
	w = build(point{0, 0, 0}, point{1, 1, 0}, point{1, 0, 1}, point{0, 1, 1})
	near("box around a tetrahedron", w.search.smallest(&w.hull, &unit).Volume, 1, 1e-12)
	near("ball around a tetrahedron", w.ball.smallest(w.hull.points, &unit).Volume, 4*math.Pi/3*math.Pow(0.75, 1.5), 2e-6)
	// An octahedron with half axes 1, 2 and 3.
	w = build(point{1, 0, 0}, point{-1, 0, 0}, point{0, 2, 0}, point{0, -2, 0}, point{0, 0, 3}, point{0, 0, -3})
	near("ellipsoid around an octahedron", w.ball.smallest(w.hull.points, &unit).Volume, 4*math.Pi/3*6, 2e-6)
	near("hull of an octahedron", w.hull.solid(&unit).Volume, 8, 1e-12)
	// An ellipsoid of voxels: its own ellipsoid, half a voxel larger all around.
	b := bodies()[5]
	v := &Workspace{}
	s, err := NewShape(t.Context(), v, Region{Size: b.size, Spacing: b.spacing, Mask: b.mask()})
	if err != nil {
		t.Fatal(err)
	}
	near("ellipsoid around an ellipsoid", s.EnclosingSolid.Volume, 4*math.Pi/3*14.25*9.3*11.45, 0.04)
	if s.EnclosingSolid.Volume < s.Hull.Volume || s.OrientedBox.Volume < s.Hull.Volume || s.OrientedBox.Volume > s.Bounds.Volume*(1+1e-12) {
		t.Errorf("hull %g, ellipsoid %g, oriented box %g, box %g mm³", s.Hull.Volume, s.EnclosingSolid.Volume, s.OrientedBox.Volume, s.Bounds.Volume)
	}
	// The series for the area is exact for a sphere.
	near("area of a sphere", ellipsoid(2, 2, 2).Area, 16*math.Pi, 1e-14)
}

// The volume and area of a fine ball are nearly those of a ball.
func TestBall(t *testing.T) {
	var w Workspace
	b := body{"ball", [3]int{64, 64, 64}, [3]float64{0.5, 0.5, 0.5}, func(i, j, k int) bool {
		return (2*i-63)*(2*i-63)+(2*j-63)*(2*j-63)+(2*k-63)*(2*k-63) < 4*28*28
	}}
	s, err := NewShape(t.Context(), &w, Region{Size: b.size, Spacing: b.spacing, Mask: b.mask()})
	if err != nil {
		t.Fatal(err)
	}
	want := 4 * math.Pi / 3 * 14 * 14 * 14
	if math.Abs(s.Mesh.Volume-want) > 0.005*want {
		t.Errorf("volume %g mm³, want %g", s.Mesh.Volume, want)
	}
	if d := s.Diameter; d < 27.5 || d > 28.6 {
		t.Errorf("diameter %g mm, want 28", d)
	}
	for _, a := range s.Axes {
		if want := 28 * 2 / math.Sqrt(5); math.Abs(a-want) > 0.01*want {
			t.Errorf("axes %v mm, want %g", s.Axes, want)
		}
	}
}

// Regions without a value say why: empty, one voxel, one slice, one intensity,
// intensities that add to zero or are no numbers.
func TestUndefined(t *testing.T) {
	var w Workspace
	run := func(r Region) map[string]feature.Reason {
		s, err := NewShape(t.Context(), &w, r)
		if err != nil {
			t.Fatal(err)
		}
		v, support := make([]float64, len(ShapeFeatures)), make([]feature.Support, len(ShapeFeatures))
		s.Values(v, support)
		out := map[string]feature.Reason{}
		for n, f := range ShapeFeatures {
			if math.IsNaN(v[n]) != (support[n].Reason != feature.Defined) {
				t.Errorf("%s is %g for the reason %q", f.Name, v[n], support[n].Reason)
			}
			out[f.Name] = support[n].Reason
		}
		return out
	}
	flat := Region{Size: [3]int{4, 3, 1}, Spacing: [3]float64{1, 1, 1}, Mask: slices.Repeat([]bool{true}, 12)}
	for n := range 12 {
		flat.Inside, flat.Values = append(flat.Inside, n), append(flat.Values, 5)
	}
	zero := flat
	zero.Values = []float64{-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1}
	bad := flat
	bad.Values = slices.Concat([]float64{math.NaN()}, flat.Values[1:])
	one := Region{Size: [3]int{1, 1, 1}, Spacing: [3]float64{1, 1, 1}, Mask: []bool{true}, Inside: []int{0}, Values: []float64{3}}
	empty := Region{Size: [3]int{2, 2, 2}, Spacing: [3]float64{1, 1, 1}, Mask: make([]bool, 8)}
	shapeOnly := Region{Size: [3]int{1, 1, 1}, Spacing: [3]float64{1, 1, 1}, Mask: []bool{true}}
	for _, test := range []struct {
		region Region
		name   string
		want   feature.Reason
	}{
		{empty, "mesh_volume", feature.EmptyRegion}, {empty, "morans_i", feature.EmptyRegion},
		{one, "major_axis_length", feature.OneVoxel}, {one, "morans_i", feature.OneVoxel}, {one, "mesh_volume", feature.Defined}, {one, "volume_density_ombb", feature.Defined},
		{flat, "volume_density_aee", feature.OneSlice}, {flat, "gearys_c", feature.OneLevel}, {flat, "flatness", feature.Defined}, {flat, "centre_of_mass_shift", feature.Defined},
		{zero, "centre_of_mass_shift", feature.ZeroDenominator}, {zero, "morans_i", feature.Defined},
		{bad, "integrated_intensity", feature.NotFinite}, {bad, "morans_i", feature.NotFinite}, {bad, "surface_area", feature.Defined},
		{shapeOnly, "integrated_intensity", feature.EmptyRegion}, {shapeOnly, "sphericity", feature.Defined},
	} {
		if got := run(test.region)[test.name]; got != test.want {
			t.Errorf("%s: reason %q, want %q", test.name, got, test.want)
		}
	}
}

// Results have the same bits for any number of processors.
func TestSameBits(t *testing.T) {
	r := random(13, [3]int{34, 32, 30}, 0.7) // more than are worth one goroutine
	old := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(old)
	var want []float64
	for _, n := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(n)
		var w Workspace
		s, err := NewShape(t.Context(), &w, r)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float64, len(ShapeFeatures))
		s.Values(got, nil)
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d processors: %v, want %v", n, got, want)
		}
	}
}

// A region that is large enough for it can be cancelled.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, r := range []Region{random(14, [3]int{30, 28, 26}, 0.7), random(15, [3]int{9, 8, 7}, 0.7)} {
		if _, err := NewShape(ctx, &Workspace{}, r); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
}

func ExampleNewShape() {
	// A block of 20 x 10 x 6 voxels of half a millimetre.
	r := Region{Size: [3]int{20, 10, 6}, Spacing: [3]float64{0.5, 0.5, 0.5}, Mask: slices.Repeat([]bool{true}, 1200)}
	for n := range 1200 {
		r.Inside, r.Values = append(r.Inside, n), append(r.Values, float64(n%20))
	}
	var w Workspace
	s, err := NewShape(context.Background(), &w, r)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.0f mm³, %.2f mm wide, the intensity's centre %.2f mm away\n", s.VoxelVolume, s.Diameter, s.Shift)
	// Output: 150 mm³, 11.25 mm wide, the intensity's centre 1.75 mm away
}
