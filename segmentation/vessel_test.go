package segmentation

import (
	"bytes"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
	"github.com/plaquerisk/plaquerisk/risk"
)

// errorsOf compares the complete sections of v with the tube: relative area
// errors of lumen and outer wall, and distances from the axis.
func errorsOf(tb *tube, v *coronary.Vessel) (lumen, wall, off []float64) {
	area := func(r float64) float64 { return math.Pi * r * r }
	for n := range v.Sections {
		s := &v.Sections[n]
		if !s.Complete() {
			continue
		}
		at, e := tb.line.Project(s.Frame.Origin)
		lumen = append(lumen, s.Lumen.Area()/area(tb.lumen(at))-1)
		wall = append(wall, s.Wall.Area()/area(tb.outer(at))-1)
		off = append(off, e)
	}
	return lumen, wall, off
}

// A straight tube at an oblique angle must keep its length, its areas in the
// mean and its axis, for lumens from three voxels across.
func TestObliqueCylinder(t *testing.T) {
	for _, d := range []float64{1.2, 2, 3, 4} {
		if testing.Short() && d != 2 {
			continue
		}
		tb := tube{line: straight(r3.Vec{X: 0.4, Y: 0.5, Z: -0.77}, 40), lumen: constant(d / 2), outer: constant(d/2 + 0.7)}
		vol, masks := tb.voxelise(0.4)
		v, _, _ := trace(t, vol, masks, DefaultConfig())
		lumen, wall, off := errorsOf(&tb, &v)
		if len(lumen) < len(v.Sections)-2 {
			t.Errorf("diameter %g mm: %d of %d sections are complete", d, len(lumen), len(v.Sections))
		}
		what := fmt.Sprintf("oblique cylinder of %g mm on voxels of 0.4 mm", d)
		tol := 0.03
		if d < 2 { // a lumen of three voxels
			tol = 0.06
		}
		for _, c := range []struct {
			quantity       string
			got, want, tol float64
		}{
			{"length, mm", v.Length(), 40, 0.8},
			{"mean relative error of lumen area", mean(lumen), 0, tol},
			{"mean relative error of vessel area", mean(wall), 0, 0.03},
			{"mean distance from the axis, mm", mean(off), 0, 0.05},
		} {
			verify.Check{Suite: "segmentation", Case: what, Quantity: c.quantity, Source: "construction", Got: c.got, Want: c.want, Tol: c.tol}.Run(t)
		}
	}
}

// A tapering helical arc must keep length, areas and curvature.
func TestTaperingArc(t *testing.T) {
	line := arc(20, 3, 8)
	l := line.Length()
	r := func(s float64) float64 { return 2 - s/l }
	tb := tube{line: line, lumen: r, outer: func(s float64) float64 { return r(s) + 0.6 }}
	vol, masks := tb.voxelise(0.4)
	v, _, _ := trace(t, vol, masks, DefaultConfig())
	lumen, wall, off := errorsOf(&tb, &v)
	abs := func(x []float64, q float64) float64 {
		var a []float64
		for _, e := range x {
			a = append(a, math.Abs(e))
		}
		slices.Sort(a)
		return a[int(q*float64(len(a)-1))]
	}
	smooth := v.Centerline.Smooth(2)
	k := smooth.Curvature()
	for _, c := range []struct {
		quantity       string
		got, want, tol float64
	}{
		{"length, mm", v.Length(), l, 0.02 * l},
		{"median error of lumen area", abs(lumen, 0.5), 0, 0.03},
		{"95th percentile of the error of lumen area", abs(lumen, 0.95), 0, 0.08},
		{"median error of vessel area", abs(wall, 0.5), 0, 0.03},
		{"mean distance from the axis, mm", mean(off), 0, 0.15},
		{"mean curvature 5 mm from the ends, 1/mm", mean(k[10 : len(k)-10]), 20. / (20*20 + 8*8), 0.003},
	} {
		verify.Check{Suite: "segmentation", Case: "helical arc, lumen 4 to 2 mm, on voxels of 0.4 mm", Quantity: c.quantity, Source: "construction", Got: c.got, Want: c.want, Tol: c.tol}.Run(t)
	}
	if v.Sections[0].LumenDiameter() < v.Sections[len(v.Sections)-1].LumenDiameter() {
		t.Errorf("the vessel starts at its narrow end")
	}
}

