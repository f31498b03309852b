// Package steps joins what happens to a table before, in and after a model
// into one [Pipeline], so that nothing of it can see a test row.
//
//	table ─Pipeline.Fit(training rows)→ steps → learner → calibrator ─Fitted.Predict(test rows)→ probabilities
//
// [Pipeline.Fit] cuts the training rows out of the table and gives its steps
// nothing else; [Fitted.Predict] gives them the test rows without outcomes. A
// step therefore cannot leak, whatever it does; a test with a step that
// remembers every row it was shown proves it.
//
// Steps: [Variance], [Reliable], [ComBat], [Prune], [Relevant] (mRMR), [Impute],
// [Scale], [Smote]. Learners: [Preset], [Boosting], [Forest], [Tree], [Ridge],
// [Neighbours]. Splits keep the rows of a patient together: [Folds],
// [LeavePatientOut], [LeaveSiteOut], [GivenFolds]; [CrossValidate] runs a
// pipeline over them.
//
// [Train] fits a pipeline for keeps: a [Trained] has a file of its own, reads the
// tables of strangers by column name, predicts their rows with sets of classes
// and a measure of how unusual they are, joins rows to patients, explains
// ([Fitted.Explain]) and says what it was worth in cross-validation.
//
// Tables are sorted by column name, patient and row before anything is learnt,
// and random choices are keyed by patient and row identifiers, so that results
// do not depend on the order of rows or columns, nor on the number of
// processors.
package steps
