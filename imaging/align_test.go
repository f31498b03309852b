package imaging_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// blob is a region without symmetry: a corner at voxel (2, 3, 1).
func blob(g imaging.Grid) *imaging.Mask {
	m := imaging.NewMask(g)
	for n := range 5 {
		m.In[m.Offset(2+n, 3, 1)] = true
	}
	m.In[m.Offset(2, 4, 1)], m.In[m.Offset(2, 5, 1)], m.In[m.Offset(2, 3, 3)] = true, true, true
	return m
}

// places returns the centres of the voxels of m, sorted.
func places(m *imaging.Mask) []string {
	var out []string
	for o, in := range m.In {
		if in {
			i, j, k := m.Coords(o)
			p := m.Point(float64(i), float64(j), float64(k))
			out = append(out, fmt.Sprintf("%.6f %.6f %.6f", p.X+1e-9, p.Y+1e-9, p.Z+1e-9))
		}
	}
	slices.Sort(out)
	return out
}

// A mask that is stored mirrored, with other axes first, or on a part of the
// image is the same voxels of the image.
func TestOnto(t *testing.T) {
	image := turned()
	whole := blob(image)
	want := places(whole)
	for name, order := range map[string][3]int{"as it is": {0, 1, 2}, "k first": {2, 0, 1}, "i and j": {1, 0, 2}} {
		for flip := range 8 {
			// The same lattice with axes in another order, some backwards.
			var g imaging.Grid
			at := [3]float64{}
			for n, a := range order {
				g.Size[n], g.Spacing[n], g.Axes[n] = image.Size[a], image.Spacing[a], image.Axes[a]
				if flip>>n&1 == 1 {
					g.Axes[n] = r3.Scale(-1, g.Axes[n])
					at[a] = float64(image.Size[a] - 1)
				}
			}
			g.Origin = r3.Add(image.Point(at[0], at[1], at[2]), r3.Vec{X: 0.01, Y: -0.01}) // a fortieth of a voxel off
			m := imaging.NewMask(g)
			for o, in := range whole.In {
				if in {
					i, j, k := whole.Coords(o)
					x, y, z := g.Index(whole.Point(float64(i), float64(j), float64(k)))
					m.In[m.Offset(int(math.Round(x)), int(math.Round(y)), int(math.Round(z)))] = true
				}
			}
			got, err := m.Onto(&image, imaging.OnVoxels)
			if err != nil || !slices.Equal(places(got), want) {
				t.Errorf("%s, flip %d: %v", name, flip, err)
				continue
			}
			if lo, hi, _ := got.Bounds(); lo != [3]int{} || hi != got.Size {
				t.Errorf("%s, flip %d: not cropped", name, flip)
			}
		}
	}
	cropped := whole.Crop([3]int{1, 2, 0}, [3]int{12, 9, 4})
	if got, err := cropped.Onto(&image, imaging.OnVoxels); err != nil || !slices.Equal(places(got), want) {
		t.Errorf("cropped: %v", err)
	}
	padded := image.Pad(7)
	m := imaging.NewMask(padded)
	m.In[m.Offset(7, 7, 7)] = true
	if got, err := m.Onto(&image, imaging.OnVoxels); err != nil || got.Count() != 1 {
		t.Errorf("larger file: %v", err)
	}
	if got, err := imaging.NewMask(image).Onto(&image, imaging.OnVoxels); got != nil || err != nil {
		t.Errorf("empty: %v %v", got, err)
	}
}

// Slices of different thickness are the same picture.
func TestOntoOneSlice(t *testing.T) {
	image := imaging.NewGrid([3]int{8, 8, 1}, [3]float64{1, 1, 5}, r3.Vec{})
	g := image
	g.Spacing[2] = 1
	m := imaging.NewMask(g)
	m.In[9], m.In[10] = true, true
	if got, err := m.Onto(&image, imaging.OnVoxels); err != nil || got.Count() != 2 {
		t.Errorf("one slice: %v", err)
	}
}

// A mask on other voxels is refused with the reason, both headers and the
// remedy.
func TestOntoRefusals(t *testing.T) {
	image := imaging.NewGrid([3]int{20, 20, 20}, [3]float64{0.4, 0.4, 0.5}, r3.Vec{X: 1})
	with := func(f func(g *imaging.Grid)) imaging.Grid {
		g := image
		f(&g)
		return g
	}
	for _, test := range []struct {
		want string
		grid imaging.Grid
	}{
		{"a voxel of the mask measures 2.000 voxels of the image along axis k", with(func(g *imaging.Grid) { g.Spacing[2] = 1 })},
		{"lies 0.2 mm, or 0.5 voxels, from its voxel", with(func(g *imaging.Grid) { g.Origin.X += 0.2 })},
		{"lies 0.15 mm, or 0.375 voxels, from its voxel", with(func(g *imaging.Grid) { g.Spacing[0] = 0.415 })},
		{"axis i of the mask is turned against the image by 10.0°", with(func(g *imaging.Grid) {
			s, c := math.Sincos(math.Pi / 18)
			g.Axes[0], g.Axes[1] = r3.Vec{X: c, Y: s}, r3.Vec{X: -s, Y: c}
		})},
		{"reaches beyond the image: it covers voxels [12 3 1] to [20 9 7]", with(func(g *imaging.Grid) { g.Origin.X += 10 * 0.4 })},
		{"not near the image", with(func(g *imaging.Grid) { g.Origin.X = 1e12 })},
	} {
		m := blob(test.grid)
		m.In[m.Offset(10, 9, 7)] = true
		got, err := m.Onto(&image, imaging.OnVoxels)
		var mismatch *imaging.GeometryError
		if !errors.As(err, &mismatch) || got != nil {
			t.Errorf("%s: %v", test.want, err)
			continue
		}
		for _, word := range []string{test.want, image.Header(), test.grid.Header(), "--resample-mask"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("error lacks %q:\n%v", word, err)
			}
		}
	}
}

func ExampleMask_Onto() {
	image := imaging.NewGrid([3]int{64, 64, 32}, [3]float64{0.5, 0.5, 0.5}, r3.Vec{})
	other := imaging.NewGrid([3]int{64, 64, 32}, [3]float64{0.5, 0.5, 0.5}, r3.Vec{X: 0.2})
	m := imaging.NewMask(other)
	m.In[m.Offset(10, 10, 10)] = true
	_, err := m.Onto(&image, imaging.OnVoxels)
	fmt.Println(err)
	// Output:
	// mask and image do not lie on the same voxels: corner (5.20, 5.00, 5.00) mm of the mask lies 0.2 mm, or 0.4 voxels, from its voxel of the image; 0.1 voxels are allowed
	//   image: size 64×64×32, spacing 0.5×0.5×0.5 mm, origin (0, 0, 0) mm, axes (1, 0, 0) (0, 1, 0) (0, 0, 1)
	//   mask:  size 64×64×32, spacing 0.5×0.5×0.5 mm, origin (0.2, 0, 0) mm, axes (1, 0, 0) (0, 1, 0) (0, 0, 1)
	//   remedy: resample the mask onto the voxels of the image (plaquerisk does it with --resample-mask), or take the image it was drawn on
}
