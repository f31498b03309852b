package boost

import (
	"cmp"
	"math"
	"slices"
)

// loss computes derivatives and means of an objective on given rows. Weights
// are not in the derivatives: they multiply what has been rounded, so that a
// weight of two is exactly two rows.
type loss struct {
	objective Objective
	margins   int
	y         []float64
	event     []bool
	weight    []float64 // of each row, times that of its class
	byTime    []int32   // rows from the latest time to the earliest; Cox alone
}

func newLoss(d *Data, cfg *Config) *loss {
	l := &loss{objective: cfg.Objective, margins: cfg.margins(), y: d.Y, event: d.Event}
	l.weight = make([]float64, len(d.Y))
	for r := range l.weight {
		l.weight[r] = d.weight(r)
		if len(cfg.ClassWeights) > 0 {
			l.weight[r] *= cfg.ClassWeights[int(d.Y[r])]
		}
	}
	if cfg.ClassWeight == ClassEqual {
		sum := make([]int64, max(2, cfg.Classes))
		var all int64
		for r, y := range d.Y {
			w := round(l.weight[r] * 0x1p20)
			sum[int(y)] += w
			all += w
		}
		for r, y := range d.Y {
			l.weight[r] *= float64(all) / (float64(len(sum)) * float64(sum[int(y)]))
		}
	}
	if l.objective == Cox {
		l.byTime = make([]int32, len(d.Y))
		for r := range l.byTime {
			l.byTime[r] = int32(r)
		}
		slices.SortStableFunc(l.byTime, func(a, b int32) int { return cmp.Compare(d.Y[b], d.Y[a]) })
	}
	return l
}

// base returns the margins of a model without trees: those of the mean target.
func (l *loss) base() []float64 {
	b := make([]float64, l.margins)
	switch l.objective {
	case Logistic:
		p := l.mean(func(r int) float64 { return l.y[r] })
		b[0] = ln(p / (1 - p))
	case Softmax:
		for k := range b {
			b[k] = ln(l.mean(func(r int) float64 {
				if int(l.y[r]) == k {
					return 1
				}
				return 0
			}))
		}
	case Squared:
		b[0] = l.mean(func(r int) float64 { return l.y[r] })
	case Poisson:
		b[0] = ln(l.mean(func(r int) float64 { return l.y[r] }))
	}
	return b
}

// mean returns the weighted mean of f over the rows, from integer sums.
func (l *loss) mean(f func(r int) float64) float64 {
	var most float64
	var total int64
	for r, w := range l.weight {
		most = max(most, math.Abs(f(r)))
		total += round(w * 0x1p20)
	}
	if most == 0 {
		return 0
	}
	mass := bitsOf(float64(total) * 0x1p-20)
	unit := math.Ldexp(1, min(60-mass, 48)-bitsOf(most))
	var sum int64
	for r, w := range l.weight {
		sum += round(w * float64(round(f(r)*unit)))
	}
	return float64(sum) / unit / (float64(total) * 0x1p-20)
}

// derive stores in d the derivatives of rows lo to hi for margin k, given the
// margins f[k][r]. Cox needs all rows at once: see deriveCox.
func (l *loss) derive(d derivatives, f [][]float64, k, lo, hi int) {
	switch l.objective {
	case Logistic:
		for r := lo; r < hi; r++ {
			p := sigmoid(f[0][r])
			d.g[r], d.h[r] = p-l.y[r], max(float64(p*(1-p)), 1e-16)
		}
	case Softmax:
		for r := lo; r < hi; r++ {
			p := softmaxOf(f, k, r)
			d.g[r], d.h[r] = p, max(float64(2*float64(p*(1-p))), 1e-16)
			if int(l.y[r]) == k {
				d.g[r] = p - 1
			}
		}
	case Squared:
		for r := lo; r < hi; r++ {
			d.g[r], d.h[r] = f[0][r]-l.y[r], 1
		}
	case Poisson:
		for r := lo; r < hi; r++ {
			mu := exp(min(f[0][r], 500))
			d.g[r], d.h[r] = mu-l.y[r], mu
		}
	}
}

// softmaxOf returns the probability of class k for row r.
func softmaxOf(f [][]float64, k, r int) float64 {
	top := f[0][r]
	for j := range f {
		top = max(top, f[j][r])
	}
	var sum float64
	for j := range f {
		sum += exp(f[j][r] - top)
	}
	return exp(f[k][r]-top) / sum
}

