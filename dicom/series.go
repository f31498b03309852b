package dicom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Series is a stack of slices: one series, or one cardiac phase of it.
type Series struct {
	UID                 string
	StudyUID            string
	FrameOfReferenceUID string
	Number              string
	Description         string
	Modality            string
	ImageType           []string
	Manufacturer        string
	Model               string
	Kernel              string
	KVp                 float64 // kV; NaN if unknown
	SliceThickness      float64 // mm; NaN if unknown
	Phase               string  // "75 %", "270 ms"; empty if unknown
	PhasePercent        float64 // of the cardiac cycle; NaN if unknown
	HeartRate           float64 // per minute; NaN if unknown
	ContrastAgent       string  // empty if the tag is absent, empty or says that there is none
	TransferSyntax      string  // name and UID
	Image               bool    // false for localizers, secondary captures and what has no place in the patient

	Slices   []Slice      // in order of position along the normal
	Grid     imaging.Grid // nominal: of a complete stack; zero if Image is false
	Findings []Finding    // of the headers

	noContrast bool // the tag says that no agent was given
	studyDate  string
}

// Slice is one file of a series.
type Slice struct {
	Path     string  // relative to the scanned folder
	Z        float64 // position along the slice normal (D.1), mm
	Position r3.Vec  // of the first voxel, LPS mm
	Instance int     // InstanceNumber; 0 if absent

	image *image
}

// image is what is kept of a header.
type image struct {
	src       *source
	label     string
	hasPixels bool
	syntax    syntax
	pixels    *pixels
	pixelErr  error
	lossy     bool // values were changed by compression, now or before

	series, study, sop, frameOfRef, patient, name string
	imageType                                     []string
	modality, number, description                 string
	manufacturer, model, kernel, agent            string
	studyDate                                     string
	kvp, thickness, heartRate                     float64
	instance                                      int
	hasInstance                                   bool
	inAcquisition                                 int

	geometryErr error
	position    r3.Vec
	row, col    r3.Vec     // unit directions of increasing column and row index
	spacing     [2]float64 // along i and j, mm
	rows, cols  int

	phaseKeys [8]string // in the order of phaseKeyNames
	percent   float64
}

// newImage reads what is kept of a header; grouped tells that its frames have
// places of their own.
func newImage(s *source, h *header, grouped bool) *image {
	m := &image{
		src: s, label: s.label, hasPixels: h.hasPixels(), syntax: h.syntax,
		series: h.text(tSeriesUID), study: h.text(tStudyUID), sop: h.text(tSOPInstance),
		frameOfRef: h.text(tFrameOfReference), patient: h.text(tPatientID), name: personName(h.text(tPatientName)),
		modality: h.text(tModality), number: h.text(tSeriesNumber), description: h.text(tSeriesDesc),
		manufacturer: h.text(tManufacturer), model: h.text(tModel),
		agent: h.text(tContrastAgent), studyDate: h.text(tStudyDate), heartRate: h.float(tHeartRate),
	}
	m.instance, m.hasInstance = h.integer(tInstanceNumber)
	m.inAcquisition, _ = h.integer(tImagesInAcq)
	m.rows, _ = h.integer(tRows)
	m.cols, _ = h.integer(tColumns)
	m.pixels, m.pixelErr = h.pixels(grouped)
	m.lossy = h.text(tLossy) == "01" || h.syntax.lossy()
	m.place(h)
	return m
}

// place reads what differs from frame to frame of an enhanced image.
func (m *image) place(h *header) {
	m.imageType = h.texts(tImageType)
	m.kernel = strings.Join(h.texts(tKernel), " ")
	m.kvp, m.thickness = h.float(tKVP), h.float(tSliceThickness)
	m.geometryErr = m.geometry(h)
	m.phases(h)
}

// frame returns the image of frame i, whose header is h.
func (m *image) frame(h *header, i int) *image {
	f := *m
	f.place(h)
	f.sop = fmt.Sprintf("%s frame %d", m.sop, i+1) // frames are no copies of each other
	f.hasInstance = false                          // the number is that of the file
	f.instance += i
	if m.pixelErr == nil {
		p := *m.pixels
		p.frame = i
		f.pixels, f.pixelErr = &p, h.meaning(&p)
	}
	return &f
}

