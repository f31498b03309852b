package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/classifier/steps"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// explain writes what each column adds to each row.
func (a *app) explain() *cobra.Command {
	var flags strangerFlags
	var class, groups string
	cmd := &cobra.Command{
		Use:   "explain MODEL.json --table FILE.csv --out FILE.csv",
		Short: "Say what each column adds to the prediction of each row",
		Long: `Explain writes for each row of a table the Shapley value of every column for one
class, in log-odds (in shares, for a forest or tree alone), and their sums over
groups of columns: base and values add up to the margin of the row. Columns
group.NAME hold the sums, by default over the blocks of the model.`,
		Example: "  plaquerisk explain model.json --table new.csv --out why.csv",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			m, t, err := flags.open(a, "explain", args)
			if err != nil {
				return err
			}
			k := len(m.Labels) - 1
			if class != "" {
				if k = slices.Index(m.Labels, class); k < 0 {
					return usageError("--class %q: want one of %q", class, m.Labels)
				}
			}
			of, err := groupsOf(m, groups)
			if err != nil {
				return err
			}
			rows := make([]int, t.Rows())
			for r := range rows {
				rows[r] = r
			}
			names, e, err := m.Fitted.Explain(&t.Table, rows, k)
			if err != nil {
				return tableError(flags.table, err)
			}
			p, err := m.Predict(&t.Table)
			if err != nil {
				return tableError(flags.table, err)
			}
			x := &explained{table: t, class: k, names: names, of: of, rows: e, predicted: p}
			if err := a.writeFile(flags.out, x.write); err != nil {
				return err
			}
			if !a.quiet {
				x.print(a.stderr)
			}
			return nil
		},
	}
	flags.add(cmd.Flags())
	cmd.Flags().StringVar(&class, "class", "", "`CLASS` to explain; else the last")
	cmd.Flags().StringVar(&groups, "groups", "", "`FILE`.csv with the columns column and group: which columns are summed together")
	return cmd
}

// groupsOf returns the group of columns: by a file, or the blocks of the model.
func groupsOf(m *steps.Trained, path string) (map[string]string, error) {
	of := make(map[string]string)
	for _, f := range m.Features {
		of[f.Name] = f.Block
	}
	if path == "" {
		return of, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, usageError("--groups: %v", err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-621", Err: fmt.Errorf("%s: %w", path, err)}
	}
	if len(lines) == 0 || !slices.Equal(lines[0], []string{"column", "group"}) {
		return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-621", Err: fmt.Errorf("%s: line 1: want the header column,group", path)}
	}
	clear(of)
	for n, l := range lines[1:] {
		if !slices.ContainsFunc(m.Features, func(f steps.Feature) bool { return f.Name == l[0] }) {
			return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-621", Err: fmt.Errorf("%s: row %d, column %q: the model has no feature %q", path, n+1, "column", l[0])}
		}
		of[l[0]] = l[1]
	}
	return of, nil
}

// explained are the rows of a table with what their columns add.
type explained struct {
	table     *steps.File
	class     int
	names     []string
	of        map[string]string // group of each column
	rows      []steps.Explanation
	predicted []steps.Prediction
}

// groups returns the names of the groups, increasing, and the place of that of
// each column, −1 for none.
func (x *explained) groups() (groups []string, place []int) {
	for _, name := range x.names {
		if g := x.of[name]; g != "" {
			groups = append(groups, g)
		}
	}
	groups = slices.Compact(slices.Sorted(slices.Values(groups)))
	for _, name := range x.names {
		place = append(place, slices.Index(groups, x.of[name]))
	}
	return groups, place
}

func (x *explained) write(w io.Writer) error {
	groups, place := x.groups()
	head := []string{x.table.IDName, "class", "probability", "margin", "base"}
	for _, g := range groups {
		head = append(head, "group."+g)
	}
	for _, name := range x.names {
		head = append(head, "phi."+name)
	}
	out := csv.NewWriter(w)
	if err := out.Write(head); err != nil {
		return err
	}
	for r, e := range x.rows {
		line := []string{x.table.ID[r], x.table.Labels[x.class], shortest(x.predicted[r].P[x.class]), shortest(e.Margin), shortest(e.Base)}
		sum := make([]float64, len(groups))
		for j, v := range e.Phi {
			if place[j] >= 0 {
				sum[place[j]] += v
			}
		}
		for _, v := range slices.Concat(sum, e.Phi) {
			line = append(line, shortest(v))
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// mostShown is the number of columns that a person is shown.
const mostShown = 10

// print tells which columns matter most.
func (x *explained) print(w io.Writer) {
	mean := make([]float64, len(x.names))
	for _, e := range x.rows {
		for j, v := range e.Phi {
			mean[j] += math.Abs(v) / float64(len(x.rows))
		}
	}
	order := make([]int, len(mean))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(mean[b], mean[a]) })
	fmt.Fprintf(w, "mean |contribution| to class %s over %d rows\n", x.table.Labels[x.class], len(x.rows))
	for _, j := range order[:min(len(order), mostShown)] {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%9.4f  %s  %s", mean[j], x.names[j], x.of[x.names[j]]), " "))
	}
}
