package deidentify

import (
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// Why a file cannot be de-identified.
var (
	ErrBurnedIn = errors.New("pixels may show who the patient is")
	ErrDocument = errors.New("a document or directory, whose content cannot be cleaned")
	ErrKey      = errors.New("key too short")
)

// Method is what (0012,0063) of the files says.
const Method = "plaquerisk: PS3.15 Basic Profile, keyed UIDs"

// minKey is the least length of a key, bytes.
const minKey = 16

// Profile de-identifies files with one key.
type Profile struct {
	key []byte
	// AcceptBurnedIn passes files whose pixels may show text: somebody has
	// looked at them.
	AcceptBurnedIn bool
}

// New returns the Basic Profile with a key of at least 16 bytes.
func New(key []byte) (*Profile, error) {
	if len(key) < minKey {
		return nil, fmt.Errorf("deidentify: %d bytes, want at least %d: %w", len(key), minKey, ErrKey)
	}
	return &Profile{key: key}, nil
}

// hash is the keyed hash of a value of some kind.
func (p *Profile) hash(kind, value string) []byte {
	h := hmac.New(sha256.New, p.key)
	io.WriteString(h, kind+"\x00"+value)
	return h.Sum(nil)
}

// standardUIDs are the root of the UIDs that PS3.6 defines.
const standardUIDs = "1.2.840.10008."

// UID returns the UID that stands for uid; those of the standard stand for
// themselves.
func (p *Profile) UID(uid string) string {
	if uid == "" || strings.HasPrefix(uid, standardUIDs) {
		return uid
	}
	return part10.UID(string(p.hash("uid", uid)))
}

// Patient returns what stands for a patient's identifier.
func (p *Profile) Patient(id string) string {
	return base32.StdEncoding.EncodeToString(p.hash("patient", id)[:10])
}

// Identity is where a de-identified file belongs.
type Identity struct {
	Patient, Study, Series, Instance string
}

// Attributes that the profile asks for by name.
const (
	sopClass      part10.Tag = 0x00080016
	sopInstance   part10.Tag = 0x00080018
	patientName   part10.Tag = 0x00100010
	patientID     part10.Tag = 0x00100020
	studyUID      part10.Tag = 0x0020000d
	seriesUID     part10.Tag = 0x0020000e
	burnedIn      part10.Tag = 0x00280301
	personCodes   part10.Tag = 0x00401101
	document      part10.Tag = 0x00420011
	directory     part10.Tag = 0x00041220
	padding       part10.Tag = 0xfffcfffc
	secondaryRoot            = "1.2.840.10008.5.1.4.1.1.7"
	reportRoot               = "1.2.840.10008.5.1.4.1.1.88."
)

// File writes the file in r to w without what identifies the patient.
func (p *Profile) File(w io.Writer, r io.ReaderAt, size int64) (Identity, error) {
	var head [132]byte
	n, _ := r.ReadAt(head[:min(size, 132)], 0)
	preamble := n == len(head) && string(head[128:]) == "DICM"
	f, err := part10.Open(r, size, part10.DefaultLimits())
	if err == nil {
		err = f.Damage
	}
	if err != nil && !preamble { // any bytes look like a broken data set
		err = part10.ErrNotDICOM
	}
	if err != nil {
		return Identity{}, fmt.Errorf("deidentify: %w", err)
	}
	if err := p.refuse(f.Data); err != nil {
		return Identity{}, fmt.Errorf("deidentify: %w", err)
	}
	id := p.identity(f.Data)
	if preamble {
		w = &blank{w, 128}
	}
	report := strings.HasPrefix(text(f.Data, sopClass), reportRoot)
	err = f.Rewrite(w, func(e part10.Element) part10.Edit { return p.edit(e, id.Patient, report) },
		part10.Added{Tag: 0x00120062, VR: "CS", Value: []byte("YES")},
		part10.Added{Tag: 0x00120063, VR: "LO", Value: []byte(Method)},
		part10.Added{Tag: 0x00120064, VR: "SQ", Items: [][]part10.Added{{
			{Tag: 0x00080100, VR: "SH", Value: []byte("113100")},
			{Tag: 0x00080102, VR: "SH", Value: []byte("DCM")},
			{Tag: 0x00080104, VR: "LO", Value: []byte("Basic Application Confidentiality Profile")},
		}}},
		part10.Added{Tag: 0x00280303, VR: "CS", Value: []byte("REMOVED")},
	)
	if err != nil {
		return Identity{}, fmt.Errorf("deidentify: %w", err)
	}
	return id, nil
}

// blank writes zeros for the first bytes: a preamble may hold anything.
type blank struct {
	w io.Writer
	n int
}

func (b *blank) Write(p []byte) (int, error) {
	if k := min(b.n, len(p)); k > 0 {
		if n, err := b.w.Write(make([]byte, k)); err != nil {
			return n, err
		}
		b.n -= k
		n, err := b.w.Write(p[k:])
		return k + n, err
	}
	return b.w.Write(p)
}

// text returns the first value of an attribute, "" without one.
func text(d part10.Dataset, t part10.Tag) string {
	if v, err := d.Strings(t); err == nil && len(v) > 0 {
		return strings.TrimSpace(v[0])
	}
	return ""
}

// refuse tells why a file cannot be cleaned.
func (p *Profile) refuse(d part10.Dataset) error {
	for _, t := range []part10.Tag{document, directory} {
		if _, ok := d.Lookup(t); ok {
			return fmt.Errorf("%v: %w", t, ErrDocument)
		}
	}
	if p.AcceptBurnedIn {
		return nil
	}
	flag, class := text(d, burnedIn), text(d, sopClass)
	if flag == "YES" {
		return fmt.Errorf("%v is YES: %w", burnedIn, ErrBurnedIn)
	}
	if flag != "NO" && (class == secondaryRoot || strings.HasPrefix(class, secondaryRoot+".")) {
		return fmt.Errorf("a secondary capture, and %v is not NO: %w", burnedIn, ErrBurnedIn)
	}
	return nil
}

// identity returns what stands for the patient, the study and so on. Without an
// identifier the patient is told by the name, and without that by the study.
func (p *Profile) identity(d part10.Dataset) Identity {
	who := text(d, patientID)
	if who == "" {
		who = text(d, patientName)
	}
	if who == "" {
		who = text(d, studyUID)
	}
	return Identity{Patient: p.Patient(who), Study: p.UID(text(d, studyUID)), Series: p.UID(text(d, seriesUID)), Instance: p.UID(text(d, sopInstance))}
}

// edit is what becomes of an element of an image or a structured report.
func (p *Profile) edit(e part10.Element, patient string, report bool) part10.Edit {
	t, vr := e.Tag(), e.VR()
	switch group := t >> 16; {
	case group == 2 && t&0xffff == 0: // set anew by the writer
		return part10.Edit{}
	case t.Private(), t&0xffff == 0, t == padding, group&0xff00 == 0x5000, group&0xff00 == 0x6000:
		return part10.Edit{Delete: true}
	case t == part10.PixelData:
		return part10.Edit{}
	case t == patientName || t == patientID:
		return part10.Edit{Replace: true, Value: []byte(patient)}
	case t == personCodes:
		return part10.Edit{Replace: true}
	}
	what, listed := table[t]
	switch {
	case !listed && t.Keyword() == "":
		return part10.Edit{Delete: true}
	case !listed && vr == "PN":
		what = empty
	case !listed && vr == "UI" && t>>16 != 2:
		what = mapped
	case !listed:
		return part10.Edit{}
	}
	switch {
	case what == removed || vr == "SQ" && (what == removedOrDummy || what == emptyOrDummy && !report && e.Len() != 0):
		return part10.Edit{Delete: true}
	case vr == "SQ" && (what == dummy || what == mapped): // its items are cleaned
		return part10.Edit{}
	case e.Len() == 0:
		return part10.Edit{}
	case what == empty || vr == "SQ":
		return part10.Edit{Replace: true}
	case what == mapped:
		return p.mapUIDs(e)
	}
	return part10.Edit{Replace: true, Value: dummies[vr]}
}

// mapUIDs replaces the UIDs of an element.
func (p *Profile) mapUIDs(e part10.Element) part10.Edit {
	uids, err := e.Strings()
	if err != nil {
		return part10.Edit{Replace: true}
	}
	for i, uid := range uids {
		uids[i] = p.UID(strings.TrimSpace(uid))
	}
	return part10.Edit{Replace: true, Value: []byte(strings.Join(uids, `\`))}
}

// dummies are values that mean nothing, by representation. A binary one without
// its own becomes empty.
var dummies = map[string][]byte{
	"AE": []byte("REMOVED"), "AS": []byte("000Y"), "CS": []byte("REMOVED"), "DA": []byte("19000101"), "DS": []byte("0"),
	"DT": []byte("19000101000000"), "IS": []byte("0"), "LO": []byte("Removed"), "LT": []byte("Removed"), "PN": []byte("Removed"),
	"SH": []byte("Removed"), "ST": []byte("Removed"), "TM": []byte("000000"), "UC": []byte("Removed"), "UR": []byte("urn:removed"),
	"UT": []byte("Removed"), "OB": {0, 0}, "UN": {0, 0},
}

// action is what the table asks for.
type action int

const (
	removed        action = iota // X
	empty                        // Z, X/Z
	dummy                        // D, Z/D
	emptyOrDummy                 // X/Z/D: a dummy, but sequences go, or become empty in reports, which need them
	removedOrDummy               // X/D: a dummy, but sequences go
	mapped                       // U, X/Z/U*
)

//go:embed table_e1_1.txt
var tableText string

// table holds the actions of table E.1-1, and of what it leaves to the
// sequences around it or to PS3.10.
var table = parse(tableText)

// beyond overrides the table.
var beyond = map[part10.Tag]action{
	0x00081110: removed,                                           // ReferencedStudySequence: X/Z, but no object may have it empty
	0x0040a160: dummy,                                             // TextValue, within ContentSequence
	0x00020016: removed, 0x00020017: removed, 0x00020018: removed, // application entities that wrote, sent and received the file
	0x00020026: removed, 0x00020027: removed, 0x00020028: removed, // their addresses
	0x00020100: removed, 0x00020102: removed, // private information
}

func parse(text string) map[part10.Tag]action {
	actions := map[string]action{"X": removed, "Z": empty, "X/Z": empty, "D": dummy, "Z/D": dummy, "X/D": removedOrDummy, "X/Z/D": emptyOrDummy, "U": mapped, "X/Z/U*": mapped}
	out := map[part10.Tag]action{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		n, err := strconv.ParseUint(strings.Replace(cells[0], ",", "", 1), 16, 32)
		what, ok := actions[cells[1]]
		if err != nil || !ok {
			panic("deidentify: table: " + line)
		}
		out[part10.Tag(n)] = what
	}
	maps.Copy(out, beyond)
	return out
}
