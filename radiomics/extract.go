package radiomics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
	"github.com/plaquerisk/plaquerisk/radiomics/filter"
	"github.com/plaquerisk/plaquerisk/radiomics/intensity"
	"github.com/plaquerisk/plaquerisk/radiomics/texture"
	"github.com/plaquerisk/plaquerisk/risk"
)

// NoteCodes documents the notes of this package.
var NoteCodes = []risk.Code{
	{Code: "PLQ-301", Title: "features are undefined", Help: "Some features have no value for this region, as the correlation of one grey level. Their cells are empty; a classifier treats them as missing. The reason stands beside each in the long table."},
	{Code: "PLQ-302", Title: "intensities below the first grey level", Help: "They got level 1. Lower bin_start_hu, or exclude them with range_hu."},
	{Code: "PLQ-303", Title: "small region", Help: "With fewer than 8 voxels per occupied grey level, texture says more about the region's size than about the tissue. Compare with plaques of similar size only."},
	{Code: "PLQ-304", Title: "voxels without a finite intensity", Help: "They count for the shape but not for intensities and texture."},
	{Code: "PLQ-305", Title: "interpolation changed the volume", Help: "The region is thin beside its voxels: its shape on the new voxels differs by more than a tenth in volume from the one drawn."},
	{Code: "PLQ-306", Title: "region without a third dimension", Help: "All voxels lie in one plane: three-dimensional texture and shape describe a slice."},
	{Code: "PLQ-307", Title: "sheared voxels", Help: "The gantry was tilted, so the axes of the image are not perpendicular. Shape, distances and local intensity are measured in the true geometry, but filters are computed along the axes as if these were perpendicular: their kernels are sheared with the voxels. Resample the image onto perpendicular axes to filter it."},
}

// group is a piece of the columns that is computed at once: a family of a
// component of the region, on an image, with grey levels.
type group struct {
	family    *family
	component int // in Config.Components; −1 for the whole region
	image     int // in Config.Filters; −1 for the unfiltered image
	levels    int // in Config.Also; −1 for the main discretisation, or that of filtered images
	view      view
	columns   []feature.Column
	at        int // place of its first column
}

// groups returns the pieces of the columns in order.
func (c *Config) groups() []group {
	var all []group
	at := 0
	add := func(component, image, levels int, f *family) {
		g := group{family: f, component: component, image: image, levels: levels, at: at}
		g.view = view{c, c.Families, c.main()}
		prefix, settings, suffix := c.Image+".", "", ""
		if levels >= 0 {
			g.view.levels = c.Also[levels]
			suffix = "." + g.view.levels.name()
		}
		if image >= 0 {
			made, err := filter.New(c.Filters[image])
			if err != nil {
				return // Validate says why
			}
			g.view.families, g.view.levels = c.FilterFamilies, c.FilterLevels
			prefix, settings = made.Name()+".", "; "+made.Settings()
		}
		if component >= 0 {
			p := c.Components[component]
			prefix = p.Name + "." + prefix
			settings = fmt.Sprintf("; %g to %g %s", p.RangeHU[0], p.RangeHU[1], c.Unit) + settings
		}
		for _, col := range f.columns(&g.view) {
			col.Name = prefix + col.Name + suffix
			col.Settings += settings
			g.columns = append(g.columns, col)
		}
		at += len(g.columns)
		all = append(all, g)
	}
	for component := -1; component < len(c.Components); component++ {
		for n := range families {
			if f := &families[n]; f.asked(c.Families) && !(f.once && component >= 0) {
				add(component, -1, -1, f)
			}
		}
		for d := range c.Also {
			for n := range families {
				if f := &families[n]; f.again && f.asked(c.Families) {
					add(component, -1, d, f)
				}
			}
		}
		for image := range c.Filters {
			for n := range families {
				if f := &families[n]; f.filtered && f.asked(c.FilterFamilies) {
					add(component, image, -1, f)
				}
			}
		}
	}
	return all
}

// Columns returns the columns of [Extract] for cfg, in order.
func Columns(cfg Config) []feature.Column {
	var cols []feature.Column
	for _, g := range cfg.groups() {
		cols = append(cols, g.columns...)
	}
	return cols
}

// Extract computes the features of [Columns](cfg) for the region roi of vol.
// The voxels of roi must coincide with voxels of vol, but its grid may be a
// part of vol's. The vector's Support says what each value rests on and why
// one is undefined. Notes tell what a reader must know: see [NoteCodes].
func Extract(ctx context.Context, vol *imaging.Volume, roi *imaging.Mask, cfg Config) (feature.Vector, []risk.Note, error) {
	v, notes, err := extract(ctx, vol, roi, cfg)
	if err != nil {
		return feature.Vector{}, nil, fmt.Errorf("radiomics: %w", err)
	}
	return v, notes, nil
}

