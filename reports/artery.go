package reports

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Where pictures of an artery stand: all share the axis of distance.
const (
	axisLeft  = 16.0 // from the margin to s = first, mm
	axisRight = 14.0 // kept free for colour bars, mm
)

// artery draws the page of one artery with plaque.
func (s *sheet) artery(a *risk.Assessment, x *risk.Artery) {
	name := arteryWords(x.Name)
	s.page(strings.ToUpper(name[:1]) + name[1:])
	m := &x.Measures
	text := fmt.Sprintf("%s: %s. Diameter stenosis %s, smallest lumen area %s, plaque volume %s, wall stress p95 ", plural(len(x.Lesions), "plaque"), list(x.Lesions),
		quantity(m.DiameterStenosis, 1, "%"), quantity(m.MinLumenArea, 1, "mm²"), quantity(m.PlaqueMM3, 1, "mm³"))
	if x.Stress != nil && x.Stress.Converged {
		text += quantity(x.Stress.P95KPa, 1, "kPa") + fmt.Sprintf(" over %s.", plural(x.Stress.Elements, "element"))
	} else {
		text += "not computed."
	}
	if x.Prediction != nil {
		text += " Modelled risk of the artery " + riskWords(x.Prediction)
		if a.Model != nil {
			text += " (" + a.Model.Label + ")"
		}
		text += "."
	} else {
		text += " Not scored: " + strings.TrimSuffix(reason(x.Level), ".") + "."
	}
	s.prose("", 10, ink, text)
	if x.Profile == nil || len(x.Profile.S) < 2 {
		s.para("The artery has no traced centre-line, so that no straightened picture and no curve along the artery could be made.")
	}
	s0, s1 := distances(x)
	if s1 > s0 {
		s.lanes(a, x, s0, s1)
		s.straightened(x, s0, s1)
		s.profile(x, s0, s1)
		s.unrolled(a, x, s0, s1)
	}
	if x.Pictures != nil {
		s.curved("Curved CT", a, x)
		s.sections("Cross-sections", x.Pictures.Sections, 3) // large enough to read a cap; two rows fill a page
	}
}

