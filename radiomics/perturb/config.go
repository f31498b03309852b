package perturb

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Config spans a chain of perturbations: every rotation with every shift, noise
// draw, growth and contour draw.
type Config struct {
	// Seed of all draws. Each has a stream of its own, named after region and perturbation.
	Seed uint64 `yaml:"seed"`
	// Rotations are angles by which the voxels are turned about the region's centre; 0 does not turn.
	Rotations []float64 `yaml:"rotation_deg"`
	// Axis is the axis of the image about which they turn: i, j or k.
	Axis string `yaml:"rotation_axis"`
	// Shifts are fractions of a voxel by which the voxels are moved, along each axis in every combination: two give eight shifts.
	Shifts []float64 `yaml:"shift_voxels"`
	// Noises is how often noise is drawn; 0 adds none.
	Noises int `yaml:"noise_repetitions"`
	// NoiseFactor multiplies the standard deviation of the image's own noise, as estimated around the region.
	NoiseFactor float64 `yaml:"noise_factor"`
	// Growths are fractions by which the number of voxels grows, or shrinks if negative.
	Growths []float64 `yaml:"growth_fraction"`
	// Contours is how often the contour is displaced; 0 leaves it.
	Contours int `yaml:"contour_repetitions"`
	// ContourSD is the standard deviation of the displacement, mm.
	ContourSD float64 `yaml:"contour_sd_mm"`
	// ContourLength is the distance over which displacements are alike, mm.
	ContourLength float64 `yaml:"contour_correlation_mm"`
	// Spacing is the edge of the cubic voxels that are turned and shifted; 0 keeps the image's own. With the spacing of the extraction the image is interpolated only once.
	Spacing float64 `yaml:"spacing_mm"`
	// Margin is how much of the image is kept around the region, mm: as much as the extraction's filters reach.
	Margin float64 `yaml:"margin_mm"`
}

// DefaultConfig returns a chain of 32 perturbations for coronary plaques: two
// rotations, eight shifts, one draw of the scan's own noise, a tenth more and a
// tenth less volume, and contours 0.2 mm to and fro, about half a voxel and the
// disagreement of two readers of a vessel wall, alike over 2 mm.
func DefaultConfig() Config {
	return Config{
		Seed: 1, Rotations: []float64{-4, 4}, Axis: "k", Shifts: []float64{0.25, 0.75},
		Noises: 1, NoiseFactor: 1, Growths: []float64{-0.1, 0.1},
		Contours: 1, ContourSD: 0.2, ContourLength: 2, Margin: 5,
	}
}

// maxPerturbations bounds the product of a chain.
const maxPerturbations = 10_000

// Validate reports everything that is wrong with c, in the words of the YAML
// file.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	list := func(key string, xs []float64, lo, hi float64) {
		if len(xs) == 0 {
			bad("%s: empty: want at least one value; 0 changes nothing", key)
		}
		for n, x := range xs {
			if !(x >= lo && x <= hi) {
				bad("%s: %g: want %g to %g", key, x, lo, hi)
			}
			if slices.Contains(xs[:n], x) {
				bad("%s: %g stands twice", key, x)
			}
		}
	}
	within := func(key string, x, lo, hi float64) {
		if !(x >= lo && x <= hi) {
			bad("%s: %g: want %g to %g", key, x, lo, hi)
		}
	}
	list("rotation_deg", c.Rotations, -45, 45)
	list("shift_voxels", c.Shifts, -1, 1)
	list("growth_fraction", c.Growths, -0.9, 9)
	if axis(c.Axis) < 0 {
		bad("rotation_axis: %q: want i, j or k", c.Axis)
	}
	within("noise_repetitions", float64(c.Noises), 0, 1000)
	within("contour_repetitions", float64(c.Contours), 0, 1000)
	if c.Noises > 0 {
		within("noise_factor", c.NoiseFactor, 0, 100)
	}
	if c.Contours > 0 {
		within("contour_sd_mm", c.ContourSD, 0, 10)
		within("contour_correlation_mm", c.ContourLength, 0.01, 1000)
	}
	if c.Spacing != 0 {
		within("spacing_mm", c.Spacing, 0.05, 50)
	}
	within("margin_mm", c.Margin, 0, 200)
	if len(errs) == 0 {
		if n := c.count(); n > maxPerturbations {
			bad("%d perturbations, more than %d: shorten a list", n, maxPerturbations)
		}
	}
	return errors.Join(errs...)
}

func (c *Config) count() int {
	s := len(c.Shifts)
	return len(c.Rotations) * s * s * s * max(c.Noises, 1) * len(c.Growths) * max(c.Contours, 1)
}

// interpolates tells whether a perturbation of c reads the image between voxels.
func (c *Config) interpolates() bool {
	moves := func(x float64) bool { return x != 0 }
	return c.Spacing > 0 || slices.ContainsFunc(c.Rotations, moves) || slices.ContainsFunc(c.Shifts, moves)
}

// axis returns the number of an axis name, or −1.
func axis(name string) int {
	if len(name) != 1 {
		return -1
	}
	return strings.Index("ijk", name)
}

// Perturbation is one way in which image and mask could have come out. The
// zero value changes nothing.
type Perturbation struct {
	Rotation float64    // of the voxels about the region's centre, rad
	Axis     int        // about which: 0, 1 or 2 for i, j or k
	Shift    [3]float64 // of the voxels, in voxels
	Noise    int        // draw, counted from 1; 0 for none
	Growth   float64    // of the number of voxels, as a fraction
	Contour  int        // draw, counted from 1; 0 for none
}

// String names p: "r-4k_t25,75,25_n1_v10_c1" turns by −4° about k, shifts by
// hundredths of a voxel, adds the first noise, grows by 10 % and displaces the
// contour for the first time. What changes nothing is left out; "none" if all.
func (p Perturbation) String() string {
	var s []string
	if p.Rotation != 0 {
		s = append(s, fmt.Sprintf("r%.4g%c", p.Rotation*180/math.Pi, "ijk"[p.Axis]))
	}
	if p.Shift != [3]float64{} {
		s = append(s, fmt.Sprintf("t%.4g,%.4g,%.4g", 100*p.Shift[0], 100*p.Shift[1], 100*p.Shift[2]))
	}
	if p.Noise > 0 {
		s = append(s, fmt.Sprintf("n%d", p.Noise))
	}
	if p.Growth != 0 {
		s = append(s, fmt.Sprintf("v%.4g", 100*p.Growth))
	}
	if p.Contour > 0 {
		s = append(s, fmt.Sprintf("c%d", p.Contour))
	}
	if len(s) == 0 {
		return "none"
	}
	return strings.Join(s, "_")
}

// Perturbations returns the chain, in a fixed order. c must be valid.
func (c Config) Perturbations() []Perturbation {
	draws := func(n int) []int {
		if n == 0 {
			return []int{0}
		}
		d := make([]int, n)
		for i := range d {
			d[i] = i + 1
		}
		return d
	}
	out := make([]Perturbation, 0, c.count())
	for _, angle := range c.Rotations {
		for _, tk := range c.Shifts {
			for _, tj := range c.Shifts {
				for _, ti := range c.Shifts {
					for _, noise := range draws(c.Noises) {
						for _, growth := range c.Growths {
							for _, contour := range draws(c.Contours) {
								out = append(out, Perturbation{angle * math.Pi / 180, axis(c.Axis), [3]float64{ti, tj, tk}, noise, growth, contour})
							}
						}
					}
				}
			}
		}
	}
	return out
}
