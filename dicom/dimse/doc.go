// Package dimse talks to DICOM archives over the network services of PS3.7 and
// the upper layer of PS3.8: [Client] verifies (C-ECHO), queries (C-FIND),
// retrieves (C-GET, or C-MOVE to a [Server] of ours) and stores (C-STORE);
// [Server] takes what others store.
//
// An association is a TCP connection on which both sides have agreed which
// classes of objects they exchange in which encodings (presentation contexts).
// Then messages go to and fro: a command set, and for most a data set, both
// cut into fragments (PDVs) that travel in protocol data units (PDUs).
//
// Objects travel as they are: none is converted to another transfer syntax, so
// that what was lossless arrives bit for bit. An archive that does not take an
// object's syntax is an error that names it.
//
// The other side is not trusted. PDUs are read into one buffer of [maxPDU]
// bytes, commands end at 64 KiB, matches of queries at 1 MiB, objects go to
// the writer as they arrive, every read and write has a deadline, and what is
// out of turn ends the association with an A-ABORT. There is no TLS: use it on
// networks that are protected otherwise, or DICOMweb.
package dimse
