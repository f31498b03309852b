package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/seg"
	"github.com/plaquerisk/plaquerisk/dicom/sr"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Codes of quantities come from SNOMED CT and from DICOM's own where they have the
// concept, else from our own scheme.
var (
	reportConcept  = object.Code{Value: "126000", Scheme: "DCM", Meaning: "Imaging Measurement Report"}
	finiteElements = private("fem", "Finite element analysis")
	predictedRisk  = private("predicted_risk", "Predicted risk")
	maximum        = sct("56851009", "Maximum")
	minimum        = sct("255605001", "Minimum")
	mean           = sct("373098007", "Mean")
	median         = sct("373099004", "Median")
	percentile95   = sct("371889001", "95th Percentile Value of population")
	percentile99   = private("percentile_99", "99th percentile")
	wallStress     = object.Code{Value: "122448", Scheme: "DCM", Meaning: "Wall Stress"}
	capStress      = private("cap_stress", "First principal stress in the cap")
)

func sct(value, meaning string) object.Code {
	return object.Code{Value: value, Scheme: "SCT", Meaning: meaning}
}

// private is a code of our own. A value beyond the 16 characters that readers of
// codes expect, highdicom among them, becomes a hash of itself.
func private(value, meaning string) object.Code {
	if len(value) > 16 {
		sum := sha256.Sum256([]byte(value))
		value = "h" + hex.EncodeToString(sum[:7])
	}
	return object.Code{Value: value, Scheme: object.Private, Meaning: meaning}
}

// ucum returns the code of a unit as the program writes it.
func ucum(unit string) object.Code {
	for _, u := range []object.Code{
		{Value: "kPa", Meaning: "kilopascal"}, {Value: "mm", Meaning: "millimeter"}, {Value: "mm2", Meaning: "square millimeter"},
		{Value: "mm3", Meaning: "cubic millimeter"}, {Value: "%", Meaning: "Percent"}, {Value: "1", Meaning: "no units"},
		{Value: "[hnsf'U]", Meaning: "Hounsfield unit"}, {Value: "kJ/m3", Meaning: "kilojoule per cubic meter"},
	} {
		if u.Value == unit || unit == "mm³" && u.Value == "mm3" || unit == "mm²" && u.Value == "mm2" || unit == "kJ/m³" && u.Value == "kJ/m3" {
			u.Scheme = "UCUM"
			return u
		}
	}
	return object.Code{Value: "{" + unit + "}", Scheme: "UCUM", Meaning: unit}
}

// siteOf is the code of an artery; of one that is not known, a coronary artery.
func siteOf(a coronary.Artery) object.Code {
	if c, ok := object.Arteries[string(a)]; ok {
		return c
	}
	return object.Coronary
}

// region describes a mask. Colours are those of blue for blood, grey for the wall
// and orange for plaque, which differ in brightness too.
func (x *exported) region(name string, a coronary.Artery, structure string, m *imaging.Mask) seg.Region {
	r := seg.Region{Name: name, Mask: m, Site: siteOf(a), Algorithm: "SEMIAUTOMATIC", Maker: x.meta.Program, Category: object.Abnormal, Type: object.Plaque, Colour: [3]uint8{230, 159, 0}}
	switch structure {
	case "lumen":
		r.Category, r.Type, r.Colour = object.Anatomical, object.ArteryLumen, [3]uint8{0, 114, 178}
	case "wall":
		r.Category, r.Type, r.Colour = object.Anatomical, siteOf(a), [3]uint8{150, 150, 150}
	}
	return r
}

// report holds the measurements of lesions, arteries and the patient.
func (x *exported) report() *sr.Report {
	r := &sr.Report{}
	if x.Seg {
		r.Segmentation = seg.Evidence(x.src, &x.meta)
	}
	group := func(name string, a coronary.Artery, finding object.Code) *sr.Group {
		uid := seg.Tracking(x.src, &x.meta, name)
		g := sr.Group{Name: name, UID: uid, Finding: finding}
		if a != "" {
			g.Site = siteOf(a)
		}
		for n := range x.regions {
			if x.Seg && x.regions[n].Track == name {
				g.Segment = n + 1
			}
		}
		r.Groups = append(r.Groups, g)
		return &r.Groups[len(r.Groups)-1]
	}
	if as := x.assessment; as != nil {
		for n := range as.Lesions {
			l := &as.Lesions[n]
			g := group(l.Name, l.Artery, object.Plaque)
			g.Measurements = append(anatomyOf(&l.Measures), sr.Measurement{Concept: object.Code{Value: "112031", Scheme: "DCM", Meaning: "Attenuation Coefficient"},
				Value: float64(l.MeanHU), Unit: ucum("[hnsf'U]"), Derivation: mean})
			g.Measurements = append(g.Measurements, stressOf(l.Stress)...)
			g.Measurements = append(g.Measurements, scoreOf(&l.Level)...)
			g.Comments = commentsOf(l.Level.Reason, l.Notes)
		}
		for n := range as.Arteries {
			a := &as.Arteries[n]
			g := group(string(a.Name)+" artery", a.Name, siteOf(a.Name))
			g.Measurements = append(append(anatomyOf(&a.Measures), stressOf(a.Stress)...), scoreOf(&a.Level)...)
			g.Comments = commentsOf(a.Level.Reason, nil)
		}
		g := group("patient", "", predictedRisk)
		g.Measurements = scoreOf(&as.Patient)
		g.Comments = commentsOf(as.Patient.Reason, as.Notes)
		return r
	}
	for _, a := range x.walls.Arteries {
		for _, p := range a.Plaques {
			g := group(p.Name, a.Name, object.Plaque)
			for _, m := range p.Markers {
				g.Measurements = append(g.Measurements, sr.Measurement{Concept: markerCode(m.Name), Value: float64(m.Value), Unit: ucum(m.Unit)})
			}
			if p.Cap != nil {
				g.Measurements = append(g.Measurements, sr.Measurement{Concept: capStress, Value: float64(p.Cap.MaxKPa), Unit: ucum("kPa"), Derivation: maximum},
					sr.Measurement{Concept: capStress, Value: float64(p.Cap.P99KPa), Unit: ucum("kPa"), Derivation: percentile99})
			}
		}
	}
	return r
}

