// Package jpegls decodes JPEG-LS (ITU-T T.87; DICOM transfer syntaxes
// 1.2.840.10008.1.2.4.80 and .81): each sample is predicted from its
// neighbours, the prediction corrected by the mean error in the same context
// of three gradients, and the remaining error written as a Golomb code whose
// parameter follows the context; flat stretches are coded as runs. Samples
// come back exactly, or within NEAR of what they were.
//
// All interleavings, preset parameters, 2 to 16 bits and up to four components
// of equal sampling are read. Mapping tables, restart intervals and the colour
// transforms of HP are refused.
package jpegls
