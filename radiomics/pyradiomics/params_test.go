package pyradiomics

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Without a file the original image and 107 features are computed.
func TestDefaults(t *testing.T) {
	p := DefaultParams()
	if n := len(Columns(p)); n != 107 {
		t.Errorf("%d columns, want 107", n)
	}
	want := "{'minimumROIDimensions': 2, 'minimumROISize': None, 'normalize': False, 'normalizeScale': 1, 'removeOutliers': None, " +
		"'resampledPixelSpacing': None, 'interpolator': 'sitkBSpline', 'preCrop': False, 'padDistance': 5, 'distances': [1], 'force2D': False, " +
		"'force2Ddimension': 0, 'resegmentRange': None, 'label': 1, 'additionalInfo': True}"
	if got := p.text.python(); got != want {
		t.Errorf("settings %s\nwant     %s", got, want)
	}
}

const example = `
# as users write them
imageType:
  Original: {}
  LoG:
    sigma: [1, 2.0, 0.5]
    binWidth: 5
  Wavelet:
    binWidth: 10
    wavelet: 'db2'
featureClass:
  shape:
  firstorder: []
  glcm:
    - 'Contrast'
    - Homogeneity1
    - JointEntropy
setting:
  binWidth: 12.5
  label: 2
  interpolator: 'sitkLinear'
  resampledPixelSpacing: [1, 1, 0]
  weightingNorm: # none
  resegmentRange: [400, -50]
  geometryTolerance: '1e-5'
voxelSetting:
  kernelRadius: 2
  initValue: nan
`

