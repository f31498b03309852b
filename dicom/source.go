package dicom

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// Limits of an archive. Its entries are read in memory one by one, or where
// they lie in the file; an archive compressed as a whole is unpacked into a
// file that has no name. Names of entries are labels and never paths; archives
// within archives are not opened.
const (
	maxEntries    = 100_000
	maxEntryBytes = 512 << 20
	maxTotalBytes = 32 << 30
	maxRatio      = 200 // of what unpacks to more than maxSmallEntry
	maxSmallEntry = 8 << 20
)

// source is a file or an entry of an archive.
type source struct {
	label string // relative to what was scanned, with slashes
	path  string // of the file; empty for an entry
	// entry opens an entry of an archive; nil for a file.
	entry func() (io.ReaderAt, int64, error)
}

// open returns the bytes of s and how to let go of them. What is compressed
// by gzip is unpacked in memory.
func (s *source) open() (r io.ReaderAt, size int64, done func(), err error) {
	done = func() {}
	if s.entry != nil {
		r, size, err = s.entry()
	} else {
		var f *os.File
		if f, size, err = openFile(s.path); err == nil {
			r, done = f, func() { f.Close() }
		}
	}
	if err != nil {
		return nil, 0, nil, plain(err)
	}
	if magicOf(r) == isGzip {
		defer done()
		b, err := unpack(io.NewSectionReader(r, 0, size), size)
		return bytes.NewReader(b), int64(len(b)), func() {}, err
	}
	return r, size, done, nil
}

func openFile(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// plain drops the absolute path from an error of the file system.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Op, p.Err)
	}
	return err
}

// unpack returns what n bytes of gzip hold.
func unpack(r io.Reader, n int64) ([]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w: %w", ErrDamaged, err)
	}
	b, err := bounded(z, n)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return b, nil
}

// bounded reads what n compressed bytes unpack to. It grows with what is
// there, not with what is declared.
func bounded(r io.Reader, n int64) ([]byte, error) {
	limit := min(max(maxRatio*n, maxSmallEntry), maxEntryBytes)
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%d bytes unpack to more than %d: %w", n, limit, ErrArchive)
	}
	return b, nil
}

// magic tells what a file is by its first bytes.
type magic int

const (
	isOther magic = iota
	isZip
	isTar
	isGzip
	isZstd
)

func magicOf(r io.ReaderAt) magic {
	var head [262]byte
	n, _ := r.ReadAt(head[:], 0)
	return magicOfBytes(head[:n])
}

func magicOfBytes(b []byte) magic {
	switch {
	case bytes.HasPrefix(b, []byte("PK\x03\x04")), bytes.HasPrefix(b, []byte("PK\x05\x06")):
		return isZip
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b, 8}):
		return isGzip
	case bytes.HasPrefix(b, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return isZstd
	case len(b) >= 262 && string(b[257:262]) == "ustar":
		return isTar
	}
	return isOther
}

