package dicom

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Config holds the limits of quality control and the choices of the reader.
type Config struct {
	// MaxSlice refuses a series whose slices are thicker or farther apart.
	MaxSlice float64 `yaml:"max_slice_mm"`
	// WarnSlice warns of slices thicker or farther apart than this.
	WarnSlice float64 `yaml:"warn_slice_mm"`
	// MaxPixel refuses a series with larger pixels.
	MaxPixel float64 `yaml:"max_pixel_mm"`
	// RequireContrast refuses a series without contrast agent, by the tag or, where the tag is silent, by the image.
	RequireContrast bool `yaml:"require_contrast"`
	// BloodLow is the lower end of enhanced blood.
	BloodLow float64 `yaml:"blood_low_hu"`
	// BloodHigh is the upper end of enhanced blood.
	BloodHigh float64 `yaml:"blood_high_hu"`
	// MinBlood is the volume that a connected blood pool must keep after its outer 3 mm are taken away.
	MinBlood float64 `yaml:"min_blood_ml"`
	// MaxBloodSD is the standard deviation up to which such a region is blood and not bone or contrast in the bowel.
	MaxBloodSD float64 `yaml:"max_blood_sd_hu"`
	// Padding is what voxels outside the reconstructed circle are set to.
	Padding float64 `yaml:"padding_hu"`
	// StudyDate lets the study date leave the reader and reach the report.
	StudyDate bool `yaml:"study_date"`
}

// DefaultConfig returns limits for coronary CT angiography.
func DefaultConfig() Config {
	return Config{MaxSlice: 1.5, WarnSlice: 0.8, MaxPixel: 0.8, RequireContrast: true,
		BloodLow: 180, BloodHigh: 650, MinBlood: 5, MaxBloodSD: 100, Padding: -1024}
}

// Validate reports everything that is wrong at once, in the words of the YAML
// file.
func (c Config) Validate() error {
	var errs []error
	for _, x := range []struct {
		name  string
		value float64
	}{{"max_slice_mm", c.MaxSlice}, {"warn_slice_mm", c.WarnSlice}, {"max_pixel_mm", c.MaxPixel}, {"min_blood_ml", c.MinBlood}, {"max_blood_sd_hu", c.MaxBloodSD}} {
		if !(x.value > 0) {
			errs = append(errs, fmt.Errorf("%s is %g, want more than 0", x.name, x.value))
		}
	}
	if !(c.BloodLow < c.BloodHigh) {
		errs = append(errs, fmt.Errorf("blood_low_hu is %g, want less than blood_high_hu %g", c.BloodLow, c.BloodHigh))
	}
	if !(c.Padding >= -32768 && c.Padding <= 0) {
		errs = append(errs, fmt.Errorf("padding_hu is %g, want -32768 to 0", c.Padding))
	}
	return errors.Join(errs...)
}

// CheckVolume judges an image of which nothing but its voxels is known.
func (c Config) CheckVolume(vol *imaging.Volume) []Finding {
	f := c.checkGrid(&vol.Grid, math.NaN())
	if !c.RequireContrast {
		return f
	}
	if e := c.Contrast(vol); !e.Found {
		f = append(f, finding(PLQContrast, risk.Refusal, Refuse, "", "no contrast agent: %v", e))
	}
	return f
}

// checkGrid judges slice and pixel size; thickness is NaN if unknown.
func (c Config) checkGrid(g *imaging.Grid, thickness float64) []Finding {
	var out []Finding
	slice := g.VoxelVolume() / (g.Spacing[0] * g.Spacing[1])
	text := fmt.Sprintf("slices are %.2f mm apart", slice)
	if !math.IsNaN(thickness) {
		text = fmt.Sprintf("slices are %.2f mm thick and %.2f mm apart", thickness, slice)
	}
	switch worst := max(slice, zeroIfNaN(thickness)); {
	case worst > c.MaxSlice+1e-6:
		out = append(out, finding(PLQSlice, risk.Refusal, Refuse, "", "%s, a coronary CT angiogram needs at most %g mm", text, c.MaxSlice))
	case worst > c.WarnSlice+1e-6:
		out = append(out, finding(PLQSlice, risk.Warning, Pass, "", "%s; above %g mm plaque and stenosis are uncertain", text, c.WarnSlice))
	}
	if p := max(g.Spacing[0], g.Spacing[1]); p > c.MaxPixel+1e-6 {
		out = append(out, finding(PLQPixel, risk.Refusal, Refuse, "", "pixels are %.3f mm wide, a coronary CT angiogram needs at most %g mm", p, c.MaxPixel))
	}
	return out
}

func zeroIfNaN(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return x
}

// checkSeries judges a loaded series; vol is nil if it could not be built.
func (c Config) checkSeries(s *Series, vol *imaging.Volume) []Finding {
	out := c.checkModality(s)
	out = append(out, c.checkGrid(&s.Grid, s.SliceThickness)...)
	out = append(out, c.checkContrast(s, vol)...)
	out = append(out, s.checkVoltage()...)
	out = append(out, s.checkMotion(vol)...)
	var unknown []string
	if math.IsNaN(s.KVp) {
		unknown = append(unknown, "tube voltage")
	}
	if s.Kernel == "" {
		unknown = append(unknown, "kernel")
	}
	if s.Phase == "" {
		unknown = append(unknown, "cardiac phase")
	}
	if len(unknown) > 0 {
		out = append(out, finding(PLQUnknownTags, risk.Info, Pass, "", "the header does not tell %s", strings.Join(unknown, ", ")))
	}
	return out
}

