package dicom

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Meta is what a written series says about itself. Text is ASCII; empty text
// leaves the attribute empty, or out where DICOM allows that.
type Meta struct {
	PatientID   string // also the patient's name; required
	Seed        string // what the UIDs are made from, with PatientID, SeriesNumber and Phase; required
	StudyDate   string // YYYYMMDD; required: time is an argument
	StudyTime   string // HHMMSS; required
	Description string // of the series
	Study       string // description of the study

	SeriesNumber int
	Modality     string // "CT"; another value is written as it stands, for tests of the reader

	Manufacturer  string
	Model         string
	Kernel        string
	ContrastAgent string  // empty: no contrast
	KVp           float64 // kV; NaN: unknown
	Thickness     float64 // of a slice, mm; NaN: the distance of the slices
	Phase         float64 // of the cardiac cycle, %; NaN: not gated
	HeartRate     float64 // per minute; NaN: unknown
}

// DefaultMeta returns the Meta of a contrast-enhanced, gated scan at 120 kV.
func DefaultMeta() Meta {
	return Meta{
		PatientID: "PHANTOM", Seed: "0", StudyDate: "20250101", StudyTime: "120000",
		Description: "CCTA 75 %", Study: "Coronary CT angiography", SeriesNumber: 1, Modality: "CT",
		Manufacturer: "plaquerisk", Model: "phantom", Kernel: "Bv40", ContrastAgent: "IODINE",
		KVp: 120, Thickness: math.NaN(), Phase: 75, HeartRate: math.NaN(),
	}
}

// Validate reports everything that keeps m from being written.
func (m Meta) Validate() error {
	var errs []error
	for _, f := range []struct {
		name, text string
		max        int
		required   bool
	}{
		{"patient id", m.PatientID, 64, true}, {"seed", m.Seed, 1 << 10, true}, {"description", m.Description, 64, false},
		{"study", m.Study, 64, false}, {"manufacturer", m.Manufacturer, 64, false}, {"model", m.Model, 64, false},
		{"kernel", m.Kernel, 16, false}, {"contrast agent", m.ContrastAgent, 64, false}, {"modality", m.Modality, 16, true},
	} {
		if f.required && f.text == "" {
			errs = append(errs, fmt.Errorf("%s is empty", f.name))
		}
		if len(f.text) > f.max {
			errs = append(errs, fmt.Errorf("%s has %d characters, at most %d fit", f.name, len(f.text), f.max))
		}
		for _, r := range f.text {
			if r < ' ' || r > '~' || r == '\\' {
				errs = append(errs, fmt.Errorf("%s: character %q cannot be written, use ASCII without backslash", f.name, r))
				break
			}
		}
	}
	if !digits(m.StudyDate, 8) {
		errs = append(errs, fmt.Errorf("study date %q: want YYYYMMDD", m.StudyDate))
	}
	if !digits(m.StudyTime, 6) {
		errs = append(errs, fmt.Errorf("study time %q: want HHMMSS", m.StudyTime))
	}
	return errors.Join(errs...)
}

func digits(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789") == "" }

// Write stores vol in dir as a series of CT Image Storage in Explicit VR Little
// Endian, one file per slice: IM00001.dcm is slice k = 0. Values are rounded
// to whole HU and stored in 16 signed bits as HU + 1024; what does not fit is
// clamped, NaN becomes -1024. The same volume and Meta give the same bytes.
// dir is made if need be; files of these names are replaced.
func Write(ctx context.Context, dir string, vol *imaging.Volume, m Meta) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("dicom: write %s: %w", dir, err)
	}
	if err := vol.Grid.Validate(); err != nil {
		return fmt.Errorf("dicom: write %s: %w", dir, err)
	}
	if vol.Size[0] > math.MaxUint16 || vol.Size[1] > math.MaxUint16 {
		return fmt.Errorf("dicom: write %s: slices of %d×%d: at most 65535 rows and columns fit", dir, vol.Size[0], vol.Size[1])
	}
	if math.Abs(r3.Dot(vol.Axes[0], vol.Axes[1])) > 1e-6 {
		return fmt.Errorf("dicom: write %s: rows and columns are not perpendicular", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("dicom: write: %w", err)
	}
	errs := make([]error, vol.Size[2])
	err := par.For(ctx, vol.Size[2], func(k int) {
		errs[k] = os.WriteFile(filepath.Join(dir, fmt.Sprintf("IM%05d.dcm", k+1)), encodeSlice(vol, m, k), 0o644)
	})
	if err = errors.Join(err, errors.Join(errs...)); err != nil {
		return fmt.Errorf("dicom: write: %w", err)
	}
	return nil
}

