package reports

import (
	"cmp"
	"image/color"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// view projects patient coordinates (LPS, mm) on paper axes: x to the right, y up.
type view struct {
	name        string
	x, y        func(p [3]float64) float64
	near        func(p [3]float64) float64 // larger is nearer to who looks
	left, right string                     // words at the sides
}

// The views of the tree. From the front the patient's left is on the right, as
// in every radiograph.
var (
	frontal = view{"from the front", func(p [3]float64) float64 { return p[0] }, func(p [3]float64) float64 { return p[2] }, func(p [3]float64) float64 { return -p[1] }, "R", "L"}
	lateral = view{"from the patient's left", func(p [3]float64) float64 { return -p[1] }, func(p [3]float64) float64 { return p[2] }, func(p [3]float64) float64 { return p[0] }, "P", "A"}
)

// branch is a piece of the tree to draw.
type branch struct {
	name string
	p    *risk.Profile
}

// branches returns the arteries whose course is known.
func branches(a *risk.Assessment) []branch {
	var out []branch
	for _, x := range a.Arteries {
		if x.Profile != nil && len(x.Profile.Center) >= 2 {
			out = append(out, branch{name: arteryShort(x.Name), p: x.Profile})
		}
	}
	return out
}

// box returns the frame of the tree in a view, with a border for the vessel.
func (v view) box(bs []branch) (x0, x1, y0, y1 float64) {
	x0, y0, x1, y1 = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, b := range bs {
		for _, p := range b.p.Center {
			if !finite(p[0], p[1], p[2]) {
				continue
			}
			x0, x1 = min(x0, v.x(p)), max(x1, v.x(p))
			y0, y1 = min(y0, v.y(p)), max(y1, v.y(p))
		}
	}
	return x0 - 4, x1 + 4, y0 - 4, y1 + 4
}

// order returns the arteries from the farthest to the nearest, by their middle.
func (v view) order(bs []branch) []branch {
	middle := func(b branch) float64 { return v.near(b.p.Center[len(b.p.Center)/2]) }
	out := slices.Clone(bs)
	slices.SortStableFunc(out, func(a, b branch) int { return cmp.Compare(middle(a), middle(b)) })
	return out
}

// tree draws all arteries in a rectangle of the page with k mm on paper per mm.
// colour says what a section looks like; hatch marks it for readers without colour.
func (s *sheet) tree(v view, bs []branch, x, y, w, h, k float64, colour func(b branch, n int) (c color.NRGBA, hatch bool)) {
	s.stroke(rule, 0.2)
	s.paper.Rect(x, y, w, h, "D")
	x0, x1, y0, y1 := v.box(bs)
	at := func(p [3]float64) (float64, float64) {
		return x + w/2 + k*(v.x(p)-(x0+x1)/2), y + h/2 - k*(v.y(p)-(y0+y1)/2)
	}
	s.paper.ClipRect(x, y, w, h, false)
	thick := func(b branch, n int) float64 {
		d := 3.0
		if n < len(b.p.WallArea) && b.p.WallArea[n].Defined() {
			d = 2 * math.Sqrt(float64(b.p.WallArea[n])/math.Pi)
		} else if n < len(b.p.LumenArea) && b.p.LumenArea[n].Defined() {
			d = 2 * math.Sqrt(float64(b.p.LumenArea[n])/math.Pi)
		}
		return max(k*d, 0.5)
	}
	// The nearer artery covers the other. Of each the dark outline comes first, then
	// the fill with round ends for the bends, then with flat ends for sharp borders.
	for _, b := range v.order(bs) {
		for pass, ends := range []string{"round", "round", "butt"} {
			s.paper.SetLineCapStyle(ends)
			for n := 1; n < len(b.p.Center); n++ {
				ax, ay := at(b.p.Center[n-1])
				bx, by := at(b.p.Center[n])
				if !finite(ax, ay, bx, by) {
					continue
				}
				if pass == 0 {
					s.stroke(ink, thick(b, n)+0.4)
				} else {
					c, _ := colour(b, n)
					s.stroke(c, thick(b, n))
				}
				s.paper.Line(ax, ay, bx, by)
			}
		}
	}
	for _, b := range bs { // hatching across the vessel
		walked := 0.0
		for n := 1; n < len(b.p.Center); n++ {
			ax, ay := at(b.p.Center[n-1])
			bx, by := at(b.p.Center[n])
			l := math.Hypot(bx-ax, by-ay)
			if !finite(l) || l == 0 {
				continue
			}
			if walked += l; walked < 0.9 {
				continue
			}
			walked = 0
			if _, hatch := colour(b, n); hatch {
				t := thick(b, n) / 2
				s.stroke(ink, 0.2)
				s.paper.Line(bx-(by-ay)/l*t, by+(bx-ax)/l*t, bx+(by-ay)/l*t, by-(bx-ax)/l*t)
			}
		}
	}
	s.paper.ClipEnd()
	s.font("B", 8.5)
	var placed [][2]float64
	for _, b := range bs { // names beside the distal ends
		px, py := at(b.p.Center[len(b.p.Center)-1])
		wd := s.paper.GetStringWidth(b.name)
		lx := min(max(px+2.2, x+1), x+w-wd-1)
		ly := min(max(py+1, y+9), y+h-9)
		for again := true; again; {
			again = false
			for _, q := range placed {
				if math.Abs(q[0]-lx) < 10 && math.Abs(q[1]-ly) < 3.6 {
					ly, again = q[1]-3.7, true
				}
			}
		}
		placed = append(placed, [2]float64{lx, ly})
		s.fill(white)
		s.paper.SetAlpha(0.8, "Normal")
		s.paper.Rect(lx-0.6, ly-2.8, wd+1.2, 3.5, "F")
		s.paper.SetAlpha(1, "Normal")
		s.text(lx, ly, ink, b.name)
	}
	s.font("B", 8)
	s.text(x+1.5, y+4.2, muted, v.left)
	s.textIn(x, y+4.2, w-1.5, "R", muted, v.right)
	s.scaleBar(x+3, y+h-3, k, 20, ink)
}

// byValue colours a section by a curve along the artery.
func byValue(curve func(*risk.Profile) []risk.Number, lo, hi float64) func(branch, int) (color.NRGBA, bool) {
	return func(b branch, n int) (color.NRGBA, bool) {
		v := curve(b.p)
		if n >= len(v) || !v[n].Defined() {
			return white, false
		}
		return cividis((float64(v[n]) - lo) / (hi - lo)), false
	}
}

func stressP95(p *risk.Profile) []risk.Number { return p.StressP95 }

// byComposition colours a section by the plaque class of largest area; low
// attenuation is hatched wherever it is the largest.
func byComposition(b branch, n int) (color.NRGBA, bool) {
	best, which := 0.0, imaging.Lumen
	for _, l := range layers(b.p) {
		if n < len(l.area) && l.area[n].Defined() && float64(l.area[n]) > best {
			best, which = float64(l.area[n]), l.tissue
		}
	}
	return tissueColour(which), which == imaging.LowAttenuation
}

// layer is a plaque class along an artery.
type layer struct {
	tissue imaging.Tissue
	area   []risk.Number // mm²
}

func layers(p *risk.Profile) []layer {
	return []layer{
		{imaging.LowAttenuation, p.LowAttenuation}, {imaging.FibroFatty, p.FibroFatty},
		{imaging.Fibrous, p.Fibrous}, {imaging.Calcified, p.Calcified},
	}
}

// valueRange returns the common colour scale, from 0, of a curve of all arteries.
func valueRange(a *risk.Assessment, curve func(*risk.Profile) []risk.Number) (hi float64, ok bool) {
	for _, x := range a.Arteries {
		if x.Profile != nil {
			for _, v := range curve(x.Profile) {
				if v.Defined() {
					hi, ok = max(hi, float64(v)), true
				}
			}
		}
	}
	return ceiling(hi), ok
}
