package voxel

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// compare checks a value against its row in fem-benchmarks.csv.
func compare(t *testing.T, name, how, quantity, location string, got float64) {
	t.Helper()
	f, err := os.Open(verify.Shared(t, "specs", "fem-benchmarks.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r[0] != name || r[1] != quantity || r[2] != location {
			continue
		}
		want, err := strconv.ParseFloat(r[3], 64)
		tol, err2 := strconv.ParseFloat(r[5], 64)
		if err != nil || err2 != nil {
			t.Fatal(r)
		}
		verify.Check{Suite: "mechanics", Case: name + ", " + how, Quantity: quantity + " at " + location + ", " + r[4],
			Source: "fem-benchmarks.csv: " + r[6], Got: got, Want: want, Tol: tol * math.Abs(want)}.Run(t)
		return
	}
	t.Fatalf("no benchmark %s, %s, %s", name, quantity, location)
}

// plane is the half space below a plane with that normal.
func plane(at, normal r3.Vec) func(r3.Vec) float64 {
	return func(p r3.Vec) float64 { return r3.Dot(normal, r3.Sub(p, at)) }
}

// tube is a cylinder along z from 0 to height around the origin, under 16 kPa
// between planes in which it slides.
func tube(h, height, outer float64, lumen, core func(r3.Vec) float64, wall, soft material.Elastic) *Body {
	n := int(math.Ceil(2*outer/h)) + 2
	return &Body{
		Origin: r3.Vec{X: -float64(n) / 2 * h, Y: -float64(n) / 2 * h}, Axes: [3]r3.Vec{{X: 1}, {Y: 1}, {Z: 1}},
		Cells: [3]int{n, n, int(math.Round(height / h))}, Spacing: h,
		Surfaces: []Surface{
			{Distance: func(p r3.Vec) float64 { return math.Hypot(p.X, p.Y) - outer }},
			{Distance: lumen, Pressure: 16},
			{Distance: plane(r3.Vec{}, r3.Vec{Z: -1}), Slide: true},
			{Distance: plane(r3.Vec{Z: height}, r3.Vec{Z: 1}), Slide: true},
		},
		Tissue: func(p r3.Vec) material.Elastic {
			if core != nil && core(p) < 0 {
				return soft
			}
			return wall
		},
	}
}

// lame is the thick cylinder LAME-PE of fem-benchmarks.md.
func lame(h, height, nu float64) *Body {
	return tube(h, height, 2.5, func(p r3.Vec) float64 { return 1.5 - math.Hypot(p.X, p.Y) }, nil, material.Elastic{Young: 500, Poisson: nu}, material.Elastic{})
}

