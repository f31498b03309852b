//go:build unix

package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"syscall"
	"time"

	"github.com/plaquerisk/plaquerisk/radiomics/filter"
	"github.com/plaquerisk/plaquerisk/radiomics/morphology"
	"github.com/plaquerisk/plaquerisk/radiomics/pyradiomics"
	"github.com/plaquerisk/plaquerisk/radiomics/ria"
	"github.com/plaquerisk/plaquerisk/radiomics/texture"
)

// result is what one process measured for one task.
type result struct {
	MS     float64            `json:"ms"` // least processor time of a call
	Values map[string]float64 `json:"values,omitempty"`
	Count  int                `json:"count,omitempty"`
}

// processor returns the processor time of this process so far, user and system,
// all threads.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// least calls f once to warm up and returns the least processor time of a call
// over five batches of about 0.3 s, in ms.
func least(f func()) float64 {
	f()
	t := processor()
	f()
	each := max(processor()-t, time.Microsecond)
	repeat := max(1, int(300*time.Millisecond/each))
	batches := 5
	if each > 2*time.Second {
		batches = 1
	}
	cpu := math.Inf(1)
	for range batches {
		t := processor()
		for range repeat {
			f()
		}
		cpu = min(cpu, float64(processor()-t)/float64(repeat)/1e6)
	}
	return cpu
}

