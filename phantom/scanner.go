package phantom

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Scanner says how the object becomes an image.
type Scanner struct {
	// KVp is the tube voltage: 80, 100 or 120 kV. It scales iodine, calcium and fat.
	KVp float64 `json:"kvp"`
	// Kernel names the in-plane sharpness, see [Kernels].
	Kernel string `json:"kernel"`
	// FWHM is the width of the Gaussian point spread in the slice, mm.
	FWHM float64 `json:"in_plane_fwhm_mm"`
	// FWHMZ is its width across the slices, mm.
	FWHMZ float64 `json:"through_plane_fwhm_mm"`
	// Noise is the standard deviation of the noise, HU; 0 leaves it out.
	Noise float64 `json:"noise_sd_hu"`
	// Spectrum shapes the noise in the slice.
	Spectrum Spectrum `json:"noise_power_spectrum"`
	// Blur false leaves the point spread out: what remains is partial volume.
	Blur bool `json:"blur"`
}

// Kernel is one choice of reconstruction.
type Kernel struct {
	Name string
	FWHM float64 // in-plane point spread, mm
	F0   float64 // frequency scale of the noise, 1/mm: sharper kernels have finer noise
}

// Kernels returns the four kernels, sharp to smooth. Their widths span those of
// full dose filtered, model-based and hybrid reconstructions (PMC8292685), the
// noise scales those measured on two real scanners.
func Kernels() []Kernel {
	return []Kernel{
		{"P65", 0.65, 0.55},
		{"P80", 0.80, 0.48},
		{"P95", 0.95, 0.42},
		{"P120", 1.20, 0.35},
	}
}

// DefaultScanner returns 120 kV, kernel P80 and noise of 24 HU.
func DefaultScanner() Scanner { return newScanner(Kernels()[1], 24) }

func newScanner(k Kernel, noise float64) Scanner {
	return Scanner{KVp: 120, Kernel: k.Name, FWHM: k.FWHM, FWHMZ: 0.7, Noise: noise,
		Spectrum: Spectrum{P: 0.63, Q: 2.29, F0: k.F0}, Blur: true}
}

// Validate reports what is wrong with s.
func (s *Scanner) Validate() error {
	var errs []error
	if _, _, _, ok := s.factors(); !ok {
		errs = append(errs, fmt.Errorf("kvp %g: must be 80, 100 or 120", s.KVp))
	}
	if !(s.FWHM >= 0.3 && s.FWHM <= 3) {
		errs = append(errs, fmt.Errorf("in_plane_fwhm_mm %g: must be 0.3 to 3", s.FWHM))
	}
	if !(s.FWHMZ >= 0.3 && s.FWHMZ <= 3) {
		errs = append(errs, fmt.Errorf("through_plane_fwhm_mm %g: must be 0.3 to 3", s.FWHMZ))
	}
	if !(s.Noise >= 0 && s.Noise <= 500) {
		errs = append(errs, fmt.Errorf("noise_sd_hu %g: must be 0 to 500", s.Noise))
	}
	return errors.Join(errs...)
}

// factors returns by how much iodine, calcium and fat change from 120 kV:
// Hindawi, RRP 2012:150980 and Eur Radiol 2023;33:2324, rounded.
func (s *Scanner) factors() (iodine, calcium, fat float64, ok bool) {
	switch s.KVp {
	case 80:
		return 1.65, 1.65, 1.27, true
	case 100:
		return 1.3, 1.3, 1.08, true
	case 120:
		return 1, 1, 1, true
	}
	return 1, 1, 1, false
}

// Materials holds the CT numbers outside plaques at 120 kV, HU.
type Materials struct {
	Lumen  float64 `json:"lumen_hu"`
	Wall   float64 `json:"wall_hu"`
	Fat    float64 `json:"fat_hu"`
	Muscle float64 `json:"myocardium_hu"`
	Lung   float64 `json:"lung_hu"`
}

// DefaultMaterials returns the means of the generator.
func DefaultMaterials() Materials {
	return Materials{Lumen: 400, Wall: 60, Fat: -100, Muscle: 115, Lung: -850}
}

