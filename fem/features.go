package fem

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// field is a quantity of a quadrature point that features are made of.
type field struct {
	name, unit, doc string
	at              func(*Point) float64
	signed          bool // may be below zero
}

var fields = []field{
	{"principal_stress", "kPa", "largest principal Cauchy stress", func(p *Point) float64 { return p.Sigma1 }, false},
	{"von_mises", "kPa", "von Mises stress", func(p *Point) float64 { return p.VonMises }, false},
	{"principal_strain", "1", "largest principal strain", func(p *Point) float64 { return p.Eps1 }, false},
	{"strain_energy", "kPa", "strain energy density (kPa = µJ/mm³)", func(p *Point) float64 { return p.Energy }, false},
	{"circumferential_stress", "kPa", "normal Cauchy stress around the lumen", func(p *Point) float64 { return p.Hoop }, true},
	{"axial_stress", "kPa", "normal Cauchy stress along the vessel", func(p *Point) float64 { return p.Axial }, true},
	{"radial_stress", "kPa", "normal Cauchy stress across the wall", func(p *Point) float64 { return p.Radial }, true},
}

// region is a part of the wall between two arc lengths.
type region struct {
	name, doc string
	in        func(r *Result, e int, p *Point) bool
}

// The places of regions in their table.
const (
	inPlaque = iota
	inCap
	inWall
	atLumen
	inLipidRim
	inCalciumRim
)

var regions = []region{
	{"plaque", "the plaque, or the whole wall of the interval if it holds no plaque", func(_ *Result, _ int, p *Point) bool { return p.Tissue.IsPlaque() }},
	{"cap", "the cap, tissue between the lumen and a low attenuation core", func(r *Result, _ int, p *Point) bool { return p.CapDepth <= r.Conditions.CapDepth }},
	{"wall", "the whole wall of the interval", func(*Result, int, *Point) bool { return true }},
	{"lumen", "the element layer at the lumen", func(r *Result, e int, _ *Point) bool { return e%r.Mesh.Through == 0 }},
	{"lipid_rim", fmt.Sprintf("other tissue within %g mm of low attenuation plaque", RimWidth), func(_ *Result, _ int, p *Point) bool { return p.Rims&LipidRim != 0 }},
	{"calcium_rim", fmt.Sprintf("other tissue within %g mm of calcium", RimWidth), func(_ *Result, _ int, p *Point) bool { return p.Rims&CalciumRim != 0 }},
}

// statistic condenses a field over a region.
type statistic struct {
	name, unit, doc string // unit "": that of the field
	of              func(s sample, cfg *Config) float64
}

var statistics = []statistic{
	{"mean", "", "Mean of the", func(s sample, _ *Config) float64 { return s.mean() }},
	{"sd", "", "Standard deviation of the", func(s sample, _ *Config) float64 { return s.sd() }},
	{"p50", "", "Median of the", func(s sample, _ *Config) float64 { return s.percentile(50) }},
	{"p95", "", "95th percentile of the", func(s sample, _ *Config) float64 { return s.percentile(95) }},
	{"p99", "", "99th percentile of the", func(s sample, _ *Config) float64 { return s.percentile(99) }},
	{"max", "", "Largest", func(s sample, _ *Config) float64 { return s.percentile(100) }},
	{"heterogeneity", "1", "Standard deviation over mean of the", func(s sample, _ *Config) float64 { return s.sd() / s.mean() }},
	{"volume_above_300_kpa", "mm³", "Volume above 300 kPa of the", func(s sample, _ *Config) float64 { return s.above(threshold) }},
	{"volume_above_150_kpa", "mm³", "Volume above 150 kPa of the", func(s sample, _ *Config) float64 { return s.above(threshold / 2) }},
	{"fixed_volume", "", "Mean over the fixed volume with the highest values of the", func(s sample, cfg *Config) float64 { return s.top(cfg.AverageVolume) }},
}

// threshold is the strength of a fibrous cap, kPa (Cheng et al. 1993); half of it
// is about where caps began to rupture.
const threshold = 300

// marker is a column: a field over a region by a statistic.
type marker struct {
	field, region, statistic int
}

// markers are the columns in their order: columns of earlier versions come
// first, so that tables of all versions begin alike.
var markers = func() (all []marker) {
	for _, wanted := range []func(f, g, s string) bool{first, strength, later} {
		for f := range fields {
			for g := range regions {
				for s := range statistics {
					if wanted(fields[f].name, regions[g].name, statistics[s].name) {
						all = append(all, marker{f, g, s})
					}
				}
			}
		}
	}
	return all
}()

