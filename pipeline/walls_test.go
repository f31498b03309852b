package pipeline

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/fem"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/internal/verify"
	"github.com/plaquerisk/plaquerisk/risk"
)

// walls solves the small phantom into a folder.
func walls(t *testing.T, cfg Config, pressure string, o SolveOptions) (dir string, res *Result) {
	t.Helper()
	dir = t.TempDir()
	f := files(t)
	f.Pressure = pressure
	res, err := newPipeline(t, cfg).Solve(t.Context(), f, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return dir, res
}

// quick are settings for a coarse mesh.
func quick() Config {
	cfg := DefaultConfig()
	cfg.Mechanics.Around, cfg.Mechanics.Through, cfg.Mechanics.Axial = 16, 3, 1
	return cfg
}

// The patient's own pressure loads the wall, and says so; what is written says
// the same in JSON and tables; stress on the voxels of the CT has the mean of the
// markers.
func TestSolveFiles(t *testing.T) {
	_, base := walls(t, quick(), "", SolveOptions{})
	dir, res := walls(t, quick(), "180/95", SolveOptions{Maps: "nrrd"})
	text, err := os.ReadFile(filepath.Join(dir, MechanicsFile))
	if err != nil {
		t.Fatal(err)
	}
	var w risk.Walls
	if err := json.Unmarshal(text, &w); err != nil {
		t.Fatal(err)
	}
	if w.Format != risk.WallsFormat || w.PressureMMHg != 180 || w.PressureSource != "given for this patient, 180/95 mmHg" || w.Partial || len(w.Arteries) == 0 {
		t.Errorf("%s, %g mmHg: %s; %d arteries, partial %v", w.Format, w.PressureMMHg, w.PressureSource, len(w.Arteries), w.Partial)
	}
	if base.Walls.PressureSource != "settings, not measured in this patient" {
		t.Errorf("without pressure: %s", base.Walls.PressureSource)
	}
	for n := range res.Table.Rows {
		row, before := feature.Vector{Schema: res.Table.Schema, Values: res.Table.Rows[n].Values}, feature.Vector{Schema: base.Table.Schema, Values: base.Table.Rows[n].Values}
		const name = "principal_stress.plaque.p95"
		verify.Check{Suite: "mechanics", Case: "small phantom, " + res.Table.Rows[n].Lesion, Quantity: "stress at 180 over stress at 120 mmHg",
			Source: "linearity", Got: row.Get(name) / before.Get(name), Want: 1.5, Tol: 1e-4}.Run(t)
	}
	for _, ar := range w.Arteries {
		if !ar.Solved || ar.Whole == nil || len(ar.Segments) == 0 || len(ar.Maps) != 5 {
			t.Fatalf("%s: %+v", ar.Name, ar)
		}
		for _, p := range append(ar.Plaques, *ar.Whole) {
			if p.Cap != nil && (p.Cap.Confidence == "low") != (len(p.Cap.Reasons) > 0) {
				t.Errorf("%s: cap %+v", p.Name, p.Cap)
			}
			for _, k := range p.Peaks {
				if k.S < p.FromMM-1 || k.S > p.ToMM+1 || k.Depth < 0 {
					t.Errorf("%s: peak %+v", p.Name, k)
				}
			}
			if len(p.Markers) != res.Table.Schema.Len() || len(p.Discretisation) == 0 {
				t.Errorf("%s: %d markers, %d estimates of the mesh", p.Name, len(p.Markers), len(p.Discretisation))
			}
		}
	}
	for _, s := range w.Solves {
		if len(s.Composition) == 0 || s.MinJacobianWhere == "" || !s.ErrorPercent.Defined() {
			t.Errorf("%s: %+v", s.Artery, s)
		}
	}
	// Maps lie on the voxels of the CT.
	in := read(t, newPipeline(t, quick()))
	vol, err := format.ReadVolume(filepath.Join(dir, w.Arteries[0].Maps[0]))
	if err != nil {
		t.Fatal(err)
	}
	if !vol.Same(&in.Volume.Grid) {
		t.Errorf("map on %v, CT on %v", &vol.Grid, &in.Volume.Grid)
	}
	var r *fem.Result
	for _, s := range res.Solutions {
		if s.Artery == w.Arteries[0].Name {
			r = s.Result
		}
	}
	regions, err := format.ReadSegmentation(filepath.Join(dir, w.Arteries[0].Maps[4]))
	if err != nil {
		t.Fatal(err)
	}
	if len(regions.Segments) != 1+len(w.Arteries[0].Plaques) || regions.Segments[1].Name != w.Arteries[0].Plaques[0].Name {
		t.Errorf("regions %+v", regions.Segments)
	}
	var sum, n, whole, volume float64
	for k, x := range vol.Values {
		if regions.Layers[0][k] != 0 {
			sum, n = sum+float64(x), n+1
		} else if x != 0 {
			t.Fatalf("voxel %d is %g outside the mesh", k, x)
		}
	}
	for k := range r.Points {
		whole, volume = whole+r.Points[k].Sigma1*r.Points[k].Volume, volume+r.Points[k].Volume
	}
	verify.Check{Suite: "mechanics", Case: "small phantom, map of principal stress on the CT's voxels", Quantity: "mean over all voxels in the mesh, kPa",
		Source: "volume-weighted mean of the quadrature points", Got: sum / n, Want: whole / volume, Tol: 0.05 * whole / volume}.Run(t)
	for _, name := range []string{WideFile, LongFile, ArteriesFile, SegmentsFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// With uncertainty every marker has a band around it, and its shares add up.
func TestSolveBands(t *testing.T) {
	if verify.Race {
		t.Skip("slow under the race detector, and TestTruth runs the same goroutines")
	}
	cfg := quick()
	cfg.Mechanics.Uncertainty.Enabled = true
	dir, res := walls(t, cfg, "", SolveOptions{})
	for _, ar := range res.Walls.Arteries {
		for _, p := range append(ar.Plaques, *ar.Whole) {
			for _, m := range p.Markers {
				if !m.Value.Defined() {
					continue
				}
				var sum float64
				for _, s := range m.Shares {
					sum += float64(s)
				}
				if m.Low == nil || !(*m.Low <= m.Value && m.Value <= *m.High) || math.Abs(sum-100) > 1e-6 && !math.IsNaN(sum) {
					t.Errorf("%s %s: %v to %v around %v, shares add up to %g", p.Name, m.Name, m.Low, m.High, m.Value, sum)
				}
			}
		}
	}
	f, err := os.Open(filepath.Join(dir, BandsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rows, err := csv.NewReader(f).ReadAll(); err != nil || len(rows) != 1+4*res.Table.Schema.Len() {
		t.Errorf("%d bands: %v", len(rows), err)
	}
	// The same in an assessment.
	p, err := New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.Assess(t.Context(), read(t, p))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range a.Assessment.Lesions {
		if l.Stress == nil || len(l.Stress.Bands) < 5 {
			t.Errorf("%s: %+v", l.Name, l.Stress)
		}
	}
	if a.Assessment.Mechanics.BandLevel != 90 {
		t.Errorf("bands of %g %%", a.Assessment.Mechanics.BandLevel)
	}
}

// An artery that does not converge is named with the reason, and the files are
// there.
func TestSolvePartial(t *testing.T) {
	cfg := quick()
	cfg.Mechanics.MaxIterations = 1
	dir, res := walls(t, cfg, "", SolveOptions{Maps: "nrrd"})
	if len(res.Unsolved) == 0 || !errors.Is(res.Unsolved[0], fem.ErrNotConverged) || !res.Walls.Partial {
		t.Errorf("errors %v, partial %v", res.Unsolved, res.Walls.Partial)
	}
	for _, ar := range res.Walls.Arteries {
		if ar.Solved || ar.Reason == "" {
			t.Errorf("%+v", ar)
		}
	}
	for _, name := range []string{MechanicsFile, WideFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, MapFolder)); err == nil {
		t.Error("maps without a solution")
	}
}

// Blood pressures are read as they are written in a chart.
func TestBloodPressure(t *testing.T) {
	for _, test := range []struct {
		text string
		want BloodPressure
		ok   bool
	}{
		{"120/80", BloodPressure{120, 80}, true}, {" 135 ", BloodPressure{135, 0}, true}, {"", BloodPressure{}, true}, {"142.5 / 91", BloodPressure{142.5, 91}, true},
		{"80/120", BloodPressure{}, false}, {"16 kPa", BloodPressure{}, false}, {"16", BloodPressure{}, false}, {"120/", BloodPressure{}, false},
		{"NaN/80", BloodPressure{}, false}, {"1e9", BloodPressure{}, false}, {"120/5", BloodPressure{}, false},
	} {
		got, err := ParseBloodPressure(test.text)
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("%q: %v, %v", test.text, got, err)
		}
	}
	if s := (BloodPressure{120, 80}).String(); s != "120/80" {
		t.Error(s)
	}
}
