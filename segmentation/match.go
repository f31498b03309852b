package segmentation

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Match puts masks onto the voxels of the CT. Places are compared in mm, so a
// mask may be a part of the CT's grid, turned or mirrored: then its voxels are
// only reordered. On any other grid it is resampled, with a note. The results
// are cropped to their voxels.
func Match(ct *imaging.Grid, masks []Mask) ([]Mask, []risk.Note, error) {
	var out []Mask
	var notes []risk.Note
	var errs []error
	for _, m := range masks {
		if err := m.Grid.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("mask %q: %w", m.Name, err))
			continue
		}
		lo, hi, ok := reach(ct, m.Mask)
		if !ok {
			errs = append(errs, fmt.Errorf("mask %q does not meet the CT:\n  mask %s\n  CT   %s", m.Name, m.Grid.String(), ct.String()))
			continue
		}
		box := imaging.NewMask(ct.Crop(lo, hi))
		cut := 0
		if f, err := imaging.Align(ct, &m.Grid, imaging.OnVoxels); err == nil {
			cut = f.Copy(box, lo, m.Mask)
		} else {
			r, err := resample(m.Mask, box.Grid)
			if err != nil {
				errs = append(errs, fmt.Errorf("mask %q: onto the CT: %w", m.Name, err))
				continue
			}
			box = r
			notes = append(notes, note("PLQ-205", risk.Info, m.Name, "resampled from %s onto the voxels of the CT: %.1f mm³ before, %.1f mm³ after",
				m.Grid.String(), m.VolumeMM3(), r.VolumeMM3()))
			cut, _ = outside(ct, m.Mask)
		}
		if cut > 0 {
			_, p := outside(ct, m.Mask)
			notes = append(notes, note("PLQ-206", risk.Warning, m.Name, "%d voxels lie outside the CT and were cut off, the first of them at %s", cut, place(p)))
		}
		box = tight(box, 0)
		if box == nil {
			text := "the mask has no voxel"
			if p, ok := middle(m.Mask); ok {
				text = fmt.Sprintf("the mask, around %s, leaves no voxel on the grid of the CT", place(p))
			}
			notes = append(notes, note("PLQ-202", risk.Warning, m.Name, "%s", text))
			continue
		}
		m.Mask = box
		out = append(out, m)
	}
	if len(errs) > 0 {
		return nil, notes, errors.Join(errs...)
	}
	return out, append(notes, overlaps(out)...), nil
}

// tie is how near to ½ an interpolated mask counts as undecided.
const tie = 1e-4

// resample puts m onto a grid: a voxel is inside where the trilinear
// interpolation of m is above ½. Where it is ½, as in many voxels of a mask that
// is shifted by half a voxel, the nearest voxel of m decides, on halves the upper
// one. So volumes are kept, and masks that share no voxel still share none.
func resample(m *imaging.Mask, onto imaging.Grid) (*imaging.Mask, error) {
	out, err := imaging.ResampleMask(context.Background(), m, onto, 0.5+tie)
	if err != nil {
		return nil, err
	}
	most, err := imaging.ResampleMask(context.Background(), m, onto, 0.5-tie)
	if err != nil {
		return nil, err
	}
	nearest := func(x float64) int { return int(math.Floor(x + 0.5 + tie)) }
	for o, in := range most.In {
		if in && !out.In[o] {
			x, y, z := m.Index(onto.Point(coordinates(&onto, o)))
			i, j, k := nearest(x), nearest(y), nearest(z)
			out.In[o] = m.Inside(i, j, k) && m.In[m.Offset(i, j, k)]
		}
	}
	return out, nil
}

// reach returns the box of CT voxels around the voxels of m, and false if there
// is none.
func reach(ct *imaging.Grid, m *imaging.Mask) (lo, hi [3]int, ok bool) {
	min3 := [3]float64{math.Inf(1), math.Inf(1), math.Inf(1)}
	max3 := [3]float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
	for _, p := range m.Corners() {
		i, j, k := ct.Index(p)
		for a, x := range [3]float64{i, j, k} {
			min3[a], max3[a] = min(min3[a], x), max(max3[a], x)
		}
	}
	// Beyond its outer centres the mask reaches half a voxel of its own.
	for a := range 3 {
		half := 0.5 * max(m.Spacing[0], m.Spacing[1], m.Spacing[2]) / ct.Spacing[a]
		if max3[a]+half < -0.5 || min3[a]-half > float64(ct.Size[a])-0.5 {
			return lo, hi, false
		}
		lo[a] = int(math.Floor(max(min3[a]-half, -1)))
		hi[a] = int(math.Ceil(min(max3[a]+half, float64(ct.Size[a])))) + 1
	}
	lo, hi = ct.Clamp(lo, hi)
	for a := range 3 {
		if hi[a] <= lo[a] {
			return lo, hi, false
		}
	}
	return lo, hi, true
}

