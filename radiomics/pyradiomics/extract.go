package pyradiomics

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/radiomics/intensity"
	"github.com/plaquerisk/plaquerisk/radiomics/morphology"
	"github.com/plaquerisk/plaquerisk/radiomics/texture"
	"github.com/plaquerisk/plaquerisk/risk"
)

// NoteCodes documents the notes of this package.
var NoteCodes = []risk.Code{
	{Code: "PLQ-311", Title: "image too small for a filter", Help: "A Laplacian of Gaussian needs at least four voxels along each axis and sigma divided by the spacing plus one. PyRadiomics leaves its features out; here their cells are empty."},
	{Code: "PLQ-312", Title: "feature no longer computed", Help: "PyRadiomics accepts the name in a parameter file but computes nothing, because another feature has the same value: its removedfeatures page says which. Take the name out of the file."},
	{Code: "PLQ-313", Title: "shape2D needs one slice", Help: "The features of class shape2D describe a region of one slice across force2Ddimension. Their cells are empty for this region; PyRadiomics stops with an error."},
	{Code: "PLQ-314", Title: "intensities that are not numbers", Help: "Some voxels of the region have no finite intensity in this image. Its features are empty."},
	{Code: "PLQ-315", Title: "image type without images", Help: "LoG makes one image for each sigma, and the parameter file gives none: add sigma, a list of mm, under LoG or setting."},
}

// SeveralSlices is the reason of shape2D features of a region of more than one
// slice.
const SeveralSlices feature.Reason = "several_slices"

// Extract computes the features of [Columns](p) for the region roi of vol. The
// grid of roi may be a part of vol's, and may differ if p resamples or corrects
// the mask. Errors of kind [ErrRegion] are those with which PyRadiomics refuses
// a region, in its words.
func Extract(ctx context.Context, vol *imaging.Volume, roi *imaging.Mask, p *Params) (feature.Vector, []risk.Note, error) {
	e, err := NewExtractor(p)
	if err != nil {
		return feature.Vector{}, nil, err
	}
	return e.Extract(ctx, vol, roi)
}

// Extractor extracts the same features from one region after the other and
// keeps its scratch memory. It serves one goroutine at a time.
type Extractor struct {
	p      *Params
	schema feature.Schema
	shapes []pick   // classes shape and shape2D
	images []images // one for each image type
	notes  []risk.Note

	form     morphology.Workspace
	first    intensity.Workspace
	region   texture.Region
	levels   []uint16
	counts   []int
	scratch  []float64
	support  []feature.Support
	textures []texture.Value
}

// pick is a class with the rows of its table that are wanted.
type pick struct {
	class   string
	rows    []int
	entropy []bool // of texture: which are entropies
}

// disorder returns the entropy h; where it is zero, what PyRadiomics returns,
// which adds the smallest number to a frequency of 1: −log₂(1 + 2⁻⁵²).
func disorder(h float64) float64 {
	if math.Abs(h) < 1e-15 {
		return -math.Log1p(0x1p-52) / math.Ln2
	}
	return h
}

// entropyRow is the place of the entropy among the first-order features.
var entropyRow = indexOf(intensity.FirstOrderFeatures, firstOrderName, "Entropy")

// images is what the images of one type need.
type images struct {
	t       *ImageType
	picks   []pick // rows of the first-order table or of the texture columns
	texture *texture.Computer
	width   int // features of one image
}

