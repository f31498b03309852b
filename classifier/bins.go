package classifier

import (
	"math"
	"slices"
)

// bins holds a table cut into bins: what tree growing reads. Columns stand in
// the order of their names and constant ones are left out, so that neither the
// order nor the number of useless columns changes a tree.
type bins struct {
	rows int
	cols []binned
}

// binned is one column in bins: values first, from small to large; the last
// bin holds missing values.
type binned struct {
	column    int       // place in the data
	bin       []uint8   // of each row
	low, high []float64 // smallest and largest value of each bin; as many as there are bins of values
}

// newBins cuts the columns of d. A column with at most most distinct values
// keeps each of them; otherwise neighbours share bins of about equal counts.
// Edges depend on the sorted values alone, not on the order of rows.
func newBins(d *Data, most int) *bins {
	n := len(d.Y)
	b := &bins{rows: n}
	order := make([]int, len(d.Names))
	for c := range order {
		order[c] = c
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case d.Names[i] < d.Names[j]:
			return -1
		case d.Names[i] > d.Names[j]:
			return 1
		}
		return 0
	})
	sorted := make([]float64, 0, n)
	flat := make([]uint8, n*len(order))
	for _, c := range order {
		sorted = sorted[:0]
		for _, x := range d.X[c] {
			if !math.IsNaN(x) {
				sorted = append(sorted, x)
			}
		}
		slices.Sort(sorted)
		col := binned{column: c}
		col.low, col.high = cut(sorted, most)
		if len(col.low) == 0 || (len(col.low) == 1 && len(sorted) == n) {
			continue // nothing to split
		}
		col.bin, flat = flat[:n:n], flat[n:]
		missing := uint8(len(col.low))
		for r, x := range d.X[c] {
			if math.IsNaN(x) {
				col.bin[r] = missing
				continue
			}
			at, _ := slices.BinarySearch(col.high, x) // first bin that reaches up to x
			col.bin[r] = uint8(at)
		}
		b.cols = append(b.cols, col)
	}
	return b
}

// cut returns the smallest and largest value of at most most bins of sorted
// values. Equal values share a bin.
func cut(sorted []float64, most int) (low, high []float64) {
	var distinct int
	for i, x := range sorted {
		if i == 0 || x != sorted[i-1] {
			distinct++
		}
	}
	count := min(distinct, most)
	low, high = make([]float64, 0, count), make([]float64, 0, count)
	n := len(sorted)
	for i := 0; i < n; {
		start := i
		// The bin ends where its share of the rows is reached, unless all
		// remaining distinct values can have bins of their own.
		end := (len(low) + 1) * n / most
		for {
			x := sorted[i]
			for i < n && sorted[i] == x {
				i++
			}
			if i == n || distinct <= most || i >= end {
				break
			}
		}
		low, high = append(low, sorted[start]), append(high, sorted[i-1])
	}
	return low, high
}
