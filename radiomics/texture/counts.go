package texture

// counts sums up a matrix n(i, j) of grey levels i and sizes j: run lengths,
// zone sizes, zone distances or dependence counts. The 17 formulas are the same
// for all; see IBSI, sections 3.7 to 3.9 and 3.11.
type counts struct {
	total, voxels                      float64 // Σ n; voxels of the region, once for each matrix that was added
	small, large                       float64 // Σ n/j², Σ n j²
	low, high                          float64 // Σ n/i², Σ n i²
	smallLow, smallHigh                float64 // Σ n/(i² j²), Σ n i²/j²
	largeLow, largeHigh                float64 // Σ n j²/i², Σ n i² j²
	levelSquares, sizeSquares, squares float64 // Σᵢ (Σⱼ n)², Σⱼ (Σᵢ n)², Σ n²
	levelVariance, sizeVariance        float64
	entropy                            float64 // −Σ p log₂ p, bit
}

// countTable is a matrix n(i, j) of whole counts: row j − 1 holds the counts of
// size j for every code i. It grows by rows.
type countTable struct {
	width  int // codes and one
	rows   int
	n      []uint32
	memory *memory // where n lies; nil if it is the table's own
}

// reset empties the table.
func (t *countTable) reset(codes int) {
	t.width, t.rows, t.n = codes+1, 0, t.n[:0]
	if t.memory != nil {
		t.n = nil
	}
}

// grow makes sure that there are rows, new ones being zero.
func (t *countTable) grow(rows int) {
	if rows <= t.rows {
		return
	}
	old := len(t.n)
	if need := rows * t.width; t.memory != nil {
		t.n = extend(t.memory, t.n, need)
	} else if cap(t.n) < need {
		room := need
		if old > 0 { // it will not be the last time
			room += need / 2
		}
		n := make([]uint32, need, room)
		copy(n, t.n)
		t.n = n
	} else {
		t.n = t.n[:need]
	}
	clear(t.n[old:])
	t.rows = rows
}

// row returns the counts of size j.
func (t *countTable) row(j int) []uint32 { return t.n[(j-1)*t.width : j*t.width] }

// add adds the counts of u.
func (t *countTable) add(u *countTable) {
	t.grow(u.rows)
	for x, n := range u.n {
		t.n[x] += n
	}
}

// countSums is the scratch of summing up a matrix of counts.
type countSums struct {
	square, inverse []float64 // i² and 1/i² of each code
	level           []float64 // Σⱼ n of each code
	sizes           []cellOf  // j and Σᵢ n of each size, ascending
	nLogN, squares  float64
	m               counts
}

// cellOf is a size and the count of its column.
type cellOf struct{ j, n float64 }

// prepare fills the tables of levels.
func (s *countSums) prepare(m *memory, value []uint16) {
	s.square, s.inverse, s.level = take[float64](m, len(value)), take[float64](m, len(value)), take[float64](m, len(value))
	for x, v := range value {
		i2 := float64(v) * float64(v)
		s.square[x], s.inverse[x] = i2, 1/i2
	}
}

// begin starts a matrix of so many sizes, whose sums come from m.
func (s *countSums) begin(m *memory, sizes int) {
	clear(s.level)
	s.sizes = take[cellOf](m, sizes)[:0]
	s.nLogN, s.squares, s.m = 0, 0, counts{}
}

// column adds the counts n of size j. Sizes must ascend.
func column[T uint32 | float64](s *countSums, j float64, n []T) {
	level, square, inverse := s.level[:len(n)], s.square[:len(n)], s.inverse[:len(n)]
	var all, low, high, nLogN, squares float64
	for x, n := range n {
		if n == 0 || x == 0 {
			continue
		}
		n := float64(n)
		all += n
		low += n * inverse[x]
		high += n * square[x]
		nLogN += nLog2(n)
		squares += n * n
		level[x] += n
	}
	if all > 0 {
		s.size(j, all, low, high)
		s.nLogN += nLogN
		s.squares += squares
	}
}

// size adds the sums over the levels of size j, which are never below those before.
func (s *countSums) size(j, all, low, high float64) {
	j2 := j * j
	s.m.small += all / j2
	s.m.large += all * j2
	s.m.smallLow += low / j2
	s.m.smallHigh += high / j2
	s.m.largeLow += low * j2
	s.m.largeHigh += high * j2
	s.m.total += all
	if n := len(s.sizes); n > 0 && s.sizes[n-1].j == j {
		s.sizes[n-1].n += all
	} else {
		s.sizes = append(s.sizes, cellOf{j, all})
	}
}

// entry adds the single entry n of code x and size j. Sizes must ascend.
func (s *countSums) entry(x int, j, n float64) {
	s.size(j, n, n*s.inverse[x], n*s.square[x])
	s.nLogN += nLog2(n)
	s.squares += n * n
	s.level[x] += n
}

