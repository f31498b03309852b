package seg

import (
	"context"
	"errors"
	"fmt"

	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/dicom/pixel"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// Storage classes.
const (
	Storage         = "1.2.840.10008.5.1.4.1.1.66.4" // frames of one segment each
	LabelMapStorage = "1.2.840.10008.5.1.4.1.1.66.7" // frames of segment numbers
)

// Errors of a file that is not read.
var (
	ErrNotSegmentation = errors.New("not a DICOM segmentation")
	ErrGeometry        = errors.New("frames that make no volume")
)

// Tags of segmentations.
const (
	sopClass          part10.Tag = 0x00080016
	frameOfReference  part10.Tag = 0x00200052
	pixelPadding      part10.Tag = 0x00280120
	segmentationType  part10.Tag = 0x00620001
	segmentSequence   part10.Tag = 0x00620002
	segmentNumber     part10.Tag = 0x00620004
	segmentLabel      part10.Tag = 0x00620005
	segmentIdentified part10.Tag = 0x0062000a
	referencedSegment part10.Tag = 0x0062000b
	maximumFraction   part10.Tag = 0x0062000e
)

// Is tells whether f is a segmentation.
func Is(f *part10.File) bool {
	class, err := object.Text(f.Data, sopClass)
	return err == nil && (class == Storage || class == LabelMapStorage)
}

// File is a segmentation that was read.
type File struct {
	*imaging.Segmentation        // cropped to the voxels of all segments
	Type                  string // BINARY, FRACTIONAL or LABELMAP
	FrameOfReference      string // UID
}

// Read reads a segmentation. ct, which may be nil, is the grid of the image that
// it was drawn on: see the package comment.
func Read(ctx context.Context, f *part10.File, ct *imaging.Grid) (*File, error) {
	if f.Damage != nil {
		return nil, f.Damage
	}
	if !Is(f) {
		return nil, ErrNotSegmentation
	}
	r := &reader{}
	var err error
	if r.kind, err = object.Text(f.Data, segmentationType); err != nil {
		return nil, err
	}
	if r.pixels, err = pixel.Open(f); err != nil {
		return nil, err
	}
	if err := r.describe(f); err != nil {
		return nil, err
	}
	if r.stack, err = newStack(f, r.pixels, ct); err != nil {
		return nil, err
	}
	out := &File{Type: r.kind}
	if out.FrameOfReference, err = object.Text(f.Data, frameOfReference); err != nil {
		return nil, err
	}
	out.Segmentation, err = r.voxels(ctx)
	return out, err
}

// segment is one item of the segment sequence.
type segment struct {
	number int32
	label  string
	frames []int // BINARY and FRACTIONAL
}

type reader struct {
	kind       string
	pixels     *pixel.Source
	segments   []segment
	stack      *stack
	least      int32 // stored value from which a voxel is in
	first      int32 // added to numbers of segments that begin, against the rules, at 0
	background int32 // LABELMAP: the value that is no segment

	buf    []byte
	values []int32
}

// describe reads the segments, and to which of them each frame belongs.
func (r *reader) describe(f *part10.File) error {
	byNumber := map[int]int{}
	for it := range object.Items(f.Data, segmentSequence) {
		n, ok, err := object.Int(it, segmentNumber)
		if err != nil {
			return err
		}
		if !ok || n < 0 || n > 1<<16 {
			return fmt.Errorf("segment %d: %v: want a number from 0 to 65536: %w", len(r.segments)+1, segmentNumber, part10.ErrDamaged)
		}
		if _, twice := byNumber[n]; twice {
			return fmt.Errorf("segment number %d stands twice: %w", n, part10.ErrDamaged)
		}
		label, err := object.Text(it, segmentLabel)
		if err != nil {
			return err
		}
		byNumber[n] = len(r.segments)
		r.segments = append(r.segments, segment{number: int32(n), label: label})
	}
	r.least = 1
	switch r.kind {
	case "LABELMAP":
		// Number 0 is the background (PS3.3 C.8.20.4); padding is too.
		padding, ok, err := object.Int(f.Data, pixelPadding)
		if err != nil {
			return err
		}
		if ok && padding >= 0 && padding <= 1<<16 {
			r.background = int32(padding)
		}
		return nil
	case "FRACTIONAL":
		top, ok, err := object.Int(f.Data, maximumFraction)
		if err != nil {
			return err
		}
		if !ok || top < 1 || top > 1<<16 {
			return fmt.Errorf("%v: fractions of an unknown whole: %w", maximumFraction, part10.ErrDamaged)
		}
		r.least = int32(top+1) / 2
	case "BINARY":
	default:
		return fmt.Errorf("%v %q: want BINARY, FRACTIONAL or LABELMAP: %w", segmentationType, r.kind, part10.ErrDamaged)
	}
	if _, zero := byNumber[0]; zero {
		r.first = 1
	}
	groups, err := f.Data.Groups(r.pixels.Frames)
	if err != nil {
		return err
	}
	for n := range r.pixels.Frames {
		e, ok := groups.Lookup(n, segmentIdentified, referencedSegment)
		if !ok {
			return fmt.Errorf("frame %d: %v: the frame names no segment: %w", n+1, referencedSegment, part10.ErrDamaged)
		}
		v, err := e.Ints()
		if err != nil {
			return fmt.Errorf("frame %d: %w", n+1, err)
		}
		if len(v) != 1 {
			return fmt.Errorf("frame %d: %v: %d segments, want one: %w", n+1, referencedSegment, len(v), part10.ErrDamaged)
		}
		at, ok := byNumber[int(v[0])]
		if !ok {
			return fmt.Errorf("frame %d: segment %d is not described: %w", n+1, v[0], part10.ErrDamaged)
		}
		r.segments[at].frames = append(r.segments[at].frames, n)
	}
	return nil
}

// frame returns the stored values of a frame.
func (r *reader) frame(ctx context.Context, n int) ([]int32, error) {
	if r.buf == nil {
		r.buf = make([]byte, r.pixels.Size())
		r.values = make([]int32, r.pixels.Rows*r.pixels.Columns)
	}
	if err := r.pixels.Read(ctx, r.buf, n); err != nil {
		return nil, err
	}
	r.pixels.Values(r.values, r.buf)
	return r.values, nil
}

// in tells whether a stored value is a segment.
func (r *reader) in(v int32) bool {
	return v >= r.least && (r.kind != "LABELMAP" || v != r.background)
}

// voxels puts the frames of all segments into layers.
func (r *reader) voxels(ctx context.Context) (*imaging.Segmentation, error) {
	lo, hi, err := r.box(ctx)
	if err != nil {
		return nil, err
	}
	grid := r.stack.grid.Crop(lo, hi)
	// A few frames far apart must not ask for more memory than they are worth.
	if most := 1<<18 + 16*r.pixels.Rows*r.pixels.Columns*r.pixels.Frames; grid.Len() > most {
		return nil, fmt.Errorf("%d frames span %v voxels: %w", r.pixels.Frames, grid.Size, part10.ErrLimit)
	}
	if err := grid.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGeometry, err)
	}
	l := object.NewLayers(grid)
	offset := func(k, row, column int) int { return grid.Offset(column-lo[0], row-lo[1], k-lo[2]) }
	if r.kind == "LABELMAP" {
		return r.labels(ctx, l, offset)
	}
	var voxels []int32
	for _, s := range r.segments {
		voxels = voxels[:0]
		for _, n := range s.frames {
			values, err := r.frame(ctx, n)
			if err != nil {
				return nil, err
			}
			for at, v := range values {
				if v >= r.least {
					voxels = append(voxels, int32(offset(r.stack.slice[n], at/r.pixels.Columns, at%r.pixels.Columns)))
				}
			}
		}
		if err := l.Add(s.label, s.number+r.first, voxels); err != nil {
			return nil, fmt.Errorf("segment %d: %w", s.number, err)
		}
	}
	return &l.Segmentation, nil
}

