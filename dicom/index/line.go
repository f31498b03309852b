package index

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom"
)

// Line is one series of the manifest. In place of a series there may be, as the
// first line, the files that belong to none.
type Line struct {
	Format    string    `json:"format"` // "plaquerisk.index"
	Version   int       `json:"version"`
	SeriesUID string    `json:"series_uid"` // empty: damaged files
	StudyUID  string    `json:"study_uid"`
	Modality  string    `json:"modality"`
	Classes   []string  `json:"sop_classes"`
	Folder    string    `json:"folder"` // the innermost that holds all files, relative to the collection
	Files     int       `json:"files"`
	Bytes     int64     `json:"bytes"`
	Hash      string    `json:"hash"`    // SHA-256 over the sorted hashes of the files
	Stacks    []Stack   `json:"stacks"`  // volumes: one, one for each phase, or none
	Damaged   []Damaged `json:"damaged"` // files that cannot be used, at most 1000
}

// Stack is a volume: the series, or one cardiac phase of it.
type Stack struct {
	Phase            string        `json:"phase"` // "75 %", "270 ms", empty if unknown
	PhasePercent     *float64      `json:"phase_percent"`
	Description      string        `json:"description"`
	Manufacturer     string        `json:"manufacturer"`
	Scanner          string        `json:"scanner"`
	Kernel           string        `json:"kernel"`
	KVp              *float64      `json:"kvp_kv"`
	Contrast         string        `json:"contrast_agent"`
	TransferSyntax   string        `json:"transfer_syntax"`
	SliceThicknessMM *float64      `json:"slice_thickness_mm"`
	Slices           int           `json:"slices"`
	Volume           bool          `json:"volume"` // false: localizers, captures and the like
	Size             [3]int        `json:"size_voxels"`
	SpacingMM        [3]float64    `json:"spacing_mm"`
	OriginMM         [3]float64    `json:"origin_lps_mm"`
	Axes             [3][3]float64 `json:"axes_lps"` // unit directions of columns, rows, slices
	Findings         []Finding     `json:"findings"`
}

// Finding is a finding of quality control on the headers.
type Finding struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Where    string `json:"where,omitempty"`
	Text     string `json:"text"`
}

// Damaged is a file that cannot be used.
type Damaged struct {
	Path  string `json:"path"`
	Error string `json:"error"`
}

const maxDamaged = 1000

// line describes the series that the records are of.
func line(ctx context.Context, dir string, records []record) (*Line, error) {
	l := &Line{Format: "plaquerisk.index", Version: 1, SeriesUID: records[0].series, StudyUID: records[0].study,
		Modality: records[0].modality, Files: len(records), Folder: path.Dir(records[0].path), Classes: []string{}, Stacks: []Stack{}, Damaged: []Damaged{}}
	names, hashes := make([]string, len(records)), make([]string, len(records))
	for n, r := range records {
		names[n], hashes[n] = r.path, r.hash
		l.Bytes += r.bytes
		l.Folder = common(l.Folder, path.Dir(r.path))
		if r.class != "" && !slices.Contains(l.Classes, r.class) {
			l.Classes = append(l.Classes, r.class)
		}
		if r.damage != "" && len(l.Damaged) < maxDamaged {
			l.Damaged = append(l.Damaged, Damaged{r.path, r.damage})
		}
	}
	slices.Sort(l.Classes)
	if l.SeriesUID == "" {
		return l, nil
	}
	slices.Sort(hashes)
	sum := sha256.Sum256([]byte(strings.Join(hashes, "\n")))
	l.Hash = hex.EncodeToString(sum[:])
	x, err := dicom.ScanFiles(ctx, dir, names)
	if err != nil {
		return nil, err
	}
	for n := range x.Skipped {
		if len(l.Damaged) < maxDamaged {
			l.Damaged = append(l.Damaged, Damaged{x.Skipped[n].Path, x.Skipped[n].Err.Error()})
		}
	}
	for n := range x.Series {
		l.Stacks = append(l.Stacks, stack(&x.Series[n]))
	}
	return l, nil
}

func stack(s *dicom.Series) Stack {
	k := Stack{Phase: s.Phase, PhasePercent: defined(s.PhasePercent), Description: s.Description, Manufacturer: s.Manufacturer,
		Scanner: s.Model, Kernel: s.Kernel, KVp: defined(s.KVp), Contrast: s.ContrastAgent, TransferSyntax: s.TransferSyntax,
		SliceThicknessMM: defined(s.SliceThickness), Slices: len(s.Slices), Volume: s.Image, Size: s.Grid.Size,
		SpacingMM: s.Grid.Spacing, OriginMM: xyz(s.Grid.Origin), Findings: []Finding{}}
	for n, a := range s.Grid.Axes {
		k.Axes[n] = xyz(a)
	}
	for _, f := range s.Findings {
		k.Findings = append(k.Findings, Finding{f.Code, string(f.Severity), f.Where, f.Text})
	}
	return k
}

func xyz(v r3.Vec) [3]float64 { return [3]float64{v.X, v.Y, v.Z} }

// defined returns nil for an undefined number, which JSON cannot hold.
func defined(x float64) *float64 {
	if x != x {
		return nil
	}
	return &x
}

// common returns the innermost folder that holds both.
func common(a, b string) string {
	for a != b {
		if len(a) < len(b) {
			a, b = b, a
		}
		a = path.Dir(a)
	}
	return a
}
