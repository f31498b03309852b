package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// tissueWords names a tissue for the reader.
func tissueWords(t imaging.Tissue) string {
	switch t {
	case imaging.LowAttenuation:
		return "low attenuation (< 30 HU)"
	case imaging.FibroFatty:
		return "fibro-fatty (30 to 130 HU)"
	case imaging.Fibrous:
		return "fibrous (130 to 350 HU)"
	case imaging.Calcified:
		return "calcified (≥ 350 HU)"
	}
	return t.String()
}

// arteryWords writes the name in full.
func arteryWords(a coronary.Artery) string {
	switch a {
	case coronary.LM:
		return "left main artery (LM)"
	case coronary.LAD:
		return "left anterior descending artery (LAD)"
	case coronary.LCX:
		return "left circumflex artery (LCX)"
	case coronary.RCA:
		return "right coronary artery (RCA)"
	}
	return arteryShort(a)
}

// arteryShort returns the artery's abbreviation. A mask of plaque alone may not
// tell the artery.
func arteryShort(a coronary.Artery) string {
	if a == "" {
		return "artery not named"
	}
	return string(a)
}

// severityWords writes the weight of a note, so that colour is not needed.
func severityWords(v risk.Severity) string {
	switch v {
	case risk.Info:
		return "Information"
	case risk.Warning:
		return "WARNING"
	case risk.Refusal:
		return "REFUSED"
	}
	return string(v)
}

// list joins words: "LAD, LCX and RCA".
func list(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// plural writes a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// summarySentence says what was found, without any advice.
func summarySentence(a *risk.Assessment) string {
	if len(a.Lesions) == 0 {
		return "No plaque was present in the segmentation of this scan; nothing is said about plaque that the segmentation does not contain."
	}
	var with []string
	narrow, ds := "", math.Inf(-1)
	for _, x := range a.Arteries {
		if len(x.Lesions) > 0 {
			with = append(with, arteryShort(x.Name))
		}
		if v := x.Measures.DiameterStenosis; v.Defined() && float64(v) > ds {
			narrow, ds = arteryShort(x.Name), float64(v)
		}
	}
	t := plural(len(a.Lesions), "plaque")
	if len(a.Lesions) == 1 {
		t += " was"
	} else {
		t += " were"
	}
	t += " measured"
	if len(with) > 0 {
		t += " in " + list(with)
	}
	if narrow != "" {
		t += fmt.Sprintf("; the largest diameter stenosis of an artery is %s %% (%s)", fixed(ds, 1), narrow)
	} else {
		t += "; no diameter stenosis could be measured (see the page on image and data quality)"
	}
	peak, where := math.Inf(-1), ""
	for _, l := range a.Lesions {
		if l.Stress != nil && l.Stress.Converged && l.Stress.P95KPa.Defined() && float64(l.Stress.P95KPa) > peak {
			peak, where = float64(l.Stress.P95KPa), l.Name
		}
	}
	if where != "" {
		t += fmt.Sprintf(", and the largest 95th percentile of the first principal wall stress of a plaque is %s kPa (%s)", fixed(peak, 1), where)
	} else {
		t += ". Wall stress was not computed"
	}
	return t + "."
}

// riskWords writes a prediction as a percentage with its interval.
func riskWords(p *risk.Prediction) string {
	if p == nil {
		return "not scored"
	}
	return percent(p.Probability) + " (" + span95(p) + ")"
}

// span95 writes the interval of a prediction.
func span95(p *risk.Prediction) string {
	return strings.TrimSuffix(percent(p.Low), " %") + " to " + percent(p.High)
}

// reason says why there is no score.
func reason(l risk.Level) string {
	if l.Reason != "" {
		return l.Reason
	}
	return "no reason was recorded"
}

// capWords writes the least cap thickness; where the image cannot show it, the
// limit of resolution, 1.5 of the longest voxel edge, and never the measured value.
func capWords(m *risk.Measures, voxel [3]float64) string {
	switch {
	case m.CapBelowVoxel:
		return "below resolution (" + upTo(1.5*max(voxel[0], voxel[1], voxel[2])) + " mm)"
	case !m.CapMM.Defined():
		return dash
	}
	return fixed(float64(m.CapMM), 2)
}

// counts tells how many notes of each severity there are.
func counts(notes []risk.Note) string {
	n := map[risk.Severity]int{}
	for _, x := range notes {
		n[x.Severity]++
	}
	return fmt.Sprintf("%d refused, %s, %d for information", n[risk.Refusal], plural(n[risk.Warning], "warning"), n[risk.Info])
}

// bySeverity orders notes from grave to harmless, keeping the order within.
func bySeverity(notes []risk.Note) []risk.Note {
	weight := func(v risk.Severity) int {
		return slices.Index([]risk.Severity{risk.Refusal, risk.Warning, risk.Info}, v)
	}
	out := slices.Clone(notes)
	slices.SortStableFunc(out, func(a, b risk.Note) int { return weight(a.Severity) - weight(b.Severity) })
	return out
}
