// Command fem solves the plaque vessel of bench/fem/README.md, writes it as a
// CalculiX deck, and compares the two.
//
//	fem -size 8x48x76                     solve, and print what it took
//	fem -size 8x48x76 -deck vessel.inp    write the deck, with -solver spooles or iterative, and the
//	                                       problem file of plaquerisk solve --mesh
//	fem -size 8x48x76 -plain -dat vessel.dat   solve with its element, and compare with CalculiX
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem"
	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
)

func main() {
	log.SetFlags(0)
	size := flag.String("size", "8x48x76", "elements through the wall, around and along")
	nu := flag.Float64("nu", 0.45, "Poisson's ratio")
	calcium := flag.Bool("calcium", false, "a calcified inclusion of E 10 000 kPa opposite the core")
	general := flag.Bool("general", false, "forget that the mesh is a lattice: multigrid by aggregation")
	tolerance := flag.Float64("tolerance", 1e-8, "relative residual")
	plain := flag.Bool("plain", false, "the fully integrated brick of CalculiX, which locks, in place of mean dilatation")
	deck := flag.String("deck", "", "write a CalculiX deck to this file, and do not solve")
	solver := flag.String("solver", "spooles", "of the deck: spooles or iterative")
	dat := flag.String("dat", "", "compare with this output of CalculiX")
	flag.Parse()
	// A few large matrices and hardly any garbage: collect early, to stay small.
	debug.SetGCPercent(10)
	v := vessel{nu: *nu, calcium: *calcium}
	if _, err := fmt.Sscanf(*size, "%dx%dx%d", &v.through, &v.around, &v.along); err != nil || v.through < 1 || v.around < 8 || v.around%4 != 0 || v.along < 4 {
		log.Fatalf("-size %s: want elements as 8x48x76, those around a multiple of 4", *size)
	}
	if *deck != "" {
		if err := v.writeDeck(*deck, *solver); err != nil {
			log.Fatal(err)
		}
		if err := v.writeProblem(strings.TrimSuffix(*deck, ".inp")+".yaml", *tolerance); err != nil {
			log.Fatal(err)
		}
		return
	}
	start := time.Now()
	p := v.problem()
	if *general {
		p.Lattice = nil
	}
	var sol *fem.Solution
	var err error
	if *plain {
		sol, err = v.solvePlain(p, *tolerance)
	} else {
		sol, err = p.Solve(context.Background(), *tolerance, 2000)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d unknowns, ν = %g: %d iterations, residual %.1e, %.2f s\n", sol.Unknowns, v.nu, sol.Iterations, sol.Residual, time.Since(start).Seconds())
	v.unpinned(p, sol.U)
	// Stress of every element at its quadrature points, as the peers compute it.
	stress, largest := v.stress(p, sol.U, *plain)
	fmt.Printf("largest displacement %.6f mm, largest principal stress at a quadrature point %.3f kPa\n", largestNorm(sol.U), largest)
	if *dat != "" {
		if err := v.compare(os.Stdout, *dat, sol.U, stress); err != nil {
			log.Fatal(err)
		}
	}
}

// vessel is a tube of 20 mm with an eccentric lumen under 16 kPa, of E 600 kPa with
// a soft core of E 10 kPa near the lumen in its middle half, between sliding ends.
type vessel struct {
	through, around, along int
	nu                     float64
	calcium                bool
}

const (
	length, inner, outer, offset = 20.0, 1.5, 2.6, 0.1 // mm
	pressure                     = 16.0                // kPa
)

func (v *vessel) node(i, j, k int) int {
	return (k*v.around+j%v.around)*(v.through+1) + i
}

func (v *vessel) lattice() *sparse.Lattice {
	return &sparse.Lattice{N: [3]int{v.through + 1, v.around, v.along + 1}, Ring: true}
}

// young returns Young's modulus at a place, kPa.
func (v *vessel) young(x r3.Vec) float64 {
	switch {
	case math.Abs(x.Z-length/2) > length/4:
	case math.Hypot(x.X-2.1, x.Y) < 0.4:
		return 10
	case v.calcium && math.Hypot(x.X+2, x.Y) < 0.4:
		return 1e4
	}
	return 600
}

// problem returns the vessel, whose layers grow by a factor of two from the lumen
// to the outer wall.
func (v *vessel) problem() *fem.Problem {
	m := v.mesh()
	p := fem.NewProblem(m, element.Lame{})
	p.Lattice = v.lattice()
	for e := range m.Cells {
		l := element.Moduli(v.young(m.Centre(e)), v.nu)
		for q := range p.Law[e] {
			p.Law[e][q] = l
		}
	}
	var faces [][4]int32
	for e := 0; e < len(m.Cells); e += v.through {
		c := &m.Cells[e]
		faces = append(faces, [4]int32{c[0], c[4], c[7], c[3]})
	}
	p.Press(faces, pressure)
	for n, x := range m.Nodes {
		if x.Z == 0 || x.Z == length {
			p.Slide(n, r3.Vec{Z: 1})
		}
	}
	return p
}

// pins are the nodes that the deck holds against rigid motion: y at the first two,
// on the x axis, and x at the third.
func (v *vessel) pins() [3]int {
	k := v.along / 2
	return [3]int{v.node(v.through, 0, k), v.node(v.through, v.around/2, k), v.node(v.through, v.around/4, k)}
}

// unpinned adds to u the rigid motion in the plane after which the pins of the
// deck are at rest. The solver leaves that motion out.
func (v *vessel) unpinned(p *fem.Problem, u []r3.Vec) {
	pin := v.pins()
	a, b, c := pin[0], pin[1], pin[2]
	x := p.Mesh.Nodes
	turn := -(u[a].Y - u[b].Y) / (x[a].X - x[b].X)
	ty := -u[a].Y - turn*x[a].X
	tx := -u[c].X + turn*x[c].Y
	for n := range u {
		u[n].X += tx - turn*x[n].Y
		u[n].Y += ty + turn*x[n].X
	}
}

// stress returns the stress at the quadrature points of the probed elements, and
// the largest principal stress of all.
func (v *vessel) stress(p *fem.Problem, u []r3.Vec, plain bool) (probed map[int][element.Points]element.Tensor, largest float64) {
	probed = map[int][element.Points]element.Tensor{}
	var h element.Hex8
	largest = math.Inf(-1)
	for e := range p.Mesh.Cells {
		x := p.Mesh.Corners(e)
		h.Set(&x)
		var ue [8]r3.Vec
		for a, n := range p.Mesh.Cells[e] {
			ue[a] = u[n]
		}
		var s [element.Points]element.Tensor
		for q := range s {
			if plain {
				h.Mean = h.Grad[q]
			}
			s[q] = p.Law[e][q].Stress(h.Strain(&ue, q))
			largest = max(largest, s[q].Principal()[0])
		}
		if e/(v.through*v.around) == v.along/2 {
			probed[e] = s
		}
	}
	return probed, largest
}

func largestNorm(u []r3.Vec) float64 {
	var l float64
	for _, x := range u {
		l = max(l, r3.Norm(x))
	}
	return l
}
