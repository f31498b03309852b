package feature

import (
	"fmt"
	"math"
)

// Vector holds the features of one plaque or artery. A value that is undefined
// for it is NaN.
type Vector struct {
	Schema Schema
	Values []float64
	// Support, if not nil, has one entry per value.
	Support []Support
}

// NewVector returns a vector of NaN for s.
func NewVector(s Schema) Vector {
	v := Vector{Schema: s, Values: make([]float64, s.Len())}
	for n := range v.Values {
		v.Values[n] = math.NaN()
	}
	return v
}

// Get returns the value called name, NaN if v has no such column.
func (v *Vector) Get(name string) float64 {
	if n, ok := v.Schema.Index(name); ok {
		return v.Values[n]
	}
	return math.NaN()
}

// Join concatenates vectors. It fails if a name stands in two of them.
func Join(vs ...Vector) (Vector, error) {
	var cols []Column
	var values []float64
	var support []Support
	for _, v := range vs {
		if len(v.Values) != v.Schema.Len() {
			panic(fmt.Sprintf("feature: Join: %d values for %d columns", len(v.Values), v.Schema.Len()))
		}
		cols = append(cols, v.Schema.cols...)
		values = append(values, v.Values...)
		support = append(support, v.support()...)
	}
	s, err := NewSchema(cols...)
	if err != nil {
		return Vector{}, err
	}
	return Vector{Schema: s, Values: values, Support: support}, nil
}

// support returns v.Support, made up from the values where there is none.
func (v *Vector) support() []Support {
	if v.Support != nil {
		return v.Support
	}
	s := make([]Support, len(v.Values))
	for n, x := range v.Values {
		if math.IsNaN(x) {
			s[n].Reason = Missing
		}
	}
	return s
}
