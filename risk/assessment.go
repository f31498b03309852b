package risk

import (
	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/feature"
)

// Format and Version head every assessment file. Version grows when a reader of
// the old one would misread the new one.
const (
	Format  = "plaquerisk.assessment"
	Version = 1
)

// Assessment is all that was found for one scan.
type Assessment struct {
	Format     string     `json:"format"`
	Version    int        `json:"version"`
	Case       string     `json:"case"` // research identifier, never a name
	Image      Image      `json:"image"`
	Patient    Level      `json:"patient"`
	Arteries   []Artery   `json:"arteries"` // in the order of coronary.Arteries
	Lesions    []Lesion   `json:"lesions"`  // by artery, then from proximal to distal
	Grade      *Grade     `json:"grade"`    // null: no artery was traced
	Mechanics  *Mechanics `json:"mechanics,omitempty"`
	Model      *Model     `json:"model,omitempty"`
	Notes      []Note     `json:"notes"`
	Provenance Provenance `json:"provenance"`
}

// Level is the score of a patient, an artery or a lesion.
type Level struct {
	Prediction *Prediction `json:"prediction"` // null: not scored, see Reason
	Reason     string      `json:"reason,omitempty"`
}

// Prediction is a probability with its uncertainty.
type Prediction struct {
	Probability   float64        `json:"probability"`
	Low           float64        `json:"low"`  // 2.5th percentile of the ensemble
	High          float64        `json:"high"` // 97.5th percentile of the ensemble
	Base          float64        `json:"base"` // log-odds before any contribution
	Contributions []Contribution `json:"contributions,omitempty"`
}

// Contribution is what one feature adds to the log-odds (TreeSHAP); Base plus
// the sum over all features is the log-odds of Probability. Only the largest
// are kept; "all other features" stands for the rest, with a null value.
type Contribution struct {
	Feature string  `json:"feature"`
	Value   Number  `json:"value"`
	Unit    string  `json:"unit"`
	LogOdds float64 `json:"log_odds"`
	// Percentile of Value in the training table, 0 to 100.
	Percentile Number `json:"percentile"`
}

// Image describes the CT that was read.
type Image struct {
	Series            string     `json:"series"` // description, as in the file
	Number            string     `json:"series_number"`
	Modality          string     `json:"modality"`
	Manufacturer      string     `json:"manufacturer"`
	Scanner           string     `json:"scanner"`
	Kernel            string     `json:"kernel"`
	KVp               Number     `json:"kvp_kv"`
	Phase             string     `json:"phase"`      // "75 %", "" if unknown
	StudyDate         string     `json:"study_date"` // YYYYMMDD, empty unless identification was asked for
	SliceThicknessMM  Number     `json:"slice_thickness_mm"`
	SpacingMM         [3]float64 `json:"spacing_mm"`
	Size              [3]int     `json:"size_voxels"`
	LumenMeanHU       Number     `json:"lumen_mean_hu"`
	LumenSDHU         Number     `json:"lumen_sd_hu"`
	NoiseHU           Number     `json:"noise_hu"` // SD inside the lumen core, high-pass
	SegmentationKind  string     `json:"segmentation_kind"`
	SegmentationNames []string   `json:"segmentation_names"`
}

// Artery is what was found in one artery.
type Artery struct {
	Name     coronary.Artery `json:"name"`
	Level                    // score
	Measures Measures        `json:"measures"`
	Lesions  []string        `json:"lesions"`          // names
	Stress   *StressSummary  `json:"stress"`           // null: mechanics not computed, see the notes
	Fat      *Fat            `json:"pericoronary_fat"` // null: not measured around this artery
	Profile  *Profile        `json:"profile"`
	Pictures *Pictures       `json:"pictures"`
}

// Measures are anatomy of an artery or a lesion.
type Measures struct {
	LengthMM         Number `json:"length_mm"`
	PlaqueMM3        Number `json:"plaque_volume_mm3"`
	LowAttenuation   Number `json:"low_attenuation_mm3"` // < 30 HU
	FibroFatty       Number `json:"fibro_fatty_mm3"`     // [30, 130) HU
	Fibrous          Number `json:"fibrous_mm3"`         // [130, 350) HU
	Calcified        Number `json:"calcified_mm3"`       // ≥ 350 HU
	PercentAtheroma  Number `json:"percent_atheroma_volume_percent"`
	DiameterStenosis Number `json:"diameter_stenosis_percent"`
	AreaStenosis     Number `json:"area_stenosis_percent"`
	MinLumenArea     Number `json:"min_lumen_area_mm2"`
	MinLumenDiameter Number `json:"min_lumen_diameter_mm"`
	Remodelling      Number `json:"remodelling_index"`
	PlaqueBurden     Number `json:"plaque_burden_percent"` // largest
	CapMM            Number `json:"cap_thickness_mm"`      // least distance from lumen to low attenuation; null without a core
	CapBelowVoxel    bool   `json:"cap_below_voxel"`       // below 1.5 voxel edges: thinner than the image can show
}

