package phantom

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
)

// A tree has its branches on the axes of their mothers, thinner than they are,
// named, clear of each other, within the CT and the same for the same seed.
func TestBranches(t *testing.T) {
	dominance := map[bool]int{}
	for seed := range uint64(6) {
		p, again := Tree(seed), Tree(seed)
		right := false
		for n, b := range p.Branches() {
			foot, start := b.Mother.Frame(b.At).Origin, b.Frame(0).Origin
			if d := r3.Norm(r3.Sub(foot, start)); d > 1e-6 {
				t.Errorf("seed %d, %v: begins %g mm off the axis of its mother", seed, b.Segment, d)
			}
			if b.Proximal >= 2*b.Mother.HealthyRadius(b.At) || b.Distal >= b.Proximal {
				t.Errorf("seed %d, %v: tapers from %.2f to %.2f mm", seed, b.Segment, b.Proximal, b.Distal)
			}
			for s := 0.0; s <= b.Length(); s++ {
				i, j, k := p.Grid.Index(b.Frame(s).Origin)
				if !p.Grid.Inside(int(math.Round(i)), int(math.Round(j)), int(math.Round(k))) {
					t.Fatalf("seed %d, %v: leaves the CT at %.0f mm", seed, b.Segment, s)
				}
			}
			if o := again.Branches()[n]; o.Length() != b.Length() || o.Frame(9) != b.Frame(9) {
				t.Errorf("seed %d, %v: is not the same again", seed, b.Segment)
			}
			if p.Segment(b, 1) != b.Segment {
				t.Errorf("seed %d: %v is called %v", seed, b.Segment, p.Segment(b, 1))
			}
			right = right || b.Segment == coronary.RightPDA
		}
		dominance[right]++
		lad := p.Arteries()[1]
		if p.Segment(lad, 5) != coronary.ProximalLAD || p.Segment(lad, 40) != coronary.MidLAD || p.Segment(lad, 65) != coronary.DistalLAD {
			t.Errorf("seed %d: the LAD is %v, %v, %v", seed, p.Segment(lad, 5), p.Segment(lad, 40), p.Segment(lad, 65))
		}
	}
	if len(dominance) < 2 {
		t.Errorf("all hearts are dominant on the same side: %v", dominance)
	}
}
