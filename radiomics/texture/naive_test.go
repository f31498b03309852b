package texture

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The oracle: matrices and features from their definitions, with maps and
// without any of the ideas of the package.

type place [3]int

// picture is a region as a map from voxels to levels.
type picture struct {
	level map[place]int
	morph map[place]bool
	size  [3]int
	space [3]float64
	n     int
}

// region returns the same as a Region.
func (p *picture) region() *Region {
	var at []int
	var levels []uint16
	morph := make([]bool, p.size[0]*p.size[1]*p.size[2])
	o := 0
	for k := range p.size[2] {
		for j := range p.size[1] {
			for i := range p.size[0] {
				if l, in := p.level[place{i, j, k}]; in {
					at, levels = append(at, o), append(levels, uint16(l))
				}
				morph[o] = p.morph[place{i, j, k}]
				o++
			}
		}
	}
	if p.morph == nil {
		morph = nil
	}
	return NewRegion(p.size, p.space, at, levels, p.n, morph)
}

// randomPicture returns a region with holes: a share of the voxels of a box,
// with levels that cluster.
func randomPicture(r *rand.Rand, size [3]int, n, step int, share float64, morph bool) *picture {
	p := &picture{level: map[place]int{}, size: size, n: n, space: [3]float64{0.5, 0.7, 1.1}}
	if morph {
		p.morph = map[place]bool{}
	}
	last := 1
	for k := range size[2] {
		for j := range size[1] {
			for i := range size[0] {
				in := r.Float64() < share
				if morph && (in || r.Float64() < 0.5) {
					p.morph[place{i, j, k}] = true
				}
				if !in {
					continue
				}
				if r.Float64() < 0.5 {
					last = 1 + step*r.IntN((n-1)/step+1)
				}
				p.level[place{i, j, k}] = last
			}
		}
	}
	return p
}

// slicesAlong returns the pictures of the slices normal to an axis.
func (p *picture) slicesAlong(axis int) []*picture {
	lo, hi := math.MaxInt, -1
	for q := range p.level {
		lo, hi = min(lo, q[axis]), max(hi, q[axis])
	}
	var out []*picture
	for k := lo; k <= hi; k++ {
		s := &picture{level: map[place]int{}, size: p.size, n: p.n, space: p.space}
		for q, l := range p.level {
			if q[axis] == k {
				s.level[q] = l
			}
		}
		if p.morph != nil {
			s.morph = map[place]bool{}
			for q := range p.morph {
				if q[axis] == k {
					s.morph[q] = true
				}
			}
		}
		out = append(out, s)
	}
	return out
}

func plus(q place, d [3]int, n int) place { return place{q[0] + n*d[0], q[1] + n*d[1], q[2] + n*d[2]} }

// vectors returns all steps whose Chebyshev length is in lengths; planar leaves
// out those along axis.
func vectors(lengths []int, planar bool, axis int) [][3]int {
	var out [][3]int
	m := slices.Max(lengths)
	for k := -m; k <= m; k++ {
		for j := -m; j <= m; j++ {
			for i := -m; i <= m; i++ {
				d := [3]int{i, j, k}
				if slices.Contains(lengths, chebyshev(d)) && !(planar && d[axis] != 0) {
					out = append(out, d)
				}
			}
		}
	}
	return out
}

// half keeps that of d and −d which leads to a later voxel.
func half(ds [][3]int) [][3]int {
	var out [][3]int
	for _, d := range ds {
		if d[2] > 0 || d[2] == 0 && (d[1] > 0 || d[1] == 0 && d[0] > 0) {
			out = append(out, d)
		}
	}
	return out
}

func abs(x int) int { return max(x, -x) }

type counted map[[2]int]float64

func naivePairs(p *picture, d [3]int, symmetric bool) counted {
	m := counted{}
	for q, i := range p.level {
		if j, in := p.level[plus(q, d, 1)]; in {
			m[[2]int{i, j}]++
			if symmetric {
				m[[2]int{j, i}]++
			}
		}
	}
	return m
}

