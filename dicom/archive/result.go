package archive

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// Attribute is one attribute of a result, in UTF-8.
type Attribute struct {
	Tag    part10.Tag
	Values []string
}

// Result is a match of a query: attributes by tag, without sequences.
type Result []Attribute

// Get returns the first value of an attribute, "" if there is none.
func (r Result) Get(t part10.Tag) string {
	n, ok := slices.BinarySearchFunc(r, t, func(a Attribute, t part10.Tag) int { return int(int64(a.Tag) - int64(t)) })
	if !ok || len(r[n].Values) == 0 {
		return ""
	}
	return r[n].Values[0]
}

// Sort puts the attributes in order, as Get wants them.
func (r Result) Sort() {
	slices.SortStableFunc(r, func(a, b Attribute) int { return int(int64(a.Tag) - int64(b.Tag)) })
}

// MarshalJSON writes an object of keywords, or tags where there is none. A
// single value stands by itself, none as null.
func (r Result) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for n, a := range r {
		if n > 0 {
			b.WriteByte(',')
		}
		name := a.Tag.Keyword()
		if name == "" {
			name = fmt.Sprintf("%08X", uint32(a.Tag))
		}
		var value any = a.Values
		switch len(a.Values) {
		case 0:
			value = nil
		case 1:
			value = a.Values[0]
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", name, text)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// ResultOf returns the attributes of a data set that have text or numbers.
func ResultOf(d part10.Dataset) Result {
	var r Result
	for e := range d.All() {
		if e.Tag()&0xffff == 0 || e.Tag() == TagCharset { // group lengths; text is UTF-8 here
			continue
		}
		if values, ok := textOf(e); ok {
			r = append(r, Attribute{e.Tag(), values})
		}
	}
	r.Sort()
	return r
}

// textOf returns the values of an element as text, ok = false for sequences
// and bulk data.
func textOf(e part10.Element) (values []string, ok bool) {
	switch e.VR() {
	case "SQ", "OB", "OW", "OF", "OD", "OL", "OV", "UN", "AT":
		return nil, false
	case "US", "SS", "UL", "SL", "UV", "SV":
		n, err := e.Ints()
		for _, v := range n {
			values = append(values, fmt.Sprint(v))
		}
		return values, err == nil
	case "FL", "FD":
		x, err := e.Floats()
		for _, v := range x {
			values = append(values, fmt.Sprint(v))
		}
		return values, err == nil
	}
	values, err := e.Strings()
	return values, err == nil
}
