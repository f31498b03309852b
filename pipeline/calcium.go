package pipeline

import (
	"context"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Stated is what the user says of a scan whose files do not say it; the files,
// and bright blood in the image, win.
type Stated struct {
	KVp         float64 // tube voltage, kV; 0: not stated
	ThicknessMM float64 // of the slices; 0: not stated
	Gated       bool    // triggered by the ECG
	NoContrast  bool    // no contrast agent was given
}

// TotalCalcium is the artery of the row of [Pipeline.Calcium] that holds all.
const TotalCalcium = "total"

// Calcium scores the calcium of a non-contrast, gated scan inside the masks, by
// artery, and inside all of them. calibration, mg/cm³ per HU, gives the mass; 0
// for none. Any other scan is refused (PLQ-625).
func (p *Pipeline) Calcium(ctx context.Context, f Files, said Stated, calibration float64) (*feature.Table, []risk.Note, error) {
	in, err := p.ReadCT(ctx, f)
	if in.Volume == nil || err != nil && ClassOf(err) != Refused { // thick slices without contrast are refused elsewhere, wanted here
		return nil, nil, err
	}
	scan := p.calciumScan(&in, said)
	in.Notes = slices.DeleteFunc(in.Notes, func(n risk.Note) bool { return n.Severity == risk.Refusal })
	if err := scan.Suits(in.Volume); err != nil {
		return nil, nil, fail(Refused, "PLQ-625", err)
	}
	if err := p.ReadMasks(ctx, f, &in); err != nil {
		return nil, nil, err
	}
	table := &feature.Table{Schema: feature.MustSchema(coronary.CalciumColumns()...)}
	all := imaging.NewMask(in.Volume.Grid)
	add := func(name string, region *imaging.Mask) error {
		c, err := coronary.ScoreCalcium(in.Volume, region, scan, calibration)
		if err != nil {
			return fail(Refused, "PLQ-625", err)
		}
		table.Rows = append(table.Rows, feature.Row{Case: in.Case, Patient: in.Case, Artery: name, Lesion: "calcium", Label: feature.Unknown, Values: c.Vector().Values})
		return nil
	}
	for _, name := range append(coronary.Arteries(), "") {
		region, any := imaging.NewMask(in.Volume.Grid), false
		for _, m := range in.Masks {
			if m.Artery == name {
				any = true
				visit(in.Volume, m.Mask, func(i, j, k int, _ float64) {
					o := region.Offset(i, j, k)
					region.In[o], all.In[o] = true, true
				})
			}
		}
		if !any || ctx.Err() != nil {
			continue
		}
		if err := add(string(name), region); err != nil {
			return nil, nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	return table, in.Notes, add(TotalCalcium, all)
}

// calciumScan is what is known of the scan: from its attributes, and from the
// user where these are silent.
func (p *Pipeline) calciumScan(in *Input, said Stated) coronary.Scan {
	known := func(x risk.Number, stated float64) float64 {
		if x.Defined() && x > 0 {
			return float64(x)
		}
		return stated
	}
	s := coronary.Scan{KVp: known(in.Image.KVp, said.KVp), Thickness: known(in.Image.SliceThicknessMM, said.ThicknessMM), Contrast: p.contrast(in, said)}
	if in.Image.Phase != "" || said.Gated {
		s.Gated = coronary.Yes
	}
	return s
}

// contrast tells whether an agent was given. Bright blood shows one. Without it
// a DICOM scan has none unless its header names one, which quality control would
// not note; of another file, which may be a small part of a scan, only the user
// knows.
func (p *Pipeline) contrast(in *Input, said Stated) coronary.Known {
	noted := func(code string) bool {
		return slices.ContainsFunc(in.Notes, func(n risk.Note) bool { return n.Code == code })
	}
	dicomFile := !noted("PLQ-615")
	switch {
	case p.cfg.DICOM.Contrast(in.Volume).Found, dicomFile && !noted(dicom.PLQContrast):
		return coronary.Yes
	case dicomFile, said.NoContrast:
		return coronary.No
	}
	return coronary.Unknown
}

// CalciumTotal returns the Agatston score of all arteries; NaN without a row.
func CalciumTotal(t *feature.Table) float64 {
	for _, r := range t.Rows {
		if r.Artery == TotalCalcium {
			v := feature.Vector{Schema: t.Schema, Values: r.Values}
			return v.Get("calcium.agatston")
		}
	}
	return math.NaN()
}
