//go:build unix

package main

import (
	"context"
	"math"
	"runtime"
	"time"

	"github.com/plaquerisk/plaquerisk/radiomics"
	"github.com/plaquerisk/plaquerisk/radiomics/intensity"
	"github.com/plaquerisk/plaquerisk/radiomics/maps"
	"github.com/plaquerisk/plaquerisk/radiomics/morphology"
	"github.com/plaquerisk/plaquerisk/radiomics/pyradiomics"
	"github.com/plaquerisk/plaquerisk/radiomics/texture"
)

// pair is what a task takes on one thread and on two.
type pair struct {
	Size int        `json:"size"` // voxels of the region
	Wall [2]float64 `json:"wall"` // least wall time of a call, ms
	Work float64    `json:"work"` // processor time on two threads by that on one
}

// alternate calls f on one thread and on two in turn, for about the given time
// but three times at least, so that other work on the machine meets both alike.
func alternate(size int, f func(), spend time.Duration) pair {
	p := pair{Size: size, Wall: [2]float64{math.Inf(1), math.Inf(1)}}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	f()
	start := time.Now()
	f()
	calls := 1 + int(time.Millisecond/max(time.Since(start), time.Microsecond)) // long enough for the clock
	runtime.GC()
	var work [2]time.Duration
	begin := time.Now()
	for round := 0; round < 3 || time.Since(begin) < spend; round++ {
		for n := range 2 {
			threads := (round + n) % 2
			runtime.GOMAXPROCS(threads + 1)
			start, cpu := time.Now(), processor()
			for range calls {
				f()
			}
			p.Wall[threads] = min(p.Wall[threads], float64(time.Since(start))/float64(calls)/1e6)
			work[threads] += processor() - cpu
		}
	}
	p.Work = float64(work[1]) / float64(work[0])
	return p
}

// both measures the tasks of a user, or only one, on one thread and on two.
func both(ctx context.Context, only string) map[string]pair {
	pairs := map[string]pair{}
	run := func(task string, size int, f func()) {
		if only == "" || only == task {
			pairs[task] = alternate(size, f, 3*time.Second)
		}
	}
	params := must(pyradiomics.Parse("107 features", []byte("setting: {binWidth: 32}")))
	bands := must(pyradiomics.Parse("with filters", []byte(`{"imageType": {"Original": {}, "LoG": {"sigma": [1.0, 2.0]}, "Wavelet": {}}, "setting": {"binWidth": 32}}`)))
	mapped := maps.DefaultConfig()
	mapped.Features = []string{"firstorder.mean", "glcm.contrast", "glrlm.run_percentage"}
	for _, r := range regions() {
		voxels := r.mask.Count()
		if r.name == "bank" {
			run("filter bank/"+r.name, voxels, filterBank(ctx, &r))
			continue
		}
		at, levels := r.levels()
		computer := must(texture.NewComputer(texture.PyRadiomicsConfig()))
		var reg texture.Region
		var values []texture.Value
		run("texture/"+r.name, voxels, func() {
			reg.Reset(r.vol.Size, r.vol.Spacing, at, levels, 32, nil)
			values = must(computer.Compute(ctx, values[:0], &reg))
		})
		extract := func(p *pyradiomics.Params) func() {
			return func() {
				if _, _, err := pyradiomics.Extract(ctx, r.vol, r.mask, p); err != nil {
					panic(err)
				}
			}
		}
		run("107 features/"+r.name, voxels, extract(params))
		run("profile ibsi/"+r.name, voxels, func() {
			if _, _, err := radiomics.Extract(ctx, r.vol, r.mask, radiomics.IBSIConfig()); err != nil {
				panic(err)
			}
		})
		lo, hi, _ := r.mask.Bounds()
		vol, mask := r.vol.Crop(lo, hi), r.mask.Crop(lo, hi)
		shape := morphology.Region{Size: mask.Size, Spacing: mask.Spacing, Mask: mask.In}
		for o, in := range mask.In {
			if in {
				shape.Inside, shape.Values = append(shape.Inside, o), append(shape.Values, float64(vol.Values[o]))
			}
		}
		var w morphology.Workspace
		run("shape with Moran and Geary/"+r.name, voxels, func() { must(morphology.NewShape(ctx, &w, shape)) })
		if r.name == "blob_50" {
			run("107 features of original, 2 LoG and 8 wavelet bands/"+r.name, voxels, extract(bands))
			in := &maps.Input{Grid: vol.Grid, Values: vol.Values, Levels: make([]uint16, vol.Len()), N: 32}
			for n, o := range shape.Inside {
				in.Levels[o] = levels[n]
			}
			run("maps of 3 features/"+r.name, voxels, func() { must(maps.Compute(ctx, in, mapped)) })
		}
	}
	return pairs
}

// filterBank is the task of [bank] on all filters.
func filterBank(ctx context.Context, r *region) func() {
	filters := bankFilters()
	var w intensity.Workspace
	values := make([]float64, len(intensity.StatisticsFeatures))
	return func() {
		for _, f := range filters {
			h := must(f.Apply(ctx, r.vol))
			intensity.NewStatistics(&w, h.Values).Values(values, nil)
		}
	}
}
