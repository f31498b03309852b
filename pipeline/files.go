package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/dicom/rtstruct"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/internal/version"
	"github.com/plaquerisk/plaquerisk/reports"
	"github.com/plaquerisk/plaquerisk/risk"
	"github.com/plaquerisk/plaquerisk/segmentation"
)

// Files are the inputs of one case.
type Files struct {
	Case   string `json:"case"`            // research identifier; stands in the report
	CT     string `json:"ct"`              // folder, archive or file of DICOM; or a NIfTI, NRRD or MetaImage volume
	Series string `json:"series"`          // UID of the series to take; empty: the best candidate
	Phase  string `json:"phase,omitempty"` // cardiac phase to take, "75 %"; empty: the best candidate
	Seg    string `json:"seg"`             // NIfTI, NRRD, .seg.nrrd or MetaImage; DICOM SEG or RTSTRUCT
	Labels string `json:"labels"`          // label map; empty: names are recognised
	// Contours says which voxels the contours of a structure set fill; empty: those
	// whose centres lie within them.
	Contours rtstruct.Rule `json:"contours,omitempty"`
	// Pressure is the patient's own blood pressure, "120/80" or the systolic one
	// alone, mmHg; empty: that of the settings.
	Pressure string `json:"blood_pressure_mmhg,omitempty"`
	// Segments is a CSV that says which part of an artery is which segment, see
	// coronary.ReadStretches; empty: by the side branches or by length.
	Segments string `json:"segments,omitempty"`
}

// The files of a result folder.
const (
	AssessmentFile = "assessment.json"
	ReportFile     = "report.pdf"
	WideFile       = "features_wide.csv"
	LongFile       = "features_long.csv"
	RunFile        = "run.json" // run time, host, paths, workers: what may differ between equal runs
	MeshFolder     = "mesh"
)

// ReadCT reads and checks the CT of a case: quality control comes before
// anything else, so that a scan that cannot be used is refused whatever else is
// wrong. With the error [Refused] or [Incomplete] the returned image holds what
// is known of the scan, and the volume if there is one.
func (p *Pipeline) ReadCT(ctx context.Context, f Files) (Input, error) {
	in := Input{Case: f.Case}
	if vol, ok, err := readImage(f.CT, format.ReadVolume); ok || err != nil {
		if err != nil {
			return in, fail(Unreadable, "PLQ-601", fmt.Errorf("read CT: %w", err))
		}
		return p.imageInput(f, vol)
	}
	index, err := dicom.Scan(ctx, f.CT)
	if err != nil {
		return in, fail(Unreadable, "PLQ-601", fmt.Errorf("scan %s: %w", f.CT, err))
	}
	series, err := index.Choose(f.Series, f.Phase)
	if errors.Is(err, dicom.ErrNotCT) {
		return in, fail(Refused, dicom.PLQModality, fmt.Errorf("choose a series in %s: %w", f.CT, err))
	}
	if err != nil {
		return in, fail(Unreadable, "PLQ-601", fmt.Errorf("choose a series in %s: %w", f.CT, err))
	}
	study, err := dicom.Load(ctx, series, p.cfg.DICOM)
	if study != nil {
		in.Image = study.Image
		for _, finding := range study.Findings {
			in.Notes = append(in.Notes, finding.Note)
		}
	}
	in.Notes = append(in.Notes, skipped(index)...)
	if study != nil && study.Volume != nil {
		in.Volume, in.FrameOfReference = study.Volume, study.FrameOfReferenceUID
		in.Inputs = append(in.Inputs, risk.Input{Role: "ct", Files: study.Files, SHA256: study.SHA256})
		in.Case = caseName(f.Case, study.SHA256)
	}
	return in, gate(study, in.Notes, err)
}

// mostSkipped is the number of unreadable files that are named one by one.
const mostSkipped = 5

// skipped notes the files that look like DICOM but could not be read.
func skipped(x *dicom.Index) []risk.Note {
	var notes []risk.Note
	for n := range x.Skipped {
		if n == mostSkipped {
			notes = append(notes, risk.Note{Code: "PLQ-618", Severity: risk.Warning, Text: fmt.Sprintf("%d more files could not be read.", len(x.Skipped)-n)})
			break
		}
		f := &x.Skipped[n]
		notes = append(notes, risk.Note{Code: "PLQ-618", Severity: risk.Warning, Where: filepath.Base(f.Path),
			Text: fmt.Sprintf("The file could not be read and was left out: %v.", f.Err)})
	}
	return notes
}

