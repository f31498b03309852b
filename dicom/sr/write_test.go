package sr

import (
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

	"github.com/plaquerisk/plaquerisk/dicom/internal/validate"
	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

func written(t testing.TB) (string, *Report) {
	t.Helper()
	src := validate.Source(t, t.TempDir(), validate.Grid(0))
	mm3 := object.Code{Value: "mm3", Scheme: "UCUM", Meaning: "cubic millimeter"}
	volume := object.Code{Value: "118565006", Scheme: "SCT", Meaning: "Volume"}
	r := &Report{
		Segmentation: &object.Evidence{Series: "2.25.1", Objects: []object.Ref{{Class: "1.2.840.10008.5.1.4.1.1.66.4", UID: "2.25.2"}}},
		Groups: []Group{
			{Name: "LAD-1", UID: "2.25.3", Finding: object.Plaque, Site: object.Arteries["LAD"], Segment: 2, Measurements: []Measurement{
				{Concept: volume, Value: 123.4567890123456, Unit: mm3},
				{Concept: object.Code{Value: "122448", Scheme: "DCM", Meaning: "Wall Stress"}, Value: 87.5, Unit: object.Code{Value: "kPa", Scheme: "UCUM", Meaning: "kilopascal"},
					Derivation: object.Code{Value: "56851009", Scheme: "SCT", Meaning: "Maximum"}},
				{Concept: volume, Value: math.NaN(), Unit: mm3},
			}, Comments: []string{"Größe unter einem Voxel"}},
			{Name: "patient", UID: "2.25.4", Finding: object.Code{Value: "risk", Scheme: object.Private, Meaning: "Predicted risk"}, Measurements: []Measurement{
				{Concept: object.Code{Value: "probability", Scheme: object.Private, Meaning: "Predicted probability"}, Value: 0.25, Unit: object.Code{Value: "1", Scheme: "UCUM", Meaning: "no units"}},
			}},
		},
	}
	path := validate.Store(t, func(w io.Writer) error {
		return Write(w, src, r, &object.Meta{Seed: "test", Program: "plaquerisk", Version: "0.0", Series: 7003, Describe: "Measurements"})
	})
	return path, r
}

// dciodvfy finds no error, and dsrdump of dcmtk reads the whole tree.
func TestRules(t *testing.T) {
	path, r := written(t)
	found := validate.IOD(t, path)
	for _, line := range found {
		t.Log(line)
	}
	verify.Check{Suite: "dicom", Case: "SR as written", Quantity: "errors", Source: "dciodvfy (dicom3tools 2022-06)", Got: float64(len(found))}.Run(t)
	program, err := exec.LookPath("dsrdump")
	if err != nil {
		t.Skip("dsrdump is not installed (Debian package dcmtk)")
	}
	out, err := exec.Command(program, "+U8", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, line := range []string{r.Groups[0].Comments[0], "=\"123.456789012346\" (mm3,", "87.5"} {
		if !strings.Contains(string(out), line) {
			t.Errorf("dsrdump shows no %s:\n%s", line, out)
		}
	}
}

// highdicom finds the groups with their segments and numbers.
func TestPeers(t *testing.T) {
	path, r := written(t)
	var got struct {
		Groups []struct {
			Name, UID, Finding string
			Sites              []string
			Segment            *struct {
				UID    string
				Number int
			}
			Measurements []struct {
				Concept, Scheme, Unit, Derivation string
				Value                             float64
			}
		}
	}
	validate.Python(t, &got, filepath.Join("..", "internal", "validate", "testdata", "sr.py"), path)
	if len(got.Groups) != len(r.Groups) {
		t.Fatalf("%+v", got)
	}
	for n, g := range got.Groups {
		want := &r.Groups[n]
		if g.Name != want.Name || g.UID != want.UID || g.Finding != want.Finding.Value {
			t.Errorf("group %d: %+v", n+1, g)
		}
		at := 0
		for _, m := range want.Measurements {
			if math.IsNaN(m.Value) {
				continue
			}
			if at >= len(g.Measurements) {
				t.Fatalf("group %d has %d measurements", n+1, len(g.Measurements))
			}
			x := g.Measurements[at]
			at++
			if x.Concept != m.Concept.Value || x.Unit != m.Unit.Value || x.Derivation != m.Derivation.Value {
				t.Errorf("group %d: %+v, want %+v", n+1, x, m)
			}
			verify.Check{Suite: "dicom", Case: "SR as written", Quantity: fmt.Sprintf("group %d, %s, %s", n+1, m.Concept.Meaning, m.Unit.Value),
				Source: "highdicom 0.28.2", Got: x.Value, Want: m.Value, Tol: 1e-12}.Run(t)
		}
	}
	if s := got.Groups[0].Segment; s == nil || s.Number != 2 || s.UID != "2.25.2" || len(got.Groups[0].Sites) != 1 || got.Groups[0].Sites[0] != object.Arteries["LAD"].Value {
		t.Errorf("group 1: %+v", got.Groups[0])
	}
}

// dcmqi finds the volumetric group with its numbers.
func TestDcmqi(t *testing.T) {
	path, r := written(t)
	out := filepath.Join(t.TempDir(), "sr.json")
	validate.Tool(t, "tid1500reader", "--inputDICOM", path, "--outputMetadata", out)
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Measurements []struct {
			TrackingIdentifier string
			ReferencedSegment  int
			MeasurementItems   []struct{ Value string }
		} `json:"Measurements"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Measurements) != len(r.Groups) || got.Measurements[0].TrackingIdentifier != r.Groups[0].Name || got.Measurements[0].ReferencedSegment != 2 || len(got.Measurements[0].MeasurementItems) != 2 {
		t.Fatalf("%s", text)
	}
	for n, m := range got.Measurements[0].MeasurementItems {
		value, err := strconv.ParseFloat(m.Value, 64)
		if err != nil {
			t.Fatal(err)
		}
		verify.Check{Suite: "dicom", Case: "SR as written", Quantity: fmt.Sprintf("number %d of the volumetric group", n+1), Source: "dcmqi 1.5.7",
			Got: value, Want: r.Groups[0].Measurements[n].Value, Tol: 1e-9}.Run(t)
	}
}

// Elements are those that the standard asks of the class, and no others.
func TestTables(t *testing.T) {
	path, _ := written(t)
	found := validate.Tables(t, path)
	for _, line := range found {
		t.Log(line)
	}
	verify.Check{Suite: "dicom", Case: "SR as written", Quantity: "elements missing, empty or foreign", Source: "PS3.3, tables of highdicom 0.28.2", Got: float64(len(found))}.Run(t)
}
