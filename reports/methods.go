package reports

import (
	"fmt"
	"strings"

	"github.com/plaquerisk/plaquerisk/risk"
)

// methods draws the last pages of a patient report.
func (s *sheet) methods(a *risk.Assessment) {
	s.page("Methods, limits and provenance")
	s.heading("Methods", 20)
	s.para("The CT series is read in HU in patient coordinates. Lumen, outer wall and plaque come from the given segmentation; this program does not find them itself. Plaque inside the wall is divided by CT number: low attenuation < 30 HU, fibro-fatty 30 to 130 HU, fibrous 130 to 350 HU, calcified from 350 HU, unless the segmentation names the component or the settings in the annex say otherwise.")
	s.para("Radiomic features follow the definitions of the Image Biomarker Standardisation Initiative [1]. Wall stress is a static finite-element solution for blood pressure on the lumen, with the materials of the page on biomechanics. The score is that of gradient-boosted trees; the shares of single features are TreeSHAP values [2]. Stress maps are drawn in cividis [3]. Category, amount of plaque and signs of a high-risk plaque follow CAD-RADS 2.0 [4], the attenuation of pericoronary fat [5].")
	s.heading("Limits", 20)
	s.para("Only what the segmentation contains is measured. Volumes by CT number change with tube voltage, kernel and contrast. A cap thinner than 1.5 voxel edges is not measured, and its stress is a result of the model. Linear elastic materials from the literature, without residual stress and without the patient's own pressure unless it was given, make stresses comparable between plaques of one study, not exact. The interval of a score is the spread of the ensemble; it does not contain errors of the image or of the segmentation.")
	if a.Model != nil {
		s.para("The score comes from the model “" + a.Model.Name + "”, labelled “" + a.Model.Label + "”. It says nothing about people on whom the model was not trained.")
	}
	s.provenance(a.Provenance)
	s.heading("References", 20)
	for _, r := range []string{
		"[1] Zwanenburg A, et al. The Image Biomarker Standardization Initiative. Radiology 2020;295(2):328–338.",
		"[2] Lundberg SM, et al. From local explanations to global understanding with explainable AI for trees. Nat Mach Intell 2020;2:56–67.",
		"[3] Nuñez JR, Anderton CR, Renslow RS. Optimizing colormaps with consideration for color vision deficiency. PLoS ONE 2018;13(7):e0199239.",
		"[4] Cury RC, et al. CAD-RADS 2.0 – 2022 Coronary Artery Disease Reporting and Data System. J Cardiovasc Comput Tomogr 2022;16(6):536–557.",
		"[5] Oikonomou EK, et al. Non-invasive detection of coronary inflammation using computed tomography. Lancet 2018;392(10151):929–939.",
	} {
		s.prose("", 8.5, ink, r)
	}
	s.heading("Disclaimer", 12)
	s.para(Disclaimer + " The software comes without any warranty.")
	s.settings(a.Provenance)
}

// provenance writes what somebody needs to repeat the run.
func (s *sheet) provenance(p risk.Provenance) {
	s.heading("Provenance", 30)
	rows := [][2]string{
		{"Program", strings.TrimSpace(p.Program + " " + p.Version)}, {"Report", s.id + " (first 12 digits of the SHA-256 of the result)"},
		{"Seed", fmt.Sprint(p.Seed)}, {"Settings, SHA-256", p.SettingsSHA256},
	}
	if p.ModelSHA256 != "" {
		rows = append(rows, [2]string{"Model, SHA-256", p.ModelSHA256})
	}
	for _, in := range p.Inputs {
		rows = append(rows, [2]string{fmt.Sprintf("Input: %s, %s", in.Role, plural(in.Files, "file")), in.SHA256})
	}
	s.pairs(rows)
}

// settings lists the settings of the run on a page of their own at the end.
func (s *sheet) settings(p risk.Provenance) {
	if strings.TrimSpace(p.Settings) == "" {
		return
	}
	s.page("Annex: settings of the run")
	s.listing(p.Settings)
}

// listing sets text line by line in three columns of the monospaced font.
func (s *sheet) listing(text string) {
	const size, lead, cols, gap = 7.0, 3.1, 3, 5.0
	lines := []string{}
	s.font("mono", size)
	w := (s.width() - gap*(cols-1)) / cols
	for _, l := range strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\t", "  "), "\n"), "\n") {
		lines = append(lines, s.hardWrap(strings.TrimRight(l, " \r"), w)...)
	}
	for len(lines) > 0 {
		s.need(8 * lead)
		rows := min(int((s.bottom()-s.y)/lead), (len(lines)+cols-1)/cols)
		rows = max(rows, 1)
		take := min(cols*rows, len(lines))
		s.font("mono", size)
		for n, l := range lines[:take] {
			s.text(margin+float64(n/rows)*(w+gap), s.y+2.5+lead*float64(n%rows), ink, l)
		}
		s.y += lead*float64(rows) + 2
		lines = lines[take:]
	}
}

// hardWrap breaks a line of a listing and keeps its indentation.
func (s *sheet) hardWrap(l string, w float64) []string {
	l = clean(l)
	indent := l[:len(l)-len(strings.TrimLeft(l, " "))]
	if len(indent) > 20 {
		l, indent = indent[:20]+strings.TrimLeft(l, " "), indent[:20]
	}
	var out []string
	for s.paper.GetStringWidth(l) > w && len(l) > len(indent)+8 {
		n, last := 0, 0
		for i := range l {
			if s.paper.GetStringWidth(l[:i]) > w {
				break
			}
			last = i
			if i > len(indent)+2 && l[i-1] == ' ' {
				n = i
			}
		}
		if n == 0 {
			n = last
		}
		out = append(out, l[:n])
		l = indent + "  " + strings.TrimLeft(l[n:], " ")
	}
	return append(out, l)
}