func naiveRuns(p *picture, d [3]int) counted {
	m := counted{}
	for q, i := range p.level {
		if j, in := p.level[plus(q, d, -1)]; in && j == i {
			continue
		}
		n := 1
		for {
			if j, in := p.level[plus(q, d, n)]; !in || j != i {
				break
			}
			n++
		}
		m[[2]int{i, n}]++
	}
	return m
}

// naiveZones returns zone sizes and zone distances.
func naiveZones(p *picture, planar bool, axis int) (sizes, distances counted) {
	sizes, distances = counted{}, counted{}
	mask := p.morph
	if mask == nil {
		mask = map[place]bool{}
		for q := range p.level {
			mask[q] = true
		}
	}
	// Distance: the smallest city-block length to a place outside, of which
	// those about the box are enough.
	var outside []place
	for k := -1; k <= p.size[2]; k++ {
		for j := -1; j <= p.size[1]; j++ {
			for i := -1; i <= p.size[0]; i++ {
				if q := (place{i, j, k}); !mask[q] {
					outside = append(outside, q)
				}
			}
		}
	}
	distance := func(q place) int {
		best := math.MaxInt
		for _, o := range outside {
			if n := abs(o[0]-q[0]) + abs(o[1]-q[1]) + abs(o[2]-q[2]); n < best && (!planar || o[axis] == q[axis]) {
				best = n
			}
		}
		return best
	}
	seen := map[place]bool{}
	near := vectors([]int{1}, planar, axis)
	for q, l := range p.level {
		if seen[q] {
			continue
		}
		seen[q] = true
		stack, size, nearest := []place{q}, 0, math.MaxInt
		for len(stack) > 0 {
			a := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			size++
			nearest = min(nearest, distance(a))
			for _, d := range near {
				b := plus(a, d, 1)
				if m, in := p.level[b]; in && m == l && !seen[b] {
					seen[b] = true
					stack = append(stack, b)
				}
			}
		}
		sizes[[2]int{l, size}]++
		distances[[2]int{l, nearest}]++
	}
	return sizes, distances
}

func naiveDependence(p *picture, ds [][3]int, alpha float64) counted {
	m := counted{}
	for q, i := range p.level {
		n := 1
		for _, d := range ds {
			if j, in := p.level[plus(q, d, 1)]; in && math.Abs(float64(i-j)) <= alpha {
				n++
			}
		}
		m[[2]int{i, n}]++
	}
	return m
}

// naiveTones returns the number of voxels and the sum of differences by level.
func naiveTones(p *picture, ds [][3]int, alone bool) (n, s map[int]float64) {
	n, s = map[int]float64{}, map[int]float64{}
	for q, i := range p.level {
		var sum, count float64
		for _, d := range ds {
			if j, in := p.level[plus(q, d, 1)]; in {
				sum += float64(j)
				count++
			}
		}
		if count > 0 {
			n[i]++
			s[i] += math.Abs(float64(i) - sum/count)
		} else if alone {
			n[i]++
		}
	}
	return n, s
}

