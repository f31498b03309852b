// Package deidentify takes out of DICOM files what tells who the patient is, by
// the Basic Application Level Confidentiality Profile of PS3.15 annex E.
//
// In: a file and a key. Out: the same image in a file that stays valid. Each
// attribute of table E.1-1 gets its action at every level of sequences:
// removed, emptied, replaced by a value that means nothing, or, for a UID, by
// another UID. Where the table leaves the choice to the kind of object, that
// action is taken which keeps any object valid: empty rather than removed, a
// dummy rather than empty. Private attributes, attributes that the dictionary
// does not know, overlays, curves, group lengths and the preamble go; names
// that the table does not list are emptied.
//
// UIDs and patients are mapped by a keyed hash (HMAC-SHA-256), of which
// [part10.UID] makes a UID:
//
//	UID′ = 2.25.SHA-256(HMAC(key, UID))      patient′ = HMAC(key, PatientID)
//
// so that references among images, segmentations and reports still meet, in
// whatever order and on whatever machine files are processed with one key, and
// nobody without the key can tell which patient or UID was behind. UIDs of
// the standard stay.
//
// Pixels are not looked at. A file whose pixels may show text, because it says
// so or is a screen capture that does not say otherwise, is refused, as are
// encapsulated documents and directories.
//
// The file says what was done to it in (0012,0062), (0012,0063), (0012,0064) and
// (0028,0303).
package deidentify
