// Package material holds the elastic laws of arterial tissue and published
// constants with their sources. Moduli are kPa.
package material

import (
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// Elastic is an isotropic linear elastic solid.
type Elastic struct {
	// Young is Young's modulus E.
	Young float64 `yaml:"young_modulus_kpa"`
	// Poisson is Poisson's ratio ν, below 0.5; soft tissue is nearly incompressible.
	Poisson float64 `yaml:"poisson_ratio"`
}

// Check tells why e is no solid that can be computed.
func (e Elastic) Check() error {
	switch {
	case !(e.Young > 0) || math.IsInf(e.Young, 0):
		return fmt.Errorf("young_modulus_kpa is %g: must be positive and finite", e.Young)
	case e.Poisson == 0.5:
		return fmt.Errorf("poisson_ratio is 0.5: an incompressible solid has no bulk modulus; use 0.49 to 0.4999")
	case !(e.Poisson >= 0 && e.Poisson < 0.5):
		return fmt.Errorf("poisson_ratio is %g: must be at least 0 and below 0.5", e.Poisson)
	}
	return nil
}

// Constant is a row of the library.
type Constant struct {
	Tissue imaging.Tissue
	Elastic
	Source string // who measured or used it
}

// library holds the constants behind the defaults. The moduli are those in use
// for idealised isotropic plaques; measured values scatter by a factor of two or
// more, and results must be read with that in mind.
var library = []Constant{
	{imaging.Wall, Elastic{600, 0.49}, "isotropic idealisation of the wall, 500 to 1000 kPa: Loree 1994; Ohayon et al. 2008"},
	{imaging.LowAttenuation, Elastic{10, 0.49}, "lipid or necrotic core, 1 to 25 kPa: Loree 1994; Finet et al. 2004; Ohayon et al. 2008"},
	{imaging.FibroFatty, Elastic{100, 0.49}, "between core and fibrous tissue, geometric mean of 10 and 1000 kPa; soft intima 33 to 500 kPa: Akyildiz et al. 2011"},
	{imaging.Fibrous, Elastic{600, 0.49}, "fibrous plaque, 500 to 1000 kPa: Loree 1994; Baldewsing et al. 2004"},
	{imaging.Calcified, Elastic{6000, 0.49}, "ten times fibrous: Huang et al. 2001; the surrounding stress hardly changes beyond 100 times"},
}

// Library returns the constants of all tissues that have any, in the order of
// imaging's tissues.
func Library() []Constant { return append([]Constant(nil), library...) }

// Lookup returns the constants of t.
func Lookup(t imaging.Tissue) (Constant, bool) {
	for _, c := range library {
		if c.Tissue == t {
			return c, true
		}
	}
	return Constant{}, false
}
