package pyradiomics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// MaxBytes bounds a parameter file.
const MaxBytes = 1 << 20

// maxNodes bounds what the aliases of a parameter file may unfold to.
const maxNodes = 100_000

// The kinds of values in a parameter file.
type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindInt
	kindFloat
	kindString
	kindList
	kindMap
)

func (k kind) String() string {
	return [...]string{"nothing", "true or false", "a whole number", "a number", "text", "a list", "a mapping"}[k]
}

// node is a value of a parameter file with the line it stands in.
type node struct {
	kind    kind
	line    int
	text    string  // kindString; the literal of a number
	num     float64 // kindInt, kindFloat; 1 for true
	items   []*node // kindList
	entries []entry // kindMap, in order
}

type entry struct {
	key   string
	line  int
	value *node
}

// parseTree reads one YAML or JSON document, with a byte order mark or without.
// An empty file is an empty mapping.
func parseTree(text []byte) (*node, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("more than %d bytes: this is no parameter file", MaxBytes)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if s := strings.TrimSpace(string(text)); strings.HasPrefix(s, "{") && json.Valid(text) {
		return parseJSON(text)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, yamlError(err)
	}
	b := builder{anchors: map[string]ast.Node{}}
	var root *node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if _, comment := doc.Body.(*ast.CommentGroupNode); comment {
			continue
		}
		if root != nil {
			return nil, errors.New("more than one YAML document: keep one")
		}
		if root, err = b.build(doc.Body, 0); err != nil {
			return nil, err
		}
	}
	if root == nil || root.kind == kindNull {
		root = &node{kind: kindMap, line: 1}
	}
	return root, nil
}

// yamlError puts the line in front of the parser's message.
func yamlError(err error) error {
	var y yaml.Error
	if !errors.As(err, &y) {
		return err
	}
	if tok := y.GetToken(); tok != nil && tok.Position != nil {
		return fmt.Errorf("line %d: %s", tok.Position.Line, y.GetMessage())
	}
	return errors.New(y.GetMessage())
}

// builder turns the parser's tree into nodes.
type builder struct {
	anchors map[string]ast.Node
	count   int
}

func lineOf(tok *token.Token) int {
	if tok == nil || tok.Position == nil {
		return 0
	}
	return tok.Position.Line
}

func (b *builder) build(n ast.Node, depth int) (*node, error) {
	if n == nil {
		return &node{}, nil
	}
	line := lineOf(n.GetToken())
	if b.count++; b.count > maxNodes || depth > 50 {
		return nil, fmt.Errorf("line %d: too many or too deeply nested values for a parameter file", line)
	}
	switch n := n.(type) {
	case *ast.NullNode:
		return &node{line: line}, nil
	case *ast.BoolNode:
		v := &node{kind: kindBool, line: line}
		if n.Value {
			v.num = 1
		}
		return v, nil
	case *ast.IntegerNode:
		return number(n.Token.Value, line), nil
	case *ast.FloatNode:
		return &node{kind: kindFloat, line: line, text: n.Token.Value, num: n.Value}, nil
	case *ast.InfinityNode:
		return &node{kind: kindFloat, line: line, text: n.Token.Value, num: n.Value}, nil
	case *ast.NanNode:
		return &node{kind: kindFloat, line: line, text: n.Token.Value, num: math.NaN()}, nil
	case *ast.StringNode:
		return &node{kind: kindString, line: line, text: n.Value}, nil
	case *ast.LiteralNode:
		return &node{kind: kindString, line: line, text: n.Value.Value}, nil
	case *ast.SequenceNode:
		v := &node{kind: kindList, line: line}
		for _, item := range n.Values {
			m, err := b.build(item, depth+1)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, m)
		}
		return v, nil
	case *ast.MappingNode:
		v := &node{kind: kindMap, line: line}
		for _, pair := range n.Values {
			if err := b.add(v, pair, depth); err != nil {
				return nil, err
			}
		}
		return v, nil
	case *ast.MappingValueNode:
		v := &node{kind: kindMap, line: lineOf(n.Key.GetToken())}
		return v, b.add(v, n, depth)
	case *ast.AnchorNode:
		b.anchors[n.Name.GetToken().Value] = n.Value
		return b.build(n.Value, depth+1)
	case *ast.AliasNode:
		to, ok := b.anchors[n.Value.GetToken().Value]
		if !ok {
			return nil, fmt.Errorf("line %d: alias *%s stands for nothing", line, n.Value.GetToken().Value)
		}
		return b.build(to, depth+1)
	}
	return nil, fmt.Errorf("line %d: %s is not used in parameter files", line, strings.ToLower(n.Type().String()))
}

