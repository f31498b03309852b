package steps

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/classifier/levels"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// madeCSV returns a table of so many patients with two rows each, of two blocks
// of columns, texts and missing cells, and so many classes.
func madeCSV(patients, classes int) string {
	rng := rand.New(rand.NewPCG(5, 7))
	var b strings.Builder
	b.WriteString("id,patient,rad.a,rad.b,bio.s,bio.side,age,y\n")
	for p := range patients {
		k := p % classes
		for n := range 2 {
			side := []string{"left", "right", ""}[rng.IntN(3)]
			age := fmt.Sprintf("%.0f", 50+10*rng.NormFloat64()+3*float64(k))
			if rng.IntN(6) == 0 {
				age = ""
			}
			fmt.Fprintf(&b, "R%d_%d,P%02d,%.3f,%.3f,%.3f,%s,%s,%d\n", p, n, p, rng.NormFloat64()+0.8*float64(k), rng.NormFloat64(), rng.NormFloat64()+float64(k), side, age, k)
		}
	}
	return b.String()
}

var madeRoles = Roles{Target: "y", Group: "patient", ID: "id", Blocks: []string{"rad", "bio"}}

// small are learners of few trees.
func small() map[string]Learner {
	boosting, forest := DefaultBoosting(), DefaultForest()
	boosting.Rounds, boosting.Bags, forest.Rounds = 20, 2, 15
	return map[string]Learner{
		"preset":   Preset{Boosting: boosting, Ridge: Ridge{C: []float64{0.1, 1}, Folds: 3}, Forest: forest, Weights: DefaultPreset().Weights},
		"boosting": boosting, "forest": forest, "tree": DefaultTree(), "logistic": Ridge{C: []float64{1}}, "knn": Neighbours{K: 5},
	}
}

func trainSmall(t testing.TB, text string, l Learner) (*Trained, *File) {
	t.Helper()
	f, err := ReadCSV(strings.NewReader(text), madeRoles)
	if err != nil {
		t.Fatal(err)
	}
	splits, err := Folds(&f.Table, 3, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Train(t.Context(), Pipeline{Steps: []Step{Variance{MaxMissing: 1}}, Learner: l}, f, splits, 1, func() {})
	if err != nil {
		t.Fatal(err)
	}
	m.Learner, m.Settings, m.Roles = "test", []byte("{}"), madeRoles
	return m, f
}

func saved(t testing.TB, m *Trained) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A model predicts after saving as before, to the last bit, and its file is the
// same bytes for any order of the rows and columns of the training table and any
// number of processors.
func TestTrainedFile(t *testing.T) {
	text := madeCSV(24, 2)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	slices.Reverse(lines[1:])
	for n, l := range lines { // age first
		cells := strings.Split(l, ",")
		lines[n] = strings.Join(append(cells[6:7], append(cells[:6:6], cells[7])...), ",")
	}
	turned := strings.Join(lines, "\n") + "\n"
	for name, l := range small() {
		m, f := trainSmall(t, text, l)
		file := saved(t, m)
		read, err := Open(bytes.NewReader(file))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want, err1 := m.Predict(&f.Table)
		got, err2 := read.Predict(&f.Table)
		if err1 != nil || err2 != nil || !reflect.DeepEqual(want, got) {
			t.Errorf("%s: read and written models differ (%v, %v)", name, err1, err2)
		}
		was := runtime.GOMAXPROCS(1)
		other, _ := trainSmall(t, turned, l)
		runtime.GOMAXPROCS(was)
		if !bytes.Equal(saved(t, other), file) {
			t.Errorf("%s: the order of the table or the number of processors changes the file", name)
		}
	}
}

// A file that was changed, is of another version or holds what Save would not
// write is refused, whether or not its hash was made to fit.
func TestTrainedFileStrict(t *testing.T) {
	m, _ := trainSmall(t, madeCSV(12, 2), Ridge{C: []float64{1}})
	file := string(saved(t, m))
	if _, err := Open(strings.NewReader(strings.Replace(file, `"seed": 1`, `"seed": 2`, 1))); err == nil || !strings.Contains(err.Error(), "changed after it was saved") {
		t.Errorf("changed: %v", err)
	}
	body, err := m.body()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{`"version": 1`, `"version": 2`, "reads version 1"},
		{Format, "plaquerisk.model", "format is"},
		{`"seed": 1`, `"seed": 1.0`, ""},
		{`"seed": 1`, `"seed": 1,` + "\n" + `"magic": 1`, "not what this program writes"},
		{`"seed": 1`, `"seed": 1,` + "\n" + `"seed": 1`, "not what this program writes"},
		{`"classes": ["0","1"]`, `"classes": ["0","1","2"]`, "a model of 2 classes"},
		{`{"name":"bio.s",`, `{"name":"zio.s",`, "increasing names"},
		{`{"name":"age",`, `{"name":"aga",`, `no column "age"`},
	} {
		changed := strings.Replace(string(body), c.from, c.to, 1)
		if changed == string(body) {
			t.Fatalf("%s is not in the file", c.from)
		}
		changed += fmt.Sprintf(",\n\"sha256\": %q\n}\n", sha([]byte(changed)))
		if _, err := Open(strings.NewReader(changed)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %s: %v", c.to, c.from, err)
		}
	}
}

