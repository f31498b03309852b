package phantom

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// Artery is a tapering tube about a smooth centre-line, with plaques. Across
// the centre-line at arc length s the lumen is a circle of radius
//
//	r(s) = r₀(s)·(1 − S·f(s)),   r₀(s) = ½(d₀ + (d₁ − d₀)·s/L)            (P.1)
//
// and the outer wall a circle of radius R(s) displaced by e(s) towards the
// plaque, see [Plaque].
type Artery struct {
	Artery   coronary.Artery
	Proximal float64 // healthy lumen diameter d₀ at s = 0, mm
	Distal   float64 // healthy lumen diameter d₁ at the end, mm
	Wall     float64 // healthy wall thickness w, mm
	Plaques  []*Plaque

	// A side branch is one segment, leaves Mother at arc length At of hers, and is
	// counted with the artery of that name; stems have no mother.
	Segment coronary.Segment
	Mother  *Artery
	At      float64

	curve *curve
	bare  float64 // length of an artery that has no curve, mm
	// joined closes the start by a half ball, so that a daughter of a bifurcation
	// leaves no gap where she bends away from her mother.
	joined bool
}

// Length returns the length of the centre-line, mm.
func (a *Artery) Length() float64 {
	if a.curve == nil {
		return a.bare
	}
	return a.curve.length()
}

// HealthyRadius returns r₀(s) of (P.1), mm.
func (a *Artery) HealthyRadius(s float64) float64 {
	f := min(max(s/a.Length(), 0), 1)
	return (a.Proximal + (a.Distal-a.Proximal)*f) / 2
}

// Centerline returns the exact centre-line, one node a step mm.
func (a *Artery) Centerline(step float64) coronary.Centerline {
	n := int(math.Floor(a.Length()/step+1e-9)) + 1
	c := coronary.Centerline{Nodes: make([]coronary.Node, n)}
	for m := range c.Nodes {
		s := float64(m) * step
		c.Nodes[m] = coronary.Node{Pos: a.curve.at(s), S: s, Radius: a.cross(s).lumen}
	}
	return c
}

// Radii returns the exact radii of lumen and outer wall at arc length s, mm.
func (a *Artery) Radii(s float64) (lumen, outer float64) {
	c := a.cross(s)
	return c.lumen, c.outer
}

// Frame returns the exact frame of the cross-section at arc length s.
func (a *Artery) Frame(s float64) coronary.Frame { return a.curve.frame(s) }

// cross holds the circles of one cross-section.
type cross struct {
	lumen  float64 // radius r, mm
	outer  float64 // radius R, mm
	shift  float64 // displacement e of the outer circle, mm
	plaque *Plaque // whose profile is here, nil outside
}

// cross returns the cross-section at arc length s.
func (a *Artery) cross(s float64) cross {
	r0 := a.HealthyRadius(s)
	c := cross{lumen: r0, outer: r0 + a.Wall}
	for _, p := range a.Plaques {
		f := p.profile(s)
		if f == 0 {
			continue
		}
		c.plaque = p
		c.lumen = r0 * (1 - p.Stenosis*f)
		c.outer = (r0 + a.Wall) * (1 + (p.Remodelling-1)*f)
		c.shift = p.Eccentricity * (c.outer - c.lumen - a.Wall)
		break
	}
	return c
}

// reach returns the distance from the centre-line to the outer wall along the
// ray at angle phi from the direction of the displacement:
//
//	ρ(φ) = e·cos φ + √(R² − e²·sin²φ)                                    (P.4)
func (c *cross) reach(cos float64) float64 {
	return c.shift*cos + math.Sqrt(max(c.outer*c.outer-c.shift*c.shift*(1-cos*cos), 0))
}

// anatomy is a heart with its arteries.
type anatomy struct {
	heart    heart
	arteries []*Artery
}

// heart is an ellipsoid of revolution whose surface carries the arteries: fat
// around them, muscle below, contrast-filled blood inside.
type heart struct {
	center          r3.Vec
	apex, up, right r3.Vec  // orthonormal: to the apex; across it upwards; across it to the right
	long, wide      float64 // semi-axes along apex and across, mm
	root            bool    // with an aortic root
	rootAt, rootDir r3.Vec
	rootRadius      float64 // mm
}

