package risk

// EvaluationFormat heads every evaluation file.
const (
	EvaluationFormat  = "plaquerisk.evaluation"
	EvaluationVersion = 1
)

// Evaluation is all that a cohort report shows: how well models discriminate
// and how their probabilities are calibrated, out of the training folds.
type Evaluation struct {
	Format     string       `json:"format"`
	Version    int          `json:"version"`
	Title      string       `json:"title"`   // "Phantom cohort, 60 patients"
	Outcome    string       `json:"outcome"` // event definition in words
	Data       Data         `json:"data"`
	Flow       []FlowStep   `json:"flow"`
	Protocol   Protocol     `json:"protocol"`
	Arms       []Arm        `json:"arms"` // radiomics, biomechanics, both, then baselines
	Comparison []Difference `json:"comparison"`
	Importance []Importance `json:"importance"` // of the "both" arm, largest first
	Lacking    []Lacking    `json:"lacking_modality,omitempty"`
	Stability  *Stability   `json:"selection_stability,omitempty"` // of the "both" arm
	Support    []Support    `json:"sample_size,omitempty"`
	Unusual    *Unusual     `json:"unusual_patients,omitempty"`
	Failures   []Failure    `json:"failures"`
	Notes      []Note       `json:"notes"`
	Provenance Provenance   `json:"provenance"`
}

// Data describes the table that was evaluated.
type Data struct {
	Patients          int        `json:"patients"`
	PositivePatients  int        `json:"positive_patients"`
	Arteries          int        `json:"arteries"`
	PositiveArteries  int        `json:"positive_arteries"`
	Lesions           int        `json:"lesions"`
	LesionsInPositive int        `json:"lesions_in_positive_arteries"`
	Baseline          []Baseline `json:"baseline"`
}

// Baseline compares a feature between negative and positive arteries.
type Baseline struct {
	Feature  string    `json:"feature"`
	Unit     string    `json:"unit"`
	Negative [3]Number `json:"negative"` // median, first and third quartile
	Positive [3]Number `json:"positive"`
	Missing  int       `json:"missing_rows"`
}

// FlowStep is a box of the flow chart.
type FlowStep struct {
	Label    string         `json:"label"`
	Count    int            `json:"count"`
	Excluded []FlowExcluded `json:"excluded"` // between this box and the next
}

// FlowExcluded says how many left the study here and why.
type FlowExcluded struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// Protocol says how the figures came about.
type Protocol struct {
	Folds       int    `json:"folds"`
	Repeats     int    `json:"repeats"`
	Seed        uint64 `json:"seed"`
	Learner     string `json:"learner"`
	Aggregation string `json:"aggregation"` // plaque to artery to patient
	Interval    string `json:"interval"`    // method of the confidence intervals
	Text        string `json:"text"`        // three or four sentences for the reader
}

// Interval is an estimate with its 95 % confidence interval.
type Interval struct {
	Value Number `json:"value"`
	Low   Number `json:"low"`
	High  Number `json:"high"`
}

// Arm is one set of features or one learner.
type Arm struct {
	Name    string        `json:"name"`    // "radiomics", "biomechanics", "both", "baseline: golearn decision tree"
	Columns int           `json:"columns"` // features offered to the learner
	Levels  []LevelResult `json:"levels"`  // artery, patient
}

// LevelResult is the performance of an arm at one level.
type LevelResult struct {
	Level            string        `json:"level"` // "artery" or "patient"
	N                int           `json:"n"`
	Positives        int           `json:"positives"`
	AUC              Interval      `json:"auc"`
	Threshold        Number        `json:"threshold"` // of the next five
	BalancedAccuracy Interval      `json:"balanced_accuracy"`
	Sensitivity      Interval      `json:"sensitivity"`
	Specificity      Interval      `json:"specificity"`
	PPV              Interval      `json:"ppv"`
	NPV              Interval      `json:"npv"`
	AveragePrecision Interval      `json:"average_precision"`
	Brier            Number        `json:"brier"`
	LogLoss          Number        `json:"log_loss"`
	CalIntercept     Number        `json:"calibration_intercept"`
	CalSlope         Number        `json:"calibration_slope"`
	ECE              Number        `json:"ece"`
	ROC              []CurvePoint  `json:"roc"`         // X 1 − specificity, Y sensitivity with its band
	PR               []CurvePoint  `json:"pr"`          // X recall, Y precision
	Calibration      []CurvePoint  `json:"calibration"` // X mean predicted, Y observed share with its band, N rows
	Decision         []DecisionRow `json:"decision"`
	FoldAUC          []Number      `json:"fold_auc"`
	Scores           []Score       `json:"scores"`
	Judged           *Judged       `json:"judged,omitempty"`
}

// CurvePoint is a point of a curve with a 95 % band; Low and High may be null.
type CurvePoint struct {
	X    float64 `json:"x"`
	Y    float64 `json:"y"`
	Low  Number  `json:"low"`
	High Number  `json:"high"`
	N    int     `json:"n,omitempty"`
}

// DecisionRow is the net benefit at one threshold probability.
type DecisionRow struct {
	Threshold float64 `json:"threshold"`
	Model     float64 `json:"model"`
	TreatAll  float64 `json:"treat_all"`
}

// Score is one out-of-fold probability.
type Score struct {
	Patient     string  `json:"patient"`
	Artery      string  `json:"artery,omitempty"`
	Label       int     `json:"label"`
	Probability float64 `json:"probability"`
}

// Difference compares two arms on the same rows.
type Difference struct {
	A     string   `json:"a"`
	B     string   `json:"b"`
	Level string   `json:"level"`
	AUC   Interval `json:"delta_auc"` // A − B
	P     Number   `json:"p"`
	// Paired compares the pooled scores.
	Paired *Paired `json:"paired,omitempty"`
}

// Importance is the mean absolute TreeSHAP of a feature out of fold.
type Importance struct {
	Feature   string  `json:"feature"`
	Modality  string  `json:"modality"`
	MeanShift float64 `json:"mean_abs_log_odds"`
	Folds     Number  `json:"share_of_folds"` // in which the feature was used
}

// Failure is a case that gave no result.
type Failure struct {
	Case string `json:"case"`
	Code string `json:"code"`
	Text string `json:"text"`
}
