package radiomics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// ErrEmpty tells that no voxel is left to compute features from.
var ErrEmpty = errors.New("no voxel in the region")

// scene is an image on the final voxels, cut to a region and the margin that
// the filters need.
type scene struct {
	image *imaging.Volume
	mask  *imaging.Mask

	original *imaging.Volume // as read
	drawn    *imaging.Mask   // as drawn, on all of its grid; only for diagnostics
}

// region is what the families read: one region of interest, or a component of
// it, on the voxels of a scene.
type region struct {
	scene  *scene
	image  *imaging.Volume // unfiltered
	mask   *imaging.Mask   // for shape
	inside []int           // offsets of the intensity mask, ascending
	values []float64       // intensities there
}

// newScene interpolates image and mask onto the final voxels.
func newScene(ctx context.Context, vol *imaging.Volume, roi *imaging.Mask, cfg *Config, m margin) (*scene, []risk.Note, error) {
	drawn, err := roi.Onto(&vol.Grid, imaging.OnVoxels)
	if err != nil {
		return nil, nil, err
	}
	if drawn == nil {
		return nil, nil, fmt.Errorf("%w: the mask of %v is empty", ErrEmpty, &roi.Grid)
	}
	if cfg.RoundImage {
		vol = &imaging.Volume{Grid: vol.Grid, Values: slices.Clone(vol.Values)}
		round(vol.Values)
	}
	s := &scene{original: vol}
	if m.all {
		s.drawn = imaging.NewMask(vol.Grid)
		paste(s.drawn, drawn)
	}
	if cfg.Spacing.own() {
		lo, hi := part(&vol.Grid, &drawn.Grid)
		lo, hi = m.widen(&vol.Grid, lo, hi)
		s.image = vol.Crop(lo, hi)
		s.mask = imaging.NewMask(s.image.Grid)
		paste(s.mask, drawn)
	} else if err := s.interpolate(ctx, vol, drawn, cfg, m); err != nil {
		return nil, nil, err
	}
	n, before := s.mask.Count(), drawn.VolumeMM3()
	if n == 0 {
		return nil, nil, fmt.Errorf("%w after interpolation to %v: %d voxels of %v: use a smaller spacing_mm or a lower mask_threshold",
			ErrEmpty, cfg.Spacing, drawn.Count(), &vol.Grid)
	}
	var notes []risk.Note
	note := func(code, format string, a ...any) {
		notes = append(notes, risk.Note{Code: code, Severity: risk.Warning, Text: fmt.Sprintf(format, a...)})
	}
	if d := skew(&vol.Grid); d > 0.1 && len(cfg.Filters) > 0 {
		note("PLQ-307", "the axes of the image are %.1f° off being perpendicular, as with a tilted gantry: filters take them as perpendicular", d)
	}
	if after := s.mask.VolumeMM3(); math.Abs(after-before) > 0.1*before {
		note("PLQ-305", "the region measures %.1f mm³ as drawn and %.1f mm³ on voxels of %v: shape and texture are uncertain", before, after, cfg.Spacing)
	}
	if mlo, mhi, _ := s.mask.Bounds(); n > 1 && (mhi[0]-mlo[0] == 1 || mhi[1]-mlo[1] == 1 || mhi[2]-mlo[2] == 1) {
		note("PLQ-306", "the region is one voxel thick: its %d voxels lie in one plane, and three-dimensional features describe a slice", n)
	}
	if cfg.RoundHU {
		round(s.image.Values)
	}
	return s, notes, nil
}

// skew returns by how much the axes of g are not perpendicular, at most, in
// degrees.
func skew(g *imaging.Grid) float64 {
	most := 0.0
	for a := range 3 {
		most = max(most, math.Abs(r3.Dot(g.Axes[a], g.Axes[(a+1)%3])))
	}
	return math.Asin(min(most, 1)) * 180 / math.Pi
}

// round replaces intensities by the nearest whole numbers.
func round(values []float32) {
	for n, x := range values {
		values[n] = float32(math.Round(float64(x)))
	}
}

// whole returns the whole region and how many voxels of its mask have no finite
// intensity.
func (s *scene) whole(cfg *Config) (r *region, lost int) {
	r = &region{scene: s, image: s.image, mask: s.mask}
	return r, r.segment(cfg)
}

// component returns the part of r that belongs to p. It may be empty.
func (r *region) component(p *Component) *region {
	c := &region{scene: r.scene, image: r.image, mask: imaging.NewMask(r.mask.Grid)}
	for n, at := range r.inside {
		if x := r.values[n]; x >= p.RangeHU[0] && x < p.RangeHU[1] {
			c.mask.In[at] = true
			c.inside = append(c.inside, at)
			c.values = append(c.values, x)
		}
	}
	return c
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
		case !finite(x):
			lost++
		case len(cfg.RangeHU) == 2 && (x < cfg.RangeHU[0] || x > cfg.RangeHU[1]):
		default:
			r.inside = append(r.inside, at)
			r.values = append(r.values, x)
		}
	}
	if cfg.OutlierSD > 0 && len(r.values) > 0 {
		mean, sd := meanSD(r.values)
		kept := 0
		for n, x := range r.values {
			if math.Abs(x-mean) <= cfg.OutlierSD*sd {
				r.inside[kept], r.values[kept] = r.inside[n], x
				kept++
			}
		}
		r.inside, r.values = r.inside[:kept], r.values[:kept]
	}
	return lost
}

