package interop

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// hold fails if reading raw panics, takes more than 64 bytes for each byte of
// the file and a floor for small ones, or gives a model that cannot be used.
func hold(t *testing.T, raw []byte, how func(io.Reader) (*boost.Model, error)) {
	var m *boost.Model
	var err error
	bytesTaken := allocated(func() { m, err = how(bytes.NewReader(raw)) })
	if most := uint64(64*len(raw) + 1<<16); bytesTaken > most {
		t.Fatalf("%d bytes allocated for a file of %d", bytesTaken, len(raw))
	}
	if err != nil {
		return
	}
	f, row := make([]float64, m.Margins), make([]float64, len(m.Features))
	m.Margin(f, row)
	m.Predict(f, row)
	if err := WriteXGBoostJSON(io.Discard, m); err != nil {
		t.Fatalf("written again: %v", err)
	}
}

// seeds adds files that are read well: our own, and the shared ones if they are
// here.
func seeds(f *testing.F, write func(io.Writer, *boost.Model) error, shared ...string) {
	for _, o := range []boost.Objective{boost.Logistic, boost.Softmax} {
		head, rows, y := synthetic(o)
		cfg := boost.DefaultConfig()
		cfg.Objective, cfg.Classes, cfg.Rounds, cfg.MaxLeaves, cfg.CategorySmoothing = o, 3, 2, 5, 0
		m, err := boost.Fit(f.Context(), sample(head, rows, y), cfg)
		if err != nil {
			f.Fatal(err)
		}
		var b bytes.Buffer
		if err := write(&b, m); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	root := os.Getenv("PLAQUERISK_SHARED")
	for _, name := range shared {
		if root == "" {
			break
		}
		raw, err := os.ReadFile(filepath.Join(root, "data", "tabular", "known", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
}

func FuzzXGBoostJSON(f *testing.F) {
	seeds(f, WriteXGBoostJSON, "handmade_xgboost.json")
	f.Fuzz(func(t *testing.T, raw []byte) { hold(t, raw, ReadXGBoostJSON) })
}

func FuzzXGBoostUBJ(f *testing.F) {
	seeds(f, WriteXGBoostUBJ, "handmade_xgboost.ubj")
	f.Add([]byte("{L\x00\x00\x00\x00\x00\x00\x00\x07learner[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) { hold(t, raw, ReadXGBoostUBJ) })
}

func FuzzLightGBM(f *testing.F) {
	seeds(f, WriteLightGBM, "handmade_lightgbm_v3.txt")
	f.Fuzz(func(t *testing.T, raw []byte) { hold(t, raw, ReadLightGBM) })
}

// The densest files, those that make most values of each byte, stay within the
// bound, and so do the shared ones.
func TestMemory(t *testing.T) {
	dense := []byte(`{"learner":[`)
	for range 20000 {
		dense = append(dense, "{},"...)
	}
	dense = append(dense, "{}]}"...)
	hold(t, dense, ReadXGBoostJSON)
	ubj := append([]byte("{U\x07learner["), bytes.Repeat([]byte("{}"), 30000)...)
	hold(t, append(ubj, "]}"...), ReadXGBoostUBJ)
	ubj = append([]byte("{U\x07learner["), bytes.Repeat([]byte("[]"), 30000)...)
	hold(t, append(ubj, "]}"...), ReadXGBoostUBJ)
	ubj = append([]byte("{U\x07learner["), bytes.Repeat([]byte("T"), 60000)...)
	hold(t, append(ubj, "]}"...), ReadXGBoostUBJ)
	hold(t, append([]byte("tree\n"), bytes.Repeat([]byte("a\nb\nc\n\n"), 20000)...), ReadLightGBM)
	raw, err := os.ReadFile(verify.Shared(t, "data", "tabular", "known", "xgb_cleveland_10x3.json"))
	if err != nil {
		t.Fatal(err)
	}
	hold(t, raw, ReadXGBoostJSON)
}

// A file that holds a model is read within 64 bytes for each of its own, with
// no floor: whole, and cut off anywhere.
func TestMemoryOfModels(t *testing.T) {
	head, rows, y := synthetic(boost.Logistic)
	cfg := boost.DefaultConfig()
	cfg.Rounds, cfg.MaxLeaves, cfg.CategorySmoothing = 20, 8, 0
	m, err := boost.Fit(t.Context(), sample(head, rows, y), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for name, format := range map[string]struct {
		write func(io.Writer, *boost.Model) error
		read  func(io.Reader) (*boost.Model, error)
	}{
		"XGBoost JSON": {WriteXGBoostJSON, ReadXGBoostJSON},
		"XGBoost UBJ":  {WriteXGBoostUBJ, ReadXGBoostUBJ},
		"LightGBM":     {WriteLightGBM, ReadLightGBM},
	} {
		var b bytes.Buffer
		if err := format.write(&b, m); err != nil {
			t.Fatal(err)
		}
		for part := 1; part <= 8; part++ {
			raw := b.Bytes()[:b.Len()*part/8]
			var err error
			taken := allocated(func() { _, err = format.read(bytes.NewReader(raw)) })
			if most := uint64(64 * len(raw)); taken > most {
				t.Errorf("%s, %d bytes of %d: %d allocated, want at most %d", name, len(raw), b.Len(), taken, most)
			}
			if part == 8 && err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
