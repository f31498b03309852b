package boost

import (
	"math"
	"math/rand/v2"
	"testing"
)

// randomTree grows a tree of so many leaves by splitting any leaf.
func randomTree(rng *rand.Rand, leaves, features int) Tree {
	t := Tree{Nodes: []Node{{Feature: -1, Set: -1}}}
	for range leaves - 1 {
		var open []int
		for n := range t.Nodes {
			if t.Nodes[n].Feature < 0 {
				open = append(open, n)
			}
		}
		n := &t.Nodes[open[rng.IntN(len(open))]]
		n.Feature, n.Left = int32(rng.IntN(features)), int32(len(t.Nodes))
		n.Threshold, n.MissingLeft = float64(rng.IntN(5)), rng.IntN(2) == 0
		t.Nodes = append(t.Nodes, Node{Feature: -1, Set: -1}, Node{Feature: -1, Set: -1})
	}
	for n := range t.Nodes {
		t.Nodes[n].Value = rng.NormFloat64()
	}
	return t
}

// Masks end in the leaf to which a walk by the tree's own rule leads, for trees
// of every number of leaves that they hold, values on, between and beyond the
// thresholds, infinite and missing ones.
func TestMasksWalk(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	row := make([]float64, 3)
	values := []float64{math.NaN(), math.Inf(-1), math.Inf(1), math.Copysign(0, -1), 0, 0.5, 1, 1.5, 2, 3, 4, 5}
	for leaves := 2; leaves <= maxMasked; leaves++ {
		for range 20 {
			tree := randomTree(rng, leaves, len(row))
			deep := make([]Tree, leaves) // so that masks are taken
			for i := range deep {
				deep[i] = chain(leaves)
			}
			m := newMasks([]Bag{append(Bag{tree}, deep...)})
			if m == nil {
				t.Fatalf("%d leaves: not masked", leaves)
			}
			for range 100 {
				for i := range row {
					row[i] = values[rng.IntN(len(values))]
				}
				if got, want := m.value(0, row), tree.Nodes[tree.Leaf(row)].Value; got != want {
					t.Fatalf("%d leaves, row %v: %g, want %g", leaves, row, got, want)
				}
			}
		}
	}
	if newMasks([]Bag{{chain(maxMasked + 1)}}) != nil {
		t.Error("a tree of too many leaves is masked")
	}
}

// chain is a tree whose every split has a leaf on its left.
func chain(leaves int) Tree {
	t := Tree{Nodes: []Node{{Feature: -1, Set: -1}}}
	for range leaves - 1 {
		last := len(t.Nodes) - 1
		t.Nodes[last].Feature, t.Nodes[last].Left = 0, int32(last+1)
		t.Nodes = append(t.Nodes, Node{Feature: -1, Set: -1}, Node{Feature: -1, Set: -1})
	}
	return t
}

// Dropout of blocks takes whole blocks of a patient and leaves alone the
// columns that belong to none.
func TestDropoutLeavesColumnsOfNoBlock(t *testing.T) {
	d := &Data{Y: make([]float64, 60)}
	for _, c := range []Column{{Name: "age"}, {Name: "fem.a", Block: "fem"}, {Name: "fem.b", Block: "fem"}} {
		c.Values = make([]float64, len(d.Y))
		d.Columns = append(d.Columns, c)
	}
	for r := range d.Y {
		d.Y[r] = float64(r % 2)
	}
	cfg := DefaultConfig()
	cfg.BlockDropout = 0.5
	p, err := newProblem(t.Context(), d.byName(), &cfg)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.newBooster(t.Context(), 0, false)
	if err != nil {
		t.Fatal(err)
	}
	x := b.masked()
	dropped := 0
	for r := range d.Y {
		if x[0].Values[r] != 0 {
			t.Errorf("row %d: a column of no block was dropped", r)
		}
		if a, b := math.IsNaN(x[1].Values[r]), math.IsNaN(x[2].Values[r]); a != b {
			t.Errorf("row %d: part of a block was dropped", r)
		} else if a {
			dropped++
		}
	}
	if dropped < 15 || dropped > 45 {
		t.Errorf("%d of %d rows lack the block, want about half", dropped, len(d.Y))
	}
}
