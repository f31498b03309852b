package risk

import "github.com/plaquerisk/plaquerisk/coronary"

// Signs are the four signs of a high-risk plaque of CAD-RADS 2.0. A sign is null
// if it could not be looked for.
type Signs struct {
	LowAttenuation      *bool    `json:"low_attenuation"`
	PositiveRemodelling *bool    `json:"positive_remodelling"`
	SpottyCalcium       *bool    `json:"spotty_calcium"`
	NapkinRing          *bool    `json:"napkin_ring"`
	Count               int      `json:"count"`     // signs that were found
	HighRisk            bool     `json:"high_risk"` // two signs or more
	LowMM3              Number   `json:"low_attenuation_voxels_mm3"`
	Spots               int      `json:"spots_of_calcium"`
	NapkinMM            Number   `json:"napkin_ring_length_mm"`
	Unknown             []string `json:"unknown"` // why signs could not be looked for
}

// Fat is the attenuation of pericoronary fat along an artery.
type Fat struct {
	FromMM       Number     `json:"from_mm"` // arc length that was measured
	ToMM         Number     `json:"to_mm"`
	DiameterMM   Number     `json:"vessel_diameter_mm"` // mean outer diameter, and reach of the tissue
	MeanHU       Number     `json:"mean_hu"`
	SDHU         Number     `json:"sd_hu"`
	Mean120HU    Number     `json:"mean_at_120_kv_hu"` // null for a tube voltage without a published factor
	MM3          Number     `json:"volume_mm3"`
	SharePercent Number     `json:"share_percent"` // of the tissue within reach
	FromLumen    bool       `json:"from_lumen"`    // no outer wall: distances are from the lumen
	Profile      []FatShell `json:"profile"`
}

// FatShell is the fat between two distances from the outer wall.
type FatShell struct {
	FromMM float64 `json:"from_mm"`
	ToMM   float64 `json:"to_mm"`
	MeanHU Number  `json:"mean_hu"`
	Voxels int     `json:"voxels"`
}

// Grade is the patient in the words of CAD-RADS 2.0, computed for research.
type Grade struct {
	Text      string   `json:"cad_rads"` // "CAD-RADS 4A/P2/HRP"
	Category  string   `json:"category"`
	Modifiers []string `json:"modifiers"`
	SIS       int      `json:"segment_involvement_score"` // segments with plaque, 0 to 16
	SSS       int      `json:"segment_stenosis_score"`    // 0 to 48
	// Amount of plaque, "P0" to "P4", by segments and by calcium; the latter is
	// empty without a non-contrast scan.
	BySegments string         `json:"plaque_amount_by_segments"`
	ByCalcium  string         `json:"plaque_amount_by_calcium"`
	Segments   []SegmentState `json:"segments"`
	// NotAssessed says what keeps a stenosis from being excluded.
	NotAssessed []string `json:"not_assessed"`
}

// SegmentState is what the grade knows of one segment.
type SegmentState struct {
	Segment          string          `json:"segment"` // "pLAD"
	Number           int             `json:"number"`  // in the 18-segment model
	Artery           coronary.Artery `json:"artery"`
	Plaque           bool            `json:"plaque"`
	DiameterStenosis Number          `json:"diameter_stenosis_percent"` // null: could not be assessed
}

// Intervals are the ranges of the measures of a plaque when the contours of
// lumen and outer wall, on the lesion and on its references, are off by OffsetMM
// in the worst combination: a contour error, not a confidence interval.
type Intervals struct {
	OffsetMM         float64   `json:"contour_offset_mm"`
	DiameterStenosis [2]Number `json:"diameter_stenosis_percent"` // low, high
	AreaStenosis     [2]Number `json:"area_stenosis_percent"`
	MinLumenArea     [2]Number `json:"min_lumen_area_mm2"`
	MinLumenDiameter [2]Number `json:"min_lumen_diameter_mm"`
	Remodelling      [2]Number `json:"remodelling_index"`
	PlaqueBurden     [2]Number `json:"plaque_burden_percent"`
	PlaqueMM3        [2]Number `json:"plaque_volume_mm3"`
	PercentAtheroma  [2]Number `json:"percent_atheroma_volume_percent"`
	CapMM            [2]Number `json:"cap_thickness_mm"`
}
