package dicom

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/dicom/pixel"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Index lists what a folder, file or zip holds.
type Index struct {
	Series  []Series    // by UID, then phase
	Skipped []FileError // damaged DICOM files, with the reason

	Files     int // looked at
	NotDICOM  int // skipped silently
	NotImages int // DICOM without an image: directories, reports, structures
}

// Limits of an archive. A zip is read in memory, entry by entry; the names in
// it serve as labels and never as paths.
const (
	maxEntries    = 100_000
	maxEntryBytes = 512 << 20
	maxTotalBytes = 32 << 30
	maxRatio      = 200 // of an entry larger than maxSmallEntry
	maxSmallEntry = 8 << 20
)

// source is a file or an entry of a zip.
type source struct {
	label string    // relative to what was scanned, with slashes
	path  string    // of the file
	entry *zip.File // nil for a file
}

// open returns the bytes of s and how to let go of them.
func (s *source) open() (io.ReaderAt, int64, func(), error) {
	if s.entry != nil {
		b, err := s.inflated()
		return bytes.NewReader(b), int64(len(b)), func() {}, err
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, 0, nil, plain(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, nil, plain(err)
	}
	return f, info.Size(), func() { f.Close() }, nil
}

// inflated returns an entry of a zip. It grows with what is there, not with
// what is declared.
func (s *source) inflated() ([]byte, error) {
	r, err := s.entry.Open()
	if err != nil {
		return nil, fmt.Errorf("zip entry: %w: %w", ErrDamaged, err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxEntryBytes+1))
	if err != nil {
		return nil, fmt.Errorf("zip entry: %w: %w", ErrDamaged, err)
	}
	if len(b) > maxEntryBytes {
		return nil, fmt.Errorf("zip entry of more than %d bytes: %w", maxEntryBytes, ErrArchive)
	}
	return b, nil
}

// plain drops the absolute path from an error of the file system.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Op, p.Err)
	}
	return err
}

// Scan reads the headers of all DICOM files under path, a folder (searched
// through all levels), a single file or a .zip, and groups them into series.
// Pixels are read only where two slices claim one position, to tell a copy
// from a conflict. The result does not depend on the number of processors.
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

// list returns the files under path in lexical order.
func list(ctx context.Context, path string) ([]source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		if isZip(path) {
			return listZip(path)
		}
		if !strings.EqualFold(filepath.Base(path), "DICOMDIR") {
			return []source{{label: filepath.Base(path), path: path}}, nil
		}
		path = filepath.Dir(path) // an index of its folder, which is read instead
	}
	var out []source
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() {
				return nil // a dangling link, or one to a folder, which could lead in a circle
			}
		} else if !d.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(path, p)
		if err != nil {
			return err
		}
		out = append(out, source{label: filepath.ToSlash(rel), path: p})
		return nil
	})
	return out, err
}

func isZip(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	_, err = io.ReadFull(f, magic[:])
	return err == nil && (string(magic[:]) == "PK\x03\x04" || string(magic[:]) == "PK\x05\x06")
}

// listZip returns the entries of a zip. The file stays open as long as the
// index is in use; the runtime closes it.
func listZip(path string) ([]source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(f, info.Size())
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("%s: %w: %w", filepath.Base(path), ErrArchive, err)
	}
	if len(z.File) > maxEntries {
		return nil, fmt.Errorf("%s: %d entries, at most %d are read: %w", filepath.Base(path), len(z.File), maxEntries, ErrArchive)
	}
	var total uint64
	var out []source
	for _, e := range z.File {
		if e.FileInfo().IsDir() {
			continue
		}
		size := e.UncompressedSize64
		if size > maxEntryBytes || size > maxSmallEntry && size/maxRatio > e.CompressedSize64 {
			return nil, fmt.Errorf("%s: entry %q unpacks from %d to %d bytes: %w", filepath.Base(path), e.Name, e.CompressedSize64, size, ErrArchive)
		}
		if total += size; total > maxTotalBytes {
			return nil, fmt.Errorf("%s: unpacks to more than %d bytes: %w", filepath.Base(path), int64(maxTotalBytes), ErrArchive)
		}
		out = append(out, source{label: e.Name, path: path, entry: e})
	}
	return out, nil
}

// readImages reads the header of one file: one image, or all frames of an
// enhanced one. With an error there may be the image that it concerns.
func readImages(s *source) ([]*image, error) {
	r, size, done, err := s.open()
	if err != nil {
		return nil, err
	}
	defer done()
	h, err := readHeader(r, size)
	if h == nil {
		return nil, err
	}
	if err == nil {
		var frames []*header
		if frames, err = h.frames(r, size); len(frames) > 0 {
			all := make([]*image, len(frames))
			for i, f := range frames {
				all[i] = newImage(s, f)
			}
			return all, nil
		}
	}
	return []*image{newImage(s, h)}, err
}

// readPixels returns the raw bytes of an image in buf, which is grown if need
// be.
func (m *image) readPixels(buf []byte) ([]byte, error) {
	if m.pixelErr != nil {
		return nil, m.pixelErr
	}
	r, size, done, err := m.src.open()
	if err != nil {
		return nil, err
	}
	defer done()
	if m.pixels.compressed {
		return m.decompress(r, size, buf)
	}
	if m.syntax.deflated {
		at, _, err := fileMeta(&window{r: r, size: size})
		if err != nil {
			return nil, err
		}
		body, err := inflate(&window{r: r, size: size}, at)
		if err != nil {
			return nil, err
		}
		r, size = body.r, body.size
	}
	n := m.pixels.bytes()
	if m.pixels.offset+int64(n) > size {
		return nil, &FileError{Tag: tPixelData.String(), Err: fmt.Errorf("the file changed: %w", ErrDamaged)}
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	if _, err := r.ReadAt(buf[:n], m.pixels.offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, plain(err)
	}
	return buf[:n], nil
}

// decompress returns the stored values of a compressed image as native
// little-endian pixels would hold them.
func (m *image) decompress(r io.ReaderAt, size int64, buf []byte) ([]byte, error) {
	fail := func(err error) error {
		return &FileError{Tag: tPixelData.String(), Err: fmt.Errorf("%w: %w", ErrDamaged, err)}
	}
	f, err := part10.Open(r, size, part10.DefaultLimits())
	if err != nil {
		return nil, fail(err)
	}
	p, err := pixel.Open(f)
	if err != nil {
		return nil, fail(err)
	}
	n := m.pixels.bytes()
	if p.Size() != n {
		return nil, &FileError{Tag: tPixelData.String(), Err: fmt.Errorf("the file changed: %w", ErrDamaged)}
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	if err := p.Read(context.Background(), buf[:n], m.pixels.frame); err != nil {
		return nil, fail(err)
	}
	return buf[:n], nil
}

// pixelHash returns a hash of the stored pixels, ok = false if they cannot be
// read.
func (m *image) pixelHash() (sum [sha256.Size]byte, ok bool) {
	b, err := m.readPixels(nil)
	if err != nil {
		return sum, false
	}
	return sha256.Sum256(b), true
}
