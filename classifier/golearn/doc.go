// Package golearn joins the classifier package and golearn
// (github.com/sjwhitworth/golearn), both ways: [Classifier] is our gradient
// boosting as a golearn base.Classifier, and [Tree] is golearn's decision tree
// as one of our learners, the baseline of the evaluation.
//
// The core does not import golearn, and this package builds without cgo. It
// steps around defects of golearn (release 2022-12-28): classes are compared by
// their names, since the order of a categorical attribute's values differs from
// file to file; missing values are NaN, which its CSV reader does not give;
// every random choice has a seed.
package golearn