// NewExtractor returns an extractor of the features of [Columns](p).
func NewExtractor(p *Params) (*Extractor, error) {
	schema, err := feature.NewSchema(Columns(p)...)
	if err != nil {
		return nil, fmt.Errorf("pyradiomics: %w", err)
	}
	e := &Extractor{p: p, schema: schema}
	for _, c := range p.shapeClasses() {
		s := pick{class: c.Name}
		for _, name := range c.Features {
			if c.Name == "shape" {
				s.rows = append(s.rows, indexOf(morphology.PyRadiomicsFeatures, func(f *morphology.Feature[morphology.PyRadiomics]) string { return f.PyRadiomics }, name))
			} else {
				s.rows = append(s.rows, indexOf(morphology.PlaneFeatures, func(f *morphology.Feature[morphology.Plane]) string { return f.PyRadiomics }, name))
			}
		}
		e.shapes = append(e.shapes, s)
	}
	for n := range p.ImageTypes {
		im := images{t: &p.ImageTypes[n]}
		if len(im.t.names()) == 0 {
			e.note("PLQ-315", risk.Warning, "imageType %s has no sigma: it makes no image and no feature", im.t.Name)
		}
		cfg := im.t.texture(p)
		if len(cfg.Families) > 0 {
			if im.texture, err = texture.NewComputer(cfg); err != nil {
				return nil, fmt.Errorf("pyradiomics: %w", err)
			}
		}
		columns := cfg.Columns()
		for _, c := range p.valueClasses() {
			s := pick{class: c.Name}
			for _, name := range c.Features {
				if c.Name == "firstorder" {
					s.rows = append(s.rows, indexOf(intensity.FirstOrderFeatures, firstOrderName, name))
				} else {
					family := familyOf[c.Name]
					s.entropy = append(s.entropy, strings.HasSuffix(name, "Entropy"))
					s.rows = append(s.rows, slices.IndexFunc(columns, func(c texture.Column) bool { return c.Family == family && c.PyRadiomics == name }))
				}
			}
			im.picks, im.width = append(im.picks, s), im.width+len(s.rows)
		}
		e.images = append(e.images, im)
	}
	for _, c := range p.Classes {
		for _, name := range c.Features {
			if slices.Contains(findClass(c.Name).gone, name) {
				e.note("PLQ-312", risk.Info, "featureClass %s: %s is no longer computed by PyRadiomics, nor here", c.Name, name)
			}
		}
	}
	return e, nil
}

func (e *Extractor) note(code string, severity risk.Severity, format string, a ...any) {
	e.notes = append(e.notes, risk.Note{Code: code, Severity: severity, Text: fmt.Sprintf(format, a...)})
}

// Extract is the function [Extract] with the parameters of e.
func (e *Extractor) Extract(ctx context.Context, vol *imaging.Volume, roi *imaging.Mask) (feature.Vector, []risk.Note, error) {
	s, err := prepare(ctx, vol, roi, e.p)
	if err != nil {
		return feature.Vector{}, nil, fmt.Errorf("pyradiomics: %w", err)
	}
	v, notes, err := e.extract(ctx, s)
	if err != nil {
		return feature.Vector{}, nil, fmt.Errorf("pyradiomics: %w", err)
	}
	return v, notes, nil
}

// Diagnose is [Extractor.Extract] with PyRadiomics' general information beside
// the features, if additionalInfo is set.
func (e *Extractor) Diagnose(ctx context.Context, vol *imaging.Volume, roi *imaging.Mask) (feature.Vector, []Field, []risk.Note, error) {
	s, err := prepare(ctx, vol, roi, e.p)
	if err != nil {
		return feature.Vector{}, nil, nil, fmt.Errorf("pyradiomics: %w", err)
	}
	var fields []Field
	if e.p.AdditionalInfo {
		fields = s.diagnostics(e.p)
	}
	v, notes, err := e.extract(ctx, s)
	if err != nil {
		return feature.Vector{}, nil, nil, fmt.Errorf("pyradiomics: %w", err)
	}
	return v, fields, notes, nil
}

func (e *Extractor) extract(ctx context.Context, s *subject) (feature.Vector, []risk.Note, error) {
	known := len(e.notes)
	defer func() { e.notes = e.notes[:known] }()
	out := feature.Vector{Schema: e.schema, Values: make([]float64, 0, e.schema.Len()), Support: make([]feature.Support, 0, e.schema.Len())}
	for n := range e.shapes {
		e.shape(&out, s, &e.shapes[n])
	}
	at := s.region.at()
	for n := range e.images {
		im := &e.images[n]
		err := s.derive(ctx, im.t, func(d derived) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := e.image(ctx, &out, s, im, at, d); err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
			return nil
		})
		if err != nil {
			return feature.Vector{}, nil, err
		}
	}
	return out, slices.Clone(e.notes), nil
}

// add appends the rows of a table that are wanted.
func add(out *feature.Vector, rows []int, values []float64, support []feature.Support) {
	for _, r := range rows {
		out.Values = append(out.Values, values[r])
		out.Support = append(out.Support, support[r])
	}
}