// gate turns the findings of quality control into an error: refusal first, then
// missing slices, then whatever stopped the reader. Files that could not be read
// are named too: one of them may be the slice that is missing.
func gate(study *dicom.Study, notes []risk.Note, err error) error {
	if study != nil {
		for _, g := range []struct {
			gate  dicom.Gate
			class Class
		}{{dicom.Refuse, Refused}, {dicom.Incomplete, Incomplete}} {
			var texts []string
			code := ""
			for _, f := range study.Findings {
				if f.Gate == g.gate {
					if code == "" {
						code = f.Code
					}
					texts = append(texts, strings.TrimPrefix(f.Where+": "+f.Text, ": "))
				}
			}
			if len(texts) > 0 {
				for _, n := range notes {
					if n.Code == "PLQ-618" {
						texts = append(texts, strings.TrimPrefix(n.Where+": "+n.Text, ": "))
					}
				}
				return fail(g.class, code, fmt.Errorf("quality control of the CT: %s", strings.Join(texts, "\n  ")))
			}
		}
	}
	if err != nil {
		return fail(Unreadable, "PLQ-601", fmt.Errorf("load CT: %w", err))
	}
	return nil
}

// SeriesError gives the error of a series that makes no volume the class and
// code of the finding behind it.
func SeriesError(s *dicom.Series, err error) error {
	return gate(&dicom.Study{Findings: s.Findings}, nil, err)
}

// imageName matches the names of images in our formats.
var imageName = regexp.MustCompile(`(?i)\.(nrrd|nhdr|nii|nii\.gz|mha|mhd)$`)

// readImage reads path, if it is NIfTI, NRRD or MetaImage, with [format.ReadVolume]
// or [format.ReadField]; ok is false if it is none of them.
func readImage(path string, read func(path string) (*imaging.Volume, error)) (vol *imaging.Volume, ok bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, err
	}
	switch {
	case info.IsDir():
		return nil, false, nil
	case format.IsImage(path):
	case imageName.MatchString(path):
		return nil, false, fmt.Errorf("%s does not start like the format that its name says: it is empty, damaged or of another kind", path)
	default:
		return nil, false, nil
	}
	vol, err = read(path)
	return vol, err == nil, err
}

// imageInput makes an input of a volume without DICOM attributes. What the
// attributes would tell is unknown and noted; enhancement is judged by the image.
func (p *Pipeline) imageInput(f Files, vol *imaging.Volume) (Input, error) {
	sum, err := HashFile(f.CT)
	if err != nil {
		return Input{}, fail(Unreadable, "PLQ-601", err)
	}
	in := Input{Case: caseName(f.Case, sum), Volume: vol, Inputs: []risk.Input{{Role: "ct", Files: 1, SHA256: sum}}}
	in.Image = risk.Image{Modality: "CT", KVp: risk.NaN(), SliceThicknessMM: risk.NaN(), SpacingMM: vol.Spacing, Size: vol.Size}
	in.Notes = append(in.Notes, risk.Note{Code: "PLQ-615", Severity: risk.Warning, Where: "CT",
		Text: "The CT is not DICOM: tube voltage, kernel, phase and slice thickness are unknown and were not checked."})
	for _, finding := range p.cfg.DICOM.CheckVolume(vol) {
		in.Notes = append(in.Notes, finding.Note)
		if finding.Gate == dicom.Refuse {
			return in, fail(Refused, finding.Code, errors.New(finding.Text))
		}
	}
	return in, nil
}

