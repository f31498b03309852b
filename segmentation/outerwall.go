package segmentation

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// WallEstimate is an outer wall that was not segmented but found in the CT, with
// the lumen as it was given.
type WallEstimate struct {
	Artery coronary.Artery
	found  *Surfaces
}

// EstimateWalls finds the outer wall of every artery that has a lumen but
// no wall: docs/theory/surfaces.md tells how. It returns
// masks with those walls added, which reach from the lumen to the outer border
// and hold whatever plaque was segmented, and notes that say how certain they are.
// An artery whose lumen cannot be traced is left to [Vessels].
func EstimateWalls(ctx context.Context, vol *imaging.Volume, masks []Mask, cfg Config) ([]Mask, []WallEstimate, []risk.Note, error) {
	if err := cfg.Validate(); err != nil {
		return nil, nil, nil, fmt.Errorf("segmentation settings: %w", err)
	}
	out := slices.Clone(masks)
	var estimates []WallEstimate
	var notes []risk.Note
	var lumens []*imaging.Mask
	for _, m := range masks {
		if m.Structure == Lumen {
			lumens = append(lumens, m.Mask)
		}
	}
	for _, artery := range append(coronary.Arteries(), "") {
		g := gather(masks, artery)
		if g.lumen == nil || g.wall != nil {
			continue
		}
		found, err := wallAround(ctx, vol, g.lumen, cfg)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("outer wall of %s: %w", where(artery), err)
		}
		if found == nil {
			continue
		}
		found.Artery = artery
		_, wall, _ := found.Masks(&vol.Grid, cfg.Surfaces.Thickening, cfg.MinPlaque)
		wall = tight(without(wall, lumens...), 0)
		if wall == nil {
			continue
		}
		out = append(out, Mask{Label: Label{Artery: artery, Structure: Wall}, Name: "estimated wall of " + where(artery), Mask: wall})
		estimates = append(estimates, WallEstimate{artery, found})
		worst, at := 0.0, 0
		for i, sd := range found.WallSD {
			if sd > worst {
				worst, at = sd, i
			}
		}
		notes = append(notes, note("PLQ-230", risk.Warning, where(artery),
			"no outer wall was given: it was estimated from the CT around the lumen of the stem, %.2f mm thick where there is no plaque; standard deviation of its radius %.2f mm (median of the sections), at most %.2f mm at %.1f mm",
			found.Usual, median(found.WallSD), worst, found.S[at]))
	}
	return out, estimates, notes, nil
}

// wallAround finds the wall around a lumen, nil if the lumen cannot be traced.
func wallAround(ctx context.Context, vol *imaging.Volume, lumen *imaging.Mask, cfg Config) (*Surfaces, error) {
	part, _, _ := largest(lumen)
	inside := newField(part)
	line, err := traceLine(ctx, part, inside, cfg)
	if err != nil {
		return nil, ctx.Err()
	}
	u, err := unroll(ctx, vol, &line, cfg.Surfaces)
	if err != nil {
		return nil, err
	}
	given := make([]float64, len(u.s)*u.rays)
	var known []int
	for i := range u.s {
		r := given[i*u.rays : (i+1)*u.rays]
		p := inside.plane(&u.frames[i])
		if failed := p.cast(r, r2.Vec{}, 0, cfg.Surfaces.MaxRadius-cfg.Surfaces.MinWall-tail); float64(failed) <= mostFailed*float64(u.rays) {
			known = append(known, i)
		}
	}
	if len(known) == 0 {
		return nil, nil
	}
	for i := range u.s { // the ends, and mouths of branches: as in the nearest section
		at := known[0]
		for _, k := range known {
			if math.Abs(float64(k-i)) < math.Abs(float64(at-i)) {
				at = k
			}
		}
		copy(given[i*u.rays:(i+1)*u.rays], given[at*u.rays:(at+1)*u.rays])
	}
	return u.surfaces(ctx, line, given, cfg.Surfaces)
}

// Mark writes the uncertainty of the wall into the sections of v, if it is the
// vessel of that wall.
func (e *WallEstimate) Mark(v *coronary.Vessel) {
	if v.Artery != e.Artery {
		return
	}
	step := e.found.S[1] - e.found.S[0]
	for n := range v.Sections {
		s, _ := e.found.Line.Project(v.Sections[n].Frame.Origin)
		i := min(max(int(math.Round((s-e.found.S[0])/step)), 0), len(e.found.S)-1)
		v.Sections[n].WallSD = e.found.WallSD[i]
	}
}

// AroundLumens finds wall and plaque around every lumen of masks.
func AroundLumens(ctx context.Context, vol *imaging.Volume, masks []Mask, cfg Config) ([]*Surfaces, []risk.Note, error) {
	lumens := slices.DeleteFunc(slices.Clone(masks), func(m Mask) bool { return m.Structure != Lumen })
	if len(lumens) == 0 {
		return nil, nil, errors.New("no mask is a lumen: name it (LAD_lumen) or use a label map")
	}
	_, estimates, notes, err := EstimateWalls(ctx, vol, lumens, cfg)
	if err != nil {
		return nil, nil, err
	}
	if len(estimates) == 0 {
		return nil, nil, fmt.Errorf("no lumen is long enough to be traced: a vessel needs %g mm", shortest)
	}
	var found []*Surfaces
	for _, e := range estimates {
		found = append(found, e.found)
	}
	return found, notes, nil
}
