package archive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/dicom/archive"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// series writes a CT series of n slices and returns its folder.
func series(t *testing.T, n int) string {
	t.Helper()
	vol := imaging.NewVolume(imaging.NewGrid([3]int{8, 8, n}, [3]float64{0.5, 0.5, 0.5}, r3.Vec{}))
	for i := range vol.Values {
		vol.Values[i] = float32(i%2000 - 1000)
	}
	dir := t.TempDir()
	if err := dicom.Write(context.Background(), dir, vol, dicom.DefaultMeta()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What is put into a folder is the object byte for byte, once; a file that
// lacks its meta information gets it, and keeps its data set.
func TestFolder(t *testing.T) {
	objects, others, err := archive.Objects(context.Background(), series(t, 3))
	if err != nil || len(objects) != 3 || others != 0 {
		t.Fatal(len(objects), others, err)
	}
	folder := archive.NewFolder(t.TempDir())
	o := objects[0]
	put := func(want archive.Name) (bool, error) {
		r, _, err := o.File()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		_, stored, err := folder.Put(r, want)
		return stored, err
	}
	if folder.Has(o.Series, o.Instance) {
		t.Error("has what was not put")
	}
	if stored, err := put(archive.Name{Study: o.Study}); !stored || err != nil {
		t.Fatal(stored, err)
	}
	if stored, err := put(archive.Name{}); stored || err != nil || !folder.Has(o.Series, o.Instance) {
		t.Error("a second copy was stored:", err)
	}
	if _, err := put(archive.Name{Study: "1.2.3"}); !errors.Is(err, archive.ErrWrong) {
		t.Error("another study:", err)
	}
	want, _ := os.ReadFile(o.Path)
	path := filepath.Join(folder.Root, o.Series, o.Instance+".dcm")
	if got, _ := os.ReadFile(path); !bytes.Equal(got, want) {
		t.Error("not the same bytes")
	}
	body, size, err := o.Body()
	if err != nil {
		t.Fatal(err)
	}
	bare, _ := io.ReadAll(body)
	if int64(len(bare)) != size || !bytes.HasSuffix(want, bare) {
		t.Error("the body is not the end of the file")
	}
	again := filepath.Join(t.TempDir(), "bare")
	if err := os.WriteFile(again, bare, 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := archive.OpenObject(again)
	if err != nil || b.Name != o.Name {
		t.Fatal(b, err)
	}
	r, size, err := b.File()
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := io.ReadAll(r)
	if f, err := part10.Open(bytes.NewReader(whole), int64(len(whole)), part10.DefaultLimits()); err != nil || f.Damage != nil ||
		int64(len(whole)) != size || !bytes.HasSuffix(whole, bare) {
		t.Error("a bare data set with a header:", err)
	}
	left, _ := filepath.Glob(filepath.Join(folder.Root, ".*"))
	if len(left) > 0 {
		t.Error("left behind:", left)
	}
}

// What is no whole object never gets a name in the folder, whatever it says.
func TestFolderRefuses(t *testing.T) {
	objects, _, _ := archive.Objects(context.Background(), series(t, 1))
	whole, err := os.ReadFile(objects[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	evil := bytes.Replace(whole, []byte(objects[0].Instance), []byte(("../../../../../../../../" + strings.Repeat("x", 64))[:len(objects[0].Instance)]), -1)
	for name, b := range map[string][]byte{
		"empty": nil, "text": []byte("404 page not found, and so on for a while, until the end of what is said here"),
		"cut": whole[:len(whole)-3], "path in UID": evil, "large": append(bytes.Clone(whole), make([]byte, 1<<20)...),
	} {
		folder := archive.NewFolder(t.TempDir())
		folder.MaxObject = 1 << 20
		if _, _, err := folder.Put(bytes.NewReader(b), archive.Name{}); err == nil {
			t.Errorf("%s: stored", name)
		}
		if left, _ := os.ReadDir(folder.Root); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}

// A query says everything that is wrong with it at once, and a right one
// nothing.
func TestQuery(t *testing.T) {
	if err := archive.Of(archive.Instance, "1.2", "1.3", "").Validate(); err != nil {
		t.Error(err)
	}
	q := archive.Query{Level: archive.Series, Keys: []archive.Key{{Tag: archive.TagSeries, Value: "x"}, {Tag: 0x00100020}, {Tag: 0x00100020}}}
	err := q.Validate()
	for _, want := range []string{"no UID", "twice", "StudyInstanceUID must be given"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
	for s, want := range map[string]archive.Key{
		"PatientID=P-*": {Tag: 0x00100020, Value: "P-*"}, "0020000D=1.2": {Tag: archive.TagStudy, Value: "1.2"}, "Modality=": {Tag: archive.TagModality},
	} {
		if k, err := archive.ParseKey(s); k != want || err != nil {
			t.Errorf("%s: %v %v", s, k, err)
		}
	}
	for _, s := range []string{"PatientID", "PatientId=1", "0020=1", "=1"} {
		if k, err := archive.ParseKey(s); err == nil {
			t.Errorf("%s: %v", s, k)
		}
	}
	for s, ok := range map[string]bool{"1.2": true, "": false, "1..2": false, ".1": false, "1.": false, "1/2": false, strings.Repeat("1", 65): false} {
		if archive.IsUID(s) != ok {
			t.Errorf("IsUID(%q) = %v", s, !ok)
		}
	}
}

// A result is JSON with keywords, in the order of the tags.
func TestResult(t *testing.T) {
	r := archive.Result{{Tag: 0x00100020, Values: []string{"P-1"}}, {Tag: 0x00080061, Values: []string{"CT", "SEG"}}, {Tag: 0x00091001}}
	r.Sort()
	got, err := json.Marshal(r)
	if want := `{"ModalitiesInStudy":["CT","SEG"],"00091001":null,"PatientID":"P-1"}`; string(got) != want || err != nil {
		t.Errorf("got %s, want %s (%v)", got, want, err)
	}
	if r.Get(0x00100020) != "P-1" || r.Get(0x00091001) != "" || r.Get(1) != "" {
		t.Error("Get")
	}
}

// What may pass is tried again as often as was asked, what may not once.
func TestRetry(t *testing.T) {
	fail := errors.New("busy")
	for _, c := range []struct {
		temporary bool
		succeeds  int // at this attempt
		attempts  int
		ok        bool
	}{{true, 3, 3, true}, {true, 9, 4, false}, {false, 9, 1, false}, {true, 1, 1, true}} {
		n := 0
		err := archive.Retry{Times: 3, Pause: time.Microsecond}.Do(context.Background(), func() error {
			if n++; n == c.succeeds {
				return nil
			}
			if c.temporary {
				return archive.Temporary(fail, 0)
			}
			return fail
		})
		if n != c.attempts || (err == nil) != c.ok || err != nil && !errors.Is(err, fail) {
			t.Errorf("%+v: %d attempts, %v", c, n, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	err := archive.Retry{Times: 3, Pause: time.Hour}.Do(ctx, func() error { cancel(); return archive.Temporary(fail, 0) })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
