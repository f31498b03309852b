package risk

// Judged are further figures of an arm at one level, from the scores of all test
// folds together (mean log-odds over the repeats).
type Judged struct {
	PooledAUC      Interval     `json:"pooled_auc"`            // BCa interval of resampled patients
	Obuchowski     Interval     `json:"pooled_auc_obuchowski"` // the same value, interval by the variance for clustered rows
	Permutations   int          `json:"permutations"`          // of the outcomes of whole patients
	PermutationP   Number       `json:"permutation_p"`         // share of them with a pooled AUC as large
	Slope          Interval     `json:"calibration_slope"`     // resampled patients
	InTheLarge     Interval     `json:"calibration_in_the_large"`
	ICI            Number       `json:"ici"`  // mean distance to the smooth curve
	E50            Number       `json:"e50"`  // its median
	E90            Number       `json:"e90"`  // its 90th percentile
	Emax           Number       `json:"emax"` // its maximum
	Spiegelhalter  Number       `json:"spiegelhalter_z"`
	SpiegelhalterP Number       `json:"spiegelhalter_p"`
	Smooth         []CurvePoint `json:"smooth"` // X predicted, Y observed share by local regression
	Sets           Sets         `json:"conformal_sets"`
	Rules          []RuleResult `json:"rules"`
}

// Sets are conformal prediction sets, calibrated on the scores of the other test
// folds: sets of classes that hold the true one with a given probability.
type Sets struct {
	Level    float64   `json:"level"`
	Patients [2]int    `json:"calibration_patients"` // least of all folds, without and with the event
	Covered  [2]Number `json:"share_covered"`        // of the units without and with the event
	Single   Number    `json:"share_decided"`        // units whose set holds one class
	Warnings []string  `json:"warnings"`
}

// RuleResult is what a way of joining parts is worth: lesions to arteries at
// the level of arteries, arteries to patients at that of patients.
type RuleResult struct {
	Rule       string   `json:"rule"`
	Used       bool     `json:"used"` // by the figures of the level
	AUC        Interval `json:"auc"`
	LogLoss    Number   `json:"log_loss"`
	Calibrated Number   `json:"log_loss_calibrated"` // by logistic calibration on the other test folds
}

// Paired compares two arms on the pooled scores of the same patients.
type Paired struct {
	AUC       Interval `json:"delta_auc_bca"` // A − B, resampled patients
	NRI       Effect   `json:"nri"`           // of any movement, from B to A
	NRIEvents Effect   `json:"nri_events"`
	NRIOthers Effect   `json:"nri_others"`
	IDI       Effect   `json:"idi"`
}

// Effect is a difference with its 95 % interval and two-sided p.
type Effect struct {
	Interval
	P Number `json:"p"`
}

// Lacking is what the arm "both" is worth for patients who lack a modality: its
// columns were missing in the test folds.
type Lacking struct {
	Modality string         `json:"modality"`
	Columns  int            `json:"columns"`
	Levels   []LackingLevel `json:"levels"`
}

// LackingLevel compares scores with and without a modality.
type LackingLevel struct {
	Level       string   `json:"level"`
	AUC         Interval `json:"auc"`
	LogLoss     Number   `json:"log_loss"`
	LogLossFull Number   `json:"log_loss_with_all"`
}

// Stability says whether the same features matter in all training folds.
type Stability struct {
	Features int      `json:"features"` // the most important of each fold that are compared
	Of       int      `json:"of"`
	Nogueira Interval `json:"nogueira"` // 1: always the same; 0: chance
	Jaccard  Number   `json:"jaccard"`
}

// Support says whether there are patients enough for a model.
type Support struct {
	Arm        string `json:"arm"`
	Parameters int    `json:"parameters"`
	Text       string `json:"text"`
}

// Unusual lists the patients whose features are far from those of all others.
type Unusual struct {
	Limit    Number           `json:"limit"`            // distance beyond which a patient is listed, in median distances
	Reason   string           `json:"reason,omitempty"` // why there is no list
	Patients []UnusualPatient `json:"patients"`
}

// UnusualPatient is one of them.
type UnusualPatient struct {
	Patient  string `json:"patient"`
	Distance Number `json:"distance"` // of the farthest lesion, in median distances
}
