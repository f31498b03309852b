package interop

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// ReadXGBoostJSON reads a model that XGBoost (1.3 to 3.x) saved as JSON.
func ReadXGBoostJSON(r io.Reader) (*boost.Model, error) {
	raw, err := readAll(r)
	if err != nil {
		return nil, fmt.Errorf("xgboost: %w", err)
	}
	var doc object
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("xgboost: %w", err)
	}
	return fromXGBoost(doc, len(raw))
}

// ReadXGBoostUBJ reads a model that XGBoost saved as UBJ.
func ReadXGBoostUBJ(r io.Reader) (*boost.Model, error) {
	raw, err := readAll(r)
	if err != nil {
		return nil, fmt.Errorf("xgboost: %w", err)
	}
	v, err := parseUBJ(raw)
	if err != nil {
		return nil, fmt.Errorf("xgboost: %w", err)
	}
	doc, ok := v.(object)
	if !ok {
		return nil, errors.New("xgboost: the file holds no object")
	}
	return fromXGBoost(doc, len(raw))
}

// xgbObjectives maps the objectives of XGBoost to ours.
var xgbObjectives = map[string]boost.Objective{
	"binary:logistic": boost.Logistic, "binary:logitraw": boost.Logistic, "reg:logistic": boost.Logistic,
	"multi:softprob": boost.Softmax, "multi:softmax": boost.Softmax,
	"reg:squarederror": boost.Squared, "count:poisson": boost.Poisson, "survival:cox": boost.Cox,
}

// maxFeatures is the number of features of a model that is read.
const maxFeatures = 1 << 24

func fromXGBoost(doc object, size int) (*boost.Model, error) {
	m, err := xgbModel(doc, size)
	if err != nil {
		return nil, fmt.Errorf("xgboost: %w", err)
	}
	return m, nil
}

func xgbModel(doc object, size int) (*boost.Model, error) {
	learner, err := member(doc, "learner")
	if err != nil {
		return nil, err
	}
	m := &boost.Model{Margins: 1}
	objective, err := member(learner, "objective")
	if err != nil {
		return nil, err
	}
	name, err := text(objective, "name")
	if err != nil {
		return nil, fmt.Errorf("objective: %w", err)
	}
	var known bool
	if m.Objective, known = xgbObjectives[name]; !known {
		return nil, fmt.Errorf("objective %q is not known", name)
	}
	param, err := member(learner, "learner_model_param")
	if err != nil {
		return nil, err
	}
	features, err := count(param, "num_feature", maxFeatures)
	if err != nil {
		return nil, err
	}
	classes, err := count(param, "num_class", 256)
	if err != nil {
		return nil, err
	}
	if m.Objective == boost.Softmax {
		m.Margins = max(1, classes)
	}
	if err := xgbBase(m, param); err != nil {
		return nil, err
	}
	booster, err := member(learner, "gradient_booster")
	if err != nil {
		return nil, err
	}
	var drop []float64
	if kind, err := text(booster, "name"); err != nil {
		return nil, fmt.Errorf("gradient_booster: %w", err)
	} else if kind == "dart" {
		if drop, err = numbers(booster, "weight_drop"); err != nil {
			return nil, err
		}
		if booster, err = member(booster, "gbtree"); err != nil {
			return nil, fmt.Errorf("gradient_booster: %w", err)
		}
	} else if kind != "gbtree" {
		return nil, fmt.Errorf("gradient_booster %q is not one of trees", kind)
	}
	model, err := member(booster, "model")
	if err != nil {
		return nil, fmt.Errorf("gradient_booster: %w", err)
	}
	trees, ok := model["trees"].([]any)
	if !ok {
		if empty, isNumbers := model["trees"].([]float64); !isNumbers || len(empty) > 0 {
			return nil, errors.New("gradient_booster.model.trees is not an array")
		}
	}
	read := make([]boost.Tree, len(trees))
	for i, v := range trees {
		o, ok := v.(object)
		if !ok {
			return nil, fmt.Errorf("tree %d is not an object", i)
		}
		if read[i], err = xgbTree(o, features); err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
	}
	if drop != nil {
		if len(drop) != len(read) {
			return nil, fmt.Errorf("weight_drop has %d elements for %d trees", len(drop), len(read))
		}
		for i, w := range drop {
			scale(&read[i], w)
		}
	}
	if m.Features, err = xgbFeatures(learner, features, size); err != nil {
		return nil, err
	}
	info, err := whole(model, "tree_info", len(read), 0, float64(m.Margins-1))
	if err != nil {
		return nil, err
	}
	if m.Bags, err = inTurn(read, info, m.Margins); err != nil {
		return nil, err
	}
	m.Rounds = len(m.Bags[0]) / m.Margins
	return m, m.Prepare()
}

