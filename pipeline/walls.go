package pipeline

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/fem"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/imaging/nrrd"
	"github.com/plaquerisk/plaquerisk/risk"
)

// The files of solve, beside meshes and [WideFile].
const (
	MechanicsFile = "mechanics.json"        // loads, materials, solutions, markers
	SegmentsFile  = "features_segments.csv" // the columns of features_wide.csv for each segment
	ArteriesFile  = "features_arteries.csv" // and for each artery
	BandsFile     = "bands.csv"             // markers with their uncertainty
	MapFolder     = "maps"
)

// SegmentLength is the length of the pieces into which an artery is cut, mm; 3 mm
// as in the PREDICTION study (Stone et al., Circulation 126 (2012) 172).
const SegmentLength = 3

// SolveOptions say what solve writes besides.
type SolveOptions struct {
	// Maps is the ending of the files of stress on the voxels of the CT, "nrrd" or
	// "nii.gz"; empty: none.
	Maps string
}

// mapped are the quantities of the maps.
var mapped = []string{"principal_stress", "von_mises", "principal_strain", "strain_energy"}

// Solve computes the walls of a case into the folder dir: meshes, the features
// of every plaque, artery and segment, loads and materials. An artery that could
// not be solved is named with the reason, and [Result.Unsolved] holds its error.
func (p *Pipeline) Solve(ctx context.Context, f Files, dir string, o SolveOptions) (*Result, error) {
	in, err := p.Read(ctx, f)
	if err != nil {
		return nil, err
	}
	a := p.start(in)
	for _, step := range []func(context.Context) error{a.anatomy, a.lumen, a.mechanics} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	if len(a.plaques) == 0 {
		return nil, fail(NothingToScore, "PLQ-605", errors.New("no plaque was found: there is no wall to solve"))
	}
	res := a.result()
	schema := feature.MustSchema(fem.Columns(p.cfg.Mechanics)...)
	tables := [3]*feature.Table{{Schema: schema}, {Schema: schema}, {Schema: schema}} // plaques, arteries, segments
	walls := &risk.Walls{Format: risk.WallsFormat, Version: risk.WallsVersion, Case: a.Case, Mechanics: a.describe(), Arteries: []risk.WallArtery{}, Notes: a.out.Notes, Provenance: a.out.Provenance}
	if a.out.Mechanics != nil {
		walls.Mechanics = *a.out.Mechanics
	}
	files := meshFiles(res)
	for n := range a.vessels {
		name := a.vessels[n].Artery
		r := a.solved[name]
		w := risk.WallArtery{Name: name, Solved: r != nil}
		if r == nil {
			if w.Reason = a.reason(name); w.Reason == "" {
				continue // no plaque
			}
			walls.Partial = true
		}
		for _, part := range a.parts(name) {
			v := feature.NewVector(schema)
			if r != nil {
				v = r.Features(part.from, part.to)
			}
			tables[part.level].Rows = append(tables[part.level].Rows, feature.Row{Case: a.Case, Patient: a.Case, Artery: string(name), Lesion: part.name, Label: feature.Unknown, Values: v.Values})
			if r == nil {
				continue
			}
			described := a.part(r, part, v)
			switch part.level {
			case ofPlaque:
				w.Plaques = append(w.Plaques, described)
			case ofArtery:
				w.Whole = &described
			default:
				w.Segments = append(w.Segments, described)
			}
		}
		if r != nil {
			w.Mesh = MeshFolder + "/" + MeshName(name)
			if o.Maps != "" {
				maps := a.mapFiles(ctx, r, o.Maps)
				for _, m := range maps {
					w.Maps = append(w.Maps, m.name)
				}
				files = append(files, maps...)
			}
		}
		walls.Arteries = append(walls.Arteries, w)
	}
	res.Table, res.Walls = tables[ofPlaque], walls
	files = append(files,
		file{WideFile, func(w io.Writer) error { return feature.WriteCSV(w, tables[ofPlaque]) }},
		file{LongFile, func(w io.Writer) error { return feature.WriteLongCSV(w, tables[ofPlaque]) }},
		file{ArteriesFile, func(w io.Writer) error { return feature.WriteCSV(w, tables[ofArtery]) }},
		file{SegmentsFile, func(w io.Writer) error { return feature.WriteCSV(w, tables[ofSegment]) }},
		file{MechanicsFile, func(w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", " ")
			return enc.Encode(walls)
		}})
	if p.cfg.Mechanics.Uncertainty.Enabled {
		files = append(files, file{BandsFile, func(w io.Writer) error { return writeBands(w, walls) }})
	}
	if err := writeFiles(dir, files, nil); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fail(NotWritable, "PLQ-606", err)
	}
	return res, nil
}

