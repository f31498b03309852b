package object

import "github.com/plaquerisk/plaquerisk/dicom/part10"

// Private is the scheme of our own codes.
const Private = "99PLAQUERISK"

// Code is a coded concept.
type Code struct{ Value, Scheme, Meaning string }

// Item returns the item of a code sequence.
func (c Code) Item() *part10.Set {
	s := &part10.Set{}
	if len(c.Value) > 16 {
		s.Text(0x00080119, "UC", c.Value) // LongCodeValue
	} else {
		s.Text(0x00080100, "SH", c.Value)
	}
	s.Text(0x00080102, "SH", c.Scheme)
	s.Text(0x00080104, "LO", c.Meaning)
	return s
}

// Schemes returns the item that says what [Private] is (CodingSchemeIdentification).
func Schemes(program string) *part10.Set {
	s := &part10.Set{}
	s.Text(0x00080102, "SH", Private)
	s.Text(0x00080115, "ST", program+": measurements of coronary plaque")
	s.Text(0x00080116, "ST", program)
	return s
}

// Concepts that several objects share.
var (
	Plaque       = Code{"1522000", "SCT", "Plaque"}
	ArteryLumen  = Code{"67170007", "SCT", "Lumen of artery"}
	Coronary     = Code{"41801008", "SCT", "Coronary artery"}
	Abnormal     = Code{"49755003", "SCT", "Morphologically Abnormal Structure"}
	Anatomical   = Code{"91723000", "SCT", "Anatomical Structure"}
	Segmentation = Code{"113076", "DCM", "Segmentation"}
	SourceImage  = Code{"121322", "DCM", "Source image for image processing operation"}
)

// Arteries are the codes of the coronary arteries by their names here.
var Arteries = map[string]Code{
	"LM":  {"3227004", "SCT", "Left Main Coronary Artery"},
	"LAD": {"59438005", "SCT", "Anterior Descending Branch of Left Coronary Artery"},
	"LCX": {"57396003", "SCT", "Circumflex Coronary Artery"},
	"RCA": {"13647002", "SCT", "Right Coronary Artery"},
}
