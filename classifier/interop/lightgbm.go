package interop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// ReadLightGBM reads a model that LightGBM (2 to 4) saved as text. Covers are
// numbers of rows, as LightGBM's own contributions have them.
func ReadLightGBM(r io.Reader) (*boost.Model, error) {
	raw, err := readAll(r)
	if err == nil {
		var m *boost.Model
		if m, err = lgbModel(raw); err == nil {
			return m, nil
		}
	}
	return nil, fmt.Errorf("lightgbm: %w", err)
}

// lines is a text that is read line by line.
type lines struct {
	rest []byte
	n    int // number of the line read last
}

func (l *lines) next() (string, bool) {
	if len(l.rest) == 0 {
		return "", false
	}
	line, rest, _ := bytes.Cut(l.rest, []byte{'\n'})
	l.rest = rest
	l.n++
	return strings.TrimRight(string(line), "\r"), true
}

// section reads keys and values up to an empty line.
func (l *lines) section() (map[string]string, error) {
	s := map[string]string{}
	for {
		line, ok := l.next()
		if !ok || line == "" {
			return s, nil
		}
		key, value, _ := strings.Cut(line, "=")
		if _, twice := s[key]; twice {
			return nil, fmt.Errorf("line %d: %q stands twice", l.n, key)
		}
		s[key] = value
	}
}

func lgbModel(raw []byte) (*boost.Model, error) {
	l := &lines{rest: raw}
	if first, _ := l.next(); first != "tree" {
		return nil, fmt.Errorf("the first line is %.20q, want \"tree\"", first)
	}
	head, err := l.section()
	if err != nil {
		return nil, err
	}
	m := &boost.Model{}
	if m.Margins, err = strconv.Atoi(head["num_tree_per_iteration"]); err != nil || m.Margins < 1 || m.Margins > 256 {
		return nil, fmt.Errorf("num_tree_per_iteration is %q", head["num_tree_per_iteration"])
	}
	if m.Objective, err = lgbObjective(head["objective"]); err != nil {
		return nil, err
	}
	m.Base = make([]float64, m.Margins)
	names := strings.Fields(head["feature_names"])
	if most, err := strconv.Atoi(head["max_feature_idx"]); err != nil || most+1 != len(names) {
		return nil, fmt.Errorf("max_feature_idx is %q with %d feature_names", head["max_feature_idx"], len(names))
	}
	infos := strings.Fields(head["feature_infos"])
	for i, name := range names {
		f := boost.Feature{Name: name, Kind: boost.Numeric}
		// An interval stands for numbers, a list for categories.
		if i < len(infos) && !strings.HasPrefix(infos[i], "[") && infos[i] != "none" {
			f.Kind = boost.Categorical
		}
		m.Features = append(m.Features, f)
	}
	var bag boost.Bag
	for {
		line, ok := l.next()
		if !ok {
			return nil, errors.New("the file ends without \"end of trees\"")
		}
		if line == "" {
			continue
		}
		if line == "end of trees" {
			break
		}
		if line != "Tree="+strconv.Itoa(len(bag)) {
			return nil, fmt.Errorf("line %d is %.40q, want tree %d", l.n, line, len(bag))
		}
		at := l.n
		s, err := l.section()
		if err != nil {
			return nil, err
		}
		t, err := lgbTree(s, m.Features)
		if err != nil {
			return nil, fmt.Errorf("tree %d, line %d: %w", len(bag), at, err)
		}
		bag = append(bag, t)
	}
	if len(bag)%m.Margins != 0 {
		return nil, fmt.Errorf("%d trees for %d classes", len(bag), m.Margins)
	}
	m.Rounds = len(bag) / m.Margins
	if _, mean := head["average_output"]; mean && m.Rounds > 0 {
		for i := range bag {
			scale(&bag[i], 1/float64(m.Rounds))
		}
	}
	m.Bags = []boost.Bag{bag}
	return m, m.Prepare()
}

