package boost

// Node is a split or a leaf of a [Tree].
type Node struct {
	Feature     int32   `json:"feature"` // place in the model's features; −1 in a leaf
	Left        int32   `json:"left"`    // place of the left child, greater than the node's own; the right child follows it
	Set         int32   `json:"set"`     // place of the categories that go right; −1: Threshold decides
	MissingLeft bool    `json:"missing_left"`
	Threshold   float64 `json:"threshold"` // numbers below it go left
	Value       float64 `json:"value"`     // margin that a leaf adds
	Cover       float64 `json:"cover"`     // sum of second derivatives of the training rows that came here
	Gain        float64 `json:"gain"`      // loss that the split saved
}

// Right returns the place of the right child.
func (n *Node) Right() int32 { return n.Left + 1 }

// Set is a set of categories.
type Set [4]uint64

// Has tells whether category c is in s; what is no category is not.
func (s *Set) Has(c float64) bool {
	if !(c >= 0 && c < slots) {
		return false
	}
	k := uint8(c)
	return s[k>>6]>>(k&63)&1 == 1
}

// Add adds category c, 0 to 255, to s.
func (s *Set) Add(c int32) { s[c>>6] |= 1 << (c & 63) }

// Tree is a binary decision tree; its root is node 0.
type Tree struct {
	Nodes []Node `json:"nodes"`
	Sets  []Set  `json:"sets,omitempty"`
}

// Next returns the child of split n to which value x goes. A category that is
// in no set goes left, and a missing value where the split says.
func (t *Tree) Next(n int32, x float64) int32 {
	node := &t.Nodes[n]
	switch {
	case x != x:
		if node.MissingLeft {
			return node.Left
		}
		return node.Left + 1
	case node.Set >= 0:
		if t.Sets[node.Set].Has(x) {
			return node.Left + 1
		}
		return node.Left
	case x < node.Threshold:
		return node.Left
	}
	return node.Left + 1
}

// Leaf returns the place of the leaf in which a row ends.
func (t *Tree) Leaf(row []float64) int32 {
	var n int32
	for t.Nodes[n].Feature >= 0 {
		n = t.Next(n, row[t.Nodes[n].Feature])
	}
	return n
}

// leafOf is Leaf for row r of a table by columns.
func (t *Tree) leafOf(x [][]float64, r int32) int32 {
	var n int32
	for t.Nodes[n].Feature >= 0 {
		n = t.Next(n, x[t.Nodes[n].Feature][r])
	}
	return n
}

// Depth returns the number of splits from the root to the furthest leaf.
func (t *Tree) Depth() int {
	depth := make([]int, len(t.Nodes))
	most := 0
	for n := range t.Nodes {
		if node := &t.Nodes[n]; node.Feature >= 0 {
			depth[node.Left], depth[node.Left+1] = depth[n]+1, depth[n]+1
			most = max(most, depth[n]+1)
		}
	}
	return most
}

// scale multiplies all leaf values.
func (t *Tree) scale(by float64) {
	for n := range t.Nodes {
		t.Nodes[n].Value *= by
	}
}
