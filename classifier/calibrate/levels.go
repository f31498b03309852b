package calibrate

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Level is a calibrator with the level it is for.
type Level struct {
	Name string // "lesion", "artery", "patient"
	Map  Map
}

// Levels are calibrators per level. A level without one stays as it is.
type Levels []Level

// Apply returns the calibrated probability of a level.
func (l Levels) Apply(level string, p float64) float64 {
	for _, x := range l {
		if x.Name == level {
			return x.Map.Apply(p)
		}
	}
	return p
}

type levelJSON struct {
	Level string          `json:"level"`
	Kind  string          `json:"kind"`
	State json.RawMessage `json:"state"`
}

// MarshalJSON writes kind and state of each calibrator.
func (l Level) MarshalJSON() ([]byte, error) {
	state, err := json.Marshal(l.Map)
	if err != nil {
		return nil, err
	}
	return json.Marshal(levelJSON{l.Name, l.Map.Kind(), state})
}

// UnmarshalJSON reads what MarshalJSON wrote and refuses what no fit gives.
func (l *Level) UnmarshalJSON(text []byte) error {
	var raw levelJSON
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	var m Map
	switch raw.Kind {
	case "platt":
		m = &Platt{}
	case "beta":
		m = &Beta{}
	case "isotonic":
		m = &Isotonic{}
	case "temperature":
		m = &Temperature{}
	default:
		return fmt.Errorf("calibrator of level %q: unknown kind %q", raw.Level, raw.Kind)
	}
	if err := json.Unmarshal(raw.State, m); err != nil {
		return fmt.Errorf("calibrator of level %q: %w", raw.Level, err)
	}
	switch c := m.(type) {
	case *Isotonic:
		if len(c.P) == 0 || len(c.P) != len(c.Q) || !slices.IsSorted(c.P) || !slices.IsSorted(c.Q) {
			return fmt.Errorf("calibrator of level %q: knots are not increasing pairs", raw.Level)
		}
	case *Temperature:
		if !(c.T > 0) {
			return fmt.Errorf("calibrator of level %q: temperature is %g, want more than 0", raw.Level, c.T)
		}
	}
	l.Name, l.Map = raw.Level, m
	return nil
}
