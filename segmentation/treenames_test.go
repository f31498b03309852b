package segmentation

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/internal/verify"
	"github.com/plaquerisk/plaquerisk/phantom"
)

// segmentAt returns the name of the stem or side branch nearest to p, and how far
// away it is.
func segmentAt(vessels []coronary.Vessel, p r3.Vec) (name coronary.Segment, away float64) {
	away = math.Inf(1)
	for n := range vessels {
		v := &vessels[n]
		if s, d := v.Project(p); d < away {
			name, away = 0, d
			for _, x := range v.Segments() {
				if s >= x.From && s < x.To {
					name = x.Segment
				}
			}
		}
		for m := range v.Branches {
			if _, d := v.Branches[m].Project(p); d < away {
				name, away = v.Branches[m].Segment, d
			}
		}
	}
	return name, away
}

// names counts the points, one a millimetre, of all stems and side branches of p
// that lie outside their mother, and those with a wrong name or no vessel within
// a millimetre.
func names(p *phantom.Patient, vessels []coronary.Vessel) (points, wrong int) {
	for _, a := range slices.Concat(p.Arteries(), p.Branches()) {
		s := 0.0
		switch {
		case a.Mother != nil:
			s = 1.5 * a.Mother.HealthyRadius(a.At)
		case a.Artery == coronary.LAD || a.Artery == coronary.LCX:
			s = 2 // inside the left main
		}
		for ; s < a.Length(); s++ {
			points++
			if got, away := segmentAt(vessels, a.Frame(s).Origin); got != p.Segment(a, s) || away > 1 {
				wrong++
			}
		}
	}
	return points, wrong
}

// Trees with side branches must be named by the borders of the SCCT, whether the
// lumens name their arteries or one lumen holds the whole tree; and the mouths
// of the branches must not change the area of the stems.
func TestSegmentNames(t *testing.T) {
	trees, labels := 20, []string{"a label for each artery", "one label for the whole tree"}
	if testing.Short() {
		trees, labels = 1, labels[:1]
	}
	var x accuracy
	var points, wrong [2]int
	for seed := range trees {
		p := phantom.Tree(uint64(seed))
		ct, masks := trueMasks(t, p)
		for k := range labels {
			if k == 1 {
				for n := range masks {
					masks[n].Artery = ""
				}
				var err error
				if masks, _, err = NameArteries(t.Context(), masks, DefaultConfig()); err != nil {
					t.Fatal(err)
				}
			}
			vessels, _, err := Vessels(t.Context(), ct, masks, DefaultConfig())
			if err != nil {
				t.Fatal(err)
			}
			a, b := names(p, vessels)
			points[k] += a
			wrong[k] += b
			if k == 0 {
				for n := range vessels {
					x.sections(p, &vessels[n])
				}
			}
			if float64(b) > 0.03*float64(a) {
				t.Logf("tree %d, %d: %d of %d points have a wrong name", seed, k, b, a)
			}
		}
	}
	what := fmt.Sprintf("random phantom trees with side branches (%d)", trees)
	for k, label := range labels {
		verify.Check{Suite: "segmentation", Case: what, Quantity: fmt.Sprintf("%s: share of %d points with a wrong SCCT segment", label, points[k]),
			Source: "construction by the SCCT borders", Got: float64(wrong[k]) / float64(points[k]), Tol: 0.02}.Run(t)
	}
	for _, c := range x.figures()[:4] {
		c.Suite, c.Case, c.Source = "segmentation", what+", stems", "truth of the phantom"
		c.Run(t)
	}
}