// naive returns the matrices that f averages with a, each as a table, in no
// particular order.
func naive(p *picture, cfg *Config, f Family, a Aggregation) []Matrix {
	axis := cfg.SliceAxis
	parts, planar := []*picture{p}, inSlices(a)
	each := a == Averaged2D || a == SliceMerged2D || a == Slices2D
	slabs := p.slicesAlong(axis)
	if planar {
		parts = slabs
	}
	lengths, scale := []int{1}, cfg.Distance
	var reach []int
	for n := 1; n <= cfg.Distance; n++ {
		reach = append(reach, n)
	}
	if len(cfg.Distances) > 0 {
		lengths, reach, scale = cfg.Distances, cfg.Distances, 1
	}
	if f == GLRLM {
		lengths, scale = []int{1}, 1
	}
	var ms []Matrix
	total := map[string]*Matrix{}
	tables := map[string]counted{}
	put := func(key string, m counted, weight float64, voxels int) {
		if len(m) == 0 {
			return
		}
		if tables[key] == nil {
			tables[key] = counted{}
			total[key] = &Matrix{Family: f}
		}
		for c, n := range m {
			tables[key][c] += n * weight
		}
		total[key].Voxels += voxels
	}
	for k, s := range parts {
		if len(s.level) == 0 {
			continue
		}
		key := ""
		if each {
			key = fmt.Sprint("slice ", k)
		}
		voxels := len(s.level)
		near := vectors(reach, planar, axis)
		switch f {
		case GLCM, GLRLM:
			for _, d := range half(vectors(lengths, planar, axis)) {
				for n := range d {
					d[n] *= scale
				}
				var m counted
				w := 1.0
				x := [3]float64{math.Abs(float64(d[0])) * p.space[0], math.Abs(float64(d[1])) * p.space[1], math.Abs(float64(d[2])) * p.space[2]}
				switch cfg.Weighting {
				case Manhattan:
					w = x[0] + x[1] + x[2]
				case Euclidean:
					w = math.Sqrt(x[0]*x[0] + x[1]*x[1] + x[2]*x[2])
				case Infinity:
					w = max(x[0], x[1], x[2])
				}
				key := key
				if f == GLCM {
					m = naivePairs(s, d, cfg.Symmetric)
					if cfg.Weighting != NoWeighting {
						w = math.Exp(-w * w)
					}
				} else {
					m = naiveRuns(s, d)
				}
				if a == Averaged2D || a == DirectionMerged25 || a == Averaged3D {
					key += fmt.Sprint(" direction ", d)
					w = 1
				}
				put(key, m, w, voxels)
			}
		case GLSZM:
			m, _ := naiveZones(s, planar, axis)
			put(key, m, 1, voxels)
		case GLDZM:
			_, m := naiveZones(s, planar, axis)
			put(key, m, 1, voxels)
		case NGLDM, GLDM:
			put(key, naiveDependence(s, near, math.Floor(cfg.Coarseness)), 1, voxels)
		}
	}
	if f == NGTDM {
		sums := map[string][2]map[int]float64{}
		for k, s := range parts {
			key := ""
			if each {
				key = fmt.Sprint("slice ", k)
			}
			n, t := naiveTones(s, vectors(reach, planar, axis), cfg.Convention == PyRadiomics)
			if _, ok := sums[key]; !ok {
				sums[key] = [2]map[int]float64{{}, {}}
			}
			for l := range n {
				sums[key][0][l] += n[l]
				sums[key][1][l] += t[l]
			}
		}
		for _, nt := range sums {
			m := Matrix{Family: f}
			for l, n := range nt[0] {
				m.Voxels += int(n)
				m.Cells = append(m.Cells, Cell{I: l, N: n, S: nt[1][l]})
			}
			if len(m.Cells) > 0 {
				ms = append(ms, m)
			}
		}
	}
	for key, t := range tables {
		m := *total[key]
		for c, n := range t {
			m.Cells = append(m.Cells, Cell{I: c[0], J: c[1], N: n})
		}
		ms = append(ms, m)
	}
	for n := range ms {
		slices.SortFunc(ms[n].Cells, func(a, b Cell) int {
			if f == GLCM {
				return cmp.Or(cmp.Compare(a.I, b.I), cmp.Compare(a.J, b.J))
			}
			return cmp.Or(cmp.Compare(a.J, b.J), cmp.Compare(a.I, b.I))
		})
	}
	return ms
}

