package mha

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/internal/voxels"
)

// ReadVolume reads the scalar image whose header is at path. A value that is
// not finite is an error that names its voxel.
func ReadVolume(path string) (*imaging.Volume, error) {
	v, err := open(path, decodeVolume)
	if err != nil {
		return nil, fmt.Errorf("mha: %s: %w", path, err)
	}
	return v, nil
}

// ReadField is [ReadVolume] of a field that may have gaps: a value that is not
// finite is kept, as a map of a feature has them where it is undefined.
func ReadField(path string) (*imaging.Volume, error) {
	v, err := open(path, decodeField)
	if err != nil {
		return nil, fmt.Errorf("mha: %s: %w", path, err)
	}
	return v, nil
}

// ReadSegmentation reads the label map whose header is at path: one layer, one
// segment without name per label, ascending. A label that is not a whole
// number from zero up is an error that names its voxel.
func ReadSegmentation(path string) (*imaging.Segmentation, error) {
	s, err := open(path, decodeSegmentation)
	if err != nil {
		return nil, fmt.Errorf("mha: %s: %w", path, err)
	}
	return s, nil
}

// Sniff tells whether a file that starts with head looks like a MetaImage: ITK
// goes by the first key too.
func Sniff(head []byte) bool {
	line, _, _ := strings.Cut(string(head[:min(len(head), maxLine)]), "\n")
	at := strings.IndexAny(line, "=:")
	if at < 0 {
		return false
	}
	switch strings.TrimSpace(line[:at]) {
	case "NDims", "ObjectType", "ObjectSubType", "TransformType", "ID", "ParentID", "Name", "BinaryData", "Comment", "AcquisitionDate", "Modality":
		return true
	}
	return false
}

// data is a file that holds voxels from byte offset on.
type data struct {
	r      io.ReaderAt
	offset int64
	size   int64 // of the whole file
}

// open opens path, and its data file if the header stands alone.
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
			return t, fmt.Errorf("%s: %w", dataKey, err)
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

// detached returns the name of the data file, or "" if the voxels follow the
// header.
func (h *header) detached() (string, error) {
	name := h.fields[dataKey]
	switch {
	case strings.EqualFold(name, "LOCAL"):
		return "", nil
	case name == "":
		return "", fmt.Errorf("%s is empty", dataKey)
	case strings.HasPrefix(name, "LIST"):
		return "", fmt.Errorf("%s LIST: an image in several files; convert it to one file", dataKey)
	case strings.Contains(name, "%"):
		return "", fmt.Errorf("%s %q: a pattern of several files; convert it to one file", dataKey, name)
	}
	return name, nil
}

func decodeVolume(h *header, d data) (*imaging.Volume, error) { return decodeScalar(h, d, false) }
func decodeField(h *header, d data) (*imaging.Volume, error)  { return decodeScalar(h, d, true) }

// decodeScalar decodes a scalar image, which may have gaps.
func decodeScalar(h *header, d data, gaps bool) (*imaging.Volume, error) {
	l, src, err := h.source(d)
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
	l, src, err := h.source(d)
	if err != nil {
		return nil, err
	}
	layers, err := voxels.Layers(src, l.grid, 1, false, 1, 0)
	if err != nil {
		return nil, err
	}
	if err := voxels.Excess(src.R); err != nil {
		return nil, err
	}
	labels, err := voxels.Distinct(layers[0])
	if err != nil {
		return nil, err
	}
	s := &imaging.Segmentation{Grid: l.grid, Layers: layers}
	for _, v := range labels {
		s.Segments = append(s.Segments, imaging.Segment{Value: v})
	}
	return s, nil
}

// source returns the numbers of the image, decompressed, with HeaderSize
// skipped: so many bytes from the start of the data file, or, if it is −1, all
// but the last bytes.
func (h *header) source(d data) (*layout, voxels.Source, error) {
	fail := func(err error) (*layout, voxels.Source, error) { return nil, voxels.Source{}, err }
	l, err := h.layout()
	if err != nil {
		return fail(err)
	}
	binaryData, err := h.flag("BinaryData", true)
	if err != nil {
		return fail(err)
	}
	compressed, err := h.flag("CompressedData", false)
	if err != nil {
		return fail(err)
	}
	packed, err := h.integer("CompressedDataSize", 0)
	if err != nil {
		return fail(err)
	}
	skip, err := h.integer("HeaderSize", 0)
	if err != nil {
		return fail(err)
	}
	src := voxels.Source{N: l.grid.Len(), Kind: l.kind, Order: l.order}
	start, end := d.offset, d.size
	length := int64(src.N) * int64(src.Kind.Bytes()) // of the data in the file
	if compressed {
		length = packed
	}
	switch {
	case skip > 0:
		start = skip
	case skip == -1 && !binaryData:
		return fail(errors.New("HeaderSize -1 with BinaryData = False: nothing tells where the text starts"))
	case skip == -1 && length <= 0:
		return fail(errors.New("HeaderSize -1 with compressed data needs CompressedDataSize"))
	case skip == -1:
		start = max(end-length, d.offset)
	case skip != 0:
		return fail(fmt.Errorf("HeaderSize %d: want -1 or more", skip))
	}
	left := max(end-start, 0)
	if compressed && length > 0 {
		if length > left {
			return fail(fmt.Errorf("CompressedDataSize %d: the file holds %d bytes: it is cut off or its header is wrong", length, left))
		}
		left = length
	}
	br := bufio.NewReaderSize(io.NewSectionReader(d.r, start, left), 1<<16)
	src.R, src.Bound = br, left
	if compressed {
		if !binaryData {
			return fail(errors.New("CompressedData with BinaryData = False: text is not compressed"))
		}
		src.Bound = voxels.GzipBound(left)
		if src.R, err = decompress(br); err != nil {
			return fail(err)
		}
	}
	if !binaryData {
		src.R, src.Bound = voxels.Text(br), left*8
		src.Kind, src.Order = voxels.Float64, binary.LittleEndian
	}
	return l, src, nil
}

// decompress reads zlib, as ITK writes, or gzip, which MetaIO reads too.
func decompress(br *bufio.Reader) (io.Reader, error) {
	if b, err := br.Peek(2); err == nil && b[0] == 0x1f && b[1] == 0x8b {
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		return z, nil
	}
	z, err := zlib.NewReader(br)
	if err != nil {
		return nil, fmt.Errorf("zlib: %w", err)
	}
	return z, nil
}
