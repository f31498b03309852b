package interop

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// field is a member of an object that is written: its order is kept. Values
// are strings, fields, and slices of field lists, strings, float32, int32,
// int64 and uint8.
type field struct {
	key   string
	value any
}

type fields []field

// untyped is whole numbers that XGBoost wants in an array without a type.
type untyped []int32

// WriteXGBoostJSON writes m as XGBoost 1.7 and later read it. A category is its
// place in the feature's list of categories.
func WriteXGBoostJSON(w io.Writer, m *boost.Model) error {
	doc, err := xgbDocument(m)
	if err != nil {
		return fmt.Errorf("xgboost: %w", err)
	}
	var b bytes.Buffer
	writeJSON(&b, doc)
	_, err = w.Write(b.Bytes())
	return err
}

// WriteXGBoostUBJ writes m as UBJ.
func WriteXGBoostUBJ(w io.Writer, m *boost.Model) error {
	doc, err := xgbDocument(m)
	if err != nil {
		return fmt.Errorf("xgboost: %w", err)
	}
	var b bytes.Buffer
	writeUBJ(&b, doc)
	_, err = w.Write(b.Bytes())
	return err
}

func xgbDocument(m *boost.Model) (fields, error) {
	trees, err := flatten(m)
	if err != nil {
		return nil, err
	}
	// The base score that is a margin of zero.
	base := "0E0"
	name, param := "reg:squarederror", field{"reg_loss_param", fields{{"scale_pos_weight", "1"}}}
	classes := 0
	switch m.Objective {
	case boost.Logistic:
		name, base = "binary:logistic", "5E-1"
	case boost.Softmax:
		name, classes = "multi:softprob", m.Margins
		param = field{"softmax_multiclass_param", fields{{"num_class", strconv.Itoa(classes)}}}
	case boost.Poisson:
		name, base, param = "count:poisson", "1E0", field{"poisson_regression_param", fields{{"max_delta_step", "0.7"}}}
	case boost.Cox:
		name, base = "survival:cox", "1E0"
	}
	objective := fields{{"name", name}, param}
	if m.Objective == boost.Cox {
		objective = objective[:1]
	}
	var names, types []string
	for i := range m.Features {
		names = append(names, m.Features[i].Name)
		kind := "float"
		if m.Features[i].Kind == boost.Categorical {
			kind = "c"
		}
		types = append(types, kind)
	}
	list := make([]fields, len(trees))
	info := make(untyped, len(trees))
	for i := range trees {
		list[i] = xgbTreeFields(&trees[i], i, len(m.Features))
		info[i] = int32(i % m.Margins)
	}
	indptr := untyped{0}
	for i := m.Margins; i <= len(trees); i += m.Margins {
		indptr = append(indptr, int32(i))
	}
	count := strconv.Itoa(len(trees))
	return fields{
		{"learner", fields{
			{"attributes", fields{}},
			{"feature_names", names},
			{"feature_types", types},
			{"gradient_booster", fields{
				{"model", fields{
					{"gbtree_model_param", fields{{"num_parallel_tree", "1"}, {"num_trees", count}, {"size_leaf_vector", "0"}}},
					{"iteration_indptr", indptr},
					{"tree_info", info},
					{"trees", list},
				}},
				{"name", "gbtree"},
			}},
			{"learner_model_param", fields{
				{"base_score", base}, {"boost_from_average", "0"}, {"num_class", strconv.Itoa(classes)},
				{"num_feature", strconv.Itoa(len(m.Features))}, {"num_target", "1"},
			}},
			{"objective", objective},
		}},
		{"version", untyped{1, 7, 4}},
	}, nil
}

// xgbRoot is the parent of a root.
const xgbRoot = math.MaxInt32

