package steps

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Ridge is logistic regression with an L2 penalty on values that were filled in
// and scaled, softmax for more than two classes:
//
//	minimise  Σ −ln p_y + 1/(2C) Σ w²                              (P.2)
//
// Intercepts are free. The model is the mean of those of all C of a grid,
// weighted by the likelihood of the rows of patient-grouped inner folds of the
// training rows; everything, also scaling, is fitted anew in each of them. Taking
// the best C alone makes the model depend on how the folds fell.
type Ridge struct {
	// C is the grid of inverse penalties; with one value nothing is chosen.
	C []float64 `yaml:"c" json:"c"`
	// Folds is the number of patient-grouped inner folds that choose C.
	Folds int `yaml:"inner_folds" json:"inner_folds"`
}

// DefaultRidge chooses among 13 penalties in 5 inner folds.
func DefaultRidge() Ridge {
	r := Ridge{Folds: 5}
	for e := -8; e <= 4; e++ {
		r.C = append(r.C, math.Pow(10, float64(e)/2))
	}
	return r
}

// Name returns "logistic regression".
func (r Ridge) Name() string { return "logistic regression" }

// Validate reports everything that is wrong, in the words of the YAML file.
func (r Ridge) Validate() error {
	if len(r.C) == 0 {
		return fmt.Errorf("c is empty, want inverse penalties above 0")
	}
	for _, c := range r.C {
		if !(c > 0 && c < 1e12) {
			return fmt.Errorf("c has %g, want more than 0 and less than 1e12", c)
		}
	}
	if len(r.C) > 1 && r.Folds < 2 {
		return fmt.Errorf("inner_folds is %d, want at least 2 to choose among %d values of c", r.Folds, len(r.C))
	}
	return nil
}

// RidgeModel is what [Ridge] fits.
type RidgeModel struct {
	Space     Space       `json:"space"`
	C         []float64   `json:"c"`
	Share     []float64   `json:"share"`        // of each C
	Intercept []float64   `json:"intercept"`    // of each class; one for two classes
	Weights   [][]float64 `json:"coefficients"` // [class][column of Space.Scaled]
	LogLoss   []float64   `json:"inner_log_loss,omitempty"`
}

// Kind returns "ridge".
func (m *RidgeModel) Kind() string { return "ridge" }

// Fit weighs the values of C by their inner log-loss and fits on all training
// rows.
func (r Ridge) Fit(ctx context.Context, train *Table, seed uint64) (Model, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	grid := slices.Sorted(slices.Values(r.C))
	losses, weights := []float64(nil), []float64{1}
	if len(grid) > 1 {
		var err error
		if losses, err = r.search(ctx, train, grid, seed); err != nil {
			return nil, err
		}
		weights = evidence(losses, train.Rows())
	}
	last := len(weights) - 1
	for weights[last] == 0 {
		last--
	}
	path, err := ridgePath(ctx, train, grid[:last+1])
	if err != nil {
		return nil, err
	}
	// The mean of linear models is one.
	m := &RidgeModel{Space: path[0].Space, C: grid[:last+1], Share: weights[:last+1], LogLoss: losses}
	m.Intercept = make([]float64, len(path[0].Intercept))
	m.Weights = make([][]float64, len(m.Intercept))
	for k := range m.Weights {
		m.Weights[k] = make([]float64, len(path[0].Weights[k]))
		for i, one := range path {
			m.Intercept[k] += weights[i] * one.Intercept[k]
			for c, w := range one.Weights[k] {
				m.Weights[k][c] += weights[i] * w
			}
		}
	}
	return m, nil
}

// evidence returns weights in proportion to the likelihoods that models gave
// to n rows they had not seen, e^(−n loss) (pseudo Bayesian model averaging, Yao
// et al., Bayesian Anal. 13, 2018), without those below a thousandth.
func evidence(losses []float64, n int) []float64 {
	w := make([]float64, len(losses))
	best, sum := slices.Min(losses), 0.0
	for i, l := range losses {
		if w[i] = math.Exp(-float64(n) * (l - best)); w[i] < 1e-3 {
			w[i] = 0
		}
		sum += w[i]
	}
	for i := range w {
		w[i] /= sum
	}
	return w
}

// search returns the inner log-loss of each C.
func (r Ridge) search(ctx context.Context, train *Table, grid []float64, seed uint64) ([]float64, error) {
	ids, _, _ := patientsOf(train)
	splits, err := Folds(train, min(r.Folds, len(ids)), 1, key(seed, "ridge"))
	if err != nil {
		return nil, err
	}
	part := make([][]float64, len(splits)) // sums of the log-loss
	errs := make([]error, len(splits))
	if err := par.For(ctx, len(splits), func(n int) {
		part[n], errs[n] = ridgeLosses(ctx, train, splits[n], grid)
	}); err != nil {
		return nil, err
	}
	losses := make([]float64, len(grid))
	for n := range splits {
		if errs[n] != nil {
			return nil, errs[n]
		}
		for i, l := range part[n] {
			losses[i] += l / float64(train.Rows())
		}
	}
	return losses, nil
}

