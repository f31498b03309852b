package imaging

// Tissue classifies a voxel of an artery and its surroundings.
type Tissue uint8

// The tissues of a coronary artery. The plaque classes are intervals of CT
// number inside the wall: see segmentation.Config for their declared limits.
const (
	Background     Tissue = iota // outside the artery
	Lumen                        // contrast-filled blood
	Wall                         // wall outside any plaque
	LowAttenuation               // lipid-rich or necrotic plaque
	FibroFatty
	Fibrous
	Calcified
	NumTissues int = iota
)

var tissueNames = [NumTissues]string{"background", "lumen", "wall", "low_attenuation", "fibro_fatty", "fibrous", "calcified"}

// String returns the name used in files: "low_attenuation", "calcified", …
func (t Tissue) String() string {
	if int(t) < len(tissueNames) {
		return tissueNames[t]
	}
	return "unknown"
}

// IsPlaque tells whether t is one of the four plaque classes.
func (t Tissue) IsPlaque() bool { return t >= LowAttenuation && t <= Calcified }

// Labels gives every voxel one tissue.
type Labels struct {
	Grid
	Class []Tissue // i fastest, then j, then k
}

// NewLabels returns labels of background on g.
func NewLabels(g Grid) *Labels { return &Labels{Grid: g, Class: make([]Tissue, g.Len())} }

// Crop copies the box [lo, hi) into labels of their own.
func (l *Labels) Crop(lo, hi [3]int) *Labels {
	c := NewLabels(l.Grid.Crop(lo, hi))
	cropInto(c.Class, l.Class, &l.Grid, lo, hi)
	return c
}
