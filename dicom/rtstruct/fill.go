package rtstruct

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// ErrContours tells that contours enclose no volume that could be filled.
var ErrContours = errors.New("contours that make no volume")

// Filled is a region on the voxels of an image.
type Filled struct {
	*imaging.Mask // in the box of the contours; nil if they do not meet the image
	Summary
}

// Summary says how contours became voxels.
type Summary struct {
	Volume float64 // of the voxels, mm³
	// Enclosed is the volume that the contours enclose, mm³: their areas times
	// the thickness of what each fills. It differs from that of the voxels where a
	// region is only a few voxels wide. NaN: there are too many contours to say.
	Enclosed float64
	Cut      int  // contours that reach beyond the image
	Between  bool // contours lie between slices or oblique to them
}

// begin returns the slabs of the region, nil if it has no contours, and what can be
// said before any voxel is filled.
func (r *ROI) begin(g *imaging.Grid) (*slabs, *Filled, error) {
	out := &Filled{}
	if len(r.Contours) == 0 {
		return nil, out, nil
	}
	s, err := newSlabs(r.Contours, g)
	if err != nil {
		return nil, nil, fmt.Errorf("region %q: %w", r.Name, err)
	}
	_, out.Cut, _ = s.box(g)
	out.Enclosed, out.Between = s.enclosed(), s.between
	return s, out, nil
}

// Fill returns the voxels of g whose centres lie within the region: see the
// package comment.
func (r *ROI) Fill(ctx context.Context, g *imaging.Grid) (*Filled, error) {
	s, out, err := r.begin(g)
	if err != nil || s == nil {
		return out, err
	}
	box, _, ok := s.box(g)
	if !ok {
		return out, nil
	}
	if out.Mask, err = s.fill(ctx, &box); err != nil {
		return nil, fmt.Errorf("region %q: %w", r.Name, err)
	}
	out.Volume = out.VolumeMM3()
	return out, nil
}

// Rule says which voxels a region fills.
type Rule string

// The rules.
const (
	// ByCentre takes the voxels whose centres are inside.
	ByCentre Rule = "centre"
	// ByVolume takes the voxels of which most is inside, as many as the volume that
	// the contours enclose: for vessels and plaques of a few voxels, which
	// centres may miss.
	ByVolume Rule = "volume"
)

// subForVolume is the number of samples per voxel edge for [ByVolume]: 512 of a
// voxel, so that shares are known to about 1 %.
const subForVolume = 8

// FillVolume returns as many voxels of g as the region has volume, those of which
// the most lies inside ([ROI.Coverage]); of equals, those of smaller indices.
func (r *ROI) FillVolume(ctx context.Context, g *imaging.Grid) (*Filled, error) {
	s, out, err := r.begin(g)
	if err != nil || s == nil {
		return out, err
	}
	share, err := r.Coverage(ctx, g, subForVolume)
	if err != nil || share == nil {
		return out, err
	}
	var order []int
	sum := 0.0
	for n, x := range share.Values {
		if x > 0 {
			order = append(order, n)
			sum += float64(x)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(share.Values[b], share.Values[a]) })
	out.Mask = imaging.NewMask(share.Grid)
	for _, n := range order[:min(int(math.Round(sum)), len(order))] {
		out.In[n] = true
	}
	out.Volume = out.VolumeMM3()
	return out, nil
}

// maxSub bounds the samples per voxel edge.
const maxSub = 16

// Coverage returns the share of each voxel that lies within the region, 0 to 1,
// in the box of the contours: the mean over sub×sub×sub points of the voxel. It
// keeps the volume of regions, such as vessels, of a few voxels or less. It is
// nil if the region does not meet g.
func (r *ROI) Coverage(ctx context.Context, g *imaging.Grid, sub int) (*imaging.Volume, error) {
	if sub < 1 || sub > maxSub {
		return nil, fmt.Errorf("region %q: %d samples per voxel edge: want 1 to %d", r.Name, sub, maxSub)
	}
	if len(r.Contours) == 0 {
		return nil, nil
	}
	s, err := newSlabs(r.Contours, g)
	if err != nil {
		return nil, fmt.Errorf("region %q: %w", r.Name, err)
	}
	box, _, ok := s.box(g)
	if !ok {
		return nil, nil
	}
	fine := box
	for a := range 3 {
		fine.Size[a] *= sub
		fine.Spacing[a] /= float64(sub)
	}
	half := float64(sub-1) / 2
	fine.Origin = fine.Point(-half, -half, -half)
	if err := fine.Validate(); err != nil {
		return nil, fmt.Errorf("region %q: %w", r.Name, err)
	}
	m, err := s.fill(ctx, &fine)
	if err != nil {
		return nil, fmt.Errorf("region %q: %w", r.Name, err)
	}
	v := imaging.NewVolume(box)
	share := 1 / float64(sub*sub*sub)
	for k := range fine.Size[2] {
		for j := range fine.Size[1] {
			for i, in := range m.In[fine.Offset(0, j, k):][:fine.Size[0]] {
				if in {
					v.Values[box.Offset(i/sub, j/sub, k/sub)]++
				}
			}
		}
	}
	for n, count := range v.Values {
		v.Values[n] = float32(float64(count) * share)
	}
	return v, nil
}

