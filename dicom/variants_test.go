package dicom

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
	"github.com/plaquerisk/plaquerisk/risk"
)

// set is a new value of an attribute; an empty one deletes it.
type set struct {
	tag   tag
	vr    string
	value string
}

// change rewrites a file with new values.
func change(t testing.TB, path string, sets ...set) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := part10.Open(bytes.NewReader(b), int64(len(b)), part10.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	gone := map[part10.Tag]bool{}
	var added []part10.Added
	for _, s := range sets {
		if s.value == "" {
			gone[part10.Tag(s.tag)] = true
			continue
		}
		added = append(added, part10.Added{Tag: part10.Tag(s.tag), VR: s.vr, Value: []byte(s.value)})
	}
	var out bytes.Buffer
	if err := f.Rewrite(&out, func(e part10.Element) part10.Edit { return part10.Edit{Delete: gone[e.Tag()]} }, added...); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// words are numbers of 16 bits, little-endian.
func words(v ...int) string {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint16(b, uint16(x))
	}
	return string(b)
}

// stack is a written series under change.
type stack struct {
	testing.TB
	dir   string
	truth *imaging.Volume
}

// file returns the path of slice k.
func (s *stack) file(k int) string { return filepath.Join(s.dir, fmt.Sprintf("IM%05d.dcm", k+1)) }

// each changes all slices that are there.
func (s *stack) each(sets func(k int) []set) {
	for k := range s.truth.Size[2] {
		if _, err := os.Stat(s.file(k)); err == nil {
			change(s, s.file(k), sets(k)...)
		}
	}
}

// remove deletes a slice.
func (s *stack) remove(k int) {
	if err := os.Remove(s.file(k)); err != nil {
		s.Fatal(err)
	}
}

// add writes another series into the folder and returns where its files begin.
func (s *stack) add(v *imaging.Volume, m Meta, prefix string, sets ...set) {
	other := writeSeries(s, v, m)
	for k := range v.Size[2] {
		name := fmt.Sprintf("IM%05d.dcm", k+1)
		change(s, filepath.Join(other, name), sets...)
		if err := os.Rename(filepath.Join(other, name), filepath.Join(s.dir, prefix+name)); err != nil {
			s.Fatal(err)
		}
	}
}

// stored replaces the pixels of slice k by a function of their HU.
func (s *stack) stored(k int, of func(hu float64) int, sets ...set) {
	n := s.truth.Size[0] * s.truth.Size[1]
	v := make([]int, n)
	for i, hu := range s.truth.Values[k*n : (k+1)*n] {
		v[i] = of(float64(hu))
	}
	change(s, s.file(k), append(sets, set{tPixelData, "OW", words(v...)})...)
}

// other returns a volume of the same places with other values.
func other(v *imaging.Volume) *imaging.Volume {
	o := imaging.NewVolume(v.Grid)
	for i, x := range v.Values {
		o.Values[i] = 100 - x
	}
	return o
}

// runLength is one frame of 16 bits as RLE of PS3.5 annex G, in literal runs.
func runLength(pixels []byte) []byte {
	var high, low []byte
	for i := 0; i < len(pixels); i += 2 {
		low, high = append(low, pixels[i]), append(high, pixels[i+1])
	}
	segment := func(b []byte) (out []byte) {
		for len(b) > 0 {
			n := min(len(b), 128)
			out = append(append(out, byte(n-1)), b[:n]...)
			b = b[n:]
		}
		if len(out)%2 == 1 {
			out = append(out, 0x80) // no operation
		}
		return out
	}
	first, second := segment(high), segment(low)
	head := make([]byte, 64)
	binary.LittleEndian.PutUint32(head, 2)
	binary.LittleEndian.PutUint32(head[4:], 64)
	binary.LittleEndian.PutUint32(head[8:], uint32(64+len(first)))
	return append(append(head, first...), second...)
}

