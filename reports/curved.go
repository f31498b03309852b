package reports

import (
	"fmt"
	"math"
	"sort"

	"github.com/plaquerisk/plaquerisk/risk"
)

// curvedHeight is the largest height of a curved plane on paper, mm.
const curvedHeight = 78.0

// curved draws the planes that follow the course of an artery, with its
// distance, its segments and its plaques beside it.
func (s *sheet) curved(title string, a *risk.Assessment, x *risk.Artery) {
	drawn := 0
	var k float64 // mm on paper per mm, the same for all planes
	for i := range x.Pictures.Curved {
		if r := &x.Pictures.Curved[i].Image; usable(r) {
			x0, x1, y0, y1 := extent(r)
			fits := min(s.width()/(x1-x0), curvedHeight/(y1-y0), 3.2)
			if drawn == 0 || fits < k {
				k = fits
			}
			drawn++
		}
	}
	if drawn == 0 {
		return
	}
	first := true
	for i := range x.Pictures.Curved {
		q := &x.Pictures.Curved[i]
		if !usable(&q.Image) {
			continue
		}
		x0, x1, y0, y1 := extent(&q.Image)
		w, h := k*(x1-x0), k*(y1-y0)
		if first && title != "" {
			s.heading(title, h+8)
		} else {
			s.need(h + 8)
		}
		first = false
		s.paper.ClipRect(margin, s.y, w, h, false)
		s.paper.Picture(s.grey(&q.Image, w, h), margin, s.y, w, h)
		s.beside(a, x, q, func(p [2]float64) (float64, float64) { return margin + k*(p[0]-x0), s.y + k*(y1-p[1]) }, k)
		s.scaleBar(margin+3, s.y+h-3, k, 10, white)
		s.paper.ClipEnd()
		s.y += h + 2
	}
	s.small(fmt.Sprintf("Two curved planes through the centre-line, across its course and at right angles to each other, unrolled without stretching: same scale on both axes, %s mm on paper per mm. Numbers: distance from the ostium, mm. Orange: plaques. Window %s/%s HU (level/width).",
		fixed(k, 2), fixed(s.cfg.WindowLevel, 0), fixed(s.cfg.WindowWidth, 0)))
}

// beside marks distance and segments on one side of the artery and plaques on
// the other, so that nothing covers it. at returns the place on paper.
func (s *sheet) beside(a *risk.Assessment, x *risk.Artery, q *risk.CurvedPicture, at func([2]float64) (float64, float64), k float64) {
	if len(q.S) < 2 || len(q.Line) != len(q.S) {
		return
	}
	away := 4 * k // 4 mm from the centre-line, outside any coronary wall
	// side returns the point so far from the centre-line at s, on paper.
	side := func(dist, away float64) (float64, float64) {
		n := min(max(sort.SearchFloat64s(q.S, dist), 0), len(q.S)-1)
		lo, hi := max(n-8, 0), min(n+8, len(q.S)-1) // a chord of some mm: the direction of the artery
		ax, ay := at(q.Line[lo])
		bx, by := at(q.Line[hi])
		px, py := at(q.Line[n])
		l := math.Hypot(bx-ax, by-ay)
		if l == 0 {
			return px, py
		}
		return px + away*(by-ay)/l, py - away*(bx-ax)/l
	}
	s.font("", 7.5)
	first, last := q.S[0], q.S[len(q.S)-1]
	for d := 10 * math.Ceil(first/10); d <= last; d += 10 {
		ax, ay := side(d, away-0.8)
		bx, by := side(d, away)
		s.stroke(white, 0.25)
		s.paper.Line(ax, ay, bx, by)
		tx, ty := side(d, away+2.4)
		s.textIn(tx-5, ty+1, 10, "C", white, fixed(d, 0))
	}
	s.font("B", 8)
	if x.Profile != nil {
		for _, g := range x.Profile.Segments {
			tx, ty := side((g.FromMM+g.ToMM)/2, away+7)
			s.textIn(tx-10, ty+1, 20, "C", lumenLine, g.Segment)
		}
	}
	s.stroke(wallLine, 0.8)
	for i := range a.Lesions {
		l := &a.Lesions[i]
		if l.Artery != x.Name || !l.FromMM.Defined() || !l.ToMM.Defined() {
			continue
		}
		px, py := side(float64(l.FromMM), -away)
		for d := float64(l.FromMM); d < float64(l.ToMM); {
			d = min(d+0.5, float64(l.ToMM))
			nx, ny := side(d, -away)
			s.paper.Line(px, py, nx, ny)
			px, py = nx, ny
		}
		mx, my := side(float64(l.FromMM+l.ToMM)/2, -away-3.4)
		s.textIn(mx-15, my+1, 30, "C", wallLine, l.Name)
	}
}
