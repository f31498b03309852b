package reports

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Patient writes the report of one scan as a PDF. Pages: summary, image and
// data quality, coronary tree, one page per artery with plaque, plaques,
// biomechanics, radiomics and model, methods and provenance. A page whose data
// are missing says what could not be computed.
func Patient(w io.Writer, a *risk.Assessment, cfg Config) error {
	if a == nil {
		return errors.New("patient report: no assessment")
	}
	left := "Case " + a.Case
	if a.Image.StudyDate != "" {
		left += ", study " + a.Image.StudyDate
	}
	s, err := begin(cfg, "Coronary plaque report, case "+a.Case, left, a, a.Provenance)
	if err != nil {
		return fmt.Errorf("patient report: %w", err)
	}
	if a.Model != nil {
		s.band = "Model " + a.Model.Name
		if a.Model.Label != "" {
			s.band += ": " + a.Model.Label
		}
	}
	s.summary(a)
	s.quality(a)
	s.anatomy(a)
	for n := range a.Arteries {
		if len(a.Arteries[n].Lesions) > 0 {
			s.artery(a, &a.Arteries[n])
		}
	}
	s.plaques(a)
	s.biomechanics(a)
	s.model(a)
	s.methods(a)
	if err := s.finish(w); err != nil {
		return fmt.Errorf("patient report: %w", err)
	}
	return nil
}

// summary draws page 1.
func (s *sheet) summary(a *risk.Assessment) {
	s.page("Summary")
	s.para(summarySentence(a))
	s.score(a)
	s.grade(a)
	s.heading("Arteries", 30)
	t := table{cols: []column{
		{"Artery", "L"}, {"Risk (95 % interval)", "L"}, {"Plaques", "R"}, {"High risk", "R"}, {"Diameter stenosis, %", "R"}, {"Plaque volume, mm³", "R"},
		{"Percent atheroma volume, %", "R"}, {"Low atten. volume, mm³", "R"}, {"Wall stress p95, kPa", "R"}, {"Cap stress p95 / p99, kPa", "R"}, {"Stress elements", "R"},
	}}
	for _, name := range append(coronary.Arteries(), "") {
		n := slices.IndexFunc(a.Arteries, func(x risk.Artery) bool { return x.Name == name })
		if n < 0 && name == "" {
			continue
		}
		if n < 0 {
			t.rows = append(t.rows, []string{arteryShort(name), "not in the segmentation", dash, dash, dash, dash, dash, dash, dash, dash, dash})
			continue
		}
		x := &a.Arteries[n]
		m := &x.Measures
		st, el := stressCells(x.Stress)
		t.rows = append(t.rows, []string{arteryShort(name), riskWords(x.Prediction), fmt.Sprint(len(x.Lesions)), highRisk(a, x), number(m.DiameterStenosis, 1),
			number(m.PlaqueMM3, 1), number(m.PercentAtheroma, 1), number(m.LowAttenuation, 1), st[1], st[4] + " / " + st[3], el})
	}
	s.table(t)
	s.y -= 1.5
	s.small(dash + " not computed or not applicable (see the page on image and data quality). High risk: plaques with two or more signs (see the page on plaques). p95, p99: 95th and 99th percentile of the first principal stress over the volume; cap: tissue between lumen and low attenuation plaque; *: cap below resolution, its stress is a result of the model.")
	s.trees(a, frontal, s.bottom()-s.y-23)
}

