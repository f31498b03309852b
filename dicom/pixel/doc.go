// Package pixel reads the stored values of an image: native or compressed,
// one frame or many, in any transfer syntax that [codec] and [part10] know.
//
// Frames come out as [frame.Image] describes them: rows from the top, samples
// of a pixel side by side, little endian, frames of one bit starting on a byte.
// Nothing is rescaled or converted, but colour stored by plane is put side by
// side, and colour that is stored for pairs of pixels (YBR_FULL_422) repeated.
package pixel
