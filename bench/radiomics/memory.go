//go:build unix

package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/plaquerisk/plaquerisk/radiomics/texture"
)

// memoryTitle is the heading of the table.
const memoryTitle = "## Memory\n"

// renewMemory puts a new table of memory in the place of the one in a file.
func renewMemory(ctx context.Context, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), memoryTitle)
	if !found {
		return fmt.Errorf("%s: has no line %q: make the whole page", path, strings.TrimSpace(memoryTitle))
	}
	after := ""
	if n := strings.Index(rest, "\n## "); n >= 0 {
		after = rest[n:]
	}
	return os.WriteFile(path, []byte(before+memoryTable(ctx)+after), 0o644)
}

// memoryTable measures what texture allocates for each voxel of the box.
func memoryTable(ctx context.Context) string {
	var b strings.Builder
	b.WriteString(memoryTitle + "\nAll that is allocated from grey levels to texture features, in bytes for each voxel of the box of the region: the region, the computer\n" +
		"with its scratch and the values. Its peak cannot be larger. In brackets what the values alone are.\n\n" +
		"| region | voxels | box, voxels | five families of PyRadiomics, one thread | two threads | six families of IBSI, one thread | two threads |\n" +
		"|---|---|---|---|---|---|---|\n")
	for _, r := range regions() {
		if r.name == "bank" {
			continue
		}
		lo, hi, _ := r.mask.Bounds()
		box := (hi[0] - lo[0]) * (hi[1] - lo[1]) * (hi[2] - lo[2])
		fmt.Fprintf(&b, "| %s | %d | %d |", r.name, r.mask.Count(), box)
		for _, cfg := range []texture.Config{texture.PyRadiomicsConfig(), texture.DefaultConfig()} {
			for threads := 1; threads <= 2; threads++ {
				all, values := textureMemory(ctx, &r, cfg, threads)
				fmt.Fprintf(&b, " %.1f (%.2f) |", all/float64(box), values/float64(box))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// textureMemory returns the bytes that texture allocates in all, and those of
// its values. The runtime may allocate at the same time: the least of five
// computations counts.
func textureMemory(ctx context.Context, r *region, cfg texture.Config, threads int) (all, values float64) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	at, levels := r.levels()
	ng := int(slices.Max(levels))
	all = math.Inf(1)
	for range 5 {
		all = min(all, allocated(func() {
			must(texture.Compute(ctx, texture.NewRegion(r.vol.Size, r.vol.Spacing, at, levels, ng, nil), cfg))
		}))
	}
	return all, float64(len(cfg.Columns())) * float64(unsafe.Sizeof(texture.Value{}))
}

// allocated returns all that f allocates, in bytes.
func allocated(f func()) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc - before.TotalAlloc)
}
