package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/internal/strictyaml"
	"github.com/plaquerisk/plaquerisk/internal/version"
	"github.com/plaquerisk/plaquerisk/radiomics"
	"github.com/plaquerisk/plaquerisk/radiomics/pyradiomics"
	"github.com/plaquerisk/plaquerisk/risk"
	"github.com/plaquerisk/plaquerisk/segmentation"
)

// The profiles of radiomics.
const (
	ProfileIBSI        = "ibsi"        // the standard
	ProfilePyRadiomics = "pyradiomics" // its conventions, names and parameter files
	ProfileCoronary    = "coronary"    // plaques: all that is known to serve, with volumes by HU
	ProfilePlaque      = "plaque"      // plaques: the settings in force, as scoring computes them, with volumes by HU
)

// Profiles are the names of all profiles, the default first.
var Profiles = []string{ProfileIBSI, ProfilePyRadiomics, ProfileCoronary, ProfilePlaque}

// ofPyRadiomics finds the sections of a parameter file of PyRadiomics, in YAML
// or JSON.
var ofPyRadiomics = regexp.MustCompile(`(?m)^[\s{]*["']?(imageType|featureClass|setting|voxelSetting)["']?\s*:`)

// ofSettings finds the root of a settings file.
var ofSettings = regexp.MustCompile(`(?m)^plaquerisk\s*:`)

// Profile is a set of features of regions with all its settings.
type Profile struct {
	Name   string
	Schema feature.Schema
	label  int32 // the region to take where a case names none; 0: all
	// extract computes the features of one region, and text beside them.
	extract func(ctx context.Context, vol *imaging.Volume, r *region) (feature.Vector, []pyradiomics.Field, []risk.Note, error)
}

// Profile returns a profile with the settings of a parameter file over its own;
// params may be "". Without a name it is the profile of the parameter file:
// pyradiomics if the file has its sections, else ibsi.
func (p *Pipeline) Profile(name, params string) (*Profile, error) {
	var text []byte
	if _, preset, err := radiomics.Preset(params); err == nil {
		text = preset
	} else if params != "" {
		if text, err = os.ReadFile(params); err != nil {
			return nil, fail(BadConfig, "PLQ-603", err)
		}
	}
	if name == "" {
		name = ProfileIBSI
		if ofPyRadiomics.Match(text) {
			name = ProfilePyRadiomics
		}
	}
	switch name {
	case ProfilePyRadiomics:
		return pyRadiomicsProfile(params, text)
	case ProfileIBSI:
		return p.radiomicsProfile(name, radiomics.IBSIConfig(), params, text)
	case ProfileCoronary:
		return p.radiomicsProfile(name, radiomics.CoronaryConfig(), params, text)
	case ProfilePlaque:
		return p.radiomicsProfile(name, p.cfg.Radiomics, params, text)
	}
	return nil, fail(Usage, "PLQ-620", fmt.Errorf("--profile %q: want one of %s", name, strings.Join(Profiles, ", ")))
}

// radiomicsProfile is a profile of package radiomics.
func (p *Pipeline) radiomicsProfile(name string, cfg radiomics.Config, params string, text []byte) (*Profile, error) {
	if ofPyRadiomics.Match(text) {
		return nil, fail(BadConfig, "PLQ-603", fmt.Errorf("%s is a parameter file of PyRadiomics: use --profile %s", params, ProfilePyRadiomics))
	}
	var err error
	if ofSettings.Match(text) { // a settings file, of which the section radiomics counts
		file := File{Plaquerisk: p.cfg}
		file.Plaquerisk.Radiomics = cfg
		err = strictyaml.DecodeBytes(params, text, &file)
		cfg = file.Plaquerisk.Radiomics
	} else {
		err = strictyaml.DecodeBytes(params, text, &cfg)
	}
	if err != nil {
		return nil, fail(BadConfig, "PLQ-603", err)
	}
	if err := cfg.Validate(); err != nil {
		return nil, fail(BadConfig, "PLQ-603", fmt.Errorf("profile %s %s: %w", name, params, err))
	}
	cols := radiomics.Columns(cfg)
	plaque := name == ProfileCoronary || name == ProfilePlaque
	if plaque {
		composition := compositionSchema()
		cols = append(composition.Columns(), cols...)
	}
	schema, err := feature.NewSchema(cols...)
	if err != nil {
		return nil, err
	}
	extract := func(ctx context.Context, vol *imaging.Volume, r *region) (feature.Vector, []pyradiomics.Field, []risk.Note, error) {
		v, notes, err := radiomics.Extract(ctx, vol, r.roi, cfg)
		if err == nil && plaque {
			v, err = feature.Join(p.composition(vol, r.roi), v)
		}
		return v, nil, notes, err
	}
	return &Profile{Name: name, Schema: schema, extract: extract}, nil
}