// reencode replaces the transfer syntax of a written file and what follows the
// file meta information.
func reencode(t testing.TB, path, uid string, body func(data []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := 132 + 12 + int(binary.LittleEndian.Uint32(b[140:]))
	if len(uid)%2 == 1 {
		uid += "\x00"
	}
	old := explicitLE + "\x00"
	i := bytes.Index(b[:at], []byte(old))
	meta := append(bytes.Clone(b[:i-2]), byte(len(uid)), 0)
	meta = append(append(meta, uid...), b[i+len(old):at]...)
	binary.LittleEndian.PutUint32(meta[140:], uint32(len(meta)-144))
	if err := os.WriteFile(path, append(meta, body(b[at:])...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// variants are series as archives hold them: what must come of each is either
// the exact volume, with the given finding if there is one, or a gate with the
// finding that names the reason.
var variants = []struct {
	name string
	make func(*stack)
	code string
	gate Gate
}{
	{"as written", func(*stack) {}, "", Pass},
	{"first slice missing", func(s *stack) { s.remove(0) }, PLQMissing, Incomplete},
	{"slice missing", func(s *stack) { s.remove(5) }, PLQMissing, Incomplete},
	{"last slice missing", func(s *stack) { s.remove(11) }, PLQMissing, Incomplete},
	{"slice twice, identical", func(s *stack) {
		b, _ := os.ReadFile(s.file(4))
		os.WriteFile(filepath.Join(s.dir, "copy"), b, 0o600)
	}, PLQDuplicate, Pass},
	{"slice twice, same pixels under another UID", func(s *stack) {
		b, _ := os.ReadFile(s.file(4))
		os.WriteFile(filepath.Join(s.dir, "copy"), b, 0o600)
		change(s, filepath.Join(s.dir, "copy"), set{tSOPInstance, "UI", "1.2.3"})
	}, PLQDuplicate, Pass},
	{"slice twice, different", func(s *stack) {
		b, _ := os.ReadFile(s.file(4))
		b[len(b)-5] ^= 1
		os.WriteFile(filepath.Join(s.dir, "other"), b, 0o600)
	}, PLQConflict, Refuse},
	{"irregular spacing", func(s *stack) {
		p := s.truth.Point(0, 0, 7)
		change(s, s.file(7), set{tPosition, "DS", decimals(p.X, p.Y, p.Z+0.25)})
	}, PLQIrregular, Refuse},
	{"tilted gantry", func(s *stack) {
		s.truth.Axes[2] = r3.Unit(r3.Vec{Y: 0.2, Z: 1})
		s.each(func(k int) []set {
			p := s.truth.Point(0, 0, float64(k))
			return []set{{tPosition, "DS", decimals(p.X, p.Y, p.Z)}}
		})
	}, PLQTilt, Pass},
	{"no position in one slice", func(s *stack) { change(s, s.file(3), set{tag: tPosition}) }, PLQDamaged, Incomplete},
	{"no position at all", func(s *stack) { s.each(func(int) []set { return []set{{tag: tPosition}} }) }, PLQNoVolume, Pass},
	{"one slice of another orientation", func(s *stack) {
		change(s, s.file(3), set{tOrientation, "DS", `1\0\0\0\0\-1`})
	}, PLQMixed, Refuse},
	{"one slice of another matrix", func(s *stack) {
		change(s, s.file(3), set{tRows, "US", words(6)}, set{tColumns, "US", words(32)})
	}, PLQMixed, Refuse},
	{"localizer in the series", func(s *stack) {
		g := imaging.NewGrid([3]int{20, 20, 1}, [3]float64{1, 1, 1}, r3.Vec{})
		s.add(ramp(g), DefaultMeta(), "loc", set{tImageType, "CS", `ORIGINAL\PRIMARY\LOCALIZER`})
	}, "", Pass},
	{"secondary capture in the series", func(s *stack) {
		g := imaging.NewGrid([3]int{20, 20, 1}, [3]float64{1, 1, 1}, r3.Vec{})
		s.add(ramp(g), DefaultMeta(), "sc", set{tSOPClass, "UI", "1.2.840.10008.5.1.4.1.1.7"}, set{tag: tPosition}, set{tag: tOrientation}, set{tag: tPixelSpacing},
			set{tImageType, "CS", `DERIVED\SECONDARY`})
	}, "", Pass},
	{"two series in one folder", func(s *stack) {
		m := DefaultMeta()
		m.SeriesNumber, m.ContrastAgent = 2, ""
		s.add(other(s.truth), m, "b")
	}, "", Pass},
	{"four phases in one series", func(s *stack) {
		for _, percent := range []float64{30, 40, 80} {
			s.add(other(s.truth), DefaultMeta(), fmt.Sprint(percent), set{tPhasePercent, "FL", string(binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(percent))))})
		}
	}, PLQPhases, Pass},
	{"two phases, the same slice missing in both", func(s *stack) {
		s.add(other(s.truth), DefaultMeta(), "b", set{tPhasePercent, "FL", string(binary.LittleEndian.AppendUint32(nil, math.Float32bits(40)))})
		s.remove(6)
		os.Remove(filepath.Join(s.dir, "bIM00007.dcm"))
	}, PLQMissing, Incomplete},
	{"two phases by ScanOptions, one incomplete", func(s *stack) {
		s.each(func(int) []set { return []set{{tScanOptions, "CS", "TP0PC75"}, {tag: tPhasePercent}} })
		s.add(other(s.truth), DefaultMeta(), "b", set{tScanOptions, "CS", "TP1PC40"}, set{tag: tPhasePercent})
		os.Remove(filepath.Join(s.dir, "bIM00003.dcm"))
	}, PLQConflict, Refuse},
	{"two phases between each other's slices", func(s *stack) {
		s.each(func(k int) []set {
			return []set{{tPhasePercent, "FL", string(binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(40+35*(k%2)))))}}
		})
	}, PLQMixed, Refuse},
	{"phases by trigger times that drift with the heart rate, two percentages in the description", func(s *stack) {
		times := func(k, ms int) []set {
			return []set{{tag: tPhasePercent}, {tSeriesDesc, "LO", "multiphase 40-75 %"}, {tTriggerTime, "DS", fmt.Sprint(ms + k/4)}}
		}
		s.each(func(k int) []set { return times(k, 300) })
		s.add(other(s.truth), DefaultMeta(), "b")
		for k := range 12 {
			change(s, filepath.Join(s.dir, fmt.Sprintf("bIM%05d.dcm", k+1)), times(k, 600)...)
		}
	}, PLQPhases, Pass},
	{"one slice without rescale", func(s *stack) { change(s, s.file(3), set{tag: tSlope}, set{tag: tIntercept}) }, PLQMixed, Refuse},
	{"no rescale", func(s *stack) {
		for k := range s.truth.Size[2] {
			s.stored(k, func(hu float64) int { return int(hu) }, set{tag: tSlope}, set{tag: tIntercept})
		}
	}, PLQUnknownTags, Pass},
	{"effective atomic numbers", func(s *stack) { s.each(func(int) []set { return []set{{tRescaleType, "LO", "Z_EFF"}} }) }, PLQModality, Refuse},
	{"values by a table", func(s *stack) {
		change(s, s.file(3), set{tag: tSlope}, set{tag: tIntercept}, set{tModalityLUT, "SQ", "\xfe\xff\x00\xe0\x00\x00\x00\x00"})
	}, PLQFormat, Pass},
	{"rescale of each slice", func(s *stack) {
		for k := range s.truth.Size[2] {
			slope, intercept := float64(1+k%3)/2, float64(-1024+8*k)
			n := s.truth.Size[0] * s.truth.Size[1]
			for i, hu := range s.truth.Values[k*n : (k+1)*n] { // to what can be stored
				s.truth.Values[k*n+i] = float32(slope*math.Round((float64(hu)-intercept)/slope) + intercept)
			}
			s.stored(k, func(hu float64) int { return int(math.Round((hu - intercept) / slope)) }, set{tSlope, "DS", decimals(slope)}, set{tIntercept, "DS", decimals(intercept)})
		}
	}, "", Pass},
	{"padding, signed", func(s *stack) { padded(s, -2000, 1, -1024) }, PLQPadding, Pass},
	{"padding, unsigned", func(s *stack) { padded(s, 63536, 0, -1024) }, PLQPadding, Pass},
	{"padding, signed in an unsigned representation", func(s *stack) {
		padded(s, -2000, 1, -1024)
		s.each(func(int) []set { return []set{{tPaddingValue, "US", words(-2000)}} })
	}, PLQPadding, Pass},
	{"unsigned, intercept -8192", func(s *stack) {
		for k := range s.truth.Size[2] {
			s.stored(k, func(hu float64) int { return int(hu) + 8192 }, set{tIntercept, "DS", "-8192"}, set{tPixelRep, "US", words(0)})
		}
	}, "", Pass},
	{"intercept 0", func(s *stack) {
		for k := range s.truth.Size[2] {
			s.stored(k, func(hu float64) int { return int(hu) }, set{tIntercept, "DS", "0"})
		}
	}, "", Pass},
	{"12 signed bits, others set", func(s *stack) {
		for k := range s.truth.Size[2] {
			s.stored(k, func(hu float64) int { return int(hu)&0xfff | 0x5000 }, set{tIntercept, "DS", "0"}, set{tBitsStored, "US", words(12)}, set{tHighBit, "US", words(11)})
		}
	}, "", Pass},
	{"numbered and named backwards", func(s *stack) {
		s.each(func(k int) []set { return []set{{tInstanceNumber, "IS", fmt.Sprint(12 - k)}} })
		for k := range 6 {
			os.Rename(s.file(k), s.file(99))
			os.Rename(s.file(11-k), s.file(k))
			os.Rename(s.file(99), s.file(11-k))
		}
	}, "", Pass},
	{"enhanced multi-frame", func(s *stack) { s.dir = enhance(s, s.dir, 1) }, "", Pass},
	{"compressed by RLE", func(s *stack) {
		for k := range s.truth.Size[2] {
			reencode(s, s.file(k), "1.2.840.10008.1.2.5", func(data []byte) []byte {
				n := 2 * s.truth.Size[0] * s.truth.Size[1]
				frame := runLength(data[len(data)-n:])
				out := append(bytes.Clone(data[:len(data)-n-4]), 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0, 0xe0)
				out = binary.LittleEndian.AppendUint32(out, uint32(len(frame)))
				return append(append(out, frame...), 0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0)
			})
		}
	}, "", Pass},
	{"deflated", func(s *stack) {
		for k := range s.truth.Size[2] {
			reencode(s, s.file(k), "1.2.840.10008.1.2.1.99", func(data []byte) []byte {
				var z bytes.Buffer
				w, _ := flate.NewWriter(&z, 6)
				w.Write(data)
				w.Close()
				return z.Bytes()
			})
		}
	}, "", Pass},
	{"compressed in a way that is not read", func(s *stack) {
		reencode(s, s.file(2), "1.2.840.10008.1.2.4.102", func(data []byte) []byte { return data })
	}, PLQCompressed, Pass},
	{"one file cut", func(s *stack) {
		if err := os.Truncate(s.file(6), 1300); err != nil {
			s.Fatal(err)
		}
	}, PLQDamaged, Incomplete},
	{"two kernels", func(s *stack) { change(s, s.file(6), set{tKernel, "SH", "Br59"}) }, PLQMixed, Pass},
	{"two slice distances", func(s *stack) {
		s.each(func(k int) []set {
			p := s.truth.Point(0, 0, float64(k+max(0, k-5)))
			return []set{{tPosition, "DS", decimals(p.X, p.Y, p.Z)}}
		})
	}, PLQIrregular, Refuse},
	{"another patient's slice", func(s *stack) { change(s, s.file(6), set{tPatientID, "LO", "B"}, set{tPatientName, "PN", "B"}) }, PLQMixed, Refuse},
	{"three slices of thick and two of thin distance", func(s *stack) {
		for k := 5; k < 12; k++ {
			s.remove(k)
		}
		s.each(func(k int) []set {
			p := s.truth.Point(0, 0, []float64{0, 3, 6, 7, 8}[k])
			return []set{{tPosition, "DS", decimals(p.X, p.Y, p.Z)}}
		})
	}, PLQMissing, Incomplete},
}

