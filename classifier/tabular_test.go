package classifier

import (
	"encoding/csv"
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
	f, err := os.Open(verify.Shared(t, "data", "tabular", name+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	set := tabular{data: &Data{}}
	d := set.data
	head, rows := records[0], records[1:]
	var group []string
	for r := range rows {
		group = append(group, "row "+strconv.Itoa(100000+r))
	}
	for c, name := range head {
		value := func(r int) float64 {
			cell := rows[r][c]
			if cell == "" {
				return math.NaN()
			}
			x, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		switch {
		case name == "row_id" || name == "target_continuous":
		case name == "group":
			for r := range rows {
				group[r] = rows[r][c]
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
			d.Names = append(d.Names, name)
			d.X = append(d.X, x)
		}
	}
	d.Patients = slices.Compact(slices.Sorted(slices.Values(group)))
	for _, id := range group {
		g, _ := slices.BinarySearch(d.Patients, id)
		d.Group = append(d.Group, g)
	}
	return set
}

// logLoss returns the pooled out-of-fold log-loss of l, mean over the repeats.
func (s tabular) logLoss(t testing.TB, l Learner, repeats int) float64 {
	t.Helper()
	var total float64
	for _, fold := range s.folds[:repeats] {
		var loss float64
		for k := range slices.Max(fold) + 1 {
			var train, test []int
			for r, f := range fold {
				if f == k {
					test = append(test, r)
				} else {
					train = append(train, r)
				}
			}
			p, err := l.Fit(t.Context(), s.data.Subset(train), 1)
			if err != nil {
				t.Fatal(err)
			}
			var row []float64
			for _, r := range test {
				row = s.data.Row(r, row)
				x := p.LogOdds(row)
				if s.data.Y[r] == 1 {
					x = -x
				}
				loss += math.Log1p(math.Exp(x))
			}
		}
		total += loss / float64(len(fold))
	}
	return total / float64(repeats)
}
