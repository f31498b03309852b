package segmentation

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// tree is an artery cut into its stem and its side branches.
type tree struct {
	lumen, outer *imaging.Mask // of the stem; outer nil without wall
	start        r3.Vec        // ostium
	sides        []side
	spurs        int
}

// side is a side branch.
type side struct {
	*imaging.Mask
	mother int // index of a side; −1: the stem
}

// divide cuts the lumen of an artery, and what lies within its outer wall, at
// its branch points; nil if it has no side branch. root returns the node that is
// the ostium, from the limbs of any root.
func divide(g *graph, lumen, outer *imaging.Mask, cfg Config, root func(limbs []limb) int) *tree {
	limbs, _ := g.limbs(g.farthest(0))
	if len(limbs) == 1 {
		return nil
	}
	limbs, spurs := g.limbs(root(limbs))
	if len(limbs) == 1 {
		return nil
	}
	limbs = g.stems(limbs)
	t := &tree{start: g.point(limbs[0].nodes[0]), spurs: spurs}
	cut := func(m *imaging.Mask, wall float64) []*imaging.Mask {
		owner := g.owners(limbs, &m.Grid, wall)
		parts := make([]*imaging.Mask, len(limbs))
		for l := range parts {
			parts[l] = imaging.NewMask(m.Grid)
		}
		for o, in := range m.In {
			if in {
				parts[max(owner[o], 0)].In[o] = true
			}
		}
		return parts
	}
	parts := cut(lumen, cfg.MaxRadius/2)
	t.lumen = parts[0]
	for l := 1; l < len(limbs); l++ {
		t.sides = append(t.sides, side{parts[l], limbs[l].mother - 1})
	}
	if outer != nil {
		t.outer = cut(outer, cfg.MaxRadius)[0]
	}
	return t
}

// masks returns the side branches as masks that are not the stem's.
func (t *tree) masks() []*imaging.Mask {
	if t == nil {
		return nil
	}
	var out []*imaging.Mask
	for _, s := range t.sides {
		out = append(out, s.Mask)
	}
	return out
}

// branches traces the side branches of t off the stem of v. It returns the
// places of those that are too short to have a centre-line.
func (t *tree) branches(ctx context.Context, v *coronary.Vessel, cfg Config) (lost []string, err error) {
	place := make([]int, len(t.sides)) // of each side among the branches, −1 if lost
	for n, s := range t.sides {
		place[n] = -1
		mother, line := -1, &v.Centerline
		start := 0.0
		if s.mother >= 0 {
			if mother = place[s.mother]; mother < 0 {
				continue // its mother is lost
			}
			line, start = &v.Branches[mother].Centerline, v.Branches[mother].Start
		}
		part, _, _ := largest(padded(s.Mask))
		inside := newField(part)
		c, err := traceLine(ctx, part, inside, cfg)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			lost = append(lost, err.Error())
			continue
		}
		first, last := c.Nodes[0].Pos, c.Nodes[len(c.Nodes)-1].Pos
		if _, a := line.Project(first); a > 0 {
			if _, b := line.Project(last); b < a {
				c = c.Reverse()
			}
		}
		measureRadii(&c, inside)
		joined, at := join(c, line)
		place[n] = len(v.Branches)
		v.Branches = append(v.Branches, coronary.Branch{Mother: mother, At: at, Start: start + at, Centerline: joined})
	}
	return lost, nil
}

// measureRadii sets the radii of the circles with the area of the lumen across
// the nodes of c; at the ends, where the mask has none, that of the nearest.
func measureRadii(c *coronary.Centerline, inside *field) {
	s := make([]float64, len(c.Nodes))
	for n := range s {
		s[n] = c.Nodes[n].S
	}
	frames := c.Frames(s)
	r := make([]float64, centreRays)
	found := make([]bool, len(s))
	for n := range frames {
		p := inside.plane(&frames[n])
		if p.cast(r, r2.Vec{}, 0, 8) <= centreRays/4 {
			c.Nodes[n].Radius = math.Sqrt(coronary.PolarContour(r2.Vec{}, r).Area() / math.Pi)
			found[n] = true
		}
	}
	for n := range found {
		for d := 1; !found[n] && d < len(found); d++ {
			for _, m := range [2]int{n - d, n + d} {
				if m >= 0 && m < len(found) && found[m] {
					c.Nodes[n].Radius, d = c.Nodes[m].Radius, len(found)
				}
			}
		}
	}
}