func solved(t *testing.T, b *Body, set Settings) (*Solution, []Point) {
	t.Helper()
	sol, err := b.Solve(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	points, err := sol.Points(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sol, points
}

// Displacement of the projected thick cylinder converges with the square of the
// spacing and does not lock; unprojected steps leave it at first order.
func TestLame(t *testing.T) {
	for _, test := range []struct {
		name string
		nu   float64
		want float64 // u_r at the lumen, mm
	}{{"LAME-PE", 0.3, 0.11154}, {"LAME-PE-nu0.45", 0.45, 0}, {"LAME-PE-nu0.49", 0.49, 0}} {
		var last float64
		for _, h := range []float64{0.2, 0.1, 0.05} {
			if testing.Short() && (test.nu != 0.3 || h == 0.05) {
				continue
			}
			sol, _ := solved(t, lame(h, 2*h, test.nu), DefaultSettings())
			var u, count float64
			for n, p := range sol.Mesh.Nodes {
				if r := math.Hypot(p.X, p.Y); r < 1.5+h/10 {
					u += (p.X*sol.U[n].X + p.Y*sol.U[n].Y) / r
					count++
				}
			}
			u /= count
			t.Logf("ν %g, h %g: %d unknowns, %d iterations, least Jacobian %.2f, u %g", test.nu, h, sol.Unknowns, sol.Iterations, sol.MinJacobian, u)
			if sol.Left > 1e-9 {
				t.Errorf("a node stays %g mm from its surface", sol.Left)
			}
			compare(t, test.name, fmt.Sprintf("voxels of %g mm", h), "u_r", "r=1.5", u)
			if test.want > 0 {
				if e := math.Abs(u - test.want); last > 0 && e > last/3 {
					t.Errorf("h %g: the error falls from %g to %g only", h, last, e)
				}
				last = math.Abs(u - test.want)
			}
		}
	}
}

// d1 is the plaque section D1 of fem-benchmarks.md as a slice of two layers; in
// tells whether a point of the wall is of the cap.
func d1(h, thickness float64) (b *Body, in func(p r3.Vec) bool) {
	core := func(p r3.Vec) float64 { return math.Hypot((p.X-(1.15+thickness))/0.25, p.Y/0.8) - 1 }
	lumen := func(p r3.Vec) float64 { return 1.2 - math.Hypot(p.X+0.3, p.Y) }
	b = tube(h, 2*h, 2, lumen, core, material.Elastic{Young: 600, Poisson: 0.45}, material.Elastic{Young: 20, Poisson: 0.45})
	return b, func(p r3.Vec) bool {
		return math.Abs(p.Y) <= 0.6 && p.X > -0.3 && core(p) > 0 && p.X < 1.15+thickness
	}
}

// statistics of the largest principal stress of points, weighted with volume.
func statistics(points []Point, in func(*Point) bool) (volume, mean float64, percentile func(float64) float64) {
	type sample struct{ stress, volume float64 }
	var v []sample
	for n := range points {
		if p := &points[n]; in(p) {
			s := p.Stress.Principal()[0]
			v = append(v, sample{s, p.Volume})
			volume += p.Volume
			mean += s * p.Volume
		}
	}
	slices.SortFunc(v, func(a, b sample) int {
		if a.stress < b.stress {
			return -1
		}
		return 1
	})
	return volume, mean / volume, func(q float64) float64 {
		var below float64
		for _, x := range v {
			if below += x.volume; below >= q*volume {
				return x.stress
			}
		}
		return v[len(v)-1].stress
	}
}

func energy(points []Point) (sum float64) {
	for _, p := range points {
		sum += p.Volume * element.Energy(p.Stress, p.Strain)
	}
	return sum
}

// Plaque section D1: mean, percentiles and energy from spacing 0.025 mm; at 0.05 mm
// the mean and the energy. Bricks cut by the core have mixed moduli.
func TestD1(t *testing.T) {
	for _, thickness := range []string{"0.15", "0.30"} {
		for _, h := range []float64{0.05, 0.025} {
			if testing.Short() && (h < 0.05 || thickness != "0.15") {
				continue
			}
			cap, err := strconv.ParseFloat(thickness, 64)
			if err != nil {
				t.Fatal(err)
			}
			b, in := d1(h, cap)
			sol, points := solved(t, b, DefaultSettings())
			volume, mean, percentile := statistics(points, func(p *Point) bool { return in(p.At) })
			name, how := "D1-lin45-cap"+thickness, fmt.Sprintf("voxels of %g mm", h)
			t.Logf("%s, %s: %d unknowns, %d iterations, p90 %.4g, p99 %.4g", name, how, sol.Unknowns, sol.Iterations, percentile(0.9), percentile(0.99))
			compare(t, name, how, "strain_energy_full_section", "per mm length", energy(points)/(2*h))
			compare(t, name, how, "cap_region_area", "both halves", volume/(2*h))
			compare(t, name, how, "mean_max_principal", "cap region", mean)
			if h < 0.05 {
				compare(t, name, how, "p50_max_principal", "cap region (area weighted)", percentile(0.5))
				compare(t, name, how, "p90_max_principal", "cap region (area weighted)", percentile(0.9))
				compare(t, name, how, "p99_max_principal", "cap region (area weighted)", percentile(0.99))
			}
		}
	}
}

// d2 is the upper half of the cylinder with a soft sphere, D2.
func d2(h float64) *Body {
	core := func(p r3.Vec) float64 { return r3.Norm(r3.Sub(p, r3.Vec{X: 1.9})) - 0.3 }
	lumen := func(p r3.Vec) float64 { return 1.4 - math.Hypot(p.X, p.Y) }
	return tube(h, 3.5, 2.4, lumen, core, material.Elastic{Young: 500, Poisson: 0.45}, material.Elastic{Young: 20, Poisson: 0.45})
}

// Soft sphere in a cylinder, D2.
func TestD2(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute")
	}
	const h = 0.07
	sol, points := solved(t, d2(h), DefaultSettings())
	t.Logf("%d unknowns, %d iterations", sol.Unknowns, sol.Iterations)
	const how = "voxels of 0.07 mm"
	compare(t, "D2-linear", how, "strain_energy", "full model (both halves in y and z)", 2*energy(points))
	_, _, percentile := statistics(points, func(p *Point) bool {
		return p.At.Z < 1 && r3.Norm(r3.Sub(p.At, r3.Vec{X: 1.9})) > 0.3
	})
	for _, p := range []int{50, 90, 95, 99} {
		compare(t, "D2-linear", how, fmt.Sprintf("p%d_max_principal", p), "wall |z|<1 (volume weighted)", percentile(float64(p)/100))
	}
}

// The operator equals the matrix that is assembled of the same bricks (A9), springs
// and planes included.
func TestAssembled(t *testing.T) {
	b, _ := d1(0.1, 0.15)
	b.Surfaces[0].Springs = 30
	m, err := b.model(t.Context(), DefaultSettings())
	if err != nil {
		t.Fatal(err)
	}
	around := make([][]int32, len(m.x))
	for _, c := range m.cells {
		for _, n := range c {
			around[n] = append(around[n], c[:]...)
		}
	}
	for n := range around {
		slices.Sort(around[n])
		around[n] = slices.Compact(around[n])
	}
	k := sparse.NewBSR(around)
	for e, c := range m.cells {
		var h element.Hex8
		setBrick(&h, m.x, &c)
		law := element.Moduli(m.solid[e].Young, m.solid[e].Poisson)
		var ke [8][8][9]float64
		h.Stiffness(&ke, &[element.Points]element.Lame{law, law, law, law, law, law, law, law})
		var nodes [8]int32
		for a, n := range c {
			nodes[brickCorner[a]] = n
		}
		k.AddCell(&nodes, &ke)
	}
	for _, s := range m.sides {
		if s.surface == 0 {
			kf := element.Foundation(m.corners(&s), 30)
			for i, a := range s.nodes {
				for j, b := range s.nodes {
					k.Add(int(a), int(b), &kf[i][j])
				}
			}
		}
	}
	k.Constrain(m.held)
	rng := rand.New(rand.NewPCG(1, 9))
	x, got, want := make([]float64, 3*len(m.x)), make([]float64, 3*len(m.x)), make([]float64, 3*len(m.x))
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	m.Mul(got, x)
	k.Mul(want, x)
	verify.Check{Suite: "mechanics", Case: "A9: voxels without a matrix against the assembled matrix", Quantity: "relative difference",
		Source: "sparse.BSR of element.Hex8", Got: floats.Distance(got, want, 2) / floats.Norm(want, 2), Want: 0, Tol: 1e-12}.Run(t)
}

// The same input gives the same bits on any number of processors (A10).
func TestSameBits(t *testing.T) {
	old := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(old)
	b, _ := d1(0.2, 0.15)
	b.Cells[2] = 9 // three slabs
	b.Surfaces[3].Distance = plane(r3.Vec{Z: 1.8}, r3.Vec{Z: 1})
	var first *Solution
	var differ float64
	for _, procs := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(procs)
		sol, err := b.Solve(context.Background(), DefaultSettings())
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = sol
		} else if !slices.Equal(sol.U, first.U) || sol.Report != first.Report {
			differ++
		}
	}
	verify.Check{Suite: "mechanics", Case: "A10: voxels, plaque section", Quantity: "results that differ between processor counts",
		Source: "equal bits", Got: differ, Want: 0}.Run(t)
}

