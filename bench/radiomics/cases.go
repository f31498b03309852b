package main

import (
	"os"
	"path/filepath"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nrrd"
)

// region is an image with a region of interest.
type region struct {
	name string
	vol  *imaging.Volume
	mask *imaging.Mask
}

// regions are what both programs are timed on: crescents like plaques at three
// spacings, blobs of noise on 32 grey levels of width 32, and a box for filters.
func regions() []region {
	crescent := func(outer, inner, shift, half int) func(x, y, z int) bool {
		return func(x, y, z int) bool {
			return x*x+y*y <= outer && (x-shift)*(x-shift)+y*y > inner && z >= -half && z <= half
		}
	}
	ball := func(d int) func(x, y, z int) bool {
		return func(x, y, z int) bool { return x*x+y*y+z*z <= d }
	}
	return []region{
		newRegion("plaque_0.5mm", [3]int{32, 32, 24}, 0.5, crescent(64, 36, 1, 4)),
		newRegion("plaque_0.4mm", [3]int{36, 36, 28}, 0.4, crescent(100, 64, 1, 5)),
		newRegion("plaque_0.3mm", [3]int{48, 48, 36}, 0.3, crescent(169, 100, 2, 6)),
		newRegion("blob_50", [3]int{50, 50, 50}, 0.5, ball(339)),
		newRegion("blob_100", [3]int{100, 100, 100}, 0.5, ball(1329)),
		newRegion("bank", [3]int{150, 150, 150}, 0.5, ball(60*60)),
	}
}

func newRegion(name string, size [3]int, spacing float64, in func(x, y, z int) bool) region {
	g := imaging.NewGrid(size, [3]float64{spacing, spacing, spacing}, r3.Vec{})
	r := region{name, imaging.NewVolume(g), imaging.NewMask(g)}
	for o := range r.vol.Values {
		i, j, k := g.Coords(o)
		r.vol.Values[o] = float32(noise(i, j, k))
		r.mask.In[o] = in(i-size[0]/2, j-size[1]/2, k-size[2]/2)
	}
	return r
}

// noise returns a whole number from 0 to 1020, the sum of four bytes of a hash
// of the place.
func noise(i, j, k int) int {
	h := uint32(i)*73856093 ^ uint32(j)*19349663 ^ uint32(k)*83492791
	h = (h ^ h>>16) * 0x7FEB352D
	h = (h ^ h>>15) * 0x846CA68B
	h ^= h >> 16
	return int(h&255) + int(h>>8&255) + int(h>>16&255) + int(h>>24)
}

// write stores the regions in dir as <name>.nrrd, float32, and <name>.seg.nrrd.
func write(dir string) error {
	for _, r := range regions() {
		layer := make([]int32, len(r.mask.In))
		for o, in := range r.mask.In {
			if in {
				layer[o] = 1
			}
		}
		seg := &imaging.Segmentation{Grid: r.mask.Grid, Layers: [][]int32{layer}, Segments: []imaging.Segment{{ID: "Segment_1", Name: r.name, Value: 1}}}
		if err := store(filepath.Join(dir, r.name+".nrrd"), func(f *os.File) error { return nrrd.WriteVolume(f, r.vol, false) }); err != nil {
			return err
		}
		if err := store(filepath.Join(dir, r.name+".seg.nrrd"), func(f *os.File) error { return nrrd.WriteSegmentation(f, seg, false) }); err != nil {
			return err
		}
	}
	return nil
}

func store(path string, write func(f *os.File) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
