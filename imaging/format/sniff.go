package format

import "bytes"

// IsImage tells whether the file at path starts like one of our formats. It is
// false for a folder and for a file that cannot be read.
func IsImage(path string) bool {
	head, err := start(path)
	return err == nil && (bytes.HasPrefix(head, []byte("NRRD000")) || isNIfTI(head))
}
