package segmentation

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Vessels traces one vessel per artery that has a lumen mask, in the order of
// coronary.Arteries, a lumen without an artery last: centre-line from the
// ostium, and cross-sections with lumen and, where a wall was given, outer
// wall. The masks come from [Match]. What cannot be traced is a note, not an
// error.
func Vessels(ctx context.Context, vol *imaging.Volume, masks []Mask, cfg Config) ([]coronary.Vessel, []risk.Note, error) {
	if err := cfg.Validate(); err != nil {
		return nil, nil, fmt.Errorf("segmentation settings: %w", err)
	}
	var vessels []coronary.Vessel
	var notes []risk.Note
	lent := lend(masks, cfg)
	for _, artery := range append(coronary.Arteries(), "") {
		g := gather(lent, artery)
		if g.lumen == nil {
			if g.wall != nil {
				notes = append(notes, note("PLQ-211", risk.Warning, where(artery), "there is a wall but no lumen: the vessel cannot be traced"))
			}
			continue
		}
		v, found, err := traceVessel(ctx, vol, artery, g, masks, cfg)
		notes = append(notes, found...)
		if err != nil {
			return nil, notes, fmt.Errorf("%s: %w", where(artery), err)
		}
		if v != nil {
			vessels = append(vessels, *v)
		}
	}
	nameSegments(vessels)
	for n := range vessels {
		if v := &vessels[n]; len(v.Branches) > 0 {
			notes = append(notes, note("PLQ-227", risk.Info, where(v.Artery), "side branches: %s", summary(v)))
		}
	}
	for _, m := range masks {
		named := slices.ContainsFunc(masks, func(x Mask) bool { return x.Structure == Lumen && x.Artery == m.Artery })
		unnamed := slices.ContainsFunc(masks, func(x Mask) bool { return x.Structure == Lumen && x.Artery == "" })
		if m.Structure.isPlaque() && m.Artery != "" && !named && unnamed {
			notes = append(notes, note("PLQ-211", risk.Warning, m.Name, "no lumen is named %s, and a lumen that names no artery is not taken for it: stenosis and mechanics of this plaque could not be computed; name the lumen of each artery", m.Artery))
		}
	}
	if len(vessels) == 0 && !slices.ContainsFunc(masks, func(m Mask) bool { return m.Structure == Lumen }) {
		notes = append(notes, note("PLQ-220", risk.Warning, "", "no lumen was given: centre-line, stenosis, burden, remodelling, cap thickness and mechanics could not be computed"))
	}
	return vessels, notes, nil
}

// lend returns masks and, as plaque of the artery with the nearest lumen, the
// parts of plaque that name no artery: they lie within its outer wall, whether
// or not the mask of the wall holds them.
func lend(masks []Mask, cfg Config) []Mask {
	out := slices.Clone(masks)
	for _, m := range masks {
		if m.Artery != "" || !m.Structure.isPlaque() {
			continue
		}
		labels, sizes := imaging.Components(m.Mask, imaging.Corners)
		for n := range sizes {
			part := imaging.NewMask(m.Grid)
			for o, l := range labels {
				part.In[o] = l == int32(n+1)
			}
			p, _ := middle(part)
			best, at := cfg.MaxRadius, -1
			for x := range masks {
				if masks[x].Structure != Lumen {
					continue
				}
				if d := distanceTo(masks[x].Mask, p); d < best {
					best, at = d, x
				}
			}
			if at >= 0 && masks[at].Artery != "" {
				out = append(out, Mask{Label: Label{Artery: masks[at].Artery, Structure: Plaque}, Name: m.Name, Mask: part})
			}
		}
	}
	return out
}

// where names an artery in notes.
func where(a coronary.Artery) string {
	if a == "" {
		return "unnamed artery"
	}
	return string(a)
}

// group holds the masks of one artery, nil where there is none.
type group struct {
	lumen, wall *imaging.Mask
	outer       *imaging.Mask // all within the outer wall; nil without wall
}

// gather unites the masks of an artery.
func gather(masks []Mask, artery coronary.Artery) group {
	var lumen, wall, rest []*imaging.Mask
	for _, m := range masks {
		if m.Artery != artery {
			continue
		}
		switch m.Structure {
		case Lumen:
			lumen = append(lumen, m.Mask)
		case Wall:
			wall = append(wall, m.Mask)
		default:
			rest = append(rest, m.Mask)
		}
	}
	g := group{lumen: union(2, lumen...), wall: union(0, wall...)}
	if g.lumen != nil && g.wall != nil {
		g.outer = union(2, slices.Concat(lumen, wall, rest)...)
	}
	return g
}

