package feature

// Reason says why a value is undefined; it is empty where there is a value.
type Reason string

// The reasons why a feature has no value for a region.
const (
	Defined         Reason = ""
	EmptyRegion     Reason = "empty_region"     // no voxel is left after re-segmentation
	OneVoxel        Reason = "one_voxel"        // no spread, no neighbours, no axes
	OneLevel        Reason = "one_grey_level"   // all voxels have the same grey level or intensity
	OneSlice        Reason = "one_slice"        // the region has no third dimension
	NoPairs         Reason = "no_pairs"         // no two voxels are neighbours, or none in a direction
	ZeroDenominator Reason = "zero_denominator" // it divides by a quantity that is zero here
	SmallSupport    Reason = "small_support"    // the filter is wider than the image
	NotFinite       Reason = "not_finite"       // an intensity is not a finite number
	Missing         Reason = "missing"          // read from a table that does not say why
)

// Support tells what a value rests on.
type Support struct {
	Voxels int    // voxels of the region that entered
	Pairs  int    // pairs, runs, zones or neighbourhoods counted; 0 in families that count none
	Reason Reason // why the value is undefined
}