// lgbObjective returns our name of an objective with its parameters.
func lgbObjective(s string) (boost.Objective, error) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return "", errors.New("no objective")
	}
	for _, w := range words[1:] {
		if w == "sqrt" || strings.HasPrefix(w, "sigmoid:") && w != "sigmoid:1" {
			return "", fmt.Errorf("objective %q is not known", s)
		}
	}
	switch words[0] {
	case "binary":
		return boost.Logistic, nil
	case "multiclass":
		return boost.Softmax, nil
	case "regression":
		return boost.Squared, nil
	case "poisson":
		return boost.Poisson, nil
	}
	return "", fmt.Errorf("objective %q is not known", s)
}

// list reads n numbers of a section. An absent key is nil if it may be.
func list(s map[string]string, key string, n int, optional bool) ([]float64, error) {
	v, ok := s[key]
	if !ok && optional {
		return nil, nil
	}
	words := strings.Fields(v)
	if len(words) != n {
		return nil, fmt.Errorf("%s has %d elements, want %d", key, len(words), n)
	}
	x := make([]float64, n)
	for i, w := range words {
		var err error
		if x[i], err = strconv.ParseFloat(w, 64); err != nil && !(errors.Is(err, strconv.ErrRange) && x[i] != 0) {
			return nil, fmt.Errorf("%s[%d] is %q, want a number", key, i, w)
		}
	}
	return x, nil
}

// integers is list for whole numbers of [low, high].
func integers(s map[string]string, key string, n int, low, high float64) ([]int32, error) {
	x, err := list(s, key, n, false)
	if err != nil {
		return nil, err
	}
	out := make([]int32, n)
	for i, v := range x {
		if !(v >= low && v <= high) || v != math.Trunc(v) {
			return nil, fmt.Errorf("%s[%d] is %g, want a whole number from %g to %g", key, i, v, low, high)
		}
		out[i] = int32(v)
	}
	return out, nil
}

// Bits of decision_type.
const (
	lgbCategorical = 1
	lgbDefaultLeft = 2
	lgbMissing     = 12 // 0: NaN is 0; 4: zero is missing; 8: NaN is missing
)

func lgbTree(s map[string]string, features []boost.Feature) (boost.Tree, error) {
	fail := func(err error) (boost.Tree, error) { return boost.Tree{}, err }
	leaves, err := strconv.Atoi(s["num_leaves"])
	if err != nil || leaves < 1 || leaves > len(s["leaf_value"])+1 {
		return fail(fmt.Errorf("num_leaves is %q", s["num_leaves"]))
	}
	if linear := s["is_linear"]; linear != "" && linear != "0" {
		return fail(errors.New("linear leaves are not known"))
	}
	value, err := list(s, "leaf_value", leaves, false)
	if err != nil {
		return fail(err)
	}
	splits := leaves - 1
	if splits == 0 {
		return boost.Tree{Nodes: []boost.Node{{Feature: -1, Set: -1, Value: value[0]}}}, nil
	}
	feature, err := integers(s, "split_feature", splits, 0, float64(len(features)-1))
	if err != nil {
		return fail(err)
	}
	decision, err := integers(s, "decision_type", splits, 0, 15)
	if err != nil {
		return fail(err)
	}
	left, err := integers(s, "left_child", splits, -float64(leaves), float64(splits-1))
	if err != nil {
		return fail(err)
	}
	right, err := integers(s, "right_child", splits, -float64(leaves), float64(splits-1))
	if err != nil {
		return fail(err)
	}
	threshold, err := list(s, "threshold", splits, false)
	if err != nil {
		return fail(err)
	}
	gain, err := list(s, "split_gain", splits, true)
	if err != nil {
		return fail(err)
	}
	leafCount, err := list(s, "leaf_count", leaves, true)
	if err != nil {
		return fail(err)
	}
	innerCount, err := list(s, "internal_count", splits, true)
	if err != nil {
		return fail(err)
	}
	sets, err := lgbSets(s)
	if err != nil {
		return fail(err)
	}
	// Foreign places: splits first, then leaves.
	place := func(c int32) int32 {
		if c < 0 {
			return int32(splits) - 1 - c
		}
		return c
	}
	b := newBuilder(splits + leaves)
	for at := 0; at < len(b.queue); at++ {
		i := b.queue[at]
		node := boost.Node{Feature: -1, Set: -1}
		if leaf := int(i) - splits; leaf >= 0 {
			node.Value = value[leaf]
			if leafCount != nil {
				node.Cover = max(0, leafCount[leaf])
			}
			b.tree.Nodes = append(b.tree.Nodes, node)
			continue
		}
		node.Feature = feature[i]
		if gain != nil {
			node.Gain = gain[i]
		}
		if innerCount != nil {
			node.Cover = max(0, innerCount[i])
		}
		l, r := place(left[i]), place(right[i])
		if decision[i]&lgbCategorical != 0 {
			k := int(threshold[i])
			if float64(k) != threshold[i] || k < 0 || k >= len(sets) {
				return fail(fmt.Errorf("split %d: threshold %g of %d sets of categories", i, threshold[i], len(sets)))
			}
			// Members go left there and right here; what is missing or unknown
			// goes the other way.
			node.Set, node.MissingLeft = b.set(sets[k]), true
			l, r = r, l
		} else {
			node.Threshold = math.Nextafter(threshold[i], math.Inf(1)) // x ≤ t is x < the next number
			zeroLeft := threshold[i] >= 0
			node.MissingLeft = decision[i]&lgbDefaultLeft != 0
			switch decision[i] & lgbMissing {
			case 0: // a missing value counts as zero
				node.MissingLeft = zeroLeft
			case 4:
				if node.MissingLeft != zeroLeft {
					return fail(fmt.Errorf("split %d takes zero for missing", i))
				}
			}
		}
		if node.Left, err = b.children(i, l, r); err != nil {
			return fail(err)
		}
		b.tree.Nodes = append(b.tree.Nodes, node)
	}
	return b.tree, nil
}

