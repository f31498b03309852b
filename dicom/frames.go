package dicom

import (
	"fmt"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// maxFrames is how many slices one file may hold.
const maxFrames = 1 << 14

// frameAttributes are the attributes that enhanced images keep in functional
// groups (PS3.3 C.7.6.16), for all frames or for each, with the attribute of
// single-frame images that says the same.
var frameAttributes = []struct {
	macro, tag part10.Tag
	as         tag
}{
	{0x00209113, 0x00200032, tPosition},
	{0x00209116, 0x00200037, tOrientation},
	{0x00289110, 0x00280030, tPixelSpacing},
	{0x00289110, 0x00180050, tSliceThickness},
	{0x00289145, 0x00281052, tIntercept},
	{0x00289145, 0x00281053, tSlope},
	{0x00289145, 0x00281054, tRescaleType},
	{0x00209111, 0x00209128, tTemporalPosition}, // TemporalPositionIndex
	{0x00189118, 0x00209241, tPhasePercent},
	{0x00189118, 0x00209153, tTriggerDelay},
	{0x00189314, 0x00181210, tKernel},
	{0x00189325, 0x00180060, tKVP},
	{0x00189329, 0x00089007, tImageType}, // FrameType
}

// frames returns a header for each frame of a multi-frame image with
// functional groups, none if it has no such groups.
func (h *header) frames() ([]*header, error) {
	n, ok := h.integer(tFrames)
	if !ok || n < 1 || !h.hasPixels() {
		return nil, nil
	}
	if _, ok := h.file.Data.Lookup(perFrameGroups); !ok {
		return nil, nil
	}
	if n > maxFrames {
		return nil, &FileError{Tag: tFrames.String(), Err: fmt.Errorf("is %d, at most %d are read: %w", n, maxFrames, ErrPixels)}
	}
	g, err := h.file.Data.Groups(n)
	if err != nil {
		return nil, &FileError{Tag: tFrames.String(), Err: fmt.Errorf("%w: %w", ErrDamaged, err)}
	}
	all := make([]*header, n)
	for i := range all {
		all[i] = &header{file: h.file, syntax: h.syntax, of: h, values: map[tag]part10.Element{}}
		for _, a := range frameAttributes {
			if e, ok := g.Lookup(i, a.macro, a.tag); ok {
				all[i].values[a.as] = e
			}
		}
	}
	return all, nil
}

const perFrameGroups part10.Tag = 0x52009230
