package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// Converted series have the HU that pydicom and GDCM give, in both formats and
// for every phase of one series.
func TestConvert(t *testing.T) {
	root := verify.Shared(t, "data", "dicom")
	table, err := os.ReadFile(filepath.Join(root, "series.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{"synthetic_phases": "series/synthetic_phases", "ct-3slice": "seg/ct-3slice", "head_5mm": "series/head_5mm"}
	for n, line := range strings.Split(strings.TrimSpace(string(table)), "\n")[1:] {
		row := strings.Split(line, "\t")
		name, phase, _ := strings.Cut(row[0], " phase ")
		if name == "head_5mm" && testing.Short() {
			continue
		}
		out := filepath.Join(t.TempDir(), "ct"+[]string{".nii.gz", ".nrrd", ".nii"}[n%3])
		args := []string{"dicom", "convert", filepath.Join(root, folders[name]), "--series", row[1], "--out", out}
		if phase != "" {
			args = append(args, "--phase", phase)
		}
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), args, &stdout, &stderr); status != 0 {
			t.Errorf("%s: exit %d, %s", row[0], status, &stderr)
			continue
		}
		v, err := format.ReadVolume(out)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 0, 2*len(v.Values))
		for _, hu := range v.Values {
			b = binary.LittleEndian.AppendUint16(b, uint16(int16(hu)))
		}
		sum := sha256.Sum256(b)
		differ := 0.0
		if hex.EncodeToString(sum[:]) != row[15] {
			differ = 1
		}
		verify.Check{Suite: "dicom series", Case: "converted: " + row[0], Quantity: "SHA-256 of HU differs", Source: "pydicom and GDCM (series.tsv)", Got: differ}.Run(t)
	}
}
