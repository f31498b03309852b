package classifier

import (
	"sync"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Node is a split or a leaf of a [Tree]. A row goes left if its value is less
// than Threshold.
type Node struct {
	Feature     int32 // column; −1 in a leaf
	Left, Right int32 // places of the children, both greater than the node's own
	MissingLeft bool  // where a missing value goes
	Threshold   float64
	Value       float64 // log-odds that a leaf adds
	Cover       float64 // sum of second derivatives of the training rows that came here
	Gain        float64 // loss that the split saved
}

// Tree is a binary decision tree; its root is node 0.
type Tree []Node

// leaf returns the place of the leaf in which the row ends.
func (t Tree) leaf(values []float64) int32 {
	var n int32
	for t[n].Feature >= 0 {
		n = t.next(n, values[t[n].Feature])
	}
	return n
}

// next returns the child of split n to which value x goes.
func (t Tree) next(n int32, x float64) int32 {
	node := &t[n]
	switch {
	case x < node.Threshold:
		return node.Left
	case x >= node.Threshold:
		return node.Right
	case node.MissingLeft: // x is NaN: all comparisons failed
		return node.Left
	}
	return node.Right
}

// Bag is the trees of one member of an ensemble.
type Bag []Tree

// Ensemble is a set of bags of trees: a [Predictor] with log-odds
//
//	F(x) = β + 1/B Σ_b Σ_t f_bt(x)                                (C.7)
type Ensemble struct {
	Base  float64 // β, log-odds
	Bags  []Bag
	Notes []risk.Note // adaptations of the settings to the data

	once  sync.Once
	boost *boost.Model // of once: for [Ensemble.Contributions]
}

// LogOdds returns the mean over the bags.
func (e *Ensemble) LogOdds(values []float64) float64 {
	var sum float64
	for _, bag := range e.Bags {
		sum += bag.sum(values)
	}
	return e.Base + sum/float64(len(e.Bags))
}

// Members stores the log-odds of each bag in dst, which is as long as there
// are bags.
func (e *Ensemble) Members(dst, values []float64) {
	if len(dst) != len(e.Bags) {
		panic("classifier: Members: length mismatch")
	}
	for b, bag := range e.Bags {
		dst[b] = e.Base + bag.sum(values)
	}
}

// sum returns the sum of the leaf values of a row.
func (b Bag) sum(values []float64) float64 {
	var sum float64
	for _, t := range b {
		sum += t[t.leaf(values)].Value
	}
	return sum
}
