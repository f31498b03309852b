package boost

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// tabular is a small public data set with fixed folds.
type tabular struct {
	data  *Data
	folds [][]int // of each repeat
}

func readTabular(t testing.TB, name string) tabular {
	t.Helper()
	head, rows := readCSV(t, name+".csv")
	set := tabular{data: &Data{}}
	d := set.data
	for c, name := range head {
		value := func(r int) float64 {
			if rows[r][c] == "" {
				return math.NaN()
			}
			x, err := strconv.ParseFloat(rows[r][c], 64)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		switch {
		case name == "row_id":
			for r := range rows {
				d.ID = append(d.ID, rows[r][c])
			}
		case name == "target_continuous":
		case name == "group":
			for r := range rows {
				d.Group = append(d.Group, rows[r][c])
			}
		case name == "target":
			for r := range rows {
				d.Y = append(d.Y, value(r))
			}
		case strings.HasPrefix(name, "fold_r"):
			fold := make([]int, len(rows))
			for r := range fold {
				fold[r] = int(value(r))
			}
			set.folds = append(set.folds, fold)
		default:
			x := make([]float64, len(rows))
			for r := range x {
				x[r] = value(r)
			}
			d.Columns = append(d.Columns, Column{Name: name, Values: x})
		}
	}
	return set
}

func readCSV(t testing.TB, elem ...string) (head []string, rows [][]string) {
	t.Helper()
	f, err := os.Open(verify.Shared(t, append([]string{"data", "tabular"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records[0], records[1:]
}

// row returns row r of d in the order of the model's features.
func row(m *Model, d *Data, r int) []float64 {
	x := make([]float64, len(m.Features))
	for i := range m.Features {
		for c := range d.Columns {
			if d.Columns[c].Name == m.Features[i].Name {
				x[i] = d.Columns[c].Values[r]
			}
		}
	}
	return x
}

// margins returns the first margin of every row of d.
func margins(m *Model, d *Data) []float64 {
	names := make([]string, len(d.Columns))
	for c := range names {
		names[c] = d.Columns[c].Name
	}
	order, err := m.Order(names)
	if err != nil {
		panic(err)
	}
	out := make([]float64, len(d.Y))
	x, f := make([]float64, len(m.Features)), make([]float64, m.Margins)
	for r := range out {
		for c, i := range order {
			x[i] = d.Columns[c].Values[r]
		}
		m.Margin(f, x)
		out[r] = f[0]
	}
	return out
}

// outOfFold returns the pooled out-of-fold log-loss, mean over the repeats.
func (s tabular) outOfFold(t testing.TB, cfg Config) float64 {
	return s.mean(t, cfg, func(p float64) float64 { return -math.Log(max(p, 1e-15)) })
}

// brier returns the pooled out-of-fold Brier score of two classes.
func (s tabular) brier(t testing.TB, cfg Config) float64 {
	return s.mean(t, cfg, func(p float64) float64 { return (1 - p) * (1 - p) })
}

// mean returns the mean of a loss of the probability of the true class, over the
// test rows of all folds and repeats.
func (s tabular) mean(t testing.TB, cfg Config, loss func(p float64) float64) float64 {
	t.Helper()
	var total float64
	for _, fold := range s.folds {
		for k := range slices.Max(fold) + 1 {
			var train, test []int
			for r, f := range fold {
				if f == k {
					test = append(test, r)
				} else {
					train = append(train, r)
				}
			}
			m, err := Fit(t.Context(), s.data.subset(train), cfg)
			if err != nil {
				t.Fatal(err)
			}
			p := make([]float64, m.Margins)
			for _, r := range test {
				m.Predict(p, row(m, s.data, r))
				q := p[0]
				if m.Margins > 1 {
					q = p[int(s.data.Y[r])]
				} else if s.data.Y[r] == 0 {
					q = 1 - q
				}
				total += loss(q) / float64(len(fold))
			}
		}
	}
	return total / float64(len(s.folds))
}

// plain returns the parameters of xgb_exact_d3 and xgb_hist_d3.
func plain(grower string) Config {
	cfg := DefaultConfig()
	cfg.Rounds, cfg.LearningRate, cfg.Grower, cfg.Growth = 200, 0.05, grower, DepthFirst
	cfg.MaxDepth, cfg.MaxLeaves, cfg.Base = 3, 0, new(float64)
	if grower == Histogram {
		cfg.Threshold = Edge
	}
	return cfg
}

// With the parameters of XGBoost, the same algorithm gives the same
// out-of-fold log-loss.
func TestSameAlgorithm(t *testing.T) {
	raw, err := os.ReadFile(verify.Shared(t, "data", "tabular", "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	var reference map[string]json.RawMessage
	if err := json.Unmarshal(raw, &reference); err != nil {
		t.Fatal(err)
	}
	for _, set := range []struct {
		name  string
		exact float64 // tolerance
		slow  bool
	}{
		{"cleveland", 0.003, false}, {"diabetes", 0.003, true}, {"retinopathy_eyes", 0.01, true},
		{"wdbc", 0.01, true}, {"wine", 0.01, true}, {"pd_speech_wide", 0.01, true},
	} {
		if set.slow && testing.Short() {
			continue
		}
		var known struct {
			Models map[string]struct {
				LogLoss float64 `json:"logloss"`
			} `json:"models"`
		}
		if err := json.Unmarshal(reference[set.name], &known); err != nil {
			t.Fatal(err)
		}
		data := readTabular(t, set.name)
		for _, method := range []struct {
			grower, name string
			tol          float64
		}{{Exact, "xgb_exact_d3", set.exact}, {Histogram, "xgb_hist_d3", 0.01}} {
			cfg := plain(method.grower)
			if set.name == "wine" {
				cfg.Objective, cfg.Classes = Softmax, 3
			}
			verify.Check{
				Suite: "classifier", Case: set.name + ", 3 × 5 folds, 200 rounds of depth 3, " + method.grower + " grower of boost",
				Quantity: "out-of-fold log-loss", Source: "XGBoost 1.7.4, " + method.name + " of reference.json",
				Got: data.outOfFold(t, cfg), Want: known.Models[method.name].LogLoss, Tol: method.tol,
			}.Run(t)
		}
	}
}