// meanSD returns the mean and the standard deviation, divided by n.
func meanSD(x []float64) (mean, sd float64) {
	n := float64(len(x))
	first := x[0] // differences from a value nearby keep the digits
	for _, v := range x {
		mean += v - first
	}
	mean = first + mean/n
	for _, v := range x {
		sd += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(sd / n)
}

// on returns r with the intensities of another image on the same voxels.
func (r *region) on(image *imaging.Volume) *region {
	f := &region{scene: r.scene, image: image, mask: r.mask, inside: r.inside, values: make([]float64, len(r.inside))}
	for n, at := range r.inside {
		f.values[n] = float64(image.Values[at])
	}
	return f
}

// margin is how much of the image around a region is kept, in voxels, or all.
type margin struct {
	voxels [3]int
	all    bool
}

// widen returns the box [lo, hi) with the margin, cut to the grid.
func (m margin) widen(g *imaging.Grid, lo, hi [3]int) (wlo, whi [3]int) {
	if m.all {
		return [3]int{}, g.Size
	}
	for a := range 3 {
		wlo[a], whi[a] = lo[a]-m.voxels[a], hi[a]+m.voxels[a]
	}
	return g.Clamp(wlo, whi)
}

// splineReach is how far, in voxels, a cubic spline remembers its samples: the
// pole of its prefilter is 0.268, and 0.268²⁰ is below the last bit of a float32.
const splineReach = 20

// part returns the voxels [lo, hi) of g that p, a part of it, covers.
func part(g, p *imaging.Grid) (lo, hi [3]int) {
	i, j, k := g.Index(p.Origin)
	for a, x := range [3]float64{i, j, k} {
		lo[a] = int(math.Round(x))
		hi[a] = lo[a] + p.Size[a]
	}
	return lo, hi
}

// paste sets the voxels of m, whose grid is a part of dst's, in dst.
func paste(dst, m *imaging.Mask) {
	lo, _ := part(&dst.Grid, &m.Grid)
	for k := range m.Size[2] {
		for j := range m.Size[1] {
			copy(dst.In[dst.Offset(lo[0], lo[1]+j, lo[2]+k):], m.In[m.Offset(0, j, k):][:m.Size[0]])
		}
	}
}

// interpolate fills image and mask with the region on the voxels of
// cfg.Spacing. The grid is that of IBSI for the whole image, cut to the region
// and margin, so cropping changes no value.
func (s *scene) interpolate(ctx context.Context, vol *imaging.Volume, drawn *imaging.Mask, cfg *Config, m margin) error {
	lo, hi := part(&vol.Grid, &drawn.Grid)
	full := imaging.Regrid(&vol.Grid, cfg.Spacing.of(&vol.Grid))
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
	nlo, nhi = m.widen(&full, nlo, nhi)
	n := 1.0
	for a := range 3 {
		n *= float64(nhi[a] - nlo[a])
	}
	if n > maxBox {
		return fmt.Errorf("region needs a box of %.3g voxels of %v, more than %d: use a larger spacing_mm or a filter_margin_mm", n, cfg.Spacing, maxBox)
	}
	if n < 1 {
		return fmt.Errorf("%w on voxels of %v: use a smaller spacing_mm", ErrEmpty, cfg.Spacing)
	}
	box := full.Crop(nlo, nhi)
	// The part of the image that reaches the box.
	method, reach := interpolation(cfg.Interpolation), 2
	if method == imaging.CubicSpline {
		reach = splineReach
	}
	var slo, shi [3]int
	for a := range 3 {
		per := full.Spacing[a] / vol.Spacing[a]
		first := (float64(vol.Size[a]-1) - float64(full.Size[a]-1)*per) / 2
		slo[a] = int(math.Floor(first+float64(nlo[a])*per)) - reach
		shi[a] = int(math.Ceil(first+float64(nhi[a]-1)*per)) + reach + 1
	}
	slo, shi = vol.Clamp(slo, shi)
	var err error
	if s.image, err = imaging.Resample(ctx, vol.Crop(slo, shi), box, method); err != nil {
		return err
	}
	if cfg.MaskInterpolation == "nearest" {
		s.mask, err = imaging.ResampleMaskNearest(ctx, drawn, box)
		return err
	}
	s.mask, err = imaging.ResampleMask(ctx, drawn, box, cfg.MaskThreshold)
	return err
}

// interpolation returns the method of that name.
func interpolation(name string) imaging.Interpolation {
	for _, m := range []imaging.Interpolation{imaging.Nearest, imaging.Linear, imaging.CubicSpline} {
		if m.String() == name {
			return m
		}
	}
	panic("radiomics: interpolation " + name)
}
