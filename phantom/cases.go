package phantom

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// Size is how much of a heart a phantom shows.
type Size string

// The sizes of phantoms.
const (
	Full      Size = "full"  // 512×512×256 voxels or more: LM, LAD, LCX and RCA in a whole heart
	SmallSize Size = "small" // a piece of heart with one to three arteries of about 30 mm
)

// Patient is a phantom before it is scanned. Its fields may be changed before
// it is scanned or written.
type Patient struct {
	Name      string
	Seed      uint64
	Size      Size
	Sex       string // "F" or "M"
	Age       int    // years
	Scanner   Scanner
	Materials Materials
	Grid      imaging.Grid

	heart    heart
	arteries []*Artery // stems
	branches []*Artery // side branches; see [Tree]
}

// Arteries returns the arteries in the order of every table.
func (p *Patient) Arteries() []*Artery { return p.arteries }

// Branches returns the side branches, which have no plaques. Only the patients of
// [Tree] have any.
func (p *Patient) Branches() []*Artery { return p.branches }

// tubes returns the stems and after them the side branches.
func (p *Patient) tubes() []*Artery { return slices.Concat(p.arteries, p.branches) }

// Voxels of a coronary CT: 0.39×0.39 mm, slices of 0.8 mm every 0.4 mm, as in
// published plaque scans.
var voxel = [3]float64{0.39, 0.39, 0.4}

// newPatient returns a patient without plaques.
func newPatient(name string, seed uint64, size Size, sex string, names []coronary.Artery) *Patient {
	rng := rand.New(rand.NewPCG(seed, streamAnatomy))
	p := &Patient{Name: name, Seed: seed, Size: size, Sex: sex, Age: 62, Scanner: DefaultScanner(), Materials: DefaultMaterials()}
	var an anatomy
	if size == Full {
		an = fullAnatomy(rng, sex == "F")
		p.Grid = an.grid([3]int{512, 512, 256}, voxel)
	} else {
		an = smallAnatomy(rng, sex == "F", names)
		p.Grid = an.grid([3]int{64, 64, 72}, voxel)
	}
	p.heart, p.arteries = an.heart, an.arteries
	return p
}

