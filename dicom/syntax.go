package dicom

import (
	"fmt"

	"github.com/plaquerisk/plaquerisk/dicom/codec"
)

// explicitLE is the transfer syntax that [Write] uses.
const explicitLE = "1.2.840.10008.1.2.1"

// syntax says how pixels are encoded.
type syntax struct {
	uid    string
	name   string
	native bool // pixels are not compressed
}

// syntaxes are the transfer syntaxes of PS3.6 that images come in.
var syntaxes = []syntax{
	{uid: "1.2.840.10008.1.2", name: "Implicit VR Little Endian", native: true},
	{uid: explicitLE, name: "Explicit VR Little Endian", native: true},
	{uid: "1.2.840.10008.1.2.1.99", name: "Deflated Explicit VR Little Endian", native: true},
	{uid: "1.2.840.10008.1.2.2", name: "Explicit VR Big Endian", native: true},
	{uid: "1.2.840.10008.1.2.4.50", name: "JPEG Baseline"},
	{uid: "1.2.840.10008.1.2.4.51", name: "JPEG Extended"},
	{uid: "1.2.840.10008.1.2.4.57", name: "JPEG Lossless"},
	{uid: "1.2.840.10008.1.2.4.70", name: "JPEG Lossless, First-Order Prediction"},
	{uid: "1.2.840.10008.1.2.4.80", name: "JPEG-LS Lossless"},
	{uid: "1.2.840.10008.1.2.4.81", name: "JPEG-LS Near-lossless"},
	{uid: "1.2.840.10008.1.2.4.90", name: "JPEG 2000 Lossless"},
	{uid: "1.2.840.10008.1.2.4.91", name: "JPEG 2000"},
	{uid: "1.2.840.10008.1.2.4.201", name: "High-Throughput JPEG 2000 Lossless"},
	{uid: "1.2.840.10008.1.2.4.202", name: "High-Throughput JPEG 2000 with RPCL Lossless"},
	{uid: "1.2.840.10008.1.2.4.203", name: "High-Throughput JPEG 2000"},
	{uid: "1.2.840.10008.1.2.5", name: "RLE Lossless"},
	{uid: "1.2.840.10008.1.2.8.1", name: "Deflated Image Frame"},
	{uid: "1.2.840.10008.1.2.1.98", name: "Encapsulated Uncompressed Explicit VR Little Endian"},
}

// syntaxOf returns the transfer syntax of a UID. An unknown one is taken for
// compressed explicit little endian, which PS3.5 A.4 demands of all of them.
func syntaxOf(uid string) syntax {
	for _, s := range syntaxes {
		if s.uid == uid {
			return s
		}
	}
	return syntax{uid: uid, name: "unknown transfer syntax"}
}

// readable tells whether pixels in this syntax can be decoded.
func (s syntax) readable() bool {
	_, ok := codec.Lookup(s.uid)
	return s.native || ok
}

// lossy tells whether the syntax says that values were changed. JPEG 2000 of
// either kind may serve both; its images say so themselves.
func (s syntax) lossy() bool {
	c, ok := codec.Lookup(s.uid)
	return ok && c.Lossy && s.uid != "1.2.840.10008.1.2.4.91" && s.uid != "1.2.840.10008.1.2.4.81"
}

// String returns name and UID.
func (s syntax) String() string { return fmt.Sprintf("%s (%s)", s.name, s.uid) }
