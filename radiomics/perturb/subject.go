package perturb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Subject is an image with one region, ready to be perturbed. It may be used by
// several goroutines at once.
type Subject struct {
	Name   string  // names the streams of its draws
	Noise  float64 // standard deviation of its own noise, in the image's unit: see [Noise]
	Voxels int     // in the region

	image    *imaging.Volume // around the region, with room to turn
	distance *imaging.Volume // signed distance to the contour on the same voxels, mm
	box      imaging.Grid    // the region and its margin: what a perturbed image shows
	centre   r3.Vec          // of the box, LPS mm
	cfg      Config
}

// NewSubject prepares the region roi of vol. The voxels of roi must coincide
// with voxels of vol, as [imaging.Mask.Onto] has it.
func NewSubject(name string, vol *imaging.Volume, roi *imaging.Mask, cfg Config) (*Subject, error) {
	s, err := newSubject(name, vol, roi, cfg)
	if err != nil {
		return nil, fmt.Errorf("perturb: region %q: %w", name, err)
	}
	return s, nil
}

func newSubject(name string, vol *imaging.Volume, roi *imaging.Mask, cfg Config) (*Subject, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	drawn, err := roi.Onto(&vol.Grid, imaging.OnVoxels)
	if err != nil {
		return nil, err
	}
	if drawn == nil {
		return nil, errors.New("the mask is empty")
	}
	place, err := imaging.Align(&vol.Grid, &drawn.Grid, imaging.OnVoxels)
	if err != nil {
		return nil, err
	}
	margin := vol.Steps(cfg.Margin)
	blo := place.At(0, 0, 0)
	var bhi [3]int
	for a := range 3 {
		bhi[a] = blo[a] + drawn.Size[a] + margin[a]
		blo[a] -= margin[a]
	}
	blo, bhi = vol.Clamp(blo, bhi)
	s := &Subject{Name: name, cfg: cfg, box: vol.Grid.Crop(blo, bhi)}
	s.centre = s.box.Point(float64(s.box.Size[0]-1)/2, float64(s.box.Size[1]-1)/2, float64(s.box.Size[2]-1)/2)
	// Turning about the centre moves no voxel of the box by more than this.
	var reach, angle float64
	for _, c := range s.box.Corners() {
		reach = max(reach, r3.Norm(r3.Sub(c, s.centre)))
	}
	for _, r := range cfg.Rotations {
		angle = max(angle, math.Abs(r)*math.Pi/180)
	}
	room := vol.Steps(reach * angle)
	for a := range 3 {
		const splines = 4 // and the shift of up to one voxel, and the reach of a spline
		blo[a], bhi[a] = blo[a]-room[a]-splines, bhi[a]+room[a]+splines
	}
	blo, bhi = vol.Clamp(blo, bhi)
	s.image = vol.Crop(blo, bhi)
	if bad := notFinite(s.image.Values); bad > 0 && cfg.interpolates() {
		return nil, fmt.Errorf("%d voxels around the region have no finite value: an image with gaps cannot be turned or shifted", bad)
	}
	mask := imaging.NewMask(s.image.Grid)
	place.Copy(mask, blo, drawn)
	s.Voxels = mask.Count()
	s.distance = imaging.SignedDistance(mask, 0)
	s.Noise = Noise(s.image)
	return s, nil
}

// notFinite counts values that are infinite or no number.
func notFinite(values []float32) int {
	n := 0
	for _, x := range values {
		if x-x != 0 {
			n++
		}
	}
	return n
}

