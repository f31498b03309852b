package coronary

import (
	"math"

	"github.com/plaquerisk/plaquerisk/feature"
)

// anatomy is the table of anatomical features: what they are called and where
// [Measures] keep them.
var anatomy = []struct {
	feature.Column
	value func(m *Measures) float64
}{
	{column("lesion.length", "mm", "SCCT 2021", "", "Length along the centre-line; of an artery, of all that was segmented."), func(m *Measures) float64 { return m.Length }},
	{column("lesion.distance_from_ostium", "mm", "SCCT 2021", "", "Arc length from the ostium to the proximal end."), func(m *Measures) float64 { return m.From }},
	{column("lumen.diameter_stenosis", "%", "theory C.2", references, "Largest loss of equivalent lumen diameter against the interpolated reference."), func(m *Measures) float64 { return m.DiameterStenosis }},
	{column("lumen.area_stenosis", "%", "theory C.2", references, "Largest loss of lumen area against the interpolated reference."), func(m *Measures) float64 { return m.AreaStenosis }},
	{column("lumen.min_area", "mm²", "SCCT 2021", "", "Smallest lumen area (MLA)."), func(m *Measures) float64 { return m.MinLumenArea }},
	{column("lumen.min_diameter", "mm", "SCCT 2021", "equivalent diameter", "Equivalent diameter of the smallest lumen (MLD)."), func(m *Measures) float64 { return m.MinLumenDiameter }},
	{column("lumen.reference_diameter", "mm", "theory C.1", references, "Reference lumen diameter where the stenosis is largest."), func(m *Measures) float64 { return m.Reference }},
	{column("wall.remodelling_index", "1", "theory C.4", references, "Largest outer diameter over the mean outer diameter of the references."), func(m *Measures) float64 { return m.Remodelling }},
	{column("wall.max_burden", "%", "theory C.3", "", "Largest share of the vessel area that is not lumen."), func(m *Measures) float64 { return m.Burden }},
	{column("wall.mean_burden", "%", "theory C.3", "", "Mean share of the vessel area that is not lumen."), func(m *Measures) float64 { return m.MeanBurden }},
	{column("wall.max_thickness", "mm", "theory C", rays, "Thickest wall."), func(m *Measures) float64 { return m.WallMax }},
	{column("wall.eccentricity", "1", "theory C", rays, "(Thickest − thinnest)/thickest wall, in the section with the thickest wall."), func(m *Measures) float64 { return m.Eccentricity }},
	{column("plaque.volume", "mm³", "SCCT 2021", "voxel count", "Volume of the plaque's voxels."), func(m *Measures) float64 { return m.Plaque }},
	{column("plaque.percent_atheroma_volume", "%", "SCCT 2021", "of the lesion's length", "Plaque volume over the volume inside the outer wall along the same length."), func(m *Measures) float64 { return m.PercentAtheroma }},
	{column("plaque.low_attenuation_volume", "mm³", "SCCT 2021", "voxel count", "Volume of low attenuation plaque."), func(m *Measures) float64 { return m.LowAttenuation }},
	{column("plaque.fibro_fatty_volume", "mm³", "SCCT 2021", "voxel count", "Volume of fibro-fatty plaque."), func(m *Measures) float64 { return m.FibroFatty }},
	{column("plaque.fibrous_volume", "mm³", "SCCT 2021", "voxel count", "Volume of fibrous plaque."), func(m *Measures) float64 { return m.Fibrous }},
	{column("plaque.calcified_volume", "mm³", "SCCT 2021", "voxel count", "Volume of calcified plaque."), func(m *Measures) float64 { return m.Calcified }},
	{column("plaque.low_attenuation_share", "%", "SCCT 2021", "of the plaque volume", "Share of low attenuation plaque."), func(m *Measures) float64 { return share(m.LowAttenuation, m.Plaque) }},
	{column("plaque.calcified_share", "%", "SCCT 2021", "of the plaque volume", "Share of calcified plaque."), func(m *Measures) float64 { return share(m.Calcified, m.Plaque) }},
	{column("plaque.cap_thickness", "mm", "theory C.5", "low attenuation parts of 0.2 mm³ or more; to voxel centres", "Least distance from the lumen border to low attenuation plaque; undefined without."), func(m *Measures) float64 { return m.Cap }},
	{column("centerline.mean_curvature", "1/mm", "theory C", "Gaussian smoothing of 2 mm", "Mean curvature of the centre-line."), func(m *Measures) float64 { return m.Curvature }},
}

const (
	references = "means over 4 mm of plaque-free vessel from 1.5 to 10 mm away, linear in between"
	rays       = "64 rays from the lumen centroid"
)

func column(name, unit, ref, settings, doc string) feature.Column {
	return feature.Column{Name: "anatomy." + name, Unit: unit, Modality: feature.Anatomy, Ref: ref, Settings: settings, Doc: doc}
}

// share returns 100 a/b, NaN for an empty whole.
func share(a, b float64) float64 {
	if !(b > 0) {
		return math.NaN()
	}
	return 100 * a / b
}

var anatomySchema = func() feature.Schema {
	var cols []feature.Column
	for _, a := range anatomy {
		cols = append(cols, a.Column)
	}
	return feature.MustSchema(cols...)
}()

// Columns returns the columns of [Measures.Vector], in order.
func Columns() []feature.Column { return anatomySchema.Columns() }

// Vector returns the measures as features.
func (m *Measures) Vector() feature.Vector {
	v := feature.NewVector(anatomySchema)
	for n, a := range anatomy {
		v.Values[n] = a.value(m)
	}
	return v
}
