package object

import "github.com/plaquerisk/plaquerisk/imaging"

// Layers gathers regions that may overlap: each is put on the first layer on
// which it meets no other.
type Layers struct{ imaging.Segmentation }

// NewLayers returns one empty layer on g.
func NewLayers(g imaging.Grid) *Layers {
	return &Layers{imaging.Segmentation{Grid: g, Layers: [][]int32{make([]int32, g.Len())}}}
}

// Add puts the voxels at the given offsets in memory on a layer. value must
// not be 0.
func (l *Layers) Add(name string, value int32, voxels []int32) {
	layer := 0
	for layer < len(l.Layers) && meets(l.Layers[layer], voxels) {
		layer++
	}
	if layer == len(l.Layers) {
		l.Layers = append(l.Layers, make([]int32, l.Len()))
	}
	for _, at := range voxels {
		l.Layers[layer][at] = value
	}
	l.Segments = append(l.Segments, imaging.Segment{Name: name, Value: value, Layer: layer})
}

func meets(layer, voxels []int32) bool {
	for _, at := range voxels {
		if layer[at] != 0 {
			return true
		}
	}
	return false
}
