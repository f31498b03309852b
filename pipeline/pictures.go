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
	for _, at := range a.landmarks(v) {
		s := v.Nearest(at.s)
		if s == nil {
			continue
		}
		o := coronary.SectionOptions{HalfWidth: sectionHalfWidth, Step: sectionStep}
		image, err := coronary.SectionImage(a.Volume, s, o)
		if err != nil {
			return nil, err
		}
		tissue, err := coronary.SectionTissue(a.tissue[v.Artery], s, o)
		if err != nil {
			return nil, err
		}
		codes := raster(tissue, "tissue code")
		p.Sections = append(p.Sections, risk.SectionPicture{Title: at.title, S: s.S, Image: raster(image, "HU"), Tissue: &codes,
			Lumen: polygon(s.Lumen), Wall: polygon(s.Wall)})
	}
	if r := a.solved[v.Artery]; r != nil {
		m := r.Map()
		p.Stress = &m
	}
	return p, nil
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
