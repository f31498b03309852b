package interop

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// maxONNX is the number of nodes that an exported tree may grow to, since sets
// of categories become chains of comparisons.
const maxONNX = 1 << 20

// WriteONNX writes m as an ONNX graph (IR 8, opset 15, ai.onnx.ml 3): input "x",
// float32 of rows × features, NaN for missing; outputs "margin" and
// "prediction", rows × margins. The ensemble is a TreeEnsembleRegressor, whose
// sum is the margin, followed by the sigmoid, softmax or exponential.
//
// ONNX has no sets of categories before ai.onnx.ml 5, so that such a split
// becomes a chain of comparisons, each with a copy of what lies on the right.
func WriteONNX(w io.Writer, m *boost.Model) error {
	trees, err := flatten(m)
	if err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	var e ensemble
	for i := range trees {
		e.tree, e.id, e.next = &trees[i], int64(i), 0
		e.class = int64(i % m.Margins)
		if _, err := e.add(0); err != nil {
			return fmt.Errorf("onnx: tree %d: %w", i, err)
		}
	}
	_, err = w.Write(e.model(m))
	return err
}

// ensemble gathers the attributes of a TreeEnsembleRegressor.
type ensemble struct {
	tree  *boost.Tree
	id    int64
	class int64
	next  int64 // number of the next node of the tree

	trees, nodes, features, yes, no, missing []int64
	values                                   []float32
	modes                                    []string
	leafTrees, leafNodes, leafTargets        []int64
	weights                                  []float32
}

// node appends a node and returns its place; its children are set later.
func (e *ensemble) node(mode string, feature int64, value float32, missing bool) (int, error) {
	if e.next == maxONNX {
		return 0, errors.New("its sets of categories make too many nodes")
	}
	at := len(e.nodes)
	e.trees, e.nodes = append(e.trees, e.id), append(e.nodes, e.next)
	e.next++
	e.modes, e.features, e.values = append(e.modes, mode), append(e.features, feature), append(e.values, value)
	e.yes, e.no = append(e.yes, 0), append(e.no, 0)
	var tracks int64
	if missing {
		tracks = 1
	}
	e.missing = append(e.missing, tracks)
	return at, nil
}

// add appends the subtree of node n and returns the number of its root.
func (e *ensemble) add(n int32) (int64, error) {
	node := &e.tree.Nodes[n]
	if node.Feature < 0 {
		at, err := e.node("LEAF", 0, 0, false)
		if err != nil {
			return 0, err
		}
		e.leafTrees, e.leafNodes = append(e.leafTrees, e.id), append(e.leafNodes, e.nodes[at])
		e.leafTargets, e.weights = append(e.leafTargets, e.class), append(e.weights, float32(node.Value))
		return e.nodes[at], nil
	}
	if node.Set >= 0 {
		return e.chain(n, 0)
	}
	at, err := e.node("BRANCH_LT", int64(node.Feature), toFloat32(node.Threshold), node.MissingLeft)
	if err != nil {
		return 0, err
	}
	if e.yes[at], err = e.add(node.Left); err != nil {
		return 0, err
	}
	e.no[at], err = e.add(node.Right())
	return e.nodes[at], err
}

// chain appends the comparisons with the categories from first on of the set of
// node n: equal goes right, and behind the last is the left.
func (e *ensemble) chain(n, first int32) (int64, error) {
	node := &e.tree.Nodes[n]
	set := &e.tree.Sets[node.Set]
	for first < boost.MaxCategories && !set.Has(float64(first)) {
		first++
	}
	if first == boost.MaxCategories {
		return e.add(node.Left)
	}
	at, err := e.node("BRANCH_EQ", int64(node.Feature), float32(first), !node.MissingLeft)
	if err != nil {
		return 0, err
	}
	if e.yes[at], err = e.add(node.Right()); err != nil {
		return 0, err
	}
	e.no[at], err = e.chain(n, first+1)
	return e.nodes[at], err
}

// proto is a message of protocol buffers: fields in the order of writing.
type proto []byte

func (p *proto) varint(v uint64) {
	for v >= 0x80 {
		*p = append(*p, byte(v)|0x80)
		v >>= 7
	}
	*p = append(*p, byte(v))
}

func (p *proto) integer(field int, v int64) {
	p.varint(uint64(field) << 3)
	p.varint(uint64(v))
}

