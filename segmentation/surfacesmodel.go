package segmentation

import "math"

// The profile of a ray is that of two borders under the scanner's blur: blood
// within the lumen radius R₁, wall up to the outer radius R₂, surroundings
// beyond, and perhaps a calcification in the wall,
//
//	m(x) = μₒ + (μ_b − μ_w)·Φ₁(x) + (μ_w − μₒ)·Φ₂(x) + a·τ(x)          (U.2)
//	Φₙ(x) = Φ((Rₙ − x − σ²/2x)/σ)
//
// where Φ is the normal distribution function and σ²/2x accounts for the blur
// across the ray, which draws the half-way point of a round border inwards. A
// wall of half a millimetre is thinner than the point spread: nowhere does its
// own CT number show, and the half-way point between lumen and fat is neither
// border. The model still tells them apart, by the width of the fall.

// border returns Φ of (U.2).
func border(radius, x, sigma float64) float64 {
	return 0.5 * math.Erfc((x+sigma*sigma/(2*max(x, sigma))-radius)/(sigma*math.Sqrt2))
}

// slope returns the derivative of border by its radius, 1/mm.
func slope(radius, x, sigma float64) float64 {
	z := (x + sigma*sigma/(2*max(x, sigma)) - radius) / sigma
	return math.Exp(-z*z/2) / (sigma * math.Sqrt(2*math.Pi))
}

const (
	modelSD    = 35.0  // of a sample about the model, noise and neglect, HU
	sampleStep = 0.4   // samples this far apart along a ray count as independent, mm
	wallSD     = 40.0  // of the CT number of a wall about the expected one, HU
	aroundSD   = 50.0  // of that of the surroundings, HU
	tail       = 0.9   // beyond the outer wall that a ray must explain, mm
	unseen     = 0.7   // cost of a sample beyond, in those that the model explains
	stoneSD    = 0.2   // half width of a calcification along a ray, mm
	stoneHU    = 350.0 // of calcium above the wall, and its deviation, HU
	beyondFall = 0.5   // mm
	thinOut    = 2     // every second sample is enough for a first place
)

// around is what may lie outside a wall: fat, muscle or the blood of another
// vessel. Fat is what one expects.
type around struct {
	hu, sd float64
	cost   float64 // of being unexpected
	wallSD float64 // of the thickness of a wall about the usual one, mm: where muscle hides it, all there is
}

const (
	ofFat = iota
	ofMuscle
	ofBlood
	kinds
)

const muscleHU = 115.0 // contrast phase, docs/theory/phantom.md

func arounds(cfg SurfaceConfig, blood float64) [kinds]around {
	return [kinds]around{{cfg.FatHU, 50, 0, 2}, {muscleHU, 40, 2, 0.5}, {blood, 60, 8, 0.25}}
}

// stone returns where a ray shows calcium in the wall, mm; 0 where it shows
// none: at the top of a rise after the fall from blood, or above blood. A rise
// after a fall to fat is a neighbour.
func stone(row []float64, step, blood float64) float64 {
	low, at, top := math.Inf(1), 0, math.Inf(-1)
	for j, x := range row {
		if x != x || x < 10 {
			break
		}
		low = min(low, x)
		if x > top && (x-low > stoneRise && low < blood-stoneRise && x > stoneLeast || x > blood+stoneAbove) {
			top, at = x, j
		}
	}
	if at == 0 {
		return 0
	}
	return (float64(at) + 0.5) * step
}

// What tells calcium from noise on rays that [unrolled.calm] has made, HU.
const (
	stoneRise  = 40.0
	stoneLeast = 200.0
	stoneAbove = 70.0
)

// candidates are the radii between which the surfaces are first sought.
type candidates struct {
	least, step float64 // mm
	n           int
}

func (c *candidates) radius(k int) float64 { return c.least + float64(k)*c.step }

// matcher finds how well each pair of borders explains a ray.
type matcher struct {
	cand    candidates
	cfg     SurfaceConfig
	step    float64
	borders [][]float64 // per candidate, Φ at the samples
	stoneAt []float64   // the profile of calcium at the samples
	arounds [kinds]around
	from    int // first and last candidate of the lumen
	to      int
}

func newMatcher(c candidates, u *unrolled, cfg SurfaceConfig) *matcher {
	m := &matcher{cand: c, cfg: cfg, step: u.step, to: c.n - 1, borders: make([][]float64, c.n), stoneAt: make([]float64, u.depth)}
	for k := range m.borders {
		m.borders[k] = make([]float64, u.depth)
	}
	return m
}