func xgbTreeFields(t *boost.Tree, id, features int) fields {
	n := len(t.Nodes)
	left, right, parents, index := make([]int32, n), make([]int32, n), make([]int32, n), make([]int32, n)
	missing, kind := make([]uint8, n), make([]uint8, n)
	condition, weights, gain, cover := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	var cats, catNodes []int32
	var segments, sizes []int64
	parents[0] = xgbRoot
	for i := range t.Nodes {
		node := &t.Nodes[i]
		cover[i] = float32(node.Cover)
		if node.Feature < 0 {
			left[i], right[i] = -1, -1
			condition[i], weights[i] = float32(node.Value), float32(node.Value)
			continue
		}
		left[i], right[i] = node.Left, node.Right()
		parents[node.Left], parents[node.Right()] = int32(i), int32(i)
		index[i], gain[i] = node.Feature, float32(node.Gain)
		if node.MissingLeft {
			missing[i] = 1
		}
		if node.Set < 0 {
			condition[i] = toFloat32(node.Threshold)
			continue
		}
		kind[i] = 1
		catNodes = append(catNodes, int32(i))
		segments = append(segments, int64(len(cats)))
		for c := range int32(boost.MaxCategories) {
			if t.Sets[node.Set].Has(float64(c)) {
				cats = append(cats, c)
			}
		}
		sizes = append(sizes, int64(len(cats))-segments[len(segments)-1])
	}
	return fields{
		{"base_weights", weights}, {"categories", cats}, {"categories_nodes", catNodes},
		{"categories_segments", segments}, {"categories_sizes", sizes},
		{"default_left", missing}, {"id", int32(id)}, {"left_children", left}, {"loss_changes", gain},
		{"parents", parents}, {"right_children", right}, {"split_conditions", condition},
		{"split_indices", index}, {"split_type", kind}, {"sum_hessian", cover},
		{"tree_param", fields{
			{"num_deleted", "0"}, {"num_feature", strconv.Itoa(features)},
			{"num_nodes", strconv.Itoa(n)}, {"size_leaf_vector", "0"},
		}},
	}
}

// writeJSON writes a value. XGBoost refuses whole numbers in arrays of floats,
// so that those always have an exponent.
func writeJSON(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case fields:
		b.WriteByte('{')
		for i, f := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, f.key)
			b.WriteByte(':')
			writeJSON(b, f.value)
		}
		b.WriteByte('}')
	case string:
		raw, _ := json.Marshal(v) // a string always has a form
		b.Write(raw)
	case int32:
		b.WriteString(strconv.Itoa(int(v)))
	case []string:
		array(b, v, func(s string) { writeJSON(b, s) })
	case []fields:
		array(b, v, func(f fields) { writeJSON(b, f) })
	case []float32:
		array(b, v, func(x float32) { b.WriteString(strconv.FormatFloat(float64(x), 'E', -1, 32)) })
	case []int32:
		array(b, v, func(x int32) { b.WriteString(strconv.Itoa(int(x))) })
	case untyped:
		writeJSON(b, []int32(v))
	case []int64:
		array(b, v, func(x int64) { b.WriteString(strconv.FormatInt(x, 10)) })
	case []uint8:
		array(b, v, func(x uint8) { b.WriteString(strconv.Itoa(int(x))) })
	}
}

func array[T any](b *bytes.Buffer, list []T, write func(T)) {
	b.WriteByte('[')
	for i, x := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		write(x)
	}
	b.WriteByte(']')
}

// writeUBJ writes a value; arrays of numbers are typed.
func writeUBJ(b *bytes.Buffer, v any) {
	length := func(n int) { b.Write(binary.BigEndian.AppendUint64([]byte{'L'}, uint64(n))) }
	typed := func(kind byte, n int) {
		b.Write([]byte{'[', '$', kind, '#'})
		length(n)
	}
	switch v := v.(type) {
	case fields:
		b.WriteByte('{')
		for _, f := range v {
			length(len(f.key))
			b.WriteString(f.key)
			writeUBJ(b, f.value)
		}
		b.WriteByte('}')
	case string:
		b.WriteByte('S')
		length(len(v))
		b.WriteString(v)
	case int32:
		b.Write(binary.BigEndian.AppendUint32([]byte{'l'}, uint32(v)))
	case []string:
		b.WriteString("[#")
		length(len(v))
		for _, s := range v {
			writeUBJ(b, s)
		}
	case []fields:
		b.WriteString("[#")
		length(len(v))
		for _, f := range v {
			writeUBJ(b, f)
		}
	case []float32:
		typed('d', len(v))
		for _, x := range v {
			b.Write(binary.BigEndian.AppendUint32(nil, math.Float32bits(x)))
		}
	case []int32:
		typed('l', len(v))
		for _, x := range v {
			b.Write(binary.BigEndian.AppendUint32(nil, uint32(x)))
		}
	case untyped:
		b.WriteString("[#")
		length(len(v))
		for _, x := range v {
			writeUBJ(b, x)
		}
	case []int64:
		typed('L', len(v))
		for _, x := range v {
			b.Write(binary.BigEndian.AppendUint64(nil, uint64(x)))
		}
	case []uint8:
		typed('U', len(v))
		b.Write(v)
	}
}
