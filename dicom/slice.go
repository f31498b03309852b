package dicom

import "github.com/plaquerisk/plaquerisk/dicom/part10"

// Open reads the headers of the file of a slice, all but its pixels, and says
// which of its frames the slice is, from 0. done lets go of the file.
func (s *Slice) Open() (f *part10.File, frame int, done func(), err error) {
	r, size, done, err := s.image.src.open()
	if err != nil {
		return nil, 0, nil, fileError(s.Path, err)
	}
	limits := part10.DefaultLimits()
	limits.StopAt = part10.PixelData
	if f, err = part10.Open(r, size, limits); err != nil {
		done()
		return nil, 0, nil, fileError(s.Path, err)
	}
	if s.image.pixels != nil {
		frame = s.image.pixels.frame
	}
	return f, frame, done, nil
}
