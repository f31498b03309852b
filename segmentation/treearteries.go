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

// Declared choices of the names of arteries.
const (
	leastTree   = 25.0 // length of a part of the lumen that is a tree of its own, mm
	leftMainMax = 30.0 // longest left main, mm
	daughter    = 20.0 // least length of LAD and LCX, mm, …
	sibling     = 0.5  // … and least width of each of them against the left main
	trifurcate  = 4.0  // way between two branch points that count as one, mm
)

// NameArteries divides one lumen that holds the whole coronary tree into left
// main, LAD, LCX and RCA, with their side branches, and one wall likewise. It
// does so only if no lumen names an artery and one connected part of them is a
// left tree: a trunk that divides, in its first 30 mm, into two daughters of 20
// mm or more and half its width. The daughter that ends farther forward, and to the
// left and down, is the LAD. Of two parts the one more to the right of the
// patient is the RCA. Otherwise the masks are returned as they are.
func NameArteries(ctx context.Context, masks []Mask, cfg Config) ([]Mask, []risk.Note, error) {
	var lumens, walls []*imaging.Mask
	for _, m := range masks {
		switch {
		case m.Structure == Lumen && m.Artery != "":
			return masks, nil, nil
		case m.Structure == Lumen:
			lumens = append(lumens, m.Mask)
		case m.Structure == Wall && m.Artery == "":
			walls = append(walls, m.Mask)
		}
	}
	whole := union(2, lumens...)
	if whole == nil {
		return masks, nil, nil
	}
	labels, sizes := imaging.Components(whole, imaging.Corners)
	var parts []*part
	for n, size := range sizes {
		if float64(size)*whole.VoxelVolume() < leastTree { // 1 mm² over its length
			break // parts are numbered by falling size
		}
		if err := ctx.Err(); err != nil {
			return nil, nil, fmt.Errorf("name arteries: %w", err)
		}
		m := imaging.NewMask(whole.Grid)
		for o, l := range labels {
			m.In[o] = l == int32(n+1)
		}
		if p := newPart(padded(m)); p != nil {
			parts = append(parts, p)
		}
	}
	left := slices.IndexFunc(parts, func(p *part) bool { return p.split > 0 })
	if left < 0 {
		return masks, nil, nil
	}
	named := parts[left].left()
	right := -1
	for n, p := range parts {
		if n != left && (right < 0 || p.length > parts[right].length) && p.middle().X < parts[left].middle().X {
			right = n
		}
	}
	if right >= 0 {
		p := parts[right]
		for n := range p.limbs {
			named = append(named, claim{p.g, p.limbs[n], coronary.RCA})
		}
	}
	var out []Mask
	for _, m := range masks {
		if m.Structure != Lumen && !(m.Structure == Wall && m.Artery == "") {
			out = append(out, m)
		}
	}
	give := func(s Structure, m *imaging.Mask, wall float64) {
		for _, a := range share(m, named, wall) {
			out = append(out, Mask{Label: Label{Artery: a.artery, Structure: s}, Name: string(a.artery) + " " + string(s), Mask: a.Mask})
		}
	}
	give(Lumen, whole, cfg.MaxRadius/2)
	if w := union(2, append(walls, whole)...); len(walls) > 0 {
		give(Wall, without(w, whole), cfg.MaxRadius)
	}
	var names []string
	for _, m := range out {
		if m.Structure == Lumen {
			names = append(names, string(m.Artery))
		}
	}
	return out, []risk.Note{note("PLQ-228", risk.Warning, "", "the lumen names no artery; by its shape and place it was divided into %s", strings.Join(names, ", "))}, nil
}

// part is one connected lumen with its tree.
type part struct {
	g      *graph
	limbs  []limb
	length float64 // of its stem, mm
	// split is the index in the nodes of the stem at which a left main divides; 0
	// for no left main.
	split int
}