func (c Config) checkContrast(s *Series, vol *imaging.Volume) []Finding {
	switch {
	case s.ContrastAgent != "":
		return nil
	case s.noContrast && c.RequireContrast:
		return []Finding{finding(PLQContrast, risk.Refusal, Refuse, "", "no contrast agent: %v says that none was given", tContrastAgent)}
	case vol == nil || !c.RequireContrast:
		return nil
	}
	e := c.Contrast(vol)
	if e.Found {
		return []Finding{finding(PLQContrast, risk.Info, Pass, "", "%v is absent; the image shows enhanced blood: %v", tContrastAgent, e)}
	}
	return []Finding{finding(PLQContrast, risk.Refusal, Refuse, "", "no contrast agent: %v is absent, and %v", tContrastAgent, e)}
}

// Evidence is what an image shows of a contrast agent: the largest region that
// looks like enhanced blood.
type Evidence struct {
	Found  bool
	Volume float64 // that remains after erosion, mL
	Mean   float64 // HU; NaN without a region
	SD     float64 // HU; NaN without a region
}

// String says it in words.
func (e Evidence) String() string {
	if e.Volume == 0 {
		return "the image shows no pool of enhanced blood"
	}
	if e.Found {
		return fmt.Sprintf("a pool of %.0f mL at %.0f ± %.0f HU", e.Volume, e.Mean, e.SD)
	}
	return fmt.Sprintf("the image shows no pool of enhanced blood (largest candidate %.1f mL at %.0f ± %.0f HU)", e.Volume, e.Mean, e.SD)
}

// ContrastEvidence looks for enhanced blood with the default settings.
func ContrastEvidence(vol *imaging.Volume) Evidence { return DefaultConfig().Contrast(vol) }

// cell is the edge, mm, of the cubes in which [Config.Contrast] looks.
const cell = 3.0

// Contrast looks for enhanced blood: on cubes of about 3 mm, the connected
// region (through faces) whose cubes have a mean in [BloodLow, BloodHigh] and
// whose six neighbours have too, which is an erosion by one cube. It is blood
// if at least MinBlood remains and the standard deviation of its voxels is
// below MaxBloodSD. Bone fails by size, or by its deviation: cancellous bone
// is interrupted, cortical bone thin.
func (c Config) Contrast(vol *imaging.Volume) Evidence {
	var block, size [3]int
	for a := range 3 {
		block[a] = max(1, int(math.Round(cell/vol.Spacing[a])))
		size[a] = vol.Size[a] / block[a]
	}
	g := imaging.NewGrid(size, [3]float64{1, 1, 1}, vol.Origin)
	if min(size[0], size[1], size[2]) < 1 {
		return Evidence{Mean: math.NaN(), SD: math.NaN()}
	}
	sum, square := make([]float64, g.Len()), make([]float64, g.Len())
	for k := range size[2] * block[2] {
		for j := range size[1] * block[1] {
			row := vol.Values[vol.Offset(0, j, k):][:size[0]*block[0]]
			o := g.Offset(0, j/block[1], k/block[2])
			for i, v := range row {
				x := float64(v)
				sum[o+i/block[0]] += x
				square[o+i/block[0]] += x * x
			}
		}
	}
	voxels := float64(block[0] * block[1] * block[2])
	blood := imaging.NewMask(g)
	for n := range sum {
		mean := sum[n] / voxels
		sd := math.Sqrt(max(square[n]/voxels-mean*mean, 0))
		blood.In[n] = mean >= c.BloodLow && mean <= c.BloodHigh && sd < c.MaxBloodSD
	}
	core := imaging.NewMask(g)
	for n := range core.In {
		i, j, k := g.Coords(n)
		core.In[n] = blood.In[n]
		for _, d := range [6][3]int{{-1, 0, 0}, {1, 0, 0}, {0, -1, 0}, {0, 1, 0}, {0, 0, -1}, {0, 0, 1}} {
			if a, b, c := i+d[0], j+d[1], k+d[2]; core.In[n] && g.Inside(a, b, c) && !blood.In[g.Offset(a, b, c)] {
				core.In[n] = false
			}
		}
	}
	labels, sizes := imaging.Components(core, imaging.Faces)
	best := Evidence{Mean: math.NaN(), SD: math.NaN()}
	total := make([][2]float64, len(sizes)+1)
	for n, l := range labels {
		total[l][0] += sum[n]
		total[l][1] += square[n]
	}
	for n, count := range sizes {
		w, l := float64(count)*voxels, n+1
		e := Evidence{Volume: w * vol.VoxelVolume() / 1000, Mean: total[l][0] / w}
		e.SD = math.Sqrt(max(total[l][1]/w-e.Mean*e.Mean, 0))
		e.Found = e.Volume >= c.MinBlood && e.SD < c.MaxBloodSD
		if e.Found && !best.Found || e.Found == best.Found && e.Volume > best.Volume {
			best = e
		}
	}
	return best
}
