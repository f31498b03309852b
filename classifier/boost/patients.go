package boost

import (
	"fmt"
	"slices"
)

// patients are the units that are drawn: rows of one patient go together.
type patients struct {
	of     []int32   // patient of each row
	key    []uint64  // of each patient
	strata [][]int32 // patients by class, so that every draw holds all classes
}

// newPatients numbers the patients of d in the order of their names; without
// groups each row is one.
func newPatients(d *Data, o Objective, classes int) *patients {
	p := &patients{of: make([]int32, len(d.Y))}
	names := d.Group
	if names == nil {
		names = d.ID
	}
	if names == nil {
		p.key = make([]uint64, len(d.Y))
		for r := range p.of {
			p.of[r] = int32(r)
			p.key[r] = mix(uint64(r) + 1)
		}
	} else {
		unique := slices.Compact(slices.Sorted(slices.Values(names)))
		place := make(map[string]int32, len(unique))
		for i, name := range unique {
			place[name] = int32(i)
			p.key = append(p.key, keyOf(name))
		}
		for r, name := range names {
			p.of[r] = place[name]
		}
	}
	class := make([]int, len(p.key))
	for r, y := range d.Y {
		k := 0
		switch o {
		case Logistic, Softmax:
			k = int(y)
		case Cox:
			if d.Event[r] {
				k = 1
			}
		}
		class[p.of[r]] = max(class[p.of[r]], k)
	}
	p.strata = make([][]int32, max(classes, 2))
	for i, k := range class {
		p.strata[k] = append(p.strata[k], int32(i))
	}
	return p
}

// keep draws a share of the patients with a count above zero, in each class,
// and sets the counts of the others to zero.
func (p *patients) keep(count []uint8, fraction float64, keys ...uint64) {
	if fraction == 1 {
		return
	}
	from := draw(keys...)
	for _, stratum := range p.strata {
		var in []int32
		var u, tie []uint64
		for _, i := range stratum {
			if count[i] > 0 {
				in = append(in, i)
				u = append(u, draw(from, p.key[i]))
				tie = append(tie, uint64(i))
				count[i] = 0
			}
		}
		for _, i := range least(u, tie, share(len(in), fraction)) {
			count[in[i]] = 1
		}
	}
}

// bootstrap draws each patient with a count above zero as often as it would
// stand in a sample with replacement of many patients: a Poisson number of
// times, mean 1. A class that would be empty keeps all its patients.
func (p *patients) bootstrap(count []uint8, keys ...uint64) {
	from := draw(keys...)
	for _, stratum := range p.strata {
		some := false
		for _, i := range stratum {
			some = some || count[i] > 0 && poisson1(draw(from, p.key[i])) > 0
		}
		if !some {
			continue
		}
		for _, i := range stratum {
			if count[i] > 0 {
				count[i] = uint8(poisson1(draw(from, p.key[i])))
			}
		}
	}
}

// folds deals the patients of each class to n folds, in the order of their
// draws, and returns the fold of each row.
func (p *patients) folds(n int, seed uint64) ([]int, error) {
	if len(p.key) < n {
		return nil, fmt.Errorf("stop_folds is %d for %d patients", n, len(p.key))
	}
	fold := make([]int, len(p.key))
	next := 0
	for _, stratum := range p.strata {
		order := slices.Clone(stratum)
		slices.SortStableFunc(order, func(a, b int32) int {
			x, y := draw(seed, forFold, p.key[a]), draw(seed, forFold, p.key[b])
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		for _, i := range order {
			fold[i] = next % n
			next++
		}
	}
	rows := make([]int, len(p.of))
	for r, i := range p.of {
		rows[r] = fold[i]
	}
	return rows, nil
}
