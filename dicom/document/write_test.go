package document

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"path/filepath"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/internal/validate"
	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

var report = []byte("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF")

func written(t testing.TB) (string, *object.Source) {
	t.Helper()
	src := validate.Source(t, t.TempDir(), validate.Grid(0))
	path := validate.Store(t, func(w io.Writer) error {
		return Write(w, src, report, "Plaque report", object.Code{Value: "126000", Scheme: "DCM", Meaning: "Imaging Measurement Report"},
			&object.Meta{Seed: "test", Program: "plaquerisk", Version: "0.0", Series: 7005, Describe: "Report"})
	})
	return path, src
}

// dciodvfy finds no error.
func TestRules(t *testing.T) {
	path, _ := written(t)
	found := validate.IOD(t, path)
	for _, line := range found {
		t.Log(line)
	}
	verify.Check{Suite: "dicom", Case: "encapsulated PDF as written", Quantity: "errors", Source: "dciodvfy (dicom3tools 2022-06)", Got: float64(len(found))}.Run(t)
}

// pydicom reads the bytes of the document, whose length is odd, and its sources.
func TestPeers(t *testing.T) {
	path, src := written(t)
	var got struct {
		SHA256, Title, Type, Study string
		Sources                    int
	}
	validate.Python(t, &got, filepath.Join("..", "internal", "validate", "testdata", "document.py"), path)
	sum := sha256.Sum256(report)
	if got.SHA256 != hex.EncodeToString(sum[:]) || got.Title != "Plaque report" || got.Type != "application/pdf" || got.Study != src.StudyUID {
		t.Errorf("%+v", got)
	}
	verify.Check{Suite: "dicom", Case: "encapsulated PDF as written", Quantity: "source images", Source: "pydicom 3.0.2", Got: float64(got.Sources), Want: float64(len(src.Files))}.Run(t)
}

// What is no PDF is refused.
func TestRefused(t *testing.T) {
	if err := Write(&bytes.Buffer{}, nil, []byte("hello"), "", object.Code{}, nil); err == nil {
		t.Error("written")
	}
}

// Elements are those that the standard asks of the class, and no others.
func TestTables(t *testing.T) {
	path, _ := written(t)
	found := validate.Tables(t, path)
	for _, line := range found {
		t.Log(line)
	}
	verify.Check{Suite: "dicom", Case: "encapsulated PDF as written", Quantity: "elements missing, empty or foreign", Source: "PS3.3, tables of highdicom 0.28.2", Got: float64(len(found))}.Run(t)
}