// Storage class and implementation of what Write leaves.
const (
	ctImageStorage = "1.2.840.10008.5.1.4.1.1.2"
	implementation = "plaquerisk"
)

// encodeSlice returns the file of slice k.
func encodeSlice(vol *imaging.Volume, m Meta, k int) []byte {
	uid := func(what string) string {
		return part10.UID(m.Seed, m.PatientID, what)
	}
	series := fmt.Sprintf("series %d phase %v", m.SeriesNumber, m.Phase)
	sop := uid(fmt.Sprintf("%s slice %d", series, k))

	n := vol.Size[0] * vol.Size[1]
	var e encoder
	e.b = make([]byte, 128, 2*n+4096)
	e.b = append(e.b, "DICM"...)
	var meta encoder
	meta.put(0x00020001, "OB", "\x00\x01")
	meta.put(0x00020002, "UI", ctImageStorage)
	meta.put(0x00020003, "UI", sop)
	meta.put(tTransferSyntax, "UI", explicitLE)
	meta.put(0x00020012, "UI", part10.UID(implementation))
	meta.put(0x00020013, "SH", "PLAQUERISK")
	e.ul(0x00020000, uint32(len(meta.b)))
	e.b = append(e.b, meta.b...)

	thickness := m.Thickness
	normal := r3.Cross(vol.Axes[0], vol.Axes[1])
	if math.IsNaN(thickness) {
		thickness = vol.Spacing[2] * math.Abs(r3.Dot(normal, vol.Axes[2]))
	}
	p := vol.Point(0, 0, float64(k))
	a, b := vol.Axes[0], vol.Axes[1]

	e.put(tImageType, "CS", `ORIGINAL\PRIMARY\AXIAL`)
	e.put(tSOPClass, "UI", ctImageStorage)
	e.put(tSOPInstance, "UI", sop)
	e.put(tStudyDate, "DA", m.StudyDate)
	e.put(0x00080021, "DA", m.StudyDate)
	e.put(0x00080022, "DA", m.StudyDate)
	e.put(0x00080023, "DA", m.StudyDate)
	e.put(0x00080030, "TM", m.StudyTime)
	e.put(0x00080031, "TM", m.StudyTime)
	e.put(tAcquisitionTime, "TM", m.StudyTime)
	e.put(tContentTime, "TM", m.StudyTime)
	e.put(0x00080050, "SH", "")
	e.put(tModality, "CS", m.Modality)
	e.put(tManufacturer, "LO", m.Manufacturer)
	e.put(0x00080090, "PN", "")
	e.put(0x00081030, "LO", m.Study)
	e.put(tSeriesDesc, "LO", m.Description)
	e.put(tModel, "LO", m.Model)
	e.put(0x00100010, "PN", m.PatientID)
	e.put(tPatientID, "LO", m.PatientID)
	e.put(0x00100030, "DA", "")
	e.put(0x00100040, "CS", "O")
	if m.ContrastAgent != "" {
		e.put(tContrastAgent, "LO", m.ContrastAgent)
	}
	e.put(0x00180015, "CS", "HEART")
	e.put(tSliceThickness, "DS", decimals(thickness))
	e.put(tKVP, "DS", decimals(m.KVp))
	if !math.IsNaN(m.HeartRate) {
		e.put(tHeartRate, "IS", strconv.Itoa(int(math.Round(m.HeartRate))))
	}
	e.put(tKernel, "SH", m.Kernel)
	e.put(0x00185100, "CS", "HFS")
	e.put(tStudyUID, "UI", uid("study"))
	e.put(tSeriesUID, "UI", uid(series))
	e.put(0x00200010, "SH", "1")
	e.put(tSeriesNumber, "IS", strconv.Itoa(m.SeriesNumber))
	e.put(tAcquisitionNo, "IS", "1")
	e.put(tInstanceNumber, "IS", strconv.Itoa(k+1))
	e.put(tPosition, "DS", decimals(p.X, p.Y, p.Z))
	e.put(tOrientation, "DS", decimals(a.X, a.Y, a.Z, b.X, b.Y, b.Z))
	e.put(tFrameOfReference, "UI", uid("frame of reference"))
	e.put(tImagesInAcq, "IS", strconv.Itoa(vol.Size[2]))
	e.put(0x00201040, "LO", "")
	e.put(0x00201041, "DS", decimals(r3.Dot(p, normal)))
	if !math.IsNaN(m.Phase) {
		e.fl(tPhasePercent, float32(m.Phase))
	}
	e.us(tSamplesPerPixel, 1)
	e.put(tPhotometric, "CS", "MONOCHROME2")
	e.us(tRows, uint16(vol.Size[1]))
	e.us(tColumns, uint16(vol.Size[0]))
	e.put(tPixelSpacing, "DS", decimals(vol.Spacing[1], vol.Spacing[0])) // between rows first
	e.us(tBitsAllocated, 16)
	e.us(tBitsStored, 16)
	e.us(tHighBit, 15)
	e.us(tPixelRep, 1)
	e.put(0x00281050, "DS", "250")
	e.put(0x00281051, "DS", "800")
	e.put(tIntercept, "DS", "-1024")
	e.put(tSlope, "DS", "1")
	e.put(0x00281054, "LO", "HU")
	e.head(tPixelData, "OW", 2*n)
	for _, hu := range vol.Values[k*n : (k+1)*n] {
		e.b = binary.LittleEndian.AppendUint16(e.b, uint16(stored(hu)))
	}
	return e.b
}

