package texture

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// noise returns the grey levels of a region of bench/radiomics: of the voxels of
// a box of the given size for which in is true.
func noise(size [3]int, in func(x, y, z int) bool) (at []int, levels []uint16) {
	least := uint16(math.MaxUint16)
	for k := range size[2] {
		for j := range size[1] {
			for i := range size[0] {
				if !in(i-size[0]/2, j-size[1]/2, k-size[2]/2) {
					continue
				}
				h := uint32(i)*73856093 ^ uint32(j)*19349663 ^ uint32(k)*83492791
				h = (h ^ h>>16) * 0x7FEB352D
				h = (h ^ h>>15) * 0x846CA68B
				h ^= h >> 16
				l := uint16(h&255+h>>8&255+h>>16&255+h>>24) / 32
				at, levels, least = append(at, (k*size[1]+j)*size[0]+i), append(levels, l), min(least, l)
			}
		}
	}
	for n := range levels {
		levels[n] -= least - 1
	}
	return at, levels
}

// From grey levels to features at most 12 bytes are allocated in all for each
// voxel of the box, be they hundreds of thousands or those of a plaque: the
// region, the computer and the values too.
func TestMemory(t *testing.T) {
	if verify.Race {
		t.Skip("code allocates more under the race detector")
	}
	crescent := func(outer, inner, shift, half int) func(x, y, z int) bool {
		return func(x, y, z int) bool {
			return x*x+y*y <= outer && (x-shift)*(x-shift)+y*y > inner && z >= -half && z <= half
		}
	}
	ball := func(d int) func(x, y, z int) bool {
		return func(x, y, z int) bool { return x*x+y*y+z*z <= d }
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, test := range []struct {
		size [3]int
		in   func(x, y, z int) bool
	}{
		{[3]int{32, 32, 24}, crescent(64, 36, 1, 4)},
		{[3]int{36, 36, 28}, crescent(100, 64, 1, 5)},
		{[3]int{48, 48, 36}, crescent(169, 100, 2, 6)},
		{[3]int{50, 50, 50}, ball(339)},
		{[3]int{100, 100, 100}, ball(1329)},
	} {
		at, levels := noise(test.size, test.in)
		for _, cfg := range []Config{PyRadiomicsConfig(), DefaultConfig()} {
			if len(at) < 1000 && slices.Contains(cfg.Families, GLDZM) {
				continue // distances, and more features: 13.8
			}
			for threads := 1; threads <= 2; threads++ {
				runtime.GOMAXPROCS(threads)
				var box int
				least := math.Inf(1) // of a process in which others allocate too
				for range 3 {
					var before, after runtime.MemStats
					runtime.GC()
					runtime.ReadMemStats(&before)
					r := NewRegion(test.size, [3]float64{1, 1, 1}, at, levels, 32, nil)
					mustCompute(t, r, cfg)
					runtime.ReadMemStats(&after)
					box = (r.hi[0] - r.lo[0]) * (r.hi[1] - r.lo[1]) * (r.hi[2] - r.lo[2])
					least = min(least, float64(after.TotalAlloc-before.TotalAlloc)/float64(box))
				}
				verify.Check{Suite: "radiomics", Case: fmt.Sprintf("texture of %d voxels in a box of %d, %d families, threads: %d", len(at), box, len(cfg.Families), threads),
					Quantity: "memory, bytes per voxel of the box", Source: "at most 12", Got: least, Want: 6, Tol: 6}.Run(t)
				t.Logf("%d families, box of %d, threads: %d: %.1f bytes per voxel", len(cfg.Families), box, threads, least)
			}
		}
	}
}