// naiveFeatures computes features by name from a matrix with the formulas of
// the standard, term by term.
func naiveFeatures(m *Matrix, ng int) map[string]float64 {
	v := map[string]float64{}
	var total float64
	for _, c := range m.Cells {
		total += c.N
	}
	entropyOf := func(p map[int]float64) (h float64) {
		for _, x := range p {
			h -= x * math.Log2(x)
		}
		return h
	}
	moment := func(p map[int]float64, about float64, n int) (s float64) {
		for x, q := range p {
			s += q * math.Pow(float64(x)-about, float64(n))
		}
		return s
	}
	switch m.Family {
	case GLCM:
		px, py, sum, diff := map[int]float64{}, map[int]float64{}, map[int]float64{}, map[int]float64{}
		for _, c := range m.Cells {
			p := c.N / total
			i, j := float64(c.I), float64(c.J)
			d := math.Abs(i - j)
			px[c.I] += p
			py[c.J] += p
			sum[c.I+c.J] += p
			diff[int(d)] += p
			v["joint_maximum"] = max(v["joint_maximum"], p)
			v["joint_entropy"] -= p * math.Log2(p)
			v["angular_second_moment"] += p * p
			v["contrast"] += p * d * d
			v["dissimilarity"] += p * d
			v["inverse_difference"] += p / (1 + d)
			v["normalised_inverse_difference"] += p / (1 + d/float64(ng))
			v["inverse_difference_moment"] += p / (1 + d*d)
			v["normalised_inverse_difference_moment"] += p / (1 + d*d/float64(ng*ng))
			v["autocorrelation"] += p * i * j
			v["inverse_variance"] += 0
			if d > 0 {
				v["inverse_variance"] += p / (d * d)
			}
		}
		mx, my, ms, md := moment(px, 0, 1), moment(py, 0, 1), moment(sum, 0, 1), moment(diff, 0, 1)
		vx, vy := moment(px, mx, 2), moment(py, my, 2)
		var cov, hxy1, hxy2 float64
		for _, c := range m.Cells {
			cov += c.N / total * (float64(c.I) - mx) * (float64(c.J) - my)
			hxy1 -= c.N / total * math.Log2(px[c.I]*py[c.J])
		}
		for _, p := range px {
			for _, q := range py {
				hxy2 -= p * q * math.Log2(p*q)
			}
		}
		v["joint_average"], v["joint_variance"] = mx, vx
		v["difference_average"], v["difference_variance"], v["difference_entropy"] = md, moment(diff, md, 2), entropyOf(diff)
		v["sum_average"], v["sum_variance"], v["sum_entropy"] = ms, moment(sum, ms, 2), entropyOf(sum)
		v["correlation"] = math.NaN()
		if len(px) > 1 && len(py) > 1 {
			v["correlation"] = cov / math.Sqrt(vx*vy)
		}
		v["cluster_tendency"], v["cluster_shade"], v["cluster_prominence"] = moment(sum, mx+my, 2), moment(sum, mx+my, 3), moment(sum, mx+my, 4)
		v["information_correlation_1"] = math.NaN()
		if h := max(entropyOf(px), entropyOf(py)); h > 0 {
			v["information_correlation_1"] = (v["joint_entropy"] - hxy1) / h
		}
		v["information_correlation_2"] = 0
		if d := hxy2 - v["joint_entropy"]; d > 1e-12 { // below is rounding, whose root is not small
			v["information_correlation_2"] = math.Sqrt(1 - math.Exp(-2*d))
		}
	case NGTDM:
		var ps, s, pp, busy, complexity, strength float64
		for _, a := range m.Cells {
			ps += a.N / total * a.S
			s += a.S
			for _, b := range m.Cells {
				p, q, d := a.N/total, b.N/total, float64(a.I-b.I)
				pp += p * q * d * d
				busy += math.Abs(float64(a.I)*p - float64(b.I)*q)
				complexity += math.Abs(d) * (p*a.S + q*b.S) / (p + q)
				strength += (p + q) * d * d
			}
		}
		n := float64(len(m.Cells))
		v["coarseness"], v["contrast"] = 1/ps, pp/(n*(n-1))*s/total
		v["busyness"], v["complexity"], v["strength"] = ps/busy, complexity/total, strength/s
		if n == 1 {
			for name := range v {
				if name != "complexity" {
					v[name] = math.NaN()
				}
			}
		}
	default:
		ri, rj := map[int]float64{}, map[int]float64{}
		e := make([]float64, 10)
		var h, energy float64
		for _, c := range m.Cells {
			i2, j2, p := float64(c.I*c.I), float64(c.J*c.J), c.N/total
			ri[c.I] += p
			rj[c.J] += p
			for n, x := range []float64{1 / j2, j2, 1 / i2, i2, 1 / (i2 * j2), i2 / j2, j2 / i2, i2 * j2} {
				e[n] += p * x
			}
			h -= p * math.Log2(p)
			energy += p * p
		}
		var ni, nj, mi, mj float64
		for i, p := range ri {
			ni += p * p
			mi += p * float64(i)
		}
		for j, p := range rj {
			nj += p * p
			mj += p * float64(j)
		}
		voxels := float64(m.Voxels)
		if m.Family == GLRLM || m.Family == GLSZM {
			voxels = mj * total
		}
		names := map[Family][]row[*counts]{GLRLM: glrlmFeatures, GLSZM: glszmFeatures, GLDZM: gldzmFeatures, NGLDM: ngldmFeatures, GLDM: ngldmFeatures}[m.Family]
		for n, x := range []float64{e[0], e[1], e[2], e[3], e[4], e[5], e[6], e[7], ni * total, ni, nj * total, nj, total / voxels, moment(ri, mi, 2), moment(rj, mj, 2), h, energy} {
			if n < len(names) {
				v[names[n].Name] = x
			}
		}
	}
	return v
}

