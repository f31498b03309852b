package classifier

import (
	"errors"
	"fmt"
	"slices"

	"github.com/plaquerisk/plaquerisk/feature"
)

// Config holds the choices of training.
type Config struct {
	// Boosting are the settings of the trees.
	Boosting Boosting `yaml:"boosting" json:"boosting"`
	// Aggregation says how lesions make an artery and arteries a patient.
	Aggregation Aggregation `yaml:"aggregation" json:"aggregation"`
	// Modalities are the kinds of columns to learn from: radiomics, biomechanics, anatomy, clinical.
	Modalities []string `yaml:"modalities" json:"modalities"`
	// MaxMissingShare drops columns with a larger share of missing values, 0 to 1.
	MaxMissingShare float64 `yaml:"max_missing_share" json:"max_missing_share"`
	// Seed starts all randomness.
	Seed uint64 `yaml:"seed" json:"seed"`
}

// Boosting are gradient-boosted trees, bagged over patients; it is a [Learner].
type Boosting struct {
	// Bags is the number of ensembles, each on patients of its own; their spread gives the interval.
	Bags int `yaml:"bags" json:"bags"`
	// BagFraction is the share of the patients of each class that a bag sees, 0 to 1.
	BagFraction float64 `yaml:"bag_fraction" json:"bag_fraction"`
	// Rounds is the number of trees of a bag.
	Rounds int `yaml:"rounds" json:"rounds"`
	// LearningRate shrinks every tree, 0 to 1.
	LearningRate float64 `yaml:"learning_rate" json:"learning_rate"`
	// MaxDepth is the number of splits from root to leaf.
	MaxDepth int `yaml:"max_depth" json:"max_depth"`
	// PatientFraction is the share of a bag's patients of each class that one tree sees, 0 to 1.
	PatientFraction float64 `yaml:"patient_fraction" json:"patient_fraction"`
	// ColumnFraction is the share of the columns that one tree sees, 0 to 1; it sees at least max_depth columns.
	ColumnFraction float64 `yaml:"column_fraction" json:"column_fraction"`
	// Lambda is the L2 penalty of leaf values, in units of the summed second derivative.
	Lambda float64 `yaml:"lambda" json:"lambda"`
	// Gamma is the loss that a split must save.
	Gamma float64 `yaml:"gamma" json:"gamma"`
	// MinChildWeight is the least sum of second derivatives in a leaf.
	MinChildWeight float64 `yaml:"min_child_weight" json:"min_child_weight"`
	// MinChildRows is the least number of rows in a leaf; 0 takes the larger of 2 and rows/50.
	MinChildRows int `yaml:"min_child_rows" json:"min_child_rows"`
	// MaxBins is the number of values at which a column may be cut, 2 to 255; columns with fewer distinct values keep all.
	MaxBins int `yaml:"max_bins" json:"max_bins"`
	// ClassWeight is none, or balanced: both classes weigh the same, and probabilities are no longer those of the cohort.
	ClassWeight string `yaml:"class_weight" json:"class_weight"`
	// RowWeight is lesion (each counts 1) or artery (each artery counts the same, shared by its lesions).
	RowWeight string `yaml:"row_weight" json:"row_weight"`
	// ModalityDropout is the chance, a share of 0 to 0.9, that a bag takes a patient for one who lacks a modality. Above 0 the model also scores patients who lack radiomics or biomechanics.
	ModalityDropout float64 `yaml:"modality_dropout" json:"modality_dropout,omitempty"`
	// Base is the probability that boosting starts from; 0 takes the share of positives.
	Base float64 `yaml:"base_probability" json:"base_probability"`
}

// The class and row weights.
const (
	WeightNone     = "none"
	WeightBalanced = "balanced"
	WeightLesion   = "lesion"
	WeightArtery   = "artery"
)

