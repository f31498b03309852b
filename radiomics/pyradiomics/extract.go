package pyradiomics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
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
	{Code: "PLQ-316", Title: "sheared voxels, as PyRadiomics takes them", Help: "The gantry was tilted, so the axes of the image are not perpendicular. PyRadiomics takes them as if they were, and so does its profile: volumes are too large, distances and shapes wrong. Profile ibsi measures them in the true geometry."},
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

	shaping  par.Side // computes shape
	firsts   par.Side // computes features of first order
	form     morphology.Workspace
	first    intensity.Workspace
	region   texture.Region
	levels   []uint16
	counts   []int
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
	if s.picture.Cosines() != [3]float64{} {
		e.note("PLQ-316", risk.Warning, "the axes of the image are not perpendicular, as with a tilted gantry: PyRadiomics takes them as perpendicular, and so do these features")
	}
	v := feature.NewVector(e.schema)
	v.Support = make([]feature.Support, e.schema.Len())
	out := part{v.Values, v.Support}
	e.shaping.Begin(s.shape.count)
	e.firsts.Begin(s.region.count)
	defer e.shaping.Wait()
	defer e.firsts.Wait()
	e.shape(&out, s)
	at := s.region.at()
	type made struct {
		*images
		derived
	}
	describe, wait := inTurn(s.region.count >= par.Enough, func(m made) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := e.image(ctx, &out, s, m.images, at, m.derived); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		return nil
	})
	var err error
	for n := range e.images {
		if im := &e.images[n]; err == nil {
			err = s.derive(ctx, im.t, func(d derived) error { return describe(made{im, d}) })
		}
	}
	if err = cmp.Or(wait(), err); err != nil {
		return feature.Vector{}, nil, err
	}
	return v, slices.Clone(e.notes), nil
}

// errStopped tells who hands things over that one of those before has failed.
var errStopped = errors.New("stopped")

// inTurn returns a function that has do called with one thing after the other,
// beside the caller if parallel, and another that waits for the last of them and
// returns the first error.
func inTurn[T any](parallel bool, do func(T) error) (hand func(T) error, wait func() error) {
	if !parallel {
		return do, func() error { return nil }
	}
	things, done := make(chan T), make(chan error, 1)
	var failed atomic.Bool
	go func() {
		var first error
		for x := range things {
			if first == nil {
				first = do(x)
				failed.Store(first != nil)
			}
		}
		done <- first
	}()
	hand = func(x T) error {
		if failed.Load() {
			return errStopped
		}
		things <- x
		return nil
	}
	return hand, func() error {
		close(things)
		return <-done
	}
}

// part is a part of the result that is to be filled.
type part struct {
	values  []float64
	support []feature.Support
}

// take takes the first n places of p.
func (p *part) take(n int) part {
	first := part{p.values[:n], p.support[:n]}
	p.values, p.support = p.values[n:], p.support[n:]
	return first
}

// put fills p with the rows of a table.
func (p *part) put(rows []int, values []float64, support []feature.Support) {
	for n, r := range rows {
		p.values[n], p.support[n] = values[r], support[r]
	}
}

// undefined fills p with values that do not exist.
func (p *part) undefined(voxels int, reason feature.Reason) {
	for n := range p.values {
		p.values[n], p.support[n] = math.NaN(), feature.Support{Voxels: voxels, Reason: reason}
	}
}

// table returns space for the values of a table of n rows.
func table(n int) ([]float64, []feature.Support) {
	return make([]float64, n), make([]feature.Support, n)
}

// shape takes the features of the mask, which are computed beside the others.
func (e *Extractor) shape(out *part, s *subject) {
	size, axis := s.shape.size(), 2-e.p.Force2Ddimension
	var tasks []func()
	for n := range e.shapes {
		p := &e.shapes[n]
		to := out.take(len(p.rows))
		switch {
		case p.class == "shape":
			tasks = append(tasks, func() { e.solid(to, s, p.rows) })
		case size[axis] > 1:
			e.note("PLQ-313", risk.Warning, "the region has %d slices across force2Ddimension %d: class shape2D describes one slice", size[axis], e.p.Force2Ddimension)
			to.undefined(s.shape.count, SeveralSlices)
		default:
			tasks = append(tasks, func() { e.plane(to, s, p.rows) })
		}
	}
	e.shaping.Go(func() { // one after the other: they share scratch
		for _, task := range tasks {
			task()
		}
	})
}

