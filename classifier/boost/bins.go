package boost

import (
	"context"
	"math"
	"runtime"
	"slices"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// table is what trees are grown from: the columns that can be split, in the
// order of their names, cut into bins of one byte.
type table struct {
	rows   int
	x      [][]float64 // values of each feature, in the order of names
	cols   []binned    // constant columns are left out
	bins   [][]uint8   // of each column, by row: for parting rows
	groups []group     // the same, by row: for counting
	offset []int32     // of each column in a histogram; one more than there are columns
}

// group is some neighbouring columns.
type group struct {
	words
	first, last int // columns
}

// binned is one column in bins: values first, from small to large (or one bin
// for each category); after them, if there are any, missing values.
type binned struct {
	feature     int32 // place in the model
	key         uint64
	categorical bool
	missing     bool
	bins        int       // of values
	low, high   []float64 // smallest and largest value of each bin of a numeric column
	sorted      []int32   // rows by value, missing last: of the exact grower alone
}

// newTable cuts columns, which stand in the order of their names, into at most
// most bins. A column with fewer distinct values keeps each of them; otherwise
// neighbours share bins of about equal weight. Edges depend on the sorted values
// and their weights alone, so that a weight of two is as good as two rows.
func newTable(ctx context.Context, columns []Column, weight []float64, cfg *Config) (*table, error) {
	n := len(weight)
	t := &table{rows: n, x: make([][]float64, len(columns))}
	all := make([]binned, len(columns))
	bins := make([][]uint8, len(columns))
	heft := make([]int64, n)
	for r, w := range weight {
		heft[r] = int64(math.RoundToEven(w * 0x1p20))
	}
	err := par.For(ctx, len(columns), func(c int) {
		col := &columns[c]
		t.x[c] = col.Values
		all[c] = binned{feature: int32(c), key: keyOf(col.Name), categorical: col.Kind == Categorical}
		if col.Kind == Categorical && cfg.Grower == Histogram {
			bins[c] = all[c].cutCategories(col)
			return
		}
		bins[c] = all[c].cut(col.Values, heft, cfg)
	})
	if err != nil {
		return nil, err
	}
	var kept [][]uint8
	t.offset = append(t.offset, 0)
	for c := range all {
		col := &all[c]
		width := col.bins
		if col.missing {
			width++
		}
		if width < 2 {
			continue // nothing to split
		}
		t.cols = append(t.cols, *col)
		kept = append(kept, bins[c])
		t.offset = append(t.offset, t.offset[len(t.offset)-1]+int32(width))
	}
	if cfg.Grower == Exact {
		for c := 0; c < len(t.cols); c += lanes {
			t.groups = append(t.groups, group{first: c, last: min(c+lanes, len(t.cols))})
		}
		return t, nil
	}
	t.bins = kept
	blocks := (len(t.cols) + lanes - 1) / lanes
	groups := min(blocks, max((blocks+groupBlocks-1)/groupBlocks, runtime.GOMAXPROCS(0)))
	t.groups = make([]group, groups)
	err = par.For(ctx, groups, func(i int) {
		from, to := i*blocks/groups, (i+1)*blocks/groups
		g := group{words{make([]uint64, n*(to-from)), to - from}, from * lanes, min(to*lanes, len(kept))}
		for c := g.first; c < g.last; c++ {
			at, shift := c/lanes-from, c%lanes*8
			for _, b := range kept[c] {
				g.bins[at] |= uint64(b) << shift
				at += g.stride
			}
		}
		t.groups[i] = g
	})
	return t, err
}

// cutCategories gives each category, and missing, a bin.
func (b *binned) cutCategories(col *Column) []uint8 {
	b.bins = len(col.Categories)
	bin := make([]uint8, len(col.Values))
	for r, x := range col.Values {
		if x != x {
			b.missing = true
			bin[r] = uint8(b.bins)
			continue
		}
		bin[r] = uint8(x)
	}
	return bin
}

// cut sorts a column and cuts it into bins, which it returns by row.
func (b *binned) cut(values []float64, heft []int64, cfg *Config) []uint8 {
	keys, order := sortValues(values)
	b.missing = len(order) < len(values)
	if cfg.Grower == Exact {
		b.sorted = order
		for r, x := range values {
			if x != x {
				b.sorted = append(b.sorted, int32(r))
			}
		}
		if len(keys) > 0 {
			b.bins = 1
			if keys[0] != keys[len(keys)-1] {
				b.bins = 2
			}
		}
		return nil
	}
	most := cfg.MaxBins
	if b.missing {
		most--
	}
	b.edges(values, order, heft, most)
	bin := make([]uint8, len(values))
	at := 0
	for _, r := range order {
		for values[r] > b.high[at] {
			at++
		}
		bin[r] = uint8(at)
	}
	if b.missing {
		for r, x := range values {
			if x != x {
				bin[r] = uint8(b.bins)
			}
		}
	}
	return bin
}

// edges sets the smallest and largest value of at most most bins. A bin is
// closed where adding the next value would lead further away from its share of
// the weight that is left, or where each value left can have a bin of its own.
func (b *binned) edges(values []float64, order []int32, heft []int64, most int) {
	var distinct int
	var left int64
	for i, r := range order {
		if i == 0 || values[r] != values[order[i-1]] {
			distinct++
		}
		left += heft[r]
	}
	var inBin int64
	for i := 0; i < len(order); {
		x := values[order[i]]
		var w int64
		for i < len(order) && values[order[i]] == x {
			w += heft[order[i]]
			i++
		}
		open := len(b.low)
		share := (left + inBin) / int64(max(1, most-open+1))
		if open == 0 || distinct <= most-open || (open < most && inBin+w/2 > share) {
			b.low, b.high = append(b.low, x), append(b.high, x)
			inBin = 0
		}
		b.high[len(b.high)-1] = x
		inBin += w
		left -= w
		distinct--
	}
	b.bins = len(b.low)
}

// sortValues returns the sort keys of the values that are not missing and their
// rows, from small to large. −0 counts as 0.
func sortValues(values []float64) ([]uint64, []int32) {
	keys := make([]uint64, 0, len(values))
	rows := make([]int32, 0, len(values))
	for r, x := range values {
		if x != x {
			continue
		}
		// Flipping the sign of positive and all bits of negative numbers makes
		// the order of bits that of numbers.
		k := math.Float64bits(x + 0)
		if k>>63 == 1 {
			k = ^k
		} else {
			k |= 1 << 63
		}
		keys = append(keys, k)
		rows = append(rows, int32(r))
	}
	if len(keys) < 2048 {
		order := make([]int, len(keys))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int {
			switch {
			case keys[i] < keys[j]:
				return -1
			case keys[i] > keys[j]:
				return 1
			}
			return 0
		})
		return pick(keys, order), pick(rows, order)
	}
	radixSort(&keys, &rows)
	return keys, rows
}

// radixSort sorts keys, and rows with them, digit by digit of 11 bits.
func radixSort(keys *[]uint64, rows *[]int32) {
	const width = 11
	n := len(*keys)
	k, r := *keys, *rows
	k2, r2 := make([]uint64, n), make([]int32, n)
	for shift := 0; shift < 64; shift += width {
		var count [1 << width]int32
		for _, x := range k {
			count[x>>shift&(1<<width-1)]++
		}
		if count[k[0]>>shift&(1<<width-1)] == int32(n) {
			continue // all share this digit
		}
		var at int32
		for d, c := range count {
			count[d] = at
			at += c
		}
		for i, x := range k {
			d := x >> shift & (1<<width - 1)
			k2[count[d]], r2[count[d]] = x, r[i]
			count[d]++
		}
		k, k2, r, r2 = k2, k, r2, r
	}
	*keys, *rows = k, r
}