// first tells which combinations are features since the first version: all of
// them for the stress, fewer for what follows it closely.
func first(f, g, s string) bool {
	if strings.HasPrefix(s, "volume_above") || s == "fixed_volume" || strings.HasSuffix(g, "_rim") {
		return false
	}
	switch f {
	case "principal_stress":
		return true
	case "principal_strain":
		return s != "sd" && s != "p99" && g != "lumen"
	case "von_mises", "strain_energy":
		return (g == "plaque" || g == "cap") && s != "sd" && s != "p99"
	}
	return false
}

func strength(f, g, s string) bool {
	return f == "principal_stress" && s == "volume_above_300_kpa" && (g == "plaque" || g == "cap" || g == "wall")
}

// later tells which combinations came after them: the rims, the components in
// the frame of the vessel, and what makes the sets of cap, plaque and wall whole.
func later(f, g, s string) bool {
	if first(f, g, s) || strength(f, g, s) {
		return false
	}
	component := f == "circumferential_stress" || f == "axial_stress" || f == "radial_stress"
	switch {
	case s == "sd", s == "volume_above_300_kpa", s == "heterogeneity" && component:
		return false
	case s == "volume_above_150_kpa":
		return f == "principal_stress" && (g == "plaque" || g == "cap" || g == "wall")
	case g == "lumen", g == "lipid_rim", g == "calcium_rim":
		return f == "principal_stress"
	}
	return true
}

// name returns the name of a column.
func (m marker) name() string {
	return fields[m.field].name + "." + regions[m.region].name + "." + statistics[m.statistic].name
}

// unit returns the unit of a column.
func (m marker) unit() string {
	if u := statistics[m.statistic].unit; u != "" {
		return u
	}
	return fields[m.field].unit
}

// Columns returns the feature columns of the settings: each field over each
// region by each statistic, volume weighted, then the cap. They are undefined
// where the region is empty, as the cap is without a low attenuation core. In
// finite strain these are of systole, and the same follow for diastole and pulse
// with the phase at the end of the name.
func Columns(cfg Config) []feature.Column {
	cols := columnsOf(cfg)
	if cfg.Kinematics == FiniteStrain {
		for _, phase := range []string{Diastole, Pulse} {
			for _, c := range columnsOf(cfg)[:len(markers)] {
				c.Name += "." + phase
				c.Doc = strings.TrimSuffix(c.Doc, ".") + ", " + phase + "."
				cols = append(cols, c)
			}
		}
	}
	return cols
}

// columnsOf returns the columns of one state, which in finite strain is systole.
func columnsOf(cfg Config) []feature.Column {
	var cols []feature.Column
	set := settings(cfg)
	for _, m := range markers {
		f, g, s := &fields[m.field], &regions[m.region], &statistics[m.statistic]
		doc, with := fmt.Sprintf("%s %s in %s.", s.doc, f.doc, g.doc), set
		switch s.name {
		case "volume_above_300_kpa":
			doc = fmt.Sprintf("Volume where the %s exceeds 300 kPa in %s.", f.doc, g.doc)
		case "volume_above_150_kpa":
			doc = fmt.Sprintf("Volume where the %s exceeds 150 kPa in %s.", f.doc, g.doc)
		case "fixed_volume":
			doc = fmt.Sprintf("Mean %s over the %g mm³ where it is highest in %s.", f.doc, cfg.AverageVolume, g.doc)
			with += fmt.Sprintf("; mean over %g mm³", cfg.AverageVolume)
		}
		cols = append(cols, feature.Column{Name: m.name(), Unit: m.unit(), Modality: feature.Biomechanics, Ref: "plaquerisk:fem", Settings: with, Doc: doc})
	}
	for _, c := range capColumns {
		cols = append(cols, feature.Column{Name: c.name, Unit: c.unit, Modality: feature.Biomechanics, Ref: "plaquerisk:fem", Settings: set, Doc: c.doc})
	}
	return cols
}

// capColumns describe the thinnest cap as the mesh resolves it.
var capColumns = []struct {
	name, unit, doc string
	of              func(Cap) float64
}{
	{"cap.thickness_in_mesh", "mm", "Least distance from the lumen to a low attenuation core in the mesh.", func(c Cap) float64 { return c.Thickness }},
	{"cap.elements_across", "1", "Elements across the thinnest cap.", func(c Cap) float64 { return c.Layers }},
}