// What the columns add to a row gives its log-odds (or the share of a tree), for
// every learner and each class, and the sum over all classes is 0 for more than
// two.
func TestExplanationAdds(t *testing.T) {
	for _, classes := range []int{2, 3} {
		worst := 0.0
		for name, l := range small() {
			m, f := trainSmall(t, madeCSV(24, classes), l)
			p, err := m.Predict(&f.Table)
			if err != nil {
				t.Fatal(err)
			}
			rows := allRows(f.Rows())
			sum := make([]float64, len(rows))
			for class := range classes {
				names, e, err := m.Fitted.Explain(&f.Table, rows, class)
				if name == "knn" {
					if err == nil {
						t.Error("neighbours are explained")
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				for r := range rows {
					want := judge.Logit(p[r].P[class])
					if classes > 2 {
						want = math.Log(p[r].P[class])
						for _, q := range p[r].P {
							want -= math.Log(q) / float64(classes)
						}
					}
					got := e[r].Base
					for j := range names {
						got += e[r].Phi[j]
					}
					if name == "forest" || name == "tree" {
						if want = p[r].P[class]; classes > 2 {
							continue // shares before they are made to add up to 1
						}
					}
					worst = max(worst, math.Abs(got-want))
					sum[r] += got
				}
			}
			for r := range rows {
				if classes > 2 && math.Abs(sum[r]) > 1e-9 {
					t.Errorf("%s: contributions to all classes add up to %g", name, sum[r])
				}
			}
		}
		verify.Check{Suite: "classifier", Case: fmt.Sprintf("any table, %d classes, texts and missing cells", classes), Quantity: "largest |φ₀ + Σ φ − log-odds| over learners, rows and classes",
			Source: "efficiency of Shapley values (Shapley 1953)", Got: worst, Want: 0, Tol: 1e-10}.Run(t)
	}
}

// A linear model's contributions are exact Shapley values of the game in which a
// column that is not known stands at its mean: here by all subsets.
func TestRidgeShapleyBruteForce(t *testing.T) {
	m, f := trainSmall(t, madeCSV(24, 2), Ridge{C: []float64{1}})
	ridge := m.Fitted.Model.(*RidgeModel)
	sub, order := f.sorted()
	names, e, err := m.Fitted.Explain(&f.Table, []int{order[0]}, 1)
	if err != nil {
		t.Fatal(err)
	}
	x, err := ridge.Space.rows(sub)
	if err != nil {
		t.Fatal(err)
	}
	// Coded columns of each column, by the prefix of their names.
	value := func(s int) float64 {
		v := ridge.Intercept[0]
		for c, name := range ridge.Space.Scaled.Names {
			name, _, _ = strings.Cut(name, "=")
			if s>>slices.Index(names, name)&1 == 1 {
				v += ridge.Weights[0][c] * x[0][c]
			}
		}
		return v
	}
	n := len(names)
	worst := 0.0
	for j := range names {
		var phi float64
		for s := range 1 << n {
			if s>>j&1 == 1 {
				continue
			}
			size := 0
			for i := range n {
				size += s >> i & 1
			}
			phi += (value(s|1<<j) - value(s)) * math.Gamma(float64(size+1)) * math.Gamma(float64(n-size)) / math.Gamma(float64(n+1))
		}
		worst = max(worst, math.Abs(phi-e[0].Phi[j]))
	}
	verify.Check{Suite: "classifier", Case: "logistic regression, 5 columns, one of texts", Quantity: "largest |φ − brute force|",
		Source: "Shapley value by all 32 subsets", Got: worst, Want: 0, Tol: 1e-10}.Run(t)
}

// A stranger's table is read by names, in any order; what does not fit is said
// with its place.
func TestStrangerCSV(t *testing.T) {
	m, _ := trainSmall(t, madeCSV(24, 2), Ridge{C: []float64{1}})
	const good = "bio.side,id,age,rad.b,rad.a,bio.s\nleft,a,50,1,2,3\nright,b,,1,2,3\n"
	f, notes, err := m.ReadCSV(strings.NewReader(good), Roles{})
	if err != nil || len(notes) > 0 || !slices.Equal(f.ID, []string{"a", "b"}) {
		t.Fatal(f, notes, err)
	}
	p, err := m.Predict(&f.Table)
	if err != nil || len(p) != 2 || !(p[0].Outside > 0 && p[0].Outside <= 1) {
		t.Fatal(p, err)
	}
	change := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	for _, c := range []struct {
		text  string
		roles Roles
		want  string
	}{
		{change(",age,", ",aged,"), Roles{}, `no column "age", which the model needs; did you mean "aged"`},
		{change("bio.side,id", "bio.side,extra,id"), Roles{}, `column 2, "extra", is not one of the model's 5 features`},
		{change("\nright,b", "\nright,a"), Roles{}, `rows 1 and 2 (lines 2 and 3), column "id": both have the identifier "a"`},
		{change("b,,1,2,3", "b,,inf,2,3"), Roles{}, `row 2 (line 3), column "rad.b": "inf" is infinite`},
		{change("b,,1,2,3", "b,old,1,2,3"), Roles{}, `row 2 (line 3), column "age": "old" is not a number`},
		{change("b,,1,2,3", "b,NaN,1,2,3"), Roles{}, `leave the cell empty`},
		{change("a,50", ",50"), Roles{}, `row 1 (line 2), column "id": no identifier`},
		{good, Roles{Target: "z"}, `target names column "z"`},
		{good, Roles{Target: "age"}, `outcome "50", want one of ["0" "1"]`},
		{"id,rad.b\na,3\n", Roles{}, `no column "age"`},
		{"id\na\n", Roles{}, `no column "age"`},
		{"", Roles{}, "empty"},
		{"bio.side,id,age,rad.b,rad.a,bio.s\n", Roles{}, "no row"},
		{"bio.side,id,age,rad.b,rad.a,bio.s\nleft,a,50,1,2\n", Roles{}, "row 1"},
	} {
		if _, _, err := m.ReadCSV(strings.NewReader(c.text), c.roles); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
	_, notes, err = m.ReadCSV(strings.NewReader(change("right", "up")), Roles{})
	if err != nil || len(notes) != 1 || !strings.Contains(notes[0], `"up" is none of the texts`) {
		t.Error(notes, err)
	}
}

// A patient who lacks a modality is scored, and what that costs is said: a model
// without its columns, and without any, is no better than with all; without any
// column the probabilities are those of no model, near the shares of the classes.
func TestMissingBlock(t *testing.T) {
	l := small()["boosting"].(Boosting)
	l.BlockDropout = 0.25
	m, f := trainSmall(t, madeCSV(60, 2), l)
	if len(m.Without) != 2 {
		t.Fatalf("%+v", m.Without)
	}
	full := 0.0
	for _, x := range m.Figures {
		if x.Name == "log_loss" {
			full = x.Value
		}
	}
	for _, w := range m.Without {
		if !(w.LogLoss > full) || w.Columns != 2 {
			t.Errorf("log-loss %.3f with all columns, %+v", full, w)
		}
	}
	one, notes, err := m.ReadCSV(strings.NewReader("id,age,rad.a,rad.b\na,60,1,1\nb,40,-1,0\n"), Roles{})
	if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "All 2 columns of bio are missing") {
		t.Fatal(notes, err)
	}
	p, err := m.Predict(&one.Table)
	if err != nil || !(p[0].P[1] > p[1].P[1]) {
		t.Error(p, err)
	}
	none := f.Table
	for _, b := range []string{"rad", "bio", ""} {
		none = *none.without(b)
	}
	if p, err = m.Predict(&none); err != nil || math.Abs(p[0].P[1]-0.5) > 0.25 {
		t.Error(p[0], err)
	}
}

func FuzzTrained(f *testing.F) {
	for _, l := range []Learner{Ridge{C: []float64{1}}, DefaultTree(), Neighbours{K: 3}} {
		m, _ := trainSmall(f, madeCSV(24, 2), l)
		body, err := m.body()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	row := "bio.side,id,age,rad.b,rad.a,bio.s\nleft,a,50,1,2,3\n"
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := decodeTrained(body)
		if err != nil {
			return
		}
		if again, err := m.body(); err != nil || !bytes.Equal(again, body) {
			t.Fatalf("read and written again: %v", err)
		}
		one, _, err := m.ReadCSV(strings.NewReader(row), Roles{})
		if err != nil {
			return
		}
		_, _ = m.Predict(&one.Table)
		_, _, _ = m.Fitted.Explain(&one.Table, []int{0}, 1)
	})
}

func FuzzStrangerCSV(f *testing.F) {
	m, _ := trainSmall(f, madeCSV(24, 2), Ridge{C: []float64{1}})
	f.Add("bio.side,id,age,rad.b,rad.a,bio.s,y\nleft,a,50,1,2,3,0\nright,b,,1,2,3,1\n")
	f.Fuzz(func(t *testing.T, text string) {
		one, _, err := m.ReadCSV(strings.NewReader(text), Roles{})
		if err != nil {
			return
		}
		if p, err := m.Predict(&one.Table); err != nil || len(p) != one.Rows() {
			t.Error(err)
		}
	})
}

// The rows of a patient make one probability by each rule, the same for any order
// of the table; one row is calibrated alone, and a table of independent rows has
// no patients.
func TestPatientLevel(t *testing.T) {
	m, f := trainSmall(t, madeCSV(60, 2), Ridge{C: []float64{1}})
	if len(m.Patient) != len(levels.Rules) {
		t.Fatalf("%+v", m.Patient)
	}
	p, err := m.Predict(&f.Table)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range m.Patient {
		if x.AUC < 0.7 || x.Calibrated > x.LogLoss+0.05 {
			t.Errorf("%+v", x)
		}
		joined, err := m.Patients(&f.Table, p, x.Rule)
		if err != nil || len(joined) != 60 || joined[7].Patient != "P07" || joined[7].Rows != 2 {
			t.Fatal(joined, err)
		}
		a, b := p[14].P[1], p[15].P[1]
		want := map[levels.Rule]float64{levels.Max: max(a, b), levels.NoisyOr: 1 - (1-a)*(1-b), levels.Mean: (a + b) / 2, levels.TopTwo: (a + b) / 2}
		if w, ok := want[x.Rule]; ok && math.Abs(joined[7].Joined-w) > 1e-12 {
			t.Errorf("%s: %g, want %g", x.Rule, joined[7].Joined, w)
		}
		if joined[7].P != x.Map.Map.Apply(joined[7].Joined) {
			t.Errorf("%s: %+v is not calibrated", x.Rule, joined[7])
		}
	}
	if _, err := m.Patients(&f.Table, p, "median"); err == nil {
		t.Error("an unknown rule is taken")
	}
	// Every patient has one row with the event and one without.
	var each strings.Builder
	for n, line := range strings.Split(strings.TrimSpace(madeCSV(24, 2)), "\n") {
		if n > 0 {
			line = fmt.Sprintf("%s%d", line[:len(line)-1], n%2)
		}
		each.WriteString(line + "\n")
	}
	if all, _ := trainSmall(t, each.String(), Ridge{C: []float64{1}}); all.Patient != nil {
		t.Error("patients who all have the event are told apart")
	}
	three, _ := trainSmall(t, madeCSV(24, 3), Ridge{C: []float64{1}})
	if three.Patient != nil {
		t.Error("three classes have a patient level")
	}
	if _, err := three.Patients(&f.Table, p, levels.Max); err == nil {
		t.Error("patients of a model that knows none")
	}
}
