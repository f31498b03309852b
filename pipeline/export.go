package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/dicom/document"
	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/parametric"
	"github.com/plaquerisk/plaquerisk/dicom/rtstruct"
	"github.com/plaquerisk/plaquerisk/dicom/seg"
	"github.com/plaquerisk/plaquerisk/dicom/sr"
	"github.com/plaquerisk/plaquerisk/fem"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/internal/version"
	"github.com/plaquerisk/plaquerisk/risk"
	"github.com/plaquerisk/plaquerisk/segmentation"
)

// Export says what becomes of a result as DICOM objects.
type Export struct {
	// Files are the inputs of the result; what is empty is taken from its run.json.
	Files
	Result string // folder that score or solve wrote
	// The kinds of objects.
	Seg, RTStruct, SR, Map, PDF bool
}

// Files of an export; maps have names of their own.
const (
	segObject      = "segmentation.dcm"
	rtstructObject = "structures.dcm"
	srObject       = "measurements.dcm"
	pdfObject      = "report.dcm"
)

// Numbers of the series of an export.
const (
	segSeries = 7001 + iota
	rtstructSeries
	srSeries
	pdfSeries
	mapSeries // and up
)

// exported is a result with what its objects are made of.
type exported struct {
	*Pipeline
	Export
	assessment *risk.Assessment // nil: not there
	walls      *risk.Walls      // likewise
	src        *object.Source
	in         Input
	regions    []seg.Region
	meta       object.Meta
}

// ExportDICOM writes the objects of a result into the folder dir, which must
// exist, and returns their names. All belong to the patient, the study and the
// frame of reference of the CT, which must be the one that the result was made of.
func (p *Pipeline) ExportDICOM(ctx context.Context, e Export, dir string) ([]string, error) {
	x := &exported{Pipeline: p, Export: e}
	if err := x.readResult(); err != nil {
		return nil, err
	}
	if err := x.readSource(ctx); err != nil {
		return nil, err
	}
	if x.Seg || x.RTStruct || x.SR {
		if err := x.readRegions(ctx); err != nil {
			return nil, err
		}
	}
	var files []file
	if x.Seg {
		files = append(files, file{segObject, func(w io.Writer) error {
			return seg.Write(w, x.src, x.regions, x.of(segSeries, "Coronary plaque: segmentation"))
		}})
	}
	if x.RTStruct {
		files = append(files, file{rtstructObject, func(w io.Writer) error {
			return rtstruct.Write(w, x.src, x.structures(), x.of(rtstructSeries, "Coronary plaque: contours"))
		}})
	}
	if x.SR {
		files = append(files, file{srObject, func(w io.Writer) error {
			return sr.Write(w, x.src, x.report(), x.of(srSeries, "Coronary plaque: measurements, research only"))
		}})
	}
	if x.PDF {
		pdf, err := os.ReadFile(filepath.Join(e.Result, ReportFile))
		if err != nil {
			return nil, fail(Unreadable, "PLQ-643", err)
		}
		files = append(files, file{pdfObject, func(w io.Writer) error {
			return document.Write(w, x.src, pdf, "Coronary plaque risk, research only", reportConcept, x.of(pdfSeries, "Coronary plaque: report, research only"))
		}})
	}
	if x.Map {
		maps, err := x.maps()
		if err != nil {
			return nil, err
		}
		files = append(files, maps...)
	}
	var names []string
	err := writeFiles(dir, files, func(name string, _ []byte) { names = append(names, name) })
	var known *Error
	switch {
	case err == nil:
		return names, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &known):
		return nil, err
	}
	return nil, fail(NotWritable, "PLQ-606", err)
}

// of returns what an object says about its making.
func (x *exported) of(series int, describe string) *object.Meta {
	m := x.meta
	m.Series, m.Describe = series, describe
	return &m
}

