package part10

import "io"

// Body returns the data set as it lies in the file, encoded in Syntax, without
// preamble and file meta information: what networks send.
func (f *File) Body() *io.SectionReader {
	return io.NewSectionReader(f.raw.r, f.metaEnd, f.raw.size-f.metaEnd)
}