// Soft core and calcium, ν 0.45 and 0.49: few iterations, hardly more on finer grids.
func TestIterations(t *testing.T) {
	for _, test := range []struct {
		nu   float64
		most int
	}{{0.45, 50}, {0.49, 90}} {
		for _, h := range []float64{0.2, 0.1, 0.05} {
			if testing.Short() && (h < 0.2 || test.nu > 0.45) {
				continue
			}
			b := contrast(h, test.nu)
			set := DefaultSettings()
			set.Tolerance = 1e-8
			sol, err := b.Solve(t.Context(), set)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("ν %g, h %g: %d unknowns, %d iterations, %d of %d bricks bent, %d levels", test.nu, h, sol.Unknowns, sol.Iterations, sol.Bent, len(sol.Mesh.Cells), sol.Levels)
			if sol.Iterations > test.most {
				t.Errorf("ν %g, h %g: %d iterations, want at most %d", test.nu, h, sol.Iterations, test.most)
			}
		}
	}
}

// contrast is a tube of 6 mm with a soft core of E 10 kPa and calcium of 1e4 in 600.
func contrast(h, nu float64) *Body {
	b := tube(h, 6, 2.6, func(p r3.Vec) float64 { return 1.5 - math.Hypot(p.X-0.1, p.Y) }, nil, material.Elastic{}, material.Elastic{})
	b.Tissue = func(p r3.Vec) material.Elastic {
		switch {
		case math.Abs(p.Z-3) > 1.5:
		case math.Hypot(p.X-2.1, p.Y) < 0.4:
			return material.Elastic{Young: 10, Poisson: nu}
		case math.Hypot(p.X+2, p.Y) < 0.4:
			return material.Elastic{Young: 1e4, Poisson: nu}
		}
		return material.Elastic{Young: 600, Poisson: nu}
	}
	return b
}