// unenhanced is the CT number of blood without iodine, HU.
const unenhanced = 45

// at returns the materials at the scanner's voltage.
func (m Materials) at(s *Scanner) Materials {
	iodine, _, fat, _ := s.factors()
	m.Lumen = unenhanced + (m.Lumen-unenhanced)*iodine
	m.Fat *= fat
	return m
}

// at returns the plaque's CT numbers at the scanner's voltage.
func (h TissueHU) at(s *Scanner) TissueHU {
	_, calcium, _, _ := s.factors()
	h.Calcium *= calcium
	return h
}

const fwhmSigma = 2.3548200450309493 // 2√(2 ln 2)

// background returns the CT number at level l of the heart (a share of its
// ellipsoid), and root mm inside the aortic root. sigma > 0 blurs each border:
// a plane border under a Gaussian is Φ(d/σ).
func (h *heart) background(m *Materials, share, slope, root, sigma float64) float64 {
	v := m.Fat
	mix := func(d, to float64) { // d mm inside the new tissue
		switch {
		case d > 4*sigma:
			v = to
		case d > -4*sigma:
			v += (to - v) * 0.5 * math.Erfc(-d/(sigma*math.Sqrt2))
		}
	}
	mix((share-lungShare)/slope, m.Lung)
	mix((muscleShare-share)/slope, m.Muscle)
	mix((cavityShare-share)/slope, m.Lumen)
	if h.root {
		mix(root, m.Lumen)
	}
	return v
}

// tubeCells are the CT voxels around the arteries, in a box of their own.
type tubeCells struct {
	box  imaging.Grid // part of the CT grid
	lo   [3]int       // its first voxel
	list []int        // voxels of the box within reach of an artery, in order
	near [][]int32    // per artery, nearest node of the voxel; −1 out of reach
}

// cells finds the voxels whose centre lies within reach mm of the outer wall.
func (an *anatomy) cells(g *imaging.Grid, reach float64) *tubeCells {
	lo, hi := an.bounds(8 + reach)
	l, h := [3]int{}, [3]int{}
	i, j, k := g.Index(lo)
	for a, x := range [3]float64{i, j, k} {
		l[a] = int(math.Floor(x))
	}
	i, j, k = g.Index(hi)
	for a, x := range [3]float64{i, j, k} {
		h[a] = int(math.Ceil(x)) + 1
	}
	l, h = g.Clamp(l, h)
	c := &tubeCells{box: g.Crop(l, h), lo: l, near: make([][]int32, len(an.arteries))}
	touched := make([]bool, c.box.Len())
	best := make([]float32, c.box.Len())
	for n, a := range an.arteries {
		near := make([]int32, c.box.Len())
		for m := range near {
			near[m] = -1
			best[m] = math.MaxFloat32
		}
		for m := 0; m < len(a.curve.nodes); m += 2 {
			nd := &a.curve.nodes[m]
			cr := a.cross(float64(m) * curveStep)
			r := cr.shift + cr.outer + reach
			ci, cj, ck := c.box.Index(nd.p)
			s := c.box.Spacing
			for k := max(int(math.Ceil(ck-r/s[2])), 0); k <= min(int(ck+r/s[2]), c.box.Size[2]-1); k++ {
				for j := max(int(math.Ceil(cj-r/s[1])), 0); j <= min(int(cj+r/s[1]), c.box.Size[1]-1); j++ {
					dz, dy := (float64(k)-ck)*s[2], (float64(j)-cj)*s[1]
					d2 := dz*dz + dy*dy
					if d2 > r*r {
						continue
					}
					w := math.Sqrt(r*r-d2) / s[0]
					for i := max(int(math.Ceil(ci-w)), 0); i <= min(int(ci+w), c.box.Size[0]-1); i++ {
						dx := (float64(i) - ci) * s[0]
						o := c.box.Offset(i, j, k)
						if d := float32(d2 + dx*dx); d < best[o] {
							best[o], near[o] = d, int32(m)
							touched[o] = true
						}
					}
				}
			}
		}
		c.near[n] = near
	}
	for o, t := range touched {
		if t {
			c.list = append(c.list, o)
		}
	}
	return c
}