// ReadMasks reads the segmentation of a case onto the voxels of in.Volume.
func (p *Pipeline) ReadMasks(ctx context.Context, f Files, in *Input) error {
	if f.Seg == "" {
		return fail(Usage, "PLQ-602", errors.New("no segmentation: give a label map or masks with --seg"))
	}
	labels := segmentation.LabelMap{}
	if f.Labels != "" {
		var err error
		if labels, err = segmentation.ReadLabelMap(f.Labels); err != nil {
			return fail(BadConfig, "PLQ-603", fmt.Errorf("label map: %w", err))
		}
	}
	file, err := maskFile(f.Seg)
	if err != nil {
		return fail(Unreadable, "PLQ-602", fmt.Errorf("read segmentation: %w", err))
	}
	f.Seg = file
	seg, err := readRegions(ctx, f.Seg, f.Contours, in)
	if err != nil {
		return fail(Unreadable, "PLQ-602", fmt.Errorf("read segmentation: %w", err))
	}
	in.Notes = append(in.Notes, seg.notes...)
	masks, notes, err := segmentation.Import(seg.Segmentation, labels)
	switch {
	case errors.Is(err, segmentation.ErrNothing):
		return fail(NothingToScore, "PLQ-605", fmt.Errorf("segmentation %s: %w", f.Seg, err))
	case err != nil:
		return fail(Unreadable, "PLQ-602", fmt.Errorf("segmentation %s: %w", f.Seg, err))
	}
	in.Notes = append(in.Notes, notes...)
	if masks, notes, err = segmentation.Match(&in.Volume.Grid, masks); err != nil {
		return fail(Unreadable, "PLQ-602", fmt.Errorf("segmentation %s: %w", f.Seg, err))
	}
	in.Notes = append(in.Notes, notes...)
	in.Masks = masks
	in.Image.SegmentationKind = "imported masks"
	for _, m := range masks {
		in.Image.SegmentationNames = append(in.Image.SegmentationNames, m.Name)
	}
	if in.Segments, err = readSegments(f.Segments); err != nil {
		return err
	}
	for _, file := range []struct{ role, path string }{{"segmentation", f.Seg}, {"labels", f.Labels}, {"segments", f.Segments}} {
		if file.path == "" {
			continue
		}
		sum, err := HashFile(file.path)
		if err != nil {
			return fail(Unreadable, "PLQ-602", err)
		}
		in.Inputs = append(in.Inputs, risk.Input{Role: file.role, Files: 1, SHA256: sum})
	}
	return nil
}

// readSegments reads the file of segments, if there is one.
func readSegments(path string) (map[coronary.Artery][]coronary.Stretch, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fail(Unreadable, "PLQ-602", fmt.Errorf("segments: %w", err))
	}
	defer file.Close()
	segments, err := coronary.ReadStretches(file)
	if err != nil {
		return nil, fail(BadConfig, "PLQ-603", fmt.Errorf("segments %s: %w", path, err))
	}
	return segments, nil
}

// Read reads all inputs of a case.
func (p *Pipeline) Read(ctx context.Context, f Files) (Input, error) {
	pressure, err := ParseBloodPressure(f.Pressure)
	if err != nil {
		return Input{}, fail(Usage, "PLQ-620", err)
	}
	in, err := p.ReadCT(ctx, f)
	if err != nil {
		return in, err
	}
	in.Pressure = pressure
	if err := p.ReadMasks(ctx, f, &in); err != nil {
		return in, err
	}
	if p.Progress != nil {
		p.Progress(Event{Case: f.Case, Stage: "read"})
	}
	return in, nil
}

// Score runs a case from files to files in the folder dir, which must exist. If
// wall mechanics were attempted and all failed, the folder is complete but the
// error is of class [NotConverged].
func (p *Pipeline) Score(ctx context.Context, f Files, dir string) (*Result, error) {
	start := p.now()
	in, err := p.Read(ctx, f)
	if err != nil {
		return nil, err
	}
	res, err := p.Assess(ctx, in)
	if err != nil {
		return nil, err
	}
	outputs, err := p.write(res, dir)
	if err != nil {
		return nil, fail(NotWritable, "PLQ-606", fmt.Errorf("write results: %w", err))
	}
	if err := writeRun(dir, f, start, p.now(), outputs); err != nil {
		return nil, fail(NotWritable, "PLQ-606", fmt.Errorf("write results: %w", err))
	}
	if res.MechanicsFailed {
		return res, fail(NotConverged, "PLQ-608", errors.New("wall stress could not be computed in any artery: see the notes of the report"))
	}
	return res, nil
}

// write stores everything but run.json and returns the outputs' hashes.
func (p *Pipeline) write(res *Result, dir string) ([]Output, error) {
	files := append([]file{
		{AssessmentFile, func(w io.Writer) error { return WriteAssessment(w, res.Assessment) }},
		{ReportFile, func(w io.Writer) error { return reports.Patient(w, res.Assessment, p.cfg.Report) }},
		{WideFile, func(w io.Writer) error { return feature.WriteCSV(w, res.Table) }},
		{LongFile, func(w io.Writer) error { return feature.WriteLongCSV(w, res.Table) }},
	}, meshFiles(res)...)
	var out []Output
	err := writeFiles(dir, files, func(name string, content []byte) {
		sum := sha256.Sum256(content)
		out = append(out, Output{Name: name, Bytes: len(content), SHA256: hex.EncodeToString(sum[:])})
	})
	return out, err
}