// extraction is the work on one region.
type extraction struct {
	cfg     *Config
	regions []*region // the whole, then the components
	scratch sync.Pool // of *scratch
	out     feature.Vector
	notes   []risk.Note
}

func extract(ctx context.Context, vol *imaging.Volume, roi *imaging.Mask, cfg Config) (feature.Vector, []risk.Note, error) {
	if err := cfg.Validate(); err != nil {
		return feature.Vector{}, nil, err
	}
	groups := cfg.groups()
	var cols []feature.Column
	for _, g := range groups {
		cols = append(cols, g.columns...)
	}
	schema, err := feature.NewSchema(cols...)
	if err != nil {
		return feature.Vector{}, nil, err
	}
	filters, m, err := cfg.filters(&vol.Grid)
	if err != nil {
		return feature.Vector{}, nil, err
	}
	s, notes, err := newScene(ctx, vol, roi, &cfg, m)
	if err != nil {
		return feature.Vector{}, nil, err
	}
	x := &extraction{cfg: &cfg, notes: notes, out: feature.NewVector(schema)}
	x.out.Support = make([]feature.Support, schema.Len())
	x.scratch.New = func() any { return &scratch{computers: map[string]*texture.Computer{}} }
	if err := x.segment(s); err != nil {
		return feature.Vector{}, nil, err
	}
	for image := -1; image < len(filters); image++ {
		if err := x.image(ctx, groups, image, filters); err != nil {
			return feature.Vector{}, nil, err
		}
	}
	return x.out, append(x.notes, undefined(&x.out)...), nil
}

// peakRadius is the reach of local intensity, mm: a ball of 1 cm³.
const peakRadius = 6.21

// filters returns the filters of c and the margin of the image that they need
// on the final voxels of an image on g.
func (c *Config) filters(g *imaging.Grid) ([]filter.Filter, margin, error) {
	var fs []filter.Filter
	var m margin
	spacing := c.Spacing.of(g)
	m.all = slices.Contains(c.Families, "diagnostics") // they look at the whole image
	if slices.Contains(c.Families, "local_intensity") {
		for a := range 3 {
			m.voxels[a] = int(math.Ceil(peakRadius / spacing[a]))
		}
	}
	for _, f := range c.Filters {
		made, err := filter.New(f)
		if err != nil {
			return nil, m, err
		}
		fs = append(fs, made)
		reach, finite := made.Support(spacing)
		if f.MaskWeighted {
			continue // sees the region alone, and one voxel around it
		}
		for a := range 3 {
			switch {
			case c.FilterMargin > 0:
				m.voxels[a] = max(m.voxels[a], int(math.Ceil(c.FilterMargin/spacing[a])))
			case finite:
				m.voxels[a] = max(m.voxels[a], reach[a])
			default:
				m.all = true
			}
		}
	}
	return fs, m, nil
}

// note adds a note to the result.
func (x *extraction) note(code string, severity risk.Severity, format string, a ...any) {
	x.notes = append(x.notes, risk.Note{Code: code, Severity: severity, Text: fmt.Sprintf(format, a...)})
}

// ErrLarge tells that a region is too large for a family that is made for
// lesions and would take minutes and gigabytes.
var ErrLarge = errors.New("region too large")

// mostOfLesion is the largest number of voxels of a lesion: 64 cm³ on voxels of
// 0.4 mm, many times the largest plaque.
const mostOfLesion = 1_000_000

// segment selects the voxels of the region and of its components, and says what
// a reader must know of them.
func (x *extraction) segment(s *scene) error {
	r, lost := s.whole(x.cfg)
	if lost > 0 {
		x.note("PLQ-304", risk.Warning, "%d of %d voxels have no finite intensity and are left out", lost, s.mask.Count())
	}
	if len(r.inside) == 0 {
		return fmt.Errorf("%w after re-segmentation: none of %d voxels is finite and within range_hu %v", ErrEmpty, s.mask.Count(), x.cfg.RangeHU)
	}
	for _, family := range []string{"maps", "ria"} {
		if len(r.inside) > mostOfLesion && slices.Contains(x.cfg.Families, family) {
			return fmt.Errorf("%w: %d voxels (%.0f cm³), and family %s is for lesions of up to %d: leave it out of families, take the profile ibsi or a larger spacing_mm",
				ErrLarge, len(r.inside), float64(len(r.inside))*s.mask.VoxelVolume()/1000, family, mostOfLesion)
		}
	}
	x.regions = append(x.regions, r)
	for n := range x.cfg.Components {
		x.regions = append(x.regions, r.component(&x.cfg.Components[n]))
	}
	return nil
}

