package seg

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// Region is a segment to be written.
type Region struct {
	Name      string
	Track     string        // tracking identifier, by which reports name it; "": the name
	Mask      *imaging.Mask // on voxels of the source
	Category  object.Code   // of the property: object.Abnormal, object.Anatomical
	Type      object.Code   // object.Plaque, …
	Site      object.Code   // anatomic region; zero: not said
	Algorithm string        // AUTOMATIC, SEMIAUTOMATIC or MANUAL
	Maker     string        // name of the algorithm, unless it is MANUAL
	Colour    [3]uint8      // red, green, blue; zero: none
}

// Names of this kind of object.
var kind = object.Kind{Class: Storage, Modality: "SEG", Name: "segmentation"}

// Evidence returns the reference to the object that [Write] makes.
func Evidence(src *object.Source, m *object.Meta) *object.Evidence {
	return &object.Evidence{Series: src.UID(m, kind.Name, "series"), Objects: []object.Ref{{Class: Storage, UID: src.UID(m, kind.Name, "instance")}}}
}

// Tracking returns the UID by which the region of a tracking identifier is known in
// all objects of a source.
func Tracking(src *object.Source, m *object.Meta, id string) (uid string) {
	return src.UID(m, "tracking", id)
}

// Write writes regions as a BINARY segmentation on the slices of a source. Slices
// in which a region is empty are left out, and empty regions with all of them.
func Write(w io.Writer, src *object.Source, regions []Region, m *object.Meta) error {
	g := &src.Grid
	area := g.Size[0] * g.Size[1]
	if g.Size[0] > math.MaxUint16 || g.Size[1] > math.MaxUint16 {
		return fmt.Errorf("seg: write: slices of %d×%d: at most 65535 rows and columns fit", g.Size[0], g.Size[1])
	}
	var frames []*part10.Set
	var bits []byte
	used := make([]bool, g.Size[2])
	type frame struct{ region, slice int }
	var order []frame
	in := make([]bool, area)
	for n, r := range regions {
		err := eachSlice(g, r.Mask, in, func(k int) {
			bits = appendBits(bits, len(order)*area, in)
			order = append(order, frame{n, k})
			used[k] = true
		})
		if err != nil {
			return fmt.Errorf("seg: write: segment %q: %w", r.Name, err)
		}
	}
	if len(order) == 0 {
		return errors.New("seg: write: no region has a voxel on the slices of the source")
	}
	rank := make([]int, g.Size[2]) // of a slice among those with frames, from 1
	for k, last := 0, 0; k < len(rank); k++ {
		if used[k] {
			last++
		}
		rank[k] = last
	}
	for _, f := range order {
		s := &part10.Set{}
		s.Items(0x00089124, src.Derivation(f.slice, object.Segmentation))
		content := &part10.Set{}
		content.Int(0x00209157, "UL", f.region+1, rank[f.slice])
		s.Items(0x00209111, content)
		s.Items(planePosition, src.Position(f.slice))
		which := &part10.Set{}
		which.Int(referencedSegment, "US", f.region+1)
		s.Items(segmentIdentified, which)
		frames = append(frames, s)
	}

	s := src.New(m, kind)
	src.Frame(s)
	src.Content(s, m)
	s.Text(0x00080008, "CS", "DERIVED", "PRIMARY")
	s.Items(0x00081115, src.Series())
	src.Dimensions(s, src.UID(m, kind.Name, "dimensions"), [2]part10.Tag{segmentIdentified, referencedSegment}, [2]part10.Tag{planePosition, imagePosition})
	s.Text(0x00209311, "CS", "3D")
	s.Int(0x00280002, "US", 1)
	s.Text(0x00280004, "CS", "MONOCHROME2")
	s.Int(0x00280008, "IS", len(frames))
	s.Int(0x00280010, "US", g.Size[1])
	s.Int(0x00280011, "US", g.Size[0])
	s.Int(0x00280100, "US", 1)
	s.Int(0x00280101, "US", 1)
	s.Int(0x00280102, "US", 0)
	s.Int(0x00280103, "US", 0)
	s.Text(0x00282110, "CS", "00")
	s.Text(segmentationType, "CS", "BINARY")
	s.Text(0x00700080, "CS", "SEGMENTATION")
	s.Text(0x00700081, "LO", m.Describe)
	s.Text(0x00700084, "PN", m.Program)
	var items []*part10.Set
	for n := range regions {
		items = append(items, regions[n].item(n+1, src, m))
	}
	s.Items(segmentSequence, items...)
	shared := &part10.Set{}
	src.PlaneGroups(shared)
	s.Items(0x52009229, shared)
	s.Items(0x52009230, frames...)
	s.Bytes(part10.PixelData, "OB", bits)
	if err := s.Write(w, m.Program); err != nil {
		return fmt.Errorf("seg: write: %w", err)
	}
	return nil
}

