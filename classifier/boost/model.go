package boost

import (
	"fmt"
	"math"
)

// Feature is a column that a model reads.
type Feature struct {
	Name       string   `json:"name"`
	Kind       Kind     `json:"kind"`
	Categories []string `json:"categories,omitempty"`
	Block      string   `json:"block,omitempty"`
}

// Bag is the trees of one member of an ensemble: one for each margin in turn.
type Bag []Tree

// Model is an ensemble of trees. Margin k of a row is
//
//	F_k(x) = β_k + 1/B Σ_b Σ_t f_btk(x)                             (C.33)
type Model struct {
	Objective Objective `json:"objective"`
	Margins   int       `json:"margins"`
	Features  []Feature `json:"features"` // in the order of names
	Base      []float64 `json:"base"`     // β
	Rounds    int       `json:"rounds"`
	Bags      []Bag     `json:"bags"`

	flat  []flat // nodes of all trees, for speed
	roots []int32
	sets  []Set
}

// flat is a node as prediction reads it: 16 bytes.
type flat struct {
	threshold float64 // or the value of a leaf
	feature   int32   // and flags; −1 in a leaf
	left      int32
}

const (
	flagMissingLeft = 1 << 30
	flagSet         = 1 << 29 // left is the place of a node, threshold that of a set
	featureBits     = flagSet - 1
)

// Check tells what is wrong with a model that was read or made by hand.
func (m *Model) Check() error {
	if m.Margins < 1 || m.Margins > maxClass || len(m.Base) != m.Margins {
		return fmt.Errorf("model: %d margins with %d bases", m.Margins, len(m.Base))
	}
	switch m.Objective {
	case Logistic, Squared, Poisson, Cox, Softmax:
	default:
		return fmt.Errorf("model: objective %q is not known", m.Objective)
	}
	if (m.Objective == Softmax) != (m.Margins > 1) {
		return fmt.Errorf("model: objective %s with %d margins", m.Objective, m.Margins)
	}
	if len(m.Bags) == 0 || len(m.Features) > featureBits {
		return fmt.Errorf("model: %d bags, %d features", len(m.Bags), len(m.Features))
	}
	for _, b := range m.Base {
		if math.IsNaN(b) || math.IsInf(b, 0) {
			return fmt.Errorf("model: base %g is not finite", b)
		}
	}
	for b, bag := range m.Bags {
		if len(bag)%m.Margins != 0 {
			return fmt.Errorf("model: bag %d has %d trees for %d margins", b, len(bag), m.Margins)
		}
		for i := range bag {
			if err := bag[i].check(m.Features); err != nil {
				return fmt.Errorf("model: bag %d, tree %d: %w", b, i, err)
			}
		}
	}
	return nil
}

// check tells what keeps a tree from being walked: every node but the root is
// the child of one node before it.
func (t *Tree) check(features []Feature) error {
	if len(t.Nodes) == 0 {
		return fmt.Errorf("no node")
	}
	child := make([]bool, len(t.Nodes))
	for n := range t.Nodes {
		node := &t.Nodes[n]
		if node.Feature < -1 || int(node.Feature) >= len(features) {
			return fmt.Errorf("node %d: feature %d of %d", n, node.Feature, len(features))
		}
		if math.IsNaN(node.Value) || math.IsInf(node.Value, 0) || !(node.Cover >= 0) || math.IsInf(node.Cover, 0) {
			return fmt.Errorf("node %d: value %g, cover %g", n, node.Value, node.Cover)
		}
		if node.Feature < 0 {
			continue
		}
		l := int(node.Left)
		if l <= n || l+1 >= len(t.Nodes) || child[l] || child[l+1] {
			return fmt.Errorf("node %d: children %d and %d of %d nodes", n, l, l+1, len(t.Nodes))
		}
		child[l], child[l+1] = true, true
		if node.Set < -1 || int(node.Set) >= len(t.Sets) || math.IsNaN(node.Threshold) {
			return fmt.Errorf("node %d: threshold %g, set %d of %d", n, node.Threshold, node.Set, len(t.Sets))
		}
	}
	for n := 1; n < len(child); n++ {
		if !child[n] {
			return fmt.Errorf("node %d has no parent", n)
		}
	}
	return nil
}

// Prepare checks a model that was read or made by hand and readies it for
// prediction.
func (m *Model) Prepare() error {
	if err := m.Check(); err != nil {
		return err
	}
	m.prepare()
	return nil
}

