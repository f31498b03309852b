package steps

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// ComBat removes shifts and scales of columns between sites (Johnson, Li and
// Rabinovic, Biostatistics 8, 2007; the arithmetic is that of the R package
// sva). A value of site i, row j and column g is taken as
//
//	Y = α_g + Xβ_g + σ_g (γ_ig + δ_ig ε)                           (P.1)
//
// with X the covariates. Empirical Bayes estimates γ*, δ* of the shifts and
// scales, drawn towards their distribution over the columns, give
//
//	Y* = σ_g (Z − γ*_ig)/√δ*_ig + α_g + Xβ_g,  Z = (Y − α_g − Xβ_g)/σ_g
//
// All parameters are frozen by the training rows; a row of a site that was not
// among them is an error, since nothing is known of its shift. Columns that are
// constant within a site stay as they are.
type ComBat struct {
	// Covariates names columns whose effects are kept, such as age. The outcome
	// cannot be one: it is not known of a new patient.
	Covariates []string
	// MeanOnly removes shifts and leaves scales.
	MeanOnly bool
	// NonParametric integrates over the other columns' estimates instead of
	// assuming normal and inverse gamma distributions.
	NonParametric bool
	// Reference is a site that stays as it is and that others are brought to;
	// empty: all go to their weighted mean.
	Reference string
}

// Name returns "ComBat".
func (c ComBat) Name() string { return "ComBat" }

// Fit estimates shifts and scales.
func (c ComBat) Fit(_ context.Context, train *Table) (Applied, error) {
	if train.Site == nil {
		return nil, errors.New("the table has no column of sites")
	}
	if r := slices.Index(train.Site, ""); r >= 0 {
		return nil, fmt.Errorf("row %d, patient %q, has no site", r+1, train.Patient[r])
	}
	h := &Harmonised{Sites: slices.Compact(slices.Sorted(slices.Values(train.Site))), Covariates: c.Covariates, reference: -1}
	if c.Reference != "" {
		h.Reference = c.Reference
		if h.reference = slices.Index(h.Sites, c.Reference); h.reference < 0 {
			return nil, fmt.Errorf("reference site %q has no training row", c.Reference)
		}
	}
	if len(h.Sites) < 2 {
		return nil, fmt.Errorf("all training rows are of site %q: there is nothing to harmonise", h.Sites[0])
	}
	x, err := covariates(train, c.Covariates)
	if err != nil {
		return nil, err
	}
	site := h.places(train.Site)
	meanOnly := c.MeanOnly
	n := make([]int, len(h.Sites))
	for _, s := range site {
		n[s]++
	}
	meanOnly = meanOnly || slices.Min(n) == 1 // one row says nothing about a scale

	f := &combatFit{ComBat: c, Harmonised: h, site: site, n: n, x: x}
	f.MeanOnly = meanOnly
	for _, col := range train.Columns {
		if numeric(col) && !slices.Contains(c.Covariates, col.Name) && f.varies(col.Values) {
			if err := f.standardise(col); err != nil {
				return nil, err
			}
		}
	}
	if len(f.z) < 2 {
		return nil, fmt.Errorf("%d columns vary within each site: shifts are estimated over at least 2", len(f.z))
	}
	return h, f.shrink()
}

// Harmonised is the fitted form of [ComBat].
type Harmonised struct {
	Sites      []string    `json:"sites"`
	Reference  string      `json:"reference,omitempty"`
	Covariates []string    `json:"covariates,omitempty"`
	Names      []string    `json:"names"` // of the columns that are changed
	Alpha      []float64   `json:"alpha"`
	Beta       [][]float64 `json:"beta"` // [column][covariate]
	Sigma      []float64   `json:"sigma"`
	Gamma      [][]float64 `json:"gamma"` // [site][column]
	Delta      [][]float64 `json:"delta"` // [site][column], a ratio of variances

	reference int
}

// Kind returns "combat".
func (h *Harmonised) Kind() string { return "combat" }

