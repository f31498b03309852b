package coronary

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// A helix of radius R and rise b per rad has the curvature R/(R² + b²), the
// torsion b/(R² + b²), and the other hand the other sign.
func TestTorsion(t *testing.T) {
	const R, b = 12.0, 5.0
	for _, hand := range []float64{1, -1} {
		var points []r3.Vec
		for a := 0.0; a < 4; a += 0.5 / math.Hypot(R, b) {
			points = append(points, r3.Vec{X: R * math.Cos(a), Y: R * math.Sin(a), Z: hand * b * a})
		}
		c := NewCenterline(points, nil)
		torsion := c.Torsion()
		worst := 0.0
		for _, x := range torsion {
			worst = max(worst, math.Abs(x/(hand*b/(R*R+b*b))-1))
		}
		verify.Check{Suite: "anatomy", Case: "helix, nodes every 0.5 mm", Quantity: "torsion, largest relative error",
			Source: "closed form b/(R² + b²)", Got: worst, Tol: 0.01}.Run(t)
		chord := r3.Norm(r3.Sub(points[len(points)-1], points[0]))
		if got := c.Tortuosity(); math.Abs(got-c.Length()/chord) > 1e-12 {
			t.Errorf("tortuosity %g, want %g", got, c.Length()/chord)
		}
	}
	line := NewCenterline([]r3.Vec{{}, {X: 1}, {X: 2}, {X: 3}, {X: 4}, {X: 5}}, nil)
	if x := line.Torsion(); slices.Max(x) != 0 || slices.Min(x) != 0 || line.Tortuosity() != 1 {
		t.Errorf("a straight line has the torsion %v and the tortuosity %g", x, line.Tortuosity())
	}
	if !math.IsNaN((&Centerline{}).Tortuosity()) {
		t.Error("nothing has a tortuosity")
	}
}

// branch returns a straight branch of the given length and radius.
func branch(at, length, radius float64, direction r3.Vec) Branch {
	var points []r3.Vec
	var r []float64
	for s := 0.0; s <= length; s++ {
		points, r = append(points, r3.Scale(s, r3.Unit(direction))), append(r, radius)
	}
	return Branch{Mother: -1, At: at, Start: at, Centerline: NewCenterline(points, r)}
}