// score draws the box with the patient's risk.
func (s *sheet) score(a *risk.Assessment) {
	p := a.Patient.Prediction
	var lines []string
	s.font("", 9.5)
	room := s.width() - 66
	if p == nil {
		lines = s.wrap("Reason: "+reason(a.Patient), room)
	} else {
		text := "95 % interval " + span95(p) + " (2.5th to 97.5th percentile of the ensemble)."
		if a.Model != nil {
			text += "\nOutcome: " + stated(a.Model.Outcome) + "."
			text += "\nModel: " + a.Model.Name + " (" + a.Model.Label + ")."
			if n := len(a.Model.OutOfRange); n > 0 {
				text += fmt.Sprintf("\nOutside the range of the training data: %s.", plural(n, "feature"))
			}
		}
		lines = s.wrap(text, room)
	}
	h := max(21, 7+leading(9.5)*float64(len(lines)))
	s.need(h + 4)
	s.fill(shade)
	s.stroke(accent, 0.3)
	s.paper.Rect(margin, s.y, s.width(), h, "FD")
	s.font("B", 9.5)
	s.text(margin+4, s.y+6, muted, "Modelled patient risk")
	s.font("B", 22)
	head := "Not scored"
	if p != nil {
		head = percent(p.Probability)
	}
	s.text(margin+4, s.y+16, accent, head)
	s.font("", 9.5)
	for n, l := range lines {
		s.text(margin+62, s.y+6.5+leading(9.5)*float64(n), ink, l)
	}
	s.y += h + 2
}

// stressCells writes p50, p95, max, cap p99, cap p95 and the element count.
func stressCells(x *risk.StressSummary) (v [5]string, elements string) {
	for n := range v {
		v[n] = dash
	}
	if x == nil {
		return v, dash
	}
	if !x.Converged {
		return v, "not converged"
	}
	v = [5]string{number(x.P50KPa, 1), number(x.P95KPa, 1), number(x.MaxKPa, 1), number(x.CapPeakKPa, 1), number(x.CapP95KPa, 1)}
	if x.CapUncertain {
		for _, n := range []int{3, 4} {
			if v[n] != dash {
				v[n] += "*"
			}
		}
	}
	return v, fmt.Sprint(x.Elements)
}

// trees draws the coronary tree twice, by stress and by composition, with one scale.
func (s *sheet) trees(a *risk.Assessment, v view, h float64) {
	bs := branches(a)
	if len(bs) == 0 {
		s.para("The coronary tree is not drawn: no artery has a traced centre-line.")
		return
	}
	gap := 6.0
	w := (s.width() - gap - 14) / 2
	x0, x1, y0, y1 := v.box(bs)
	h = max(min(h, (w-12)/(x1-x0)*(y1-y0)+12), 50)
	s.need(h + 22)
	k := min((w-12)/(x1-x0), (h-12)/(y1-y0))
	hi, ok := valueRange(a, stressP95)
	s.font("B", 9.5)
	s.text(margin, s.y+3.5, ink, "By wall stress, seen "+v.name)
	s.text(margin+w+14+gap, s.y+3.5, ink, "By composition, seen "+v.name)
	s.y += 5.5
	if ok {
		s.tree(v, bs, margin, s.y, w, h, k, byValue(stressP95, 0, hi))
		s.colourBar(margin+w+2.5, s.y+6, h-12, 0, hi, "kPa")
	} else {
		s.tree(v, bs, margin, s.y, w, h, k, func(branch, int) (color.NRGBA, bool) { return white, false })
	}
	s.tree(v, bs, margin+w+14+gap, s.y, w, h, k, byComposition)
	s.y += h + 2
	s.legend(margin, s.y, imaging.LowAttenuation, imaging.FibroFatty, imaging.Fibrous, imaging.Calcified, imaging.Lumen)
	s.y += 5
	note := fmt.Sprintf("Both pictures have the same scale, %s mm on paper per mm. Left: 95th percentile of the first principal stress of each section; white: not computed. Right: the plaque class of largest area; grey: no plaque. R, L, A, P: right, left, anterior, posterior.", fixed(k, 2))
	if !ok {
		note = "Wall stress was not computed, so the left picture is white. " + note
	}
	s.small(note)
}

