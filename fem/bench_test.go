package fem

import (
	"context"
	"testing"
)

// BenchmarkSolve times a vessel of some 21 000 and one of some 53 000 unknowns.
func BenchmarkSolve(b *testing.B) {
	for _, test := range []struct {
		name   string
		length float64
	}{{"21k", 15.5}, {"53k", 39}} {
		b.Run(test.name, func(b *testing.B) {
			v, l := plaqueTube(test.length)
			cfg := DefaultConfig()
			cfg.Padding = 0
			for b.Loop() {
				r, err := Solve(context.Background(), v, l, 0, test.length, cfg)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(r.Solution.Unknowns), "unknowns")
				b.ReportMetric(float64(r.Solution.Iterations), "iterations")
			}
		})
	}
}
