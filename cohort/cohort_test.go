package cohort

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/risk"
)

var errBroken = &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-101", Err: errors.New("ct: IM0003.dcm: damaged")}

// fake scores a case by writing what its name says, so that a batch can be
// tested without images.
type fake struct {
	version string
	scored  atomic.Int32
	stopAt  int32 // cancels after so many cases
	cancel  context.CancelFunc
}

func (f *fake) Key(_ context.Context, c *Case) (string, error) { return f.version + c.ID, nil }

func (f *fake) Score(ctx context.Context, c *Case, dir string) error {
	if n := f.scored.Add(1); f.stopAt > 0 && n >= f.stopAt {
		f.cancel()
		return ctx.Err()
	}
	if strings.HasPrefix(c.ID, "bad") {
		return errBroken
	}
	if strings.HasPrefix(c.ID, "bug") {
		panic("index out of range")
	}
	schema := feature.MustSchema(feature.Column{Name: "x", Unit: "mm", Modality: feature.Radiomics, Ref: "r"})
	table := &feature.Table{Schema: schema, Rows: []feature.Row{{Artery: "LAD", Patient: c.Patient, Lesion: "LAD-1", Label: feature.Unknown, Values: []float64{float64(len(c.ID))}}}}
	w, err := os.Create(filepath.Join(dir, "features_wide.csv"))
	if err != nil {
		return err
	}
	defer w.Close()
	if err := feature.WriteCSV(w, table); err != nil {
		return err
	}
	a := risk.Assessment{Case: c.ID, Model: &risk.Model{Name: "m", Label: "synthetic cohort, for demonstration"}, Arteries: []risk.Artery{{Name: coronary.LAD}}, Lesions: []risk.Lesion{{Name: "LAD-1", Artery: coronary.LAD}}}
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "assessment.json"), text, 0o644); err != nil {
		return err
	}
	if strings.HasPrefix(c.ID, "stiff") {
		return &pipeline.Error{Class: pipeline.NotConverged, Code: "PLQ-401", Err: errors.New("no lesion converged")}
	}
	return nil
}

