package phantom

import (
	"cmp"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// Thickening is by how much the wall must exceed the healthy wall of its
// artery, mm, for a ray from the centre-line to cross plaque.
const Thickening = 0.2

// adventitia is the outer part of a plaque that no core reaches, mm.
const adventitia = 0.1

// endothelium is the inner part of a plaque that no calcium reaches, mm.
const endothelium = 0.05

// Plaque is an eccentric lesion. Along the artery it follows
//
//	f(s) = ½(1 + cos(2π(s − c)/ℓ)),  |s − c| < ℓ/2                       (P.3)
//
// which narrows the lumen to r = r₀(1 − S·f), widens the outer wall to
// R = (r₀ + w)(1 + (I − 1)·f), and moves its circle by e = E·(R − r − w) to the
// side of the plaque, so that at E = 1 the opposite wall stays healthy.
//
// The plaque is where the wall along a ray is thicker than w + [Thickening].
// Inside it, by angle φ from its middle, and by the depth
//
//	ζ = (|q| − r − cap) / (ρ(φ) − r − cap − 0.1 mm)                      (P.5)
//
// which is 0 below the cap and 1 below the adventitia, tissue lies in shells:
// calcium first, then core, fibro-fatty tissue, and fibrous tissue elsewhere.
type Plaque struct {
	Center       float64 // c, arc length of the narrowest section, mm
	Length       float64 // ℓ of the profile, mm; the plaque itself is somewhat shorter
	Stenosis     float64 // S, share of the healthy lumen diameter lost at c
	Remodelling  float64 // I, outer diameter at c over healthy outer diameter
	Eccentricity float64 // E, 0 concentric to 1 one-sided
	Angle        float64 // direction of the plaque in the frame of the centre-line, rad
	Cap          float64 // thickness of the fibrous cap, mm; far below the resolution of CT

	CoreShare       float64 // wanted share of the plaque volume that is necrotic core
	CalciumShare    float64 // wanted share that is calcium
	FibroFattyShare float64 // wanted share that is fibro-fatty
	CoreLength      float64 // relative length of the core in the plaque, 0 to 1
	SpottyCalcium   bool    // drawn as spotty: small bodies, see [PlaqueTruth.Spotty] for what came of it
	Calcium         []Calcification

	HU TissueHU // at 120 kV

	artery           *Artery
	from, to         float64 // arc length between which the plaque lies, mm
	cos, sin         float64 // of Angle
	core, fatty, cal float64 // scales of the tissue shells, from solve
}

// Calcification is a body that is an ellipsoid in arc length, arc and radius.
type Calcification struct {
	At     float64 // arc length from the plaque's centre, mm
	Angle  float64 // from the middle of the plaque, rad
	Depth  float64 // 0 at the lumen to 1 at the outer wall
	Length float64 // relative semi-axis along the artery
	Arc    float64 // relative semi-axis around the lumen
	Thick  float64 // relative semi-axis along the radius
}

// TissueHU holds the CT numbers of the plaque's tissues at 120 kV before blur.
type TissueHU struct {
	Core       float64 `json:"core_hu"`
	FibroFatty float64 `json:"fibro_fatty_hu"`
	Fibrous    float64 `json:"fibrous_hu"`
	Calcium    float64 `json:"calcium_hu"`
}

// profile returns f(s) of (P.3).
func (p *Plaque) profile(s float64) float64 {
	d := s - p.Center
	if math.Abs(d) >= p.Length/2 {
		return 0
	}
	return (1 + math.Cos(2*math.Pi*d/p.Length)) / 2
}

// thickest returns the largest wall thickness in the section at s, mm.
func (a *Artery) thickest(s float64) float64 {
	c := a.cross(s)
	return c.shift + c.outer - c.lumen
}

// attach binds p to its artery: finds its interval and the scales of its
// tissue shells.
func (p *Plaque) attach(a *Artery) {
	p.artery = a
	p.sin, p.cos = math.Sincos(p.Angle)
	limit := a.Wall + Thickening
	edge := func(inside, outside float64) float64 {
		for range 60 {
			mid := (inside + outside) / 2
			if a.thickest(mid) > limit {
				inside = mid
			} else {
				outside = mid
			}
		}
		return inside
	}
	p.from = edge(p.Center, p.Center-p.Length/2)
	p.to = edge(p.Center, p.Center+p.Length/2)
	p.solve()
}

// spot is a point of the plaque in its own coordinates.
type spot struct {
	s      float64 // arc length, mm
	phi    float64 // angle from the middle of the plaque, rad
	radius float64 // distance from the centre-line, mm
	lumen  float64 // r, mm
	reach  float64 // ρ(φ), mm
}

// calciumScale returns how large the calcifications must be to hold q.
func (p *Plaque) calciumScale(q *spot) float64 {
	best := math.Inf(1)
	if q.radius-q.lumen < endothelium {
		return best
	}
	for m := range p.Calcium {
		c := &p.Calcium[m]
		ds := (q.s - p.Center - c.At) / c.Length
		if ds*ds >= best {
			continue
		}
		du := angleDiff(q.phi, c.Angle) * q.radius / c.Arc
		dr := (q.radius - q.lumen - c.Depth*(q.reach-q.lumen)) / c.Thick
		best = min(best, ds*ds+du*du+dr*dr)
	}
	return math.Sqrt(best)
}

// shell returns how large a core must be to hold q: along and around it grows
// with its scale, in depth it is an ellipse about ζ = 0.3 with semi-axis half,
// so that it always reaches the cap.
func (p *Plaque) shell(q *spot, half float64) float64 {
	room := q.reach - q.lumen - p.Cap - adventitia
	if room <= 0.05 {
		return math.Inf(1)
	}
	z := (q.radius - q.lumen - p.Cap) / room
	if z < 0 || z > 1 {
		return math.Inf(1)
	}
	depth := (z - 0.3) / half
	left := 1 - depth*depth
	if left <= 0 {
		return math.Inf(1)
	}
	ds := (q.s - p.Center) / (p.CoreLength * p.Length / 2)
	du := q.phi / 1.2
	return math.Sqrt((ds*ds + du*du) / left)
}

// Half depths of the core and of the fibro-fatty shell around it.
const (
	coreHalf  = 0.55
	fattyHalf = 0.80
)

// tissue returns what is at q, which must be in the plaque.
func (p *Plaque) tissue(q *spot) imaging.Tissue {
	switch {
	case p.cal > 0 && p.calciumScale(q) <= p.cal:
		return imaging.Calcified
	case p.core > 0 && p.shell(q, coreHalf) <= p.core:
		return imaging.LowAttenuation
	case p.fatty > 0 && p.shell(q, fattyHalf) <= p.fatty:
		return imaging.FibroFatty
	}
	return imaging.Fibrous
}

// hu returns the CT number of a plaque tissue at 120 kV.
func (h *TissueHU) of(t imaging.Tissue) float64 {
	switch t {
	case imaging.Calcified:
		return h.Calcium
	case imaging.LowAttenuation:
		return h.Core
	case imaging.FibroFatty:
		return h.FibroFatty
	}
	return h.Fibrous
}

// visit calls f for the midpoints of a fine polar mesh of the plaque with
// their volumes, mm³:
//
//	dV = ρ·(1 − kₙx − k_by) dρ dφ ds                                     (P.6)
func (p *Plaque) visit(ns, nphi, nr int, f func(q *spot, dv float64)) {
	a := p.artery
	ds := (p.to - p.from) / float64(ns)
	dphi := 2 * math.Pi / float64(nphi)
	var q spot
	for m := range ns {
		q.s = p.from + (float64(m)+0.5)*ds
		c := a.cross(q.s)
		kn, kb := a.curve.curvature(q.s)
		q.lumen = c.lumen
		for n := range nphi {
			q.phi = -math.Pi + (float64(n)+0.5)*dphi
			sin, cos := math.Sincos(q.phi)
			q.reach = c.reach(cos)
			if q.reach-c.lumen <= a.Wall+Thickening {
				continue
			}
			// The ray in the frame of the centre-line.
			x := cos*p.cos - sin*p.sin
			y := sin*p.cos + cos*p.sin
			bend := kn*x + kb*y
			dr := (q.reach - c.lumen) / float64(nr)
			for l := range nr {
				q.radius = c.lumen + (float64(l)+0.5)*dr
				f(&q, q.radius*(1-bend*q.radius)*dr*dphi*ds)
			}
		}
	}
}

// solve sets the scales of the tissue shells so that the shares are met, as
// far as there is room for them.
func (p *Plaque) solve() {
	type cell struct{ cal, core, fatty, dv float64 }
	var cells []cell
	var total float64
	p.visit(56, 48, 9, func(q *spot, dv float64) {
		cells = append(cells, cell{p.calciumScale(q), p.shell(q, coreHalf), p.shell(q, fattyHalf), dv})
		total += dv
	})
	type item struct{ key, dv float64 }
	var order []item
	quantile := func(share float64, key func(c *cell) float64) float64 {
		order = order[:0]
		for m := range cells {
			if k := key(&cells[m]); share > 0 && !math.IsInf(k, 1) {
				order = append(order, item{k, cells[m].dv})
			}
		}
		slices.SortFunc(order, func(a, b item) int { return cmp.Compare(a.key, b.key) })
		var v, last float64
		for _, o := range order {
			if v+o.dv/2 > share*total {
				break
			}
			v += o.dv
			last = o.key
		}
		return last
	}
	drop := func(taken func(c *cell) bool) {
		kept := cells[:0]
		for _, c := range cells {
			if !taken(&c) {
				kept = append(kept, c)
			}
		}
		cells = kept
	}
	p.cal = quantile(p.CalciumShare, func(c *cell) float64 { return c.cal })
	drop(func(c *cell) bool { return p.cal > 0 && c.cal <= p.cal })
	p.core = quantile(p.CoreShare, func(c *cell) float64 { return c.core })
	drop(func(c *cell) bool { return p.core > 0 && c.core <= p.core })
	p.fatty = quantile(p.FibroFattyShare, func(c *cell) float64 { return c.fatty })
}

// angleDiff returns a − b in (−π, π].
func angleDiff(a, b float64) float64 {
	d := a - b
	if d > math.Pi {
		d -= 2 * math.Pi
	} else if d <= -math.Pi {
		d += 2 * math.Pi
	}
	return d
}
