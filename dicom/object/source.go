package object

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// Ref names an object, or a frame of it.
type Ref struct {
	Class, UID string
	Frame      int // from 1; 0: the whole object
}

// Source is the series to which new objects belong.
type Source struct {
	Grid             imaging.Grid // of the volume; slice k is Images[k]
	Images           []Ref
	StudyUID         string
	SeriesUID        string
	FrameOfReference string
	Files            []Ref // the images without their frames, each once

	study []attribute // of patient and study
	// date and time of the study
	date, time string
}

type attribute struct {
	tag    part10.Tag
	vr     string
	values []string
}

// inherited are the attributes of patient and study that a new object takes over;
// those that must stand in it, if only empty, are required.
var inherited = []struct {
	tag      part10.Tag
	vr       string
	required bool
}{
	{0x00080020, "DA", true},  // StudyDate
	{0x00080030, "TM", true},  // StudyTime
	{0x00080050, "SH", true},  // AccessionNumber
	{0x00080090, "PN", true},  // ReferringPhysicianName
	{0x00081030, "LO", false}, // StudyDescription
	{0x00100010, "PN", true},  // PatientName
	{0x00100020, "LO", true},  // PatientID
	{0x00100021, "LO", false}, // IssuerOfPatientID
	{0x00100030, "DA", true},  // PatientBirthDate
	{0x00100040, "CS", true},  // PatientSex
	{0x00101010, "AS", false}, // PatientAge
	{0x00120062, "CS", false}, // PatientIdentityRemoved
	{0x00120063, "LO", false}, // DeidentificationMethod
	{0x00200010, "SH", true},  // StudyID
}

// ReadSource reads from the files of a series what objects made of it refer to.
func ReadSource(ctx context.Context, s *dicom.Series) (*Source, error) {
	src := &Source{Grid: s.Grid, StudyUID: s.StudyUID, SeriesUID: s.UID, FrameOfReference: s.FrameOfReferenceUID}
	if len(s.Slices) != s.Grid.Size[2] || len(s.Slices) == 0 {
		return nil, fmt.Errorf("object: series of %d slices, its volume has %d: %w", len(s.Slices), s.Grid.Size[2], dicom.ErrGap)
	}
	if src.FrameOfReference == "" {
		return nil, errors.New("object: the series names no frame of reference, so nothing can refer to places in it")
	}
	seen := map[string]bool{}
	for n := range s.Slices {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := src.add(&s.Slices[n], n == 0, seen); err != nil {
			return nil, fmt.Errorf("object: %s: %w", s.Slices[n].Path, err)
		}
	}
	return src, nil
}

// add reads the file of one slice.
func (src *Source) add(slice *dicom.Slice, first bool, seen map[string]bool) error {
	f, frame, done, err := slice.Open()
	if err != nil {
		return err
	}
	defer done()
	r := Ref{}
	if r.Class, err = Text(f.Data, 0x00080016); err != nil {
		return err
	}
	if r.UID, err = Text(f.Data, 0x00080018); err != nil {
		return err
	}
	if r.Class == "" || r.UID == "" {
		return errors.New("the image has no class or no UID, so nothing can refer to it")
	}
	if !seen[r.UID] {
		seen[r.UID] = true
		src.Files = append(src.Files, r)
	}
	if _, multi := f.Data.Lookup(0x52009230); multi {
		r.Frame = frame + 1
	}
	src.Images = append(src.Images, r)
	if !first {
		return nil
	}
	for _, a := range inherited {
		v, err := f.Data.Strings(a.tag)
		if err != nil {
			return err
		}
		if !valid(a.vr, v) {
			v = nil // old files have dates and codes that no new one may have
		}
		if a.required || len(v) > 0 && v[0] != "" {
			src.study = append(src.study, attribute{a.tag, a.vr, v})
		}
		switch {
		case a.tag == 0x00080020 && len(v) > 0:
			src.date = v[0]
		case a.tag == 0x00080030 && len(v) > 0:
			src.time = v[0]
		}
	}
	return nil
}

// forms are what values of some representations look like.
var forms = map[string]*regexp.Regexp{
	"DA": regexp.MustCompile(`^([0-9]{8})?$`),
	"TM": regexp.MustCompile(`^([0-9]{2}([0-9]{2}([0-9]{2}(\.[0-9]{1,6})?)?)?)?$`),
	"CS": regexp.MustCompile(`^[A-Z0-9_ ]{0,16}$`),
	"AS": regexp.MustCompile(`^([0-9]{3}[DWMY])?$`),
}