// levels returns the offsets and the grey levels of width 32 of a region, the
// least of which is 1.
func (r *region) levels() (at []int, levels []uint16) {
	for o, in := range r.mask.In {
		if in {
			at = append(at, o)
			levels = append(levels, uint16(r.vol.Values[o])/32)
		}
	}
	least := slices.Min(levels)
	for n := range levels {
		levels[n] -= least - 1
	}
	return at, levels
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// ours measures this program on all regions.
func ours() map[string]result {
	ctx := context.Background()
	out := map[string]result{}
	for _, r := range regions() {
		if r.name == "bank" {
			out["filters/bank"] = pyradiomicsFilters(ctx, &r)
			out["filter bank/bank"] = bank(ctx, &r)
			continue
		}
		out["texture/"+r.name] = textures(ctx, &r)
		out["IBSI texture/"+r.name] = standard(ctx, &r)
		out["shape/"+r.name] = shape(&r)
		out["107 features/"+r.name] = all(ctx, &r, "setting: {binWidth: 32}", "original")
		if r.name == "plaque_0.3mm" {
			out["RIA-type set/"+r.name] = riaSet(&r)
		}
	}
	out["Moran and Geary/cube_100"] = moran(ctx)
	return out
}

// textures times the five families of PyRadiomics from grey levels to features.
func textures(ctx context.Context, r *region) result {
	cfg := texture.PyRadiomicsConfig()
	c := must(texture.NewComputer(cfg))
	at, levels := r.levels()
	ng := int(slices.Max(levels)) // as PyRadiomics counts them
	var reg texture.Region
	var values []texture.Value
	call := func() {
		reg.Reset(r.vol.Size, r.vol.Spacing, at, levels, ng, nil)
		values = must(c.Compute(ctx, values[:0], &reg))
	}
	res := result{Count: len(at), Values: map[string]float64{}}
	res.MS = least(call)
	for n, col := range cfg.Columns() {
		res.Values["original_"+col.Family.String()+"_"+col.PyRadiomics] = values[n].Value
	}
	return res
}

// standard times the five families that MIRP shares, in three dimensions and
// merged, from intensities over 32 grey levels to features. Values are named by
// their rank within a family, as peer_mirp.py does.
func standard(ctx context.Context, r *region) result {
	cfg := texture.DefaultConfig()
	cfg.Families = []texture.Family{texture.GLCM, texture.GLRLM, texture.GLSZM, texture.NGTDM, texture.NGLDM}
	c := must(texture.NewComputer(cfg))
	at, _ := r.levels()
	levels := make([]uint16, len(at))
	var reg texture.Region
	var values []texture.Value
	res := result{Values: map[string]float64{}}
	res.MS = least(func() {
		lo, hi := r.vol.Values[at[0]], r.vol.Values[at[0]]
		for _, o := range at {
			lo, hi = min(lo, r.vol.Values[o]), max(hi, r.vol.Values[o])
		}
		for n, o := range at {
			levels[n] = uint16(min(32*float64(r.vol.Values[o]-lo)/float64(hi-lo), 31)) + 1
		}
		reg.Reset(r.vol.Size, r.vol.Spacing, at, levels, 32, nil)
		values = must(c.Compute(ctx, values[:0], &reg))
	})
	family := map[texture.Family][]float64{}
	for n, col := range cfg.Columns() {
		family[col.Family] = append(family[col.Family], values[n].Value)
	}
	for f, v := range family {
		slices.Sort(v)
		for n, x := range v {
			res.Values[fmt.Sprintf("%v %d of %d", f, n+1, len(v))] = x
		}
	}
	return res
}

func shape(r *region) result {
	lo, hi, _ := r.mask.Bounds()
	m := r.mask.Crop(lo, hi)
	var w morphology.Workspace
	values := make([]float64, len(morphology.PyRadiomicsFeatures))
	res := result{Values: map[string]float64{}}
	res.MS = least(func() { morphology.NewPyRadiomics(&w, m.Size, m.Spacing, m.In).Values(values, nil) })
	for n, f := range morphology.PyRadiomicsFeatures {
		res.Values["original_shape_"+f.PyRadiomics] = values[n]
	}
	return res
}

// all times the features of a parameter file from image and mask.
func all(ctx context.Context, r *region, params, name string) result {
	p := must(pyradiomics.Parse(name, []byte(params)))
	p.Pixels = pyradiomics.Int16
	e := must(pyradiomics.NewExtractor(p))
	res := result{Values: map[string]float64{}}
	res.MS = least(func() {
		v, _, err := e.Extract(ctx, r.vol, r.mask)
		if err != nil {
			panic(err)
		}
		for n, c := range v.Values {
			if len(res.Values) < len(v.Values) {
				res.Values[v.Schema.Column(n).Name] = c
			}
		}
	})
	return res
}

// pyradiomicsFilters times 8 wavelet bands and 5 LoG with first-order features.
func pyradiomicsFilters(ctx context.Context, r *region) result {
	return all(ctx, r, `{"imageType": {"LoG": {"sigma": [1.0, 1.5, 2.0, 2.5, 3.0]}, "Wavelet": {}},
		"featureClass": {"firstorder": []}, "setting": {"binWidth": 32}}`, "filters")
}

// bank times the filter bank: 8 wavelet bands, 5 LoG, Laws energy and Gabor on
// all of a box of 150³ voxels, with the statistics of each response.
func bank(ctx context.Context, r *region) result {
	res := result{Count: len(bankFilters())}
	res.MS = least(filterBank(ctx, r))
	return res
}

func bankFilters() (filters []filter.Filter) {
	add := func(c filter.Config) { filters = append(filters, must(filter.New(c))) }
	for n := range 8 {
		band := []byte("LLL")
		for a := range 3 {
			if n>>a&1 == 1 {
				band[a] = 'H'
			}
		}
		add(filter.Config{Kind: "wavelet", Wavelet: "coif1", Band: string(band)})
	}
	for _, sigma := range []float64{0.5, 0.75, 1, 1.25, 1.5} {
		add(filter.Config{Kind: "log", Sigma: sigma})
	}
	add(filter.Config{Kind: "laws", Kernel: "L5E5S5", EnergyDistance: 3})
	add(filter.Config{Kind: "gabor", Sigma: 1, Wavelength: 2, AspectRatio: 1, Angle: 45})
	return filters
}

// riaSet times the set of [ria] on a plaque.
func riaSet(r *region) result {
	cfg := ria.DefaultConfig()
	c := must(ria.NewComputer(cfg))
	lo, hi, _ := r.mask.Bounds()
	vol, mask := r.vol.Crop(lo, hi), r.mask.Crop(lo, hi)
	reg := ria.Region{Size: vol.Size, Spacing: vol.Spacing}
	for o, in := range mask.In {
		if in {
			reg.At, reg.Values = append(reg.At, o), append(reg.Values, float64(vol.Values[o]))
		}
	}
	dst := make([]float64, c.Len())
	res := result{Count: c.Len()}
	res.MS = least(func() { c.Compute(dst, nil, &reg) })
	return res
}

// moran times IBSI's shape with Moran's I and Geary's C on a full cube of 100³.
func moran(ctx context.Context) result {
	r := newRegion("cube", [3]int{100, 100, 100}, 0.5, func(x, y, z int) bool { return true })
	reg := morphology.Region{Size: r.vol.Size, Spacing: r.vol.Spacing, Mask: r.mask.In}
	for o, v := range r.vol.Values {
		reg.Inside, reg.Values = append(reg.Inside, o), append(reg.Values, float64(v))
	}
	var w morphology.Workspace
	res := result{Count: len(reg.Values)}
	res.MS = least(func() { must(morphology.NewShape(ctx, &w, reg)) })
	return res
}
