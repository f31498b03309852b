package ria

import (
	"errors"
	"fmt"
	"slices"

	"github.com/plaquerisk/plaquerisk/feature"
)

// Binning says how bins divide the intensities of a lesion.
type Binning int

const (
	// EqualWidth bins have one width between the smallest and the largest
	// intensity:
	//
	//	level(x) = min(⌊N (x − min)/(max − min)⌋ + 1, N).             (RIA.1)
	//
	// Equal intensities are level 1.
	EqualWidth Binning = iota
	// EqualProbability bins hold as nearly as possible as many voxels each:
	//
	//	level(x) = 1 + #{ b ∈ 1 … N−1 : q(b/N) ≤ x }                  (RIA.2)
	//
	// with the quantile q, linear between ranks. Equal intensities share a
	// level; where ties make quantiles equal, bins between them stay empty.
	EqualProbability
)

// String returns the abbreviation in column names, "ew" or "ep".
func (b Binning) String() string { return [...]string{"ew", "ep"}[b] }

// Config says which discretisations are made.
type Config struct {
	Bins     []int
	Binnings []Binning
}

// DefaultConfig returns the discretisations of RIA.
func DefaultConfig() Config {
	return Config{Bins: []int{8, 16, 32}, Binnings: []Binning{EqualWidth, EqualProbability}}
}

// maxBins is the most levels; with the level 0 of outside they fit a byte.
const maxBins = 255

// Validate reports everything that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	for n, b := range c.Bins {
		if b < 2 || b > maxBins {
			bad("ria: bins: %d: want 2 to %d", b, maxBins)
		}
		if slices.Contains(c.Bins[:n], b) {
			bad("ria: bins: %d stands twice", b)
		}
	}
	for n, b := range c.Binnings {
		if b != EqualWidth && b != EqualProbability {
			bad("ria: binnings: %d is unknown", int(b))
		} else if slices.Contains(c.Binnings[:n], b) {
			bad("ria: binnings: %v stands twice", b)
		}
	}
	return errors.Join(errs...)
}

// discretisation is one way to make levels.
type discretisation struct {
	kind Binning
	bins int
}

// String returns the suffix of columns: "ew8".
func (d discretisation) String() string { return fmt.Sprintf("%v%d", d.kind, d.bins) }

// settings describes d in words.
func (d discretisation) settings() string {
	if d.kind == EqualProbability {
		return fmt.Sprintf("%d bins of equal probability", d.bins)
	}
	return fmt.Sprintf("%d bins of equal width", d.bins)
}

// discretisations returns them in the order of the columns.
func (c *Config) discretisations() []discretisation {
	var ds []discretisation
	for _, kind := range c.Binnings {
		for _, bins := range c.Bins {
			ds = append(ds, discretisation{kind, bins})
		}
	}
	return ds
}

// Columns returns the columns of [Computer.Compute], in order, for an image
// ("original") in a unit ("HU"), with the settings that made its intensities.
func (c Config) Columns(image, unit, settings string) []feature.Column {
	var cols []feature.Column
	add := func(family, name, suffix, unit, set, doc string) {
		full := image + "." + family + "." + name
		if suffix != "" {
			full += "." + suffix
		}
		if settings != "" && set != "" {
			set = settings + "; " + set
		} else {
			set = settings + set
		}
		cols = append(cols, feature.Column{Name: full, Unit: unit, Modality: feature.Radiomics, Ref: "plaquerisk:ria", Settings: set, Doc: doc})
	}
	for _, s := range intensityStatistics {
		add("ria_intensity", s.name, "", s.unitOf(unit), "", s.doc)
	}
	for _, s := range geometryStatistics {
		add("ria_geometry", s.name, "", s.unit, "", s.doc)
	}
	ds := c.discretisations()
	for _, d := range ds {
		for _, s := range pairStatistics() {
			add("ria_glcm", s.name, d.String(), s.unit, d.settings(), s.doc)
		}
		for _, s := range runStatistics {
			add("ria_glrlm", s.name, d.String(), "1", d.settings(), s.doc)
		}
	}
	for _, d := range ds {
		for level := 1; level <= d.bins; level++ {
			for _, s := range geometryStatistics {
				add("ria_component", s.name, fmt.Sprintf("%v_%d", d, level), s.unit, d.settings(), s.doc)
			}
		}
	}
	return cols
}