// quality draws page 2.
func (s *sheet) quality(a *risk.Assessment) {
	s.page("Image and data quality")
	im := &a.Image
	orUnknown := func(t string) string {
		if strings.TrimSpace(t) == "" {
			return "not stated in the file"
		}
		return t
	}
	lumen := quantity(im.LumenMeanHU, 0, "HU")
	if im.LumenMeanHU.Defined() && im.LumenSDHU.Defined() {
		lumen = fmt.Sprintf("%s ± %s HU (mean ± standard deviation)", fixed(float64(im.LumenMeanHU), 0), fixed(float64(im.LumenSDHU), 0))
	}
	segments := "none"
	if len(im.SegmentationNames) > 0 {
		segments = strings.Join(im.SegmentationNames, ", ")
	}
	s.heading("Series", 40)
	s.pairs([][2]string{
		{"Series", orUnknown(im.Series)}, {"Series number", orUnknown(im.Number)}, {"Modality", orUnknown(im.Modality)},
		{"Scanner", orUnknown(strings.TrimSpace(im.Manufacturer + " " + im.Scanner))}, {"Kernel", orUnknown(im.Kernel)},
		{"Tube voltage", quantity(im.KVp, 0, "kV")}, {"Cardiac phase", orUnknown(im.Phase)},
		{"Slice thickness", quantity(im.SliceThicknessMM, 2, "mm")},
		{"Voxel spacing", fmt.Sprintf("%s × %s × %s mm", fixed(im.SpacingMM[0], 3), fixed(im.SpacingMM[1], 3), fixed(im.SpacingMM[2], 3))},
		{"Size", fmt.Sprintf("%d × %d × %d voxels", im.Size[0], im.Size[1], im.Size[2])},
		{"CT number of the lumen", lumen}, {"Noise in the lumen core", quantity(im.NoiseHU, 0, "HU")},
		{"Segmentation", orUnknown(im.SegmentationKind)}, {"Segments read", segments},
	})
	s.heading("Findings", 15)
	if len(a.Notes) == 0 {
		s.para("No finding about the image, the segmentation or the computation was recorded for this scan.")
	} else {
		s.para("Findings of the whole run, the gravest first: " + counts(a.Notes) + ".")
		s.notes(a.Notes)
	}
	s.heading("Computed and not computed", 20)
	t := table{cols: []column{{"Part", "L"}, {"State", "L"}}}
	for _, r := range states(a) {
		t.rows = append(t.rows, r[:])
	}
	s.table(t)
}

func (s *sheet) notes(notes []risk.Note) {
	t := table{cols: []column{{"Weight", "L"}, {"Code", "L"}, {"Where", "L"}, {"Finding", "L"}}}
	for _, n := range bySeverity(notes) {
		where := n.Where
		if where == "" {
			where = "scan"
		}
		t.rows = append(t.rows, []string{severityWords(n.Severity), n.Code, where, n.Text})
	}
	s.table(t)
}

// states says in words which parts of the line gave a result.
func states(a *risk.Assessment) [][2]string {
	traced, solved, converged, featured := 0, 0, 0, 0
	for _, x := range a.Arteries {
		if x.Profile != nil {
			traced++
		}
	}
	for _, l := range a.Lesions {
		if l.Stress != nil {
			solved++
			if l.Stress.Converged {
				converged++
			}
		}
		if len(l.Features) > 0 {
			featured++
		}
	}
	all := len(a.Lesions)
	vessels := fmt.Sprintf("traced in %s", plural(traced, "artery"))
	if traced == 0 {
		vessels = "NOT COMPUTED: no vessel was given or could be traced; stenosis, remodelling, burden and pictures along the artery are missing"
	}
	mechanics := fmt.Sprintf("computed for %d of %s", converged, plural(all, "plaque"))
	switch {
	case all == 0:
		mechanics = "NOT COMPUTED: there is no plaque"
	case solved == 0:
		mechanics = "NOT COMPUTED for any plaque; it needs the lumen and the outer wall"
	case converged < solved:
		mechanics += fmt.Sprintf("; NOT CONVERGED for %d", solved-converged)
	}
	features := fmt.Sprintf("features of %d of %s", featured, plural(all, "plaque"))
	if all == 0 {
		features = "NOT COMPUTED: there is no plaque"
	}
	scored := "patient scored"
	if a.Patient.Prediction == nil {
		scored = "NOT SCORED: " + reason(a.Patient)
	}
	return [][2]string{{"Vessels", vessels}, {"Radiomics", features}, {"Wall mechanics", mechanics}, {"Risk", scored}}
}

