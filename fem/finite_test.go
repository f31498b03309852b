package fem

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// finite returns settings of finite strain with one law everywhere, without
// prestress and support, whose systole is at a pressure in kPa.
func finite(law string, pressure float64) Config {
	c := DefaultConfig()
	c.Kinematics = FiniteStrain
	c.Pressure = pressure / kPaPerMMHg
	c.Finite.Diastolic = c.Pressure / 2
	c.Finite.Prestress, c.Finite.Foundation = false, 0
	c.Finite.Laws = Laws{law, law, law, law, law}
	return c
}

// surface returns a stress on the lumen (side 0) or the outer wall
// (side 1) of a straight vessel in its middle, on the ray to +x: the parabola through
// the means of the three cells next to it.
func surface(r *Result, of func(*Point) float64, side int) float64 {
	m := r.Mesh
	k := m.Along / 2
	var at, value [3]float64
	for n := range 3 {
		i := n
		if side == 1 {
			i = m.Through - 1 - n
		}
		for _, j := range []int{0, m.Around - 1} { // on both sides of the ray
			e := m.Cell(i, j, k)
			var v, w float64
			for q := range element.Points {
				p := &r.Points[element.Points*e+q]
				v, w = v+of(p)*p.Volume, w+p.Volume
			}
			value[n] += v / w / 2
			at[n] += r3.Norm(r3.Sub(m.Centre(e), r3.Add(m.Frames[k].Origin, r3.Vec{Z: (m.S[k+1] - m.S[k]) / 2}))) / 2
		}
	}
	x := r3.Norm(r3.Sub(m.Nodes[m.Node(side*m.Through, 0, k)], m.Frames[k].Origin))
	var sum float64
	for n := range 3 {
		w := value[n]
		for o := range 3 {
			if o != n {
				w *= (x - at[o]) / (at[n] - at[o])
			}
		}
		sum += w
	}
	return sum
}

func hoop(p *Point) float64  { return p.Hoop }
func axial(p *Point) float64 { return p.Axial }

// Cylinders under a following pressure, through the path of vessels: bricks between
// lumen and outer wall, sliding ends. The laws are nearly incompressible (ν = 0.495),
// the references incompressible.
func TestFiniteCylinders(t *testing.T) {
	type row struct {
		quantity string
		want     float64
		tol      float64
	}
	for _, test := range []struct {
		name, law         string
		in, out, pressure float64
		stretch           float64
		rows              []row
	}{
		{"NHCYL", "neo_hookean C10=30 K=6000", 1.5, 2.5, 16, 1, []row{{"r_inner_deformed", 1.979639949, 0.01}, {"stt inner", 54.05819322, 0.01}, {"stt outer", 28.66753607, 0.01}, {"szz inner", 9.552211179, 0.02}, {"szz outer", 12.64538253, 0.01}}},
		{"MRCYL-z", "mooney_rivlin C10=20 C01=8 K=28000", 1.5 / math.Sqrt(1.1), 2.5 / math.Sqrt(1.1), 16, 1.1, []row{{"r_inner_deformed", 1.975897723, 0.01}, {"stt inner", 58.72836461, 0.01}, {"stt outer", 30.95521253, 0.01}, {"szz inner", 33.71863094, 0.01}, {"szz outer", 31.13430288, 0.01}}},
		{"EXPCYL", "exponential c1=36.8 D1=14.4 D2=2 K=13120", 1.5, 2.5, 24, 1, []row{{"r_inner_deformed", 1.761642421, 0.01}, {"stt inner", 70.58079671, 0.01}, {"stt outer", 34.16939445, 0.01}, {"szz inner", 15.75182649, 0.02}, {"szz outer", 15.99285358, 0.01}}},
		{"HGOCYL", "hgo C10=15 k1=20 k2=10 K=100000 angle_deg=40", 1.5, 2.5, 16, 1, []row{{"r_inner_deformed", 1.879731, 0.01}, {"stt inner", 87.6686, 0.02}, {"stt outer", 19.1552, 0.02}}},
	} {
		if testing.Short() {
			t.Skip("takes half a minute")
		}
		cfg := finite(test.law, test.pressure)
		cfg.Finite.AxialStretch = test.stretch
		cfg.Around, cfg.Through, cfg.Axial, cfg.Grading = 48, 24, 2, 2
		if test.name == "HGOCYL" { // fibres of a brick are straight
			cfg.Around, cfg.Through = 96, 16
		}
		r, err := Solve(t.Context(), tube(4, 0, test.in, test.out, 0), nil, 0, 4, cfg)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		inner := r.Mesh.Node(0, 0, 1)
		got := map[string]float64{
			"r_inner_deformed": test.in + r.Solution.U[inner].X,
			"stt inner":        surface(r, hoop, 0), "stt outer": surface(r, hoop, 1),
			"szz inner": surface(r, axial, 0), "szz outer": surface(r, axial, 1),
		}
		for _, w := range test.rows {
			verify.Check{Suite: suite, Case: fmt.Sprintf("%s, swept vessel, %d × %d bricks", test.name, cfg.Around, cfg.Through), Quantity: w.quantity, Source: csv,
				Got: got[w.quantity], Want: w.want, Tol: w.tol * math.Abs(w.want)}.Run(t)
		}
	}
}

