package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/imaging/nrrd"
	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
	"github.com/plaquerisk/plaquerisk/risk"
	"github.com/plaquerisk/plaquerisk/segmentation"
)

// SegmentOptions say from what arteries are segmented: one of the three.
type SegmentOptions struct {
	Seeds      string // file of seed points, see segmentation.ReadSeeds
	Centerline string // file of centre-lines
	Lumen      string // mask of the lumen, whose outer wall is sought
	Labels     string // label map of that mask
}

// Segmented is what [Pipeline.Segment] has found.
type Segmented struct {
	*imaging.Segmentation
	Notes []risk.Note
}

// Segment finds lumen, wall and plaque in the CT of a case, from seeds, along
// centre-lines or around a lumen that is given.
func (p *Pipeline) Segment(ctx context.Context, f Files, o SegmentOptions) (*Segmented, error) {
	in, err := p.ReadCT(ctx, f)
	if err != nil {
		return nil, err
	}
	cfg := p.cfg.Segmentation
	if o.Lumen != "" {
		f.Seg, f.Labels = o.Lumen, o.Labels
		if err := p.ReadMasks(ctx, f, &in); err != nil {
			return nil, err
		}
		found, notes, err := segmentation.AroundLumens(ctx, in.Volume, in.Masks, cfg)
		if err != nil {
			return nil, fail(Unreadable, "PLQ-670", fmt.Errorf("segment around %s: %w", o.Lumen, err))
		}
		return &Segmented{segmentation.Segments(in.Volume, found, cfg), append(in.Notes, notes...)}, nil
	}
	file := o.Seeds
	if file == "" {
		file = o.Centerline
	}
	seeds, err := segmentation.ReadSeeds(file)
	if err != nil {
		return nil, fail(Unreadable, "PLQ-670", fmt.Errorf("read seeds: %w", err))
	}
	found, notes, err := segmentation.FromSeeds(ctx, in.Volume, seeds, o.Centerline != "", cfg)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fail(Unreadable, "PLQ-670", fmt.Errorf("segment from %s: %w", file, err))
	}
	return &Segmented{segmentation.Segments(in.Volume, found, cfg), append(in.Notes, notes...)}, nil
}

// Volume returns the volume of a segment, mm³.
func (s *Segmented) Volume(seg imaging.Segment) float64 {
	n := 0
	for _, v := range s.Layers[seg.Layer] {
		if v == seg.Value {
			n++
		}
	}
	return float64(n) * s.VoxelVolume()
}

// SegmentedExt tells whether a segmentation can be written to path.
func SegmentedExt(path string) bool {
	for _, ext := range []string{".seg.nrrd", ".nii.gz", ".nii"} {
		if strings.HasSuffix(strings.ToLower(path), ext) {
			return true
		}
	}
	return false
}

// SegmentedFiles returns the files that [Segmented.Write] writes for path.
func SegmentedFiles(path string) []string {
	lower := strings.ToLower(path)
	if at := strings.LastIndex(lower, ".nii"); at >= 0 && !strings.HasSuffix(lower, ".seg.nrrd") {
		return []string{path, path[:at] + ".labels.yaml"}
	}
	return []string{path}
}

// Write writes the segmentation for its name: .seg.nrrd keeps layers and names;
// NIfTI keeps neither, so that plaque is written over the wall and the label map
// that gives the numbers their meaning stands beside it, named like it with
// .labels.yaml at the end. It returns the files that were written.
func (s *Segmented) Write(path string) ([]string, error) {
	files := SegmentedFiles(path)
	if len(files) == 1 {
		return files, s.create(path, func(w io.Writer) error { return nrrd.WriteSegmentation(w, s.Segmentation, true) })
	}
	flat, labels := s.flat()
	gz := strings.HasSuffix(strings.ToLower(path), ".gz")
	if err := s.create(path, func(w io.Writer) error { return nifti.WriteSegmentation(w, flat, gz) }); err != nil {
		return nil, err
	}
	if err := atomicfile.Write(files[1], []byte(labels)); err != nil {
		return nil, fail(NotWritable, "PLQ-606", err)
	}
	return files, nil
}

func (s *Segmented) create(path string, write func(io.Writer) error) error {
	f, err := atomicfile.Create(path)
	if err != nil {
		return fail(NotWritable, "PLQ-606", err)
	}
	defer f.Discard()
	if err := errors.Join(write(f), f.Commit()); err != nil {
		return fail(NotWritable, "PLQ-606", err)
	}
	return nil
}

// flat returns the first two layers as one, plaque over wall, and its label map.
func (s *Segmented) flat() (*imaging.Segmentation, string) {
	out := &imaging.Segmentation{Grid: s.Grid, Layers: [][]int32{make([]int32, s.Len())}}
	var labels strings.Builder
	for layer := range 2 {
		for _, seg := range s.Segments {
			if seg.Layer != layer {
				continue
			}
			value := int32(len(out.Segments) + 1)
			out.Segments = append(out.Segments, imaging.Segment{Name: seg.Name, Value: value})
			for o, v := range s.Layers[layer] {
				if v == seg.Value {
					out.Layers[0][o] = value
				}
			}
			if l, ok := segmentation.ParseName(seg.Name); ok {
				fmt.Fprintf(&labels, "%d: {", value)
				if l.Artery != "" {
					fmt.Fprintf(&labels, "artery: %s, ", l.Artery)
				}
				fmt.Fprintf(&labels, "structure: %s", l.Structure)
				if l.Instance > 0 {
					fmt.Fprintf(&labels, ", instance: %d", l.Instance)
				}
				labels.WriteString("}\n")
			}
		}
	}
	return out, labels.String()
}
