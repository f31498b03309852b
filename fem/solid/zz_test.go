package solid

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"
)

func TestZZ(t *testing.T) {
	// M2: locking probe
	for _, kind := range []string{"hex20", "tet10"} {
		for _, noise := range []float64{0, 0.2} {
			for _, nu := range []float64{0.3, 0.49, 0.4999} {
				fmt.Printf("%-14s noise %.1f nu %.4f:", kind, noise, nu)
				var last float64
				for _, n := range []int{4, 8, 12} {
					if n == 12 && kind != "hex8" && kind != "tet4" && kind != "hex8 enhanced" {
						n = 6
					}
					rng := rand.New(rand.NewPCG(1, 1))
					m := convert(kind, boxPerturbed(n, noise, rng)).Solid
					mu := 1 / (2 * (1 + nu))
					u := func(p r3.Vec) r3.Vec {
						return r3.Vec{X: math.Sin(math.Pi*p.X) * math.Cos(math.Pi*p.Y), Y: -math.Cos(math.Pi*p.X) * math.Sin(math.Pi*p.Y)}
					}
					b := uniform(m, elastic(1, nu), false)
					b.BodyForce = (func(p r3.Vec) r3.Vec { return r3.Scale(2*math.Pi*math.Pi*mu, u(p)) })
					for n, p := range m.Nodes {
						if onBox(p) {
							v := u(p)
							for i, w := range []float64{v.X, v.Y, v.Z} {
								b.Fixed = append(b.Fixed, Fix{int32(n), uint8(i), w})
							}
						}
					}
					sol := solve(t, b, 1)
					e := l2error(sol, u)
					fmt.Printf("  n %d: %.3e (%.2f)", n, e, math.Log2(last/e))
					last = e
				}
				fmt.Println()
			}
		}
	}
}
