package classifier

import "github.com/plaquerisk/plaquerisk/risk"

// NoteCodes documents the notes of this package.
var NoteCodes = []risk.Code{
	{Code: "PLQ-501", Title: "leaf size adapted to the cohort", Help: "The least number of rows in a leaf follows the number of training rows, so that small cohorts can be learnt from at all. Set boosting.min_child_rows to fix it."},
	{Code: "PLQ-502", Title: "columns left out of training", Help: "Columns that never vary carry no information, and columns that are mostly missing cannot be learnt from. Change max_missing_share to keep more."},
	{Code: "PLQ-503", Title: "rows without outcome", Help: "Only rows with outcome 0 or 1 are learnt from. Rows without an outcome can be scored."},
	{Code: "PLQ-504", Title: "columns per tree adapted to the table", Help: "A share of few columns leaves a tree nothing to join, so that a tree sees at least as many columns as it is deep. Raise boosting.column_fraction to see all."},
	{Code: "PLQ-510", Title: "features of a lesion are missing", Help: "A stage could not compute them, for instance because the mechanics did not converge. The score rests on the others."},
	{Code: "PLQ-511", Title: "features outside the training range", Help: "The model has not seen such values. Check scanner, kernel and segmentation before trusting the score."},
	{Code: "PLQ-512", Title: "artery not scored", Help: "An artery with plaque has no score because no lesion of it could be scored, so that the patient's score may be too low."},
	{Code: "PLQ-520", Title: "arm not evaluated", Help: "The table has no usable column of this kind. The arm both then holds the other kind alone."},
	{Code: "PLQ-521", Title: "fewer folds", Help: "Each fold needs a patient of each class. Intervals from so few patients are rough."},
}
