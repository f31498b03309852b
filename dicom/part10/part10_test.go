package part10

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// open opens a file in memory.
func open(b []byte) (*File, error) {
	return Open(bytes.NewReader(b), int64(len(b)), DefaultLimits())
}

// samples calls f for each DICOM file of the reference data.
func samples(t testing.TB, f func(path string, b []byte)) {
	root := verify.Shared(t, "data", "dicom")
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".dcm" {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		f(filepath.ToSlash(rel), b)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// names holds the patient's name as pydicom 2.4.4 decodes it, at the top or in
// the first item of the first sequence.
var names = map[string]string{
	"chrArab": "قباني^لنزار", "chrFren": "Buc^Jérôme", "chrFrenMulti": "Buc^Jérôme", "chrGerm": "Äneas^Rüdiger", "chrGreek": "Διονυσιος",
	"chrH31": "Yamada^Tarou=山田^太郎=やまだ^たろう", "chrH32": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう", "chrHbrw": "שרון^דבורה",
	"chrI2": "Hong^Gildong=洪^吉洞=홍^길동", "chrJapMulti": "やまだ^たろう", "chrJapMultiExplicitIR6": "やまだ^たろう", "chrKoreanMulti": "김희중",
	"chrRuss": "Люкceмбypг", "chrSQEncoding": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう", "chrSQEncoding1": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
	"chrX1": "Wang^XiaoDong=王^小東", "chrX2": "Wang^XiaoDong=王^小东",
}

const patientName Tag = 0x00100010

// Names in all character sets of the samples are those that pydicom decodes.
func TestCharacterSets(t *testing.T) {
	wrong, seen := 0.0, 0
	samples(t, func(path string, b []byte) {
		name := strings.TrimSuffix(filepath.Base(path), ".dcm")
		want, ok := names[name]
		if !ok {
			return
		}
		seen++
		f, err := open(b)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			wrong++
			return
		}
		if got := strings.TrimRight(findName(t, f.Data), "="); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
			wrong++
		}
	})
	if seen != len(names) {
		t.Errorf("%d of %d samples were there", seen, len(names))
	}
	verify.Check{
		Suite: "dicom data sets", Case: "names in 17 samples of 13 character sets", Quantity: "read otherwise", Source: "pydicom 2.4.4", Got: wrong,
	}.Run(t)
}

func findName(t *testing.T, d Dataset) string {
	if v, err := d.Strings(patientName); err != nil {
		t.Error(err)
	} else if len(v) > 0 {
		return v[0]
	}
	for e := range d.All() {
		for it := range e.Items() {
			if s := findName(t, it); s != "" {
				return s
			}
		}
	}
	return ""
}

// attributes pairs columns of expected.tsv with tags.
var attributes = []struct {
	column string
	tag    Tag
}{
	{"Modality", 0x00080060}, {"Rows", 0x00280010}, {"Columns", 0x00280011}, {"NumberOfFrames", 0x00280008}, {"SamplesPerPixel", 0x00280002},
	{"BitsAllocated", 0x00280100}, {"BitsStored", 0x00280101}, {"PixelRepresentation", 0x00280103}, {"PhotometricInterpretation", 0x00280004},
	{"RescaleSlope", 0x00281053}, {"RescaleIntercept", 0x00281052},
}

