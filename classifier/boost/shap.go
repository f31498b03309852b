package boost

// Contributions stores in phi, which is as long as there are features, the exact
// Shapley value of each feature for margin k of a row (TreeSHAP; Lundberg et
// al., Nature Machine Intelligence 2, 2020, algorithm 2), and returns the margin
// before any of them, so that
//
//	F_k(x) = φ₀ + Σ φ_i                                             (C.34)
//
// The game is path-dependent: the value of a set S of features is the mean of
// the leaves that x reaches when a split on a feature outside S sends it both
// ways, in proportion to the covers of the children.
func (m *Model) Contributions(phi, row []float64, k int) (base float64) {
	if len(phi) != len(m.Features) || len(row) != len(m.Features) {
		panic("boost: Contributions: length mismatch")
	}
	clear(phi)
	w := &walker{row: row, phi: phi, fixed: -1}
	var expected float64
	for _, bag := range m.Bags {
		for i := k; i < len(bag); i += m.Margins {
			w.explain(&bag[i])
			expected += bag[i].mean(0)
		}
	}
	for i := range phi {
		phi[i] /= float64(len(m.Bags))
	}
	return m.Base[k] + expected/float64(len(m.Bags))
}

// Interactions stores in phi the Shapley interaction values (Lundberg et al.
// 2020, equation 8) of margin k of a row: phi[i][j] is half of what features i
// and j have together beyond what each has alone, phi[i][i] what is left to i.
// Row i adds up to the Shapley value of i. It returns the margin before them.
func (m *Model) Interactions(phi [][]float64, row []float64, k int) (base float64) {
	n := len(m.Features)
	if len(phi) != n || len(row) != n {
		panic("boost: Interactions: length mismatch")
	}
	alone := make([]float64, n)
	base = m.Contributions(alone, row, k)
	for i := range phi {
		clear(phi[i])
	}
	with, without := make([]float64, n), make([]float64, n)
	for j := range n {
		clear(with)
		clear(without)
		for _, bag := range m.Bags {
			for i := k; i < len(bag); i += m.Margins {
				if !bag[i].uses(int32(j)) {
					continue
				}
				(&walker{row: row, phi: with, fixed: int32(j), known: true}).explain(&bag[i])
				(&walker{row: row, phi: without, fixed: int32(j)}).explain(&bag[i])
			}
		}
		for i := range n {
			if i != j {
				phi[i][j] = (with[i] - without[i]) / float64(2*len(m.Bags))
			}
		}
	}
	for i := range phi {
		phi[i][i] = alone[i]
		for j, v := range phi[i] {
			if j != i {
				phi[i][i] -= v
			}
		}
	}
	return base
}

// uses tells whether a split of the tree is on the feature.
func (t *Tree) uses(feature int32) bool {
	for n := range t.Nodes {
		if t.Nodes[n].Feature == feature {
			return true
		}
	}
	return false
}

// mean returns the mean leaf value below node n, weighted by covers.
func (t *Tree) mean(n int32) float64 {
	node := &t.Nodes[n]
	if node.Feature < 0 {
		return node.Value
	}
	l, r := t.shares(n)
	return float64(l*t.mean(node.Left)) + float64(r*t.mean(node.Left+1))
}

// shares returns the shares of cover of the children of split n.
func (t *Tree) shares(n int32) (left, right float64) {
	l, r := t.Nodes[t.Nodes[n].Left].Cover, t.Nodes[t.Nodes[n].Left+1].Cover
	if l+r == 0 {
		return 0.5, 0.5 // a model without covers, or a split that no row met
	}
	return l / (l + r), r / (l + r)
}

// step is one distinct feature on the path from the root.
type step struct {
	feature int32
	zero    float64 // share of the paths that flow through if the feature is unknown
	one     float64 // 1 if x itself flows through, else 0
	weight  float64 // of the subsets, by size
}

// walker walks a tree with one path for each depth.
type walker struct {
	tree  *Tree
	row   []float64
	phi   []float64
	fixed int32 // feature that is known, or not, in all sets; −1: none
	known bool
	paths [][]step
}

func (w *walker) explain(t *Tree) {
	w.tree = t
	w.recurse(0, 0, 1, 1, 1, -1)
}

// recurse visits node n. The path above it is extended by the split that led
// here: feature, with shares zero and one. weight is the share of the paths
// that come here by splits on the fixed feature.
func (w *walker) recurse(n int32, depth int, weight, zero, one float64, feature int32) {
	if weight == 0 {
		return
	}
	for len(w.paths) <= depth {
		w.paths = append(w.paths, nil)
	}
	path := w.paths[depth][:0]
	if depth > 0 {
		path = append(path, w.paths[depth-1]...)
	}
	if depth == 0 || feature != w.fixed {
		// A feature that stands on the path already is taken out and put at the
		// end, with the product of its shares.
		for i := 1; i < len(path); i++ {
			if path[i].feature == feature {
				zero *= path[i].zero
				one *= path[i].one
				unwind(path, i)
				path = path[:len(path)-1]
				break
			}
		}
		path = append(path, step{})
		extend(path, zero, one, feature)
	}
	w.paths[depth] = path

	node := &w.tree.Nodes[n]
	if node.Feature < 0 {
		for i := 1; i < len(path); i++ {
			share := unwoundSum(path, i)
			w.phi[path[i].feature] += float64(share * (path[i].one - path[i].zero) * node.Value * weight)
		}
		return
	}
	l, r := w.tree.shares(n)
	toLeft, toRight := 0.0, 1.0
	if w.tree.Next(n, w.row[node.Feature]) == node.Left {
		toLeft, toRight = 1, 0
	}
	switch {
	case node.Feature != w.fixed:
		w.recurse(node.Left, depth+1, weight, l, toLeft, node.Feature)
		w.recurse(node.Left+1, depth+1, weight, r, toRight, node.Feature)
	case w.known:
		w.recurse(node.Left, depth+1, weight*toLeft, 1, 1, node.Feature)
		w.recurse(node.Left+1, depth+1, weight*toRight, 1, 1, node.Feature)
	default:
		w.recurse(node.Left, depth+1, weight*l, 1, 1, node.Feature)
		w.recurse(node.Left+1, depth+1, weight*r, 1, 1, node.Feature)
	}
}

