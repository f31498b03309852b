package nrrd

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/internal/voxels"
)

// Bounds of a segmentation file.
const (
	maxLayers   = 4096
	maxSegments = 4096
)

// segments fills s.Segments: the segments that the header names, then the
// labels that it does not name.
func (h *header) segments(s *imaging.Segmentation) error {
	type place struct {
		layer int
		value int32
	}
	named := map[place]string{}
	for n := range maxSegments {
		key := func(field string) (string, bool) {
			v, ok := h.keys[fmt.Sprintf("Segment%d_%s", n, field)]
			return strings.TrimSpace(v), ok
		}
		id, hasID := key("ID")
		name, hasName := key("Name")
		value, hasValue := key("LabelValue")
		layer, hasLayer := key("Layer")
		if !hasID && !hasName && !hasValue && !hasLayer {
			break
		}
		seg := imaging.Segment{ID: id, Name: name, Value: 1}
		// Before Slicer 4.11 each segment was a layer of zeros and ones.
		if !hasLayer && len(s.Layers) > 1 {
			seg.Layer = n
		}
		if hasValue {
			v, err := strconv.ParseInt(value, 10, 32)
			if err != nil || v < 1 {
				return fmt.Errorf("Segment%d_LabelValue %q: want a whole number from 1 up", n, value)
			}
			seg.Value = int32(v)
		}
		if hasLayer {
			v, err := strconv.Atoi(layer)
			if err != nil {
				return fmt.Errorf("Segment%d_Layer %q: want a whole number", n, layer)
			}
			seg.Layer = v
		}
		if seg.Layer < 0 || seg.Layer >= len(s.Layers) {
			return fmt.Errorf("segment %q is on layer %d, but the file has %d", name, seg.Layer, len(s.Layers))
		}
		at := place{seg.Layer, seg.Value}
		if other, twice := named[at]; twice {
			return fmt.Errorf("segments %q and %q share label %d of layer %d", other, name, seg.Value, seg.Layer)
		}
		named[at] = name
		s.Segments = append(s.Segments, seg)
	}
	for n, layer := range s.Layers {
		labels, err := voxels.Distinct(layer)
		if err != nil {
			return err
		}
		for _, v := range labels {
			if _, ok := named[place{n, v}]; !ok {
				s.Segments = append(s.Segments, imaging.Segment{Value: v, Layer: n})
			}
		}
	}
	return nil
}
