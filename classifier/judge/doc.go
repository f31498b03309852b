// Package judge says how good probabilities are and how sure one may be of it.
//
// In go outcomes and the probabilities that a model gave to rows it had not
// seen, with the patient of each row; out come discrimination, calibration,
// usefulness, and their uncertainty. Nothing here knows a model. Slices run
// over rows; an outcome is 0 or 1 (a class 0 … K−1 where the name says Classes),
// a cluster is a patient, counted from zero. Slices of different length panic;
// what is undefined, such as an AUC without positives, is NaN.
//
//	discrimination  [AUC], [DeLong], [Clustered], [AveragePrecision], [Harrell], [CumulativeAUC]
//	accuracy        [Brier], [LogLoss], [BalancedAccuracy]
//	calibration     [Recalibrate], [Loess], [ECE], [HosmerLemeshow], [Spiegelhalter]
//	usefulness      [NetBenefit], [DecisionCurve], [Reclassify]
//	uncertainty     [Bootstrap], [Plus632], [ClopperPearson], [Wilson], [McNemar],
//	                [Permute], [BenjaminiHochberg], [CorrectedT]
//	data            [NewICC], [Nogueira], [SampleSize], [NewOutside], [Distances]
//	one patient     [NewConformal]
//
// Randomness is a function of seed, draw and place alone, so that results have
// the same bits on any number of processors. The theory is in
// docs/theory/judgement.md.
package judge
