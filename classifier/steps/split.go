package steps

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Split is one division of the rows of a table.
type Split struct {
	Repeat, Fold int
	Name         string // for messages: "repeat 2, fold 3", "patient P07", "site A"
	Train, Test  []int
}

// patientsOf returns the patients of t in increasing order, the class of each
// (the largest of its rows), and its rows.
func patientsOf(t *Table) (ids []string, class []int, rows [][]int) {
	ids = slices.Compact(slices.Sorted(slices.Values(t.Patient)))
	class, rows = make([]int, len(ids)), make([][]int, len(ids))
	for r, id := range t.Patient {
		p, _ := slices.BinarySearch(ids, id)
		rows[p] = append(rows[p], r)
		if t.Y != nil {
			class[p] = max(class[p], t.Y[r])
		}
	}
	return ids, class, rows
}

// Folds deals patients into k folds, repeats times anew. Within each class
// patients are put in an order given by seed and identifier and dealt in turn,
// one class going on where the other ended, so that the number of patients of a
// class differs by at most one between folds. It fails with fewer than k
// patients.
func Folds(t *Table, k, repeats int, seed uint64) ([]Split, error) {
	ids, class, _ := patientsOf(t)
	if k < 2 || repeats < 1 {
		return nil, fmt.Errorf("%d folds, %d repeats: want at least 2 folds and 1 repeat", k, repeats)
	}
	if len(ids) < k {
		return nil, fmt.Errorf("%d patients are too few for %d folds", len(ids), k)
	}
	var all []Split
	for r := range repeats {
		fold := deal(ids, class, k, key(seed, "folds", strconv.Itoa(r)))
		for f := range k {
			s := Split{Repeat: r, Fold: f, Name: fmt.Sprintf("repeat %d, fold %d", r+1, f+1)}
			for row, id := range t.Patient {
				p, _ := slices.BinarySearch(ids, id)
				s.put(row, fold[p] == f)
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// deal returns the fold of each patient.
func deal(ids []string, class []int, k int, seed uint64) []int {
	fold, next := make([]int, len(ids)), 0
	top := 0
	for _, c := range class {
		top = max(top, c)
	}
	for c := top; c >= 0; c-- { // events first
		var members []int
		for p := range ids {
			if class[p] == c {
				members = append(members, p)
			}
		}
		slices.SortFunc(members, func(a, b int) int {
			return cmp.Or(cmp.Compare(key(seed, "deal", ids[a]), key(seed, "deal", ids[b])), cmp.Compare(ids[a], ids[b]))
		})
		for _, p := range members {
			fold[p] = next % k
			next++
		}
	}
	return fold
}

func (s *Split) put(row int, test bool) {
	if test {
		s.Test = append(s.Test, row)
	} else {
		s.Train = append(s.Train, row)
	}
}

// LeavePatientOut tests each patient once. Pool its predictions with care: a
// model that can do nothing but predict the share of events among the rest
// ranks each event below each other row.
func LeavePatientOut(t *Table) ([]Split, error) { return leaveOut("patient", t.Patient) }

// LeaveSiteOut tests each site once. A patient with rows at two sites would be
// trained on and tested, which is an error.
func LeaveSiteOut(t *Table) ([]Split, error) {
	if t.Site == nil {
		return nil, errors.New("leave one site out: the table has no column of sites")
	}
	at := map[string]string{}
	for r, p := range t.Patient {
		if s, ok := at[p]; ok && s != t.Site[r] {
			return nil, fmt.Errorf("leave one site out: patient %q has rows at sites %q and %q", p, s, t.Site[r])
		}
		at[p] = t.Site[r]
	}
	return leaveOut("site", t.Site)
}

func leaveOut(what string, of []string) ([]Split, error) {
	names := slices.Compact(slices.Sorted(slices.Values(of)))
	if len(names) < 2 {
		return nil, fmt.Errorf("leave one %s out: the table has %d", what, len(names))
	}
	var all []Split
	for f, name := range names {
		s := Split{Fold: f, Name: what + " " + strconv.Quote(name)}
		for row := range of {
			s.put(row, of[row] == name)
		}
		all = append(all, s)
	}
	return all, nil
}

// GivenFolds returns the splits of columns of fold numbers, one repeat each:
// every distinct value is tested once. It fails on a patient in two folds of a
// repeat, and on a repeat with one fold.
func GivenFolds(t *Table, names []string, folds [][]string) ([]Split, error) {
	var all []Split
	for rep, fold := range folds {
		if len(fold) != t.Rows() {
			panic("steps: GivenFolds: lengths differ")
		}
		first := map[string]int{}
		for row, p := range t.Patient {
			if fold[row] == "" {
				return nil, fmt.Errorf("row %d, column %q: no fold", row+1, names[rep])
			}
			if f, ok := first[p]; ok && fold[f] != fold[row] {
				return nil, fmt.Errorf("rows %d and %d, column %q: patient %q is in folds %s and %s; rows of one patient must be in one fold",
					f+1, row+1, names[rep], p, fold[f], fold[row])
			} else if !ok {
				first[p] = row
			}
		}
		values := slices.Compact(slices.Sorted(slices.Values(fold)))
		if len(values) < 2 {
			return nil, fmt.Errorf("column %q has one fold, %q: nothing would be trained on", names[rep], values[0])
		}
		for f, v := range values {
			s := Split{Repeat: rep, Fold: f, Name: fmt.Sprintf("column %q, fold %s", names[rep], v)}
			for row := range fold {
				s.put(row, fold[row] == v)
			}
			all = append(all, s)
		}
	}
	return all, nil
}
