package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
)

// mesh returns the nodes in the order of the lattice, and the elements.
func (v *vessel) mesh() *mesh.Mesh {
	m := &mesh.Mesh{}
	layer := make([]float64, v.through+1)
	ratio := math.Pow(2, 1/math.Max(1, float64(v.through-1)))
	for i := range v.through {
		layer[i+1] = layer[i] + math.Pow(ratio, float64(i))
	}
	for k := range v.along + 1 {
		for j := range v.around {
			sin, cos := math.Sincos(2 * math.Pi * float64(j) / float64(v.around))
			// From the lumen's axis to the outer circle about the origin.
			far := -offset*cos + math.Sqrt(outer*outer-offset*offset*sin*sin)
			for i := range v.through + 1 {
				r := inner + (far-inner)*layer[i]/layer[v.through]
				m.Nodes = append(m.Nodes, r3.Vec{X: offset + r*cos, Y: r * sin, Z: length * float64(k) / float64(v.along)})
			}
		}
	}
	for k := range v.along {
		for j := range v.around {
			for i := range v.through {
				c := [8]int32{}
				for a, d := range [8][3]int{{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0}, {0, 0, 1}, {1, 0, 1}, {1, 1, 1}, {0, 1, 1}} {
					c[a] = int32(v.node(i+d[0], j+d[1], k+d[2]))
				}
				m.Cells = append(m.Cells, c)
			}
		}
	}
	return m
}

// writeDeck writes the vessel for CalculiX. It prints displacements of the nodes
// in the middle plane and stresses of the elements behind it. The deck holds all
// that plaquerisk solve --mesh needs, too, beside the problem file of writeProblem.
func (v *vessel) writeDeck(path, solver string) error {
	option := map[string]string{"spooles": "SPOOLES", "iterative": "ITERATIVE CHOLESKY"}[solver]
	if option == "" {
		return fmt.Errorf("-solver %s: want spooles or iterative", solver)
	}
	m := v.mesh()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "*NODE, NSET=ALL")
	for n, x := range m.Nodes {
		fmt.Fprintf(w, "%d, %.12g, %.12g, %.12g\n", n+1, x.X, x.Y, x.Z)
	}
	sets := map[float64]string{600: "WALL", 10: "CORE", 1e4: "CALCIUM"}
	used := map[string]bool{}
	for _, young := range []float64{600, 10, 1e4} {
		set := sets[young]
		for e, c := range m.Cells {
			if v.young(m.Centre(e)) != young {
				continue
			}
			if !used[set] {
				fmt.Fprintf(w, "*ELEMENT, TYPE=C3D8, ELSET=%s\n", set)
				used[set] = true
			}
			fmt.Fprintf(w, "%d, %d, %d, %d, %d, %d, %d, %d, %d\n", e+1, c[0]+1, c[1]+1, c[2]+1, c[3]+1, c[4]+1, c[5]+1, c[6]+1, c[7]+1)
		}
		if used[set] {
			fmt.Fprintf(w, "*MATERIAL, NAME=%s\n*ELASTIC\n%g, %g\n*SOLID SECTION, ELSET=%s, MATERIAL=%s\n", set, young, v.nu, set, set)
		}
	}
	list := func(head string, n int, number func(i int) int) {
		fmt.Fprintln(w, head)
		for i := range n {
			fmt.Fprintf(w, "%d,\n", number(i)+1)
		}
	}
	plane, ring := v.around*(v.through+1), v.around*v.through
	list("*NSET, NSET=ENDS", 2*plane, func(i int) int {
		if i >= plane {
			i += (v.along - 1) * plane
		}
		return i
	})
	list("*NSET, NSET=PROBE", plane, func(i int) int { return v.along/2*plane + i })
	list("*ELSET, ELSET=PROBE", ring, func(i int) int { return v.along/2*ring + i })
	list("*ELSET, ELSET=LUMEN", v.around*v.along, func(i int) int { return i * v.through })
	pin := v.pins()
	list("*NSET, NSET=PINY", 2, func(i int) int { return pin[i] })
	list("*NSET, NSET=PINX", 1, func(int) int { return pin[2] })
	fmt.Fprintln(w, "*SURFACE, NAME=PRESSED, TYPE=ELEMENT\nLUMEN, S6")
	fmt.Fprintf(w, "*BOUNDARY\nENDS, 3, 3\n%d, 2, 2\n%d, 2, 2\n%d, 1, 1\n", pin[0]+1, pin[1]+1, pin[2]+1)
	fmt.Fprintf(w, "*STEP\n*STATIC, SOLVER=%s\n*DLOAD\nLUMEN, P6, %g\n*NODE PRINT, NSET=PROBE\nU\n*EL PRINT, ELSET=PROBE\nS\n*END STEP\n", option, pressure)
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// writeProblem writes the problem file of plaquerisk solve --mesh for the deck.
func (v *vessel) writeProblem(path string, tolerance float64) error {
	s := "kinematics: small\nmaterials:\n"
	sets := []string{"WALL", "CORE", "CALCIUM"}
	for n, young := range []float64{600, 10, 1e4} {
		if young < 1e4 || v.calcium {
			s += fmt.Sprintf("  - {set: %s, law: linear, E: %g, nu: %g}\n", sets[n], young, v.nu)
		}
	}
	s += fmt.Sprintf("loads:\n  - {set: PRESSED, pressure: %g}\n", pressure)
	s += "constraints:\n  - {set: ENDS, fix: [z]}\n  - {set: PINY, fix: [y]}\n  - {set: PINX, fix: [x]}\n"
	s += fmt.Sprintf("tolerance: %g\n", tolerance)
	s += "statistics:\n  - {name: wall, set: WALL}\n  - {name: core, set: CORE}\n"
	return os.WriteFile(path, []byte(s), 0o666)
}

// order gives our quadrature point (by corner) for each of CalculiX (ξ fastest).
var order = [element.Points]int{0, 1, 3, 2, 4, 5, 7, 6}

// compare prints the largest differences from the displacements and stresses in
// a .dat file of CalculiX, relative to the largest of each.
func (v *vessel) compare(out io.Writer, path string, u []r3.Vec, stress map[int][element.Points]element.Tensor) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var du, su, ds, ss float64
	var nodes, points int
	part := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.Contains(line, "displacements"):
			part = "u"
			continue
		case strings.Contains(line, "stresses"):
			part = "s"
			continue
		}
		switch part {
		case "u":
			var n int
			var x r3.Vec
			if c, _ := fmt.Sscan(line, &n, &x.X, &x.Y, &x.Z); c == 4 && n >= 1 && n <= len(u) {
				du, su = max(du, r3.Norm(r3.Sub(x, u[n-1]))), max(su, r3.Norm(x))
				nodes++
			}
		case "s":
			var e, q int
			var t element.Tensor // xx yy zz xy xz yz there
			if c, _ := fmt.Sscan(line, &e, &q, &t[0], &t[1], &t[2], &t[3], &t[5], &t[4]); c == 8 && q >= 1 && q <= element.Points {
				s := stress[e-1][order[q-1]]
				for i, x := range t {
					ds, ss = max(ds, math.Abs(x-s[i])), max(ss, math.Abs(x))
				}
				points++
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if nodes == 0 || points == 0 {
		return fmt.Errorf("%s: %d displacements and %d stresses", path, nodes, points)
	}
	fmt.Fprintf(out, "against CalculiX: displacement differs by %.2e of the largest (%d nodes), stress by %.2e (%d points)\n", du/su, nodes, ds/ss, points)
	return nil
}
