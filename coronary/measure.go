package coronary

import (
	"math"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// Declared choices of the measurements. They stand in the settings of the
// columns that they change.
const (
	// referenceReach is how far from the lesion a reference section may lie, mm.
	referenceReach = 10.0
	// referenceSpan is the length of vessel averaged into one reference, mm.
	referenceSpan = 4.0
	// transition is the length beside a lesion where the lumen is already narrowed
	// although no plaque is seen; sections there are a reference only if no other
	// one is within reach, mm.
	transition = 1.5
	// plaqueFree is the largest plaque area of a reference section, as a share of
	// the vessel area.
	plaqueFree = 0.02
	// lesionGap is the length without plaque that still joins two lesions of an
	// artery, mm; shorter lesions than lesionLeast are left out.
	lesionGap, lesionLeast = 1.0, 1.0
	// resolvable is the least distance, in voxel edges, at which a cap is called
	// measured: its far side is known to the centre of a voxel, so that below one
	// and a half edges less than a whole voxel shows it.
	resolvable = 1.5
	// speck is the volume below which low attenuation counts as noise for the
	// cap, mm³.
	speck = 0.2
)

// Measures are the anatomy of one plaque or of a whole artery. What is not
// defined is NaN.
type Measures struct {
	From, To float64 // arc length from the ostium, mm
	Length   float64 // mm

	Plaque         float64 // volume, mm³
	LowAttenuation float64 // mm³
	FibroFatty     float64 // mm³
	Fibrous        float64 // mm³
	Calcified      float64 // mm³
	// PercentAtheroma is the plaque volume in percent of the volume inside the
	// outer wall over the same length.
	PercentAtheroma float64

	DiameterStenosis float64 // percent, from equivalent diameters; 0 if wider than the reference
	AreaStenosis     float64 // percent
	StenosisAt       float64 // arc length of the largest stenosis, mm
	Reference        float64 // lumen reference diameter there, mm
	MinLumenArea     float64 // mm²
	MinLumenAt       float64 // arc length of the smallest lumen, mm
	MinLumenDiameter float64 // equivalent diameter of the smallest lumen, mm

	Remodelling  float64 // largest outer diameter / mean of the reference outer diameters
	Burden       float64 // largest plaque burden, percent
	BurdenAt     float64 // its arc length, mm
	MeanBurden   float64 // percent
	WallMax      float64 // thickest wall, mm
	Eccentricity float64 // (thickest − thinnest wall)/thickest, where the wall is thickest
	Curvature    float64 // mean over the length after Gaussian smoothing of 2 mm, 1/mm

	// Cap is the least distance from the sub-voxel lumen border to the centre of
	// a low attenuation voxel, mm; NaN without a low attenuation core.
	Cap           float64
	CapAt         float64 // its arc length, mm
	CapBelowVoxel bool    // Cap is less than 1.5 of the longest voxel edge: too thin to be measured

	// References beside the lesion, proximal and distal.
	Proximal, Distal Reference
}

// Reference is the plaque-free vessel beside a lesion.
type Reference struct {
	Sections int     // averaged; 0 if there is none
	S        float64 // their mean arc length, mm
	Lumen    float64 // mean equivalent diameter, mm
	Wall     float64 // mean outer equivalent diameter, mm; NaN without outer wall
}

// undefined returns measures of NaN.
func undefined() Measures {
	var m Measures
	for _, x := range []*float64{
		&m.From, &m.To, &m.Length, &m.Plaque, &m.LowAttenuation, &m.FibroFatty, &m.Fibrous, &m.Calcified, &m.PercentAtheroma,
		&m.DiameterStenosis, &m.AreaStenosis, &m.StenosisAt, &m.Reference, &m.MinLumenArea, &m.MinLumenAt, &m.MinLumenDiameter,
		&m.Remodelling, &m.Burden, &m.BurdenAt, &m.MeanBurden, &m.WallMax, &m.Eccentricity, &m.Curvature, &m.Cap, &m.CapAt,
		&m.Proximal.S, &m.Proximal.Lumen, &m.Proximal.Wall, &m.Distal.S, &m.Distal.Lumen, &m.Distal.Wall,
	} {
		*x = math.NaN()
	}
	return m
}

// Measure returns the measures of plaque p on its vessel v, or of the whole
// artery if p is nil. tissue covers the vessel; nil stands for the tissue of p.
// v may be nil if the vessel could not be traced: then only volumes are known.
//
// With reference diameters D_p at s_p and D_d at s_d, means over the plaque-free
// sections next to the lesion, the reference at s is linear in between, so that
// a vessel that tapers evenly has no stenosis:
//
//	D_ref(s) = D_p + (D_d − D_p)(s − s_p)/(s_d − s_p)                  (C.1)
//	DS = 100 max_s (1 − D(s)/D_ref(s)),  AS = 100 max_s (1 − A(s)/(¼π D_ref²))   (C.2)
//
// D is the equivalent diameter 2√(A/π). Where only one side has a reference it
// is used as it is. An artery has the largest stenosis, burden and remodelling
// of its lesions, which are the runs of sections with plaque.
func Measure(v *Vessel, tissue *imaging.Labels, p *Plaque) Measures {
	m := undefined()
	if tissue == nil && p != nil {
		tissue = p.Tissue
	}
	m.volumes(tissue, p)
	if p != nil {
		m.From, m.To = p.From, p.To
	} else if v != nil && len(v.Nodes) > 1 {
		m.From, m.To = v.Nodes[0].S, v.Nodes[len(v.Nodes)-1].S
	}
	m.Length = m.To - m.From
	if v == nil || len(v.Nodes) < 2 || math.IsNaN(m.Length) {
		return m
	}
	comp := v.Compositions(tissue)
	m.lumen(v)
	m.wall(v)
	m.cap(v, tissue, p)
	if p != nil {
		m.lesion(v, comp, tissue != nil)
		return m
	}
	for _, r := range lesions(v, comp) {
		l := undefined()
		l.From, l.To = r[0], r[1]
		l.lesion(v, comp, true)
		if l.DiameterStenosis > m.DiameterStenosis || math.IsNaN(m.DiameterStenosis) {
			m.DiameterStenosis, m.StenosisAt, m.Reference = l.DiameterStenosis, l.StenosisAt, l.Reference
		}
		m.AreaStenosis = fmax(m.AreaStenosis, l.AreaStenosis)
		m.Remodelling = fmax(m.Remodelling, l.Remodelling)
		if l.Burden > m.Burden || math.IsNaN(m.Burden) {
			m.Burden, m.BurdenAt = l.Burden, l.BurdenAt
		}
	}
	return m
}

// fmax is the larger of a and b, ignoring NaN.
func fmax(a, b float64) float64 {
	if math.IsNaN(a) || b > a {
		return b
	}
	return a
}

// volumes counts voxels: the mask of p for its volume, and tissue (inside the
// mask of p, if there is one) for the classes.
func (m *Measures) volumes(tissue *imaging.Labels, p *Plaque) {
	if p != nil && p.Mask != nil {
		m.Plaque = p.Mask.VolumeMM3()
		if p.Tissue != nil { // same grid as the mask, so that the classes add up
			tissue = p.Tissue
		}
	}
	if tissue == nil {
		return
	}
	var count [imaging.NumTissues]int
	for n, c := range tissue.Class {
		if p != nil && p.Mask != nil && tissue == p.Tissue && !p.Mask.In[n] {
			continue
		}
		count[c]++
	}
	volume := func(t imaging.Tissue) float64 { return float64(count[t]) * tissue.VoxelVolume() }
	m.LowAttenuation, m.FibroFatty = volume(imaging.LowAttenuation), volume(imaging.FibroFatty)
	m.Fibrous, m.Calcified = volume(imaging.Fibrous), volume(imaging.Calcified)
	if p == nil {
		m.Plaque = m.LowAttenuation + m.FibroFatty + m.Fibrous + m.Calcified
	}
}

// within calls f with every section of the interval; the nearest one if the
// interval lies between two.
func (m *Measures) within(v *Vessel, f func(n int, s *Section)) {
	found := false
	for n := range v.Sections {
		if s := &v.Sections[n]; s.S >= m.From && s.S <= m.To {
			found = true
			f(n, s)
		}
	}
	if found {
		return
	}
	best := -1
	for n := range v.Sections {
		if best < 0 || math.Abs(v.Sections[n].S-(m.From+m.To)/2) < math.Abs(v.Sections[best].S-(m.From+m.To)/2) {
			best = n
		}
	}
	if best >= 0 {
		f(best, &v.Sections[best])
	}
}

// lumen finds the smallest lumen and the mean curvature.
func (m *Measures) lumen(v *Vessel) {
	m.within(v, func(_ int, s *Section) {
		if len(s.Lumen.Points) < 3 {
			return
		}
		if a := s.Lumen.Area(); a < m.MinLumenArea || math.IsNaN(m.MinLumenArea) {
			m.MinLumenArea, m.MinLumenAt = a, s.S
			m.MinLumenDiameter = 2 * math.Sqrt(a/math.Pi)
		}
	})
	c := v.Centerline.Resample(0.5)
	c = c.Smooth(2)
	sum, n := 0.0, 0
	for i, k := range c.Curvature() {
		if s := v.Nodes[0].S + c.Nodes[i].S; s >= m.From && s <= m.To {
			sum += k
			n++
		}
	}
	if n > 0 {
		m.Curvature = sum / float64(n)
	}
}

// wall finds mean burden, wall thickness and the share of atheroma.
func (m *Measures) wall(v *Vessel) {
	var burden, area float64
	n := 0
	m.within(v, func(_ int, s *Section) {
		if !s.Complete() {
			return
		}
		n++
		burden += s.Burden()
		area += s.Wall.Area()
		if thin, thick := s.WallThickness(64); thick > m.WallMax || math.IsNaN(m.WallMax) {
			m.WallMax = thick
			m.Eccentricity = (thick - thin) / thick
		}
	})
	if n == 0 {
		return
	}
	m.MeanBurden = burden / float64(n)
	if volume := area / float64(n) * m.Length; volume > 0 {
		m.PercentAtheroma = 100 * m.Plaque / volume
	}
}

// lesion finds references, stenosis, burden and remodelling of the interval.
func (m *Measures) lesion(v *Vessel, comp []Composition, known bool) {
	free := func(n int) bool {
		s := &v.Sections[n]
		if len(s.Lumen.Points) < 3 || s.S >= m.From && s.S <= m.To {
			return false
		}
		border := s.Wall
		if len(border.Points) < 3 {
			border = s.Lumen
		}
		return !known || comp[n].Plaque() <= plaqueFree*border.Area()
	}
	m.Proximal, m.Distal = reference(v, m.From, -1, free), reference(v, m.To, +1, free)

	ref := func(s float64) float64 { return math.NaN() }
	p, d := m.Proximal, m.Distal
	switch {
	case p.Sections > 0 && d.Sections > 0:
		ref = func(s float64) float64 { return p.Lumen + (d.Lumen-p.Lumen)*(s-p.S)/(d.S-p.S) }
	case p.Sections > 0:
		ref = func(float64) float64 { return p.Lumen }
	case d.Sections > 0:
		ref = func(float64) float64 { return d.Lumen }
	}
	outer := math.NaN()
	m.within(v, func(_ int, s *Section) {
		if len(s.Lumen.Points) > 2 {
			q := s.LumenDiameter() / ref(s.S)
			if ds := 100 * max(0, 1-q); ds > m.DiameterStenosis || math.IsNaN(m.DiameterStenosis) {
				m.DiameterStenosis, m.AreaStenosis = ds, 100*max(0, 1-q*q)
				m.StenosisAt, m.Reference = s.S, ref(s.S)
			}
		}
		if !s.Complete() {
			return
		}
		if b := s.Burden(); b > m.Burden || math.IsNaN(m.Burden) {
			m.Burden, m.BurdenAt = b, s.S
		}
		outer = fmax(outer, s.WallDiameter())
	})
	switch {
	case p.Wall > 0 && d.Wall > 0:
		m.Remodelling = outer / ((p.Wall + d.Wall) / 2)
	case p.Wall > 0:
		m.Remodelling = outer / p.Wall
	case d.Wall > 0:
		m.Remodelling = outer / d.Wall
	}
}

// reference averages the nearest free sections on one side of s (direction −1
// or +1) beyond the transition, or within it if there is no other: those within
// referenceSpan of the first, none farther away than referenceReach.
func reference(v *Vessel, s float64, direction int, free func(n int) bool) Reference {
	r := referenceBeyond(v, s, direction, transition, free)
	if r.Sections == 0 {
		r = referenceBeyond(v, s, direction, 0, free)
	}
	return r
}

// referenceBeyond averages the sections that are more than gap away from s.
func referenceBeyond(v *Vessel, s float64, direction int, gap float64, free func(n int) bool) Reference {
	r := Reference{S: math.NaN(), Lumen: math.NaN(), Wall: math.NaN()}
	var sum, lumen, wall, first float64
	walls := 0
	n := 0
	if direction < 0 {
		n = len(v.Sections) - 1
	}
	for ; n >= 0 && n < len(v.Sections); n += direction {
		x := &v.Sections[n]
		away := float64(direction) * (x.S - s)
		if away <= gap {
			continue
		}
		if away > referenceReach || r.Sections > 0 && away > first+referenceSpan {
			break
		}
		if !free(n) {
			continue
		}
		if r.Sections == 0 {
			first = away
		}
		r.Sections++
		sum += x.S
		lumen += x.LumenDiameter()
		if len(x.Wall.Points) > 2 {
			wall += x.WallDiameter()
			walls++
		}
	}
	if r.Sections > 0 {
		r.S, r.Lumen = sum/float64(r.Sections), lumen/float64(r.Sections)
	}
	if walls > 0 {
		r.Wall = wall / float64(walls)
	}
	return r
}

// lesions returns the intervals of v with plaque.
func lesions(v *Vessel, comp []Composition) [][2]float64 {
	var runs [][2]float64
	for n := range v.Sections {
		s := &v.Sections[n]
		border := s.Wall
		if len(border.Points) < 3 {
			border = s.Lumen
		}
		if len(border.Points) < 3 || comp[n].Plaque() <= plaqueFree*border.Area() {
			continue
		}
		if m := len(runs); m > 0 && s.S-runs[m-1][1] <= lesionGap {
			runs[m-1][1] = s.S
		} else {
			runs = append(runs, [2]float64{s.S, s.S})
		}
	}
	kept := runs[:0]
	for _, r := range runs {
		if r[1]-r[0] >= lesionLeast {
			kept = append(kept, r)
		}
	}
	return kept
}

// cap finds the least tissue between lumen and a low attenuation core.
func (m *Measures) cap(v *Vessel, tissue *imaging.Labels, p *Plaque) {
	if p != nil && p.Tissue != nil {
		tissue = p.Tissue
	}
	if tissue == nil || len(v.Sections) == 0 {
		return
	}
	core := lowAttenuation(tissue)
	for n, in := range core {
		if !in || p != nil && p.Mask != nil && tissue == p.Tissue && !p.Mask.In[n] {
			continue
		}
		i, j, k := tissue.Coords(n)
		at := tissue.Point(float64(i), float64(j), float64(k))
		s, _ := v.Project(at)
		sec := v.Nearest(s)
		if sec == nil {
			continue
		}
		d := r3.Sub(at, sec.Frame.Origin)
		q := r2.Vec{X: r3.Dot(d, sec.Frame.N), Y: r3.Dot(d, sec.Frame.B)}
		if c := max(0, sec.Lumen.Distance(q)); c < m.Cap || math.IsNaN(m.Cap) {
			m.Cap, m.CapAt = c, sec.S
		}
	}
	m.CapBelowVoxel = m.Cap < resolvable*max(tissue.Spacing[0], tissue.Spacing[1], tissue.Spacing[2])
}

// Nearest returns the section with a lumen nearest to s, nil if there is none
// within a millimetre.
func (v *Vessel) Nearest(s float64) *Section {
	var best *Section
	for n := range v.Sections {
		x := &v.Sections[n]
		if len(x.Lumen.Points) > 2 && math.Abs(x.S-s) <= 1 && (best == nil || math.Abs(x.S-s) < math.Abs(best.S-s)) {
			best = x
		}
	}
	return best
}

// lowAttenuation marks low attenuation voxels that hang together, by faces,
// edges or corners, in a volume of at least speck.
func lowAttenuation(tissue *imaging.Labels) []bool {
	core := imaging.NewMask(tissue.Grid)
	for n, c := range tissue.Class {
		core.In[n] = c == imaging.LowAttenuation
	}
	labels, sizes := imaging.Components(core, imaging.Corners)
	for n, l := range labels {
		core.In[n] = l > 0 && float64(sizes[l-1])*tissue.VoxelVolume() >= speck
	}
	return core.In
}
