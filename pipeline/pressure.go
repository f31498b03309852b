package pipeline

import (
	"fmt"
	"strconv"
	"strings"
)

// BloodPressure is that of a patient, mmHg; a diastolic one of zero is not known.
type BloodPressure struct {
	Systolic, Diastolic float64
}

// String returns "120/80", or the systolic pressure alone.
func (p BloodPressure) String() string {
	if p.Diastolic == 0 {
		return fmt.Sprintf("%g", p.Systolic)
	}
	return fmt.Sprintf("%g/%g", p.Systolic, p.Diastolic)
}

// ParseBloodPressure reads "120/80" or "120", mmHg. An empty text is no pressure.
func ParseBloodPressure(text string) (p BloodPressure, err error) {
	if text = strings.TrimSpace(text); text == "" {
		return p, nil
	}
	systolic, diastolic, both := strings.Cut(text, "/")
	p.Systolic, err = strconv.ParseFloat(strings.TrimSpace(systolic), 64)
	if err == nil && both {
		p.Diastolic, err = strconv.ParseFloat(strings.TrimSpace(diastolic), 64)
	}
	switch {
	case err != nil:
		return BloodPressure{}, fmt.Errorf("blood pressure %q: want systolic/diastolic in mmHg, such as 120/80", text)
	case !(p.Systolic >= 40 && p.Systolic <= 300):
		return BloodPressure{}, fmt.Errorf("blood pressure %q: the systolic pressure must be from 40 to 300 mmHg", text)
	case both && !(p.Diastolic >= 20 && p.Diastolic < p.Systolic):
		return BloodPressure{}, fmt.Errorf("blood pressure %q: the diastolic pressure must be at least 20 mmHg and below the systolic one", text)
	}
	return p, nil
}