// The levels of parts.
const (
	ofPlaque = iota
	ofArtery
	ofSegment
)

// part is an interval of an artery that gets markers.
type part struct {
	name     string
	level    int
	from, to float64
	plaque   *coronary.Plaque
	bands    int // place in the bands of the artery; −1: none
}

// parts returns the plaques of an artery, the artery and its segments.
func (a *assessment) parts(name coronary.Artery) []part {
	var parts []part
	for n := range a.plaques {
		if p := &a.plaques[n]; p.Artery == name {
			if math.IsNaN(p.From) {
				continue
			}
			parts = append(parts, part{p.Name, ofPlaque, p.From, p.To, p, len(parts)})
		}
	}
	r := a.solved[name]
	if r == nil {
		return parts
	}
	m := r.Mesh
	lo, hi := m.S[0]+r.Conditions.Margin, m.S[m.Along]-r.Conditions.Margin
	parts = append(parts, part{string(name), ofArtery, lo, hi, nil, len(parts)})
	for s := math.Floor(lo/SegmentLength) * SegmentLength; s < hi; s += SegmentLength {
		// Only pieces that the mesh fills.
		if s >= lo && s+SegmentLength <= hi {
			parts = append(parts, part{fmt.Sprintf("%s %03g-%03g mm", name, s, s+SegmentLength), ofSegment, s, s + SegmentLength, nil, -1})
		}
	}
	return parts
}

// spans are the intervals of the parts that get bands.
func (a *assessment) spans(name coronary.Artery) (spans [][2]float64) {
	for _, p := range a.parts(name) {
		if p.bands >= 0 {
			spans = append(spans, [2]float64{p.from, p.to})
		}
	}
	return spans
}

// reason says why an artery with plaque has no solution; "" if it has no plaque.
func (a *assessment) reason(name coronary.Artery) string {
	if err := a.refused[name]; err != nil {
		return err.Error()
	}
	for _, p := range a.plaques {
		if p.Artery == name {
			return "the outer wall is not known"
		}
	}
	return ""
}

// part describes an interval of a solution.
func (a *assessment) part(r *fem.Result, p part, v feature.Vector) risk.WallPart {
	n := func(x float64) risk.Number { return risk.Number(x) }
	out := risk.WallPart{Name: p.name, FromMM: n(p.from), ToMM: n(p.to), Peaks: []risk.WallPeak{}, Markers: []risk.WallMarker{}}
	out.Cap = a.cap(r, p, v)
	for _, q := range []string{"principal_stress", "von_mises"} {
		for _, region := range []string{"plaque", "cap", "wall"} {
			k := r.Peak(p.from, p.to, q, region)
			if math.IsNaN(k.Value) {
				continue
			}
			out.Peaks = append(out.Peaks, risk.WallPeak{Quantity: q, Region: region, Value: n(k.Value), Unit: "kPa", S: n(k.S), Angle: n(k.Angle), Depth: n(k.Depth),
				At: [3]risk.Number{n(k.At.X), n(k.At.Y), n(k.At.Z)}, Tissue: k.Tissue.String()})
		}
	}
	if p.level != ofSegment {
		for _, d := range r.Discretisation(p.from, p.to) {
			if !math.IsNaN(d.Energy) {
				out.Discretisation = append(out.Discretisation, risk.WallError{Region: d.Region, Energy: n(100 * d.Energy), P99: n(100 * d.P99), Mean: n(100 * d.Mean)})
			}
		}
	}
	var bands *fem.Bands
	if all := a.bands[r.Artery]; p.bands >= 0 && p.bands < len(all) {
		bands = &all[p.bands]
		out.Sources = bands.Sources
	}
	for c := range v.Values {
		col := v.Schema.Column(c)
		if p.level == ofSegment && !strings.HasPrefix(col.Name, "principal_stress.") {
			continue // the table of segments has them all
		}
		m := risk.WallMarker{Name: col.Name, Unit: col.Unit, Value: n(v.Values[c])}
		if bands != nil && c < len(bands.Markers) {
			b := &bands.Markers[c]
			low, high := n(b.Low), n(b.High)
			m.Low, m.High = &low, &high
			m.Shares = shares(b)
		}
		out.Markers = append(out.Markers, m)
	}
	return out
}