// padded gives the corner of each slice a padding value, which is to become
// -1024 HU.
func padded(s *stack, value, sign int, intercept float64) {
	n := s.truth.Size[0] * s.truth.Size[1]
	vr := "US"
	if sign == 1 {
		vr = "SS"
	}
	for k := range s.truth.Size[2] {
		first := true
		s.stored(k, func(hu float64) int {
			if first {
				first = false
				return value
			}
			return int(hu - intercept)
		}, set{tPixelRep, "US", words(sign)}, set{tPaddingValue, vr, words(value)})
		s.truth.Values[k*n] = -1024
	}
}

// Each variant gives the exact volume or is stopped by a finding with its code:
// no stack is silently wrong.
func TestVariants(t *testing.T) {
	silent, exact, stopped := 0.0, 0, 0
	for _, v := range variants {
		s := &stack{TB: t, truth: ramp(grid(12))}
		s.dir = writeSeries(t, s.truth, DefaultMeta())
		v.make(s)
		x, err := Scan(context.Background(), s.dir)
		if err != nil {
			t.Fatal(err)
		}
		var findings []Finding
		gate := Pass
		same := false
		if c, err := x.Choose("", ""); err != nil {
			for n := range x.Series {
				findings = append(findings, x.Series[n].Findings...)
			}
		} else {
			study, err := Load(context.Background(), c, DefaultConfig())
			findings, gate = study.Findings, study.Gate()
			same = err == nil && equal(study.Volume, s.truth)
		}
		named := v.code == ""
		for _, f := range findings {
			named = named || f.Code == v.code && (v.gate == Pass || f.Gate == v.gate)
		}
		switch ok := named && gate == v.gate; {
		case ok && same:
			exact++
		case ok && v.code != "":
			stopped++
		default:
			silent++
			t.Errorf("%s: exact %v, gate %v, want %v and %q; %+v", v.name, same, gate, v.gate, v.code, findings)
		}
	}
	verify.Check{
		Suite: "dicom series", Case: fmt.Sprintf("%d variants: %d exact, %d stopped by a named finding", len(variants), exact, stopped),
		Quantity: "variants of another volume, or without the finding", Source: "volumes as written", Got: silent,
	}.Run(t)
}

