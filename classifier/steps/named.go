package steps

import (
	"fmt"
	"slices"
)

// learners are the names of the learners and their default settings.
var learners = []struct {
	name string
	make func() any
}{
	{"preset", func() any { p := DefaultPreset(); return &p }},
	{"boosting", func() any { b := DefaultBoosting(); return &b }},
	{"logistic", func() any { r := DefaultRidge(); return &r }},
	{"forest", func() any { f := DefaultForest(); return &f }},
	{"tree", func() any { t := DefaultTree(); return &t }},
	{"knn", func() any { return &Neighbours{K: 15} }},
}

// LearnerNames returns the names that [NamedLearner] knows.
func LearnerNames() []string {
	var names []string
	for _, l := range learners {
		names = append(names, l.name)
	}
	return names
}

// LargeRows is the number of rows from which boosting has other defaults, and
// from which it is the default learner instead of the preset.
const LargeRows = 2000

// NamedLearner returns the settings of a learner for a table of so many rows,
// ready to be decoded over, and a function that makes the learner of them.
func NamedLearner(name string, rows int) (settings any, learner func() (Learner, error), err error) {
	i := slices.Index(LearnerNames(), name)
	if i < 0 {
		return nil, nil, fmt.Errorf("unknown learner %q, want one of %q", name, LearnerNames())
	}
	settings = learners[i].make()
	if name == "boosting" && rows >= LargeRows {
		b := LargeBoosting()
		settings = &b
	}
	return settings, func() (Learner, error) { return build(settings) }, nil
}

func build(settings any) (Learner, error) {
	switch s := settings.(type) {
	case *Preset:
		return *s, s.Validate()
	case *Boosting:
		return *s, s.Validate()
	case *Ridge:
		return *s, s.Validate()
	case *Forest:
		return *s, s.Validate()
	case *Tree:
		return *s, s.Validate()
	case *Neighbours:
		return *s, s.Validate()
	}
	panic("steps: settings of no learner")
}

// namedSteps are the steps that need no settings but the usual ones.
var namedSteps = []struct {
	name string
	step Step
}{
	{"combat", ComBat{}},
	{"prune", Prune{Most: 0.9}},
	{"mrmr", Relevant{Count: 10}},
	{"impute", Impute{}},
	{"scale", Scale{}},
	{"smote", Smote{Neighbours: 5}},
}

// StepNames returns the names that [NamedSteps] knows.
func StepNames() []string {
	var names []string
	for _, s := range namedSteps {
		names = append(names, s.name)
	}
	return names
}

// NamedSteps returns steps with their usual settings: ComBat between sites,
// pruning at |Spearman correlation| 0.9, the 10 columns of mRMR, filling in,
// scaling, SMOTE with 5 neighbours. The filter of constant columns comes first.
func NamedSteps(names []string) ([]Step, error) {
	out := []Step{Variance{MaxMissing: 1}}
	for _, name := range names {
		i := slices.Index(StepNames(), name)
		if i < 0 {
			return nil, fmt.Errorf("unknown step %q, want some of %q", name, StepNames())
		}
		out = append(out, namedSteps[i].step)
	}
	return out, nil
}
