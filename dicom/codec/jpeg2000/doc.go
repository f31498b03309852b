// Package jpeg2000 decodes JPEG 2000 (ITU-T T.800; DICOM transfer syntaxes
// 1.2.840.10008.1.2.4.90 and .91). Each tile of an image is transformed to
// wavelet bands, the bands are cut into code-blocks, and the bit planes of a
// block are written by an adaptive arithmetic coder, most significant first.
// Read backwards:
//
//	header.go   marker segments: sizes, styles, quantisation, progression
//	tile.go     tiles → components → resolutions → bands → precincts → blocks
//	packet.go   which bytes belong to which block
//	block.go    bytes → coefficients of a block (with mq.go)
//	wavelet.go  coefficients → samples: 5/3 in integers, 9/7 in float32
//	output.go   colour transform, level shift, samples of the data set
//
// Codestreams alone (J2K) and in JP2 boxes are read, with all progressions,
// precincts, tile-parts, packed headers, regions of interest, code-block
// styles, signed and unsigned samples of 1 to 16 bits (more if the data set
// allocates 32). Components of unequal sampling, palettes and the high
// throughput coder (T.814) are refused.
package jpeg2000