func (m *Model) prepare() {
	m.flat, m.roots, m.sets = nil, nil, nil
	for _, bag := range m.Bags {
		for i := range bag {
			m.roots = append(m.roots, int32(len(m.flat)))
			root := int32(len(m.flat))
			for n := range bag[i].Nodes {
				node := &bag[i].Nodes[n]
				f := flat{threshold: node.Value, feature: -1}
				if node.Feature >= 0 {
					f = flat{node.Threshold, node.Feature, root + node.Left}
					if node.MissingLeft {
						f.feature |= flagMissingLeft
					}
					if node.Set >= 0 {
						f.feature |= flagSet
						f.threshold = float64(len(m.sets))
						m.sets = append(m.sets, bag[i].Sets[node.Set])
					}
				}
				m.flat = append(m.flat, f)
			}
		}
	}
}

// Margin stores the margins of a row in dst, as many as the model has. Values
// stand in the order of m.Features; NaN is missing.
func (m *Model) Margin(dst, row []float64) {
	if len(dst) != m.Margins || len(row) != len(m.Features) {
		panic("boost: Margin: length mismatch")
	}
	if m.roots == nil && len(m.Bags[0]) > 0 {
		panic("boost: Margin: the model was not prepared")
	}
	clear(dst)
	if m.Margins == 1 {
		var sum float64
		for _, root := range m.roots {
			sum += m.walk(root, row)
		}
		dst[0] = m.Base[0] + sum/float64(len(m.Bags))
		return
	}
	for i, root := range m.roots {
		dst[i%m.Margins] += m.walk(root, row)
	}
	for k := range dst {
		dst[k] = m.Base[k] + dst[k]/float64(len(m.Bags))
	}
}

// walk returns the value of the leaf in which a row ends.
func (m *Model) walk(n int32, row []float64) float64 {
	nodes := m.flat
	for {
		f := &nodes[n]
		if f.feature < 0 {
			return f.threshold
		}
		x := row[f.feature&featureBits]
		n = f.left
		right := n + 1
		if x >= f.threshold { // a conditional move, so that there is nothing to guess
			n = right
		}
		if x != x || f.feature&flagSet != 0 {
			n = m.turn(f, x)
		}
	}
}

// turn is the step down for a missing value or a category.
func (m *Model) turn(f *flat, x float64) int32 {
	switch {
	case x != x:
		if f.feature&flagMissingLeft == 0 {
			return f.left + 1
		}
	case m.sets[int(f.threshold)].Has(x):
		return f.left + 1
	}
	return f.left
}

// Members stores in dst the margin k of each bag for a row: their spread shows
// how much the model depends on its patients.
func (m *Model) Members(dst, row []float64, k int) {
	if len(dst) != len(m.Bags) {
		panic("boost: Members: length mismatch")
	}
	at := 0
	for b, bag := range m.Bags {
		var sum float64
		for i := range bag {
			if i%m.Margins == k {
				sum += m.walk(m.roots[at+i], row)
			}
		}
		at += len(bag)
		dst[b] = m.Base[k] + sum
	}
}

// Predict stores in dst what the margins stand for: the probability of class 1
// (logistic) or of each class (softmax), the mean (squared, poisson), or the
// hazard ratio against a margin of zero (cox). dst is as long as there are
// margins.
func (m *Model) Predict(dst, row []float64) {
	m.Margin(dst, row)
	switch m.Objective {
	case Logistic:
		dst[0] = sigmoid(dst[0])
	case Softmax:
		top := dst[0]
		for _, f := range dst {
			top = max(top, f)
		}
		var sum float64
		for k, f := range dst {
			dst[k] = exp(f - top)
			sum += dst[k]
		}
		for k := range dst {
			dst[k] /= sum
		}
	case Poisson, Cox:
		dst[0] = exp(dst[0])
	}
}

// Order returns the place among m.Features of each of names, which may stand in
// any order. It fails on a name that the model does not know; features without a
// name are to be left missing.
func (m *Model) Order(names []string) ([]int, error) {
	place := make(map[string]int, len(m.Features))
	for i := range m.Features {
		place[m.Features[i].Name] = i
	}
	order := make([]int, len(names))
	for c, name := range names {
		i, ok := place[name]
		if !ok {
			return nil, fmt.Errorf("column %q (number %d) is not one of the model's %d features", name, c+1, len(m.Features))
		}
		order[c] = i
	}
	return order, nil
}
