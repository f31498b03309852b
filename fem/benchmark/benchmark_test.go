package benchmark

import (
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// Every case holds; in short mode one of each kind of those that take a second.
func TestCases(t *testing.T) {
	ref, err := BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			if testing.Short() && c.Slow {
				t.Skip("takes seconds")
			}
			rows, err := c.Run(t.Context(), ref, !testing.Short())
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) == 0 {
				t.Error("nothing was compared")
			}
			for _, r := range rows {
				verify.Check{Suite: "mechanics", Case: r.Case, Quantity: r.Quantity + ", " + r.Unit, Source: r.Source, Got: r.Got, Want: r.Want, Tol: r.Tol}.Run(t)
			}
		})
	}
}

// A value that is wrong misses, one that the table lacks is an error, and so is a
// table of another layout.
func TestReference(t *testing.T) {
	const head = "case,quantity,location,value,unit,rel_tol,kind\n"
	c := Case{Section: "C", Name: "three layers", run: func(t *run) error {
		t.compare("X", "mesh", "u", "", 1.05)
		return nil
	}}
	for _, test := range []struct {
		text string
		pass bool
		want string
	}{
		{head + "X,u,,1,mm,0.1,made up\n", true, ""},
		{head + "X,u,,1,mm,0.01,made up\n", false, ""},
		{head + "X,v,,1,mm,0.01,made up\n", false, "lack X, u"},
		{head + "X,u,,one,mm,0.01,made up\n", false, "line 2"},
		{"case,value\n", false, "columns"},
		{"", false, "columns"},
	} {
		ref, err := ReadReference(strings.NewReader(test.text))
		var rows []Row
		if err == nil {
			rows, err = c.Run(t.Context(), ref, false)
		}
		switch {
		case test.want != "":
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%q: error %v, want one with %q", test.text, err, test.want)
			}
		case err != nil || len(rows) != 1 || rows[0].Pass() != test.pass:
			t.Errorf("%q: %v, %v", test.text, rows, err)
		}
	}
}