// anatomy draws page 3.
func (s *sheet) anatomy(a *risk.Assessment) {
	s.page("Coronary tree")
	s.heading("Arteries", 20)
	t := table{cols: []column{{"Artery", "L"}, {"Length, mm", "R"}, {"Diameter stenosis, %", "R"}, {"Area stenosis, %", "R"},
		{"Smallest lumen area, mm²", "R"}, {"Smallest lumen diameter, mm", "R"}, {"Remodel\u00adling index", "R"}, {"Largest burden, %", "R"}, {"Percent atheroma volume, %", "R"}}}
	for n := range t.cols {
		t.cols[n].head = strings.ReplaceAll(t.cols[n].head, "\u00ad", "")
	}
	for i := range a.Arteries {
		x := &a.Arteries[i]
		t.rows = append(t.rows, append([]string{arteryShort(x.Name)}, anatomyCells(&x.Measures)...))
	}
	if len(t.rows) == 0 {
		s.para("No artery was found in the segmentation, so that there is no table of arteries.")
	} else {
		s.table(t)
	}
	if len(a.Lesions) > 0 {
		s.heading("Plaques", 20)
		t.cols[0].head = "Plaque"
		t.rows = nil
		for i := range a.Lesions {
			l := &a.Lesions[i]
			t.rows = append(t.rows, append([]string{l.Name}, anatomyCells(&l.Measures)...))
		}
		s.table(t)
	}
	s.small("Diameter and area stenosis against the reference of the artery; remodelling index: largest outer diameter over the mean of the references; burden: wall and plaque area over vessel area, at its largest. " + dash + " not computed.")
	s.intervals(a)
	s.segments(a)
	s.fat(a)
	s.heading("Course of the arteries", 80)
	s.trees(a, lateral, s.bottom()-s.y-23)
}

func anatomyCells(m *risk.Measures) []string {
	return []string{number(m.LengthMM, 1), number(m.DiameterStenosis, 1), number(m.AreaStenosis, 1), number(m.MinLumenArea, 1),
		number(m.MinLumenDiameter, 1), number(m.Remodelling, 2), number(m.PlaqueBurden, 1), number(m.PercentAtheroma, 1)}
}