// finish returns the sums of the matrix; value are the levels of the codes and
// voxels those of the region, once for each matrix that was added.
func (s *countSums) finish(value []uint16, voxels float64) *counts {
	m := &s.m
	m.voxels, m.squares = voxels, s.squares
	var mean, sum2 float64
	occupied := 0
	for x, n := range s.level {
		if n > 0 {
			m.low += n * s.inverse[x]
			m.high += n * s.square[x]
			m.levelSquares += n * n
			mean += n * float64(value[x])
			occupied++
		}
	}
	if occupied > 1 {
		mean /= m.total
		for x, n := range s.level {
			d := float64(value[x]) - mean
			sum2 += n * d * d
		}
		m.levelVariance = sum2 / m.total
	}
	if occupied > 1 || len(s.sizes) > 1 {
		m.entropy = entropy(s.nLogN, m.total)
	}
	mean, sum2 = 0, 0
	for _, c := range s.sizes {
		m.sizeSquares += c.n * c.n
		mean += c.n * c.j
	}
	if mean /= m.total; len(s.sizes) > 1 {
		for _, c := range s.sizes {
			d := c.j - mean
			sum2 += c.n * d * d
		}
		m.sizeVariance = sum2 / m.total
	}
	return m
}

// table sums up a table of whole counts.
func (s *countSums) table(m *memory, t *countTable, value []uint16, voxels float64) *counts {
	defer m.release(m.at)
	s.begin(m, t.rows)
	for j := 1; j <= t.rows; j++ {
		column(s, float64(j), t.row(j))
	}
	return s.finish(value, voxels)
}

// The formulas, divided by the number of entries.
func smallSizes(m *counts) float64          { return m.small / m.total }
func largeSizes(m *counts) float64          { return m.large / m.total }
func lowLevels(m *counts) float64           { return m.low / m.total }
func highLevels(m *counts) float64          { return m.high / m.total }
func smallLow(m *counts) float64            { return m.smallLow / m.total }
func smallHigh(m *counts) float64           { return m.smallHigh / m.total }
func largeLow(m *counts) float64            { return m.largeLow / m.total }
func largeHigh(m *counts) float64           { return m.largeHigh / m.total }
func levelNonUniformity(m *counts) float64  { return m.levelSquares / m.total }
func levelNonUniformityN(m *counts) float64 { return m.levelSquares / (m.total * m.total) }
func sizeNonUniformity(m *counts) float64   { return m.sizeSquares / m.total }
func sizeNonUniformityN(m *counts) float64  { return m.sizeSquares / (m.total * m.total) }
func percentage(m *counts) float64          { return m.total / m.voxels }
func countLevelVariance(m *counts) float64  { return m.levelVariance }
func countSizeVariance(m *counts) float64   { return m.sizeVariance }
func countEntropy(m *counts) float64        { return m.entropy }
func countEnergy(m *counts) float64         { return m.squares / (m.total * m.total) }

var glrlmFeatures = []row[*counts]{
	{Feature{"short_runs_emphasis", "ShortRunEmphasis", "22OV", "1", "Mean of 1/length²: how short runs of one level are."}, smallSizes, 0},
	{Feature{"long_runs_emphasis", "LongRunEmphasis", "W4KF", "voxel²", "Mean squared run length."}, largeSizes, 0},
	{Feature{"low_grey_level_run_emphasis", "LowGrayLevelRunEmphasis", "V3SW", "1", "Mean of 1/level² over runs."}, lowLevels, 0},
	{Feature{"high_grey_level_run_emphasis", "HighGrayLevelRunEmphasis", "G3QZ", "level²", "Mean squared level of runs."}, highLevels, 0},
	{Feature{"short_run_low_grey_level_emphasis", "ShortRunLowGrayLevelEmphasis", "HTZT", "1", "Emphasis of short runs of low levels."}, smallLow, 0},
	{Feature{"short_run_high_grey_level_emphasis", "ShortRunHighGrayLevelEmphasis", "GD3A", "1", "Emphasis of short runs of high levels."}, smallHigh, 0},
	{Feature{"long_run_low_grey_level_emphasis", "LongRunLowGrayLevelEmphasis", "IVPO", "1", "Emphasis of long runs of low levels."}, largeLow, 0},
	{Feature{"long_run_high_grey_level_emphasis", "LongRunHighGrayLevelEmphasis", "3KUM", "1", "Emphasis of long runs of high levels."}, largeHigh, 0},
	{Feature{"grey_level_non_uniformity", "GrayLevelNonUniformity", "R5YN", "1", "How unevenly runs are spread over levels."}, levelNonUniformity, 0},
	{Feature{"normalised_grey_level_non_uniformity", "GrayLevelNonUniformityNormalized", "OVBL", "1", "The same divided by the number of runs."}, levelNonUniformityN, 0},
	{Feature{"run_length_non_uniformity", "RunLengthNonUniformity", "W92Y", "1", "How unevenly runs are spread over lengths."}, sizeNonUniformity, 0},
	{Feature{"normalised_run_length_non_uniformity", "RunLengthNonUniformityNormalized", "IC23", "1", "The same divided by the number of runs."}, sizeNonUniformityN, 0},
	{Feature{"run_percentage", "RunPercentage", "9ZK5", "1", "Runs for each voxel."}, percentage, 0},
	{Feature{"grey_level_variance", "GrayLevelVariance", "8CE5", "level²", "Variance of the levels of runs."}, countLevelVariance, 0},
	{Feature{"run_length_variance", "RunVariance", "SXLW", "voxel²", "Variance of run lengths."}, countSizeVariance, 0},
	{Feature{"run_entropy", "RunEntropy", "HJ9O", "bit", "Disorder of levels and run lengths."}, countEntropy, 0},
}

