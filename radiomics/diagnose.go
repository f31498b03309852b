package radiomics

import (
	"context"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// diagnostic is a check value on the way from the image to the intensities, as
// IBSI names them for comparing programs.
type diagnostic struct {
	name, unit, doc string
	value           func(d *diagnosis) float64
}

// diagnosis is an image and its region at one stage.
type diagnosis struct {
	image        *imaging.Volume
	lo, hi       [3]int // box of the intensity mask
	mlo, mhi     [3]int // box of the morphological mask
	voxels       int    // of the intensity mask
	morphology   int    // voxels of the morphological mask
	whole, inner extent
}

// extent is the mean and range of intensities.
type extent struct{ sum, n, lo, hi float64 }

func (e *extent) add(x float64) {
	if e.n == 0 || x < e.lo {
		e.lo = x
	}
	if e.n == 0 || x > e.hi {
		e.hi = x
	}
	e.sum += x
	e.n++
}

// newDiagnosis describes the voxels at the offsets inside the image, and a mask
// on the same grid.
func newDiagnosis(image *imaging.Volume, inside []int, mask *imaging.Mask) *diagnosis {
	d := &diagnosis{image: image, voxels: len(inside), morphology: mask.Count()}
	for _, x := range image.Values {
		d.whole.add(float64(x))
	}
	m := imaging.NewMask(image.Grid)
	for _, at := range inside {
		d.inner.add(float64(image.Values[at]))
		m.In[at] = true
	}
	d.lo, d.hi, _ = m.Bounds()
	d.mlo, d.mhi, _ = mask.Bounds()
	return d
}

// imageDiagnostics describe the image, which has two stages; regionDiagnostics
// the region, which has three.
var (
	imageDiagnostics = []diagnostic{
		{"img_dim_x", "voxel", "Voxels along i", func(d *diagnosis) float64 { return float64(d.image.Size[0]) }},
		{"img_dim_y", "voxel", "Voxels along j", func(d *diagnosis) float64 { return float64(d.image.Size[1]) }},
		{"img_dim_z", "voxel", "Voxels along k", func(d *diagnosis) float64 { return float64(d.image.Size[2]) }},
		{"vox_dim_x", "mm", "Spacing along i", func(d *diagnosis) float64 { return d.image.Spacing[0] }},
		{"vox_dim_y", "mm", "Spacing along j", func(d *diagnosis) float64 { return d.image.Spacing[1] }},
		{"vox_dim_z", "mm", "Spacing along k", func(d *diagnosis) float64 { return d.image.Spacing[2] }},
		{"mean_int", "HU", "Mean intensity of the image", func(d *diagnosis) float64 { return d.whole.sum / d.whole.n }},
		{"min_int", "HU", "Smallest intensity of the image", func(d *diagnosis) float64 { return d.whole.lo }},
		{"max_int", "HU", "Largest intensity of the image", func(d *diagnosis) float64 { return d.whole.hi }},
	}
	regionDiagnostics = []diagnostic{
		{"int_mask_dim_x", "voxel", "Voxels of the intensity mask's grid along i", func(d *diagnosis) float64 { return float64(d.image.Size[0]) }},
		{"int_mask_dim_y", "voxel", "Voxels of the intensity mask's grid along j", func(d *diagnosis) float64 { return float64(d.image.Size[1]) }},
		{"int_mask_dim_z", "voxel", "Voxels of the intensity mask's grid along k", func(d *diagnosis) float64 { return float64(d.image.Size[2]) }},
		{"int_mask_bb_dim_x", "voxel", "Extent of the intensity mask along i", func(d *diagnosis) float64 { return float64(d.hi[0] - d.lo[0]) }},
		{"int_mask_bb_dim_y", "voxel", "Extent of the intensity mask along j", func(d *diagnosis) float64 { return float64(d.hi[1] - d.lo[1]) }},
		{"int_mask_bb_dim_z", "voxel", "Extent of the intensity mask along k", func(d *diagnosis) float64 { return float64(d.hi[2] - d.lo[2]) }},
		{"morph_mask_bb_dim_x", "voxel", "Extent of the morphological mask along i", func(d *diagnosis) float64 { return float64(d.mhi[0] - d.mlo[0]) }},
		{"morph_mask_bb_dim_y", "voxel", "Extent of the morphological mask along j", func(d *diagnosis) float64 { return float64(d.mhi[1] - d.mlo[1]) }},
		{"morph_mask_bb_dim_z", "voxel", "Extent of the morphological mask along k", func(d *diagnosis) float64 { return float64(d.mhi[2] - d.mlo[2]) }},
		{"int_mask_vox_count", "voxel", "Voxels of the intensity mask", func(d *diagnosis) float64 { return float64(d.voxels) }},
		{"morph_mask_vox_count", "voxel", "Voxels of the morphological mask", func(d *diagnosis) float64 { return float64(d.morphology) }},
		{"int_mask_mean_int", "HU", "Mean intensity in the intensity mask", func(d *diagnosis) float64 { return d.inner.sum / d.inner.n }},
		{"int_mask_min_int", "HU", "Smallest intensity in the intensity mask", func(d *diagnosis) float64 { return d.inner.lo }},
		{"int_mask_max_int", "HU", "Largest intensity in the intensity mask", func(d *diagnosis) float64 { return d.inner.hi }},
	}
	stages = []struct {
		table  []diagnostic
		suffix string
		doc    string
	}{
		{imageDiagnostics, "_init_img", ", as read."},
		{imageDiagnostics, "_interp_img", ", after interpolation."},
		{regionDiagnostics, "_init_roi", ", as drawn."},
		{regionDiagnostics, "_interp_roi", ", after interpolation."},
		{regionDiagnostics, "_reseg_roi", ", after re-segmentation."},
	}
)

func diagnosticColumns(c *view) []feature.Column {
	var cols []feature.Column
	for _, s := range stages {
		for _, d := range s.table {
			col := c.column("diagnostics."+d.name+s.suffix, d.unit, "", c.intensitySettings(), d.doc+s.doc)
			col.Ref = "IBSI diagnostics"
			cols = append(cols, col)
		}
	}
	return cols
}

func diagnosticValues(_ context.Context, _ *scratch, r *region, _ *grey, _ *view, dst []float64, support []feature.Support) error {
	first := newDiagnosis(r.scene.original, offsets(r.scene.drawn), r.scene.drawn)
	second := newDiagnosis(r.image, offsets(r.mask), r.mask)
	third := newDiagnosis(r.image, r.inside, r.mask)
	n := 0
	for m, d := range []*diagnosis{first, second, first, second, third} {
		for _, row := range stages[m].table {
			dst[n], support[n] = row.value(d), feature.Support{Voxels: d.voxels}
			n++
		}
	}
	return nil
}

// offsets returns the places of the voxels of m.
func offsets(m *imaging.Mask) []int {
	var at []int
	for n, in := range m.In {
		if in {
			at = append(at, n)
		}
	}
	return at
}