// Phases that a key tells apart as it is are not said to drift, and those of one
// percentage in their description have names of their own.
func TestPhaseNames(t *testing.T) {
	s := &stack{TB: t, truth: ramp(grid(12))}
	s.dir = writeSeries(t, s.truth, DefaultMeta())
	named := func(n string) []set {
		return []set{{tag: tPhasePercent}, {tSeriesDesc, "LO", "Cardiac 75%"}, {tTemporalPosition, "IS", n}}
	}
	s.each(func(int) []set { return named("1") })
	s.add(other(s.truth), DefaultMeta(), "b", named("2")...)
	x, err := Scan(context.Background(), s.dir)
	if err != nil || len(x.Series) != 2 {
		t.Fatal(len(x.Series), err)
	}
	for n, want := range []string{"TemporalPositionIdentifier 1", "TemporalPositionIdentifier 2"} {
		c, err := x.Choose("", want)
		if err != nil || c != &x.Series[n] || !math.IsNaN(c.PhasePercent) {
			t.Errorf("%s: %v", want, err)
		}
		for _, f := range x.Series[n].Findings {
			if f.Code == PLQPhases && f.Severity == risk.Warning {
				t.Error(f.Text)
			}
		}
	}
}

// A percentage is a phase only where it is the only one and no strength of a
// reconstruction and no range. Texts are those of Siemens, GE, Philips, Canon.
func TestPhaseOfText(t *testing.T) {
	for text, want := range map[string]float64{
		"CorCTA 0.75 B26f 65 %": 65, "BestDiast 71%": 71, "75.0% Cardiac": 75, "SS 70% ASIR 30%": 70, "CTA-75%": 75, "CCTA75%": 75,
		"CorCTA 0.6 Bv40 30-80 %": math.NaN(), "30% - 80%": math.NaN(), "CCTA ASIR-V 50%": math.NaN(), "ASIR50%": math.NaN(), "0 to 90 %": math.NaN(), "270 ms": math.NaN(), "180 %": math.NaN(),
	} {
		if got := percentIn(text); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("%q: %g, want %g", text, got, want)
		}
	}
}

