// Package verify compares our numbers with numbers that we did not write. A
// [Check] is a test and, when PLAQUERISK_VERIFY names a folder, a row of
// docs/verification.md.
package verify

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// Check is one comparison with the outside world.
type Check struct {
	Suite    string  `json:"suite"`    // "radiomics": a heading of the report
	Case     string  `json:"case"`     // "IBSI digital phantom"
	Quantity string  `json:"quantity"` // "glcm.joint_entropy.3d_merged, bit"
	Source   string  `json:"source"`   // who says what is right
	Got      float64 `json:"got"`
	Want     float64 `json:"want"`
	Tol      float64 `json:"tol"` // allowed |got − want|
	// Digits, if positive, rounds Got to that many significant digits before it
	// is compared (the rule of IBSI).
	Digits int `json:"digits,omitempty"`
}

// Pass tells whether the comparison holds. A tolerance of zero asks for
// equality up to the rounding of the last decimal digit.
func (c Check) Pass() bool {
	got := c.Got
	if c.Digits > 0 {
		got = round(got, c.Digits)
	}
	if math.IsNaN(got) != math.IsNaN(c.Want) {
		return false
	}
	return math.Abs(got-c.Want) <= c.Tol+1e-12*max(1, math.Abs(c.Want)) || (math.IsNaN(got) && math.IsNaN(c.Want))
}

// Run fails the test if the comparison does not hold, and records it.
func (c Check) Run(t testing.TB) {
	t.Helper()
	if !c.Pass() {
		t.Errorf("%s: %s: got %.8g, want %.8g ± %.3g (%s)", c.Case, c.Quantity, c.Got, c.Want, c.Tol, c.Source)
	}
	if dir := os.Getenv("PLAQUERISK_VERIFY"); dir != "" {
		if err := record(dir, t.Name(), c); err != nil {
			t.Fatalf("record check: %v", err)
		}
	}
}

var unsafeName = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// record appends c to a file of its test, so that packages tested side by side
// do not mix their lines.
func record(dir, test string, c Check) error {
	line, err := json.Marshal(finite(c))
	if err != nil {
		return err
	}
	name := unsafeName.ReplaceAllString(c.Suite+"-"+test, "_") + ".jsonl"
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// finite replaces numbers that JSON cannot hold.
func finite(c Check) Check {
	for _, x := range []*float64{&c.Got, &c.Want, &c.Tol} {
		if math.IsNaN(*x) || math.IsInf(*x, 0) {
			*x = 0
		}
	}
	return c
}

// round returns x with n significant decimal digits.
func round(x float64, n int) float64 {
	var y float64
	if _, err := fmt.Sscan(fmt.Sprintf("%.*e", n-1, x), &y); err != nil {
		return x
	}
	return y
}

// Shared returns the folder of reference data: PLAQUERISK_SHARED, or shared
// beside the repository. It skips the test where there is none.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	dir := os.Getenv("PLAQUERISK_SHARED")
	if dir == "" {
		root, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			up := filepath.Dir(root)
			if up == root {
				t.Skip("no go.mod above the test: cannot find the shared data")
			}
			root = up
		}
		dir = filepath.Join(filepath.Dir(root), "shared")
	}
	path := filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("shared data not here (%v); set PLAQUERISK_SHARED to run this test", err)
	}
	return path
}
