package segmentation

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// tube is an artery given by formulas: circles around a curve.
type tube struct {
	line   coronary.Centerline // fine
	lumen  func(s float64) float64
	outer  func(s float64) float64
	shift  func(s float64) float64            // of the outer circle along N, mm
	plaque func(s, theta, depth float64) bool // of a wall voxel; nil: none
	frames []coronary.Frame
}

func (t *tube) frame(s float64) *coronary.Frame {
	if t.frames == nil {
		var at []float64
		for _, n := range t.line.Nodes {
			at = append(at, n.S)
		}
		t.frames = t.line.Frames(at)
	}
	n := int(math.Round(s / t.line.Length() * float64(len(t.frames)-1)))
	return &t.frames[min(max(n, 0), len(t.frames)-1)]
}

// voxelise returns a CT of 100 HU, wall 60 HU, plaque 80 HU and lumen 400 HU,
// and the masks of lumen, wall and plaque by voxel centres, on voxels of size h.
func (t *tube) voxelise(spacing ...float64) (*imaging.Volume, []Mask) {
	h := spacing[0]
	hz := spacing[len(spacing)-1]
	lo, hi := t.line.Nodes[0].Pos, t.line.Nodes[0].Pos
	for _, n := range t.line.Nodes {
		lo = r3.Vec{X: min(lo.X, n.Pos.X), Y: min(lo.Y, n.Pos.Y), Z: min(lo.Z, n.Pos.Z)}
		hi = r3.Vec{X: max(hi.X, n.Pos.X), Y: max(hi.Y, n.Pos.Y), Z: max(hi.Z, n.Pos.Z)}
	}
	const pad = 6
	d := r3.Add(r3.Sub(hi, lo), r3.Vec{X: 2 * pad, Y: 2 * pad, Z: 2 * pad})
	g := imaging.NewGrid([3]int{int(d.X/h) + 1, int(d.Y/h) + 1, int(d.Z/hz) + 1}, [3]float64{h, h, hz}, r3.Sub(lo, r3.Vec{X: pad, Y: pad, Z: pad}))
	vol := imaging.NewVolume(g)
	masks := map[Structure]*imaging.Mask{Lumen: imaging.NewMask(g), Wall: imaging.NewMask(g), Plaque: imaging.NewMask(g)}
	// Only voxels near the curve are projected.
	near := imaging.NewMask(g)
	r := int(5/h) + 1
	for n := 0; n < len(t.line.Nodes); n += 20 {
		x, y, z := g.Index(t.line.Nodes[n].Pos)
		for k := int(z) - r; k <= int(z)+r; k++ {
			for j := int(y) - r; j <= int(y)+r; j++ {
				for i := int(x) - r; i <= int(x)+r; i++ {
					if g.Inside(i, j, k) {
						near.In[g.Offset(i, j, k)] = true
					}
				}
			}
		}
	}
	length := t.line.Length()
	for o := range vol.Values {
		vol.Values[o] = 100
		if !near.In[o] {
			continue
		}
		p := g.Point(coordinates(&g, o))
		s, dist := t.line.Project(p)
		if e := r3.Sub(p, t.line.At(s)); (s <= 0 || s >= length) && math.Abs(r3.Dot(e, t.line.Tangent(s))) > 1e-6 {
			continue // beyond the flat ends
		}
		if dist < t.lumen(s) {
			masks[Lumen].In[o] = true
			vol.Values[o] = 400
			continue
		}
		if t.outer == nil {
			continue
		}
		f := t.frame(s)
		q := r3.Sub(p, f.Origin)
		x, y := r3.Dot(q, f.N), r3.Dot(q, f.B)
		dx := 0.0
		if t.shift != nil {
			dx = t.shift(s)
		}
		if math.Hypot(x-dx, y) < t.outer(s) {
			masks[Wall].In[o] = true
			vol.Values[o] = 60
			if t.plaque != nil && t.plaque(s, math.Atan2(y, x), dist-t.lumen(s)) {
				masks[Plaque].In[o] = true
				vol.Values[o] = 80
			}
		}
	}
	var out []Mask
	for _, s := range []Structure{Lumen, Wall, Plaque} {
		if m := tight(masks[s], 0); m != nil {
			out = append(out, Mask{Label: Label{Artery: coronary.RCA, Structure: s}, Name: "RCA " + string(s), Mask: m})
		}
	}
	return vol, out
}

// straight returns a line of the given length along u.
func straight(u r3.Vec, length float64) coronary.Centerline {
	var points []r3.Vec
	for s := 0.0; s <= length+1e-9; s += 0.1 {
		points = append(points, r3.Scale(s, r3.Unit(u)))
	}
	return coronary.NewCenterline(points, nil)
}

// arc returns a helical arc of radius R that turns by angle and rises by pitch
// per rad.
func arc(R, angle, pitch float64) coronary.Centerline {
	var points []r3.Vec
	n := int(math.Hypot(R, pitch) * angle / 0.1)
	for i := 0; i <= n; i++ {
		a := angle * float64(i) / float64(n)
		points = append(points, r3.Vec{X: R * math.Cos(a), Y: R * math.Sin(a), Z: -pitch * a})
	}
	return coronary.NewCenterline(points, nil)
}

func constant(x float64) func(float64) float64 { return func(float64) float64 { return x } }

// trace runs the stage on a tube and fails on any error.
func trace(t testing.TB, vol *imaging.Volume, masks []Mask, cfg Config) (coronary.Vessel, []coronary.Plaque, *imaging.Labels) {
	t.Helper()
	vessels, notes, err := Vessels(t.Context(), vol, masks, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(vessels) != 1 {
		t.Fatalf("%d vessels, want 1; notes %v", len(vessels), notes)
	}
	plaques, more, err := Plaques(t.Context(), vol, vessels, masks, cfg)
	if err != nil {
		t.Fatal(err)
	}
	tissue, err := Tissues(t.Context(), vol, &vessels[0], masks, plaques, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range append(notes, more...) {
		t.Logf("%s %s: %s", n.Code, n.Where, n.Text)
	}
	return vessels[0], plaques, tissue
}