// A damaged file alone is refused with the reason.
func TestDamagedAlone(t *testing.T) {
	s := &stack{TB: t, truth: ramp(grid(1))}
	s.dir = writeSeries(t, s.truth, DefaultMeta())
	if err := os.Truncate(s.file(0), 1300); err != nil {
		t.Fatal(err)
	}
	x, err := Scan(context.Background(), s.dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Pick("", ""); err == nil || !strings.Contains(err.Error(), "1 damaged files, the first IM00001.dcm: damaged file: ") {
		t.Error(err)
	}
}

// Frames are not numbered along the patient by the number of their file.
func TestEnhancedNumber(t *testing.T) {
	s := &stack{TB: t, truth: ramp(grid(30))}
	dir := enhance(t, writeSeries(t, s.truth, DefaultMeta()), 1)
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	change(t, filepath.Join(dir, files[0].Name()), set{tInstanceNumber, "IS", "5"})
	x, err := Scan(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range x.Series[0].Findings {
		if f.Code == PLQMissing {
			t.Error(f.Text)
		}
	}
}

// equal tells whether two volumes agree in every voxel and place.
func equal(a, b *imaging.Volume) bool {
	if a.Size != b.Size || a.CornerDistance(&b.Grid) > 1e-6 {
		return false
	}
	for n, v := range a.Values {
		if v != b.Values[n] {
			return false
		}
	}
	return true
}