// lesionTube is a bent, tapering vessel with an eccentric, remodelled plaque of
// 12 mm between 19 and 31 mm and the given diameter stenosis (0 to 1).
func lesionTube(stenosis float64) tube {
	line := arc(25, 2, 10)
	bump := func(s float64) float64 {
		x := (s - 25) / 6
		if math.Abs(x) > 1 {
			return 0
		}
		return (1 + math.Cos(math.Pi*x)) / 2
	}
	ref := func(s float64) float64 { return 1.7 - 0.4*s/line.Length() }
	return tube{line: line,
		lumen:  func(s float64) float64 { return ref(s) * (1 - stenosis*bump(s)) },
		outer:  func(s float64) float64 { return (ref(s) + 0.5) * (1 + 0.2*bump(s)) },
		shift:  func(s float64) float64 { return 0.4 * bump(s) },
		plaque: func(s, theta, depth float64) bool { return bump(s) > 0 && math.Abs(theta) < 2 },
	}
}

// Stenosis, remodelling, burden, length and volume of an eccentric plaque must
// come back from its masks.
func TestEccentricPlaque(t *testing.T) {
	for _, ds := range []float64{0.25, 0.5, 0.6} {
		if testing.Short() && ds != 0.5 {
			continue
		}
		tb := lesionTube(ds)
		vol, masks := tb.voxelise(0.4)
		v, plaques, tissue := trace(t, vol, masks, DefaultConfig())
		if len(plaques) != 1 || plaques[0].Name != "RCA-1" {
			t.Fatalf("%d plaques, want RCA-1", len(plaques))
		}
		m := coronary.Measure(&v, tissue, &plaques[0])
		burden, outer := 0.0, 0.0
		for s := 19.0; s < 31; s += 0.1 {
			burden = max(burden, 100*(1-math.Pow(tb.lumen(s)/tb.outer(s), 2)))
			outer = max(outer, tb.outer(s))
		}
		for _, c := range []struct {
			quantity       string
			got, want, tol float64
		}{
			{"proximal end, mm", m.From, 19, 0.5},
			{"distal end, mm", m.To, 31, 0.5},
			{"diameter stenosis, percent", m.DiameterStenosis, 100 * ds, 3},
			{"largest burden, percent", m.Burden, burden, 3},
			{"remodelling index", m.Remodelling, 2 * outer / (tb.outer(16.8) + tb.outer(33.2)), 0.05},
			{"smallest lumen diameter, mm", m.MinLumenDiameter, 2 * tb.lumen(25), 0.06},
		} {
			verify.Check{
				Suite: "segmentation", Case: fmt.Sprintf("eccentric plaque of 12 mm, stenosis %.0f %%", 100*ds), Quantity: c.quantity,
				Source: "construction", Got: c.got, Want: c.want, Tol: c.tol,
			}.Run(t)
		}
		whole := coronary.Measure(&v, tissue, nil)
		if math.Abs(whole.DiameterStenosis-m.DiameterStenosis) > 1 || math.Abs(whole.Plaque-m.Plaque) > 1e-6 {
			t.Errorf("artery has stenosis %.1f and plaque %.2f, its only plaque %.1f and %.2f", whole.DiameterStenosis, whole.Plaque, m.DiameterStenosis, m.Plaque)
		}
		// Plaque is 80 HU: fibro-fatty, and nothing else.
		if m.FibroFatty != m.Plaque || m.LowAttenuation != 0 {
			t.Errorf("fibro-fatty %.2f of %.2f mm³", m.FibroFatty, m.Plaque)
		}
	}
}

// A plaque that does not lie on the vessel of its artery has a volume, but no
// place along that vessel, and so neither stenosis nor stress of it.
func TestPlaqueElsewhere(t *testing.T) {
	tb := lesionTube(0.5)
	vol, masks := tb.voxelise(0.4)
	v, plaques, _ := trace(t, vol, masks, DefaultConfig())
	far := *plaques[0].Mask
	far.Origin = r3.Add(far.Origin, r3.Scale(50*0.4, vol.Axes[2])) // on the lattice, if outside the CT
	masks = append(masks, Mask{Label: Label{v.Artery, Plaque, 2}, Name: "far", Mask: &far})
	got, notes, err := Plaques(t.Context(), vol, []coronary.Vessel{v}, masks, DefaultConfig())
	if err != nil || len(got) != 2 {
		t.Fatalf("%d plaques, %v", len(got), err)
	}
	if _, ok := has(notes, "PLQ-224"); !ok || !math.IsNaN(got[1].From) || got[0].From != plaques[0].From {
		t.Errorf("from %g and %g mm; %v", got[0].From, got[1].From, notes)
	}
}

