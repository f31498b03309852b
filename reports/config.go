package reports

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Config holds the choices that change how a report looks; none changes a number.
type Config struct {
	// Paper is the page size: a4 or letter, both portrait.
	Paper string `yaml:"paper"`
	// WindowLevel is the CT number shown as middle grey.
	WindowLevel float64 `yaml:"window_level_hu"`
	// WindowWidth is the range of CT numbers from black to white.
	WindowWidth float64 `yaml:"window_width_hu"`
	// Date (YYYY-MM-DD) stands in the file's properties as its creation date.
	// It is fixed so that the same assessment always gives the same bytes.
	Date string `yaml:"document_date"`
}

// DefaultConfig returns A4 pages and the usual window of coronary CT.
func DefaultConfig() Config {
	return Config{Paper: "a4", WindowLevel: 300, WindowWidth: 1000, Date: "2026-01-01"}
}

// Validate reports everything that is wrong, in the words of the YAML file.
func (c Config) Validate() error {
	var errs []error
	if c.Paper != "a4" && c.Paper != "letter" {
		errs = append(errs, fmt.Errorf("paper is %q, want a4 or letter", c.Paper))
	}
	if math.IsNaN(c.WindowLevel) || math.IsInf(c.WindowLevel, 0) {
		errs = append(errs, fmt.Errorf("window_level_hu is %v, want a finite number", c.WindowLevel))
	}
	if !(c.WindowWidth > 0) || math.IsInf(c.WindowWidth, 0) {
		errs = append(errs, fmt.Errorf("window_width_hu is %v, want more than 0", c.WindowWidth))
	}
	if _, err := time.Parse(time.DateOnly, c.Date); err != nil {
		errs = append(errs, fmt.Errorf("document_date is %q, want YYYY-MM-DD", c.Date))
	}
	return errors.Join(errs...)
}