// lgbSets returns the sets of categories of a tree: bits of 32-bit words.
func lgbSets(s map[string]string) ([]boost.Set, error) {
	n, err := strconv.Atoi(s["num_cat"])
	if err != nil || n < 0 || n > len(s["cat_boundaries"])+1 {
		return nil, fmt.Errorf("num_cat is %q", s["num_cat"])
	}
	if n == 0 {
		return nil, nil
	}
	words := strings.Fields(s["cat_threshold"])
	bounds, err := integers(s, "cat_boundaries", n+1, 0, float64(len(words)))
	if err != nil {
		return nil, err
	}
	sets := make([]boost.Set, n)
	for k := range sets {
		if bounds[k] > bounds[k+1] {
			return nil, fmt.Errorf("cat_boundaries[%d] is less than the one before", k+1)
		}
		for i, w := range words[bounds[k]:bounds[k+1]] {
			bits, err := strconv.ParseUint(w, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("cat_threshold has %q", w)
			}
			if bits != 0 && i >= 8 {
				return nil, fmt.Errorf("category above %d", boost.MaxCategories)
			}
			if i < 8 {
				sets[k][i/2] |= bits << (i % 2 * 32)
			}
		}
	}
	return sets, nil
}

// WriteLightGBM writes m as text that LightGBM 3 and 4 read. A category is its
// place in the feature's list. Blanks in names become underscores.
func WriteLightGBM(w io.Writer, m *boost.Model) error {
	trees, err := flatten(m)
	if err != nil {
		return fmt.Errorf("lightgbm: %w", err)
	}
	var objective string
	switch m.Objective {
	case boost.Logistic:
		objective = "binary sigmoid:1"
	case boost.Softmax:
		objective = fmt.Sprintf("multiclass num_class:%d", m.Margins)
	case boost.Squared:
		objective = "regression"
	case boost.Poisson:
		objective = "poisson"
	default:
		return fmt.Errorf("lightgbm: it has no objective %s", m.Objective)
	}
	var names, infos, blocks, sizes []string
	for i := range m.Features {
		f := &m.Features[i]
		names = append(names, strings.Join(strings.Fields(f.Name), "_"))
		info := "[-1e+300:1e+300]"
		if f.Kind == boost.Categorical {
			info = "0"
			for c := 1; c < len(f.Categories); c++ {
				info += ":" + strconv.Itoa(c)
			}
		}
		infos = append(infos, info)
	}
	for i := range trees {
		s, err := lgbText(&trees[i], m.Features)
		if err != nil {
			return fmt.Errorf("lightgbm: tree %d: %w", i, err)
		}
		block := fmt.Sprintf("Tree=%d\n%s\n\n", i, s)
		blocks = append(blocks, block)
		sizes = append(sizes, strconv.Itoa(len(block)))
	}
	_, err = fmt.Fprintf(w, "tree\nversion=v3\nnum_class=%d\nnum_tree_per_iteration=%d\nlabel_index=0\nmax_feature_idx=%d\nobjective=%s\n"+
		"feature_names=%s\nfeature_infos=%s\ntree_sizes=%s\n\n%send of trees\n\nfeature_importances:\n\nparameters:\nend of parameters\n\npandas_categorical:null\n",
		m.Margins, m.Margins, len(m.Features)-1, objective, strings.Join(names, " "), strings.Join(infos, " "), strings.Join(sizes, " "), strings.Join(blocks, ""))
	return err
}

