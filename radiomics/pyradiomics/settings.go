package pyradiomics

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/internal/suggest"
)

// Settings are PyRadiomics' settings under their own names. Zero means "not
// set" only where the comment says so.
type Settings struct {
	Label        int // value of the region in the mask
	LabelChannel int // component of a mask with several values per voxel

	Normalize             bool
	NormalizeScale        float64
	RemoveOutliers        float64   // standard deviations; 0: keep all
	ResampledPixelSpacing []float64 // mm along i, j, k, 0 keeps an axis; nil: no resampling
	Interpolator          Interpolator
	PadDistance           int // voxels around the box of the region that are resampled or kept
	PreCrop               bool

	MinimumROIDimensions int
	MinimumROISize       int     // voxels; 0: no test
	GeometryTolerance    float64 // parts of a voxel and of a direction
	CorrectMask          bool
	ResegmentRange       []float64 // one or two thresholds; nil: no re-segmentation
	ResegmentMode        string    // absolute, relative or sigma
	ResegmentShape       bool
	AdditionalInfo       bool // with diagnostics

	BinWidth         float64
	BinCount         int // 0: use BinWidth
	Force2D          bool
	Force2Ddimension int // in the order z, y, x: 0 is our axis k
	Distances        []int
	WeightingNorm    string // empty, manhattan, euclidean, infinity or no_weighting
	SymmetricalGLCM  bool
	GLDMAlpha        int
	VoxelArrayShift  int // grey levels added before energies

	Sigma                     []Number // mm
	StartLevel, Level         int
	Wavelet                   string
	GradientUseSpacing        bool
	LBP2DRadius               float64 // voxels
	LBP2DSamples              int
	LBP2DMethod               string // default, ror, uniform or var
	LBP3DLevels               int
	LBP3DIcosphereRadius      float64 // voxels
	LBP3DIcosphereSubdivision int

	KernelRadius int // voxels
	MaskedKernel bool
	InitValue    float64
	VoxelBatch   int // kept for the file's sake: our maps need no batches
}

// Number is a number that enters a name: PyRadiomics writes 3 and 3.0 apart.
type Number struct {
	Value float64
	Whole bool // written without a decimal point
}

// String returns n as Python prints it.
func (n Number) String() string {
	if n.Whole {
		return strconv.FormatInt(int64(n.Value), 10)
	}
	return pythonFloat(n.Value)
}

// DefaultSettings returns PyRadiomics' defaults.
func DefaultSettings() Settings {
	return Settings{
		Label: 1, NormalizeScale: 1, Interpolator: BSpline, PadDistance: 5,
		MinimumROIDimensions: 2, GeometryTolerance: 1e-6, ResegmentMode: "absolute", AdditionalInfo: true,
		BinWidth: 25, Distances: []int{1}, SymmetricalGLCM: true,
		Level: 1, Wavelet: "coif1", GradientUseSpacing: true,
		LBP2DRadius: 1, LBP2DSamples: 8, LBP2DMethod: "uniform",
		LBP3DLevels: 2, LBP3DIcosphereRadius: 1, LBP3DIcosphereSubdivision: 1,
		KernelRadius: 1, MaskedKernel: true, VoxelBatch: -1,
	}
}

// defaultText is what PyRadiomics reports as settings where a file gives none.
const defaultText = `{"minimumROIDimensions": 2, "minimumROISize": null, "normalize": false, "normalizeScale": 1,
	"removeOutliers": null, "resampledPixelSpacing": null, "interpolator": "sitkBSpline", "preCrop": false,
	"padDistance": 5, "distances": [1], "force2D": false, "force2Ddimension": 0, "resegmentRange": null, "label": 1,
	"additionalInfo": true}`

// The largest settings.
const (
	maxWavelet  = 8  // level of a wavelet transform
	maxDistance = 15 // voxels between neighbours, and from the middle of a kernel
)

// rule reads one setting.
type rule struct {
	name string
	set  func(s *Settings, v *node) error
}

