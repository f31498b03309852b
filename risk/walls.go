package risk

import "github.com/plaquerisk/plaquerisk/coronary"

// WallsFormat and WallsVersion head mechanics.json.
const (
	WallsFormat  = "plaquerisk.mechanics"
	WallsVersion = 1
)

// Walls is mechanics.json, all that solve found: loads, materials and solutions,
// then for each artery its markers as a whole, by plaque and by segment.
type Walls struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Case    string `json:"case"`
	Mechanics
	// Partial: an artery with plaque has no result, for the reason that stands there.
	Partial    bool         `json:"partial"`
	Arteries   []WallArtery `json:"arteries"`
	Notes      []Note       `json:"notes"`
	Provenance Provenance   `json:"provenance"`
}

// WallArtery is an artery with plaque.
type WallArtery struct {
	Name   coronary.Artery `json:"name"`
	Solved bool            `json:"solved"`
	Reason string          `json:"reason,omitempty"` // why it was not
	Mesh   string          `json:"mesh,omitempty"`   // file of the mesh with fields
	Maps   []string        `json:"maps,omitempty"`   // files of stress on the voxels of the CT
	// Whole is all that was meshed but for the end margins.
	Whole    *WallPart  `json:"whole,omitempty"`
	Plaques  []WallPart `json:"plaques,omitempty"`
	Segments []WallPart `json:"segments,omitempty"` // of 3 mm each
}

// WallPart is an interval of an artery.
type WallPart struct {
	Name   string `json:"name"`
	FromMM Number `json:"from_mm"`
	ToMM   Number `json:"to_mm"`
	// Cap is the thinnest tissue over a low attenuation core; absent without a core.
	Cap   *WallCap   `json:"cap,omitempty"`
	Peaks []WallPeak `json:"peaks"`
	// Discretisation is what a finer mesh is estimated to change, by region.
	Discretisation []WallError `json:"discretisation,omitempty"`
	// Sources of the bands, in the order of their shares.
	Sources []string     `json:"uncertainty_sources,omitempty"`
	Markers []WallMarker `json:"markers"`
}

// WallCap is a cap with the stress in it and how far it can be trusted.
type WallCap struct {
	ImageMM  Number    `json:"thickness_in_image_mm"` // from the segmentation; null where it was not measured
	MeshMM   Number    `json:"thickness_in_mesh_mm"`
	VoxelMM  Number    `json:"voxel_mm"` // edge
	Elements Number    `json:"elements_across"`
	S        Number    `json:"s_mm"`
	Angle    Number    `json:"angle_deg"`
	At       [3]Number `json:"at_lps_mm"`
	// The largest principal stress in the cap.
	MaxKPa         Number `json:"max_kpa"`
	P99KPa         Number `json:"p99_kpa"`
	FixedVolumeKPa Number `json:"fixed_volume_kpa"`
	// Confidence is "low" if image or mesh do not resolve the cap, for the reasons
	// that follow, otherwise "resolved".
	Confidence string   `json:"confidence"`
	Reasons    []string `json:"reasons,omitempty"`
}

// WallPeak says where a quantity is largest.
type WallPeak struct {
	Quantity string    `json:"quantity"`
	Region   string    `json:"region"`
	Value    Number    `json:"value"`
	Unit     string    `json:"unit"`
	S        Number    `json:"s_mm"`
	Angle    Number    `json:"angle_deg"` // around the lumen, from the frame's N towards B
	Depth    Number    `json:"depth_mm"`  // below the lumen
	At       [3]Number `json:"at_lps_mm"`
	Tissue   string    `json:"tissue"`
}

// WallError estimates the error of the mesh in a region.
type WallError struct {
	Region string `json:"region"`
	// Energy is the error of the stress in the energy norm, Zienkiewicz and Zhu.
	Energy Number `json:"energy_norm_error_percent"`
	// P99 and Mean are what smoothing within tissues changes of the largest principal stress.
	P99  Number `json:"p99_change_percent"`
	Mean Number `json:"mean_change_percent"`
}

// WallMarker is a feature with its band.
type WallMarker struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value Number  `json:"value"`
	Low   *Number `json:"low,omitempty"`
	High  *Number `json:"high,omitempty"`
	// Shares are the parts of the variance, percent, by source.
	Shares []Number `json:"variance_percent,omitempty"`
}

// MeshShare compares the tissue of a mesh with the mask.
type MeshShare struct {
	Tissue  string  `json:"tissue"`
	MeshMM3 float64 `json:"mesh_mm3"`
	MaskMM3 float64 `json:"mask_mm3"` // voxels in the mesh
}

// StressBand is a statistic with its interval.
type StressBand struct {
	Name  string `json:"name"` // of the feature
	Unit  string `json:"unit"`
	Value Number `json:"value"`
	Low   Number `json:"low"`
	High  Number `json:"high"`
}