// shares returns the parts of the variance by source, percent.
func shares(b *fem.Band) []risk.Number {
	var sum float64
	for _, d := range b.By {
		sum += d * d
	}
	out := make([]risk.Number, len(b.By))
	for n, d := range b.By {
		out[n] = risk.Number(100 * d * d / sum)
	}
	return out
}

// cap describes the thinnest cap of an interval, nil without a core.
func (a *assessment) cap(r *fem.Result, p part, v feature.Vector) *risk.WallCap {
	c := r.Cap(p.from, p.to)
	if math.IsNaN(c.Thickness) {
		return nil
	}
	n := func(x float64) risk.Number { return risk.Number(x) }
	s := a.Volume.Spacing
	voxel := math.Cbrt(s[0] * s[1] * s[2])
	out := &risk.WallCap{ImageMM: risk.NaN(), MeshMM: n(c.Thickness), VoxelMM: n(voxel), Elements: n(c.Layers), S: n(c.S), Angle: n(c.Angle),
		At:     [3]risk.Number{n(c.At.X), n(c.At.Y), n(c.At.Z)},
		MaxKPa: n(v.Get("principal_stress.cap.max")), P99KPa: n(v.Get("principal_stress.cap.p99")), FixedVolumeKPa: n(v.Get("principal_stress.cap.fixed_volume")),
		Confidence: "resolved"}
	thin := c.Thickness < r.Voxel
	if p.plaque != nil {
		m := coronary.Measure(a.vessel(r.Artery), a.tissue[r.Artery], p.plaque)
		out.ImageMM = n(m.Cap)
	}
	if thin {
		out.Reasons = append(out.Reasons, "the cap is thinner than the image resolves")
	}
	if c.Layers < 3 {
		out.Reasons = append(out.Reasons, fmt.Sprintf("%.1f elements lie across the cap, fewer than three", c.Layers))
	}
	if len(out.Reasons) > 0 {
		out.Confidence = "low"
	}
	return out
}

// mapFiles are the fields of a solution on the voxels of the CT, zero outside the
// mesh, with the regions in which they have values. Readers of images, ours among
// them, refuse voxels that are not numbers.
func (a *assessment) mapFiles(ctx context.Context, r *fem.Result, ending string) []file {
	var files []file
	for _, s := range states(r) {
		for _, q := range fem.Quantities() {
			if slices.Contains(mapped, q.Name) {
				files = append(files, a.mapFile(ctx, s.Result, q, fmt.Sprintf("%s/%s_%s%s.%s", MapFolder, r.Artery, q.Name, s.suffix, ending)))
			}
		}
	}
	return append(files, file{fmt.Sprintf("%s/%s_regions.seg.nrrd", MapFolder, r.Artery), func(w io.Writer) error {
		s, err := a.regions(ctx, r)
		if err != nil {
			return err
		}
		return nrrd.WriteSegmentation(w, s, true)
	}})
}

// mapFile is a field of a state on the voxels of the CT.
func (a *assessment) mapFile(ctx context.Context, r *fem.Result, q fem.Quantity, path string) file {
	return file{path, func(w io.Writer) error {
		v, err := r.SampleOnGrid(ctx, a.Volume.Grid, nil, q.At)
		if err != nil {
			return err
		}
		for n, x := range v.Values {
			if math.IsNaN(float64(x)) {
				v.Values[n] = 0
			}
		}
		return format.WriteVolume(w, path, v)
	}}
}

// state is a solution in one phase; suffix stands in the names of its files.
type state struct {
	*fem.Result
	suffix string
}

// states returns a solution and, in finite strain, diastole and pulse beside its
// systole.
func states(r *fem.Result) []state {
	all := []state{{r, ""}}
	for _, phase := range []string{fem.Diastole, fem.Pulse} {
		if s, ok := r.Phase(phase); ok {
			all = append(all, state{s, "_" + phase})
		}
	}
	return all
}