// inTurn orders trees so that margins take turns, as boost has them.
func inTurn(trees []boost.Tree, class []int32, margins int) ([]boost.Bag, error) {
	byClass := make([]boost.Bag, margins)
	for i, t := range trees {
		byClass[class[i]] = append(byClass[class[i]], t)
	}
	var bag boost.Bag
	for i := range len(trees) / margins {
		for k := range byClass {
			if len(byClass[k]) != len(trees)/margins {
				return nil, fmt.Errorf("class %d has %d of %d trees, want the same for each of %d classes", k, len(byClass[k]), len(trees), margins)
			}
			bag = append(bag, byClass[k][i])
		}
	}
	if len(bag) != len(trees) {
		return nil, fmt.Errorf("%d trees for %d classes", len(trees), margins)
	}
	return []boost.Bag{bag}, nil
}

// xgbBase sets the base margins from base_score, which is on the scale of
// predictions: one number, or since version 3 a list of them.
func xgbBase(m *boost.Model, param object) error {
	s, err := text(param, "base_score")
	if err != nil {
		return err
	}
	parts := strings.Split(strings.Trim(s, "[]"), ",")
	if len(parts) != 1 && len(parts) != m.Margins {
		return fmt.Errorf("base_score %q for %d margins", s, m.Margins)
	}
	m.Base = make([]float64, m.Margins)
	for k := range m.Base {
		v, err := strconv.ParseFloat(parts[k%len(parts)], 64)
		if err != nil {
			return fmt.Errorf("base_score is %q: %w", s, err)
		}
		switch m.Objective {
		case boost.Logistic:
			v = math.Log(v / (1 - v))
		case boost.Poisson, boost.Cox:
			v = math.Log(v)
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("base_score is %q, want what a prediction can be", s)
		}
		m.Base[k] = v
	}
	return nil
}

// xgbFeatures returns the features: their names if the file has any, else f0,
// f1 and so on.
func xgbFeatures(learner object, n, size int) ([]boost.Feature, error) {
	names, err := texts(learner, "feature_names")
	if err != nil {
		return nil, err
	}
	types, err := texts(learner, "feature_types")
	if err != nil {
		return nil, err
	}
	if len(names) > 0 && len(names) != n || len(types) > 0 && len(types) != n {
		return nil, fmt.Errorf("%d features with %d names and %d types", n, len(names), len(types))
	}
	if len(names) == 0 && n > 256+size/2 {
		// A number alone makes no features: memory must not outgrow the file.
		return nil, fmt.Errorf("num_feature is %d without names in a file of %d bytes", n, size)
	}
	features := make([]boost.Feature, n)
	for i := range features {
		features[i] = boost.Feature{Name: "f" + strconv.Itoa(i), Kind: boost.Numeric}
		if len(names) > 0 {
			features[i].Name = names[i]
		}
		if len(types) > 0 && (types[i] == "c" || types[i] == "categorical") {
			features[i].Kind = boost.Categorical
		}
	}
	return features, nil
}

