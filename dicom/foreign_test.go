package dicom

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// edit replaces, in one written file, a value by another of the same length.
func edit(t testing.TB, dir, file, from, to string) {
	t.Helper()
	path := filepath.Join(dir, file)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(from) != len(to) || !bytes.Contains(b, []byte(from)) {
		t.Fatalf("%s holds no %q", file, from)
	}
	if err := os.WriteFile(path, bytes.Replace(b, []byte(from), []byte(to), 1), 0o644); err != nil {
		t.Fatal(err)
	}
}

// One odd file in a series is found, and named with its tag, by what it does not
// share with the others.
func TestOddFile(t *testing.T) {
	m := DefaultMeta()
	m.Kernel = "KERNEL-A"
	for _, c := range []struct {
		name, from, to string
		code, tag      string
		gate           Gate
	}{
		{"another kernel", "KERNEL-A", "KERNEL-B", PLQMixed, tKernel.String(), Pass},
		{"another name", "\x10\x00\x10\x00PN", "\x10\x00\x11\x00PN", PLQMixed, tPatientName.String(), Refuse},
		{"no orientation", "\x20\x00\x37\x00DS", "\x20\x00\x39\x00DS", PLQDamaged, tOrientation.String(), Incomplete},
		{"no orientation of the last", "\x20\x00\x37\x00DS", "\x20\x00\x39\x00DS", PLQDamaged, tOrientation.String(), Incomplete},
	} {
		dir := writeSeries(t, ramp(grid(8)), m)
		file := "IM00004.dcm"
		if strings.HasSuffix(c.name, "last") {
			file = "IM00008.dcm"
		}
		edit(t, dir, file, c.from, c.to)
		study, _ := Load(context.Background(), choose(t, dir), DefaultConfig())
		if !mentions(study.Findings, c.code, file) || !mentions(study.Findings, c.code, c.tag) || study.Gate() != c.gate {
			t.Errorf("%s: gate %v, want %v; %+v", c.name, study.Gate(), c.gate, study.Findings)
		}
	}
}

// When no series can be scored, the error names a file and the tag that is
// wrong.
func TestNothingToChoose(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"no orientation": {"\x20\x00\x37\x00DS", "\x20\x00\x39\x00DS", "IM00001.dcm: no slices of a volume: ImageOrientationPatient (0020,0037)"},
		"MR":             {"CS\x02\x00CT", "CS\x02\x00MR", `IM00001.dcm: Modality (0008,0060) is "MR"`},
	} {
		dir := writeSeries(t, ramp(grid(4)), DefaultMeta())
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		for _, f := range files {
			edit(t, dir, filepath.Base(f), c.from, c.to)
		}
		x, err := Scan(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.Choose("", ""); !errors.Is(err, ErrNoSeries) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		} else if errors.Is(err, ErrNotCT) != (name == "MR") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every second slice alone is a volume, but a warning says that the numbers
// count by two.
func TestEverySecond(t *testing.T) {
	dir := writeSeries(t, ramp(grid(9)), DefaultMeta())
	for _, f := range []string{"IM00002.dcm", "IM00004.dcm", "IM00006.dcm", "IM00008.dcm"} {
		os.Remove(filepath.Join(dir, f))
	}
	s := choose(t, dir)
	if !mentions(s.Findings, PLQMissing, "steps of 2") {
		t.Errorf("%+v", s.Findings)
	}
}

// Images that say that they were compressed with a loss are warned of; what the
// transfer syntax alone says counts too, unless it serves both kinds.
func TestLossy(t *testing.T) {
	dir := writeSeries(t, ramp(grid(4)), DefaultMeta())
	path := filepath.Join(dir, "IM00002.dcm")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := part10.Open(bytes.NewReader(b), int64(len(b)), part10.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.Rewrite(&out, nil, part10.Added{Tag: part10.Tag(tLossy), VR: "CS", Value: []byte("01")}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if s := choose(t, dir); !mentions(s.Findings, PLQLossy, "1 of 4 images") {
		t.Errorf("%+v", s.Findings)
	}
	for uid, want := range map[string]bool{"1.2.840.10008.1.2.4.50": true, "1.2.840.10008.1.2.4.70": false, "1.2.840.10008.1.2.4.91": false, explicitLE: false} {
		if got := syntaxOf(uid).lossy(); got != want {
			t.Errorf("%s: lossy %v, want %v", uid, got, want)
		}
	}
}
