package object

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// PlaneGroups puts into shared what all frames on the slices of the source have
// in common: orientation and size of voxels.
func (src *Source) PlaneGroups(shared *part10.Set) {
	g := &src.Grid
	x, y := g.Axes[0], g.Axes[1]
	o := &part10.Set{}
	o.Float(0x00200037, "DS", x.X, x.Y, x.Z, y.X, y.Y, y.Z)
	shared.Items(0x00209116, o)
	m := &part10.Set{}
	apart := g.Spacing[2] * math.Abs(r3.Dot(r3.Cross(x, y), g.Axes[2]))
	m.Float(0x00180050, "DS", apart)
	m.Float(0x00180088, "DS", apart)
	m.Float(0x00280030, "DS", g.Spacing[1], g.Spacing[0]) // between rows first
	shared.Items(0x00289110, m)
}

// Position is the item of a PlanePositionSequence for slice k.
func (src *Source) Position(k int) *part10.Set {
	s := &part10.Set{}
	p := src.Grid.Point(0, 0, float64(k))
	s.Float(0x00200032, "DS", p.X, p.Y, p.Z)
	return s
}

// Derivation is the item of a DerivationImageSequence for slice k.
func (src *Source) Derivation(k int, how Code) *part10.Set {
	image := src.Images[k].SOP()
	image.Text(0x0028135a, "CS", "YES") // SpatialLocationsPreserved
	image.Items(0x0040a170, SourceImage.Item())
	s := &part10.Set{}
	s.Items(0x00082112, image)
	s.Items(0x00089215, how.Item())
	return s
}

// Dimensions puts the dimensions along which frames are counted, each a tag in a
// functional group.
func (src *Source) Dimensions(s *part10.Set, uid string, dimensions ...[2]part10.Tag) {
	org := &part10.Set{}
	org.Text(0x00209164, "UI", uid)
	s.Items(0x00209221, org)
	var items []*part10.Set
	for _, d := range dimensions {
		it := &part10.Set{}
		it.Text(0x00209164, "UI", uid)
		it.Bytes(0x00209165, "AT", at(d[1]))
		it.Bytes(0x00209167, "AT", at(d[0]))
		it.Text(0x00209421, "LO", d[1].Keyword())
		items = append(items, it)
	}
	s.Items(0x00209222, items...)
}

// at returns a tag as the value of an element.
func at(t part10.Tag) []byte { return []byte{byte(t >> 16), byte(t >> 24), byte(t), byte(t >> 8)} }
