package deidentify

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

var testKey = []byte("a key of sixteen bytes or more")

func profile(t testing.TB) *Profile {
	t.Helper()
	p, err := New(testKey)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func open(t testing.TB, b []byte) *part10.File {
	t.Helper()
	f, err := part10.Open(bytes.NewReader(b), int64(len(b)), part10.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// samples hands over all shared files that are whole.
func samples(t *testing.T, f func(name string, b []byte)) {
	root := verify.Shared(t, "data", "dicom")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".dcm" {
			return err
		}
		if info, err := d.Info(); err != nil || testing.Short() && info.Size() > 40<<10 {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := part10.Open(bytes.NewReader(b), int64(len(b)), part10.DefaultLimits())
		if err != nil || file.Damage != nil {
			return nil
		}
		name, _ := filepath.Rel(root, path)
		f(name, b)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// walk visits all elements at all levels.
func walk(d part10.Dataset, f func(part10.Element)) {
	for e := range d.All() {
		f(e)
		for item := range e.Items() {
			walk(item, f)
		}
	}
}

// What the profile takes out is nowhere in the result, at no level and in no
// byte; what it keeps is what it was, pixels too.
func TestSamples(t *testing.T) {
	p := profile(t)
	p.AcceptBurnedIn = true
	files, leaks, changed := 0, 0.0, 0.0
	samples(t, func(name string, b []byte) {
		var out bytes.Buffer
		_, err := p.File(&out, bytes.NewReader(b), int64(len(b)))
		if errors.Is(err, ErrDocument) {
			return
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		files++
		before, after := open(t, b), open(t, out.Bytes())
		kept := map[string]bool{} // values that stay somewhere may stay
		for e := range after.Meta.All() {
			if v, err := e.Bytes(); err == nil {
				kept[strings.Trim(string(v), " \x00")] = true
			}
		}
		walk(after.Data, func(e part10.Element) {
			what, listed := table[e.Tag()]
			if e.Tag().Private() || listed && what == removed {
				leaks++
				t.Errorf("%s: %v is still there", name, e.Tag())
			}
			if v, err := e.Bytes(); err == nil && e.Tag() != part10.PixelData {
				kept[strings.Trim(string(v), " \x00")] = true
			}
		})
		header := out.Bytes()
		if e, ok := after.Data.Lookup(part10.PixelData); ok {
			old, _ := before.Data.Lookup(part10.PixelData)
			if got, want := content(t, e), content(t, old); !bytes.Equal(got, want) {
				changed++
				t.Errorf("%s: other pixels", name)
			}
			mark := []byte{0xe0, 0x7f, 0x10, 0}
			if after.Syntax == part10.ExplicitBig {
				mark = []byte{0x7f, 0xe0, 0, 0x10}
			}
			header, _, _ = bytes.Cut(header, mark)
		}
		if after.Syntax == part10.Deflated {
			return
		}
		walk(before.Data, func(e part10.Element) {
			if _, listed := table[e.Tag()]; !listed && e.VR() != "PN" && !e.Tag().Private() || e.Tag()>>16 == 0x5000 {
				return
			}
			switch e.VR() {
			case "PN", "LO", "SH", "ST", "LT", "UT", "UI", "DA", "UC":
			default:
				return
			}
			v, err := e.Bytes()
			if s := strings.Trim(string(v), " \x00"); err == nil && len(s) > 5 && !kept[s] && !strings.HasPrefix(s, standardUIDs) && bytes.Contains(header, []byte(s)) && !within(kept, s) {
				leaks++
				t.Errorf("%s: the value of %v is still in the file", name, e.Tag())
			}
		})
	})
	verify.Check{Suite: "dicom deidentify", Case: fmt.Sprintf("%d samples", files), Quantity: "values left that the profile takes out", Source: "PS3.15 2026c, table E.1-1", Got: leaks}.Run(t)
	verify.Check{Suite: "dicom deidentify", Case: fmt.Sprintf("%d samples", files), Quantity: "files with other pixels", Source: "the files before", Got: changed}.Run(t)
}

// within tells whether a kept value holds s by chance, as "Removed" holds none
// but a code meaning may hold a word.
func within(kept map[string]bool, s string) bool {
	for k := range kept {
		if strings.Contains(k, s) {
			return true
		}
	}
	return false
}

// content returns a value, or all fragments of one.
func content(t testing.TB, e part10.Element) []byte {
	t.Helper()
	if !e.Encapsulated() {
		b, err := e.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	_, fragments, err := e.Fragments()
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, f := range fragments {
		b := make([]byte, f.Size())
		f.ReadAt(b, 0)
		out = append(out, b...)
	}
	return out
}

// References between files meet after as before: a UID that was equal is
// equal, one that was different is different, those of the standard stay.
func TestReferences(t *testing.T) {
	p := profile(t)
	p.AcceptBurnedIn = true
	forward, back := map[string]string{}, map[string]string{}
	wrong, uids := 0.0, 0
	samples(t, func(name string, b []byte) {
		var out bytes.Buffer
		if _, err := p.File(&out, bytes.NewReader(b), int64(len(b))); err != nil {
			return
		}
		before := map[string]int{}
		walk(open(t, b).Data, func(e part10.Element) {
			if _, listed := table[e.Tag()]; e.VR() == "UI" && (!listed || table[e.Tag()] == mapped) {
				v, _ := e.Strings()
				for _, uid := range v {
					before[p.UID(uid)]++
					if old, ok := forward[uid]; ok && old != p.UID(uid) {
						wrong++
					}
					if old, ok := back[p.UID(uid)]; ok && old != uid {
						wrong++
					}
					forward[uid], back[p.UID(uid)] = p.UID(uid), uid
				}
			}
		})
		walk(open(t, out.Bytes()).Data, func(e part10.Element) {
			if e.VR() == "UI" {
				v, _ := e.Strings()
				for _, uid := range v {
					uids++
					if before[uid] == 0 {
						wrong++
						t.Errorf("%s: %v is no UID of the file before", name, e.Tag())
					}
				}
			}
		})
	})
	verify.Check{Suite: "dicom deidentify", Case: fmt.Sprintf("%d UIDs of all samples", uids), Quantity: "UIDs that refer to something else", Source: "the files before", Got: wrong}.Run(t)
	other, err := New([]byte("another key of sixteen bytes"))
	if err != nil {
		t.Fatal(err)
	}
	if other.UID("1.2.3") == p.UID("1.2.3") || other.Patient("x") == p.Patient("x") || p.UID("1.2.840.10008.1.2") != "1.2.840.10008.1.2" {
		t.Error("the key does not matter, or the standard's UIDs do not stay")
	}
}

// uidText finds UIDs in messages.
var uidText = regexp.MustCompile(`[0-9]+(\.[0-9]+){2,}|0$`)

// The validator finds no error in a file that it did not find before.
func TestValidator(t *testing.T) {
	tool, err := exec.LookPath("dciodvfy")
	if err != nil || testing.Short() {
		t.Skip("dciodvfy is not installed (Debian package dicom3tools), or the test is to be short")
	}
	p := profile(t)
	p.AcceptBurnedIn = true
	path := filepath.Join(t.TempDir(), "file.dcm")
	faults := func(b []byte) map[string]int {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := exec.Command(tool, path).CombinedOutput()
		found := map[string]int{}
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "Error") {
				found[uidText.ReplaceAllString(strings.TrimSpace(line), "UID")]++
			}
			if strings.Contains(line, "trailing garbage") { // it looked no further
				return nil
			}
		}
		return found
	}
	more, files := 0.0, 0
	samples(t, func(name string, b []byte) {
		var out bytes.Buffer
		if _, err := p.File(&out, bytes.NewReader(b), int64(len(b))); err != nil {
			return
		}
		old := faults(b)
		if old == nil {
			return
		}
		files++
		for line, n := range faults(out.Bytes()) {
			if n > old[line] {
				more++
				t.Errorf("%s: %s", name, line)
			}
		}
	})
	verify.Check{Suite: "dicom deidentify", Case: fmt.Sprintf("%d samples", files), Quantity: "errors of dciodvfy that were not there before", Source: "dicom3tools 2022-06", Got: more}.Run(t)
}

// Files that cannot be cleaned are refused by a reason that names no patient.
func TestRefused(t *testing.T) {
	p := profile(t)
	sample := verify.Shared(t, "data", "dicom", "syntax", "native", "emri_small.dcm")
	b, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		added part10.Added
		want  error
	}{
		"burned in":         {part10.Added{Tag: burnedIn, VR: "CS", Value: []byte("YES")}, ErrBurnedIn},
		"secondary capture": {part10.Added{Tag: sopClass, VR: "UI", Value: []byte(secondaryRoot)}, ErrBurnedIn},
		"document":          {part10.Added{Tag: document, VR: "OB", Value: []byte("%PDF")}, ErrDocument},
	} {
		var in, out bytes.Buffer
		unsaid := func(e part10.Element) part10.Edit { return part10.Edit{Delete: e.Tag() == burnedIn} }
		if err := open(t, b).Rewrite(&in, unsaid, c.added); err != nil {
			t.Fatal(err)
		}
		_, err := p.File(&out, bytes.NewReader(in.Bytes()), int64(in.Len()))
		if !errors.Is(err, c.want) || out.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", name, err, out.Len())
		}
	}
	if _, err := New([]byte("short")); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	text := []byte(strings.Repeat("no DICOM file ", 20))
	if _, err := p.File(&bytes.Buffer{}, bytes.NewReader(text), int64(len(text))); !errors.Is(err, part10.ErrNotDICOM) {
		t.Errorf("text: %v", err)
	}
	if _, err := p.File(&bytes.Buffer{}, bytes.NewReader(b[:len(b)/2]), int64(len(b)/2)); !errors.Is(err, part10.ErrDamaged) {
		t.Errorf("half a file: %v", err)
	}
}

// The table is whole: as many attributes as the standard's of its year, and the
// actions that everybody knows.
func TestTable(t *testing.T) {
	for tag, want := range map[part10.Tag]action{patientName: empty, patientID: dummy, 0x00100030: empty, sopInstance: mapped, 0x00080080: emptyOrDummy, 0x00081030: removed, 0x00080050: empty, 0x00200052: mapped} {
		if got, ok := table[tag]; !ok || got != want {
			t.Errorf("%v: action %v, want %v", tag, got, want)
		}
	}
	verify.Check{Suite: "dicom deidentify", Case: "table E.1-1", Quantity: "attributes with an action", Source: "PS3.15 2026c by dicom-anonymizer 2.1.0, without overlays, curves and private ones", Got: float64(strings.Count(tableText, "\n") - 2), Want: 652}.Run(t)
}

// A name in the preamble goes too.
func TestPreamble(t *testing.T) {
	b, err := os.ReadFile(verify.Shared(t, "data", "dicom", "syntax", "native", "emri_small.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.Clone(b)
	copy(b, "SECRET^NAME")
	var out bytes.Buffer
	if _, err := profile(t).File(&out, bytes.NewReader(b), int64(len(b))); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out.Bytes(), []byte("SECRET")) || string(out.Bytes()[128:132]) != "DICM" {
		t.Error("the preamble was kept")
	}
}
