package segmentation

import (
	"context"
	"math"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// unrolled is a CT along a centre-line in the coordinates arc length, angle and
// radius: sample j of ray a in section i lies (j + ½)·step mm from the line.
type unrolled struct {
	s      []float64 // arc length of the sections, mm
	frames []coronary.Frame
	rays   int
	depth  int       // samples of a ray
	step   float64   // between samples, mm
	hu     []float32 // [section][ray][sample]; NaN outside the CT
	blur   []float64 // [section][ray]: standard deviation of the point spread along the ray, mm
}

// at returns the samples of a ray.
func (u *unrolled) at(section, ray int) []float32 {
	o := (section*u.rays + ray) * u.depth
	return u.hu[o : o+u.depth]
}

// direction returns the in-plane direction of a ray.
func direction(ray, rays int) r2.Vec {
	sin, cos := math.Sincos(2 * math.Pi * float64(ray) / float64(rays))
	return r2.Vec{X: cos, Y: sin}
}

// unroll samples vol, trilinear, along the rays of sections of line.
func unroll(ctx context.Context, vol *imaging.Volume, line *coronary.Centerline, cfg SurfaceConfig) (*unrolled, error) {
	n := max(2, int(math.Round(line.Length()/cfg.SectionStep))+1)
	u := &unrolled{s: make([]float64, n), rays: cfg.Rays, step: cfg.RadialStep, depth: int(math.Ceil(cfg.MaxRadius / cfg.RadialStep))}
	for i := range u.s {
		u.s[i] = line.Nodes[0].S + line.Length()*float64(i)/float64(n-1)
	}
	u.frames = line.Frames(u.s)
	u.hu = make([]float32, n*u.rays*u.depth)
	u.blur = make([]float64, n*u.rays)
	spread := spreadOf(vol, cfg)
	err := par.For(ctx, n, func(i int) {
		f := &u.frames[i]
		for a := range u.rays {
			d := direction(a, u.rays)
			w := r3.Add(r3.Scale(d.X, f.N), r3.Scale(d.Y, f.B))
			u.blur[i*u.rays+a] = spread(w)
			x0, y0, z0 := vol.Index(f.Origin)
			x1, y1, z1 := vol.Index(r3.Add(f.Origin, w))
			row := u.at(i, a)
			for j := range row {
				r := (float64(j) + 0.5) * u.step
				x, y, z := x0+r*(x1-x0), y0+r*(y1-y0), z0+r*(z1-z0)
				if x < -0.5 || y < -0.5 || z < -0.5 || x > float64(vol.Size[0])-0.5 || y > float64(vol.Size[1])-0.5 || z > float64(vol.Size[2])-0.5 {
					row[j] = float32(math.NaN())
					continue
				}
				row[j] = float32(vol.Linear(x, y, z))
			}
		}
	})
	return u, err
}

// spreadOf returns the standard deviation, mm, of the point spread along a unit
// direction w: that of the scanner and of the trilinear interpolation, whose
// variance is h²/6 on an axis of spacing h, averaged over the cell.
//
//	σ²(w) = Σₐ (w·aₐ)² (FWHMₐ²/(8 ln 2) + hₐ²/6)                      (U.1)
func spreadOf(vol *imaging.Volume, cfg SurfaceConfig) func(w r3.Vec) float64 {
	var variance [3]float64
	for a, fwhm := range [3]float64{cfg.InPlaneFWHM, cfg.InPlaneFWHM, cfg.ThroughPlaneFWHM} {
		variance[a] = fwhm*fwhm/(8*math.Ln2) + vol.Spacing[a]*vol.Spacing[a]/6
	}
	return func(w r3.Vec) float64 {
		var v float64
		for a, axis := range vol.Axes {
			c := r3.Dot(w, axis)
			v += c * c * variance[a]
		}
		return math.Sqrt(v)
	}
}

// recentre moves the nodes of line to the centres of the bright cross-sections
// that they lie in, in rounds: the border on a ray is the first fall below the
// half way from blood to wall.
func recentre(ctx context.Context, vol *imaging.Volume, line coronary.Centerline, cfg SurfaceConfig) (coronary.Centerline, error) {
	const rounds = 4
	for range rounds {
		line = line.Resample(nodeStep)
		coarse := cfg
		coarse.SectionStep, coarse.Rays = nodeStep, 24
		u, err := unroll(ctx, vol, &line, coarse)
		if err != nil {
			return line, err
		}
		blood := u.blood(cfg)
		stones := u.stones(blood)
		points := make([]r3.Vec, len(u.s))
		for i := range u.s {
			points[i] = u.frames[i].Origin
			round, ok := u.round(i, blood[i], cfg.WallHU, stones)
			if !ok {
				continue
			}
			c := round.centre
			if l := r2.Norm(c); l > 0.5 { // a step at a time
				c = r2.Scale(0.5/l, c)
			}
			points[i] = u.frames[i].Point(c)
		}
		line = coronary.NewCenterline(points, nil)
		line = line.Resample(nodeStep)
		line = line.SmoothSharp(cfg.CenterlineSmoothing)
	}
	return line, nil
}

// round returns the circle of the lumen in section i. Its border on a ray is
// where calmed samples have lost a quarter of the way from blood to wall, and
// 0.674 σ on, which is where a blurred step has lost half: calcium that touches
// the lumen fills the second half of the fall, but seldom the first. Rays that
// never fall, or not before calcium, are left out, and places far from the circle,
// as in the mouth of a branch, count less. It is not ok if most rays are left out,
// as in an aorta.
func (u *unrolled) round(i int, blood, wall float64, stones []float64) (circle, bool) {
	const quartile = 0.674
	row := make([]float64, u.depth)
	var edge []r2.Vec
	for a := range u.rays {
		n := i*u.rays + a
		u.calm(row, i, a)
		r := crossing(row, blood-(blood-wall)/4)*u.step + quartile*u.blur[n]
		if !math.IsInf(r, 1) && (stones[n] == 0 || r < stones[n]) {
			edge = append(edge, r2.Scale(r, direction(a, u.rays)))
		}
	}
	if 2*len(edge) < u.rays {
		return circle{}, false
	}
	return fitCircle(edge), true
}

// circle is a circle in a plane across the line, mm.
type circle struct {
	centre r2.Vec
	radius float64
}

// excess returns how far p lies outside the circle, mm.
func (c circle) excess(p r2.Vec) float64 { return r2.Norm(r2.Sub(p, c.centre)) - c.radius }

// fitCircle fits a circle to points around it, some of which may lie far off: of
// the circles through three of them it takes the one that most are near, and
// improves it by least squares on x² + y² = ax + by + c, in rounds that take
// weight from points that lie off.
func fitCircle(points []r2.Vec) circle {
	const rounds, off = 5, 0.12 // mm
	n := len(points)
	weight := make([]float64, n)
	var best circle
	least := math.Inf(1)
	for _, apart := range [2]int{n / 3, n / 5} {
		for a := range n {
			clear(weight)
			for k := range 3 {
				weight[(a+k*apart)%n] = 1
			}
			c, ok := weightedCircle(points, weight)
			if !ok {
				continue
			}
			var cost float64
			for _, p := range points {
				q := c.excess(p) / off
				cost += min(q*q, 1)
			}
			if cost < least {
				best, least = c, cost
			}
		}
	}
	for range rounds {
		for i, p := range points {
			q := best.excess(p) / off
			weight[i] = 1 / (1 + q*q)
		}
		if c, ok := weightedCircle(points, weight); ok {
			best = c
		}
	}
	return best
}

// weightedCircle fits a circle by weighted least squares.
func weightedCircle(points []r2.Vec, weight []float64) (circle, bool) {
	var m [3][4]float64 // normal equations
	for n, p := range points {
		if weight[n] == 0 {
			continue
		}
		row := [4]float64{p.X, p.Y, 1, r2.Norm2(p)}
		for i := range 3 {
			for j := range 4 {
				m[i][j] += weight[n] * row[i] * row[j]
			}
		}
	}
	x, ok := solve3(m)
	c := circle{centre: r2.Vec{X: x[0] / 2, Y: x[1] / 2}}
	c.radius = math.Sqrt(max(x[2]+r2.Norm2(c.centre), 0))
	return c, ok
}

// solve3 solves three linear equations by elimination with pivots.
func solve3(m [3][4]float64) (x [3]float64, ok bool) {
	for c := range 3 {
		pivot := c
		for r := c + 1; r < 3; r++ {
			if math.Abs(m[r][c]) > math.Abs(m[pivot][c]) {
				pivot = r
			}
		}
		m[c], m[pivot] = m[pivot], m[c]
		if !(math.Abs(m[c][c]) > 1e-12) {
			return x, false
		}
		for r := range 3 {
			if r != c {
				f := m[r][c] / m[c][c]
				for k := c; k < 4; k++ {
					m[r][k] -= f * m[c][k]
				}
			}
		}
	}
	for c := range 3 {
		x[c] = m[c][3] / m[c][c]
	}
	return x, true
}

// crossing returns, in samples from the line, where row first falls below
// level; 0 if it begins below, +Inf if it never falls.
func crossing[T float32 | float64](row []T, level float64) float64 {
	if !(float64(row[0]) >= level) {
		return 0
	}
	for j := 1; j < len(row); j++ {
		if x := float64(row[j]); !(x >= level) {
			y := float64(row[j-1])
			if x != x {
				return math.Inf(1)
			}
			return float64(j-1) + 0.5 + (y-level)/(y-x)
		}
	}
	return math.Inf(1)
}

// blood returns the CT number of the blood per section: the mean near the line,
// of which the upper quartile over bloodReach to both sides is taken, because
// blur darkens a narrow lumen and calcium brightens few.
func (u *unrolled) blood(cfg SurfaceConfig) []float64 {
	core := make([]float64, len(u.s))
	for i := range core {
		sum, n := 0.0, 0
		for a := range u.rays {
			row := u.at(i, a)
			for j := 0; (float64(j)+0.5)*u.step < bloodRadius; j++ {
				if x := float64(row[j]); x == x {
					sum += x
					n++
				}
			}
		}
		core[i] = sum / float64(n)
	}
	out := make([]float64, len(core))
	var near []float64
	for i := range out {
		near = near[:0]
		for j := range core {
			if math.Abs(u.s[j]-u.s[i]) <= bloodReach && core[j] == core[j] {
				near = append(near, core[j])
			}
		}
		out[i] = cfg.WallHU + 50 // at the least, and outside the CT
		if q := quantileOf(near, 0.75); q > out[i] {
			out[i] = q
		}
	}
	return out
}

const (
	bloodRadius = 0.45 // about the line, in which blood is measured, mm
	bloodReach  = 8.0  // along the line, over which it is pooled, mm
)

// stones returns, per ray that calcium in the wall shines on, where the calcium
// is, mm, else 0: the rays that show it (see [stone]) and their neighbours as
// far as it blooms.
func (u *unrolled) stones(blood []float64) []float64 {
	own, all := make([]float64, len(u.s)*u.rays), make([]float64, len(u.s)*u.rays)
	row := make([]float64, u.depth)
	for r := range own {
		u.calm(row, r/u.rays, r%u.rays)
		own[r] = stone(row, u.step, blood[r/u.rays])
	}
	for r, at := range own {
		if at == 0 {
			continue
		}
		all[r] = at
		i, a := r/u.rays, r%u.rays
		reach := int(math.Ceil(bloom / (2 * math.Pi * at / float64(u.rays))))
		for j := max(i-1, 0); j <= min(i+1, len(u.s)-1); j++ {
			for b := -reach; b <= reach; b++ {
				if n := j*u.rays + ((a+b)%u.rays+u.rays)%u.rays; own[n] == 0 {
					all[n] = max(all[n], at)
				}
			}
		}
	}
	return all
}

// calm stores in row the mean of the samples of a ray and its neighbours, two on
// either side and in the sections before and after: less noise, so that a shallow
// dip between blood and calcium shows.
func (u *unrolled) calm(row []float64, section, ray int) {
	clear(row)
	n := 0.0
	for i := max(section-1, 0); i <= min(section+1, len(u.s)-1); i++ {
		for a := ray - 2; a <= ray+2; a++ {
			for j, v := range u.at(i, (a+u.rays)%u.rays) {
				row[j] += float64(v)
			}
			n++
		}
	}
	for j := range row {
		row[j] /= n
	}
}