// ordered sorts matrices by their cells.
func ordered(ms []Matrix) []Matrix {
	slices.SortFunc(ms, func(a, b Matrix) int {
		return slices.CompareFunc(a.Cells, b.Cells, func(a, b Cell) int {
			return cmp.Or(cmp.Compare(a.I, b.I), cmp.Compare(a.J, b.J), cmp.Compare(math.Round(a.N*1e6), math.Round(b.N*1e6)), cmp.Compare(math.Round(a.S*1e3), math.Round(b.S*1e3)))
		})
	})
	return ms
}

// equal tells whether two matrices agree to rounding.
func equal(a, b Matrix) bool {
	return slices.EqualFunc(a.Cells, b.Cells, func(a, b Cell) bool {
		return a.I == b.I && a.J == b.J && near(a.N, b.N, "", 0) && near(a.S, b.S, "", 0)
	})
}

// near tells whether two values agree to rounding, where moments of levels up
// to n cancel.
func near(a, b float64, unit string, n int) bool {
	scale := map[string]float64{"level²": 2, "level³": 3, "level⁴": 4}[unit]
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) || math.Abs(a-b) <= 1e-14*math.Pow(float64(n), scale)
}

// Every matrix of every family, aggregation, distance and slice axis, and every
// feature, is what the definitions say, for small regions with holes of all
// shapes.
func TestOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	trials := 200
	if testing.Short() {
		trials = 20
	}
	for trial := range trials {
		size := [3]int{1 + r.IntN(11), 1 + r.IntN(6), 1 + r.IntN(5)}
		n, step := 1+r.IntN(6), 1
		switch trial % 5 {
		case 1:
			n, step = 60, 7
		case 2:
			n, step = 400, 1 // codes of two bytes cannot occur here; wide levels can
		case 3:
			n, step = 65535, 1311
		}
		p := randomPicture(r, size, n, step, []float64{0.15, 0.5, 0.8, 1}[trial%4], trial%3 == 0)
		if len(p.level) == 0 {
			continue
		}
		cfg := Config{
			Families: []Family{GLCM, GLRLM, GLSZM, GLDZM, NGTDM, NGLDM, GLDM}, Distance: 1 + r.IntN(3),
			Symmetric: r.IntN(3) > 0, SliceAxis: r.IntN(3), Coarseness: float64(r.IntN(3)) * 0.8, Weighting: Weighting(r.IntN(4)),
			Convention: Convention(r.IntN(2) * int(IBSI)),
		}
		if r.IntN(4) == 0 {
			cfg.Distances = [][]int{{1}, {1, 2}, {2}, {1, 3}}[r.IntN(4)]
		}
		some := r.IntN(2) == 0
		for a := range aggregations {
			if !some || r.IntN(3) == 0 {
				cfg.Aggregations = append(cfg.Aggregations, a)
			}
		}
		checkOracle(t, p, p.region(), cfg, fmt.Sprintf("trial %d, %v", trial, size))
		if t.Failed() {
			return
		}
	}
}

