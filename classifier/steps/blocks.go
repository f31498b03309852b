package steps

import (
	"math"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// blockOf returns the block, such as a modality, that a column belongs to: the
// first whose name it starts with, followed by a mark (._:-/) or a blank.
func blockOf(name string, blocks []string) string {
	for _, b := range blocks {
		rest, ok := strings.CutPrefix(name, b)
		if ok && (rest == "" || strings.ContainsRune("._:-/ ", rune(rest[0]))) {
			return b
		}
	}
	return ""
}

// Blocks returns the names of the blocks of columns, increasing, if there are at
// least two kinds of columns.
func (t *Table) Blocks() []string {
	var names []string
	for _, c := range t.Columns {
		if c.Block != "" {
			names = append(names, c.Block)
		}
	}
	all := len(names) == len(t.Columns)
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if all && len(names) < 2 {
		return nil
	}
	return names
}

// inBlock returns the number of columns of a block.
func (t *Table) inBlock(block string) int {
	n := 0
	for _, c := range t.Columns {
		if c.Block == block {
			n++
		}
	}
	return n
}

// without returns t with all values of a block missing.
func (t *Table) without(block string) *Table {
	out := *t
	out.Columns = slices.Clone(t.Columns)
	for n, c := range out.Columns {
		if c.Block == block {
			out.Columns[n].Values = missing(t.Rows())
		}
	}
	return &out
}

func missing(n int) []float64 { return slices.Repeat([]float64{math.NaN()}, n) }

// column makes an empty column of a feature.
func (f *Feature) column() boost.Column {
	c := boost.Column{Name: f.Name, Kind: boost.Numeric, Block: f.Block}
	if len(f.Categories) > 0 {
		c.Kind, c.Categories = boost.Categorical, f.Categories
	}
	return c
}
