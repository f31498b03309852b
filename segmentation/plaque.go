package segmentation

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Plaques returns the plaques by artery, from proximal to distal.
//
// A numbered plaque is the union of the masks with its number, plaque and
// components alike. Masks without a number are cut into 26-connected parts;
// parts below cfg.MinPlaque are dropped with a note. Lumen voxels are no plaque.
// If no plaque was segmented anywhere, stretches of thick wall are taken for
// plaque, with a note.
//
// A plaque without a traced vessel, or farther than cfg.MaxRadius from it, has
// From and To NaN.
func Plaques(ctx context.Context, vol *imaging.Volume, vessels []coronary.Vessel, masks []Mask, cfg Config) ([]coronary.Plaque, []risk.Note, error) {
	if err := cfg.Validate(); err != nil {
		return nil, nil, fmt.Errorf("segmentation settings: %w", err)
	}
	masks, notes := assign(vessels, masks, cfg)
	given := slices.ContainsFunc(masks, func(m Mask) bool { return m.Structure.isPlaque() })
	var plaques []coronary.Plaque
	for _, artery := range append(coronary.Arteries(), "") {
		if err := ctx.Err(); err != nil {
			return nil, notes, err
		}
		v := vesselOf(vessels, artery)
		g := gather(masks, artery)
		found, more := segmented(artery, g, masks, cfg)
		notes = append(notes, more...)
		if !given && v != nil && g.outer != nil {
			found, more = derived(v, g, cfg)
			notes = append(notes, more...)
		}
		if len(found) == 0 {
			continue
		}
		for n := range found {
			found[n].From, found[n].To = math.NaN(), math.NaN()
			if v == nil {
				continue
			}
			var away float64
			found[n].From, found[n].To, away = interval(v, found[n].Mask)
			if away > cfg.MaxRadius {
				found[n].From, found[n].To = math.NaN(), math.NaN()
				p, _ := middle(found[n].Mask)
				notes = append(notes, note("PLQ-224", risk.Warning, where(artery), "the plaque of %.1f mm³ at %s lies %.1f mm from the centre-line of %s: it is not on the traced vessel, and stenosis and stress are not computed for it",
					found[n].VolumeMM3(), place(p), away, where(artery)))
			}
		}
		number(found)
		all := make([]*imaging.Mask, len(found))
		for n := range found {
			all[n] = found[n].Mask
		}
		for _, f := range found {
			p := coronary.Plaque{Artery: artery, Name: name(artery, f.number), From: f.From, To: f.To}
			box := tissueBox(&vol.Grid, v, f.Mask, f.From-1, f.To+1)
			p.Mask = imaging.NewMask(box)
			paint(p.Mask, f.Mask)
			p.Tissue = classify(vol, box, g, all, masks, artery, cfg)
			plaques = append(plaques, p)
		}
	}
	return plaques, notes, nil
}