// A plaque without an artery, cut out of the wall as in a map of exclusive
// labels, belongs to the outer wall like a named one; and a tiny numbered plaque
// is noted.
func TestUnnamedPlaque(t *testing.T) {
	tb := lesionTube(0.5)
	vol, masks := tb.voxelise(0.4)
	want, _, _ := trace(t, vol, masks, DefaultConfig())
	for n := range masks {
		switch masks[n].Structure {
		case Plaque:
			masks[n].Artery, masks[n].Instance = "", 0
			for w := range masks {
				if masks[w].Structure == Wall {
					masks[w].Mask = without(masks[w].Mask, masks[n].Mask)
				}
			}
		}
	}
	got, plaques, _ := trace(t, vol, masks, DefaultConfig())
	if len(plaques) != 1 || plaques[0].Artery != want.Artery {
		t.Fatalf("%d plaques, %+v", len(plaques), plaques)
	}
	for n := range want.Sections {
		if a, b := want.Sections[n].Wall.Area(), got.Sections[n].Wall.Area(); math.Abs(a-b) > 1e-6 {
			t.Fatalf("section %d: outer area %.3f mm², want %.3f", n, b, a)
		}
	}
	one := imaging.NewMask(vol.Grid)
	for o, in := range plaques[0].Mask.In {
		if in {
			x, y, z := vol.Index(plaques[0].Mask.Point(coordinates(&plaques[0].Mask.Grid, o)))
			one.In[one.Offset(int(math.Round(x)), int(math.Round(y)), int(math.Round(z)))] = true
			break
		}
	}
	for n := range masks {
		if masks[n].Structure == Plaque {
			masks[n].Mask, masks[n].Label = one, Label{want.Artery, Plaque, 1}
		}
	}
	_, notes, err := Plaques(t.Context(), vol, []coronary.Vessel{want}, masks, DefaultConfig())
	if _, ok := has(notes, "PLQ-221"); !ok || err != nil {
		t.Errorf("a plaque of one voxel: %v, %v", notes, err)
	}
}

// The same masks must give the same vessel on any number of processors.
func TestDeterminism(t *testing.T) {
	tb := lesionTube(0.5)
	vol, masks := tb.voxelise(0.6)
	text := func() []byte {
		v, p, tissue := trace(t, vol, masks, DefaultConfig())
		return fmt.Appendf(nil, "%v %v %v", v, p[0].From, tissue.Class)
	}
	a := text()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if !bytes.Equal(a, text()) {
		t.Error("one processor gives another vessel than many")
	}
}

// has tells whether one of the notes has the code, and its text.
func has(notes []risk.Note, code string) (string, bool) {
	for _, n := range notes {
		if n.Code == code {
			return n.Text, true
		}
	}
	return "", false
}