// undefined appends n values that do not exist.
func undefined(out *feature.Vector, n, voxels int, reason feature.Reason) {
	for range n {
		out.Values = append(out.Values, math.NaN())
		out.Support = append(out.Support, feature.Support{Voxels: voxels, Reason: reason})
	}
}

// buffers returns space for the values of a table of n rows.
func (e *Extractor) buffers(n int) ([]float64, []feature.Support) {
	e.scratch, e.support = slices.Grow(e.scratch[:0], n)[:n], slices.Grow(e.support[:0], n)[:n]
	return e.scratch, e.support
}

// shape appends the features of the mask.
func (e *Extractor) shape(out *feature.Vector, s *subject, p *pick) {
	r := s.shape
	size, spacing := r.size(), s.picture.Spacing
	if p.class == "shape" {
		m := morphology.NewPyRadiomics(&e.form, size, spacing, r.in)
		values, support := e.buffers(len(morphology.PyRadiomicsFeatures))
		m.Values(values, support)
		add(out, p.rows, values, support)
		return
	}
	axis := 2 - e.p.Force2Ddimension
	if size[axis] > 1 {
		e.note("PLQ-313", risk.Warning, "the region has %d slices across force2Ddimension %d: class shape2D describes one slice", size[axis], e.p.Force2Ddimension)
		undefined(out, len(p.rows), r.count, SeveralSlices)
		return
	}
	var flat [2]int
	var pixel [2]float64
	n := 0
	for a := range 3 {
		if a != axis {
			flat[n], pixel[n] = size[a], spacing[a]
			n++
		}
	}
	m := morphology.NewPlane(&e.form, flat, pixel, r.in)
	values, support := e.buffers(len(morphology.PlaneFeatures))
	m.Values(values, support)
	add(out, p.rows, values, support)
}

// image appends the features of the intensities of an image.
func (e *Extractor) image(ctx context.Context, out *feature.Vector, s *subject, im *images, at []int, d derived) error {
	if im.width == 0 {
		return nil
	}
	if d.values == nil {
		e.note("PLQ-311", risk.Warning, "%s: the image of %v voxels of %.4g mm is too small for the filter", d.name, s.picture.Size, s.picture.Spacing)
		undefined(out, im.width, len(at), feature.SmallSupport)
		return nil
	}
	if slices.ContainsFunc(d.values, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }) {
		e.note("PLQ-314", risk.Warning, "%s: some of %d voxels have no finite intensity", d.name, len(at))
		undefined(out, im.width, len(at), feature.NotFinite)
		return nil
	}
	set := &im.t.Settings
	b, err := newBins(d.values, set.BinWidth, set.BinCount, d.pixels == Float32)
	if err != nil {
		return err
	}
	e.levels = slices.Grow(e.levels[:0], len(at))[:len(at)]
	e.counts = slices.Grow(e.counts[:0], b.n)[:b.n]
	clear(e.counts)
	for n, x := range d.values {
		l := b.level(x)
		e.levels[n] = l
		e.counts[l-1]++
	}
	if im.texture != nil {
		e.region.Reset(s.region.size(), s.picture.Spacing, at, e.levels, b.n, nil)
		if e.textures, err = im.texture.Compute(ctx, e.textures[:0], &e.region); err != nil {
			return err
		}
	}
	for _, p := range im.picks {
		if p.class != "firstorder" {
			for m, r := range p.rows {
				t := &e.textures[r]
				if p.entropy[m] {
					t.Value = disorder(t.Value)
				}
				out.Values = append(out.Values, t.Value)
				out.Support = append(out.Support, feature.Support{Voxels: len(at), Pairs: t.Pairs, Reason: t.Reason})
			}
			continue
		}
		f := intensity.NewFirstOrder(&e.first, d.values, intensity.FirstOrderConfig{
			VoxelVolume: s.picture.VoxelVolume(), Shift: float64(set.VoxelArrayShift), Counts: e.counts})
		values, support := e.buffers(len(intensity.FirstOrderFeatures))
		f.Values(values, support)
		values[entropyRow] = disorder(values[entropyRow])
		add(out, p.rows, values, support)
	}
	return nil
}