// Apply returns image and mask as p makes them. Both lie in the patient where
// they belong: turned voxels have turned axes.
//
// Noise is added first, white, with the standard deviation NoiseFactor · Noise.
// Then values are read at the voxel centres of a grid that is turned about the
// centre of the region's box and shifted: the image by cubic splines, the
// signed distance d of the contour, in mm, linearly. The new region is
//
//	{ x : d(x) − a g(x) ≤ λ₀ + λ }                                    (RB.2)
//
// with a the standard deviation of the displacement and g a Gaussian random
// field of variance one (see [field]). λ₀ is zero on the image's own voxels; on
// others it is the level that keeps the volume, as a rigid motion does: read
// between voxels, d is flatter than it is, and a region of one or two voxels'
// thickness would shrink. λ is zero or, to grow by a fraction, the level that
// gives the number of voxels asked for. A region has at least one voxel.
func (s *Subject) Apply(ctx context.Context, p Perturbation) (*imaging.Volume, *imaging.Mask, error) {
	image := s.image
	if p.Noise > 0 {
		image = &imaging.Volume{Grid: s.image.Grid, Values: slices.Clone(s.image.Values)}
		draw, sd := s.stream("noise", p), s.cfg.NoiseFactor*s.Noise
		for n := range image.Values {
			image.Values[n] += float32(sd * draw.NormFloat64())
		}
	}
	grid, distance, keep := s.grid(p), s.distance, 0
	switch {
	case s.cfg.Spacing == 0 && p.Rotation == 0 && p.Shift == [3]float64{}:
		lo := s.corner()
		hi := [3]int{lo[0] + grid.Size[0], lo[1] + grid.Size[1], lo[2] + grid.Size[2]}
		image, distance = image.Crop(lo, hi), distance.Crop(lo, hi)
	default:
		var err error
		if image, err = imaging.Resample(ctx, image, grid, imaging.CubicSpline); err != nil {
			return nil, nil, err
		}
		if distance, err = imaging.Resample(ctx, distance, grid, imaging.Linear); err != nil {
			return nil, nil, err
		}
		keep = max(1, int(math.Round(float64(s.Voxels)*s.image.VoxelVolume()/grid.VoxelVolume())))
	}
	mask, err := s.region(ctx, distance, keep, p)
	if err != nil {
		return nil, nil, err
	}
	return image, mask, nil
}

// grid returns the voxels of a perturbed image.
func (s *Subject) grid(p Perturbation) imaging.Grid {
	g := s.box
	if s.cfg.Spacing > 0 {
		g = imaging.IsotropicGrid(&g, s.cfg.Spacing)
	}
	g.Origin = g.Point(p.Shift[0], p.Shift[1], p.Shift[2])
	if p.Rotation != 0 {
		turn := r3.NewRotation(p.Rotation, s.box.Axes[p.Axis])
		g.Origin = r3.Add(s.centre, turn.Rotate(r3.Sub(g.Origin, s.centre)))
		for a := range g.Axes {
			g.Axes[a] = turn.Rotate(g.Axes[a])
		}
	}
	return g
}

// corner returns the voxel of s.image at which the box begins.
func (s *Subject) corner() (lo [3]int) {
	i, j, k := s.image.Index(s.box.Origin)
	return [3]int{int(math.Round(i)), int(math.Round(j)), int(math.Round(k))}
}

// stream returns the random numbers of one use: they depend on the seed, the
// use, the region's name and the perturbation, on nothing else.
func (s *Subject) stream(use string, p Perturbation) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\n%s\n%v", use, s.Name, p)
	return rand.New(rand.NewPCG(s.cfg.Seed, h.Sum64()))
}

const (
	waves     = 96 // of a random field
	fieldStop = 3  // standard deviations at which it is cut
)

// field is a Gaussian random field in space of mean zero and variance one,
// whose values at distance r have the correlation exp(−r²/2ℓ²): a sum of waves
//
//	g(x) = √(2/M) Σ cos(κₘ·x + φₘ),   κ ~ N(0, 1/ℓ²), φ ~ U(0, 2π)   (RB.3)
//
// cut at three standard deviations. It does not depend on any voxels. See
// Rahimi and Recht, Advances in Neural Information Processing Systems 20 (2007).
type field struct {
	wave  [waves]r3.Vec
	phase [waves]float64
}

func newField(draw *rand.Rand, length float64) *field {
	f := &field{}
	for m := range f.wave {
		f.wave[m] = r3.Vec{X: draw.NormFloat64() / length, Y: draw.NormFloat64() / length, Z: draw.NormFloat64() / length}
		f.phase[m] = 2 * math.Pi * draw.Float64()
	}
	return f
}

// lattice is a field on the voxels of a grid, where a wave is a product of
// factors of i, j and k.
type lattice struct{ i, j, k [][waves]complex128 }

// on returns f, counted from the position zero, on g.
func (f *field) on(g *imaging.Grid, zero r3.Vec) *lattice {
	factors := func(axis int) [][waves]complex128 {
		out := make([][waves]complex128, g.Size[axis])
		step := r3.Scale(g.Spacing[axis], g.Axes[axis])
		for m, w := range f.wave {
			for n := range out {
				sin, cos := math.Sincos(float64(n) * r3.Dot(w, step))
				out[n][m] = complex(cos, sin)
			}
		}
		return out
	}
	l := &lattice{factors(0), factors(1), factors(2)}
	for m, w := range f.wave {
		sin, cos := math.Sincos(f.phase[m] + r3.Dot(w, r3.Sub(g.Origin, zero)))
		for n := range l.k {
			l.k[n][m] *= complex(cos, sin)
		}
	}
	return l
}