// Masks that make no sense must give notes, never a panic, and what can be
// computed must be computed.
func TestOddMasks(t *testing.T) {
	g := imaging.NewGrid([3]int{40, 40, 60}, [3]float64{0.5, 0.5, 0.5}, r3.Vec{})
	vol := imaging.NewVolume(g)
	box := func(lo, hi [3]int) *imaging.Mask {
		m := imaging.NewMask(g)
		for k := lo[2]; k < hi[2]; k++ {
			for j := lo[1]; j < hi[1]; j++ {
				for i := lo[0]; i < hi[0]; i++ {
					m.In[g.Offset(i, j, k)] = true
				}
			}
		}
		return m
	}
	both := func(a, b *imaging.Mask) *imaging.Mask { return union(0, a, b) }
	ring := func() *imaging.Mask { // a closed loop
		m := imaging.NewMask(g)
		for n := range m.In {
			i, j, k := g.Coords(n)
			if r := math.Hypot(float64(i)-20, float64(k)-30); math.Abs(r-12) < 3 && j > 15 && j < 22 {
				m.In[n] = true
			}
		}
		return m
	}
	for _, test := range []struct {
		name    string
		masks   []Mask
		vessels int
		plaques int
		codes   []string
	}{
		{"nothing", nil, 0, 0, []string{"PLQ-220"}},
		{"one voxel of lumen", []Mask{{Label{coronary.LAD, Lumen, 0}, "l", box([3]int{5, 5, 5}, [3]int{6, 6, 6})}}, 0, 0, []string{"PLQ-211"}},
		{"a flat lumen of one voxel", []Mask{{Label{coronary.LAD, Lumen, 0}, "l", box([3]int{5, 5, 5}, [3]int{6, 6, 30})}}, 1, 0, []string{"PLQ-212"}},
		{"an empty lumen", []Mask{{Label{coronary.LAD, Lumen, 0}, "l", imaging.NewMask(g)}}, 0, 0, nil},
		{"plaque alone", []Mask{{Label{"", Plaque, 0}, "p", box([3]int{5, 5, 5}, [3]int{9, 9, 9})}}, 0, 1, []string{"PLQ-220"}},
		{"specks", []Mask{{Label{"", Plaque, 0}, "p", box([3]int{5, 5, 5}, [3]int{6, 6, 6})}}, 0, 0, []string{"PLQ-221"}},
		{"an empty plaque", []Mask{{Label{coronary.LAD, Plaque, 1}, "p", imaging.NewMask(g)}}, 0, 0, []string{"PLQ-202"}},
		{"a lumen through the whole CT", []Mask{{Label{coronary.RCA, Lumen, 0}, "l", box([3]int{10, 10, 0}, [3]int{16, 16, 60})}}, 1, 0, []string{"PLQ-216", "PLQ-212"}},
		{"a lumen in two parts", []Mask{{Label{coronary.RCA, Lumen, 0}, "l", both(box([3]int{10, 10, 4}, [3]int{16, 16, 40}), box([3]int{10, 10, 44}, [3]int{16, 16, 50}))}}, 1, 0, []string{"PLQ-210"}},
		{"a closed loop", []Mask{{Label{coronary.RCA, Lumen, 0}, "l", ring()}}, 1, 0, nil},
		{"a spur", []Mask{{Label{coronary.RCA, Lumen, 0}, "l", both(box([3]int{10, 10, 4}, [3]int{16, 16, 50}), box([3]int{16, 10, 30}, [3]int{25, 14, 34}))}}, 1, 0, nil},
		{"a block", []Mask{{Label{coronary.RCA, Lumen, 0}, "l", box([3]int{10, 10, 10}, [3]int{30, 30, 30})}}, 1, 0, nil},
		{"a wall without lumen", []Mask{{Label{coronary.LCX, Wall, 0}, "w", box([3]int{10, 10, 4}, [3]int{16, 16, 40})}}, 0, 0, []string{"PLQ-211"}},
		{"a wall inside the lumen", []Mask{
			{Label{coronary.LCX, Lumen, 0}, "l", box([3]int{10, 10, 4}, [3]int{20, 20, 40})},
			{Label{coronary.LCX, Wall, 0}, "w", box([3]int{13, 13, 4}, [3]int{15, 15, 40})},
		}, 1, 0, []string{"PLQ-215"}},
		{"a thick wall without plaque", []Mask{
			{Label{coronary.LCX, Lumen, 0}, "l", box([3]int{16, 16, 4}, [3]int{20, 20, 40})},
			{Label{coronary.LCX, Wall, 0}, "w", box([3]int{10, 10, 4}, [3]int{26, 26, 40})},
		}, 1, 1, []string{"PLQ-222"}},
		{"plaque without artery beside a vessel", []Mask{
			{Label{coronary.LCX, Lumen, 0}, "l", box([3]int{16, 16, 4}, [3]int{20, 20, 40})},
			{Label{"", Calcified, 0}, "c", box([3]int{20, 16, 10}, [3]int{23, 20, 20})},
		}, 1, 1, []string{"PLQ-223"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			masks, notes, err := Match(&g, slices.DeleteFunc(slices.Clone(test.masks), func(m Mask) bool { return m.Count() == 0 }))
			if err != nil {
				t.Fatal(err)
			}
			if len(masks) == 0 {
				masks = test.masks
			}
			vessels, more, err := Vessels(t.Context(), vol, masks, DefaultConfig())
			if err != nil {
				t.Fatal(err)
			}
			plaques, again, err := Plaques(t.Context(), vol, vessels, masks, DefaultConfig())
			if err != nil {
				t.Fatal(err)
			}
			notes = slices.Concat(notes, more, again)
			if len(vessels) != test.vessels || len(plaques) != test.plaques {
				t.Errorf("%d vessels and %d plaques, want %d and %d", len(vessels), len(plaques), test.vessels, test.plaques)
			}
			for _, c := range test.codes {
				if _, ok := has(notes, c); !ok {
					t.Errorf("no note %s", c)
				}
			}
			for _, n := range notes {
				t.Logf("%s %s: %s", n.Code, n.Where, n.Text)
				if !slices.ContainsFunc(NoteCodes, func(c risk.Code) bool { return c.Code == n.Code }) || strings.Contains(n.Text, "%!") {
					t.Errorf("note %s is not documented or not well written: %s", n.Code, n.Text)
				}
			}
			for n := range vessels {
				tissue, err := Tissues(t.Context(), vol, &vessels[n], masks, plaques, DefaultConfig())
				if err != nil {
					t.Fatal(err)
				}
				coronary.Measure(&vessels[n], tissue, nil)
				for _, p := range plaques {
					coronary.Measure(&vessels[n], tissue, &p)
				}
			}
			for _, p := range plaques {
				coronary.Measure(nil, nil, &p)
				if p.Tissue == nil || p.Tissue.Size != p.Mask.Size {
					t.Errorf("%s: tissue is not on the grid of the mask", p.Name)
				}
			}
		})
	}
}

