package golearn

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/sjwhitworth/golearn/base"
	"github.com/sjwhitworth/golearn/trees"

	"github.com/plaquerisk/plaquerisk/classifier"
)

// Tree is golearn's CART decision tree (Gini impurity) as a learner: the
// baseline that the evaluation shows beside boosting. Missing values are
// replaced by the median of the training rows, since golearn knows none. A leaf
// gives the smoothed share of its k positive among n training rows,
//
//	p = (k + 2π) / (n + 2)                                        (C.9)
//
// with π the share over all rows, where golearn itself would give the majority
// class alone. It has no randomness; the seed is not used. Its running time
// grows with rows² × columns: 150 × 200 take some tenths of a second.
type Tree struct {
	MaxDepth int // number of splits from root to leaf, 1 to 16
}

var _ classifier.Learner = Tree{}

// DefaultTree returns a tree of depth 3.
func DefaultTree() Tree { return Tree{MaxDepth: 3} }

// Name returns "golearn decision tree".
func (Tree) Name() string { return "golearn decision tree" }

// treeNode is a split, or a leaf if column is −1.
type treeNode struct {
	column      int
	threshold   float64
	left, right int
	logOdds     float64
}

// fittedTree is a tree with log-odds in its leaves.
type fittedTree struct {
	nodes  []treeNode
	median []float64
}

// LogOdds returns the log-odds of the leaf in which the row ends.
func (t *fittedTree) LogOdds(values []float64) float64 {
	n := 0
	for t.nodes[n].column >= 0 {
		n = t.next(n, values[t.nodes[n].column])
	}
	return t.nodes[n].logOdds
}

// next returns the child of split n to which value x goes.
func (t *fittedTree) next(n int, x float64) int {
	node := &t.nodes[n]
	if math.IsNaN(x) {
		x = t.median[node.column]
	}
	if x < node.threshold {
		return node.left
	}
	return node.right
}

// Fit grows a tree with golearn. It cannot be cancelled while golearn works.
func (l Tree) Fit(ctx context.Context, d *classifier.Data, _ uint64) (p classifier.Predictor, err error) {
	if l.MaxDepth < 1 || l.MaxDepth > 16 {
		return nil, fmt.Errorf("golearn: depth %d, want 1 to 16", l.MaxDepth)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	positives := 0.0
	for _, y := range d.Y {
		positives += y
	}
	switch {
	case len(d.Y) == 0:
		return nil, classifier.ErrNoRows
	case positives == 0 || positives == float64(len(d.Y)):
		return nil, classifier.ErrOneClass
	}
	median := medians(d)
	order := make([]int, len(d.Names))
	for c := range order {
		order[c] = c
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(d.Names[a], d.Names[b]) })
	grid, err := toGrid(d, order, median)
	if err != nil {
		return nil, err
	}
	cart := trees.NewDecisionTreeClassifier(trees.GINI, int64(l.MaxDepth), []int64{0, 1})
	defer func() { // golearn does not check all it should
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("golearn: decision tree: %v", r)
		}
	}()
	if err := cart.Fit(grid); err != nil {
		return nil, fmt.Errorf("golearn: decision tree: %w", err)
	}
	t := &fittedTree{median: median}
	t.copyFrom(cart, order)
	t.count(d, positives/float64(len(d.Y)))
	return t, nil
}

// copyFrom copies golearn's nodes, whose type it does not export. Where it has
// no child it has a leaf.
func (t *fittedTree) copyFrom(cart *trees.CARTDecisionTreeClassifier, order []int) {
	node := cart.RootNode // the argument of add, whose type cannot be written down
	var add func() int
	add = func() int {
		at := len(t.nodes)
		t.nodes = append(t.nodes, treeNode{column: -1})
		if node == nil {
			return at
		}
		here := node
		t.nodes[at].column, t.nodes[at].threshold = order[here.Feature], here.Threshold
		node = here.Left
		left := add()
		node = here.Right
		right := add()
		t.nodes[at].left, t.nodes[at].right = left, right
		return at
	}
	add()
}

// count sets the log-odds of all nodes from the training rows (formula C.9).
func (t *fittedTree) count(d *classifier.Data, prior float64) {
	rows, positive := make([]float64, len(t.nodes)), make([]float64, len(t.nodes))
	var x []float64
	for r, y := range d.Y {
		x = d.Row(r, x)
		n := 0
		for t.nodes[n].column >= 0 {
			n = t.next(n, x[t.nodes[n].column])
		}
		rows[n]++
		positive[n] += y
	}
	for n := range t.nodes {
		t.nodes[n].logOdds = classifier.Logit((positive[n] + 2*prior) / (rows[n] + 2))
	}
}

// medians returns the median of each column, 0 without any value.
func medians(d *classifier.Data) []float64 {
	m := make([]float64, len(d.X))
	for c, x := range d.X {
		var s []float64
		for _, v := range x {
			if !math.IsNaN(v) {
				s = append(s, v)
			}
		}
		if len(s) > 0 {
			slices.Sort(s)
			m[c] = (s[(len(s)-1)/2] + s[len(s)/2]) / 2
		}
	}
	return m
}

// toGrid returns d as golearn's CART wants it: float attributes in the order of
// their names, so that ties do not depend on the order of columns, and a float
// class.
func toGrid(d *classifier.Data, order []int, median []float64) (base.FixedDataGrid, error) {
	grid := base.NewDenseInstances()
	var specs []base.AttributeSpec
	for n := range order {
		specs = append(specs, grid.AddAttribute(base.NewFloatAttribute("c"+strconv.Itoa(n))))
	}
	class := base.NewFloatAttribute("class")
	classSpec := grid.AddAttribute(class)
	if err := grid.AddClassAttribute(class); err != nil {
		return nil, fmt.Errorf("golearn: %w", err)
	}
	if err := grid.Extend(len(d.Y)); err != nil {
		return nil, fmt.Errorf("golearn: %w", err)
	}
	for n, c := range order {
		for r, x := range d.X[c] {
			if math.IsNaN(x) {
				x = median[c]
			}
			grid.Set(specs[n], r, base.PackFloatToBytes(x))
		}
	}
	for r, y := range d.Y {
		grid.Set(classSpec, r, base.PackFloatToBytes(y))
	}
	return grid, nil
}
