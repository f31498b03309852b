package pyradiomics

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// ErrRegion tells that PyRadiomics refuses the region: it is empty, too small,
// has too few dimensions or lies outside the image.
var ErrRegion = errors.New("region")

// refuse returns an error of kind [ErrRegion].
func refuse(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrRegion, fmt.Sprintf(format, a...))
}

// subject is an image with its region on the same voxels, ready for features.
type subject struct {
	picture *picture
	region  *region // intensities, in its smallest box
	shape   *region // in the same box
	stages  []stage // what the diagnostics report
}

// stage is an image or a mask at some point of the way.
type stage struct {
	name    string // original, interpolated, corrected, resegmented
	picture *picture
	grid    imaging.Grid
	region  *region
}

// prepare does steps 1 to 5 of PyRadiomics' execute: normalise, resample or
// crop, check, re-segment.
func prepare(ctx context.Context, vol *imaging.Volume, roi *imaging.Mask, p *Params) (*subject, error) {
	s := &subject{picture: newPicture(vol, p.Pixels)}
	grid, reg, err := place(&vol.Grid, roi, p)
	if err != nil {
		return nil, err
	}
	s.stage("original", s.picture, grid, reg)
	if p.Normalize {
		if s.picture, err = s.picture.normalise(p.RemoveOutliers, p.NormalizeScale); err != nil {
			return nil, err
		}
	}
	switch {
	case p.resamples():
		if grid, reg, err = s.resample(ctx, grid, reg, p); err != nil {
			return nil, err
		}
		s.stage("interpolated", s.picture, grid, reg)
	case p.PreCrop:
		if _, reg, err = s.check(grid, reg, p); err != nil {
			return nil, fmt.Errorf("pre-crop: %w", err)
		}
		reg = s.crop(reg, p.PadDistance)
		grid = s.picture.Grid
	}
	if grid, reg, err = s.check(grid, reg, p); err != nil {
		return nil, err
	}
	s.region, s.shape = reg, reg
	if p.ResegmentRange != nil {
		if s.region, err = s.resegment(reg, p); err != nil {
			return nil, err
		}
		if _, _, err = s.check(grid, s.region, p); err != nil {
			return nil, fmt.Errorf("after resegmentation: %w", err)
		}
		s.stage("resegmented", s.picture, grid, s.region)
		// PyRadiomics cuts the mask for shape to the new box.
		s.shape = reg.cut(s.region.lo, s.region.hi)
		if p.ResegmentShape {
			s.shape = s.region
		}
	}
	return s, nil
}

func (s *subject) stage(name string, p *picture, g imaging.Grid, r *region) {
	s.stages = append(s.stages, stage{name, p, g, r})
}

// place returns the region in its smallest box and the grid that it lies on:
// that of the image if the voxels coincide within the tolerance, so that a mask
// may be stored cropped; otherwise its own. Resampling starts at the corner of
// the mask file, so that its grid, if known, is the one.
func place(image *imaging.Grid, roi *imaging.Mask, p *Params) (imaging.Grid, *region, error) {
	lo, hi, ok := roi.Bounds()
	if !ok {
		return roi.Grid, nil, refuse("no labels found in this mask (i.e. nothing is segmented)")
	}
	box := roi.Crop(lo, hi)
	r := &region{lo: lo, hi: hi, in: box.In, count: box.Count()}
	grids := []*imaging.Grid{image}
	if p.MaskGrid != nil {
		grids = append(grids, p.MaskGrid)
		if p.resamples() {
			grids = grids[1:]
		}
	}
	for _, g := range grids {
		if moved := r.onto(g, &roi.Grid, p.GeometryTolerance); moved != nil {
			return *g, moved, nil
		}
	}
	return roi.Grid, r, nil
}

// onto returns r, which lies on grid own, as voxels of g, or nil if they are
// none within the tolerance, in parts of a voxel.
func (r *region) onto(g, own *imaging.Grid, tolerance float64) *region {
	x := indexer(g)(own.Origin)
	moved := &region{in: r.in, count: r.count}
	for a := range 3 {
		shift := math.Round(min(max(x[a], -1<<30), 1<<30))
		if math.Abs(x[a]-shift) > tolerance || math.Abs(own.Spacing[a]-g.Spacing[a]) > tolerance*g.Spacing[a] ||
			r3.Norm(r3.Sub(own.Axes[a], g.Axes[a])) > tolerance {
			return nil
		}
		moved.lo[a], moved.hi[a] = r.lo[a]+int(shift), r.hi[a]+int(shift)
		if moved.lo[a] < 0 || moved.hi[a] > g.Size[a] {
			return nil
		}
	}
	return moved
}