// readResult reads what the folder holds and fills in what it was made of.
// Without a kind, all are taken that it has.
func (x *exported) readResult() error {
	wrong := func(err error) error { return fail(Unreadable, "PLQ-643", err) }
	var text []byte
	var provenance risk.Provenance
	a, err := os.ReadFile(filepath.Join(x.Result, AssessmentFile))
	if err == nil {
		if x.assessment, err = ReadAssessment(filepath.Join(x.Result, AssessmentFile)); err != nil {
			return err
		}
		text, provenance = a, x.assessment.Provenance
	}
	w, err := os.ReadFile(filepath.Join(x.Result, MechanicsFile))
	if err == nil {
		x.walls = &risk.Walls{}
		if err := json.Unmarshal(w, x.walls); err != nil || x.walls.Format != risk.WallsFormat || x.walls.Version != risk.WallsVersion {
			return wrong(fmt.Errorf("%s: no wall mechanics of this version", filepath.Join(x.Result, MechanicsFile)))
		}
		text = append(text, w...)
		if x.assessment == nil {
			provenance = x.walls.Provenance
		}
	}
	if text == nil {
		return wrong(fmt.Errorf("%s: a folder that neither score nor solve wrote: it holds neither %s nor %s", x.Result, AssessmentFile, MechanicsFile))
	}
	x.meta = object.Meta{Seed: string(text), Program: version.Program, Version: version.Version}
	if run, err := readRun(filepath.Join(x.Result, RunFile)); err == nil {
		x.meta.Time = run.Ended
		absolute := func(path string) string {
			if path == "" || filepath.IsAbs(path) {
				return path
			}
			return filepath.Join(run.Folder, path)
		}
		for _, f := range []struct {
			to   *string
			from string
		}{{&x.CT, absolute(run.Inputs.CT)}, {&x.Files.Seg, absolute(run.Inputs.Seg)}, {&x.Labels, absolute(run.Inputs.Labels)},
			{&x.Series, run.Inputs.Series}, {&x.Phase, run.Inputs.Phase}, {(*string)(&x.Contours), string(run.Inputs.Contours)}} {
			if *f.to == "" {
				*f.to = f.from
			}
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return wrong(err)
	}
	x.in.Inputs = provenance.Inputs
	if !(x.Seg || x.RTStruct || x.SR || x.Map || x.PDF) {
		_, err := os.Stat(filepath.Join(x.Result, ReportFile))
		x.Seg, x.RTStruct, x.SR = x.Files.Seg != "", x.Files.Seg != "", true
		x.PDF, x.Map = err == nil, len(x.mapNames()) > 0
	}
	if x.CT == "" {
		return fail(Usage, "PLQ-620", errors.New("the result does not say where its CT lies: name it with --ct"))
	}
	if (x.Seg || x.RTStruct) && x.Files.Seg == "" {
		return fail(Usage, "PLQ-620", errors.New("the result does not say where its segmentation lies: name it with --masks"))
	}
	return nil
}

func readRun(path string) (*Run, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &Run{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.Ended = r.Ended.Round(time.Second).UTC()
	return r, nil
}

// readSource reads the CT and makes sure that it is that of the result.
func (x *exported) readSource(ctx context.Context) error {
	wrong := func(err error) error { return fail(Unreadable, "PLQ-601", fmt.Errorf("%s: %w", x.CT, err)) }
	index, err := dicom.Scan(ctx, x.CT)
	if err != nil {
		return wrong(err)
	}
	series, err := index.Choose(x.Series, x.Phase)
	if err != nil {
		return wrong(err)
	}
	study, err := dicom.Load(ctx, series, x.cfg.DICOM)
	if err != nil {
		return wrong(err)
	}
	if err := x.same("ct", study.SHA256, x.CT); err != nil {
		return err
	}
	x.in.Volume, x.in.FrameOfReference = study.Volume, study.FrameOfReferenceUID
	if x.src, err = object.ReadSource(ctx, series); err != nil {
		return wrong(err)
	}
	return nil
}

// same checks an input against that of the result.
func (x *exported) same(role, sha256, path string) error {
	for _, in := range x.in.Inputs {
		if in.Role == role && in.SHA256 != sha256 {
			return fail(Unreadable, "PLQ-643", fmt.Errorf("%s is not the %s that the result was made of: SHA-256 %s, the result has %s", path, role, sha256, in.SHA256))
		}
	}
	return nil
}

// readRegions finds again the lumina, the walls and the plaques of the result.
// Without masks there are none.
func (x *exported) readRegions(ctx context.Context) error {
	if x.Files.Seg == "" {
		return nil
	}
	path, err := maskFile(x.Files.Seg)
	if err != nil {
		return fail(Unreadable, "PLQ-602", err)
	}
	sum, err := HashFile(path)
	if err != nil {
		return fail(Unreadable, "PLQ-602", err)
	}
	if err := x.same("segmentation", sum, path); err != nil {
		return err
	}
	in := x.in
	in.Inputs = nil
	if err := x.ReadMasks(ctx, x.Files, &in); err != nil {
		return err
	}
	a := x.start(in)
	if err := a.anatomy(ctx); err != nil {
		return err
	}
	for _, m := range in.Masks {
		if m.Structure != segmentation.Lumen && m.Structure != segmentation.Wall {
			continue // the plaques follow as they were measured
		}
		name := m.Name
		if m.Artery != "" {
			name = string(m.Artery) + " " + string(m.Structure)
		}
		x.regions = append(x.regions, x.region(name, m.Artery, string(m.Structure), m.Mask))
	}
	for n := range a.plaques {
		q := &a.plaques[n]
		r := x.region(segmentName(q), q.Artery, string(segmentation.Plaque), q.Mask)
		r.Track = q.Name
		x.regions = append(x.regions, r)
	}
	return nil
}

// segmentName is the name of a plaque by which it is recognised when it is read
// again: "LAD plaque 1" of LAD-1.
func segmentName(q *coronary.Plaque) string {
	if number, ok := strings.CutPrefix(q.Name, string(q.Artery)+"-"); ok && q.Artery != "" {
		return string(q.Artery) + " plaque " + number
	}
	return q.Name
}

// structures are the regions as contours.
func (x *exported) structures() []rtstruct.Region {
	out := make([]rtstruct.Region, len(x.regions))
	for n, r := range x.regions {
		out[n] = rtstruct.Region{Name: r.Name, Mask: r.Mask, Algorithm: r.Algorithm, Colour: r.Colour}
	}
	return out
}

// mapNames are the files of the maps of a result.
func (x *exported) mapNames() []string {
	var names []string
	if x.walls != nil {
		for _, a := range x.walls.Arteries {
			for _, m := range a.Maps {
				if !strings.HasSuffix(m, ".seg.nrrd") {
					names = append(names, m)
				}
			}
		}
	}
	return names
}

// maps are the objects of the maps of a result.
func (x *exported) maps() ([]file, error) {
	names := x.mapNames()
	if len(names) == 0 {
		return nil, fail(NothingToScore, "PLQ-643", fmt.Errorf("%s holds no maps: plaquerisk solve --maps writes them", x.Result))
	}
	var files []file
	for n, name := range names {
		base := filepath.Base(filepath.FromSlash(name))
		base, _, _ = strings.Cut(base, ".") // ARTERY_QUANTITY or ARTERY_QUANTITY_PHASE
		artery, rest, _ := strings.Cut(base, "_")
		at := slices.IndexFunc(fem.Quantities(), func(q fem.Quantity) bool { return strings.HasPrefix(rest, q.Name) })
		if at < 0 || !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, fail(Unreadable, "PLQ-643", fmt.Errorf("%s: no map of a quantity that is known here", name))
		}
		q := fem.Quantities()[at]
		files = append(files, file{"map_" + base + ".dcm", func(w io.Writer) error {
			v, err := format.ReadVolume(filepath.Join(x.Result, filepath.FromSlash(name)))
			if err != nil {
				return fail(Unreadable, "PLQ-643", err)
			}
			m := &parametric.Map{Name: base, Values: v, Quantity: private(q.Name, sentence(q.Doc)), Unit: ucum(q.Unit), Made: finiteElements, Site: siteOf(coronary.Artery(artery))}
			return parametric.Write(w, x.src, m, x.of(mapSeries+n, "Coronary plaque: "+base))
		}})
	}
	return files, nil
}

// sentence returns the first sentence of a text without its full stop.
func sentence(s string) string {
	s, _, _ = strings.Cut(s, ". ")
	return strings.TrimSuffix(s, ".")
}
