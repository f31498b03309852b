package phantom

import (
	"context"
	"math"
	"testing"

	"github.com/plaquerisk/plaquerisk/coronary"
)

// Voxels counted in the true masks add up to the exact volumes of the truth.
func TestMaskVolumes(t *testing.T) {
	p := Small(3)
	truth := p.Truth()
	seg, err := p.Segmentation(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for n, s := range seg.Segments {
		if m := seg.Mask(n); m != nil {
			got[s.Name] = m.VolumeMM3()
		}
	}
	for _, a := range truth.Arteries {
		check := func(name string, want, tol float64) {
			t.Helper()
			t.Logf("%s: masks %.2f mm³, truth %.2f (%+.1f %%)", name, got[name], want, 100*(got[name]/want-1))
			if math.Abs(got[name]/want-1) > tol {
				t.Errorf("%s: masks %.2f mm³, truth %.2f mm³: more than %g %% apart", name, got[name], want, 100*tol)
			}
		}
		check(string(a.Artery)+"_lumen", a.LumenVolume, 0.03)
		check(string(a.Artery)+"_wall", a.WallVolume, 0.04)
		for _, q := range a.Plaques {
			check(string(a.Artery)+"_plaque_"+q.Name[4:], q.Volume, 0.08)
		}
	}
}

// Positions made from (s, x, y) project back to (s, x, y).
func TestProject(t *testing.T) {
	p := Demo()
	for _, a := range p.Arteries() {
		node := 0
		for m := range 200 {
			s := 0.4 + (a.Length()-0.8)*float64(m)/199
			x, y := 1.9*math.Cos(float64(m)), 1.9*math.Sin(float64(m))
			f := a.Frame(s)
			pt := f.Origin
			pt.X += x*f.N.X + y*f.B.X
			pt.Y += x*f.N.Y + y*f.B.Y
			pt.Z += x*f.N.Z + y*f.B.Z
			gs, gx, gy, nd := a.curve.project(pt, node)
			node = nd
			if math.Abs(gs-s) > 2e-3 || math.Abs(gx-x) > 2e-3 || math.Abs(gy-y) > 2e-3 {
				t.Fatalf("%s: (%.4f, %.4f, %.4f) comes back as (%.4f, %.4f, %.4f)", a.Artery, s, x, y, gs, gx, gy)
			}
		}
	}
}

// The tree has the lengths, diameters and bends of published anatomy.
func TestTree(t *testing.T) {
	truth := Demo().Truth()
	d := map[coronary.Artery]float64{}
	for _, a := range truth.Arteries {
		t.Logf("%s: length %.1f mm, diameters %.2f to %.2f mm, curvature %.3f /mm, tortuosity %.2f", a.Artery, a.Length,
			a.ProximalDiameter, a.DistalDiameter, a.MeanCurvature, a.Tortuosity)
		d[a.Artery] = a.ProximalDiameter
		if a.DistalDiameter > a.ProximalDiameter {
			t.Errorf("%s widens", a.Artery)
		}
		if a.Artery != coronary.LM && (a.MeanCurvature < 0.03 || a.MeanCurvature > 0.09) {
			t.Errorf("%s: mean curvature %.3f /mm, want 0.03 to 0.09", a.Artery, a.MeanCurvature)
		}
		for _, q := range a.Plaques {
			t.Logf("  %s: %+v", q.Name, q)
		}
	}
	lm := truth.Artery(coronary.LM).DistalDiameter
	if math.Abs(lm-murray(d[coronary.LAD], d[coronary.LCX])) > 1e-9 {
		t.Errorf("left main of %.3f mm breaks Murray's law", lm)
	}
}
