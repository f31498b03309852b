package strictyaml

import (
	"strings"
	"testing"
)

type inner struct {
	Width float64 `yaml:"bin_width_hu"`
	On    bool    `yaml:"on"`
}

type outer struct {
	Spacing float64 `yaml:"spacing_mm"`
	In      inner   `yaml:"inner"`
	List    []int   `yaml:"list"`
}

// Keys that are not given keep their defaults, nested ones too.
func TestDefaultsStay(t *testing.T) {
	c := outer{Spacing: 0.4, In: inner{Width: 25, On: true}, List: []int{1}}
	if err := Decode("x.yaml", strings.NewReader("inner:\n  bin_width_hu: 0\n"), &c); err != nil {
		t.Fatal(err)
	}
	if c.Spacing != 0.4 || c.In.Width != 0 || !c.In.On || len(c.List) != 1 {
		t.Errorf("got %+v", c)
	}
	for _, empty := range []string{"", "\n", "# nothing\n", "---\n", "\ufeffspacing_mm: 0.4\r\n"} {
		if err := Decode("x.yaml", strings.NewReader(empty), &c); err != nil || c.Spacing != 0.4 || !c.In.On || len(c.List) != 1 {
			t.Errorf("%q: %v, got %+v", empty, err, c)
		}
	}
}

// A wrong file is refused with its line, and a slip with the right key.
func TestErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"spacing_mm: 1\ninner:\n  bin_widht_hu: 3\n", `x.yaml: line 3: unknown key "bin_widht_hu"; did you mean "bin_width_hu"?`},
		{"spacing_mm: wide\n", "x.yaml: line 1: want a number, not a text"},
		{"spacing_mm: [1]\n", "x.yaml: line 1: want a number, not a list"},
		{"spacing_mm: [1\n", "x.yaml: line 1"},
		{"spacing_mm: 1\nspacing_mm: 2\n", "x.yaml: line 2"},
		{"spacing_mm: 1\n---\nspacing_mm: 2\n", "more than one YAML document"},
	} {
		c := outer{}
		err := Decode("x.yaml", strings.NewReader(test.text), &c)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v, want one with %q", test.text, err, test.want)
		}
	}
}

// What is written is read as the same value.
func TestRoundTrip(t *testing.T) {
	want := outer{Spacing: 0.45, In: inner{Width: -0.001, On: true}, List: []int{3, 1}}
	text, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	var got outer
	if err := Decode("x.yaml", strings.NewReader(string(text)), &got); err != nil || got.Spacing != want.Spacing || got.In != want.In || len(got.List) != 2 {
		t.Errorf("%s\n%+v, %v", text, got, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("spacing_mm: 1\ninner:\n  on: true\n")
	f.Fuzz(func(t *testing.T, s string) {
		var c outer
		_ = Decode("x.yaml", strings.NewReader(s), &c)
	})
}
