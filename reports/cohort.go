package reports

import (
	"errors"
	"io"

	"github.com/plaquerisk/plaquerisk/risk"
)

// Cohort writes the report of an evaluation as a PDF.
func Cohort(w io.Writer, e *risk.Evaluation, cfg Config) error {
	return errors.New("cohort report: the pages are not drawn by this version")
}
