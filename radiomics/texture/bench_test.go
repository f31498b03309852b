package texture

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// blob returns a ball in a cube of noise: as the benchmarks of section 1 of the
// specification, 32 levels. Smooth noise has the same histogram.
func blob(n int, radius float64, levels int, flat bool) *Region {
	r := rand.New(rand.NewPCG(5, 5))
	var at []int
	var codes []uint16
	c := float64(n-1) / 2
	o := 0
	for k := range n {
		for j := range n {
			for i := range n {
				x, y, z := float64(i)-c, float64(j)-c, float64(k)-c
				if x*x+y*y+z*z < radius*radius {
					at = append(at, o)
					l := 1
					if !flat {
						l = 1 + min(max(int((r.NormFloat64()/8.6+0.5)*float64(levels)), 0), levels-1)
					}
					codes = append(codes, uint16(l))
				}
				o++
			}
		}
	}
	return NewRegion([3]int{n, n, n}, [3]float64{1, 1, 1}, at, codes, levels, nil)
}

// crescent returns a plaque-like region: a sickle along a vessel of about the
// given number of voxels, with smooth levels and noise.
func crescent(edge float64, voxels int) *Region {
	r := rand.New(rand.NewPCG(7, 7))
	nx := int(6/edge) + 1
	nz := int(14/edge) + 1
	var at []int
	var levels []uint16
	top := 0
	for k := range nz {
		for j := range nx {
			for i := range nx {
				x, y := (float64(i)-float64(nx)/2)*edge, (float64(j)-float64(nx)/2)*edge
				d, a := math.Hypot(x, y), math.Atan2(y, x)
				if len(at) < voxels && math.Abs(a) < 1.6 && d > 1.6 && d < 1.6+1.1*math.Cos(a/2) {
					l := 1 + max(0, int(6+4*math.Sin(3*a)+3*math.Cos(float64(k)*edge)+1.5*r.NormFloat64()))
					at, levels = append(at, (k*nx+j)*nx+i), append(levels, uint16(l))
					top = max(top, l)
				}
			}
		}
	}
	return NewRegion([3]int{nx, nx, nz}, [3]float64{edge, edge, edge}, at, levels, top, nil)
}

var benchRegions = []struct {
	name   string
	region func() *Region
}{
	{"blob203k", func() *Region { return blob(100, 36.46, 32, false) }},
	{"blob26k", func() *Region { return blob(50, 18.45, 32, false) }},
	{"flat203k", func() *Region { return blob(100, 36.46, 32, true) }},
	{"plaque2985", func() *Region { return crescent(0.3, 2985) }},
	{"plaque1168", func() *Region { return crescent(0.4, 1168) }},
	{"plaque724", func() *Region { return crescent(0.5, 724) }},
}

func bench(b *testing.B, cfg Config, region *Region) {
	c, err := NewComputer(cfg)
	if err != nil {
		b.Fatal(err)
	}
	var values []Value
	best := time.Duration(math.MaxInt64) // of a machine that does other things too
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		if values, err = c.Compute(b.Context(), values[:0], region); err != nil {
			b.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	b.ReportMetric(float64(best.Microseconds()), "min-µs")
}

// The five families of PyRadiomics with all 75 features; -cpu 1 for one thread.
func BenchmarkPyRadiomics(b *testing.B) {
	for _, r := range benchRegions {
		b.Run(r.name, func(b *testing.B) { bench(b, PyRadiomicsConfig(), r.region()) })
	}
}

// Each family alone.
func BenchmarkFamilies(b *testing.B) {
	for _, r := range benchRegions {
		region := r.region()
		for f := range families {
			cfg := PyRadiomicsConfig()
			cfg.Families = []Family{f}
			b.Run(fmt.Sprintf("%s/%v", r.name, f), func(b *testing.B) { bench(b, cfg, region) })
		}
	}
}

// All families and aggregations of the standard.
func BenchmarkEverything(b *testing.B) {
	for _, r := range benchRegions {
		b.Run(r.name, func(b *testing.B) { bench(b, everything(), r.region()) })
	}
}

// Putting levels into a region again, as for the next discretisation.
func BenchmarkReset(b *testing.B) {
	region := crescent(0.4, 1168)
	at, levels := make([]int, region.Voxels), make([]uint16, region.Voxels)
	n := 0
	for _, s := range region.rows {
		for x := range int(s.n) {
			at[n], levels[n] = int(s.at)+x, region.value[region.code8[n]]
			n++
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		region.Reset(region.Size, region.Spacing, at, levels, region.N, nil)
	}
}

// A kernel of 3 × 3 × 3 voxels, as feature maps have one for each voxel.
func BenchmarkKernel(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 3))
	at, levels := make([]int, 27), make([]uint16, 27)
	for n := range at {
		at[n], levels[n] = n, uint16(1+r.IntN(8))
	}
	size, spacing := [3]int{3, 3, 3}, [3]float64{1, 1, 1}
	region := NewRegion(size, spacing, at, levels, 8, nil)
	for _, f := range []Family{GLCM, GLRLM, GLSZM, NGTDM, GLDM} {
		cfg := DefaultConfig()
		cfg.Families = []Family{f}
		c, err := NewComputer(cfg)
		if err != nil {
			b.Fatal(err)
		}
		var values []Value
		b.Run(f.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				region.Reset(size, spacing, at, levels, 8, nil)
				if values, err = c.Compute(b.Context(), values[:0], region); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