// anatomyOf are the measures of a lesion or an artery.
func anatomyOf(m *risk.Measures) []sr.Measurement {
	return []sr.Measurement{
		{Concept: sct("410668003", "Length"), Value: float64(m.LengthMM), Unit: ucum("mm")},
		{Concept: sct("118565006", "Volume"), Value: float64(m.PlaqueMM3), Unit: ucum("mm3")},
		{Concept: private("lap_volume", "Low attenuation plaque volume"), Value: float64(m.LowAttenuation), Unit: ucum("mm3")},
		{Concept: private("ff_volume", "Fibro-fatty plaque volume"), Value: float64(m.FibroFatty), Unit: ucum("mm3")},
		{Concept: private("fibrous_volume", "Fibrous plaque volume"), Value: float64(m.Fibrous), Unit: ucum("mm3")},
		{Concept: private("calcified_volume", "Calcified plaque volume"), Value: float64(m.Calcified), Unit: ucum("mm3")},
		{Concept: private("pav", "Percent atheroma volume"), Value: float64(m.PercentAtheroma), Unit: ucum("%")},
		{Concept: sct("408715008", "Lumen Diameter Stenosis"), Value: float64(m.DiameterStenosis), Unit: ucum("%")},
		{Concept: sct("408714007", "Lumen Area Stenosis"), Value: float64(m.AreaStenosis), Unit: ucum("%")},
		{Concept: sct("397415007", "Vessel lumen cross-sectional area"), Value: float64(m.MinLumenArea), Unit: ucum("mm2"), Derivation: minimum},
		{Concept: sct("397413000", "Vessel lumen diameter"), Value: float64(m.MinLumenDiameter), Unit: ucum("mm"), Derivation: minimum},
		{Concept: private("remodelling", "Remodelling index"), Value: float64(m.Remodelling), Unit: ucum("1")},
		{Concept: object.Code{Value: "122354", Scheme: "DCM", Meaning: "Plaque Burden"}, Value: float64(m.PlaqueBurden), Unit: ucum("%"), Derivation: maximum},
		{Concept: private("cap_thickness", "Thickness of the cap over low attenuation plaque"), Value: float64(m.CapMM), Unit: ucum("mm"), Derivation: minimum},
	}
}

// stressOf are the first principal stresses of a wall; s may be nil.
func stressOf(s *risk.StressSummary) []sr.Measurement {
	if s == nil {
		return nil
	}
	kPa := ucum("kPa")
	return []sr.Measurement{
		{Concept: wallStress, Value: float64(s.P50KPa), Unit: kPa, Derivation: median},
		{Concept: wallStress, Value: float64(s.P95KPa), Unit: kPa, Derivation: percentile95},
		{Concept: wallStress, Value: float64(s.MaxKPa), Unit: kPa, Derivation: maximum},
		{Concept: capStress, Value: float64(s.CapPeakKPa), Unit: kPa, Derivation: percentile99},
		{Concept: capStress, Value: float64(s.CapP95KPa), Unit: kPa, Derivation: percentile95},
		{Concept: private("principal_strain", "First principal strain"), Value: float64(s.StrainP95), Unit: ucum("%"), Derivation: percentile95},
		{Concept: private("above_300_kpa", "Volume with a principal stress above 300 kPa"), Value: float64(s.Above300MM3), Unit: ucum("mm3")},
	}
}

// scoreOf is a predicted probability with the bounds of its ensemble.
func scoreOf(l *risk.Level) []sr.Measurement {
	p := l.Prediction
	if p == nil {
		return nil
	}
	return []sr.Measurement{
		{Concept: private("probability", "Predicted probability"), Value: p.Probability, Unit: ucum("1")},
		{Concept: private("probability_low", "Predicted probability, 2.5th percentile of the ensemble"), Value: p.Low, Unit: ucum("1")},
		{Concept: private("probability_high", "Predicted probability, 97.5th percentile of the ensemble"), Value: p.High, Unit: ucum("1")},
	}
}

// commentsOf are what the reader of the numbers must know.
func commentsOf(reason string, notes []risk.Note) []string {
	out := []string{"Research use only. Not for diagnosis or treatment."}
	if reason != "" {
		out = append(out, "Not scored: "+reason+".")
	}
	for _, n := range notes {
		out = append(out, n.Code+": "+n.Text)
	}
	return out
}

// markerCode is the code of a biomechanical feature: its name in our tables.
func markerCode(name string) object.Code { return private(name, strings.ReplaceAll(name, "_", " ")) }
