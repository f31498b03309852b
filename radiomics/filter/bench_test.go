package filter

import (
	"fmt"
	"testing"

	"github.com/plaquerisk/plaquerisk/radiomics/intensity"
)

// bank is the filter bank by which speed is measured: 8 wavelet bands, 5
// Laplacians of Gaussians, a Laws energy and a Gabor filter.
func bank() []Config {
	var all []Config
	for b := range 8 {
		band := ""
		for a := range 3 {
			band += string("LH"[b>>a&1])
		}
		all = append(all, Config{Kind: "wavelet", Wavelet: "coif1", Band: band})
	}
	for sigma := 1.0; sigma <= 5; sigma++ {
		all = append(all, Config{Kind: "log", Sigma: sigma})
	}
	return append(all,
		Config{Kind: "laws", Kernel: "L5E5E5", RotationInvariant: true, EnergyDistance: 7},
		Config{Kind: "gabor", Sigma: 3, Wavelength: 3, Angle: 22.5})
}

// The bank, and every kind of filter by itself, on a box of 150³ voxels of 1 mm.
func BenchmarkBank(b *testing.B) {
	v := noise([3]int{150, 150, 150})
	v.Spacing = [3]float64{1, 1, 1}
	run := func(b *testing.B, configs []Config, then func(h []float32)) {
		b.ReportAllocs()
		for b.Loop() {
			for _, c := range configs {
				f, err := New(c)
				if err != nil {
					b.Fatal(err)
				}
				h, err := f.Apply(b.Context(), v)
				if err != nil {
					b.Fatal(err)
				}
				then(h.Values)
			}
		}
	}
	nothing := func([]float32) {}
	b.Run("all", func(b *testing.B) { run(b, bank(), nothing) })
	b.Run("plaque", func(b *testing.B) { // 40³ voxels
		whole := v
		defer func() { v = whole }()
		v = v.Crop([3]int{50, 50, 50}, [3]int{90, 90, 90})
		run(b, bank(), nothing)
	})
	b.Run("statistics", func(b *testing.B) { // of every response
		var w intensity.Workspace
		values := make([]float64, len(intensity.StatisticsFeatures))
		run(b, bank(), func(h []float32) { intensity.NewStatistics(&w, h).Values(values, nil) })
	})
	seen := map[string]bool{}
	for _, c := range append(bank(), examples...) {
		if c.Kind == "simoncelli" || c.Kind == "riesz_log" || c.Kind == "riesz_simoncelli" || c.Kind == "lbp_3d" {
			continue
		}
		if name := nameOf(c); !seen[name] {
			seen[name] = true
			b.Run(fmt.Sprint(name), func(b *testing.B) { run(b, []Config{c}, nothing) })
		}
	}
}
