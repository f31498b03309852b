package segmentation

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// drawLumen returns a lumen of tubes around lines, with the radii of their nodes
// or, where these have none, one radius for each line, on voxels of 0.4 mm, as a
// mask, and a CT around it.
func drawLumen(artery coronary.Artery, radii []float64, lines ...coronary.Centerline) (*imaging.Volume, []Mask) {
	lo, hi := lines[0].Nodes[0].Pos, lines[0].Nodes[0].Pos
	for _, l := range lines {
		for _, n := range l.Nodes {
			lo = r3.Vec{X: min(lo.X, n.Pos.X), Y: min(lo.Y, n.Pos.Y), Z: min(lo.Z, n.Pos.Z)}
			hi = r3.Vec{X: max(hi.X, n.Pos.X), Y: max(hi.Y, n.Pos.Y), Z: max(hi.Z, n.Pos.Z)}
		}
	}
	const h, pad = 0.4, 5.0
	d := r3.Sub(hi, lo)
	g := imaging.NewGrid([3]int{int((d.X + 2*pad) / h), int((d.Y + 2*pad) / h), int((d.Z + 2*pad) / h)}, [3]float64{h, h, h},
		r3.Sub(lo, r3.Vec{X: pad, Y: pad, Z: pad}))
	m := imaging.NewMask(g)
	for n, l := range lines {
		fine := l.Resample(0.2)
		for _, node := range fine.Nodes {
			r := node.Radius
			if math.IsNaN(r) {
				r = radii[n]
			}
			i, j, k := g.Index(node.Pos)
			c := [3]int{int(math.Round(i)), int(math.Round(j)), int(math.Round(k))}
			ball(&g, c, r+h, func(o int, _ float64) {
				if r3.Norm(r3.Sub(g.Point(coordinates(&g, o)), node.Pos)) < r {
					m.In[o] = true
				}
			})
		}
	}
	return imaging.NewVolume(g), []Mask{{Label: Label{Artery: artery, Structure: Lumen}, Name: "lumen", Mask: m}}
}

func polyline(points ...r3.Vec) coronary.Centerline { return coronary.NewCenterline(points, nil) }

// A stem with a branch must be traced as such, with the branch point and the
// lengths where they were drawn, and in spite of a hole, a spur and a loop,
// which are told with their place.
func TestBranches(t *testing.T) {
	stem := polyline(r3.Vec{}, r3.Vec{Z: -60})
	branch := polyline(r3.Vec{Z: -20}, r3.Vec{X: 18, Z: -44})
	twig := polyline(r3.Vec{X: 12, Z: -36}, r3.Vec{X: 24, Z: -36})
	spur := polyline(r3.Vec{Z: -50}, r3.Vec{X: -3.2, Z: -50})
	vol, masks := drawLumen(coronary.RCA, []float64{1.6, 1.2, 0.8, 0.6}, stem, branch, twig, spur)
	holes := 0
	for o := range masks[0].In { // a hole of 0.6 mm radius in the middle of the stem
		if p := vol.Point(coordinates(&vol.Grid, o)); r3.Norm(r3.Sub(p, r3.Vec{Z: -10})) < 0.6 {
			masks[0].In[o] = false
			holes++
		}
	}
	vessels, notes, err := Vessels(t.Context(), vol, masks, DefaultConfig())
	if err != nil || len(vessels) != 1 {
		t.Fatalf("%d vessels, %v, %v", len(vessels), err, notes)
	}
	v := &vessels[0]
	if len(v.Branches) != 2 || v.Branches[0].Mother != -1 || v.Branches[1].Mother != 0 {
		t.Fatalf("%d branches: %s", len(v.Branches), summary(v))
	}
	b, c := &v.Branches[0], &v.Branches[1]
	for _, x := range []struct {
		quantity       string
		got, want, tol float64
	}{
		{"length of the stem, mm", v.Length(), 60 + 2*1.6, 1}, // balls at its ends
		{"branch point on the stem, mm", b.At, 20 + 1.6, 1},
		{"length of the branch, mm", b.Length(), 30 + 1.2, 1},
		{"branch point on the branch, mm", c.At, 20, 1},
		{"length of the twig, mm", c.Length(), 12 + 0.8, 1},
		{"arc length of the twig from the start of the stem, mm", c.Start, 40 + 1.6, 1.5},
		{"radius of the branch, mm", b.MeanRadius(5, 15), 1.2, 0.06},
	} {
		verify.Check{Suite: "segmentation", Case: "drawn tree with a hole and a spur", Quantity: x.quantity, Source: "construction", Got: x.got, Want: x.want, Tol: x.tol}.Run(t)
	}
	if text, ok := has(notes, "PLQ-225"); !ok || !strings.Contains(text, "holes of the lumen") {
		t.Errorf("%d voxels of a hole are not told: %v", holes, notes)
	}

	// A second way between stem and branch makes a loop.
	vol, masks = drawLumen(coronary.RCA, []float64{1.6, 1.2, 0.9}, stem, branch, polyline(r3.Vec{Z: -40}, r3.Vec{X: 14, Z: -39}))
	vessels, notes, err = Vessels(t.Context(), vol, masks, DefaultConfig())
	if err != nil || len(vessels) != 1 || len(vessels[0].Branches) == 0 {
		t.Fatalf("a tree with a loop: %d vessels, %v", len(vessels), err)
	}
	if text, _ := has(notes, "PLQ-225"); !strings.Contains(text, "1 loop") {
		t.Errorf("the loop is not told: %v", notes)
	}
	if l := vessels[0].Length(); math.Abs(l-63.2) > 1.5 {
		t.Errorf("with a loop the stem is %.1f mm long", l)
	}
}

// A body has as many loops as it was given.
func TestLoops(t *testing.T) {
	g := imaging.NewGrid([3]int{20, 20, 6}, [3]float64{1, 1, 1}, r3.Vec{})
	m := imaging.NewMask(g)
	for o := range m.In {
		i, j, k := g.Coords(o)
		m.In[o] = i > 1 && i < 18 && j > 1 && j < 18 && k > 1 && k < 4
	}
	for want := range 4 {
		if got := loops(m); got != want {
			t.Errorf("%d loops, want %d", got, want)
		}
		for k := range 6 { // a hole through the plate
			m.In[g.Offset(4+4*want, 8, k)] = false
		}
	}
	if n, _ := fill(m); n != 0 {
		t.Errorf("%d voxels of open holes were filled", n)
	}
	m.In[g.Offset(4, 4, 2)] = false // closed from above by (4, 4, 3), open below
	if n, _ := fill(m); n != 0 {
		t.Errorf("%d voxels of an open hollow were filled", n)
	}
}

// A lumen that is no left tree, and one that names its artery, stay as they are.
func TestNameArteriesLeaves(t *testing.T) {
	for _, artery := range []coronary.Artery{"", coronary.RCA} {
		_, masks := drawLumen(artery, []float64{1.6, 0.6}, polyline(r3.Vec{}, r3.Vec{Z: -60}), polyline(r3.Vec{Z: -20}, r3.Vec{X: 25, Z: -44}))
		got, notes, err := NameArteries(t.Context(), masks, DefaultConfig())
		if err != nil || len(notes) > 0 || len(got) != 1 || got[0] != masks[0] {
			t.Errorf("%q: %d masks, %v, %v", artery, len(got), notes, err)
		}
	}
	if got, _, err := NameArteries(t.Context(), nil, DefaultConfig()); err != nil || len(got) != 0 {
		t.Errorf("nothing: %v, %v", got, err)
	}
}
