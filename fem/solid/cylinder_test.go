package solid

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/material"
)

// ray is the direction along which cylinders are read.
var ray = r3.Vec{X: math.Cos(0.7), Y: math.Sin(0.7)}

// Lamé's cylinder in plane strain, for every element and Poisson's ratio: the
// nearly incompressible ones must not lock.
func TestLame(t *testing.T) {
	for _, test := range []struct {
		kind            string
		through, around int
	}{{"hex8 enhanced", 12, 16}, {"hex8", 24, 24}, {"hex20", 6, 8}, {"tet10", 6, 8}, {"tet4", 24, 24}} {
		for _, nu := range []string{"0.3", "0.45", "0.49", "0.499", "0.4999"} {
			name := "LAME-PE-nu" + nu
			if nu == "0.3" {
				name = "LAME-PE"
			}
			var v float64
			fmt.Sscan(nu, &v)
			b := quarter(test.kind, []float64{1.5, 2.5}, test.through, test.around, 1, 0.1, []material.Law{elastic(500, v)}, false)
			b.Pressures = []Pressure{{lumen(b.Mesh, 1.5), 16}}
			f := fieldsOf(t, b, 1)
			how := fmt.Sprintf("%s, %d × %d", test.kind, test.through, test.around)
			for _, at := range []struct {
				r    float64
				name string
			}{{1.5, "r=1.5"}, {2, "r=2.0"}, {2.5, "r=2.5"}} {
				if at.r == 2 && nu != "0.3" {
					continue
				}
				p := r3.Scale(at.r, ray)
				s, u := f.at(t, r3.Add(p, r3.Vec{Z: 0.05}), 0)
				rr, tt, zz := polar(s.Stress, p)
				compare(t, name, how, "u_r", at.name, r3.Dot(u, ray))
				compare(t, name, how, "srr", at.name, rr)
				compare(t, name, how, "stt", at.name, tt)
				compare(t, name, how, "szz", at.name, zz)
				compare(t, name, how, "vm", at.name, s.Stress.VonMises())
				compare(t, name, how, "sed", at.name, s.Energy)
			}
			compare(t, name, how, "strain_energy_per_length", "all", 4*f.Energy/0.1)
		}
	}
}