// personName returns a name without what writers vary: case, spaces and empty
// components.
func personName(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToUpper(s), func(r rune) bool { return r == '^' || r == ' ' || r == '=' }), " ")
}

// geometry reads where the slice lies.
func (m *image) geometry(h *header) error {
	fail := func(t tag, format string, args ...any) error {
		return &FileError{Path: m.label, Tag: t.String(), Err: fmt.Errorf(format, args...)}
	}
	p, o, s := h.floats(tPosition), h.floats(tOrientation), h.floats(tPixelSpacing)
	if len(p) != 3 {
		return fail(tPosition, "%d numbers, want 3: %w", len(p), ErrNoGeometry)
	}
	if len(o) != 6 {
		return fail(tOrientation, "%d numbers, want 6: %w", len(o), ErrNoGeometry)
	}
	if len(s) != 2 || !(s[0] > 0 && s[1] > 0) {
		return fail(tPixelSpacing, "%v, want two positive numbers: %w", s, ErrNoGeometry)
	}
	m.position = r3.Vec{X: p[0], Y: p[1], Z: p[2]}
	m.row = r3.Vec{X: o[0], Y: o[1], Z: o[2]}
	m.col = r3.Vec{X: o[3], Y: o[4], Z: o[5]}
	if math.Abs(r3.Norm(m.row)-1) > 1e-3 || math.Abs(r3.Norm(m.col)-1) > 1e-3 || math.Abs(r3.Dot(m.row, m.col)) > 1e-3 {
		return fail(tOrientation, "%v are not two perpendicular unit vectors: %w", o, ErrNoGeometry)
	}
	// Written decimals are rounded: make the directions exactly perpendicular.
	m.row = r3.Unit(m.row)
	m.col = r3.Unit(r3.Sub(m.col, r3.Scale(r3.Dot(m.row, m.col), m.row)))
	m.spacing = [2]float64{s[1], s[0]} // PixelSpacing is between rows first
	return nil
}

func (m *image) normal() r3.Vec { return r3.Cross(m.row, m.col) }

// phaseKeyNames are where vendors put the cardiac phase, most trusted first.
var phaseKeyNames = [8]tag{tPhasePercent, tTemporalPosition, tScanOptions, tTriggerTime, tTriggerDelay, tAcquisitionTime, tContentTime, tImageComments}

var (
	scanOptionsPhase = regexp.MustCompile(`TP\d+PC(\d+)`)
	// percentText finds percentages; its first group is what makes one no phase:
	// a strength of iterative reconstruction, or the start of a range.
	percentText = regexp.MustCompile(`(?i)(?:(asi?r\S*?\s*|[\d.]+\s*(?:-|–|to|\.\.)\s*)|^|[^\d.])(\d{1,3}(?:\.\d+)?)\s*%`)
)

// phases reads everything that may tell the cardiac phase.
func (m *image) phases(h *header) {
	for n, t := range phaseKeyNames {
		m.phaseKeys[n] = h.text(t)
	}
	m.phaseKeys[2] = scanOptionsPhase.FindString(strings.Join(h.texts(tScanOptions), " "))
	m.phaseKeys[7] = m.description + "\x00" + m.phaseKeys[7]
	m.percent = h.float(tPhasePercent)
	if !(m.percent >= 0 && m.percent <= 100) {
		m.percent = math.NaN()
	}
	if found := scanOptionsPhase.FindStringSubmatch(m.phaseKeys[2]); math.IsNaN(m.percent) && found != nil {
		m.percent = percentage(found[1])
	}
	for _, text := range []string{h.text(tImageComments), m.description} {
		if math.IsNaN(m.percent) {
			m.percent = percentIn(text)
		}
	}
}

// percentIn returns the only cardiac phase, %, that a text names; NaN for none
// and for several.
func percentIn(text string) float64 {
	phase := math.NaN()
	for _, found := range percentText.FindAllStringSubmatch(text, -1) {
		x := percentage(found[2])
		if found[1] != "" || math.IsNaN(x) {
			continue
		}
		if !math.IsNaN(phase) && x != phase {
			return math.NaN()
		}
		phase = x
	}
	return phase
}

