package radiomics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/radiomics/filter"
	"github.com/plaquerisk/plaquerisk/risk"
)

// NoteCodes documents the notes of this package.
var NoteCodes = []risk.Code{
	{Code: "PLQ-301", Title: "features are undefined", Help: "Some features have no value for this region, as the correlation of one grey level. Their cells are empty; a classifier treats them as missing."},
	{Code: "PLQ-302", Title: "intensities below the first grey level", Help: "They got level 1. Lower bin_start_hu, or exclude them with range_hu."},
	{Code: "PLQ-303", Title: "small region", Help: "With fewer than 8 voxels per occupied grey level, texture says more about the region's size than about the tissue. Compare with plaques of similar size only."},
	{Code: "PLQ-304", Title: "voxels without a finite intensity", Help: "They count for the shape but not for intensities and texture."},
	{Code: "PLQ-305", Title: "interpolation changed the volume", Help: "The region is thin beside its voxels: its shape on the new voxels differs by more than a tenth in volume from the one drawn."},
	{Code: "PLQ-306", Title: "region without a third dimension", Help: "All voxels lie in one plane: three-dimensional texture and shape describe a slice."},
}

// ErrEmpty tells that no voxel is left to compute features from.
var ErrEmpty = errors.New("no voxel in the region")

// region is what the families read: one region of interest on the final
// voxels. Its box holds the region and a margin for the filters.
type region struct {
	image  *imaging.Volume
	mask   *imaging.Mask // for shape
	inside []int         // offsets of the intensity mask, ascending
	values []float64     // intensities there
	levels []int         // grey levels there, from 1
	ng     int           // the largest level possible
}

// Extract computes the features of [Columns](cfg) for the region roi of vol.
// The voxels of roi must coincide with voxels of vol, but its grid may be a
// part of vol's. Notes tell what a reader must know: see [NoteCodes].
func Extract(ctx context.Context, vol *imaging.Volume, roi *imaging.Mask, cfg Config) (feature.Vector, []risk.Note, error) {
	v, notes, err := extract(ctx, vol, roi, cfg)
	if err != nil {
		return feature.Vector{}, nil, fmt.Errorf("radiomics: %w", err)
	}
	return v, notes, nil
}

func extract(ctx context.Context, vol *imaging.Volume, roi *imaging.Mask, cfg Config) (feature.Vector, []risk.Note, error) {
	if err := cfg.Validate(); err != nil {
		return feature.Vector{}, nil, err
	}
	schema, err := feature.NewSchema(Columns(cfg)...)
	if err != nil {
		return feature.Vector{}, nil, err
	}
	laws := make([]filter.Laws, len(cfg.Laws))
	margin := 0
	for n, l := range cfg.Laws {
		if laws[n], err = filter.ParseLaws(l.Kernel); err != nil {
			return feature.Vector{}, nil, err
		}
		laws[n].RotationInvariant, laws[n].EnergyDistance = l.RotationInvariant, l.EnergyDistance
		margin = max(margin, laws[n].Support())
	}
	r, notes, err := newRegion(ctx, vol, roi, &cfg, margin)
	if err != nil {
		return feature.Vector{}, nil, err
	}
	out := feature.Vector{Schema: schema}
	for _, f := range families {
		if err := ctx.Err(); err != nil {
			return feature.Vector{}, nil, err
		}
		if slices.Contains(cfg.Families, f.name) {
			out.Values = append(out.Values, f.values(r, &cfg)...)
		}
	}
	response := make([]float64, len(r.inside))
	for n := range laws {
		h, err := laws[n].Apply(ctx, r.image)
		if err != nil {
			return feature.Vector{}, nil, err
		}
		for i, at := range r.inside {
			response[i] = float64(h.Values[at])
		}
		out.Values = append(out.Values, valuesOf(firstOrderFeatures, newSample(response))...)
	}
	return out, append(notes, undefined(&out, r)...), nil
}

