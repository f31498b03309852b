package material

import (
	"math"
	"slices"
)

// BulkOverShear is the bulk modulus of published incompressible laws in units of
// their shear modulus at small strain: ν = 0.495.
const BulkOverShear = 100

// Published is a row of the library of finite strain.
type Published struct {
	Name   string // "teng2014_fibrous"
	Tissue string // in words
	Law    Law    // with a bulk modulus of BulkOverShear, since the sources assume incompressibility
	// Angle is between the fibres, two families, and the hoop direction, rad; NaN
	// without fibres.
	Angle  float64
	Source string
}

// published holds the constants of the specification's table ("fem.md", section
// 2), whose sources were not re-read here. Lally's stenotic plaque
// has a negative C10; with its other constants it passes [Stable] all the same.
var published = func() (rows []Published) {
	row := func(name, tissue string, angle float64, l Law, source string) {
		rows = append(rows, Published{name, tissue, l, angle, source})
	}
	poly := func(p Polynomial) Polynomial { p.K = BulkOverShear * p.Shear(); return p }
	exp := func(c1, d1, d2 float64) Exponential {
		e := Exponential{C1: c1, D1: d1, D2: d2}
		e.K = BulkOverShear * e.Shear()
		return e
	}
	hgo := func(mu, k1, k2, kappa float64) HGO {
		return HGO{C10: mu / 2, K1: k1, K2: k2, Kappa: kappa, K: BulkOverShear * mu}
	}
	none := math.NaN()
	const tang, teng = "Tang et al. 2004 to 2014", "Teng et al. 2014; Costopoulos et al. 2017, 2019"
	row("tang2004_wall", "wall and fibrous plaque", none, exp(36.8, 14.4, 2), tang)
	row("tang2004_calcification", "calcification", none, exp(368, 144, 2), tang)
	row("tang2004_lipid", "lipid core", none, exp(2, 2, 1.5), tang)
	row("teng2014_wall", "wall", none, exp(0.138, 3.833, 18.803), teng)
	row("teng2014_fibrous", "fibrous plaque", none, exp(0.186, 5.769, 18.219), teng)
	row("teng2014_lipid", "lipid core", none, exp(0.046, 4.885, 5.426), teng)
	row("teng2014_calcium", "calcification", none, exp(1.147e5, 7.673e4, 2.838e-8), teng)
	// Holzapfel 2005 weighs Ī₁ against Ī₄ by ρ; here 1 − ρ = 3κ gives the same Q to
	// first order in both.
	const holzapfel = "Holzapfel et al. 2005, coronary layers, ρ as dispersion κ = (1 − ρ)/3"
	row("holzapfel2005_intima", "intima, diseased", deg(60.3), hgo(27.90, 263.66, 170.88, (1-0.51)/3), holzapfel)
	row("holzapfel2005_media", "media", deg(20.6), hgo(1.27, 21.60, 8.21, (1-0.25)/3), holzapfel)
	row("holzapfel2005_adventitia", "adventitia", deg(67.0), hgo(7.56, 38.57, 85.03, (1-0.55)/3), holzapfel)
	row("gasser2006_adventitia", "adventitia, iliac", deg(49.98), hgo(7.64, 996.6, 524.6, 0.226), "Gasser, Ogden and Holzapfel 2006")
	row("lally2005_artery", "artery", none, poly(Polynomial{C10: 18.90, C01: 2.75, C20: 590.43, C11: 85.72}), "Lally, Dolan and Prendergast 2005")
	row("lally2005_plaque", "stenotic plaque", none, poly(Polynomial{C10: -495.96, C01: 506.61, C20: 3637.8, C11: 1193.53, C30: 4737.25}), "Lally, Dolan and Prendergast 2005")
	row("neo_hookean_lipid", "lipid core", none, NeoHookean(0.75, BulkOverShear*1.5), "C10 of 0.5 to 1 kPa in many plaque models")
	return rows
}()

func deg(a float64) float64 { return a * math.Pi / 180 }

// PublishedLaws returns the library of finite strain.
func PublishedLaws() []Published { return slices.Clone(published) }

// PublishedLaw returns the row of that name.
func PublishedLaw(name string) (Published, bool) {
	n := slices.IndexFunc(published, func(p Published) bool { return p.Name == name })
	if n < 0 {
		return Published{}, false
	}
	return published[n], true
}