// check tests what PyRadiomics' checkMask tests, and resamples the mask onto
// the image where the geometry differs and correctMask is set.
func (s *subject) check(grid imaging.Grid, r *region, p *Params) (imaging.Grid, *region, error) {
	image := &s.picture.Grid
	if !sameGrid(&grid, image) {
		if !p.CorrectMask {
			return grid, nil, refuse("image/mask geometry mismatch: image %v, mask %v. "+
				"Potential fix: increase tolerance using geometryTolerance, or enable correctMask to resample the mask", image, &grid)
		}
		if err := withinImage(image, &grid, r); err != nil {
			return grid, nil, err
		}
		r = nearestMask(image, &grid, r).tighten()
		grid = *image
		if r.count == 0 {
			return grid, nil, refuse("calculation of bounding box failed: no voxel is left of the mask on the voxels of the image")
		}
		s.stage("corrected", s.picture, grid, r)
	}
	n, dims := r.size(), 0
	for a := range 3 {
		if n[a] > 1 {
			dims++
		}
	}
	switch {
	case dims == 0:
		return grid, nil, refuse("mask only contains 1 segmented voxel! Cannot extract features for a single voxel")
	case dims < p.MinimumROIDimensions:
		return grid, nil, refuse("mask has too few dimensions (number of dimensions %d, minimum required %d)", dims, p.MinimumROIDimensions)
	case p.MinimumROISize > 0 && r.count <= p.MinimumROISize:
		return grid, nil, refuse("size of the ROI is too small (minimum size: %d, ROI size: %d)", p.MinimumROISize, r.count)
	}
	return grid, r, nil
}

// sameGrid tells whether a mask that [place] or resampling has put on a grid
// lies on that of the image.
func sameGrid(g, image *imaging.Grid) bool { return *g == *image }

// withinImage tests that the box of the region lies within the image.
func withinImage(image, grid *imaging.Grid, r *region) error {
	index := indexer(image)
	const tolerance = 1e-3
	a := index(grid.Point(float64(r.lo[0])-0.5, float64(r.lo[1])-0.5, float64(r.lo[2])-0.5))
	b := index(grid.Point(float64(r.hi[0])-0.5, float64(r.hi[1])-0.5, float64(r.hi[2])-0.5))
	for c := range 3 {
		if min(a[c], b[c]) < -0.5-tolerance || max(a[c], b[c]) > float64(image.Size[c])-0.5+tolerance {
			return refuse("bounding box of ROI is larger than image space: ROI bounds (x, y, z image coordinate space) %.3f to %.3f, image size %v; image %v, mask %v",
				a, b, image.Size, image, grid)
		}
	}
	return nil
}

// nearestMask returns the region on the voxels of onto by the nearest neighbour.
func nearestMask(onto, grid *imaging.Grid, r *region) *region {
	out := &region{hi: onto.Size, in: make([]bool, onto.Len())}
	n := r.size()
	// Without a cancelled context, walking cannot fail.
	_ = eachPoint(context.Background(), grid, onto, func(o int, x [3]float64) {
		var v [3]int
		for a := range 3 {
			if !(x[a] >= -0.5 && x[a] < float64(grid.Size[a])-0.5) {
				return
			}
			if v[a] = nearest(x[a], grid.Size[a]) - r.lo[a]; v[a] < 0 || v[a] >= n[a] {
				return
			}
		}
		out.in[o] = r.in[(v[2]*n[1]+v[1])*n[0]+v[0]]
	})
	return out
}

// crop cuts the picture to the box of the region and a margin.
func (s *subject) crop(r *region, pad int) *region {
	var lo, hi [3]int
	for a := range 3 {
		lo[a], hi[a] = r.lo[a]-pad, r.hi[a]+pad
	}
	lo, hi = s.picture.Clamp(lo, hi)
	s.picture = s.picture.crop(lo, hi)
	c := &region{in: r.in, count: r.count}
	for a := range 3 {
		c.lo[a], c.hi[a] = r.lo[a]-lo[a], r.hi[a]-lo[a]
	}
	return c
}