// row stores the factors of a row in dst.
func (l *lattice) row(dst *[waves]complex128, j, k int) {
	for m := range dst {
		dst[m] = l.j[j][m] * l.k[k][m]
	}
}

// at returns the field at voxel i of a row.
func (l *lattice) at(row *[waves]complex128, i int) float64 {
	var sum float64
	for m, w := range &l.i[i] {
		sum += real(w)*real(row[m]) - imag(w)*imag(row[m])
	}
	return min(max(math.Sqrt(2.0/waves)*sum, -fieldStop), fieldStop)
}

// region returns (RB.2) for the distance d; a region without displacement and
// growth has keep voxels, or those with d ≤ 0 if keep is zero. The displacement
// is computed in a band about the contour only, which widens until it holds λ.
func (s *Subject) region(ctx context.Context, d *imaging.Volume, keep int, p Perturbation) (*imaging.Mask, error) {
	if keep > 0 {
		level := levelOf(d.Values, keep, float32(d.MinSpacing()))
		for n := range d.Values {
			d.Values[n] -= level
		}
	}
	phi, most := d.Values, 0.0
	var g *lattice
	if p.Contour > 0 && s.cfg.ContourSD > 0 {
		g, most = newField(s.stream("contour", p), s.cfg.ContourLength).on(&d.Grid, s.centre), fieldStop*s.cfg.ContourSD
		phi = slices.Clone(d.Values)
	}
	displace := func(band float32) error {
		if g == nil {
			return nil
		}
		return par.For(ctx, d.Size[2], func(k int) {
			var row [waves]complex128
			for j := range d.Size[1] {
				o, begun := d.Offset(0, j, k), false
				for i, x := range d.Values[o : o+d.Size[0]] {
					if math.Abs(float64(x)) > float64(band)+most {
						continue
					}
					if !begun {
						g.row(&row, j, k)
						begun = true
					}
					phi[o+i] = x - float32(s.cfg.ContourSD*g.at(&row, i))
				}
			}
		})
	}
	if err := displace(0); err != nil {
		return nil, err
	}
	n := count(phi, 0)
	if g == nil && keep > 0 {
		n = min(keep, len(phi)) // of equal values some are taken
	}
	want := min(max(1, int(math.Round(float64(n)*(1+p.Growth)))), len(phi))
	// λ lies between −band and band.
	band := float32(0)
	for count(phi, band) < want || count(phi, -band) > want {
		band += float32(d.MinSpacing())
		if err := displace(band); err != nil {
			return nil, err
		}
	}
	m := imaging.NewMask(d.Grid)
	if want == count(phi, 0) {
		for i, x := range phi {
			m.In[i] = x <= 0
		}
		return m, nil
	}
	take(m, phi, want, band, s.stream("growth", p))
	return m, nil
}

// levelOf returns the level between the n-th smallest value and the next. Only
// values up to a bound are sorted, which grows by step until it holds them.
func levelOf(values []float32, n int, step float32) float32 {
	if n >= len(values) {
		return slices.Max(values)
	}
	bound := step
	for count(values, bound) <= n {
		bound *= 2
	}
	var low []float32
	for _, x := range values {
		if x <= bound {
			low = append(low, x)
		}
	}
	slices.Sort(low)
	return (low[n-1] + low[n]) / 2
}

// count returns how many values are at most level.
func count(phi []float32, level float32) int {
	n := 0
	for _, x := range phi {
		if x <= level {
			n++
		}
	}
	return n
}

// take puts the n voxels of least phi into m; the last of them lies between
// −band and band. Equal values are taken in a random order, so that growth has
// no direction.
func take(m *imaging.Mask, phi []float32, n int, band float32, draw *rand.Rand) {
	type voxel struct {
		phi  float32
		at   int32
		rank uint64
	}
	var order []voxel
	for i, x := range phi {
		switch {
		case x <= -band:
			m.In[i] = true
			n--
		case x <= band:
			order = append(order, voxel{x, int32(i), draw.Uint64()})
		}
	}
	slices.SortFunc(order, func(a, b voxel) int {
		return cmp.Or(cmp.Compare(a.phi, b.phi), cmp.Compare(a.rank, b.rank), cmp.Compare(a.at, b.at))
	})
	for _, v := range order[:n] {
		m.In[v.at] = true
	}
}