// settingRules are PyRadiomics' settings, in the order of its schema.
var settingRules = []rule{
	{"minimumROIDimensions", whole(1, 3, func(s *Settings) *int { return &s.MinimumROIDimensions })},
	{"minimumROISize", optional(func(s *Settings) { s.MinimumROISize = 0 }, whole(1, math.MaxInt32, func(s *Settings) *int { return &s.MinimumROISize }))},
	{"geometryTolerance", optional(func(s *Settings) { s.GeometryTolerance = DefaultSettings().GeometryTolerance }, positive(func(s *Settings) *float64 { return &s.GeometryTolerance }))},
	{"correctMask", flag(func(s *Settings) *bool { return &s.CorrectMask })},
	{"additionalInfo", flag(func(s *Settings) *bool { return &s.AdditionalInfo })},
	{"label", whole(1, math.MaxUint32, func(s *Settings) *int { return &s.Label })},
	{"label_channel", whole(0, math.MaxInt32, func(s *Settings) *int { return &s.LabelChannel })},
	{"binWidth", positive(func(s *Settings) *float64 { return &s.BinWidth })},
	{"binCount", optional(func(s *Settings) { s.BinCount = 0 }, whole(1, maxLevels, func(s *Settings) *int { return &s.BinCount }))},
	{"normalize", flag(func(s *Settings) *bool { return &s.Normalize })},
	{"normalizeScale", positive(func(s *Settings) *float64 { return &s.NormalizeScale })},
	{"removeOutliers", optional(func(s *Settings) { s.RemoveOutliers = 0 }, positive(func(s *Settings) *float64 { return &s.RemoveOutliers }))},
	{"resampledPixelSpacing", optional(func(s *Settings) { s.ResampledPixelSpacing = nil }, func(s *Settings, v *node) error {
		x, err := numbers(v, func(x float64) bool { return x >= 0 }, "0 or more")
		if err == nil && len(x) != 3 {
			err = fmt.Errorf("want three spacings (x, y, z), mm, have %d", len(x))
		}
		s.ResampledPixelSpacing = x
		return err
	})},
	{"interpolator", optional(func(s *Settings) { s.Interpolator = NoInterpolation }, func(s *Settings, v *node) (err error) {
		s.Interpolator, err = parseInterpolator(v)
		return err
	})},
	{"padDistance", whole(0, math.MaxInt32, func(s *Settings) *int { return &s.PadDistance })},
	{"distances", func(s *Settings, v *node) error {
		x, err := numbers(v, func(x float64) bool { return x >= 1 && x == math.Trunc(x) && x <= maxDistance }, "a whole number from 1 to 15")
		if err == nil && len(x) == 0 {
			err = fmt.Errorf("want at least one distance")
		}
		s.Distances = nil
		for _, d := range x {
			s.Distances = append(s.Distances, int(d))
		}
		return err
	}},
	{"force2D", flag(func(s *Settings) *bool { return &s.Force2D })},
	{"force2Ddimension", whole(0, 2, func(s *Settings) *int { return &s.Force2Ddimension })},
	{"resegmentRange", optional(func(s *Settings) { s.ResegmentRange = nil }, func(s *Settings, v *node) error {
		x, err := numbers(v, func(x float64) bool { return !math.IsNaN(x) }, "a number")
		if err == nil && (len(x) == 0 || len(x) > 2) {
			err = fmt.Errorf("length %d is not allowed: want one threshold or two", len(x))
		}
		slices.Sort(x)
		s.ResegmentRange = x
		return err
	})},
	{"resegmentMode", word(func(s *Settings) *string { return &s.ResegmentMode }, "absolute", "relative", "sigma")},
	{"resegmentShape", flag(func(s *Settings) *bool { return &s.ResegmentShape })},
	{"preCrop", flag(func(s *Settings) *bool { return &s.PreCrop })},
	{"sigma", func(s *Settings, v *node) error {
		x, err := numbers(v, func(x float64) bool { return x > 0 && !math.IsInf(x, 0) }, "above 0")
		s.Sigma = nil
		for n := range x {
			s.Sigma = append(s.Sigma, Number{x[n], v.items[n].kind == kindInt})
		}
		return err
	}},
	{"start_level", whole(0, maxWavelet-1, func(s *Settings) *int { return &s.StartLevel })},
	{"level", whole(1, maxWavelet, func(s *Settings) *int { return &s.Level })},
	{"wavelet", func(s *Settings, v *node) error {
		if v.kind != kindString {
			return fmt.Errorf("want the name of a wavelet, have %s", v.kind)
		}
		s.Wavelet = v.text
		return checkWavelet(v.text)
	}},
	{"gradientUseSpacing", flag(func(s *Settings) *bool { return &s.GradientUseSpacing })},
	{"lbp2DRadius", positive(func(s *Settings) *float64 { return &s.LBP2DRadius })},
	{"lbp2DSamples", whole(2, 24, func(s *Settings) *int { return &s.LBP2DSamples })},
	{"lbp2DMethod", word(func(s *Settings) *string { return &s.LBP2DMethod }, "default", "ror", "uniform", "var")},
	{"lbp3DLevels", whole(1, 8, func(s *Settings) *int { return &s.LBP3DLevels })},
	{"lbp3DIcosphereRadius", positive(func(s *Settings) *float64 { return &s.LBP3DIcosphereRadius })},
	{"lbp3DIcosphereSubdivision", whole(0, 4, func(s *Settings) *int { return &s.LBP3DIcosphereSubdivision })},
	{"voxelArrayShift", whole(math.MinInt32, math.MaxInt32, func(s *Settings) *int { return &s.VoxelArrayShift })},
	{"symmetricalGLCM", flag(func(s *Settings) *bool { return &s.SymmetricalGLCM })},
	{"weightingNorm", optional(func(s *Settings) { s.WeightingNorm = "" }, word(func(s *Settings) *string { return &s.WeightingNorm }, "euclidean", "manhattan", "infinity", "no_weighting"))},
	{"gldm_a", whole(0, math.MaxInt32, func(s *Settings) *int { return &s.GLDMAlpha })},
}

