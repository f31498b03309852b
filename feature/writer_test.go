package feature

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// supported is a table in which one row knows what its values rest on.
func supported() *Table {
	t := sample()
	tenth := 0.1
	t.Rows[0].Values[0] = tenth + 0.2 // 0.30000000000000004, which needs all digits
	t.Rows[0].Support = []Support{{Voxels: 724, Pairs: 5120}, {Voxels: 1, Reason: OneVoxel}}
	t.Rows[1].Values[1] = math.NaN()
	return t
}

// writers are all formats, by the end of their names.
var writers = map[string]func(io.Writer, *Table) error{
	"wide.csv": WriteCSV, "long.csv": WriteLongCSV, "json": WriteJSON, "wide.parquet": WriteParquet, "long.parquet": WriteLongParquet,
}

// A table gives the same bytes each time, and a row that does not fit is
// refused with its number.
func TestWriters(t *testing.T) {
	for name, write := range writers {
		var a, b bytes.Buffer
		if err := write(&a, supported()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := write(&b, supported()); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s: two writings differ (%v)", name, err)
		}
		bad := supported()
		bad.Rows[1].Support = make([]Support, 1)
		if err := write(io.Discard, bad); err == nil || !strings.Contains(err.Error(), "row 2 (p2 RCA-1): 2 values, 1 supports") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A long table tells voxels, pairs, reason and code of each value.
func TestLongCSV(t *testing.T) {
	var b bytes.Buffer
	if err := WriteLongCSV(&b, supported()); err != nil {
		t.Fatal(err)
	}
	want := `case,patient,artery,lesion,feature,value,unit,flag,voxels,pairs,reason,ibsi
p1,1,LAD,LAD-1,original.glcm.joint_entropy.3d_merged,0.30000000000000004,bit,,724,5120,,TU9B
p1,1,LAD,LAD-1,principal_stress.plaque.p95,,kPa,undefined,1,,one_voxel,
p2,2,RCA,RCA-1,original.glcm.joint_entropy.3d_merged,-1e-300,bit,,,,,TU9B
p2,2,RCA,RCA-1,principal_stress.plaque.p95,,kPa,undefined,,,missing,
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}

// A count of zero is written only where it is the reason.
func TestCounts(t *testing.T) {
	for _, test := range []struct {
		s             Support
		voxels, pairs int
	}{
		{Support{Voxels: 5}, 5, -1},
		{Support{}, -1, -1},
		{Support{Voxels: 2, Reason: NoPairs}, 2, 0},
		{Support{Reason: EmptyRegion}, 0, -1},
	} {
		if v, p := test.s.counts(); v != test.voxels || p != test.pairs {
			t.Errorf("%+v: %d voxels, %d pairs, want %d and %d", test.s, v, p, test.voxels, test.pairs)
		}
	}
}

// The undefined values of a row are named with their reasons.
func TestUndefined(t *testing.T) {
	tab := supported()
	tab.Rows[0].Values[0] = math.NaN()
	tab.Rows[0].Support[0].Reason = NoPairs
	want := "original.glcm.joint_entropy.3d_merged=no_pairs; principal_stress.plaque.p95=one_voxel"
	if got := tab.Rows[0].Undefined(&tab.Schema); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := tab.Rows[1].Undefined(&tab.Schema); got != "principal_stress.plaque.p95=missing" {
		t.Errorf("got %q", got)
	}
}

// Undefined values of a part of the region are named once if they have one
// reason.
func TestUndefinedGroups(t *testing.T) {
	s := MustSchema(Column{Name: "a.x"}, Column{Name: "a.y"}, Column{Name: "b.x"}, Column{Name: "b.y"}, Column{Name: "c.x"}, Column{Name: "d_x"})
	nan := math.NaN()
	r := Row{Values: []float64{nan, nan, nan, 1, nan, nan}, Support: make([]Support, 6)}
	for n := range r.Support {
		r.Support[n].Reason = EmptyRegion
	}
	if got, want := r.Undefined(&s), "a.*=empty_region; b.x=empty_region; c.x=empty_region; d_x=empty_region"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.Support[1].Reason = OneVoxel
	if got, want := r.Undefined(&s), "a.x=empty_region; a.y=one_voxel; b.x=empty_region; c.x=empty_region; d_x=empty_region"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A plain table has one header, extra columns first.
func TestPlainCSV(t *testing.T) {
	tab := supported()
	var b bytes.Buffer
	if err := writeAll(tab, &b, NewPlainCSVWriter); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"sex", "original.glcm.joint_entropy.3d_merged", "principal_stress.plaque.p95"},
		{"f", "0.30000000000000004", ""}, {"m, \"x\"", "-1e-300", ""},
	}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("got %q, want %q", rows, want)
	}
}

// A table that is written as JSON and read again is the same table.
func TestJSONRoundTrip(t *testing.T) {
	want := supported()
	var b bytes.Buffer
	if err := WriteJSON(&b, want); err != nil {
		t.Fatal(err)
	}
	first := b.String()
	got, err := ReadJSON(&b)
	if err != nil {
		t.Fatalf("%v\n%s", err, first)
	}
	if !got.Schema.Equal(&want.Schema) || !reflect.DeepEqual(got.ExtraNames, want.ExtraNames) {
		t.Errorf("columns %v %v", got.Schema.Columns(), got.ExtraNames)
	}
	var again bytes.Buffer
	if err := WriteJSON(&again, got); err != nil || again.String() != first {
		t.Errorf("second writing differs: %v\n%s", err, again.String())
	}
	if !reflect.DeepEqual(got.Rows[0].Support, want.Rows[0].Support) || got.Rows[1].Support != nil || got.Rows[1].Label != Unknown {
		t.Errorf("rows %+v", got.Rows)
	}
	for name, text := range map[string]string{
		"null where undefined": `"values":[0.30000000000000004,null]`,
		"reason":               `"undefined":{"principal_stress.plaque.p95":"one_voxel"}`,
		"code":                 `"ibsi":"TU9B"`,
		"unit":                 `"unit":"kPa"`,
		"voxels":               `"voxels":[724,1],"pairs":[5120,null]`,
		"unknown label":        `"label":null`,
	} {
		if !strings.Contains(first, text) {
			t.Errorf("%s: no %s in\n%s", name, text, first)
		}
	}
}

// A damaged document is refused with what is wrong.
func TestReadJSONErrors(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJSON(&b, supported()); err != nil {
		t.Fatal(err)
	}
	good := b.String()
	for _, test := range []struct{ old, new, want string }{
		{`"version": 1`, `"version": 9`, "version 9"},
		{`"label":1`, `"label":2`, "record 1 (p1 LAD-1): label 2"},
		{`0.30000000000000004,null`, `null`, "1 values, 2 voxels, 2 pairs: want 2 each"},
		{`[724,1]`, `[724]`, "1 voxels"},
		{`"sex":"m`, `"age":"m`, `"sex" is missing`},
		{`"values"`, `"valves"`, "valves"},
		{`principal_stress.plaque.p95","unit`, `original.glcm.joint_entropy.3d_merged","unit`, "stands twice"},
	} {
		text := strings.Replace(good, test.old, test.new, 1)
		if text == good {
			t.Fatalf("%q does not occur", test.old)
		}
		if _, err := ReadJSON(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.new, err, test.want)
		}
	}
}

// Parquet files hold the columns in order, nulls where nothing is known, and
// the definitions as metadata.
func TestParquet(t *testing.T) {
	var b bytes.Buffer
	if err := WriteParquet(&b, supported()); err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range f.Schema().Columns() {
		names = append(names, strings.Join(c, "/"))
	}
	want := []string{"case", "patient", "artery", "lesion", "label", "sex", "original.glcm.joint_entropy.3d_merged", "principal_stress.plaque.p95"}
	if !reflect.DeepEqual(names, want) {
		t.Errorf("columns %q, want %q", names, want)
	}
	meta, _ := f.Lookup("plaquerisk.columns")
	var defs []Definition
	if err := json.Unmarshal([]byte(meta), &defs); err != nil || len(defs) != 2 || defs[0].Unit != "bit" || defs[0].IBSI != "TU9B" {
		t.Errorf("metadata %q: %v", meta, err)
	}
	r := parquet.NewReader(f)
	defer r.Close()
	rows := make([]parquet.Row, 3)
	n, err := r.ReadRows(rows)
	if n != 2 || err != nil && err != io.EOF {
		t.Fatal(n, err)
	}
	got := fmt.Sprintf("%v", rows[:2])
	if want := `[[p1 1 LAD LAD-1 1 f 0.30000000000000004 <null>] [p2 2 RCA RCA-1 <null> m, "x" -1e-300 <null>]]`; got != want {
		t.Errorf("rows %s, want %s", got, want)
	}
	tab := supported()
	tab.ExtraNames[0] = "case"
	if err := WriteParquet(io.Discard, tab); err == nil || !strings.Contains(err.Error(), `"case" stands twice`) {
		t.Errorf("a name twice: %v", err)
	}
}

// A table of more cells than wait in memory goes into several groups of rows
// and comes back whole.
func TestParquetGroups(t *testing.T) {
	cols := make([]Column, 2048)
	for n := range cols {
		cols[n].Name = fmt.Sprint("f", n)
	}
	s := MustSchema(cols...)
	var b bytes.Buffer
	w, err := NewParquetWriter(&b, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := NewVector(s)
	const rows = 5000
	for n := range rows {
		v.Values[7] = float64(n)
		if err := w.Write(&Row{Case: fmt.Sprint(n), Values: v.Values}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if f.NumRows() != rows || len(f.RowGroups()) < 3 {
		t.Errorf("%d rows in %d groups", f.NumRows(), len(f.RowGroups()))
	}
}

// pandas and pyarrow read every format with the values that were written.
func TestPandas(t *testing.T) {
	python := os.Getenv("PLAQUERISK_PYTHON")
	if python == "" {
		t.Skip("set PLAQUERISK_PYTHON to a Python that has pandas and pyarrow to run this test")
	}
	dir := t.TempDir()
	for name, write := range writers {
		var b bytes.Buffer
		if err := write(&b, supported()); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "t."+name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(python, "-c", `
import sys, json, pandas as pd, pyarrow.parquet as pq
at = sys.argv[1] + "/t."
e, s = "original.glcm.joint_entropy.3d_merged", "principal_stress.plaque.p95"
wide = pd.read_parquet(at + "wide.parquet")
assert list(wide.columns) == ["case", "patient", "artery", "lesion", "label", "sex", e, s], wide.columns
assert wide[e].dtype == "float64" and wide[s].isna().all() and list(wide["lesion"]) == ["LAD-1", "RCA-1"]
one = pd.read_parquet(at + "wide.parquet", columns=[e])
meta = json.loads(pq.read_schema(at + "wide.parquet").metadata[b"plaquerisk.columns"])
assert meta[0]["unit"] == "bit"
long = pd.read_parquet(at + "long.parquet")
assert list(long.columns)[:8] == ["case", "patient", "artery", "lesion", "feature", "value", "unit", "flag"]
assert list(long["reason"]) == ["", "one_voxel", "", "missing"] and long["voxels"][0] == 724
csv = pd.read_csv(at + "wide.csv", comment="#", float_precision="round_trip")
assert csv[s].isna().all()
lcsv = pd.read_csv(at + "long.csv", float_precision="round_trip")
doc = json.load(open(at + "json"))
frame = pd.DataFrame([r["values"] for r in doc["records"]], columns=[c["name"] for c in doc["columns"]])
for v in (wide[e], one[e], long["value"][long["feature"] == e], csv[e], lcsv["value"][lcsv["feature"] == e], frame[e]):
    print(repr(float(v.iloc[0])))
`, dir).Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			t.Logf("%s", failed.Stderr)
		}
		t.Fatal(err)
	}
	lines := strings.Fields(string(out))
	if len(lines) != 6 {
		t.Fatalf("%s", out)
	}
	for n, name := range []string{"Parquet", "Parquet, one column", "long Parquet", "CSV", "long CSV", "JSON"} {
		var x float64
		if _, err := fmt.Sscan(lines[n], &x); err != nil {
			t.Fatal(err)
		}
		verify.Check{Suite: "feature", Case: name, Quantity: "0.30000000000000004 as pandas reads it, last place", Source: "pandas",
			Got: (x - 0.3) / 0x1p-54, Want: 1}.Run(t)
	}
}

// Any bytes are read or refused, never a panic.
func FuzzReadJSON(f *testing.F) {
	var b bytes.Buffer
	if err := WriteJSON(&b, supported()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"format":"plaquerisk features","version":1,"records":[{"values":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if tab, err := ReadJSON(bytes.NewReader(data)); err == nil {
			if err := WriteJSON(io.Discard, tab); err != nil {
				t.Errorf("a table that was read cannot be written: %v", err)
			}
		}
	})
}

// A table without some columns keeps the rows with the others, in order.
func TestFilter(t *testing.T) {
	tab := supported()
	got := tab.Filter(func(c *Column) bool { return c.Modality == Biomechanics })
	if got.Schema.Len() != 1 || got.Schema.Column(0).Unit != "kPa" || len(got.Rows) != 2 || len(got.Rows[0].Values) != 1 {
		t.Errorf("got %+v", got)
	}
	if got.Rows[0].Support[0].Reason != OneVoxel || got.Rows[1].Support != nil || got.Rows[1].Lesion != "RCA-1" {
		t.Errorf("rows %+v", got.Rows)
	}
	if len(tab.Rows[0].Values) != 2 {
		t.Error("the table itself was changed")
	}
}
