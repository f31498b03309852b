package imaging

import (
	"context"
	"math"
)

// bodySigma is the width σ, in voxels along each axis, of the Gaussian of
// [SmoothBody].
const bodySigma = 0.5

// SmoothBody returns a field whose zero is a smooth surface around m with the
// volume of m, on the grid of m padded by margin voxels on each side: negative
// inside, in mm, its magnitude at most the distance from the surface. The field is
// +Inf everywhere if m is empty.
//
// Unlike that of [SignedDistance] the surface need not pass between the voxels
// inside and those outside: a body of one or two voxels across is a row of beads
// or a staircase there, here it is as smooth as the Gaussian makes it,
//
//	u = G_σ ∗ 1ₘ,  φ = (c − u) σ √2π                                  (I.5)
//
// whose level c is such that {u > c} has the volume of m, counted with the share
// that a flat border leaves of each voxel. The slope of a set that G_σ smoothed is
// nowhere above that of a half-space, 1/(σ√2π), so |φ| does not exceed the distance.
// Farther than two voxels from the border of m it grows as the distance does.
func SmoothBody(m *Mask, margin int) *Volume {
	if margin < 0 {
		panic("imaging: SmoothBody: negative margin")
	}
	room := max(margin, 4)
	p := m.Pad(room)
	u := NewVolume(p.Grid)
	count := 0
	outside := NewMask(p.Grid)
	for n, in := range p.In {
		if in {
			u.Values[n] = 1
			count++
		}
		outside.In[n] = !in
	}
	if count == 0 {
		for n := range u.Values {
			u.Values[n] = float32(math.Inf(1))
		}
	} else {
		for axis := range 3 {
			_ = convolveAxis(context.Background(), u, axis, faceKernel(bodySigma))
		}
		c := level(u, float64(count))
		scale := bodySigma * p.MinSpacing() * math.Sqrt(2*math.Pi)
		off := 2 * max(p.Spacing[0], p.Spacing[1], p.Spacing[2])
		toIn, toOut := Distance(p), Distance(outside)
		for n, v := range u.Values {
			d := (c - float64(v)) * scale
			if p.In[n] {
				d = min(d, off-float64(toOut.Values[n]))
			} else {
				d = max(d, float64(toIn.Values[n])-off)
			}
			u.Values[n] = float32(d)
		}
	}
	if cut := room - margin; cut > 0 {
		u = u.Crop([3]int{cut, cut, cut}, [3]int{u.Size[0] - cut, u.Size[1] - cut, u.Size[2] - cut})
	}
	return u
}

// level returns c such that the set {u > c} has a volume of n voxels: a voxel
// counts with ½ + (u − c)/w, from 0 to 1, where w is the sum of the magnitudes of
// the differences of u along the axes.
func level(u *Volume, n float64) float64 {
	type border struct{ value, width float64 }
	var near []border
	whole := 0.0
	stride := [3]int{1, u.Size[0], u.Size[0] * u.Size[1]}
	for k := 1; k < u.Size[2]-1; k++ {
		for j := 1; j < u.Size[1]-1; j++ {
			for i := 1; i < u.Size[0]-1; i++ {
				o := u.Offset(i, j, k)
				v := float64(u.Values[o])
				switch {
				case v < 1e-3:
				case v > 1-1e-3:
					whole++
				default:
					var w float64
					for _, st := range stride {
						w += math.Abs(float64(u.Values[o+st]-u.Values[o-st])) / 2
					}
					near = append(near, border{v, max(w, 1e-6)})
				}
			}
		}
	}
	lo, hi := 0.0, 1.0
	for range 40 {
		c, sum := (lo+hi)/2, whole
		for _, b := range near {
			sum += min(max(0.5+(b.value-c)/b.width, 0), 1)
		}
		if sum > n {
			lo = c
		} else {
			hi = c
		}
	}
	return (lo + hi) / 2
}