// The attributes of all samples, broken ones included, are those that pydicom
// reads, and so is the transfer syntax.
func TestAttributes(t *testing.T) {
	root := verify.Shared(t, "data", "dicom")
	b, err := os.ReadFile(filepath.Join(root, "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	columns := strings.Split(lines[0], "\t")
	compared, wrong := 0, 0.0
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, v := range strings.Split(line, "\t") {
			row[columns[i]] = v
		}
		b, err := os.ReadFile(filepath.Join(root, row["path"]))
		if err != nil {
			t.Fatal(err)
		}
		f, err := open(b)
		if row["path"] == "odd/no_meta.dcm" { // pydicom finds nothing in it: a blank precedes the data set
			if !errors.Is(err, ErrNotDICOM) {
				t.Errorf("%s: got %v", row["path"], err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", row["path"], err)
			wrong++
			continue
		}
		if row["ts"] != "" && f.Syntax != row["ts"] && row["path"] != "odd/SC_rgb_jpeg.dcm" {
			t.Errorf("%s: transfer syntax %s, want %s", row["path"], f.Syntax, row["ts"])
			wrong++
		}
		for _, a := range attributes {
			compared++
			if got := text(f.Data, a.tag); got != row[a.column] {
				t.Errorf("%s: %s is %q, want %q", row["path"], a.column, got, row[a.column])
				wrong++
			}
		}
	}
	verify.Check{
		Suite: "dicom data sets", Case: fmt.Sprintf("%d samples, %d attributes", len(lines)-1, compared), Quantity: "read otherwise",
		Source: "pydicom 2.3.1 (expected.tsv)", Got: wrong,
	}.Run(t)
}

// text returns the first value of an element as expected.tsv writes it.
func text(d Dataset, tag Tag) string {
	e, ok := d.Lookup(tag)
	if !ok || e.Len() == 0 {
		return ""
	}
	if e.VR() == "US" {
		if v, err := e.Ints(); err == nil && len(v) > 0 {
			return fmt.Sprint(v[0])
		}
		return "?"
	}
	v, err := e.Strings()
	if err != nil {
		return "?"
	}
	return v[0]
}

// Unmodified files are written byte for byte, also through the editor, and a
// change that is undone gives the file back.
func TestRewrite(t *testing.T) {
	n, wrong := 0, 0.0
	samples(t, func(path string, b []byte) {
		f, err := open(b)
		if err != nil || f.Damage != nil {
			return
		}
		n++
		keep := func(Element) Edit { return Edit{} }
		var whole, edited bytes.Buffer
		if err := errors.Join(f.Rewrite(&whole, nil), f.Rewrite(&edited, keep)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if !bytes.Equal(whole.Bytes(), b) || f.Syntax != Deflated && !bytes.Equal(edited.Bytes(), b) {
			t.Errorf("%s: other bytes", path)
			wrong++
		}
		// Every value within the data set written anew must give the same file.
		var anew bytes.Buffer
		err = f.Rewrite(&anew, func(e Element) Edit {
			if e.Len() < 0 || e.node().flags&nested != 0 || e.Len() > 1<<12 {
				return Edit{}
			}
			v, err := e.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			return Edit{Replace: true, Value: v}
		})
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		g, err := open(anew.Bytes())
		if err != nil {
			t.Errorf("%s: written anew: %v", path, err)
			return
		}
		if a, b := dump(f.Data), dump(g.Data); a != b {
			t.Errorf("%s: written anew, it reads otherwise", path)
		}
	})
	verify.Check{
		Suite: "dicom data sets", Case: fmt.Sprintf("%d samples written unmodified", n), Quantity: "files with other bytes", Source: "the files", Got: wrong,
	}.Run(t)
}

// dump lists all elements with their values.
func dump(d Dataset) string {
	var s strings.Builder
	for e := range d.All() {
		b, _ := e.Bytes()
		fmt.Fprintf(&s, "%v %s %x\n", e.Tag(), e.VR(), bytes.TrimRight(b, "\x00 "))
		for it := range e.Items() {
			s.WriteString("item\n" + dump(it))
		}
	}
	return s.String()
}

// Deleted, replaced and added elements are what a second reading finds.
func TestEdit(t *testing.T) {
	root := verify.Shared(t, "data", "dicom")
	for _, name := range []string{"syntax/native/CT_small.dcm", "syntax/native/MR_small_implicit.dcm", "syntax/native/MR_small_bigendian.dcm", "syntax/native/image_dfl.dcm", "charset/chrSQEncoding.dcm"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		f, err := open(b)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err = f.Rewrite(&out, func(e Element) Edit {
			return Edit{Replace: e.Tag() == patientName, Value: []byte("NOBODY^X^Y"), Delete: e.Tag() == 0x00080060}
		}, Added{Tag: 0x00120062, VR: "CS", Value: []byte("YES")}, Added{Tag: 0x00080016, VR: "UI", Value: []byte("1.2.3")})
		if err != nil {
			t.Fatal(err)
		}
		g, err := open(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if got := findName(t, g.Data); got != "NOBODY^X^Y" {
			t.Errorf("%s: name %q", name, got)
		}
		if _, ok := g.Data.Lookup(0x00080060); ok {
			t.Errorf("%s: the modality is still there", name)
		}
		if got := text(g.Data, 0x00120062); got != "YES" {
			t.Errorf("%s: added element is %q", name, got)
		}
		if got, err := g.Data.Strings(0x00080016); err != nil || got[0] != "1.2.3" {
			t.Errorf("%s: class is %q, %v", name, got, err)
		}
		before := Tag(0)
		for e := range g.Data.All() {
			if e.Tag() <= before {
				t.Errorf("%s: %v after %v", name, e.Tag(), before)
			}
			before = e.Tag()
		}
	}
}

// Positions, spacings and rescale of frames are those that pydicom finds in
// the functional groups, per frame or shared.
func TestGroups(t *testing.T) {
	root := verify.Shared(t, "data", "dicom")
	for _, test := range []struct {
		name      string
		frames    int
		z         []float64 // of ImagePositionPatient
		spacing   float64
		intercept float64 // 1 if there is none
	}{
		{"multiframe/eCT_Supplemental.dcm", 2, []float64{-159, -149}, 0.388672, -1024},
		{"multiframe/mf.dcm", 3, []float64{-177.75, -175.25, -172.75}, 0.7, 0},
		{"seg/highdicom/seg_image_ct_binary.dcm", 3, []float64{103.019997, 104.269997, 105.519997}, 0.488281, 1},
		{"multiframe/parametric_map_float.dcm", 1, []float64{-75.699997}, 0.661468, 0},
	} {
		b, err := os.ReadFile(filepath.Join(root, test.name))
		if err != nil {
			t.Fatal(err)
		}
		f, err := open(b)
		if err != nil {
			t.Fatal(err)
		}
		g, err := f.Data.Groups(test.frames)
		if err != nil {
			t.Fatal(err)
		}
		number := func(frame int, macro, tag Tag, i int) float64 {
			e, ok := g.Lookup(frame, macro, tag)
			if !ok {
				return 1
			}
			v, err := e.Floats()
			if err != nil || i >= len(v) {
				t.Fatalf("%s: %v: %v, %v", test.name, tag, v, err)
			}
			return v[i]
		}
		worst := 0.0
		for i, z := range test.z {
			worst = max(worst, math.Abs(number(i, 0x00209113, 0x00200032, 2)-z),
				math.Abs(number(i, 0x00289110, 0x00280030, 0)-test.spacing), math.Abs(number(i, 0x00289145, 0x00281052, 0)-test.intercept))
		}
		verify.Check{
			Suite: "dicom data sets", Case: "frames of " + test.name, Quantity: "largest difference of position, spacing, intercept",
			Source: "pydicom 2.4.4", Got: worst,
		}.Run(t)
		if _, err := f.Data.Groups(test.frames + 1); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: one frame more: %v", test.name, err)
		}
	}
}

// Reading that stops at the pixels needs a small part of the file.
func TestStopAt(t *testing.T) {
	root := verify.Shared(t, "data", "dicom")
	b, err := os.ReadFile(filepath.Join(root, "syntax/native/CT_small.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	limits := DefaultLimits()
	limits.StopAt = PixelData
	cut := bytes.Index(b, []byte{0xe0, 0x7f, 0x10, 0, 'O', 'W'}) + 100 // within the pixels
	f, err := Open(bytes.NewReader(b[:cut]), int64(cut), limits)
	if err != nil || f.Damage != nil {
		t.Fatal(err, f.Damage)
	}
	if got := text(f.Data, 0x00280010); got != "128" {
		t.Errorf("rows are %s", got)
	}
}

// Damaged files make no panic, and take no more memory than four times their
// length; blocks and the window have a size of their own. PLAQUERISK_MUTATIONS
// is how many are made of each sample.
func TestDamagedFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("reads thousands of damaged files")
	}
	const fixed = 96 << 10
	each := 20
	if v := os.Getenv("PLAQUERISK_MUTATIONS"); v != "" {
		each, _ = strconv.Atoi(v)
	}
	r := rand.New(rand.NewPCG(3, 9))
	most, n := 0.0, 0
	samples(t, func(path string, b []byte) {
		if len(b) > 200<<10 {
			return
		}
		for range each {
			c := bytes.Clone(b)
			for range 1 + r.IntN(8) {
				c[r.IntN(min(len(c), 4000))] = byte(r.Uint32())
			}
			if r.IntN(8) == 0 {
				c = c[:r.IntN(len(c))]
			}
			n++
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f, err := open(c)
			runtime.ReadMemStats(&after)
			if err == nil && f.Syntax != Deflated {
				most = max(most, (float64(after.TotalAlloc-before.TotalAlloc)-fixed)/float64(len(c)))
			}
			if err == nil {
				touch(f.Data)
			}
		}
	})
	if most > 4 {
		t.Errorf("one of %d files took %.1f times its length", n, most)
	}
	t.Logf("%d files, at most %.2f times their length", n, most)
}

// touch reads all values in all ways.
func touch(d Dataset) {
	for e := range d.All() {
		e.Strings()
		e.Ints()
		e.Floats()
		e.Fragments()
		for it := range e.Items() {
			touch(it)
		}
	}
}

// A file of empty elements, the most of them that fit, and one of sequences
// within sequences stay within bounds.
func TestBounds(t *testing.T) {
	empty := bytes.Repeat([]byte{8, 0, 5, 0, 'L', 'O', 0, 0}, 1<<17)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := open(empty)
	runtime.ReadMemStats(&after)
	if err != nil || f.Damage != nil {
		t.Fatal(err, f.Damage)
	}
	if got := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(empty)); got > 4 {
		t.Errorf("%.1f bytes per byte", got)
	}
	deep := []byte{8, 0, 0, 0, 'U', 'L', 4, 0, 0, 0, 0, 0}
	for range 1000 {
		deep = append(deep, 9, 0, 1, 0, 'S', 'Q', 0, 0, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff)
	}
	if f, err = open(deep); err != nil || !errors.Is(f.Damage, ErrLimit) {
		t.Errorf("deep nesting: %v, %v", err, f.Damage)
	}
	if _, err := open([]byte("GIF89a is no data set, nor does it look like one")); !errors.Is(err, ErrNotDICOM) {
		t.Errorf("an image of another kind: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte{8, 0, 5, 0, 'C', 'S', 10, 0, 'I', 'S', 'O', '_', 'I', 'R', ' ', '1', '0', '0'})
	f.Add([]byte{8, 0, 5, 0, 10, 0, 0, 0, 'I', 'S', 'O', '_', 'I', 'R', ' ', '1', '0', '0'})
	f.Add([]byte{9, 0, 1, 0, 'S', 'Q', 0, 0, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := open(b)
		if err != nil {
			return
		}
		touch(d.Data)
		if err := d.Rewrite(&bytes.Buffer{}, nil); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	root := verify.Shared(b, "data", "dicom")
	name := filepath.Join(root, "syntax/native/CT_small.dcm")
	limits := DefaultLimits()
	limits.StopAt = PixelData
	b.ReportAllocs()
	for b.Loop() {
		r, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		info, err := r.Stat()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Open(r, info.Size(), limits); err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}
