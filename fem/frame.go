package fem

import (
	"context"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Rims says which tissue lies within [RimWidth] of a point that is not of it.
type Rims uint8

// The rims.
const (
	LipidRim   Rims = 1 << iota // next to low attenuation plaque
	CalciumRim                  // next to calcium
)

// RimWidth is how far a rim reaches, mm: about the edge of an element and less
// than a voxel of CT.
const RimWidth = 0.25

// locate finds what a point's place in the vessel says: the normal stresses in
// the frame of the vessel and the rims.
func (r *Result) locate(ctx context.Context) error {
	err := par.Blocks(ctx, len(r.Mesh.Cells), 128, func(lo, hi int) {
		for e := lo; e < hi; e++ {
			x := r.Mesh.Corners(e)
			for q := range element.Points {
				radial, axial := r.directions(e, q, &x)
				p := &r.Points[element.Points*e+q]
				p.Radial, p.Hoop, p.Axial = normal(&p.Stress, radial), normal(&p.Stress, r3.Cross(axial, radial)), normal(&p.Stress, axial)
			}
		}
	})
	if err != nil {
		return err
	}
	for n := range r.Surface {
		r.onSurface(&r.Surface[n])
	}
	if r.marked {
		return nil
	}
	r.marked = true
	for _, rim := range []struct {
		bit    Rims
		tissue imaging.Tissue
	}{{LipidRim, imaging.LowAttenuation}, {CalciumRim, imaging.Calcified}} {
		if err := r.mark(ctx, rim.bit, rim.tissue); err != nil {
			return err
		}
	}
	return nil
}

// directions returns the unit vectors away from the middle of the lumen and
// along the vessel at a quadrature point: the frames of the two sections next to
// it, interpolated.
func (r *Result) directions(e, q int, x *[8]r3.Vec) (radial, axial r3.Vec) {
	_, _, k := r.Mesh.Coords(e)
	a, b, w := &r.Mesh.Frames[k], &r.Mesh.Frames[k+1], (1+r.reference(e, q)[2])/2
	mix := func(u, v r3.Vec) r3.Vec { return r3.Add(r3.Scale(1-w, u), r3.Scale(w, v)) }
	axial = r3.Unit(mix(a.T, b.T))
	d := r3.Sub(r.position(x, e, q), mix(a.Origin, b.Origin))
	return r3.Unit(r3.Sub(d, r3.Scale(r3.Dot(d, axial), axial))), axial
}

// normal returns the normal stress n·σn on the plane across the unit vector n.
func normal(s *element.Tensor, n r3.Vec) float64 {
	return s[0]*n.X*n.X + s[1]*n.Y*n.Y + s[2]*n.Z*n.Z + 2*(s[3]*n.X*n.Y+s[4]*n.Y*n.Z+s[5]*n.Z*n.X)
}

// position returns the place of point q of cell e with corners x.
func (r *Result) position(x *[8]r3.Vec, e, q int) r3.Vec {
	if r.mixed == nil || r.mixed[e] == nil {
		return spot(x, &pointShapes[q])
	}
	xi := &r.mixed[e].at[q]
	n := element.Shape(xi[0], xi[1], xi[2])
	return spot(x, &n)
}

// pointShapes are the shape functions at the quadrature points.
var pointShapes = func() (n [element.Points][8]float64) {
	for q := range n {
		n[q] = element.Shape(element.QuadraturePoint(q))
	}
	return n
}()

// At returns the place of point n of Points, mm.
func (r *Result) At(n int) r3.Vec {
	x := r.Mesh.Corners(n / element.Points)
	return r.position(&x, n/element.Points, n%element.Points)
}

// place returns the arc length, mm, of point n of Points and its angle around the
// lumen from the frame's N towards B, degrees in [0, 360).
func (r *Result) place(n int) (s, angle float64) {
	_, _, k := r.Mesh.Coords(n / element.Points)
	z := r.reference(n/element.Points, n%element.Points)[2]
	a, b, w := &r.Mesh.Frames[k], &r.Mesh.Frames[k+1], (1+z)/2
	mix := func(u, v r3.Vec) r3.Vec { return r3.Add(r3.Scale(1-w, u), r3.Scale(w, v)) }
	d := r3.Sub(r.At(n), mix(a.Origin, b.Origin))
	angle = math.Atan2(r3.Dot(d, mix(a.B, b.B)), r3.Dot(d, mix(a.N, b.N))) * 180 / math.Pi
	if angle < 0 {
		angle += 360
	}
	return (1-w)*r.Mesh.S[k] + w*r.Mesh.S[k+1], angle
}

// mark sets the bit of a rim on every point that is not of the tissue but within
// RimWidth of one that is. Points of the tissue are sorted into bins of that
// edge, so that each other point looks into 27 of them.
func (r *Result) mark(ctx context.Context, bit Rims, tissue imaging.Tissue) error {
	bins := map[int64][]r3.Vec{}
	perPlane := element.Points * r.Mesh.Around * r.Mesh.Through
	has := make([]bool, r.Mesh.Along)
	for n := range r.Points {
		if r.Points[n].Tissue == tissue {
			p := r.At(n)
			i, j, k := bin(p)
			bins[key(i, j, k)] = append(bins[key(i, j, k)], p)
			has[n/perPlane] = true
		}
	}
	if len(bins) == 0 {
		return nil
	}
	return par.For(ctx, r.Mesh.Along, func(k int) {
		if !r.planeNear(has, k) {
			return
		}
		for n := k * perPlane; n < (k+1)*perPlane; n++ {
			if r.Points[n].Tissue != tissue && within(bins, r.At(n)) {
				r.Points[n].Rims |= bit
			}
		}
	})
}

// planeNear tells whether a plane of elements that has something lies within
// RimWidth of plane k. On the inside of a bend planes are closer than their arc
// lengths say, which the factor allows for.
func (r *Result) planeNear(has []bool, k int) bool {
	const bend = 4
	s := r.Mesh.S
	for l := range has {
		if has[l] && s[l] <= s[k+1]+bend*RimWidth && s[l+1] >= s[k]-bend*RimWidth {
			return true
		}
	}
	return false
}

// bin returns the place of a point among cubes of the edge RimWidth.
func bin(p r3.Vec) (i, j, k int64) {
	return int64(math.Floor(p.X / RimWidth)), int64(math.Floor(p.Y / RimWidth)), int64(math.Floor(p.Z / RimWidth))
}

// key packs the place of a cube; 21 bits each reach farther than any patient.
func key(i, j, k int64) int64 { return i<<42 ^ (j&0x1fffff)<<21 ^ k&0x1fffff }

func within(bins map[int64][]r3.Vec, p r3.Vec) bool {
	x, y, z := bin(p)
	for i := x - 1; i <= x+1; i++ {
		for j := y - 1; j <= y+1; j++ {
			for k := z - 1; k <= z+1; k++ {
				for _, o := range bins[key(i, j, k)] {
					if r3.Norm2(r3.Sub(o, p)) <= RimWidth*RimWidth {
						return true
					}
				}
			}
		}
	}
	return false
}
