package judge

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Outside flags rows that are unlike the training table. A row is scaled by
// median and robust spread, cut at ±clip, projected on the leading principal
// axes and measured by
//
//	d² = Σ z_a²/λ_a + ‖rest‖²/λ_rest                                  (J.9)
//
// where λ are the variances along the axes and of what the axes leave. Its p is
// the share of training patients that are at least as far, each measured by axes
// fitted without them, so that the false-alarm rate is the asked one whatever the
// distribution. Missing values stand at the median.
type Outside struct {
	Names  []string    `json:"names"`
	Median []float64   `json:"median"`
	Spread []float64   `json:"spread"` // 1.4826 × median absolute deviation, or the standard deviation if that is 0; 0: constant
	Axes   [][]float64 `json:"axes"`
	Lambda []float64   `json:"lambda"` // of the axes
	Rest   float64     `json:"rest"`   // variance of what the axes leave
	Train  []float64   `json:"train"`  // distances of training patients, increasing
}

const (
	outsideClip  = 10.0 // robust z beyond which a value is not further away
	outsideFolds = 10
)

// NewOutside learns from columns x[c][row] with the patient of each row; a
// patient's distance is that of its farthest row.
func NewOutside(names []string, x [][]float64, cluster []int) (*Outside, error) {
	sameLength("NewOutside", len(names), len(x))
	_, far, err := Distances(names, x, cluster)
	if err != nil {
		return nil, err
	}
	o, err := fitOutside(x, all(len(cluster)))
	if err != nil {
		return nil, err
	}
	slices.Sort(far)
	o.Names, o.Train = slices.Clone(names), far
	return o, nil
}

// Distances returns the patients, increasing, and the distance of the farthest
// row of each by axes fitted to other patients.
func Distances(names []string, x [][]float64, cluster []int) (ids []int, far []float64, err error) {
	for c := range x {
		sameLength("Distances", len(cluster), len(x[c]))
		for r, v := range x[c] {
			if math.IsInf(v, 0) {
				return nil, nil, fmt.Errorf("row %d, column %q: infinite value", r+1, names[c])
			}
		}
	}
	ids = slices.Compact(slices.Sorted(slices.Values(cluster)))
	if len(ids) < 2*outsideFolds {
		return nil, nil, fmt.Errorf("%d patients are too few to say what is unusual, want at least %d", len(ids), 2*outsideFolds)
	}
	place := make(map[int]int, len(ids))
	for n, id := range ids {
		place[id] = n
	}
	far = make([]float64, len(ids))
	row := make([]float64, len(x))
	for fold := range outsideFolds {
		var rest []int
		for r, id := range cluster {
			if place[id]%outsideFolds != fold {
				rest = append(rest, r)
			}
		}
		o, err := fitOutside(x, rest)
		if err != nil {
			return nil, nil, err
		}
		for r, id := range cluster {
			if n := place[id]; n%outsideFolds == fold {
				for c := range x {
					row[c] = x[c][r]
				}
				far[n] = max(far[n], o.Distance(row))
			}
		}
	}
	return ids, far, nil
}

// fitOutside fits scales and axes to the given rows.
func fitOutside(x [][]float64, rows []int) (*Outside, error) {
	o := &Outside{Median: make([]float64, len(x)), Spread: make([]float64, len(x))}
	var used []int
	for c, col := range x {
		var v []float64
		for _, r := range rows {
			if !math.IsNaN(col[r]) {
				v = append(v, col[r])
			}
		}
		if len(v) < 2 {
			continue
		}
		slices.Sort(v)
		m := Quantile(v, 0.5)
		dev := make([]float64, len(v))
		for i := range v {
			dev[i] = math.Abs(v[i] - m)
		}
		slices.Sort(dev)
		o.Median[c] = m
		if o.Spread[c] = 1.4826 * Quantile(dev, 0.5); o.Spread[c] == 0 {
			o.Spread[c] = math.Sqrt(variance(v))
		}
		if o.Spread[c] > 0 {
			used = append(used, c)
		}
	}
	if len(used) == 0 {
		return nil, errors.New("all columns are constant: nothing says what is unusual")
	}
	n := len(rows)
	z := mat.NewDense(n, len(x), nil)
	line := make([]float64, len(x))
	for i, r := range rows {
		for c := range x {
			line[c] = x[c][r]
		}
		z.SetRow(i, o.scale(line))
	}
	var svd mat.SVD
	if !svd.Factorize(z, mat.SVDThin) {
		return nil, errors.New("principal axes of the training table: no convergence")
	}
	values := svd.Values(nil)
	var v mat.Dense
	svd.VTo(&v)
	var total float64
	for _, s := range values {
		total += s * s / float64(n)
	}
	// Enough axes for 90 % of the variance, but ten rows for each.
	var sum float64
	for a, s := range values {
		lambda := s * s / float64(n)
		if a >= max(1, n/10) || sum >= 0.9*total || lambda <= 1e-12*total {
			break
		}
		sum += lambda
		o.Lambda = append(o.Lambda, lambda)
		o.Axes = append(o.Axes, mat.Col(nil, a, &v))
	}
	o.Rest = max(0, total-sum)
	return o, nil
}

// scale returns robust z values, 0 for a missing one and in constant columns.
func (o *Outside) scale(row []float64) []float64 {
	z := make([]float64, len(row))
	for c, v := range row {
		if o.Spread[c] > 0 && !math.IsNaN(v) {
			z[c] = min(max((v-o.Median[c])/o.Spread[c], -outsideClip), outsideClip)
		}
	}
	return z
}

// Distance returns d of (J.9).
func (o *Outside) Distance(row []float64) float64 {
	sameLength("Outside.Distance", len(o.Median), len(row))
	z := o.scale(row)
	var d2, rest float64
	for _, v := range z {
		rest += v * v
	}
	for a, axis := range o.Axes {
		var t float64
		for c, v := range z {
			t += v * axis[c]
		}
		d2 += t * t / o.Lambda[a]
		rest -= t * t
	}
	if o.Rest > 1e-9 {
		d2 += max(0, rest) / o.Rest
	}
	return math.Sqrt(d2)
}

// P returns the share of training patients that are at least as far away as
// the row, counting the row itself: small if it is unusual.
func (o *Outside) P(row []float64) float64 {
	at, _ := slices.BinarySearch(o.Train, o.Distance(row))
	return float64(len(o.Train)-at+1) / float64(len(o.Train)+1)
}
