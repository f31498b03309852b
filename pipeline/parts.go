package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/risk"
)

// readAny reads an image of any kind, also a map with gaps; a DICOM series must
// be complete but need not be a coronary CT.
func (p *Pipeline) readAny(ctx context.Context, f Files) (Input, error) {
	vol, ok, err := readImage(f.CT, format.ReadField)
	if err != nil {
		return Input{}, fail(Unreadable, "PLQ-601", fmt.Errorf("read image: %w", err))
	}
	if !ok {
		in, err := p.ReadCT(ctx, f)
		if err != nil && (ClassOf(err) != Refused || in.Volume == nil) {
			return in, err
		}
		in.Notes = slices.DeleteFunc(in.Notes, func(n risk.Note) bool { return n.Severity == risk.Refusal })
		return in, nil
	}
	sum, err := HashFile(f.CT)
	if err != nil {
		return Input{}, fail(Unreadable, "PLQ-601", err)
	}
	return Input{Case: caseName(f.Case, sum), Volume: vol, Inputs: []risk.Input{{Role: "ct", Files: 1, SHA256: sum}}}, nil
}

// compositionSchema holds the anatomy columns that need nothing but HU.
func compositionSchema() feature.Schema {
	var cols []feature.Column
	for _, c := range coronary.Columns() {
		switch c.Name {
		case "anatomy.plaque.volume", "anatomy.plaque.low_attenuation_volume", "anatomy.plaque.fibro_fatty_volume",
			"anatomy.plaque.fibrous_volume", "anatomy.plaque.calcified_volume",
			"anatomy.plaque.low_attenuation_share", "anatomy.plaque.calcified_share":
			cols = append(cols, c)
		}
	}
	return feature.MustSchema(cols...)
}

// composition classifies the voxels of roi by HU.
func (p *Pipeline) composition(vol *imaging.Volume, roi *imaging.Mask) feature.Vector {
	tissue := imaging.NewLabels(roi.Grid)
	x, y, z := vol.Index(roi.Origin)
	o := [3]int{int(math.Round(x)), int(math.Round(y)), int(math.Round(z))}
	visit(vol, roi, func(i, j, k int, hu float64) {
		tissue.Class[roi.Offset(i-o[0], j-o[1], k-o[2])] = p.cfg.Segmentation.Classify(hu)
	})
	m := coronary.Measure(nil, nil, &coronary.Plaque{From: math.NaN(), To: math.NaN(), Mask: roi, Tissue: tissue})
	all := m.Vector()
	v := feature.NewVector(compositionSchema())
	for n := range v.Values {
		c := v.Schema.Column(n)
		v.Values[n] = all.Get(c.Name)
	}
	return v
}

// Anatomy measures every plaque of a scan.
func (p *Pipeline) Anatomy(ctx context.Context, in Input) (*feature.Table, []risk.Note, error) {
	a := p.start(in)
	for _, step := range []func(context.Context) error{a.anatomy, a.pericoronary} {
		if err := step(ctx); err != nil {
			return nil, nil, err
		}
	}
	table := &feature.Table{Schema: feature.MustSchema(anatomyColumns()...)}
	for n := range a.plaques {
		q := &a.plaques[n]
		vessel := a.vessel(q.Artery)
		m := coronary.Measure(vessel, a.tissue[q.Artery], q)
		signs := coronary.FindSigns(a.Volume, vessel, q, &m)
		v, err := a.anatomyVector(q, &m, &signs)
		if err != nil {
			return nil, nil, err
		}
		table.Rows = append(table.Rows, feature.Row{Case: a.Case, Patient: a.Case, Artery: string(q.Artery), Lesion: q.Name, Label: feature.Unknown, Values: v.Values})
	}
	return table, a.out.Notes, nil
}

// file is an output in the making.
type file struct {
	name  string
	write func(io.Writer) error
}

// meshFiles are the meshes of a result.
func meshFiles(res *Result) []file {
	var files []file
	for _, s := range res.Solutions {
		for _, state := range states(s.Result) {
			files = append(files, file{MeshFolder + "/" + MeshName(s.Artery+coronary.Artery(state.suffix)), state.WriteVTU})
		}
	}
	return files
}

// writeFiles stores files below dir and tells done, if not nil, what each holds.
func writeFiles(dir string, files []file, done func(name string, content []byte)) error {
	for _, f := range files {
		var b bytes.Buffer
		if err := f.write(&b); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			return err
		}
		if done != nil {
			done(f.name, b.Bytes())
		}
	}
	return nil
}