// item describes segment n.
func (r *Region) item(n int, src *object.Source, m *object.Meta) *part10.Set {
	s := &part10.Set{}
	if r.Site != (object.Code{}) {
		s.Items(0x00082218, r.Site.Item())
	}
	s.Items(0x00620003, r.Category.Item())
	s.Int(segmentNumber, "US", n)
	s.Text(segmentLabel, "LO", r.Name)
	s.Text(0x00620008, "CS", r.Algorithm)
	if r.Algorithm != "MANUAL" {
		s.Text(0x00620009, "LO", r.Maker)
	}
	if r.Colour != [3]uint8{} {
		s.Int(0x0062000d, "US", lab(r.Colour)...)
	}
	s.Items(0x0062000f, r.Type.Item())
	id := r.Track
	if id == "" {
		id = r.Name
	}
	s.Text(0x00620020, "UT", id)
	s.Text(0x00620021, "UI", Tracking(src, m, id))
	return s
}

// eachSlice calls f with the slices of g in which m has voxels, upwards; in then
// holds the voxels of the slice.
func eachSlice(g *imaging.Grid, m *imaging.Mask, in []bool, f func(k int)) error {
	if m == nil {
		return nil
	}
	m, err := m.Onto(g, imaging.OnVoxels)
	if err != nil || m == nil {
		return err
	}
	x, y, z := g.Index(m.Origin)
	i0, j0, k0 := int(math.Round(x)), int(math.Round(y)), int(math.Round(z))
	for k := range m.Size[2] {
		clear(in)
		some := false
		for j := range m.Size[1] {
			for i, inside := range m.In[m.Offset(0, j, k):][:m.Size[0]] {
				if inside {
					in[(j0+j)*g.Size[0]+i0+i] = true
					some = true
				}
			}
		}
		if some {
			f(k0 + k)
		}
	}
	return nil
}

// appendBits appends voxels as bits, the first in bit 0; at is the number of bits
// that bits holds. Frames run on without alignment.
func appendBits(bits []byte, at int, in []bool) []byte {
	bits = append(bits, make([]byte, (at+len(in)+7)/8-len(bits))...)
	for n, inside := range in {
		if inside {
			bits[(at+n)>>3] |= 1 << ((at + n) & 7)
		}
	}
	return bits
}

// lab returns a colour of sRGB as CIELab with the white point D65 in the whole
// numbers of DICOM (PS3.3 C.10.7.1.1): L* of 0 to 100, a* and b* of −128 to 127 on
// 0 to 65535.
func lab(rgb [3]uint8) []int {
	var c [3]float64
	for n, v := range rgb {
		x := float64(v) / 255
		if x <= 0.04045 {
			c[n] = x / 12.92
		} else {
			c[n] = math.Pow((x+0.055)/1.055, 2.4)
		}
	}
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124*c[0] + 0.3576*c[1] + 0.1805*c[2]) / 0.9505)
	y := f(0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2])
	z := f((0.0193*c[0] + 0.1192*c[1] + 0.9505*c[2]) / 1.089)
	scale := func(v, lo, hi float64) int { return int(math.Round(min(max((v-lo)/(hi-lo), 0), 1) * 65535)) }
	return []int{scale(116*y-16, 0, 100), scale(500*(x-y), -128, 127), scale(200*(y-z), -128, 127)}
}
