package filter

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Assembly and loops give the same bits, for runs of every length about the
// size of a block.
func TestAssembly(t *testing.T) {
	if !useAVX {
		t.Skip("no AVX here")
	}
	defer setAVX(true)
	r := rand.New(rand.NewPCG(1, 2))
	src, voxels := make([]float64, 4000), make([]float32, 4000)
	for i := range src {
		voxels[i] = float32(1000 * r.NormFloat64())
		src[i] = 1000 * r.NormFloat64()
	}
	src[7], src[1200] = math.NaN(), math.Inf(1)
	for n := range 100 {
		for _, terms := range []int{0, 1, 2, 7, 20} {
			sum := run{n: n}
			for range terms {
				sum.add(r.NormFloat64(), r.IntN(len(src)-n+1))
			}
			sum.round()
			x, f := src[r.IntN(1000):][:n], r.NormFloat64()
			results := func(avx bool) string {
				setAVX(avx)
				var d [6][]float64
				for i := range d {
					d[i] = append(d[i], src[1000:1000+n]...)
				}
				sum.apply(d[0], src)
				sum.applyVoxels(d[1], voxels)
				addScaled(d[2], x, f)
				maxima(d[3], x)
				minima(d[4], x)
				moduli(d[5], x)
				stored, single := make([]float32, n), make([]float32, n)
				storeScaled(stored, x, f)
				sum.applySingle(single, voxels)
				return fmt.Sprint(d, stored, single)
			}
			if a, b := results(true), results(false); a != b {
				t.Fatalf("%d values of %d terms: %v, want %v", n, terms, a, b)
			}
		}
	}
}

// A run outside the samples is a bug of the caller.
func TestRunsChecked(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a run outside the samples was read")
		}
	}()
	r := run{}
	r.add(1, 2)
	r.apply(make([]float64, 4), make([]float64, 5))
}

func BenchmarkRun(b *testing.B) {
	const n, terms = 150, 21
	src, voxels, dst := make([]float64, 100*n), make([]float32, 100*n), make([]float64, n)
	var r run
	for t := range terms {
		r.add(1, t*n)
	}
	r.round()
	for _, f := range []struct {
		name string
		call func()
	}{
		{"float64", func() { r.apply(dst, src) }},
		{"voxels", func() { r.applyVoxels(dst, voxels) }},
		{"single", func() { r.applySingle(voxels[:n], voxels) }},
	} {
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.call()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n/terms, "ns/term")
		})
	}
}
