package pipeline

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
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
