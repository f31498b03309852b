package interop

import (
	"fmt"
	"slices"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// flatten returns the trees of m as programs without bags and without a base
// margin take them: margins in turn, leaves divided by the number of bags, and
// the base added to the leaves of the first tree of each margin.
func flatten(m *boost.Model) ([]boost.Tree, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	var trees []boost.Tree
	for _, bag := range m.Bags {
		for i := range bag {
			t := boost.Tree{Nodes: slices.Clone(bag[i].Nodes), Sets: bag[i].Sets}
			scale(&t, 1/float64(len(m.Bags)))
			trees = append(trees, t)
		}
	}
	if len(trees) == 0 {
		for range m.Margins {
			trees = append(trees, boost.Tree{Nodes: []boost.Node{{Feature: -1, Set: -1}}})
		}
	}
	for k, base := range m.Base {
		t := &trees[k]
		for n := range t.Nodes {
			if t.Nodes[n].Feature < 0 {
				t.Nodes[n].Value += base
			}
		}
	}
	return trees, nil
}

// categories returns the number of categories of a feature.
func categories(f *boost.Feature) (int, error) {
	if len(f.Categories) == 0 {
		return 0, fmt.Errorf("feature %q: its categories are not known", f.Name)
	}
	return len(f.Categories), nil
}
