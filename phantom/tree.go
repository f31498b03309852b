package phantom

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
)

// Tree returns a full patient without plaques whose arteries have side branches:
// two diagonals, two obtuse marginals, in a quarter of the hearts a ramus, and
// beyond the crux a posterior descending and a posterolateral branch, on the
// right in four of five. The RCA gives a branch off at the acute margin. Sites,
// angles, lengths and sizes are drawn with the seed.
//
// A side branch begins on the axis of its mother, leaves her along the surface
// of the heart and turns towards the apex.
func Tree(seed uint64) *Patient {
	rng := rand.New(rand.NewPCG(seed, streamBranches))
	sex := drawSex(rng)
	p := newPatient(fmt.Sprintf("tree-%d", seed), seed, Full, sex, nil)
	between := func(lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }
	stem := func(a coronary.Artery) *Artery {
		return p.arteries[slices.IndexFunc(p.arteries, func(x *Artery) bool { return x.Artery == a })]
	}
	lm, lad, lcx, rca := stem(coronary.LM), stem(coronary.LAD), stem(coronary.LCX), stem(coronary.RCA)
	// angle: from the direction of the mother, positive to the left side of who
	// looks along her from outside the heart. Branches that would come close to
	// another vessel are drawn anew, shorter, and if that does not help, all are.
	clear := true
	add := func(mother *Artery, artery coronary.Artery, segment coronary.Segment, at, degrees, length, share float64) {
		b := &Artery{Artery: artery, Segment: segment, Mother: mother, At: at, Wall: mother.Wall, joined: true}
		dir := mother.Frame(at).T
		if mother == lm { // which meets the surface head on: between her daughters
			dir = r3.Add(lad.Frame(6).T, lcx.Frame(6).T)
		}
		b.Proximal = share * 2 * mother.HealthyRadius(at)
		b.Distal = b.Proximal * between(0.6, 0.75)
		free := false
		for tries := 0; tries < 12 && !free; tries++ {
			b.curve = p.heart.walk(mother.curve.at(at), dir, degrees*between(0.8, 1.2)*math.Pi/180, length, between(0, 0.03))
			free = p.free(b)
			length = max(0.97*length, 15)
		}
		clear = clear && free
		p.branches = append(p.branches, b)
	}
	for tries := 0; tries < 50 && (tries == 0 || !clear); tries++ {
		p.branches, clear = nil, true
		add(lad, coronary.LAD, coronary.FirstDiagonal, between(13, 22), between(45, 65), between(28, 42), between(0.55, 0.72))
		add(lad, coronary.LAD, coronary.SecondDiagonal, between(31, 40), between(42, 60), between(22, 32), between(0.55, 0.72))
		add(lcx, coronary.LCX, coronary.FirstObtuseMarginal, between(13, 20), -between(50, 70), between(30, 42), between(0.6, 0.75))
		add(lcx, coronary.LCX, coronary.SecondObtuseMarginal, between(29, 36), -between(50, 70), between(25, 35), between(0.6, 0.75))
		if rng.Float64() < 0.25 {
			add(lm, coronary.LCX, coronary.RamusIntermedius, lm.Length(), between(-8, 8), between(28, 40), between(0.45, 0.55))
		}
		add(rca, coronary.RCA, 0, between(0.55, 0.67)*rca.Length(), between(50, 70), between(20, 32), between(0.45, 0.55))
		if rng.Float64() < 0.8 {
			add(rca, coronary.RCA, coronary.RightPDA, rca.Length(), between(50, 65), between(32, 45), between(0.7, 0.8))
			add(rca, coronary.RCA, coronary.RightPLB, rca.Length(), -between(15, 30), between(26, 38), between(0.7, 0.8))
		} else {
			add(lcx, coronary.LCX, coronary.LeftPDA, lcx.Length(), -between(50, 65), between(28, 40), between(0.75, 0.85))
			add(lcx, coronary.LCX, coronary.LeftPLB, lcx.Length(), between(15, 30), between(20, 32), between(0.75, 0.85))
		}
	}
	an := anatomy{p.heart, p.tubes()}
	p.Grid = an.grid([3]int{512, 512, 256}, voxel)
	return p
}

