package segmentation

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
	"github.com/plaquerisk/plaquerisk/phantom"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Where a lumen is given without a wall, the wall is found in the CT: most of its
// voxels are right, its sections are complete, its area is within twice the
// declared uncertainty in most sections, and a note says that it is an estimate.
func TestEstimateWalls(t *testing.T) {
	cfg := DefaultConfig()
	var scores, grown []float64
	within, all := 0, 0
	for n := range 2 {
		tree := scanTree(t, 77, phantom.SmallSize, n)
		masks, _, err := Import(tree.truth, nil)
		if err != nil {
			t.Fatal(err)
		}
		if masks, _, err = Match(&tree.vol.Grid, masks); err != nil {
			t.Fatal(err)
		}
		lumens := slices.DeleteFunc(masks, func(m Mask) bool { return m.Structure != Lumen })
		out, walls, notes, err := EstimateWalls(t.Context(), tree.vol, lumens, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if len(out) != 2*len(lumens) || len(walls) != len(lumens) {
			t.Fatalf("%d lumens gave %d masks and %d walls", len(lumens), len(out), len(walls))
		}
		if !slices.ContainsFunc(notes, func(n risk.Note) bool {
			return n.Code == "PLQ-230" && strings.Contains(n.Text, "estimated")
		}) {
			t.Errorf("no note says that the wall is estimated: %v", notes)
		}
		truth := segmentsOf(tree.truth, &tree.vol.Grid, "wall")
		for _, m := range out[len(lumens):] {
			whole := truth.Crop([3]int{}, truth.Size)
			clear(whole.In)
			paint(whole, m.Mask)
			scores = append(scores, dice(truth, whole))
		}
		grown = append(grown, dice(truth, shell(segmentsOf(tree.truth, &tree.vol.Grid, "lumen"), 0.5)))
		vessels, _, err := Vessels(t.Context(), tree.vol, out, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for v := range vessels {
			for _, w := range walls {
				w.Mark(&vessels[v])
			}
			in, of := covered(tree.Patient, &vessels[v])
			within, all = within+in, all+of
		}
	}
	verify.Check{Suite: "segmentation", Case: "outer wall from the CT around the true lumen: 2 small trees", Source: "truth of the phantom",
		Quantity: "wall, Dice of the worst tree", Got: quantileOf(scores, 0), Want: 1, Tol: 0.2}.Run(t)
	if got, base := median(scores), median(grown); got < base+0.08 {
		t.Errorf("wall: Dice %.3f, and the lumen grown by 0.5 mm has %.3f already", got, base)
	}
	verify.Check{Suite: "segmentation", Case: "outer wall from the CT around the true lumen: 2 small trees", Source: "truth of the phantom",
		Quantity: "sections whose outer radius is within two standard deviations, percent", Got: 100 * float64(within) / float64(all), Want: 100, Tol: 12}.Run(t)
}

// covered counts the sections of v whose equivalent outer radius is within two
// standard deviations of the truth.
func covered(p *phantom.Patient, v *coronary.Vessel) (in, of int) {
	for _, a := range p.Arteries() {
		if a.Artery != v.Artery {
			continue
		}
		truth := p.Truth().Artery(a.Artery)
		exact := a.Centerline(0.1)
		for _, s := range v.Sections {
			at, _ := exact.Project(s.Frame.Origin)
			if !s.Complete() || slices.ContainsFunc(truth.Plaques, func(q phantom.PlaqueTruth) bool { return at > q.ReferenceFrom && at < q.ReferenceTo }) {
				continue // outside plaques the outer radius is that of the lumen and the wall
			}
			of++
			if math.Abs(math.Sqrt(s.Wall.Area()/math.Pi)-exact.RadiusAt(at)-a.Wall) <= 2*s.WallSD {
				in++
			}
		}
	}
	return in, of
}

// Without a lumen mask there is nothing to put a wall around, and a lumen that is
// too short is left alone.
func TestEstimateWallsOfNothing(t *testing.T) {
	vol, _ := blurredTube(t, 1.5, 2, false)
	if _, _, err := AroundLumens(t.Context(), vol, nil, DefaultConfig()); err == nil || !strings.Contains(err.Error(), "no mask is a lumen") {
		t.Errorf("got error %v", err)
	}
	m := imaging.NewMask(vol.Grid.Crop([3]int{22, 22, 19}, [3]int{26, 26, 22}))
	for o := range m.In {
		m.In[o] = true
	}
	masks := []Mask{{Label: Label{Artery: coronary.LAD, Structure: Lumen}, Name: "LAD_lumen", Mask: m}}
	if out, walls, _, err := EstimateWalls(t.Context(), vol, masks, DefaultConfig()); err != nil || len(out) != 1 || len(walls) != 0 {
		t.Errorf("got %d masks, %d walls, %v; want the lumen alone", len(out), len(walls), err)
	}
	if _, _, err := AroundLumens(t.Context(), vol, masks, DefaultConfig()); err == nil || !strings.Contains(err.Error(), "long enough") {
		t.Errorf("got error %v", err)
	}
}

// A line that leaves the CT gives surfaces where there is an image, and numbers
// everywhere.
func TestSurfacesBeyondTheCT(t *testing.T) {
	vol, _ := blurredTube(t, 1.5, 2, false)
	line := coronary.NewCenterline([]r3.Vec{{Z: 2}, {Z: 8}, {Z: 40}}, nil)
	s, err := FindSurfaces(t.Context(), vol, line, DefaultSurfaceConfig())
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.S {
		for a, w := range s.Wall[i] {
			if l := s.Lumen[i][a]; !(l > 0 && w > l && w < 10) {
				t.Fatalf("at %.1f mm: lumen %g, wall %g mm", s.S[i], l, w)
			}
		}
	}
	if r := s.Lumen[8][0]; math.Abs(r-1.5) > 0.1 {
		t.Errorf("the lumen inside the CT is %.2f mm wide, want 1.5", r)
	}
}