// outside counts the voxels of m whose centres lie outside the CT, and returns
// the first of them.
func outside(ct *imaging.Grid, m *imaging.Mask) (n int, first r3.Vec) {
	for o, in := range m.In {
		if !in {
			continue
		}
		i, j, k := m.Coords(o)
		p := m.Point(float64(i), float64(j), float64(k))
		x, y, z := ct.Index(p)
		for a, v := range [3]float64{x, y, z} {
			if v < -0.5 || v > float64(ct.Size[a])-0.5 {
				if n++; n == 1 {
					first = p
				}
				break
			}
		}
	}
	return n, first
}

// overlaps notes structures of one artery that share voxels.
func overlaps(masks []Mask) []risk.Note {
	var notes []risk.Note
	for a := range masks {
		for b := a + 1; b < len(masks); b++ {
			x, y := &masks[a], &masks[b]
			if x.Artery != y.Artery || (x.Structure == Lumen) == (y.Structure == Lumen) {
				continue // wall holds the plaque, plaque its components
			}
			if n := shared(x.Mask, y.Mask); n > 0 {
				notes = append(notes, note("PLQ-207", risk.Info, x.Name, "%d voxels (%.1f mm³) also belong to %s; they count as lumen",
					n, float64(n)*x.VoxelVolume(), y.Name))
			}
		}
	}
	return notes
}

// shared counts the voxels in both a and b, which lie on the voxels of one CT.
func shared(a, b *imaging.Mask) int {
	off := offset(&a.Grid, &b.Grid)
	n := 0
	for o, in := range a.In {
		if in {
			i, j, k := a.Coords(o)
			if x, y, z := i+off[0], j+off[1], k+off[2]; b.Inside(x, y, z) && b.In[b.Offset(x, y, z)] {
				n++
			}
		}
	}
	return n
}

// offset returns the voxel of b at voxel (0, 0, 0) of a, for two grids cut from
// one CT.
func offset(a, b *imaging.Grid) [3]int {
	i, j, k := b.Index(a.Origin)
	return [3]int{int(math.Round(i)), int(math.Round(j)), int(math.Round(k))}
}

// paint sets the voxels of m in dst; both are cut from one CT. Voxels beyond
// dst are left out.
func paint(dst, m *imaging.Mask) {
	off := offset(&m.Grid, &dst.Grid)
	for k := range m.Size[2] {
		for j := range m.Size[1] {
			row := m.In[m.Offset(0, j, k):][:m.Size[0]]
			for i, in := range row {
				if in && dst.Inside(i+off[0], j+off[1], k+off[2]) {
					dst.In[dst.Offset(i+off[0], j+off[1], k+off[2])] = true
				}
			}
		}
	}
}

// at tells whether voxel (i, j, k) of grid g is in m; both are cut from one CT
// and off is offset(g, m).
func at(m *imaging.Mask, off [3]int, i, j, k int) bool {
	i, j, k = i+off[0], j+off[1], k+off[2]
	return m.Inside(i, j, k) && m.In[m.Offset(i, j, k)]
}

// tight returns m cut to its voxels and grown by margin voxels of nothing on
// all sides, nil if it is empty.
func tight(m *imaging.Mask, margin int) *imaging.Mask {
	lo, hi, ok := m.Bounds()
	if !ok {
		return nil
	}
	for a := range 3 {
		lo[a] -= margin
		hi[a] += margin
	}
	g := m.Grid.Crop(lo, hi)
	out := imaging.NewMask(g)
	paint(out, m)
	return out
}

// union returns the union of masks cut from one CT, with a margin of empty
// voxels, nil if there is none. The result may reach beyond the CT.
func union(margin int, masks ...*imaging.Mask) *imaging.Mask {
	var first *imaging.Mask
	var lo, hi [3]int
	for _, m := range masks {
		l, h, ok := [3]int{}, [3]int{}, false
		if m != nil {
			l, h, ok = m.Bounds()
		}
		if !ok {
			continue
		}
		if first == nil {
			first, lo, hi = m, l, h
			continue
		}
		off := offset(&m.Grid, &first.Grid)
		for a := range 3 {
			lo[a], hi[a] = min(lo[a], l[a]+off[a]), max(hi[a], h[a]+off[a])
		}
	}
	if first == nil {
		return nil
	}
	for a := range 3 {
		lo[a] -= margin
		hi[a] += margin
	}
	out := imaging.NewMask(first.Grid.Crop(lo, hi))
	for _, m := range masks {
		if m != nil {
			paint(out, m)
		}
	}
	return out
}
