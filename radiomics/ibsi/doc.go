// Package ibsi repeats the checks of the Image Biomarker Standardisation
// Initiative: what a program computes against what the teams of the initiative
// agreed on. [Digital] needs nothing but this program; the other suites read
// the reference data from a folder ([All]):
//
//	ibsi1/            CT phantom, consensus values of configurations A to E
//	ibsi2/            phantoms and response maps of filters, consensus values on the CT phantom
//	ibsi_validation/  sarcomas (STS_nnn) with the features on which teams agree
//
// A value of chapter 1 is rounded to three digits before it is compared. Of the
// sarcomas, rows on which at least four teams agree count, and 99 % of them must
// lie within 0.5 % or 1.5 times the spread of these teams.
//
// The image and the values inside the program are those of the digital phantom:
// theibsi/data_sets (A. Zwanenburg, CC BY 4.0) and the reference manual (arXiv
// 1612.07003; Zwanenburg et al., Radiology 295 (2020) 328).
package ibsi
