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

	flat   []flat    // nodes of all trees, for speed
	values []float64 // of the leaves among them
	roots  []int32
	depths []int32
	sets   []Set
	masks  *masks // nil where walking is faster
}

// flat is a node as prediction reads it: 16 bytes. A leaf leads to itself,
// whatever the row.
type flat struct {
	threshold float64 // or the place of a set
	feature   int32   // and flags
	left      int32
}

const (
	missingBit  = 30 // set where a missing value goes right
	flagSet     = 1 << 29
	featureBits = flagSet - 1
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
	m.flat, m.values, m.roots, m.depths, m.sets = nil, nil, nil, nil, nil
	m.masks = newMasks(m.Bags)
	for _, bag := range m.Bags {
		for i := range bag {
			root := int32(len(m.flat))
			m.roots, m.depths = append(m.roots, root), append(m.depths, int32(bag[i].Depth()))
			for n := range bag[i].Nodes {
				node := &bag[i].Nodes[n]
				f := flat{math.NaN(), 0, root + int32(n)}
				if node.Feature >= 0 {
					f = flat{node.Threshold, node.Feature, root + node.Left}
					if !node.MissingLeft {
						f.feature |= 1 << missingBit
					}
					if node.Set >= 0 {
						f.feature |= flagSet
						f.threshold = float64(len(m.sets))
						m.sets = append(m.sets, bag[i].Sets[node.Set])
					}
				}
				m.flat, m.values = append(m.flat, f), append(m.values, node.Value)
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
	for k := range dst {
		dst[k] = m.Base[k] + m.sum(row, k, 0, len(m.roots))/float64(len(m.Bags))
	}
}

// sum returns the sum of the values of a row in the trees from lo to hi that
// belong to margin k. Four trees are walked side by side: each waits for memory
// at every step, and together they wait once.
func (m *Model) sum(row []float64, k, lo, hi int) float64 {
	var sum float64
	i, by := lo+k, m.Margins
	if m.masks != nil {
		for ; i < hi; i += by {
			sum += m.masks.value(i, row)
		}
		return sum
	}
	for ; i+3*by < hi; i += 4 * by {
		a, b, c, d := m.roots[i], m.roots[i+by], m.roots[i+2*by], m.roots[i+3*by]
		depth := max(m.depths[i], m.depths[i+by], m.depths[i+2*by], m.depths[i+3*by])
		if len(m.sets) == 0 {
			for range depth {
				a, b, c, d = m.step(a, row), m.step(b, row), m.step(c, row), m.step(d, row)
			}
		} else {
			for range depth {
				a, b, c, d = m.turn(a, row), m.turn(b, row), m.turn(c, row), m.turn(d, row)
			}
		}
		sum += m.values[a]
		sum += m.values[b]
		sum += m.values[c]
		sum += m.values[d]
	}
	for ; i < hi; i += by {
		n := m.roots[i]
		for range m.depths[i] {
			n = m.turn(n, row)
		}
		sum += m.values[n]
	}
	return sum
}

// step returns the child of node n, which has no set or whose value is missing,
// to which a row goes. The side is counted and not branched on: there is nothing for a processor to guess.
func (m *Model) step(n int32, row []float64) int32 {
	f := &m.flat[n]
	x := row[f.feature&featureBits]
	var above, missing int32
	if x >= f.threshold {
		above = 1
	}
	if x != x {
		missing = 1
	}
	return f.left + (above | missing&(f.feature>>missingBit))
}

// turn is step for nodes with sets and without.
func (m *Model) turn(n int32, row []float64) int32 {
	f := &m.flat[n]
	if x := row[f.feature&featureBits]; f.feature&flagSet != 0 && x == x {
		if m.sets[int(f.threshold)].Has(x) {
			return f.left + 1
		}
		return f.left
	}
	return m.step(n, row)
}

// Members stores in dst the margin k of each bag for a row: their spread shows
// how much the model depends on its patients.
func (m *Model) Members(dst, row []float64, k int) {
	if len(dst) != len(m.Bags) {
		panic("boost: Members: length mismatch")
	}
	at := 0
	for b, bag := range m.Bags {
		dst[b] = m.Base[k] + m.sum(row, k, at, at+len(bag))
		at += len(bag)
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
