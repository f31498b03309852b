package coronary

import (
	"math"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// The limits of the signs of a high-risk plaque.
const (
	lowHU          = 30.0  // low attenuation lies below, HU
	positive       = 1.1   // remodelling index from which remodelling is positive
	spotty         = 3.0   // length below which calcium is spotty, mm
	ringHU         = 130.0 // the rim of a napkin ring stays below, HU
	ringContrast   = 25.0  // and exceeds the core by at least this, HU
	ringCover      = 0.75  // of the core's rays with a rim outside it
	ringContact    = 0.6   // distance from the lumen at which a core still seems to touch it, mm
	ringLength     = 1.0   // length of artery that must show it, mm
	ringStep       = 0.2   // of the samples along a ray, mm
	ringRays       = 72
	ringLeastSteps = 2 // samples of core on a ray, so that a single noisy one does not count
)

// Signs are the four signs of a high-risk plaque of CAD-RADS 2.0.
type Signs struct {
	// LowAttenuation: at least one voxel of the plaque is below 30 HU (Motoyama et
	// al., J Am Coll Cardiol 54(1):49–57, 2009). LowVolume is the volume of such
	// voxels, mm³, for those who ask for more than one.
	LowAttenuation Known
	LowVolume      float64
	// PositiveRemodelling: the remodelling index is 1.1 or more.
	PositiveRemodelling Known
	// SpottyCalcium: a calcification less than 3 mm long in every direction within
	// tissue that is not calcified (Motoyama et al., 2009). Spots counts those of
	// 0.2 mm³ or more, so that a noisy voxel is none.
	SpottyCalcium Known
	Spots         int
	// NapkinRing: a core of low attenuation that seems to touch the lumen, with a
	// rim of higher attenuation around it, no more than 130 HU, over at least a
	// millimetre of artery (Maurovich-Horvat et al., JACC Cardiovasc Imaging
	// 5(12):1243–1252, 2012). NapkinLength is that length, mm.
	NapkinRing   Known
	NapkinLength float64
	// Unknown says why signs could not be looked for.
	Unknown []string
}

// Count returns the number of signs that were found, 0 to 4.
func (s *Signs) Count() int {
	n := 0
	for _, x := range []Known{s.LowAttenuation, s.PositiveRemodelling, s.SpottyCalcium, s.NapkinRing} {
		if x == Yes {
			n++
		}
	}
	return n
}

// HighRisk tells whether there are at least two signs.
func (s *Signs) HighRisk() bool { return s.Count() >= 2 }

// FindSigns looks for the signs in plaque p of vessel v, whose measures are m,
// on the CT ct. v may be nil if it could not be traced.
func FindSigns(ct *imaging.Volume, v *Vessel, p *Plaque, m *Measures) Signs {
	var s Signs
	s.lowAttenuation(ct, p)
	if math.IsNaN(m.Remodelling) {
		s.Unknown = append(s.Unknown, "positive remodelling: no remodelling index")
	} else {
		s.PositiveRemodelling = known(m.Remodelling >= positive)
	}
	if p.Tissue == nil {
		s.Unknown = append(s.Unknown, "spotty calcium: no tissue classes")
	} else {
		s.spots(p)
	}
	if v == nil || math.IsNaN(p.From) {
		s.Unknown = append(s.Unknown, "napkin ring: no cross-sections")
	} else {
		s.napkin(ct, v, p)
	}
	return s
}

// known returns the answer to a question that could be asked.
func known(yes bool) Known {
	if yes {
		return Yes
	}
	return No
}

// lowAttenuation counts the voxels of the plaque below 30 HU.
func (s *Signs) lowAttenuation(ct *imaging.Volume, p *Plaque) {
	if p.Mask == nil {
		s.Unknown = append(s.Unknown, "low attenuation: no mask")
		return
	}
	n := 0
	for o, in := range p.Mask.In {
		if !in {
			continue
		}
		i, j, k := p.Mask.Coords(o)
		if hu, ok := ct.Sample(p.Mask.Point(float64(i), float64(j), float64(k))); ok && hu < lowHU {
			n++
		}
	}
	s.LowVolume = float64(n) * p.Mask.VoxelVolume()
	s.LowAttenuation = known(n > 0)
}

// spots finds calcifications that are short in every direction, measured over
// whole voxels, beside other plaque.
func (s *Signs) spots(p *Plaque) {
	calcium, other := imaging.NewMask(p.Tissue.Grid), false
	for o, c := range p.Tissue.Class {
		if p.Mask != nil && len(p.Mask.In) == len(p.Tissue.Class) && !p.Mask.In[o] {
			continue
		}
		calcium.In[o] = c == imaging.Calcified
		other = other || c.IsPlaque() && c != imaging.Calcified
	}
	if !other {
		s.SpottyCalcium = No
		return
	}
	labels, sizes := imaging.Components(calcium, imaging.Corners)
	points := make([][]r3.Vec, len(sizes))
	for o, l := range labels {
		if l > 0 {
			i, j, k := calcium.Coords(o)
			points[l-1] = append(points[l-1], calcium.Point(float64(i), float64(j), float64(k)))
		}
	}
	voxel := calcium.MinSpacing()
	for _, ps := range points {
		if float64(len(ps))*calcium.VoxelVolume() >= speck && extent(ps)+voxel < spotty {
			s.Spots++
		}
	}
	s.SpottyCalcium = known(s.Spots > 0)
}

// extent returns the largest distance between two of the points, +Inf where
// they are so many that they fill more than a spot.
func extent(ps []r3.Vec) float64 {
	const most = 4096
	if len(ps) > most {
		return math.Inf(1)
	}
	var best float64
	for n, a := range ps {
		for _, b := range ps[:n] {
			best = max(best, r3.Norm2(r3.Sub(a, b)))
		}
	}
	return math.Sqrt(best)
}

// napkin adds up the length of the sections in a row that show a ring.
func (s *Signs) napkin(ct *imaging.Volume, v *Vessel, p *Plaque) {
	run, complete := 0.0, false
	last := math.Inf(-1)
	for n := range v.Sections {
		x := &v.Sections[n]
		if x.S < p.From || x.S > p.To || !x.Complete() {
			continue
		}
		complete = true
		if !ring(ct, x) {
			run = 0
			continue
		}
		step := x.S - last
		if run == 0 || step > 2*ringLength {
			step = sectionLength(v, n)
		}
		run += step
		last = x.S
		s.NapkinLength = max(s.NapkinLength, run)
	}
	if !complete {
		s.Unknown = append(s.Unknown, "napkin ring: no section with lumen and outer wall")
		return
	}
	s.NapkinRing = known(s.NapkinLength >= ringLength)
}

// sectionLength returns the length of artery that section n stands for, mm.
func sectionLength(v *Vessel, n int) float64 {
	switch {
	case len(v.Sections) < 2:
		return 0
	case n == 0:
		return v.Sections[1].S - v.Sections[0].S
	}
	return v.Sections[n].S - v.Sections[n-1].S
}

// ring tells whether a section shows a core that touches the lumen with a rim
// around it. Along rays from the lumen the core is the samples below 30 HU that
// begin next to the lumen, the rim what follows up to the outer wall.
func ring(ct *imaging.Volume, x *Section) bool {
	c := x.Lumen.Centroid()
	var core, rim float64
	var cores, rims, rays, covered int
	for n := range ringRays {
		th := 2 * math.Pi * float64(n) / ringRays
		sin, cos := math.Sincos(th)
		from, to := x.Lumen.RadiusAt(c, th), x.Wall.RadiusAt(c, th)
		if math.IsNaN(from) || math.IsNaN(to) {
			continue
		}
		var inner, outer float64
		in, out := 0, 0
		for d := ringStep / 2; from+d < to; d += ringStep {
			hu, ok := ct.Sample(x.Frame.Point(r2.Add(c, r2.Vec{X: (from + d) * cos, Y: (from + d) * sin})))
			switch {
			case !ok:
			case out == 0 && hu < lowHU && (in > 0 || d <= ringContact):
				inner += hu
				in++
			case in > 0:
				outer += hu
				out++
			}
		}
		if in < ringLeastSteps {
			continue
		}
		rays++
		core += inner
		cores += in
		if out > 0 {
			if mean := outer / float64(out); mean <= ringHU && mean >= inner/float64(in)+ringContrast {
				covered++
				rim += outer
				rims += out
			}
		}
	}
	// A core of a few degrees is noise.
	return rays >= ringRays/12 && rims > 0 && float64(covered) >= ringCover*float64(rays) && rim/float64(rims)-core/float64(cores) >= ringContrast
}
