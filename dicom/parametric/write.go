package parametric

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// Storage is the class of parametric maps.
const Storage = "1.2.840.10008.5.1.4.1.1.30"

// Map is a quantity on the voxels of the source.
type Map struct {
	Name     string // tells maps of one source apart: "LAD_principal_stress"
	Quantity object.Code
	Unit     object.Code // UCUM
	Made     object.Code // how it was derived from the images
	Site     object.Code // anatomic region
	Values   *imaging.Volume
}

func (p *Map) kind() object.Kind {
	return object.Kind{Class: Storage, Modality: "OT", Name: "map " + p.Name}
}

// Write writes a map.
func Write(w io.Writer, src *object.Source, p *Map, m *object.Meta) error {
	fail := func(err error) error { return fmt.Errorf("parametric: write %s: %w", p.Name, err) }
	v := p.Values
	if !v.Grid.Same(&src.Grid) {
		return fail(&imaging.GeometryError{Image: src.Grid, Mask: v.Grid, Reason: "the map is not on the voxels of the source"})
	}
	if v.Size[0] > math.MaxUint16 || v.Size[1] > math.MaxUint16 {
		return fail(fmt.Errorf("slices of %d×%d: at most 65535 rows and columns fit", v.Size[0], v.Size[1]))
	}
	area := v.Size[0] * v.Size[1]
	some := func(x float32) bool { return x != 0 }
	first := slices.IndexFunc(v.Values, some)
	if first < 0 {
		return fail(errors.New("no voxel has a value"))
	}
	last := len(v.Values) - 1
	for !some(v.Values[last]) {
		last--
	}
	from, to := first/area, last/area+1
	lo, hi := math.Inf(1), math.Inf(-1)
	pixels := make([]byte, 0, 4*area*(to-from))
	for _, x := range v.Values[from*area : to*area] {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return fail(errors.New("a value is not finite"))
		}
		if x != 0 {
			lo, hi = min(lo, float64(x)), max(hi, float64(x))
		}
		b := math.Float32bits(x)
		pixels = append(pixels, byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
	}

	frameType := []string{"DERIVED", "PRIMARY", "VOLUME", "NONE"}
	shared := &part10.Set{}
	src.PlaneGroups(shared)
	shared.Items(0x00409092, text(0x00089007, "CS", frameType...)) // ParametricMapFrameType
	voi := &part10.Set{}
	voi.Float(0x00281050, "DS", (lo+hi)/2)
	voi.Float(0x00281051, "DS", max(hi-lo, 1e-6))
	voi.Text(0x00281056, "CS", "LINEAR_EXACT") // which may be narrower than 1
	shared.Items(0x00289132, voi)
	identity := &part10.Set{}
	identity.Float(0x00281052, "DS", 0)
	identity.Float(0x00281053, "DS", 1)
	identity.Text(0x00281054, "LO", "US")
	shared.Items(0x00289145, identity)
	anatomy := &part10.Set{}
	anatomy.Items(0x00082218, p.Site.Item())
	anatomy.Text(0x00209072, "CS", "U")
	shared.Items(0x00209071, anatomy)
	shared.Items(0x00409096, p.meaning(lo, hi))

	var frames []*part10.Set
	for k := from; k < to; k++ {
		f := &part10.Set{}
		f.Items(0x00089124, src.Derivation(k, p.Made))
		content := &part10.Set{}
		content.Int(0x00209157, "UL", k-from+1)
		f.Items(0x00209111, content)
		f.Items(0x00209113, src.Position(k))
		frames = append(frames, f)
	}

	s := src.New(m, p.kind())
	src.Frame(s)
	src.Content(s, m)
	s.Text(0x00080008, "CS", frameType...)
	s.Items(0x00081115, src.Series())
	src.Dimensions(s, src.UID(m, p.kind().Name, "dimensions"), [2]part10.Tag{0x00209113, 0x00200032})
	s.Text(0x00209311, "CS", "3D")
	s.Int(0x00280002, "US", 1)
	s.Text(0x00280004, "CS", "MONOCHROME2")
	s.Int(0x00280008, "IS", len(frames))
	s.Int(0x00280010, "US", v.Size[1])
	s.Int(0x00280011, "US", v.Size[0])
	s.Int(0x00280100, "US", 32)
	s.Float(0x00280122, "FL", 0) // FloatPixelPaddingValue, and the end of its range
	s.Float(0x00280124, "FL", 0)
	s.Text(0x00280301, "CS", "NO")
	s.Text(0x00280302, "CS", "NO") // RecognizableVisualFeatures
	s.Text(0x00282110, "CS", "00")
	s.Text(0x00189004, "CS", "RESEARCH")
	s.Items(0x00400555) // AcquisitionContext
	s.Text(0x20500020, "CS", "IDENTITY")
	s.Text(0x00700080, "CS", "PARAMETRIC_MAP")
	s.Text(0x00700081, "LO", m.Describe)
	s.Text(0x00700084, "PN", m.Program)
	s.Items(0x52009229, shared)
	s.Items(0x52009230, frames...)
	s.Bytes(0x7fe00008, "OF", pixels)
	if err := s.Write(w, m.Program); err != nil {
		return fail(err)
	}
	return nil
}

// meaning is the item of RealWorldValueMapping for stored values from lo to hi.
func (p *Map) meaning(lo, hi float64) *part10.Set {
	q := &part10.Set{}
	q.Text(0x0040a040, "CS", "CODE")
	q.Items(0x0040a043, object.Code{Value: "246205007", Scheme: "SCT", Meaning: "Quantity"}.Item())
	q.Items(0x0040a168, p.Quantity.Item())
	s := &part10.Set{}
	s.Text(0x00283003, "LO", p.Quantity.Meaning)
	s.Items(0x004008ea, p.Unit.Item())
	s.Text(0x00409210, "SH", p.Quantity.Value)
	s.Float(0x00409213, "FD", hi)
	s.Float(0x00409214, "FD", min(lo, 0))
	s.Items(0x00409220, q)
	s.Float(0x00409224, "FD", 0)
	s.Float(0x00409225, "FD", 1)
	return s
}

func text(t part10.Tag, vr string, values ...string) *part10.Set {
	s := &part10.Set{}
	s.Text(t, vr, values...)
	return s
}