// plaques draws the table of all measures of all plaques.
func (s *sheet) plaques(a *risk.Assessment) {
	s.page("Plaques")
	if len(a.Lesions) == 0 {
		s.para("The segmentation contains no plaque. No measure of plaque could be computed; this does not show that there is none.")
		return
	}
	s.heading("Extent and composition", 25)
	t := table{cols: []column{{"Plaque", "L"}, {"Artery", "L"}, {"From, mm", "R"}, {"To, mm", "R"}, {"Volume, mm³", "R"}, {"Low atten., mm³", "R"},
		{"Fibro-fatty, mm³", "R"}, {"Fibrous, mm³", "R"}, {"Calcified, mm³", "R"}, {"Voxels", "R"}, {"Mean, HU", "R"}}}
	for i := range a.Lesions {
		l := &a.Lesions[i]
		m := &l.Measures
		t.rows = append(t.rows, []string{l.Name, arteryShort(l.Artery), number(l.FromMM, 1), number(l.ToMM, 1), number(m.PlaqueMM3, 1), number(m.LowAttenuation, 1),
			number(m.FibroFatty, 1), number(m.Fibrous, 1), number(m.Calcified, 1), fmt.Sprint(l.Voxels), number(l.MeanHU, 0)})
	}
	s.table(t)
	s.signs(a)
	s.heading("Cap, wall mechanics and score", 25)
	t = table{cols: []column{{"Plaque", "L"}, {"Cap thickness, mm", "R"}, {"Stress p50, kPa", "R"}, {"Stress p95, kPa", "R"}, {"Stress max, kPa", "R"},
		{"Cap stress p95, kPa", "R"}, {"Cap stress p99, kPa", "R"}, {"Strain p95, %", "R"}, {"Volume above 300 kPa, mm³", "R"}, {"Elements", "R"}, {"Risk (95 % interval)", "L"}}}
	starred, below := false, false
	for i := range a.Lesions {
		l := &a.Lesions[i]
		v, el := stressCells(l.Stress)
		strain, above := dash, dash
		if l.Stress != nil && l.Stress.Converged {
			strain, above = number(l.Stress.StrainP95, 1), number(l.Stress.Above300MM3, 1)
			starred = starred || l.Stress.CapUncertain
		}
		below = below || l.Measures.CapBelowVoxel
		t.rows = append(t.rows, []string{l.Name, capWords(&l.Measures, a.Image.SpacingMM), v[0], v[1], v[2], v[4], v[3], strain, above, el, riskWords(l.Prediction)})
	}
	s.table(t)
	s.y -= 1.5
	note := dash + " not computed, or no low attenuation core (cap). Stress: first principal Cauchy stress over the volume of the plaque; the maximum is a value of one element and is read with the 95th percentile."
	if below {
		note += " Below resolution: the cap is thinner than 1.5 times the longest edge of a voxel and was not measured."
	}
	if starred {
		note += " *: the cap is below resolution, so that its stress is a result of the model and not a measurement."
	}
	s.small(note)
	var notes []risk.Note
	for i := range a.Lesions {
		l := &a.Lesions[i]
		for _, n := range l.Notes {
			if n.Where == "" {
				n.Where = l.Name
			}
			notes = append(notes, n)
		}
		if l.Prediction == nil && l.Reason != "" && a.Patient.Prediction != nil {
			s.para(l.Name + " was not scored: " + l.Reason + ".")
		}
	}
	if len(notes) > 0 {
		s.heading("Notes on plaques", 15)
		s.notes(notes)
	}
}

// biomechanics draws how the walls were computed.
func (s *sheet) biomechanics(a *risk.Assessment) {
	s.page("Biomechanics")
	m := a.Mechanics
	if m == nil {
		s.para("Wall stress and strain were not computed for this scan. They need the lumen and the outer wall of the artery; the findings on the page on image and data quality say what was missing.")
		return
	}
	s.heading("Load and model", 20)
	s.pairs([][2]string{
		{"Pressure on the lumen", fmt.Sprintf("%s mmHg = %s kPa", fixed(m.PressureMMHg, 0), fixed(m.PressureKPa, 1))},
		{"Source of the pressure", m.PressureSource}, {"Ends of the segment", m.Ends}, {"Formulation", m.Formulation},
	})
	s.heading("Materials", 20)
	t := table{cols: []column{{"Tissue", "L"}, {"Young's modulus, kPa", "R"}, {"Poisson's ratio", "R"}, {"Source", "L"}}}
	for _, x := range m.Materials {
		t.rows = append(t.rows, []string{plainName(x.Tissue), general(risk.Number(x.YoungKPa)), fixed(x.Poisson, 2), x.Source})
	}
	s.table(t)
	s.heading("Solutions", 20)
	if len(m.Solves) == 0 {
		s.para("No segment of an artery was solved.")
		return
	}
	t = table{cols: []column{{"Artery", "L"}, {"From, mm", "R"}, {"To, mm", "R"}, {"Nodes", "R"}, {"Elements", "R"}, {"Unknowns", "R"}, {"Iterations", "R"}, {"Relative residual", "R"}, {"Least scaled Jacobian", "R"}, {"Converged", "L"}}}
	for _, x := range m.Solves {
		ok := "yes"
		if !x.Converged {
			ok = "NO"
		}
		t.rows = append(t.rows, []string{string(x.Artery), fixed(x.FromMM, 1), fixed(x.ToMM, 1), fmt.Sprint(x.Nodes), fmt.Sprint(x.Elements), fmt.Sprint(x.Unknowns),
			fmt.Sprint(x.Iterations), strings.ReplaceAll(fmt.Sprintf("%.1e", x.Residual), "-", "−"), fixed(x.MinJacobian, 2), ok})
	}
	s.table(t)
	s.meshes(m)
	s.bands(a)
	for i := range m.Solves {
		s.histogram(&m.Solves[i])
	}
}

