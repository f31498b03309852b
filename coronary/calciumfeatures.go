package coronary

import "github.com/plaquerisk/plaquerisk/feature"

// calciums is the table of the features of [Calcium].
var calciums = []struct {
	feature.Column
	value func(c *Calcium) float64
}{
	{calciumColumn("agatston", "1", "Agatston score."), func(c *Calcium) float64 { return c.Agatston }},
	{calciumColumn("volume", "mm³", "Volume of the pixels of the lesions."), func(c *Calcium) float64 { return c.Volume }},
	{calciumColumn("mass", "mg", "Mass of hydroxyapatite; undefined without a calibration."), func(c *Calcium) float64 { return c.Mass }},
	{calciumColumn("lesions", "1", "Number of lesions, connected over slices."), func(c *Calcium) float64 { return float64(c.Lesions) }},
}

func calciumColumn(name, unit, doc string) feature.Column {
	return feature.Column{Name: "calcium." + name, Unit: unit, Modality: feature.Anatomy, Ref: "theory C.6",
		Settings: "130 HU or more, 1 mm² or more in a slice, eight neighbours; non-contrast, gated, 120 kVp, slices of 2.5 to 3 mm", Doc: doc}
}

var calciumSchema = func() feature.Schema {
	var cols []feature.Column
	for _, c := range calciums {
		cols = append(cols, c.Column)
	}
	return feature.MustSchema(cols...)
}()

// CalciumColumns returns the columns of [Calcium.Vector], in order.
func CalciumColumns() []feature.Column { return calciumSchema.Columns() }

// Vector returns the score as features.
func (c *Calcium) Vector() feature.Vector {
	v := feature.NewVector(calciumSchema)
	for n, x := range calciums {
		v.Values[n] = x.value(c)
	}
	return v
}
