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

// usual are the classes that a coronary study has or gets, for archives that do
// not tell.
var usual = []string{
	storage + "2", storage + "2.1", // CT
	storage + "66.4", storage + "66.7", // segmentations
	storage + "481.3",                                                          // structure set
	storage + "30",                                                             // parametric map
	storage + "88.22", storage + "88.33", storage + "88.34", storage + "88.67", // structured reports
	storage + "104.1",                                                // PDF
	storage + "7", storage + "7.2", storage + "7.3", storage + "7.4", // secondary capture
	storage + "11.1",                // presentation state
	storage + "66", storage + "9.1", // raw data, ECG
}

// maxContexts is how many presentation contexts an association may have: their
// numbers are the odd ones of a byte.
const maxContexts = 128

// retrievable returns the contexts and roles in which C-GET brings objects of
// the classes. An archive picks one syntax in each context: where there is
// room, each class has one for each syntax, so that nothing is converted.
func retrievable(classes []string) (contexts []presentation, roles []role) {
	if len(classes) == 0 {
		classes = usual
	}
	contexts = []presentation{{class: studyGet, syntaxes: []string{part10.ImplicitLittle}}}
	all := slices.Concat(native, compressed)
	for n, class := range classes {
		left := maxContexts - len(contexts) - 2*(len(classes)-n-1) // two for each class to come
		if left < 2 {
			break
		}
		roles = append(roles, role{class: class, provider: true})
		if left < len(all) {
			contexts = append(contexts, presentation{class: class, syntaxes: native}, presentation{class: class, syntaxes: compressed})
			continue
		}
		for _, s := range all {
			contexts = append(contexts, presentation{class: class, syntaxes: []string{s}})
		}
	}
	return contexts, roles
}