// DefaultConfig returns the settings behind the shipped model. They follow the
// design "bag d2", which had the lowest log-loss of the tree models on small
// clinical tables: see docs/decisions/0060-small-cohort-boosting.md.
func DefaultConfig() Config {
	return Config{
		Boosting:        DefaultBoosting(),
		Aggregation:     Aggregation{Artery: Max, Patient: NoisyOr},
		Modalities:      []string{feature.Radiomics, feature.Biomechanics, feature.Anatomy, feature.Clinical},
		MaxMissingShare: 0.5,
		Seed:            1,
	}
}

// DefaultBoosting returns trees for cohorts of 40 to 2000 rows.
func DefaultBoosting() Boosting {
	return Boosting{
		Bags: 20, BagFraction: 0.63, Rounds: 100, LearningRate: 0.1, MaxDepth: 2,
		PatientFraction: 0.7, ColumnFraction: 0.3, Lambda: 3, MinChildWeight: 0, MinChildRows: 0,
		MaxBins: 16, ClassWeight: WeightNone, RowWeight: WeightArtery,
	}
}

// Validate reports everything that is wrong, in the words of the YAML file.
func (c Config) Validate() error {
	errs := []error{c.Boosting.Validate()}
	for _, r := range []struct {
		key  string
		rule Rule
	}{{"aggregation.artery", c.Aggregation.Artery}, {"aggregation.patient", c.Aggregation.Patient}} {
		if !slices.Contains(Rules, r.rule) {
			errs = append(errs, fmt.Errorf("%s is %q, want one of %q", r.key, r.rule, Rules))
		}
	}
	known := []string{feature.Radiomics, feature.Biomechanics, feature.Anatomy, feature.Clinical}
	if len(c.Modalities) == 0 {
		errs = append(errs, fmt.Errorf("modalities is empty, want some of %q", known))
	}
	for _, m := range c.Modalities {
		if !slices.Contains(known, m) {
			errs = append(errs, fmt.Errorf("modalities has %q, want some of %q", m, known))
		}
	}
	errs = append(errs, within("max_missing_share", c.MaxMissingShare, 0, 1))
	return errors.Join(errs...)
}

// Validate reports everything that is wrong, in the words of the YAML file.
func (b Boosting) Validate() error {
	share := func(key string, x float64) error {
		if !(x > 0 && x <= 1) {
			return fmt.Errorf("boosting.%s is %g, want more than 0 and at most 1", key, x)
		}
		return nil
	}
	count := func(key string, n, low, high int) error {
		if n < low || n > high {
			return fmt.Errorf("boosting.%s is %d, want %d to %d", key, n, low, high)
		}
		return nil
	}
	oneOf := func(key, x string, of ...string) error {
		if !slices.Contains(of, x) {
			return fmt.Errorf("boosting.%s is %q, want one of %q", key, x, of)
		}
		return nil
	}
	return errors.Join(
		count("bags", b.Bags, 1, maxBags),
		share("bag_fraction", b.BagFraction),
		count("rounds", b.Rounds, 1, maxRounds),
		share("learning_rate", b.LearningRate),
		count("max_depth", b.MaxDepth, 1, maxDepth),
		share("patient_fraction", b.PatientFraction),
		share("column_fraction", b.ColumnFraction),
		within("boosting.lambda", b.Lambda, 0, 1e6),
		within("boosting.gamma", b.Gamma, 0, 1e6),
		within("boosting.min_child_weight", b.MinChildWeight, 0, 1e6),
		count("min_child_rows", b.MinChildRows, 0, 1<<20),
		count("max_bins", b.MaxBins, 2, maxBins),
		oneOf("class_weight", b.ClassWeight, WeightNone, WeightBalanced),
		oneOf("row_weight", b.RowWeight, WeightLesion, WeightArtery),
		within("boosting.modality_dropout", b.ModalityDropout, 0, 0.9),
		within("boosting.base_probability", b.Base, 0, 0.999999),
	)
}

func within(key string, x, low, high float64) error {
	if !(x >= low && x <= high) {
		return fmt.Errorf("%s is %g, want %g to %g", key, x, low, high)
	}
	return nil
}

// The limits of settings and of model files.
const (
	maxBags   = 1000
	maxRounds = 10000
	maxDepth  = 10
	maxBins   = 255
	maxWeight = 1 << 10
)
