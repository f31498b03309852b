package pipeline

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/internal/verify"
	"github.com/plaquerisk/plaquerisk/risk"
)

// An image that is no coronary CT gives features all the same: thick slices and
// large pixels are no obstacle, and DICOM gives what NIfTI gives.
func TestRegionsOfAnyCT(t *testing.T) {
	dir := verify.Shared(t, "data", "ibsi1", "ct_phantom")
	p, err := New(DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	few := filepath.Join(t.TempDir(), "few.yaml")
	if err := os.WriteFile(few, []byte("families: [firstorder]\nround_image_hu: true\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	profile, err := p.Profile("", few)
	if err != nil {
		t.Fatal(err)
	}
	extract := func(ct string) *Regions {
		r, err := p.Regions(t.Context(), RegionCase{Files: Files{CT: filepath.Join(dir, ct), Seg: filepath.Join(dir, "nifti", "mask.nii.gz")}}, profile, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Rows) != 1 || r.Rows[0].Lesion != "label-1" {
			t.Fatalf("rows %+v", r.Rows)
		}
		return r
	}
	a, b := extract("dicom/image"), extract("nifti/image.nii.gz")
	most := 0.0
	for n, x := range a.Rows[0].Values {
		most = max(most, math.Abs(x-b.Rows[0].Values[n]))
	}
	verify.Check{Suite: "imaging", Case: "IBSI CT phantom, DICOM and NIfTI", Quantity: "largest difference of a first-order feature",
		Source: "IBSI 1, the same CT in two formats", Got: most}.Run(t)
	for _, n := range a.Notes {
		if n.Code == "PLQ-111" {
			t.Errorf("note about a coronary CT: %v", n)
		}
	}
}

// The name of a profile, or the file of its parameters, chooses it.
func TestProfile(t *testing.T) {
	p, err := New(DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours := write("a.yaml", "families: [shape]\n")
	whole := write("settings.yaml", "plaquerisk:\n  mechanics:\n    pressure_mmhg: 100\n  radiomics:\n    families: [shape]\n")
	a, err := p.Profile("ibsi", ours)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Profile("ibsi", whole)
	if err != nil || a.Schema.Fingerprint() != b.Schema.Fingerprint() {
		t.Errorf("a settings file gives another profile than its section (%v)", err)
	}
	theirs := write("b.yaml", "imageType:\n  Original: {}\n")
	asJSON := write("c.json", `{"setting": {"binWidth": 10}}`)
	for _, test := range []struct{ name, params, want, err string }{
		{"", "", ProfileIBSI, ""},
		{"", ours, ProfileIBSI, ""},
		{"", theirs, ProfilePyRadiomics, ""},
		{"", asJSON, ProfilePyRadiomics, ""},
		{"coronary", "", ProfileCoronary, ""},
		{"plaque", ours, ProfilePlaque, ""},
		{"pyradiomics", ours, "", `a.yaml: line 1: unknown key "families"`},
		{"ibsi", theirs, "", "use --profile pyradiomics"},
		{"ibsi", write("d.yaml", "familes: [shape]\n"), "", `d.yaml: line 1: unknown key "familes"; did you mean "families"?`},
		{"ibsi", write("e.yaml", "spacing_mm: -1\n"), "", "spacing_mm: -1"},
		{"ibsi", "none.yaml", "", "none.yaml"},
		{"", "ibsi1_c", ProfileIBSI, ""},
		{"ibis", "", "", "want one of ibsi, pyradiomics, coronary, plaque"},
	} {
		got, err := p.Profile(test.name, test.params)
		switch {
		case test.err == "" && err != nil:
			t.Errorf("%s %s: %v", test.name, test.params, err)
		case test.err == "" && got.Name != test.want:
			t.Errorf("%s %s: profile %s, want %s", test.name, test.params, got.Name, test.want)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%s %s: error %v, want %q", test.name, test.params, err, test.err)
		}
	}
}

// Any table of cases is read or refused, never a panic, and a case that is read
// names image and mask.
func FuzzReadRegionCases(f *testing.F) {
	f.Add("case,patient,ct,mask,label,site\na,1,x.nii,y.nii,2,Milan\n")
	f.Add("Image,Mask,Label\nx.nrrd,y.nrrd,\n")
	f.Add("\ufeffct,mask\n\"a\nb\",c,d\n")
	path := filepath.Join(f.TempDir(), "cases.csv")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		cases, err := ReadRegionCases(path)
		if err == nil && len(cases) == 0 {
			t.Error("no cases and no error")
		}
		for _, c := range cases {
			if err == nil && (c.CT == "" || c.Seg == "") {
				t.Errorf("case %+v", c)
			}
		}
	})
}

// A region that cannot be extracted has a row without values and a note; the
// others keep theirs. Where none can, the case is an error.
func TestRegionWithoutFeatures(t *testing.T) {
	dir := t.TempDir()
	g := imaging.NewGrid([3]int{8, 8, 8}, [3]float64{1, 1, 1}, r3.Vec{})
	vol, labels := imaging.NewVolume(g), imaging.NewVolume(g)
	for n := range vol.Values {
		i, j, k := g.Coords(n)
		vol.Values[n] = float32(10*i + j + k)
		if j < 4 && i < 6 {
			labels.Values[n] = float32(1 + i/3) // label 1: below 40, label 2: above
		}
	}
	image, mask, params := filepath.Join(dir, "v.nii"), filepath.Join(dir, "m.nii"), filepath.Join(dir, "p.yaml")
	for path, v := range map[string]*imaging.Volume{image: vol, mask: labels} {
		var b bytes.Buffer
		if err := format.WriteVolume(&b, path, v); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, err := New(DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	extract := func(low, high int) (*Regions, error) {
		if err := os.WriteFile(params, fmt.Appendf(nil, "families: [firstorder]\nrange_hu: [%d, %d]\n", low, high), 0o644); err != nil {
			t.Fatal(err)
		}
		profile, err := p.Profile("", params)
		if err != nil {
			t.Fatal(err)
		}
		return p.Regions(t.Context(), RegionCase{Files: Files{CT: image, Seg: mask}}, profile, false)
	}
	r, err := extract(0, 29)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 2 || math.IsNaN(r.Rows[0].Values[0]) || !math.IsNaN(r.Rows[1].Values[0]) || r.Rows[1].Support[0].Reason != feature.EmptyRegion {
		t.Errorf("rows %+v", r.Rows)
	}
	if !slices.ContainsFunc(r.Notes, func(n risk.Note) bool { return n.Code == "PLQ-612" && n.Where == "label-2" }) {
		t.Errorf("notes %v", r.Notes)
	}
	if _, err := extract(5000, 6000); CodeOf(err) != "PLQ-612" {
		t.Errorf("no region with features: %v", err)
	}
}

// NIfTI's single precision and the corner of a cropped mask place the grid of
// resampling as they do in PyRadiomics.
func TestPyRadiomicsGrid(t *testing.T) {
	dir := t.TempDir()
	g := imaging.NewGrid([3]int{40, 40, 40}, [3]float64{0.3, 0.4, 0.4}, r3.Vec{})
	vol, labels := imaging.NewVolume(g), imaging.NewVolume(g)
	for n := range vol.Values {
		i, j, k := g.Coords(n)
		vol.Values[n] = float32((7*i + 13*j + 29*k) % 101)
		if i >= 9 && i < 32 && j >= 10 && j < 31 && k >= 11 && k < 29 {
			labels.Values[n] = 1
		}
	}
	cropped := imaging.NewVolume(g.Crop([3]int{4, 3, 5}, [3]int{36, 40, 40}))
	for n := range cropped.Values {
		i, j, k := cropped.Coords(n)
		cropped.Values[n] = labels.Values[g.Offset(i+4, j+3, k+5)]
	}
	params := filepath.Join(dir, "p.yaml")
	text := "setting: {resampledPixelSpacing: [0.5, 0.5, 1], interpolator: sitkLinear, padDistance: 40, binWidth: 5}\nfeatureClass: {firstorder: [Mean]}\n"
	if err := os.WriteFile(params, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := New(DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := p.Profile("", params)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		end, name string
		mask      *imaging.Volume
		size      string
		voxels    int
		mean      float64
	}{ // made with PyRadiomics 3.0.1 on images of float32, as ours are
		{".nrrd", "whole mask", labels, "(24, 32, 16)", 1904, 50.00721617706684},
		{".nrrd", "cropped mask", cropped, "(20, 30, 14)", 1792, 50.01088169429983},
		{".nii.gz", "whole mask", labels, "(25, 33, 17)", 1904, 50.00721633434296},
		{".nii.gz", "cropped mask", cropped, "(20, 30, 15)", 1792, 50.01088157828365},
	} {
		files := Files{CT: filepath.Join(dir, "v"+test.end), Seg: filepath.Join(dir, "m"+test.end)}
		for path, v := range map[string]*imaging.Volume{files.CT: vol, files.Seg: test.mask} {
			var b bytes.Buffer
			if err := format.WriteVolume(&b, path, v); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		r, err := p.Regions(t.Context(), RegionCase{Files: files}, profile, false)
		if err != nil {
			t.Fatal(err)
		}
		cell := map[string]string{}
		for _, f := range r.Extra[0] {
			cell[f.Name] = f.Value
		}
		if s := cell["diagnostics_Image-interpolated_Size"]; s != test.size {
			t.Errorf("%s %s: size %s, want %s", test.end, test.name, s, test.size)
		}
		if s := cell["diagnostics_Mask-interpolated_VoxelNum"]; s != fmt.Sprint(test.voxels) {
			t.Errorf("%s %s: %s voxels, want %d", test.end, test.name, s, test.voxels)
		}
		verify.Check{Suite: "radiomics", Case: "resampled, " + test.end + ", " + test.name, Quantity: "original_firstorder_Mean",
			Source: "PyRadiomics 3.0.1", Got: r.Rows[0].Values[0], Want: test.mean, Tol: 1e-8}.Run(t)
	}
}
