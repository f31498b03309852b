package judge

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Conformal makes sets of classes that hold the true one with a given
// probability, in each class. It is split conformal prediction with a threshold
// per class (Vovk 2012, "Mondrian"), for rows that hang together by patient: a
// patient's rows share a weight of one (Lee, Barber and Willett 2023), so that
// the promise holds for a row of a new patient if patients are exchangeable.
type Conformal struct {
	Level      float64   `json:"level"`      // probability that the set holds the true class
	Thresholds []float64 `json:"thresholds"` // per class: it is in the set if 1 − p is at most this; 1 if always
	Patients   []int     `json:"patients"`   // per class, with rows of it among the calibration rows
	Warnings   []string  `json:"warnings,omitempty"`
}

// NewConformal calibrates on rows that the model p[row][class] did not see.
// With m patients that have rows of a class, each of its row's scores 1 − p
// weighs 1/(m + 1) shared among the patient's rows of that class, and ∞ weighs
// 1/(m + 1); the threshold is the level quantile. A class with m < level/(1 −
// level) patients is in every set, which is said in Warnings.
func NewConformal(y, cluster []int, p [][]float64, level float64) *Conformal {
	sameLength("NewConformal", len(y), len(cluster), len(p))
	if len(p) == 0 || !(level > 0 && level < 1) {
		panic("judge: NewConformal: no rows, or a level outside (0, 1)")
	}
	classes := len(p[0])
	c := &Conformal{Level: level, Thresholds: make([]float64, classes), Patients: make([]int, classes)}
	need := int(math.Ceil(level/(1-level) - 1e-9))
	for k := range classes {
		rows := map[int]int{}
		for i, g := range cluster {
			if y[i] == k {
				rows[g]++
			}
		}
		m := len(rows)
		c.Patients[k], c.Thresholds[k] = m, 1
		if m < need {
			c.Warnings = append(c.Warnings, fmt.Sprintf("class %d has %d patients in the calibration set; sets at %g %% need %d, so that this class is in every set", k, m, 100*level, need))
			continue
		}
		type scored struct{ score, weight float64 }
		var s []scored
		for i, g := range cluster {
			if y[i] == k {
				s = append(s, scored{1 - p[i][k], 1 / (float64(m+1) * float64(rows[g]))})
			}
		}
		slices.SortFunc(s, func(a, b scored) int { return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.weight, b.weight)) })
		var sum float64
		for _, x := range s {
			if sum += x.weight; sum >= level-1e-12 {
				c.Thresholds[k] = x.score
				break
			}
		}
	}
	return c
}

// Set returns the classes that cannot be excluded for a row of probabilities p,
// increasing. It may be empty: then the row is unlike all calibration rows.
func (c *Conformal) Set(p []float64) []int {
	sameLength("Conformal.Set", len(c.Thresholds), len(p))
	var set []int
	for k, t := range c.Thresholds {
		if 1-p[k] <= t {
			set = append(set, k)
		}
	}
	return set
}

// Coverage returns the share of rows of each class whose set holds it, each
// patient counting once, and the mean number of classes in a set.
func (c *Conformal) Coverage(y, cluster []int, p [][]float64) (covered []float64, size float64) {
	sameLength("Conformal.Coverage", len(y), len(cluster), len(p))
	covered = make([]float64, len(c.Thresholds))
	for k := range covered {
		n, hit := map[int]float64{}, map[int]float64{}
		for i, g := range cluster {
			if y[i] == k {
				n[g]++
				if slices.Contains(c.Set(p[i]), k) {
					hit[g]++
				}
			}
		}
		for _, g := range cluster { // not over the map: the sum's last bit would depend on it
			if n[g] > 0 {
				covered[k] += hit[g] / n[g] / float64(len(n))
				n[g] = 0
			}
		}
	}
	for _, row := range p {
		size += float64(len(c.Set(row))) / float64(len(p))
	}
	return covered, size
}