var glszmFeatures = []row[*counts]{
	{Feature{"small_zone_emphasis", "SmallAreaEmphasis", "5QRC", "1", "Mean of 1/size²: how small zones of one level are."}, smallSizes, 0},
	{Feature{"large_zone_emphasis", "LargeAreaEmphasis", "48P8", "voxel²", "Mean squared zone size."}, largeSizes, 0},
	{Feature{"low_grey_level_zone_emphasis", "LowGrayLevelZoneEmphasis", "XMSY", "1", "Mean of 1/level² over zones."}, lowLevels, 0},
	{Feature{"high_grey_level_zone_emphasis", "HighGrayLevelZoneEmphasis", "5GN9", "level²", "Mean squared level of zones."}, highLevels, 0},
	{Feature{"small_zone_low_grey_level_emphasis", "SmallAreaLowGrayLevelEmphasis", "5RAI", "1", "Emphasis of small zones of low levels."}, smallLow, 0},
	{Feature{"small_zone_high_grey_level_emphasis", "SmallAreaHighGrayLevelEmphasis", "HW1V", "1", "Emphasis of small zones of high levels."}, smallHigh, 0},
	{Feature{"large_zone_low_grey_level_emphasis", "LargeAreaLowGrayLevelEmphasis", "YH51", "1", "Emphasis of large zones of low levels."}, largeLow, 0},
	{Feature{"large_zone_high_grey_level_emphasis", "LargeAreaHighGrayLevelEmphasis", "J17V", "1", "Emphasis of large zones of high levels."}, largeHigh, 0},
	{Feature{"grey_level_non_uniformity", "GrayLevelNonUniformity", "JNSA", "1", "How unevenly zones are spread over levels."}, levelNonUniformity, 0},
	{Feature{"normalised_grey_level_non_uniformity", "GrayLevelNonUniformityNormalized", "Y1RO", "1", "The same divided by the number of zones."}, levelNonUniformityN, 0},
	{Feature{"zone_size_non_uniformity", "SizeZoneNonUniformity", "4JP3", "1", "How unevenly zones are spread over sizes."}, sizeNonUniformity, 0},
	{Feature{"normalised_zone_size_non_uniformity", "SizeZoneNonUniformityNormalized", "VB3A", "1", "The same divided by the number of zones."}, sizeNonUniformityN, 0},
	{Feature{"zone_percentage", "ZonePercentage", "P30P", "1", "Zones for each voxel."}, percentage, 0},
	{Feature{"grey_level_variance", "GrayLevelVariance", "BYLV", "level²", "Variance of the levels of zones."}, countLevelVariance, 0},
	{Feature{"zone_size_variance", "ZoneVariance", "3NSA", "voxel²", "Variance of zone sizes."}, countSizeVariance, 0},
	{Feature{"zone_size_entropy", "ZoneEntropy", "GU8N", "bit", "Disorder of levels and zone sizes."}, countEntropy, 0},
}

