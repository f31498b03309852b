package segmentation

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// SurfaceConfig holds the choices of finding lumen and outer wall in the CT.
type SurfaceConfig struct {
	// SectionStep is the distance between sections along the centre-line.
	SectionStep float64 `yaml:"section_step_mm"`
	// Rays is the number of rays of a section.
	Rays int `yaml:"rays"`
	// RadialStep is the distance between samples of a ray.
	RadialStep float64 `yaml:"radial_step_mm"`
	// MaxRadius is the length of a ray.
	MaxRadius float64 `yaml:"max_radius_mm"`
	// CenterlineSmoothing is the standard deviation of the smoothing of the
	// centre-line along the arc.
	CenterlineSmoothing float64 `yaml:"centerline_smoothing_mm"`
	// InPlaneFWHM is the width of the scanner's point spread in the slice.
	InPlaneFWHM float64 `yaml:"in_plane_fwhm_mm"`
	// ThroughPlaneFWHM is its width across the slices.
	ThroughPlaneFWHM float64 `yaml:"through_plane_fwhm_mm"`
	// WallHU is the expected CT number of the wall, before blur.
	WallHU float64 `yaml:"wall_hu"`
	// FatHU is the expected CT number of what surrounds the artery.
	FatHU float64 `yaml:"fat_hu"`
	// MinWall is the least thickness of a wall.
	MinWall float64 `yaml:"min_wall_mm"`
	// MaxWall is the largest thickness of a wall with plaque.
	MaxWall float64 `yaml:"max_wall_mm"`
	// Thickening is by how much the wall must exceed the artery's usual wall to be
	// plaque.
	Thickening float64 `yaml:"plaque_thickening_mm"`
}

// DefaultSurfaceConfig returns the settings for a coronary CT with voxels of
// about 0.4 mm and a point spread of about 0.8 mm.
func DefaultSurfaceConfig() SurfaceConfig {
	return SurfaceConfig{
		SectionStep: 0.5, Rays: 36, RadialStep: 0.1, MaxRadius: 6.5, CenterlineSmoothing: 1.2,
		InPlaneFWHM: 0.8, ThroughPlaneFWHM: 0.7, WallHU: 60, FatHU: -90, MinWall: 0.25, MaxWall: 3.5, Thickening: 0.2,
	}
}

// Validate reports everything that is wrong with c.
func (c SurfaceConfig) Validate() error {
	var errs []error
	for _, x := range []struct {
		key       string
		x, lo, hi float64
	}{
		{"section_step_mm", c.SectionStep, 0.2, 2},
		{"rays", float64(c.Rays), 16, 180},
		{"radial_step_mm", c.RadialStep, 0.05, 0.3},
		{"max_radius_mm", c.MaxRadius, 3, 15},
		{"centerline_smoothing_mm", c.CenterlineSmoothing, 0, 5},
		{"in_plane_fwhm_mm", c.InPlaneFWHM, 0.1, 3},
		{"through_plane_fwhm_mm", c.ThroughPlaneFWHM, 0.1, 3},
		{"wall_hu", c.WallHU, -50, 200},
		{"fat_hu", c.FatHU, -150, 0},
		{"min_wall_mm", c.MinWall, 0.05, 1},
		{"max_wall_mm", c.MaxWall, 1, 8},
		{"plaque_thickening_mm", c.Thickening, 0.05, 2},
	} {
		if !(x.x >= x.lo && x.x <= x.hi) {
			errs = append(errs, fmt.Errorf("%s: %g: must lie between %g and %g", x.key, x.x, x.lo, x.hi))
		}
	}
	if c.Rays%2 != 0 {
		errs = append(errs, fmt.Errorf("rays: %d: must be even", c.Rays))
	}
	if c.FatHU >= c.WallHU {
		errs = append(errs, fmt.Errorf("fat_hu, wall_hu: %g, %g: fat must be darker than wall", c.FatHU, c.WallHU))
	}
	return errors.Join(errs...)
}

