package fem

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// longArtery is an artery of 150 mm, bent with this radius (0: straight), with a lesion every 15 mm: a soft core on
// one side and calcium on the other.
func longArtery(bend float64) (*coronary.Vessel, *imaging.Labels) {
	v := tube(150, bend, 1.5, 2.5, 0)
	core := func(s, angle float64) r3.Vec {
		n := int(s / 0.5)
		f := v.Sections[n].Frame
		sin, cos := math.Sincos(angle)
		return r3.Add(f.Origin, r3.Add(r3.Scale(2.0*cos, f.N), r3.Scale(2.0*sin, f.B)))
	}
	var soft, hard []r3.Vec
	for s := 10.0; s < 145; s += 15 {
		soft = append(soft, core(s, s), core(s+1, s), core(s+2, s))
		hard = append(hard, core(s, s+3), core(s+1, s+3))
	}
	near := func(p r3.Vec, list []r3.Vec, r float64) bool {
		for _, c := range list {
			if r3.Norm(r3.Sub(p, c)) < r {
				return true
			}
		}
		return false
	}
	return v, labels(v, 0.5, func(p r3.Vec) imaging.Tissue {
		switch {
		case near(p, soft, 0.45):
			return imaging.LowAttenuation
		case near(p, hard, 0.5):
			return imaging.Calcified
		case near(p, soft, 1.5):
			return imaging.Fibrous
		}
		return imaging.Wall
	})
}

// An artery of 150 mm and 3e5 unknowns from masks to systole, with the unloaded
// shape on the way.
func BenchmarkFiniteArtery(b *testing.B) {
	v, l := longArtery(60)
	cfg := DefaultConfig()
	cfg.Kinematics = FiniteStrain
	cfg.Padding = 0
	cfg.Around, cfg.Through, cfg.Axial, cfg.FineAxial = 32, 6, 0.336, 0.336
	for b.Loop() {
		r, err := Solve(b.Context(), v, l, 0, 150, cfg)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(r.Solution.Unknowns), "unknowns")
		b.ReportMetric(float64(r.Unloaded.Iterations), "unloading-iterations")
		b.ReportMetric(float64(r.Phases[1].Newton), "newton-iterations")
		b.ReportMetric(float64(r.Solution.Iterations), "linear-iterations")
	}
}

// The same artery, and a straight one, in small strain from masks to markers, with
// the default mesh of 4e5 unknowns.
func BenchmarkLinearArtery(b *testing.B) {
	for name, bend := range map[string]float64{"bent": 60, "straight": 0} {
		b.Run(name, func(b *testing.B) {
			v, l := longArtery(bend)
			cfg := DefaultConfig()
			cfg.Padding = 0
			for b.Loop() {
				r, err := Solve(b.Context(), v, l, 0, 150, cfg)
				if err != nil {
					b.Fatal(err)
				}
				r.Features(0, 150)
				b.ReportMetric(float64(r.Solution.Unknowns), "unknowns")
				b.ReportMetric(float64(r.Solution.Iterations), "linear-iterations")
			}
		})
	}
}
