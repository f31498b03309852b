// Package codec decodes the compressed frames of DICOM in pure Go: it finds
// the decoder of a transfer syntax, puts fragments together to frames, and
// decodes many frames in parallel into a buffer of the caller.
//
// The folders below hold one format each. None of them knows a data set: what
// they must produce is a [frame.Image], and a stream that declares another
// image is refused before anything is allocated for it.
package codec
