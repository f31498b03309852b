package phantom

import (
	"encoding/json"
	"fmt"
	"math"
	"os"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// TruthVersion is the version of truth.json.
const TruthVersion = 1

// Truth is truth.json: everything about a phantom patient that a measurement
// can be compared with. Numbers come from the formulas of the geometry and a
// fine quadrature, never from voxels.
type Truth struct {
	// Version of this format.
	Version int `json:"version"`
	// Name of the patient, "demo" or "P0001".
	Name string `json:"name"`
	// Seed of all randomness.
	Seed uint64 `json:"seed"`
	// Size is "full" or "small".
	Size Size `json:"size"`
	// Sex is "F" or "M"; women have 9 % narrower arteries.
	Sex string `json:"sex"`
	// Age in years; it changes nothing in the image.
	Age int `json:"age_years"`
	// Method says how volumes were computed.
	Method string `json:"method"`
	// Scanner settings.
	Scanner Scanner `json:"scanner"`
	// Materials outside the plaques at 120 kV, before blur.
	Materials Materials `json:"materials_at_120kv"`
	// LumenHU is the CT number of the lumen at the scanner's voltage, before blur.
	LumenHU float64 `json:"lumen_hu"`
	// Grid of the CT.
	Grid TruthGrid `json:"ct_grid"`
	// Arteries in the order LM, LAD, LCX, RCA.
	Arteries []ArteryTruth `json:"arteries"`
}

// TruthGrid is the grid of the CT; its axes are the patient's, LPS.
type TruthGrid struct {
	Size    [3]int     `json:"size_voxels"`
	Spacing [3]float64 `json:"spacing_mm"`
	Origin  [3]float64 `json:"origin_lps_mm"`
}

// ArteryTruth is one artery.
type ArteryTruth struct {
	Artery coronary.Artery `json:"artery"`
	// Length of the centre-line from the ostium or the bifurcation.
	Length float64 `json:"length_mm"`
	// ProximalDiameter and DistalDiameter of the healthy lumen.
	ProximalDiameter float64 `json:"proximal_lumen_diameter_mm"`
	DistalDiameter   float64 `json:"distal_lumen_diameter_mm"`
	// Wall is the healthy wall thickness.
	Wall float64 `json:"wall_thickness_mm"`
	// LumenVolume between the two ends.
	LumenVolume float64 `json:"lumen_volume_mm3"`
	// WallVolume of wall and plaque between the two ends.
	WallVolume float64 `json:"wall_volume_mm3"`
	// MeanCurvature and Tortuosity (length over distance of the ends).
	MeanCurvature float64 `json:"mean_curvature_per_mm"`
	Tortuosity    float64 `json:"tortuosity"`
	// MinLumenArea, DiameterStenosis, Burden and Remodelling are the worst of the
	// plaques; the area is that of the whole artery.
	MinLumenArea     float64 `json:"min_lumen_area_mm2"`
	DiameterStenosis float64 `json:"diameter_stenosis_percent"`
	Burden           float64 `json:"plaque_burden_percent"`
	Remodelling      float64 `json:"remodelling_index"`
	// PlaqueVolume of all plaques.
	PlaqueVolume float64 `json:"plaque_volume_mm3"`
	// Centerline every millimetre, LPS, from s = 0.
	Centerline [][3]float64  `json:"centerline_lps_mm"`
	Plaques    []PlaqueTruth `json:"plaques"`
}

// PlaqueTruth is one plaque.
type PlaqueTruth struct {
	// Name as in the masks: LAD_plaque_1 is "LAD-1".
	Name string `json:"name"`
	// From and To are the arc lengths between which the wall is thickened.
	From float64 `json:"from_mm"`
	To   float64 `json:"to_mm"`
	// ReferenceFrom and ReferenceTo are the healthy sections next to the lesion's
	// profile, between which the reference diameters are interpolated.
	ReferenceFrom float64 `json:"reference_from_mm"`
	ReferenceTo   float64 `json:"reference_to_mm"`
	// Center is the LPS position of the centre-line at the smallest lumen.
	Center [3]float64 `json:"center_lps_mm"`
	// Volume of the plaque and of its tissues.
	Volume           float64 `json:"volume_mm3"`
	CoreVolume       float64 `json:"necrotic_core_volume_mm3"`
	FibroFattyVolume float64 `json:"fibro_fatty_volume_mm3"`
	FibrousVolume    float64 `json:"fibrous_volume_mm3"`
	CalciumVolume    float64 `json:"calcium_volume_mm3"`
	// CoreShare and CalciumShare of the plaque volume.
	CoreShare    float64 `json:"necrotic_core_share"`
	CalciumShare float64 `json:"calcium_share"`
	// CoreLength along the artery and the largest CoreArea in a section.
	CoreLength float64 `json:"necrotic_core_length_mm"`
	CoreArea   float64 `json:"necrotic_core_max_area_mm2"`
	// Cap is the least distance, along a ray, from lumen to core; null without core.
	Cap *float64 `json:"cap_thickness_mm"`
	// Spotty tells whether the calcium is spotty: below 3 mm and a quarter turn.
	Spotty bool `json:"spotty_calcium"`
	// DiameterStenosis and AreaStenosis are max 100(1 − D/D_ref) and
	// 100(1 − A/A_ref), the reference being linear between the reference sections.
	DiameterStenosis float64 `json:"diameter_stenosis_percent"`
	AreaStenosis     float64 `json:"area_stenosis_percent"`
	// MinLumenArea and MinLumenDiameter at MinLumenAt.
	MinLumenArea     float64 `json:"min_lumen_area_mm2"`
	MinLumenDiameter float64 `json:"min_lumen_diameter_mm"`
	MinLumenAt       float64 `json:"min_lumen_at_mm"`
	// ReferenceDiameter of the lumen there.
	ReferenceDiameter float64 `json:"reference_lumen_diameter_mm"`
	// Remodelling is the largest outer diameter over the mean of the outer
	// diameters of the two reference sections.
	Remodelling float64 `json:"remodelling_index"`
	// Burden is the largest 100(1 − lumen area/vessel area).
	Burden float64 `json:"plaque_burden_percent"`
	// WallMax is the largest wall thickness, and Eccentricity
	// (largest − smallest)/largest in its section.
	WallMax      float64 `json:"max_wall_thickness_mm"`
	Eccentricity float64 `json:"eccentricity"`
	// HU are the tissues' CT numbers at 120 kV, before blur.
	HU TissueHU `json:"tissues_at_120kv"`
	// Profile parameters, see the type Plaque.
	ProfileCenter float64 `json:"profile_center_mm"`
	ProfileLength float64 `json:"profile_length_mm"`
	Angle         float64 `json:"direction_rad"`
}

// Truth computes the exact truth.
func (p *Patient) Truth() *Truth {
	mat := p.Materials.at(&p.Scanner)
	t := &Truth{
		Version: TruthVersion, Name: p.Name, Seed: p.Seed, Size: p.Size, Sex: p.Sex, Age: p.Age,
		Method: "closed formulas for sections; volumes by midpoint quadrature in (s, angle, radius) with the " +
			"volume element of the bent tube, 144×96×16 points a plaque, 0.05 mm steps an artery; where arteries " +
			"meet at a bifurcation each is counted whole",
		Scanner: p.Scanner, Materials: p.Materials, LumenHU: mat.Lumen,
		Grid: TruthGrid{Size: p.Grid.Size, Spacing: p.Grid.Spacing, Origin: [3]float64{p.Grid.Origin.X, p.Grid.Origin.Y, p.Grid.Origin.Z}},
	}
	for _, a := range p.arteries {
		t.Arteries = append(t.Arteries, a.truth())
	}
	return t
}

// truth measures the artery. A section of a bent tube whose centroid is off the
// centre-line by d has the volume A·(1 − k·d) ds (Pappus); the lumen is centred.
func (a *Artery) truth() ArteryTruth {
	t := ArteryTruth{
		Artery: a.Artery, Length: a.Length(), ProximalDiameter: a.Proximal, DistalDiameter: a.Distal, Wall: a.Wall,
		MinLumenArea: math.Inf(1),
	}
	const ds = 0.05
	n := int(math.Round(a.Length() / ds))
	for m := range n {
		s := (float64(m) + 0.5) * ds
		c := a.cross(s)
		lumen, vessel := math.Pi*c.lumen*c.lumen, math.Pi*c.outer*c.outer
		kn, kb := a.curve.curvature(s)
		off := 0.0
		if c.plaque != nil {
			off = c.shift * (kn*c.plaque.cos + kb*c.plaque.sin)
		}
		t.LumenVolume += lumen * ds
		t.WallVolume += (vessel*(1-off) - lumen) * ds
		t.MeanCurvature += math.Hypot(kn, kb) / float64(n)
		t.MinLumenArea = min(t.MinLumenArea, lumen)
	}
	first, last := a.curve.at(0), a.curve.at(a.Length())
	t.Tortuosity = a.Length() / math.Sqrt(sq(last.X-first.X)+sq(last.Y-first.Y)+sq(last.Z-first.Z))
	for m := 0; float64(m) <= a.Length(); m++ {
		q := a.curve.at(float64(m))
		t.Centerline = append(t.Centerline, [3]float64{micron(q.X), micron(q.Y), micron(q.Z)})
	}
	t.Plaques = []PlaqueTruth{}
	for m, p := range a.Plaques {
		q := p.truth(fmt.Sprintf("%s-%d", a.Artery, m+1))
		t.Plaques = append(t.Plaques, q)
		t.PlaqueVolume += q.Volume
		t.DiameterStenosis = max(t.DiameterStenosis, q.DiameterStenosis)
		t.Burden = max(t.Burden, q.Burden)
		t.Remodelling = max(t.Remodelling, q.Remodelling)
	}
	return t
}

// truth measures the plaque.
func (p *Plaque) truth(name string) PlaqueTruth {
	a := p.artery
	t := PlaqueTruth{
		Name: name, From: p.from, To: p.to,
		ReferenceFrom: p.Center - p.Length/2, ReferenceTo: p.Center + p.Length/2,
		Spotty: p.spotty(), HU: p.HU,
		ProfileCenter: p.Center, ProfileLength: p.Length, Angle: p.Angle,
		MinLumenArea: math.Inf(1),
	}
	from, to := a.cross(t.ReferenceFrom), a.cross(t.ReferenceTo)
	reference := func(s float64) float64 {
		return 2 * (from.lumen + (to.lumen-from.lumen)*(s-t.ReferenceFrom)/(t.ReferenceTo-t.ReferenceFrom))
	}
	const steps = 2000
	for m := range steps + 1 {
		s := p.from + (p.to-p.from)*float64(m)/steps
		c := a.cross(s)
		if area := math.Pi * c.lumen * c.lumen; area < t.MinLumenArea {
			t.MinLumenArea, t.MinLumenAt, t.MinLumenDiameter = area, s, 2*c.lumen
			t.ReferenceDiameter = reference(s)
		}
		q := 2 * c.lumen / reference(s)
		t.DiameterStenosis = max(t.DiameterStenosis, 100*(1-q))
		t.AreaStenosis = max(t.AreaStenosis, 100*(1-q*q))
		t.Burden = max(t.Burden, 100*(1-sq(c.lumen/c.outer)))
		t.Remodelling = max(t.Remodelling, 2*c.outer/(from.outer+to.outer))
		if thick := c.shift + c.outer - c.lumen; thick > t.WallMax {
			t.WallMax = thick
			t.Eccentricity = 2 * c.shift / thick
		}
	}
	at := a.curve.at(t.MinLumenAt)
	t.Center = [3]float64{micron(at.X), micron(at.Y), micron(at.Z)}

	const ns = 144
	ds := (p.to - p.from) / ns
	limit := math.Inf(1)
	var section, area float64
	first, last := math.Inf(1), math.Inf(-1)
	p.visit(ns, 96, 16, func(q *spot, dv float64) {
		t.Volume += dv
		switch p.tissue(q) {
		case imaging.Calcified:
			t.CalciumVolume += dv
		case imaging.LowAttenuation:
			t.CoreVolume += dv
			if q.s != section {
				section, area = q.s, 0
			}
			area += dv / ds
			t.CoreArea = max(t.CoreArea, area)
			first, last = min(first, q.s), max(last, q.s)
			// The core goes down to ζ = 0 wherever it is: its inner face lies half a
			// cell below this midpoint or exactly under the cap.
			limit = min(limit, max(p.Cap, q.radius-q.lumen-(q.reach-q.lumen)/16/2))
		case imaging.FibroFatty:
			t.FibroFattyVolume += dv
		default:
			t.FibrousVolume += dv
		}
	})
	t.CoreShare, t.CalciumShare = t.CoreVolume/t.Volume, t.CalciumVolume/t.Volume
	if t.CoreVolume > 0 {
		t.CoreLength = last - first + ds
		thin := p.thinnest(limit)
		t.Cap = &thin
	}
	return t
}

// thinnest returns the least distance along a ray from lumen to core: the
// declared cap, unless calcium lies over all of the core's inner face.
func (p *Plaque) thinnest(limit float64) float64 {
	a := p.artery
	for m := range 41 {
		for n := range 41 {
			q := spot{s: p.Center + (float64(m)/40-0.5)*0.5*(p.to-p.from), phi: (float64(n)/40 - 0.5) * 1.2}
			c := a.cross(q.s)
			q.lumen, q.reach = c.lumen, c.reach(math.Cos(q.phi))
			q.radius = q.lumen + p.Cap + 1e-9
			if q.reach-q.lumen > a.Wall+Thickening && p.tissue(&q) == imaging.LowAttenuation {
				return p.Cap
			}
		}
	}
	return limit
}

// spotty tells whether every calcification is shorter than 3 mm and spans less
// than a quarter turn.
func (p *Plaque) spotty() bool {
	if p.cal == 0 {
		return false
	}
	for _, c := range p.Calcium {
		r := p.artery.cross(p.Center).lumen
		if 2*c.Length*p.cal >= 3 || 2*c.Arc*p.cal >= r*math.Pi/2 {
			return false
		}
	}
	return true
}

// ReadTruth reads truth.json.
func ReadTruth(path string) (*Truth, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read truth: %w", err)
	}
	var t Truth
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("read truth %s: %w", path, err)
	}
	if t.Version != TruthVersion {
		return nil, fmt.Errorf("read truth %s: version %d, this program reads %d", path, t.Version, TruthVersion)
	}
	return &t, nil
}

// Artery returns the truth of artery a, nil if the patient lacks it.
func (t *Truth) Artery(a coronary.Artery) *ArteryTruth {
	for n := range t.Arteries {
		if t.Arteries[n].Artery == a {
			return &t.Arteries[n]
		}
	}
	return nil
}

// Plaque returns the truth of the plaque of that name ("LAD-1"), nil if there
// is none.
func (t *Truth) Plaque(name string) *PlaqueTruth {
	for n := range t.Arteries {
		for m := range t.Arteries[n].Plaques {
			if q := &t.Arteries[n].Plaques[m]; q.Name == name {
				return q
			}
		}
	}
	return nil
}

func sq(x float64) float64 { return x * x }

// micron rounds a position to 10⁻³ mm, so that files stay short.
func micron(x float64) float64 { return math.Round(x*1000) / 1000 }