// The imaged shape is at diastole: the shape without load is found in one
// nonlinear solve, and systole from it.
func TestPrestress(t *testing.T) {
	slowRace(t)
	cfg := finite("neo_hookean C10=30 K=6000", 16)
	cfg.Finite.Diastolic = 10.666 / kPaPerMMHg
	cfg.Finite.Prestress = true
	cfg.Around, cfg.Through, cfg.Axial, cfg.Grading = 48, 24, 2, 2
	if testing.Short() {
		cfg.Around, cfg.Through = 32, 12
	}
	r, err := Solve(t.Context(), tube(4, 0, 1.5, 2.5, 0), nil, 0, 4, cfg)
	if err != nil {
		t.Fatal(err)
	}
	inner, outer := r.Mesh.Node(0, 0, 1), r.Mesh.Node(r.Mesh.Through, 0, 1)
	axis := r.Mesh.Frames[1].Origin
	radius := func(p r3.Vec) float64 { return r3.Norm(r3.Sub(p, axis)) }
	how := fmt.Sprintf("PRESTRESS-NH, swept vessel, %d × %d bricks", cfg.Around, cfg.Through)
	check := func(quantity string, got, want, rel float64) {
		verify.Check{Suite: suite, Case: how, Quantity: quantity, Source: csv, Got: got, Want: want, Tol: rel * want}.Run(t)
	}
	check("R_inner_unloaded", radius(r.Unloaded.Nodes[inner]), 1.297851697, 0.005)
	check("R_outer_unloaded", radius(r.Unloaded.Nodes[outer]), 2.384201968, 0.005)
	check("r_inner at systole", radius(r3.Add(r.Mesh.Nodes[inner], r.Solution.U[inner])), 1.644402017, 0.005)
	if !testing.Short() {
		low, _ := r.Phase(Diastole)
		check("stt at diastole, inner", surface(low, hoop, 0), 24.56248744, 0.01)
		check("stt at diastole, outer", surface(low, hoop, 1), 11.39937976, 0.01)
		check("stt at systole, inner", surface(r, hoop, 0), 42.94478159, 0.01)
		check("stt at systole, outer", surface(r, hoop, 1), 19.88802911, 0.01)
		change, _ := r.Phase(Pulse)
		check("stt of the pulse, inner", surface(change, hoop, 0), 42.94478159-24.56248744, 0.01)
	}
	// The unloaded shape, solved forwards, comes back to the image.
	s := newBalance(r.Unloaded.body, cfg.Finite)
	u, err := s.solve(t.Context(), r.Unloaded.Nodes, make([]r3.Vec, len(r.Mesh.Nodes)), 0, 10.666)
	if err != nil {
		t.Fatal(err)
	}
	var worst float64
	for n, p := range r.Unloaded.Nodes {
		worst = max(worst, math.Abs(radius(r3.Add(p, u[n]))-radius(r.Mesh.Nodes[n]))) // turning is free
	}
	verify.Check{Suite: suite, Case: how, Quantity: "radius after loading the unloaded shape, less that of the image, mm", Source: "the image", Got: worst, Want: 0, Tol: 1e-6}.Run(t)
}