// Surfaces are the two borders of the wall of one artery, found in the CT.
type Surfaces struct {
	Artery coronary.Artery
	Line   coronary.Centerline
	S      []float64        // arc length of the sections, mm
	Frames []coronary.Frame // of the sections
	// Lumen and Wall are the distances of the borders from the line, mm, per
	// section and ray; ray a points to 2πa/n from N towards B.
	Lumen, Wall [][]float64
	// WallSD is the standard deviation of the place of the outer wall, mm, per
	// section.
	WallSD []float64
	// Usual is the usual thickness of the artery's wall, mm.
	Usual float64
	// Hidden is the share of the lumen's border that calcium or a branch hides.
	Hidden float64
}

// FindSurfaces finds lumen and outer wall around line, which must lie in the
// lumen; it is centred first.
func FindSurfaces(ctx context.Context, vol *imaging.Volume, line coronary.Centerline, cfg SurfaceConfig) (*Surfaces, error) {
	line, err := recentre(ctx, vol, line, cfg)
	if err != nil {
		return nil, err
	}
	u, err := unroll(ctx, vol, &line, cfg)
	if err != nil {
		return nil, err
	}
	return u.surfaces(ctx, line, nil, cfg)
}

// surfaces finds the borders; a lumen that is given stays where it is.
func (u *unrolled) surfaces(ctx context.Context, line coronary.Centerline, given []float64, cfg SurfaceConfig) (*Surfaces, error) {
	blood := u.blood(cfg)
	first, err := u.coarse(ctx, blood, given, cfg)
	if err != nil {
		return nil, err
	}
	fit, err := u.refine(ctx, blood, first, given != nil, cfg)
	if err != nil {
		return nil, err
	}
	out := &Surfaces{Line: line, S: u.s, Frames: u.frames, WallSD: fit.wallSD()}
	var thickness []float64
	hidden := 0
	for i := range u.s {
		lumen, wall := make([]float64, u.rays), make([]float64, u.rays)
		for a := range lumen {
			r := i*u.rays + a
			lumen[a], wall[a] = fit.x[r][ofLumen], fit.x[r][ofWall]
			if fit.peak[r] > 0 {
				hidden++
			} else {
				thickness = append(thickness, wall[a]-lumen[a])
			}
		}
		out.Lumen, out.Wall = append(out.Lumen, lumen), append(out.Wall, wall)
	}
	out.Usual = usual(thickness)
	out.Hidden = float64(hidden) / float64(len(u.s)*u.rays)
	return out, nil
}

// usual returns the middle of the shortest interval that holds two fifths of x:
// the wall that an artery has where it has no plaque, as long as plaque covers
// less than half of it. NaN without a number.
func usual(x []float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	n := max(1, len(x)*2/5)
	best, at := math.Inf(1), math.NaN()
	for lo := 0; lo+n <= len(x); lo++ {
		if w := x[lo+n-1] - x[lo]; w < best {
			best, at = w, x[lo+n/2]
		}
	}
	return at
}

// Sections returns the borders as contours.
func (s *Surfaces) Sections() []coronary.Section {
	out := make([]coronary.Section, len(s.S))
	for i := range out {
		out[i] = coronary.Section{S: s.S[i], Frame: s.Frames[i],
			Lumen: coronary.PolarContour(r2.Vec{}, s.Lumen[i]), Wall: coronary.PolarContour(r2.Vec{}, s.Wall[i])}
	}
	return out
}

// lesion is a stretch of plaque: the sections [from, to).
type lesion struct{ from, to int }

// thick tells, per section and ray, where the wall is plaque: thicker than usual
// by thickening in most of the neighbourhood of a ray, and the rays around it
// that exceed the usual wall by growth of that.
func (s *Surfaces) thick(thickening float64) [][]bool {
	sections, rays := len(s.S), len(s.Lumen[0])
	majority := func(limit float64) [][]bool {
		out := make([][]bool, sections)
		for i := range out {
			out[i] = make([]bool, rays)
			for a := range rays {
				votes, all := 0, 0
				for j := max(i-1, 0); j <= min(i+1, sections-1); j++ {
					for b := a - 1; b <= a+1; b++ {
						all++
						if n := (b + rays) % rays; s.Wall[j][n]-s.Lumen[j][n] > s.Usual+limit {
							votes++
						}
					}
				}
				out[i][a] = 2*votes > all
			}
		}
		return out
	}
	sure, likely := majority(thickening), majority(growth*thickening)
	var stack [][2]int
	for i := range sure {
		for a, in := range sure[i] {
			if in {
				stack = append(stack, [2]int{i, a})
			}
		}
	}
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, d := range [4][2]int{{0, 1}, {0, rays - 1}, {1, 0}, {-1, 0}} {
			i, a := at[0]+d[0], (at[1]+d[1])%rays
			if i >= 0 && i < sections && likely[i][a] && !sure[i][a] {
				sure[i][a] = true
				stack = append(stack, [2]int{i, a})
			}
		}
	}
	return sure
}

