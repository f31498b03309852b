package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/plaquerisk/plaquerisk/dicom/object"
)

// Storage is the class of encapsulated PDF.
const Storage = "1.2.840.10008.5.1.4.1.1.104.1"

var kind = object.Kind{Class: Storage, Modality: "DOC", Name: "report"}

// Write writes a PDF with its title and what kind of document it is.
func Write(w io.Writer, src *object.Source, pdf []byte, title string, concept object.Code, m *object.Meta) error {
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		return errors.New("document: write: the document is no PDF")
	}
	s := src.New(m, kind)
	src.Content(s, m)
	date, clock := src.Moment(m)
	s.Text(0x0008002a, "DT", date+clock)
	s.Text(0x00080064, "CS", "WSD") // made by a workstation
	s.Text(0x00280301, "CS", "YES") // the pages name the case
	s.Items(0x0040a043, concept.Item())
	s.Text(0x0040a493, "CS", "UNVERIFIED")
	s.Text(0x00420010, "ST", title)
	s.Bytes(0x00420011, "OB", pdf)
	s.Text(0x00420012, "LO", "application/pdf")
	s.Items(0x00420013, object.SOPs(src.Files)...)
	s.Int(0x00420015, "UL", len(pdf))
	if err := s.Write(w, m.Program); err != nil {
		return fmt.Errorf("document: write: %w", err)
	}
	return nil
}
