package boost

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Objective is the loss that trees reduce.
type Objective string

// The objectives.
const (
	Logistic Objective = "logistic" // two classes; the margin is the log-odds of class 1
	Softmax  Objective = "softmax"  // several classes; one margin for each
	Squared  Objective = "squared"  // a number; the margin is its mean
	Poisson  Objective = "poisson"  // a count; the margin is the logarithm of its mean
	Cox      Objective = "cox"      // a time to an event; the margin is the logarithm of the hazard ratio
)

// The modes of growing an ensemble.
const (
	Boosted  = "boosted"  // each tree corrects the trees before it
	Dart     = "dart"     // the same, with trees dropped at random while the next is grown
	Forest   = "forest"   // the mean of trees that do not know of each other
	Additive = "additive" // one column at a time in turn, then pairs of columns
)

// The growers, orders of growth, places of thresholds and class weights.
const (
	Histogram   = "histogram" // columns cut into at most 256 bins
	Exact       = "exact"     // every distinct value
	DepthFirst  = "depth"     // all nodes of a depth are split
	LeafFirst   = "leaf"      // the leaf with the largest gain is split next
	Middle      = "middle"    // halfway between the neighbouring values of the node
	Edge        = "edge"      // at the smallest value of the next bin, as XGBoost's hist does
	ClassEqual  = "balanced"  // all classes weigh the same
	ClassAsData = "none"      // every row weighs what it weighs
)

// Config holds the choices of [Fit].
type Config struct {
	// Objective is logistic, softmax, squared, poisson or cox.
	Objective Objective `yaml:"objective" json:"objective"`
	// Classes is the number of classes of softmax; other objectives do not read it.
	Classes int `yaml:"classes" json:"classes"`
	// Mode is boosted, dart, forest or additive.
	Mode string `yaml:"mode" json:"mode"`
	// Rounds is the number of trees (of each class, of each bag).
	Rounds int `yaml:"rounds" json:"rounds"`
	// LearningRate shrinks every tree, 0 to 1; a forest does not use it.
	LearningRate float64 `yaml:"learning_rate" json:"learning_rate"`
	// Base is the margin that boosting starts from; nil takes that of the mean target.
	Base *float64 `yaml:"base_margin" json:"base_margin"`

	// Grower is histogram or exact.
	Grower string `yaml:"grower" json:"grower"`
	// Growth is depth or leaf.
	Growth string `yaml:"growth" json:"growth"`
	// MaxDepth is the number of splits from root to leaf; 0: no limit.
	MaxDepth int `yaml:"max_depth" json:"max_depth"`
	// MaxLeaves is the number of leaves of a tree; 0: no limit.
	MaxLeaves int `yaml:"max_leaves" json:"max_leaves"`
	// MaxBins is the number of bins of a column, 2 to 256, missing values counted.
	MaxBins int `yaml:"max_bins" json:"max_bins"`
	// Threshold is middle or edge.
	Threshold string `yaml:"threshold" json:"threshold"`

	// Lambda is the L2 penalty of leaf values, in units of the summed second derivative.
	Lambda float64 `yaml:"lambda" json:"lambda"`
	// Alpha is the L1 penalty of leaf values.
	Alpha float64 `yaml:"alpha" json:"alpha"`
	// Gamma is the loss that a split must save.
	Gamma float64 `yaml:"gamma" json:"gamma"`
	// MinChildWeight is the least sum of second derivatives in a leaf.
	MinChildWeight float64 `yaml:"min_child_weight" json:"min_child_weight"`
	// MinChildRows is the least number of rows in a leaf.
	MinChildRows int `yaml:"min_child_rows" json:"min_child_rows"`
	// MaxDeltaStep limits leaf values before shrinking; 0: no limit.
	MaxDeltaStep float64 `yaml:"max_delta_step" json:"max_delta_step"`

	// Bags is the number of ensembles whose margins are averaged.
	Bags int `yaml:"bags" json:"bags"`
	// BagFraction is the share of the patients of each class that a bag sees, 0 to 1.
	BagFraction float64 `yaml:"bag_fraction" json:"bag_fraction"`
	// RowFraction is the share of a bag's patients of each class that a tree sees, 0 to 1.
	RowFraction float64 `yaml:"row_fraction" json:"row_fraction"`
	// Bootstrap draws the patients of a tree with replacement instead.
	Bootstrap bool `yaml:"bootstrap" json:"bootstrap"`
	// TreeFraction is the share of the columns that a tree sees, 0 to 1.
	TreeFraction float64 `yaml:"tree_column_fraction" json:"tree_column_fraction"`
	// LevelFraction is the share of a tree's columns that a level sees, 0 to 1.
	LevelFraction float64 `yaml:"level_column_fraction" json:"level_column_fraction"`
	// NodeFraction is the share of a level's columns that a node sees, 0 to 1.
	NodeFraction float64 `yaml:"node_column_fraction" json:"node_column_fraction"`
	// BlockDropout is the chance that a patient lacks a block of columns in a bag, 0 to 1.
	BlockDropout float64 `yaml:"block_dropout" json:"block_dropout"`

	// MaxOneHot is the number of categories up to which one is split from the rest.
	MaxOneHot int `yaml:"max_one_hot" json:"max_one_hot"`
	// CategorySmoothing is added to the second derivatives of a category when categories are sorted.
	CategorySmoothing float64 `yaml:"category_smoothing" json:"category_smoothing"`
	// Monotone says of a column whether the margin must rise (1) or fall (−1) with it.
	Monotone map[string]int `yaml:"monotone" json:"monotone"`
	// Interactions lists groups of columns that may stand on one path; a column in no group stands alone. Empty: all may.
	Interactions [][]string `yaml:"interactions" json:"interactions"`
	// BlocksApart keeps columns of different blocks on different trees.
	BlocksApart bool `yaml:"blocks_apart" json:"blocks_apart"`
	// ClassWeight is none or balanced.
	ClassWeight string `yaml:"class_weight" json:"class_weight"`
	// ClassWeights multiplies the weights of the rows of each class; empty: 1. A weight of 3 is exactly three rows for each.
	ClassWeights []float64 `yaml:"class_weights" json:"class_weights"`

	// StopFolds is the number of patient-grouped folds that choose the number of rounds; 0: all rounds are grown.
	StopFolds int `yaml:"stop_folds" json:"stop_folds"`
	// Patience is the number of rounds without improvement after which a fold stops.
	Patience int `yaml:"patience" json:"patience"`
	// DropRate is the share of the trees that dart drops, 0 to 1.
	DropRate float64 `yaml:"drop_rate" json:"drop_rate"`
	// Pairs is the number of pairs of columns of the additive mode.
	Pairs int `yaml:"pairs" json:"pairs"`
	// Seed starts all randomness.
	Seed uint64 `yaml:"seed" json:"seed"`
}

