package dicom

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/codec"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// ramp returns a volume in which every voxel has a value of its own and a
// blood pool of 300 HU.
func ramp(g imaging.Grid) *imaging.Volume {
	v := imaging.NewVolume(g)
	for n := range v.Values {
		v.Values[n] = float32(n%1500 - 1024)
	}
	return v
}

func grid(n int) imaging.Grid {
	return imaging.NewGrid([3]int{16, 12, n}, [3]float64{0.4, 0.5, 0.6}, r3.Vec{X: -10.5, Y: 3.25, Z: -120.3})
}

func writeSeries(t testing.TB, v *imaging.Volume, m Meta) string {
	t.Helper()
	dir := t.TempDir()
	if err := Write(context.Background(), dir, v, m); err != nil {
		t.Fatal(err)
	}
	return dir
}

func choose(t testing.TB, path string) *Series {
	t.Helper()
	x, err := Scan(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := x.Choose("", "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What is written is read back bit by bit, on straight, oblique and sheared
// lattices, and in the same order whatever the files are called.
func TestRoundTrip(t *testing.T) {
	oblique := grid(5)
	u := r3.Unit(r3.Vec{X: 1, Y: 0.2, Z: -0.1})
	w := r3.Unit(r3.Cross(u, r3.Vec{X: 0, Y: 0.3, Z: -1}))
	oblique.Axes = [3]r3.Vec{u, w, r3.Cross(u, w)}
	sheared := grid(6)
	sheared.Axes[2] = r3.Unit(r3.Vec{Y: 0.2, Z: 1})
	for name, g := range map[string]imaging.Grid{"axial": grid(7), "oblique": oblique, "sheared": sheared} {
		v := ramp(g)
		s := choose(t, writeSeries(t, v, DefaultMeta()))
		study, err := Load(context.Background(), s, DefaultConfig())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := study.Volume.CornerDistance(&g); d > 1e-6 {
			t.Errorf("%s: corners are %g mm off", name, d)
		}
		for n := range v.Values {
			if v.Values[n] != study.Volume.Values[n] {
				t.Fatalf("%s: voxel %d is %v, want %v", name, n, study.Volume.Values[n], v.Values[n])
			}
		}
		if name != "sheared" && study.Gate() != Pass {
			t.Errorf("%s: findings %v", name, study.Findings)
		}
	}
}

// A stack numbered from the head down comes back from the feet up, and a slice
// gone from either end is found by its number.
func TestDescending(t *testing.T) {
	g := grid(6)
	g.Axes[2] = r3.Vec{Z: -1}
	v := ramp(g)
	for _, gone := range []int{-1, 0, 5} {
		dir := writeSeries(t, v, DefaultMeta())
		if gone >= 0 {
			os.Remove(filepath.Join(dir, fmt.Sprintf("IM%05d.dcm", gone+1)))
		}
		study, err := Load(context.Background(), choose(t, dir), DefaultConfig())
		if gone >= 0 {
			if z := fmt.Sprintf("z = %.2f mm", g.Point(0, 0, float64(gone)).Z); !mentions(study.Findings, PLQMissing, z) {
				t.Errorf("slice %d: %v, %+v", gone, err, study.Findings)
			}
			continue
		}
		if err != nil || study.Volume.At(3, 4, 1) != v.At(3, 4, 4) || study.Volume.Axes[2].Z != 1 {
			t.Errorf("%v: %v", err, study.Volume.Grid.String())
		}
	}
}

// Every written file passes dciodvfy without an error.
func TestValidator(t *testing.T) {
	tool, err := exec.LookPath("dciodvfy")
	if err != nil {
		t.Skip("dciodvfy is not installed (Debian package dicom3tools)")
	}
	m := DefaultMeta()
	bare := m
	bare.ContrastAgent, bare.Phase, bare.KVp, bare.Kernel = "", math.NaN(), math.NaN(), ""
	for _, m := range []Meta{m, bare} {
		files, _ := filepath.Glob(filepath.Join(writeSeries(t, ramp(grid(3)), m), "*"))
		for _, f := range files {
			out, _ := exec.Command(tool, f).CombinedOutput()
			if strings.Contains(string(out), "Error") {
				t.Errorf("%s: %s", filepath.Base(f), out)
			}
		}
	}
}

// Whichever slice is removed, its position in mm is reported; a copy of a slice
// is noted and changes nothing.
func TestRemovedAndCopied(t *testing.T) {
	g := grid(8)
	for k := range g.Size[2] {
		dir := writeSeries(t, ramp(g), DefaultMeta())
		file := filepath.Join(dir, fmt.Sprintf("IM%05d.dcm", k+1))
		z := fmt.Sprintf("z = %.2f mm", g.Point(0, 0, float64(k)).Z)
		want, err := Load(context.Background(), choose(t, dir), DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		b, _ := os.ReadFile(file)
		if err := os.WriteFile(filepath.Join(dir, "copy.dcm"), b, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := Load(context.Background(), choose(t, dir), DefaultConfig())
		if err != nil || got.Gate() != Pass || got.SHA256 != want.SHA256 || !mentions(got.Findings, PLQDuplicate, z) {
			t.Errorf("copied slice %d: %v, %+v", k, err, got.Findings)
		}
		os.Remove(filepath.Join(dir, "copy.dcm"))
		os.Remove(file)
		got, err = Load(context.Background(), choose(t, dir), DefaultConfig())
		if !errors.Is(err, ErrGap) || got.Gate() != Incomplete || !mentions(got.Findings, PLQMissing, z) {
			t.Errorf("removed slice %d at %s: %v, %+v", k, z, err, got.Findings)
		}
	}
}

func mentions(f []Finding, code, text string) bool {
	for _, x := range f {
		if x.Code == code && strings.Contains(x.Where+" "+x.Text, text) {
			return true
		}
	}
	return false
}

// Two different slices at one position are refused, even under one SOP UID.
func TestConflict(t *testing.T) {
	dir := writeSeries(t, ramp(grid(8)), DefaultMeta())
	b, _ := os.ReadFile(filepath.Join(dir, "IM00004.dcm"))
	b[len(b)-8] ^= 1
	os.WriteFile(filepath.Join(dir, "other.dcm"), b, 0o644)
	study, err := Load(context.Background(), choose(t, dir), DefaultConfig())
	if !errors.Is(err, ErrConflict) || study.Gate() != Refuse || !mentions(study.Findings, PLQConflict, "z = -118.50 mm") {
		t.Errorf("got %v, %+v", err, study.Findings)
	}
}

// A file with another matrix in the same series is refused with file and tag.
func TestMixed(t *testing.T) {
	dir := writeSeries(t, ramp(grid(8)), DefaultMeta())
	g := grid(8)
	g.Size[0] = 14
	b, _ := os.ReadFile(filepath.Join(writeSeries(t, ramp(g), DefaultMeta()), "IM00003.dcm"))
	os.WriteFile(filepath.Join(dir, "stray.dcm"), b, 0o644)
	study, err := Load(context.Background(), choose(t, dir), DefaultConfig())
	var where *FileError
	if !errors.As(err, &where) || where.Path != "stray.dcm" || where.Tag != tColumns.String() {
		t.Errorf("the error names %+v", where)
	}
	if !errors.Is(err, ErrMixed) || study.Gate() != Refuse || !mentions(study.Findings, PLQMixed, "stray.dcm") || !mentions(study.Findings, PLQMixed, "Columns (0028,0011)") {
		t.Errorf("got %v, %+v", err, study.Findings)
	}
}

// The HU of the public series have the hashes that pydicom and GDCM give.
func TestSharedSeries(t *testing.T) {
	root := verify.Shared(t, "data", "dicom")
	f, err := os.Open(filepath.Join(root, "series.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = '\t'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{"synthetic_phases": "series/synthetic_phases", "ct-3slice": "seg/ct-3slice", "head_5mm": "series/head_5mm"}
	for _, row := range rows[1:] {
		name, phase, _ := strings.Cut(row[0], " phase ")
		x, err := Scan(context.Background(), filepath.Join(root, folders[name]))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for n := range x.Series {
			s := &x.Series[n]
			if s.UID != row[1] || !s.Image || phase != "" && s.Phase != strings.TrimSuffix(phase, ".0")+" %" {
				continue
			}
			found = true
			study, err := load(context.Background(), s, DefaultConfig(), math.NaN())
			if err != nil {
				t.Fatalf("%s: %v", row[0], err)
			}
			h := sha256.New()
			b := make([]byte, 0, 2*len(study.Volume.Values))
			for _, v := range study.Volume.Values {
				b = binary.LittleEndian.AppendUint16(b, uint16(int16(v)))
			}
			h.Write(b)
			differ := 0.0
			if hex.EncodeToString(h.Sum(nil)) != row[15] {
				differ = 1
			}
			verify.Check{Suite: "dicom series", Case: row[0], Quantity: "SHA-256 of HU differs", Source: "pydicom and GDCM (series.tsv)", Got: differ}.Run(t)
		}
		if !found {
			t.Errorf("%s: no such series among %d", row[0], len(x.Series))
		}
	}
	x, err := Scan(context.Background(), filepath.Join(root, "series/synthetic_phases"))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := x.Choose("", ""); err != nil || s.Phase != "70 %" && s.Phase != "80 %" {
		t.Errorf("chose %v, %v", s, err)
	}
}

// The stored values of single-frame grey images equal those of pydicom, up to
// rounding of lossy ones; everything else is refused with an error, and nothing panics.
func TestSharedPixels(t *testing.T) {
	if testing.Short() {
		t.Skip("package pixel reads them too")
	}
	root := verify.Shared(t, "data", "dicom")
	b, err := os.ReadFile(filepath.Join(root, "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	read, refused := 0, 0
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n")[1:] {
		row := strings.Split(line, "\t")
		all, err := readImages(&source{label: row[0], path: filepath.Join(root, row[0])})
		if len(all) != 1 || err != nil || all[0].pixelErr != nil || row[18] == "" {
			refused++
			continue
		}
		m := all[0]
		var w scratch
		if err := m.read(&w, nil); err != nil {
			if m.syntax.native || !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %v", row[0], err)
			}
			refused++ // JPEG2000-embedded-sequence-delimiter declares 3722445056 columns
			continue
		}
		if !m.syntax.native && m.pixels.bits < 16 && m.pixels.signed {
			continue // the reference has all allocated bits, we the sign of the stored ones
		}
		var out []byte
		for _, v := range w.stored {
			switch {
			case strings.HasSuffix(row[14], "8"):
				out = append(out, byte(int16(v)))
			case strings.HasSuffix(row[14], "16"):
				out = binary.LittleEndian.AppendUint16(out, uint16(v))
			}
		}
		if out == nil {
			continue // 32 bits do not fit a float32
		}
		read++
		lossy := false // package codec compares these sample by sample
		if c, ok := codec.Lookup(m.syntax.uid); ok {
			lossy = c.Lossy
		}
		if h := sha256.Sum256(out); hex.EncodeToString(h[:]) != row[18] && !lossy {
			t.Errorf("%s: pixels differ (%s)", row[0], row[14])
		}
	}
	if read < 10 {
		t.Errorf("%d files read, %d refused", read, refused)
	}
	t.Logf("%d files read, %d refused", read, refused)
}

// Real series are described as their README says, and refused for its reasons.
func TestRealSeries(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 40 MB")
	}
	s := choose(t, verify.Shared(t, "data", "ct", "heart-gated-noncontrast", "dicom"))
	for _, c := range []struct {
		what      string
		got, want float64
		tol       float64
	}{{"slices", float64(len(s.Slices)), 42, 0}, {"pixel, mm", s.Grid.Spacing[0], 0.352, 5e-4}, {"slice distance, mm", s.Grid.Spacing[2], 3, 1e-4},
		{"phase, %", s.PhasePercent, 78, 0}, {"tube voltage, kV", s.KVp, 120, 0}} {
		verify.Check{Suite: "dicom", Case: "heart-gated-noncontrast", Quantity: c.what, Source: "README of the shared data", Got: c.got, Want: c.want, Tol: c.tol}.Run(t)
	}
	if s.Kernel != "B" {
		t.Errorf("kernel %q", s.Kernel)
	}
	for _, folder := range []string{"heart-gated-noncontrast/dicom", "chest-noncontrast-8mm"} {
		study, err := Load(context.Background(), choose(t, verify.Shared(t, "data", "ct", folder)), DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		if study.Gate() != Refuse || !mentions(study.Findings, PLQSlice, "thick") || !mentions(study.Findings, PLQContrast, "no contrast agent") {
			t.Errorf("%s: %+v", folder, study.Findings)
		}
		t.Log(folder, study.Findings)
	}
	vol, err := nifti.ReadVolume(verify.Shared(t, "data", "ct", "heart-cta-1p5mm", "ct.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if e := ContrastEvidence(vol); !e.Found {
		t.Errorf("heart-cta-1p5mm: %v", e)
	} else {
		t.Log("heart-cta-1p5mm:", e)
	}
}

// The IBSI lung phantom read from DICOM equals its NIfTI version voxel by voxel.
func TestIBSIPhantom(t *testing.T) {
	if testing.Short() {
		t.Skip("reads two volumes")
	}
	dir := verify.Shared(t, "data", "ibsi1", "ct_phantom", "dicom")
	x, err := Scan(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := x.Choose("", "")
	if err != nil {
		t.Fatal(err)
	}
	study, err := load(context.Background(), s, DefaultConfig(), math.NaN())
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(verify.Shared(t, "data", "ibsi1", "ct_phantom", "nifti"), "*", "*.nii*"))
	more, _ := filepath.Glob(filepath.Join(verify.Shared(t, "data", "ibsi1", "ct_phantom", "nifti"), "*.nii*"))
	compared := false
	for _, f := range append(files, more...) {
		if strings.Contains(f, "mask") {
			continue
		}
		vol, err := nifti.ReadVolume(f)
		if err != nil {
			t.Fatal(err)
		}
		compared = true
		differ := 0
		for n := range study.Volume.Values {
			i, j, k := study.Volume.Coords(n)
			a, b, c := vol.Index(study.Volume.Point(float64(i), float64(j), float64(k)))
			ia, ib, ic := int(math.Round(a)), int(math.Round(b)), int(math.Round(c))
			if !vol.Inside(ia, ib, ic) || vol.At(ia, ib, ic) != float64(study.Volume.Values[n]) {
				differ++
			}
		}
		verify.Check{Suite: "dicom", Case: "IBSI 1 CT phantom", Quantity: "voxels that differ from NIfTI", Source: "IBSI, DICOM and NIfTI of one scan", Got: float64(differ), Want: 0}.Run(t)
	}
	if !compared {
		t.Error("no NIfTI image found")
	}
}

// Another modality is refused by name.
func TestNotCT(t *testing.T) {
	m := DefaultMeta()
	m.Modality = "MR"
	x, err := Scan(context.Background(), writeSeries(t, ramp(grid(4)), m))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Choose("", ""); !errors.Is(err, ErrNoSeries) {
		t.Errorf("chose among MR: %v", err)
	}
	study, err := Load(context.Background(), &x.Series[0], DefaultConfig())
	if !errors.Is(err, ErrNotCT) || study.Gate() != Refuse {
		t.Errorf("got %v", err)
	}
}

// A damaged file is listed with its reason, others are read.
func TestTruncated(t *testing.T) {
	dir := writeSeries(t, ramp(grid(6)), DefaultMeta())
	f := filepath.Join(dir, "IM00006.dcm")
	b, _ := os.ReadFile(f)
	os.WriteFile(f, b[:len(b)-50], 0o644)
	os.WriteFile(filepath.Join(dir, "notes.txt"), bytes.Repeat([]byte("not DICOM "), 50), 0o644)
	x, err := Scan(context.Background(), dir)
	if err != nil || len(x.Skipped) != 1 || x.NotDICOM != 1 || x.Skipped[0].Path != "IM00006.dcm" {
		t.Fatalf("%+v, %v", x, err)
	}
	study, err := Load(context.Background(), choose(t, dir), DefaultConfig())
	if !errors.Is(err, ErrGap) || study.Gate() != Incomplete {
		t.Errorf("%v", err)
	}
}

// No bytes make the reader panic.
func FuzzDecode(f *testing.F) {
	v := ramp(imaging.NewGrid([3]int{3, 2, 1}, [3]float64{1, 1, 1}, r3.Vec{}))
	b := encodeSlice(v, DefaultMeta(), 0)
	f.Add(b)
	f.Add(bytes.Replace(b, []byte(explicitLE+"\x00"), []byte("1.2.840.10008.1.2.2\x00"), 1))
	f.Add(bytes.Replace(b, []byte(explicitLE+"\x00"), []byte("1.2.840.10008.9.9.9\x00"), 1))
	f.Add(b[132:])
	f.Add(b[:300])
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &source{label: "f", entry: func() (io.ReaderAt, int64, error) { return bytes.NewReader(b), int64(len(b)), nil }}
		all, err := readImages(s)
		if err != nil {
			return
		}
		var w scratch
		for _, m := range all {
			if m.read(&w, nil) == nil {
				m.pixels.hu(make([]float32, len(w.stored)), w.stored, -1024)
			}
		}
		group(context.Background(), all, nil)
	})
}
