package object_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/dicom/internal/validate"
	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// Patient and study come over, names in old character sets as UTF-8; images are
// referred to in the order of the slices, whatever their files are called.
func TestInherited(t *testing.T) {
	dir, renamed := t.TempDir(), t.TempDir()
	validate.Source(t, dir, validate.Grid(0))
	files, err := filepath.Glob(filepath.Join(dir, "*.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	for n, name := range files { // the last slice first, and its name in Latin-1
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := part10.Open(bytes.NewReader(b), int64(len(b)), part10.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err = f.Rewrite(&out, func(e part10.Element) part10.Edit {
			if e.Tag() == 0x00100010 {
				return part10.Edit{Replace: true, Value: []byte("M\xfcller^J\xf6rg")}
			}
			return part10.Edit{}
		}, part10.Added{Tag: 0x00080005, VR: "CS", Value: []byte("ISO_IR 100")})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(renamed, string(rune('z'-n))+".dcm"), out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	index, err := dicom.Scan(context.Background(), renamed)
	if err != nil {
		t.Fatal(err)
	}
	series := &index.Series[0]
	src, err := object.ReadSource(context.Background(), series)
	if err != nil {
		t.Fatal(err)
	}
	m := &object.Meta{Seed: "s", Program: "plaquerisk", Version: "1", Time: time.Date(2026, 11, 28, 1, 2, 3, 0, time.UTC)}
	s := src.New(m, object.Kind{Class: "1.2.3", Modality: "OT", Name: "thing"})
	var b bytes.Buffer
	if err := s.Write(&b, "plaquerisk"); err != nil {
		t.Fatal(err)
	}
	f, err := part10.Open(bytes.NewReader(b.Bytes()), int64(b.Len()), part10.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[part10.Tag]string{0x00100010: "Müller^Jörg", 0x0020000d: series.StudyUID, 0x00080023: "", 0x00080021: "20261128", 0x00080031: "010203"} {
		if got, err := object.Text(f.Data, tag); err != nil || got != want {
			t.Errorf("%v: %q, %v; want %q", tag, got, err, want)
		}
	}
	for k, r := range src.Images {
		h, frame, done, err := series.Slices[k].Open()
		if err != nil {
			t.Fatal(err)
		}
		uid, err := object.Text(h.Data, 0x00080018)
		done()
		if err != nil || r.UID != uid || frame != 0 || r.Frame != 0 {
			t.Errorf("slice %d: %+v, want %s", k, r, uid)
		}
	}
}

// Slices of an enhanced CT are referred to as frames of one object.
func TestEnhanced(t *testing.T) {
	path := verify.Shared(t, "data", "dicom", "multiframe", "eCT_Supplemental.dcm")
	index, err := dicom.Scan(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	src, err := object.ReadSource(context.Background(), &index.Series[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(src.Files) != 1 || len(src.Images) != 2 || src.Images[0].UID != src.Images[1].UID || src.Images[0].Frame+src.Images[1].Frame != 3 {
		t.Errorf("%+v", src.Images)
	}
}
