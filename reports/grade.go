package reports

import (
	"fmt"
	"strings"

	"github.com/plaquerisk/plaquerisk/risk"
)

// grade writes the patient in the words of CAD-RADS 2.0 with the counts it
// rests on.
func (s *sheet) grade(a *risk.Assessment) {
	g := a.Grade
	if g == nil {
		return
	}
	calcium := "by calcium not known (it needs a non-contrast scan)"
	if g.ByCalcium != "" {
		calcium = g.ByCalcium + " by calcium"
	}
	text := fmt.Sprintf("%s, computed. Segment involvement score %d of 16, segment stenosis score %d of 48. Amount of plaque: %s by segments, %s.",
		g.Text, g.SIS, g.SSS, g.BySegments, calcium)
	if len(g.NotAssessed) > 0 {
		text += " N, not assessed: " + strings.Join(g.NotAssessed, "; ") + "."
	}
	s.para(text)
}

// segments draws the table of segments and the scores over them.
func (s *sheet) segments(a *risk.Assessment) {
	g := a.Grade
	if g == nil || len(g.Segments) == 0 {
		return
	}
	s.heading("Segments", 25)
	t := table{cols: []column{{"Segment", "L"}, {"Number", "R"}, {"Artery", "L"}, {"Plaque", "L"}, {"Diameter stenosis, %", "R"}, {"Plaques that reach into it", "L"}}}
	for _, x := range g.Segments {
		var names []string
		for i := range a.Lesions {
			for _, in := range a.Lesions[i].Segments {
				if in == x.Segment {
					names = append(names, a.Lesions[i].Name)
				}
			}
		}
		t.rows = append(t.rows, []string{x.Segment, fmt.Sprint(x.Number), arteryShort(x.Artery), yesNo(&x.Plaque), number(x.DiameterStenosis, 1), orDash(list(names))})
	}
	s.table(t)
	s.y -= 1.5
	s.small(fmt.Sprintf("Segment involvement score %d, segment stenosis score %d. Borders of the segments are thirds of the mean length of the artery on CT (LAD 72, LCX 54, RCA 92 mm), not its side branches; side branches are not assessed. %s not measured. CAD-RADS is a trademark of the American College of Radiology; the category is computed for research.", g.SIS, g.SSS, dash))
}

// intervals draws how far the measures of the plaques move with their contours.
func (s *sheet) intervals(a *risk.Assessment) {
	t := table{cols: []column{{"Plaque", "L"}, {"Diameter stenosis, %", "R"}, {"Smallest lumen area, mm²", "R"}, {"Smallest lumen diameter, mm", "R"},
		{"Remodelling index", "R"}, {"Largest burden, %", "R"}, {"Plaque volume, mm³", "R"}, {"Percent atheroma volume, %", "R"}, {"Cap, mm", "R"}}}
	offset := 0.0
	for i := range a.Lesions {
		x := a.Lesions[i].Intervals
		if x == nil {
			continue
		}
		offset = x.OffsetMM
		span := func(v [2]risk.Number, decimals int) string {
			if !v[0].Defined() || !v[1].Defined() {
				return dash
			}
			return fixed(float64(v[0]), decimals) + " to " + fixed(float64(v[1]), decimals)
		}
		thin := span(x.CapMM, 1)
		if m := &a.Lesions[i].Measures; m.CapBelowVoxel {
			thin = capWords(m, a.Image.SpacingMM)
		}
		t.rows = append(t.rows, []string{a.Lesions[i].Name, span(x.DiameterStenosis, 0), span(x.MinLumenArea, 1), span(x.MinLumenDiameter, 1),
			span(x.Remodelling, 2), span(x.PlaqueBurden, 0), span(x.PlaqueMM3, 0), span(x.PercentAtheroma, 0), thin})
	}
	if len(t.rows) == 0 {
		return
	}
	s.heading("Uncertainty of the contours", 30)
	s.table(t)
	s.y -= 1.5
	s.small(fmt.Sprintf("Range of each measure when the contours of lumen and outer wall, on the plaque and beside it, are off by %s mm (a quarter of a voxel) in the worst combination. It holds neither noise nor the error of a wrong segmentation. %s not computed.", fixed(offset, 2), dash))
}