const (
	growth       = 0.7 // share of the thickening that joins a plaque
	lesionGap    = 1.0 // of usual wall, up to which plaque is one lesion, mm
	lesionLength = 1.5 // least length of a lesion, mm
	lesionEnd    = 3.0 // from an end of the line, where blur mixes in what lies beyond, within which no lesion stands alone, mm
)

// lesions returns the stretches of plaque, from proximal to distal.
func (s *Surfaces) lesions(thick [][]bool) []lesion {
	step := s.S[1] - s.S[0]
	var found []lesion
	for i, rays := range thick {
		if !slices.Contains(rays, true) {
			continue
		}
		if n := len(found); n > 0 && float64(i-found[n-1].to)*step <= lesionGap {
			found[n-1].to = i + 1
		} else {
			found = append(found, lesion{i, i + 1})
		}
	}
	last := float64(len(thick)) * step
	return slices.DeleteFunc(found, func(l lesion) bool {
		from, to := float64(l.from)*step, float64(l.to)*step
		return to-from < lesionLength || to < lesionEnd || from > last-lesionEnd
	})
}

// Masks returns the voxels of ct whose centre lies in the lumen, in the wall, and
// in each plaque of at least least mm³; they are cut to a box around the artery.
// The plaques are part of the wall.
func (s *Surfaces) Masks(ct *imaging.Grid, thickening, least float64) (lumen, wall *imaging.Mask, plaques []*imaging.Mask) {
	near := s.near(ct)
	lumen, wall = imaging.NewMask(near.Grid), imaging.NewMask(near.Grid)
	thick := s.thick(thickening)
	lesions := s.lesions(thick)
	plaques = make([]*imaging.Mask, len(lesions))
	for n := range plaques {
		plaques[n] = imaging.NewMask(near.Grid)
	}
	for o, at := range near.section {
		if at < 0 {
			continue
		}
		i, j, k := near.Coords(o)
		p, ok := s.polar(near.Point(float64(i), float64(j), float64(k)), int(at))
		if !ok || p.radius >= p.of(s.Wall) {
			continue
		}
		if p.radius < p.of(s.Lumen) {
			lumen.In[o] = true
			continue
		}
		wall.In[o] = true
		for n, l := range lesions {
			if sec := p.nearest(); sec >= l.from && sec < l.to && thick[sec][p.nearestRay(len(thick[sec]))] {
				plaques[n].In[o] = true
			}
		}
	}
	plaques = slices.DeleteFunc(plaques, func(m *imaging.Mask) bool { return m.VolumeMM3() < least })
	return lumen, wall, plaques
}

// nearGrid is a part of the CT with the nearest section of each voxel, −1 where
// none is in reach.
type nearGrid struct {
	imaging.Grid
	section []int32
}