// extend fills the last step of path and spreads the weights of the subsets
// over the longer path.
func extend(path []step, zero, one float64, feature int32) {
	d := len(path) - 1
	path[d] = step{feature: feature, zero: zero, one: one}
	if d == 0 {
		path[0].weight = 1
	}
	for i := d - 1; i >= 0; i-- {
		path[i+1].weight += float64(one * path[i].weight * float64(i+1) / float64(d+1))
		path[i].weight = zero * path[i].weight * float64(d-i) / float64(d+1)
	}
}

// unwind undoes extend for step at, and closes the gap; the last step of path is
// then of no use.
func unwind(path []step, at int) {
	d := len(path) - 1
	zero, one := path[at].zero, path[at].one
	next := path[d].weight
	for i := d - 1; i >= 0; i-- {
		if one != 0 {
			w := path[i].weight
			path[i].weight = next * float64(d+1) / (float64(i+1) * one)
			next = w - float64(path[i].weight*zero*float64(d-i)/float64(d+1))
		} else {
			path[i].weight = path[i].weight * float64(d+1) / (zero * float64(d-i))
		}
	}
	for i := at; i < d; i++ {
		path[i].feature, path[i].zero, path[i].one = path[i+1].feature, path[i+1].zero, path[i+1].one
	}
}

// unwoundSum returns the total weight of path without step at.
func unwoundSum(path []step, at int) float64 {
	d := len(path) - 1
	zero, one := path[at].zero, path[at].one
	next := path[d].weight
	var total float64
	for i := d - 1; i >= 0; i-- {
		if one != 0 {
			w := next * float64(d+1) / (float64(i+1) * one)
			total += w
			next = path[i].weight - float64(w*zero*float64(d-i)/float64(d+1))
		} else if zero != 0 {
			total += float64(path[i].weight / (zero * float64(d-i)) * float64(d+1))
		}
	}
	return total
}

// Against stores in phi the Shapley values of margin k of a row in the
// interventional game: the value of a set S is the mean margin of the rows of
// background with the features of S taken from the row. It returns the mean
// margin of the background, so that C.34 holds. Each leaf that a mixture of x
// and a background row can reach, by taking a features from x and b from the
// other, gives
//
//	(a−1)! b!/(a+b)!  to each of the a,   −a! (b−1)!/(a+b)!  to each of the b
//
// of its value (Lundberg et al. 2020, algorithm 3).
func (m *Model) Against(phi, row []float64, background [][]float64, k int) (base float64) {
	if len(phi) != len(m.Features) || len(row) != len(m.Features) || len(background) == 0 {
		panic("boost: Against: length mismatch")
	}
	clear(phi)
	w := &mixer{row: row, phi: phi, side: make([]int8, len(m.Features))}
	f := make([]float64, m.Margins)
	for _, z := range background {
		m.Margin(f, z)
		base += f[k]
		w.other = z
		for _, bag := range m.Bags {
			for i := k; i < len(bag); i += m.Margins {
				w.tree = &bag[i]
				w.recurse(0)
			}
		}
	}
	n := float64(len(background))
	for i := range phi {
		phi[i] /= n * float64(len(m.Bags))
	}
	return base / n
}

// mixer walks a tree along all mixtures of two rows.
type mixer struct {
	tree       *Tree
	row, other []float64
	phi        []float64
	side       []int8  // of each feature: 1 taken from row, −1 from other, 0 open
	taken      []int32 // features that are not open
	a, b       int     // taken from row, from other
}

func (w *mixer) recurse(n int32) {
	node := &w.tree.Nodes[n]
	f := node.Feature
	if f < 0 {
		w.leaf(node.Value)
		return
	}
	x, z := w.tree.Next(n, w.row[f]), w.tree.Next(n, w.other[f])
	switch {
	case x == z || w.side[f] > 0:
		w.recurse(x)
	case w.side[f] < 0:
		w.recurse(z)
	default:
		w.taken = append(w.taken, f)
		w.side[f] = 1
		w.a++
		w.recurse(x)
		w.a--
		w.side[f] = -1
		w.b++
		w.recurse(z)
		w.b--
		w.side[f] = 0
		w.taken = w.taken[:len(w.taken)-1]
	}
}

// leaf shares out a leaf that takes w.a features from the row and w.b from the
// other.
func (w *mixer) leaf(value float64) {
	if w.a+w.b == 0 {
		return
	}
	// 1/((a+b) C(a+b−1, a−1)) and 1/((a+b) C(a+b−1, a)).
	forRow, forOther := 0.0, 0.0
	if w.a > 0 {
		forRow = value / (float64(w.a+w.b) * binomial(w.a+w.b-1, w.a-1))
	}
	if w.b > 0 {
		forOther = value / (float64(w.a+w.b) * binomial(w.a+w.b-1, w.a))
	}
	for _, f := range w.taken {
		if w.side[f] > 0 {
			w.phi[f] += forRow
		} else {
			w.phi[f] -= forOther
		}
	}
}

func binomial(n, k int) float64 {
	c := 1.0
	for i := 1; i <= k; i++ {
		c = c * float64(n-k+i) / float64(i)
	}
	return c
}