// hit is what an artery has at a point.
type hit struct {
	lumen, vessel bool
	joint         bool    // in the half ball before the start of a daughter
	depth         float64 // mm inside the lumen
	plaque        int     // 1 + index of the plaque, 0 for none
	tissue        imaging.Tissue
}

// before tells whether h decides where o is too: lumen before wall, a mother
// before the joint of her daughter, then whoever has the point deeper inside.
func (h *hit) before(o *hit) bool {
	if h.lumen != o.lumen {
		return h.lumen
	}
	if h.joint != o.joint {
		return !h.joint
	}
	return h.depth > o.depth
}

// probe tells what artery a has at arc length s and (x, y) in its plane.
func (a *Artery) probe(s, x, y float64) hit {
	var h hit
	along := 0.0
	if s < 0 {
		if !a.joined {
			return h
		}
		along, h.joint = s, true
	} else if s > a.Length() {
		return h
	}
	c := a.cross(max(s, 0))
	r := math.Sqrt(x*x + y*y + along*along)
	h.depth = c.lumen - r
	if r <= c.lumen {
		h.lumen, h.vessel, h.tissue = true, true, imaging.Lumen
		return h
	}
	if c.plaque == nil {
		if r <= c.outer {
			h.vessel, h.tissue = true, imaging.Wall
		}
		return h
	}
	p := c.plaque
	u, v := x*p.cos+y*p.sin, -x*p.sin+y*p.cos
	if (u-c.shift)*(u-c.shift)+v*v > c.outer*c.outer {
		return h
	}
	h.vessel, h.tissue = true, imaging.Wall
	reach := c.reach(u / r)
	if reach-c.lumen <= a.Wall+Thickening {
		return h
	}
	q := spot{s: s, phi: math.Atan2(v, u), radius: r, lumen: c.lumen, reach: reach}
	h.tissue = p.tissue(&q)
	for m := range a.Plaques {
		if a.Plaques[m] == p {
			h.plaque = m + 1
		}
	}
	return h
}

// filling is how a CT voxel is filled.
type filling struct {
	lumen, vessel float32 // shares of the voxel
	artery        int8    // with the largest share of lumen, or of vessel where there is no lumen
	plaque        int8    // 1 + index of the plaque that fills most of the wall, 0 for none
	excess        float32 // HU above the background, before blur
}

// supersample is the number of samples along each edge of a voxel.
const supersample = 4