// near finds the nearest section of the voxels in reach of the artery.
func (s *Surfaces) near(ct *imaging.Grid) nearGrid {
	reach := make([]float64, len(s.S))
	lo, hi := ct.Size, [3]int{}
	for i := range reach {
		reach[i] = slices.Max(s.Wall[i]) + (s.S[1] - s.S[0])
		x, y, z := ct.Index(s.Frames[i].Origin)
		for a, c := range [3]float64{x, y, z} {
			w := reach[i]/ct.Spacing[a] + 3 // some for oblique axes
			lo[a], hi[a] = min(lo[a], int(math.Floor(c-w))), max(hi[a], int(math.Ceil(c+w))+1)
		}
	}
	lo, hi = ct.Clamp(lo, hi)
	out := nearGrid{Grid: ct.Crop(lo, hi)}
	out.section = make([]int32, out.Len())
	best := make([]float64, out.Len())
	for o := range best {
		out.section[o], best[o] = -1, math.Inf(1)
	}
	for i, f := range s.Frames {
		x, y, z := out.Index(f.Origin)
		var from, to [3]int
		for a, c := range [3]float64{x, y, z} {
			w := reach[i]/out.Spacing[a] + 1
			from[a], to[a] = max(int(math.Floor(c-w)), 0), min(int(math.Ceil(c+w)), out.Size[a]-1)
		}
		for k := from[2]; k <= to[2]; k++ {
			for j := from[1]; j <= to[1]; j++ {
				for i0 := from[0]; i0 <= to[0]; i0++ {
					d := r3.Norm2(r3.Sub(out.Point(float64(i0), float64(j), float64(k)), f.Origin))
					if o := out.Offset(i0, j, k); d < best[o] && d <= reach[i]*reach[i] {
						best[o], out.section[o] = d, int32(i)
					}
				}
			}
		}
	}
	return out
}

// polarPoint is a place in the coordinates of the surfaces.
type polarPoint struct {
	section  int     // before it
	along    float64 // share of the way to the next section
	ray      int     // before it
	around   float64 // share of the way to the next ray
	radius   float64 // mm
	sections int
}

// polar finds the coordinates of p, of which section i is the nearest. It is not
// ok beyond the ends of the artery.
func (s *Surfaces) polar(p r3.Vec, i int) (polarPoint, bool) {
	last := len(s.S) - 1
	step := s.S[1] - s.S[0]
	ahead := func(i int) float64 { return r3.Dot(r3.Sub(p, s.Frames[i].Origin), s.Frames[i].T) }
	d := ahead(i)
	if d < 0 && i > 0 {
		i--
		d = ahead(i)
	}
	out := polarPoint{sections: last + 1}
	switch {
	case d < -step/4 || i == last && d > step/4:
		return out, false
	case i == last:
		i, d = last-1, step
	}
	// The planes fan out in a bend: the share of the way is that between both.
	e := -ahead(i + 1)
	out.section, out.along = i, 0.5
	if d+e > 0 {
		out.along = min(max(d/(d+e), 0), 1)
	}
	mix := func(a, b r3.Vec) r3.Vec { return r3.Add(r3.Scale(1-out.along, a), r3.Scale(out.along, b)) }
	f, g := &s.Frames[i], &s.Frames[i+1]
	w := r3.Sub(p, mix(f.Origin, g.Origin))
	x, y := r3.Dot(w, mix(f.N, g.N)), r3.Dot(w, mix(f.B, g.B))
	out.radius = math.Hypot(x, y)
	rays := float64(len(s.Lumen[0]))
	turn := math.Atan2(y, x) / (2 * math.Pi) * rays
	if turn < 0 {
		turn += rays
	}
	floor := math.Floor(turn)
	out.ray, out.around = int(floor)%len(s.Lumen[0]), turn-floor
	return out, true
}

// of interpolates r at the point.
func (p *polarPoint) of(r [][]float64) float64 {
	at := func(i int) float64 {
		row := r[i]
		return row[p.ray] + p.around*(row[(p.ray+1)%len(row)]-row[p.ray])
	}
	a := at(p.section)
	return a + p.along*(at(p.section+1)-a)
}

// nearest returns the nearest section, nearestRay the nearest of n rays.
func (p *polarPoint) nearest() int {
	if p.along > 0.5 {
		return p.section + 1
	}
	return p.section
}

func (p *polarPoint) nearestRay(n int) int {
	if p.around > 0.5 {
		return (p.ray + 1) % n
	}
	return p.ray
}

func median(x []float64) float64 { return quantileOf(x, 0.5) }

// quantileOf returns the q-quantile of the numbers of x, NaN without any.
func quantileOf(x []float64, q float64) float64 {
	sorted := slices.DeleteFunc(slices.Clone(x), math.IsNaN)
	if len(sorted) == 0 {
		return math.NaN()
	}
	slices.Sort(sorted)
	at := q * float64(len(sorted)-1)
	n := min(int(at), max(len(sorted)-2, 0))
	return sorted[n] + (at-float64(n))*(sorted[min(n+1, len(sorted)-1)]-sorted[n])
}