// percentage returns the number of a text if it is from 0 to 100, else NaN.
func percentage(s string) float64 {
	if x, err := strconv.ParseFloat(s, 64); err == nil && x >= 0 && x <= 100 {
		return x
	}
	return math.NaN()
}

// notVolume are the image types that show no volume.
var notVolume = []string{"LOCALIZER", "REF_SURVIEW", "SCOUT", "SCREEN SAVE", "SECONDARY CAPTURE", "DOSE", "DOSE_INFO", "REPORT", "PROTOCOL", "CSA REPORT"}

// isVolume tells whether the image can be a slice of a volume. A segmentation
// lies in the patient too, but each of its frames is of one segment.
func (m *image) isVolume() bool {
	if m.modality == "SEG" {
		return false
	}
	for _, t := range m.imageType {
		if slices.Contains(notVolume, strings.ToUpper(t)) {
			return false
		}
	}
	return m.geometryErr == nil
}

// loss is a file of a series that could not be read.
type loss struct {
	series string
	err    *FileError
}

// group makes series of images.
func group(ctx context.Context, images []*image, lost []loss) []Series {
	sort.SliceStable(images, func(a, b int) bool { return images[a].series < images[b].series })
	var out []Series
	for lo := 0; lo < len(images); {
		hi := lo
		var volume, other []*image
		for ; hi < len(images) && images[hi].series == images[lo].series; hi++ {
			if images[hi].isVolume() {
				volume = append(volume, images[hi])
			} else {
				other = append(other, images[hi])
			}
		}
		first := len(out)
		out = append(out, stacks(ctx, volume, other)...)
		if len(other) > 0 {
			out = append(out, plates(other))
		}
		for _, l := range lost {
			if l.series == images[lo].series {
				out[first].add(PLQDamaged, risk.Warning, Incomplete, l.err.Path, "a file of the series cannot be read (%v): a slice is missing", l.err.Err)
				out[first].blame(l.err.Path, tPixelData)
			}
		}
		lo = hi
	}
	return out
}