// Shares of the semi-axes at which tissue changes: the muscle's outside leaves
// 4 to 5 mm of fat below the arteries, its inside a wall of about 11 mm.
const (
	muscleShare = 0.89
	cavityShare = 0.58
	lungShare   = 1.42
)

// surface returns the point at polar angle psi from the apex and azimuth phi,
// from up towards the left, on the ellipsoid scaled by share.
func (h *heart) surface(psi, phi, share float64) r3.Vec {
	q := r3.Scale(h.long*share*math.Cos(psi), h.apex)
	w := h.wide * share * math.Sin(psi)
	q = r3.Add(q, r3.Scale(w*math.Cos(phi), h.up))
	q = r3.Sub(q, r3.Scale(w*math.Sin(phi), h.right))
	return r3.Add(h.center, q)
}

// level returns the share of the ellipsoid through p, and how fast it changes
// per mm outwards.
func (h *heart) level(p r3.Vec) (share, slope float64) {
	d := r3.Sub(p, h.center)
	a := r3.Dot(d, h.apex)
	w2 := max(r3.Dot(d, d)-a*a, 0)
	share = math.Sqrt(a*a/(h.long*h.long) + w2/(h.wide*h.wide))
	if share == 0 {
		return 0, 1 / h.wide
	}
	g := math.Sqrt(a*a/(h.long*h.long*h.long*h.long)+w2/(h.wide*h.wide*h.wide*h.wide)) / share
	return share, g
}

// Numbers of the tree: Dodge, Circulation 1992;86:232 for diameters at a
// normal, right dominant man; Hong, AJC 2008 for imaged lengths.
const (
	womanFactor = 0.91
	ladProximal = 3.7
	ladDistal   = 1.9
	lcxProximal = 3.4
	lcxDistal   = 2.1
	rcaProximal = 3.9
	rcaDistal   = 3.0
	lmLength    = 10.5 // Medrano-Gracia, EuroIntervention 2016
	ladLength   = 72
	lcxLength   = 54
	rcaLength   = 92
)

// murray returns the diameter of the mother of two daughters under Murray's
// law, D³ = d₁³ + d₂³.                                                  (P.2)
func murray(d1, d2 float64) float64 { return math.Cbrt(d1*d1*d1 + d2*d2*d2) }

