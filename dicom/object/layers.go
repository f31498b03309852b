package object

import (
	"fmt"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// Layers gathers regions that may overlap: each is put on the first layer on
// which it meets no other.
type Layers struct{ imaging.Segmentation }

// NewLayers returns one empty layer on g.
func NewLayers(g imaging.Grid) *Layers {
	return &Layers{imaging.Segmentation{Grid: g, Layers: [][]int32{make([]int32, g.Len())}}}
}

// Add puts the voxels at the given offsets in memory on a layer. value must
// not be 0. It fails where so many regions overlap that their layers would not
// fit into memory.
func (l *Layers) Add(name string, value int32, voxels []int32) error {
	layer := 0
	for layer < len(l.Layers) && meets(l.Layers[layer], voxels) {
		layer++
	}
	if layer == len(l.Layers) {
		if layer >= imaging.MaxVoxels/l.Len() {
			return fmt.Errorf("%d regions overlap on %v voxels: %w", layer+1, l.Size, part10.ErrLimit)
		}
		l.Layers = append(l.Layers, make([]int32, l.Len()))
	}
	for _, at := range voxels {
		l.Layers[layer][at] = value
	}
	l.Segments = append(l.Segments, imaging.Segment{Name: name, Value: value, Layer: layer})
	return nil
}

func meets(layer, voxels []int32) bool {
	for _, at := range voxels {
		if layer[at] != 0 {
			return true
		}
	}
	return false
}
