package morphology

import (
	"math"
	"slices"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// tilt returns the cosines of axes of which k leans by a angle, in degrees,
// towards j, as slices of a tilted gantry do.
func tilt(angle float64) [3]float64 { return [3]float64{math.Sin(angle * math.Pi / 180)} }

// sampled returns the region of the voxels whose centres, in mm from the middle
// of a box of so many voxels, lie in a body.
func sampled(size [3]int, spacing, cosines [3]float64, in func(x [3]float64) bool) Region {
	r := Region{Size: size, Spacing: spacing, Cosines: cosines}
	f := newFrame(spacing, cosines)
	for n := range size[0] * size[1] * size[2] {
		p := [3]float64{float64(n % size[0]), float64(n / size[0] % size[1]), float64(n / size[0] / size[1])}
		for a := range 3 {
			p[a] -= float64(size[a]-1) / 2
		}
		inside := in(f.mm(p))
		r.Mask = append(r.Mask, inside)
		if inside {
			x := f.mm(p)
			r.Inside, r.Values = append(r.Inside, n), append(r.Values, math.Sin(x[0])+x[1]*x[2]/20)
		}
	}
	return r
}

// The frame has the lengths and angles that it was made of, its areas and
// normals are those of cross products, and its volume is the determinant.
func TestFrame(t *testing.T) {
	spacing, cosines := [3]float64{0.4, 0.5, 0.7}, [3]float64{0.3, -0.2, 0.1}
	f := newFrame(spacing, cosines)
	near := func(what string, got, want float64) {
		if math.Abs(got-want) > 1e-14 {
			t.Errorf("%s: %.16g, want %.16g", what, got, want)
		}
	}
	for a := range 3 {
		b, c := (a+1)%3, (a+2)%3
		near("length", math.Sqrt(dot3(f.step[a], f.step[a])), spacing[a])
		near("cosine", dot3(f.step[b], f.step[c])/(spacing[b]*spacing[c]), cosines[a])
	}
	near("volume", f.volume(), math.Abs(dot3(f.step[0], cross3(f.step[1], f.step[2]))))
	u, v := [3]float64{3, -1, 2}, [3]float64{-2, 5, 1}
	want, n := cross3(f.mm(u), f.mm(v)), cross3(u, v)
	near("area", f.area(n), math.Sqrt(dot3(want, want)))
	for a, x := range f.normal(n) {
		near("normal", x*f.volume(), want[a])
	}
}

// Diameter, axes, shift and autocorrelation of a sheared region are those of its
// points one by one, whichever way they are summed.
func TestShearedPoints(t *testing.T) {
	for _, cosines := range [][3]float64{tilt(25), {0.3, -0.2, 0.1}} {
		r := random(21, [3]int{9, 8, 7}, 0.4)
		r.Cosines = cosines
		f := newFrame(r.Spacing, cosines)
		var w Workspace
		s, err := NewShape(t.Context(), &w, r)
		if err != nil {
			t.Fatal(err)
		}
		var far float64
		all := vertices(r)
		for n, p := range all {
			for _, q := range all[:n] {
				d := f.point(point{p[0] - q[0], p[1] - q[1], p[2] - q[2]})
				far = max(far, dot3(d, d))
			}
		}
		place := func(o int) [3]float64 {
			return f.mm([3]float64{float64(o % r.Size[0]), float64(o / r.Size[0] % r.Size[1]), float64(o / r.Size[0] / r.Size[1])})
		}
		var mean, centre [3]float64
		var sum, total float64
		for o, in := range r.Mask {
			for a, x := range place(o) {
				if in {
					mean[a] += x / float64(s.Voxels)
				}
			}
		}
		for n, o := range r.Inside {
			for a, x := range place(o) {
				centre[a] += r.Values[n] * x
			}
			sum += r.Values[n]
		}
		total = sum
		average := sum / float64(len(r.Values))
		var c [3][3]float64
		for o, in := range r.Mask {
			if !in {
				continue
			}
			x := place(o)
			for a := range 3 {
				for b := range 3 {
					c[a][b] += (x[a] - mean[a]) * (x[b] - mean[b]) / float64(s.Voxels-1)
				}
			}
		}
		lambda := eigenvalues(c)
		var weight, cross, differences, m2 float64
		for n, o := range r.Inside {
			m2 += square(r.Values[n] - average)
			for m, p := range r.Inside {
				if n == m {
					continue
				}
				x, y := place(o), place(p)
				d := [3]float64{x[0] - y[0], x[1] - y[1], x[2] - y[2]}
				wt := 1 / math.Sqrt(dot3(d, d))
				weight += wt
				cross += wt * (r.Values[n] - average) * (r.Values[m] - average)
				differences += wt * square(r.Values[n]-r.Values[m])
			}
		}
		count := float64(len(r.Values))
		moran, geary := count/weight*cross/m2, (count-1)/(2*weight)*differences/m2
		shift := [3]float64{centre[0]/total - mean[0], centre[1]/total - mean[1], centre[2]/total - mean[2]}
		var g field
		g.standardise(r.Size, f, r.Inside, r.Values)
		sums, err := g.fourier(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct {
			what      string
			got, want float64
		}{
			{"diameter", s.Diameter, math.Sqrt(far)}, {"shift", s.Shift, math.Sqrt(dot3(shift, shift))},
			{"major axis", s.Axes[0], 4 * math.Sqrt(lambda[0])}, {"least axis", s.Axes[2], 4 * math.Sqrt(lambda[2])},
			{"Moran", s.MoranI, moran}, {"Geary", s.GearyC, geary},
			{"Moran by transforms", sums.cross / sums.weight, moran}, {"Geary by transforms", (count - 1) / count * (sums.square - sums.cross) / sums.weight, geary},
			{"volume", s.VoxelVolume, float64(s.Voxels) * f.volume()},
		} {
			if math.Abs(x.got-x.want) > 1e-11*max(1, math.Abs(x.want)) {
				t.Errorf("cosines %v: %s %.15g, want %.15g", cosines, x.what, x.got, x.want)
			}
		}
	}
}

// Bodies on the slices of a tilted gantry have the measures of their closed
// forms, as on perpendicular axes.
func TestTiltedBodies(t *testing.T) {
	const angle = 20
	var w Workspace
	spacing := [3]float64{0.4, 0.4, 0.4}
	semi := [3]float64{9, 7, 6}
	for _, cosines := range [][3]float64{{}, tilt(angle)} {
		name := "ellipsoid, semi-axes 9, 7, 6 mm, perpendicular voxels of 0.4 mm"
		if cosines != [3]float64{} {
			name = "ellipsoid, semi-axes 9, 7, 6 mm, voxels sheared by 20°"
		}
		r := sampled([3]int{50, 50, 50}, spacing, cosines, func(x [3]float64) bool {
			return square(x[0]/semi[0])+square(x[1]/semi[1])+square(x[2]/semi[2]) <= 1
		})
		s, err := NewShape(t.Context(), &w, r)
		if err != nil {
			t.Fatal(err)
		}
		check := func(quantity string, got, want, tol float64) {
			verify.Check{Suite: "radiomics", Case: name, Quantity: quantity, Source: "closed form", Got: got, Want: want, Tol: tol}.Run(t)
		}
		volume := 4 * math.Pi / 3 * semi[0] * semi[1] * semi[2]
		check("mesh volume, mm³", s.Mesh.Volume, volume, 0.005*volume) // voxels at the border are in or out
		check("voxel volume, mm³", s.VoxelVolume, volume, 0.005*volume)
		check("maximum 3D diameter, mm", s.Diameter, 18, 0.4) // a voxel
		for a := range 3 {
			check([]string{"major", "minor", "least"}[a]+" axis length, mm", s.Axes[a], 4/math.Sqrt(5)*semi[a], 0.05)
		}
		check("smallest enclosing ellipsoid, mm³", s.EnclosingSolid.Volume, volume, 0.09*volume) // around the corners, half a voxel outside
		box := 8 * semi[0] * semi[1] * semi[2]
		check("box along i and the slices, mm³", s.Bounds.Volume, box, 0.08*box) // half a voxel wider at each end
	}
	// A block of voxels is a parallelepiped, whose surface is known but for its
	// edges, which the mesh cuts off.
	cosines := tilt(angle)
	full := func([3]float64) bool { return true }
	size := [3]int{60, 50, 40}
	s, err := NewShape(t.Context(), &w, sampled(size, spacing, cosines, full))
	if err != nil {
		t.Fatal(err)
	}
	check := func(quantity string, got, want, tol float64) {
		verify.Check{Suite: "radiomics", Case: "block of 60 × 50 × 40 voxels sheared by 20°", Quantity: quantity, Source: "closed form", Got: got, Want: want, Tol: tol}.Run(t)
	}
	a, b, c := 24.0, 20.0, 16.0
	cos, sin := math.Cos(angle*math.Pi/180), math.Sin(angle*math.Pi/180)
	check("voxel volume, mm³", s.VoxelVolume, a*b*c*cos, 1e-9)
	check("mesh volume, mm³", s.Mesh.Volume, a*b*c*cos, 0.003*a*b*c)
	area := 2 * (a*b + b*c*cos + c*a)
	check("surface area, mm²", s.Mesh.Area, area, 0.03*area)
	check("maximum 3D diameter, mm", s.Diameter, math.Sqrt(a*a+square(b+c*sin)+square(c*cos)), 0.5)
	check("box along i and the slices, mm³", s.Bounds.Volume, a*(b+(c-spacing[2])*sin)*c*cos, 1e-9)   // corners of the mesh are middles of faces
	check("oriented box, mm³", s.OrientedBox.Volume, a*smallestRectangle(b, c, cos, sin), 0.02*a*b*c) // the mesh cuts off corners
}

// smallestRectangle returns the area of the smallest rectangle around a
// parallelogram with sides b and c that lean by the angle of the given cosine
// and sine: along one of the sides.
func smallestRectangle(b, c, cos, sin float64) float64 {
	return min((b+c*sin)*c*cos, (c+b*sin)*b*cos)
}

// The same points of a cubic lattice, described with perpendicular axes and with
// a third axis along its diagonal, have equal measures. (Their surfaces are not
// the same: they pass between different neighbours.)
func TestSameLattice(t *testing.T) {
	var w Workspace
	n := 9
	straight := sampled([3]int{n, n, n}, [3]float64{0.5, 0.5, 0.5}, [3]float64{}, func(x [3]float64) bool { return dot3(x, x) < 4 })
	// Voxel (i, j, k) of the straight lattice is (i, j − k, k) of the other.
	leaning := Region{Size: [3]int{n, 2*n - 1, n}, Spacing: [3]float64{0.5, 0.5, 0.5 * math.Sqrt2}, Cosines: [3]float64{math.Sqrt2 / 2}}
	leaning.Mask = make([]bool, n*(2*n-1)*n)
	value := map[int]float64{}
	for m, o := range straight.Inside {
		i, j, k := o%n, o/n%n, o/n/n
		p := (k*leaning.Size[1]+j-k+n-1)*n + i
		leaning.Mask[p], value[p] = true, straight.Values[m]
		leaning.Inside = append(leaning.Inside, p)
	}
	slices.Sort(leaning.Inside)
	for _, p := range leaning.Inside {
		leaning.Values = append(leaning.Values, value[p])
	}
	one, err := NewShape(t.Context(), &w, straight)
	if err != nil {
		t.Fatal(err)
	}
	want := *one
	got, err := NewShape(t.Context(), &w, leaning)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		what      string
		got, want float64
	}{
		{"voxel volume, mm³", got.VoxelVolume, want.VoxelVolume}, {"major axis length, mm", got.Axes[0], want.Axes[0]}, {"least axis length, mm", got.Axes[2], want.Axes[2]},
		{"centre of mass shift, mm", got.Shift, want.Shift}, {"Moran's I", got.MoranI, want.MoranI}, {"Geary's C", got.GearyC, want.GearyC},
	} {
		verify.Check{Suite: "radiomics", Case: "cubic lattice with its third axis along a diagonal", Quantity: x.what, Source: "the same points on perpendicular axes", Got: x.got, Want: x.want, Tol: 1e-11}.Run(t)
	}
}
