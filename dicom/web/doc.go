// Package web talks to DICOM archives over HTTP (PS3.18, DICOMweb): it queries
// (QIDO-RS), retrieves objects, metadata and frames (WADO-RS) and stores
// (STOW-RS).
//
// Objects stream from the network to the disk and back; what is held in memory
// is a buffer, and for queries one match. Responses are not trusted: matches
// and metadata are read one instance at a time, each at most 16 MiB, objects
// end at the limit of the folder, what is cut is asked for again.
//
// Credentials come as [Credentials], from the environment or a file, never from
// a URL; they go to the archive's own host alone, and not over plain HTTP unless
// that host is this machine. Errors name method and path, not the query, which
// may hold a patient's attributes.
package web