// Apply returns the table with the shifts and scales of its sites removed.
func (h *Harmonised) Apply(t *Table) (*Table, error) {
	if t.Site == nil {
		return nil, errors.New("the table has no column of sites")
	}
	for r, s := range t.Site {
		if !slices.Contains(h.Sites, s) {
			return nil, fmt.Errorf("row %d is of site %q, of which nothing is known; sites of the training rows: %q", r+1, s, h.Sites)
		}
	}
	x, err := covariates(t, h.Covariates)
	if err != nil {
		return nil, err
	}
	site := h.places(t.Site)
	out := *t
	out.Columns = slices.Clone(t.Columns)
	for g, name := range h.Names {
		c := t.column(name)
		if c < 0 {
			return nil, fmt.Errorf("the table has no column %q, which the model needs", name)
		}
		v := slices.Clone(t.Columns[c].Values)
		for r, s := range site {
			if h.Sites[s] == h.Reference {
				continue
			}
			mean := h.Alpha[g]
			for k := range x {
				mean += h.Beta[g][k] * x[k][r]
			}
			z := (v[r] - mean) / h.Sigma[g]
			v[r] = h.Sigma[g]*(z-h.Gamma[s][g])/math.Sqrt(h.Delta[s][g]) + mean
		}
		out.Columns[c].Values = v
	}
	return &out, nil
}

// places returns the place of each site among the known ones.
func (h *Harmonised) places(sites []string) []int {
	at := make([]int, len(sites))
	for r, s := range sites {
		at[r], _ = slices.BinarySearch(h.Sites, s)
	}
	return at
}

// covariates returns the named columns, which must be complete numbers.
func covariates(t *Table, names []string) ([][]float64, error) {
	var x [][]float64
	for _, name := range names {
		c := t.column(name)
		if c < 0 {
			return nil, fmt.Errorf("the table has no covariate %q", name)
		}
		if !numeric(t.Columns[c]) {
			return nil, fmt.Errorf("covariate %q is not a number", name)
		}
		for r, v := range t.Columns[c].Values {
			if math.IsNaN(v) {
				return nil, fmt.Errorf("row %d, covariate %q: no value; impute before harmonising", r+1, name)
			}
		}
		x = append(x, t.Columns[c].Values)
	}
	return x, nil
}

// combatFit is a fit under way.
type combatFit struct {
	ComBat
	*Harmonised
	site []int
	n    []int       // rows of a site
	x    [][]float64 // covariates
	z    [][]float64 // standardised columns
}

// varies tells whether x has two different values in every site (one row is
// enough if scales are left).
func (f *combatFit) varies(x []float64) bool {
	low, high := make([]float64, len(f.n)), make([]float64, len(f.n))
	for s := range low {
		low[s], high[s] = math.Inf(1), math.Inf(-1)
	}
	for r, v := range x {
		if !math.IsNaN(v) {
			s := f.site[r]
			low[s], high[s] = min(low[s], v), max(high[s], v)
		}
	}
	for s := range low {
		if !(low[s] < high[s]) && f.n[s] > 1 || low[s] > high[s] {
			return false
		}
	}
	return true
}

// standardise fits site means and covariates to a column by least squares and
// appends its α, β, σ and standardised values.
func (f *combatFit) standardise(col boost.Column) error {
	sites, k := len(f.n), len(f.n)+len(f.x)
	var rows []int
	for r, v := range col.Values {
		if !math.IsNaN(v) {
			rows = append(rows, r)
		}
	}
	design, y := mat.NewDense(len(rows), k, nil), mat.NewVecDense(len(rows), nil)
	for i, r := range rows {
		design.Set(i, f.site[r], 1)
		for c := range f.x {
			design.Set(i, sites+c, f.x[c][r])
		}
		y.SetVec(i, col.Values[r])
	}
	var b mat.VecDense
	var qr mat.QR
	qr.Factorize(design)
	if qr.Cond() > 1e12 || qr.SolveVecTo(&b, false, y) != nil {
		return fmt.Errorf("column %q: sites and covariates %q cannot be told apart", col.Name, f.ComBat.Covariates)
	}
	var alpha float64
	for s, n := range f.n {
		alpha += float64(n) / float64(len(f.site)) * b.AtVec(s)
	}
	if f.reference >= 0 {
		alpha = b.AtVec(f.reference)
	}
	beta := make([]float64, len(f.x))
	for c := range beta {
		beta[c] = b.AtVec(sites + c)
	}
	var residual mat.VecDense
	residual.MulVec(design, &b)
	residual.SubVec(y, &residual)
	var v, n float64
	for i, r := range rows {
		if f.reference < 0 || f.site[r] == f.reference {
			v += residual.AtVec(i) * residual.AtVec(i)
			n++
		}
	}
	if !(v > 0) {
		return fmt.Errorf("column %q: sites and covariates explain it wholly", col.Name)
	}
	sigma := math.Sqrt(v / n)
	z := make([]float64, len(col.Values))
	for r, v := range col.Values {
		for c := range beta {
			v -= beta[c] * f.x[c][r]
		}
		z[r] = (v - alpha) / sigma
	}
	f.Names = append(f.Names, col.Name)
	f.Alpha, f.Beta, f.Sigma = append(f.Alpha, alpha), append(f.Beta, beta), append(f.Sigma, sigma)
	f.z = append(f.z, z)
	return nil
}