func (p *proto) bytes(field int, b []byte) {
	p.varint(uint64(field)<<3 | 2)
	p.varint(uint64(len(b)))
	*p = append(*p, b...)
}

func (p *proto) text(field int, s string) { p.bytes(field, []byte(s)) }

func (p *proto) floats(field int, x []float32) {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		u := math.Float32bits(v)
		b = append(b, byte(u), byte(u>>8), byte(u>>16), byte(u>>24))
	}
	p.bytes(field, b)
}

// attribute appends an AttributeProto (onnx.proto) to the attributes of a node.
func (p *proto) attribute(name string, value any) {
	var a proto
	a.text(1, name)
	kind := int64(0)
	switch v := value.(type) {
	case int64:
		a.integer(3, v)
		kind = 2
	case string:
		a.text(4, v)
		kind = 3
	case []float32:
		a.floats(7, v)
		kind = 6
	case []int64:
		var packed proto
		for _, x := range v {
			packed.varint(uint64(x))
		}
		a.bytes(8, packed)
		kind = 7
	case []string:
		for _, s := range v {
			a.text(9, s)
		}
		kind = 8
	}
	a.integer(20, kind)
	p.bytes(5, a)
}

// operator returns a NodeProto.
func operator(domain, kind, in, out string, attributes func(p *proto)) proto {
	var p proto
	p.text(1, in)
	p.text(2, out)
	p.text(3, out)
	p.text(4, kind)
	if attributes != nil {
		attributes(&p)
	}
	if domain != "" {
		p.text(7, domain)
	}
	return p
}

// value returns the ValueInfoProto of float32 of rows × columns.
func value(name string, columns int) proto {
	var rows, cols, shape, tensor, kind, p proto
	rows.text(2, "rows")
	cols.integer(1, int64(columns))
	shape.bytes(1, rows)
	shape.bytes(1, cols)
	tensor.integer(1, 1) // float
	tensor.bytes(2, shape)
	kind.bytes(1, tensor)
	p.text(1, name)
	p.bytes(2, kind)
	return p
}

// model returns the ModelProto.
func (e *ensemble) model(m *boost.Model) []byte {
	const ml = "ai.onnx.ml"
	var graph proto
	graph.bytes(1, operator(ml, "TreeEnsembleRegressor", "x", "margin", func(p *proto) {
		p.attribute("n_targets", int64(m.Margins))
		p.attribute("post_transform", "NONE")
		p.attribute("nodes_treeids", e.trees)
		p.attribute("nodes_nodeids", e.nodes)
		p.attribute("nodes_featureids", e.features)
		p.attribute("nodes_values", e.values)
		p.attribute("nodes_modes", e.modes)
		p.attribute("nodes_truenodeids", e.yes)
		p.attribute("nodes_falsenodeids", e.no)
		p.attribute("nodes_missing_value_tracks_true", e.missing)
		p.attribute("nodes_hitrates", slices.Repeat([]float32{1}, len(e.nodes)))
		p.attribute("target_treeids", e.leafTrees)
		p.attribute("target_nodeids", e.leafNodes)
		p.attribute("target_ids", e.leafTargets)
		p.attribute("target_weights", e.weights)
	}))
	last := "Identity"
	var axis func(p *proto)
	switch m.Objective {
	case boost.Logistic:
		last = "Sigmoid"
	case boost.Softmax:
		last = "Softmax"
		axis = func(p *proto) { p.attribute("axis", int64(1)) }
	case boost.Poisson, boost.Cox:
		last = "Exp"
	}
	graph.bytes(1, operator("", last, "margin", "prediction", axis))
	graph.text(2, "plaquerisk")
	graph.bytes(11, value("x", len(m.Features)))
	graph.bytes(12, value("margin", m.Margins))
	graph.bytes(12, value("prediction", m.Margins))
	var p proto
	p.integer(1, 8)
	p.text(2, "plaquerisk")
	p.bytes(7, graph)
	for _, set := range []struct {
		domain  string
		version int64
	}{{"", 15}, {ml, 3}} {
		var o proto
		o.text(1, set.domain)
		o.integer(2, set.version)
		p.bytes(8, o)
	}
	for i := range m.Features { // what the columns of x are
		var o proto
		o.text(1, fmt.Sprintf("feature %d", i))
		o.text(2, m.Features[i].Name)
		p.bytes(14, o)
	}
	return p
}
