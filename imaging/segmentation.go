package imaging

// Segmentation is a file of labelled regions: label maps on one grid. Regions
// that overlap live on different layers.
type Segmentation struct {
	Grid
	Layers   [][]int32 // label values, i fastest; at least one layer
	Segments []Segment
}

// Segment is one region: the voxels of its layer that hold its value.
type Segment struct {
	ID    string // "Segment_1"; empty outside .seg.nrrd
	Name  string // "LAD_plaque_1"; empty if the file has no names
	Value int32  // not zero
	Layer int
}

// Mask returns segment n as a mask cropped to its voxels. An empty segment
// gives nil.
func (s *Segmentation) Mask(n int) *Mask {
	seg := s.Segments[n]
	layer := s.Layers[seg.Layer]
	lo, hi, any := s.Size, [3]int{}, false
	for k := range s.Size[2] {
		for j := range s.Size[1] {
			row := layer[s.Offset(0, j, k):][:s.Size[0]]
			for i, v := range row {
				if v != seg.Value {
					continue
				}
				any = true
				for a, x := range [3]int{i, j, k} {
					lo[a] = min(lo[a], x)
					hi[a] = max(hi[a], x+1)
				}
			}
		}
	}
	if !any {
		return nil
	}
	m := NewMask(s.Grid.Crop(lo, hi))
	at := 0
	for k := lo[2]; k < hi[2]; k++ {
		for j := lo[1]; j < hi[1]; j++ {
			o := s.Offset(lo[0], j, k)
			for i := range hi[0] - lo[0] {
				m.In[at] = layer[o+i] == seg.Value
				at++
			}
		}
	}
	return m
}
