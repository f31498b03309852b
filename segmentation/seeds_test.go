package segmentation

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/phantom"
)

// Tables and markups of 3D Slicer, in either coordinate system, give the same
// points of the same arteries.
func TestReadSeeds(t *testing.T) {
	table := "# ostium first\nartery, x_mm, y_mm, z_mm\nLAD,1,-2,3.5\nRCA,9,9,9\nleft anterior descending,4,5,6\nRCA,8,8,8\n"
	lps := `{"markups": [
	 {"type": "Fiducial", "coordinateSystem": "LPS", "coordinateUnits": "mm", "controlPoints": [
	  {"label": "LAD-1", "position": [1, -2, 3.5], "positionStatus": "defined"}, {"label": "RCA-1", "position": [9, 9, 9]},
	  {"label": "LAD-2", "position": [4, 5, 6]}, {"label": "RCA-2", "position": [8, 8, 8]}, {"label": "RCA-3", "positionStatus": "undefined", "position": []}]}]}`
	ras := `{"markups": [
	 {"type": "Curve", "name": "LAD", "coordinateSystem": "RAS", "controlPoints": [{"label": "1", "position": [-1, 2, 3.5]}, {"label": "2", "position": [-4, -5, 6]}]},
	 {"type": "Curve", "name": "RCA curve", "coordinateSystem": 0, "controlPoints": [{"position": [-9, -9, 9]}, {"position": [-8, -8, 8]}]}]}`
	want := []SeedPath{
		{coronary.LAD, []r3.Vec{{X: 1, Y: -2, Z: 3.5}, {X: 4, Y: 5, Z: 6}}},
		{coronary.RCA, []r3.Vec{{X: 9, Y: 9, Z: 9}, {X: 8, Y: 8, Z: 8}}},
	}
	for name, text := range map[string]string{"table": table, "LPS": lps, "RAS": ras} {
		got, err := ParseSeeds([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.EqualFunc(got, want, func(a, b SeedPath) bool { return a.Artery == b.Artery && slices.Equal(a.Points, b.Points) }) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	// A file without an artery takes it from its name.
	path := filepath.Join(t.TempDir(), "patient-7_RCA.csv")
	if err := os.WriteFile(path, []byte("x_mm,y_mm,z_mm\n0,0,0\n0,0,20\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadSeeds(path); err != nil || got[0].Artery != coronary.RCA {
		t.Errorf("got %v, %v, want RCA", got, err)
	}
}

// What is wrong with a file of seeds is said with its place.
func TestSeedErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "the file is empty"},
		{"x_mm,y_mm\n1,2\n", "column z_mm is missing"},
		{"x_mm,y_mm,z_mm,x_mm\n", "column x_mm stands twice"},
		{"x_mm,y_mm,z_mm\n", "no point"},
		{"x_mm,y_mm,z_mm\n1,2,3\n", "one point, at (1.0, 2.0, 3.0) mm"},
		{"x_mm,y_mm,z_mm\n1,2,3\n1,b,3\n", `line 3: y_mm: "b" is no number`},
		{"x_mm,y_mm,z_mm\n1,2,NaN\n", "line 2: (1.0, 2.0, NaN) mm is no place"},
		{"artery,x_mm,y_mm,z_mm\nLDA,1,2,3\n", `line 2: unknown artery "LDA"`},
		{`{"markups": [{"controlPoints": [{"position": [1, 2]}]}]}`, "markups 1, point 1: a position has three numbers, this one 2"},
		{`{"markups": [{"coordinateSystem": "IJK", "controlPoints": []}]}`, "coordinate system IJK"},
		{`{"markups": [{"coordinateUnits": "m", "controlPoints": []}]}`, "coordinates in m: want mm"},
		{`{"markups": 7}`, "not readable as markups"},
		{`{}`, "no point"},
	} {
		if _, err := ParseSeeds([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got error %v, want %q", test.text, err, test.want)
		}
	}
}

func FuzzParseSeeds(f *testing.F) {
	f.Add([]byte("artery,x_mm,y_mm,z_mm\nLAD,1,2,3\nLAD,1,2,30\n"))
	f.Add([]byte(`{"markups": [{"name": "LAD", "coordinateSystem": "RAS", "controlPoints": [{"label": "a", "position": [1, 2, 3]}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		paths, err := ParseSeeds(text)
		for _, p := range paths {
			if err != nil || len(p.Points) < 2 {
				t.Fatalf("%v with error %v", paths, err)
			}
		}
	})
}

// Seeds that cannot be used are refused with their place, and say why.
func TestSeedsInTheWrongPlace(t *testing.T) {
	p := phantom.Small(3)
	vol, err := p.Scan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lad, rca := p.Arteries()[0].Centerline(0.5), p.Arteries()[1].Centerline(0.5)
	start, end := lad.At(1), lad.At(lad.Length()-1)
	dark := r3.Vec{}
	for n, v := range vol.Values { // somewhere in the lung
		if v < -700 {
			dark = vol.Point(coordinates(&vol.Grid, n))
			break
		}
	}
	fat := r3.Add(start, r3.Vec{X: 6})
	for _, test := range []struct {
		name   string
		points []r3.Vec
		want   []string
	}{
		{"outside", []r3.Vec{start, r3.Add(end, r3.Vec{Z: -500})}, []string{"seed 2", place(r3.Add(end, r3.Vec{Z: -500})), "outside the CT", "LPS"}},
		{"air", []r3.Vec{dark, end}, []string{"seed 1", place(dark), "air"}},
		{"fat", []r3.Vec{start, fat}, []string{"seed 2", place(fat), "no contrast"}},
		{"two arteries", []r3.Vec{start, rca.At(rca.Length() - 1)}, []string{"from seed 1 to seed 2", "no contrast joins them", "mm;"}},
		{"one place", []r3.Vec{start, lad.At(2)}, []string{"1.", "a vessel needs 3 mm"}},
	} {
		if dark == (r3.Vec{}) && test.name == "air" {
			t.Error("no lung in the phantom")
			continue
		}
		_, err := TraceSeeds(t.Context(), vol, test.points, DefaultSurfaceConfig())
		for _, w := range test.want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: got error %v, want %q in it", test.name, err, w)
			}
		}
	}
	if line, err := TraceSeeds(t.Context(), vol, []r3.Vec{start, end}, DefaultSurfaceConfig()); err != nil {
		t.Error(err)
	} else if l := line.Length(); l < 0.95*(lad.Length()-2) || l > 1.05*(lad.Length()-2) {
		t.Errorf("the path is %.1f mm long, the artery between the seeds %.1f mm", l, lad.Length()-2)
	}
	for name, points := range map[string][]r3.Vec{"outside the CT": {start, {Z: 900}}, "no contrast is found along": {fat, r3.Add(fat, r3.Vec{Y: 4})}} {
		if _, _, err := FromSeeds(t.Context(), vol, []SeedPath{{coronary.LAD, points}}, true, DefaultConfig()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("centre-line: got error %v, want %q", err, name)
		}
	}
}
