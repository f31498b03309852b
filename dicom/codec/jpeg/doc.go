// Package jpeg decodes the sequential DCT processes of JPEG (ITU-T T.81;
// DICOM transfer syntaxes 1.2.840.10008.1.2.4.50 baseline, 8 bits, and .51
// extended, 8 or 12 bits) to the samples that the decoder of the Independent
// JPEG Group gives: the same integer transform ("islow") and the same smooth
// upsampling. Colours stay as they are stored; a data set says whether they
// are YBR or RGB.
//
// The standard allows decoders to differ by 1 in the transform. Being equal to
// the most used one makes results comparable bit for bit.
package jpeg