// list returns the files under path in lexical order, or in that of an archive.
func list(ctx context.Context, path string) ([]source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		if sources, err := listArchive(ctx, path); sources != nil || err != nil {
			return sources, err
		}
		if !isDirectory(path) {
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

// Each hands every file under path, which is what [Scan] takes, to f in turn,
// with a name relative to it or the reason why it cannot be opened. It stops at
// the first error that f returns.
func Each(ctx context.Context, path string, f func(name string, r io.ReaderAt, size int64, err error) error) error {
	sources, err := list(ctx, path)
	if err != nil {
		return fmt.Errorf("dicom: %w", err)
	}
	for n := range sources {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, size, done, err := sources[n].open()
		failed := f(sources[n].label, r, size, err)
		if err == nil {
			done()
		}
		if failed != nil {
			return failed
		}
	}
	return nil
}

// isDirectory tells whether a file is a DICOMDIR, by its name or its class.
func isDirectory(path string) bool {
	if strings.EqualFold(filepath.Base(path), "DICOMDIR") {
		return true
	}
	f, size, err := openFile(path)
	if err != nil {
		return false
	}
	defer f.Close()
	h, _ := open(f, size)
	if h == nil {
		return false
	}
	class, err := h.file.Meta.Strings(mediaStorageClass)
	return err == nil && len(class) > 0 && class[0] == mediaStorageDirectory
}

const (
	mediaStorageClass     part10.Tag = 0x00020002
	mediaStorageDirectory            = "1.2.840.10008.1.3.10"
)

// listArchive returns the entries of an archive, nil if path is none. The file
// stays open as long as the index is in use; the runtime closes it.
func listArchive(ctx context.Context, path string) (sources []source, err error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(path)
	kind := magicOf(f)
	switch kind {
	case isZip:
		sources, err = listZip(f, size)
	case isTar:
		sources, err = listTar(ctx, f)
	case isGzip, isZstd:
		sources, err = listCompressed(ctx, f, size, kind)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if sources == nil && (kind == isZip || kind == isTar) {
		sources = []source{} // an empty archive is one
	}
	if sources == nil {
		f.Close()
	}
	return sources, nil
}

// listZip returns the entries of a zip.
func listZip(f *os.File, size int64) ([]source, error) {
	z, err := zip.NewReader(f, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("%w: %w", ErrArchive, err)
	}
	var out []source
	var c census
	for _, e := range z.File {
		if e.FileInfo().IsDir() {
			continue
		}
		if size := e.UncompressedSize64; size > maxEntryBytes || size > maxSmallEntry && size/maxRatio > e.CompressedSize64 {
			return nil, fmt.Errorf("entry %q unpacks from %d to %d bytes: %w", e.Name, e.CompressedSize64, size, ErrArchive)
		}
		if err := c.admit(e.Name, int64(e.UncompressedSize64)); err != nil {
			return nil, err
		}
		out = append(out, source{label: e.Name, entry: func() (io.ReaderAt, int64, error) {
			r, err := e.Open()
			if err != nil {
				return nil, 0, fmt.Errorf("zip entry: %w: %w", ErrDamaged, err)
			}
			defer r.Close()
			b, err := bounded(r, int64(e.CompressedSize64))
			if err != nil {
				return nil, 0, fmt.Errorf("zip entry: %w", err)
			}
			return bytes.NewReader(b), int64(len(b)), nil
		}})
	}
	return out, nil
}

// census counts what an archive holds.
type census struct {
	entries int
	total   int64
}

// admit refuses an entry that would lead out of a folder, and too many.
func (c *census) admit(name string, size int64) error {
	if !filepath.IsLocal(filepath.FromSlash(strings.ReplaceAll(name, `\`, "/"))) {
		return fmt.Errorf("entry %q leads out of its folder: %w", name, ErrArchive)
	}
	if c.entries++; c.entries > maxEntries {
		return fmt.Errorf("more than %d entries: %w", maxEntries, ErrArchive)
	}
	if c.total += size; size < 0 || c.total > maxTotalBytes {
		return fmt.Errorf("unpacks to more than %d bytes: %w", int64(maxTotalBytes), ErrArchive)
	}
	return nil
}

// listTar returns the files in a tar, which are read where they lie.
func listTar(ctx context.Context, f *os.File) ([]source, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	var out []source
	var c census
	for t := tar.NewReader(f); ; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e, err := t.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return nil, fmt.Errorf("%w: %w", ErrArchive, err)
		}
		if e.Typeflag != tar.TypeReg || e.PAXRecords["GNU.sparse.major"] != "" {
			continue
		}
		if err := c.admit(e.Name, e.Size); err != nil {
			return nil, err
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		out = append(out, source{label: e.Name, entry: func() (io.ReaderAt, int64, error) {
			return io.NewSectionReader(f, at, e.Size), e.Size, nil
		}})
	}
}

// listCompressed returns the files in a tar that is compressed as a whole. A
// single file in gzip is no archive; one in zstd is an archive of one.
func listCompressed(ctx context.Context, f *os.File, size int64, kind magic) ([]source, error) {
	var z io.Reader
	if kind == isGzip {
		g, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w: %w", ErrArchive, err)
		}
		z = g
	} else {
		d, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, fmt.Errorf("zstd: %w: %w", ErrArchive, err)
		}
		defer d.Close()
		z = d
	}
	head := make([]byte, 512)
	n, err := io.ReadFull(z, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("%w: %w", ErrArchive, err)
	}
	whole := magicOfBytes(head[:n]) == isTar
	if !whole && kind == isGzip {
		return nil, nil
	}
	spool, err := os.CreateTemp("", "plaquerisk")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(spool.Name()); err != nil { // it lives as long as it is open
		return nil, errors.Join(err, spool.Close())
	}
	limit := min(max(maxRatio*size, maxSmallEntry), maxTotalBytes)
	got, err := io.Copy(spool, io.LimitReader(io.MultiReader(bytes.NewReader(head[:n]), stoppable{ctx, z}), limit+1))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrArchive, plain(err))
	case got > limit:
		return nil, fmt.Errorf("%d bytes unpack to more than %d: %w", size, limit, ErrArchive)
	}
	if whole {
		return listTar(ctx, spool)
	}
	label := strings.TrimSuffix(filepath.Base(f.Name()), ".zst")
	return []source{{label: label, entry: func() (io.ReaderAt, int64, error) { return spool, got, nil }}}, nil
}

// stoppable ends with its context.
type stoppable struct {
	ctx context.Context
	io.Reader
}

func (s stoppable) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(b)
}