// Segment returns the segment of the stem or side branch a at arc length s, by
// the borders of the SCCT: the first diagonal and half of the LAD beyond it, the
// first obtuse marginal, the branch at the acute margin and half of the RCA
// before it.
func (p *Patient) Segment(a *Artery, s float64) coronary.Segment {
	if a.Mother != nil {
		return a.Segment
	}
	border := a.Length()
	for _, b := range p.branches {
		first := b.Segment == coronary.FirstDiagonal || b.Segment == coronary.FirstObtuseMarginal || b.Segment == 0
		if b.Mother == a && first {
			border = b.At
		}
	}
	switch {
	case a.Artery == coronary.LM:
		return coronary.LeftMain
	case a.Artery == coronary.LAD && s < border:
		return coronary.ProximalLAD
	case a.Artery == coronary.LAD && s < (border+a.Length())/2:
		return coronary.MidLAD
	case a.Artery == coronary.LAD:
		return coronary.DistalLAD
	case a.Artery == coronary.LCX && s < border:
		return coronary.ProximalLCX
	case a.Artery == coronary.LCX:
		return coronary.MidDistalLCX
	case s < border/2:
		return coronary.ProximalRCA
	case s < border:
		return coronary.MidRCA
	}
	return coronary.DistalRCA
}

// free tells whether b stays 5 mm away from all other vessels; over its first
// centimetre, from the branches that leave elsewhere.
func (p *Patient) free(b *Artery) bool {
	for m, from := range b.curve.nodes {
		others := p.tubes()
		if float64(m)*curveStep < 10 {
			others = slices.DeleteFunc(slices.Clone(p.branches), func(a *Artery) bool { return a.Mother == b.Mother && a.At == b.At })
		}
		for _, a := range others {
			for n := 0; n < len(a.curve.nodes); n += 10 {
				if r3.Norm(r3.Sub(a.curve.nodes[n].p, from.p)) < 5 {
					return false
				}
			}
		}
	}
	return true
}

// walk returns a curve of the given length on the surface of the heart that
// starts at p under an angle to the direction dir and turns by at most turn rad
// per mm towards the apex.
func (h *heart) walk(p, dir r3.Vec, angle, length, turn float64) *curve {
	const step = 4.0
	share, _ := h.level(p)
	normal := h.normal(p)
	across := r3.Unit(r3.Cross(normal, dir))
	along := r3.Unit(r3.Cross(across, normal))
	dir = r3.Add(r3.Scale(math.Cos(angle), along), r3.Scale(math.Sin(angle), across))
	control := []r3.Vec{p}
	for u := 0.0; u < length+2*step; u += step {
		p = h.onto(r3.Add(p, r3.Scale(step, dir)), share)
		normal = h.normal(p)
		dir = r3.Unit(r3.Sub(dir, r3.Scale(r3.Dot(dir, normal), normal)))
		apex := r3.Unit(r3.Sub(h.apex, r3.Scale(r3.Dot(h.apex, normal), normal)))
		away := math.Acos(min(max(r3.Dot(dir, apex), -1), 1))
		if bend := min(away, turn*step); bend > 1e-9 {
			side := r3.Unit(r3.Sub(apex, r3.Scale(r3.Dot(apex, dir), dir)))
			dir = r3.Add(r3.Scale(math.Cos(bend), dir), r3.Scale(math.Sin(bend), side))
		}
		control = append(control, p)
	}
	return newCurve(control, math.Round(length*10)/10)
}

// normal returns the unit vector outwards across the ellipsoid through p.
func (h *heart) normal(p r3.Vec) r3.Vec {
	d := r3.Sub(p, h.center)
	a := r3.Dot(d, h.apex)
	across := r3.Sub(d, r3.Scale(a, h.apex))
	return r3.Unit(r3.Add(r3.Scale(a/(h.long*h.long), h.apex), r3.Scale(1/(h.wide*h.wide), across)))
}

// onto moves p radially onto the ellipsoid scaled by share.
func (h *heart) onto(p r3.Vec, share float64) r3.Vec {
	now, _ := h.level(p)
	return r3.Add(h.center, r3.Scale(share/now, r3.Sub(p, h.center)))
}
