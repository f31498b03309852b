package ria

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// sample is a set of numbers: distinct values in ascending order, how often
// each occurs, and how many numbers there are up to and with it.
type sample struct {
	value []float64
	count []int
	upTo  []int
	dist  []weighted // scratch: distances from a centre
}

type weighted struct {
	value float64
	count int
}

func (s *sample) reset() { s.value, s.count, s.upTo = s.value[:0], s.count[:0], s.upTo[:0] }

// add appends a value that is larger than those before.
func (s *sample) add(value float64, count int) {
	n := count
	if len(s.upTo) > 0 {
		n += s.upTo[len(s.upTo)-1]
	}
	s.value, s.count, s.upTo = append(s.value, value), append(s.count, count), append(s.upTo, n)
}

// set makes s of numbers in ascending order.
func (s *sample) set(sorted []float64) {
	s.reset()
	for lo := 0; lo < len(sorted); {
		hi := lo + 1
		for hi < len(sorted) && sorted[hi] == sorted[lo] {
			hi++
		}
		s.add(sorted[lo], hi-lo)
		lo = hi
	}
}

func (s *sample) n() int { return s.upTo[len(s.upTo)-1] }

// rank returns the number of rank r, from 0.
func (s *sample) rank(r int) float64 {
	at, _ := slices.BinarySearch(s.upTo, r+1)
	return s.value[at]
}

// quantile returns the quantile p, linear between ranks: at rank (n − 1) p.
func (s *sample) quantile(p float64) float64 {
	h := float64(s.n()-1) * p
	lo := int(h)
	a := s.rank(lo)
	if f := h - float64(lo); f > 0 {
		return a + f*(s.rank(lo+1)-a)
	}
	return a
}

// trimmed returns the mean without the share t of the numbers at each end.
func (s *sample) trimmed(t float64) float64 {
	lo := int(float64(s.n()) * t)
	hi := s.n() - lo
	var sum float64
	from := 0
	for m, x := range s.value {
		if n := min(s.upTo[m], hi) - max(from, lo); n > 0 {
			sum += float64(n) * x
		}
		from = s.upTo[m]
	}
	return sum / float64(hi-lo)
}

// mean returns the mean of f over the numbers.
func (s *sample) mean(f func(x float64) float64) float64 {
	var sum float64
	for m, x := range s.value {
		sum += float64(s.count[m]) * f(x)
	}
	return sum / float64(s.n())
}