// A file is read with the settings of image types over those of all, and the
// same file in JSON means the same.
func TestParse(t *testing.T) {
	fromYAML, err := Parse("x.yaml", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	fromJSON, err := Parse("x.json", []byte("\t"+`{"imageType": {"Original": {},
		"LoG": {"sigma": [1, 2.0, 0.5], "binWidth": 5}, "Wavelet": {"binWidth": 10, "wavelet": "db2"}},
		"featureClass": {"shape": null, "firstorder": [], "glcm": ["Contrast", "Homogeneity1", "JointEntropy"]},
		"setting": {"binWidth": 12.5, "label": 2, "interpolator": "sitkLinear", "resampledPixelSpacing": [1, 1, 0],
			"weightingNorm": null, "resegmentRange": [400, -50], "geometryTolerance": "1e-5"},
		"voxelSetting": {"kernelRadius": 2, "initValue": "nan"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*Params{"yaml": fromYAML, "json": fromJSON} {
		if p.Label != 2 || p.BinWidth != 12.5 || p.Interpolator != Linear || p.ResegmentRange[0] != -50 || p.GeometryTolerance != 1e-5 || p.KernelRadius != 2 {
			t.Errorf("%s: settings %+v", name, p.Settings)
		}
		if b := p.ImageTypes[1].Settings.BinWidth; b != 5 || p.ImageTypes[0].Settings.BinWidth != 12.5 {
			t.Errorf("%s: bin width of LoG %g", name, b)
		}
		var names []string
		for n := range p.ImageTypes {
			names = append(names, p.ImageTypes[n].names()...)
		}
		want := "original log-sigma-1-mm-3D log-sigma-2-0-mm-3D log-sigma-0-5-mm-3D " +
			"wavelet-LLH wavelet-LHL wavelet-LHH wavelet-HLL wavelet-HLH wavelet-HHL wavelet-HHH wavelet-LLL"
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: images %s\nwant %s", name, got, want)
		}
		if n := len(Columns(p)); n != 14+12*(18+2) {
			t.Errorf("%s: %d columns", name, n)
		}
	}
}

// Files of Windows' editors are read: a byte order mark, two ends of line.
func TestParseWindows(t *testing.T) {
	for _, text := range []string{"setting:\r\n  binWidth: 20\r\n", `{"setting": {"binWidth": 20}}`} {
		p, err := Parse("x.yaml", []byte("\ufeff"+text))
		if err != nil || p.BinWidth != 20 {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A wrong file is refused with its line, and a slip with the word that was
// meant.
func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"settings:\n  binWidth: 25\n", `x.yaml: line 1: unknown key "settings"; did you mean "setting"?`},
		{"binWidth: 25\n", `line 1: unknown key "binWidth"; it belongs under setting`},
		{"setting:\n  binwidth: 25\n", `line 2: unknown key "binwidth" under setting; did you mean "binWidth"?`},
		{"setting:\n  label: 1\n  binWidth: 0\n", "line 3: binWidth: 0 is not above 0"},
		{"setting:\n  label: 1.5\n", "line 2: label: want a whole number, have 1.5"},
		{"setting:\n  force2D: 1\n", "line 2: force2D: want true or false, have 1"},
		{"setting:\n  interpolator: sitkBspline\n", `sitkBlackmanWindowedSinc; did you mean "sitkBSpline"?`},
		{"setting:\n  weightingNorm: euclidian\n", `have 'euclidian'; did you mean "euclidean"?`},
		{"setting:\n  resampledPixelSpacing: [1, 1]\n", "line 2: resampledPixelSpacing: want three spacings (x, y, z), mm, have 2"},
		{"setting:\n  binWidth:\n", "line 2: binWidth: want a number, have nothing"},
		{"setting:\n  label: 1\n  label: 2\n", "line 3"},
		{"imageType:\n  Orginal: {}\n", `line 2: image type "Orginal" is not recognized; there are Original, LoG, Wavelet, Square, SquareRoot, Logarithm, Exponential, Gradient, LBP2D, LBP3D; did you mean "Original"?`},
		{"imageType:\n  LoG:\n    sigma: [1, 0]\n", "line 3: sigma: 0: want above 0"},
		{"imageType:\n  Wavelet:\n    wavelet: coif9\n", "line 3: wavelet:"},
		{"imageType:\n  Wavelet: {start_level: 4, level: 5}\n", "line 2: Wavelet: start_level and level make 9 levels"},
		{"featureClass:\n  glcm:\n  - Contrast\n  - JointEntopy\n", `line 4: feature class glcm has no feature 'JointEntopy'; did you mean "JointEntropy"?`},
		{"featureClass:\n  gclm:\n", `line 2: feature class "gclm" is not recognized; there are firstorder, glcm, gldm, glrlm, glszm, ngtdm, shape, shape2D; did you mean "glcm"?`},
		{"- 1\n", "line 1: a parameter file is a mapping"},
		{"setting: {binWidth: [1\n", "line 1"},
		{"setting: {}\n---\nsetting: {}\n", "more than one YAML document"},
		{`{"setting": {` + "\n" + `"binwidth": 3}}`, `line 2: unknown key "binwidth"`},
	} {
		_, err := Parse("x.yaml", []byte(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q:\nerror %v\nwant one with %q", test.text, err, test.want)
		}
	}
}

// Any bytes are read or refused; what is read has columns.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(`{"setting": {"sigma": [1e300]}}`))
	f.Add([]byte("a: &x [1, *x]\nb: *x\n"))
	paths, err := filepath.Glob("testdata/params_*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse("x", text)
		if err == nil {
			Columns(p)
		}
	})
}

// A batch file gives its cases with paths relative to its folder, and names the
// line of what is wrong.
func TestBatch(t *testing.T) {
	text := "ID,Image,Mask,Label,Label_channel\na,im/1.nrrd,\"m,1.nrrd\",2,\nb,/abs/2.nrrd,m2.nrrd,,1\n\nc,i,m\n"
	cases, err := ReadBatch(strings.NewReader(text), "/data")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != 3 || cases[0].Image != "/data/im/1.nrrd" || cases[0].Mask != "/data/m,1.nrrd" || cases[0].Label != 2 || cases[0].LabelChannel != -1 ||
		cases[1].Image != "/abs/2.nrrd" || cases[1].Label != 0 || cases[1].LabelChannel != 1 || cases[2].Line != 5 || cases[2].Fields[0].Value != "c" {
		t.Errorf("cases %+v", cases)
	}
	if cases[0].Label != 2 {
		t.Errorf("label %d, want 2", cases[0].Label)
	}
	for _, test := range []struct{ text, want string }{
		{"", "line 1: no header"},
		{"Image,Segmentation\n", `line 1: required column "Mask" is not present`},
		{"image,Mask\n", `column "image" must be written "Image"`},
		{"Image,Mask\n", "no cases"},
		{"Image,Mask\na,\nb,c\n,d\n", "line 2: column Mask is empty\nline 4: column Image is empty"},
		{"Image,Mask,Label\na,b,x\n", `line 2: column Label: "x" is no whole number from 1`},
		{"Image,Mask\na,b,c\n", "line 2: 3 cells, the header has 2"},
		{"Image,Mask,Mask\n", `column "Mask" stands twice`},
	} {
		_, err := ReadBatch(strings.NewReader(test.text), "")
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v, want one with %q", test.text, err, test.want)
		}
	}
}

func FuzzBatch(f *testing.F) {
	f.Add("Image,Mask,Label\na,b,1\n")
	f.Fuzz(func(t *testing.T, text string) {
		cases, err := ReadBatch(strings.NewReader(text), "/x")
		if err == nil && len(cases) == 0 {
			t.Error("neither cases nor an error")
		}
	})
}
