package steps

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// sites reads the harmonisation data: six columns of 72 rows from three sites, with
// the outcome as a column, as sva's design takes it.
func sites(t *testing.T, name string) *Table {
	t.Helper()
	tab := &Table{Classes: 2}
	rows := verify.Records(t, verify.Shared(t, "data", "tabular", "known", name))
	for _, f := range []string{"mean_concavity", "mean_radius", "mean_smoothness", "mean_texture", "target", "worst_area", "worst_symmetry"} {
		c := boost.Column{Name: f}
		for _, row := range rows {
			if row[f] != "" {
				c.Values = append(c.Values, verify.Number(t, row[f]))
			}
		}
		if len(c.Values) > 0 {
			tab.Columns = append(tab.Columns, c)
		}
	}
	for _, row := range rows {
		tab.ID, tab.Patient, tab.Site = append(tab.ID, row["row"]), append(tab.Patient, row["row"]), append(tab.Site, row["batch"])
	}
	return tab
}

// The harmonised columns are those of R's sva in all five variants.
func TestComBatKnown(t *testing.T) {
	in := sites(t, "combat_in.csv")
	for _, v := range []struct {
		name string
		step ComBat
	}{
		{"nocov", ComBat{}},
		{"cov", ComBat{Covariates: []string{"target"}}},
		{"nonpar", ComBat{Covariates: []string{"target"}, NonParametric: true}},
		{"meanonly", ComBat{Covariates: []string{"target"}, MeanOnly: true}},
		{"ref", ComBat{Covariates: []string{"target"}, Reference: "1"}},
	} {
		fit, err := v.step.Fit(t.Context(), withoutColumn(in, len(v.step.Covariates) == 0))
		if err != nil {
			t.Fatal(err)
		}
		got, err := fit.Apply(in)
		if err != nil {
			t.Fatal(err)
		}
		want := sites(t, "combat_"+v.name+".csv")
		for _, w := range want.Columns {
			g := got.Columns[got.column(w.Name)].Values
			worst := 0
			for r := range g {
				if math.Abs(g[r]-w.Values[r]) > math.Abs(g[worst]-w.Values[worst]) {
					worst = r
				}
			}
			verify.Check{Suite: "harmonisation", Case: "ComBat, variant " + v.name, Quantity: w.Name + ", worst of 72 rows",
				Source: "R 4.2.2, sva 3.46.0, known/combat_" + v.name + ".csv", Got: g[worst], Want: w.Values[worst], Tol: 1e-6 * max(1e-3, math.Abs(w.Values[worst]))}.Run(t)
		}
	}
}

// withoutColumn drops the outcome if asked to.
func withoutColumn(t *Table, drop bool) *Table {
	out := *t
	out.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c boost.Column) bool { return drop && c.Name == "target" })
	return &out
}

// Parameters are frozen: a row changes the same way alone as among others, also after
// writing and reading; a site that was not trained on is an error.
func TestComBatFrozen(t *testing.T) {
	in := withoutColumn(sites(t, "combat_in.csv"), true)
	train := in.Subset(allRows(60))
	fit, err := ComBat{}.Fit(t.Context(), train)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(fit)
	if err != nil {
		t.Fatal(err)
	}
	read := &Harmonised{}
	if err := json.Unmarshal(text, read); err != nil {
		t.Fatal(err)
	}
	whole, err := fit.Apply(in)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := read.Apply(in.Subset([]int{66}))
	if err != nil {
		t.Fatal(err)
	}
	for c := range whole.Columns {
		if whole.Columns[c].Values[66] != alone.Columns[c].Values[0] {
			t.Errorf("%s: %g among others, %g alone", whole.Columns[c].Name, whole.Columns[c].Values[66], alone.Columns[c].Values[0])
		}
	}
	other := in.Subset([]int{0, 1})
	other.Site[1] = "9"
	if _, err := fit.Apply(other); err == nil || !strings.Contains(err.Error(), `row 2 is of site "9"`) {
		t.Errorf("unknown site: %v", err)
	}
	other.Site[1] = ""
	if _, err := (ComBat{}).Fit(t.Context(), other); err == nil || !strings.Contains(err.Error(), "row 2") {
		t.Errorf("missing site: %v", err)
	}
	if _, err := (ComBat{Reference: "9"}).Fit(t.Context(), train); err == nil {
		t.Error("an unknown reference was taken")
	}
	one := train.Subset(allRows(60))
	for r := range one.Site {
		one.Site[r] = "1"
	}
	if _, err := (ComBat{}).Fit(t.Context(), one); err == nil {
		t.Error("one site was harmonised")
	}
}