// join continues a branch backwards, straight, to where it comes nearest to the
// line of its mother, and begins it there, on that line. The first diameter of
// the branch, whose sections the cut runs through, gives way to the straight
// line. It returns the arc length of the branch point on the mother.
func join(branch coronary.Centerline, mother *coronary.Centerline) (coronary.Centerline, float64) {
	from := min(2*branch.MeanRadius(0, 5), branch.Length()/4)
	first := branch.At(from)
	back := r3.Scale(-1, r3.Unit(r3.Sub(branch.At(min(from+4, branch.Length())), first)))
	at, best := mother.Project(first)
	reach := 4 * best
	for t := 0.0; t < reach; t += 0.1 {
		if s, d := mother.Project(r3.Add(first, r3.Scale(t, back))); d < best {
			at, best = s, d
		}
	}
	root, radius := mother.At(at), branch.RadiusAt(from)
	points, radii := []r3.Vec{root}, []float64{radius}
	gap := r3.Norm(r3.Sub(first, root))
	for n := 1; float64(n)*nodeStep < gap-nodeStep/2; n++ {
		points = append(points, r3.Add(root, r3.Scale(float64(n)*nodeStep/gap, r3.Sub(first, root))))
		radii = append(radii, radius)
	}
	for _, n := range branch.Nodes {
		if n.S >= from {
			points, radii = append(points, n.Pos), append(radii, n.Radius)
		}
	}
	line := coronary.NewCenterline(points, radii)
	return line.Resample(nodeStep), at
}

// padded returns m cut to its voxels with the margin that a field needs.
func padded(m *imaging.Mask) *imaging.Mask { return tight(m, 2) }

// ostium returns the node at which the artery begins: if the artery that it comes
// from is known, the tip that touches it, or the deepest node there if none does;
// else the widest tip.
func ostium(g *graph, limbs []limb, artery coronary.Artery, masks []Mask) int {
	const far, near, touch = 15.0, 1.0, 2.0 // mm
	for _, from := range origins(artery) {
		away := make([]float64, len(g.voxels))
		best := far
		for n := range away {
			away[n] = math.Inf(1)
		}
		for _, m := range masks {
			if m.Structure != Lumen || m.Artery != from {
				continue
			}
			for o, in := range m.In {
				if !in {
					continue
				}
				p := m.Point(coordinates(&m.Grid, o))
				for n := range away {
					away[n] = min(away[n], r3.Norm2(r3.Sub(p, g.point(int32(n)))))
				}
			}
		}
		for n := range away {
			away[n] = math.Sqrt(away[n])
			best = min(best, away[n])
		}
		if best >= far {
			continue
		}
		at, tip := -1, -1
		for n, d := range away {
			if d <= best+near && (at < 0 || g.depth[n] > g.depth[at]) {
				at = n
			}
		}
		for _, n := range tips(limbs) {
			if away[n] <= best+touch && (tip < 0 || away[n] < away[tip]) {
				tip = n
			}
		}
		if tip >= 0 {
			return tip
		}
		return at
	}
	tip, _ := g.root(limbs)
	return tip
}

// tips returns the root and the ends of all limbs.
func tips(limbs []limb) []int {
	out := []int{int(limbs[0].nodes[0])}
	for n := range limbs {
		out = append(out, int(limbs[n].nodes[len(limbs[n].nodes)-1]))
	}
	return out
}

// origins returns the arteries that a comes from, the best known first.
func origins(a coronary.Artery) []coronary.Artery {
	switch a {
	case coronary.LAD:
		return []coronary.Artery{coronary.LM, coronary.LCX}
	case coronary.LCX:
		return []coronary.Artery{coronary.LM, coronary.LAD}
	}
	return nil
}

// fill closes the holes of m that lumen surrounds on all sides, and tells how
// many voxels they had and where one of them is. What lies outside is found by
// sweeps to and fro, which are few for bodies like vessels.
func fill(m *imaging.Mask) (filled int, at r3.Vec) {
	open := make([]bool, m.Len())
	stride := [3]int{1, m.Size[0], m.Size[0] * m.Size[1]}
	sweep := func(step int) (changed bool) {
		o := 0
		if step < 0 {
			o = m.Len() - 1
		}
		// Seen from the corner where the sweep starts, i, j and k rise.
		for k := range m.Size[2] {
			for j := range m.Size[1] {
				rim := j == 0 || k == 0 || j == m.Size[1]-1 || k == m.Size[2]-1
				for i := range m.Size[0] {
					if !open[o] && !m.In[o] && (rim || i == 0 || i == m.Size[0]-1 ||
						open[o-step*stride[0]] || open[o-step*stride[1]] || open[o-step*stride[2]]) {
						open[o], changed = true, true
					}
					o += step
				}
			}
		}
		return changed
	}
	for sweep(1) || sweep(-1) {
	}
	for o := range m.In {
		if !m.In[o] && !open[o] {
			m.In[o] = true
			filled++
			at = m.Point(coordinates(&m.Grid, o))
		}
	}
	return filled, at
}

