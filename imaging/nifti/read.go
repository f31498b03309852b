package nifti

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/internal/voxels"
)

// ReadVolume reads the scalar image in the file at path, in the unit of its
// values after slope and intercept (HU for a CT). A value that is not finite
// is an error that names its voxel.
func ReadVolume(path string) (*imaging.Volume, error) {
	v, err := open(path, decodeVolume)
	if err != nil {
		return nil, fmt.Errorf("nifti: %s: %w", path, err)
	}
	return v, nil
}

// ReadField is [ReadVolume] of a field that may have gaps: a value that is not
// finite is kept, as a map of a feature has them where it is undefined.
func ReadField(path string) (*imaging.Volume, error) {
	v, err := open(path, decodeField)
	if err != nil {
		return nil, fmt.Errorf("nifti: %s: %w", path, err)
	}
	return v, nil
}

// ReadSegmentation reads the label map in the file at path: one layer, one
// segment without name per label, ascending. A label that is not a whole
// number from zero up is an error that names its voxel.
func ReadSegmentation(path string) (*imaging.Segmentation, error) {
	s, err := open(path, decodeSegmentation)
	if err != nil {
		return nil, fmt.Errorf("nifti: %s: %w", path, err)
	}
	return s, nil
}

// open opens path and decodes it.
func open[T any](path string, decode func(io.Reader, int64) (T, error)) (t T, err error) {
	f, err := os.Open(path)
	if err != nil {
		return t, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return t, err
	}
	return decode(f, info.Size())
}

func decodeVolume(r io.Reader, size int64) (*imaging.Volume, error) {
	return decodeScalar(r, size, false)
}
func decodeField(r io.Reader, size int64) (*imaging.Volume, error) {
	return decodeScalar(r, size, true)
}

// decodeScalar decodes a scalar image, which may have gaps.
func decodeScalar(r io.Reader, size int64, gaps bool) (*imaging.Volume, error) {
	src, h, g, err := source(r, size)
	if err != nil {
		return nil, err
	}
	slope, intercept, err := h.scale()
	if err != nil {
		return nil, err
	}
	v, err := voxels.Volume(src, g, slope, intercept, gaps)
	if err != nil {
		return nil, err
	}
	if err := intact(src.R); err != nil {
		return nil, err
	}
	return v, nil
}

// maxBehind is how many bytes behind the voxels are read to reach the checksum
// of a compressed file.
const maxBehind = 64 << 20

// intact reads r to its end, where gzip compares the checksum: a damaged file
// may unpack to voxels that look right.
func intact(r io.Reader) error {
	n, err := io.CopyN(io.Discard, r, maxBehind)
	switch {
	case err == nil:
		return fmt.Errorf("%d bytes or more behind the voxels: the header is wrong", n)
	case err != io.EOF:
		return fmt.Errorf("behind the voxels: %w: the file is damaged", noEOF(err))
	}
	return nil
}

func decodeSegmentation(r io.Reader, size int64) (*imaging.Segmentation, error) {
	src, h, g, err := source(r, size)
	if err != nil {
		return nil, err
	}
	slope, intercept, err := h.scale()
	if err != nil {
		return nil, err
	}
	layers, err := voxels.Layers(src, g, 1, false, slope, intercept)
	if err != nil {
		return nil, err
	}
	if err := intact(src.R); err != nil {
		return nil, err
	}
	labels, err := voxels.Distinct(layers[0])
	if err != nil {
		return nil, err
	}
	s := &imaging.Segmentation{Grid: g, Layers: layers}
	for _, v := range labels {
		s.Segments = append(s.Segments, imaging.Segment{Value: v})
	}
	return s, nil
}

// source reads everything before the voxels of a file of size bytes.
func source(r io.Reader, size int64) (src voxels.Source, h *header, g imaging.Grid, err error) {
	br := bufio.NewReaderSize(r, 1<<16)
	bound := size
	if b, err := br.Peek(2); err == nil && b[0] == 0x1f && b[1] == 0x8b {
		z, err := gzip.NewReader(br)
		if err != nil {
			return src, nil, g, fmt.Errorf("gzip: %w", err)
		}
		br = bufio.NewReaderSize(z, 1<<16)
		bound = voxels.GzipBound(size)
	}
	h, n, err := readHeader(br)
	if err != nil {
		return src, nil, g, err
	}
	if g, err = h.grid(); err != nil {
		return src, nil, g, err
	}
	kind, err := h.kind()
	if err != nil {
		return src, nil, g, err
	}
	// Between header and voxels lie four bytes and any extensions.
	offset := h.dataOffset
	if offset == 0 {
		offset = n + 4
	}
	if offset < n || offset > bound {
		return src, nil, g, fmt.Errorf("vox_offset %d: outside a file of at most %d bytes", offset, bound)
	}
	if _, err := io.CopyN(io.Discard, br, offset-n); err != nil {
		return src, nil, g, fmt.Errorf("before vox_offset %d: %w", offset, noEOF(err))
	}
	return voxels.Source{R: br, N: g.Len(), Kind: kind, Order: h.order, Bound: bound - offset}, h, g, nil
}