// The same with more levels than a table of pairs is made for, and with codes of
// two bytes in a table.
func TestOracleManyLevels(t *testing.T) {
	if testing.Short() {
		t.Skip("the oracle takes seconds")
	}
	r := rand.New(rand.NewPCG(3, 2))
	for _, n := range []int{600, 6000} {
		p := randomPicture(r, [3]int{16, 15, 12}, n, 1, 0.95, true)
		region := p.region()
		if n == 600 && (region.narrow() || region.codes() > maxTable) || n == 6000 && region.codes() <= maxTable {
			t.Fatalf("%d codes", region.codes())
		}
		for weighting, symmetric := range map[Weighting]bool{NoWeighting: true, Euclidean: false} {
			cfg := everything()
			cfg.Weighting, cfg.Symmetric = weighting, symmetric
			checkOracle(t, p, region, cfg, fmt.Sprintf("%d codes", region.codes()))
		}
	}
}

func checkOracle(t *testing.T, p *picture, region *Region, cfg Config, name string) {
	t.Helper()
	c, err := NewComputer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	values, err := c.Compute(t.Context(), nil, region)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, f := range cfg.Families {
		for _, a := range cfg.Aggregations {
			if !a.Applies(f) {
				continue
			}
			got, err := c.Matrices(t.Context(), region, f, a)
			if err != nil {
				t.Fatal(err)
			}
			want := naive(p, &cfg, f, a)
			if got, want = ordered(got), ordered(want); !slices.EqualFunc(got, want, equal) {
				t.Errorf("%s: %v %v %+v: %d matrices, want %d\n%v\nwant\n%v", name, f, a, cfg, len(got), len(want), got, want)
				return
			}
			sum, used := map[string]float64{}, map[string]float64{}
			for n := range want {
				for feature, x := range naiveFeatures(&want[n], p.n) {
					if !math.IsNaN(x) && !math.IsInf(x, 0) {
						sum[feature] += x
						used[feature]++
					}
				}
			}
			for _, ft := range cfg.Features(f) {
				if x := sum[ft.Name] / used[ft.Name]; !near(values[at].Value, x, ft.Unit, p.n) {
					t.Errorf("%s: %v %s %v, distance %d %v, axis %d: got %.12g, want %.12g", name, f, ft.Name, a, cfg.Distance, cfg.Distances, cfg.SliceAxis, values[at].Value, x)
				}
				if (values[at].Reason != "") != math.IsNaN(values[at].Value) {
					t.Errorf("%s: %v %s %v: %g with reason %q", name, f, ft.Name, a, values[at].Value, values[at].Reason)
				}
				at++
			}
		}
	}
	if at != len(values) {
		t.Errorf("%d values for %d columns", len(values), at)
	}
}

// inSlices tells whether an aggregation looks at slices only.
func inSlices(a Aggregation) bool { return a <= Merged25D || a == Slices2D || a == Slices25D }