// newRegion interpolates image and mask, selects the intensities and makes grey
// levels of them.
func newRegion(ctx context.Context, vol *imaging.Volume, roi *imaging.Mask, cfg *Config, margin int) (*region, []risk.Note, error) {
	var notes []risk.Note
	note := func(code string, severity risk.Severity, format string, a ...any) {
		notes = append(notes, risk.Note{Code: code, Severity: severity, Text: fmt.Sprintf(format, a...)})
	}
	mask, lo, hi, err := align(&vol.Grid, roi)
	if err != nil {
		return nil, nil, err
	}
	r := &region{}
	if cfg.Spacing == 0 {
		blo, bhi := vol.Clamp(widen(lo, hi, margin))
		r.image = vol.Crop(blo, bhi)
		r.mask = mask.onto(r.image.Grid, blo)
	} else if err := r.interpolate(ctx, vol, mask, lo, hi, cfg, margin); err != nil {
		return nil, nil, err
	}
	n := r.mask.Count()
	if n == 0 {
		return nil, nil, fmt.Errorf("%w after interpolation to %g mm: %d voxels of %v: use a smaller spacing_mm or a lower mask_threshold",
			ErrEmpty, cfg.Spacing, len(mask.voxels), &vol.Grid)
	}
	if before, after := float64(len(mask.voxels))*vol.VoxelVolume(), float64(n)*r.mask.VoxelVolume(); math.Abs(after-before) > 0.1*before {
		note("PLQ-305", risk.Warning, "the region measures %.1f mm³ as drawn and %.1f mm³ on voxels of %g mm: shape and texture are uncertain", before, after, cfg.Spacing)
	}
	if mlo, mhi, _ := r.mask.Bounds(); n > 1 && (mhi[0]-mlo[0] == 1 || mhi[1]-mlo[1] == 1 || mhi[2]-mlo[2] == 1) {
		note("PLQ-306", risk.Warning, "the region is one voxel thick: its %d voxels lie in one plane, and three-dimensional features describe a slice", n)
	}
	if cfg.RoundHU {
		for i, x := range r.image.Values {
			r.image.Values[i] = float32(math.Round(float64(x)))
		}
	}
	if lost := r.segment(cfg); lost > 0 {
		note("PLQ-304", risk.Warning, "%d of %d voxels have no finite intensity and are left out", lost, n)
	}
	if len(r.inside) == 0 {
		return nil, nil, fmt.Errorf("%w after re-segmentation: none of %d voxels is finite and within range_hu %v", ErrEmpty, n, cfg.RangeHU)
	}
	below, err := r.discretise(cfg)
	if err != nil {
		return nil, nil, err
	}
	if below > 0 {
		note("PLQ-302", risk.Info, "%d of %d voxels lie below %g HU and are counted in the first grey level", below, len(r.inside), cfg.BinStart)
	}
	if occupied := countLevels(r.levels, r.ng); len(r.inside) < 8*occupied {
		note("PLQ-303", risk.Info, "%d voxels on %d grey levels are few for texture features", len(r.inside), occupied)
	}
	return r, notes, nil
}

// aligned is a mask as voxels of the image's grid.
type aligned struct {
	grid   *imaging.Grid
	voxels [][3]int32
}

// align expresses the voxels of roi as voxels of g, with their box. It fails if
// they do not coincide within a tenth of a voxel.
func align(g *imaging.Grid, roi *imaging.Mask) (aligned, [3]int, [3]int, error) {
	fail := func(format string, a ...any) (aligned, [3]int, [3]int, error) {
		return aligned{}, [3]int{}, [3]int{}, fmt.Errorf(format, a...)
	}
	lo, hi, ok := roi.Bounds()
	if !ok {
		return fail("%w: the mask of %v is empty", ErrEmpty, &roi.Grid)
	}
	var shift [3]int
	for c := range 8 { // the corners of the region's box
		var q [3]float64
		for a := range 3 {
			q[a] = float64(lo[a])
			if c>>a&1 == 1 {
				q[a] = float64(hi[a] - 1)
			}
		}
		p := roi.Point(q[0], q[1], q[2])
		x, y, z := g.Index(p)
		for a, t := range [3]float64{x, y, z} {
			at := math.Round(t)
			if c == 0 {
				shift[a] = int(at) - lo[a]
			}
			if math.Abs(t-at) > 0.1 || int(at)-int(q[a]) != shift[a] {
				i, j, k := math.Round(x), math.Round(y), math.Round(z)
				return fail("mask and image do not lie on the same voxels: %.3f mm apart at %.2f: image %v, mask %v: resample the mask onto the image first",
					r3.Norm(r3.Sub(g.Point(i, j, k), p)), p, g, &roi.Grid)
			}
		}
	}
	for a := range 3 {
		if g.Size[a] > 1 && hi[a]-lo[a] == 1 && math.Abs(roi.Spacing[a]-g.Spacing[a]) > 0.1*g.Spacing[a] {
			return fail("mask and image differ in spacing: image %v, mask %v: resample the mask onto the image first", g, &roi.Grid)
		}
		if lo[a]+shift[a] < 0 || hi[a]+shift[a] > g.Size[a] {
			return fail("mask reaches beyond the image along axis %d: image %v, mask %v: crop the mask", a, g, &roi.Grid)
		}
	}
	m := aligned{grid: g}
	for k := lo[2]; k < hi[2]; k++ {
		for j := lo[1]; j < hi[1]; j++ {
			o := roi.Offset(0, j, k)
			for i := lo[0]; i < hi[0]; i++ {
				if roi.In[o+i] {
					m.voxels = append(m.voxels, [3]int32{int32(i + shift[0]), int32(j + shift[1]), int32(k + shift[2])})
				}
			}
		}
	}
	for a := range 3 {
		lo[a] += shift[a]
		hi[a] += shift[a]
	}
	return m, lo, hi, nil
}

// onto returns m on the part g of its grid that starts at voxel lo.
func (m aligned) onto(g imaging.Grid, lo [3]int) *imaging.Mask {
	out := imaging.NewMask(g)
	for _, v := range m.voxels {
		out.In[g.Offset(int(v[0])-lo[0], int(v[1])-lo[1], int(v[2])-lo[2])] = true
	}
	return out
}

