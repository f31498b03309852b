package nrrd

import (
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/internal/voxels"
)

// ReadVolume reads the scalar image in the file at path. A value that is not
// finite is an error that names its voxel.
func ReadVolume(path string) (*imaging.Volume, error) {
	v, err := open(path, decodeVolume)
	if err != nil {
		return nil, fmt.Errorf("nrrd: %s: %w", path, err)
	}
	return v, nil
}

// ReadField is [ReadVolume] of a field that may have gaps: a value that is not
// finite is kept, as a map of a feature has them where it is undefined.
func ReadField(path string) (*imaging.Volume, error) {
	v, err := open(path, decodeField)
	if err != nil {
		return nil, fmt.Errorf("nrrd: %s: %w", path, err)
	}
	return v, nil
}

// ReadSegmentation reads the label map in the file at path, with the names
// and layers of Slicer's segments if it has them. Labels that no segment
// names, and all labels of a file without names, become segments without
// name, by layer and label. A label that is not a whole number from zero up
// is an error that names its voxel.
func ReadSegmentation(path string) (*imaging.Segmentation, error) {
	s, err := open(path, decodeSegmentation)
	if err != nil {
		return nil, fmt.Errorf("nrrd: %s: %w", path, err)
	}
	return s, nil
}

// data is a file that holds voxels from byte offset on.
type data struct {
	r      io.ReaderAt
	offset int64
	size   int64 // of the whole file
}

// open opens path, and its data file if the header is detached.
func open[T any](path string, decode func(*header, data) (T, error)) (t T, err error) {
	f, err := os.Open(path)
	if err != nil {
		return t, err
	}
	defer f.Close()
	h, err := readHeader(bufio.NewReader(f))
	if err != nil {
		return t, err
	}
	d := data{r: f, offset: h.bytes}
	name, err := h.detached()
	if err != nil {
		return t, err
	}
	if name != "" {
		g, err := voxels.Beside(path, name)
		if err != nil {
			return t, fmt.Errorf("data file: %w", err)
		}
		defer g.Close()
		f, d = g, data{r: g}
	}
	info, err := f.Stat()
	if err != nil {
		return t, err
	}
	d.size = info.Size()
	return decode(h, d)
}

// detached returns the name of the data file, or "" if the data follow the
// header.
func (h *header) detached() (string, error) {
	name := h.fields["data file"]
	switch {
	case name == "":
		return "", nil
	case strings.HasPrefix(name, "LIST"):
		return "", errors.New("data file LIST: an image in several files; convert it to one file")
	case strings.Contains(name, "%"):
		return "", fmt.Errorf("data file %q: a pattern of several files; convert it to one file", name)
	}
	return name, nil
}

// text tells whether the numbers are written as decimal text.
func (h *header) text() bool {
	switch strings.ToLower(h.fields["encoding"]) {
	case "txt", "text", "ascii":
		return true
	}
	return false
}

func decodeVolume(h *header, d data) (*imaging.Volume, error) { return decodeScalar(h, d, false) }
func decodeField(h *header, d data) (*imaging.Volume, error)  { return decodeScalar(h, d, true) }

// decodeScalar decodes a scalar image, which may have gaps.
func decodeScalar(h *header, d data, gaps bool) (*imaging.Volume, error) {
	l, err := h.layout()
	if err != nil {
		return nil, err
	}
	if l.layers != 1 {
		return nil, fmt.Errorf("%d values per voxel: a volume has one", l.layers)
	}
	src, err := h.source(l, d)
	if err != nil {
		return nil, err
	}
	v, err := voxels.Volume(src, l.grid, 1, 0, gaps)
	if err != nil {
		return nil, err
	}
	return v, voxels.Excess(src.R)
}

func decodeSegmentation(h *header, d data) (*imaging.Segmentation, error) {
	l, err := h.layout()
	if err != nil {
		return nil, err
	}
	src, err := h.source(l, d)
	if err != nil {
		return nil, err
	}
	if l.layers > maxLayers {
		return nil, fmt.Errorf("%d layers: more than %d; is this an image instead of a label map?", l.layers, maxLayers)
	}
	layers, err := voxels.Layers(src, l.grid, l.layers, l.leading, 1, 0)
	if err != nil {
		return nil, err
	}
	if err := voxels.Excess(src.R); err != nil {
		return nil, err
	}
	s := &imaging.Segmentation{Grid: l.grid, Layers: layers}
	return s, h.segments(s)
}