// solid fills out with the features of class shape.
func (e *Extractor) solid(out part, s *subject, rows []int) {
	m := morphology.NewPyRadiomics(&e.form, s.shape.size(), s.picture.Spacing, s.shape.in)
	values, support := table(len(morphology.PyRadiomicsFeatures))
	m.Values(values, support)
	out.put(rows, values, support)
}

// plane fills out with the features of class shape2D.
func (e *Extractor) plane(out part, s *subject, rows []int) {
	size, spacing, axis := s.shape.size(), s.picture.Spacing, 2-e.p.Force2Ddimension
	var flat [2]int
	var pixel [2]float64
	n := 0
	for a := range 3 {
		if a != axis {
			flat[n], pixel[n] = size[a], spacing[a]
			n++
		}
	}
	m := morphology.NewPlane(&e.form, flat, pixel, s.shape.in)
	values, support := table(len(morphology.PlaneFeatures))
	m.Values(values, support)
	out.put(rows, values, support)
}

// image takes the features of the intensities of an image. Those of first order
// are computed beside texture and the making of the next image.
func (e *Extractor) image(ctx context.Context, rest *part, s *subject, im *images, at []int, d derived) error {
	if im.width == 0 {
		return nil
	}
	out := rest.take(im.width)
	if d.values == nil {
		e.note("PLQ-311", risk.Warning, "%s: the image of %v voxels of %.4g mm is too small for the filter", d.name, s.picture.Size, s.picture.Spacing)
		out.undefined(len(at), feature.SmallSupport)
		return nil
	}
	x := extentOf(d.values)
	if !x.finite {
		e.note("PLQ-314", risk.Warning, "%s: some of %d voxels have no finite intensity", d.name, len(at))
		out.undefined(len(at), feature.NotFinite)
		return nil
	}
	set := &im.t.Settings
	b, err := newBins(x.lo, x.hi, set.BinWidth, set.BinCount, d.pixels == Float32)
	if err != nil {
		return err
	}
	e.firsts.Wait() // those of the last image, which use the same scratch
	e.levels = slices.Grow(e.levels[:0], len(at))[:len(at)]
	b.levels(e.levels, d.values)
	places := make([]part, len(im.picks))
	for n, p := range im.picks {
		if places[n] = out.take(len(p.rows)); p.class == "firstorder" {
			e.firsts.Go(func() { e.firstOrder(places[n], s, im, p.rows, b.n, d.values) })
		}
	}
	if im.texture == nil {
		return nil
	}
	e.region.Reset(s.region.size(), s.picture.Spacing, at, e.levels, b.n, nil)
	if e.textures, err = im.texture.Compute(ctx, e.textures[:0], &e.region); err != nil {
		return err
	}
	for n, p := range im.picks {
		if p.class == "firstorder" {
			continue
		}
		for m, r := range p.rows {
			t := &e.textures[r]
			if p.entropy[m] {
				t.Value = disorder(t.Value)
			}
			places[n].values[m] = t.Value
			places[n].support[m] = feature.Support{Voxels: len(at), Pairs: t.Pairs, Reason: t.Reason}
		}
	}
	return nil
}

// firstOrder fills out with the first-order features of an image whose grey
// levels are in e.levels, 1 to levels.
func (e *Extractor) firstOrder(out part, s *subject, im *images, rows []int, levels int, x []float64) {
	e.counts = slices.Grow(e.counts[:0], levels)[:levels]
	clear(e.counts)
	for _, l := range e.levels {
		e.counts[l-1]++
	}
	f := intensity.NewFirstOrder(&e.first, x, intensity.FirstOrderConfig{
		VoxelVolume: s.picture.VoxelVolume(), Shift: float64(im.t.Settings.VoxelArrayShift), Counts: e.counts})
	values, support := table(len(intensity.FirstOrderFeatures))
	f.Values(values, support)
	values[entropyRow] = disorder(values[entropyRow])
	out.put(rows, values, support)
}