// Energy and work, the order of Newton's method (A7, A8), and a state turned with
// its load (A4).
func TestFiniteBalance(t *testing.T) {
	cfg := finite("neo_hookean C10=30 K=3000", 16)
	cfg.Around, cfg.Through, cfg.Axial = 16, 6, 2
	r, err := Solve(t.Context(), tube(4, 0, 1.5, 2.5, 0), nil, 0, 4, cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := r.Unloaded.body
	s := newBalance(w, cfg.Finite)
	free := r.Mesh.Nodes
	u, work := make([]r3.Vec, len(free)), 0.0
	old, now := make([]float64, 3*len(u)), make([]float64, 3*len(u))
	const steps = 20
	for n := range steps {
		p := 16 * float64(n+1) / steps
		v, err := s.solve(t.Context(), free, u, p-16.0/steps, p)
		if err != nil {
			t.Fatal(err)
		}
		clear(now)
		w.press(now, nil, free, v, p)
		for a := range v {
			d := r3.Sub(v[a], u[a])
			for i, v := range []float64{d.X, d.Y, d.Z} {
				work += (old[3*a+i] + now[3*a+i]) / 2 * v
			}
		}
		u = v
		old, now = now, old
	}
	verify.Check{Suite: suite, Case: "A7: NHCYL-K3000, swept vessel, 20 steps", Quantity: "work of the pressure over the strain energy", Source: "work balance",
		Got: work / r.Phases[1].Energy, Want: 1, Tol: 1e-3}.Run(t)
	// One step more, far enough to see the order, in a bed that holds every motion.
	w.outer, w.bed = r.Mesh.Outer(), 1
	if _, err := s.solve(t.Context(), free, u, 16, 18); err != nil {
		t.Fatal(err)
	}
	h := s.history
	best := 0.0 // linear solves end at a tenth of what is still needed, so the last order may be cut short
	for n := 2; n < len(h); n++ {
		best = max(best, math.Log(h[n]/h[n-1])/math.Log(h[n-1]/h[n-2]))
	}
	verify.Check{Suite: suite, Case: "A8: NHCYL-K3000, swept vessel", Quantity: "order of Newton's method, at most 2", Source: "quadratic convergence",
		Got: min(best, 2), Want: 2, Tol: 0.2}.Run(t)
}

// At a small pressure finite and small strain are the same, in a bent eccentric
// artery.
func TestFiniteIsSmall(t *testing.T) {
	v := tube(8, 20, 1.5, 2.6, 0.3)
	cfg := DefaultConfig()
	cfg.Padding, cfg.Ends = 0, Clamped
	cfg.Around, cfg.Through = 16, 4
	small, err := Solve(t.Context(), v, nil, 0, 8, cfg)
	if err != nil {
		t.Fatal(err)
	}
	const less = 1e-3
	cfg.Kinematics = FiniteStrain
	cfg.Pressure *= less
	cfg.Finite.Diastolic, cfg.Finite.Foundation, cfg.Finite.Prestress = cfg.Pressure/2, 0, false
	large, err := Solve(t.Context(), v, nil, 0, 8, cfg)
	if err != nil {
		t.Fatal(err)
	}
	var d, s float64
	for n, u := range small.Solution.U {
		d += r3.Norm2(r3.Sub(u, r3.Scale(1/less, large.Solution.U[n])))
		s += r3.Norm2(u)
	}
	verify.Check{Suite: suite, Case: "finite strain at 0.12 mmHg, bent eccentric artery", Quantity: "displacement less that of small strain, relative", Source: "linear solution of the same mesh",
		Got: math.Sqrt(d / s), Want: 0, Tol: 1e-3}.Run(t)
}

// A bent artery with plaque: the phases follow each other, the image is diastole,
// and the bits do not depend on the number of threads.
func TestFinitePlaque(t *testing.T) {
	v, l := plaqueTube(10)
	cfg := DefaultConfig()
	cfg.Kinematics = FiniteStrain
	cfg.Around, cfg.Through, cfg.Padding = 16, 4, 0
	if !testing.Short() {
		cfg.Around, cfg.Through = 32, 6
	}
	old := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(old)
	var first *Result
	for _, n := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(n)
		r, err := Solve(t.Context(), v, l, 0, 10, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = r
			continue
		}
		for p := range r.Phases {
			for n := range r.Points {
				if r.Phases[p].Points[n].Stress != first.Phases[p].Points[n].Stress {
					t.Fatalf("%s: point %d differs between numbers of threads, or is not finite: %v", r.Phases[p].Name, n, r.Phases[p].Points[n].Stress)
				}
			}
		}
	}
	low, _ := first.Phase(Diastole)
	high, _ := first.Phase(Systole)
	change, _ := first.Phase(Pulse)
	for n := range low.Points {
		p, q, d := &low.Points[n], &high.Points[n], &change.Points[n]
		for i := range p.Stress {
			if math.Abs(q.Stress[i]-p.Stress[i]-d.Stress[i]) > 1e-12*(1+math.Abs(q.Stress[i])) {
				t.Fatalf("point %d: pulse %v is not systole %v less diastole %v", n, d.Stress, q.Stress, p.Stress)
			}
		}
	}
	for n, u := range low.Solution.U {
		if u != (r3.Vec{}) {
			t.Fatalf("node %d moves by %v at diastole", n, u)
		}
	}
	a, b := low.Features(0, 10), high.Features(0, 10)
	if !(a.Values[0] > 0 && b.Values[0] > a.Values[0]) {
		t.Errorf("mean stress of the plaque %g at diastole and %g at systole", a.Values[0], b.Values[0])
	}
	if _, ok := first.Phase("noon"); ok {
		t.Error("there is a phase that nobody computed")
	}
}

