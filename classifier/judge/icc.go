package judge

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// ICC are the intraclass correlations of n subjects, each judged k times
// (Shrout and Fleiss, Psychol. Bull. 86, 1979): of one judgement and of the mean
// of k.
type ICC struct {
	OneWay, OneWayMean           Interval // ICC(1,1), ICC(1,k): each subject has judges of its own
	Agreement, AgreementMean     Interval // ICC(2,1), ICC(2,k): random judges, who judge all
	Consistency, ConsistencyMean Interval // ICC(3,1), ICC(3,k): these judges
}

// NewICC computes all six from x[subject][judge] with their intervals. They are
// NaN with a missing value, one subject or one judge.
func NewICC(x [][]float64, level float64) ICC {
	n, k := float64(len(x)), 0.0
	if len(x) > 0 {
		k = float64(len(x[0]))
	}
	var grand, total float64
	judge := make([]float64, int(k))
	subject := make([]float64, len(x))
	for i, row := range x {
		sameLength("NewICC", len(judge), len(row))
		for j, v := range row {
			grand += v / (n * k)
			judge[j] += v / n
			subject[i] += v / k
		}
	}
	var between, judges float64
	for _, m := range subject {
		between += k * (m - grand) * (m - grand)
	}
	for _, m := range judge {
		judges += n * (m - grand) * (m - grand)
	}
	for _, row := range x {
		for _, v := range row {
			total += (v - grand) * (v - grand)
		}
	}
	within := total - between
	bms := between / (n - 1)
	wms := within / (n * (k - 1))
	jms := judges / (k - 1)
	ems := (within - judges) / ((n - 1) * (k - 1))

	f := func(d1, d2 float64) float64 {
		if !(d1 > 0 && d2 > 0) {
			return math.NaN()
		}
		return distuv.F{D1: d1, D2: d2}.Quantile((1 + level) / 2)
	}
	// From the limits of an F ratio follow those of one judgement and of k.
	single := func(ratio float64) float64 { return (ratio - 1) / (ratio + k - 1) }
	averaged := func(ratio float64) float64 { return 1 - 1/ratio }
	var c ICC
	f1 := bms / wms
	low, high := f1/f(n-1, n*(k-1)), f1*f(n*(k-1), n-1)
	c.OneWay = Interval{single(f1), single(low), single(high)}
	c.OneWayMean = Interval{averaged(f1), averaged(low), averaged(high)}
	f3 := bms / ems
	low, high = f3/f(n-1, (n-1)*(k-1)), f3*f((n-1)*(k-1), n-1)
	c.Consistency = Interval{single(f3), single(low), single(high)}
	c.ConsistencyMean = Interval{averaged(f3), averaged(low), averaged(high)}

	// The interval of ICC(2,1) is Satterthwaite's (their page 424).
	icc := (bms - ems) / (bms + (k-1)*ems + k*(jms-ems)/n)
	fj := jms / ems
	a := k*icc*fj + n*(1+(k-1)*icc) - k*icc
	v := (k - 1) * (n - 1) * a * a / ((n-1)*k*k*icc*icc*fj*fj + math.Pow(n*(1+(k-1)*icc)-k*icc, 2))
	up, down := f(n-1, v), f(v, n-1)
	c.Agreement = Interval{icc,
		n * (bms - up*ems) / (up*(k*jms+(k*n-k-n)*ems) + n*bms),
		n * (down*bms - ems) / (k*jms + (k*n-k-n)*ems + n*down*bms)}
	mean := func(r float64) float64 { return k * r / (1 + (k-1)*r) } // Spearman and Brown
	c.AgreementMean = Interval{(bms - ems) / (bms + (jms-ems)/n), mean(c.Agreement.Low), mean(c.Agreement.High)}
	return c
}
