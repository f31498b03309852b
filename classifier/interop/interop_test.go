package interop

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// table reads a file of numbers with a header; empty cells are NaN.
func table(t *testing.T, path string) ([]string, [][]float64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]float64
	for _, record := range records[1:] {
		row := make([]float64, len(record))
		for c, cell := range record {
			row[c] = math.NaN()
			if cell != "" {
				if row[c], err = strconv.ParseFloat(cell, 64); err != nil {
					t.Fatal(err)
				}
			}
		}
		rows = append(rows, row)
	}
	return records[0], rows
}

// matrix reads numbers between blanks.
func matrix(t *testing.T, path string) [][]float64 {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]float64
	for line := range strings.Lines(string(raw)) {
		var row []float64
		for _, w := range strings.Fields(line) {
			x, err := strconv.ParseFloat(w, 64)
			if err != nil {
				t.Fatal(err)
			}
			row = append(row, x)
		}
		rows = append(rows, row)
	}
	return rows
}

func read(t *testing.T, path string, how func(io.Reader) (*boost.Model, error)) *boost.Model {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := how(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m
}

// worst returns the largest difference of margins, relative to the larger of 1
// and the margin.
func worst(m *boost.Model, rows, want [][]float64) float64 {
	var most float64
	f := make([]float64, m.Margins)
	for r, row := range rows {
		m.Margin(f, row)
		if len(want[r]) != len(f) {
			return math.Inf(1)
		}
		for k := range f {
			most = max(most, math.Abs(f[k]-want[r][k])/max(1, math.Abs(want[r][k])))
		}
	}
	return most
}

// The model that was written by hand in three formats has the margins that were
// computed by hand.
func TestHandmade(t *testing.T) {
	dir := verify.Shared(t, "data", "tabular", "known")
	_, all := table(t, filepath.Join(dir, "handmade_expected.csv"))
	var rows, want [][]float64
	for _, row := range all {
		rows, want = append(rows, row[:3]), append(want, row[3:])
	}
	for _, f := range []struct {
		name string
		how  func(io.Reader) (*boost.Model, error)
	}{{"handmade_xgboost.json", ReadXGBoostJSON}, {"handmade_xgboost.ubj", ReadXGBoostUBJ}, {"handmade_lightgbm_v3.txt", ReadLightGBM}} {
		m := read(t, filepath.Join(dir, f.name), f.how)
		verify.Check{Suite: "classifier", Case: f.name, Quantity: "margins of 6 rows, largest difference", Source: "by hand, handmade_expected.csv",
			Got: worst(m, rows, want), Tol: 1e-6}.Run(t)
	}
}

// XGBoost's model of Cleveland, read from both of its formats, has XGBoost's
// margins, contributions and interactions.
func TestKnownXGBoost(t *testing.T) {
	dir := verify.Shared(t, "data", "tabular", "known")
	head, data := table(t, verify.Shared(t, "data", "tabular", "cleveland.csv"))
	_, predicted := table(t, filepath.Join(dir, "xgb_cleveland_pred.csv"))
	_, shap := table(t, filepath.Join(dir, "xgb_cleveland_shap.csv"))
	var rows, margin [][]float64
	for r := range data {
		rows, margin = append(rows, data[r][1:14]), append(margin, predicted[r][1:2])
	}
	for _, f := range []struct {
		name string
		how  func(io.Reader) (*boost.Model, error)
	}{{"xgb_cleveland_10x3.json", ReadXGBoostJSON}, {"xgb_cleveland_10x3.ubj", ReadXGBoostUBJ}} {
		m := read(t, filepath.Join(dir, f.name), f.how)
		if m.Features[0].Name != head[1] && m.Features[0].Name != "f0" {
			t.Fatalf("the first feature is %q", m.Features[0].Name)
		}
		var phiErr float64
		phi := make([]float64, len(m.Features))
		for r := range rows {
			base := m.Contributions(phi, rows[r], 0)
			phiErr = max(phiErr, math.Abs(base-shap[r][len(shap[r])-1]))
			for i := range phi {
				phiErr = max(phiErr, math.Abs(phi[i]-shap[r][1+i]))
			}
		}
		for _, c := range []struct {
			quantity string
			got, tol float64
		}{{"margins", worst(m, rows, margin), 1e-6}, {"contributions", phiErr, 1e-5}} {
			verify.Check{Suite: "classifier", Case: f.name + ", 303 rows", Quantity: c.quantity + ", largest difference", Source: "XGBoost 1.7.4", Got: c.got, Tol: c.tol}.Run(t)
		}
	}
	m := read(t, filepath.Join(dir, "xgb_cleveland_10x3.json"), ReadXGBoostJSON)
	place := map[string]int{}
	for i, name := range head[1:14] {
		place[name] = i
	}
	f, err := os.Open(filepath.Join(dir, "xgb_cleveland_shap_interactions_first5.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	phi := make([][]float64, 13)
	for i := range phi {
		phi[i] = make([]float64, 13)
	}
	var most float64
	for _, rec := range records[1:] {
		r, _ := strconv.Atoi(rec[0])
		want, err := strconv.ParseFloat(rec[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		base := m.Interactions(phi, rows[r], 0)
		if rec[1] == "bias" {
			most = max(most, math.Abs(base-want))
			continue
		}
		most = max(most, math.Abs(phi[place[rec[1]]][place[rec[2]]]-want))
	}
	verify.Check{Suite: "classifier", Case: "xgb_cleveland_10x3.json, 5 rows", Quantity: "interaction values, largest difference", Source: "XGBoost 1.7.4", Got: most, Tol: 1e-5}.Run(t)
}

// sample returns a table with numbers, missing values and categories, in float32,
// as columns for boost.
func sample(head []string, rows [][]float64, target []float64) *boost.Data {
	d := &boost.Data{Y: target}
	for c, name := range head {
		col := boost.Column{Name: name}
		for _, row := range rows {
			col.Values = append(col.Values, row[c])
		}
		if name == "kind" {
			col.Kind = boost.Categorical
			for k := range 12 {
				col.Categories = append(col.Categories, fmt.Sprintf("kind %02d", k))
			}
		}
		d.Columns = append(d.Columns, col)
	}
	return d
}

// synthetic returns 200 rows of numbers with ties, missing values and
// categories, and targets for an objective.
func synthetic(o boost.Objective) ([]string, [][]float64, []float64) {
	head := []string{"a", "b", "kind"}
	var rows [][]float64
	var y []float64
	for r := range 200 {
		row := []float64{float64(r*37%101) / 8, float64(r*53%17) / 10, float64(r * 29 % 12)}
		if r%7 == 0 {
			row[0] = math.NaN()
		}
		if r%11 == 0 {
			row[2] = math.NaN()
		}
		v := float64(int(row[1]*10)%3 + r%2)
		if row[0] > 6 {
			v++
		}
		switch o {
		case boost.Logistic:
			v = min(1, v)
		case boost.Softmax:
			v = min(2, v)
		}
		rows, y = append(rows, row), append(y, v)
	}
	return head, rows, y
}

// What is written is read back with the same margins, in every format that is
// read and written, for all objectives, bags and missing values.
func TestRoundTrip(t *testing.T) {
	for _, o := range []boost.Objective{boost.Logistic, boost.Softmax, boost.Squared, boost.Poisson} {
		head, rows, y := synthetic(o)
		cfg := boost.DefaultConfig()
		cfg.Objective, cfg.Classes, cfg.Rounds, cfg.MaxLeaves, cfg.Bags, cfg.BagFraction, cfg.CategorySmoothing = o, 3, 8, 8, 2, 0.8, 0
		m, err := boost.Fit(t.Context(), sample(head, rows, y), cfg)
		if err != nil {
			t.Fatal(err)
		}
		want := make([][]float64, len(rows))
		for r := range rows {
			want[r] = make([]float64, m.Margins)
			m.Margin(want[r], rows[r])
		}
		for _, f := range []struct {
			name  string
			write func(io.Writer, *boost.Model) error
			read  func(io.Reader) (*boost.Model, error)
		}{
			{"XGBoost JSON", WriteXGBoostJSON, ReadXGBoostJSON}, {"XGBoost UBJ", WriteXGBoostUBJ, ReadXGBoostUBJ},
			{"LightGBM text", WriteLightGBM, ReadLightGBM},
		} {
			var b bytes.Buffer
			if err := f.write(&b, m); err != nil {
				t.Fatal(err)
			}
			back, err := f.read(&b)
			if err != nil {
				t.Fatalf("%s, %s: %v", f.name, o, err)
			}
			if d := worst(back, rows, want); d > 1e-6 {
				t.Errorf("%s, %s: margins differ by %g", f.name, o, d)
			}
		}
	}
}

// Broken files are refused with a message that says where.
func TestRefused(t *testing.T) {
	good := func(change func(string) string) io.Reader {
		_, rows, y := synthetic(boost.Logistic)
		cfg := boost.DefaultConfig()
		cfg.Rounds, cfg.MaxLeaves = 2, 4
		m, err := boost.Fit(t.Context(), sample([]string{"a", "b", "kind"}, rows, y), cfg)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := WriteXGBoostJSON(&b, m); err != nil {
			t.Fatal(err)
		}
		s := change(b.String())
		if s == b.String() {
			t.Fatal("nothing was changed")
		}
		return strings.NewReader(s)
	}
	swap := func(a, b string) func(string) string {
		return func(s string) string { return strings.Replace(s, a, b, 1) }
	}
	for _, c := range []struct {
		change func(string) string
		want   string
	}{
		{swap(`"left_children":[1`, `"left_children":[0`), "child 0"},
		{swap(`"left_children":[1`, `"left_children":[99`), "child 99"},
		{swap(`"binary:logistic"`, `"rank:ndcg"`), "objective \"rank:ndcg\""},
		{swap(`"5E-1"`, `"2"`), "base_score"},
		{swap(`"num_feature":"3","num_target"`, `"num_feature":"16000000","num_target"`), "16000000 features with 3 names"},
		{swap(`"gbtree"`, `"gblinear"`), "gblinear"},
		{swap(`"split_conditions":[`, `"split_conditions":[1.0,`), "split_conditions has"},
	} {
		_, err := ReadXGBoostJSON(good(c.change))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	for _, c := range []struct{ file, want string }{
		{"tree\nnum_tree_per_iteration=1\nobjective=lambdarank\n", "lambdarank"},
		{"tree\nnum_tree_per_iteration=1\nobjective=binary\nmax_feature_idx=0\nfeature_names=a\n\nTree=0\nnum_leaves=2\nnum_cat=0\n", "num_leaves"},
		{"boosted", "first line"},
	} {
		_, err := ReadLightGBM(strings.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// The Python packages and we give the same margins, in both directions, on all
// rows of a table with missing values and categories.
func TestPeers(t *testing.T) {
	python := os.Getenv("PLAQUERISK_PYTHON")
	if python == "" {
		t.Skip("set PLAQUERISK_PYTHON to an interpreter with xgboost, lightgbm, onnxruntime and pandas")
	}
	dir := t.TempDir()
	run := func(mode string) {
		cmd := exec.Command(python, "testdata/peer.py", mode, dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("peer.py %s: %v\n%s", mode, err, out)
		}
	}
	run("make")
	head, all := table(t, filepath.Join(dir, "table.csv"))
	rows, y := make([][]float64, len(all)), make([]float64, len(all))
	for r, row := range all {
		rows[r], y[r] = row[:len(row)-1], row[len(row)-1]
	}
	head = head[:len(head)-1]
	check := func(name, quantity, source string, got, tol float64) {
		verify.Check{Suite: "classifier", Case: name, Quantity: quantity + ", 600 rows with missing values and categories, largest difference", Source: source, Got: got, Tol: tol}.Run(t)
	}
	ours := map[boost.Objective]*boost.Model{}
	for _, task := range []string{"logistic", "softmax", "squared", "poisson"} {
		boosters := []string{"gbtree"}
		if task == "logistic" {
			boosters = append(boosters, "dart")
		}
		for _, booster := range boosters {
			name := "xgb-" + task + "-" + booster
			want := matrix(t, filepath.Join(dir, name+".txt"))
			j := read(t, filepath.Join(dir, name+".json"), ReadXGBoostJSON)
			u := read(t, filepath.Join(dir, name+".ubj"), ReadXGBoostUBJ)
			check("read "+name, "margins", "xgboost for Python", max(worst(j, rows, want), worst(u, rows, want)), 1e-6)
			if task == "logistic" && booster == "gbtree" {
				check("read "+name, "contributions", "xgboost for Python", contributions(j, rows, matrix(t, filepath.Join(dir, name+"-shap.txt"))), 1e-5)
			}
		}
		m := read(t, filepath.Join(dir, "lgb-"+task+".txt"), ReadLightGBM)
		check("read lgb-"+task, "margins", "lightgbm for Python", worst(m, rows, matrix(t, filepath.Join(dir, "lgb-"+task+"-margins.txt"))), 1e-6)
	}
	for _, c := range []struct {
		objective boost.Objective
		target    func(y float64) float64
	}{
		{boost.Logistic, func(y float64) float64 { return min(1, y) }}, {boost.Softmax, func(y float64) float64 { return y }},
		{boost.Squared, func(y float64) float64 { return y }}, {boost.Poisson, func(y float64) float64 { return y }},
	} {
		target := make([]float64, len(y))
		for r := range y {
			target[r] = c.target(y[r])
		}
		cfg := boost.DefaultConfig()
		cfg.Objective, cfg.Classes, cfg.Rounds, cfg.Bags, cfg.BagFraction = c.objective, 3, 10, 2, 0.8
		m, err := boost.Fit(t.Context(), sample(head, rows, target), cfg)
		if err != nil {
			t.Fatal(err)
		}
		ours[c.objective] = m
		for suffix, write := range map[string]func(io.Writer, *boost.Model) error{
			".json": WriteXGBoostJSON, ".ubj": WriteXGBoostUBJ, "-lgb.txt": WriteLightGBM, ".onnx": WriteONNX,
		} {
			f, err := os.Create(filepath.Join(dir, "our-"+string(c.objective)+suffix))
			if err != nil {
				t.Fatal(err)
			}
			if err := write(f, m); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	var order []string
	for _, f := range ours[boost.Logistic].Features {
		order = append(order, f.Name)
	}
	raw, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "order.json"), raw, 0o644); err != nil {
		t.Fatal(err)
	}
	run("check")
	for _, o := range []boost.Objective{boost.Logistic, boost.Softmax, boost.Squared, boost.Poisson} {
		m := ours[o]
		inOrder, err := m.Order(head)
		if err != nil {
			t.Fatal(err)
		}
		sorted := make([][]float64, len(rows))
		for r := range rows {
			sorted[r] = make([]float64, len(head))
			for c, i := range inOrder {
				sorted[r][i] = rows[r][c]
			}
		}
		for suffix, program := range map[string]string{"json": "xgboost for Python", "ubj": "xgboost for Python", "lgb-margins": "lightgbm for Python", "onnx": "onnxruntime"} {
			check("written "+string(o)+", "+suffix, "margins", program, worst(m, sorted, matrix(t, filepath.Join(dir, "our-"+string(o)+"-"+suffix+".txt"))), 1e-6)
		}
		var most float64
		f := make([]float64, m.Margins)
		for r, want := range matrix(t, filepath.Join(dir, "our-"+string(o)+"-onnx-prediction.txt")) {
			m.Predict(f, sorted[r])
			for k := range f {
				most = max(most, math.Abs(f[k]-want[k])/max(1, math.Abs(want[k])))
			}
		}
		check("written "+string(o)+", onnx", "predictions", "onnxruntime", most, 1e-6)
	}
	cox(t, dir, head, rows, y, check)
}

// cox compares the survival objective with XGBoost's on the same table: both
// grow trees of depth 3 on all values.
func cox(t *testing.T, dir string, head []string, rows [][]float64, y []float64, check func(name, quantity, source string, got, tol float64)) {
	d := sample(head[:6], rows, nil)
	for r := range rows {
		d.Y = append(d.Y, y[r]+rows[r][5]+1+float64(r)/1024) // without ties, which XGBoost takes in the order of rows
		d.Event = append(d.Event, y[r] > 0)
	}
	cfg := boost.DefaultConfig()
	cfg.Objective, cfg.Grower, cfg.Growth, cfg.MaxDepth, cfg.MaxLeaves = boost.Cox, boost.Exact, boost.DepthFirst, 3, 0
	cfg.Rounds, cfg.LearningRate, cfg.Base = 4, 0.3, new(float64)
	m, err := boost.Fit(t.Context(), d, cfg)
	if err != nil {
		t.Fatal(err)
	}
	short := make([][]float64, len(rows))
	for r := range rows {
		short[r] = rows[r][:6]
	}
	theirs := read(t, filepath.Join(dir, "xgb-cox-gbtree.json"), ReadXGBoostJSON)
	want := matrix(t, filepath.Join(dir, "cox.txt"))
	check("read xgb-cox", "margins", "xgboost for Python", worst(theirs, short, want), 1e-6)
	inOrder, err := m.Order(head[:6])
	if err != nil {
		t.Fatal(err)
	}
	for r := range short {
		sorted := make([]float64, 6)
		for c, i := range inOrder {
			sorted[i] = rows[r][c]
		}
		short[r] = sorted
	}
	// XGBoost's hazards are centred on another constant: compare differences.
	var shift float64
	f := make([]float64, 1)
	for r := range short {
		m.Margin(f, short[r])
		shift += (f[0] - want[r][0]) / float64(len(short))
	}
	for r := range want {
		want[r][0] += shift
	}
	check("cox, 4 trees of depth 3", "margins of our own fit", "xgboost for Python, survival:cox", worst(m, short, want), 1e-4)
}

// contributions returns the largest difference of contributions, the base last.
func contributions(m *boost.Model, rows, want [][]float64) float64 {
	var most float64
	phi := make([]float64, len(m.Features))
	for r, row := range rows {
		base := m.Contributions(phi, row, 0)
		most = max(most, math.Abs(base-want[r][len(phi)]))
		for i := range phi {
			most = max(most, math.Abs(phi[i]-want[r][i]))
		}
	}
	return most
}
