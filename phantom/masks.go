package phantom

import (
	"context"
	"fmt"
	"slices"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// Segmentation returns the true masks on the voxels of the CT, cropped to the
// arteries. Layer 0 holds "LAD_lumen" and "LAD_wall" of every artery (the wall
// without the lumen, with the plaque), layer 1 the plaques, "LAD_plaque_1". A side
// branch is labelled with its artery.
//
// A voxel is lumen if lumen fills half of it, else wall if the whole vessel
// fills half of it, so both borders run without bias through the middle of the
// voxels they cut. A wall voxel is plaque if plaque fills half of its wall.
func (p *Patient) Segmentation(ctx context.Context) (*imaging.Segmentation, error) {
	r, err := p.render(ctx)
	if err != nil {
		return nil, err
	}
	return p.segmentation(r), nil
}

func (p *Patient) segmentation(r *rendering) *imaging.Segmentation {
	box := &r.cells.box
	// Names and values come from the anatomy, so that a file has the same
	// segments whatever was drawn.
	seg := &imaging.Segmentation{}
	add := func(layer int, name string) int32 {
		value := int32(1)
		for _, s := range seg.Segments {
			if s.Layer == layer {
				value++
			}
		}
		seg.Segments = append(seg.Segments, imaging.Segment{
			ID: fmt.Sprintf("Segment_%d", len(seg.Segments)+1), Name: name, Value: value, Layer: layer})
		return value
	}
	lumen, wall := make([]int32, len(p.arteries)), make([]int32, len(p.arteries))
	plaque := make([][]int32, len(p.arteries))
	stem := p.stems()
	for n, a := range p.arteries {
		lumen[n] = add(0, string(a.Artery)+"_lumen")
		wall[n] = add(0, string(a.Artery)+"_wall")
	}
	for n, a := range p.arteries {
		for m := range a.Plaques {
			plaque[n] = append(plaque[n], add(1, fmt.Sprintf("%s_plaque_%d", a.Artery, m+1)))
		}
	}

	layers := [2][]int32{make([]int32, box.Len()), make([]int32, box.Len())}
	lo, hi := box.Size, [3]int{}
	for m, o := range r.cells.list {
		f := &r.fill[m]
		if f.vessel < 0.5 {
			continue
		}
		i, j, k := box.Coords(o)
		for a, x := range [3]int{i, j, k} {
			lo[a], hi[a] = min(lo[a], x), max(hi[a], x+1)
		}
		a := stem[f.artery]
		if f.lumen >= 0.5 {
			layers[0][o] = lumen[a]
			continue
		}
		layers[0][o] = wall[a]
		if f.plaque > 0 {
			layers[1][o] = plaque[a][f.plaque-1]
		}
	}

	const margin = 2 // voxels of background around the masks
	for a := range 3 {
		lo[a], hi[a] = lo[a]-margin, hi[a]+margin
	}
	lo, hi = box.Clamp(lo, hi)
	seg.Grid = box.Crop(lo, hi)
	n := hi[0] - lo[0]
	for _, layer := range layers {
		out := make([]int32, seg.Len())
		at := 0
		for k := lo[2]; k < hi[2]; k++ {
			for j := lo[1]; j < hi[1]; j++ {
				at += copy(out[at:at+n], layer[box.Offset(lo[0], j, k):])
			}
		}
		seg.Layers = append(seg.Layers, out)
	}
	return seg
}

// stems returns, for every tube, the index of the stem that it is labelled with.
func (p *Patient) stems() []int {
	var out []int
	for _, t := range p.tubes() {
		out = append(out, slices.IndexFunc(p.arteries, func(a *Artery) bool { return a.Artery == t.Artery }))
	}
	return out
}
