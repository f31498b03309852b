package ibsi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/radiomics"
)

// least is the number of teams that must agree for a row to count.
const least = 4

// sarcomas compares both chapters on the cases STS_nnn.
func sarcomas(ctx context.Context, dir string, add func(*Suite)) error {
	dir = filepath.Join(dir, "ibsi_validation")
	images, err := filepath.Glob(filepath.Join(dir, "STS_*_CT_image.nii.gz"))
	if err != nil {
		return err
	}
	if len(images) == 0 {
		return fmt.Errorf("%s: no file STS_nnn_CT_image.nii.gz: %w", dir, fs.ErrNotExist)
	}
	slices.Sort(images)
	first, err := readFile(filepath.Join(dir, "ibsi1_phase3_ct_values.csv"))
	if err != nil {
		return err
	}
	second, err := readFile(filepath.Join(dir, "ibsi2_phase3_ct_values.csv"))
	if err != nil {
		return err
	}
	for _, image := range images {
		name := strings.TrimSuffix(filepath.Base(image), "_CT_image.nii.gz")
		vol, mask, err := read(image, filepath.Join(dir, name+"_CT_mask.nii.gz"))
		if err != nil {
			return err
		}
		cfg, _, err := radiomics.Preset("ibsi1_phase3")
		if err != nil {
			return err
		}
		cfg.Families = append(slices.Clone(cfg.Families), "diagnostics")
		v, _, err := radiomics.Extract(ctx, vol, mask, cfg)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		find := newFinder(&v)
		one, err := agreed("IBSI 1, phase 3, "+name, name, first, func(r record, row *Row) {
			if r["family"] == "diagnostic" {
				diagnostic(&v, r["tag"], row)
				return
			}
			if c := volumeHistogram[r["tag"]]; c != "" {
				row.Code = c
			}
			find.fill(row, row.Code, "")
		})
		if err != nil {
			return err
		}
		add(one)
		if cfg, _, err = radiomics.Preset("ibsi2_phase3"); err != nil {
			return err
		}
		if v, _, err = radiomics.Extract(ctx, vol, mask, cfg); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		two, err := agreed("IBSI 2, phase 3, "+name, name, second, func(r record, row *Row) { filtered(&v, r["config"], row.Code, row) })
		if err != nil {
			return err
		}
		add(two)
	}
	return nil
}

// volumeHistogram gives the codes of features of the intensity-volume histogram,
// which share one in the tables.
var volumeHistogram = map[string]string{
	"ivh_v10": "NK6P", "ivh_v90": "4279", "ivh_i10": "PWN1", "ivh_i90": "BOHI", "ivh_diff_v10_v90": "WITY", "ivh_diff_i10_i90": "JXJA",
}

// agreed compares the rows of a patient on which enough teams agree.
func agreed(title, patient string, table []record, fill func(r record, row *Row)) (*Suite, error) {
	s := &Suite{Name: title, Allowed: 0.01}
	for _, r := range table {
		if r["patient"] != patient {
			continue
		}
		x, err := r.numbers("n_agree", "value", "max_abs_dev_of_agreeing")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", title, err)
		}
		if x[0] < least {
			continue
		}
		row := Row{Quantity: r["feature"], Code: r["ibsi_id"], Want: x[1], Tol: max(0.005*math.Abs(x[1]), 1.5*x[2]), Missing: true}
		fill(r, &row)
		s.Rows = append(s.Rows, row)
	}
	return s, nil
}

// All runs every suite: the digital phantom, and, if dir is not "", those whose
// data lie in dir. done, if not nil, is called with each suite in turn.
func All(ctx context.Context, dir string, done func(*Suite)) ([]*Suite, error) {
	var all []*Suite
	add := func(s *Suite) {
		all = append(all, s)
		if done != nil {
			done(s)
		}
	}
	s, err := Digital(ctx)
	if err != nil {
		return nil, err
	}
	add(s)
	if dir == "" {
		return all, nil
	}
	found := false
	for _, part := range []struct {
		name  string
		needs []string
		run   func(ctx context.Context, dir string, add func(*Suite)) error
	}{
		{"IBSI 1, CT phantom, configurations A to E", []string{"ibsi1/ct_phantom", "ibsi1/ibsi1_reference_values.csv", "ibsi1/ibsi1_diagnostic_values.csv"}, configurations},
		{"IBSI 2, phase 1, response maps", []string{"ibsi2/response_maps"}, responseMaps},
		{"IBSI 2, phase 2", []string{"ibsi2/ibsi2_reference_values.csv", "ibsi1/ct_phantom"}, filteredPhantom},
		{"IBSI 1 and 2, phase 3", []string{"ibsi_validation"}, sarcomas},
	} {
		missing, err := absent(dir, part.needs)
		if err != nil {
			return nil, err
		}
		if missing != "" {
			add(&Suite{Name: part.name, Skipped: missing + " is not there"})
			continue
		}
		found = true
		if err := part.run(ctx, dir, add); err != nil {
			return nil, err
		}
	}
	if !found {
		return nil, fmt.Errorf("%s holds none of the folders ibsi1, ibsi2 and ibsi_validation", dir)
	}
	return all, nil
}

// absent returns the first of the files or folders that is not in dir, or "".
func absent(dir string, names []string) (string, error) {
	for _, name := range names {
		at := filepath.Join(dir, filepath.FromSlash(name))
		switch _, err := os.Stat(at); {
		case errors.Is(err, fs.ErrNotExist):
			return at, nil
		case err != nil:
			return "", err
		}
	}
	return "", nil
}