// Vessels meet at the left main: the arteries begin where they touch it.
func TestOrientation(t *testing.T) {
	g := imaging.NewGrid([3]int{60, 40, 80}, [3]float64{0.5, 0.5, 0.5}, r3.Vec{})
	tube := func(a, b r3.Vec, r float64) *imaging.Mask {
		m := imaging.NewMask(g)
		line := coronary.NewCenterline([]r3.Vec{a, b}, nil)
		for n := range m.In {
			_, d := line.Project(g.Point(coordinates(&g, n)))
			m.In[n] = d < r
		}
		return tight(m, 0)
	}
	// The LAD widens distally and goes up; only the left main tells the truth.
	masks := []Mask{
		{Label{coronary.LM, Lumen, 0}, "LM", tube(r3.Vec{X: 5, Y: 10, Z: 20}, r3.Vec{X: 13, Y: 10, Z: 20}, 2)},
		{Label{coronary.LAD, Lumen, 0}, "LAD", tube(r3.Vec{X: 15, Y: 10, Z: 20}, r3.Vec{X: 20, Y: 10, Z: 35}, 1.5)},
	}
	vessels, notes, err := Vessels(t.Context(), imaging.NewVolume(g), masks, DefaultConfig())
	if err != nil || len(vessels) != 2 {
		t.Fatalf("%d vessels, %v", len(vessels), err)
	}
	if x := vessels[0].Nodes[0].Pos.X; x > 8 {
		t.Errorf("the left main starts at x = %.1f mm, want at its ostium", x)
	}
	if z := vessels[1].Nodes[0].Pos.Z; z > 25 {
		t.Errorf("the LAD starts at z = %.1f mm, want at the left main", z)
	}
	if text, ok := has(notes, "PLQ-214"); ok {
		t.Errorf("a guess: %s", text)
	}
}

func mean(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s / float64(len(x))
}

// A vessel of 80 mm with wall, plaque and tissue.
func BenchmarkVessel(b *testing.B) {
	line := arc(25, 3, 10)
	tb := tube{line: line, lumen: constant(1.5), outer: constant(2.2), plaque: func(s, theta, depth float64) bool { return s > 20 && s < 30 }}
	vol, masks := tb.voxelise(0.4)
	b.ReportAllocs()
	for b.Loop() {
		v, p, tissue := trace(b, vol, masks, DefaultConfig())
		coronary.Measure(&v, tissue, &p[0])
	}
}
