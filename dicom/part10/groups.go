package part10

import "fmt"

const (
	sharedGroups   Tag = 0x52009229
	perFrameGroups Tag = 0x52009230
)

// Groups gives the attributes of the frames of an enhanced multi-frame image,
// which stand in macros: sequences of one item, either for all frames or for
// each (PS3.3 C.7.6.16).
type Groups struct {
	root, shared Dataset
	frames       []Dataset
}

// Groups returns the functional groups of a data set; frames is what
// NumberOfFrames declares. An image without them is one whose attributes are
// equal for all frames.
func (d Dataset) Groups(frames int) (Groups, error) {
	g := Groups{root: d}
	if e, ok := d.Lookup(sharedGroups); ok {
		for it := range e.Items() {
			g.shared = it
			break
		}
	}
	e, ok := d.Lookup(perFrameGroups)
	if !ok {
		return g, nil
	}
	for it := range e.Items() {
		g.frames = append(g.frames, it)
	}
	if len(g.frames) != frames {
		return g, fmt.Errorf("%v: groups of %d frames, the image has %d: %w", perFrameGroups, len(g.frames), frames, ErrDamaged)
	}
	return g, nil
}

// Lookup returns the element of a frame, counted from 0: that of its own macro
// before that of all frames, and that before one of the image itself.
func (g Groups) Lookup(frame int, macro, tag Tag) (Element, bool) {
	if g.frames != nil {
		if e, ok := inMacro(g.frames[frame], macro, tag); ok {
			return e, true
		}
	}
	if e, ok := inMacro(g.shared, macro, tag); ok {
		return e, true
	}
	return g.root.Lookup(tag)
}

func inMacro(d Dataset, macro, tag Tag) (Element, bool) {
	e, ok := d.Lookup(macro)
	if !ok {
		return Element{}, false
	}
	for it := range e.Items() {
		if e, ok := it.Lookup(tag); ok {
			return e, true
		}
	}
	return Element{}, false
}