// Add puts plaques on an artery, in order of their centres. It refuses plaques
// that overlap, leave the artery or have no room for their parts.
func (p *Patient) Add(name coronary.Artery, plaques ...*Plaque) error {
	for _, a := range p.arteries {
		if a.Artery != name {
			continue
		}
		var errs []error
		for n, q := range plaques {
			if err := q.check(a); err != nil {
				errs = append(errs, fmt.Errorf("%s plaque %d: %w", name, n+1, err))
			}
			if n > 0 && plaques[n-1].Center+plaques[n-1].Length/2 > q.Center-q.Length/2 {
				errs = append(errs, fmt.Errorf("%s plaques %d and %d: overlap or not in order", name, n, n+1))
			}
		}
		if len(plaques) > 16 {
			errs = append(errs, fmt.Errorf("%s: %d plaques, at most 16", name, len(plaques)))
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		a.Plaques = plaques
		for _, q := range plaques {
			q.attach(a)
		}
		return nil
	}
	return fmt.Errorf("%s: not an artery of this patient", name)
}

// check reports why p cannot lie on a.
func (p *Plaque) check(a *Artery) error {
	var errs []error
	bad := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(p.Length >= 2 && p.Length <= 60, "length %g mm: must be 2 to 60", p.Length)
	bad(p.Center-p.Length/2 >= 0 && p.Center+p.Length/2 <= a.Length(), "from %.1f to %.1f mm: outside the artery of %.1f mm",
		p.Center-p.Length/2, p.Center+p.Length/2, a.Length())
	bad(p.Stenosis >= 0 && p.Stenosis <= 0.9, "stenosis %g: must be 0 to 0.9", p.Stenosis)
	bad(p.Remodelling >= 0.8 && p.Remodelling <= 1.8, "remodelling %g: must be 0.8 to 1.8", p.Remodelling)
	bad(p.Eccentricity >= 0 && p.Eccentricity <= 1, "eccentricity %g: must be 0 to 1", p.Eccentricity)
	bad(p.Cap >= 0.01 && p.Cap <= 1, "cap %g mm: must be 0.01 to 1", p.Cap)
	bad(p.CoreLength > 0 && p.CoreLength <= 1, "core length %g: must be above 0 and up to 1", p.CoreLength)
	for _, x := range []float64{p.CoreShare, p.CalciumShare, p.FibroFattyShare} {
		bad(x >= 0 && x <= 0.95, "tissue share %g: must be 0 to 0.95", x)
	}
	if len(errs) == 0 {
		r0 := a.HealthyRadius(p.Center)
		grow := r0*p.Stenosis + (r0+a.Wall)*(p.Remodelling-1)
		bad(grow*(1+p.Eccentricity) > Thickening*1.2, "the wall grows by %.2f mm only: no plaque", grow*(1+p.Eccentricity))
		reach := (r0+a.Wall)*p.Remodelling + p.Eccentricity*grow
		bend := a.bend(p.Center-p.Length/2, p.Center+p.Length/2)
		bad(reach*bend < 0.8, "reaches %.2f mm from the centre-line: too far for its bend of radius %.2f mm", reach, 1/bend)
	}
	return errors.Join(errs...)
}

// bend returns the largest curvature between two arc lengths, 1/mm.
func (a *Artery) bend(from, to float64) float64 {
	var k float64
	for s := from; s <= to; s += curveStep {
		k = max(k, math.Hypot(a.curve.curvature(s)))
	}
	return k
}

// defaultHU returns the means of the generator.
func defaultHU() TissueHU { return TissueHU{Core: 10, FibroFatty: 50, Fibrous: 95, Calcium: 700} }

// Demo returns the patient of `make demo`: full size, four plaques in three
// arteries. LAD-1 has a large core under a thin cap and positive remodelling,
// LAD-2 is mixed, LCX-1 fibrous and RCA-1 calcified.
func Demo() *Patient {
	p := newPatient("demo", 20261123, Full, "M", nil)
	p.Age = 61
	must(p.Add(coronary.LAD,
		&Plaque{Center: 19, Length: 16, Stenosis: 0.34, Remodelling: 1.19, Eccentricity: 0.95, Angle: 0.7,
			Cap: 0.058, CoreShare: 0.28, FibroFattyShare: 0.36, CalciumShare: 0.02, CoreLength: 0.75,
			Calcium: []Calcification{{At: 4.2, Angle: 0.9, Depth: 0.6, Length: 0.7, Arc: 0.5, Thick: 0.35}}, HU: defaultHU()},
		&Plaque{Center: 41, Length: 14, Stenosis: 0.45, Remodelling: 1.10, Eccentricity: 0.8, Angle: 2.4,
			Cap: 0.19, CoreShare: 0.14, FibroFattyShare: 0.30, CalciumShare: 0.20, CoreLength: 0.6,
			Calcium: []Calcification{{At: -2, Angle: 0.5, Depth: 0.65, Length: 1.6, Arc: 0.9, Thick: 0.4}, {At: 2.6, Angle: -0.6, Depth: 0.6, Length: 1.1, Arc: 0.7, Thick: 0.4}}, HU: defaultHU()}))
	must(p.Add(coronary.LCX,
		&Plaque{Center: 20, Length: 13, Stenosis: 0.30, Remodelling: 1.04, Eccentricity: 0.75, Angle: -1.2,
			Cap: 0.30, CoreShare: 0, FibroFattyShare: 0.15, CalciumShare: 0, CoreLength: 0.5, HU: defaultHU()}))
	must(p.Add(coronary.RCA,
		&Plaque{Center: 34, Length: 18, Stenosis: 0.40, Remodelling: 1.06, Eccentricity: 0.85, Angle: 1.9,
			Cap: 0.25, CoreShare: 0.04, FibroFattyShare: 0.15, CalciumShare: 0.46, CoreLength: 0.5,
			Calcium: []Calcification{{At: -1.5, Angle: 0, Depth: 0.55, Length: 3.0, Arc: 1.5, Thick: 0.5}, {At: 3.4, Angle: 0.4, Depth: 0.6, Length: 1.8, Arc: 1.1, Thick: 0.5}}, HU: defaultHU()}))
	return p
}

// Small returns a patient of two short arteries with one plaque each for
// tests: a soft one with a core in the LAD and a mixed one in the RCA, drawn
// around their types with the seed.
func Small(seed uint64) *Patient {
	p := newPatient(fmt.Sprintf("small-%d", seed), seed, SmallSize, "M", []coronary.Artery{coronary.LAD, coronary.RCA})
	rng := rand.New(rand.NewPCG(seed, streamPlaques))
	vary := func(x, by float64) float64 { return x + by*(2*rng.Float64()-1) }
	p.Materials.Lumen = vary(400, 40)
	must(p.Add(coronary.LAD, &Plaque{Center: vary(14, 1), Length: vary(13, 1), Stenosis: vary(0.34, 0.05), Remodelling: vary(1.18, 0.04),
		Eccentricity: vary(0.9, 0.1), Angle: vary(0, math.Pi), Cap: vary(0.07, 0.02), CoreShare: vary(0.28, 0.05),
		FibroFattyShare: 0.35, CoreLength: 0.7, HU: defaultHU()}))
	must(p.Add(coronary.RCA, &Plaque{Center: vary(14, 1), Length: vary(12, 1), Stenosis: vary(0.38, 0.05), Remodelling: vary(1.06, 0.04),
		Eccentricity: vary(0.8, 0.1), Angle: vary(0, math.Pi), Cap: vary(0.2, 0.05), CoreShare: 0.08,
		FibroFattyShare: 0.25, CalciumShare: vary(0.25, 0.08), CoreLength: 0.5,
		Calcium: []Calcification{{At: vary(-1, 1), Angle: vary(0.3, 0.3), Depth: 0.6, Length: 1.5, Arc: 0.9, Thick: 0.4}}, HU: defaultHU()}))
	return p
}

// must is for the plaques of named cases, whose numbers are written here.
func must(err error) {
	if err != nil {
		panic("phantom: " + err.Error())
	}
}