// fill samples the voxels around the arteries. Where arteries meet, the hit that
// comes before the others has the sample.
func (p *Patient) fill(ctx context.Context, c *tubeCells) ([]filling, error) {
	mat := p.Materials.at(&p.Scanner)
	arteries := p.tubes()
	plaqueHU := make([][]TissueHU, len(arteries))
	for n, a := range arteries {
		for _, q := range a.Plaques {
			plaqueHU[n] = append(plaqueHU[n], q.HU.at(&p.Scanner))
		}
	}
	out := make([]filling, len(c.list))
	const samples = supersample * supersample * supersample
	err := par.Blocks(ctx, len(c.list), 2048, func(lo, hi int) {
		var who []int
		node := make([]int, len(arteries))
		lumenOf := make([]int, len(arteries))
		vesselOf := make([]int, len(arteries))
		const maxPlaques = 16
		plaqueOf := make([]int, len(arteries)*maxPlaques)
		for m := lo; m < hi; m++ {
			o := c.list[m]
			i, j, k := c.box.Coords(o)
			who = who[:0]
			for n := range arteries {
				lumenOf[n], vesselOf[n] = 0, 0
				if at := c.near[n][o]; at >= 0 {
					who = append(who, n)
					node[n] = int(at)
				}
			}
			if len(who) == 1 {
				n := who[0]
				mid := c.box.Point(float64(i), float64(j), float64(k))
				if f, ok := p.uniform(arteries, n, mid, &node[n], &mat); ok {
					out[m] = f
					continue
				}
			}
			clear(plaqueOf)
			var lumen, vessel int
			var excess float64
			for q := range samples {
				off := func(x int) float64 { return (float64(x)+0.5)/supersample - 0.5 }
				pt := c.box.Point(float64(i)+off(q%supersample), float64(j)+off(q/supersample%supersample), float64(k)+off(q/supersample/supersample))
				best, bestN := hit{depth: math.Inf(-1)}, -1
				for _, n := range who {
					s, x, y, nd := arteries[n].curve.project(pt, node[n])
					node[n] = nd
					h := arteries[n].probe(s, x, y)
					if !h.vessel {
						continue
					}
					if bestN < 0 || h.before(&best) {
						best, bestN = h, n
					}
				}
				if bestN < 0 {
					continue
				}
				root := p.heart.insideRoot(pt)
				if root > 0 && !best.lumen {
					continue // an ostium has no wall inside the root
				}
				share, slope := p.heart.level(pt)
				under := p.heart.background(&mat, share, slope, root, 1e-6)
				vessel++
				vesselOf[bestN]++
				hu := mat.Wall
				switch {
				case best.lumen:
					lumen++
					lumenOf[bestN]++
					hu = mat.Lumen
				case best.plaque > 0:
					plaqueOf[bestN*maxPlaques+best.plaque-1]++
					hu = plaqueHU[bestN][best.plaque-1].of(best.tissue)
				}
				excess += hu - under
			}
			f := filling{lumen: float32(lumen) / samples, vessel: float32(vessel) / samples, excess: float32(excess / samples)}
			most, key := 0, vesselOf
			if lumen > 0 {
				key = lumenOf
			}
			for n := range arteries {
				if key[n] > most {
					most, f.artery = key[n], int8(n)
				}
			}
			// A wall voxel is plaque if plaque is half of its wall or more.
			for n := range maxPlaques {
				if c := plaqueOf[int(f.artery)*maxPlaques+n]; c > 0 && 2*c >= vesselOf[f.artery]-lumenOf[f.artery] {
					f.plaque = int8(n + 1)
				}
			}
			out[m] = f
		}
	})
	return out, err
}

// clearance is more than half the diagonal of a voxel, with room for the slope
// of a narrowing, mm.
const clearance = 0.45

// uniform returns the filling of a voxel about mid that lies wholly in the lumen
// of tube n or wholly outside, and false for every other voxel.
func (p *Patient) uniform(arteries []*Artery, n int, mid r3.Vec, node *int, mat *Materials) (filling, bool) {
	a := arteries[n]
	s, x, y, nd := a.curve.project(mid, *node)
	*node = nd
	if s < clearance || s > a.Length()-clearance {
		return filling{}, false
	}
	c, r := a.cross(s), math.Hypot(x, y)
	if r > c.outer+c.shift+clearance {
		return filling{}, true
	}
	if r > c.lumen-clearance {
		return filling{}, false
	}
	share, slope := p.heart.level(mid)
	root := p.heart.insideRoot(mid)
	for _, border := range [...]float64{(share - muscleShare) / slope, (share - cavityShare) / slope, (share - lungShare) / slope, root} {
		if math.Abs(border) < clearance {
			return filling{}, false
		}
	}
	return filling{lumen: 1, vessel: 1, artery: int8(n), excess: float32(mat.Lumen - p.heart.background(mat, share, slope, root, 1e-6))}, true
}

// insideRoot returns how many mm p lies inside the aortic root, negative
// outside.
func (h *heart) insideRoot(p r3.Vec) float64 {
	if !h.root {
		return math.Inf(-1)
	}
	d := r3.Sub(p, h.rootAt)
	along := r3.Dot(d, h.rootDir)
	r := math.Sqrt(max(r3.Dot(d, d)-along*along, 0))
	return min(h.rootRadius-r, along+4)
}

// paint fills dst with the blurred background.
func (p *Patient) paint(ctx context.Context, dst *imaging.Volume) error {
	mat := p.Materials.at(&p.Scanner)
	sigma := 1e-6
	if p.Scanner.Blur {
		sigma = p.Scanner.FWHM / fwhmSigma
	}
	return par.For(ctx, dst.Size[2], func(k int) {
		o := dst.Offset(0, 0, k)
		for j := range dst.Size[1] {
			for i := range dst.Size[0] {
				pt := dst.Point(float64(i), float64(j), float64(k))
				share, slope := p.heart.level(pt)
				dst.Values[o] = float32(p.heart.background(&mat, share, slope, p.heart.insideRoot(pt), sigma))
				o++
			}
		}
	})
}

