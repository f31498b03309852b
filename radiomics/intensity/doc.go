// Package intensity computes the features of the intensities in a region:
// IBSI's intensity-based statistics (section 3.3 of its manual), intensity
// histogram (3.4), intensity-volume histogram (3.5) and local intensity (3.2),
// and the first-order features of PyRadiomics.
//
// In go plain slices: the intensities of the region's voxels in any order, or
// the number of voxels on each grey level; only local intensity needs the image
// around the region. Out come structs of named quantities, and tables
// ([StatisticsFeatures], …) that say which feature is made of them:
//
//	var w intensity.Workspace
//	s := intensity.NewStatistics(&w, hu)     // or NewFirstOrder, NewHistogram, …
//	values := make([]float64, len(intensity.StatisticsFeatures))
//	s.Values(values, nil)
//
// Intensities must be finite; with one that is not every value is NaN for the
// reason [feature.NotFinite]. Sums run in the order of the slice on one processor, so
// equal input gives equal bits. Whole numbers over a moderate range, as CT has
// them, are counted instead of sorted, and their sums are exact.
//
// A [Workspace] keeps the scratch of a region for the next one, so that many
// small regions cost no allocation. Results made with it are valid until it is
// used again.
package intensity
