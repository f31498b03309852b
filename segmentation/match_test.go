package segmentation

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// ellipsoid fills an ellipsoid around c on g by voxel centres.
func ellipsoid(g imaging.Grid, c, r r3.Vec) *imaging.Mask {
	m := imaging.NewMask(g)
	for n := range m.In {
		p := r3.Sub(g.Point(coordinates(&g, n)), c)
		m.In[n] = math.Pow(p.X/r.X, 2)+math.Pow(p.Y/r.Y, 2)+math.Pow(p.Z/r.Z, 2) < 1
	}
	return m
}

// A mask on a part of the CT's grid, turned and mirrored, comes back voxel for
// voxel; on another grid it keeps its volume and place, with a note.
func TestMatch(t *testing.T) {
	ct := imaging.NewGrid([3]int{50, 60, 40}, [3]float64{0.4, 0.5, 0.6}, r3.Vec{X: -10, Y: 20, Z: 100})
	centre := ct.Point(22, 31, 17)
	radius := r3.Vec{X: 3.01, Y: 4.02, Z: 5.03}
	want := tight(ellipsoid(ct, centre, radius), 0)

	turned := imaging.Grid{ // axes k, −i, j of the CT
		Size: [3]int{38, 45, 55}, Spacing: [3]float64{0.6, 0.4, 0.5}, Origin: ct.Point(47, 2, 1),
		Axes: [3]r3.Vec{ct.Axes[2], r3.Scale(-1, ct.Axes[0]), ct.Axes[1]},
	}
	shifted := ct
	shifted.Origin = r3.Add(ct.Origin, r3.Vec{X: 0.03, Y: 0.04, Z: 0.05}) // within a tenth of a voxel
	for name, g := range map[string]imaging.Grid{"same": ct, "turned part": turned, "shifted by less than a tenth": shifted} {
		c := centre
		if name == "shifted by less than a tenth" {
			c = r3.Add(c, r3.Vec{X: 0.03, Y: 0.04, Z: 0.05})
		}
		got, notes, err := Match(&ct, []Mask{{Name: "x", Mask: ellipsoid(g, c, radius)}})
		if err != nil || len(notes) > 0 || len(got) != 1 {
			t.Fatalf("%s: %d masks, %v, %v", name, len(got), notes, err)
		}
		if m := got[0].Mask; !m.Grid.Same(&want.Grid) || shared(m, want) != want.Count() || m.Count() != want.Count() {
			t.Errorf("%s: %d voxels on %s, want %d on %s", name, m.Count(), m.Grid.String(), want.Count(), want.Grid.String())
		}
	}

	other := imaging.NewGrid([3]int{60, 60, 60}, [3]float64{0.35, 0.35, 0.35}, r3.Sub(centre, r3.Vec{X: 10, Y: 10, Z: 10}))
	got, notes, err := Match(&ct, []Mask{{Name: "x", Mask: ellipsoid(other, centre, radius)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := has(notes, "PLQ-205"); !ok {
		t.Errorf("resampled without a note")
	}
	if v, w := got[0].VolumeMM3(), 4./3*math.Pi*radius.X*radius.Y*radius.Z; math.Abs(v/w-1) > 0.02 {
		t.Errorf("volume %.1f mm³, want %.1f", v, w)
	}
	if p, _ := middle(got[0].Mask); r3.Norm(r3.Sub(p, centre)) > 0.05 {
		t.Errorf("centre %v, want %v", p, centre)
	}
}

// Two masks that share a border and are shifted by half a voxel keep their
// volumes within 5 % and share no voxel.
func TestMatchHalfVoxel(t *testing.T) {
	ct := imaging.NewGrid([3]int{40, 40, 40}, [3]float64{0.4, 0.4, 0.4}, r3.Vec{})
	g := ct
	g.Origin = r3.Vec{X: 0.2, Y: 0.2, Z: 0.2}
	centre := g.Point(20, 20, 20)
	core := ellipsoid(g, centre, r3.Vec{X: 2, Y: 2, Z: 4})
	shell := ellipsoid(g, centre, r3.Vec{X: 3, Y: 3, Z: 5})
	for n := range shell.In {
		shell.In[n] = shell.In[n] && !core.In[n]
	}
	got, _, err := Match(&ct, []Mask{{Name: "core", Mask: core}, {Name: "shell", Mask: shell}})
	if err != nil || len(got) != 2 {
		t.Fatalf("%d masks, %v", len(got), err)
	}
	for n, m := range []*imaging.Mask{core, shell} {
		if v, w := got[n].VolumeMM3(), m.VolumeMM3(); math.Abs(v/w-1) > 0.05 {
			t.Errorf("%s: %.1f mm³, want %.1f", got[n].Name, v, w)
		}
	}
	if n := shared(got[0].Mask, got[1].Mask); n > 0 {
		t.Errorf("%d voxels are in both", n)
	}
}

// A mask outside the CT is an error with both grids; one that sticks out is
// cut, with a note.
func TestMatchOutside(t *testing.T) {
	ct := imaging.NewGrid([3]int{20, 20, 20}, [3]float64{1, 1, 1}, r3.Vec{})
	far := imaging.NewGrid([3]int{5, 5, 5}, [3]float64{1, 1, 1}, r3.Vec{X: 100})
	m := imaging.NewMask(far)
	m.In[0] = true
	if _, _, err := Match(&ct, []Mask{{Name: "far", Mask: m}}); err == nil || !strings.Contains(err.Error(), far.String()) || !strings.Contains(err.Error(), ct.String()) {
		t.Errorf("got %v, want an error with both grids", err)
	}
	for name, size := range map[string][3]float64{"aligned": {1, 1, 1}, "resampled": {0.8, 1, 1}} {
		out := imaging.NewGrid([3]int{10, 3, 3}, size, r3.Vec{X: 15, Y: 5, Z: 5})
		m = imaging.NewMask(out)
		for n := range m.In {
			m.In[n] = true
		}
		got, notes, err := Match(&ct, []Mask{{Name: "x", Mask: m}})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := has(notes, "PLQ-206"); !ok || got[0].Size[0] != 5 {
			t.Errorf("%s: %v, %v", name, got[0].Size, notes)
		}
	}
}

// Component masks come before thresholds, thresholds are half-open, and the
// lumen is never plaque.
func TestTissue(t *testing.T) {
	g := imaging.NewGrid([3]int{12, 10, 10}, [3]float64{1, 1, 1}, r3.Vec{})
	vol := imaging.NewVolume(g)
	hu := []float32{29.9, 30, 129.9, 130, 349.9, 350, -50, 400, 400, 60}
	want := []imaging.Tissue{
		imaging.LowAttenuation, imaging.FibroFatty, imaging.FibroFatty, imaging.Fibrous, imaging.Fibrous, imaging.Calcified,
		imaging.Calcified, imaging.Fibrous, imaging.LowAttenuation, imaging.Lumen,
	}
	only := func(n int) *imaging.Mask {
		m := imaging.NewMask(g)
		m.In[g.Offset(n+1, 5, 5)] = true
		return m
	}
	plaque := imaging.NewMask(g)
	for n, x := range hu {
		vol.Values[g.Offset(n+1, 5, 5)] = x
		plaque.In[g.Offset(n+1, 5, 5)] = true
	}
	masks := []Mask{
		{Label{coronary.LAD, Plaque, 1}, "p", plaque},
		{Label{coronary.LAD, Calcified, 1}, "c", only(6)},
		{Label{coronary.LAD, NonCalcified, 1}, "n", only(7)},
		{Label{coronary.LAD, Lipid, 1}, "l", only(8)},
		{Label{coronary.LAD, Lumen, 0}, "lumen", only(9)},
	}
	ps, _, err := Plaques(t.Context(), vol, nil, masks, DefaultConfig())
	if err != nil || len(ps) != 1 {
		t.Fatalf("%d plaques, %v", len(ps), err)
	}
	p := ps[0]
	for n, w := range want {
		i, j, k := p.Tissue.Index(g.Point(float64(n+1), 5, 5))
		if got := p.Tissue.Class[p.Tissue.Offset(int(i+0.5), int(j+0.5), int(k+0.5))]; got != w {
			t.Errorf("%g HU: %v, want %v", hu[n], got, w)
		}
	}
	if p.Name != "LAD-1" || p.Mask.Count() != 9 || !math.IsNaN(p.From) {
		t.Errorf("%s with %d voxels from %g mm, want LAD-1 with 9 from NaN", p.Name, p.Mask.Count(), p.From)
	}
	m := coronary.Measure(nil, nil, &p)
	if m.LowAttenuation != 2 || m.FibroFatty != 2 || m.Fibrous != 3 || m.Calcified != 2 || m.Plaque != 9 || !math.IsNaN(m.DiameterStenosis) {
		t.Errorf("measures %+v", m)
	}
}
