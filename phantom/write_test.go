package phantom

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/plaquerisk/plaquerisk/imaging/nrrd"
)

// tree reads every file below dir.
func tree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[rel] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// A patient on disk has the same bytes on one processor and on two, and can be
// read back.
func TestWritePatient(t *testing.T) {
	ctx := context.Background()
	var first map[string][]byte
	for _, procs := range []int{1, 2} {
		dir := t.TempDir()
		old := runtime.GOMAXPROCS(procs)
		truth, err := WritePatient(ctx, dir, Small(3))
		runtime.GOMAXPROCS(old)
		if err != nil {
			t.Fatal(err)
		}
		files := tree(t, dir)
		if first == nil {
			first = files
		}
		if len(files) != len(first) {
			t.Fatalf("%d files on one processor, %d on two", len(first), len(files))
		}
		for name, b := range files {
			if !bytes.Equal(b, first[name]) {
				t.Errorf("%s differs between one and two processors", name)
			}
		}
		back, err := ReadTruth(filepath.Join(dir, TruthFile))
		if err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(truth)
		b, _ := json.Marshal(back)
		if !bytes.Equal(a, b) {
			t.Error("the truth read back differs from the truth written")
		}
		seg, err := nrrd.ReadSegmentation(filepath.Join(dir, SegmentationFile))
		if err != nil {
			t.Fatal(err)
		}
		for n, s := range seg.Segments {
			if seg.Mask(n) == nil {
				t.Errorf("segment %s is empty", s.Name)
			}
		}
	}
}

// A shorter scan leaves no slice of a longer one behind.
func TestWriteReplaces(t *testing.T) {
	dir := t.TempDir()
	p := Small(1)
	for _, slices := range []int{p.Grid.Size[2], p.Grid.Size[2] - 8} {
		p.Grid.Size[2] = slices
		if _, err := WritePatient(context.Background(), dir, p); err != nil {
			t.Fatal(err)
		}
		files, _ := filepath.Glob(filepath.Join(dir, CTFolder, "*.dcm"))
		if len(files) != slices {
			t.Fatalf("%d files for %d slices", len(files), slices)
		}
	}
}

// A file of another version is refused with its version.
func TestReadTruthVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), TruthFile)
	if err := os.WriteFile(path, []byte(`{"version": 99}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadTruth(path); err == nil {
		t.Error("version 99 was accepted")
	}
}

// The manifest of a cohort names files that exist, and the variants share their
// images and differ in their outcomes alone.
func TestGenerateCohort(t *testing.T) {
	ctx := context.Background()
	cfg := DefaultCohortConfig()
	cfg.Patients = 4
	if testing.Short() {
		cfg.Patients = 2
	}
	var images [2]map[string][]byte
	for n, v := range []Variant{Planted, Null} {
		dir := t.TempDir()
		cfg.Variant = v
		calls := 0
		c, err := GenerateCohort(ctx, dir, cfg, func(int) { calls++ })
		if err != nil {
			t.Fatal(err)
		}
		if calls != cfg.Patients {
			t.Errorf("progress was told %d times", calls)
		}
		f, err := os.Open(filepath.Join(dir, ManifestFile))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(f).ReadAll()
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != c.Arteries+1 {
			t.Errorf("%d rows for %d arteries", len(rows)-1, c.Arteries)
		}
		for _, r := range rows[1:] {
			for _, rel := range r[2:4] {
				if _, err := os.Stat(filepath.Join(dir, rel)); err != nil {
					t.Error(err)
				}
			}
		}
		for _, r := range c.Rows {
			if v == Null && math.Abs(r.Chance-cfg.Prevalence) > 1e-9 {
				t.Errorf("%s %s: chance %g in the null cohort", r.Case, r.Artery, r.Chance)
			}
		}
		images[n] = tree(t, dir)
		delete(images[n], ManifestFile)
		delete(images[n], CohortFile)
	}
	for name, b := range images[0] {
		if !bytes.Equal(b, images[1][name]) {
			t.Errorf("%s differs between the variants", name)
		}
	}
}

// Every patient of a large cohort can be drawn, whatever the latents.
func TestCohortDraws(t *testing.T) {
	cfg := DefaultCohortConfig()
	n := 150
	if testing.Short() {
		n = 25
	}
	var plaques, core, wantCore float64
	for i := range n {
		cfg.Seed = uint64(i % 3)
		p, err := CohortPatient(cfg, i)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range p.Arteries() {
			if len(a.Plaques) == 0 {
				t.Fatalf("%s %s: no plaque", p.Name, a.Artery)
			}
			for m, q := range a.Plaques {
				truth := q.truth(fmt.Sprint(m))
				plaques++
				core += truth.CoreShare
				wantCore += q.CoreShare
				if truth.Volume < 1 || math.Abs(truth.CoreVolume+truth.CalciumVolume+truth.FibrousVolume+truth.FibroFattyVolume-truth.Volume) > 1e-6 {
					t.Errorf("%s: tissues do not add up: %+v", p.Name, truth)
				}
			}
		}
	}
	t.Logf("%.0f plaques, mean core share %.3f, drawn %.3f", plaques, core/plaques, wantCore/plaques)
	if math.Abs(core/wantCore-1) > 0.1 {
		t.Errorf("core shares are %.3f on average, drawn %.3f", core/plaques, wantCore/plaques)
	}
}

// Who knows the chances reaches the Bayes AUC on average over outcomes, and
// chance where all chances are equal.
func TestBayesAUC(t *testing.T) {
	for _, test := range []struct {
		p    []float64
		want float64
	}{
		{[]float64{0.3, 0.3, 0.3}, 0.5},
		{[]float64{0, 1}, 1},
		// pairs (i, j): won 0.8·0.8 = 0.64 of 0.64 + 0.2·0.2
		{[]float64{0.2, 0.8}, 0.64 / 0.68},
	} {
		if got := BayesAUC(test.p); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("%v: %g, want %g", test.p, got, test.want)
		}
	}
}

// The planted rule meets its prevalence and leaves something to find, but not
// everything.
func TestRule(t *testing.T) {
	for _, v := range Variants() {
		r, auc := newRule(v, SmallSize, 0.33)
		t.Logf("%s: b0 %.3f, Bayes AUC %.3f", v, r.Intercept, auc)
		for _, term := range r.Terms {
			t.Logf("  %-22s mean %.4g, SD %.4g, b %.3g", term.Name, term.Mean, term.SD, term.B)
		}
		if v == Null && math.Abs(auc-0.5) > 1e-9 || v != Null && (auc < 0.65 || auc > 0.93) {
			t.Errorf("%s: Bayes AUC %.3f", v, auc)
		}
	}
}

// Settings that are wrong are refused together.
func TestCohortConfig(t *testing.T) {
	if err := DefaultCohortConfig().Validate(); err != nil {
		t.Error(err)
	}
	if err := (CohortConfig{}).Validate(); err == nil {
		t.Error("zero settings were accepted")
	}
}
