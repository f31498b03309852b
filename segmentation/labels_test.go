package segmentation

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// The names that people use are recognised, and names of other organs are not.
func TestParseName(t *testing.T) {
	for name, want := range map[string]string{
		"LAD_plaque_1": "LAD plaque 1", "LAD plaque": "LAD plaque", "lad-lumen": "LAD lumen", "RCA vessel wall": "RCA wall",
		"plaque": "plaque", "calcified": "calcified", "Calcium": "calcified", "NCP": "non_calcified", "non-calcified plaque": "non_calcified",
		"NonCalcifiedPlaque2": "non_calcified 2", "lipid": "lipid", "necrotic core": "lipid", "LRNC": "lipid", "low attenuation plaque": "lipid",
		"Left Main lumen": "LM lumen", "left anterior descending artery wall": "LAD wall", "LCx calcified plaque 3": "LCX calcified 3",
		"Cx Lumen": "LCX lumen", "right coronary artery outer wall": "RCA wall", "RCA-Plaque12": "RCA plaque 12",
		"aortic wall": "", "LV blood pool": "", "LAD": "", "Segment_1": "", "": "", "lumen wall": "", "LAD RCA plaque": "", "myocardium": "",
	} {
		got := ""
		if l, ok := ParseName(name); ok {
			got = l.String()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// A label map is read with its meaning, and every mistake is named with its
// line and the word that was probably meant.
func TestParseLabelMap(t *testing.T) {
	lm, err := ParseLabelMap([]byte("# from our reader\nLAD_plaque_1: {artery: LAD, structure: plaque, instance: 1}\n2:\n  artery: left main\n  structure: lumen\n\"odd: name\": {structure: wall}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := LabelMap{"LAD_plaque_1": {coronary.LAD, Plaque, 1}, "2": {coronary.LM, Lumen, 0}, "odd: name": {"", Wall, 0}}
	if !maps.Equal(lm, want) {
		t.Errorf("got %v, want %v", lm, want)
	}
	for _, test := range []struct{ text, want string }{
		{"1: {artery: LDA, structure: plaque}", `line 1: "1": unknown artery "LDA"; did you mean "LAD"?`},
		{"a: {structure: plaque}\nb: {structure: lumem}", `line 2: "b": unknown structure "lumem"; did you mean "lumen"?`},
		{"a: {struture: plaque}", `unknown key "struture"; did you mean "structure"?`},
		{"a: {artery: LAD}", `key "structure" is missing`},
		{"a: {structure: wall, instance: 2}", "only plaques are numbered"},
		{"a: {structure: plaque, instance: x}", `instance "x": want a number`},
		{"a: {structure: plaque}\na: {structure: wall}", "a"},
		{"a: {artery: LAD, structure: plaque, instance: 1}\nb: {artery: LAD, structure: plaque, instance: 1}", `line 2: "a" and "b" are both LAD plaque 1`},
		{"- a\n- b", "want a map"},
		{"a: plaque", "want {artery: LAD, structure: plaque, instance: 1}"},
		{"", "want one YAML map"},
		{"a: {structure: [plaque]}", "want a plain value"},
		{"a: {", "not readable as YAML"},
		{strings.Repeat("[", 60000), "this is no label map"},
		{strings.Repeat("[\n", 30000), "more than 8 open brackets"},
		{strings.Repeat("- ", 30000), "longer than 1000 bytes"},
		{strings.Repeat("#\n", 40000), "more than 65536 bytes"},
	} {
		if _, err := ParseLabelMap([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %q", test.text, err, test.want)
		}
	}
}

// No text makes the reader panic, and what it accepts is a valid label map.
func FuzzParseLabelMap(f *testing.F) {
	for _, s := range []string{
		"LAD_plaque_1: {artery: LAD, structure: plaque, instance: 1}", "2:\n  artery: RCA\n  structure: wall\n", "- 1", "a: b", "&x a: *x", "<<: {a: b}", "? [a]\n: {structure: wall}",
		"a: {structure: !!str plaque}", "\x00", "a: {structure: plaque}\n---\nb: {}", "1.5: {structure: calcified}", "true: {structure: lipid}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		lm, err := ParseLabelMap(text)
		if err != nil {
			return
		}
		for name, l := range lm {
			if name == "" || !slices.Contains(Structures(), l.Structure) || l.Instance < 0 {
				t.Errorf("accepted %q: %+v", name, l)
			}
		}
	})
}

// segmentationOf returns a label map whose voxel n has the value n+1.
func segmentationOf(names ...string) *imaging.Segmentation {
	s := &imaging.Segmentation{Grid: imaging.NewGrid([3]int{len(names), 1, 1}, [3]float64{1, 1, 1}, r3.Vec{})}
	s.Layers = [][]int32{make([]int32, len(names))}
	for n, name := range names {
		s.Layers[0][n] = int32(n + 1)
		s.Segments = append(s.Segments, imaging.Segment{Name: name, Value: int32(n + 1)})
	}
	return s
}

// Import uses the label map before names, and tells what it left out.
func TestImport(t *testing.T) {
	labels := func(masks []Mask) string {
		var s []string
		for _, m := range masks {
			s = append(s, m.Label.String())
		}
		return strings.Join(s, ", ")
	}
	for _, test := range []struct {
		name  string
		seg   *imaging.Segmentation
		lm    LabelMap
		want  string
		notes string
		err   string
	}{
		{"names", segmentationOf("LAD lumen", "spleen", "LAD plaque 1"), nil, "LAD lumen, LAD plaque 1", `[PLQ-201 not recognised and left out: "spleen"]`, ""},
		{"label map first", segmentationOf("LAD lumen", "spleen"), LabelMap{"LAD lumen": {coronary.RCA, Wall, 0}, "2": {coronary.RCA, Lumen, 0}, "9": {"", Lipid, 0}}, "RCA wall, RCA lumen", `[PLQ-203 in the label map but not in the segmentation: "9"]`, ""},
		{"binary mask", segmentationOf(""), nil, "plaque", "[PLQ-204 the only segment has the value 1 and no name with a meaning; it is taken for plaque]", ""},
		{"two numbers", segmentationOf("", ""), nil, "", "", `no segment with a voxel is recognised ("label 1", "label 2")`},
		{"one known number", segmentationOf("", ""), LabelMap{"2": {"", Plaque, 0}}, "plaque", `[PLQ-201 not recognised and left out: "label 1"]`, ""},
		{"the same plaque twice", segmentationOf("LAD plaque 1", "LAD_Plaque_1"), nil, "", "", "are both LAD plaque 1"},
		{"nothing", segmentationOf(), nil, "", "", "has no segment"},
	} {
		masks, notes, err := Import(test.seg, test.lm)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: got error %v, want %q", test.name, err, test.err)
			}
			continue
		}
		var text []string
		for _, n := range notes {
			text = append(text, n.Code+" "+n.Text)
		}
		if err != nil || labels(masks) != test.want || fmt.Sprint(text) != test.notes {
			t.Errorf("%s: got %q, %v, %v; want %q, %s", test.name, labels(masks), text, err, test.want, test.notes)
		}
	}
}

// That nothing has a meaning can be told from a file that is wrong.
func TestImportOfNothing(t *testing.T) {
	if _, _, err := Import(segmentationOf(), nil); !errors.Is(err, ErrNothing) {
		t.Errorf("no segment: got error %v, want ErrNothing", err)
	}
	if _, _, err := Import(segmentationOf("liver", "spleen"), nil); !errors.Is(err, ErrNothing) {
		t.Errorf("other names: got error %v, want ErrNothing", err)
	}
	if _, _, err := Import(segmentationOf("LAD plaque 1", "LAD_plaque_1"), nil); err == nil || errors.Is(err, ErrNothing) {
		t.Errorf("one name twice: got error %v, want another than ErrNothing", err)
	}
}

// Settings that make no sense are refused, all at once and in the words of the
// file.
func TestConfig(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	c := DefaultConfig()
	c.Rays, c.SectionStep, c.FibrousBelow = 3, 0, 100
	err := c.Validate()
	for _, key := range []string{"rays", "section_step_mm", "fibrous_below_hu"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v does not name %s", err, key)
		}
	}
}

func ExampleParseName() {
	l, ok := ParseName("LAD_plaque_1")
	fmt.Println(l.Artery, l.Structure, l.Instance, ok)
	// Output: LAD plaque 1 true
}

func ExampleParseLabelMap() {
	lm, err := ParseLabelMap([]byte("1: {artery: RCA, structure: lumen}\n2: {artery: RCA, structure: plaque, instance: 1}\n"))
	fmt.Println(lm["1"], lm["2"], err)
	_, err = ParseLabelMap([]byte("1: {artery: RAC, structure: lumen}"))
	fmt.Println(err)
	// Output:
	// RCA lumen RCA plaque 1 <nil>
	// line 1: "1": unknown artery "RAC"; did you mean "RCA"?
}
