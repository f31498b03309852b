package ibsi

import (
	"os"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// verified makes every comparison of a suite a row of docs/verification.md. Rows
// of a suite in which some may miss are recorded if they hold.
func verified(t *testing.T, s *Suite) {
	t.Helper()
	for n := range s.Rows {
		r := &s.Rows[n]
		source := "IBSI consensus"
		if r.Code != "" {
			source += " " + r.Code
		}
		if s.Allowed > 0 {
			source = "agreement of teams, IBSI " + r.Code
			if !r.Pass() {
				t.Logf("%s: %s: got %g, want %g ± %g", s.Name, r.Quantity, r.Got, r.Want, r.Tol)
				continue
			}
		}
		verify.Check{Suite: "radiomics", Case: s.Name, Quantity: r.Quantity, Source: source, Got: r.Got, Want: r.Want, Tol: r.Tol, Digits: r.Digits}.Run(t)
	}
	if !s.Pass() {
		t.Errorf("%s: %d of %d rows missed", s.Name, len(s.Missed()), len(s.Rows))
	}
}

// The digital phantom holds, all 482 values of it.
func TestDigital(t *testing.T) {
	s, err := Digital(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Rows) != 482 {
		t.Errorf("%d rows, want 482", len(s.Rows))
	}
	verified(t, s)
}

// A value that is wrong, and one that is not computed, are missed.
func TestMissed(t *testing.T) {
	old := values
	defer func() { values = old }()
	lines := strings.SplitN(string(old), "\n", 5)
	if !strings.HasPrefix(lines[2], "RNU0,,3D,Volume,556,") || !strings.HasPrefix(lines[3], "YEKZ") {
		t.Fatalf("the table starts with %q", lines[:4])
	}
	lines[2] = "RNU0,,3D,Volume,570,4"
	lines[3] = strings.Replace(lines[3], "YEKZ", "NONE", 1)
	values = []byte(strings.Join(lines, "\n"))
	s, err := Digital(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	missed := s.Missed()
	if s.Pass() || len(missed) != 2 || missed[0].Code != "RNU0" || !missed[1].Missing {
		t.Errorf("missed %+v", missed)
	}
	s.Allowed = 0.01 // four of 482
	if !s.Pass() {
		t.Error("two rows may miss")
	}
}

// Three significant digits are compared.
func TestRow(t *testing.T) {
	if (&Suite{}).Pass() || !(&Suite{Skipped: "not there"}).Pass() {
		t.Error("a suite that compared nothing must fail unless it was skipped")
	}
	for _, test := range []struct {
		row  Row
		pass bool
	}{
		{Row{Got: 0.86249, Want: 0.862, Digits: 3}, true},
		{Row{Got: 0.8626, Want: 0.862, Digits: 3}, false},
		{Row{Got: 0.8626, Want: 0.862, Digits: 3, Tol: 0.001}, true},
		{Row{Got: 125256.4, Want: 125000, Digits: 3}, true},
		{Row{Got: 1.02, Want: 1, Tol: 0.01}, false},
		{Row{Got: 1, Want: 1, Missing: true}, false},
	} {
		if test.row.Pass() != test.pass {
			t.Errorf("%+v: pass %v", test.row, !test.pass)
		}
	}
}

// A folder with part of the data runs that part and names the others; one
// without any is an error. All 33 response maps of filters hold.
func TestPart(t *testing.T) {
	if _, err := All(t.Context(), t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "holds none") {
		t.Errorf("empty folder: %v", err)
	}
	dir := verify.Shared(t, "data")
	part := t.TempDir()
	if err := os.Symlink(dir+"/ibsi2", part+"/ibsi2"); err != nil {
		t.Skip(err)
	}
	suites, err := All(t.Context(), part, nil)
	if err != nil || len(suites) != 5 || suites[3].Skipped == "" || len(suites[2].Rows) != 33 {
		t.Fatalf("filters alone: %v, %d suites", err, len(suites))
	}
	verified(t, suites[2])
}

// All reference values hold through the whole chain: 1804 of chapter 1 with the
// 300 steps before them, 33 response maps and 323 values of chapter 2, and the
// case of phase 3.
func TestAll(t *testing.T) {
	dir := verify.Shared(t, "data")
	if testing.Short() {
		t.Skip("filters several scans")
	}
	count := map[string]int{}
	_, err := All(t.Context(), dir, func(s *Suite) {
		if s.Skipped != "" {
			t.Errorf("%s: skipped: %s", s.Name, s.Skipped)
		}
		kind, _, _ := strings.Cut(s.Name, ", configuration")
		kind, _, _ = strings.Cut(kind, " of configuration")
		count[kind] += len(s.Rows)
		switch { // what other tests have recorded is not recorded twice
		case s.Name == "IBSI 1, digital phantom", strings.HasSuffix(s.Name, "response maps"):
			if !s.Pass() {
				t.Errorf("%s: %d missed", s.Name, len(s.Missed()))
			}
		default:
			verified(t, s)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(count)
	for kind, want := range map[string]int{"IBSI 1, digital phantom": 482, "IBSI 1, CT phantom": 1322, "IBSI 1, CT phantom, steps": 300} {
		if count[kind] != want {
			t.Errorf("%s: %d comparisons, want %d", kind, count[kind], want)
		}
	}
}
