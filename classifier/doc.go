// Package classifier turns a table of plaque features into a model, and a
// plaque's features into a probability.
//
// A [Learner] fits rows, one per lesion, and gives a [Predictor] of log-odds.
// [Boosting] is ours: gradient-boosted shallow trees, bagged over patients,
// made for cohorts of 40 to 200 patients with some 100 to 250 features, many of
// them missing now and then. Lesions are combined to arteries and arteries to
// patients by an [Aggregation]. [Train] does all of it and returns a [Model],
// which can be saved, read, and asked: [Model.Score].
//
//	table ─NewData→ Data ─Learner.Fit→ Predictor ─┬─Aggregation→ artery, patient
//	                                              └─TreeSHAP→ contributions
//
// Three rules hold everywhere. Rows of one patient are never torn apart: bags,
// samples and folds are drawn by patient. A missing value (NaN) is neither an
// error nor replaced; each split has learnt where it goes. The result has the
// same bits on any number of processors and for any order of rows and columns:
// gradients are added as integers, and ties fall to the first name.
//
// The theory is in docs/theory/classifier.md.
package classifier