// regions returns the voxels of the CT in the mesh of a solution: each plaque of
// the artery, and the wall around them.
func (a *assessment) regions(ctx context.Context, r *fem.Result) (*imaging.Segmentation, error) {
	layer := make([]int32, a.Volume.Len())
	s := &imaging.Segmentation{Grid: a.Volume.Grid, Layers: [][]int32{layer},
		Segments: []imaging.Segment{{ID: "Segment_1", Name: string(r.Artery) + "_wall", Value: 1}}}
	if err := r.Mesh.EachVoxel(ctx, a.Volume.Grid, nil, func(voxel, _ int, _ [8]float64) { layer[voxel] = 1 }); err != nil {
		return nil, err
	}
	for n := range a.plaques {
		p := &a.plaques[n]
		if p.Artery != r.Artery {
			continue
		}
		value := int32(len(s.Segments) + 1)
		visit(a.Volume, p.Mask, func(i, j, k int, _ float64) {
			if o := a.Volume.Offset(i, j, k); layer[o] != 0 {
				layer[o] = value
			}
		})
		s.Segments = append(s.Segments, imaging.Segment{ID: fmt.Sprintf("Segment_%d", value), Name: p.Name, Value: value})
	}
	return s, nil
}

// writeBands writes the markers with their bands, a line each.
func writeBands(w io.Writer, walls *risk.Walls) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"case", "artery", "part", "feature", "unit", "value", "low", "high", "level_percent", "source", "variance_percent"}); err != nil {
		return err
	}
	text := func(x risk.Number) string { return feature.FormatValue(float64(x)) }
	for _, ar := range walls.Arteries {
		parts := append([]risk.WallPart(nil), ar.Plaques...)
		if ar.Whole != nil {
			parts = append(parts, *ar.Whole)
		}
		for _, p := range parts {
			for _, m := range p.Markers {
				if m.Low == nil {
					continue
				}
				line := []string{walls.Case, string(ar.Name), p.Name, m.Name, m.Unit, text(m.Value), text(*m.Low), text(*m.High), fmt.Sprint(walls.BandLevel)}
				if err := out.Write(append(line, largest(p.Sources, m.Shares)...)); err != nil {
					return err
				}
			}
		}
	}
	out.Flush()
	return out.Error()
}

// reported are the markers whose bands stand in the report.
var reported = []string{"principal_stress.plaque.p50", "principal_stress.plaque.p95", "principal_stress.plaque.fixed_volume",
	"principal_stress.cap.mean", "principal_stress.cap.p95", "principal_stress.cap.p99", "principal_stress.cap.fixed_volume", "principal_strain.plaque.p95"}

// stressBands returns the bands of a plaque that are reported, nil without any.
func (a *assessment) stressBands(p *coronary.Plaque) (out []risk.StressBand) {
	for _, part := range a.parts(p.Artery) {
		all := a.bands[p.Artery]
		if part.plaque != p || part.bands >= len(all) {
			continue
		}
		for _, b := range all[part.bands].Markers {
			if slices.Contains(reported, b.Column.Name) && !math.IsNaN(b.Value) {
				out = append(out, risk.StressBand{Name: b.Column.Name, Unit: b.Column.Unit, Value: risk.Number(b.Value), Low: risk.Number(b.Low), High: risk.Number(b.High)})
			}
		}
	}
	return out
}

// largest returns the source with the largest share of a variance, and the share.
func largest(sources []string, shares []risk.Number) []string {
	best := -1
	for n, s := range shares {
		if s.Defined() && (best < 0 || s > shares[best]) {
			best = n
		}
	}
	if best < 0 {
		return []string{"", ""}
	}
	return []string{sources[best], feature.FormatValue(float64(shares[best]))}
}

// composition compares the tissues of a solution with the masks.
func composition(ctx context.Context, r *fem.Result, labels *imaging.Labels) ([]risk.MeshShare, error) {
	all, err := r.Composition(ctx, labels)
	out := make([]risk.MeshShare, len(all))
	for n, s := range all {
		out[n] = risk.MeshShare{Tissue: s.Tissue.String(), MeshMM3: s.Mesh, MaskMM3: s.Mask}
	}
	return out, err
}