// traceVessel makes a vessel from the masks of one artery; nil with a note if
// its lumen is too small.
func traceVessel(ctx context.Context, vol *imaging.Volume, artery coronary.Artery, g group, masks []Mask, cfg Config) (*coronary.Vessel, []risk.Note, error) {
	var notes []risk.Note
	say := func(code string, sev risk.Severity, format string, args ...any) {
		notes = append(notes, note(code, sev, where(artery), format, args...))
	}
	if p, touches := touching(&vol.Grid, g.lumen); touches {
		say("PLQ-216", risk.Info, "the lumen reaches the border of the CT at %s", place(p))
	}
	lumen, dropped, parts := largest(g.lumen)
	if dropped > 0 {
		p, _ := middle(without(g.lumen, lumen))
		say("PLQ-210", risk.Warning, "the lumen has %d parts; the largest was traced and %.1f mm³ of %.1f mm³ left out, their middle at %s",
			parts, float64(dropped)*lumen.VoxelVolume(), g.lumen.VolumeMM3(), place(p))
	}
	if n, p := fill(lumen); n > 0 {
		say("PLQ-225", risk.Info, "holes of the lumen, %d voxels together, one of them at %s, were filled", n, place(p))
	}
	inside := newField(lumen)
	net := newGraph(lumen, inside)
	t := divide(net, lumen, g.outer, cfg, func(limbs []limb) int { return ostium(net, limbs, artery, masks) })
	if n := loops(lumen); n > 0 {
		say("PLQ-225", risk.Info, "the lumen has %d loops; each was opened where the ways around it meet", n)
	}
	outer := g.outer
	if t != nil {
		lumen, _, _ = largest(padded(t.lumen))
		inside, outer = newField(lumen), t.outer
		if t.spurs > 0 {
			say("PLQ-225", risk.Info, "%d spurs of the lumen, less than %g mm long, are no branches", t.spurs, leastBranch)
		}
	}
	line, err := traceLine(ctx, lumen, inside, cfg)
	if err != nil {
		if ctx.Err() != nil {
			return nil, notes, ctx.Err()
		}
		say("PLQ-211", risk.Warning, "no centre-line: %v", err)
		return nil, notes, nil
	}
	line, why := orient(line, artery, masks)
	if t != nil && r3.Norm(r3.Sub(t.start, line.Nodes[0].Pos)) > r3.Norm(r3.Sub(t.start, line.Nodes[len(line.Nodes)-1].Pos)) {
		line = line.Reverse()
	}
	if why != "" {
		say("PLQ-214", risk.Info, "the ostium is taken to be at %s because %s", place(line.Nodes[0].Pos), why)
	}
	var outside *field
	if outer != nil {
		outside = newField(outer)
	} else {
		say("PLQ-212", risk.Warning, "no outer wall was given: burden, remodelling and mechanics could not be computed")
	}
	v := &coronary.Vessel{Artery: artery, Centerline: line}
	var others []*imaging.Mask
	for _, m := range masks {
		if m.Structure == Lumen && m.Artery != artery {
			others = append(others, m.Mask)
		}
	}
	thin, worst, err := cutSections(ctx, v, inside, outside, others, t.masks(), cfg)
	if err != nil {
		return nil, notes, err
	}
	if t != nil {
		lost, err := t.branches(ctx, v, cfg)
		if err != nil {
			return nil, notes, err
		}
		if len(lost) > 0 {
			say("PLQ-226", risk.Info, "side branches without a centre-line: %s", strings.Join(lost, "; "))
		}
	}
	if thin > 0.05 {
		say("PLQ-215", risk.Warning, "on %.0f %% of its border the outer wall is less than %.2f mm outside the lumen and was moved there, most of it %.1f mm from the start, at %s",
			100*thin, cfg.MinWall, v.Sections[worst].S, place(v.Sections[worst].Frame.Origin))
	}
	if text, n := gaps(v, outside != nil); n > 0 {
		say("PLQ-213", risk.Info, "%d of %d cross-sections are incomplete, at %s", n, len(v.Sections), text)
	}
	return v, notes, nil
}

// place writes a position for a message.
func place(p r3.Vec) string { return fmt.Sprintf("(%.1f, %.1f, %.1f) mm", p.X, p.Y, p.Z) }

// touching finds a voxel of m on the border of the CT.
func touching(ct *imaging.Grid, m *imaging.Mask) (r3.Vec, bool) {
	off := offset(&m.Grid, ct)
	for n, in := range m.In {
		if !in {
			continue
		}
		i, j, k := m.Coords(n)
		for a, x := range [3]int{i + off[0], j + off[1], k + off[2]} {
			if ct.Size[a] > 1 && (x <= 0 || x >= ct.Size[a]-1) {
				return m.Point(float64(i), float64(j), float64(k)), true
			}
		}
	}
	return r3.Vec{}, false
}

