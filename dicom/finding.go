package dicom

import (
	"fmt"

	"github.com/plaquerisk/plaquerisk/risk"
)

// Gate says what follows from a finding.
type Gate int

// The gates.
const (
	Pass       Gate = iota // scoring goes on; the note reaches the report
	Incomplete             // slices are missing: exit status 10
	Refuse                 // not a scan to score: exit status 9
)

// Finding is something quality control noticed about a series.
type Finding struct {
	risk.Note
	Gate Gate

	path string // of the file to look at; empty: the first slice
	tag  tag    // that shows it; 0: ImagePositionPatient
}

// Codes of the findings.
const (
	PLQMissing     = "PLQ-101"
	PLQIrregular   = "PLQ-102"
	PLQDuplicate   = "PLQ-103"
	PLQConflict    = "PLQ-104"
	PLQMixed       = "PLQ-105"
	PLQTilt        = "PLQ-106"
	PLQNoVolume    = "PLQ-107"
	PLQCompressed  = "PLQ-108"
	PLQDamaged     = "PLQ-109"
	PLQModality    = "PLQ-110"
	PLQSlice       = "PLQ-111"
	PLQPixel       = "PLQ-112"
	PLQContrast    = "PLQ-113"
	PLQPadding     = "PLQ-114"
	PLQPhases      = "PLQ-115"
	PLQFormat      = "PLQ-116"
	PLQUnknownTags = "PLQ-117"
	PLQLossy       = "PLQ-118"
	PLQMotion      = "PLQ-119"
	PLQVoltage     = "PLQ-120"
)

// NoteCodes documents every finding of the package.
var NoteCodes = []risk.Code{
	{Code: PLQMissing, Title: "slices are missing", Help: "A plaque may lie in the gap, and volumes across it would be wrong. Export the series again; the positions are named."},
	{Code: PLQIrregular, Title: "irregular slice positions", Help: "The slices do not lie on a regular lattice. Small deviations are warned of, large ones refused."},
	{Code: PLQDuplicate, Title: "copy of a slice", Help: "The same pixels at the same position occur twice. One was used; nothing is lost."},
	{Code: PLQConflict, Title: "different slices at one position", Help: "Two reconstructions or phases are mixed and no tag tells them apart. Export one series alone."},
	{Code: PLQMixed, Title: "mixed series", Help: "A file of the series has another matrix, orientation, pixel size, frame of reference, study or patient. Remove it or export again."},
	{Code: PLQTilt, Title: "tilted gantry", Help: "Slices are stacked obliquely. The sheared lattice is kept as it is; lengths and volumes are right."},
	{Code: PLQNoVolume, Title: "no volume", Help: "Localizers, secondary captures and images without a position are listed but not scored."},
	{Code: PLQCompressed, Title: "unreadable compression", Help: "High-throughput JPEG 2000, video and unknown transfer syntaxes are not decoded. Export uncompressed, or convert with gdcmconv --raw."},
	{Code: PLQDamaged, Title: "damaged file", Help: "A file of the series ends early or its elements contradict its size. Copy it again from the archive."},
	{Code: PLQModality, Title: "not CT", Help: "HU thresholds and mechanics make no sense on other modalities."},
	{Code: PLQSlice, Title: "thick slices", Help: "Coronary plaque is smaller than the slices. Reconstruct at 0.4 to 0.8 mm."},
	{Code: PLQPixel, Title: "large pixels", Help: "Coronary plaque needs pixels up to 0.8 mm. Reconstruct with a field of view of 160 to 250 mm."},
	{Code: PLQContrast, Title: "contrast agent", Help: "Without contrast the lumen cannot be told from the wall. The tag and the image are both looked at."},
	{Code: PLQPadding, Title: "padding voxels", Help: "Voxels outside the reconstructed circle carry a padding value; they were set to the declared HU value and are no tissue."},
	{Code: PLQPhases, Title: "several phases", Help: "The series holds several cardiac phases. Of those from 65 to 80 % the nearest to 75 % is taken, or else the nearest of all; --phase takes another."},
	{Code: PLQFormat, Title: "pixel format not read", Help: "Colour, frames without a position of their own and unusual bit depths are not CT slices that this version reads."},
	{Code: PLQUnknownTags, Title: "attributes unknown", Help: "Tube voltage, kernel or phase is absent from the header: what depends on it cannot be checked."},
	{Code: PLQLossy, Title: "lossy compression", Help: "The values were changed when the images were compressed, now or before. Texture features and small calcifications suffer; ask for the originals."},
	{Code: PLQMotion, Title: "motion", Help: "A fast heart, or anatomy that jumps between two slices: contours and stress there may be wrong. Look at the named slices, or take another phase."},
	{Code: PLQVoltage, Title: "tube voltage", Help: "Below 95 or above 130 kV iodine and calcium have other CT numbers; adapt the limits in the settings, or read results with care."},
}

func finding(code string, severity risk.Severity, gate Gate, where, format string, args ...any) Finding {
	return Finding{Note: risk.Note{Code: code, Severity: severity, Where: where, Text: fmt.Sprintf(format, args...)}, Gate: gate}
}

func (s *Series) add(code string, severity risk.Severity, gate Gate, where, format string, args ...any) {
	s.Findings = append(s.Findings, finding(code, severity, gate, where, format, args...))
}

// blame names the file and the tag of the last finding.
func (s *Series) blame(path string, t tag) {
	f := &s.Findings[len(s.Findings)-1]
	f.path, f.tag = path, t
}

// at names a position along the slice normal and, if there is one, a file.
func at(z float64, file string) string {
	if file == "" {
		return fmt.Sprintf("z = %.2f mm", z)
	}
	return fmt.Sprintf("z = %.2f mm, %s", z, file)
}
