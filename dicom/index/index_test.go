package index

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// collection writes some series of a few slices each, one of them spread over
// two folders, with files of other kinds between, and returns the folder.
func collection(t testing.TB, series int) string {
	t.Helper()
	dir := t.TempDir()
	vol := imaging.NewVolume(imaging.NewGrid([3]int{8, 8, 3}, [3]float64{0.5, 0.5, 0.5}, r3.Vec{X: -1, Y: -2, Z: -3}))
	for n := range series {
		m := dicom.DefaultMeta()
		m.Seed, m.SeriesNumber = fmt.Sprint(n), n+1
		if err := dicom.Write(context.Background(), filepath.Join(dir, fmt.Sprintf("study %d", n%3), fmt.Sprintf("s%d", n)), vol, m); err != nil {
			t.Fatal(err)
		}
	}
	move := func(from, to string) {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, to)), 0o755)
		if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	move("study 0/s0/IM00003.dcm", "elsewhere/deep/IM00003.dcm")
	whole, err := os.ReadFile(filepath.Join(dir, "study 1/s1/IM00001.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"notes.txt": []byte("not DICOM"), "study 1/torn.dcm": whole[:300], "study 1.txt": nil, "z\ttab\"\n.dcm": whole[:200]} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func lines(t testing.TB, path string) []Line {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []Line
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		var l Line
		if err := d.Decode(&l); err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	return out
}

// Each series has one line, in the order of UIDs, with what plaquerisk inspect
// says of it; its files are found wherever they lie.
func TestBuild(t *testing.T) {
	dir := collection(t, 7)
	out := filepath.Join(t.TempDir(), "manifest.jsonl")
	sum, err := Build(context.Background(), dir, out, DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if want := (Summary{Files: 25, NotDICOM: 2, Damaged: 2, Series: 7}); sum != want {
		t.Errorf("%+v, want %+v", sum, want)
	}
	all := lines(t, out)
	if len(all) != 8 || all[0].SeriesUID != "" || len(all[0].Damaged) != 2 {
		t.Fatalf("%d lines, %+v", len(all), all[0])
	}
	all = all[1:]
	if !slices.IsSortedFunc(all, func(a, b Line) int { return strings.Compare(a.SeriesUID, b.SeriesUID) }) {
		t.Error("not in order")
	}
	spread := 0
	for _, l := range all {
		if l.Files != 3 || len(l.Stacks) != 1 || l.Stacks[0].Size != [3]int{8, 8, 3} || l.Stacks[0].OriginMM != [3]float64{-1, -2, -3} || l.Stacks[0].Phase != "75 %" || l.Modality != "CT" {
			t.Errorf("%+v", l)
		}
		if l.Folder == "." {
			spread++
		}
	}
	if spread != 1 {
		t.Errorf("%d series lie in several folders, want 1", spread)
	}
	if _, err := Build(context.Background(), dir, out, DefaultConfig()); !errors.Is(err, atomicfile.ErrExists) {
		t.Error("written over:", err)
	}
}

// The manifest is the same bytes whatever the length of runs and the number of
// processors, and if the work was stopped again and again, also by a kill that
// tore the last line.
func TestSameBytes(t *testing.T) {
	dir := collection(t, 9)
	build := func(ctx context.Context, out string, run int) error {
		cfg := DefaultConfig()
		cfg.Run = run
		_, err := Build(ctx, dir, out, cfg)
		return err
	}
	want := filepath.Join(t.TempDir(), "want")
	if err := build(context.Background(), want, 1000); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(want)
	compare := func(what, path string) {
		t.Helper()
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: another manifest (%v):\n%s\nwant\n%s", what, err, got, text)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
			t.Errorf("%s: left %v", what, left)
		}
	}
	for _, run := range []int{1, 2, 7} {
		out := filepath.Join(t.TempDir(), "manifest")
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1 + run%2))
		if err := build(context.Background(), out, run); err != nil {
			t.Fatal(err)
		}
		compare(fmt.Sprint("runs of ", run), out)
	}
	// Stopped: the context says so after a number of looks at it.
	out := filepath.Join(t.TempDir(), "manifest")
	stops := 0
	for looks := int64(3); ; looks += 2 {
		ctx := &stopping{Context: context.Background()}
		ctx.left.Store(looks)
		if err := build(ctx, out, 4); err == nil {
			break
		} else if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		stops++
		if lines, err := os.OpenFile(filepath.Join(filepath.Dir(out), ".manifest.parts", "lines"), os.O_APPEND|os.O_WRONLY, 0); err == nil {
			lines.WriteString(`{"format":"plaquerisk.ind`)
			lines.Close()
		}
	}
	if stops < 5 {
		t.Errorf("stopped %d times: this test is blind", stops)
	}
	compare("stopped", out)
}

