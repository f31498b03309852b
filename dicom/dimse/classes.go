package dimse

import (
	"slices"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// native are the transfer syntaxes without compression, preferred first.
var native = []string{part10.ExplicitLittle, part10.ImplicitLittle}

// compressed are the transfer syntaxes of images that archives hold.
var compressed = []string{
	"1.2.840.10008.1.2.1.99", // deflated
	"1.2.840.10008.1.2.2",    // big endian
	"1.2.840.10008.1.2.5",    // RLE
	"1.2.840.10008.1.2.4.50", // JPEG, 8 bit
	"1.2.840.10008.1.2.4.51", // 12 bit
	"1.2.840.10008.1.2.4.57", // lossless
	"1.2.840.10008.1.2.4.70",
	"1.2.840.10008.1.2.4.80", // JPEG-LS
	"1.2.840.10008.1.2.4.81",
	"1.2.840.10008.1.2.4.90", // JPEG 2000
	"1.2.840.10008.1.2.4.91",
	"1.2.840.10008.1.2.4.201", // high-throughput JPEG 2000
	"1.2.840.10008.1.2.4.202",
	"1.2.840.10008.1.2.4.203",
	"1.2.840.10008.1.2.8.1", // deflated frames
}

const storage = "1.2.840.10008.5.1.4.1.1."

// images are the classes of CT, whose objects come in any syntax.
var images = []string{storage + "2", storage + "2.1", storage + "2.2"}

// objects are the other classes that a coronary study has or gets.
var objects = []string{
	storage + "66.4", storage + "66.7", // segmentations
	storage + "481.3",                                       // structure set
	storage + "30",                                          // parametric map
	storage + "88.11", storage + "88.22", storage + "88.33", // structured reports
	storage + "88.34", storage + "88.35", storage + "88.59", storage + "88.67",
	storage + "104.1",                                                // PDF
	storage + "7", storage + "7.2", storage + "7.3", storage + "7.4", // secondary capture
	storage + "11.1",                                                                       // presentation state
	storage + "66", storage + "66.1", storage + "66.2", storage + "66.3", storage + "66.5", // raw data, registration, fiducials, surfaces
	storage + "67", storage + "4", storage + "4.1", storage + "128", storage + "130", // MR, PET
	storage + "12.1", storage + "6.1", storage + "9.1.1", storage + "9.1.2", // angiography, ultrasound, ECG
	storage + "481.2", storage + "481.5", // dose, plan
}

// retrievable returns the contexts and roles in which C-GET brings objects: in
// each an archive picks one syntax, so that those of CT have one each.
func retrievable() (contexts []presentation, roles []role) {
	contexts = []presentation{{class: studyGet, syntaxes: []string{part10.ImplicitLittle}}}
	add := func(class string, syntaxes ...string) {
		contexts = append(contexts, presentation{class: class, syntaxes: syntaxes})
	}
	for _, class := range images {
		for _, s := range slices.Concat(native, compressed) {
			add(class, s)
		}
		roles = append(roles, role{class: class, user: false, provider: true})
	}
	for _, class := range objects {
		add(class, native...)
		add(class, compressed...)
		roles = append(roles, role{class: class, user: false, provider: true})
	}
	return contexts, roles
}
