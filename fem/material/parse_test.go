package material

import (
	"math"
	"strings"
	"testing"
)

// Laws are read from a line of text.
func TestParse(t *testing.T) {
	for _, test := range []struct {
		text  string
		want  Law
		angle float64
	}{
		{"neo_hookean C10=30 K=3000", NeoHookean(30, 3000), math.NaN()},
		{"mooney_rivlin K=2800 C01=8 C10=20", MooneyRivlin(20, 8, 2800), math.NaN()},
		{"yeoh C10=10 C20=5 C30=1 K=1000", Yeoh(10, 5, 1, 1000), math.NaN()},
		{"exponential c1=36.8 D1=14.4 D2=2 K=9999", Exponential{36.8, 14.4, 2, 9999}, math.NaN()},
		{"hgo C10=15 k1=20 k2=10 K=3000 angle_deg=40", HGO{C10: 15, K1: 20, K2: 10, K: 3000}, deg(40)},
	} {
		got, angle, err := Parse(test.text)
		if err != nil || got != test.want || !(angle == test.angle || math.IsNaN(angle) && math.IsNaN(test.angle)) {
			t.Errorf("%s: %+v, %g, %v", test.text, got, angle, err)
		}
	}
	for _, p := range PublishedLaws() {
		if got, _, err := Parse(p.Name); err != nil || got != p.Law {
			t.Errorf("%s: %+v, %v", p.Name, got, err)
		}
	}
}

// What is wrong with a law is said in its own words.
func TestParseErrors(t *testing.T) {
	for text, word := range map[string]string{
		"": "empty", "rubber": "tang2004_wall", "tang2004_wall K=3": "takes no constants", "neo_hookean C10=30": "needs K",
		"neo_hookean C10=30 K=x": "not a number", "neo_hookean C10=30 C10=3 K=1": "twice", "neo_hookean C10=30 K=300 E=3": "takes no \"E\"",
		"neo_hookean C10=-30 K=300": "shear modulus", "neo_hookean C10=30 K=Inf": "bulk modulus", "hgo C10=15 k1=20 k2=10 K=3000 angle_deg=NaN": "finite",
	} {
		if _, _, err := Parse(text); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v, want a word on %q", text, err, word)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("hgo C10=15 k1=20 k2=10 K=3000 angle_deg=40")
	f.Add("neo_hookean C10=1e400 K==")
	f.Fuzz(func(t *testing.T, text string) {
		if l, _, err := Parse(text); err == nil && l.Check() != nil {
			t.Errorf("%q gives %+v", text, l)
		}
	})
}
