package sr

import (
	"fmt"
	"io"
	"math"

	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// Storage is the class of Comprehensive 3D SR.
const Storage = "1.2.840.10008.5.1.4.1.1.88.34"

// Measurement is a number with its meaning.
type Measurement struct {
	Concept    object.Code
	Value      float64 // NaN: undefined, left out
	Unit       object.Code
	Derivation object.Code // "Maximum", of a quantity that varies; zero: none
}

// Group is what was measured of one region.
type Group struct {
	Name         string // tracking identifier
	UID          string // tracking UID
	Finding      object.Code
	Site         object.Code
	Segment      int // of Report.Segmentation; 0: none
	Measurements []Measurement
	Comments     []string
}

// Report is a measurement report.
type Report struct {
	Segmentation *object.Evidence // in which groups have segments; nil: none
	Groups       []Group
}

var kind = object.Kind{Class: Storage, Modality: "SR", Name: "measurements"}

func dcm(value, meaning string) object.Code {
	return object.Code{Value: value, Scheme: "DCM", Meaning: meaning}
}

var (
	reportTitle  = dcm("126000", "Imaging Measurement Report")
	language     = dcm("121049", "Language of Content Item and Descendants")
	observerType = dcm("121005", "Observer Type")
	procedure    = dcm("121058", "Procedure reported")
	library      = dcm("111028", "Image Library")
	libraryGroup = dcm("126200", "Image Library Group")
	measurements = dcm("126010", "Imaging Measurements")
	group        = dcm("125007", "Measurement Group")
	trackingID   = dcm("112039", "Tracking Identifier")
	trackingUID  = dcm("112040", "Tracking Unique Identifier")
	finding      = dcm("121071", "Finding")
	comment      = dcm("121106", "Comment")
	segment      = dcm("121191", "Referenced Segment")
	sourceSeries = dcm("121232", "Source series for segmentation")
	site         = object.Code{Value: "363698007", Scheme: "SCT", Meaning: "Finding Site"}
	english      = object.Code{Value: "en", Scheme: "RFC5646", Meaning: "English"}
	angiography  = object.Code{Value: "419545005", Scheme: "SCT", Meaning: "CT angiography of coronary arteries"}
)

// Write writes a report on a source.
func Write(w io.Writer, src *object.Source, r *Report, m *object.Meta) error {
	var images []*part10.Set
	for _, f := range src.Files {
		images = append(images, image(contains, dcm("121324", "Source image"), f, 0))
	}
	for _, i := range images { // the entries of a library have no concept of their own
		i.Delete(0x0040a043)
	}
	var groups []*part10.Set
	for n := range r.Groups {
		groups = append(groups, r.group(&r.Groups[n], src))
	}
	root := container("", reportTitle, "1500",
		code(concepts, language, english),
		code(obsContext, observerType, dcm("121007", "Device")),
		uid(obsContext, dcm("121012", "Device Observer UID"), part10.UID(m.Program, m.Version, "device")),
		text(obsContext, dcm("121013", "Device Observer Name"), m.Program),
		text(obsContext, dcm("121015", "Device Observer Model Name"), m.Program+" "+m.Version),
		code(concepts, procedure, angiography),
		container(contains, library, "", container(contains, libraryGroup, "", images...)),
		container(contains, measurements, "", groups...),
	)
	s := src.New(m, kind)
	src.Content(s, m)
	s.Merge(root)
	s.Items(0x00080110, object.Schemes(m.Program))
	s.Items(0x00081111) // ReferencedPerformedProcedureStep
	s.Items(0x0040a372) // PerformedProcedureCode
	evidence := []object.Evidence{{Series: src.SeriesUID, Objects: src.Files}}
	if r.Segmentation != nil {
		evidence = append(evidence, *r.Segmentation)
	}
	s.Items(0x0040a375, src.Evidence(evidence...))
	s.Text(0x0040a491, "CS", "COMPLETE")
	s.Text(0x0040a493, "CS", "UNVERIFIED")
	if err := s.Write(w, m.Program); err != nil {
		return fmt.Errorf("sr: write: %w", err)
	}
	return nil
}

// group is a measurement group of the report.
func (r *Report) group(g *Group, src *object.Source) *part10.Set {
	items := []*part10.Set{
		text(obsContext, trackingID, g.Name),
		uid(obsContext, trackingUID, g.UID),
		code(contains, finding, g.Finding),
	}
	template := "1501"
	if g.Segment > 0 && r.Segmentation != nil {
		template = "1411"
		items = append(items, image(contains, segment, r.Segmentation.Objects[0], g.Segment), uid(contains, sourceSeries, src.SeriesUID))
	}
	if g.Site != (object.Code{}) {
		items = append(items, code(concepts, site, g.Site))
	}
	for n := range g.Measurements {
		if v := g.Measurements[n].Value; !math.IsNaN(v) && !math.IsInf(v, 0) {
			items = append(items, number(contains, &g.Measurements[n]))
		}
	}
	for _, c := range g.Comments {
		items = append(items, text(contains, comment, c))
	}
	return container(contains, group, template, items...)
}
