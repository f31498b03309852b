package steps

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

const good = "id,patient,a,side,y,fold\n1,P1,0.5,left,0,0\n2,P1,,right,0,0\n3,P2,2,left,1,1\n4,P3,1e3,,1,1\n"

var roles = Roles{Target: "y", Group: "patient", ID: "id", Folds: []string{"fold"}}

// A table comes in as it stands in the file.
func TestReadCSV(t *testing.T) {
	f, err := ReadCSV(strings.NewReader("\ufeff"+good), roles)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.Y, []int{0, 0, 1, 1}) || !slices.Equal(f.Labels, []string{"0", "1"}) || !slices.Equal(f.Patient, []string{"P1", "P1", "P2", "P3"}) {
		t.Errorf("outcomes %v, labels %q, patients %q", f.Y, f.Labels, f.Patient)
	}
	a, side := f.Columns[0], f.Columns[1]
	if a.Name != "a" || a.Values[0] != 0.5 || !math.IsNaN(a.Values[1]) || a.Values[3] != 1000 {
		t.Errorf("column %+v", a)
	}
	if side.Kind != boost.Categorical || side.Values[1] != 1 || !math.IsNaN(side.Values[3]) || !slices.Equal(f.Categorical, []string{"side"}) {
		t.Errorf("column %+v", side)
	}
	f, err = ReadCSV(strings.NewReader("id,a,y\nx,1,2.0\nz,2,malignant\n"), Roles{Target: "y", ID: "id"})
	if err == nil {
		t.Errorf("outcomes %q", f.Labels)
	}
	f, err = ReadCSV(strings.NewReader("id,a,y\nx,1,10.0\nz,2,9\n"), Roles{Target: "y", ID: "id"})
	if err != nil || !slices.Equal(f.Labels, []string{"9", "10"}) || !slices.Equal(f.Y, []int{1, 0}) {
		t.Errorf("labels %q, outcomes %v, %v", f.Labels, f.Y, err)
	}
}

// Whatever is wrong with a table is said with its place.
func TestReadCSVErrors(t *testing.T) {
	change := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	for _, c := range []struct {
		name, text string
		roles      Roles
		want       string
	}{
		{"unknown column", good, Roles{Target: "outcome", ID: "id"}, `target names column "outcome"`},
		{"unknown column, hint", good, Roles{Target: "y", Group: "patent", ID: "id"}, `"patient"`},
		{"unknown fold", good, Roles{Target: "y", ID: "id", Folds: []string{"fold_r0"}}, `folds names column "fold_r0"`},
		{"unknown drop", good, Roles{Target: "y", ID: "id", Drop: []string{"b"}}, `drop names column "b"`},
		{"two purposes", good, Roles{Target: "y", Group: "id", ID: "id"}, "named by group and by id"},
		{"no patient", good, Roles{Target: "y"}, "no patient"},
		{"constant target", strings.ReplaceAll(good, ",1,1\n", ",0,1\n"), roles, "same outcome"},
		{"one patient", strings.NewReplacer("P2", "P1", "P3", "P1").Replace(good), roles, `one patient, "P1"`},
		{"duplicated ids", change("\n3,", "\n1,"), roles, `rows 1 and 3 (lines 2 and 4), column "id"`},
		{"infinite", change("1e3", "inf"), roles, `row 4 (line 5), column "a": "inf" is infinite`},
		{"too large", change("1e3", "1e999"), roles, `row 4 (line 5), column "a": "1e999" is infinite`},
		{"NaN", change("1e3", "NaN"), roles, `row 4 (line 5), column "a"`},
		{"text below numbers", change("1e3", "high"), roles, `row 4 (line 5), column "a": "high" is not a number`},
		{"number below text", change("0.5", "low"), roles, `row 1 (line 2), column "a": "low" is not a number`},
		{"no outcome", change("left,1", "left,"), roles, `row 3 (line 4), column "y": no outcome`},
		{"no id", change("\n2,", "\n,"), roles, `row 2 (line 3), column "id"`},
		{"no group", change("2,P1", "2,"), roles, `row 2 (line 3), column "patient"`},
		{"no fold", change("0,0\n", "0,\n"), roles, `row 1 (line 2), column "fold"`},
		{"text outcome", change("left,1", "left,yes"), roles, `row 3 (line 4), column "y": outcome "yes" is not a number`},
		{"ragged", change("2,P1,", "2,P1,7,"), roles, "row 2"},
		{"quote", change("left", `le"ft`), roles, "row 1"},
		{"column twice", change("side", "a"), roles, `columns 3 and 4 are both named "a"`},
		{"column without name", change("side", ""), roles, "column 4 has no name"},
		{"empty file", "", roles, "empty"},
		{"no row", "id,patient,a,y,fold\n", roles, "no row"},
		{"no feature", "id,y\n1,0\n2,1\n", Roles{Target: "y", ID: "id"}, "no feature"},
	} {
		_, err := ReadCSV(strings.NewReader(c.text), c.roles)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// No text makes the reader panic, and what it accepts is a table that can be learnt
// from.
func FuzzReadCSV(f *testing.F) {
	f.Add(good)
	f.Add("id,y\n1,0\n")
	f.Add("id,patient,a,y,fold\n\"1\n\",P,x,0,1\n2,Q,,1,1\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := ReadCSV(strings.NewReader(text), roles)
		if err != nil {
			return
		}
		if err := file.Check(); err != nil {
			t.Errorf("accepted, but %v", err)
		}
	})
}
