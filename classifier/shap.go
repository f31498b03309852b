package classifier

// Contributions stores in phi, which is as long as there are columns, the exact
// Shapley value of each column for the row (TreeSHAP; Lundberg et al., Nature
// Machine Intelligence 2, 2020, algorithm 2), and returns the log-odds before
// any of them, so that
//
//	F(x) = φ₀ + Σ φ_c                                             (C.8)
//
// Products are converted to float64 before they are added, so that processors
// with a fused multiply-add give the same bits.
//
// The game is path-dependent: the value of a set S of columns is the mean of
// the leaves that x reaches when a split on a column outside S sends it both
// ways, in proportion to the covers of the children.
func (e *Ensemble) Contributions(phi, values []float64) (base float64) {
	if len(phi) != len(values) {
		panic("classifier: Contributions: length mismatch")
	}
	clear(phi)
	s := &shapley{phi: phi, values: values}
	var expected float64
	for _, bag := range e.Bags {
		for _, t := range bag {
			s.tree = t
			s.recurse(0, 0, 1, 1, -1)
			expected += t.mean(0)
		}
	}
	n := float64(len(e.Bags))
	for c := range phi {
		phi[c] /= n
	}
	return e.Base + expected/n
}

// mean returns the mean leaf value below node n, weighted by covers.
func (t Tree) mean(n int32) float64 {
	node := &t[n]
	if node.Feature < 0 {
		return node.Value
	}
	l, r := t.shares(n)
	return float64(l*t.mean(node.Left)) + float64(r*t.mean(node.Right))
}

// shares returns the shares of cover of the children of split n.
func (t Tree) shares(n int32) (left, right float64) {
	l, r := t[t[n].Left].Cover, t[t[n].Right].Cover
	return l / (l + r), r / (l + r)
}

// step is one distinct column on the path from the root.
type step struct {
	feature int32
	zero    float64 // share of the paths that flow through if the column is unknown
	one     float64 // 1 if x itself flows through, else 0
	weight  float64 // of the subsets, by size
}

// shapley walks a tree. path[d] is the path at depth d, one step longer at each
// level; the first step stands for no column.
type shapley struct {
	tree   Tree
	values []float64
	phi    []float64
	path   [maxDepth + 1][maxDepth + 2]step
}

// recurse visits node n, whose path has length steps before it is extended by
// the split that led here: feature, with shares zero and one.
func (s *shapley) recurse(n int32, depth int, zero, one float64, feature int32) {
	path := &s.path[depth]
	var length int // last place of the path
	if depth > 0 {
		length = int(s.path[depth-1][0].feature)
		copy(path[:length+1], s.path[depth-1][:length+1])
		length++
		// A column that stands on the path already is taken out and put at the
		// end, with the product of its shares.
		for i := 1; i < length; i++ {
			if path[i].feature == feature {
				zero *= path[i].zero
				one *= path[i].one
				unwind(path[:length], i)
				length--
				break
			}
		}
	}
	extend(path[:length+1], zero, one, feature)
	path[0].feature = int32(length) // remembered for the children

	node := &s.tree[n]
	if node.Feature < 0 {
		for i := 1; i <= length; i++ {
			w := unwoundSum(path[:length+1], i)
			s.phi[path[i].feature] += float64(w * (path[i].one - path[i].zero) * node.Value)
		}
		return
	}
	hot := s.tree.next(n, s.values[node.Feature])
	l, r := s.tree.shares(n)
	toLeft, toRight := 0.0, 1.0
	if hot == node.Left {
		toLeft, toRight = 1, 0
	}
	s.recurse(node.Left, depth+1, l, toLeft, node.Feature)
	s.recurse(node.Right, depth+1, r, toRight, node.Feature)
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

// unwind undoes extend for step at, and closes the gap.
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
		} else {
			total += float64(path[i].weight / (zero * float64(d-i)) * float64(d+1))
		}
	}
	return total
}
