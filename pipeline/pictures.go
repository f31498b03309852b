package pipeline

import (
	"context"
	"math"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Sizes of the pictures of a report, mm.
const (
	mprHalfWidth     = 8.0
	mprStep          = 0.2
	sectionHalfWidth = 4.5
	sectionStep      = 0.1
	curvedMargin     = 12.0
	curvedStep       = 0.4
)

// profile returns the curves along v.
func (a *assessment) profile(v *coronary.Vessel) *risk.Profile {
	p := &risk.Profile{}
	comp := v.Compositions(a.tissue[v.Artery])
	for n := range v.Sections {
		s := &v.Sections[n]
		p.S = append(p.S, s.S)
		p.Center = append(p.Center, [3]float64{s.Frame.Origin.X, s.Frame.Origin.Y, s.Frame.Origin.Z})
		p.LumenArea = append(p.LumenArea, area(s.Lumen))
		p.WallArea = append(p.WallArea, area(s.Wall))
		for _, c := range []struct {
			curve  *[]risk.Number
			tissue imaging.Tissue
		}{
			{&p.LowAttenuation, imaging.LowAttenuation}, {&p.FibroFatty, imaging.FibroFatty},
			{&p.Fibrous, imaging.Fibrous}, {&p.Calcified, imaging.Calcified},
		} {
			*c.curve = append(*c.curve, risk.Number(comp[n][c.tissue]))
		}
	}
	for _, s := range v.Segments() {
		if to := min(s.To, v.Length()); s.From < to {
			p.Segments = append(p.Segments, risk.SegmentSpan{Segment: s.Segment.String(), FromMM: s.From, ToMM: to})
		}
	}
	p.StressP95, p.StressMax = undefined(len(p.S)), undefined(len(p.S))
	if r := a.solved[v.Artery]; r != nil {
		p95, most := r.Along(p.S)
		for n := range p.S {
			p.StressP95[n], p.StressMax[n] = risk.Number(p95[n]), risk.Number(most[n])
		}
	}
	return p
}

// area returns the area of a contour, undefined if there is none.
func area(c coronary.Contour) risk.Number {
	if len(c.Points) < 3 {
		return risk.NaN()
	}
	return risk.Number(c.Area())
}

func undefined(n int) []risk.Number {
	x := make([]risk.Number, n)
	for i := range x {
		x[i] = risk.NaN()
	}
	return x
}

// pictures returns the images of the page of v.
func (a *assessment) pictures(ctx context.Context, v *coronary.Vessel) (*risk.Pictures, error) {
	p := &risk.Pictures{}
	for _, angle := range []float64{0, math.Pi / 2} {
		pic, err := coronary.Straighten(ctx, a.Volume, v, coronary.PlaneOptions{Angle: angle, HalfWidth: mprHalfWidth, Step: mprStep})
		if err != nil {
			return nil, err
		}
		p.MPR = append(p.MPR, raster(pic, "HU"))
	}
	for _, ruling := range v.Rulings() {
		pic, err := coronary.Curve(ctx, a.Volume, v, coronary.CurvedOptions{Ruling: ruling, Margin: curvedMargin, Step: curvedStep})
		if err != nil {
			return nil, err
		}
		curved := risk.CurvedPicture{Image: raster(pic.Picture, "HU"), S: pic.S}
		for _, q := range pic.Line {
			curved.Line = append(curved.Line, xy(q))
		}
		p.Curved = append(p.Curved, curved)
	}
	for _, at := range a.landmarks(v) {
		if err := a.section(&p.Sections, v, at); err != nil {
			return nil, err
		}
	}
	for _, at := range a.montage(v) {
		if err := a.section(&p.Montage, v, at); err != nil {
			return nil, err
		}
	}
	if r := a.solved[v.Artery]; r != nil {
		m := r.Map()
		p.Stress = &m
	}
	return p, nil
}

// section adds the picture of the section nearest to a landmark, if there is one.
func (a *assessment) section(list *[]risk.SectionPicture, v *coronary.Vessel, at landmark) error {
	s := v.Nearest(at.s)
	if s == nil {
		return nil
	}
	o := coronary.SectionOptions{HalfWidth: sectionHalfWidth, Step: sectionStep}
	image, err := coronary.SectionImage(a.Volume, s, o)
	if err != nil {
		return err
	}
	tissue, err := coronary.SectionTissue(a.tissue[v.Artery], s, o)
	if err != nil {
		return err
	}
	codes := raster(tissue, "tissue code")
	*list = append(*list, risk.SectionPicture{Title: at.title, S: s.S, Image: raster(image, "HU"), Tissue: &codes,
		Lumen: polygon(s.Lumen), Wall: polygon(s.Wall)})
	return nil
}

// montage returns the sections at even distances along v, with the names of
// their segments.
func (a *assessment) montage(v *coronary.Vessel) []landmark {
	var out []landmark
	if !(a.every > 0) || len(v.Sections) == 0 {
		return nil
	}
	for s := v.Sections[0].S; s <= v.Sections[len(v.Sections)-1].S+1e-9; s += a.every {
		l := landmark{title: string(v.Artery), s: s}
		for _, x := range v.Segments() {
			if s >= x.From && s < x.To {
				l.title = x.Segment.String()
			}
		}
		out = append(out, l)
	}
	return out
}

// landmark is a cross-section worth a picture.
type landmark struct {
	title string
	s     float64
}

// landmarks returns the sections of the artery's worst lesion, in the order of
// the page: reference, start, smallest lumen, peak stress, reference. What is
// undefined is left out.
func (a *assessment) landmarks(v *coronary.Vessel) []landmark {
	var worst *coronary.Measures
	for n := range a.plaques {
		p := &a.plaques[n]
		if p.Artery != v.Artery || math.IsNaN(p.From) {
			continue
		}
		m := coronary.Measure(v, a.tissue[v.Artery], p)
		if worst == nil || m.DiameterStenosis > worst.DiameterStenosis {
			worst = &m
		}
	}
	if worst == nil {
		return nil
	}
	peak := math.NaN()
	if r := a.solved[v.Artery]; r != nil {
		s := make([]float64, 0, len(v.Sections))
		for _, sec := range v.Sections {
			if sec.S >= worst.From && sec.S <= worst.To {
				s = append(s, sec.S)
			}
		}
		p95, _ := r.Along(s)
		most := math.Inf(-1)
		for n, x := range p95 {
			if x > most {
				most, peak = x, s[n]
			}
		}
	}
	var out []landmark
	for _, l := range []landmark{
		{"proximal reference", worst.Proximal.S},
		{"start of lesion", worst.From},
		{"smallest lumen", worst.MinLumenAt},
		{"highest stress", peak},
		{"distal reference", worst.Distal.S},
	} {
		if !math.IsNaN(l.s) {
			out = append(out, l)
		}
	}
	return out
}

// raster converts a picture in mm.
func raster(p coronary.Picture, unit string) risk.Raster {
	return risk.Raster{Cols: p.Cols, Rows: p.Rows, X0: p.X0, Y0: p.Y0, DX: p.DX, DY: p.DY, AxisUnit: "mm", Unit: unit, Values: p.Values}
}

func polygon(c coronary.Contour) [][2]float64 {
	points := make([][2]float64, len(c.Points))
	for n, q := range c.Points {
		points[n] = xy(q)
	}
	return points
}

func xy(q r2.Vec) [2]float64 { return [2]float64{q.X, q.Y} }
