package texture

import (
	"errors"
	"fmt"
	"slices"
)

// Family is a kind of texture matrix.
type Family uint8

// The families of texture features.
const (
	GLCM  Family = iota // grey level co-occurrence
	GLRLM               // grey level run length
	GLSZM               // grey level size zone
	GLDZM               // grey level distance zone
	NGTDM               // neighbourhood grey tone difference
	NGLDM               // neighbouring grey level dependence
	GLDM                // NGLDM with the features and neighbourhood of PyRadiomics
	families
)

var familyNames = [families]string{"glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm", "gldm"}

// String returns the name in columns: "glcm".
func (f Family) String() string { return familyNames[f] }

// Directional tells whether the family has a matrix for each direction.
func (f Family) Directional() bool { return f == GLCM || f == GLRLM }

// Aggregation says how directions and slices become one value.
type Aggregation uint8

// The aggregations of the standard, section 3.6 and following: the first six
// are for families with directions, the last three for the others.
const (
	Averaged2D        Aggregation = iota // mean over slices and their 4 directions
	SliceMerged2D                        // directions of a slice added; mean over slices
	DirectionMerged25                    // slices of a direction added; mean over 4 directions
	Merged25D                            // slices and their 4 directions added
	Averaged3D                           // mean over 13 directions
	Merged3D                             // 13 directions added
	Slices2D                             // mean over slices
	Slices25D                            // slices added
	Volume3D                             // one matrix in three dimensions
	aggregations
)

var aggregationNames = [aggregations]string{"2d_averaged", "2d_slice_merged", "25d_direction_merged", "25d_merged", "3d_averaged", "3d_merged", "2d", "25d", "3d"}

// String returns the suffix of columns: "3d_merged".
func (a Aggregation) String() string { return aggregationNames[a] }

// Applies tells whether family f has aggregation a.
func (a Aggregation) Applies(f Family) bool { return f.Directional() == (a <= Merged3D) }

// Convention is whose definitions are used where they differ.
type Convention uint8

const (
	// IBSI follows the reference manual. What is undefined is NaN with a reason.
	IBSI Convention = iota
	// PyRadiomics gives the features of PyRadiomics 3.1 with its values, also
	// where they are a convention (correlation 1 of a flat region); the reason
	// is given all the same.
	PyRadiomics
)

// Weighting multiplies the matrix of a direction before matrices are added. A
// direction m of length |m| in mm has weight exp(−|m|²) in the glcm and |m| in
// the glrlm, as in PyRadiomics. It has no effect on averages.
type Weighting uint8

// The norms of a direction.
const (
	NoWeighting Weighting = iota // all weights are 1
	Manhattan                    // |x| + |y| + |z|
	Euclidean                    // √(x² + y² + z²)
	Infinity                     // the largest of |x|, |y|, |z|
)

// Config says what is computed.
type Config struct {
	// Families and Aggregations: columns come in this order, family by family.
	// An aggregation that a family does not have is passed over.
	Families     []Family
	Aggregations []Aggregation
	// Convention chooses definitions and the set of features.
	Convention Convention
	// Distance is the Chebyshev distance δ: glcm pairs lie δ steps apart along
	// a direction; neighbourhoods of ngtdm and ngldm reach to δ voxels.
	Distance int
	// Distances, if not empty, takes the place of Distance as in PyRadiomics:
	// pairs and neighbours are all voxels whose Chebyshev distance is listed.
	Distances []int
	// Weighting of directions that are added.
	Weighting Weighting
	// Symmetric counts a glcm pair in both orders.
	Symmetric bool
	// Coarseness is the largest difference in level, α, of dependent
	// neighbours in ngldm and gldm.
	Coarseness float64
	// SliceAxis is the axis normal to slices: 0 (i), 1 (j) or 2 (k).
	SliceAxis int
	// MCC adds the maximal correlation coefficient, which IBSI does not have,
	// to the glcm.
	MCC bool
}

// DefaultConfig returns all families of IBSI, in three dimensions, merged.
func DefaultConfig() Config {
	return Config{
		Families:     []Family{GLCM, GLRLM, GLSZM, GLDZM, NGTDM, NGLDM},
		Aggregations: []Aggregation{Merged3D, Volume3D},
		Distance:     1, Symmetric: true, SliceAxis: 2,
	}
}

// PyRadiomicsConfig returns what PyRadiomics computes by default.
func PyRadiomicsConfig() Config {
	return Config{
		Families:     []Family{GLCM, GLDM, GLRLM, GLSZM, NGTDM},
		Aggregations: []Aggregation{Averaged3D, Volume3D},
		Convention:   PyRadiomics,
		Distance:     1, Symmetric: true, SliceAxis: 2, MCC: true,
	}
}

// maxDistance is the largest distance of pairs and neighbours.
const maxDistance = 15

// Validate reports everything that is wrong with c.
func (c *Config) Validate() error {
	var errs []error
	fail := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	for n, f := range c.Families {
		if f >= families {
			fail("family %d is unknown", f)
		} else if slices.Contains(c.Families[:n], f) {
			fail("family %v stands twice", f)
		}
	}
	for n, a := range c.Aggregations {
		if a >= aggregations {
			fail("aggregation %d is unknown", a)
		} else if slices.Contains(c.Aggregations[:n], a) {
			fail("aggregation %v stands twice", a)
		}
	}
	if c.Convention > PyRadiomics {
		fail("convention %d is unknown", c.Convention)
	}
	if len(c.Distances) == 0 && (c.Distance < 1 || c.Distance > maxDistance) {
		fail("distance %d is not from 1 to %d", c.Distance, maxDistance)
	}
	for _, d := range c.Distances {
		if d < 1 || d > maxDistance {
			fail("distance %d of distances is not from 1 to %d", d, maxDistance)
		}
	}
	if c.Weighting > Infinity {
		fail("weighting %d is unknown", c.Weighting)
	}
	if !(c.Coarseness >= 0) {
		fail("coarseness %g is negative", c.Coarseness)
	}
	if c.SliceAxis < 0 || c.SliceAxis > 2 {
		fail("slice axis %d is not 0, 1 or 2", c.SliceAxis)
	}
	if len(errs) > 0 {
		return fmt.Errorf("texture: %w", errors.Join(errs...))
	}
	return nil
}
