package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// regionsOf returns the voxels of each region of a mask, through the line that
// the commands use.
func regionsOf(t *testing.T, ct, mask string) (counts map[string]int, codes []string) {
	t.Helper()
	p, err := New(DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	counts = map[string]int{}
	notes, err := p.eachRegion(context.Background(), RegionCase{Files: Files{CT: ct, Seg: mask}}, &Profile{Name: ProfileIBSI}, false, func(_ *Input, r *region) error {
		counts[r.name] = r.roi.Count()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notes {
		codes = append(codes, n.Code)
	}
	return counts, codes
}

// Masks of DICOM come through the line as they are: the structure set of the IBSI
// phantom on its CT, named by its file or its folder, and overlapping segments.
func TestDICOMMasks(t *testing.T) {
	ibsi := verify.Shared(t, "data", "ibsi1", "ct_phantom", "dicom")
	for _, mask := range []string{filepath.Join("rtstruct", "DCM_RS_00060.dcm"), "rtstruct"} {
		counts, codes := regionsOf(t, filepath.Join(ibsi, "image"), filepath.Join(ibsi, mask))
		verify.Check{Suite: "pipeline", Case: "IBSI CT phantom, DICOM and RTSTRUCT, mask " + mask, Quantity: "voxels of GTV-1",
			Source: "IBSI 1 (P. Lambin, doi 10.17195/candat.2016.08.1)", Got: float64(counts["GTV-1"]), Want: 125256}.Run(t)
		if s := strings.Join(codes, " "); strings.Contains(s, "PLQ-64") {
			t.Errorf("%s: notes %s", mask, s)
		}
	}
	dir := verify.Shared(t, "data", "dicom", "seg", "ct-3slice")
	ct := t.TempDir()
	for _, name := range []string{"01.dcm", "02.dcm", "03.dcm"} {
		if err := os.Symlink(filepath.Join(dir, name), filepath.Join(ct, name)); err != nil {
			t.Skip(err)
		}
	}
	counts, _ := regionsOf(t, ct, filepath.Join(dir, "partial_overlaps.seg.dcm"))
	for name, want := range map[string]int{"GREEN": 9602, "ORANGE": 11888, "PURPLE": 10743, "LIGHT_BLUE": 6693, "DARK_BLUE": 4713} {
		verify.Check{Suite: "pipeline", Case: "SEG partial_overlaps.seg.dcm on its CT", Quantity: "voxels of " + name,
			Source: "label maps of dcmqi", Got: float64(counts[name]), Want: float64(want)}.Run(t)
	}
}

// What is no mask is refused in words that name the file.
func TestNoMask(t *testing.T) {
	dir := verify.Shared(t, "data", "dicom", "seg", "ct-3slice")
	for path, want := range map[string]string{
		filepath.Join(dir, "01.dcm"): "neither a segmentation nor a structure set",
		dir:                          "a folder with 2 segmentations",
		t.TempDir():                  "a folder without",
	} {
		file, err := maskFile(path)
		if err == nil {
			_, err = readRegions(context.Background(), file, nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", filepath.Base(path), err, want)
		}
	}
}