// pyRadiomicsProfile is the profile of a parameter file of PyRadiomics.
func pyRadiomicsProfile(name string, text []byte) (*Profile, error) {
	params := pyradiomics.DefaultParams()
	if name != "" {
		var err error
		if params, err = pyradiomics.Parse(name, text); err != nil {
			return nil, fail(BadConfig, "PLQ-603", err)
		}
	}
	schema, err := feature.NewSchema(pyradiomics.Columns(params)...)
	if err != nil {
		return nil, err
	}
	extract := func(ctx context.Context, vol *imaging.Volume, r *region) (feature.Vector, []pyradiomics.Field, []risk.Note, error) {
		own := *params
		own.Label, own.MaskGrid = int(r.label), r.file
		if r.image != "" {
			own.Pixels = pyradiomics.ReadPixels(r.image)
		}
		e, err := pyradiomics.NewExtractor(&own)
		if err != nil {
			return feature.Vector{}, nil, nil, err
		}
		return e.Diagnose(ctx, vol, r.roi)
	}
	return &Profile{Name: ProfilePyRadiomics, Schema: schema, label: int32(params.Label), extract: extract}, nil
}

// RegionCase is an image with a mask: one row of a table of cases.
type RegionCase struct {
	Files
	Patient string              // "": the case
	Label   int32               // the region to take; 0: the profile's choice
	Given   []pyradiomics.Field // cells of the table, to be repeated
}

// Regions are the rows of a case, one per region.
type Regions struct {
	Rows  []feature.Row // without Extra
	Extra [][]pyradiomics.Field
	Notes []risk.Note
}

// undefinedField names the text that sums up the undefined values of a row.
const undefinedField = "undefined"

// DropUndefined removes that text, for tables that give reasons value by value.
func (r *Regions) DropUndefined() {
	for n := range r.Extra {
		r.Extra[n] = slices.DeleteFunc(r.Extra[n], func(f pyradiomics.Field) bool { return f.Name == undefinedField })
	}
}