func manifest(t *testing.T, ids ...string) *Manifest {
	t.Helper()
	text := "case,patient,ct,seg,labels,artery,outcome,sex\n"
	for n, id := range ids {
		text += fmt.Sprintf("%s,P%d,ct,seg.nrrd,,LAD,%d,f\n%s,P%d,ct,seg.nrrd,,RCA,0,f\n", id, n, n%2, id, n)
	}
	m, err := parseManifest(strings.NewReader(text), "base")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func options(dir string) Options {
	return Options{Dir: dir, Jobs: 2, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

var tables = []string{"features_wide.csv", "features_long.csv", "risk.csv", "failures.csv"}

// Runs that are cut at any case and resumed, with any number of workers, give
// the tables of an undisturbed run; finished cases are not scored again.
func TestResume(t *testing.T) {
	m := manifest(t, "a", "bb", "bad3", "dddd", "bug5", "stiff6", "ggggggg", "h")
	want := t.TempDir()
	res, err := Run(t.Context(), m, &fake{version: "1"}, options(want))
	if err != nil || res != (Result{Total: 8, Done: 5, Failed: 3}) {
		t.Fatalf("Run = %+v, %v", res, err)
	}
	got := t.TempDir()
	for cut := int32(1); cut <= 4; cut++ {
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := Run(ctx, m, &fake{version: "1", stopAt: cut, cancel: cancel}, options(got)); !errors.Is(err, context.Canceled) {
			t.Fatalf("cut run: %v, want a cancelled context", err)
		}
		cancel()
		// What a killed process leaves: a torn line and a half-written folder.
		f, err := os.OpenFile(filepath.Join(got, "ledger.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(`{"case":"a","ke`); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if err := os.MkdirAll(filepath.Join(got, "results", ".case=h.tmp-1"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	opt := options(got)
	opt.Jobs = 5
	if _, err := Run(t.Context(), m, &fake{version: "1"}, opt); err != nil {
		t.Fatal(err)
	}
	for _, name := range tables {
		a, err1 := os.ReadFile(filepath.Join(want, name))
		b, err2 := os.ReadFile(filepath.Join(got, name))
		if err1 != nil || err2 != nil || string(a) != string(b) {
			t.Errorf("%s differs:\n%s\nwant\n%s", name, b, a)
		}
	}
	if _, err := os.Stat(filepath.Join(got, "results", ".case=h.tmp-1")); err == nil {
		t.Error("a half-written folder was left")
	}
	again := &fake{version: "1"}
	if _, err := Run(t.Context(), m, again, options(got)); err != nil || again.scored.Load() != 0 {
		t.Errorf("an idle resume scored %d cases, %v", again.scored.Load(), err)
	}
	newer := &fake{version: "2"}
	if _, err := Run(t.Context(), m, newer, options(got)); err != nil || newer.scored.Load() != 8 {
		t.Errorf("another version scored %d of 8 cases, %v", newer.scored.Load(), err)
	}
}

// Failures are listed with their class and code, and the others are scored.
func TestFailures(t *testing.T) {
	m := manifest(t, "a", "bad2", "bug3", "stiff4")
	dir := t.TempDir()
	if _, err := Run(t.Context(), m, &fake{}, options(dir)); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(filepath.Join(dir, "failures.csv"))
	for _, want := range []string{"bad2,P1,4,PLQ-101,ct: IM0003.dcm: damaged\n", "bug3,P2,1,PLQ-600,", "stiff4,P3,7,PLQ-401,no lesion converged\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("failures.csv lacks %q:\n%s", want, text)
		}
	}
	wide, _ := os.ReadFile(filepath.Join(dir, "features_wide.csv"))
	for _, want := range []string{"a,P0,LAD,LAD-1,0,f,1\n", "a,P0,RCA,,0,f,\n", "stiff4,P3,LAD,LAD-1,1,f,6\n"} {
		if !strings.Contains(string(wide), want) {
			t.Errorf("features_wide.csv lacks %q:\n%s", want, wide)
		}
	}
}

// Every score in risk.csv has the label of its model beside it.
func TestModelLabel(t *testing.T) {
	dir := t.TempDir()
	if _, err := Run(t.Context(), manifest(t, "a", "bb"), &fake{}, options(dir)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "risk.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for n, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if n > 0 && !strings.HasSuffix(line, ",m,\"synthetic cohort, for demonstration\"") {
			t.Errorf("line %d: %s", n+1, line)
		}
	}
}

// A case that takes its process down again and again is set aside.
func TestQuarantine(t *testing.T) {
	m := manifest(t, "a", "b")
	dir := t.TempDir()
	j, _, err := openJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range maxUnfinished {
		if err := j.append(Entry{Case: "a", Key: "a", State: Started}); err != nil {
			t.Fatal(err)
		}
	}
	j.close()
	f := &fake{}
	res, err := Run(t.Context(), m, f, options(dir))
	if err != nil || res.Failed != 1 || f.scored.Load() != 1 {
		t.Errorf("%+v, %d scored, %v: want a set aside and b scored", res, f.scored.Load(), err)
	}
	opt := options(dir)
	opt.RetryFailed = true
	if res, err := Run(t.Context(), m, f, opt); err != nil || res.Failed != 0 {
		t.Errorf("retry: %+v, %v", res, err)
	}
}

// Two processes cannot work in one folder.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	release, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(dir); err == nil {
		t.Error("a second lock was given")
	}
	release()
	again, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

// A wrong manifest is refused with every line that is wrong.
func TestManifestErrors(t *testing.T) {
	const head = "case,patient,ct,seg,labels,artery,outcome\n"
	for _, test := range []struct{ text, want string }{
		{"case,patient,ct,seg,labels,artery\n", `column "outcome" is missing`},
		{head, "no cases"},
		{head + "a,1,x,y,,LAD,1\na,2,x,y,,RCA,1\n", "line 3: case a differs from line 2"},
		{head + "a,1,x,y,,LAD,1\na,1,x,y,,lad,1\n", `line 3: case a: artery "LAD" stands twice`},
		{head + "../a,1,x,y,,LAD,1\n", "line 2: case \"../a\""},
		{head + "a,1,x,y,,aorta,1\n", `artery "aorta"`},
		{head + "a,1,x,y,,LAD,yes\n", `outcome "yes"`},
		{head + "a,,x,,,LAD,\n", "line 2: case a: no seg"},
		{head + "a,1,x\n", "3 cells, the header has 7"},
		{"case,patient,ct,seg,labels,artery,outcome,phase\na,1,x,y,,LAD,1,75\na,1,x,y,,RCA,1,40\n", "line 3: case a differs"},
		{"case,patient,ct,seg,labels,artery,outcome,blood_pressure_mmhg\na,1,x,y,,LAD,1,80/120\n", "line 2: case a: blood_pressure_mmhg"},
		{"case,patient,ct,seg,labels,artery,outcome,blood_pressure_mmhg\na,1,x,y,,LAD,1,120/80\na,1,x,y,,RCA,1,\n", "line 3: case a differs"},
	} {
		if _, err := parseManifest(strings.NewReader(test.text), "."); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v, want one with %q", test.text, err, test.want)
		}
	}
	bp, err := parseManifest(strings.NewReader("case,patient,ct,seg,labels,artery,outcome,blood_pressure_mmhg\na,1,x,y,,LAD,1,135/85\n"), ".")
	if err != nil || bp.Cases[0].Pressure != "135/85" || bp.ExtraNames[0] != PressureColumn {
		t.Errorf("blood pressure: %+v, %v", bp, err)
	}
	chosen, err := parseManifest(strings.NewReader("case,patient,ct,seg,labels,artery,outcome,phase,series_uid\na,1,x,y,,LAD,1,75 %,1.2.3\n"), ".")
	if err != nil || chosen.Cases[0].Phase != "75 %" || chosen.Cases[0].Series != "1.2.3" {
		t.Errorf("series and phase: %+v, %v", chosen, err)
	}
	m := manifest(t, "a")
	if c := m.Cases[0]; c.CT != filepath.Join("base", "ct") || c.Outcome(coronary.RCA).Label != 0 || c.Outcome(coronary.LCX).Label != feature.Unknown {
		t.Errorf("case %+v", c)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add("case,patient,ct,seg,labels,artery,outcome,sex\na,1,ct,seg,,LAD,1,f\n")
	f.Fuzz(func(t *testing.T, s string) {
		if m, err := parseManifest(strings.NewReader(s), "."); err == nil && len(m.Cases) == 0 {
			t.Error("a manifest without cases was accepted")
		}
	})
}
