package sr

import (
	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// Relationships of content items.
const (
	contains   = "CONTAINS"
	concepts   = "HAS CONCEPT MOD"
	obsContext = "HAS OBS CONTEXT"
)

// item starts a content item.
func item(relation, kind string, concept object.Code) *part10.Set {
	s := &part10.Set{}
	if relation != "" {
		s.Text(0x0040a010, "CS", relation)
	}
	s.Text(0x0040a040, "CS", kind)
	s.Items(0x0040a043, concept.Item())
	return s
}

func code(relation string, concept, value object.Code) *part10.Set {
	s := item(relation, "CODE", concept)
	s.Items(0x0040a168, value.Item())
	return s
}

func text(relation string, concept object.Code, value string) *part10.Set {
	s := item(relation, "TEXT", concept)
	s.Text(0x0040a160, "UT", value)
	return s
}

func uid(relation string, concept object.Code, value string) *part10.Set {
	s := item(relation, "UIDREF", concept)
	s.Text(0x0040a124, "UI", value)
	return s
}

// number is a NUM item, with the value in decimal and in binary.
func number(relation string, m *Measurement) *part10.Set {
	v := &part10.Set{}
	v.Items(0x004008ea, m.Unit.Item())
	v.Float(0x0040a161, "FD", m.Value)
	v.Float(0x0040a30a, "DS", m.Value)
	s := item(relation, "NUM", m.Concept)
	s.Items(0x0040a300, v)
	if m.Derivation != (object.Code{}) {
		children(s, code(concepts, object.Code{Value: "121401", Scheme: "DCM", Meaning: "Derivation"}, m.Derivation))
	}
	return s
}

// image is an IMAGE item; segment is 0 for a whole object.
func image(relation string, concept object.Code, ref object.Ref, segment int) *part10.Set {
	r := ref.SOP()
	if segment > 0 {
		r.Int(0x0062000b, "US", segment)
	}
	s := item(relation, "IMAGE", concept)
	s.Items(0x00081199, r)
	return s
}

// container is a CONTAINER item with what it holds.
func container(relation string, concept object.Code, template string, items ...*part10.Set) *part10.Set {
	s := item(relation, "CONTAINER", concept)
	s.Text(0x0040a050, "CS", "SEPARATE")
	if template != "" {
		t := &part10.Set{}
		t.Text(0x00080105, "CS", "DCMR")
		t.Text(0x0040db00, "CS", template)
		s.Items(0x0040a504, t)
	}
	if len(items) > 0 {
		children(s, items...)
	}
	return s
}

func children(s *part10.Set, items ...*part10.Set) { s.Items(0x0040a730, items...) }