// Segments end where the SCCT says: at the first diagonal and half of the rest,
// at the first marginal, at the acute margin and half of the way there, and at
// the crux.
func TestNameSegments(t *testing.T) {
	apex, across := r3.Vec{Z: -1}, r3.Vec{X: 1}
	vessel := func(a Artery, length float64, end r3.Vec, branches ...Branch) *Vessel {
		v := &Vessel{Artery: a, Branches: branches}
		v.Centerline = branch(0, length, 1.2, end).Centerline
		return v
	}
	inf := math.Inf(1)
	for _, c := range []struct {
		name     string
		v        *Vessel
		right    bool
		want     []Stretch
		branches []Segment
	}{
		{"LAD", vessel(LAD, 100, apex, branch(5, 20, 0.4, across), branch(20, 30, 0.9, across), branch(40, 30, 0.8, across), branch(60, 30, 0.8, across)), true,
			[]Stretch{{ProximalLAD, 0, 20}, {MidLAD, 20, 60}, {DistalLAD, 60, inf}}, []Segment{0, FirstDiagonal, SecondDiagonal, 0}},
		{"LAD with a ramus at its beginning", vessel(LAD, 80, apex, branch(1, 30, 0.9, across), branch(20, 30, 0.9, across)), true,
			[]Stretch{{ProximalLAD, 0, 20}, {MidLAD, 20, 50}, {DistalLAD, 50, inf}}, []Segment{RamusIntermedius, FirstDiagonal}},
		{"LCX of a right dominant heart", vessel(LCX, 60, across, branch(15, 30, 0.8, apex), branch(50, 20, 1, apex)), true,
			[]Stretch{{ProximalLCX, 0, 15}, {MidDistalLCX, 15, inf}}, []Segment{FirstObtuseMarginal, SecondObtuseMarginal}},
		{"LCX of a left dominant heart that goes on to the apex", vessel(LCX, 80, apex, branch(15, 30, 0.8, apex), branch(50, 20, 1, across)), false,
			[]Stretch{{ProximalLCX, 0, 15}, {MidDistalLCX, 15, 50}, {LeftPDA, 50, inf}}, []Segment{FirstObtuseMarginal, LeftPLB}},
		{"RCA with a margin", vessel(RCA, 120, across, branch(50, 20, 0.7, across), branch(90, 30, 1, apex)), false,
			[]Stretch{{ProximalRCA, 0, 25}, {MidRCA, 25, 50}, {DistalRCA, 50, 90}, {RightPLB, 90, inf}}, []Segment{0, RightPDA}},
		{"RCA without a margin", vessel(RCA, 120, apex, branch(90, 30, 1, across)), false,
			[]Stretch{{ProximalRCA, 0, 30}, {MidRCA, 30, 60}, {DistalRCA, 60, 90}, {RightPDA, 90, inf}}, []Segment{RightPLB}},
		{"RCA that does not divide", vessel(RCA, 90, across, branch(54, 20, 0.7, apex)), false,
			[]Stretch{{ProximalRCA, 0, 27}, {MidRCA, 27, 54}, {DistalRCA, 54, inf}}, []Segment{0}},
		{"no branches", vessel(RCA, 90, across), false, Stretches(RCA), nil},
	} {
		c.v.NameSegments(apex, c.right)
		var got []Segment
		for _, b := range c.v.Branches {
			got = append(got, b.Segment)
		}
		if !slices.Equal(got, c.branches) || !slices.Equal(c.v.Segments(), c.want) {
			t.Errorf("%s: %v and branches %v, want %v and %v", c.name, c.v.Segments(), got, c.want, c.branches)
		}
	}
}

// A file of segments is read as it stands, and what is wrong is told by line.
func TestReadStretches(t *testing.T) {
	const head = "artery,from_mm,to_mm,segment\n"
	got, err := ReadStretches(strings.NewReader(head + "LAD,0,21.5,pLAD\nLAD,21.5,,7\nRCA,10,40,mRCA\n"))
	want := []Stretch{{ProximalLAD, 0, 21.5}, {MidLAD, 21.5, math.Inf(1)}}
	if err != nil || !slices.Equal(got[LAD], want) || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	for _, c := range []struct{ text, want string }{
		{"", "header"},
		{"artery,from,to,segment\n", "must be artery,from_mm,to_mm,segment"},
		{head, "no row"},
		{head + "LAD,0,20\n", "wrong number of fields"},
		{head + "aorta,0,20,6\n", `line 2: artery "aorta"`},
		{head + "LAD,-1,20,6\n", `line 2: from_mm "-1"`},
		{head + "LAD,5,5,6\n", `line 2: to_mm "5"`},
		{head + "LAD,NaN,5,6\n", `line 2: from_mm "NaN"`},
		{head + "LAD,0,20,19\n", `line 2: segment "19"`},
		{head + "LAD,0,20,6\nLAD,10,30,7\n", "line 3: LAD from 10 mm begins before"},
		{head + strings.Repeat("LAD,0,20,6\n", 1001), "more than 1000"},
	} {
		if _, err := ReadStretches(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q: %v, want %q", c.text, err, c.want)
		}
	}
}

func FuzzReadStretches(f *testing.F) {
	f.Add("artery,from_mm,to_mm,segment\nLAD,0,21.5,pLAD\nLAD,21.5,,7\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ReadStretches(strings.NewReader(text))
		if (err == nil) != (len(got) > 0) {
			t.Fatalf("%v, %v", got, err)
		}
	})
}