// labels fills the only layer of a label map. Numbers that the file does not
// describe are segments without a name.
func (r *reader) labels(ctx context.Context, l *object.Layers, offset func(k, row, column int) int) (*imaging.Segmentation, error) {
	known := map[int32]bool{}
	for _, s := range r.segments {
		if s.number != 0 && s.number != r.background {
			known[s.number] = true
			l.Segments = append(l.Segments, imaging.Segment{Name: s.label, Value: s.number})
		}
	}
	for n := range r.pixels.Frames {
		values, err := r.frame(ctx, n)
		if err != nil {
			return nil, err
		}
		for at, v := range values {
			if r.in(v) {
				if !known[v] {
					known[v] = true
					l.Segments = append(l.Segments, imaging.Segment{Value: v})
				}
				l.Layers[0][offset(r.stack.slice[n], at/r.pixels.Columns, at%r.pixels.Columns)] = v
			}
		}
	}
	return &l.Segmentation, nil
}

// box returns the smallest box of voxels of the stack that holds all segments,
// the first voxel if they are empty.
func (r *reader) box(ctx context.Context) (lo, hi [3]int, err error) {
	lo = r.stack.grid.Size
	for n := range r.pixels.Frames {
		values, err := r.frame(ctx, n)
		if err != nil {
			return lo, hi, err
		}
		for row := range r.pixels.Rows {
			line := values[row*r.pixels.Columns:][:r.pixels.Columns]
			first, last := len(line), -1
			for i, v := range line {
				if r.in(v) {
					first, last = min(first, i), i
				}
			}
			if last >= 0 {
				for a, x := range [3][2]int{{first, last}, {row, row}, {r.stack.slice[n], r.stack.slice[n]}} {
					lo[a], hi[a] = min(lo[a], x[0]), max(hi[a], x[1]+1)
				}
			}
		}
	}
	if hi == [3]int{} {
		return [3]int{}, [3]int{1, 1, 1}, nil
	}
	return lo, hi, nil
}