func ridgeLosses(ctx context.Context, t *Table, s Split, grid []float64) ([]float64, error) {
	path, err := ridgePath(ctx, t.Subset(s.Train), grid)
	if err != nil {
		return nil, err
	}
	test := t.Subset(s.Test)
	out := make([]float64, len(grid))
	for i, m := range path {
		p, err := m.Predict(test)
		if err != nil {
			return nil, err
		}
		out[i] = judge.LogLossClasses(test.Y, p) * float64(len(p))
	}
	return out, nil
}

// ridgePath fits for each C of an increasing grid, each from the one before. Where there are more
// columns than rows, the rows' own axes are the unknowns: the best weights lie
// in the span of the rows.
func ridgePath(ctx context.Context, train *Table, grid []float64) ([]*RidgeModel, error) {
	x, space, err := fitSpace(ctx, train)
	if err != nil {
		return nil, err
	}
	z, back := rowSpace(x)
	p := newRidgeProblem(z, train.Y, train.Classes)
	var path []*RidgeModel
	for _, c := range grid {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := p.minimise(c); err != nil {
			return nil, fmt.Errorf("penalty of C = %g: %w", c, err)
		}
		m := &RidgeModel{Space: *space}
		for k := range p.outputs {
			w := p.at[k*p.stride : (k+1)*p.stride]
			m.Intercept = append(m.Intercept, w[len(w)-1])
			m.Weights = append(m.Weights, back(w[:len(w)-1]))
		}
		if p.outputs > 1 { // adding the same to all changes nothing
			var sum float64
			for _, b := range m.Intercept {
				sum += b
			}
			for k := range m.Intercept {
				m.Intercept[k] -= sum / float64(p.outputs)
			}
		}
		path = append(path, m)
	}
	return path, nil
}

// rowSpace returns the rows in axes of their own if there are fewer rows than
// columns, and the map of weights back: with X Xᵀ = U Λ Uᵀ, rows become
// Z = U √Λ and weights w = Xᵀ U Λ^−½ v.
func rowSpace(x [][]float64) (z [][]float64, back func(v []float64) []float64) {
	n, p := len(x), len(x[0])
	if p <= n {
		return x, func(v []float64) []float64 { return slices.Clone(v) }
	}
	flat := mat.NewDense(n, p, nil)
	for r, row := range x {
		flat.SetRow(r, row)
	}
	gram := mat.NewSymDense(n, nil)
	gram.SymOuterK(1, flat)
	var eigen mat.EigenSym
	if !eigen.Factorize(gram, true) {
		return x, func(v []float64) []float64 { return slices.Clone(v) }
	}
	values := eigen.Values(nil)
	var u mat.Dense
	eigen.VectorsTo(&u)
	var axes []int
	for a := n - 1; a >= 0 && values[a] > 1e-12*values[n-1]; a-- {
		axes = append(axes, a)
	}
	z = make([][]float64, n)
	for r := range z {
		z[r] = make([]float64, len(axes))
		for i, a := range axes {
			z[r][i] = u.At(r, a) * math.Sqrt(values[a])
		}
	}
	return z, func(v []float64) []float64 {
		combined := make([]float64, n)
		for r := range combined {
			for i, a := range axes {
				combined[r] += u.At(r, a) / math.Sqrt(values[a]) * v[i]
			}
		}
		w := make([]float64, p)
		for r, row := range x {
			for c, t := range row {
				w[c] += combined[r] * t
			}
		}
		return w
	}
}

// Predict returns the class probabilities.
func (m *RidgeModel) Predict(t *Table) ([][]float64, error) {
	x, err := m.Space.rows(t)
	if err != nil {
		return nil, err
	}
	out := make([][]float64, len(x))
	for r, row := range x {
		f := make([]float64, len(m.Weights))
		for k, w := range m.Weights {
			f[k] = m.Intercept[k]
			for c, v := range row {
				f[k] += w[c] * v
			}
		}
		out[r] = softmax(f)
	}
	return out, nil
}

// softmax returns the probabilities of margins; of one margin, those of its two
// classes.
func softmax(f []float64) []float64 {
	if len(f) == 1 {
		return []float64{judge.Expit(-f[0]), judge.Expit(f[0])}
	}
	p := make([]float64, len(f))
	top, sum := slices.Max(f), 0.0
	for k, v := range f {
		p[k] = math.Exp(v - top)
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
	return p
}
