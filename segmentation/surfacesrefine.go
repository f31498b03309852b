package segmentation

import (
	"context"
	"math"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Unknowns of a ray in the refinement.
const (
	ofLumen  = iota // R₁, mm
	ofWall          // R₂, mm
	ofTissue        // μ_w, HU
	ofAround        // μₒ, HU
	ofStone         // outer border of calcium R_c, mm
	unknowns
)

const (
	refineRounds = 15
	solveRounds  = 60    // of conjugate gradients
	bendSD       = 0.035 // of the second difference of a radius between rays, mm
	alongSD      = 0.06  // of the second difference of a radius between sections, mm
	roundSD      = 0.05  // of the first difference of the lumen's radius between rays, mm
	tissueSD     = 12.0  // of the difference of wall CT numbers between neighbours, HU
	aroundDiffSD = 25.0  // the same of the surroundings, HU
	doubt        = 3.0   // deviation, in modelSD, from which a sample counts less
	usualWall    = 0.5   // mm
	thinSD       = 0.3   // of the thickness of a thinner wall, mm
	aroundFrom   = 0.4   // beyond the wall, from where to where the surroundings are recognised, mm
	aroundTo     = 1.2
	stride       = 0.25 // largest move of a border in a round, mm
)

// Of calcium and branches.
const (
	bloom       = 0.6  // how far calcium shines along the border, mm
	rim         = 0.15 // of wall outside calcium, mm
	rimSD       = 0.15 // mm
	bulge       = 0.25 // beyond the circle that fits, for a lumen of 1.5 mm radius, mm
	widestStone = 2.5  // along a ray, mm
)

// surfaceFit is the state of the refinement.
type surfaceFit struct {
	u     *unrolled
	cfg   SurfaceConfig
	blood []float64
	x     [][unknowns]float64           // per ray
	peak  []float64                     // place of calcium, mm; 0 without
	top   []float64                     // its CT number, HU
	open  []bool                        // nothing of the ray shows the wall
	near  []around                      // what lies outside the wall
	fixed bool                          // the lumen is given
	h     [][unknowns][unknowns]float64 // normal matrix of the samples and expectations of a ray
	g     [][unknowns]float64           // its right-hand side
}

// refine moves the surfaces from their first place to the nearest minimum of
//
//	Σ ρ(I(x) − m(x))/s² + expectations + Σ |δ²R|²/β² + Σ |δμ|²/γ²      (U.4)
//
// over rays and samples, with m of (U.2), s = modelSD, ρ the loss of Cauchy,
// second differences δ² of both radii and first differences δ of the CT
// numbers, around and along the artery. Each Gauss–Newton step is a sparse
// system that conjugate gradients solve.
func (u *unrolled) refine(ctx context.Context, blood []float64, start surfacePair, fixed bool, cfg SurfaceConfig) (*surfaceFit, error) {
	n := len(start.lumen)
	f := &surfaceFit{u: u, cfg: cfg, blood: blood, x: make([][unknowns]float64, n), peak: make([]float64, n), top: make([]float64, n), open: make([]bool, n), near: make([]around, n), fixed: fixed,
		h: make([][unknowns][unknowns]float64, n), g: make([][unknowns]float64, n)}
	for r := range f.x {
		f.x[r] = [unknowns]float64{start.lumen[r], start.wall[r], cfg.WallHU, cfg.FatHU, 0}
	}
	f.hide(u.stones(blood))
	for round := range refineRounds {
		if round == refineRounds/3 {
			f.hide(f.bulges())
		}
		if round%(refineRounds/3) == 0 {
			f.recognise()
		}
		if round%3 == 2 {
			f.measureBlood()
		}
		err := par.For(ctx, len(u.s), func(i int) {
			for a := range u.rays {
				f.linearise(i, a)
			}
		})
		if err != nil {
			return nil, err
		}
		f.step()
	}
	return f, nil
}

// recognise tells, per ray, what lies outside the wall, by the median of the
// samples there.
func (f *surfaceFit) recognise() {
	var out []float64
	for r := range f.near {
		all := arounds(f.cfg, f.blood[r/f.u.rays])
		out = out[:0]
		for j, v := range f.u.at(r/f.u.rays, r%f.u.rays) {
			if d := (float64(j)+0.5)*f.u.step - f.x[r][ofWall]; d > aroundFrom && d < aroundTo {
				out = append(out, float64(v))
			}
		}
		f.near[r] = all[ofFat]
		hu := median(out)
		for _, o := range all {
			if math.Abs(hu-o.hu) < math.Abs(hu-f.near[r].hu) {
				f.near[r] = o
			}
		}
	}
}

// hide takes the rays where at is not zero for those in the shadow of calcium,
// or in the mouth of a branch: the border of the lumen does not show and follows
// from its neighbours. The profile is one of calcium, wall and surroundings from
// its brightest place near at outwards; where it never falls, as in a branch,
// the outer wall follows from its neighbours too.
func (f *surfaceFit) hide(at []float64) {
	for r, at := range at {
		if at == 0 {
			continue
		}
		row := f.u.at(r/f.u.rays, r%f.u.rays)
		first := max(0, int((at-bloom/2)/f.u.step))
		best := first
		for j := first; j < min(int((at+bloom/2)/f.u.step), len(row)); j++ {
			if row[j] > row[best] {
				best = j
			}
		}
		x := &f.x[r]
		f.peak[r], f.top[r] = (float64(best)+0.5)*f.u.step, float64(row[best])
		x[ofStone] = f.peak[r] + crossing(row[best:], (f.top[r]+f.cfg.FatHU)/2)*f.u.step
		if f.open[r] = !(x[ofStone] < f.peak[r]+widestStone && f.top[r] > 2*f.cfg.WallHU); f.open[r] {
			x[ofStone] = 0
			continue
		}
		x[ofWall] = x[ofStone] + rim
	}
}

// bulges returns, per ray, where a lumen sticks out of the circle that fits its
// section, mm, else 0: calcium as bright as blood, or a branch.
func (f *surfaceFit) bulges() []float64 {
	u := f.u
	at := make([]float64, len(f.x))
	edge := make([]r2.Vec, u.rays)
	for i := range u.s {
		for a := range edge {
			edge[a] = r2.Scale(f.x[i*u.rays+a][ofLumen], direction(a, u.rays))
		}
		round := fitCircle(edge)
		for a, p := range edge {
			if round.excess(p) > max(bulge, bulge/1.5*round.radius) {
				for b := a - 2; b <= a+2; b++ {
					n := i*u.rays + (b+u.rays)%u.rays
					at[n] = max(at[n], r2.Norm(p)-bloom/2)
				}
			}
		}
	}
	return at
}

// linearise sets the normal equations of a ray about its present state.
func (f *surfaceFit) linearise(section, ray int) {
	r := section*f.u.rays + ray
	x, sigma := &f.x[r], f.u.blur[r]
	row := f.u.at(section, ray)
	h, g := &f.h[r], &f.g[r]
	*h, *g = [unknowns][unknowns]float64{}, [unknowns]float64{}
	weight := f.u.step / sampleStep / (modelSD * modelSD)
	inner, bright := ofLumen, f.blood[section]
	from := max(0, int((x[ofLumen]-1.2)/f.u.step))
	if f.peak[r] > 0 {
		inner, bright = ofStone, f.top[r]
		from = int(f.peak[r] / f.u.step)
	}
	to := min(int((x[ofWall]+tail)/f.u.step), len(row))
	if f.open[r] {
		to = from
	}
	for j := from; j < to; j++ {
		v := float64(row[j])
		if v != v {
			break
		}
		at := (float64(j) + 0.5) * f.u.step
		in, out := border(x[inner], at, sigma), border(x[ofWall], at, sigma)
		m := x[ofAround] + (bright-x[ofTissue])*in + (x[ofTissue]-x[ofAround])*out
		var d [unknowns]float64
		d[inner] = (bright - x[ofTissue]) * slope(x[inner], at, sigma)
		d[ofWall] = (x[ofTissue] - x[ofAround]) * slope(x[ofWall], at, sigma)
		d[ofTissue], d[ofAround] = out-in, 1-out
		miss := v - m
		q := miss / (doubt * modelSD)
		w := weight / (1 + q*q)
		for a := range unknowns {
			g[a] += w * d[a] * miss
			for b := range unknowns {
				h[a][b] += w * d[a] * d[b]
			}
		}
	}
	expect := func(a int, value, sd float64) {
		h[a][a] += 1 / (sd * sd)
		g[a] += (value - x[a]) / (sd * sd)
	}
	between := func(a, b int, value, sd float64) { // of x[b] − x[a]
		w := 1 / (sd * sd)
		miss := value - (x[b] - x[a])
		g[a] -= w * miss
		g[b] += w * miss
		h[a][a] += w
		h[b][b] += w
		h[a][b] -= w
		h[b][a] -= w
	}
	expect(ofTissue, f.cfg.WallHU, wallSD)
	expect(ofAround, f.near[r].hu, f.near[r].sd)
	if x[ofWall]-x[ofLumen] < usualWall {
		between(ofLumen, ofWall, usualWall, thinSD)
	} else {
		between(ofLumen, ofWall, usualWall, f.near[r].wallSD)
	}
	if x[ofStone] > 0 {
		between(ofStone, ofWall, rim, rimSD)
	} else {
		expect(ofStone, x[ofStone], 1)
	}
	if f.fixed {
		expect(ofLumen, x[ofLumen], 1e-4)
	}
}

// measureBlood fits the CT number of blood to the samples that lie in it, given
// the rest of the profiles, pooled along the artery.
func (f *surfaceFit) measureBlood() {
	up, down := make([]float64, len(f.blood)), make([]float64, len(f.blood))
	for i := range f.blood {
		for a := range f.u.rays {
			r := i*f.u.rays + a
			if f.peak[r] > 0 {
				continue
			}
			x, sigma := &f.x[r], f.u.blur[r]
			for j, v := range f.u.at(i, a) {
				at := (float64(j) + 0.5) * f.u.step
				if at > x[ofLumen] {
					break
				}
				in, out := border(x[ofLumen], at, sigma), border(x[ofWall], at, sigma)
				rest := x[ofAround] + (x[ofTissue]-x[ofAround])*out - x[ofTissue]*in
				w := at * in // as many voxels as the ring holds
				up[i] += w * (float64(v) - rest)
				down[i] += w * in
			}
		}
	}
	blood := make([]float64, len(up))
	for i := range blood {
		var a, b float64
		for j := range up {
			if math.Abs(f.u.s[j]-f.u.s[i]) <= bloodReach && up[j] == up[j] {
				a += up[j]
				b += down[j]
			}
		}
		blood[i] = f.blood[i]
		if b > 0 {
			blood[i] = max(a/b, f.cfg.WallHU+50)
		}
	}
	f.blood = blood
}

// smoothness adds to dst the gradient of half the roughness of x.
func (f *surfaceFit) smoothness(dst, x [][unknowns]float64) {
	rays, sections := f.u.rays, len(f.u.s)
	at := func(i, a int) int { return i*rays + (a+rays)%rays }
	second := func(p, q, r int, sd float64) {
		for k := range ofTissue {
			d := (x[p][k] - 2*x[q][k] + x[r][k]) / (sd * sd)
			dst[p][k] += d
			dst[q][k] -= 2 * d
			dst[r][k] += d
		}
	}
	first := func(p, q, k int, sd float64) {
		d := (x[p][k] - x[q][k]) / (sd * sd)
		dst[p][k] += d
		dst[q][k] -= d
	}
	for i := range sections {
		for a := range rays {
			second(at(i, a-1), at(i, a), at(i, a+1), bendSD)
			first(at(i, a), at(i, a+1), ofLumen, roundSD)
			first(at(i, a), at(i, a+1), ofTissue, tissueSD)
			first(at(i, a), at(i, a+1), ofAround, aroundDiffSD)
			if i > 0 {
				first(at(i-1, a), at(i, a), ofTissue, tissueSD)
				first(at(i-1, a), at(i, a), ofAround, aroundDiffSD)
				if i+1 < sections {
					second(at(i-1, a), at(i, a), at(i+1, a), alongSD)
				}
			}
		}
	}
}

// step solves the normal equations and moves the state.
func (f *surfaceFit) step() {
	move := f.conjugate(f.downhill())
	for r := range f.x {
		x, d := &f.x[r], &move[r]
		for k := range unknowns {
			if k != ofTissue && k != ofAround {
				d[k] = min(max(d[k], -stride), stride)
			}
			x[k] += d[k]
		}
		x[ofLumen] = min(max(x[ofLumen], 0.2), f.cfg.MaxRadius-f.cfg.MinWall)
		x[ofWall] = min(max(x[ofWall], x[ofLumen]+f.cfg.MinWall), f.cfg.MaxRadius, x[ofLumen]+f.cfg.MaxWall)
	}
}

// downhill returns the negative gradient of half of (U.4).
func (f *surfaceFit) downhill() [][unknowns]float64 {
	d := make([][unknowns]float64, len(f.x))
	f.smoothness(d, f.x)
	for r := range d {
		for k := range unknowns {
			d[r][k] = f.g[r][k] - d[r][k]
		}
	}
	return d
}

// conjugate solves the normal equations for the right-hand side, which it uses
// up, by conjugate gradients with the diagonal as preconditioner.
func (f *surfaceFit) conjugate(residual [][unknowns]float64) [][unknowns]float64 {
	n := len(f.x)
	// The diagonal of the smoothness inside the artery.
	const bend = 6/(bendSD*bendSD) + 6/(alongSD*alongSD)
	stiff := [unknowns]float64{bend + 2/(roundSD*roundSD), bend, 4 / (tissueSD * tissueSD), 4 / (aroundDiffSD * aroundDiffSD), 0}
	precondition := func(dst [][unknowns]float64) (rz float64) {
		for r := range dst {
			for k := range unknowns {
				dst[r][k] = residual[r][k] / (f.h[r][k][k] + stiff[k])
				rz += residual[r][k] * dst[r][k]
			}
		}
		return rz
	}
	move, z, p, q := make([][unknowns]float64, n), make([][unknowns]float64, n), make([][unknowns]float64, n), make([][unknowns]float64, n)
	rz := precondition(z)
	copy(p, z)
	stop := 1e-8 * rz
	for round := 0; round < solveRounds && rz > stop; round++ {
		clear(q)
		f.smoothness(q, p)
		var pq float64
		for r := range p {
			for a := range unknowns {
				for b := range unknowns {
					q[r][a] += f.h[r][a][b] * p[r][b]
				}
				pq += p[r][a] * q[r][a]
			}
		}
		alpha := rz / pq
		for r := range move {
			for k := range unknowns {
				move[r][k] += alpha * p[r][k]
				residual[r][k] -= alpha * q[r][k]
			}
		}
		next := precondition(z)
		for r := range p {
			for k := range unknowns {
				p[r][k] = z[r][k] + next/rz*p[r][k]
			}
		}
		rz = next
	}
	return move
}

// wallSD estimates the standard deviation, per section, of the mean place of the
// outer wall: that of a ray from its normal matrix, spread over the independent
// ones of a section, and a share that all rays have in common, because the CT
// numbers of thin walls are expected and not seen.
func (f *surfaceFit) wallSD() []float64 {
	sd := make([]float64, len(f.u.s))
	for i := range sd {
		var info, n float64
		for a := range f.u.rays {
			r := i*f.u.rays + a
			if f.open[r] {
				continue
			}
			h := &f.h[r]
			info += h[ofWall][ofWall] - h[ofWall][ofTissue]*h[ofWall][ofTissue]/h[ofTissue][ofTissue]
			n++
		}
		sd[i] = math.Inf(1)
		if n > 0 && info > 0 {
			sd[i] = math.Sqrt(commonSD*commonSD + n/info/independent)
		}
	}
	return sd
}

const (
	commonSD    = 0.06 // of all rays of a section together, mm
	independent = 8.0  // rays of a section
)