// Bodies that cannot be computed are refused with what to do.
func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name, want string
		change     func(b *Body)
	}{
		{"nothing inside", "smaller spacing", func(b *Body) { b.Surfaces[0].Distance = func(r3.Vec) float64 { return 1 } }},
		{"distances that are not numbers", "not a number", func(b *Body) { b.Surfaces[0].Distance = func(r3.Vec) float64 { return math.NaN() } }},
		{"no spacing", "spacing", func(b *Body) { b.Spacing = 0 }},
		{"a box too large", "larger spacing", func(b *Body) { b.Cells = [3]int{1e5, 1e5, 1e5} }},
		{"incompressible", "0.49", func(b *Body) {
			b.Tissue = func(r3.Vec) material.Elastic { return material.Elastic{Young: 1, Poisson: 0.5} }
		}},
		{"a load on one side", "rigid motion", func(b *Body) { b.Surfaces[2].Slide, b.Surfaces[2].Pressure, b.Surfaces[3].Slide = false, 3, false }},
	} {
		b := lame(0.25, 0.5, 0.3)
		test.change(b)
		if _, err := b.Solve(t.Context(), DefaultSettings()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one that says %q", test.name, err, test.want)
		}
	}
}

func BenchmarkSolve(b *testing.B) {
	body := contrast(0.1, 0.45)
	for b.Loop() {
		sol, err := body.Solve(context.Background(), DefaultSettings())
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(sol.Unknowns), "unknowns")
	}
}