// distances returns the range of arc length that the page shows.
func distances(x *risk.Artery) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	if x.Profile != nil {
		for _, v := range x.Profile.S {
			if finite(v) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	if lo < hi || x.Pictures == nil {
		return lo, hi
	}
	for i := range x.Pictures.MPR {
		if r := &x.Pictures.MPR[i]; usable(r) {
			a, b, _, _ := extent(r)
			lo, hi = min(lo, a), max(hi, b)
		}
	}
	return lo, hi
}

// scaleS returns mm on paper per mm of artery for the common axis.
func (s *sheet) scaleS(s0, s1 float64) float64 {
	return min((s.width()-axisLeft-axisRight)/(s1-s0), 3.2)
}

// lanes draws where the plaques lie, in as many rows as their names need.
func (s *sheet) lanes(a *risk.Assessment, x *risk.Artery, s0, s1 float64) {
	k := s.scaleS(s0, s1)
	left := margin + axisLeft
	right := s.w - margin
	type bar struct {
		x0, x1, tx float64
		name       string
	}
	var rows [][]bar
	s.font("B", 8)
	for _, name := range x.Lesions {
		n := slices.IndexFunc(a.Lesions, func(l risk.Lesion) bool { return l.Name == name })
		if n < 0 || !a.Lesions[n].FromMM.Defined() || !a.Lesions[n].ToMM.Defined() {
			continue
		}
		l := &a.Lesions[n]
		b := bar{x0: left + k*(float64(l.FromMM)-s0), x1: left + k*(float64(l.ToMM)-s0), name: s.fit(name, 60)}
		w := s.paper.GetStringWidth(b.name)
		b.tx = min(b.x1+1.2, right-w) // the name stands after the bar, or before it at the edge
		if b.tx < b.x1 {
			b.tx = b.x0 - w - 1.2
		}
		lo, hi := min(b.x0, b.tx), max(b.x1, b.tx+w)
		row := slices.IndexFunc(rows, func(r []bar) bool {
			return !slices.ContainsFunc(r, func(q bar) bool {
				qw := s.paper.GetStringWidth(q.name)
				return lo < max(q.x1, q.tx+qw)+1.5 && hi > min(q.x0, q.tx)-1.5
			})
		})
		if row < 0 {
			rows, row = append(rows, nil), len(rows)
		}
		rows[row] = append(rows[row], b)
	}
	s.need(4*float64(len(rows)) + 9)
	s.segmentLane(x, s0, s1)
	if len(rows) == 0 {
		return
	}
	s.font("", 8)
	s.text(margin, s.y+2.6, muted, "Plaques")
	for _, r := range rows {
		for _, b := range r {
			s.fill(accent)
			s.paper.Rect(b.x0, s.y+0.8, max(b.x1-b.x0, 0.4), 1.8, "F")
			s.font("B", 8)
			s.text(b.tx, s.y+2.7, ink, b.name)
		}
		s.y += 3.8
	}
	s.y += 1.2
}

// segmentLane draws the segments of the stem.
func (s *sheet) segmentLane(x *risk.Artery, s0, s1 float64) {
	if x.Profile == nil || len(x.Profile.Segments) == 0 {
		return
	}
	k, left := s.scaleS(s0, s1), margin+axisLeft
	s.font("", 8)
	s.text(margin, s.y+2.9, muted, "Segments")
	for n, q := range x.Profile.Segments {
		from, to := max(q.FromMM, s0), min(q.ToMM, s1)
		if !(from < to) {
			continue
		}
		s.fill([]color.NRGBA{shade, rule}[n%2])
		s.paper.Rect(left+k*(from-s0), s.y, k*(to-from), 3.8, "F")
		s.textIn(left+k*(from-s0), s.y+2.9, k*(to-from), "C", ink, s.fit(q.Segment, k*(to-from)))
	}
	s.y += 5
}

// straightened draws the planes along the centre-line with one scale for both axes.
func (s *sheet) straightened(x *risk.Artery, s0, s1 float64) {
	if x.Pictures == nil || len(x.Pictures.MPR) == 0 {
		s.para("Straightened pictures were not made for this artery.")
		return
	}
	k := s.scaleS(s0, s1)
	for i := range x.Pictures.MPR {
		r := &x.Pictures.MPR[i]
		if !usable(r) {
			continue
		}
		a, b, y0, y1 := extent(r)
		kk := k
		shown := min(y1-y0, min(max(26, 12*kk), 36)/kk) // ±6 mm where it fits; a wider plane is cut, never squeezed
		mid := (y0 + y1) / 2
		h := kk * shown
		last := i == len(x.Pictures.MPR)-1
		s.need(h + 10)
		left := margin + axisLeft
		s.paper.ClipRect(left, s.y, kk*(s1-s0), h, false)
		s.paper.Picture(s.grey(r, kk*(b-a), kk*(y1-y0)), left+kk*(a-s0), s.y-kk*(y1-mid-shown/2), kk*(b-a), kk*(y1-y0))
		s.paper.ClipEnd()
		s.upright(left, s.y, kk, mid-shown/2, mid+shown/2, "mm")
		s.font("", 8)
		s.text(left+kk*(s1-s0)+1.5, s.y+3.5, ink, fmt.Sprintf("%d°", 90*i))
		s.y += h
		if last {
			s.axis(left, s.y, kk, s0, s1, "")
			s.y += 5.5
			s.caption(fmt.Sprintf("Straightened CT, two planes through the centre-line, 0° and 90° about it. Same scale on both axes: %s mm on paper per mm. Window %s/%s HU (level/width).",
				fixed(kk, 2), fixed(s.cfg.WindowLevel, 0), fixed(s.cfg.WindowWidth, 0)))
		} else {
			s.y += 3.5 // the labels of the two planes do not touch
		}
	}
}

// profile draws areas, composition and stress against the distance.
func (s *sheet) profile(x *risk.Artery, s0, s1 float64) {
	p := x.Profile
	if p == nil || len(p.S) < 2 {
		return
	}
	w := s.scaleS(s0, s1) * (s1 - s0)
	left := margin + axisLeft
	const h = 23.0

	s.need(h + 6)
	areas := newPlot("", "Area, mm²")
	areas.Y.Tick.Marker = niceTicks{4}
	areas.X.Tick.Marker = silent{niceTicks{8}}
	grid(areas)
	vessel := strokes{runs(p.S, p.WallArea), pen{wallDark, 1.3, []vgLen{4, 2}}}
	lumen := strokes{runs(p.S, p.LumenArea), pen{calColour, 1.5, nil}}
	areas.Add(vessel, lumen)
	span(areas, s0, s1, 0, ceiling(max(largest(p.WallArea), largest(p.LumenArea))))
	s.keys(left, s.y, key{"lumen area", lumen.pen}, key{"area inside the outer wall", vessel.pen})
	s.y += 4.5
	s.draw(areas, left, s.y, w, h)
	s.y += h + 2.5

	s.need(h + 6)
	solved := largest(p.StressP95) > 0
	const distance = "Distance from the ostium, mm"
	comp := newPlot("", "Plaque, mm²")
	comp.Y.Tick.Marker = niceTicks{4}
	if solved { // the curve below has the axis
		comp.X.Tick.Marker = silent{niceTicks{8}}
	} else {
		comp.X.Tick.Marker, comp.X.Label.Text = niceTicks{8}, distance
	}
	grid(comp)
	n := len(p.S)
	base := make([]float64, n)
	most := 0.0
	for _, l := range layers(p) {
		b := band{x: p.S, lo: slices.Clone(base), fill: tissueColour(l.tissue), line: color.NRGBA{0x30, 0x30, 0x30, 0xFF}, hatch: l.tissue == imaging.LowAttenuation}
		for i := range min(n, len(l.area)) {
			if l.area[i].Defined() {
				base[i] += float64(l.area[i])
			}
			most = max(most, base[i])
		}
		b.hi = slices.Clone(base)
		comp.Add(b)
	}
	span(comp, s0, s1, 0, ceiling(most))
	s.legend(left, s.y, imaging.LowAttenuation, imaging.FibroFatty, imaging.Fibrous, imaging.Calcified)
	s.y += 4.5
	s.draw(comp, left, s.y, w, h)
	s.y += h + 2.5
	if !solved {
		s.need(15)
		s.font("", 9)
		s.text(left, s.y+10, muted, "Wall stress along this artery was not computed.")
		s.y += 12
		return
	}

	s.need(h + 12)
	st := newPlot(distance, "Stress, kPa")
	st.Y.Tick.Marker = niceTicks{4}
	st.X.Tick.Marker = niceTicks{8}
	grid(st)
	soft := color.NRGBA{0x0B, 0x3C, 0x5D, 0x38}
	for _, b := range between(p.S, p.StressP95, p.StressMax) {
		b.fill = soft
		st.Add(b)
	}
	top := strokes{runs(p.S, p.StressMax), pen{muted, 0.8, []vgLen{2, 1.5}}}
	p95 := strokes{runs(p.S, p.StressP95), pen{accent, 1.6, nil}}
	st.Add(top, p95)
	span(st, s0, s1, 0, ceiling(max(largest(p.StressMax), largest(p.StressP95))))
	s.keys(left, s.y, key{"95th percentile of the first principal stress of a section", p95.pen}, key{"maximum", top.pen})
	s.y += 4.5
	s.draw(st, left, s.y, w, h)
	s.y += h + 11
}

var wallDark = color.NRGBA{0x8A, 0x5A, 0x00, 0xFF}

// unrolled draws the stress map over distance and angle.
func (s *sheet) unrolled(a *risk.Assessment, x *risk.Artery, s0, s1 float64) {
	if x.Pictures == nil || !usable(x.Pictures.Stress) {
		return
	}
	r := x.Pictures.Stress
	x0, x1, y0, y1 := extent(r)
	if x1 <= x0 || y1 <= y0 {
		return
	}
	h := 26.0
	if room := s.bottom() - s.y - 17; room >= 17 {
		h = min(h, room)
	}
	s.need(h + 17)
	k := s.scaleS(s0, s1)
	left := margin + axisLeft
	hi := 0.0
	for _, v := range r.Values {
		if f := float64(v); !math.IsNaN(f) && !math.IsInf(f, 0) {
			hi = max(hi, f)
		}
	}
	lo, hi := 0.0, ceiling(hi)
	s.font("", 8)
	s.text(left, s.y+2.6, muted, "Unrolled wall: largest first principal stress over the wall thickness; white: not computed.")
	s.y += 5
	s.paper.ClipRect(left, s.y, k*(s1-s0), h, false)
	s.paper.Picture(s.heat(r, k*(x1-x0), h, lo, hi), left+k*(x0-s0), s.y, k*(x1-x0), h)
	s.paper.ClipEnd()
	s.stroke(muted, 0.2)
	s.paper.Rect(left, s.y, k*(s1-s0), h, "D")
	s.font("", 8)
	for _, t := range []float64{0, 90, 180, 270, 360} {
		if t < y0-1 || t > y1+1 {
			continue
		}
		f := (t - y0) / (y1 - y0)
		if r.DY < 0 {
			f = 1 - f
		}
		f = min(max(f, 0), 1)
		s.paper.Line(left-1, s.y+h*f, left, s.y+h*f)
		s.textIn(left-13, s.y+h*f+1, 11.3, "R", ink, fixed(t, 0)+"°")
	}
	s.colourBar(left+k*(s1-s0)+2, s.y, h, lo, hi, "kPa")
	s.y += h
	s.axis(left, s.y, k, s0, s1, "Distance from the ostium, mm")
	s.y += 10.5
}

// sections draws cross-sections, so many in a row, CT above and tissue below.
func (s *sheet) sections(title string, all []risk.SectionPicture, perRow int) {
	const gap = 3.0
	w := min((s.width()-gap*float64(perRow-1))/float64(perRow), 46)
	step := (s.width() - w) / float64(perRow-1)
	var field float64 // one scale for all: the largest picture
	for i := range all {
		if r := &all[i].Image; usable(r) {
			x0, x1, y0, y1 := extent(r)
			field = max(field, x1-x0, y1-y0)
		}
	}
	if field == 0 {
		return
	}
	k := w / field
	for start := 0; start < len(all); start += perRow {
		row := all[start:min(start+perRow, len(all))]
		tissue := slices.ContainsFunc(row, func(q risk.SectionPicture) bool { return usable(q.Tissue) })
		s.font("B", 8)
		titles, lines := make([][]string, len(row)), 0
		for i := range row {
			titles[i] = s.wrap(row[i].Title, w)
			lines = max(lines, len(titles[i]))
		}
		h := w + 4
		if tissue {
			h += w + 1.5
		}
		if start == 0 && title != "" {
			s.heading(title, h+3.4*float64(lines)+14)
		} else {
			s.need(h + 3.4*float64(lines) + 14)
		}
		for i := range row {
			left := margin + float64(i)*step
			s.font("B", 8)
			for n, l := range titles[i] {
				s.text(left, s.y+3.4*float64(n)+2.8, ink, l)
			}
			s.font("", 8)
			s.text(left, s.y+3.4*float64(lines)+2.8, muted, "s = "+fixed(row[i].S, 1)+" mm")
		}
		s.y += 3.4*float64(lines) + 4
		for i := range row {
			s.section1(&row[i], margin+float64(i)*step, s.y, w, k, tissue)
		}
		s.y += h
	}
	s.stroke(ink, 0.6)
	s.paper.Line(margin, s.y, margin+5*k, s.y)
	s.font("", 8)
	s.text(margin+5*k+2, s.y+1, ink, "5 mm, all sections")
	lx := margin + 5*k + 34
	for _, q := range []key{{"lumen", pen{lumenLine, 1.4, nil}}, {"outer wall", pen{wallLine, 1.4, []vgLen{3, 1.5}}}} {
		s.stroke(q.pen.colour, 0.5)
		if q.pen.dash != nil {
			s.paper.SetDashPattern([]float64{1, 0.5}, 0)
		}
		s.paper.Line(lx, s.y, lx+7, s.y)
		s.paper.SetDashPattern(nil, 0)
		s.text(lx+8, s.y+1, ink, q.name)
		lx += 13 + s.paper.GetStringWidth(q.name)
	}
	s.text(lx, s.y+1, muted, fmt.Sprintf("Window %s/%s HU (level/width).", fixed(s.cfg.WindowLevel, 0), fixed(s.cfg.WindowWidth, 0)))
	s.y += 4
	s.legend(margin, s.y, imaging.LowAttenuation, imaging.FibroFatty, imaging.Fibrous, imaging.Calcified)
	s.y += 6
}

// section1 draws one cross-section in a square of w mm.
func (s *sheet) section1(q *risk.SectionPicture, x, y, w, k float64, tissue bool) {
	if !usable(&q.Image) {
		s.font("", 8)
		s.text(x, y+w/2, muted, "no picture")
		return
	}
	x0, x1, y0, y1 := extent(&q.Image)
	cx, cy := (x0+x1)/2, (y0+y1)/2
	place := func(top float64) (px, py float64) {
		return x + w/2 - k*(x1-x0)/2, top + w/2 - k*(y1-y0)/2
	}
	outline := func(top float64, lumen, wall color.NRGBA) {
		draw := func(poly [][2]float64, c color.NRGBA, dashed bool) {
			if len(poly) < 3 {
				return
			}
			s.stroke(c, 0.4)
			if dashed {
				s.paper.SetDashPattern([]float64{1, 0.5}, 0)
			}
			for n := range poly {
				p := poly[n]
				px, py := x+w/2+k*(p[0]-cx), top+w/2-k*(p[1]-cy)
				if n == 0 {
					s.paper.MoveTo(px, py)
				} else {
					s.paper.LineTo(px, py)
				}
			}
			s.paper.ClosePath()
			s.paper.DrawPath("D")
			s.paper.SetDashPattern(nil, 0)
		}
		s.paper.ClipRect(x, top, w, w, false)
		draw(q.Lumen, lumen, false)
		draw(q.Wall, wall, true)
		s.paper.ClipEnd()
	}
	px, py := place(y)
	s.paper.Picture(s.grey(&q.Image, k*(x1-x0), k*(y1-y0)), px, py, k*(x1-x0), k*(y1-y0))
	outline(y, lumenLine, wallLine)
	if !tissue {
		return
	}
	t := y + w + 1.5
	s.stroke(rule, 0.2)
	if usable(q.Tissue) {
		tx0, tx1, ty0, ty1 := extent(q.Tissue)
		s.paper.ClipRect(x, t, w, w, false)
		s.paper.Picture(s.classes(q.Tissue, k*(tx1-tx0), k*(ty1-ty0)), x+w/2+k*(tx0-cx), t+w/2-k*(ty1-cy), k*(tx1-tx0), k*(ty1-ty0))
		s.paper.ClipEnd()
	} else {
		s.font("", 8)
		s.textIn(x, t+w/2, w, "C", muted, "no tissue map")
	}
	s.paper.Rect(x, t, w, w, "D")
}

// key is an entry of a legend drawn above a plot.
type key struct {
	name string
	pen  pen
}

// caption writes small text under a picture, between the ends of the axis and
// the right margin.
func (s *sheet) caption(t string) {
	s.font("", 8)
	for _, l := range s.wrap(t, s.width()-axisLeft) {
		s.text(margin+axisLeft, s.y+2.2, muted, l)
		s.y += 3.5
	}
	s.y += 1.3
}

func (s *sheet) keys(x, y float64, ks ...key) {
	s.font("", 8)
	for _, q := range ks {
		x = s.key(x, y, q)
	}
}

// key draws one entry and returns where the next may begin.
func (s *sheet) key(x, y float64, q key) float64 {
	s.stroke(q.pen.colour, float64(q.pen.width)*mmPt)
	var d []float64
	for _, v := range q.pen.dash {
		d = append(d, float64(v)*mmPt)
	}
	s.paper.SetDashPattern(d, 0)
	s.paper.Line(x, y+1.6, x+8, y+1.6)
	s.paper.SetDashPattern(nil, 0)
	s.font("", 8)
	s.text(x+9.2, y+2.6, ink, q.name)
	return x + 14 + s.paper.GetStringWidth(q.name)
}

// keyRows draws entries in as many rows as they need and moves the cursor.
func (s *sheet) keyRows(left, right float64, ks []key) {
	s.font("", 8)
	x := left
	for _, q := range ks {
		if x > left && x+9.2+s.paper.GetStringWidth(clean(q.name)) > right {
			x = left
			s.y += 4
		}
		x = s.key(x, s.y, q)
	}
	s.y += 5
}

func largest(v []risk.Number) float64 {
	m := 0.0
	for _, x := range v {
		if x.Defined() {
			m = max(m, float64(x))
		}
	}
	return m
}

// between returns the bands where both curves are defined.
func between(x []float64, lo, hi []risk.Number) []band {
	var out []band
	open := false
	for n := range min(len(x), len(lo), len(hi)) {
		if !lo[n].Defined() || !hi[n].Defined() {
			open = false
			continue
		}
		if !open {
			out, open = append(out, band{}), true
		}
		b := &out[len(out)-1]
		b.x, b.lo, b.hi = append(b.x, x[n]), append(b.lo, float64(lo[n])), append(b.hi, float64(hi[n]))
	}
	return out
}
