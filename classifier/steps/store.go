package steps

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
	"github.com/plaquerisk/plaquerisk/classifier/calibrate"
)

// sealed is a step, model or calibrator in JSON: what it is and what it learnt.
type sealed struct {
	Kind  string          `json:"kind"`
	State json.RawMessage `json:"state"`
}

func seal(kind string, v any) (sealed, error) {
	state, err := json.Marshal(v)
	return sealed{kind, state}, err
}

type fittedJSON struct {
	Steps      []sealed         `json:"steps"`
	Model      sealed           `json:"model"`
	Calibrator *calibrate.Level `json:"calibrator,omitempty"`
}

// MarshalJSON writes what every step, the model and the calibrator have learnt.
func (f *Fitted) MarshalJSON() ([]byte, error) {
	var out fittedJSON
	for _, s := range f.Steps {
		one, err := seal(s.Kind(), s)
		if err != nil {
			return nil, err
		}
		out.Steps = append(out.Steps, one)
	}
	var err error
	if out.Model, err = seal(f.Model.Kind(), f.Model); err != nil {
		return nil, err
	}
	if f.Calibrator != nil {
		out.Calibrator = &calibrate.Level{Name: "row", Map: f.Calibrator}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote and refuses what no fit gives.
func (f *Fitted) UnmarshalJSON(text []byte) error {
	var in fittedJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*f = Fitted{}
	for n, s := range in.Steps {
		step, err := openStep(s)
		if err != nil {
			return fmt.Errorf("step %d, %q: %w", n+1, s.Kind, err)
		}
		f.Steps = append(f.Steps, step)
	}
	var err error
	if f.Model, err = openModel(in.Model, 0); err != nil {
		return fmt.Errorf("model, %q: %w", in.Model.Kind, err)
	}
	if in.Calibrator != nil {
		if k := classesOf(f.Model); k != 2 {
			return fmt.Errorf("a calibrator of two classes for a model of %d", k)
		}
		f.Calibrator = in.Calibrator.Map
	}
	return nil
}

func openStep(s sealed) (Applied, error) {
	switch s.Kind {
	case "selection":
		return open(s, &Selection{}, (*Selection).check)
	case "impute":
		return open(s, &Fill{}, (*Fill).check)
	case "scale":
		return open(s, &Scaled{}, (*Scaled).check)
	case "combat":
		return open(s, &Harmonised{}, (*Harmonised).check)
	case "same":
		return open(s, &Same{}, func(*Same) error { return nil })
	}
	return nil, errors.New("unknown kind of step")
}

// maxParts bounds how deep a blend of blends may be.
const maxParts = 4

func openModel(s sealed, depth int) (Model, error) {
	switch s.Kind {
	case "neighbours":
		return open(s, &NeighbourModel{}, (*NeighbourModel).check)
	case "ridge":
		return open(s, &RidgeModel{}, (*RidgeModel).check)
	case "trees":
		return open(s, &TreeModel{}, (*TreeModel).check)
	case "blend":
		if depth == maxParts {
			return nil, errors.New("blends within blends")
		}
		var in blendJSON
		if err := json.Unmarshal(s.State, &in); err != nil {
			return nil, err
		}
		if len(in.Parts) == 0 || in.Classes < 2 || in.Classes > maxClasses || !(in.Margin >= 0 && in.Margin < 0.5) || len(in.Weights) != len(in.Parts) {
			return nil, fmt.Errorf("blend of %d parts, %d weights, %d classes, margin %g", len(in.Parts), len(in.Weights), in.Classes, in.Margin)
		}
		b := &Blend{Classes: in.Classes, Margin: in.Margin, Weights: in.Weights}
		for n, part := range in.Parts {
			m, err := openModel(part, depth+1)
			if err != nil {
				return nil, fmt.Errorf("part %d, %q: %w", n+1, part.Kind, err)
			}
			if k := classesOf(m); k != in.Classes {
				return nil, fmt.Errorf("part %d, %q, has %d classes of %d", n+1, part.Kind, k, in.Classes)
			}
			b.Parts = append(b.Parts, m)
		}
		return b, nil
	}
	return nil, errors.New("unknown kind of model")
}

// classesOf returns the number of classes that a model predicts.
func classesOf(m Model) int {
	switch m := m.(type) {
	case *NeighbourModel:
		return m.Classes
	case *RidgeModel:
		return max(2, len(m.Weights))
	case *TreeModel:
		return m.Classes
	case *Blend:
		return m.Classes
	}
	panic("steps: a model of unknown kind")
}

// open reads the state of v and checks it.
func open[T any](s sealed, v *T, check func(*T) error) (*T, error) {
	if err := json.Unmarshal(s.State, v); err != nil {
		return nil, err
	}
	return v, check(v)
}

type blendJSON struct {
	Classes int       `json:"classes"`
	Margin  float64   `json:"margin"`
	Weights []float64 `json:"weights"`
	Parts   []sealed  `json:"parts"`
}

// MarshalJSON writes all parts.
func (b *Blend) MarshalJSON() ([]byte, error) {
	out := blendJSON{Classes: b.Classes, Margin: b.Margin, Weights: b.Weights}
	for _, m := range b.Parts {
		one, err := seal(m.Kind(), m)
		if err != nil {
			return nil, err
		}
		out.Parts = append(out.Parts, one)
	}
	return json.Marshal(out)
}

func (s *Selection) check() error {
	if len(s.Keep) == 0 || !slices.IsSorted(s.Keep) {
		return fmt.Errorf("%d columns are kept, want at least one, in the order of their names", len(s.Keep))
	}
	return nil
}

func (f *Fill) check() error {
	if len(f.Names) != len(f.Values) {
		return fmt.Errorf("%d names, %d values", len(f.Names), len(f.Values))
	}
	return nil
}

func (f *Scaled) check() error {
	if len(f.Names) != len(f.Centre) || len(f.Names) != len(f.Inverse) {
		return fmt.Errorf("%d names, %d centres, %d widths", len(f.Names), len(f.Centre), len(f.Inverse))
	}
	return nil
}

func (h *Harmonised) check() error {
	n := len(h.Names)
	ok := len(h.Alpha) == n && len(h.Beta) == n && len(h.Sigma) == n && len(h.Gamma) == len(h.Sites) && len(h.Delta) == len(h.Sites) && slices.IsSorted(h.Sites)
	for s := range h.Sites {
		ok = ok && len(h.Gamma[s]) == n && len(h.Delta[s]) == n
	}
	for g := range h.Names {
		ok = ok && len(h.Beta[g]) == len(h.Covariates) && h.Sigma[g] > 0
		for s := range h.Sites {
			ok = ok && h.Delta[s][g] > 0
		}
	}
	if !ok {
		return errors.New("lengths differ, or a scale is not above 0")
	}
	return nil
}

func (s *Space) check() error {
	for _, c := range s.Codes {
		if c.Categories < 0 || c.Categories > boost.MaxCategories {
			return fmt.Errorf("column %q has %d categories, want at most %d", c.Name, c.Categories, boost.MaxCategories)
		}
	}
	return errors.Join(s.Fill.check(), s.Scaled.check())
}

func (m *NeighbourModel) check() error {
	if err := m.Space.check(); err != nil {
		return err
	}
	if m.K < 1 || m.K > len(m.X) || len(m.X) != len(m.Y) || m.Classes < 2 || m.Classes > maxClasses {
		return fmt.Errorf("%d neighbours of %d rows, %d outcomes, %d classes", m.K, len(m.X), len(m.Y), m.Classes)
	}
	for r, row := range m.X {
		if len(row) != len(m.Space.Scaled.Names) || m.Y[r] < 0 || m.Y[r] >= m.Classes {
			return fmt.Errorf("row %d has %d values of %d columns and class %d", r+1, len(row), len(m.Space.Scaled.Names), m.Y[r])
		}
	}
	return nil
}

func (m *RidgeModel) check() error {
	if err := m.Space.check(); err != nil {
		return err
	}
	if len(m.Weights) > maxClasses {
		return fmt.Errorf("%d classes", len(m.Weights))
	}
	if len(m.Weights) == 0 || len(m.Weights) != len(m.Intercept) {
		return fmt.Errorf("%d sets of coefficients, %d intercepts", len(m.Weights), len(m.Intercept))
	}
	for _, w := range m.Weights {
		if len(w) != len(m.Space.Scaled.Names) {
			return fmt.Errorf("%d coefficients of %d columns", len(w), len(m.Space.Scaled.Names))
		}
	}
	return nil
}

func (m *TreeModel) check() error {
	want := m.Classes
	if len(m.Models) > 0 && (m.Classes == 2 || m.Models[0].Objective == boost.Softmax) {
		want = 1
	}
	if m.Classes < 2 || m.Classes > maxClasses || len(m.Models) != want {
		return fmt.Errorf("%d models of %d classes", len(m.Models), m.Classes)
	}
	for _, one := range m.Models {
		if err := one.Prepare(); err != nil {
			return err
		}
		if one.Margins > 1 && one.Margins != m.Classes || one.Objective != m.Models[0].Objective {
			return fmt.Errorf("%s with %d margins for %d classes", one.Objective, one.Margins, m.Classes)
		}
	}
	return nil
}