// Lesion is one plaque.
type Lesion struct {
	Name     string          `json:"name"`
	Artery   coronary.Artery `json:"artery"`
	FromMM   Number          `json:"from_mm"` // arc length from the ostium
	ToMM     Number          `json:"to_mm"`
	Level                    // score
	Voxels   int             `json:"voxels"`
	MeanHU   Number          `json:"mean_hu"`
	Segments []string        `json:"segments"` // in which it lies, "pLAD"
	Measures Measures        `json:"measures"`
	// Intervals of the measures; null in files of older versions.
	Intervals *Intervals     `json:"intervals,omitempty"`
	Signs     *Signs         `json:"high_risk_signs"`
	Stress    *StressSummary `json:"stress"`
	Features  []Feature      `json:"features"`
	Notes     []Note         `json:"notes"`
}

// Feature is one value with its column.
type Feature struct {
	feature.Column
	Value Number `json:"value"`
}

// StressSummary are the statistics of the wall mechanics of a lesion or artery.
type StressSummary struct {
	P50KPa       Number `json:"principal_stress_p50_kpa"`
	P95KPa       Number `json:"principal_stress_p95_kpa"`
	MaxKPa       Number `json:"principal_stress_max_kpa"`
	CapPeakKPa   Number `json:"cap_stress_p99_kpa"` // null without a low attenuation core
	CapP95KPa    Number `json:"cap_stress_p95_kpa"`
	StrainP95    Number `json:"principal_strain_p95_percent"`
	Above300MM3  Number `json:"volume_above_300_kpa_mm3"`
	Elements     int    `json:"elements"`
	MinJacobian  Number `json:"min_scaled_jacobian"`
	Converged    bool   `json:"converged"`
	CapUncertain bool   `json:"cap_uncertain"` // cap below a voxel: the value is a model's, not a measurement
	// FixedVolume is the mean over the fixed volume of the cap with the highest stress.
	FixedVolume Number `json:"cap_stress_fixed_volume_kpa"`
	CapElements Number `json:"cap_elements_across"` // across the thinnest cap
	// ErrorPercent is the estimated error of the stress in the energy norm.
	ErrorPercent Number `json:"estimated_mesh_error_percent"`
	// Bands are given if the settings ask for uncertainty.
	Bands []StressBand `json:"bands,omitempty"`
}

// Profile holds curves along an artery; all slices have the length of S.
type Profile struct {
	S         []float64    `json:"s_mm"`
	Center    [][3]float64 `json:"center_lps_mm"`
	LumenArea []Number     `json:"lumen_area_mm2"`
	WallArea  []Number     `json:"vessel_area_mm2"` // inside the outer wall
	// Areas of the plaque classes inside the wall, mm².
	LowAttenuation []Number `json:"low_attenuation_mm2"`
	FibroFatty     []Number `json:"fibro_fatty_mm2"`
	Fibrous        []Number `json:"fibrous_mm2"`
	Calcified      []Number `json:"calcified_mm2"`
	StressP95      []Number `json:"stress_p95_kpa"` // 95th percentile of the principal stress over the section
	StressMax      []Number `json:"stress_max_kpa"`
	// Segments are the stretches of the stem with their names.
	Segments []SegmentSpan `json:"segments,omitempty"`
}

// Pictures are the images of an artery page.
type Pictures struct {
	// MPR are straightened planes along the centre-line, 0° and 90° about it:
	// columns along s, rows across, both in mm.
	MPR []Raster `json:"mpr"`
	// Curved are two planes that follow the course of the artery, at right angles.
	Curved   []CurvedPicture  `json:"curved,omitempty"`
	Sections []SectionPicture `json:"sections"`
	// Montage are cross-sections at even distances, if they were asked for.
	Montage []SectionPicture `json:"montage,omitempty"`
	// Stress is the largest first principal stress over the wall thickness,
	// unrolled: columns along s (mm), rows over the angle 0° to 360°.
	Stress *Raster `json:"stress_map"`
}

// CurvedPicture is a curved plane, unrolled without stretching.
type CurvedPicture struct {
	Image Raster       `json:"image"`
	Line  [][2]float64 `json:"centerline_mm"` // of the artery, on the axes of the image
	S     []float64    `json:"s_mm"`          // of its points
}