// settings are the choices that change the values, in words.
func settings(c Config) string {
	if c.Kinematics == FiniteStrain {
		return c.finiteSettings()
	}
	s := fmt.Sprintf("linear elastic; %g mmHg; %s ends; bricks %d around × %d through (grading %g) × %g mm; cap within %g mm; E/ν", c.Pressure, c.Ends, c.Around, c.Through, c.Grading, c.Axial, c.CapDepth)
	table := c.Materials.table()
	for n, t := range solids {
		if n > 0 {
			s += ","
		}
		s += fmt.Sprintf(" %s %g/%g", t, table[t].Young, table[t].Poisson)
	}
	if c.Foundation > 0 {
		s += fmt.Sprintf("; outer support %g kPa/mm", c.Foundation)
	}
	return s
}

// Features returns the values of [Columns] between two arc lengths, mm. What
// lies within the end margin of the mesh is left out, unless nothing else is
// there.
func (r *Result) Features(from, to float64) feature.Vector {
	v := feature.NewVector(feature.MustSchema(Columns(r.Conditions)...))
	r.fill(v.Values, from, to)
	c := r.Cap(from, to)
	for n := range capColumns {
		v.Values[len(markers)+n] = capColumns[n].of(c)
	}
	for n, phase := range []string{Diastole, Pulse} {
		if state, ok := r.Phase(phase); ok {
			state.fill(v.Values[len(markers)+len(capColumns)+n*len(markers):], from, to)
		}
	}
	return v
}

// fill stores the markers of the state of r.
func (r *Result) fill(values []float64, from, to float64) {
	w := r.window(from, to)
	_ = par.For(context.Background(), len(fields), func(f int) { // the background is never cancelled
		samples := w.samples(fields[f].at)
		for n, m := range markers {
			if m.field == f {
				values[n] = statistics[m.statistic].of(samples[m.region], &r.Conditions)
			}
		}
	})
}

// planes returns the element planes [lo, hi) whose centres lie between two arc
// lengths, away from the end planes if possible.
func (r *Result) planes(from, to float64) (lo, hi int) {
	m := r.Mesh
	span := func(from, to float64) (lo, hi int) {
		for k := range m.Along {
			if s := (m.S[k] + m.S[k+1]) / 2; s >= from && s <= to {
				if hi == 0 {
					lo = k
				}
				hi = k + 1
			}
		}
		return lo, hi
	}
	margin := r.Conditions.Margin
	if lo, hi = span(max(from, m.S[0]+margin), min(to, m.S[m.Along]-margin)); hi > lo {
		return lo, hi
	}
	return span(from, to)
}

// window is the wall between two arc lengths.
type window struct {
	r        *Result
	from, to int     // its points
	in       []uint8 // the regions that hold each of them, by bit
	count    [8]int  // points of each region
}

func (r *Result) window(from, to float64) *window {
	lo, hi := r.planes(from, to)
	w := &window{r: r, from: element.Points * r.Mesh.Cell(0, 0, lo), to: element.Points * r.Mesh.Cell(0, 0, hi)}
	w.in = make([]uint8, w.to-w.from)
	for n := range w.in {
		e := (w.from + n) / element.Points
		for g := range regions {
			if regions[g].in(r, e, &r.Points[w.from+n]) {
				w.in[n] |= 1 << g
				w.count[g]++
			}
		}
	}
	if w.count[inPlaque] == 0 {
		for n := range w.in {
			w.in[n] |= 1 << inPlaque
		}
		w.count[inPlaque] = len(w.in)
	}
	return w
}

// holds tells whether a cell is in the window.
func (w *window) holds(cell int) bool {
	return element.Points*cell >= w.from && element.Points*cell < w.to
}

// samples returns a field over each region, sorted. All are empty if the field
// is not a number somewhere.
func (w *window) samples(at func(*Point) float64) []sample {
	all := make([]tagged, len(w.in))
	for n := range all {
		p := &w.r.Points[w.from+n]
		all[n] = tagged{weighted{at(p), p.Volume}, w.in[n]}
		if math.IsNaN(all[n].value) {
			return make([]sample, len(regions))
		}
	}
	// Surfaces count for extremes alone.
	for n := range w.r.Surface {
		p := &w.r.Surface[n]
		if !w.holds(p.Cell) {
			continue
		}
		t := tagged{weighted: weighted{at(&p.Point), 0}}
		for g := range regions {
			if regions[g].in(w.r, p.Cell, &p.Point) {
				t.in |= 1 << g
			}
		}
		if !math.IsNaN(t.value) {
			all = append(all, t)
		}
	}
	sortTagged(all)
	out := make([]sample, len(regions))
	for g := range out {
		out[g] = make(sample, 0, w.count[g])
		for n := range all {
			if all[n].in>>g&1 != 0 {
				out[g] = append(out[g], all[n].weighted)
			}
		}
	}
	return out
}