// xgbTree reads one tree.
func xgbTree(o object, features int) (boost.Tree, error) {
	left, err := whole(o, "left_children", -1, -1, 1<<30)
	if err != nil {
		return boost.Tree{}, err
	}
	n := len(left)
	if n == 0 {
		return boost.Tree{}, errors.New("no node")
	}
	var fields struct {
		right, feature, missing, kind []int32
		condition, gain, cover        []float64
	}
	for _, f := range []struct {
		key  string
		to   *[]int32
		high float64
	}{
		{"right_children", &fields.right, 1 << 30}, {"split_indices", &fields.feature, float64(features - 1)},
		{"default_left", &fields.missing, 1},
	} {
		low := 0.0
		if f.key == "right_children" {
			low = -1
		}
		if f.key == "split_indices" { // a leaf's may be anything
			low, f.high = 0, math.MaxInt32
		}
		if *f.to, err = whole(o, f.key, n, low, f.high); err != nil {
			return boost.Tree{}, err
		}
	}
	if fields.condition, err = sized(o, "split_conditions", n); err != nil {
		return boost.Tree{}, err
	}
	for key, to := range map[string]*[]float64{"loss_changes": &fields.gain, "sum_hessian": &fields.cover} {
		if *to, err = numbers(o, key); err != nil {
			return boost.Tree{}, err
		}
		if len(*to) != n {
			if len(*to) != 0 {
				return boost.Tree{}, fmt.Errorf("%s has %d elements, want %d", key, len(*to), n)
			}
			*to = make([]float64, n)
		}
	}
	if _, ok := o["split_type"]; ok {
		if fields.kind, err = whole(o, "split_type", n, 0, 1); err != nil {
			return boost.Tree{}, err
		}
	}
	sets, err := xgbSets(o, n)
	if err != nil {
		return boost.Tree{}, err
	}
	b := newBuilder(n)
	for at := 0; at < len(b.queue); at++ {
		i := b.queue[at]
		node := boost.Node{Feature: -1, Set: -1, Cover: max(0, fields.cover[i]), Value: fields.condition[i]}
		l, r := left[i], fields.right[i]
		if (l < 0) != (r < 0) {
			return boost.Tree{}, fmt.Errorf("node %d has one child", i)
		}
		if l >= 0 {
			if int(fields.feature[i]) >= features {
				return boost.Tree{}, fmt.Errorf("node %d: split_indices is %d of %d features", i, fields.feature[i], features)
			}
			node.Feature, node.Gain, node.Value, node.MissingLeft = fields.feature[i], fields.gain[i], 0, fields.missing[i] == 1
			if fields.kind != nil && fields.kind[i] == 1 {
				set, ok := sets[i]
				if !ok {
					return boost.Tree{}, fmt.Errorf("node %d splits categories but has none", i)
				}
				node.Set = b.set(set)
			} else {
				node.Threshold = fromFloat32(fields.condition[i])
			}
			if node.Left, err = b.children(i, l, r); err != nil {
				return boost.Tree{}, err
			}
		}
		b.tree.Nodes = append(b.tree.Nodes, node)
	}
	return b.tree, nil
}

// xgbSets returns the categories that go right, by node.
func xgbSets(o object, nodes int) (map[int32]boost.Set, error) {
	at, err := whole(o, "categories_nodes", -1, 0, float64(nodes-1))
	if err != nil || len(at) == 0 {
		return nil, err
	}
	all, err := whole(o, "categories", -1, 0, boost.MaxCategories-1)
	if err != nil {
		return nil, err
	}
	start, err := whole(o, "categories_segments", len(at), 0, float64(len(all)))
	if err != nil {
		return nil, err
	}
	size, err := whole(o, "categories_sizes", len(at), 0, float64(len(all)))
	if err != nil {
		return nil, err
	}
	sets := make(map[int32]boost.Set, len(at))
	for i, n := range at {
		if int(start[i])+int(size[i]) > len(all) {
			return nil, fmt.Errorf("categories of node %d end behind the last", n)
		}
		var s boost.Set
		for _, c := range all[start[i] : start[i]+size[i]] {
			s.Add(c)
		}
		sets[n] = s
	}
	return sets, nil
}

// fromFloat32 returns the float64 below which are just the numbers that, once
// rounded to float32, are below t.
func fromFloat32(t float64) float64 {
	t32 := float32(t)
	if math.IsInf(float64(t32), 0) || t32 == -math.MaxFloat32 {
		return t
	}
	below := math.Nextafter32(t32, float32(math.Inf(-1)))
	mid := float64(below)/2 + float64(t32)/2
	if float32(mid) == t32 {
		return mid
	}
	return math.Nextafter(mid, math.Inf(1)) // the tie goes to the even neighbour below
}

// toFloat32 returns the float32 that XGBoost is to compare with: the rounded
// threshold, since rounding keeps the order.
func toFloat32(t float64) float32 {
	return float32(min(max(t, -math.MaxFloat32), math.MaxFloat32))
}

// builder numbers the nodes of a foreign tree breadth first, children side by
// side.
type builder struct {
	tree  boost.Tree
	queue []int32 // foreign places, in our order
	seen  []bool
}

func newBuilder(n int) *builder {
	b := &builder{queue: []int32{0}, seen: make([]bool, n)}
	b.seen[0] = true
	return b
}

// children queues the children of node n and returns our place of the left.
func (b *builder) children(n, l, r int32) (int32, error) {
	at := int32(len(b.queue))
	for _, c := range [2]int32{l, r} {
		if c < 0 || int(c) >= len(b.seen) || b.seen[c] {
			return 0, fmt.Errorf("node %d has child %d, which does not exist or has a parent already", n, c)
		}
		b.seen[c] = true
		b.queue = append(b.queue, c)
	}
	return at, nil
}

func (b *builder) set(s boost.Set) int32 {
	b.tree.Sets = append(b.tree.Sets, s)
	return int32(len(b.tree.Sets) - 1)
}

// scale multiplies the leaves of a tree.
func scale(t *boost.Tree, by float64) {
	for n := range t.Nodes {
		t.Nodes[n].Value *= by
	}
}
