package solid

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"sync"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// benchmark is a row of the table of package benchmark.
type benchmark struct {
	value, tol float64
	unit, kind string
}

var benchmarks = sync.OnceValues(func() (map[[3]string]benchmark, error) {
	f, err := os.Open("../benchmark/data/values.csv")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	all := map[[3]string]benchmark{}
	for _, r := range rows[1:] {
		v, err := strconv.ParseFloat(r[3], 64)
		if err != nil {
			return nil, err
		}
		tol, err := strconv.ParseFloat(r[5], 64)
		if err != nil {
			return nil, err
		}
		all[[3]string{r[0], r[1], r[2]}] = benchmark{v, tol, r[4], r[6]}
	}
	return all, nil
})

// compare checks a value against its row; how names the mesh. A reference of
// zero is met within the tolerance times zero, which is 16 kPa unless given.
func compare(t *testing.T, name, how, quantity, location string, got float64, zero ...float64) {
	t.Helper()
	all, err := benchmarks()
	if err != nil {
		t.Fatal(err)
	}
	b, ok := all[[3]string{name, quantity, location}]
	if !ok {
		t.Fatalf("no benchmark %s, %s, %s", name, quantity, location)
	}
	tol := b.tol * math.Abs(b.value)
	if b.value == 0 {
		tol = b.tol * append(zero, 16)[0]
	}
	verify.Check{Suite: "mechanics", Case: name + ", " + how, Quantity: quantity + " at " + location + ", " + b.unit,
		Source: "fem-benchmarks.csv: " + b.kind, Got: got, Want: b.value, Tol: tol}.Run(t)
}

// ray is the direction along which cylinders are read.
var ray = r3.Vec{X: math.Cos(0.7), Y: math.Sin(0.7)}

// polar returns the radial, hoop and axial components of a stress at p.
func polar(s element.Tensor, p r3.Vec) (rr, tt, zz float64) {
	r := math.Hypot(p.X, p.Y)
	c, d := p.X/r, p.Y/r
	return c*c*s[0] + d*d*s[1] + 2*c*d*s[3], d*d*s[0] + c*c*s[1] - 2*c*d*s[3], s[2]
}

// fieldsOf solves a body and recovers its fields.
func fieldsOf(t *testing.T, b *Body, steps int) *Fields {
	t.Helper()
	f, err := solve(t, b, steps).Fields(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// at returns the recovered state at p from the side of material l.
func (f *Fields) at(t *testing.T, p r3.Vec, l int32) (Tensors, r3.Vec) {
	t.Helper()
	e, xi, off := f.Locate(p, func(e int) bool { return f.sys.Of[e] == l })
	if e < 0 || off > 0.01 {
		t.Fatalf("no cell of material %d at %v (%g mm off)", l, p, off)
	}
	return f.At(e, xi)
}
