// Package plaquerisk is the map of an open toolkit that scores coronary plaque
// risk from cardiac CT, for research.
//
//	CT folder ─dicom→ Volume + masks ─segmentation→ Vessels, Plaques ─┬─radiomics→ Vector ─┐
//	                                                                  └─fem──────→ Vector ─┴─classifier→ Assessment ─reports→ PDF
//
// Ground, the nouns everybody shares:
//
//	imaging     images placed in the patient; imaging/nifti, imaging/nrrd, imaging/format
//	coronary    arteries as geometry: centre-lines, sections, plaques, measures
//	feature     numbers with names and units; tables
//	risk        what the program finally says: the JSON contract
//
// Stages, one arrow each; no stage knows another:
//
//	dicom         folder → volume in HU, with quality control; CT writer
//	segmentation  volume + masks → vessels, plaques, tissue
//	radiomics     volume + mask → features
//	fem           vessel → stress → features
//	classifier    table → model; features → probability; evaluation
//	reports       assessment → PDF
//
// Whole:
//
//	pipeline        one patient
//	cohort          many patients
//	cmd/plaquerisk  the terminal
//
// Proof:
//
//	phantom         synthetic coronaries with exact truth
//	verification    writes docs/verification.md
//
// Start with docs/architecture.md, or with the commands in README.md.
package plaquerisk
