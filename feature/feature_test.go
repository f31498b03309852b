package feature

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

func sample() *Table {
	return &Table{
		Schema: MustSchema(
			Column{Name: "original.glcm.joint_entropy.3d_merged", Unit: "bit", Modality: Radiomics, Ref: "IBSI:TU9B", Settings: "fbs 25 HU from -200 HU"},
			Column{Name: "principal_stress.plaque.p95", Unit: "kPa", Modality: Biomechanics, Ref: "Cauchy"},
		),
		ExtraNames: []string{"sex"},
		Rows: []Row{
			{Case: "p1", Patient: "1", Artery: "LAD", Lesion: "LAD-1", Label: Positive, Extra: []string{"f"}, Values: []float64{0.1 + 0.2, math.NaN()}},
			{Case: "p2", Patient: "2", Artery: "RCA", Lesion: "RCA-1", Label: Unknown, Extra: []string{"m, \"x\""}, Values: []float64{-1e-300, 93.25}},
		},
	}
}

// A table that is written and read again is the same table, to the last bit.
func TestCSVRoundTrip(t *testing.T) {
	want := sample()
	var b bytes.Buffer
	if err := WriteCSV(&b, want); err != nil {
		t.Fatal(err)
	}
	first := b.String()
	got, err := ReadCSV(&b)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Schema.Equal(&want.Schema) || got.Schema.Fingerprint() != want.Schema.Fingerprint() {
		t.Errorf("schema changed: %v, want %v", got.Schema.Columns(), want.Schema.Columns())
	}
	for n := range want.Rows {
		g, w := got.Rows[n], want.Rows[n]
		for m := range w.Values {
			if math.Float64bits(g.Values[m]) != math.Float64bits(w.Values[m]) && !(math.IsNaN(g.Values[m]) && math.IsNaN(w.Values[m])) {
				t.Errorf("row %d value %d: %v, want %v", n, m, g.Values[m], w.Values[m])
			}
		}
		g.Values, w.Values = nil, nil
		if !reflect.DeepEqual(g, w) {
			t.Errorf("row %d: %+v, want %+v", n, g, w)
		}
	}
	var again bytes.Buffer
	if err := WriteCSV(&again, got); err != nil || again.String() != first {
		t.Errorf("second writing differs: %v\n%s", err, again.String())
	}
}

// A damaged table is refused with the line and the column to look at.
func TestReadCSVErrors(t *testing.T) {
	var b bytes.Buffer
	if err := WriteCSV(&b, sample()); err != nil {
		t.Fatal(err)
	}
	good := b.String()
	for _, test := range []struct{ name, old, new, want string }{
		{"text", "93.25", "high", `line 6, column "principal_stress.plaque.p95": "high" is not a number`},
		{"infinite", "93.25", "+Inf", "not finite"},
		{"label", "LAD-1,1,", "LAD-1,2,", `line 5: label "2"`},
		{"patient", "p1,1,", "p1,,", "line 5: no patient"},
		{"units", "#unit", "unit", `line 2 starts with "unit"`},
		{"twice", "principal_stress.plaque.p95", "original.glcm.joint_entropy.3d_merged", "stands twice"},
		{"short", ",93.25", "", "line 6 has 7 cells, the header has 8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ReadCSV(strings.NewReader(strings.Replace(good, test.old, test.new, 1)))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// A schema fits another if it has its columns with equal definitions, in any
// order and among others; otherwise every misfit is named.
func TestMatch(t *testing.T) {
	a, b, c := Column{Name: "a", Unit: "mm", Ref: "r"}, Column{Name: "b", Unit: "HU", Ref: "r"}, Column{Name: "c", Unit: "1", Ref: "r"}
	have, want := MustSchema(c, a, b), MustSchema(a, b)
	at, err := have.Match(&want)
	if err != nil || !reflect.DeepEqual(at, []int{1, 2}) {
		t.Errorf("Match = %v, %v, want [1 2]", at, err)
	}
	b2, a2 := b, a
	b2.Settings, a2.Unit = "fbn 32", "cm"
	want = MustSchema(a2, b2, Column{Name: "d"})
	_, err = have.Match(&want)
	for _, word := range []string{`"a" is in "mm", want "cm"`, `"b" is defined as "r", want "r; fbn 32"`, `"d" is missing`} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v does not say %s", err, word)
		}
	}
}

// Any bytes are read or refused, never a panic.
func FuzzReadCSV(f *testing.F) {
	var b bytes.Buffer
	if err := WriteCSV(&b, sample()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("case,patient,artery,lesion,label\n#unit,,,,\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tab, err := ReadCSV(bytes.NewReader(data))
		if err == nil {
			if err := WriteCSV(&bytes.Buffer{}, tab); err != nil {
				t.Errorf("a table that was read cannot be written: %v", err)
			}
		}
	})
}

func ExampleVector_Get() {
	v := NewVector(MustSchema(Column{Name: "original.firstorder.mean", Unit: "HU"}))
	v.Values[0] = 86
	fmt.Println(v.Get("original.firstorder.mean"), v.Get("original.firstorder.kurtosis"))
	// Output: 86 NaN
}
