// Package pipeline is the middle of the picture in docs/architecture.md: from a
// CT volume and masks to a [risk.Assessment] for one patient, with the two ends
// (files in, files out) as one call each.
//
//	CT folder ─dicom→ Volume + masks ─segmentation→ Vessels, Plaques ─┬─radiomics→ Vector ─┐
//	                                                                  └─fem──────→ Vector ─┴─classifier→ Assessment ─reports→ PDF
//
// A lesion that cannot be scored is still a lesion: it appears with its
// measures, no probability, and a note saying why.
package pipeline
