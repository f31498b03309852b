package suggest

import "testing"

// A slip finds its word; a different word finds none.
func TestNearest(t *testing.T) {
	known := []string{"spacing_mm", "bin_width_hu", "bin_start_hu", "lumen"}
	for _, test := range []struct{ word, want string }{
		{"spacing", "spacing_mm"},
		{"bin_widht_hu", "bin_width_hu"},
		{"Lumen", "lumen"},
		{"pressure_mmhg", ""},
		{"", ""},
	} {
		if got, _ := Nearest(test.word, known); got != test.want {
			t.Errorf("Nearest(%q) = %q, want %q", test.word, got, test.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"kitten", "sitting", 3}, {"", "abc", 3}, {"flaw", "lawn", 2}, {"same", "same", 0}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