// fill returns the voxels of box, a part of the grid of s or a finer one, whose
// centres are inside.
func (s *slabs) fill(ctx context.Context, box *imaging.Grid) (*imaging.Mask, error) {
	if s.axis >= 0 { // parallel to slices: move every contour to the slices that it fills
		step := r3.Dot(s.normal, r3.Scale(box.Spacing[s.axis], box.Axes[s.axis]))
		first := r3.Dot(s.normal, box.Origin)
		var moved [][]r3.Vec
		for k := range box.Size[s.axis] {
			height := first + float64(k)*step
			p := s.at(height)
			if p == nil {
				continue
			}
			for _, c := range p.contours {
				points := make([]r3.Vec, len(c))
				for n, q := range c {
					points[n] = r3.Add(q, r3.Scale(height-r3.Dot(s.normal, q), s.normal))
				}
				moved = append(moved, points)
			}
		}
		m, _, err := imaging.Rasterise(box, moved, flat)
		return m, err
	}
	most := 0
	for n := range s.planes {
		most = max(most, s.planes[n].points())
	}
	if most > 32*mostWork/box.Len() {
		return nil, fmt.Errorf("%d points in a plane oblique to %v voxels: %w", most, box.Size, part10.ErrLimit)
	}
	m := imaging.NewMask(*box)
	err := par.For(ctx, box.Size[2], func(k int) {
		at := box.Offset(0, 0, k)
		for j := range box.Size[1] {
			for i := range box.Size[0] {
				q := box.Point(float64(i), float64(j), float64(k))
				if p := s.at(r3.Dot(s.normal, q)); p != nil {
					m.In[at] = p.inside(r3.Dot(s.u, q), r3.Dot(s.v, q))
				}
				at++
			}
		}
	})
	return m, err
}

// box returns the part of g that the slabs can fill, and how many contours reach
// more than half a voxel beyond g; ok is false if nothing is left.
func (s *slabs) box(g *imaging.Grid) (box imaging.Grid, cut int, ok bool) {
	lo := [3]float64{math.Inf(1), math.Inf(1), math.Inf(1)}
	hi := [3]float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
	for n := range s.planes {
		p := &s.planes[n]
		for _, c := range p.contours {
			beyond := false
			for _, q := range c {
				for _, height := range []float64{p.from, p.height, p.to} {
					i, j, k := g.Index(r3.Add(q, r3.Scale(height-p.height, s.normal)))
					for a, x := range [3]float64{i, j, k} {
						lo[a], hi[a] = min(lo[a], x), max(hi[a], x)
						if height == p.height && (x < -0.5-flat/10 || x > float64(g.Size[a])-0.5+flat/10) {
							beyond = true
						}
					}
				}
			}
			if beyond {
				cut++
			}
		}
	}
	var from, to [3]int
	for a := range 3 {
		from[a] = int(math.Floor(max(lo[a], -1)))
		to[a] = int(math.Ceil(min(hi[a], float64(g.Size[a])))) + 1
	}
	from, to = g.Clamp(from, to)
	box = g.Crop(from, to)
	return box, cut, min(box.Size[0], box.Size[1], box.Size[2]) > 0
}

// Place is a segmentation of the regions of a structure set.
type Place struct {
	*imaging.Segmentation // cropped to the regions
	Regions               []Summary
}

// Segmentation is [SegmentationBy] the centres of voxels.
func Segmentation(ctx context.Context, g *imaging.Grid, rois []ROI) (*Place, error) {
	return SegmentationBy(ctx, g, rois, ByCentre)
}

// SegmentationBy fills all regions on the voxels of g by a rule, one after the
// other. The value of a segment is the number of its region, or its place in rois if numbers
// below 1 occur.
func SegmentationBy(ctx context.Context, g *imaging.Grid, rois []ROI, rule Rule) (*Place, error) {
	lo, hi := g.Size, [3]int{}
	plain := true
	for n := range rois {
		r := &rois[n]
		plain = plain && r.Number > 0 && r.Number <= math.MaxInt32
		if len(r.Contours) == 0 {
			continue
		}
		s, err := newSlabs(r.Contours, g)
		if err != nil {
			return nil, fmt.Errorf("region %q: %w", r.Name, err)
		}
		if box, _, ok := s.box(g); ok {
			at := voxel(g, &box)
			for a := range 3 {
				lo[a], hi[a] = min(lo[a], at[a]), max(hi[a], at[a]+box.Size[a])
			}
		}
	}
	if hi == [3]int{} {
		lo, hi = [3]int{}, [3]int{1, 1, 1}
	}
	l := object.NewLayers(g.Crop(lo, hi))
	out := &Place{Segmentation: &l.Segmentation}
	var voxels []int32
	for n := range rois {
		fill := rois[n].Fill
		if rule == ByVolume {
			fill = rois[n].FillVolume
		}
		f, err := fill(ctx, g)
		if err != nil {
			return nil, err
		}
		voxels = voxels[:0]
		if f.Mask != nil {
			off := voxel(g, &f.Grid)
			for at, in := range f.In {
				if in {
					i, j, k := f.Coords(at)
					voxels = append(voxels, int32(l.Offset(i+off[0]-lo[0], j+off[1]-lo[1], k+off[2]-lo[2])))
				}
			}
		}
		value := int32(n + 1)
		if plain {
			value = int32(rois[n].Number)
		}
		if err := l.Add(rois[n].Name, value, voxels); err != nil {
			return nil, fmt.Errorf("region %q: %w", rois[n].Name, err)
		}
		out.Regions = append(out.Regions, f.Summary)
	}
	return out, nil
}

// voxel returns the voxel of g at voxel (0, 0, 0) of a part of it.
func voxel(g, part *imaging.Grid) [3]int {
	i, j, k := g.Index(part.Origin)
	return [3]int{int(math.Round(i)), int(math.Round(j)), int(math.Round(k))}
}