// fullAnatomy returns a heart with LM, LAD, LCX and RCA.
func fullAnatomy(rng *rand.Rand, woman bool) anatomy {
	h := heart{
		apex: r3.Unit(r3.Vec{X: 0.55, Y: -0.55, Z: -0.63}), long: 48, wide: 36,
		root: true, rootRadius: 15.5,
	}
	h.frame(r3.Vec{Z: 1})
	in := func(apex, up, right float64) r3.Vec {
		q := r3.Add(r3.Scale(apex, h.apex), r3.Scale(up, h.up))
		return r3.Add(h.center, r3.Add(q, r3.Scale(right, h.right)))
	}
	h.rootAt = in(-10, 12, 0)
	h.rootDir = r3.Unit(r3.Add(r3.Scale(-0.6, h.apex), r3.Vec{Z: 0.7}))

	size := 1.0
	if woman {
		size = womanFactor
	}
	size *= 1 + 0.05*truncated(rng, 1.5)
	wall := 0.4 + 0.2*rng.Float64()
	deg := math.Pi / 180
	groove := 99 * deg // polar angle of the groove between atria and ventricles

	// Left main: from the root to the ellipsoid, where its daughters part.
	split := h.surface(97*deg, 3*deg, 1)
	axial := r3.Dot(r3.Sub(split, h.rootAt), h.rootDir)
	foot := r3.Add(h.rootAt, r3.Scale(axial, h.rootDir))
	out := r3.Unit(r3.Sub(split, foot))
	// The root stands where the left main leaves its surface.
	h.rootAt = r3.Add(h.rootAt, r3.Scale(r3.Norm(r3.Sub(split, foot))-h.rootRadius-lmLength+0.6, out))
	ostium := r3.Sub(split, r3.Scale(lmLength*0.995, out))
	side := r3.Unit(r3.Cross(out, h.apex))
	lmControl := []r3.Vec{ostium,
		r3.Add(r3.Add(ostium, r3.Scale(lmLength/2, out)), r3.Scale(0.45, side)),
		split, r3.Add(split, r3.Scale(1, out))}
	lm := &Artery{Artery: coronary.LM, curve: newCurve(lmControl, lmLength)}
	split = lm.curve.nodes[len(lm.curve.nodes)-1].p

	wave := func(u, amplitude, length, phase float64) float64 {
		return amplitude * math.Sin(2*math.Pi*u/length+phase) / h.wide // rad
	}
	phase := func() float64 { return 2 * math.Pi * rng.Float64() }

	p1, p2 := phase(), phase()
	ladControl := []r3.Vec{split}
	for u := 7.0; u < ladLength+16; u += 7 {
		ramp := min(u/21, 1)
		psi := 97*deg - u/h.long*1.08
		phi := 3*deg + ramp*(wave(u, 1.5, 27, p1)-8*deg*u/ladLength)/math.Sin(max(psi, 0.5))
		ladControl = append(ladControl, h.surface(psi, phi, 1+ramp*0.02*math.Sin(2*math.Pi*u/31+p2)))
	}
	lad := &Artery{Artery: coronary.LAD, joined: true, curve: newCurve(ladControl, ladLength)}

	p1, p2 = phase(), phase()
	lcxControl := []r3.Vec{split}
	for u := 7.0; u < lcxLength+16; u += 7 {
		ramp := min(u/21, 1)
		psi := 97*deg + min(u/14, 1)*(groove-97*deg) + ramp*wave(u, 1.4, 26, p1)
		lcxControl = append(lcxControl, h.surface(psi, 3*deg+u/h.wide, 1+ramp*0.02*math.Sin(2*math.Pi*u/29+p2)))
	}
	lcx := &Artery{Artery: coronary.LCX, joined: true, curve: newCurve(lcxControl, lcxLength)}

	p1, p2 = phase(), phase()
	level := r3.Dot(r3.Sub(h.surface(groove, 0, 1), h.rootAt), h.rootDir)
	start := r3.Add(h.rootAt, r3.Scale(level*0.6, h.rootDir))
	toRight := r3.Unit(r3.Add(r3.Scale(0.75, h.right), r3.Scale(0.66, h.up)))
	toRight = r3.Unit(r3.Sub(toRight, r3.Scale(r3.Dot(toRight, h.rootDir), h.rootDir)))
	start = r3.Add(start, r3.Scale(h.rootRadius-0.6, toRight))
	rcaControl := []r3.Vec{start, r3.Add(start, r3.Scale(6, toRight))}
	for u := 0.0; u < rcaLength+16; u += 8 {
		ramp := min(u/16, 1)
		rcaControl = append(rcaControl, h.surface(groove+ramp*wave(u, 1.6, 30, p1),
			-62*deg-u/h.wide, 1+ramp*0.02*math.Sin(2*math.Pi*u/37+p2)))
	}
	rca := &Artery{Artery: coronary.RCA, curve: newCurve(rcaControl, rcaLength)}

	for _, a := range []*Artery{lad, lcx, rca} {
		d, _ := fullDimensions(a.Artery)
		a.Proximal, a.Distal, a.Wall = d[0]*size, d[1]*size, wall
	}
	lm.Distal = murray(lad.Proximal, lcx.Proximal)
	lm.Proximal, lm.Wall = lm.Distal*1.02, wall
	return anatomy{heart: h, arteries: []*Artery{lm, lad, lcx, rca}}
}

// fullDimensions returns the diameters at both ends and the length of a whole
// artery of a man, mm.
func fullDimensions(a coronary.Artery) (diameters [2]float64, length float64) {
	switch a {
	case coronary.LAD:
		return [2]float64{ladProximal, ladDistal}, ladLength
	case coronary.LCX:
		return [2]float64{lcxProximal, lcxDistal}, lcxLength
	}
	return [2]float64{rcaProximal, rcaDistal}, rcaLength
}

// smallDimensions returns the diameters at both ends of a proximal piece, mm.
func smallDimensions(a coronary.Artery) [2]float64 {
	switch a {
	case coronary.LAD:
		return [2]float64{3.5, 2.8}
	case coronary.LCX:
		return [2]float64{3.3, 2.6}
	}
	return [2]float64{3.8, 3.4}
}

