// Package reports draws the PDF pages of one patient ([Patient]) and of a
// cohort with its models ([Cohort]).
//
// In goes a [risk.Assessment] or a [risk.Evaluation], and nothing else: a
// report recomputes nothing, so that a number on a page is the number in the
// JSON file, rounded. What was not computed is said in words.
//
// Text is drawn with codeberg.org/go-pdf/fpdf, curves with gonum.org/v1/plot
// through a vg.Canvas of our own that writes vector paths onto the PDF page.
// Lengths inside the package are mm on paper, from the upper left corner; a
// picture of the body has one scale, mm on paper per mm of patient, for both
// axes. The same input gives the same bytes. See docs/theory/reports.md for
// what each page shows and why.
package reports