// add appends a pair of a mapping; a key that stands twice is an error.
func (b *builder) add(v *node, pair *ast.MappingValueNode, depth int) error {
	if pair.Key == nil || pair.Key.GetToken() == nil {
		return fmt.Errorf("line %d: a value without a key", v.line)
	}
	tok := pair.Key.GetToken()
	if _, merge := pair.Key.(*ast.MergeKeyNode); merge {
		return fmt.Errorf("line %d: merge keys (<<) are not used in parameter files", lineOf(tok))
	}
	value, err := b.build(pair.Value, depth+1)
	if err != nil {
		return err
	}
	if value.line == 0 {
		value.line = lineOf(tok)
	}
	return v.put(tok.Value, lineOf(tok), value)
}

func (v *node) put(key string, line int, value *node) error {
	if old := v.find(key); old != nil {
		return fmt.Errorf("line %d: key %q stands twice, first in line %d", line, key, old.line)
	}
	v.entries = append(v.entries, entry{key, line, value})
	return nil
}

func (v *node) find(key string) *entry {
	for n := range v.entries {
		if v.entries[n].key == key {
			return &v.entries[n]
		}
	}
	return nil
}

// number reads the literal of a number; what is none is text.
func number(text string, line int) *node {
	if i, err := strconv.ParseInt(text, 0, 64); err == nil {
		return &node{kind: kindInt, line: line, text: text, num: float64(i)}
	}
	if x, err := strconv.ParseFloat(text, 64); err == nil {
		return &node{kind: kindFloat, line: line, text: text, num: x}
	}
	return &node{kind: kindString, line: line, text: text}
}

// parseJSON reads text, which is valid JSON.
func parseJSON(text []byte) (*node, error) {
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	j := jsonReader{dec: dec, text: text, line: 1}
	root, err := j.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON document: keep one")
	}
	return root, nil
}

type jsonReader struct {
	dec  *json.Decoder
	text []byte
	at   int64
	line int
}

// token returns the next token and counts the lines up to its end.
func (j *jsonReader) token() (json.Token, error) {
	t, err := j.dec.Token()
	for end := j.dec.InputOffset(); j.at < end; j.at++ {
		if j.text[j.at] == '\n' {
			j.line++
		}
	}
	return t, err
}

func (j *jsonReader) value(depth int) (*node, error) {
	t, err := j.token()
	if err != nil {
		return nil, err
	}
	if depth > 50 {
		return nil, fmt.Errorf("line %d: too deeply nested for a parameter file", j.line)
	}
	v := &node{line: j.line}
	switch t := t.(type) {
	case bool:
		v.kind = kindBool
		if t {
			v.num = 1
		}
	case json.Number:
		v = number(t.String(), j.line)
	case string:
		v.kind, v.text = kindString, t
	case json.Delim:
		v.kind = kindList
		if t == '{' {
			v.kind = kindMap
		}
		for j.dec.More() {
			var key string
			line := j.line
			if v.kind == kindMap {
				k, err := j.token()
				if err != nil {
					return nil, err
				}
				key, line = k.(string), j.line
			}
			item, err := j.value(depth + 1)
			if err != nil {
				return nil, err
			}
			if v.kind == kindList {
				v.items = append(v.items, item)
			} else if err := v.put(key, line, item); err != nil {
				return nil, err
			}
		}
		if _, err := j.token(); err != nil { // the closing bracket
			return nil, err
		}
	}
	return v, nil
}

// python writes v as Python prints it.
func (v *node) python() string {
	switch v.kind {
	case kindBool:
		if v.num != 0 {
			return "True"
		}
		return "False"
	case kindInt:
		return strconv.FormatInt(int64(v.num), 10)
	case kindFloat:
		return pythonFloat(v.num)
	case kindString:
		return pythonString(v.text)
	case kindList:
		parts := make([]string, len(v.items))
		for n, item := range v.items {
			parts[n] = item.python()
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case kindMap:
		parts := make([]string, len(v.entries))
		for n, e := range v.entries {
			parts[n] = pythonString(e.key) + ": " + e.value.python()
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return "None"
}

func pythonString(s string) string {
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", `\'`) + "'"
}

// pythonFloat writes x as Python's repr: the shortest digits that read back,
// with an exponent below 1e-4 and from 1e16 on.
func pythonFloat(x float64) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(x, 'f', -1, 64), "+"))
	}
	if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(x, 'e', -1, 64)
	}
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
