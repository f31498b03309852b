package golearn

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sjwhitworth/golearn/base"
	"github.com/sjwhitworth/golearn/evaluation"
	"github.com/sjwhitworth/golearn/meta"

	"github.com/plaquerisk/plaquerisk/classifier"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// grid returns rows of two numbers, one of them sometimes missing, a categorical
// attribute, a patient and a class that depends on the first number and the
// category. values is the order in which the categories are first seen.
func grid(t testing.TB, rows int, seed uint64, values, classes []string) *base.DenseInstances {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	g := base.NewDenseInstances()
	site := base.NewCategoricalAttribute()
	site.SetName("site")
	class := base.NewCategoricalAttribute()
	class.SetName("event")
	for _, v := range values {
		site.GetSysValFromString(v)
	}
	for _, v := range classes {
		class.GetSysValFromString(v)
	}
	a := g.AddAttribute(base.NewFloatAttribute("stress"))
	b := g.AddAttribute(base.NewFloatAttribute("noise"))
	p := g.AddAttribute(base.NewFloatAttribute("patient"))
	s := g.AddAttribute(site)
	c := g.AddAttribute(class)
	if err := g.AddClassAttribute(class); err != nil {
		t.Fatal(err)
	}
	if err := g.Extend(rows); err != nil {
		t.Fatal(err)
	}
	for r := range rows {
		x, y := rng.NormFloat64(), rng.NormFloat64()
		where, event := "north", "no"
		score := 2 * x
		if rng.IntN(3) == 0 {
			where = "south"
			score += 2
		}
		if rng.Float64() < classifier.Logistic(score) {
			event = "yes"
		}
		if rng.IntN(8) == 0 {
			y = math.NaN()
		}
		g.Set(a, r, base.PackFloatToBytes(x))
		g.Set(b, r, base.PackFloatToBytes(y))
		g.Set(p, r, base.PackFloatToBytes(1000.001+float64(r/2)*0.001)) // equal when rounded to two decimals
		g.Set(s, r, site.GetSysValFromString(where))
		g.Set(c, r, class.GetSysValFromString(event))
	}
	return g
}

var (
	sites   = []string{"north", "south"}
	events  = []string{"no", "yes"}
	sites2  = []string{"south", "north"}
	events2 = []string{"yes", "no"}
)

func small() *Classifier {
	c := New()
	c.Config.Boosting.Bags, c.Config.Boosting.Rounds = 4, 40
	c.Patient = "patient"
	return c
}

func accuracy(t *testing.T, ref, got base.FixedDataGrid) float64 {
	t.Helper()
	m, err := evaluation.GetConfusionMatrix(ref, got)
	if err != nil {
		t.Fatal(err)
	}
	return evaluation.GetAccuracy(m)
}

// Our trees must be a golearn classifier: fitted, asked and judged with
// golearn's own means, better than the majority class.
func TestClassifier(t *testing.T) {
	train, test := grid(t, 300, 1, sites, events), grid(t, 300, 2, sites, events)
	c := small()
	if err := c.Fit(train); err != nil {
		t.Fatal(err)
	}
	out, err := c.Predict(test)
	if err != nil {
		t.Fatal(err)
	}
	if a := accuracy(t, test, out); a < 0.72 {
		t.Errorf("accuracy %v, want at least 0.72", a)
	}
	if n := c.Model().Training.Patients; n != 150 {
		t.Errorf("%d patients, want 150: their numbers differ in the third decimal", n)
	}
	if !strings.Contains(c.String(), `"yes" against "no"`) {
		t.Errorf("string %q", c.String())
	}
}

// Categories and classes must be told apart by their names: a file in which
// they are first seen in another order must give the same probabilities.
func TestCategoryOrder(t *testing.T) {
	c := small()
	if err := c.Fit(grid(t, 200, 1, sites, events)); err != nil {
		t.Fatal(err)
	}
	p, err := c.Proba(grid(t, 50, 2, sites, events))
	if err != nil {
		t.Fatal(err)
	}
	other := grid(t, 50, 2, sites2, events2)
	q, err := c.Proba(other)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Predict(other)
	if err != nil {
		t.Fatal(err)
	}
	for r := range p {
		if p[r] != q[r] {
			t.Fatalf("row %d: probability %v became %v", r, p[r], q[r])
		}
		if got := base.GetClass(out, r); (got == "yes") != (q[r] >= 0.5) {
			t.Fatalf("row %d: class %q for probability %v", r, got, q[r])
		}
	}
	d := small()
	if err := d.Fit(grid(t, 200, 1, sites2, events2)); err != nil {
		t.Fatal(err)
	}
	if c.Model().SHA256() != d.Model().SHA256() {
		t.Error("the model depends on the order of the categories")
	}
}