// meshes shows how far the meshes can be trusted.
func (s *sheet) meshes(m *risk.Mechanics) {
	s.heading("Quality of the meshes", 20)
	t := table{cols: []column{{"Artery", "L"}, {"Most distorted element", "L"}, {"Elements across the thinnest cap", "R"}, {"Estimated error of stress, %", "R"}, {"Tissue in the mesh / of its mask, mm³", "L"}}}
	for _, x := range m.Solves {
		var tissues []string
		for _, c := range x.Composition {
			tissues = append(tissues, fmt.Sprintf("%s %s / %s", plainName(c.Tissue), fixed(c.MeshMM3, 1), fixed(c.MaskMM3, 1)))
		}
		t.rows = append(t.rows, []string{string(x.Artery), x.MinJacobianWhere, number(x.CapElements, 1), number(x.ErrorPercent, 0), strings.Join(tissues, ", ")})
	}
	s.table(t)
	s.small("The error is estimated in the energy norm from the jumps of stress between elements (Zienkiewicz and Zhu); means and percentiles err less. A cap with fewer than three elements across has a stress of the model, not of the patient.")
}

// bands shows the uncertainty of the stress of each plaque.
func (s *sheet) bands(a *risk.Assessment) {
	t := table{cols: []column{{"Plaque", "L"}, {"Quantity", "L"}, {"Value", "R"}, {"Low", "R"}, {"High", "R"}, {"Unit", "L"}}}
	for _, l := range a.Lesions {
		if l.Stress == nil {
			continue
		}
		for _, b := range l.Stress.Bands {
			t.rows = append(t.rows, []string{l.Name, strings.ReplaceAll(plainName(b.Name), ".", ", "), general(b.Value), general(b.Low), general(b.High), b.Unit})
		}
	}
	if len(t.rows) == 0 {
		return
	}
	s.heading("Uncertainty", 20)
	s.table(t)
	s.small(fmt.Sprintf("%s %% of outcomes lie between low and high, if moduli, blood pressure and the border of the lumen scatter as the settings declare. The model itself may err beyond that.", fixed(a.Mechanics.BandLevel, 0)))
}

// plainName turns a name of a file into words: "low_attenuation".
func plainName(t string) string { return strings.ReplaceAll(t, "_", " ") }

// histogram draws the distribution of stress in each tissue of one solution.
func (s *sheet) histogram(v *risk.Solve) {
	if len(v.Histogram) == 0 || !(v.StressBinKPa > 0) {
		return
	}
	last := 1 // the last bin that holds at least 0.5 % of a tissue
	for _, h := range v.Histogram {
		for k, x := range h.Share {
			if x >= 0.005 {
				last = max(last, k+1)
			}
		}
	}
	const height = 42.0
	s.heading(fmt.Sprintf("Stress in the tissues of %s, %s to %s mm", v.Artery, fixed(v.FromMM, 1), fixed(v.ToMM, 1)), height+24)
	var ks []key
	p := newPlot("First principal stress, kPa", "Share of the tissue, %")
	grid(p)
	most := 0.0
	looks := map[string]pen{
		"wall":            {muted, 0.7, nil},
		"low_attenuation": {lowColour, 2.4, nil},
		"fibro_fatty":     {color.NRGBA{0x8A, 0x7F, 0x00, 0xFF}, 1.5, []vgLen{8, 3}},
		"fibrous":         {color.NRGBA{0x4D, 0x47, 0x00, 0xFF}, 1.5, []vgLen{7, 2, 1.5, 2}},
		"calcified":       {calColour, 1.8, []vgLen{1.5, 2}},
	}
	for _, h := range v.Histogram {
		var l strokes
		l.pen = looks[h.Tissue]
		if l.pen.width == 0 {
			l.pen = pen{ink, 1, nil}
		}
		var pts []xy
		for k := 0; k < min(last, len(h.Share)); k++ {
			y := 100 * h.Share[k]
			most = max(most, y)
			pts = append(pts, xy{X: float64(k) * v.StressBinKPa, Y: y}, xy{X: float64(k+1) * v.StressBinKPa, Y: y})
		}
		if len(pts) == 0 {
			continue
		}
		l.parts = []xys{pts}
		p.Add(l)
		ks = append(ks, key{fmt.Sprintf("%s, %s mm³", plainName(h.Tissue), fixed(h.MM3, 1)), l.pen})
	}
	s.keyRows(margin+14, s.w-margin, ks)
	span(p, 0, float64(last)*v.StressBinKPa, 0, min(ceiling(most), 100))
	s.draw(p, margin+14, s.y+1, s.width()-18, height)
	s.y += height + 13
}

