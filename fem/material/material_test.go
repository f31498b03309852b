package material

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// Every tissue of the wall has constants that can be computed, with a source;
// blood and background have none.
func TestLibrary(t *testing.T) {
	for tissue := imaging.Background; int(tissue) < imaging.NumTissues; tissue++ {
		c, ok := Lookup(tissue)
		if want := tissue >= imaging.Wall; ok != want {
			t.Errorf("%s: constants %v, want %v", tissue, ok, want)
			continue
		}
		if ok && (c.Check() != nil || c.Source == "") {
			t.Errorf("%s: %v, source %q", tissue, c.Check(), c.Source)
		}
	}
}

// Constants that no solid has are refused in the words of the YAML file.
func TestCheck(t *testing.T) {
	for _, test := range []struct {
		e    Elastic
		word string
	}{
		{Elastic{0, 0.4}, "young_modulus_kpa"}, {Elastic{math.Inf(1), 0.4}, "young_modulus_kpa"}, {Elastic{math.NaN(), 0.4}, "young_modulus_kpa"},
		{Elastic{600, 0.5}, "incompressible"}, {Elastic{600, 0.6}, "poisson_ratio"}, {Elastic{600, math.NaN()}, "poisson_ratio"},
	} {
		if err := test.e.Check(); err == nil || !strings.Contains(err.Error(), test.word) {
			t.Errorf("%+v: %v, want a word on %s", test.e, err, test.word)
		}
	}
}

// The constants of the soft core and where they come from.
func ExampleLookup() {
	c, _ := Lookup(imaging.LowAttenuation)
	fmt.Printf("%s: E = %g kPa, ν = %g\n", c.Tissue, c.Young, c.Poisson)
	// Output: low_attenuation: E = 10 kPa, ν = 0.49
}