// voxelRules are the settings of feature maps.
var voxelRules = []rule{
	{"kernelRadius", whole(1, maxDistance, func(s *Settings) *int { return &s.KernelRadius })},
	{"maskedKernel", flag(func(s *Settings) *bool { return &s.MaskedKernel })},
	{"initValue", func(s *Settings, v *node) (err error) {
		s.InitValue, err = real(v)
		return err
	}},
	{"voxelBatch", whole(1, math.MaxInt32, func(s *Settings) *int { return &s.VoxelBatch })},
}

// ruleNames returns the names of rules.
func ruleNames(rules []rule) []string {
	names := make([]string, len(rules))
	for n, r := range rules {
		names[n] = r.name
	}
	return names
}

// apply sets what the mapping v gives. where says in whose name ("setting").
func (s *Settings) apply(where string, v *node, rules []rule) error {
	for _, e := range v.entries {
		n := slices.IndexFunc(rules, func(r rule) bool { return r.name == e.key })
		if n < 0 {
			return fmt.Errorf("line %d: unknown key %q under %s%s", e.line, e.key, where, suggest.Hint(e.key, ruleNames(rules)))
		}
		if err := rules[n].set(s, e.value); err != nil {
			return fmt.Errorf("line %d: %s: %w", e.value.line, e.key, err)
		}
	}
	return nil
}

// optional makes null mean "not set".
func optional(clear func(s *Settings), set func(s *Settings, v *node) error) func(s *Settings, v *node) error {
	return func(s *Settings, v *node) error {
		if v.kind == kindNull {
			clear(s)
			return nil
		}
		return set(s, v)
	}
}

// whole reads a whole number in [lo, hi].
func whole(lo, hi int, field func(s *Settings) *int) func(s *Settings, v *node) error {
	return func(s *Settings, v *node) error {
		if v.kind != kindInt {
			return fmt.Errorf("want a whole number, have %s", v.describe())
		}
		if v.num < float64(lo) || v.num > float64(hi) {
			return fmt.Errorf("%s is not in the range from %d to %d", v.text, lo, hi)
		}
		*field(s) = int(v.num)
		return nil
	}
}

// positive reads a number above zero.
func positive(field func(s *Settings) *float64) func(s *Settings, v *node) error {
	return func(s *Settings, v *node) error {
		x, err := real(v)
		if err == nil && (!(x > 0) || math.IsInf(x, 0)) {
			err = fmt.Errorf("%s is not above 0", v.text)
		}
		*field(s) = x
		return err
	}
}

func flag(field func(s *Settings) *bool) func(s *Settings, v *node) error {
	return func(s *Settings, v *node) error {
		if v.kind != kindBool {
			return fmt.Errorf("want true or false, have %s", v.describe())
		}
		*field(s) = v.num != 0
		return nil
	}
}

// word reads one of known.
func word(field func(s *Settings) *string, known ...string) func(s *Settings, v *node) error {
	return func(s *Settings, v *node) error {
		if v.kind != kindString || !slices.Contains(known, v.text) {
			return fmt.Errorf("want one of %s; have %s%s", strings.Join(known, ", "), v.describe(), suggest.Hint(v.text, known))
		}
		*field(s) = v.text
		return nil
	}
}

// real reads a number; text that is one ('1e-6') counts, as in PyRadiomics.
func real(v *node) (float64, error) {
	switch v.kind {
	case kindInt, kindFloat:
		return v.num, nil
	case kindString:
		if x, err := strconv.ParseFloat(strings.TrimSpace(v.text), 64); err == nil {
			return x, nil
		}
	}
	return 0, fmt.Errorf("want a number, have %s", v.describe())
}

// maxList bounds the lists of a file.
const maxList = 1000

// numbers reads a list of numbers that are ok.
func numbers(v *node, ok func(x float64) bool, want string) ([]float64, error) {
	if v.kind != kindList {
		return nil, fmt.Errorf("want a list, have %s", v.describe())
	}
	if len(v.items) > maxList {
		return nil, fmt.Errorf("a list of %d: the most is %d", len(v.items), maxList)
	}
	x := make([]float64, len(v.items))
	for n, item := range v.items {
		var err error
		if x[n], err = real(item); err != nil {
			return nil, err
		}
		if !ok(x[n]) {
			return nil, fmt.Errorf("%s: want %s", item.python(), want)
		}
	}
	return x, nil
}

// describe names a value in a message.
func (v *node) describe() string {
	switch v.kind {
	case kindInt, kindFloat, kindBool, kindString:
		return v.python()
	}
	return v.kind.String()
}