// DefaultConfig returns settings for tables of some thousand rows and more.
// They are those of XGBoost with half its learning rate and 31 leaves.
func DefaultConfig() Config {
	return Config{
		Objective: Logistic, Mode: Boosted, Rounds: 100, LearningRate: 0.15,
		Grower: Histogram, Growth: LeafFirst, MaxLeaves: 31, MaxBins: 256, Threshold: Middle,
		Lambda: 1, MinChildWeight: 1, MinChildRows: 1,
		Bags: 1, BagFraction: 1, RowFraction: 1, TreeFraction: 1, LevelFraction: 1, NodeFraction: 1,
		MaxOneHot: 4, CategorySmoothing: 10, ClassWeight: ClassAsData, Patience: 20,
	}
}

// ForestConfig returns a random forest of trees on bootstrapped patients: the
// margin is the mean of the target in the leaves.
func ForestConfig() Config {
	c := DefaultConfig()
	c.Objective, c.Mode, c.Rounds, c.LearningRate = Squared, Forest, 300, 1
	c.Growth, c.MaxLeaves = DepthFirst, 0
	c.Lambda, c.MinChildWeight, c.MinChildRows = 0, 0, 3
	c.Bootstrap, c.NodeFraction = true, 0.3
	return c
}

// AdditiveConfig returns an additive model of one function for each column,
// in the manner of explainable boosting machines (Lou et al. 2012, 2013).
func AdditiveConfig() Config {
	c := DefaultConfig()
	c.Mode, c.Rounds, c.LearningRate = Additive, 100, 0.05
	c.MaxDepth, c.MaxLeaves, c.MinChildRows = 2, 3, 2
	c.Bags, c.BagFraction = 8, 0.85
	return c
}

// The limits of settings and of models.
const (
	maxBags   = 1000
	maxRounds = 100000
	maxDepth  = 64
	maxLeaves = 1 << 16
	maxWeight = 1 << 10
	maxBins   = slots
	maxClass  = 256
)

