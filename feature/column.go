package feature

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// The modalities of columns. A model arm is a set of modalities.
const (
	Radiomics    = "radiomics"
	Biomechanics = "biomechanics"
	Anatomy      = "anatomy"
	Clinical     = "clinical"
)

// Column says what a number is. Two columns hold comparable numbers only if
// name, unit, reference and settings are all equal: see [Column.Definition].
type Column struct {
	// Name is <image>.<family>.<feature>[.<aggregation>], as in
	// "original.glcm.joint_entropy.3d_merged".
	Name string `json:"name"`
	// Unit is the unit of the value: "mm", "kPa", "HU", "bit"; "1" for a pure number.
	Unit string `json:"unit"`
	// Modality is one of the constants of this package.
	Modality string `json:"modality"`
	// Ref is the definition's code or source: "IBSI:TU9B".
	Ref string `json:"ref"`
	// Settings are the choices that change the value: "fbs 25 HU from -200; 0.4 mm linear".
	Settings string `json:"settings,omitempty"`
	// Doc is one sentence for the reference page. It is not part of the definition.
	Doc string `json:"-"`
}

// Definition returns reference and settings in one line.
func (c *Column) Definition() string {
	if c.Settings == "" {
		return c.Ref
	}
	return c.Ref + "; " + c.Settings
}

// IBSI returns the four-character code of the standard's definition that the
// reference names, "" if it names none.
func (c *Column) IBSI() string {
	code, ok := strings.CutPrefix(c.Ref, "IBSI:")
	if !ok || len(code) < 4 {
		return ""
	}
	return code[:4]
}

// Schema is an ordered set of columns with unique names. It is immutable; the
// zero value is the empty schema.
type Schema struct {
	cols  []Column
	index map[string]int
}

// NewSchema returns the schema of cols. It fails on an empty or repeated name.
func NewSchema(cols ...Column) (Schema, error) {
	s := Schema{cols: slices.Clone(cols), index: make(map[string]int, len(cols))}
	for n, c := range s.cols {
		if c.Name == "" {
			return Schema{}, fmt.Errorf("column %d has no name", n+1)
		}
		if m, twice := s.index[c.Name]; twice {
			return Schema{}, fmt.Errorf("column %q stands twice, as number %d and %d", c.Name, m+1, n+1)
		}
		s.index[c.Name] = n
	}
	return s, nil
}

// MustSchema is [NewSchema] for columns written in a program.
func MustSchema(cols ...Column) Schema {
	s, err := NewSchema(cols...)
	if err != nil {
		panic("feature: " + err.Error())
	}
	return s
}

// Len returns the number of columns.
func (s *Schema) Len() int { return len(s.cols) }

// Column returns column n.
func (s *Schema) Column(n int) Column { return s.cols[n] }

// Columns returns a copy of all columns.
func (s *Schema) Columns() []Column { return slices.Clone(s.cols) }

// Index returns the place of the column called name.
func (s *Schema) Index(name string) (int, bool) {
	n, ok := s.index[name]
	return n, ok
}

// Fingerprint returns a SHA-256, in hex, over all that defines the columns, in
// order. It does not depend on Doc.
func (s *Schema) Fingerprint() string {
	h := sha256.New()
	for _, c := range s.cols {
		fmt.Fprintf(h, "%q %q %q %q %q\n", c.Name, c.Unit, c.Modality, c.Ref, c.Settings)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Equal tells whether s and t define the same columns in the same order.
func (s *Schema) Equal(t *Schema) bool {
	return slices.EqualFunc(s.cols, t.cols, func(a, b Column) bool {
		a.Doc, b.Doc = "", ""
		return a == b
	})
}

// Match finds every column of want in s and returns their places. Extra columns
// of s are ignored. It fails, naming all of them, when columns are missing or
// have another unit or definition.
func (s *Schema) Match(want *Schema) ([]int, error) {
	at := make([]int, want.Len())
	var wrong []string
	for n, w := range want.cols {
		m, ok := s.index[w.Name]
		if !ok {
			wrong = append(wrong, fmt.Sprintf("column %q is missing", w.Name))
			continue
		}
		at[n] = m
		switch c := s.cols[m]; {
		case c.Unit != w.Unit:
			wrong = append(wrong, fmt.Sprintf("column %q is in %q, want %q", w.Name, c.Unit, w.Unit))
		case c.Definition() != w.Definition():
			wrong = append(wrong, fmt.Sprintf("column %q is defined as %q, want %q", w.Name, c.Definition(), w.Definition()))
		}
	}
	if len(wrong) > 0 {
		const most = 5
		if n := len(wrong); n > most {
			wrong = append(wrong[:most], fmt.Sprintf("and %d more", n-most))
		}
		return nil, fmt.Errorf("features do not fit: %s", strings.Join(wrong, "; "))
	}
	return at, nil
}
