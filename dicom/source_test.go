package dicom

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// file is one of an archive.
type file struct {
	name string
	data []byte
}

// filesOf returns the files of a folder.
func filesOf(t testing.TB, dir string) (out []file) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, file{"study/" + filepath.Base(name), b})
	}
	return out
}

// archives write files as an archive each.
var archives = map[string]func(w io.Writer, files []file) error{
	"zip": func(w io.Writer, files []file) error {
		z := zip.NewWriter(w)
		for _, f := range files {
			e, err := z.Create(f.name)
			if err != nil {
				return err
			}
			e.Write(f.data)
		}
		return z.Close()
	},
	"tar": tarred,
	"tar.gz": func(w io.Writer, files []file) error {
		z := gzip.NewWriter(w)
		return errors.Join(tarred(z, files), z.Close())
	},
	"tar.zst": func(w io.Writer, files []file) error {
		z, err := zstd.NewWriter(w)
		if err != nil {
			return err
		}
		return errors.Join(tarred(z, files), z.Close())
	},
}

func tarred(w io.Writer, files []file) error {
	z := tar.NewWriter(w)
	if err := z.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "study/link", Linkname: "/etc/passwd", Mode: 0o777}); err != nil {
		return err
	}
	for _, f := range files {
		if err := z.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.data)), Mode: 0o600}); err != nil {
			return err
		}
		z.Write(f.data)
	}
	return z.Close()
}

// packed writes an archive; its name does not tell what it is.
func packed(t testing.TB, kind string, files []file) string {
	t.Helper()
	var b bytes.Buffer
	if err := archives[kind](&b, files); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "study")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// An archive is read like the folder that it holds, and so is a folder whose
// files are compressed one by one.
func TestArchives(t *testing.T) {
	dir := writeSeries(t, ramp(grid(5)), DefaultMeta())
	want, err := Load(context.Background(), choose(t, dir), DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{}
	for kind := range archives {
		paths[kind] = packed(t, kind, filesOf(t, dir))
	}
	paths["gzip files"] = t.TempDir()
	for _, f := range filesOf(t, dir) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(f.data)
		z.Close()
		if err := os.WriteFile(filepath.Join(paths["gzip files"], filepath.Base(f.name)+".gz"), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for kind, path := range paths {
		got, err := Load(context.Background(), choose(t, path), DefaultConfig())
		if err != nil || got.SHA256 != want.SHA256 || got.Files != 5 {
			t.Errorf("%s: %+v, %v", kind, got, err)
		}
	}
	one := filepath.Join(paths["gzip files"], "IM00003.dcm.gz")
	x, err := Scan(context.Background(), one)
	if err != nil || len(x.Series) != 1 || len(x.Series[0].Slices) != 1 {
		t.Errorf("one file in gzip: %+v, %v", x, err)
	}
}

// Archives that lead out of their folder, or unpack to much more than they are,
// are refused by name before anything is unpacked to the end.
func TestHostileArchives(t *testing.T) {
	zeros := make([]byte, 20<<20)
	for kind := range archives {
		for _, f := range []file{{"../IM1", nil}, {"/etc/IM1", nil}, {`a\..\..\IM1`, nil}, {"study/zeros", zeros}} {
			if kind == "tar" && len(f.data) > 0 {
				continue // holds what it is
			}
			x, err := Scan(context.Background(), packed(t, kind, []file{f}))
			if err == nil && len(f.data) > 0 && len(x.Skipped) == 1 {
				err = x.Skipped[0].Err
			}
			if !errors.Is(err, ErrArchive) {
				t.Errorf("%s with %s: %+v, %v", kind, f.name, x, err)
			}
		}
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(zeros)
	z.Close()
	path := filepath.Join(t.TempDir(), "IM1.gz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if x, err := Scan(context.Background(), path); err != nil || len(x.Skipped) != 1 || !errors.Is(x.Skipped[0].Err, ErrArchive) {
		t.Errorf("gzip: %+v, %v", x, err)
	}
	for kind := range archives {
		path := packed(t, kind, filesOf(t, writeSeries(t, ramp(grid(5)), DefaultMeta())))
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, whole[:len(whole)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		if x, err := Scan(context.Background(), path); !errors.Is(err, ErrArchive) {
			t.Errorf("half of a %s: %+v, %v", kind, x, err)
		}
	}
}

// A DICOMDIR stands for its folder, by its name or by its class.
func TestDICOMDIR(t *testing.T) {
	dir := writeSeries(t, ramp(grid(4)), DefaultMeta())
	path := filepath.Join(dir, "DICOMDIR")
	if err := os.WriteFile(path, []byte("index"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s := choose(t, path); len(s.Slices) != 4 {
		t.Errorf("by name: %d slices, want 4", len(s.Slices))
	}
	var meta, e encoder
	meta.put(tag(mediaStorageClass), "UI", mediaStorageDirectory)
	meta.put(tTransferSyntax, "UI", explicitLE)
	e.b = append(make([]byte, 128), "DICM"...)
	e.ul(0x00020000, uint32(len(meta.b)))
	e.b = append(e.b, meta.b...)
	e.put(0x00041130, "CS", "DISC")
	path = filepath.Join(dir, "index")
	if err := os.WriteFile(path, e.b, 0o644); err != nil {
		t.Fatal(err)
	}
	if s := choose(t, path); len(s.Slices) != 4 {
		t.Errorf("by class: %d slices, want 4", len(s.Slices))
	}
}