// Validate reports everything that is wrong, in the words of the YAML file.
func (c Config) Validate() error {
	within := func(key string, x, low, high float64) error {
		if !(x >= low && x <= high) {
			return fmt.Errorf("%s is %g, want %g to %g", key, x, low, high)
		}
		return nil
	}
	share := func(key string, x float64) error {
		if !(x > 0 && x <= 1) {
			return fmt.Errorf("%s is %g, want more than 0 and at most 1", key, x)
		}
		return nil
	}
	oneOf := func(key, x string, of ...string) error {
		if !slices.Contains(of, x) {
			return fmt.Errorf("%s is %q, want one of %q", key, x, of)
		}
		return nil
	}
	count := func(key string, n, low, high int) error { return within(key, float64(n), float64(low), float64(high)) }
	errs := []error{
		oneOf("objective", string(c.Objective), string(Logistic), string(Softmax), string(Squared), string(Poisson), string(Cox)),
		oneOf("mode", c.Mode, Boosted, Dart, Forest, Additive),
		count("rounds", c.Rounds, 1, maxRounds),
		share("learning_rate", c.LearningRate),
		oneOf("grower", c.Grower, Histogram, Exact),
		oneOf("growth", c.Growth, DepthFirst, LeafFirst),
		count("max_depth", c.MaxDepth, 0, maxDepth),
		count("max_leaves", c.MaxLeaves, 0, maxLeaves),
		count("max_bins", c.MaxBins, 2, maxBins),
		oneOf("threshold", c.Threshold, Middle, Edge),
		within("lambda", c.Lambda, 0, 1e9),
		within("alpha", c.Alpha, 0, 1e9),
		within("gamma", c.Gamma, 0, 1e9),
		within("min_child_weight", c.MinChildWeight, 0, 1e9),
		count("min_child_rows", c.MinChildRows, 0, maxRows),
		within("max_delta_step", c.MaxDeltaStep, 0, 1e9),
		count("bags", c.Bags, 1, maxBags),
		share("bag_fraction", c.BagFraction),
		share("row_fraction", c.RowFraction),
		share("tree_column_fraction", c.TreeFraction),
		share("level_column_fraction", c.LevelFraction),
		share("node_column_fraction", c.NodeFraction),
		within("block_dropout", c.BlockDropout, 0, 0.99),
		count("max_one_hot", c.MaxOneHot, 0, MaxCategories),
		within("category_smoothing", c.CategorySmoothing, 0, 1e9),
		oneOf("class_weight", c.ClassWeight, ClassAsData, ClassEqual),
		count("stop_folds", c.StopFolds, 0, 100),
		count("patience", c.Patience, 1, maxRounds),
		within("drop_rate", c.DropRate, 0, 1),
		count("pairs", c.Pairs, 0, 10000),
	}
	if c.Objective == Softmax {
		errs = append(errs, count("classes", c.Classes, 2, maxClass))
	}
	if c.Base != nil && (math.IsNaN(*c.Base) || math.Abs(*c.Base) > 1e9) {
		errs = append(errs, fmt.Errorf("base_margin is %g, want a number", *c.Base))
	}
	if c.StopFolds == 1 {
		errs = append(errs, errors.New("stop_folds is 1, want 0 or at least 2"))
	}
	if n := len(c.ClassWeights); n > 0 {
		if c.Objective != Logistic && c.Objective != Softmax {
			errs = append(errs, fmt.Errorf("class_weights has %d elements, but objective %s has no classes", n, c.Objective))
		} else if want := max(2, c.margins()); n != want {
			errs = append(errs, fmt.Errorf("class_weights has %d elements for %d classes", n, want))
		}
		for k, w := range c.ClassWeights {
			errs = append(errs, within(fmt.Sprintf("class_weights[%d]", k), w, 0x1p-10, maxWeight))
		}
	}
	if c.ClassWeight == ClassEqual && c.Objective != Logistic && c.Objective != Softmax {
		errs = append(errs, fmt.Errorf("class_weight is %q, but objective %s has no classes", c.ClassWeight, c.Objective))
	}
	if c.BlocksApart && len(c.Interactions) > 0 {
		errs = append(errs, errors.New("blocks_apart and interactions exclude each other"))
	}
	return errors.Join(errs...)
}

// margins returns the number of margins of a row.
func (c *Config) margins() int {
	if c.Objective == Softmax {
		return c.Classes
	}
	return 1
}
