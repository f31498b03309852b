package phantom

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nrrd"
)

// Names of what WritePatient leaves in its folder.
const (
	CTFolder         = "ct"
	SegmentationFile = "segmentation.seg.nrrd"
	TruthFile        = "truth.json"
)

// WritePatient scans p and writes into dir the CT series (ct/*.dcm, gated at
// 75 % of the cycle, slices of 0.8 mm every 0.4 mm), the true
// masks (segmentation.seg.nrrd) and the truth (truth.json). The same patient
// gives the same bytes. dir is made if need be; files of these names are
// replaced.
func WritePatient(ctx context.Context, dir string, p *Patient) (*Truth, error) {
	vol, r, err := p.scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("phantom %s: %w", p.Name, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("phantom %s: %w", p.Name, err)
	}
	if err := p.writeCT(ctx, filepath.Join(dir, CTFolder), vol); err != nil {
		return nil, fmt.Errorf("phantom %s: write CT: %w", p.Name, err)
	}
	if err := writeSegmentation(filepath.Join(dir, SegmentationFile), p.segmentation(r)); err != nil {
		return nil, fmt.Errorf("phantom %s: write masks: %w", p.Name, err)
	}
	t := p.Truth()
	if err := writeJSON(filepath.Join(dir, TruthFile), t); err != nil {
		return nil, fmt.Errorf("phantom %s: write truth: %w", p.Name, err)
	}
	return t, nil
}

func writeSegmentation(path string, seg *imaging.Segmentation) error {
	var b bytes.Buffer
	if err := nrrd.WriteSegmentation(&b, seg, true); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// writeCT writes the series. Slices of an earlier, longer series are removed,
// which would otherwise be taken for a part of this one.
func (p *Patient) writeCT(ctx context.Context, dir string, vol *imaging.Volume) error {
	old, err := filepath.Glob(filepath.Join(dir, "IM[0-9][0-9][0-9][0-9][0-9].dcm"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	m := dicom.DefaultMeta()
	m.PatientID = "PHANTOM-" + p.Name
	m.Seed = strconv.FormatUint(p.Seed, 10)
	m.Description = "CCTA 75 % phantom"
	m.Study = "Synthetic coronary CT angiography"
	m.Kernel = p.Scanner.Kernel
	m.ContrastAgent = "IODINE (SYNTHETIC)"
	m.KVp = p.Scanner.KVp
	m.Thickness = 0.8
	m.Phase = 75
	return dicom.Write(ctx, dir, vol, m)
}
