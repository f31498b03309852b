package dicom

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/dicom/pixel"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Index lists what a folder, file or archive holds.
type Index struct {
	Series  []Series    // by UID, then phase
	Skipped []FileError // damaged DICOM files, with the reason

	Files     int // looked at
	NotDICOM  int // skipped silently
	NotImages int // DICOM without an image: directories, reports, structures
}

// Scan reads the headers of all DICOM files under path and groups them into
// series. path is a folder (searched through all levels), a DICOMDIR (which
// stands for its folder), a file, or an archive: zip, tar, tar.gz, tar.zst,
// recognised by its first bytes. Files may be compressed by gzip. Pixels are
// read only where two slices claim one position, to tell a copy from a
// conflict. The result does not depend on the number of processors.
func Scan(ctx context.Context, path string) (*Index, error) {
	sources, err := list(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("dicom: scan: %w", err)
	}
	return scan(ctx, path, sources)
}

// ScanFiles is [Scan] for some files of a folder, named relative to it with
// slashes, in any order.
func ScanFiles(ctx context.Context, dir string, names []string) (*Index, error) {
	sources := make([]source, len(names))
	for n, name := range names {
		sources[n] = source{label: name, path: filepath.Join(dir, filepath.FromSlash(name))}
	}
	slices.SortFunc(sources, func(a, b source) int { return strings.Compare(a.label, b.label) })
	return scan(ctx, dir, sources)
}

// scan groups the images of the sources, which lie under path.
func scan(ctx context.Context, path string, sources []source) (*Index, error) {
	images := make([][]*image, len(sources)) // more than one for enhanced images
	errs := make([]error, len(sources))
	err := par.For(ctx, len(sources), func(n int) {
		images[n], errs[n] = readImages(&sources[n])
	})
	if err != nil {
		return nil, fmt.Errorf("dicom: scan %s: %w", path, err)
	}
	x := &Index{Files: len(sources)}
	var good []*image
	var lost []loss
	for n, m := range images {
		err := errs[n]
		switch {
		case errors.Is(err, ErrNotDICOM):
			x.NotDICOM++
		case err != nil:
			e := fileError(sources[n].label, err)
			x.Skipped = append(x.Skipped, *e)
			if m != nil && m[0].series != "" {
				lost = append(lost, loss{m[0].series, e})
			}
		case m[0].series == "" || !m[0].hasPixels:
			x.NotImages++
		default:
			good = append(good, m...)
		}
	}
	x.Series = group(ctx, good, lost)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("dicom: scan %s: %w", path, err)
	}
	return x, nil
}

// fileError puts the path into err, keeping the tag if it has one.
func fileError(path string, err error) *FileError {
	var e *FileError
	if errors.As(err, &e) {
		return &FileError{Path: path, Tag: e.Tag, Err: e.Err}
	}
	return &FileError{Path: path, Err: err}
}

// readImages reads the header of one file: one image, or all frames of an
// enhanced one. With an error there may be the image that it concerns.
func readImages(s *source) ([]*image, error) {
	r, size, done, err := s.open()
	if err != nil {
		return nil, err
	}
	defer done()
	h, err := open(r, size)
	if h == nil {
		return nil, err
	}
	var frames []*header
	if err == nil {
		frames, err = h.frames()
	}
	m := newImage(s, h, frames != nil)
	if frames == nil {
		return []*image{m}, err
	}
	all := make([]*image, len(frames))
	for i, f := range frames {
		all[i] = m.frame(f, i)
	}
	return all, err
}

// scratch is what reading a slice needs beside its result.
type scratch struct {
	raw    []byte
	stored []int32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// opened is a file of many slices that stays open while they are read.
type opened struct {
	once sync.Once
	p    *pixel.Source
	done func()
	err  error
}

// pixels finds the pixels of a file.
func (s *source) pixels() (*pixel.Source, func(), error) {
	r, size, done, err := s.open()
	if err != nil {
		return nil, nil, err
	}
	f, err := part10.Open(r, size, limits())
	var p *pixel.Source
	if err == nil {
		p, err = pixel.Open(f)
	}
	if err != nil {
		done()
		return nil, nil, &FileError{Tag: tPixelData.String(), Err: fmt.Errorf("%w: %w", ErrDamaged, err)}
	}
	return p, done, nil
}

// read reads the stored values of an image into w. files holds what is already
// open; it may be nil.
func (m *image) read(w *scratch, files map[*source]*opened) error {
	if m.pixelErr != nil {
		return m.pixelErr
	}
	var p *pixel.Source
	var err error
	if f := files[m.src]; f != nil {
		f.once.Do(func() { f.p, f.done, f.err = m.src.pixels() })
		p, err = f.p, f.err
	} else {
		var done func()
		if p, done, err = m.src.pixels(); err == nil {
			defer done()
		}
	}
	if err != nil {
		return err
	}
	if p.Rows != m.rows || p.Columns != m.cols || p.Samples != 1 || p.BitsStored != m.pixels.bits || p.Signed != m.pixels.signed || m.pixels.frame >= p.Frames {
		return &FileError{Tag: tPixelData.String(), Err: fmt.Errorf("the file changed: %w", ErrDamaged)}
	}
	w.raw = slices.Grow(w.raw[:0], p.Size())[:p.Size()]
	w.stored = slices.Grow(w.stored[:0], m.rows*m.cols)[:m.rows*m.cols]
	if err := p.Read(context.Background(), w.raw, m.pixels.frame); err != nil {
		return &FileError{Tag: tPixelData.String(), Err: fmt.Errorf("%w: %w", ErrDamaged, err)}
	}
	p.Values(w.stored, w.raw)
	return nil
}

// pixelHash returns a hash of the stored pixels, ok = false if they cannot be
// read.
func (m *image) pixelHash() (sum [sha256.Size]byte, ok bool) {
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	if m.read(w, nil) != nil {
		return sum, false
	}
	return sha256.Sum256(w.raw), true
}
