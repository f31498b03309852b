package fem

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// Markers of Lamé's cylinder have closed forms: the hoop stress A + B/r² falls
// from the lumen outwards, so a part of the volume is a ring. The components in
// the frame of the vessel come out although the vessel lies across the axes.
func TestMarkersLame(t *testing.T) {
	slowRace(t)
	const in, out, p, length, nu = 1.5, 2.5, 16.0, 6.0, 0.3
	cfg := uniform(500, nu)
	cfg.Around, cfg.Through, cfg.Axial, cfg.Grading, cfg.Margin, cfg.Padding = 64, 48, 1, 1, 0, 0
	v := tube(length, 0, in, out, 0)
	turn := r3.NewRotation(0.7, r3.Vec{X: 1, Y: 2, Z: -1})
	for n := range v.Sections {
		f := &v.Sections[n].Frame
		f.Origin, f.T, f.N, f.B = turn.Rotate(f.Origin), turn.Rotate(f.T), turn.Rotate(f.N), turn.Rotate(f.B)
		v.Nodes[n].Pos = f.Origin
	}
	r, err := Solve(context.Background(), v, nil, 0, length, cfg)
	if err != nil {
		t.Fatal(err)
	}
	f := r.Features(0, length)
	a := p * in * in / (out*out - in*in)
	hoop := func(r2 float64) float64 { return a * (1 + out*out/r2) }
	// The part of the volume inside of r² is (r² − in²)/(out² − in²).
	at := func(part float64) float64 { return in*in + part*(out*out-in*in) }
	meanTo := func(r2 float64) float64 { return a * (1 + out*out*math.Log(r2/(in*in))/(r2-in*in)) }
	volume := math.Pi * (out*out - in*in) * length
	beyond := func(limit float64) float64 { return math.Pi * (out*out/(limit/a-1) - in*in) * length }
	for _, test := range []struct {
		name      string
		want, tol float64
	}{
		{"circumferential_stress.wall.mean", meanTo(out * out), 0.005},
		{"circumferential_stress.wall.p50", hoop(at(0.5)), 0.01},
		{"circumferential_stress.wall.p95", hoop(at(0.05)), 0.01},
		{"circumferential_stress.wall.p99", hoop(at(0.01)), 0.01},
		{"principal_stress.wall.p95", hoop(at(0.05)), 0.01},
		{"principal_stress.wall.fixed_volume", hoop(in * in), 0.02}, // a ring 1 µm thick
		{"axial_stress.wall.mean", 2 * nu * a, 0.01},
		{"axial_stress.wall.p95", 2 * nu * a, 0.03}, // constant: what the elements scatter
		{"radial_stress.wall.p50", a * (1 - out*out/at(0.5)), 0.02},
		{"radial_stress.wall.mean", a * (2 - meanTo(out*out)/a), 0.02},
	} {
		verify.Check{Suite: suite, Case: "LAME-PE, swept, turned, 64 × 48 elements", Quantity: test.name + ", kPa", Source: "Lamé, integrated over the section",
			Got: f.Get(test.name), Want: test.want, Tol: test.tol * math.Abs(test.want)}.Run(t)
	}
	// The tail mean over a fifth of the volume, and the volume above a limit.
	cfg.AverageVolume = volume / 5
	r.Conditions = cfg
	f = r.Features(0, length)
	verify.Check{Suite: suite, Case: "LAME-PE, swept, turned, 64 × 48 elements", Quantity: "mean principal stress over the highest fifth of the volume, kPa",
		Source: "Lamé, integrated over the section", Got: f.Get("principal_stress.wall.fixed_volume"), Want: meanTo(at(0.2)), Tol: 0.005 * meanTo(at(0.2))}.Run(t)
	s := r.window(0, length).samples(fields[0].at)[inWall]
	verify.Check{Suite: suite, Case: "LAME-PE, swept, turned, 64 × 48 elements", Quantity: "volume above 25 kPa, mm³",
		Source: "Lamé, integrated over the section", Got: s.above(25), Want: beyond(25), Tol: volume / 24}.Run(t) // one layer of elements
	peak := r.Peak(0, length, "circumferential_stress", "wall")
	if d := r3.Norm(r3.Sub(peak.At, r.Mesh.Frames[0].Origin)); peak.Value != f.Get("circumferential_stress.wall.max") || peak.Depth > 0.02 || math.Abs(d*d-peak.S*peak.S-in*in) > 0.1 {
		t.Errorf("peak %+v", peak)
	}
	back := turn.Rotate(r3.Vec{X: 1})
	along := r3.Add(r3.Scale(math.Cos(peak.Angle*math.Pi/180), back), r3.Scale(math.Sin(peak.Angle*math.Pi/180), turn.Rotate(r3.Vec{Y: 1})))
	k := min(int(peak.S/(length/float64(r.Mesh.Along))), r.Mesh.Along-1)
	d := r3.Sub(peak.At, r.Mesh.Frames[k].Origin)
	if radial := r3.Dot(d, along); math.Abs(radial-(in+peak.Depth)) > 0.02 {
		t.Errorf("the peak at %.1f° lies %.3f mm from the axis in that direction, want %.3f", peak.Angle, radial, in+peak.Depth)
	}
}