// source returns the numbers of the image: skips done, decompressed.
func (h *header) source(l *layout, d data) (src voxels.Source, err error) {
	src = voxels.Source{N: l.grid.Len() * l.layers, Kind: l.kind, Order: l.order}
	need := int64(src.N) * int64(src.Kind.Bytes())
	lines, err := h.skip("line skip", 0)
	if err != nil {
		return src, err
	}
	skip, err := h.skip("byte skip", -1)
	if err != nil {
		return src, err
	}
	// start returns the decoded bytes after the line skip.
	start := func() (io.Reader, error) {
		left := max(d.size-d.offset, 0)
		br := bufio.NewReaderSize(io.NewSectionReader(d.r, d.offset, left), 1<<16)
		for n := range lines {
			if err := skipLine(br); err != nil {
				return nil, fmt.Errorf("line skip %d: the file has %d lines", lines, n)
			}
		}
		switch e := strings.ToLower(h.fields["encoding"]); e {
		case "raw":
			src.Bound = left
			return br, nil
		case "gzip", "gz":
			src.Bound = voxels.GzipBound(left)
			z, err := gzip.NewReader(br)
			if err != nil {
				return nil, fmt.Errorf("gzip: %w", err)
			}
			return z, nil
		case "bzip2", "bz2":
			src.Bound = -1 // hardly any bound: the slice grows with the data
			return bzip2.NewReader(br), nil
		case "hex":
			src.Bound = left / 2
			return hex.NewDecoder(&spaceless{br}), nil
		case "txt", "text", "ascii":
			src.Bound = left * 8
			src.Kind, src.Order = voxels.Float64, binary.LittleEndian
			return voxels.Text(br), nil
		default:
			return nil, fmt.Errorf("encoding %q: want raw, ascii, hex, gzip or bzip2", e)
		}
	}
	r, err := start()
	if err != nil {
		return src, err
	}
	if h.text() && skip != 0 {
		return src, errors.New("byte skip with ascii data: use line skip")
	}
	if skip < 0 {
		// The voxels are the last bytes. What a compressed file holds is known
		// after reading it once.
		var total int64
		if h.raw() && lines == 0 {
			total = max(d.size-d.offset, 0)
		} else if total, err = io.Copy(io.Discard, r); err != nil {
			return src, fmt.Errorf("byte skip -1: %w", err)
		} else if r, err = start(); err != nil {
			return src, err
		}
		if total < need {
			return src, fmt.Errorf("byte skip -1: the data are %d bytes, but the sizes ask for %d", total, need)
		}
		skip = total - need
	}
	if _, err := io.CopyN(io.Discard, r, skip); err != nil {
		return src, fmt.Errorf("byte skip %d: the data end before", skip)
	}
	if src.Bound >= 0 {
		src.Bound = max(src.Bound-skip, 0)
	}
	src.R = r
	return src, nil
}

// raw tells whether the bytes stand as they are.
func (h *header) raw() bool { return strings.EqualFold(h.fields["encoding"], "raw") }

// skip reads a number of lines or bytes.
func (h *header) skip(field string, least int64) (int64, error) {
	s, ok := h.fields[field]
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < least || n > math.MaxInt32 {
		return 0, fmt.Errorf("%s %q: not a number from %d up", field, s, least)
	}
	return n, nil
}

// skipLine reads to the end of a line.
func skipLine(r *bufio.Reader) error {
	for {
		_, err := r.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// spaceless drops white space.
type spaceless struct{ r io.Reader }

func (s *spaceless) Read(p []byte) (int, error) {
	for {
		n, err := s.r.Read(p)
		kept := 0
		for _, b := range p[:n] {
			if b > ' ' {
				p[kept] = b
				kept++
			}
		}
		if kept > 0 || err != nil || len(p) == 0 {
			return kept, err
		}
	}
}