// resample puts picture and region on voxels of the asked spacing. The grid is
// aligned to the corner of the mask's first voxel and covers the region and
// padDistance voxels around it, but not more than the mask's image.
func (s *subject) resample(ctx context.Context, grid imaging.Grid, r *region, p *Params) (imaging.Grid, *region, error) {
	if err := withinImage(&s.picture.Grid, &grid, r); err != nil {
		return grid, nil, err
	}
	n := r.size()
	spacing, near := grid.Spacing, true
	for a := range 3 {
		// 0 keeps an axis, and so does a region of one slice.
		if want := p.ResampledPixelSpacing[a]; want != 0 && n[a] != 1 {
			spacing[a] = want
		}
		near = near && math.Abs(s.picture.Spacing[a]-spacing[a]) <= 1e-8+1e-5*spacing[a]
	}
	if near { // nothing to interpolate but the mask
		if image := s.picture.Grid; !sameGrid(&grid, &image) {
			r = nearestMask(&image, &grid, r).tighten()
			if r.count == 0 {
				return grid, nil, refuse("no voxel is left of the mask on the voxels of the image")
			}
		}
		r = s.crop(r, p.PadDistance)
		return s.picture.Grid, r, nil
	}
	out := imaging.Grid{Spacing: spacing, Axes: grid.Axes}
	var origin [3]float64
	for a := range 3 {
		ratio := grid.Spacing[a] / spacing[a]
		pad := float64(p.PadDistance)
		first := max(math.Floor((float64(r.lo[a])-0.5)*ratio-pad), 0)
		last := min(math.Ceil((float64(r.hi[a])-0.5)*ratio+pad), math.Ceil(float64(grid.Size[a])*ratio)-1)
		size := last - first + 1
		if !(size >= 1 && size <= imaging.MaxVoxels) {
			return grid, nil, fmt.Errorf("resampledPixelSpacing %v mm makes %.0f voxels along axis %d", p.ResampledPixelSpacing, size, a)
		}
		out.Size[a] = int(size)
		origin[a] = 0.5*(spacing[a]-grid.Spacing[a])/grid.Spacing[a] + first/ratio
	}
	out.Origin = grid.Point(origin[0], origin[1], origin[2])
	var err error
	if s.picture, err = s.picture.onto(ctx, out, p.Interpolator); err != nil {
		return grid, nil, fmt.Errorf("resampledPixelSpacing %v mm: %w: take a larger spacing", p.ResampledPixelSpacing, err)
	}
	small := nearestMask(&out, &grid, r).tighten()
	if small.count == 0 {
		return out, nil, refuse("no voxel is left of the mask at a spacing of %v mm", spacing)
	}
	return out, small, nil
}

// resegment keeps the voxels of the region whose intensity is within the
// thresholds.
func (s *subject) resegment(r *region, p *Params) (*region, error) {
	values := s.picture.box(r.lo, r.hi)
	lo, hi := p.ResegmentRange[0], math.Inf(1)
	if len(p.ResegmentRange) == 2 {
		hi = p.ResegmentRange[1]
	}
	switch p.ResegmentMode {
	case "relative":
		top := math.Inf(-1)
		for o, in := range r.in {
			if in {
				top = max(top, values[o])
			}
		}
		lo *= top
		if len(p.ResegmentRange) == 2 {
			hi *= top
		}
	case "sigma":
		var sum, square float64
		for o, in := range r.in {
			if in {
				sum += values[o]
			}
		}
		mean := sum / float64(r.count)
		for o, in := range r.in {
			if in {
				square += (values[o] - mean) * (values[o] - mean)
			}
		}
		sd := math.Sqrt(square / float64(r.count))
		lo = mean + sd*lo
		if len(p.ResegmentRange) == 2 {
			hi = mean + sd*hi
		}
	}
	kept := &region{lo: r.lo, hi: r.hi, in: make([]bool, len(r.in))}
	for o, in := range r.in {
		kept.in[o] = in && values[o] >= lo && values[o] <= hi
	}
	kept = kept.tighten()
	if kept.count <= 1 {
		return nil, refuse("resegmentation excluded too many voxels with label %d (retained %d voxel(s))! Cannot extract features", p.Label, kept.count)
	}
	return kept, nil
}
