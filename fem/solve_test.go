package fem

import (
	"context"
	"testing"
	"time"
)

func TestScratchPerf(t *testing.T) {
	for _, length := range []float64{36, 110} {
		for _, nu := range []float64{0.45, 0.49} {
			v, l := plaqueTube(length)
			cfg := DefaultConfig()
			cfg.Materials.Wall.Poisson = nu
			cfg.Materials.FibroFatty.Poisson = nu
			cfg.Materials.Fibrous.Poisson = nu
			cfg.Materials.LowAttenuation.Poisson = nu
			cfg.Materials.Calcified.Poisson = nu
			start := time.Now()
			r, err := Solve(context.Background(), v, l, 0, length, cfg)
			if err != nil {
				t.Error(err)
				continue
			}
			t.Log(nu, r.Solution.Unknowns, r.Solution.Report, "levels", r.Solution.Levels, "free", r.Solution.Free, time.Since(start), r.Mesh.Quality, r.Notes)
		}
	}
}