// deriveCox stores the derivatives of the negative logarithm of the partial
// likelihood in Breslow's form: with S(t) = Σ w e^f over the rows at risk at t
// and D(t) the weight of the events at t,
//
//	A(t) = Σ_{s ≤ t} D(s)/S(s)    B(t) = Σ_{s ≤ t} D(s)/S(s)²
//	g = e^f A(t) − δ              h = e^f A(t) − e^{2f} B(t)         (C.32)
//
// Sums over rows are of whole multiples, so that ties may stand in any order.
func (l *loss) deriveCox(d derivatives, f []float64) {
	top, unit, _ := l.scale(f)
	// From the latest time to the earliest: rows at risk at each event time.
	type moment struct{ time, at, at2 float64 }
	var moments []moment
	var sum int64
	for i := 0; i < len(l.byTime); {
		t := l.y[l.byTime[i]]
		var dead int64
		for ; i < len(l.byTime) && l.y[l.byTime[i]] == t; i++ {
			r := l.byTime[i]
			sum += l.risk(f, r, top, unit)
			if l.event[r] {
				dead += round(l.weight[r] * 0x1p20)
			}
		}
		if dead > 0 {
			s := float64(sum) / unit
			a := float64(dead) * 0x1p-20 / s
			moments = append(moments, moment{t, a, a / s})
		}
	}
	var a, b float64
	next := len(moments) - 1
	for i := len(l.byTime) - 1; i >= 0; {
		t := l.y[l.byTime[i]]
		if next >= 0 && moments[next].time == t {
			a, b = a+moments[next].at, b+moments[next].at2
			next--
		}
		for ; i >= 0 && l.y[l.byTime[i]] == t; i-- {
			r := l.byTime[i]
			e := exp(f[r] - top)
			d.g[r] = float64(e * a)
			d.h[r] = max(float64(e*a)-float64(float64(e*e)*b), 1e-16)
			if l.event[r] {
				d.g[r]--
			}
		}
	}
}

// each returns the loss of row r, Cox apart.
func (l *loss) each(f [][]float64, r int) float64 {
	y := l.y[r]
	switch l.objective {
	case Logistic:
		if y == 1 {
			return softplus(-f[0][r])
		}
		return softplus(f[0][r])
	case Softmax:
		return -ln(max(softmaxOf(f, int(y), r), math.SmallestNonzeroFloat64))
	case Poisson:
		return exp(min(f[0][r], 500)) - float64(y*f[0][r])
	}
	e := f[0][r] - y
	return float64(float64(e*e) / 2)
}

// total returns the weighted mean loss. That of Cox is the negative logarithm
// of the partial likelihood, per event.
func (l *loss) total(f [][]float64) float64 {
	if l.objective != Cox {
		return l.mean(func(r int) float64 { return min(l.each(f, r), 1e6) })
	}
	top, unit, fine := l.scale(f[0])
	var sum, events int64
	var loss float64
	for i := 0; i < len(l.byTime); {
		t := l.y[l.byTime[i]]
		var dead, score int64
		for ; i < len(l.byTime) && l.y[l.byTime[i]] == t; i++ {
			r := l.byTime[i]
			sum += l.risk(f[0], r, top, unit)
			if l.event[r] {
				dead += round(l.weight[r] * 0x1p20)
				score += round(l.weight[r] * float64(round(max(f[0][r]-top, -1000)*fine)))
			}
		}
		if dead > 0 {
			loss += float64(float64(dead)*0x1p-20*ln(float64(sum)/unit)) - float64(score)/fine
			events += dead
		}
	}
	return loss / (float64(events) * 0x1p-20)
}

// scale returns the largest margin, and units for sums over all rows of what
// is at most 1 and at most 1000.
func (l *loss) scale(f []float64) (top, unit, fine float64) {
	top = math.Inf(-1)
	var total int64
	for r, x := range f {
		if l.weight[r] > 0 {
			top = max(top, x)
		}
		total += round(l.weight[r] * 0x1p20)
	}
	mass := bitsOf(float64(total) * 0x1p-20)
	return top, math.Ldexp(1, min(60-mass, 48)), math.Ldexp(1, min(50-mass, 38))
}

// risk returns the weighted hazard ratio of row r against top, in units.
func (l *loss) risk(f []float64, r int32, top, unit float64) int64 {
	return round(l.weight[r] * float64(max(1, round(exp(f[r]-top)*unit))))
}