// Tissues returns the tissue of a whole vessel on a cropped grid of the CT.
// Plaque voxels come from the plaques of its artery.
func Tissues(ctx context.Context, vol *imaging.Volume, vessel *coronary.Vessel, masks []Mask, plaques []coronary.Plaque, cfg Config) (*imaging.Labels, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("segmentation settings: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	g := gather(masks, vessel.Artery)
	all := []*imaging.Mask{g.lumen, g.outer}
	var own []*imaging.Mask
	for n := range plaques {
		if plaques[n].Artery == vessel.Artery && plaques[n].Mask != nil {
			own = append(own, plaques[n].Mask)
		}
	}
	whole := union(2, append(all, own...)...)
	if whole == nil {
		return nil, fmt.Errorf("tissue of %s: no mask of it has a voxel", where(vessel.Artery))
	}
	box := tissueBox(&vol.Grid, vessel, whole, math.Inf(-1), math.Inf(1))
	return classify(vol, box, g, own, masks, vessel.Artery, cfg), nil
}

// candidate is a plaque before it has a name.
type candidate struct {
	*imaging.Mask
	number   int // 0: not said
	From, To float64
}

func name(a coronary.Artery, n int) string {
	if a == "" {
		return fmt.Sprintf("plaque-%d", n)
	}
	return fmt.Sprintf("%s-%d", a, n)
}

func vesselOf(vessels []coronary.Vessel, a coronary.Artery) *coronary.Vessel {
	for n := range vessels {
		if vessels[n].Artery == a {
			return &vessels[n]
		}
	}
	return nil
}

// assign gives plaque masks without an artery to the nearest vessel.
func assign(vessels []coronary.Vessel, masks []Mask, cfg Config) ([]Mask, []risk.Note) {
	var notes []risk.Note
	out := slices.Clone(masks)
	if len(vessels) == 0 {
		return out, nil
	}
	for n := range out {
		m := &out[n]
		if m.Artery != "" || !m.Structure.isPlaque() || m.Instance == 0 && len(vessels) > 1 && scattered(vessels, m.Mask) {
			continue
		}
		p, ok := middle(m.Mask)
		if !ok {
			continue
		}
		best, at := math.Inf(1), 0
		for v := range vessels {
			if _, d := vessels[v].Project(p); d < best {
				best, at = d, v
			}
		}
		if best > cfg.MaxRadius || vessels[at].Artery == "" {
			continue
		}
		m.Artery = vessels[at].Artery
		notes = append(notes, note("PLQ-223", risk.Info, m.Name, "names no artery; its middle is %.1f mm from the centre-line of %s, to which it was given", best, m.Artery))
	}
	return splitByVessel(vessels, out, cfg, &notes), notes
}

// scattered tells whether the parts of m belong to different vessels.
func scattered(vessels []coronary.Vessel, m *imaging.Mask) bool {
	_, sizes := imaging.Components(m, imaging.Corners)
	return len(sizes) > 1
}

// splitByVessel cuts masks of several plaques without an artery into their
// connected parts and gives each to the vessel that it lies on.
func splitByVessel(vessels []coronary.Vessel, masks []Mask, cfg Config, notes *[]risk.Note) []Mask {
	var out []Mask
	for _, m := range masks {
		if m.Artery != "" || !m.Structure.isPlaque() || len(vessels) < 2 {
			out = append(out, m)
			continue
		}
		labels, sizes := imaging.Components(m.Mask, imaging.Corners)
		parts := make([]*imaging.Mask, len(vessels)+1) // the last: none of them
		for n := range sizes {
			part := imaging.NewMask(m.Grid)
			for o, l := range labels {
				part.In[o] = l == int32(n+1)
			}
			p, _ := middle(part)
			best, at := cfg.MaxRadius, len(vessels)
			for v := range vessels {
				if _, d := vessels[v].Project(p); d < best {
					best, at = d, v
				}
			}
			parts[at] = union(0, parts[at], part)
		}
		for at, part := range parts {
			if part == nil {
				continue
			}
			x := m
			x.Mask = part
			if at < len(vessels) {
				x.Artery = vessels[at].Artery
				*notes = append(*notes, note("PLQ-223", risk.Info, m.Name, "names no artery; %.1f mm³ of it lie on %s, to which they were given", part.VolumeMM3(), where(x.Artery)))
			}
			out = append(out, x)
		}
	}
	return out
}

// middle returns the mean position of the voxels of m.
func middle(m *imaging.Mask) (r3.Vec, bool) {
	var sum r3.Vec
	n := 0
	for o, in := range m.In {
		if in {
			i, j, k := coordinates(&m.Grid, o)
			sum = r3.Add(sum, r3.Vec{X: i, Y: j, Z: k})
			n++
		}
	}
	if n == 0 {
		return r3.Vec{}, false
	}
	sum = r3.Scale(1/float64(n), sum)
	return m.Point(sum.X, sum.Y, sum.Z), true
}

// segmented returns the plaques of an artery that the masks hold.
func segmented(artery coronary.Artery, g group, masks []Mask, cfg Config) ([]candidate, []risk.Note) {
	var notes []risk.Note
	numbered := map[int][]*imaging.Mask{}
	var numbers []int
	var rest []*imaging.Mask
	for _, m := range masks {
		switch {
		case m.Artery != artery || !m.Structure.isPlaque():
		case m.Instance > 0:
			if numbered[m.Instance] == nil {
				numbers = append(numbers, m.Instance)
			}
			numbered[m.Instance] = append(numbered[m.Instance], m.Mask)
		default:
			rest = append(rest, m.Mask)
		}
	}
	slices.Sort(numbers)
	var found []candidate
	var taken []*imaging.Mask
	for _, n := range numbers {
		m := union(0, numbered[n]...)
		if m != nil {
			m = tight(without(m, g.lumen), 0)
		}
		if m == nil {
			notes = append(notes, note("PLQ-202", risk.Warning, name(artery, n), "no voxel of the plaque is left outside the lumen"))
			continue
		}
		if v := m.VolumeMM3(); v < cfg.MinPlaque {
			notes = append(notes, note("PLQ-221", risk.Warning, name(artery, n), "the plaque has only %.2f mm³: texture and stress of so few voxels mean little", v))
		}
		found = append(found, candidate{Mask: m, number: n})
		taken = append(taken, m)
	}
	loose := union(0, rest...)
	if loose == nil {
		return found, notes
	}
	loose = without(loose, append(taken, g.lumen)...)
	labels, sizes := imaging.Components(loose, imaging.Corners)
	small, lost := 0, 0
	for n, size := range sizes {
		if float64(size)*loose.VoxelVolume() < cfg.MinPlaque {
			small++
			lost += size
			continue
		}
		part := imaging.NewMask(loose.Grid)
		for o, l := range labels {
			part.In[o] = l == int32(n+1)
		}
		found = append(found, candidate{Mask: tight(part, 0)})
	}
	if small > 0 {
		notes = append(notes, note("PLQ-221", risk.Info, where(artery), "%d parts of plaque below %g mm³, together %.2f mm³, were dropped", small, cfg.MinPlaque, float64(lost)*loose.VoxelVolume()))
	}
	return found, notes
}

// without returns m less the voxels of the others.
func without(m *imaging.Mask, others ...*imaging.Mask) *imaging.Mask {
	out := imaging.NewMask(m.Grid)
	copy(out.In, m.In)
	for _, x := range others {
		if x == nil {
			continue
		}
		off := offset(&out.Grid, &x.Grid)
		for o, in := range out.In {
			if in {
				i, j, k := out.Coords(o)
				out.In[o] = !at(x, off, i, j, k)
			}
		}
	}
	return out
}

// derived takes stretches of thick wall for plaque.
func derived(v *coronary.Vessel, g group, cfg Config) ([]candidate, []risk.Note) {
	var runs [][2]float64
	for n := range v.Sections {
		s := &v.Sections[n]
		_, thick := s.WallThickness(cfg.Rays)
		if !(s.Burden() >= cfg.DerivedBurden && thick >= cfg.DerivedThickness) {
			continue
		}
		if m := len(runs); m > 0 && s.S-runs[m-1][1] <= 1.5*cfg.SectionStep {
			runs[m-1][1] = s.S
		} else {
			runs = append(runs, [2]float64{s.S, s.S})
		}
	}
	wall := without(g.outer, g.lumen)
	var found []candidate
	var text []string
	for _, r := range runs {
		lo, hi := r[0]-cfg.SectionStep/2, r[1]+cfg.SectionStep/2
		if hi-lo < cfg.DerivedLength {
			continue
		}
		part := imaging.NewMask(wall.Grid)
		for o, in := range wall.In {
			if in {
				s, _ := v.Project(wall.Point(coordinates(&wall.Grid, o)))
				part.In[o] = s >= lo && s <= hi
			}
		}
		if part = tight(part, 0); part != nil {
			found = append(found, candidate{Mask: part})
			text = append(text, fmt.Sprintf("%.1f–%.1f", lo, hi))
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found, []risk.Note{note("PLQ-222", risk.Warning, where(v.Artery),
		"no plaque was segmented; wall with a burden of %g %% or more and a thickness of %g mm or more was taken for plaque, at %v mm", cfg.DerivedBurden, cfg.DerivedThickness, text)}
}

// interval projects the voxels of m on the centre-line. It returns their 1st
// and 99th percentile, widened by the share that they leave out, so that an
// evenly filled stretch keeps its length and a stray voxel adds little; and the
// distance of the middle of m from the line.
func interval(v *coronary.Vessel, m *imaging.Mask) (from, to, away float64) {
	var s []float64
	for o, in := range m.In {
		if in {
			x, _ := v.Project(m.Point(coordinates(&m.Grid, o)))
			s = append(s, x)
		}
	}
	slices.Sort(s)
	at := func(q float64) float64 {
		x := q * float64(len(s)-1)
		n := min(int(x), max(len(s)-2, 0))
		return s[n] + (x-float64(n))*(s[min(n+1, len(s)-1)]-s[n])
	}
	lo, hi := at(0.01), at(0.99)
	w := 0.01 / 0.98 * (hi - lo)
	if p, ok := middle(m); ok {
		_, away = v.Project(p)
	}
	return max(lo-w, 0), min(hi+w, v.Length()), away
}

// number sorts plaques from proximal to distal and numbers those without a
// number, from the number after the largest on.
func number(found []candidate) {
	slices.SortStableFunc(found, func(a, b candidate) int {
		if x, y := math.IsNaN(a.From), math.IsNaN(b.From); x != y {
			if x {
				return 1 // what lies on no vessel comes last
			}
			return -1
		} else if x {
			return 0
		}
		return cmp.Compare(a.From+a.To, b.From+b.To)
	})
	next := 1
	for _, f := range found {
		next = max(next, f.number+1)
	}
	for n := range found {
		if found[n].number == 0 {
			found[n].number = next
			next++
		}
	}
}

// tissueBox returns the part of the CT around m and around the sections of v
// between two arc lengths, with two voxels of margin.
func tissueBox(ct *imaging.Grid, v *coronary.Vessel, m *imaging.Mask, from, to float64) imaging.Grid {
	lo, hi, _ := m.Bounds()
	off := offset(&m.Grid, ct)
	for a := range 3 {
		lo[a] += off[a]
		hi[a] += off[a]
	}
	if v != nil {
		for n := range v.Sections {
			s := &v.Sections[n]
			if !(s.S >= from && s.S <= to) {
				continue
			}
			for _, c := range []coronary.Contour{s.Lumen, s.Wall} {
				for _, q := range c.Points {
					i, j, k := ct.Index(s.Frame.Point(q))
					for a, x := range [3]float64{i, j, k} {
						lo[a], hi[a] = min(lo[a], int(math.Floor(x))), max(hi[a], int(math.Ceil(x))+1)
					}
				}
			}
		}
	}
	for a := range 3 {
		lo[a] -= 2
		hi[a] += 2
	}
	lo, hi = ct.Clamp(lo, hi)
	return ct.Crop(lo, hi)
}

// classify gives every voxel of box its tissue: lumen, then the components of
// plaque where they were segmented, then plaque by its CT number, then wall.
func classify(vol *imaging.Volume, box imaging.Grid, g group, plaques []*imaging.Mask, masks []Mask, artery coronary.Artery, cfg Config) *imaging.Labels {
	l := imaging.NewLabels(box)
	set := func(m *imaging.Mask, class func(o int) imaging.Tissue) {
		if m == nil {
			return
		}
		off := offset(&m.Grid, &box)
		for o, in := range m.In {
			if !in {
				continue
			}
			i, j, k := m.Coords(o)
			if i, j, k = i+off[0], j+off[1], k+off[2]; box.Inside(i, j, k) {
				x := box.Offset(i, j, k)
				l.Class[x] = class(x)
			}
		}
	}
	always := func(t imaging.Tissue) func(int) imaging.Tissue { return func(int) imaging.Tissue { return t } }
	start := offset(&box, &vol.Grid)
	hu := func(o int) float64 {
		i, j, k := box.Coords(o)
		return vol.At(i+start[0], j+start[1], k+start[2])
	}
	set(g.outer, always(imaging.Wall))
	for _, p := range plaques {
		set(p, func(o int) imaging.Tissue { return cfg.Classify(hu(o)) })
	}
	// Components count where there is plaque; later ones come first.
	for _, c := range []struct {
		Structure
		class func(o int) imaging.Tissue
	}{
		{NonCalcified, func(o int) imaging.Tissue { return min(cfg.Classify(hu(o)), imaging.Fibrous) }},
		{Lipid, always(imaging.LowAttenuation)},
		{Calcified, always(imaging.Calcified)},
	} {
		for _, m := range masks {
			if m.Structure == c.Structure && (m.Artery == artery || m.Artery == "") {
				set(m.Mask, func(o int) imaging.Tissue {
					if l.Class[o].IsPlaque() {
						return c.class(o)
					}
					return l.Class[o]
				})
			}
		}
	}
	set(g.lumen, always(imaging.Lumen))
	return l
}

// Classify returns the class of plaque with CT number hu; wall if it has none.
func (c *Config) Classify(hu float64) imaging.Tissue {
	switch {
	case hu < c.LowAttenuationBelow:
		return imaging.LowAttenuation
	case hu < c.FibroFattyBelow:
		return imaging.FibroFatty
	case hu < c.FibrousBelow:
		return imaging.Fibrous
	case hu >= c.FibrousBelow:
		return imaging.Calcified
	}
	return imaging.Wall // not a number
}