// smallLength draws the length of a piece, mm.
func smallLength(rng *rand.Rand) float64 { return math.Round(10*(28+4.5*rng.Float64())) / 10 }

// smallAnatomy returns a piece of heart surface with one to three arteries of
// 25 to 35 mm that run downwards beside each other.
func smallAnatomy(rng *rand.Rand, woman bool, names []coronary.Artery) anatomy {
	h := heart{center: r3.Vec{Y: 36}, apex: r3.Vec{Z: -1}, long: 52, wide: 36}
	h.frame(r3.Vec{Y: -1})
	size := 1.0
	if woman {
		size = womanFactor
	}
	size *= 1 + 0.05*truncated(rng, 1.5)
	wall := 0.4 + 0.2*rng.Float64()
	const apart = 13.5 / 36 // rad between arteries
	an := anatomy{heart: h}
	for m, name := range names {
		length := smallLength(rng)
		p1, p2 := 2*math.Pi*rng.Float64(), 2*math.Pi*rng.Float64()
		phi0 := (float64(m) - float64(len(names)-1)/2) * apart
		var control []r3.Vec
		for u := -2.0; u < length+12; u += 6 {
			psi := math.Pi/2 - (u-length/2)/h.long
			phi := phi0 + 1.1/h.wide*math.Sin(2*math.Pi*u/25+p1)
			control = append(control, h.surface(psi, phi, 1+0.022*math.Sin(2*math.Pi*u/30+p2)))
		}
		a := &Artery{Artery: name, Wall: wall, curve: newCurve(control, length)}
		d := smallDimensions(name)
		a.Proximal, a.Distal = d[0]*size, d[1]*size
		an.arteries = append(an.arteries, a)
	}
	return an
}

// frame completes the axes of the heart from the direction that is upwards.
func (h *heart) frame(up r3.Vec) {
	h.up = r3.Unit(r3.Sub(up, r3.Scale(r3.Dot(up, h.apex), h.apex)))
	h.right = r3.Cross(h.apex, h.up)
}

// truncated returns a normal deviate within ±limit.
func truncated(rng *rand.Rand, limit float64) float64 {
	for {
		if z := rng.NormFloat64(); math.Abs(z) <= limit {
			return z
		}
	}
}

// bounds returns the box that holds the arteries and margin mm around.
func (an *anatomy) bounds(margin float64) (lo, hi r3.Vec) {
	lo = r3.Vec{X: math.Inf(1), Y: math.Inf(1), Z: math.Inf(1)}
	hi = r3.Scale(-1, lo)
	for _, a := range an.arteries {
		for m := range a.curve.nodes {
			p := a.curve.nodes[m].p
			lo = r3.Vec{X: min(lo.X, p.X), Y: min(lo.Y, p.Y), Z: min(lo.Z, p.Z)}
			hi = r3.Vec{X: max(hi.X, p.X), Y: max(hi.Y, p.Y), Z: max(hi.Z, p.Z)}
		}
	}
	pad := r3.Vec{X: margin, Y: margin, Z: margin}
	return r3.Sub(lo, pad), r3.Add(hi, pad)
}

// grid returns the CT grid around the arteries: at least size voxels, centred
// on them.
func (an *anatomy) grid(size [3]int, spacing [3]float64) imaging.Grid {
	lo, hi := an.bounds(5.5)
	c := r3.Scale(0.5, r3.Add(lo, hi))
	span := [3]float64{hi.X - lo.X, hi.Y - lo.Y, hi.Z - lo.Z}
	for a := range 3 {
		need := int(math.Ceil(span[a]/spacing[a]/8)) * 8
		size[a] = max(size[a], need)
	}
	half := func(a int) float64 { return float64(size[a]-1) / 2 * spacing[a] }
	// Whole hundredths of a mm, so that the position survives DICOM's decimals.
	round := func(x float64) float64 { return math.Round(x*100) / 100 }
	return imaging.NewGrid(size, spacing, r3.Vec{X: round(c.X - half(0)), Y: round(c.Y - half(1)), Z: round(c.Z - half(2))})
}
