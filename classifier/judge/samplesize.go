package judge

import (
	"fmt"
	"math"
)

// Planned describes a model of a binary outcome whose sample size is judged.
type Planned struct {
	Parameters int     // candidate coefficients, counted before any selection
	Prevalence float64 // of the outcome
	R2         float64 // the Cox–Snell R² that is expected of the model
	Shrinkage  float64 // that is acceptable: 0.9
}

// SampleSize is the least number of rows for a prediction model by the criteria
// of Riley et al. (Stat. Med. 38, 2019; BMJ 368, 2020, m441).
type SampleSize struct {
	Shrink   int     // so that predictor effects need to shrink by 10 % at most
	Optimism int     // so that apparent and true share of explained variation differ by 0.05 at most
	Risk     int     // so that the overall risk is known to ±0.05
	Needed   int     // the largest of them
	Events   float64 // expected among them
	PerEvent float64 // events per parameter
}

// MaxR2 returns the largest Cox–Snell R² that a model of an outcome of this
// prevalence can have, 1 − (φ^φ (1 − φ)^(1−φ))².
func MaxR2(prevalence float64) float64 {
	return 1 - math.Exp(2*(prevalence*math.Log(prevalence)+(1-prevalence)*math.Log(1-prevalence)))
}

// Sizes returns the least numbers of rows, with φ the prevalence and S the
// shrinkage:
//
//	n₁ = P/((S − 1) ln(1 − R²/S))
//	n₂ = the same with S = R²/(R² + 0.05 max R²)                    (J.8)
//	n₃ = (1.96/0.05)² φ(1 − φ)
func (m Planned) Sizes() (SampleSize, error) {
	top := MaxR2(m.Prevalence)
	switch {
	case m.Parameters < 1:
		return SampleSize{}, fmt.Errorf("%d parameters, want at least 1", m.Parameters)
	case !(m.Prevalence > 0 && m.Prevalence < 1):
		return SampleSize{}, fmt.Errorf("prevalence is %g, want more than 0 and less than 1", m.Prevalence)
	case !(m.R2 > 0 && m.R2 < top):
		return SampleSize{}, fmt.Errorf("the model's R² is %g, want more than 0 and less than %.3g, the most at this prevalence", m.R2, top)
	case !(m.Shrinkage > m.R2 && m.Shrinkage < 1):
		return SampleSize{}, fmt.Errorf("shrinkage is %g, want more than R² and less than 1", m.Shrinkage)
	}
	rows := func(s float64) int {
		return int(math.Ceil(float64(m.Parameters) / ((s - 1) * math.Log(1-m.R2/s))))
	}
	n := SampleSize{
		Shrink:   rows(m.Shrinkage),
		Optimism: rows(m.R2 / (m.R2 + 0.05*top)),
		Risk:     int(math.Ceil(math.Pow(1.96/0.05, 2) * m.Prevalence * (1 - m.Prevalence))),
	}
	n.Needed = max(n.Shrink, n.Optimism, n.Risk)
	n.Events = float64(n.Needed) * m.Prevalence
	n.PerEvent = n.Events / float64(m.Parameters)
	return n, nil
}

// R2OfLikelihood returns the Cox–Snell R² of a model with this mean log-loss
// where the prevalence has that of an outcome of share φ: 1 − exp(−2 (L₀ − L)).
func R2OfLikelihood(logLoss, prevalence float64) float64 {
	none := -prevalence*math.Log(prevalence) - (1-prevalence)*math.Log(1-prevalence)
	return 1 - math.Exp(-2*(none-logLoss))
}

// Statement says in words whether n independent rows with so many events can
// support a model of so many candidate parameters. Nothing being known of the
// model, it is taken to explain 15 % of the variation that can be explained, as
// Riley et al. advise; with the Cox–Snell R² that a model reached on rows it had
// not seen (NaN: not known), it is judged by that too.
func Statement(n, events, parameters int, reached float64) string {
	if n == 0 || events == 0 || events == n {
		return fmt.Sprintf("%d patients, %d with the event: no model can be developed from one class.", n, events)
	}
	m := Planned{Parameters: parameters, Prevalence: float64(events) / float64(n), Shrinkage: 0.9}
	top := MaxR2(m.Prevalence)
	m.R2 = 0.15 * top
	need, err := m.Sizes()
	if err != nil {
		return fmt.Sprintf("%d patients, %d with the event: the sample size cannot be judged: %v.", n, events, err)
	}
	text := fmt.Sprintf("%d patients, %d with the event, %d candidate predictors: %.2g events per predictor. "+
		"A model that explains 15 %% of the variation that can be explained needs %d patients (Riley 2020: %d so that effects shrink by at most 10 %%, %d for the optimism, %d for the overall risk).",
		n, events, parameters, float64(events)/float64(parameters), need.Needed, need.Shrink, need.Optimism, need.Risk)
	if n >= need.Needed {
		return text + " The data are enough for it."
	}
	if most := m.parameters(n); most == 0 {
		text += " The data cannot support such a model, nor one of a single predictor: take it as a hypothesis."
	} else {
		text += fmt.Sprintf(" The data cannot support such a model; as far as shrinkage goes they support %d predictors.", most)
	}
	m.R2 = reached
	if need, err = m.Sizes(); err != nil {
		return text
	}
	text += fmt.Sprintf(" On rows that it had not seen the model explained %.0f %%; that needs %d patients", 100*reached/top, need.Needed)
	if n >= need.Needed {
		return text + ", which the data have."
	}
	return text + ", which the data do not have: take it as a hypothesis."
}

// parameters returns the largest number for which n rows keep the shrinkage.
func (m Planned) parameters(n int) int {
	return int(float64(n) * (m.Shrinkage - 1) * math.Log(1-m.R2/m.Shrinkage))
}
