package part10

import (
	"fmt"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// Tag is the group and the element number of an element: 0x00100010 is
// (0010,0010), the patient's name.
type Tag uint32

// Tags that the structure of a file hangs on.
const (
	metaLength     Tag = 0x00020000
	transferSyntax Tag = 0x00020010
	charsetTag     Tag = 0x00080005
	pixelSign      Tag = 0x00280103
	PixelData      Tag = 0x7fe00010
	item           Tag = 0xfffee000
	itemEnd        Tag = 0xfffee00d
	sequenceEnd    Tag = 0xfffee0dd
)

// String returns the tag as the standard prints it.
func (t Tag) String() string { return fmt.Sprintf("(%04x,%04x)", uint16(t>>16), uint16(t)) }

// Private tells whether the tag belongs to a manufacturer.
func (t Tag) Private() bool { return t>>16&1 == 1 }

// Keyword returns the keyword of the data dictionary, "" if the tag is not
// there.
func (t Tag) Keyword() string {
	info, err := tag.Find(tag.Tag{Group: uint16(t >> 16), Element: uint16(t)})
	if err != nil {
		return ""
	}
	return info.Keyword
}

// representation is the value representation of the dictionary for a data set
// that does not name it, "UN" if unknown. Where it depends on the sign of
// pixels, it is that of unsigned ones.
func (t Tag) representation() string {
	switch {
	case t&0xffff == 0: // group length
		return "UL"
	case t.Private() && t&0xffff >= 0x10 && t&0xffff <= 0xff: // creator of a block
		return "LO"
	case t.Private():
		return "UN"
	}
	info, err := tag.Find(tag.Tag{Group: uint16(t >> 16), Element: uint16(t)})
	if err != nil || len(info.VRs) == 0 {
		return "UN"
	}
	vr := info.VRs[0]
	for _, v := range info.VRs { // "US or SS", "OB or OW"
		if v == "US" || v == "OW" {
			vr = v
		}
	}
	if len(vr) != 2 {
		return "UN"
	}
	return vr
}

// signOfPixels tells whether the dictionary leaves the sign to the pixels.
func (t Tag) signOfPixels() bool {
	info, err := tag.Find(tag.Tag{Group: uint16(t >> 16), Element: uint16(t)})
	return err == nil && slices.Contains(info.VRs, "US") && slices.Contains(info.VRs, "SS")
}

// long tells which representations carry a length of 32 bits behind two
// reserved bytes (PS3.5 7.1.2).
func long(vr string) bool {
	switch vr {
	case "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV":
		return true
	}
	return false
}

// width returns the bytes of one number of a binary representation, 0 for
// text.
func width(vr string) int {
	switch vr {
	case "US", "SS", "OW":
		return 2
	case "UL", "SL", "FL", "OF", "OL":
		return 4
	case "FD", "OD", "UV", "SV", "OV":
		return 8
	case "AT":
		return 2 // two numbers of 16 bits
	case "OB", "UN":
		return 1
	}
	return 0
}