// model draws the contributions and the extract of the model card.
func (s *sheet) model(a *risk.Assessment) {
	s.page("Radiomics and model")
	p, who := a.Patient.Prediction, "the patient"
	if p == nil || len(p.Contributions) == 0 {
		for i := range a.Arteries {
			if q := a.Arteries[i].Prediction; q != nil && len(q.Contributions) > 0 && (p == nil || len(p.Contributions) == 0 || q.Probability > p.Probability) {
				p, who = q, "the "+arteryWords(a.Arteries[i].Name)
			}
		}
	}
	switch {
	case p == nil:
		s.para("This scan was not scored: " + reason(a.Patient) + ". There are no contributions of features to show.")
	case len(p.Contributions) == 0:
		s.para("The model gave no contributions of single features for this score.")
	default:
		s.heading("What moved the score of "+who, 40)
		s.contributions(p)
	}
	if a.Model == nil {
		s.para("No model was used.")
		return
	}
	m := a.Model
	s.heading("Features outside the range of the training data", 12)
	if len(m.OutOfRange) == 0 {
		s.para("None: every feature of this scan that the model uses lies within the range of the training data.")
	} else {
		s.para(fmt.Sprintf("%s of this scan outside the training range; the score is an extrapolation there:", plural(len(m.OutOfRange), "feature")))
		s.small(strings.Join(m.OutOfRange, ", ") + ".")
	}
	s.heading("Model card (extract)", 40)
	auc := func(v [3]risk.Number) string {
		return interval(risk.Interval{Value: v[0], Low: v[1], High: v[2]}, 2)
	}
	s.pairs([][2]string{
		{"Model", m.Name}, {"Label", m.Label}, {"Trained on", m.Trained}, {"Outcome", m.Outcome},
		{"Training data", fmt.Sprintf("%d patients, %d arteries, %d of them positive, %d features", m.Patients, m.Arteries, m.Positives, m.Columns)},
		{"AUC by artery (95 % interval)", auc(m.ArteryAUC) + ", cross-validated"}, {"AUC by patient (95 % interval)", auc(m.PatientAUC) + ", cross-validated"},
		{"SHA-256", m.SHA256},
	})
}