// Scan returns the CT image of the patient.
func (p *Patient) Scan(ctx context.Context) (*imaging.Volume, error) {
	vol, _, err := p.scan(ctx)
	return vol, err
}

// scan returns the image and how the voxels around the arteries are filled.
func (p *Patient) scan(ctx context.Context) (*imaging.Volume, *rendering, error) {
	if err := p.Scanner.Validate(); err != nil {
		return nil, nil, err
	}
	vol := imaging.NewVolume(p.Grid)
	if err := p.paint(ctx, vol); err != nil {
		return nil, nil, err
	}
	r, err := p.render(ctx)
	if err != nil {
		return nil, nil, err
	}
	excess := make([]float32, r.cells.box.Len())
	for m, o := range r.cells.list {
		excess[o] = r.fill[m].excess
	}
	if p.Scanner.Blur {
		if err := blur(ctx, excess, r.cells.box.Size, p.kernelSigmas()); err != nil {
			return nil, nil, err
		}
	}
	box := &r.cells.box
	for k := range box.Size[2] {
		for j := range box.Size[1] {
			o := vol.Offset(r.cells.lo[0], r.cells.lo[1]+j, r.cells.lo[2]+k)
			e := excess[box.Offset(0, j, k):][:box.Size[0]]
			for i, x := range e {
				vol.Values[o+i] += x
			}
		}
	}
	if p.Scanner.Noise > 0 {
		if err := addNoise(ctx, vol, p.Scanner.Noise, p.Scanner.Spectrum, p.Seed); err != nil {
			return nil, nil, err
		}
	}
	return vol, r, nil
}

// rendering is the sampled object.
type rendering struct {
	cells *tubeCells
	fill  []filling
}

// render samples the arteries.
func (p *Patient) render(ctx context.Context) (*rendering, error) {
	// Blur reaches four standard deviations beyond the outer wall, but only the
	// voxels that hold some vessel need samples.
	c := (&anatomy{p.heart, p.tubes()}).cells(&p.Grid, 0.6)
	f, err := p.fill(ctx, c)
	if err != nil {
		return nil, err
	}
	return &rendering{c, f}, nil
}

// kernelSigmas returns the standard deviations, in voxels, of the blur on the
// CT grid. The mean over a voxel already has the variance of a box, s²/12, so
// the two together have the width of the declared point spread.
func (p *Patient) kernelSigmas() [3]float64 {
	var out [3]float64
	for a, fwhm := range [3]float64{p.Scanner.FWHM, p.Scanner.FWHM, p.Scanner.FWHMZ} {
		sigma := fwhm / fwhmSigma / p.Grid.Spacing[a]
		out[a] = math.Sqrt(max(sigma*sigma-1.0/12, 0.01))
	}
	return out
}

// blur convolves v with a Gaussian of the given standard deviations in voxels;
// outside is zero.
func blur(ctx context.Context, v []float32, size [3]int, sigma [3]float64) error {
	stride := [3]int{1, size[0], size[0] * size[1]}
	for a := range 3 {
		w := imaging.GaussianKernel(sigma[a])
		r := len(w) / 2
		b, c := (a+1)%3, (a+2)%3
		lines := size[b] * size[c]
		err := par.Blocks(ctx, lines, 512, func(lo, hi int) {
			n := size[a]
			row := make([]float64, n+2*r)
			for line := lo; line < hi; line++ {
				o := line%size[b]*stride[b] + line/size[b]*stride[c]
				empty := true
				for t := range n {
					x := v[o+t*stride[a]]
					row[r+t] = float64(x)
					empty = empty && x == 0
				}
				if empty {
					continue
				}
				for t := range n {
					var sum float64
					for u, x := range row[t : t+len(w)] {
						sum += w[u] * x
					}
					v[o+t*stride[a]] = float32(sum)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
