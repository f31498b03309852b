package solid

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// calculix solves the body with CalculiX and returns displacement and stress,
// averaged over elements, at the nodes. cards are the material's lines.
func calculix(t *testing.T, b *Body, kind, cards string) (u []r3.Vec, s []element.Tensor) {
	t.Helper()
	var d strings.Builder
	m := b.Mesh
	d.WriteString("*NODE, NSET=ALL\n")
	for n, p := range m.Nodes {
		fmt.Fprintf(&d, "%d, %.12g, %.12g, %.12g\n", n+1, p.X, p.Y, p.Z)
	}
	fmt.Fprintf(&d, "*ELEMENT, TYPE=%s, ELSET=E\n", kind)
	for e := range m.Cells() {
		fmt.Fprintf(&d, "%d", e+1)
		for a, n := range m.Cell(e) {
			if a == 15 {
				d.WriteString(",\n")
			} else {
				d.WriteString(", ")
			}
			fmt.Fprint(&d, n+1)
		}
		d.WriteString("\n")
	}
	d.WriteString("*MATERIAL, NAME=M\n" + cards + "*SOLID SECTION, ELSET=E, MATERIAL=M\n*BOUNDARY\n")
	for _, f := range b.Fixed {
		fmt.Fprintf(&d, "%d, %d, %d\n", f.Node+1, f.Axis+1, f.Axis+1)
	}
	step := "*STEP\n*STATIC\n"
	if b.Finite {
		// The default stops at half a per cent of the forces.
		step = "*STEP, NLGEOM\n*CONTROLS, PARAMETERS=FIELD\n1e-7, 1e-6, , , 1e-7\n*STATIC\n0.25, 1.\n"
	}
	d.WriteString(step + "*DLOAD\n")
	for _, p := range b.Pressures {
		for _, side := range p.Sides {
			fmt.Fprintf(&d, "%d, P%d, %g\n", side.Cell+1, side.Face+1, p.Value)
		}
	}
	d.WriteString("*NODE FILE\nU\n*EL FILE\nS\n*END STEP\n")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "case.inp"), []byte(d.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "ccx", "case")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ccx: %v\n%s", err, out)
	}
	f, err := os.Open(filepath.Join(dir, "case.frd"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	u, s = make([]r3.Vec, len(m.Nodes)), make([]element.Tensor, len(m.Nodes))
	block := ""
	for in := bufio.NewScanner(f); in.Scan(); {
		line := in.Text()
		if strings.HasPrefix(line, " -4") {
			block = strings.Fields(line)[1]
		}
		if !strings.HasPrefix(line, " -1") || block != "DISP" && block != "STRESS" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(line[3:13]))
		if err != nil {
			t.Fatal(err)
		}
		var v [6]float64
		for i := 0; 13+12*i+12 <= len(line) && i < 6; i++ {
			if v[i], err = strconv.ParseFloat(strings.TrimSpace(line[13+12*i:25+12*i]), 64); err != nil {
				t.Fatal(err)
			}
		}
		if block == "DISP" { // of the last step that is written
			u[n-1] = r3.Vec{X: v[0], Y: v[1], Z: v[2]}
		} else {
			s[n-1] = v
		}
	}
	return u, s
}

// The same mesh in CalculiX, linear and neo-Hookean: displacement to 0.1 %, stress
// to 1 %, at mid-wall, where both recover stress from elements on all sides.
func TestCalculiX(t *testing.T) {
	if testing.Short() {
		t.Skip("runs CalculiX")
	}
	if _, err := exec.LookPath("ccx"); err != nil {
		t.Skip("no ccx: install Debian's calculix-ccx")
	}
	for _, test := range []struct {
		kind, type_     string
		through, around int
		law             material.Law
		cards           string
		finite          bool
		name            string
	}{
		{"hex8", "C3D8", 24, 24, elastic(500, 0.3), "*ELASTIC\n500., 0.3\n", false, "linear, ν = 0.3"},
		{"hex8", "C3D8", 24, 24, elastic(500, 0.45), "*ELASTIC\n500., 0.45\n", false, "linear, ν = 0.45"},
		{"hex8 enhanced", "C3D8I", 24, 24, elastic(500, 0.45), "*ELASTIC\n500., 0.45\n", false, "linear, ν = 0.45"},
		{"hex20", "C3D20R", 8, 8, elastic(500, 0.45), "*ELASTIC\n500., 0.45\n", false, "linear, ν = 0.45"},
		{"tet10", "C3D10", 8, 12, elastic(500, 0.45), "*ELASTIC\n500., 0.45\n", false, "linear, ν = 0.45"},
		{"hex8", "C3D8", 40, 40, material.NeoHookean(30, 3000), nhCards(30, 3000), true, "neo-Hooke, K = 3000"},
		{"hex20", "C3D20R", 8, 8, material.NeoHookean(30, 3000), nhCards(30, 3000), true, "neo-Hooke, K = 3000"},
		{"tet10", "C3D10", 8, 12, material.NeoHookean(30, 300), nhCards(30, 300), true, "neo-Hooke, K = 300"},
	} {
		b := quarter(test.kind, []float64{1.5, 2.5}, test.through, test.around, 1, 0.1, []material.Law{test.law}, test.finite)
		b.Pressures = []Pressure{{lumen(b.Mesh, 1.5), 16}}
		f := fieldsOf(t, b, 4)
		u, s := calculix(t, b, test.type_, test.cards)
		var worst, scale float64
		for n := range u {
			worst, scale = max(worst, r3.Norm(r3.Sub(u[n], f.Displacement(n)))), max(scale, r3.Norm(u[n]))
		}
		name := fmt.Sprintf("CalculiX %s, %d × %d, %s", test.type_, test.through, test.around, test.name)
		verify.Check{Suite: "mechanics", Case: name, Quantity: "largest difference of displacement over the largest displacement",
			Source: "CalculiX 2.20 on the same mesh", Got: worst / scale, Want: 0, Tol: 1e-3}.Run(t)
		var stress, most float64
		for e := range b.Mesh.Cells() {
			for a, n := range b.Mesh.Cell(e) {
				p := b.Mesh.Nodes[n]
				if r := math.Hypot(p.X, p.Y); r < 1.7 || r > 2.3 || a >= b.Mesh.Types[e].Corners() {
					continue
				}
				_, mine, _ := polar(f.Nodal[f.nodalOf[e][a]].Stress, p)
				_, theirs, _ := polar(s[n], p)
				stress, most = max(stress, math.Abs(mine-theirs)), max(most, math.Abs(theirs))
			}
		}
		verify.Check{Suite: "mechanics", Case: name, Quantity: "largest difference of hoop stress over the largest, 1.7 mm < r < 2.3 mm",
			Source: "CalculiX 2.20 on the same mesh", Got: stress / most, Want: 0, Tol: 1e-2}.Run(t)
	}
}

// nhCards is the neo-Hookean law W = C10 (Ī₁ − 3) + (J − 1)²/D1 of CalculiX, with
// D1 = 2/K.
func nhCards(c10, k float64) string {
	return fmt.Sprintf("*HYPERELASTIC, NEO HOOKE\n%g, %.12g\n", c10, 2/k)
}