// contributions draws a table whose last column is a signed bar.
func (s *sheet) contributions(p *risk.Prediction) {
	items := slices.Clone(p.Contributions)
	rest := slices.IndexFunc(items, func(c risk.Contribution) bool { return c.Feature == "all other features" })
	var other *risk.Contribution
	if rest >= 0 {
		o := items[rest]
		other = &o
		items = slices.Delete(items, rest, rest+1)
	}
	slices.SortStableFunc(items, func(a, b risk.Contribution) int {
		switch x, y := math.Abs(a.LogOdds), math.Abs(b.LogOdds); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	cut := 0
	if len(items) > 10 {
		cut = len(items) - 10
		items = items[:10]
	}
	if other != nil && cut == 0 {
		items = append(items, *other)
	}
	most := 0.0
	for _, c := range items {
		most = max(most, math.Abs(c.LogOdds))
	}
	step, decimals := niceStep(max(most, 1e-6), 1)
	reach := math.Ceil(most/step-1e-9) * step
	nameW, valueW, pctW := 74.0, 28.0, 20.0
	barX := margin + nameW + valueW + pctW
	barW := s.width() - nameW - valueW - pctW
	s.fill(accent)
	s.paper.Rect(margin, s.y, s.width(), 9.4, "F")
	s.font("B", 8.5)
	s.text(margin+1.3, s.y+8, white, "Feature")
	s.textIn(margin+nameW, s.y+8, valueW-2, "R", white, "Value")
	s.textIn(margin+nameW+valueW, s.y+4, pctW-2, "R", white, "Percentile")
	s.textIn(margin+nameW+valueW, s.y+8, pctW-2, "R", white, "in training")
	s.textIn(barX, s.y+4, barW, "C", white, "Change of the log-odds")
	s.textIn(barX, s.y+8, barW, "C", white, "lowers risk | raises risk")
	s.y += 9.4
	mid, k := barX+barW/2, (barW/2-12)/reach
	for n, c := range items {
		s.font("", 8.5)
		name := s.wrap(c.Feature, nameW-2.6)
		value := "not present"
		if c.Value.Defined() {
			value = strings.TrimSpace(general(c.Value) + " " + unitWords(c.Unit))
		} else if other != nil && c.Feature == other.Feature {
			value = dash
		}
		vals := s.wrap(value, valueW-3)
		h := max(5.6, 1.8+3.9*float64(max(len(name), len(vals))))
		if s.need(h + 12) {
			s.font("", 8.5)
		}
		if n%2 == 1 {
			s.fill(shade)
			s.paper.Rect(margin, s.y, s.width(), h, "F")
		}
		for i, l := range name {
			s.text(margin+1.3, s.y+3.9+3.9*float64(i), ink, l)
		}
		for i, l := range vals {
			s.textIn(margin+nameW, s.y+3.9+3.9*float64(i), valueW-2, "R", ink, l)
		}
		pct := number(c.Percentile, 0)
		s.textIn(margin+nameW+valueW, s.y+3.9, pctW-2, "R", ink, pct)
		x := mid + k*c.LogOdds
		s.stroke(ink, 0.2)
		if c.LogOdds >= 0 {
			s.fill(lowColour)
		} else {
			s.fill(calColour)
		}
		s.paper.Rect(min(x, mid), s.y+h/2-1.4, math.Abs(x-mid), 2.8, "FD")
		label := fixed(c.LogOdds, 2)
		if c.LogOdds >= 0 {
			s.text(x+1, s.y+h/2+1.1, ink, "+"+label)
		} else {
			s.textIn(x-13, s.y+h/2+1.1, 12, "R", ink, label)
		}
		s.y += h
		s.stroke(muted, 0.2)
		s.paper.Line(mid, s.y-h, mid, s.y)
	}
	s.stroke(muted, 0.2)
	s.paper.Line(mid-k*reach, s.y, mid+k*reach, s.y)
	s.font("", 8)
	for _, v := range []float64{-reach, 0, reach} {
		s.paper.Line(mid+k*v, s.y, mid+k*v, s.y+1)
		s.textIn(mid+k*v-10, s.y+4, 20, "C", ink, fixed(v, decimals))
	}
	s.y += 7
	text := fmt.Sprintf("Contributions are exact TreeSHAP values in log-odds, added to the base of %s; together they give the score.", fixed(p.Base, 2))
	if cut > 0 || other != nil {
		text += " The largest are shown"
		if cut > 0 && other != nil {
			text += fmt.Sprintf("; %d smaller ones and the sum of all other features (%s) are in the JSON file", cut, fixed(other.LogOdds, 2))
		} else if cut > 0 {
			text += fmt.Sprintf("; %d smaller ones are in the JSON file", cut)
		}
		text += "."
	}
	s.small(text + " A contribution describes the model, not a cause.")
}

// unitWords hides the unit of a number without one.
func unitWords(u string) string {
	if u == "1" {
		return ""
	}
	return u
}
