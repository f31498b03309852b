package fem

import (
	"io"
	"math"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Summary returns the statistics of the report between two arc lengths, mm.
// CapUncertain is set when the mesh has fewer than three elements across the
// thinnest cap, or the cap is thinner than a voxel.
func (r *Result) Summary(from, to float64) risk.StressSummary {
	lo, hi := r.planes(from, to)
	w := r.window(from, to)
	plain, smooth := r.stresses(w)
	stresses := w.samples(fields[0].at)
	stress, caps, strain := stresses[inPlaque], stresses[inCap], w.samples(fields[2].at)[inPlaque]
	s := risk.StressSummary{
		P50KPa: risk.Number(stress.percentile(50)), P95KPa: risk.Number(stress.percentile(95)), MaxKPa: risk.Number(stress.percentile(100)),
		CapPeakKPa: risk.Number(caps.percentile(99)), CapP95KPa: risk.Number(caps.percentile(95)),
		StrainP95:   risk.Number(100 * strain.percentile(95)),
		Above300MM3: risk.Number(stress.above(threshold)),
		Elements:    (hi - lo) * r.Mesh.Around * r.Mesh.Through,
		MinJacobian: risk.Number(r.Mesh.Quality.MinScaledJacobian),
		Converged:   r.Solution.Converged,
		FixedVolume: risk.Number(caps.top(r.Conditions.AverageVolume)),
		CapElements: risk.NaN(), ErrorPercent: risk.Number(100 * r.energyError(w, inPlaque, plain, smooth)),
	}
	if c := r.Cap(from, to); !math.IsNaN(c.Thickness) {
		s.CapElements = risk.Number(c.Layers)
		s.CapUncertain = c.Layers < 3 || c.Thickness < r.Voxel
	}
	return s
}

// The histogram of the record: bins of stressBin kPa from 0, the last one open.
const (
	stressBin  = 20
	stressBins = 20
)

// Record returns what the report says about this solution.
func (r *Result) Record() risk.Solve {
	m := r.Mesh
	whole := r.window(m.S[0], m.S[m.Along])
	plain, smooth := r.stresses(whole)
	rec := risk.Solve{
		Artery: r.Artery, FromMM: m.S[0], ToMM: m.S[m.Along], Nodes: len(m.Nodes), Elements: len(m.Cells),
		Unknowns: r.Solution.Unknowns, Iterations: r.Solution.Iterations, Residual: r.Solution.Residual,
		MinJacobian: m.Quality.MinScaledJacobian, Converged: r.Solution.Converged, StressBinKPa: stressBin,
		MinJacobianAt:    [3]float64{m.Quality.At.X, m.Quality.At.Y, m.Quality.At.Z},
		MinJacobianWhere: m.Where(m.Quality.Cell),
		CapElements:      risk.Number(r.Cap(m.S[0], m.S[m.Along]).Layers),
		ErrorPercent:     risk.Number(100 * r.energyError(whole, inWall, plain, smooth)),
		Composition:      []risk.MeshShare{},
		Histogram:        []risk.TissueHistogram{},
	}
	lo, hi := r.planes(m.S[0], m.S[m.Along])
	for _, t := range solids {
		h := risk.TissueHistogram{Tissue: t.String(), Share: make([]float64, stressBins)}
		for n := 8 * m.Cell(0, 0, lo); n < 8*m.Cell(0, 0, hi); n++ {
			p := &r.Points[n]
			if p.Tissue != t {
				continue
			}
			bin := min(max(int(p.Sigma1/stressBin), 0), stressBins-1)
			h.Share[bin] += p.Volume
			h.MM3 += p.Volume
		}
		if h.MM3 == 0 {
			continue
		}
		for b := range h.Share {
			h.Share[b] /= h.MM3
		}
		rec.Histogram = append(rec.Histogram, h)
	}
	return rec
}

// Map returns the largest principal stress over the wall thickness, unrolled:
// columns along the vessel in mm, rows over the angle in degrees from the frame's
// N towards B, 360° at the top. The value of an element is that of its mean
// stress tensor.
func (r *Result) Map() risk.Raster {
	m := r.Mesh
	step := (m.S[m.Along] - m.S[0]) / float64(m.Along)
	turn := 360 / float64(m.Around)
	out := risk.Raster{Cols: m.Along, Rows: m.Around, X0: m.S[0] + step/2, Y0: 360 - turn/2, DX: step, DY: -turn,
		AxisUnit: "mm", YUnit: "°", Unit: "kPa", Values: make(risk.Samples, m.Along*m.Around)}
	for j := range m.Around {
		for k := range m.Along {
			peak := math.Inf(-1)
			for i := range m.Through {
				peak = max(peak, r.stress(m.Cell(i, j, k)).Principal()[0])
			}
			out.Values[(m.Around-1-j)*m.Along+k] = float32(peak)
		}
	}
	return out
}

// stress returns the mean stress of a cell.
func (r *Result) stress(e int) element.Tensor {
	return r.mean(e, func(p *Point) element.Tensor { return p.Stress })
}

func (r *Result) mean(e int, of func(*Point) element.Tensor) (t element.Tensor) {
	var v float64
	for q := range 8 {
		p := &r.Points[8*e+q]
		v += p.Volume
		for i, x := range of(p) {
			t[i] += p.Volume * x
		}
	}
	for i := range t {
		t[i] /= v
	}
	return t
}

// Along returns for each arc length, mm, the 95th percentile and the maximum of
// the largest principal stress over the section there, kPa; NaN outside the mesh.
func (r *Result) Along(s []float64) (p95, peak []float64) {
	m := r.Mesh
	p95, peak = make([]float64, len(s)), make([]float64, len(s))
	step := (m.S[m.Along] - m.S[0]) / float64(m.Along)
	for n, x := range s {
		p95[n], peak[n] = math.NaN(), math.NaN()
		if !(x >= m.S[0] && x <= m.S[m.Along]) {
			continue
		}
		k := min(int((x-m.S[0])/step), m.Along-1)
		var set sample
		for e := m.Cell(0, 0, k); e < m.Cell(0, 0, k+1); e++ {
			for q := range 8 {
				p := &r.Points[8*e+q]
				set = append(set, weighted{p.Sigma1, p.Volume})
			}
		}
		set.sort()
		p95[n], peak[n] = set.percentile(95), set.percentile(100)
	}
	return p95, peak
}

// WriteVTU writes the mesh with displacement, stress, strain and tissue for
// ParaView. Cell values are means over the element, never across elements, so
// that stress does not leak from one tissue into another.
func (r *Result) WriteVTU(w io.Writer) error {
	n := len(r.Mesh.Cells)
	u := mesh.Field{Name: "displacement", Unit: "mm", Dim: 3, Values: flatten(r.Solution.U)}
	field := func(name, unit string, dim int, at func(e int, dst []float64)) mesh.Field {
		f := mesh.Field{Name: name, Unit: unit, Dim: dim, Values: make([]float64, dim*n)}
		for e := range n {
			at(e, f.Values[dim*e:dim*e+dim])
		}
		return f
	}
	scalar := func(name, unit string, at func(e int) float64) mesh.Field {
		return field(name, unit, 1, func(e int, dst []float64) { dst[0] = at(e) })
	}
	average := func(at func(*Point) float64) func(e int) float64 {
		return func(e int) float64 {
			var s, v float64
			for q := range 8 {
				p := &r.Points[8*e+q]
				s += p.Volume * at(p)
				v += p.Volume
			}
			return s / v
		}
	}
	return r.Mesh.WriteVTU(w, []mesh.Field{u}, []mesh.Field{
		scalar("principal_stress_max", "kPa", func(e int) float64 { return r.stress(e).Principal()[0] }),
		scalar("principal_stress_min", "kPa", func(e int) float64 { return r.stress(e).Principal()[2] }),
		scalar("von_mises", "kPa", func(e int) float64 { return r.stress(e).VonMises() }),
		scalar("principal_strain_max", "1", func(e int) float64 {
			return r.mean(e, func(p *Point) element.Tensor { return p.Strain }).Principal()[0]
		}),
		scalar("strain_energy_density", "kPa", average(func(p *Point) float64 { return p.Energy })),
		field("stress", "kPa", 6, func(e int, dst []float64) { t := r.stress(e); copy(dst, t[:]) }),
		field("stress_radial_circumferential_axial", "kPa", 3, func(e int, dst []float64) {
			dst[0] = average(func(p *Point) float64 { return p.Radial })(e)
			dst[1] = average(func(p *Point) float64 { return p.Hoop })(e)
			dst[2] = average(func(p *Point) float64 { return p.Axial })(e)
		}),
		scalar("tissue", "", func(e int) float64 { return float64(r.Tissue[e]) }),
		scalar("young_modulus", "kPa", average(func(p *Point) float64 { return p.Young })),
		scalar("arc_length", "mm", func(e int) float64 { _, _, k := r.Mesh.Coords(e); return (r.Mesh.S[k] + r.Mesh.S[k+1]) / 2 }),
	})
}
