package coronary

import "github.com/plaquerisk/plaquerisk/feature"

// fats is the table of the features of [Fat], which every plaque of an artery
// shares.
var fats = []struct {
	feature.Column
	value func(f *Fat) float64
}{
	{fatColumn("mean", "HU", "Mean attenuation of the fat around the artery of the plaque."), func(f *Fat) float64 { return f.MeanHU }},
	{fatColumn("mean_120kv", "HU", "The mean, corrected to a tube voltage of 120 kV; undefined for a voltage without a published factor."), func(f *Fat) float64 { return f.Mean120HU }},
	{fatColumn("standard_deviation", "HU", "Standard deviation of that attenuation."), func(f *Fat) float64 { return f.SDHU }},
	{fatColumn("volume", "mm³", "Volume of the fat."), func(f *Fat) float64 { return f.Volume }},
	{fatColumn("share", "%", "Share of fat in the tissue within one vessel diameter."), func(f *Fat) float64 { return f.Share }},
	{fatColumn("length", "mm", "Length of artery that was measured, at most 40 mm."), func(f *Fat) float64 { return f.To - f.From }},
}

func fatColumn(name, unit, doc string) feature.Column {
	return feature.Column{Name: "pcat.artery." + name, Unit: unit, Modality: feature.Anatomy, Ref: "theory C.7",
		Settings: "-190 to -30 HU within one vessel diameter; RCA 10 to 50 mm, LAD and LCX 0 to 40 mm", Doc: doc}
}

var fatSchema = func() feature.Schema {
	var cols []feature.Column
	for _, f := range fats {
		cols = append(cols, f.Column)
	}
	return feature.MustSchema(cols...)
}()

// FatColumns returns the columns of [Fat.Vector], in order.
func FatColumns() []feature.Column { return fatSchema.Columns() }

// Vector returns the attenuation as features; f may be nil where the literature
// measures none, as around the left main.
func (f *Fat) Vector() feature.Vector {
	v := feature.NewVector(fatSchema)
	if f == nil {
		return v
	}
	for n, x := range fats {
		v.Values[n] = x.value(f)
	}
	return v
}