// SegmentSpan is the part of the stem of an artery that is one segment.
type SegmentSpan struct {
	Segment string  `json:"segment"` // "pLAD"
	FromMM  float64 `json:"from_mm"`
	ToMM    float64 `json:"to_mm"`
}

// SectionPicture is one cross-section with its contours.
type SectionPicture struct {
	Title  string       `json:"title"` // "smallest lumen"
	S      float64      `json:"s_mm"`
	Image  Raster       `json:"image"`
	Tissue *Raster      `json:"tissue"`   // imaging.Tissue codes on the same pixels
	Lumen  [][2]float64 `json:"lumen_mm"` // polygon, mm from the picture's centre, y up
	Wall   [][2]float64 `json:"wall_mm"`
}

// Raster is a picture with a size in mm or degrees and values in a unit.
type Raster struct {
	Cols     int     `json:"cols"`
	Rows     int     `json:"rows"`      // row 0 is at the top
	X0       float64 `json:"x0"`        // coordinate of the centre of column 0
	Y0       float64 `json:"y0"`        // coordinate of the centre of row 0
	DX       float64 `json:"dx"`        // step per column
	DY       float64 `json:"dy"`        // step per row (negative: y grows upwards)
	AxisUnit string  `json:"axis_unit"` // of x and, unless YUnit says otherwise, y
	YUnit    string  `json:"y_unit,omitempty"`
	Unit     string  `json:"unit"`   // of the values
	Values   Samples `json:"values"` // row by row
}

// Mechanics says how the walls were computed.
type Mechanics struct {
	PressureMMHg   float64    `json:"pressure_mmhg"`
	PressureKPa    float64    `json:"pressure_kpa"`
	PressureSource string     `json:"pressure_source"`
	Ends           string     `json:"ends"`
	Formulation    string     `json:"formulation"`
	Materials      []Material `json:"materials"`
	Solves         []Solve    `json:"solves"`
	// BandLevel is the level of all bands, percent; absent without uncertainty.
	BandLevel float64 `json:"band_level_percent,omitempty"`
}

// Material is one row of the materials table.
type Material struct {
	Tissue   string  `json:"tissue"`
	YoungKPa float64 `json:"young_modulus_kpa"`
	Poisson  float64 `json:"poisson_ratio"`
	Source   string  `json:"source"`
}

// Solve is the record of one finite-element solution.
type Solve struct {
	Artery      coronary.Artery `json:"artery"`
	FromMM      float64         `json:"from_mm"`
	ToMM        float64         `json:"to_mm"`
	Nodes       int             `json:"nodes"`
	Elements    int             `json:"elements"`
	Unknowns    int             `json:"unknowns"`
	Iterations  int             `json:"iterations"`
	Residual    float64         `json:"relative_residual"`
	MinJacobian float64         `json:"min_scaled_jacobian"`
	Converged   bool            `json:"converged"`
	// MinJacobianAt is the place of the most distorted element, LPS mm, and
	// MinJacobianWhere the same in the vessel.
	MinJacobianAt    [3]float64 `json:"min_scaled_jacobian_at_lps_mm"`
	MinJacobianWhere string     `json:"min_scaled_jacobian_where"`
	// CapElements are the elements across the thinnest cap; null without a core.
	CapElements Number `json:"cap_elements_across"`
	// ErrorPercent is the estimated error of the stress in the energy norm.
	ErrorPercent Number `json:"estimated_mesh_error_percent"`
	// Composition compares the tissues of the mesh with the masks.
	Composition []MeshShare `json:"composition"`
	// Histogram of the first principal stress by tissue: share of the tissue's
	// volume per bin of StressBinKPa, from 0; the last bin is open.
	StressBinKPa float64           `json:"stress_bin_kpa"`
	Histogram    []TissueHistogram `json:"histogram"`
}

// TissueHistogram is the distribution of a quantity in one tissue.
type TissueHistogram struct {
	Tissue string    `json:"tissue"`
	MM3    float64   `json:"volume_mm3"`
	Share  []float64 `json:"share"`
}

// Model is an extract of the model card.
type Model struct {
	Name       string    `json:"name"`
	Label      string    `json:"label"`   // "synthetic cohort, for demonstration"
	Trained    string    `json:"trained"` // on what, in one sentence
	Outcome    string    `json:"outcome"`
	SHA256     string    `json:"sha256"`
	Patients   int       `json:"patients"`
	Arteries   int       `json:"arteries"`
	Positives  int       `json:"positive_arteries"`
	Columns    int       `json:"columns"`
	ArteryAUC  [3]Number `json:"artery_auc"` // cross-validated: value, low, high
	PatientAUC [3]Number `json:"patient_auc"`
	OutOfRange []string  `json:"out_of_range"` // features of this case outside the training range
}