// stored returns the stored value of hu with intercept -1024.
func stored(hu float32) int16 {
	v := math.Round(float64(hu)) + 1024
	switch {
	case v != v:
		return 0
	case v < math.MinInt16:
		return math.MinInt16
	case v > math.MaxInt16:
		return math.MaxInt16
	}
	return int16(v)
}

// decimals writes x as values of VR DS. An undefined value leaves the attribute
// empty.
func decimals(x ...float64) string {
	out := make([]string, len(x))
	for n, v := range x {
		if math.IsNaN(v) {
			return ""
		}
		out[n] = part10.Decimal(v)
	}
	return strings.Join(out, `\`)
}

// encoder appends elements in Explicit VR Little Endian.
type encoder struct{ b []byte }

// head appends tag, VR and length of an element.
func (e *encoder) head(t tag, vr string, length int) {
	e.b = binary.LittleEndian.AppendUint16(e.b, uint16(t>>16))
	e.b = binary.LittleEndian.AppendUint16(e.b, uint16(t))
	e.b = append(e.b, vr...)
	switch vr {
	case "OB", "OW", "UN", "SQ":
		e.b = append(e.b, 0, 0)
		e.b = binary.LittleEndian.AppendUint32(e.b, uint32(length))
	default:
		e.b = binary.LittleEndian.AppendUint16(e.b, uint16(length))
	}
}

// put appends a text or bytes, padded to an even length.
func (e *encoder) put(t tag, vr, value string) {
	if len(value)%2 == 1 {
		pad := " "
		if vr == "UI" || vr == "OB" {
			pad = "\x00"
		}
		value += pad
	}
	e.head(t, vr, len(value))
	e.b = append(e.b, value...)
}

func (e *encoder) us(t tag, v uint16) {
	e.head(t, "US", 2)
	e.b = binary.LittleEndian.AppendUint16(e.b, v)
}

func (e *encoder) ul(t tag, v uint32) {
	e.head(t, "UL", 4)
	e.b = binary.LittleEndian.AppendUint32(e.b, v)
}

func (e *encoder) fl(t tag, v float32) {
	e.head(t, "FL", 4)
	e.b = binary.LittleEndian.AppendUint32(e.b, math.Float32bits(v))
}
