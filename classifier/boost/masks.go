package boost

import "math/bits"

// masks predict by small trees without walking them (Lucchese and others,
// QuickScorer, SIGIR 2015). Leaves are counted from the left, and a tree
// starts with a bit for each. Every split, in any order, strikes out the leaves
// on its left if the row goes right there; the lowest bit that is left is the
// leaf in which the row ends, for a leaf more to the left was struck out where
// its path parts from the row's. No split waits for another one.
type masks struct {
	splits []masked
	trees  []span
	values []float64 // of leaves, from left to right
}

// span is the places of a tree: its splits from first on, before other those
// that send a missing value left, and its leaves.
type span struct{ first, other, end, leaf int32 }

// masked is a split as masks read it: 16 bytes.
type masked struct {
	threshold float64
	feature   uint32
	keep      uint32 // leaves that are not on the left
}

// maxMasked is the largest number of leaves of a tree that masks hold.
// maxSplits is the number of splits that masks read in the time of one step of
// a walk, measured.
const (
	maxMasked = 32
	maxSplits = 2
)

// newMasks returns the masks of all trees, nil if walking is faster or a tree
// has more leaves or sets of categories.
func newMasks(bags []Bag) *masks {
	m := &masks{}
	depth := 0
	for _, bag := range bags {
		for i := range bag {
			t := &bag[i]
			if len(t.Sets) > 0 || len(t.Nodes) > 2*maxMasked-1 {
				return nil
			}
			depth += t.Depth()
			s := span{first: int32(len(m.splits)), leaf: int32(len(m.values))}
			var right []masked
			m.add(t, 0, int(s.leaf), &right)
			s.other = int32(len(m.splits))
			m.splits = append(m.splits, right...)
			s.end = int32(len(m.splits))
			m.trees = append(m.trees, s)
		}
	}
	if len(m.splits) > maxSplits*depth {
		return nil
	}
	return m
}

// add appends the subtree of node n of a tree whose leaves start at first;
// splits that send a missing value right are gathered apart.
func (m *masks) add(t *Tree, n int32, first int, right *[]masked) {
	node := &t.Nodes[n]
	if node.Feature < 0 {
		m.values = append(m.values, node.Value)
		return
	}
	low := len(m.values) - first
	m.add(t, node.Left, first, right)
	high := len(m.values) - first
	split := masked{node.Threshold, uint32(node.Feature), ^uint32(1<<high - 1<<low)}
	if node.MissingLeft {
		m.splits = append(m.splits, split)
	} else {
		*right = append(*right, split)
	}
	m.add(t, node.Right(), first, right)
}

// value returns the value of a row in tree i. The sides are counted and not
// branched on: there is nothing for a processor to guess.
func (m *masks) value(i int, row []float64) float64 {
	t := &m.trees[i]
	leaves := ^uint32(0)
	for _, f := range m.splits[t.first:t.other] {
		var above uint32
		if row[f.feature] >= f.threshold { // not for a missing value
			above = 1
		}
		leaves &= f.keep | (above - 1)
	}
	for _, f := range m.splits[t.other:t.end] {
		var below uint32
		if row[f.feature] < f.threshold { // not for a missing value
			below = 1
		}
		leaves &= f.keep | -below
	}
	return m.values[int(t.leaf)+bits.TrailingZeros32(leaves)]
}