// plates returns the images that are no volume as a series of their own.
func plates(images []*image) Series {
	s := describe(images[0])
	for _, m := range images {
		s.Slices = append(s.Slices, Slice{Path: m.label, Position: m.position, Instance: m.instance, Z: math.NaN(), image: m})
	}
	if s.Modality == "SEG" {
		s.add(PLQNoVolume, risk.Info, Pass, images[0].label, "no slices of a volume: %v is SEG", tModality)
	} else if err := images[0].geometryErr; err != nil {
		e := fileError(images[0].label, err)
		s.add(PLQNoVolume, risk.Info, Pass, e.Path, "no slices of a volume: %s: %v", e.Tag, e.Err)
	} else {
		s.add(PLQNoVolume, risk.Info, Pass, images[0].label, "no slices of a volume: ImageType is %s", strings.Join(images[0].imageType, `\`))
	}
	return s
}

// describe returns the attributes of a series from one of its images.
func describe(m *image) Series {
	s := Series{UID: m.series, StudyUID: m.study, FrameOfReferenceUID: m.frameOfRef, Number: m.number,
		Description: m.description, Modality: m.modality, ImageType: m.imageType, Manufacturer: m.manufacturer,
		Model: m.model, Kernel: m.kernel, KVp: m.kvp, SliceThickness: m.thickness, HeartRate: m.heartRate,
		TransferSyntax: m.syntax.String(), PhasePercent: m.percent, studyDate: m.studyDate}
	if !math.IsNaN(m.percent) {
		s.Phase = strconv.FormatFloat(m.percent, 'g', 4, 64) + " %"
	}
	switch strings.ToUpper(strings.TrimSpace(m.agent)) {
	case "":
	case "NONE", "NO", "N", "WITHOUT", "OHNE", "0":
		s.noContrast = true
	default:
		s.ContrastAgent = m.agent
	}
	return s
}

// stacks splits the volume images of one series UID by geometry and phase.
func stacks(ctx context.Context, images, other []*image) []Series {
	if len(images) == 0 {
		return nil
	}
	// Images that agree in everything a volume needs.
	var groups [][]*image
next:
	for _, m := range images {
		for g := range groups {
			if differs(groups[g][0], m) == 0 {
				groups[g] = append(groups[g], m)
				continue next
			}
		}
		groups = append(groups, []*image{m})
	}
	sort.SliceStable(groups, func(a, b int) bool { return len(groups[a]) > len(groups[b]) })
	main := groups[0]
	var own [][]*image
	var strays []*image
	for n, g := range groups {
		// A second orientation or field of view with a stack of its own is a
		// series by itself; a few odd files are an accident.
		if n == 0 || len(g) >= 3 && 4*len(g) >= len(main) && differs(main[0], g[0]) != tPatientID && differs(main[0], g[0]) != tPatientName {
			own = append(own, g)
		} else {
			strays = append(strays, g...)
		}
	}
	var out []Series
	for n, g := range own {
		phases := splitPhases(ctx, g)
		for _, p := range phases.stacks {
			s := describe(p[0])
			s.Image = true
			if n == 0 {
				for _, m := range strays {
					t := differs(main[0], m)
					s.add(PLQMixed, risk.Refusal, Refuse, m.label, "%v differs from the other %d slices of the series (%s)", t, len(main), difference(main[0], m, t))
					s.blame(m.label, t)
				}
			}
			if phases.key >= 0 {
				s.label(p[0], phases.key, phases.percents())
				s.add(PLQPhases, risk.Info, Pass, "", "one of %d cardiac phases of the series, told apart by %v: this one is %s", len(phases.stacks), phaseKeyNames[phases.key], s.Phase)
			}
			s.Findings = append(s.Findings, phases.findings...)
			s.unlike(p)
			s.interleaved(p)
			if n == 0 {
				s.unplaced(p[0], other)
			}
			s.stack(p, other, phases.key < 0)
			out = append(out, s)
		}
	}
	return out
}

// unlike warns of slices that were reconstructed or exposed in another way than
// most: their noise and CT numbers differ.
func (s *Series) unlike(images []*image) {
	for _, a := range []struct {
		t     tag
		value func(*image) string
	}{
		{tKernel, func(m *image) string { return m.kernel }},
		{tKVP, func(m *image) string { return strconv.FormatFloat(m.kvp, 'g', -1, 64) }},
		{tSliceThickness, func(m *image) string { return strconv.FormatFloat(m.thickness, 'g', 6, 64) }},
	} {
		count := map[string]int{}
		most := a.value(images[0])
		for _, m := range images {
			v := a.value(m)
			if count[v]++; count[v] > count[most] || count[v] == count[most] && v < most {
				most = v
			}
		}
		for _, m := range images {
			if v := a.value(m); v != most {
				s.add(PLQMixed, risk.Warning, Pass, m.label, "%v is %q, in %d of %d slices %q: noise and CT numbers may differ between them", a.t, v, count[most], len(images), most)
				s.blame(m.label, a.t)
				break
			}
		}
	}
}

// interleaved looks for slices of several phases in one stack: slabs of
// phases follow each other where the table stepped between heartbeats, but a
// stack that alternates is two volumes between each other's slices.
func (s *Series) interleaved(images []*image) {
	for key, t := range phaseKeyNames[:3] { // the others may grow from slice to slice
		values := len(byPhase(images, key))
		changes, at := 0, images[0]
		for n := 1; n < len(images); n++ {
			if images[n].phaseKeys[key] != images[n-1].phaseKeys[key] {
				changes++
				at = images[n]
			}
		}
		switch {
		case values > 1 && changes >= values:
			s.add(PLQMixed, risk.Refusal, Refuse, at.label, "%v changes %d times along the stack: slices of %d phases lie between each other", t, changes, values)
		case values > 1:
			s.add(PLQMixed, risk.Warning, Pass, at.label, "%v has %d values along the stack: the heart may have moved between its parts", t, values)
		default:
			continue
		}
		s.blame(at.label, t)
		return
	}
}

// unplaced reports images like those of the volume whose place is not known:
// slices that were lost on the way.
func (s *Series) unplaced(ref *image, other []*image) {
	for _, m := range other {
		var e *FileError
		if m.rows == ref.rows && m.cols == ref.cols && m.modality == ref.modality && slices.Equal(m.imageType, ref.imageType) && errors.As(m.geometryErr, &e) {
			s.add(PLQDamaged, risk.Refusal, Incomplete, m.label, "the place of the slice is not known: %s: %v", e.Tag, e.Err)
			s.blame(m.label, tPosition)
		}
	}
}

// differs returns the first tag in which two images cannot be of one volume, 0
// if they can.
func differs(a, b *image) tag {
	near := func(x, y, tol float64) bool { return math.Abs(x-y) <= tol }
	switch {
	case a.patient != b.patient:
		return tPatientID
	case a.name != b.name:
		return tPatientName
	case a.study != b.study:
		return tStudyUID
	case a.modality != b.modality:
		return tModality
	case a.frameOfRef != b.frameOfRef:
		return tFrameOfReference
	case a.rows != b.rows:
		return tRows
	case a.cols != b.cols:
		return tColumns
	case !near(a.spacing[0], b.spacing[0], 1e-4*a.spacing[0]) || !near(a.spacing[1], b.spacing[1], 1e-4*a.spacing[1]):
		return tPixelSpacing
	case r3.Norm(r3.Sub(a.row, b.row)) > 1e-3 || r3.Norm(r3.Sub(a.col, b.col)) > 1e-3:
		return tOrientation
	case len(a.imageType) > 0 && len(b.imageType) > 0 && a.imageType[0] != b.imageType[0]:
		return tImageType
	}
	return 0
}

// difference shows both values, unless they identify the patient.
func difference(a, b *image, t tag) string {
	show := func(m *image) any {
		switch t {
		case tRows:
			return m.rows
		case tColumns:
			return m.cols
		case tPixelSpacing:
			return m.spacing
		case tOrientation:
			return []float64{m.row.X, m.row.Y, m.row.Z, m.col.X, m.col.Y, m.col.Z}
		case tModality:
			return m.modality
		case tImageType:
			return strings.Join(m.imageType, `\`)
		}
		return nil
	}
	if show(a) == nil {
		return "values withheld"
	}
	return fmt.Sprintf("%v, the others %v", show(b), show(a))
}

// label names the phase of s by its percentage if that tells the phases apart,
// else by the key that does.
func (s *Series) label(m *image, key int, percents bool) {
	if percents {
		return
	}
	s.PhasePercent = math.NaN() // of the series: "30-80 %" in its description
	switch phaseKeyNames[key] {
	case tTriggerTime, tTriggerDelay:
		s.Phase = m.phaseKeys[key] + " ms"
	default:
		s.Phase = names[phaseKeyNames[key]] + " " + m.phaseKeys[key]
	}
}

// phases are the stacks of one series.
type phases struct {
	stacks   [][]*image
	key      int // of phaseKeyNames; -1 if there is one phase
	findings []Finding
}

// percents tells whether each phase has a percentage of its own.
func (p *phases) percents() bool {
	seen := map[float64]bool{}
	for _, s := range p.stacks {
		if x := s[0].percent; math.IsNaN(x) || seen[x] {
			return false
		}
		seen[s[0].percent] = true
	}
	return true
}

// along returns the position of m along the normal of ref.
func along(ref, m *image) float64 { return r3.Dot(m.position, ref.normal()) }

// samePlace is the distance, in mm, up to which two slices claim one position.
const samePlace = 1e-3

// splitPhases sorts images by position, drops copies and finds the cardiac
// phases. A key is believed only if it splits the images into volumes with
// the same positions, and rather one that leaves no gaps.
func splitPhases(ctx context.Context, images []*image) phases {
	ref := images[0]
	sort.SliceStable(images, func(a, b int) bool {
		za, zb := along(ref, images[a]), along(ref, images[b])
		if math.Abs(za-zb) > 0 {
			return za < zb
		}
		if images[a].sop != images[b].sop {
			return images[a].sop < images[b].sop
		}
		return images[a].label < images[b].label
	})
	p := phases{key: -1}
	images = p.dropCopies(ctx, images, true)
	if !clash(images) {
		p.stacks = [][]*image{images}
		return p
	}
	for key := range phaseKeyNames {
		stacks := splitBy(images, key)
		if stacks == nil || p.stacks != nil && !complete(stacks[0]) {
			continue
		}
		p.stacks, p.key = stacks, key
		if complete(stacks[0]) { // rather than one that leaves gaps
			break
		}
	}
	if p.stacks != nil {
		return p
	}
	for key := 0; key < len(phaseKeyNames) && p.stacks == nil; key++ {
		p.stacks, p.key = splitByRank(images, key), key
	}
	if p.stacks != nil {
		p.findings = append(p.findings, finding(PLQPhases, risk.Warning, Pass, "", "%v varies along the stack; its values at each place, which do not overlap between phases, were taken in their order", phaseKeyNames[p.key]))
		return p
	}
	p.key = -1
	p.stacks = [][]*image{p.dropCopies(ctx, images, false)}
	if clash(p.stacks[0]) {
		p.uneven(images)
	}
	return p
}

// uneven tells which key might have told the phases apart.
func (p *phases) uneven(images []*image) {
	for key := range phaseKeyNames {
		stacks := byPhase(images, key)
		if len(stacks) < 2 || slices.ContainsFunc(stacks, clash) {
			continue
		}
		var sizes []string
		for _, s := range stacks {
			sizes = append(sizes, strconv.Itoa(len(s)))
		}
		p.findings = append(p.findings, finding(PLQPhases, risk.Warning, Pass, "", "%v makes volumes of %s slices, which are not the same slices of %d phases: some may be missing",
			phaseKeyNames[key], strings.Join(sizes, ", "), len(stacks)))
		return
	}
}

// complete tells whether no step between the sorted images is that of a missing
// slice.
func complete(images []*image) bool {
	var steps []float64
	for n := 1; n < len(images); n++ {
		steps = append(steps, along(images[0], images[n])-along(images[0], images[n-1]))
	}
	if len(steps) == 0 {
		return true
	}
	slices.Sort(steps)
	return steps[len(steps)-1] <= missingFrom*steps[(len(steps)-1)/2]
}

// clash tells whether two of the sorted images claim one position.
func clash(images []*image) bool {
	for n := 1; n < len(images); n++ {
		if along(images[0], images[n])-along(images[0], images[n-1]) < samePlace {
			return true
		}
	}
	return false
}

// dropCopies keeps the first of images with the same position and pixels; with
// sameSOP only those with the same SOP instance UID too.
func (p *phases) dropCopies(ctx context.Context, images []*image, sameSOP bool) []*image {
	if !clash(images) {
		return images
	}
	var kept []*image
	for lo := 0; lo < len(images); {
		hi := lo + 1
		for hi < len(images) && along(images[0], images[hi])-along(images[0], images[lo]) < samePlace {
			hi++
		}
		here := images[lo:hi]
		from := len(kept)
	next:
		for _, m := range here {
			for _, k := range kept[from:] {
				if ctx.Err() != nil {
					return images
				}
				if sameSOP && m.sop != k.sop {
					continue
				}
				if a, ok := m.pixelHash(); ok {
					if b, ok := k.pixelHash(); ok && a == b {
						p.findings = append(p.findings, finding(PLQDuplicate, risk.Info, Pass, at(along(images[0], m), m.label),
							"the slice is a copy of %s and was left out", k.label))
						continue next
					}
				}
			}
			kept = append(kept, m)
		}
		lo = hi
	}
	return kept
}

// byPhase groups the images by the value of a phase key, nil if one has none.
func byPhase(images []*image, key int) [][]*image {
	index := map[string]int{}
	var stacks [][]*image
	for _, m := range images {
		v := m.phaseKeys[key]
		if v == "" {
			return nil
		}
		n, ok := index[v]
		if !ok {
			n = len(stacks)
			index[v] = n
			stacks = append(stacks, nil)
		}
		stacks[n] = append(stacks[n], m)
	}
	return stacks
}

// splitBy returns the volumes that a phase key makes, in order of the key's
// value, or nil if they are not volumes with the same positions.
func splitBy(images []*image, key int) [][]*image {
	stacks := byPhase(images, key)
	if len(stacks) < 2 {
		return nil
	}
	for _, s := range stacks {
		if len(s) != len(stacks[0]) || clash(s) {
			return nil
		}
		for n := range s {
			if math.Abs(along(images[0], s[n])-along(images[0], stacks[0][n])) > samePlace {
				return nil
			}
		}
	}
	sort.SliceStable(stacks, func(a, b int) bool {
		x, errX := strconv.ParseFloat(stacks[a][0].phaseKeys[key], 64)
		y, errY := strconv.ParseFloat(stacks[b][0].phaseKeys[key], 64)
		if errX == nil && errY == nil {
			return x < y
		}
		return stacks[a][0].phaseKeys[key] < stacks[b][0].phaseKeys[key]
	})
	return stacks
}

// splitByRank returns the volumes that a key makes whose values differ a little
// from slab to slab, as trigger times do with the heart rate: at every position
// the smallest value belongs to the first volume, the next to the second. nil
// if the ranges of values of two volumes meet.
func splitByRank(images []*image, key int) [][]*image {
	value := func(m *image) float64 {
		x, err := strconv.ParseFloat(m.phaseKeys[key], 64)
		if err != nil {
			return math.NaN()
		}
		return x
	}
	var stacks [][]*image
	var low, high []float64
	for lo := 0; lo < len(images); {
		hi := lo + 1
		for hi < len(images) && along(images[0], images[hi])-along(images[0], images[lo]) < samePlace {
			hi++
		}
		here := slices.Clone(images[lo:hi])
		if stacks == nil {
			stacks, low, high = make([][]*image, len(here)), make([]float64, len(here)), make([]float64, len(here))
		}
		if len(here) != len(stacks) || slices.ContainsFunc(here, func(m *image) bool { return math.IsNaN(value(m)) }) {
			return nil
		}
		slices.SortStableFunc(here, func(a, b *image) int { return cmp.Compare(value(a), value(b)) })
		for n, m := range here {
			x := value(m)
			if lo == 0 {
				low[n], high[n] = x, x
			}
			low[n], high[n] = min(low[n], x), max(high[n], x)
			stacks[n] = append(stacks[n], m)
		}
		lo = hi
	}
	for n := 1; n < len(stacks); n++ {
		if !(high[n-1] < low[n]) {
			return nil
		}
	}
	return stacks
}

// Choose returns the series to score: of the series with the given UID, or of
// all if uid is empty, and of the given phase, or of any if phase is empty, the
// first in this order:
//
//  1. it is a CT volume in a transfer syntax that is read, of at least 3 slices;
//  2. contrast agent named, before unknown, before none;
//  3. images as reconstructed (ORIGINAL) before derived ones;
//  4. slices up to 1.5 mm before thicker ones;
//  5. phase from 65 to 80 %, before others, before unknown; in each the nearest to 75 %;
//  6. thinner slices; then more of them; then the smaller UID.
//
// A phase is named as [Series.Phase] has it, or by its percentage: "70 %",
// "70". The error lists the candidates; it is [ErrNotCT] too if all volumes are
// of another modality.
func (x *Index) Choose(uid, phase string) (*Series, error) { return x.choose(uid, phase, minSlices) }

// Pick is [Index.Choose] for other uses than scoring: a stack may have one or
// two slices.
func (x *Index) Pick(uid, phase string) (*Series, error) { return x.choose(uid, phase, 1) }

func (x *Index) choose(uid, phase string, least int) (*Series, error) {
	var best *Series
	var listed []string
	for n := range x.Series {
		s := &x.Series[n]
		if uid != "" && s.UID != uid {
			continue
		}
		name := s.UID
		if s.Phase != "" {
			name += ", phase " + s.Phase
		}
		listed = append(listed, fmt.Sprintf("%s (%s, %d slices%s)", name, s.Modality, len(s.Slices), s.unfit(least, ", ")))
		if s.unfit(least, "") != "" && uid == "" || !s.Image || len(s.Slices) < least || phase != "" && !s.isPhase(phase) {
			continue
		}
		if best == nil || s.before(best) {
			best = s
		}
	}
	if best != nil {
		return best, nil
	}
	if len(listed) == 0 {
		listed = []string{"none"}
		if uid != "" && len(x.Series) > 0 {
			listed = listed[:0]
			for _, s := range x.Series {
				listed = append(listed, s.UID)
			}
		}
	}
	if n := len(x.Skipped); n > 0 {
		listed = append(listed, fmt.Sprintf("%d damaged files, the first %s", n, strings.TrimPrefix(x.Skipped[0].Error(), "dicom: ")))
	}
	what := ErrNoSeries
	if volumes := slices.DeleteFunc(slices.Clone(x.Series), func(s Series) bool { return !s.Image }); len(volumes) > 0 && !slices.ContainsFunc(volumes, func(s Series) bool { return s.Modality == "CT" }) {
		what = fmt.Errorf("%w: %w", ErrNoSeries, ErrNotCT)
	}
	if phase != "" && what == ErrNoSeries {
		what = fmt.Errorf("phase %q: %w", phase, what)
	}
	if uid != "" {
		return nil, fmt.Errorf("series %s: %w; found: %s", uid, what, strings.Join(listed, ", "))
	}
	return nil, fmt.Errorf("%w; found: %s", what, strings.Join(listed, ", "))
}

// isPhase tells whether a phase that somebody asks for is that of s.
func (s *Series) isPhase(asked string) bool {
	squeeze := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "")) }
	if squeeze(asked) == squeeze(s.Phase) {
		return true
	}
	x, err := strconv.ParseFloat(strings.TrimSuffix(squeeze(asked), "%"), 64)
	return err == nil && math.Abs(x-s.PhasePercent) < 0.05
}

// minSlices is the least number of slices of a volume to score.
const minSlices = 3

// unfit returns why s cannot be taken, after lead, or "".
func (s *Series) unfit(least int, lead string) string {
	switch {
	case !s.Image:
		for _, f := range s.Findings {
			if f.Code == PLQNoVolume {
				return lead + f.Where + ": " + f.Text
			}
		}
		return lead + "no volume"
	case s.Modality != "CT":
		return fmt.Sprintf("%s%s: %v is %q, want CT", lead, s.Slices[0].Path, tModality, s.Modality)
	case len(s.Slices) < least:
		return fmt.Sprintf("%sa volume needs at least %d: give the folder", lead, least)
	case !s.readable():
		return fmt.Sprintf("%s%s: %v is %s, which cannot be decoded: convert it, for example with gdcmconv --raw", lead, s.Slices[0].Path, tTransferSyntax, s.TransferSyntax)
	}
	return ""
}

func (s *Series) readable() bool {
	for n := range s.Slices {
		if !s.Slices[n].image.syntax.readable() {
			return false
		}
	}
	return true
}

// before tells whether s is the better candidate.
func (s *Series) before(t *Series) bool {
	a, b := s.rank(), t.rank()
	for n := range a {
		if a[n] != b[n] {
			return a[n] < b[n]
		}
	}
	if s.UID != t.UID {
		return s.UID < t.UID
	}
	return s.Phase < t.Phase
}

// rank returns the criteria of [Index.Choose], smaller is better.
func (s *Series) rank() [7]float64 {
	fit, contrast, derived, thick, phase, off := 0.0, 1.0, 0.0, 0.0, 2.0, 0.0
	if s.unfit(1, "") != "" {
		fit = 1
	}
	if s.ContrastAgent != "" {
		contrast = 0
	} else if s.noContrast {
		contrast = 2
	}
	if len(s.ImageType) > 0 && s.ImageType[0] != "ORIGINAL" {
		derived = 1
	}
	slice := s.sliceMM()
	if slice > 1.5 {
		thick = 1
	}
	if p := s.PhasePercent; !math.IsNaN(p) {
		phase, off = 1, math.Abs(p-75)
		if p >= 65 && p <= 80 {
			phase = 0
		}
	}
	return [7]float64{fit, contrast, derived, thick, phase*1000 + off, math.Round(slice * 1000), -float64(len(s.Slices))}
}

// sliceMM is the larger of thickness and distance of the slices, mm.
func (s *Series) sliceMM() float64 {
	d := s.distance()
	if s.SliceThickness > d {
		return s.SliceThickness
	}
	return d
}
