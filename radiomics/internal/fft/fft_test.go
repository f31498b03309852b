package fft

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// image returns random complex samples.
func image(size [3]int) []complex128 {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]complex128, size[0]*size[1]*size[2])
	for i := range x {
		x[i] = complex(r.NormFloat64(), r.NormFloat64())
	}
	return x
}

// The transform is the sum that defines it, whatever the factors of the sizes,
// and the inverse undoes it.
func TestDefinition(t *testing.T) {
	for _, size := range [][3]int{{8, 6, 5}, {1, 7, 1}, {11, 4, 3}, {9, 1, 10}, {13, 2, 14}} {
		x := image(size)
		got := slices.Clone(x)
		p := NewPlan(size)
		if err := p.Forward(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		for at, g := range got {
			a, b, c := at%size[0], at/size[0]%size[1], at/size[0]/size[1]
			var want complex128
			for n, y := range x {
				i, j, k := n%size[0], n/size[0]%size[1], n/size[0]/size[1]
				phase := float64(a*i)/float64(size[0]) + float64(b*j)/float64(size[1]) + float64(c*k)/float64(size[2])
				want += y * cmplx.Exp(complex(0, -2*math.Pi*phase))
			}
			if cmplx.Abs(g-want) > 1e-11 {
				t.Fatalf("size %v, frequency (%d %d %d): %v, want %v", size, a, b, c, g, want)
			}
		}
		if err := p.Inverse(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		for n := range x {
			if cmplx.Abs(got[n]-x[n]) > 1e-13 {
				t.Fatalf("size %v: inverse of the transform at %d: %v, want %v", size, n, got[n], x[n])
			}
		}
	}
}

// The bits do not depend on the number of processors.
func TestThreads(t *testing.T) {
	size := [3]int{30, 20, 24}
	var first []complex128
	for _, n := range []int{1, 2, 8} {
		old := runtime.GOMAXPROCS(n)
		x := image(size)
		err := NewPlan(size).Forward(t.Context(), x)
		runtime.GOMAXPROCS(old)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = x
		}
		if !slices.Equal(first, x) {
			t.Errorf("%d threads give other bits", n)
		}
	}
}

// Size gives the next product of 2, 3 and 5.
func TestSize(t *testing.T) {
	for n, want := range map[int]int{0: 1, 1: 1, 7: 8, 11: 12, 31: 32, 125: 125, 151: 160, 201: 216} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %d, want %d", n, got, want)
		}
	}
}

func BenchmarkForward(b *testing.B) {
	size := [3]int{160, 160, 160}
	x := image(size)
	p := NewPlan(size)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Forward(b.Context(), x); err != nil {
			b.Fatal(err)
		}
	}
}