// largest returns the largest 26-connected part of m, how many voxels were
// dropped, and how many parts there are.
func largest(m *imaging.Mask) (part *imaging.Mask, dropped, parts int) {
	labels, sizes := imaging.Components(m, imaging.Corners)
	part = imaging.NewMask(m.Grid)
	for n, l := range labels {
		part.In[n] = l == 1 // parts are numbered by falling size
		if l > 1 {
			dropped++
		}
	}
	return part, dropped, len(sizes)
}

// gaps lists the arc lengths of incomplete sections. The sections within a
// millimetre of the ends, which every mask lacks, do not count.
func gaps(v *coronary.Vessel, wall bool) (text string, n int) {
	ok := func(s *coronary.Section) bool { return s.Complete() || !wall && len(s.Lumen.Points) > 2 }
	var runs []string
	first, last := 0, len(v.Sections)
	for first < last && v.Sections[first].S < 1 {
		first++
	}
	for last > first && v.Sections[last-1].S > v.Length()-1 {
		last--
	}
	for i := first; i < last; i++ {
		if ok(&v.Sections[i]) {
			continue
		}
		from := v.Sections[i].S
		to := from
		for ; i < last && !ok(&v.Sections[i]); i++ {
			to = v.Sections[i].S
			n++
		}
		runs = append(runs, fmt.Sprintf("%.1f–%.1f", from, to))
	}
	const most = 6
	if len(runs) > most {
		runs = append(runs[:most], "…")
	}
	return strings.Join(runs, ", ") + " mm", n
}

// orient turns the line so that it starts at the ostium, and says why if that
// is a guess. A left main ends, and LAD and LCX begin, where they meet.
// Otherwise the wider end is the ostium and, of equal ends, the upper one.
func orient(line coronary.Centerline, artery coronary.Artery, masks []Mask) (_ coronary.Centerline, why string) {
	first, last := line.Nodes[0], line.Nodes[len(line.Nodes)-1]
	nearest := func(p r3.Vec, arteries ...coronary.Artery) float64 {
		d := math.Inf(1)
		for _, m := range masks {
			if m.Structure == Lumen && slices.Contains(arteries, m.Artery) {
				d = min(d, distanceTo(m.Mask, p))
			}
		}
		return d
	}
	// meets tells at which end the other arteries are: −1 first, +1 last, 0 unclear.
	meets := func(arteries ...coronary.Artery) int {
		a, b := nearest(first.Pos, arteries...), nearest(last.Pos, arteries...)
		switch {
		case a < 15 && a < b/2:
			return -1
		case b < 15 && b < a/2:
			return +1
		}
		return 0
	}
	side := 0 // of the ostium
	switch artery {
	case coronary.LM:
		side = -meets(coronary.LAD, coronary.LCX)
	case coronary.LAD:
		if side = meets(coronary.LM); side == 0 {
			side = meets(coronary.LCX)
		}
	case coronary.LCX:
		if side = meets(coronary.LM); side == 0 {
			side = meets(coronary.LAD)
		}
	}
	if side == 0 {
		length := line.Length()
		reach := min(5, length/3)
		a, b := meanRadius(line, 0, reach), meanRadius(line, length-reach, length)
		switch {
		case a > 1.05*b, b > 1.05*a:
			side = -1
			if b > a {
				side = +1
			}
			why = fmt.Sprintf("the lumen is wider there (radius %.2f against %.2f mm)", max(a, b), min(a, b))
		case first.Pos.Z >= last.Pos.Z:
			side, why = -1, "it is the upper end"
		default:
			side, why = +1, "it is the upper end"
		}
	}
	if side > 0 {
		line = line.Reverse()
	}
	return line, why
}

func meanRadius(line coronary.Centerline, from, to float64) float64 {
	sum, n := 0.0, 0
	for _, node := range line.Nodes {
		if node.S >= from && node.S <= to {
			sum += node.Radius
			n++
		}
	}
	return sum / float64(max(n, 1))
}

// distanceTo returns the distance of p from the nearest voxel centre of m, mm.
func distanceTo(m *imaging.Mask, p r3.Vec) float64 {
	best := math.Inf(1)
	for n, in := range m.In {
		if in {
			i, j, k := m.Coords(n)
			best = min(best, r3.Norm2(r3.Sub(p, m.Point(float64(i), float64(j), float64(k)))))
		}
	}
	return math.Sqrt(best)
}