// caseName returns the case's own name or one made from the hash of its CT.
func caseName(name, sha256 string) string {
	if name != "" {
		return name
	}
	return "case-" + sha256[:8]
}

// MeshName returns the name of the mesh file of an artery.
func MeshName(a coronary.Artery) string { return string(a) + ".vtu" }

// WriteAssessment writes a as indented JSON.
func WriteAssessment(w io.Writer, a *risk.Assessment) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(a)
}

// ReadAssessment reads what [WriteAssessment] wrote.
func ReadAssessment(path string) (*risk.Assessment, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fail(Unreadable, "PLQ-609", err)
	}
	a := &risk.Assessment{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(a); err != nil {
		return nil, fail(Unreadable, "PLQ-609", fmt.Errorf("%s: %w", path, err))
	}
	if a.Format != risk.Format || a.Version != risk.Version {
		return nil, fail(Unreadable, "PLQ-609", fmt.Errorf("%s: format %q version %d, want %q version %d", path, a.Format, a.Version, risk.Format, risk.Version))
	}
	return a, nil
}

// Output is a file that was written.
type Output struct {
	Name   string `json:"name"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Run is run.json: what may differ between two equal runs.
type Run struct {
	Program   string    `json:"program"`
	Version   string    `json:"version"`
	Commit    string    `json:"commit"`
	Go        string    `json:"go"`
	OS        string    `json:"os"`
	Arch      string    `json:"arch"`
	CPUs      int       `json:"cpus"`
	Workers   int       `json:"workers"`
	Host      string    `json:"host"`
	Arguments []string  `json:"arguments"`
	Folder    string    `json:"working_folder"`
	Inputs    Files     `json:"inputs"`
	Started   time.Time `json:"started"`
	Ended     time.Time `json:"ended"`
	Seconds   float64   `json:"seconds"`
	Outputs   []Output  `json:"outputs"`
}

// NewRun describes this process.
func NewRun(started, ended time.Time) Run {
	host, _ := os.Hostname() // empty if the system does not say
	folder, _ := os.Getwd()  // likewise
	return Run{
		Program: version.Program, Version: version.Version, Commit: version.Commit(),
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(),
		Workers: runtime.GOMAXPROCS(0), Host: host, Arguments: os.Args, Folder: folder,
		Started: started, Ended: ended, Seconds: ended.Sub(started).Seconds(),
	}
}

func writeRun(dir string, f Files, start, end time.Time, outputs []Output) error {
	r := NewRun(start, end)
	r.Inputs, r.Outputs = f, outputs
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, RunFile), append(text, '\n'), 0o644)
}

// Key returns a hash of all that the results of a case depend on: the bytes of
// its inputs, the settings, the model and the version.
func (p *Pipeline) Key(ctx context.Context, f Files) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %s\n", version.Program, version.Version, p.cfg.Fingerprint())
	if p.model != nil {
		fmt.Fprintf(h, "model %s\n", p.model.SHA256())
	}
	fmt.Fprintf(h, "case %q series %q\n", f.Case, f.Series)
	if f.Phase != "" {
		fmt.Fprintf(h, "phase %q\n", f.Phase)
	}
	if f.Contours != "" {
		fmt.Fprintf(h, "contours %q\n", f.Contours)
	}
	if f.Pressure != "" {
		fmt.Fprintf(h, "blood pressure %q\n", f.Pressure)
	}
	if f.Segments != "" { // a new kind of input leaves the fingerprints of all others as they were
		if err := hashTree(ctx, h, f.Segments); err != nil {
			return "", fail(Unreadable, "PLQ-602", err)
		}
	}
	for _, path := range []string{f.CT, f.Seg, f.Labels} {
		if path == "" {
			fmt.Fprintln(h, "none")
			continue
		}
		if err := hashTree(ctx, h, path); err != nil {
			return "", fail(Unreadable, "PLQ-601", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// hashTree writes the content hashes of a file, or of all files of a folder
// independent of their names, to h.
func hashTree(ctx context.Context, h hash.Hash, path string) error {
	var sums []string
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.Type().IsRegular() {
			sum, err := HashFile(name)
			if err != nil {
				return err
			}
			sums = append(sums, sum)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(sums)
	fmt.Fprintln(h, sums)
	return nil
}

// HashFile returns the SHA-256 of a file, in hex.
func HashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
