package segmentation

import (
	"math"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// components labels the 26-connected parts of m from 1 on, in memory order, and
// counts their voxels.
func components(m *imaging.Mask) (labels []int32, sizes []int) {
	labels = make([]int32, len(m.In))
	var part []int
	for start, in := range m.In {
		if !in || labels[start] != 0 {
			continue
		}
		name := int32(len(sizes) + 1)
		part = append(part[:0], start)
		labels[start] = name
		for at := 0; at < len(part); at++ {
			i, j, k := m.Coords(part[at])
			for d := range 27 {
				x, y, z := i+d%3-1, j+d/3%3-1, k+d/9-1
				if !m.Inside(x, y, z) {
					continue
				}
				if o := m.Offset(x, y, z); m.In[o] && labels[o] == 0 {
					labels[o] = name
					part = append(part, o)
				}
			}
		}
		sizes = append(sizes, len(part))
	}
	return labels, sizes
}

func signedDistance(m *imaging.Mask, margin int) *imaging.Volume {
	lo, hi := [3]int{-margin, -margin, -margin}, m.Size
	for a := range 3 {
		hi[a] += margin
	}
	g := m.Grid.Crop(lo, hi)
	in, out := make([]float64, g.Len()), make([]float64, g.Len())
	for n := range in {
		i, j, k := g.Coords(n)
		i, j, k = i-margin, j-margin, k-margin
		if m.Inside(i, j, k) && m.In[m.Offset(i, j, k)] {
			out[n] = math.Inf(1)
		} else {
			in[n] = math.Inf(1)
		}
	}
	edt(&g, in)
	edt(&g, out)
	v := imaging.NewVolume(g)
	h := g.MinSpacing() / 2
	for n := range in {
		if in[n] > 0 {
			v.Values[n] = float32(math.Sqrt(in[n]) - h)
		} else {
			v.Values[n] = float32(h - math.Sqrt(out[n]))
		}
	}
	return v
}

func edt(g *imaging.Grid, f []float64) {
	stride := [3]int{1, g.Size[0], g.Size[0] * g.Size[1]}
	for a := range 3 {
		n := g.Size[a]
		row, d := make([]float64, n), make([]float64, n)
		v, z := make([]int, n), make([]float64, n+1)
		h2 := g.Spacing[a] * g.Spacing[a]
		for s := range g.Len() {
			c := [3]int{}
			c[0], c[1], c[2] = g.Coords(s)
			if c[a] != 0 {
				continue
			}
			for i := range row {
				row[i] = f[s+i*stride[a]]
			}
			k := -1
			for q := range row {
				if math.IsInf(row[q], 1) {
					continue
				}
				for k >= 0 {
					p := v[k]
					x := (row[q]/h2 + float64(q*q) - row[p]/h2 - float64(p*p)) / float64(2*(q-p))
					if x > z[k] {
						k++
						v[k], z[k] = q, x
						break
					}
					k--
				}
				if k < 0 {
					k = 0
					v[0], z[0] = q, math.Inf(-1)
				}
			}
			if k < 0 {
				continue
			}
			t := 0
			for q := range d {
				for t < k && z[t+1] < float64(q) {
					t++
				}
				x := float64(q - v[t])
				d[q] = h2*x*x + row[v[t]]
			}
			for i := range row {
				f[s+i*stride[a]] = d[i]
			}
		}
	}
}

func resampleMask(m *imaging.Mask, onto imaging.Grid) (*imaging.Mask, error) {
	v := imaging.NewVolume(m.Grid.Crop([3]int{-1, -1, -1}, [3]int{m.Size[0] + 1, m.Size[1] + 1, m.Size[2] + 1}))
	for n, in := range m.In {
		if in {
			i, j, k := m.Coords(n)
			v.Values[v.Offset(i+1, j+1, k+1)] = 1
		}
	}
	r := imaging.NewMask(onto)
	for n := range r.In {
		i, j, k := onto.Coords(n)
		x, ok := v.Sample(onto.Point(float64(i), float64(j), float64(k)))
		r.In[n] = ok && x >= 0.5-1e-9
	}
	return r, nil
}
