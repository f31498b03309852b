package fem

import (
	"fmt"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// field is a quantity of a quadrature point that features are made of.
type field struct {
	name, unit, doc string
	at              func(*Point) float64
}

var fields = []field{
	{"principal_stress", "kPa", "largest principal Cauchy stress", func(p *Point) float64 { return p.Sigma1 }},
	{"von_mises", "kPa", "von Mises stress", func(p *Point) float64 { return p.VonMises }},
	{"principal_strain", "1", "largest principal strain", func(p *Point) float64 { return p.Eps1 }},
	{"strain_energy", "kPa", "strain energy density (kPa = µJ/mm³)", func(p *Point) float64 { return p.Energy }},
}

// region is a part of the wall between two arc lengths.
type region struct {
	name, doc string
	in        func(r *Result, e int, p *Point) bool
}

var regions = []region{
	{"plaque", "the plaque, or the whole wall of the interval if it holds no plaque", func(_ *Result, _ int, p *Point) bool { return p.Tissue.IsPlaque() }},
	{"cap", "the cap, tissue between the lumen and a low attenuation core", func(r *Result, _ int, p *Point) bool { return p.CapDepth <= r.Conditions.CapDepth }},
	{"wall", "the whole wall of the interval", func(*Result, int, *Point) bool { return true }},
	{"lumen", "the element layer at the lumen", func(r *Result, e int, _ *Point) bool { return e%r.Mesh.Through == 0 }},
}

// statistic condenses a field over a region.
type statistic struct {
	name, unit, doc string // unit "": that of the field
	of              func(*sample) float64
}

var statistics = []statistic{
	{"mean", "", "Mean of the", (*sample).mean},
	{"sd", "", "Standard deviation of the", (*sample).sd},
	{"p50", "", "Median of the", func(s *sample) float64 { return s.percentile(50) }},
	{"p95", "", "95th percentile of the", func(s *sample) float64 { return s.percentile(95) }},
	{"p99", "", "99th percentile of the", func(s *sample) float64 { return s.percentile(99) }},
	{"max", "", "Largest", func(s *sample) float64 { return s.percentile(100) }},
	{"heterogeneity", "1", "Standard deviation over mean of the", func(s *sample) float64 { return s.sd() / s.mean() }},
}

// threshold is the strength of a fibrous cap, kPa (Cheng et al. 1993).
const threshold = 300

// Columns returns the feature columns of the settings: each field over each
// region by each statistic, volume weighted. They are undefined where the region
// is empty, as the cap is without a low attenuation core.
func Columns(cfg Config) []feature.Column {
	var cols []feature.Column
	set := settings(cfg)
	add := func(name, unit, doc string) {
		cols = append(cols, feature.Column{Name: name, Unit: unit, Modality: feature.Biomechanics, Ref: "plaquerisk:fem", Settings: set, Doc: doc})
	}
	for _, f := range fields {
		for _, g := range regions {
			for _, s := range statistics {
				if !wanted(f, g, s) {
					continue
				}
				unit := s.unit
				if unit == "" {
					unit = f.unit
				}
				add(f.name+"."+g.name+"."+s.name, unit, fmt.Sprintf("%s %s in %s.", s.doc, f.doc, g.doc))
			}
		}
	}
	for _, g := range regions[:3] {
		add("principal_stress."+g.name+".volume_above_300_kpa", "mm³", fmt.Sprintf("Volume where the largest principal stress exceeds 300 kPa in %s.", g.doc))
	}
	return cols
}

// wanted tells which combinations become features: all of them for the stress,
// fewer for what follows it closely.
func wanted(f field, g region, s statistic) bool {
	switch f.name {
	case "principal_stress":
		return true
	case "principal_strain":
		return s.name != "sd" && s.name != "p99" && g.name != "lumen"
	default:
		return (g.name == "plaque" || g.name == "cap") && s.name != "sd" && s.name != "p99"
	}
}

// settings are the choices that change the values, in words.
func settings(c Config) string {
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
	n := 0
	for _, f := range fields {
		for _, g := range regions {
			s := r.sample(from, to, f.at, g)
			for _, st := range statistics {
				if wanted(f, g, st) {
					v.Values[n] = st.of(s)
					n++
				}
			}
		}
	}
	for _, g := range regions[:3] {
		v.Values[n] = r.sample(from, to, fields[0].at, g).above(threshold)
		n++
	}
	return v
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

// sample collects a field over a region between two arc lengths.
func (r *Result) sample(from, to float64, at func(*Point) float64, g region) *sample {
	lo, hi := r.planes(from, to)
	s := &sample{}
	first, last := r.Mesh.Cell(0, 0, lo), r.Mesh.Cell(0, 0, hi)
	for _, g := range []region{g, regions[2]} {
		for e := first; e < last; e++ {
			for q := range 8 {
				if p := &r.Points[8*e+q]; g.in(r, e, p) {
					s.add(at(p), p.Volume)
				}
			}
		}
		if len(s.v) > 0 || g.name != "plaque" {
			break
		}
	}
	return s
}

// hasCore tells whether a point between two arc lengths is low attenuation.
func (r *Result) hasCore(from, to float64) bool {
	lo, hi := r.planes(from, to)
	for n := 8 * r.Mesh.Cell(0, 0, lo); n < 8*r.Mesh.Cell(0, 0, hi); n++ {
		if r.Points[n].Tissue == imaging.LowAttenuation {
			return true
		}
	}
	return false
}

// sample is a set of values with the volumes they stand for.
type sample struct {
	v      []weighted
	sorted bool
}

type weighted struct{ value, volume float64 }

func (s *sample) add(value, volume float64) {
	s.v = append(s.v, weighted{value, volume})
	s.sorted = false
}

func (s *sample) volume() (sum float64) {
	for _, w := range s.v {
		sum += w.volume
	}
	return sum
}

func (s *sample) mean() float64 {
	var sum float64
	for _, w := range s.v {
		sum += w.value * w.volume
	}
	return sum / s.volume()
}

func (s *sample) sd() float64 {
	m := s.mean()
	var sum float64
	for _, w := range s.v {
		sum += (w.value - m) * (w.value - m) * w.volume
	}
	return math.Sqrt(sum / s.volume())
}

// percentile returns the smallest value below or at which p % of the volume
// lies; NaN for an empty sample.
func (s *sample) percentile(p float64) float64 {
	if len(s.v) == 0 {
		return math.NaN()
	}
	if !s.sorted {
		slices.SortFunc(s.v, func(a, b weighted) int {
			switch {
			case a.value < b.value:
				return -1
			case a.value > b.value:
				return 1
			case a.volume < b.volume:
				return -1
			case a.volume > b.volume:
				return 1
			}
			return 0
		})
		s.sorted = true
	}
	if p >= 100 {
		return s.v[len(s.v)-1].value
	}
	goal, sum := p/100*s.volume(), 0.0
	for _, w := range s.v {
		if sum += w.volume; sum >= goal {
			return w.value
		}
	}
	return s.v[len(s.v)-1].value
}

// above returns the volume with values over the limit, mm³; NaN for an empty
// sample.
func (s *sample) above(limit float64) float64 {
	if len(s.v) == 0 {
		return math.NaN()
	}
	var sum float64
	for _, w := range s.v {
		if w.value > limit {
			sum += w.volume
		}
	}
	return sum
}