// cored is a solved wall with a soft and a hard core.
type cored struct {
	r      *Result
	labels *imaging.Labels
}

const coreAt, coreRadius = 2.25, 0.4 // mm from the axis, on either side

var cores = sync.OnceValues(func() (cored, error) {
	v := tube(6, 0, 1.5, 3, 0)
	l := labels(v, 0.1, func(p r3.Vec) imaging.Tissue {
		switch d := r3.Sub(p, r3.Vec{X: 10, Y: -20}); {
		case math.Hypot(d.X-coreAt, d.Y) < coreRadius:
			return imaging.LowAttenuation
		case math.Hypot(d.X+coreAt, d.Y) < coreRadius:
			return imaging.Calcified
		}
		return imaging.Fibrous
	})
	cfg := DefaultConfig()
	cfg.Around, cfg.Through, cfg.Axial, cfg.Grading, cfg.Padding, cfg.Margin = 64, 16, 1, 1, 0, 0
	r, err := Solve(context.Background(), v, l, 0, 6, cfg)
	return cored{r, l}, err
})

// Rims are the tissue that lies within their width of a core, and nothing else.
func TestRims(t *testing.T) {
	slowRace(t)
	c, err := cores()
	if err != nil {
		t.Fatal(err)
	}
	r := c.r
	for _, rim := range []struct {
		bit Rims
		x   float64
	}{{LipidRim, coreAt}, {CalciumRim, -coreAt}} {
		var volume float64
		for n := range r.Points {
			d := r3.Sub(r.At(n), r3.Vec{X: 10, Y: -20})
			off := math.Hypot(d.X-rim.x, d.Y) - coreRadius
			if r.Points[n].Rims&rim.bit != 0 {
				volume += r.Points[n].Volume
				if off > RimWidth+0.06 || off < -0.12 { // the border is that of voxels
					t.Fatalf("a point %.2f mm from the core is in its rim", off)
				}
			}
		}
		// Distance is that to a quadrature point: up to half of their spacing is lost.
		want := math.Pi * RimWidth * (2*coreRadius + RimWidth) * 6
		verify.Check{Suite: suite, Case: "cores of radius 0.4 mm in a wall", Quantity: fmt.Sprintf("volume of the rim of the core at x = %g, mm³", rim.x),
			Source: "ring of the rim's width", Got: volume, Want: want, Tol: 2 * math.Pi * (coreRadius + RimWidth) * 6 * 0.05}.Run(t)
	}
}

// The tail mean is the mean over exactly so much volume from the top, never
// below the mean and never above the maximum.
func TestTop(t *testing.T) {
	s := sample{{3, 1}, {1, 2}, {7, 0.5}, {5, 1}}
	s.sort()
	for _, test := range []struct{ volume, want float64 }{
		{0.25, 7}, {0.5, 7}, {1, 6}, {1.5, 17.0 / 3}, {2, 5}, {4.5, 13.5 / 4.5}, {100, 3},
	} {
		if got := s.top(test.volume); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("mean over the highest %g: %g, want %g", test.volume, got, test.want)
		}
	}
	if !math.IsNaN(sample{}.top(1)) || !math.IsNaN(sample{}.percentile(50)) || !math.IsNaN(sample{}.above(1)) || !math.IsNaN(sample{}.mean()) {
		t.Error("statistics of nothing are defined")
	}
}
