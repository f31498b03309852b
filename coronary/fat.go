package coronary

import (
	"math"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// The window of adipose tissue, HU (Antonopoulos et al., Sci Transl Med
// 9(398):eaal2658, 2017).
const (
	fatLow  = -190.0
	fatHigh = -30.0
)

// fatShell is the thickness of the shells of a radial profile, mm.
const fatShell = 1.0

// fatFactor is the mean attenuation of pericoronary fat at a tube voltage over
// that at 120 kV (phantom study, Eur Radiol 33:2324, 2023).
var fatFactor = map[float64]float64{80: 1.267, 100: 1.080, 120: 1, 140: 0.947}

// Fat is the attenuation of pericoronary adipose tissue around a stretch of an
// artery. What is not defined is NaN.
type Fat struct {
	From, To float64 // arc length, mm
	// Diameter is the mean outer diameter of that stretch, mm, and how far from
	// the outer wall the tissue reaches.
	Diameter float64
	MeanHU   float64 // of voxels from −190 to −30 HU
	SDHU     float64
	// Mean120HU is MeanHU corrected to 120 kV; NaN for a tube voltage without a
	// published factor.
	Mean120HU float64
	Volume    float64    // of the voxels in the window, mm³
	Share     float64    // of all voxels within reach that are in the window, percent
	Profile   []FatShell // by distance from the outer wall
	// FromLumen says that no outer wall was known, so that distances and diameter
	// are those of the lumen.
	FromLumen bool
}

// FatShell is the tissue between two distances from the outer wall.
type FatShell struct {
	From, To float64 // mm
	MeanHU   float64
	Voxels   int
}

// FatSpan returns the stretch over which the literature measures pericoronary
// fat, mm from the ostium: 10 to 50 of the RCA, whose origin is left out
// because of the aorta, and the first 40 of LAD and LCX. ok is false for
// other arteries.
func FatSpan(a Artery) (from, to float64, ok bool) {
	switch a {
	case RCA:
		return 10, 50, true
	case LAD, LCX:
		return 0, 40, true
	}
	return 0, 0, false
}

// PericoronaryFat measures the fat within one vessel diameter outside the outer
// wall between two arc lengths (the fat attenuation index of Oikonomou et al.,
// Lancet 392(10151):929–939, 2018):
//
//	mean of HU over { voxels: −190 ≤ HU ≤ −30, 0 < d ≤ D }              (C.7)
//
// d is the distance of the voxel centre from the outer wall in the plane across
// the centre-line, D the mean outer diameter of the stretch. exclude, on the
// grid of v, holds voxels of other structures; nil for none. kvp is 0 if
// unknown.
func PericoronaryFat(v *imaging.Volume, vessel *Vessel, from, to float64, exclude *imaging.Mask, kvp float64) Fat {
	f := Fat{From: max(from, 0), To: min(to, vessel.Length()), Diameter: math.NaN(), MeanHU: math.NaN(), SDHU: math.NaN(), Mean120HU: math.NaN(), Volume: math.NaN(), Share: math.NaN()}
	var sections []*Section
	border := func(s *Section) *Contour { return &s.Wall }
	collect := func() {
		for n := range vessel.Sections {
			if s := &vessel.Sections[n]; s.S >= f.From && s.S <= f.To && len(border(s).Points) > 2 {
				sections = append(sections, s)
			}
		}
	}
	if collect(); len(sections) == 0 {
		f.FromLumen = true
		border = func(s *Section) *Contour { return &s.Lumen }
		if collect(); len(sections) == 0 {
			return f
		}
	}
	f.Diameter = 0
	for _, s := range sections {
		f.Diameter += border(s).Diameters().Equivalent / float64(len(sections))
	}
	f.Profile = make([]FatShell, int(math.Ceil(f.Diameter/fatShell)))
	sums := make([]float64, len(f.Profile))
	for n := range f.Profile {
		f.Profile[n] = FatShell{From: float64(n) * fatShell, To: math.Min(float64(n+1)*fatShell, f.Diameter)}
	}
	step := vessel.Length()
	for n := 1; n < len(sections); n++ {
		step = min(step, sections[n].S-sections[n-1].S)
	}
	var sum, squares float64
	fat, all := 0, 0
	near := newNear(sections, border, f.Diameter)
	lo, hi := near.box(&v.Grid)
	for k := lo[2]; k < hi[2]; k++ {
		for j := lo[1]; j < hi[1]; j++ {
			for i := lo[0]; i < hi[0]; i++ {
				p := v.Point(float64(i), float64(j), float64(k))
				s := near.section(p, step)
				if s == nil {
					continue
				}
				o := v.Offset(i, j, k)
				if exclude != nil && exclude.In[o] {
					continue
				}
				d := border(s).Distance(s.plane(p))
				if !(d > 0 && d <= f.Diameter) {
					continue
				}
				all++
				hu := float64(v.Values[o])
				if !(hu >= fatLow && hu <= fatHigh) {
					continue
				}
				fat++
				sum += hu
				squares += hu * hu
				shell := min(int(d/fatShell), len(f.Profile)-1)
				f.Profile[shell].Voxels++
				sums[shell] += hu
			}
		}
	}
	for n := range f.Profile {
		f.Profile[n].MeanHU = sums[n] / float64(f.Profile[n].Voxels) // NaN without voxels
	}
	if all == 0 {
		return f
	}
	f.Share = 100 * float64(fat) / float64(all)
	f.Volume = float64(fat) * v.VoxelVolume()
	if fat > 0 {
		f.MeanHU = sum / float64(fat)
		f.SDHU = math.Sqrt(max(0, squares/float64(fat)-f.MeanHU*f.MeanHU))
		if factor, ok := fatFactor[kvp]; ok {
			f.Mean120HU = f.MeanHU / factor
		}
	}
	return f
}

// plane returns the in-plane coordinates of the projection of p.
func (s *Section) plane(p r3.Vec) r2.Vec {
	d := r3.Sub(p, s.Frame.Origin)
	return r2.Vec{X: r3.Dot(d, s.Frame.N), Y: r3.Dot(d, s.Frame.B)}
}

// near finds the section whose slab holds a point.
type near struct {
	sections []*Section
	reach    float64 // of any border from its centre-line, with the diameter, mm
}

func newNear(sections []*Section, border func(*Section) *Contour, diameter float64) near {
	n := near{sections: sections}
	for _, s := range sections {
		for _, p := range border(s).Points {
			n.reach = max(n.reach, r2.Norm(p))
		}
	}
	n.reach += diameter
	return n
}

// box returns the voxels [lo, hi) that can be within reach.
func (n *near) box(g *imaging.Grid) (lo, hi [3]int) {
	lo = g.Size
	for _, s := range n.sections {
		i, j, k := g.Index(s.Frame.Origin)
		for a, x := range [3]float64{i, j, k} {
			r := n.reach / g.Spacing[a]
			lo[a] = max(0, min(lo[a], int(math.Floor(x-r))))
			hi[a] = min(g.Size[a], max(hi[a], int(math.Ceil(x+r))+1))
		}
	}
	return lo, hi
}

// section returns the section nearest to p whose slab of the given thickness,
// mm, holds p; nil if there is none. On the inside of a bend slabs overlap: the
// nearest centre decides.
func (n *near) section(p r3.Vec, thickness float64) *Section {
	var best *Section
	least := n.reach * n.reach
	for _, s := range n.sections {
		d := r3.Sub(p, s.Frame.Origin)
		if q := r3.Norm2(d); q <= least && math.Abs(r3.Dot(d, s.Frame.T)) <= thickness {
			best, least = s, q
		}
	}
	return best
}
