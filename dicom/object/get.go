package object

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// Item returns the first item of a sequence, false if there is none.
func Item(d part10.Dataset, t part10.Tag) (part10.Dataset, bool) {
	for it := range Items(d, t) {
		return it, true
	}
	return part10.Dataset{}, false
}

// Items returns the items of a sequence, none if it is absent.
func Items(d part10.Dataset, t part10.Tag) func(func(part10.Dataset) bool) {
	e, ok := d.Lookup(t)
	if !ok {
		return func(func(part10.Dataset) bool) {}
	}
	return e.Items()
}

// Text returns the first value of a text element, "" if there is none.
func Text(d part10.Dataset, t part10.Tag) (string, error) {
	v, err := d.Strings(t)
	if err != nil || len(v) == 0 {
		return "", err
	}
	return v[0], nil
}

// Int returns the first value of a numeric element; ok is false if there is
// none.
func Int(d part10.Dataset, t part10.Tag) (n int, ok bool, err error) {
	e, found := d.Lookup(t)
	if !found || e.Len() == 0 {
		return 0, false, nil
	}
	v, err := e.Ints()
	if err != nil || len(v) == 0 {
		return 0, false, err
	}
	return int(v[0]), true, nil
}

// Numbers checks that an element has n finite values and returns them.
func Numbers(e part10.Element, n int) ([]float64, error) {
	v, err := e.Floats()
	if err != nil {
		return nil, err
	}
	if len(v) != n {
		return nil, fmt.Errorf("%v: %d values, want %d: %w", e.Tag(), len(v), n, part10.ErrDamaged)
	}
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("%v: %v is not finite: %w", e.Tag(), v, part10.ErrDamaged)
		}
	}
	return v, nil
}

// Vec is a vector of three values.
func Vec(v []float64) r3.Vec { return r3.Vec{X: v[0], Y: v[1], Z: v[2]} }