// widen returns the box [lo, hi) with n more voxels on each side.
func widen(lo, hi [3]int, n int) (wlo, whi [3]int) {
	for a := range 3 {
		wlo[a], whi[a] = lo[a]-n, hi[a]+n
	}
	return wlo, whi
}

// splineReach is how far, in voxels, a cubic spline remembers its samples: the
// pole of its prefilter is 0.268, and 0.268²⁰ is below the last bit of a float32.
const splineReach = 20

// interpolate fills image and mask with the region on cubic voxels. The grid is
// that of IBSI for the whole image, cut to the region and margin, so cropping
// changes no value.
func (r *region) interpolate(ctx context.Context, vol *imaging.Volume, m aligned, lo, hi [3]int, cfg *Config, margin int) error {
	full := imaging.IsotropicGrid(&vol.Grid, cfg.Spacing)
	// The box in new voxels, from half an old voxel beyond the region.
	var nlo, nhi [3]int
	x0, y0, z0 := full.Index(vol.Point(float64(lo[0])-1, float64(lo[1])-1, float64(lo[2])-1))
	x1, y1, z1 := full.Index(vol.Point(float64(hi[0]), float64(hi[1]), float64(hi[2])))
	for a, x := range [3]float64{x0, y0, z0} {
		nlo[a] = int(math.Floor(x))
	}
	for a, x := range [3]float64{x1, y1, z1} {
		nhi[a] = int(math.Ceil(x)) + 1
	}
	nlo, nhi = full.Clamp(widen(nlo, nhi, margin))
	n := 1.0
	for a := range 3 {
		n *= float64(nhi[a] - nlo[a])
	}
	if n > maxBox {
		return fmt.Errorf("region needs a box of %.3g voxels of %g mm, more than %d: use a larger spacing_mm", n, cfg.Spacing, maxBox)
	}
	if n < 1 {
		return fmt.Errorf("%w on voxels of %g mm: use a smaller spacing_mm", ErrEmpty, cfg.Spacing)
	}
	box := full.Crop(nlo, nhi)
	// The part of the image that reaches the box.
	method, reach := imaging.Linear, 2
	switch cfg.Interpolation {
	case "nearest":
		method = imaging.Nearest
	case "cubic_spline":
		method, reach = imaging.CubicSpline, splineReach
	}
	var slo, shi [3]int
	for a := range 3 {
		per := cfg.Spacing / vol.Spacing[a]
		first := (float64(vol.Size[a]-1) - float64(full.Size[a]-1)*per) / 2
		slo[a] = int(math.Floor(first+float64(nlo[a])*per)) - reach
		shi[a] = int(math.Ceil(first+float64(nhi[a]-1)*per)) + reach + 1
	}
	slo, shi = vol.Clamp(slo, shi)
	var err error
	if r.image, err = imaging.Resample(ctx, vol.Crop(slo, shi), box, method); err != nil {
		return err
	}
	r.mask, err = imaging.ResampleMask(ctx, m.onto(vol.Grid.Crop(lo, hi), lo), box, cfg.MaskThreshold)
	return err
}

// segment selects the voxels of the intensity mask and returns how many of the
// mask have no finite intensity.
func (r *region) segment(cfg *Config) (lost int) {
	for at, in := range r.mask.In {
		if !in {
			continue
		}
		x := float64(r.image.Values[at])
		switch {
		case math.IsNaN(x) || math.IsInf(x, 0):
			lost++
		case len(cfg.RangeHU) == 2 && (x < cfg.RangeHU[0] || x > cfg.RangeHU[1]):
		default:
			r.inside = append(r.inside, at)
			r.values = append(r.values, x)
		}
	}
	if cfg.OutlierSD > 0 && len(r.values) > 0 {
		mean, m2, _, _ := moments(r.values)
		limit := cfg.OutlierSD * math.Sqrt(m2)
		kept := 0
		for n, x := range r.values {
			if math.Abs(x-mean) <= limit {
				r.inside[kept], r.values[kept] = r.inside[n], x
				kept++
			}
		}
		r.inside, r.values = r.inside[:kept], r.values[:kept]
	}
	return lost
}

// undefined sums up the features without a value in one note.
func undefined(v *feature.Vector, r *region) []risk.Note {
	var names []string
	for n, x := range v.Values {
		if math.IsInf(x, 0) {
			v.Values[n] = math.NaN()
		}
		if math.IsNaN(v.Values[n]) {
			names = append(names, v.Schema.Column(n).Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	reason := "they divide by a quantity that is zero here"
	switch {
	case len(r.inside) == 1:
		reason = "one voxel has no spread, no neighbours and no axes"
	case countLevels(r.levels, r.ng) == 1:
		reason = "all voxels have the same grey level"
	}
	count := len(names)
	if most := 3; count > most {
		names = append(names[:most], fmt.Sprintf("and %d more", count-most))
	}
	return []risk.Note{{Code: "PLQ-301", Severity: risk.Info,
		Text: fmt.Sprintf("%d features are undefined, because %s: %s", count, reason, strings.Join(names, ", "))}}
}
