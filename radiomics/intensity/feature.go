package intensity

import (
	"math"

	"github.com/plaquerisk/plaquerisk/feature"
)

// Feature is one row of a family's table.
type Feature[T any] struct {
	Name        string // ours, within its family: "interquartile_range"
	PyRadiomics string // its name there: "InterquartileRange"; empty if it has none
	Code        string // IBSI's code: "SALO"; empty if the standard does not define it
	Unit        string
	Doc         string
	Value       func(*T) float64 // NaN or infinite where undefined
}

// evaluate stores the values of a table in dst and, unless support is nil, what
// they rest on. Values that are not finite become NaN for the reason given, if
// it is not empty, or because they divide by zero.
func evaluate[T any](dst []float64, support []feature.Support, table []Feature[T], of *T, voxels int, reason feature.Reason) {
	if len(dst) != len(table) || support != nil && len(support) != len(table) {
		panic("intensity: Values: length of dst or support differs from the table's")
	}
	for n := range table {
		v, why := table[n].Value(of), feature.Defined
		if math.IsNaN(v) || math.IsInf(v, 0) {
			v, why = math.NaN(), reason
			if why == feature.Defined {
				why = feature.ZeroDenominator
			}
		}
		dst[n] = v
		if support != nil {
			support[n] = feature.Support{Voxels: voxels, Reason: why}
		}
	}
}