// fat draws the attenuation of pericoronary fat by artery.
func (s *sheet) fat(a *risk.Assessment) {
	t := table{cols: []column{{"Artery", "L"}, {"From, mm", "R"}, {"To, mm", "R"}, {"Mean, HU", "R"}, {"Mean at 120 kV, HU", "R"}, {"SD, HU", "R"}, {"Fat volume, mm³", "R"}, {"Share of tissue, %", "R"}, {"Reach, mm", "R"}}}
	lumen := false
	for i := range a.Arteries {
		f := a.Arteries[i].Fat
		if f == nil {
			continue
		}
		lumen = lumen || f.FromLumen
		t.rows = append(t.rows, []string{arteryShort(a.Arteries[i].Name), number(f.FromMM, 1), number(f.ToMM, 1), number(f.MeanHU, 1), number(f.Mean120HU, 1),
			number(f.SDHU, 1), number(f.MM3, 0), number(f.SharePercent, 0), number(f.DiameterMM, 1)})
	}
	if len(t.rows) == 0 {
		return
	}
	s.heading("Pericoronary fat", 50) // with its note on one page
	s.table(t)
	s.y -= 1.5
	note := "Voxels of −190 to −30 HU within one vessel diameter of the outer wall; from and to: distance from the start of the artery. " + dash + " not computed, or no published factor for the tube voltage."
	if lumen {
		note += " Where no outer wall was given, distances are from the lumen."
	}
	s.small(note)
}

// signs draws the table of the signs of a high-risk plaque.
func (s *sheet) signs(a *risk.Assessment) {
	t := table{cols: []column{{"Plaque", "L"}, {"Segment", "L"}, {"Low attenuation", "L"}, {"Positive remodelling", "L"}, {"Spotty calcium", "L"}, {"Napkin ring", "L"}, {"Signs", "R"}, {"High risk", "L"}}}
	for i := range a.Lesions {
		l := &a.Lesions[i]
		x := l.Signs
		if x == nil {
			continue
		}
		with := func(sign *bool, amount string) string {
			if sign != nil && *sign {
				return "yes, " + amount
			}
			return yesNo(sign)
		}
		count := fmt.Sprint(x.Count)
		if len(x.Unknown) > 0 {
			count = fmt.Sprintf("%d of %d", x.Count, 4-len(x.Unknown))
		}
		t.rows = append(t.rows, []string{l.Name, orDash(strings.Join(l.Segments, ", ")), with(x.LowAttenuation, number(x.LowMM3, 1)+" mm³"), with(x.PositiveRemodelling, number(l.Measures.Remodelling, 2)),
			with(x.SpottyCalcium, plural(x.Spots, "spot")), with(x.NapkinRing, number(x.NapkinMM, 1)+" mm"), count, yesNo(&x.HighRisk)})
	}
	if len(t.rows) == 0 {
		return
	}
	s.heading("Signs of a high-risk plaque", 25)
	s.table(t)
	s.y -= 1.5
	s.small("Low attenuation: a voxel below 30 HU, which noise alone can give. Positive remodelling: index of 1.1 or more. Spotty calcium: shorter than 3 mm in every direction, beside other plaque. Napkin ring: a core below 30 HU at the lumen inside a brighter rim of at most 130 HU, over 1 mm or more. High risk: two signs or more.")
}

// highRisk counts the plaques of an artery with two signs or more.
func highRisk(a *risk.Assessment, x *risk.Artery) string {
	n, known := 0, false
	for i := range a.Lesions {
		if l := &a.Lesions[i]; l.Artery == x.Name && l.Signs != nil {
			known = true
			if l.Signs.HighRisk {
				n++
			}
		}
	}
	if !known && len(x.Lesions) > 0 {
		return dash
	}
	return fmt.Sprint(n)
}

// yesNo writes an answer that may be unknown.
func yesNo(b *bool) string {
	switch {
	case b == nil:
		return "not known"
	case *b:
		return "yes"
	}
	return "no"
}

func orDash(t string) string {
	if t == "" {
		return dash
	}
	return t
}