// newPart finds the tree of a lumen; nil if it is no vessel.
func newPart(m *imaging.Mask) *part {
	g := newGraph(m, newField(m))
	limbs, _ := g.limbs(g.farthest(0))
	tip, _ := g.root(limbs)
	limbs, _ = g.limbs(tip)
	p := &part{g: g, limbs: g.stems(limbs)}
	stem := p.limbs[0].nodes
	if p.length = g.length(stem); p.length < leastTree {
		return nil
	}
	for n := range p.limbs {
		x := &p.limbs[n]
		if x.mother != 0 {
			continue
		}
		trunk := g.width(stem[:x.at+1], 0, leftMainMax)
		if g.length(stem[:x.at+1]) <= leftMainMax && p.daughter(x.nodes, trunk) && p.daughter(stem[x.at:], trunk) &&
			(p.split == 0 || x.at < p.split) {
			p.split = x.at
		}
	}
	return p
}

// daughter tells whether path is long and wide enough for LAD or LCX after a
// left main of the given radius.
func (p *part) daughter(path []int32, trunk float64) bool {
	return p.g.length(path) >= daughter && p.g.width(path, trunk, trunk+5) >= sibling*trunk
}

// middle returns the mean position of the nodes of all limbs.
func (p *part) middle() r3.Vec {
	var sum r3.Vec
	n := 0
	for _, x := range p.limbs {
		for _, c := range x.nodes {
			sum = r3.Add(sum, p.g.point(c))
			n++
		}
	}
	return r3.Scale(1/float64(n), sum)
}

// claim is a limb that belongs to an artery.
type claim struct {
	g *graph
	limb
	artery coronary.Artery
}

// left names the limbs of a left tree: left main to the branch point, then LAD
// and LCX, whose side branches follow their mothers. A third daughter, the ramus,
// goes with the LCX.
func (p *part) left() []claim {
	stem := p.limbs[0].nodes
	at := p.g.point(stem[p.split])
	end := func(path []int32) float64 { // to the left, forward and down, mm
		d := r3.Sub(p.g.point(path[len(path)-1]), at)
		return r3.Dot(d, r3.Vec{X: 0.55, Y: -0.55, Z: -0.63})
	}
	// The other of LAD and LCX: of the daughters at the branch point the widest.
	second, most := -1, 0.0
	var near []int
	for n := range p.limbs {
		x := &p.limbs[n]
		if x.mother != 0 || x.at < p.split || p.g.length(stem[p.split:x.at+1]) > trifurcate {
			continue
		}
		near = append(near, n)
		if w := p.g.length(x.nodes) * p.g.width(x.nodes, 2, 10); p.g.length(x.nodes) >= daughter && w > most {
			second, most = n, w
		}
	}
	first, other := coronary.LAD, coronary.LCX
	if end(p.limbs[second].nodes) > end(stem) {
		first, other = other, first
	}
	out := []claim{
		{p.g, limb{nodes: stem[:p.split+1], mother: -1}, coronary.LM},
		{p.g, limb{nodes: stem[p.split:], mother: 0}, first},
	}
	names := make([]coronary.Artery, len(p.limbs))
	for n := 1; n < len(p.limbs); n++ { // mothers come before their daughters
		x := p.limbs[n]
		switch {
		case n == second:
			names[n] = other
		case x.mother > 0:
			names[n] = names[x.mother]
		case slices.Contains(near, n):
			names[n] = coronary.LCX
		case x.at < p.split:
			names[n] = coronary.LM
		default:
			names[n] = first
		}
		out = append(out, claim{p.g, x, names[n]})
	}
	return out
}

// owned is what an artery owns of a mask.
type owned struct {
	artery coronary.Artery
	*imaging.Mask
}

// share gives the voxels of m to the arteries whose limbs they lie deepest in,
// as [graph.owners] does; what is out of reach of all is left out.
func share(m *imaging.Mask, claims []claim, wall float64) []owned {
	owner, best := make([]int8, m.Len()), make([]float32, m.Len())
	for o := range owner {
		owner[o], best[o] = -1, float32(math.Inf(-1))
	}
	arteries := coronary.Arteries()
	for n := range claims {
		c := &claims[n]
		c.g.deepest(&c.limb, &m.Grid, wall, best, func(o int) { owner[o] = int8(slices.Index(arteries, c.artery)) })
	}
	var out []owned
	for a, name := range arteries {
		mine := imaging.NewMask(m.Grid)
		for o, in := range m.In {
			mine.In[o] = in && int(owner[o]) == a
		}
		if mine = tight(mine, 0); mine != nil {
			out = append(out, owned{name, mine})
		}
	}
	return out
}
