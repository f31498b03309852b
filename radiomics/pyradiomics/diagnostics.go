package pyradiomics

import (
	"bufio"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// diagnostics returns PyRadiomics' general information as text, in its order.
// The versions of PyRadiomics and its libraries are left out: none of them ran.
func (s *subject) diagnostics(p *Params) []Field {
	var fields []Field
	add := func(name, value string) { fields = append(fields, Field{"diagnostics_" + name, value}) }
	add("Configuration_Settings", p.text.python())
	add("Configuration_EnabledImageTypes", p.own.python())
	for _, st := range s.stages {
		if st.name == "original" || st.name == "interpolated" {
			image := "Image-" + st.name + "_"
			if st.name == "original" {
				add(image+"Hash", st.picture.hash())
				add(image+"Dimensionality", "3D")
			}
			add(image+"Spacing", floats(st.picture.Spacing))
			add(image+"Size", ints(st.picture.Size[:]...))
			mean, lo, hi := st.picture.summary()
			add(image+"Mean", pythonFloat(mean))
			add(image+"Minimum", pythonFloat(lo))
			add(image+"Maximum", pythonFloat(hi))
		}
		mask := "Mask-" + st.name + "_"
		if st.name == "original" {
			add(mask+"Hash", st.maskHash(uint32(p.Label)))
		}
		r, n := st.region, st.region.size()
		add(mask+"Spacing", floats(st.grid.Spacing))
		add(mask+"Size", ints(st.grid.Size[:]...))
		add(mask+"BoundingBox", ints(append(r.lo[:], n[:]...)...))
		add(mask+"VoxelNum", fmt.Sprint(r.count))
		_, parts := imaging.Components(&imaging.Mask{Grid: st.grid.Crop(r.lo, r.hi), In: r.in}, imaging.Corners)
		add(mask+"VolumeNum", fmt.Sprint(len(parts)))
		c := r.centre()
		add(mask+"CenterOfMassIndex", floats(c))
		q := st.grid.Point(c[0], c[1], c[2])
		add(mask+"CenterOfMass", floats([3]float64{q.X, q.Y, q.Z}))
		if st.name == "original" {
			continue // image and mask have not been compared yet
		}
		var sum float64
		lo, hi := math.Inf(1), math.Inf(-1)
		for o, x := range st.picture.box(r.lo, r.hi) {
			if r.in[o] {
				sum, lo, hi = sum+x, min(lo, x), max(hi, x)
			}
		}
		add(mask+"Mean", pythonFloat(sum/float64(r.count)))
		add(mask+"Minimum", pythonFloat(lo))
		add(mask+"Maximum", pythonFloat(hi))
	}
	return fields
}

func floats(x [3]float64) string {
	return "(" + pythonFloat(x[0]) + ", " + pythonFloat(x[1]) + ", " + pythonFloat(x[2]) + ")"
}

func ints(x ...int) string {
	return "(" + strings.Trim(strings.ReplaceAll(fmt.Sprint(x), " ", ", "), "[]") + ")"
}

// centre returns the mean index of the region's voxels.
func (r *region) centre() (c [3]float64) {
	n := r.size()
	var sum [3]int
	for o, in := range r.in {
		if in {
			sum[0] += o % n[0]
			sum[1] += o / n[0] % n[1]
			sum[2] += o / (n[0] * n[1])
		}
	}
	for a := range 3 {
		c[a] = float64(r.lo[a]) + float64(sum[a])/float64(r.count)
	}
	return c
}

// summary returns mean, minimum and maximum of all voxels.
func (p *picture) summary() (mean, lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	n := max(len(p.raw), len(p.values))
	for o := range n {
		var x float64
		if p.values != nil {
			x = p.values[o]
		} else {
			x = float64(p.raw[o])
		}
		mean, lo, hi = mean+x, min(lo, x), max(hi, x)
	}
	return mean / float64(n), lo, hi
}

// hash returns the SHA-1 of the voxels as they would stand in memory with the
// picture's type, as SimpleITK's Hash does.
func (p *picture) hash() string {
	return digest(func(w io.Writer) {
		pixels := p.pixels
		if pixels == AutoPixels {
			values := make([]float64, len(p.raw))
			for o, v := range p.raw {
				values[o] = float64(v)
			}
			pixels = guess(values)
		}
		var b [8]byte
		for _, v := range p.raw {
			w.Write(encode(b[:], pixels, float64(v)))
		}
	})
}

// encode stores x as a number of type p, least significant byte first.
func encode(b []byte, p Pixels, x float64) []byte {
	switch p {
	case Uint8, Int8:
		b[0] = byte(int64(x))
		return b[:1]
	case Uint16, Int16:
		binary.LittleEndian.PutUint16(b, uint16(int64(x)))
		return b[:2]
	case Uint32, Int32:
		binary.LittleEndian.PutUint32(b, uint32(int64(x)))
		return b[:4]
	case Float32:
		binary.LittleEndian.PutUint32(b, math.Float32bits(float32(x)))
		return b[:4]
	}
	binary.LittleEndian.PutUint64(b, math.Float64bits(x))
	return b[:8]
}

// maskHash returns the SHA-1 of a mask of uint32 that holds the region alone.
func (st *stage) maskHash(label uint32) string {
	in := make([]byte, 4*st.grid.Size[0])
	r := st.region
	n := r.size()
	return digest(func(w io.Writer) {
		for k := range st.grid.Size[2] {
			for j := range st.grid.Size[1] {
				clear(in)
				if y, z := j-r.lo[1], k-r.lo[2]; y >= 0 && y < n[1] && z >= 0 && z < n[2] {
					for i := range n[0] {
						if r.in[(z*n[1]+y)*n[0]+i] {
							binary.LittleEndian.PutUint32(in[4*(r.lo[0]+i):], label)
						}
					}
				}
				w.Write(in)
			}
		}
	})
}

func digest(f func(w io.Writer)) string {
	h := sha1.New()
	w := bufio.NewWriterSize(h, 1<<16)
	f(w)
	w.Flush() // a hash takes every byte
	return hex.EncodeToString(h.Sum(nil))
}
