package rtstruct

import (
	"errors"
	"fmt"
	"io"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// Region is a region to be written.
type Region struct {
	Name      string
	Mask      *imaging.Mask // on voxels of the source
	Algorithm string        // AUTOMATIC, SEMIAUTOMATIC or MANUAL
	Colour    [3]uint8      // red, green, blue
}

var kind = object.Kind{Class: Storage, Modality: "RTSTRUCT", Name: "structures"}

// studyClass is the retired class by which structure sets refer to a study.
const studyClass = "1.2.840.10008.3.1.2.3.1"

// contour is an outline on slice k of the source.
type contour struct {
	k      int
	points []r3.Vec
}

// Outlines returns the outlines of m around the outer edges of its voxels, slice
// by slice of g, of which its voxels must be.
func Outlines(g *imaging.Grid, m *imaging.Mask) ([][]r3.Vec, error) {
	found, err := outlinesOf(g, m)
	out := make([][]r3.Vec, len(found))
	for n := range found {
		out[n] = found[n].points
	}
	return out, err
}

func outlinesOf(g *imaging.Grid, m *imaging.Mask) ([]contour, error) {
	m, err := m.Onto(g, imaging.OnVoxels)
	if err != nil || m == nil {
		return nil, err
	}
	x, y, z := g.Index(m.Origin)
	i0, j0, k0 := math.Round(x)-0.5, math.Round(y)-0.5, math.Round(z)
	var out []contour
	area := m.Size[0] * m.Size[1]
	for k := range m.Size[2] {
		for _, polygon := range outlines(m.In[k*area:(k+1)*area], m.Size[0]) {
			points := make([]r3.Vec, len(polygon))
			for n, c := range polygon {
				points[n] = g.Point(i0+float64(c[0]), j0+float64(c[1]), k0+float64(k))
			}
			out = append(out, contour{int(k0) + k, points})
		}
	}
	return out, nil
}

// Write writes regions as a structure set on the slices of a source. A region
// without voxels has no contours.
func Write(w io.Writer, src *object.Source, regions []Region, m *object.Meta) error {
	var sets, drawn, observed []*part10.Set
	some := false
	for n, r := range regions {
		var found []contour
		if r.Mask != nil {
			var err error
			if found, err = outlinesOf(&src.Grid, r.Mask); err != nil {
				return fmt.Errorf("rtstruct: write: region %q: %w", r.Name, err)
			}
		}
		some = some || len(found) > 0
		set := &part10.Set{}
		set.Int(roiNumber, "IS", n+1)
		set.Text(referencedFrame, "UI", src.FrameOfReference)
		set.Text(roiName, "LO", r.Name)
		set.Text(0x30060036, "CS", r.Algorithm)
		sets = append(sets, set)

		lines := make([]*part10.Set, len(found))
		for i, c := range found {
			lines[i] = c.item(i+1, src)
		}
		draw := &part10.Set{}
		draw.Int(0x3006002a, "IS", int(r.Colour[0]), int(r.Colour[1]), int(r.Colour[2]))
		if len(lines) > 0 {
			draw.Items(contours, lines...)
		}
		draw.Int(referencedROI, "IS", n+1)
		drawn = append(drawn, draw)

		see := &part10.Set{}
		see.Int(0x30060082, "IS", n+1)
		see.Int(referencedROI, "IS", n+1)
		see.Text(0x300600a4, "CS", "")
		see.Text(0x300600a6, "PN", "")
		observed = append(observed, see)
	}
	if !some {
		return errors.New("rtstruct: write: no region has a voxel on the slices of the source")
	}
	s := src.New(m, kind)
	src.Frame(s)
	s.Text(0x00081070, "PN", "") // OperatorsName
	s.Text(0x30060002, "SH", "plaquerisk")
	s.Text(0x30060006, "ST", m.Describe)
	date, clock := src.Moment(m)
	s.Text(0x30060008, "DA", date)
	s.Text(0x30060009, "TM", clock)
	series := &part10.Set{}
	series.Text(0x0020000e, "UI", src.SeriesUID)
	series.Items(0x30060016, object.SOPs(src.Files)...)
	study := object.Ref{Class: studyClass, UID: src.StudyUID}.SOP()
	study.Items(0x30060014, series)
	frame := &part10.Set{}
	frame.Text(frameOfReference, "UI", src.FrameOfReference)
	frame.Items(0x30060012, study)
	s.Items(0x30060010, frame)
	s.Items(structureSetROI, sets...)
	s.Items(roiContour, drawn...)
	s.Items(0x30060080, observed...)
	s.Text(0x300e0002, "CS", "UNAPPROVED")
	if err := s.Write(w, m.Program); err != nil {
		return fmt.Errorf("rtstruct: write: %w", err)
	}
	return nil
}

// item is contour n of a region.
func (c *contour) item(n int, src *object.Source) *part10.Set {
	s := &part10.Set{}
	s.Items(0x30060016, src.Images[c.k].SOP())
	s.Text(contourType, "CS", "CLOSED_PLANAR")
	s.Int(0x30060046, "IS", len(c.points))
	s.Int(0x30060048, "IS", n)
	data := make([]float64, 0, 3*len(c.points))
	for _, p := range c.points {
		data = append(data, rounded(p.X), rounded(p.Y), rounded(p.Z))
	}
	s.Float(contourData, "DS", data...)
	return s
}

// rounded drops what is below 10⁻⁵ mm, so that coordinates are short.
func rounded(x float64) float64 { return math.Round(x*1e5) / 1e5 }
