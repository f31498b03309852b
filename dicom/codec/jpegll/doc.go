// Package jpegll decodes and encodes the lossless process of JPEG (ITU-T T.81
// annex H; process 14, DICOM transfer syntaxes 1.2.840.10008.1.2.4.57 and
// .70): each sample is predicted from its neighbours, and the difference
// written as a Huffman code. It is exact.
//
// All seven predictors, point transforms, 2 to 16 bits, restart intervals and
// up to four components of equal sampling are read, interleaved or in scans
// of their own.
package jpegll
