// Package strictyaml reads settings: unknown keys are errors that name the
// line and the key that was probably meant.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/plaquerisk/plaquerisk/internal/suggest"
)

// MaxBytes bounds a settings file.
const MaxBytes = 1 << 20

var unknownField = regexp.MustCompile(`unknown field "([^"]+)"`)

// wrongType is what goccy says of a value that does not fit, in Go's words.
var wrongType = regexp.MustCompile(`^cannot unmarshal (.+) into Go (?:struct field \S+|value) of type (.+)$`)

// plain says in words what values of a Go type are in YAML.
func plain(goType string) string {
	switch t := strings.TrimLeft(goType, "*"); {
	case strings.HasPrefix(t, "[]"):
		return "a list"
	case strings.HasPrefix(t, "map["):
		return "keys with values"
	case strings.HasPrefix(t, "float"):
		return "a number"
	case strings.HasPrefix(t, "int"), strings.HasPrefix(t, "uint"):
		return "a whole number"
	case t == "bool":
		return "true or false"
	case t == "string":
		return "a text"
	default:
		return t
	}
}

// Decode reads one YAML document over the values that into already holds, so
// that keys that are not given keep their defaults. name stands in errors.
func Decode(name string, r io.Reader, into any) error {
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > MaxBytes {
		return fmt.Errorf("%s: more than %d bytes: this is no settings file", name, MaxBytes)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // Windows' editors
	if empty(text) {                                // goccy would set all of into to zero
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict(), yaml.DisallowUnknownField())
	if err := dec.Decode(into); err != nil {
		var y yaml.Error
		msg, line := err.Error(), 0
		if errors.As(err, &y) {
			msg = y.GetMessage()
			if tok := y.GetToken(); tok != nil && tok.Position != nil {
				line = tok.Position.Line
			}
		}
		hint := ""
		if m := wrongType.FindStringSubmatch(msg); m != nil {
			msg = fmt.Sprintf("want %s, not %s", plain(m[2]), plain(m[1]))
		}
		if m := unknownField.FindStringSubmatch(msg); m != nil {
			msg = fmt.Sprintf("unknown key %q", m[1])
			hint = suggest.Hint(m[1], Keys(into))
		}
		if line > 0 {
			return fmt.Errorf("%s: line %d: %s%s", name, line, msg, hint)
		}
		return fmt.Errorf("%s: %s%s", name, msg, hint)
	}
	var more any
	if err := dec.Decode(&more); err == nil {
		return fmt.Errorf("%s: more than one YAML document: keep one", name)
	}
	return nil
}

// empty tells whether text has nothing but comments and marks of documents.
func empty(text []byte) bool {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && string(line) != "---" && string(line) != "..." {
			return false
		}
	}
	return true
}

// DecodeBytes is [Decode] for text that is in memory.
func DecodeBytes(name string, text []byte, into any) error {
	return Decode(name, bytes.NewReader(text), into)
}

// Encode writes v as YAML with two spaces per level.
func Encode(v any) ([]byte, error) {
	return yaml.MarshalWithOptions(v, yaml.Indent(2), yaml.IndentSequence(true))
}

// Keys returns all keys that the struct v, or what it points to, has at any
// depth.
func Keys(v any) []string {
	var keys []string
	walk(reflect.TypeOf(v), &keys)
	return keys
}

func walk(t reflect.Type, keys *[]string) {
	for t != nil && (t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map) {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return
	}
	for n := range t.NumField() {
		f := t.Field(n)
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" && name != "-" {
			*keys = append(*keys, name)
		}
		walk(f.Type, keys)
	}
}
