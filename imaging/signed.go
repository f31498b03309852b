package imaging

import (
	"context"
	"math"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

const (
	// smoothSigma is the width σ, in voxels along each axis, of the Gaussian
	// that turns a binary border into a smooth one.
	smoothSigma = 0.7
	// smoothGap keeps the smoothed mask this far from ½ on the side that the
	// mask says, so that the border always passes between a voxel inside and a
	// voxel outside.
	smoothGap = 0.02
)

// SignedDistance returns the distance to the border of m in mm, negative for
// the voxels inside and positive for all others, on the grid of m padded by
// margin voxels on each side. Beyond its grid m counts as outside. The
// distance is +Inf everywhere if m is empty.
//
// The border of a voxelised body is a staircase, and the distance to its
// steps, or to voxel centres less half a voxel, is biased by up to half a
// voxel on slanted and curved borders. So the mask is smoothed first,
//
//	u = (2G_σ − G_2σ) ∗ 1ₘ,  held above ½ inside and below ½ outside,  (I.2)
//
// and the border is where u = ½, found on every edge of the lattice by
// interpolation. One Gaussian alone would move a border of mean curvature H
// inwards by σ²H; in the difference of the two this cancels. The distance to
// these points is exact as in [Distance]; next to the border, where their
// spacing would show, it is the distance at which a flat border gives the same
// u:
//
//	2Φ(d/σₙ) − Φ(d/2σₙ) = 1 − u,  σₙ² = Σₐ (nₐ σ sₐ)²                (I.3)
//
// with n the direction of ∇u and Φ the normal distribution function. A face
// of the mask that follows the lattice is found exactly; the radius of a
// sphere or cylinder to about a tenth of a voxel.
func SignedDistance(m *Mask, margin int) *Volume {
	if margin < 0 {
		panic("imaging: SignedDistance: negative margin")
	}
	// Room for the smoothing and for the border outside the outermost voxels.
	room := max(margin, 3)
	p := m.Pad(room)
	u := smoothed(p)
	d := NewVolume(p.Grid)
	inf := float32(math.Inf(1))
	for n := range d.Values {
		d.Values[n] = inf
	}
	stride := [3]int{1, p.Size[0], p.Size[0] * p.Size[1]}
	for axis := range 3 {
		envelopePass(d, axis, func(n int) float64 {
			o := n + stride[axis]
			if p.In[n] == p.In[o] {
				return -1
			}
			a, b := float64(u.Values[n]), float64(u.Values[o])
			return (0.5 - a) / (b - a)
		})
	}
	roots(d)
	near(d, u, p)
	for n, in := range p.In {
		if in {
			d.Values[n] = -d.Values[n]
		}
	}
	if cut := room - margin; cut > 0 {
		d = d.Crop([3]int{cut, cut, cut}, [3]int{d.Size[0] - cut, d.Size[1] - cut, d.Size[2] - cut})
	}
	return d
}

// smoothed returns u of (I.2).
func smoothed(m *Mask) *Volume {
	u := NewVolume(m.Grid)
	for n, in := range m.In {
		if in {
			u.Values[n] = 1
		}
	}
	wide := &Volume{Grid: m.Grid, Values: append([]float32(nil), u.Values...)}
	for axis := range 3 {
		_ = convolveAxis(context.Background(), u, axis, faceKernel(smoothSigma))
		_ = convolveAxis(context.Background(), wide, axis, faceKernel(2*smoothSigma))
	}
	for n, w := range wide.Values {
		u.Values[n] = 2*u.Values[n] - w
	}
	for n, in := range m.In {
		if in {
			u.Values[n] = max(u.Values[n], 0.5+smoothGap)
		} else {
			u.Values[n] = min(u.Values[n], 0.5-smoothGap)
		}
	}
	return u
}

// near replaces the unsigned distance d by (I.3) at the voxels that have a
// neighbour on the other side of the border.
func near(d, u *Volume, m *Mask) {
	size := m.Size
	stride := [3]int{1, size[0], size[0] * size[1]}
	_ = par.For(context.Background(), size[2]-2, func(k int) {
		k++
		for j := 1; j < size[1]-1; j++ {
			for i := 1; i < size[0]-1; i++ {
				n := m.Offset(i, j, k)
				border := false
				var g2, w2 float64
				for a, st := range stride {
					border = border || m.In[n] != m.In[n-st] || m.In[n] != m.In[n+st]
					g := float64(u.Values[n+st]-u.Values[n-st]) / (2 * m.Spacing[a])
					w := g * smoothSigma * m.Spacing[a]
					g2 += g * g
					w2 += w * w
				}
				if !border || g2 == 0 {
					continue
				}
				d.Values[n] = float32(math.Sqrt(w2/g2) * depth(math.Abs(float64(u.Values[n])-0.5)))
			}
		}
	})
}

// faceKernel returns the share of the Gaussian of standard deviation sigma, in
// samples, that falls into each sample: a face between two voxels then smooths
// to Φ(x/σ) exactly.
func faceKernel(sigma float64) []float64 {
	r := max(1, int(math.Ceil(4*sigma)))
	w := make([]float64, 2*r+1)
	for n := range w {
		x := float64(n - r)
		w[n] = normal((x+0.5)/sigma) - normal((x-0.5)/sigma)
	}
	return w
}

// normal is the normal distribution function.
func normal(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// depth solves 2Φ(t) − Φ(t/2) = ½ + h for t ≥ 0, by bisection on the interval
// on which the left side rises.
func depth(h float64) float64 {
	lo, hi := 0.0, math.Sqrt(8*math.Log(4)/3)
	for range 30 {
		if t := (lo + hi) / 2; 2*normal(t)-normal(t/2) < 0.5+h {
			lo = t
		} else {
			hi = t
		}
	}
	return (lo + hi) / 2
}
