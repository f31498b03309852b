package segmentation

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// readTree reads the branches of a legacy VTK poly-line file with radii.
func readTree(t *testing.T, path string) []coronary.Centerline {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Split(bufio.ScanWords)
	next := func() string { sc.Scan(); return sc.Text() }
	seek := func(word string) {
		for sc.Scan() {
			if sc.Text() == word {
				return
			}
		}
		t.Fatalf("%s: no %s", path, word)
	}
	number := func() float64 {
		x, err := strconv.ParseFloat(next(), 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	seek("POINTS")
	points := make([]r3.Vec, int(number()))
	next()
	for n := range points {
		points[n] = r3.Vec{X: number(), Y: number(), Z: number()}
	}
	seek("LINES")
	lines := make([][]int, int(number()))
	next()
	for n := range lines {
		lines[n] = make([]int, int(number()))
		for m := range lines[n] {
			lines[n][m] = int(number())
		}
	}
	seek("LOOKUP_TABLE")
	next()
	radius := make([]float64, len(points))
	for n := range radius {
		radius[n] = number()
	}
	var out []coronary.Centerline
	for _, l := range lines {
		var ps []r3.Vec
		var rs []float64
		for _, n := range l {
			ps, rs = append(ps, points[n]), append(rs, radius[n])
		}
		out = append(out, coronary.NewCenterline(ps, rs))
	}
	return out
}

// leftTree is the branch table of the README of the shared data: length,
// diameters at both ends (means over five nodes), mean curvature after smoothing
// with σ = 2 mm.
var leftTree = []struct{ length, near, far, curvature float64 }{
	{11.6, 4.65, 4.46, 0.098}, {34.5, 3.19, 2.73, 0.056}, {93.5, 2.44, 2.12, 0.047}, {98.5, 2.70, 1.48, 0.067},
	{20.3, 3.76, 2.56, 0.048}, {96.1, 2.13, 1.54, 0.066}, {42.2, 3.41, 1.70, 0.041},
}

// Real branches, drawn with voxels of 0.4 mm and traced again, must keep their
// length, their diameters and, after smoothing, their curvature. The two branches
// whose ends are even are compared at their ends with the table, all that are
// longer than 30 mm along their whole length with what was drawn.
func TestLeftTree(t *testing.T) {
	branches := readTree(t, verify.Shared(t, "data", "ct", "coronary-geometry", "left-tree-A", "227A_Centreline.vtk"))
	for n, want := range leftTree {
		if want.length < 30 || testing.Short() && n != 1 {
			continue
		}
		line := branches[n]
		tb := tube{line: line.Resample(0.1), lumen: line.RadiusAt}
		vol, masks := tb.voxelise(0.4)
		v, _, _ := trace(t, vol, masks, DefaultConfig())
		diameter := func(nodes []coronary.Node, within float64) (got, drawn float64) {
			var d, e []float64
			for _, node := range nodes {
				best, at := within, math.NaN()
				for i := range v.Sections {
					s := &v.Sections[i]
					if e := r3.Norm(r3.Sub(s.Frame.Origin, node.Pos)); e < best && len(s.Lumen.Points) > 0 {
						best, at = e, s.LumenDiameter()
					}
				}
				if !math.IsNaN(at) {
					d, e = append(d, at), append(e, 2*node.Radius)
				}
			}
			return mean(d), mean(e)
		}
		smooth := v.Centerline.Smooth(2)
		along, drawn := diameter(line.Nodes, 0.4)
		checks := []verify.Check{
			{Quantity: "length, mm", Got: v.Length(), Want: want.length, Tol: 0.03 * want.length},
			{Quantity: "mean diameter along the branch, mm", Got: along, Want: drawn, Tol: 0.03 * drawn},
		}
		if n == 1 || n == 3 {
			near, _ := diameter(line.Nodes[:5], math.Inf(1))
			far, _ := diameter(line.Nodes[len(line.Nodes)-5:], math.Inf(1))
			checks = append(checks,
				verify.Check{Quantity: "near diameter, mm", Got: near, Want: want.near, Tol: 0.03 * want.near},
				verify.Check{Quantity: "far diameter, mm", Got: far, Want: want.far, Tol: 0.03 * want.far})
		}
		if n != 6 { // drawn from 60 nodes, which jitter; see docs/theory/segmentation.md
			checks = append(checks, verify.Check{Quantity: "mean curvature, 1/mm", Got: mean(smooth.Curvature()), Want: want.curvature, Tol: 0.1 * want.curvature})
		}
		for _, c := range checks {
			c.Suite, c.Case = "segmentation", fmt.Sprintf("left-tree-A, branch %d, drawn at 0.4 mm and traced", n+1)
			c.Source = "branch table of the shared data (BlueFern 227A)"
			c.Run(t)
		}
	}
}

// The whole tree, drawn as one lumen without names, must be named left main, LAD
// and LCX, and every branch of the table must lie on a traced centre-line.
func TestLeftTreeWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("draws a tree of 400 mm")
	}
	branches := readTree(t, verify.Shared(t, "data", "ct", "coronary-geometry", "left-tree-A", "227A_Centreline.vtk"))
	vol, masks := drawLumen("", nil, branches...)
	masks, _, err := NameArteries(t.Context(), masks, DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	vessels, notes, err := Vessels(t.Context(), vol, masks, DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notes {
		t.Logf("%s %s: %s", n.Code, n.Where, n.Text)
	}
	if len(vessels) != 3 {
		t.Fatalf("%d vessels, want LM, LAD and LCX", len(vessels))
	}
	var off []float64
	drawn, traced := 0.0, 0.0
	for n := range branches {
		line := branches[n].Resample(0.5)
		drawn += line.Length()
		for _, x := range line.Nodes {
			_, d := segmentAt(vessels, x.Pos)
			off = append(off, d)
		}
	}
	for n := range vessels {
		traced += vessels[n].Length()
		for m := range vessels[n].Branches {
			traced += vessels[n].Branches[m].Length()
		}
	}
	for _, c := range []verify.Check{
		{Quantity: "length of all centre-lines, mm", Got: traced, Want: drawn, Tol: 0.03 * drawn},
		{Quantity: "median distance of the drawn lines from the traced, mm", Got: quantile(off, 0.5), Tol: 0.15},
		{Quantity: "95th percentile of this distance, mm", Got: quantile(off, 0.95), Tol: 0.8},
	} {
		c.Suite, c.Case, c.Source = "segmentation", "left-tree-A, whole, as one lumen", "shared data (BlueFern 227A)"
		c.Run(t)
	}
}