// deviations returns mean, median and maximum of |x − centre|.
func (s *sample) deviations(centre float64) (mean, median, largest float64) {
	s.dist = s.dist[:0]
	for m, x := range s.value {
		s.dist = append(s.dist, weighted{math.Abs(x - centre), s.count[m]})
	}
	slices.SortFunc(s.dist, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
	n, seen := s.n(), 0
	lo, hi := (n-1)/2, n/2
	for _, d := range s.dist {
		mean += d.value * float64(d.count)
		if seen <= lo && lo < seen+d.count {
			median += d.value / 2
		}
		if seen <= hi && hi < seen+d.count {
			median += d.value / 2
		}
		seen += d.count
	}
	return mean / float64(n), median, s.dist[len(s.dist)-1].value
}

// logOf returns ln|x|, and 0 for 0.
func logOf(x float64) float64 {
	if x == 0 {
		return 0
	}
	return math.Log(math.Abs(x))
}

// statistic documents one of a family.
type statistic struct{ name, unit, doc string }

// unitOf returns the unit of a statistic of numbers in unit u: "u", "u²" or a
// unit of its own.
func (s statistic) unitOf(u string) string {
	switch {
	case s.unit == "u" || u == "1" && s.unit == "u²":
		return u
	case s.unit == "u²":
		return u + "²"
	}
	return s.unit
}

// intensityStatistics are the 44 numbers of [sample.describe], in its order.
var intensityStatistics = []statistic{
	{"mean", "u", "Mean."},
	{"median", "u", "Median."},
	{"mode", "u", "Most frequent value, the smallest of several."},
	{"geometric_mean", "u", "exp of the mean of ln|x|, zero counting as 1."},
	{"geometric_mean_signed", "1", "exp of the mean of sign(x)·ln|x|, zero counting as 1."},
	{"geometric_mean_shifted", "u", "Geometric mean of x, or of x − min + 1 if a value is not positive."},
	{"harmonic_mean", "u", "Inverse of the mean of 1/x, zero counting as 1."},
	{"trimmed_mean_5", "u", "Mean without the lowest and highest 2.5 %."},
	{"trimmed_mean_10", "u", "Mean without the lowest and highest 5 %."},
	{"trimmed_mean_20", "u", "Mean without the lowest and highest 10 %."},
	{"interquartile_mean", "u", "Mean without the lowest and highest 25 %."},
	{"trimean", "u", "(Q1 + 2 median + Q3)/4."},
	{"mean_deviation_from_mean", "u", "Mean distance from the mean."},
	{"mean_deviation_from_median", "u", "Mean distance from the median."},
	{"median_deviation_from_mean", "u", "Median distance from the mean."},
	{"median_deviation_from_median", "u", "Median distance from the median."},
	{"scaled_median_deviation", "u", "1.4826 times the median distance from the median: the standard deviation of a normal distribution."},
	{"maximum_deviation_from_mean", "u", "Largest distance from the mean."},
	{"maximum_deviation_from_median", "u", "Largest distance from the median."},
	{"root_mean_square", "u", "Square root of the mean square."},
	{"minimum", "u", "Smallest value."},
	{"maximum", "u", "Largest value."},
	{"quartile_1", "u", "25th percentile."},
	{"quartile_3", "u", "75th percentile."},
	{"interquartile_range", "u", "75th minus 25th percentile."},
	{"low_notch", "u", "25th percentile minus 1.5 interquartile ranges."},
	{"high_notch", "u", "75th percentile plus 1.5 interquartile ranges."},
	{"range", "u", "Largest minus smallest value."},
	{"decile_1", "u", "10th percentile."},
	{"decile_2", "u", "20th percentile."},
	{"decile_3", "u", "30th percentile."},
	{"decile_4", "u", "40th percentile."},
	{"decile_5", "u", "50th percentile."},
	{"decile_6", "u", "60th percentile."},
	{"decile_7", "u", "70th percentile."},
	{"decile_8", "u", "80th percentile."},
	{"decile_9", "u", "90th percentile."},
	{"variance", "u²", "Σ(x − mean)²/(n − 1)."},
	{"standard_deviation", "u", "Square root of the variance."},
	{"skewness", "1", "Mean of (x − mean)³ over the cubed standard deviation."},
	{"kurtosis", "1", "Mean of (x − mean)⁴ over the squared variance, minus 3."},
	{"energy", "u²", "Sum of squares."},
	{"uniformity", "1", "Sum of the squared frequencies of the values."},
	{"entropy", "bit", "Disorder of the values."},
}

// describe stores the statistics of s, which must not be empty.
func (s *sample) describe(d *[44]float64) {
	n := float64(s.n())
	mean, median := s.mean(func(x float64) float64 { return x }), s.quantile(0.5)
	var mode, squares, m2, m3, m4, logs, signed, inverse, uniformity, entropy float64
	most := 0
	for m, x := range s.value {
		c := float64(s.count[m])
		if s.count[m] > most {
			most, mode = s.count[m], x
		}
		squares += c * x * x
		t := x - mean
		m2 += c * t * t
		m3 += c * t * t * t
		m4 += c * t * t * t * t
		l := logOf(x)
		logs += c * l
		signed += c * math.Copysign(1, x) * l
		if x == 0 {
			inverse += c
		} else {
			inverse += c / x
		}
		p := c / n
		uniformity += p * p
		entropy -= p * math.Log2(p)
	}
	low, high := s.value[0], s.value[len(s.value)-1]
	shift := 0.0
	if low <= 0 {
		shift = 1 - low
	}
	q1, q3 := s.quantile(0.25), s.quantile(0.75)
	meanMean, medianMean, maxMean := s.deviations(mean)
	meanMedian, medianMedian, maxMedian := s.deviations(median)
	variance := m2 / (n - 1) // NaN of one number
	sd := math.Sqrt(variance)
	*d = [44]float64{
		mean, median, mode,
		math.Exp(logs / n), math.Exp(signed / n), math.Exp(s.mean(func(x float64) float64 { return math.Log(x + shift) })),
		quotient(n, inverse),
		s.trimmed(0.025), s.trimmed(0.05), s.trimmed(0.1), s.trimmed(0.25), (q1 + 2*median + q3) / 4,
		meanMean, meanMedian, medianMean, medianMedian, 1.482602218505602 * medianMedian, maxMean, maxMedian,
		math.Sqrt(squares / n), low, high,
		q1, q3, q3 - q1, q1 - 1.5*(q3-q1), q3 + 1.5*(q3-q1), high - low,
		s.quantile(0.1), s.quantile(0.2), s.quantile(0.3), s.quantile(0.4), median, s.quantile(0.6), s.quantile(0.7), s.quantile(0.8), s.quantile(0.9),
		variance, sd, quotient(m3/n, sd*sd*sd), quotient(m4/n, variance*variance) - 3,
		squares, uniformity, entropy,
	}
}

// quotient returns a/b, NaN where b is zero.
func quotient(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

// cellStatistics are the 33 numbers of [cells], in its order: those of
// [intensityStatistics] for the cells of a co-occurrence matrix, except that
// quartiles and deciles are averaged, and that energy and entropy stand among
// the statistics of pairs.
var cellStatistics = func() []statistic {
	var out []statistic
	add := func(s statistic) {
		s.name, s.unit, s.doc = "cells_"+s.name, s.unitOf("1"), fmt.Sprintf("Of the cells of the matrix: %s", s.doc)
		out = append(out, s)
	}
	for n, s := range intensityStatistics {
		switch {
		case n == 22:
			add(statistic{"mean_quartile", "u", "Mean of the 25th and the 75th percentile."})
		case n == 28:
			add(statistic{"mean_decile", "u", "Mean of the nine deciles."})
		case n == 23, n > 28 && n < 37, n == 41, n == 43:
		default:
			add(s)
		}
	}
	return out
}()

// cells stores the statistics of the cells of a matrix from their description.
func cells(dst []float64, d *[44]float64) {
	copy(dst[:22], d[:22])
	dst[22] = (d[22] + d[23]) / 2
	copy(dst[23:27], d[24:28])
	dst[27] = 0
	for _, x := range d[28:37] {
		dst[27] += x / 9
	}
	copy(dst[28:32], d[37:41])
	dst[32] = d[42]
}
