// Package ria computes a set of features like that of the R package Radiomics
// Image Analysis (RIA), with which most radiomic studies of coronary plaques
// were made (Kolossváry et al., Circulation: Cardiovascular Imaging 10 (2017)
// e006843). It is wide: per lesion
//
//	44    statistics of the intensities
//	12    measures of geometry: volume, surface, their ratios, fractal dimensions
//	240   co-occurrence statistics  ┐ for each of 6 discretisations: 8, 16 and 32
//	11    run length statistics     ┘ bins of equal width and of equal probability
//	12    measures of geometry for each of the 112 grey level components
//
// make 2906 columns by default ([DefaultConfig]), as in the SCOT-HEART study.
//
// In goes a [Region], plain arrays on a box; a [Computer] keeps its scratch
// memory, so that many lesions cost no allocation. Names are ours. Definitions
// are RIA's where they are definitions; where its program departs from what it
// cites, the cited formula is used, and docs/theory/ria.md says so. What is
// undefined is NaN with a reason, where RIA writes 0.
package ria