// loops returns the number of loops of a body in one piece without holes, which
// is 1 − χ with the Euler number χ = vertices − edges + faces − cubes of its
// voxels.
func loops(m *imaging.Mask) int {
	n := [3]int{m.Size[0] + 1, m.Size[1] + 1, m.Size[2] + 1}
	in := func(i, j, k int) bool { return m.Inside(i, j, k) && m.In[m.Offset(i, j, k)] }
	chi := 0
	for k := range n[2] {
		for j := range n[1] {
			for i := range n[0] {
				// The cells whose lowest corner is the lattice point (i, j, k): a cell is
				// there if a voxel around it is.
				var v [8]bool // voxels with this point as corner: bit a set: before it along a
				any := false
				for b := range v {
					v[b] = in(i-b&1, j-b>>1&1, k-b>>2)
					any = any || v[b]
				}
				if !any {
					continue
				}
				chi++ // the vertex
				for _, e := range [3][4]int{{0, 2, 4, 6}, {0, 1, 4, 5}, {0, 1, 2, 3}} {
					if v[e[0]] || v[e[1]] || v[e[2]] || v[e[3]] {
						chi-- // the edge along this axis
					}
				}
				for _, f := range [3][2]int{{0, 4}, {0, 2}, {0, 1}} {
					if v[f[0]] || v[f[1]] {
						chi++ // the face across this axis
					}
				}
				if v[0] {
					chi--
				}
			}
		}
	}
	return 1 - chi
}

// summary lists the side branches for a note.
func summary(v *coronary.Vessel) string {
	var parts []string
	for n := range v.Branches {
		b := &v.Branches[n]
		from := ""
		if b.Mother >= 0 {
			from = fmt.Sprintf(" of branch %d", b.Mother+1)
		}
		parts = append(parts, fmt.Sprintf("%v at %.1f mm%s, %.0f mm long", b.Segment, b.At, from, b.Length()))
	}
	return strings.Join(parts, "; ")
}

// apexOf estimates the direction from the base of the heart to its apex: from the
// middle of the groove, in which RCA and LCX run, to the end of the LAD; or,
// where one of them is missing, the mean direction in patient coordinates (to
// the left, forward and down).
func apexOf(vessels []coronary.Vessel) r3.Vec {
	var sides [3]r3.Vec // means of RCA and LCX, end of the LAD
	found := 0
	for n := range vessels {
		v := &vessels[n]
		var mean r3.Vec
		for _, x := range v.Nodes {
			mean = r3.Add(mean, r3.Scale(1/float64(len(v.Nodes)), x.Pos))
		}
		switch v.Artery {
		case coronary.RCA:
			sides[0] = mean
		case coronary.LCX:
			sides[1] = mean
		case coronary.LAD:
			sides[2] = v.At(v.Length())
		default:
			continue
		}
		found++
	}
	if found == len(sides) {
		return r3.Unit(r3.Sub(sides[2], r3.Scale(0.5, r3.Add(sides[0], sides[1]))))
	}
	return r3.Unit(r3.Vec{X: 0.55, Y: -0.55, Z: -0.63})
}

// nameSegments names the segments of all vessels, of the RCA first: whether it
// has the posterior descending branch decides what the LCX ends in.
func nameSegments(vessels []coronary.Vessel) {
	apex := apexOf(vessels)
	right := false
	if v := vesselOf(vessels, coronary.RCA); v != nil {
		v.NameSegments(apex, false)
		right = slices.ContainsFunc(v.Stretches, func(s coronary.Stretch) bool {
			return s.Segment == coronary.RightPDA || s.Segment == coronary.RightPLB
		})
	}
	for n := range vessels {
		if v := &vessels[n]; v.Artery != coronary.RCA {
			v.NameSegments(apex, right)
		}
	}
}
