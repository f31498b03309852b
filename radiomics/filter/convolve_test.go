package filter

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Assembly and loops give the same bits, for runs of every length about the
// size of a block.
func TestAssembly(t *testing.T) {
	if !useAVX {
		t.Skip("no AVX here")
	}
	defer func(old bool) { setAVX(old) }(useAVX)
	r := rand.New(rand.NewPCG(1, 2))
	src, voxels := make([]float64, 4000), make([]float32, 4000)
	for i := range src {
		voxels[i] = float32(1000 * r.NormFloat64())
		src[i] = 1000 * r.NormFloat64()
	}
	for n := range 100 {
		for _, terms := range []int{0, 1, 2, 7, 20} {
			off, w := make([]int, 2*terms), make([]float64, terms)
			for i := range off {
				off[i] = r.IntN(len(src) - n + 1)
			}
			for i := range w {
				w[i] = r.NormFloat64()
			}
			run := func(avx bool) [4][]float64 {
				setAVX(avx)
				var d [4][]float64
				for i := range d {
					d[i] = make([]float64, n)
				}
				correlate(d[0], src, off[:terms], w)
				correlatePairs(d[1], src, off, w)
				correlateVoxels(d[2], voxels, off[:terms], w)
				correlateVoxelPairs(d[3], voxels, off, w)
				return d
			}
			a, b := run(true), run(false)
			for i := range a {
				if !slices.Equal(a[i], b[i]) {
					t.Fatalf("function %d, %d values of %d terms: %v, want %v", i, n, terms, a[i], b[i])
				}
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
	correlate(make([]float64, 4), make([]float64, 5), []int{2}, []float64{1})
}

func BenchmarkCorrelate(b *testing.B) {
	const n, terms = 150, 21
	src, voxels, dst := make([]float64, 100*n), make([]float32, 100*n), make([]float64, n)
	off, w := make([]int, 2*terms), make([]float64, terms)
	for t := range off {
		off[t] = t * n
	}
	for _, f := range []struct {
		name string
		call func()
	}{
		{"float64", func() { correlate(dst, src, off[:terms], w) }},
		{"float64Pairs", func() { correlatePairs(dst, src, off, w) }},
		{"float32", func() { correlateVoxels(dst, voxels, off[:terms], w) }},
		{"float32Pairs", func() { correlateVoxelPairs(dst, voxels, off, w) }},
	} {
		b.Run(fmt.Sprint(f.name, " ", terms), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.call()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n/terms, "ns/term")
		})
	}
}