// lgbText returns the lines of one tree.
func lgbText(t *boost.Tree, features []boost.Feature) (string, error) {
	// Splits and leaves are numbered apart, both in our order.
	number := make([]int, len(t.Nodes))
	splits, leaves := 0, 0
	for n := range t.Nodes {
		if t.Nodes[n].Feature < 0 {
			number[n] = -(leaves + 1)
			leaves++
		} else {
			number[n] = splits
			splits++
		}
	}
	var feature, gain, threshold, decision, left, right, inner, innerWeight []string
	var value, weight, catWords, catBounds []string
	sets := 0
	catBounds = append(catBounds, "0")
	real := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	for n := range t.Nodes {
		node := &t.Nodes[n]
		if node.Feature < 0 {
			value, weight = append(value, real(node.Value)), append(weight, real(node.Cover))
			continue
		}
		l, r := number[node.Left], number[node.Right()]
		feature, gain = append(feature, strconv.Itoa(int(node.Feature))), append(gain, real(node.Gain))
		inner, innerWeight = append(inner, strconv.Itoa(int(math.Round(node.Cover)))), append(innerWeight, real(node.Cover))
		if node.Set < 0 {
			kind := 8
			if node.MissingLeft {
				kind |= lgbDefaultLeft
			}
			decision = append(decision, strconv.Itoa(kind))
			threshold = append(threshold, real(math.Nextafter(node.Threshold, math.Inf(-1))))
		} else {
			// Members go left there, what is missing right.
			set := t.Sets[node.Set]
			if node.MissingLeft {
				l, r = r, l
			} else {
				k, err := categories(&features[node.Feature])
				if err != nil {
					return "", err
				}
				var rest boost.Set
				for c := range int32(k) {
					if !set.Has(float64(c)) {
						rest.Add(c)
					}
				}
				set = rest
			}
			decision, threshold = append(decision, "1"), append(threshold, strconv.Itoa(sets))
			sets++
			for _, w := range set {
				catWords = append(catWords, strconv.FormatUint(w&math.MaxUint32, 10), strconv.FormatUint(w>>32, 10))
			}
			catBounds = append(catBounds, strconv.Itoa(len(catWords)))
		}
		left, right = append(left, strconv.Itoa(l)), append(right, strconv.Itoa(r))
	}
	counts := make([]string, len(weight))
	leaf := 0
	for n := range t.Nodes {
		if t.Nodes[n].Feature < 0 {
			counts[leaf] = strconv.Itoa(int(math.Round(t.Nodes[n].Cover)))
			leaf++
		}
	}
	line := func(key string, list []string) string { return key + "=" + strings.Join(list, " ") + "\n" }
	s := fmt.Sprintf("num_leaves=%d\nnum_cat=%d\n", leaves, sets) +
		line("split_feature", feature) + line("split_gain", gain) + line("threshold", threshold) + line("decision_type", decision) +
		line("left_child", left) + line("right_child", right) + line("leaf_value", value) + line("leaf_weight", weight) +
		line("leaf_count", counts) + line("internal_value", zeros(splits)) + line("internal_weight", innerWeight) + line("internal_count", inner)
	if sets > 0 {
		s += line("cat_boundaries", catBounds) + line("cat_threshold", catWords)
	}
	return s + "is_linear=0\nshrinkage=1\n", nil
}

func zeros(n int) []string {
	z := make([]string, n)
	for i := range z {
		z[i] = "0"
	}
	return z
}