// A classifier that is saved and read must give the same probabilities.
func TestSaveLoad(t *testing.T) {
	c := small()
	if err := c.Fit(grid(t, 200, 1, sites, events)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.cls")
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	d := New()
	if err := d.Load(path); err != nil {
		t.Fatal(err)
	}
	test := grid(t, 60, 3, sites, events)
	p, err := c.Proba(test)
	if err != nil {
		t.Fatal(err)
	}
	q, err := d.Proba(test)
	if err != nil {
		t.Fatal(err)
	}
	for r := range p {
		if p[r] != q[r] {
			t.Fatalf("row %d: probability %v became %v", r, p[r], q[r])
		}
	}
	if c.String() != d.String() || d.GetMetadata().ClassifierName == "" {
		t.Errorf("%s became %s", c, d)
	}
	if err := New().Save(path); err == nil {
		t.Error("saved before fit")
	}
	if err := New().Load(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("read a file that is not there")
	}
}

// golearn's bagging must be able to train, ask, save and read our classifier.
func TestBaggedModel(t *testing.T) {
	train, test := grid(t, 200, 1, sites, events), grid(t, 200, 2, sites, events)
	bag := new(meta.BaggedModel)
	for range 3 {
		c := small()
		c.Patient = "" // golearn draws rows, not patients
		bag.AddModel(c)
	}
	bag.Fit(train)
	out, err := bag.Predict(test)
	if err != nil {
		t.Fatal(err)
	}
	want := accuracy(t, test, out)
	if want < 0.7 {
		t.Errorf("accuracy %v, want at least 0.7", want)
	}
	path := filepath.Join(t.TempDir(), "bag.cls")
	if err := bag.Save(path); err != nil {
		t.Fatal(err)
	}
	again := new(meta.BaggedModel)
	for range 3 {
		again.AddModel(New())
	}
	if err := again.Load(path); err != nil {
		t.Fatal(err)
	}
	if out, err = again.Predict(test); err != nil {
		t.Fatal(err)
	}
	if got := accuracy(t, test, out); got != want {
		t.Errorf("accuracy %v became %v", want, got)
	}
}

// golearn's own cross-validation must run on our classifier.
func TestCrossFold(t *testing.T) {
	c := small()
	c.Patient = ""
	folds, err := evaluation.GenerateCrossFoldValidationConfusionMatrices(grid(t, 200, 1, sites, events), c, 3)
	if err != nil {
		t.Fatal(err)
	}
	mean, _ := evaluation.GetCrossValidatedMetric(folds, evaluation.GetAccuracy)
	if mean < 0.65 {
		t.Errorf("accuracy %v, want at least 0.65", mean)
	}
}

// What the classifier cannot learn from or answer must be an error, not a guess.
func TestErrors(t *testing.T) {
	if _, err := New().Predict(grid(t, 5, 1, sites, events)); err == nil {
		t.Error("predicted before fit")
	}
	c := small()
	c.Patient = "nobody"
	if err := c.Fit(grid(t, 50, 1, sites, events)); err == nil || !strings.Contains(err.Error(), `no attribute "nobody"`) {
		t.Errorf("error %v", err)
	}
	c = small()
	if err := c.Fit(grid(t, 100, 1, sites, events)); err != nil {
		t.Fatal(err)
	}
	test := grid(t, 5, 2, sites, events)
	attrs := []base.Attribute{base.GetAttributeByName(test, "stress"), base.GetAttributeByName(test, "patient"), base.GetAttributeByName(test, "event")}
	if _, err := c.Predict(base.NewInstancesViewFromAttrs(test, attrs)); err == nil || !strings.Contains(err.Error(), "which the classifier was trained with") {
		t.Errorf("error %v", err)
	}
	infinite := grid(t, 50, 1, sites, events)
	spec, err := infinite.GetAttribute(base.GetAttributeByName(infinite, "stress"))
	if err != nil {
		t.Fatal(err)
	}
	infinite.Set(spec, 7, base.PackFloatToBytes(math.Inf(1)))
	if err := c.Fit(infinite); err == nil || !strings.Contains(err.Error(), `row 8, attribute "stress"`) {
		t.Errorf("error %v", err)
	}
}

// data returns rows in patients of two, with missing values; the outcome
// depends on two columns.
func data(rows int) *classifier.Data {
	rng := rand.New(rand.NewPCG(5, 5))
	d := &classifier.Data{Names: []string{"b", "a", "c"}, X: make([][]float64, 3)}
	for r := range rows {
		if r%2 == 0 {
			d.Patients = append(d.Patients, fmt.Sprintf("P%05d", r))
		}
		d.Group = append(d.Group, len(d.Patients)-1)
		x, y := rng.NormFloat64(), rng.NormFloat64()
		label := 0.0
		if x > 0.3 && y > -0.5 {
			label = 1
		}
		if rng.IntN(10) == 0 {
			y = math.NaN()
		}
		d.X[0], d.X[1], d.X[2] = append(d.X[0], x), append(d.X[1], y), append(d.X[2], 1)
		d.Y = append(d.Y, label)
	}
	return d
}

// The baseline tree must find a rule that a tree can say, give the share of its
// leaves, and be the same every time and in any order of columns and rows.
func TestTree(t *testing.T) {
	d := data(200)
	p, err := DefaultTree().Fit(t.Context(), d, 1)
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for r, y := range d.Y {
		if (p.LogOdds(d.Row(r, nil)) > 0) != (y == 1) {
			wrong++
		}
	}
	if wrong > 8 { // rows whose second number is missing
		t.Errorf("%d of %d rows are wrong", wrong, len(d.Y))
	}
	order := rand.New(rand.NewPCG(6, 6)).Perm(len(d.Y))
	turned := d.Subset(order)
	turned.Names = []string{"a", "c", "b"}
	turned.X[0], turned.X[1], turned.X[2] = turned.X[1], turned.X[2], turned.X[0]
	q, err := DefaultTree().Fit(t.Context(), turned, 2)
	if err != nil {
		t.Fatal(err)
	}
	for n, r := range order {
		if a, b := p.LogOdds(d.Row(r, nil)), q.LogOdds(turned.Row(n, nil)); a != b {
			t.Fatalf("row %d: %v became %v", r, a, b)
		}
	}
	if _, err := (Tree{}).Fit(t.Context(), d, 1); err == nil {
		t.Error("a tree without depth was fitted")
	}
}

// golearn's tree must be as good as another CART of the same depth on the same
// folds.
func TestTreeBesideCART(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds")
	}
	f, err := os.Open(verify.Shared(t, "data", "tabular", "cleveland.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	d := &classifier.Data{}
	var fold []int
	for c, name := range records[0] {
		var x []float64
		for _, record := range records[1:] {
			v, err := strconv.ParseFloat(record[c], 64)
			if err != nil {
				v = math.NaN()
			}
			x = append(x, v)
		}
		switch name {
		case "row_id", "fold_r1", "fold_r2":
		case "target":
			d.Y = x
		case "fold_r0":
			for _, v := range x {
				fold = append(fold, int(v))
			}
		default:
			d.Names, d.X = append(d.Names, name), append(d.X, x)
		}
	}
	for r := range d.Y {
		d.Patients = append(d.Patients, fmt.Sprintf("P%05d", r))
		d.Group = append(d.Group, r)
	}
	scores := make([]float64, len(d.Y))
	for k := range 5 {
		var train, test []int
		for r, f := range fold {
			if f == k {
				test = append(test, r)
			} else {
				train = append(train, r)
			}
		}
		p, err := DefaultTree().Fit(t.Context(), d.Subset(train), 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range test {
			scores[r] = p.LogOdds(d.Row(r, nil))
		}
	}
	var wins, pairs float64
	for i, a := range scores {
		for j, b := range scores {
			if d.Y[i] == 1 && d.Y[j] == 0 {
				pairs++
				switch {
				case a > b:
					wins++
				case a == b:
					wins += 0.5
				}
			}
		}
	}
	verify.Check{Suite: "classifier", Case: "cleveland, folds r0, golearn decision tree of depth 3", Quantity: "pooled out-of-fold AUC",
		Source: "scikit-learn CART of depth 3, reference.json", Got: wins / pairs, Want: 0.833611, Tol: 0.03}.Run(t)
}

// A classifier is trained on a golearn grid and gives probabilities.
func ExampleClassifier() {
	csv := "stress,remodelling,event\n"
	for n := range 60 {
		event := "no"
		if n%10 > 6 {
			event = "yes"
		}
		csv += fmt.Sprintf("%d.5,%d.1,%s\n", 200+20*(n%10), n%7, event)
	}
	grid, err := base.ParseCSVToInstancesFromReader(bytes.NewReader([]byte(csv)), true)
	if err != nil {
		panic(err)
	}
	c := New()
	if err := c.Fit(grid); err != nil {
		panic(err)
	}
	p, err := c.Proba(grid)
	if err != nil {
		panic(err)
	}
	fmt.Println("event at 200 kPa:", p[0] > 0.5, "at 380 kPa:", p[9] > 0.5)
	// Output:
	// event at 200 kPa: false at 380 kPa: true
}
