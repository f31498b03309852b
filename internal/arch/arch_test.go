// Package arch guards the map of docs/architecture.md: who may import whom.
package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/plaquerisk/plaquerisk/"

// allowed lists, per package, the packages of this module that it may import
// outside its tests. "x/..." stands for x and all below it. A new arrow is a
// new word here, to be reviewed.
var allowed = map[string]string{
	// Ground.
	"imaging":                 "internal/par",
	"imaging/nifti":           "imaging imaging/internal/voxels",
	"imaging/nrrd":            "imaging imaging/internal/voxels",
	"imaging/mha":             "imaging imaging/internal/voxels",
	"imaging/internal/voxels": "imaging",
	"imaging/format":          "imaging imaging/internal/voxels imaging/nifti imaging/nrrd imaging/mha",
	"feature":                 "",
	"coronary":                "imaging feature internal/par",
	"risk":                    "coronary feature",
	// Stages: no stage imports another.
	"dicom":                        "imaging risk dicom/codec dicom/part10 dicom/pixel internal/par",
	"dicom/archive":                "dicom/part10 internal/atomicfile",
	"dicom/codec":                  "dicom/codec/... internal/par",
	"dicom/codec/frame":            "",
	"dicom/dimse":                  "dicom/archive dicom/part10",
	"dicom/index":                  "dicom dicom/archive dicom/part10 internal/atomicfile internal/par",
	"dicom/web":                    "dicom/archive dicom/part10",
	"dicom/part10":                 "",
	"dicom/deidentify":             "dicom/part10",
	"dicom/part10/suyash":          "dicom/part10",
	"dicom/pixel":                  "dicom/codec dicom/codec/frame dicom/part10 internal/par",
	"dicom/object":                 "imaging dicom dicom/part10",
	"dicom/internal/validate":      "imaging dicom dicom/object",
	"dicom/seg":                    "imaging dicom/object dicom/part10 dicom/pixel",
	"dicom/rtstruct":               "imaging dicom/object dicom/part10 internal/par",
	"dicom/sr":                     "dicom/object dicom/part10",
	"dicom/parametric":             "imaging dicom/object dicom/part10",
	"dicom/document":               "dicom/object",
	"dicom/codec/rle":              "dicom/codec/frame",
	"dicom/codec/jpeg":             "dicom/codec/frame dicom/codec/internal/segment dicom/codec/internal/huffman",
	"dicom/codec/jpegll":           "dicom/codec/frame dicom/codec/internal/segment dicom/codec/internal/huffman",
	"dicom/codec/jpegls":           "dicom/codec/frame dicom/codec/internal/segment",
	"dicom/codec/jpeg2000":         "dicom/codec/frame",
	"dicom/codec/internal/segment": "dicom/codec/frame",
	"dicom/codec/internal/huffman": "dicom/codec/frame",
	"dicom/codec/internal/sample":  "dicom/codec/frame",
	"segmentation":                 "imaging imaging/format coronary risk internal/par internal/suggest",
	"radiomics":                    "imaging feature risk radiomics/filter radiomics/texture radiomics/morphology radiomics/intensity radiomics/maps radiomics/ria internal/par internal/strictyaml",
	"radiomics/filter":             "imaging radiomics/internal/fft internal/par",
	"radiomics/texture":            "feature internal/par",
	"radiomics/morphology":         "feature radiomics/internal/fft internal/par",
	"radiomics/intensity":          "feature internal/par",
	"radiomics/ria":                "feature",
	"radiomics/maps":               "imaging feature radiomics/texture radiomics/intensity internal/par",
	"radiomics/perturb":            "imaging feature internal/par",
	"radiomics/ibsi":               "imaging imaging/format feature radiomics radiomics/filter",
	"radiomics/pyradiomics":        "imaging feature risk radiomics/maps radiomics/filter radiomics/texture radiomics/morphology radiomics/intensity internal/par internal/suggest",
	"radiomics/internal/fft":       "internal/par",
	"fem":                          "fem/... imaging coronary feature risk internal/par",
	"fem/mesh":                     "imaging coronary fem/element internal/par",
	"fem/element":                  "",
	"fem/material":                 "imaging fem/element",
	"fem/sparse":                   "internal/par",
	"fem/voxel":                    "imaging fem/element fem/material fem/mesh fem/sparse internal/par",
	"fem/solid":                    "fem/... internal/par internal/strictyaml internal/suggest",
	"fem/benchmark":                "fem/element fem/material fem/mesh fem/solid",
	"classifier":                   "classifier/boost classifier/calibrate classifier/judge classifier/levels feature risk internal/par",
	"classifier/golearn":           "classifier feature risk",
	"classifier/boost":             "internal/par",
	"classifier/interop":           "classifier/boost",
	"classifier/judge":             "internal/par",
	"classifier/levels":            "",
	"classifier/calibrate":         "classifier/judge",
	"classifier/steps":             "classifier/boost classifier/judge classifier/calibrate classifier/levels internal/par internal/suggest",
	"reports":                      "risk coronary feature imaging internal/version",
	// Whole.
	"pipeline": "imaging/... coronary feature risk dicom dicom/part10 dicom/object dicom/seg dicom/rtstruct dicom/sr dicom/parametric dicom/document segmentation radiomics radiomics/... fem classifier reports internal/par internal/version internal/strictyaml internal/atomicfile",
	"cohort":   "pipeline risk feature coronary internal/version internal/atomicfile",
	// Proof.
	"phantom": "imaging imaging/nrrd coronary dicom internal/par internal/version",
	// Helpers without an opinion.
	"internal/par": "", "internal/verify": "", "internal/golden": "", "internal/arch": "",
	"internal/suggest": "", "internal/version": "", "internal/atomicfile": "",
	"internal/strictyaml": "internal/suggest",
}

// anything lists the packages that may import all others.
var anything = []string{"", "cmd/", "examples/", "verification", "bench/"}

// Every import between packages of this module is an arrow of the map, and no
// package but tests imports the test helpers.
func TestArrows(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath+"/", module)
		name = strings.TrimSuffix(name, "/")
		seen[name] = true
		free := slices.ContainsFunc(anything, func(a string) bool {
			return name == a || (a != "" && strings.HasPrefix(name+"/", strings.TrimSuffix(a, "/")+"/"))
		})
		list, known := allowed[name]
		if !known && !free {
			t.Errorf("package %s is not on the map: add it to internal/arch and docs/architecture.md", name)
			continue
		}
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, module)
			if !ours {
				continue
			}
			if !free && (to == "internal/verify" || to == "internal/golden") {
				t.Errorf("%s imports %s, which only tests may use", name, to)
			}
			if !free && !covers(strings.Fields(list), to) {
				t.Errorf("%s imports %s: no such arrow on the map", name, to)
			}
		}
	}
	for name := range allowed {
		if !seen[name] {
			t.Errorf("the map names package %s, which does not exist", name)
		}
	}
}

// covers tells whether one of the patterns is name or a folder above it.
func covers(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		dir, deep := strings.CutSuffix(p, "/...")
		return p == name || deep && (name == dir || strings.HasPrefix(name, dir+"/"))
	})
}