// shrink estimates γ* and δ* of all sites.
func (f *combatFit) shrink() error {
	f.Gamma, f.Delta = make([][]float64, len(f.n)), make([][]float64, len(f.n))
	for s := range f.n {
		own := make([][]float64, len(f.z)) // values of this site
		gamma, delta := make([]float64, len(f.z)), make([]float64, len(f.z))
		for g, z := range f.z {
			for r, v := range z {
				if f.site[r] == s && !math.IsNaN(v) {
					own[g] = append(own[g], v)
				}
			}
			var sd float64
			gamma[g], sd = meanSD(own[g])
			delta[g] = sd * sd
			if f.MeanOnly {
				delta[g] = 1
			}
		}
		switch {
		case s == f.reference:
			for g := range gamma {
				gamma[g], delta[g] = 0, 1
			}
		case f.NonParametric:
			gamma, delta = f.integrate(own, gamma, delta)
		case f.MeanOnly:
			bar, sd := meanSD(gamma)
			for g := range gamma {
				gamma[g] = (sd*sd*gamma[g] + bar) / (sd*sd + 1)
			}
		default:
			var err error
			if gamma, delta, err = posterior(own, gamma, delta); err != nil {
				return fmt.Errorf("site %q: %w", f.Sites[s], err)
			}
		}
		f.Gamma[s], f.Delta[s] = gamma, delta
	}
	return nil
}

// posterior iterates the posterior means of normal shifts and inverse gamma
// scales. The rule to stop is that of sva.
func posterior(own [][]float64, gammaHat, deltaHat []float64) (gamma, delta []float64, err error) {
	bar, t := meanSD(gammaHat)
	t2 := t * t
	m, s := meanSD(deltaHat)
	s2 := s * s
	if !(t2 > 0 && s2 > 0) {
		return nil, nil, errors.New("all columns have the same shift or scale: take the mean only")
	}
	a, b := (2*s2+m*m)/s2, (m*s2+m*m*m)/s2
	gamma, delta = slices.Clone(gammaHat), slices.Clone(deltaHat)
	for range 10000 {
		change := math.Inf(-1)
		for g, z := range own {
			n := float64(len(z))
			next := (t2*n*gammaHat[g] + delta[g]*bar) / (t2*n + delta[g])
			var sum2 float64
			for _, v := range z {
				sum2 += (v - next) * (v - next)
			}
			scale := (0.5*sum2 + b) / (n/2 + a - 1)
			change = max(change, math.Abs(next-gamma[g])/gamma[g], math.Abs(scale-delta[g])/delta[g])
			gamma[g], delta[g] = next, scale
		}
		if !(change > 1e-4) {
			return gamma, delta, nil
		}
	}
	return nil, nil, errors.New("shifts and scales do not settle in 10000 steps")
}

// integrate averages the estimates of the other columns, weighted by the
// likelihood of a column's values under them.
func (f *combatFit) integrate(own [][]float64, gammaHat, deltaHat []float64) (gamma, delta []float64) {
	gamma, delta = make([]float64, len(own)), make([]float64, len(own))
	logs := make([]float64, len(own))
	for g, z := range own {
		top := math.Inf(-1)
		for k := range own {
			if k == g {
				continue
			}
			var sum2 float64
			for _, v := range z {
				sum2 += (v - gammaHat[k]) * (v - gammaHat[k])
			}
			logs[k] = -float64(len(z))/2*math.Log(2*math.Pi*deltaHat[k]) - sum2/(2*deltaHat[k])
			top = max(top, logs[k])
		}
		var weight float64
		for k := range own {
			if k != g {
				w := math.Exp(logs[k] - top)
				weight += w
				gamma[g] += w * gammaHat[k]
				delta[g] += w * deltaHat[k]
			}
		}
		gamma[g] /= weight
		delta[g] /= weight
	}
	return gamma, delta
}