var gldzmFeatures = []row[*counts]{
	{Feature{"small_distance_emphasis", "", "0GBI", "1", "Mean of 1/distance²: how near the border zones of one level lie."}, smallSizes, 0},
	{Feature{"large_distance_emphasis", "", "MB4I", "voxel²", "Mean squared distance of zones from the border."}, largeSizes, 0},
	{Feature{"low_grey_level_zone_emphasis", "", "S1RA", "1", "Mean of 1/level² over zones."}, lowLevels, 0},
	{Feature{"high_grey_level_zone_emphasis", "", "K26C", "level²", "Mean squared level of zones."}, highLevels, 0},
	{Feature{"small_distance_low_grey_level_emphasis", "", "RUVG", "1", "Emphasis of zones of low levels near the border."}, smallLow, 0},
	{Feature{"small_distance_high_grey_level_emphasis", "", "DKNJ", "1", "Emphasis of zones of high levels near the border."}, smallHigh, 0},
	{Feature{"large_distance_low_grey_level_emphasis", "", "A7WM", "1", "Emphasis of zones of low levels far from the border."}, largeLow, 0},
	{Feature{"large_distance_high_grey_level_emphasis", "", "KLTH", "1", "Emphasis of zones of high levels far from the border."}, largeHigh, 0},
	{Feature{"grey_level_non_uniformity", "", "VFT7", "1", "How unevenly zones are spread over levels."}, levelNonUniformity, 0},
	{Feature{"normalised_grey_level_non_uniformity", "", "7HP3", "1", "The same divided by the number of zones."}, levelNonUniformityN, 0},
	{Feature{"zone_distance_non_uniformity", "", "V294", "1", "How unevenly zones are spread over distances."}, sizeNonUniformity, 0},
	{Feature{"normalised_zone_distance_non_uniformity", "", "IATH", "1", "The same divided by the number of zones."}, sizeNonUniformityN, 0},
	{Feature{"zone_percentage", "", "VIWW", "1", "Zones for each voxel."}, percentage, 0},
	{Feature{"grey_level_variance", "", "QK93", "level²", "Variance of the levels of zones."}, countLevelVariance, 0},
	{Feature{"zone_distance_variance", "", "7WT1", "voxel²", "Variance of the distances of zones."}, countSizeVariance, 0},
	{Feature{"zone_distance_entropy", "", "GBDU", "bit", "Disorder of levels and zone distances."}, countEntropy, 0},
}

var ngldmFeatures = []row[*counts]{
	{Feature{"low_dependence_emphasis", "SmallDependenceEmphasis", "SODN", "1", "Mean of 1/count²: how few neighbours share a voxel's level."}, smallSizes, 0},
	{Feature{"high_dependence_emphasis", "LargeDependenceEmphasis", "IMOQ", "voxel²", "Mean squared dependence count."}, largeSizes, 0},
	{Feature{"low_grey_level_count_emphasis", "LowGrayLevelEmphasis", "TL9H", "1", "Mean of 1/level²."}, lowLevels, 0},
	{Feature{"high_grey_level_count_emphasis", "HighGrayLevelEmphasis", "OAE7", "level²", "Mean squared level."}, highLevels, 0},
	{Feature{"low_dependence_low_grey_level_emphasis", "SmallDependenceLowGrayLevelEmphasis", "EQ3F", "1", "Emphasis of low levels among other levels."}, smallLow, 0},
	{Feature{"low_dependence_high_grey_level_emphasis", "SmallDependenceHighGrayLevelEmphasis", "JA6D", "1", "Emphasis of high levels among other levels."}, smallHigh, 0},
	{Feature{"high_dependence_low_grey_level_emphasis", "LargeDependenceLowGrayLevelEmphasis", "NBZI", "1", "Emphasis of low levels among their like."}, largeLow, 0},
	{Feature{"high_dependence_high_grey_level_emphasis", "LargeDependenceHighGrayLevelEmphasis", "9QMG", "1", "Emphasis of high levels among their like."}, largeHigh, 0},
	{Feature{"grey_level_non_uniformity", "GrayLevelNonUniformity", "FP8K", "1", "How unevenly voxels are spread over levels."}, levelNonUniformity, 0},
	{Feature{"normalised_grey_level_non_uniformity", "", "5SPA", "1", "The same divided by the number of voxels."}, levelNonUniformityN, 0},
	{Feature{"dependence_count_non_uniformity", "DependenceNonUniformity", "Z87G", "1", "How unevenly voxels are spread over dependence counts."}, sizeNonUniformity, 0},
	{Feature{"normalised_dependence_count_non_uniformity", "DependenceNonUniformityNormalized", "OKJI", "1", "The same divided by the number of voxels."}, sizeNonUniformityN, 0},
	{Feature{"dependence_count_percentage", "", "6XV8", "1", "Neighbourhoods for each voxel: 1 by definition."}, percentage, 0},
	{Feature{"grey_level_variance", "GrayLevelVariance", "1PFV", "level²", "Variance of levels."}, countLevelVariance, 0},
	{Feature{"dependence_count_variance", "DependenceVariance", "DNX2", "voxel²", "Variance of dependence counts."}, countSizeVariance, 0},
	{Feature{"dependence_count_entropy", "DependenceEntropy", "FCBV", "bit", "Disorder of levels and dependence counts."}, countEntropy, 0},
	{Feature{"dependence_count_energy", "", "CAS9", "1", "Order of levels and dependence counts."}, countEnergy, 0},
}
