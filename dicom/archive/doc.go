// Package archive holds what the protocols of DICOM archives have in common,
// whichever carries it (packages web and dimse): a [Query] and its [Result]s,
// an [Object] to send, the [Folder] that received objects go to, and [Retry].
//
// A folder of received objects can be trusted: a file of it is whole. Each is
// written under a temporary name, its header is read, it must be of the study
// and series that were asked for, and only then does it get its name, series
// UID / instance UID.dcm. A transfer that broke is therefore taken up by
// asking for what is not there.
//
// Results of queries hold what was asked for, patients' attributes too: they
// go to who asked, never to a log, and errors name UIDs alone.
package archive
