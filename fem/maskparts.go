package fem

import (
	"context"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Components returns the surfaces of the plaque in labels, one for each connected
// part of plaque and each tissue in it, from [imaging.SignedDistance] between
// voxels: smooth, and unbiased where the labels are a staircase. nil labels have
// none.
//
// Blood and surroundings next to plaque that is no core are taken for more of it,
// so that no sliver of wall is left between it and the border of the mesh, which
// does not follow voxels. A core ends where its voxels end: what lies between it
// and the lumen is its cap, however thin.
func Components(ctx context.Context, l *imaging.Labels) ([]Component, error) {
	if l == nil {
		return nil, nil
	}
	class := extended(l)
	all := imaging.NewMask(l.Grid)
	for n, t := range class {
		all.In[n] = t.IsPlaque()
	}
	lo, hi, ok := all.Bounds()
	if !ok {
		return nil, nil
	}
	part, sizes := imaging.Components(all, imaging.Corners)
	boxes := make([][2][3]int, len(sizes))
	for n := range boxes {
		boxes[n] = [2][3]int{hi, lo}
	}
	for n, p := range part {
		if p == 0 {
			continue
		}
		i, j, k := l.Coords(n)
		b := &boxes[p-1]
		for a, x := range [3]int{i, j, k} {
			b[0][a], b[1][a] = min(b[0][a], x), max(b[1][a], x+1)
		}
	}
	tissues := []imaging.Tissue{imaging.LowAttenuation, imaging.FibroFatty, imaging.Fibrous, imaging.Calcified}
	found := make([]*Component, len(boxes)*len(tissues))
	err := par.For(ctx, len(found), func(n int) {
		b, t := boxes[n/len(tissues)], tissues[n%len(tissues)]
		m := imaging.NewMask(l.Grid.Crop(b[0], b[1]))
		any := false
		for o := range m.In {
			i, j, k := m.Coords(o)
			from := l.Offset(i+b[0][0], j+b[0][1], k+b[0][2])
			m.In[o] = part[from] == int32(n/len(tissues)+1) && class[from] == t
			any = any || m.In[o]
		}
		if any {
			found[n] = &Component{t, between(imaging.SmoothBody(m, around))}
		}
	})
	var out []Component
	for _, c := range found {
		if c != nil {
			out = append(out, *c)
		}
	}
	return out, err
}

// around is the number of voxels around a part in which its distance is kept.
const around = 3

// reach is the number of voxels by which plaque is taken to go on into blood and
// surroundings.
const reach = 2

// extended returns the classes with plaque other than cores continued into blood
// and surroundings.
func extended(l *imaging.Labels) []imaging.Tissue {
	class := append([]imaging.Tissue(nil), l.Class...)
	for n, t := range class {
		if !t.IsPlaque() && t != imaging.Wall {
			class[n] = imaging.Background
		}
	}
	step := [3]int{1, l.Size[0], l.Size[0] * l.Size[1]}
	for range reach {
		var at []int
		var to []imaging.Tissue
		for n, t := range class {
			if t != imaging.Background {
				continue
			}
			i, j, k := l.Coords(n)
			for a, x := range [3]int{i, j, k} {
				if x > 0 && class[n-step[a]] != imaging.Background {
					t = class[n-step[a]]
				} else if x+1 < l.Size[a] && class[n+step[a]] != imaging.Background {
					t = class[n+step[a]]
				}
			}
			if t == imaging.LowAttenuation {
				t = imaging.Wall
			}
			if t != imaging.Background {
				at, to = append(at, n), append(to, t)
			}
		}
		for n, o := range at {
			class[o] = to[n]
		}
	}
	return class
}

// between returns the distance between the voxels of d. Outside of its grid it is
// at least the distance from the grid and the voxels around the part.
func between(d *imaging.Volume) func(p r3.Vec) float64 {
	// Index is affine: tabulate it once.
	i0, j0, k0 := d.Index(r3.Vec{})
	var m [3][3]float64
	for a, unit := range []r3.Vec{{X: 1}, {Y: 1}, {Z: 1}} {
		i, j, k := d.Index(unit)
		m[0][a], m[1][a], m[2][a] = i-i0, j-j0, k-k0
	}
	margin := (around - 1) * d.MinSpacing()
	return func(p r3.Vec) float64 {
		x := [3]float64{
			i0 + m[0][0]*p.X + m[0][1]*p.Y + m[0][2]*p.Z,
			j0 + m[1][0]*p.X + m[1][1]*p.Y + m[1][2]*p.Z,
			k0 + m[2][0]*p.X + m[2][1]*p.Y + m[2][2]*p.Z,
		}
		var out float64
		for a, v := range x {
			if off := max(-v, v-float64(d.Size[a]-1), 0); off > 0 {
				out += off * off * d.Spacing[a] * d.Spacing[a]
			}
		}
		if out > 0 {
			return math.Sqrt(out) + margin
		}
		return d.Linear(x[0], x[1], x[2])
	}
}
