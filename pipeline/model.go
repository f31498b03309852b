package pipeline

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/plaquerisk/plaquerisk/classifier"
	"github.com/plaquerisk/plaquerisk/risk"
)

// shipped is the default model; make model trains it anew.
//
//go:embed default_model.json
var shipped []byte

var defaultModel = sync.OnceValues(func() (*classifier.Model, error) {
	return classifier.Load(bytes.NewReader(shipped))
})

// LoadModel reads a model file; an empty path gives the shipped model, which
// was trained on a synthetic cohort, for demonstration.
func LoadModel(path string) (*classifier.Model, error) {
	if path == "" {
		m, err := defaultModel()
		if err != nil {
			return nil, fail(Internal, "PLQ-600", fmt.Errorf("shipped model: %w", err))
		}
		return m, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fail(Unreadable, "PLQ-617", fmt.Errorf("model: %w", err))
	}
	defer f.Close()
	m, err := classifier.Load(f)
	if err != nil {
		return nil, fail(Unreadable, "PLQ-617", fmt.Errorf("model %s: %w", path, err))
	}
	return m, nil
}

// ReadEvaluation reads an evaluation file.
func ReadEvaluation(path string) (*risk.Evaluation, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fail(Unreadable, "PLQ-609", err)
	}
	e := &risk.Evaluation{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(e); err != nil {
		return nil, fail(Unreadable, "PLQ-609", fmt.Errorf("%s: %w", path, err))
	}
	if e.Format != risk.EvaluationFormat || e.Version != risk.EvaluationVersion {
		return nil, fail(Unreadable, "PLQ-609", fmt.Errorf("%s: format %q version %d, want %q version %d", path, e.Format, e.Version, risk.EvaluationFormat, risk.EvaluationVersion))
	}
	return e, nil
}
