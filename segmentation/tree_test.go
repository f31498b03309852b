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

// A real branch, drawn with voxels of 0.4 mm and traced again, must keep the
// length, the diameters at its ends (means over five nodes, as published) and,
// after smoothing, the curvature.
func TestLeftTree(t *testing.T) {
	branches := readTree(t, verify.Shared(t, "data", "ct", "coronary-geometry", "left-tree-A", "227A_Centreline.vtk"))
	for _, want := range []struct {
		branch                       int
		length, near, far, curvature float64
	}{
		{1, 34.5, 3.19, 2.73, 0.056},
		{3, 98.5, 2.70, 1.48, 0.067},
	} {
		if testing.Short() && want.length > 50 {
			continue
		}
		line := branches[want.branch]
		tb := tube{line: line.Resample(0.1), lumen: line.RadiusAt}
		vol, masks := tb.voxelise(0.4)
		v, _, _ := trace(t, vol, masks, DefaultConfig())
		diameter := func(nodes []coronary.Node) float64 {
			var d []float64
			for _, node := range nodes {
				best, at := math.Inf(1), 0.0
				for i := range v.Sections {
					s := &v.Sections[i]
					if e := r3.Norm(r3.Sub(s.Frame.Origin, node.Pos)); e < best && len(s.Lumen.Points) > 0 {
						best, at = e, s.LumenDiameter()
					}
				}
				d = append(d, at)
			}
			return mean(d)
		}
		smooth := v.Centerline.Smooth(2)
		for _, c := range []struct {
			quantity       string
			got, want, tol float64
		}{
			{"length, mm", v.Length(), want.length, 0.03 * want.length},
			{"near diameter, mm", diameter(line.Nodes[:5]), want.near, 0.03 * want.near},
			{"far diameter, mm", diameter(line.Nodes[len(line.Nodes)-5:]), want.far, 0.03 * want.far},
			{"mean curvature, 1/mm", mean(smooth.Curvature()), want.curvature, 0.1 * want.curvature},
		} {
			verify.Check{
				Suite: "segmentation", Case: fmt.Sprintf("left-tree-A, branch %d, drawn at 0.4 mm and traced", want.branch+1), Quantity: c.quantity,
				Source: "branch table of the shared data (BlueFern 227A)", Got: c.got, Want: c.want, Tol: c.tol,
			}.Run(t)
		}
	}
}
