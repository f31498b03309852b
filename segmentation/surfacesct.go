package segmentation

import (
	"context"
	"fmt"
	"slices"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// FromSeeds finds the arteries that run through the seeds, see [TraceSeeds]; or
// along them, if they are centre-lines.
func FromSeeds(ctx context.Context, vol *imaging.Volume, seeds []SeedPath, lines bool, cfg Config) ([]*Surfaces, []risk.Note, error) {
	if err := cfg.Validate(); err != nil {
		return nil, nil, fmt.Errorf("segmentation settings: %w", err)
	}
	var found []*Surfaces
	var notes []risk.Note
	for _, p := range seeds {
		var line coronary.Centerline
		var err error
		if lines {
			if line, err = checkLine(vol, p); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", where(p.Artery), err)
			}
		} else if line, err = TraceSeeds(ctx, vol, p.Points, cfg.Surfaces); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", where(p.Artery), err)
		}
		s, err := FindSurfaces(ctx, vol, line, cfg.Surfaces)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", where(p.Artery), err)
		}
		s.Artery = p.Artery
		found = append(found, s)
		notes = append(notes, note("PLQ-231", risk.Info, where(p.Artery),
			"lumen and wall were found in the CT over %.1f mm; calcium or branches hide %.0f %% of the lumen's border; the usual wall is %.2f mm thick; standard deviation of the outer radius %.2f mm; check and correct the contours before they are used",
			s.Line.Length(), 100*s.Hidden, s.Usual, median(s.WallSD)))
	}
	return found, notes, nil
}

// checkLine makes a centre-line of given points, which must lie in the CT.
func checkLine(vol *imaging.Volume, p SeedPath) (coronary.Centerline, error) {
	for n, at := range p.Points {
		if hu, ok := vol.Sample(at); !ok {
			return coronary.Centerline{}, fmt.Errorf("point %d of the centre-line, %s, lies outside the CT, %s; are its coordinates LPS?", n+1, place(at), vol.Grid.String())
		} else if hu < airBelow {
			return coronary.Centerline{}, fmt.Errorf("point %d of the centre-line, %s, lies in air or lung (%.0f HU)", n+1, place(at), hu)
		}
	}
	line := coronary.NewCenterline(p.Points, nil)
	if l := line.Length(); l < shortest {
		return line, fmt.Errorf("the centre-line at %s is only %.1f mm long, and a vessel needs %g mm", place(p.Points[0]), l, shortest)
	}
	for _, at := range line.Resample(2).Nodes { // somewhere along it, contrast
		if hu, err := seedHU(vol, at.Pos); err == nil && hu >= leastBlood {
			return line, nil
		}
	}
	return line, fmt.Errorf("no contrast is found along the centre-line from %s to %s", place(p.Points[0]), place(p.Points[len(p.Points)-1]))
}

// Segments writes the arteries into a segmentation on the voxels of the CT around
// them. Layer 0 holds "LAD_lumen" and "LAD_wall" (the wall with its plaque), layer
// 1 the plaques, "LAD_plaque_1", and layer 2 their voxels by CT number:
// "LAD_low_attenuation_1", "LAD_non_calcified_1" and "LAD_calcified_1". Lumen comes
// before wall, and an artery before those after it.
func Segments(vol *imaging.Volume, found []*Surfaces, cfg Config) *imaging.Segmentation {
	type masks struct {
		lumen, wall *imaging.Mask
		plaques     []*imaging.Mask
	}
	all := make([]masks, len(found))
	var every []*imaging.Mask
	for n, s := range found {
		m := &all[n]
		m.lumen, m.wall, m.plaques = s.Masks(&vol.Grid, cfg.Surfaces.Thickening, cfg.MinPlaque)
		every = append(every, m.lumen, m.wall)
	}
	seg := &imaging.Segmentation{Grid: vol.Grid}
	if box := union(2, every...); box != nil {
		corner := offset(&box.Grid, &vol.Grid)
		var end [3]int
		for a := range end {
			end[a] = corner[a] + box.Size[a]
		}
		corner, end = vol.Clamp(corner, end)
		seg.Grid = vol.Grid.Crop(corner, end)
	}
	off := offset(&seg.Grid, &vol.Grid)
	for range 3 {
		seg.Layers = append(seg.Layers, make([]int32, seg.Len()))
	}
	next := [3]int32{}
	add := func(layer int, name string) int32 {
		next[layer]++
		seg.Segments = append(seg.Segments, imaging.Segment{ID: fmt.Sprintf("Segment_%d", len(seg.Segments)+1), Name: name, Value: next[layer], Layer: layer})
		return next[layer]
	}
	draw := func(layer int, m *imaging.Mask, value func(o, i, j, k int) int32) {
		to := offset(&m.Grid, &seg.Grid)
		for n, in := range m.In {
			if !in {
				continue
			}
			i, j, k := m.Coords(n)
			i, j, k = i+to[0], j+to[1], k+to[2]
			if !seg.Inside(i, j, k) {
				continue
			}
			o := seg.Offset(i, j, k)
			if v := value(o, i, j, k); v > 0 && seg.Layers[layer][o] == 0 {
				seg.Layers[layer][o] = v
			}
		}
	}
	always := func(v int32) func(o, i, j, k int) int32 { return func(_, _, _, _ int) int32 { return v } }
	prefix := make([]string, len(found))
	wall := make([]int32, len(found))
	for n, s := range found {
		if s.Artery != "" {
			prefix[n] = string(s.Artery) + "_"
		}
		draw(0, all[n].lumen, always(add(0, prefix[n]+"lumen")))
	}
	for n := range found {
		wall[n] = add(0, prefix[n]+"wall")
		draw(0, all[n].wall, always(wall[n]))
	}
	for n := range found {
		for m, p := range all[n].plaques {
			plaque := add(1, fmt.Sprintf("%splaque_%d", prefix[n], m+1))
			draw(1, p, func(o, _, _, _ int) int32 {
				if seg.Layers[0][o] == wall[n] {
					return plaque
				}
				return 0
			})
			class := [imaging.NumTissues]int32{}
			soft := add(2, fmt.Sprintf("%snon_calcified_%d", prefix[n], m+1))
			class[imaging.FibroFatty], class[imaging.Fibrous] = soft, soft
			class[imaging.LowAttenuation] = add(2, fmt.Sprintf("%slow_attenuation_%d", prefix[n], m+1))
			class[imaging.Calcified] = add(2, fmt.Sprintf("%scalcified_%d", prefix[n], m+1))
			draw(2, p, func(o, i, j, k int) int32 {
				if seg.Layers[1][o] == plaque {
					return class[cfg.Classify(vol.At(i+off[0], j+off[1], k+off[2]))]
				}
				return 0
			})
		}
	}
	seg.Segments = slices.DeleteFunc(seg.Segments, func(s imaging.Segment) bool { return !slices.Contains(seg.Layers[s.Layer], s.Value) })
	return seg
}