// stopping is a context that ends after it was asked a number of times.
type stopping struct {
	context.Context
	left atomic.Int64
}

func (s *stopping) Err() error {
	if s.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// walked agrees with the order in which a folder is walked.
func TestWalked(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 1))
	names := []string{"a", "a-", "a.b", "b", "aa", "A"}
	for range 60 {
		p := filepath.Join(dir, names[rng.IntN(6)]+"d", names[rng.IntN(6)]+"d", names[rng.IntN(6)])
		if rng.IntN(2) == 0 {
			p = filepath.Join(dir, names[rng.IntN(6)]+"d", names[rng.IntN(6)])
		}
		os.MkdirAll(filepath.Dir(p), 0o755)
		os.WriteFile(p, nil, 0o644)
	}
	b := &builder{dir: dir}
	var all []string
	if err := b.files(context.Background(), "", func(p string) error { all = append(all, p); return nil }); err != nil || len(all) < 20 {
		t.Fatal(len(all), err)
	}
	for n, after := range all {
		var rest []string
		if err := b.files(context.Background(), after, func(p string) error { rest = append(rest, p); return nil }); err != nil || !slices.Equal(rest, all[n+1:]) {
			t.Fatalf("behind %s: %v, want %v (%v)", after, rest, all[n+1:], err)
		}
	}
}

// A record is read as it was written, whatever stands in it.
func TestRecord(t *testing.T) {
	want := record{series: "1.2", path: "a\tb\n\"\xff", study: "1", class: "1.3", modality: "C\tT", bytes: 7, hash: "ab", damage: "bad\n"}
	var got record
	if err := got.decode(want.encode()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v: %v", got, want, err)
	}
}

// The sample series are listed with the geometry that pydicom gives.
func TestSamples(t *testing.T) {
	dir := verify.Shared(t, "data", "dicom")
	out := filepath.Join(t.TempDir(), "manifest")
	if _, err := Build(context.Background(), filepath.Join(dir, "series"), out, DefaultConfig()); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(t.TempDir(), "all")
	sum, err := Build(context.Background(), dir, whole, DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	// pydicom finds 68: one is not a UID, one is empty.
	verify.Check{Suite: "dicom index", Case: "all sample files", Quantity: "series", Source: "pydicom 2.3.1", Got: float64(sum.Series), Want: 66}.Run(t)
	text, err := os.ReadFile(filepath.Join(dir, "series.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{} // series and phase: slices of the volumes
	for _, l := range lines(t, out) {
		for _, s := range l.Stacks {
			if s.Volume {
				key := l.SeriesUID
				if len(l.Stacks) > 2 { // phases
					key += " " + strings.TrimSuffix(s.Phase, " %")
				}
				found[key] = s.Slices
			}
		}
	}
	for _, row := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		f := strings.Split(row, "\t")
		key := f[1]
		if _, phase, ok := strings.Cut(f[0], "phase "); ok {
			key += " " + strings.TrimSuffix(phase, ".0")
		}
		if !strings.HasPrefix(f[0], "head") && !strings.HasPrefix(f[0], "synthetic") {
			continue
		}
		var want int
		fmt.Sscan(f[2], &want)
		verify.Check{Suite: "dicom index", Case: f[0], Quantity: "slices", Source: "pydicom 2.3.1", Got: float64(found[key]), Want: float64(want)}.Run(t)
	}
}