// only restricts the lumen to the candidate nearest to radius.
func (m *matcher) only(radius float64) {
	m.from = min(max(int(math.Round((radius-m.cand.least)/m.cand.step)), 0), m.cand.n-1)
	m.to = m.from
}

// match stores, per candidate, the least cost of a profile with the lumen and
// with the outer wall there, each over all places of the other; calcium lies at
// mm from the line, if not 0.
func (m *matcher) match(lumen, wall []float64, row []float32, sigma, blood, at float64) {
	for k, b := range m.borders {
		for j := range b {
			b[j] = border(m.cand.radius(k), (float64(j)+0.5)*m.step, sigma)
		}
	}
	m.arounds = arounds(m.cfg, blood)
	if at > 0 {
		wide := math.Hypot(sigma, stoneSD)
		for j := range m.stoneAt {
			z := ((float64(j)+0.5)*m.step - at) / wide
			m.stoneAt[j] = math.Exp(-z * z / 2)
		}
	}
	seen := len(row)
	for j, x := range row {
		if x != x {
			seen = j
			break
		}
	}
	for k := range lumen {
		lumen[k], wall[k] = math.Inf(1), math.Inf(1)
	}
	// No lumen reaches far beyond the first fall.
	far := crossing(row, (blood+m.cfg.WallHU)/2)*m.step + beyondFall
	first := max(1, int(math.Ceil(m.cfg.MinWall/m.cand.step)))
	last := int(m.cfg.MaxWall / m.cand.step)
	for k := m.from; k <= m.to; k++ {
		if m.cand.radius(k) > far && k > m.from {
			break
		}
		for w := k + first; w < min(k+last+1, m.cand.n); w++ {
			c := m.cost(row[:seen], k, w, blood, at)
			lumen[k], wall[w] = min(lumen[k], c), min(wall[w], c)
		}
	}
}

// cost returns the cost of the lumen at candidate k and the wall at w with the
// best CT numbers of wall, surroundings and calcium, each with its expectation.
func (m *matcher) cost(row []float32, k, w int, blood, stone float64) float64 {
	weight := thinOut * m.step / sampleStep / (modelSD * modelSD)
	n := min(int((m.cand.radius(w)+tail)/m.step), len(row))
	inner, outer := m.borders[k][:n], m.borders[w][:n]
	var yy, yb, yc, bb, bc, cc float64
	var yd, bd, cd, dd float64
	for j := 0; j < n; j += thinOut {
		a, o := inner[j], outer[j]
		y, b, c := float64(row[j])-blood*a, o-a, 1-o
		yy += y * y
		yb += y * b
		yc += y * c
		bb += b * b
		bc += b * c
		cc += c * c
		if stone > 0 {
			d := m.stoneAt[j]
			yd += y * d
			bd += b * d
			cd += c * d
			dd += d * d
		}
	}
	pw, ps := 1/(wallSD*wallSD), 1/(stoneHU*stoneHU)
	w0 := m.cfg.WallHU
	// Normal equations of the ridge regression, still without the surroundings.
	a11, a12, a22 := weight*bb+pw, weight*bc, weight*cc
	r1, r2 := weight*yb+pw*w0, weight*yc
	total := weight*yy + pw*w0*w0 + unseen*weight*modelSD*modelSD*float64(len(m.stoneAt)-n)/thinOut
	if r := m.cand.radius(w); stone > m.cand.radius(k) && stone < r {
		// Eliminate the calcium first.
		a33, r3 := weight*dd+ps, weight*yd+ps*stoneHU
		total += ps * stoneHU * stoneHU
		if r3 > 0 {
			a13, a23 := weight*bd, weight*cd
			a11 -= a13 * a13 / a33
			a12 -= a13 * a23 / a33
			a22 -= a23 * a23 / a33
			r1 -= a13 * r3 / a33
			r2 -= a23 * r3 / a33
			total -= r3 * r3 / a33
		}
	}
	thicker := max(m.cand.radius(w)-m.cand.radius(k)-usualWall, 0)
	best := math.Inf(1)
	for kind, o := range m.arounds {
		if kind == ofBlood && stone > 0 {
			continue
		}
		po := 1 / (o.sd * o.sd)
		a22, r2 := a22+po, r2+po*o.hu
		det := a11*a22 - a12*a12
		z := thicker / o.wallSD
		best = min(best, total+po*o.hu*o.hu+o.cost+z*z-(r1*(a22*r1-a12*r2)+r2*(a11*r2-a12*r1))/det)
	}
	return best
}