// Regions computes the features of a profile for the regions of a mask,
// whatever they are. The image is not judged as a coronary CT and may be any.
// Unless resample is set, the voxels of the mask must be voxels of the image.
func (p *Pipeline) Regions(ctx context.Context, c RegionCase, profile *Profile, resample bool) (*Regions, error) {
	file, err := maskFile(c.Seg)
	if err != nil {
		return nil, fail(Unreadable, "PLQ-602", err)
	}
	sum, err := HashFile(file)
	if err != nil {
		return nil, fail(Unreadable, "PLQ-602", err)
	}
	out := &Regions{}
	var found []risk.Note
	var failed []error
	notes, err := p.eachRegion(ctx, c, profile, resample, func(in *Input, r *region) error {
		v, info, notes, err := profile.extract(ctx, in.Volume, r)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // one region must not cost the others their rows
			failed = append(failed, fmt.Errorf("%s: region %s: %w", c.Seg, r.name, err))
			v, info = noFeatures(profile, err), nil
			notes = []risk.Note{{Code: "PLQ-612", Severity: risk.Warning, Text: "no features: " + err.Error()}}
		}
		found = append(found, r.notes(notes)...)
		row := feature.Row{Case: in.Case, Patient: c.Patient, Lesion: r.name, Label: feature.Unknown, Values: v.Values, Support: v.Support}
		if row.Patient == "" {
			row.Patient = in.Case
		}
		extra := append(slices.Clone(c.Given),
			pyradiomics.Field{Name: "image_sha256", Value: in.Inputs[0].SHA256}, pyradiomics.Field{Name: "mask_sha256", Value: sum},
			pyradiomics.Field{Name: "program", Value: version.Program + " " + version.Version})
		extra = append(append(extra, info...), pyradiomics.Field{Name: undefinedField, Value: row.Undefined(&profile.Schema)})
		out.Rows, out.Extra = append(out.Rows, row), append(out.Extra, extra)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(failed) == len(out.Rows) {
		return nil, fail(NothingToScore, "PLQ-612", errors.Join(failed...))
	}
	out.Notes = append(notes, found...)
	return out, nil
}

// noFeatures returns the values of a region that could not be extracted.
func noFeatures(profile *Profile, err error) feature.Vector {
	v := feature.NewVector(profile.Schema)
	v.Support = make([]feature.Support, len(v.Values))
	reason := feature.Missing
	if errors.Is(err, radiomics.ErrEmpty) {
		reason = feature.EmptyRegion
	}
	for n := range v.Support {
		v.Support[n].Reason = reason
	}
	return v
}

// region is one region of a mask on the voxels of its image.
type region struct {
	name  string
	label int32
	roi   *imaging.Mask
	file  *imaging.Grid // of the mask file
	image string        // path of the image
}

// notes names the region in notes that name no place.
func (r *region) notes(notes []risk.Note) []risk.Note {
	for n := range notes {
		if notes[n].Where == "" {
			notes[n].Where = r.name
		}
	}
	return notes
}

// eachRegion reads a case and calls f with its regions: those of the label that
// the case or the profile names, or all. It returns the notes of the reading.
func (p *Pipeline) eachRegion(ctx context.Context, c RegionCase, profile *Profile, resample bool, f func(in *Input, r *region) error) ([]risk.Note, error) {
	in, err := p.readAny(ctx, c.Files)
	if err != nil {
		return nil, err
	}
	file, err := maskFile(c.Seg)
	if err != nil {
		return nil, fail(Unreadable, "PLQ-602", fmt.Errorf("read mask: %w", err))
	}
	seg, err := readRegions(ctx, file, c.Contours, &in)
	if err != nil {
		return nil, fail(Unreadable, "PLQ-602", fmt.Errorf("read mask: %w", err))
	}
	if profile.Name == ProfilePyRadiomics {
		likeITK(c.CT, &in.Volume.Grid)
		likeITK(c.Seg, &seg.Grid)
	}
	label := c.Label
	if label == 0 {
		label = profile.label
	}
	notes, found := append(in.Notes, seg.notes...), false
	whole := &seg.Grid
	if _, err := imaging.Align(&in.Volume.Grid, whole, imaging.OnVoxels); seg.dicom && err == nil {
		whole = &in.Volume.Grid // of which the file has the part with voxels
	}
	for n, s := range seg.Segments {
		m := seg.Mask(n)
		if m == nil || label != 0 && s.Value != label {
			continue
		}
		r := &region{name: s.Name, label: s.Value, file: whole, image: c.CT}
		if r.name == "" {
			r.name = fmt.Sprintf("label-%d", s.Value)
		}
		var placing []risk.Note
		if r.roi, placing, err = place(in.Volume, &seg.Grid, m, r.name, profile, resample); err != nil {
			return notes, fail(Unreadable, "PLQ-602", fmt.Errorf("%s: region %s: %w", c.Seg, r.name, err))
		}
		notes = append(notes, placing...)
		if r.roi == nil {
			continue
		}
		found = true
		if err := f(&in, r); err != nil {
			return notes, fail(Internal, "PLQ-600", fmt.Errorf("%s: region %s: %w", c.Seg, r.name, err))
		}
	}
	if !found {
		return notes, fail(NothingToScore, "PLQ-605", nothing(c.Seg, seg.Segmentation, label))
	}
	return notes, nil
}

// likeITK makes g, the grid of the file at path, what programs on ITK see. NIfTI
// stores single precision: where we read 0.4 mm, ITK has 0.4000000059604645,
// which decides the nearest of two voxels and the last voxel of a new grid.
func likeITK(path string, g *imaging.Grid) {
	if !format.IsNIfTI(path) {
		return
	}
	single := func(x float64) float64 { return float64(float32(x)) }
	for a := range g.Spacing {
		g.Spacing[a] = single(g.Spacing[a])
	}
	g.Origin = r3.Vec{X: single(g.Origin.X), Y: single(g.Origin.Y), Z: single(g.Origin.Z)}
}

// place puts a region of the mask on grid file onto the voxels of an image.
// PyRadiomics has rules of its own for masks that lie elsewhere, so there such a
// region stays where it is.
func place(vol *imaging.Volume, file *imaging.Grid, m *imaging.Mask, name string, profile *Profile, resample bool) (*imaging.Mask, []risk.Note, error) {
	if resample {
		matched, notes, err := segmentation.Match(&vol.Grid, []segmentation.Mask{{Name: name, Mask: m}})
		if err != nil || len(matched) == 0 {
			return nil, notes, err
		}
		return matched[0].Mask, notes, nil
	}
	roi, err := m.Onto(&vol.Grid, imaging.OnVoxels)
	if err != nil && profile.Name == ProfilePyRadiomics {
		return m, nil, nil
	}
	var mismatch *imaging.GeometryError
	if errors.As(err, &mismatch) {
		mismatch.Mask = *file // not the region's part of it
	}
	return roi, nil, err
}

// nothing says why a mask gives no region.
func nothing(path string, seg *imaging.Segmentation, label int32) error {
	if label == 0 || len(seg.Segments) == 0 {
		return fmt.Errorf("%s holds no region", path)
	}
	var labels []string
	for _, s := range seg.Segments {
		labels = append(labels, strings.TrimSpace(fmt.Sprintf("%d %s", s.Value, s.Name)))
		if len(labels) == 20 {
			labels = append(labels, "…")
			break
		}
	}
	return fmt.Errorf("%s holds no voxel with label %d; its labels are %s: choose one with --label or in the column label", path, label, strings.Join(labels, ", "))
}

// ReadRegionCases reads a table of cases: the batch file of PyRadiomics, with
// the columns Image and Mask, or ours, with ct and mask. Both may have further
// columns, which are repeated in the results; of ours, case, patient, series and
// label have a meaning. Paths are relative to the table.
func ReadRegionCases(path string) ([]RegionCase, error) {
	cases, err := readRegionCases(path)
	if err != nil {
		return nil, fail(Unreadable, "PLQ-622", err)
	}
	return cases, nil
}

func readRegionCases(path string) ([]RegionCase, error) {
	head, rows, err := readTable(path)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(head, "ct") {
		batch, err := pyradiomics.ReadBatchFile(path)
		if err != nil {
			return nil, err
		}
		cases := make([]RegionCase, len(batch))
		for n, b := range batch {
			if b.LabelChannel > 0 {
				return nil, fmt.Errorf("%s: line %d: Label_channel %d: masks have one channel here", path, b.Line, b.LabelChannel)
			}
			cases[n] = RegionCase{Files: Files{CT: b.Image, Seg: b.Mask}, Label: int32(b.Label), Given: b.Fields}
		}
		return cases, nil
	}
	var cases []RegionCase
	var wrong []error
	for _, r := range rows {
		c, err := regionCase(head, r.cells, path)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: line %d: %w", path, r.line, err))
			continue
		}
		cases = append(cases, c)
	}
	if len(wrong) == 0 && len(cases) == 0 {
		return nil, fmt.Errorf("%s: no cases under the header", path)
	}
	return cases, errors.Join(wrong...)
}