// valid tells whether values may stand in a new object.
func valid(vr string, values []string) bool {
	form, ok := forms[vr]
	return !ok || !slices.ContainsFunc(values, func(v string) bool { return !form.MatchString(v) })
}

// Meta is what new objects say about their making.
type Meta struct {
	// Seed, with the series and the kind of object, makes the UIDs.
	Seed     string
	Program  string // "plaquerisk"
	Version  string
	Time     time.Time // of the making; zero: that of the study
	Series   int       // number of the series
	Describe string    // description of the series
}

// Kind is a kind of object.
type Kind struct {
	Class, Modality, Name string
}

// New starts an object: patient, study, series, frame of reference, equipment
// and its identity.
func (src *Source) New(m *Meta, k Kind) *part10.Set {
	s := &part10.Set{}
	s.Text(0x00080005, "CS", "ISO_IR 192")
	s.Text(0x00080016, "UI", k.Class)
	s.Text(0x00080018, "UI", src.UID(m, k.Name, "instance"))
	for _, a := range src.study {
		s.Text(a.tag, a.vr, a.values...)
	}
	s.Text(0x0020000d, "UI", src.StudyUID)
	s.Text(0x0020000e, "UI", src.UID(m, k.Name, "series"))
	s.Int(0x00200011, "IS", m.Series)
	s.Int(0x00200013, "IS", 1)
	s.Text(0x00080060, "CS", k.Modality)
	s.Text(0x0008103e, "LO", m.Describe)
	s.Text(0x00080070, "LO", m.Program)
	s.Text(0x00081090, "LO", m.Program)
	s.Text(0x00181000, "LO", m.Version) // DeviceSerialNumber: software has none
	s.Text(0x00181020, "LO", m.Version)
	date, clock := src.Moment(m)
	s.Text(0x00080021, "DA", date)
	s.Text(0x00080031, "TM", clock)
	s.Text(0x00080012, "DA", date)
	s.Text(0x00080013, "TM", clock)
	return s
}

// Frame puts the frame of reference.
func (src *Source) Frame(s *part10.Set) {
	s.Text(0x00200052, "UI", src.FrameOfReference)
	s.Text(0x00201040, "LO", "")
}

// Content puts date and time of the content.
func (src *Source) Content(s *part10.Set, m *Meta) {
	date, clock := src.Moment(m)
	s.Text(0x00080023, "DA", date)
	s.Text(0x00080033, "TM", clock)
}

// Moment returns date and time of the making, as DICOM writes them.
func (src *Source) Moment(m *Meta) (date, clock string) {
	if m.Time.IsZero() {
		date, clock = src.date, src.time
		if date == "" {
			date = "19000101"
		}
		if clock == "" {
			clock = "000000"
		}
		return date, clock
	}
	return m.Time.Format("20060102"), m.Time.Format("150405")
}

// UID returns the UID of something that belongs to an object: the same for the
// same source and seed.
func (src *Source) UID(m *Meta, what ...string) string {
	return part10.UID(m.Program, m.Seed, src.SeriesUID, strings.Join(what, "\x01"))
}

// SOP is an item that refers to an object: ReferencedSOPClassUID and
// ReferencedSOPInstanceUID, and the frame if it is one.
func (r Ref) SOP() *part10.Set {
	s := &part10.Set{}
	s.Text(0x00081150, "UI", r.Class)
	s.Text(0x00081155, "UI", r.UID)
	if r.Frame > 0 {
		s.Int(0x00081160, "IS", r.Frame)
	}
	return s
}

// SOPs returns an item for each object.
func SOPs(refs []Ref) []*part10.Set {
	out := make([]*part10.Set, len(refs))
	for n, r := range refs {
		out[n] = r.SOP()
	}
	return out
}

// Series returns the item of a ReferencedSeriesSequence for all images.
func (src *Source) Series() *part10.Set {
	s := &part10.Set{}
	s.Items(0x0008114a, SOPs(src.Files)...)
	s.Text(0x0020000e, "UI", src.SeriesUID)
	return s
}

// Evidence are objects of one series.
type Evidence struct {
	Series  string // UID
	Objects []Ref
}

// Evidence returns the item that names objects of the study, series by series, as
// reports list what they are about.
func (src *Source) Evidence(series ...Evidence) *part10.Set {
	var items []*part10.Set
	for _, e := range series {
		it := &part10.Set{}
		it.Items(0x00081199, SOPs(e.Objects)...)
		it.Text(0x0020000e, "UI", e.Series)
		items = append(items, it)
	}
	s := &part10.Set{}
	s.Items(0x00081115, items...)
	s.Text(0x0020000d, "UI", src.StudyUID)
	return s
}