// image computes the groups of one image; −1 is the unfiltered one.
func (x *extraction) image(ctx context.Context, groups []group, image int, filters []filter.Filter) error {
	var response *imaging.Volume
	for component := -1; component < len(x.cfg.Components); component++ {
		r := x.regions[component+1]
		if image >= 0 && len(r.inside) > 0 {
			var err error
			if f := filters[image]; x.cfg.Filters[image].MaskWeighted {
				response, err = f.ApplyWithin(ctx, r.image, r.mask)
			} else if response == nil {
				response, err = f.Apply(ctx, r.image)
			}
			if err != nil {
				return err
			}
			r = r.on(response)
		}
		var own []*group
		for n := range groups {
			if g := &groups[n]; g.image == image && g.component == component {
				own = append(own, g)
			}
		}
		if err := x.groups(ctx, own, r); err != nil {
			return err
		}
	}
	return nil
}

// groups computes the values of gs on the region r, beside each other if it is
// large.
func (x *extraction) groups(ctx context.Context, gs []*group, r *region) error {
	made := map[int]*grey{} // by discretisation: histogram and texture share them
	if len(r.inside) > 0 {
		for _, g := range gs {
			if !g.family.levels || made[g.levels] != nil {
				continue
			}
			levels, err := g.view.levels.levels(r.values, x.cfg)
			if err != nil {
				return err
			}
			if made[g.levels] = levels; g.image < 0 && g.component < 0 && g.levels < 0 {
				x.judge(levels)
			}
		}
	}
	errs := make([]error, len(gs))
	err := par.ForMany(ctx, len(r.inside), len(gs), func(n int) {
		g := gs[n]
		dst, support := x.out.Values[g.at:][:len(g.columns)], x.out.Support[g.at:][:len(g.columns)]
		if len(r.inside) == 0 {
			for n := range dst {
				dst[n], support[n] = math.NaN(), feature.Support{Reason: feature.EmptyRegion}
			}
			return
		}
		s := x.scratch.Get().(*scratch)
		defer x.scratch.Put(s)
		errs[n] = g.family.values(ctx, s, r, made[g.levels], &g.view, dst, support)
	})
	if err != nil {
		return err
	}
	return cmp.Or(errs...)
}

// judge notes what the main grey levels of the whole region mean for texture.
func (x *extraction) judge(g *grey) {
	n := len(g.level)
	if g.below > 0 {
		x.note("PLQ-302", risk.Info, "%d of %d voxels lie below %g %s and are counted in the first grey level", g.below, n, x.cfg.BinStart, x.cfg.Unit)
	}
	occupied := 0
	for _, count := range intensity.Count(nil, g.level) {
		if count > 0 {
			occupied++
		}
	}
	if n < 8*occupied {
		x.note("PLQ-303", risk.Info, "%d voxels on %d grey levels are few for texture features", n, occupied)
	}
}

// reasons says in words why features are undefined.
var reasons = map[feature.Reason]string{
	feature.EmptyRegion:     "no voxel is in that part of the region",
	feature.OneVoxel:        "one voxel has no spread, no neighbours and no axes",
	feature.OneLevel:        "all voxels have the same grey level",
	feature.OneSlice:        "the region is one slice thick",
	feature.NoPairs:         "no two voxels are neighbours",
	feature.NotFinite:       "an intensity is not a finite number",
	feature.ZeroDenominator: "they divide by a quantity that is zero here",
}

// undefined sums up the features without a value in one note for each reason.
func undefined(v *feature.Vector) []risk.Note {
	byReason := map[feature.Reason][]string{}
	var order []feature.Reason
	for n, x := range v.Values {
		if !math.IsNaN(x) {
			continue
		}
		why := v.Support[n].Reason
		if byReason[why] == nil {
			order = append(order, why)
		}
		byReason[why] = append(byReason[why], v.Schema.Column(n).Name)
	}
	var notes []risk.Note
	for _, why := range order {
		names := byReason[why]
		count := len(names)
		if most := 3; count > most {
			names = append(names[:most:most], fmt.Sprintf("and %d more", count-most))
		}
		text, ok := reasons[why]
		if !ok {
			text = string(why)
		}
		notes = append(notes, risk.Note{Code: "PLQ-301", Severity: risk.Info,
			Text: fmt.Sprintf("%d features are undefined, because %s: %s", count, text, strings.Join(names, ", "))})
	}
	return notes
}