// What cannot be solved says so, and where.
func TestFiniteErrors(t *testing.T) {
	v := tube(4, 0, 1.5, 2.5, 0)
	cfg := finite("neo_hookean C10=1 K=20", 50)
	cfg.Around, cfg.Through, cfg.Axial = 16, 4, 1
	_, err := Solve(t.Context(), v, nil, 0, 4, cfg)
	var fail *NewtonError
	if !errors.Is(err, ErrNotConverged) || !errors.As(err, &fail) || !strings.Contains(err.Error(), "mm") || !(fail.Pressure < fail.Goal) {
		t.Errorf("a balloon that bursts: %v", err)
	}
	for word, change := range map[string]func(*Config){
		"unstable":           func(c *Config) { c.Finite.Laws.Wall = "yeoh C10=10 C20=-5 C30=0 K=1000" },
		"not known":          func(c *Config) { c.Finite.Laws.Fibrous = "rubber" },
		"below the systolic": func(c *Config) { c.Finite.Diastolic = c.Pressure },
		"kinematics":         func(c *Config) { c.Kinematics = "large" },
		"incompressible":     func(c *Config) { c.Materials.Wall.Poisson = 0.5 },
		"axial_stretch":      func(c *Config) { c.Finite.AxialStretch = math.NaN() },
	} {
		c := finite(elasticLaw, 16)
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v, want a word on %q", err, word)
		}
	}
}

// Settings and report name the laws, and the columns that a result fills are those
// that the settings announce.
func TestFiniteDescribe(t *testing.T) {
	cfg := finite("tang2004_wall", 16)
	cfg.Finite.Laws.LowAttenuation = elasticLaw
	m := cfg.Describe()
	if !strings.Contains(m.Formulation, "finite strain") || !strings.Contains(m.Materials[0].Source, "Tang") || !strings.Contains(m.Materials[1].Source, "neo-Hookean") || len(m.Materials) != len(solids) {
		t.Errorf("%+v", m)
	}
	if a, b := settings(cfg), settings(cfg.equivalents()); a != b || !strings.Contains(a, "tang2004_wall") {
		t.Errorf("settings %q, in results %q", a, b)
	}
}

// A stretch along a direction keeps the volume.
func TestStretchAlong(t *testing.T) {
	g := stretchAlong(r3.Unit(r3.Vec{X: 1, Y: 2, Z: 2}), 1.2)
	if d := element.Determinant(&g); math.Abs(d-1) > 1e-14 {
		t.Errorf("determinant %g", d)
	}
}
