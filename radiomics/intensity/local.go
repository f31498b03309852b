package intensity

import (
	"context"
	"math"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Local holds the largest mean intensities of a ball of 1 cm³ around a voxel of
// a region. Voxels whose centres lie within
//
//	r = (3/4π)^⅓ cm ≈ 6.2 mm                                            (R.9)
//
// count, also outside the region; what lies outside the image does not. See
// IBSI, section 3.2.
type Local struct {
	Voxels                   int     // of the region
	Peak                     float64 // at the voxel of the largest intensity; at the best of several
	GlobalPeak               float64 // at the best voxel of all
	PeakVoxels, GlobalVoxels int     // voxels in these balls
	undefined                feature.Reason
}

// Box is an image around a region: i runs fastest, then j, then k.
type Box[F float32 | float64] struct {
	Size    [3]int
	Spacing [3]float64 // mm
	// Cosines of the angles between the axes j and k, k and i, i and j: zero
	// unless the grid is sheared.
	Cosines [3]float64
	Values  []F
}

// sphereRow is the part of the ball in one row of voxels: those up to before and
// after voxels away from the middle. One of them is negative where the axes are
// so oblique that the middle is not part of it.
type sphereRow struct{ j, k, before, after int }

// NewLocal finds the peaks of the region whose voxels lie at the offsets inside,
// ascending, of the box. The box must hold the image up to 6.2 mm around the
// region, as far as there is an image. NewLocal fails only if ctx ends.
func NewLocal[F float32 | float64](ctx context.Context, w *Workspace, box Box[F], inside []int) (*Local, error) {
	nx, ny, nz := box.Size[0], box.Size[1], box.Size[2]
	if len(box.Values) != nx*ny*nz {
		panic("intensity: NewLocal: number of values differs from the size")
	}
	l := &w.local
	*l = Local{Voxels: len(inside), Peak: math.NaN(), GlobalPeak: math.NaN()}
	if len(inside) == 0 {
		l.undefined = feature.EmptyRegion
		return l, nil
	}
	top := math.Inf(-1)
	for _, o := range inside {
		v := float64(box.Values[o])
		if math.IsNaN(v - v) {
			l.undefined = feature.NotFinite
			return l, nil
		}
		top = max(top, v)
	}
	w.rows = ball(w.rows[:0], box.Spacing, box.Cosines, box.Size)
	// Sums of a row up to a voxel, of the intensities and of the voxels that have
	// one.
	stride := nx + 1
	w.sums, w.present = resized(w.sums, stride*ny*nz), resized(w.present, stride*ny*nz)
	finite := true
	for row := range ny * nz {
		values := box.Values[row*nx:][:nx]
		s := w.sums[row*stride:][:stride]
		var sum float64
		s[0] = 0
		for i, f := range values {
			if v := float64(f); !math.IsNaN(v - v) {
				sum += v
			} else {
				finite = false
			}
			s[i+1] = sum
		}
	}
	// A ball that lies in the image everywhere has the same voxels everywhere.
	whole := 0
	if finite && w.ballsInside(box.Size, inside) {
		for _, r := range w.rows {
			whole += r.before + r.after + 1
		}
	} else {
		countPresent(w.present, box.Values, nx)
	}
	// Blocks of rows, whose peaks are compared in order.
	starts := w.rowsOf(inside, nx)
	blocks := (len(starts) - 2 + rowBlock) / rowBlock
	peaks := make([]Local, blocks)
	p := &peak{top: top, whole: whole, size: box.Size, ball: w.rows, sums: w.sums, present: w.present}
	// In voxels that are added, a hundred of which are as dear as one elsewhere.
	work := len(inside) * len(w.rows) / 100
	err := par.ForMany(ctx, work, blocks, func(n int) {
		columns := make([]float64, 2*nx)
		peaks[n] = Local{Peak: math.NaN(), GlobalPeak: math.NaN()}
		for r := n * rowBlock; r < min((n+1)*rowBlock, len(starts)-1); r++ {
			peakOfRow(&peaks[n], p, box.Values, inside[starts[r]:starts[r+1]], columns)
		}
	})
	for n := range peaks {
		if x := &peaks[n]; !math.IsNaN(x.GlobalPeak) && !(x.GlobalPeak <= l.GlobalPeak) {
			l.GlobalPeak, l.GlobalVoxels = x.GlobalPeak, x.GlobalVoxels
		}
		if x := &peaks[n]; !math.IsNaN(x.Peak) && !(x.Peak <= l.Peak) {
			l.Peak, l.PeakVoxels = x.Peak, x.PeakVoxels
		}
	}
	return l, err
}

// rowBlock is how many rows one goroutine takes at a time.
const rowBlock = 16

// rowsOf returns where the voxels of each row begin, and where the last end.
func (w *Workspace) rowsOf(inside []int, nx int) []int {
	w.starts = w.starts[:0]
	row := -1
	for n, o := range inside {
		if o/nx != row {
			row = o / nx
			w.starts = append(w.starts, n)
		}
	}
	w.starts = append(w.starts, len(inside))
	return w.starts
}

// peak is what the peaks are looked for with.
type peak struct {
	top           float64 // the largest intensity
	whole         int     // voxels of every ball, or 0 if they differ
	size          [3]int
	ball          []sphereRow
	sums, present []float64
}

// peakOfRow looks for the peaks among voxels of one row; columns, twice as many
// as a row has voxels, is scratch.
func peakOfRow[F float32 | float64](l *Local, p *peak, values []F, inside []int, columns []float64) {
	nx, ny, nz := p.size[0], p.size[1], p.size[2]
	row, stride := inside[0]/nx, nx+1
	j, k := row%ny, row/ny
	lo, hi := inside[0]-row*nx, inside[len(inside)-1]-row*nx
	total, count := columns[:hi-lo+1], columns[nx:][:hi-lo+1]
	clear(total)
	clear(count)
	for _, r := range p.ball {
		if uint(j+r.j) >= uint(ny) || uint(k+r.k) >= uint(nz) {
			continue
		}
		at := ((k+r.k)*ny + j + r.j) * stride
		addWindows(total, p.sums[at:][:stride], lo, r.before, r.after)
		if p.whole == 0 {
			addWindows(count, p.present[at:][:stride], lo, r.before, r.after)
		}
	}
	for _, o := range inside {
		i := o - row*nx - lo
		voxels := p.whole
		if voxels == 0 {
			voxels = int(count[i])
		}
		mean := total[i] / float64(voxels)
		if !(mean <= l.GlobalPeak) {
			l.GlobalPeak, l.GlobalVoxels = mean, voxels
		}
		if float64(values[o]) == p.top && !(mean <= l.Peak) {
			l.Peak, l.PeakVoxels = mean, voxels
		}
	}
}

// ballsInside tells whether the balls around all voxels lie in the image.
func (w *Workspace) ballsInside(size [3]int, inside []int) bool {
	var reach [3]int
	for _, r := range w.rows {
		reach = [3]int{max(reach[0], r.before, r.after), max(reach[1], r.j), max(reach[2], r.k)}
	}
	for _, o := range inside {
		row := o / size[0]
		p := [3]int{o - row*size[0], row % size[1], row / size[1]}
		for a := range 3 {
			if p[a] < reach[a] || p[a]+reach[a] >= size[a] {
				return false
			}
		}
	}
	return true
}

// countPresent stores, for each row of nx values, how many before each are
// finite.
func countPresent[F float32 | float64](upTo []float64, values []F, nx int) {
	for row := range len(values) / nx {
		p := upTo[row*(nx+1):][:nx+1]
		var n float64
		p[0] = 0
		for i, f := range values[row*nx:][:nx] {
			if v := float64(f); !math.IsNaN(v - v) {
				n++
			}
			p[i+1] = n
		}
	}
}

// addWindows adds to dst[n] the sum of the row over the voxels from before
// voxels before to after voxels after voxel first+n. upTo[i] is the sum of the
// voxels before i.
func addWindows(dst, upTo []float64, first, before, after int) {
	last := len(upTo) - 1
	// Voxels whose window lies within the row have no need of bounds.
	from, to := min(max(before-first, 0), len(dst)), min(max(last-after-first, 0), len(dst))
	to = max(from, to)
	within := func(i int) int { return min(max(i, 0), last) }
	for n := range from {
		dst[n] += upTo[within(first+n+after+1)] - upTo[within(first+n-before)]
	}
	if from < to {
		inner := dst[from:to]
		right := upTo[first+from+after+1:][:len(inner)]
		left := upTo[first+from-before:][:len(inner)]
		for n := range inner {
			inner[n] += right[n] - left[n]
		}
	}
	for n := to; n < len(dst); n++ {
		dst[n] += upTo[within(first+n+after+1)] - upTo[within(first+n-before)]
	}
}

// ball appends the rows of the ball of 1 cm³, as far as an image of that size
// can need them. Along i, j and k a voxel lies 1 : 0 : 0, c : s : 0 and
// ki : u : v times its spacing from the last, in a frame along i and the slices.
func ball(rows []sphereRow, spacing, cosines [3]float64, size [3]int) []sphereRow {
	r := 10 * math.Cbrt(3/(4*math.Pi))
	ki, c := cosines[1], cosines[2]
	s := math.Sqrt(1 - c*c)
	u := (cosines[0] - ki*c) / s
	v := math.Sqrt(max(0, 1-ki*ki-u*u))
	// Steps of a voxels' length from the middle at m mm, within d mm of it.
	steps := func(m, d float64, a int, step float64) (lo, hi int) {
		most := float64(size[a])
		return int(math.Ceil(max((-m-d)/step, -most))), int(math.Floor(min((-m+d)/step, most)))
	}
	klo, khi := steps(0, r, 2, spacing[2]*v)
	for k := klo; k <= khi; k++ {
		x, y, z := float64(k)*spacing[2]*ki, float64(k)*spacing[2]*u, float64(k)*spacing[2]*v
		jlo, jhi := steps(y, math.Sqrt(max(r*r-z*z, 0)), 1, spacing[1]*s)
		for j := jlo; j <= jhi; j++ {
			x, y := x+float64(j)*spacing[1]*c, y+float64(j)*spacing[1]*s
			ilo, ihi := steps(x, math.Sqrt(max(r*r-z*z-y*y, 0)), 0, spacing[0])
			if ilo <= ihi {
				rows = append(rows, sphereRow{j, k, -ilo, ihi})
			}
		}
	}
	return rows
}

// Values stores the features of [LocalFeatures] in dst and, unless it is nil,
// what they rest on in support: the voxels of the ball.
func (l *Local) Values(dst []float64, support []feature.Support) {
	evaluate(dst, support, LocalFeatures, l, l.Voxels, l.undefined)
	if support != nil {
		support[0].Voxels, support[1].Voxels = l.PeakVoxels, l.GlobalVoxels
	}
}

// LocalFeatures are IBSI's local intensity features, section 3.2.
var LocalFeatures = []Feature[Local]{
	{"local_intensity_peak", "", "VJGA", "HU", "Mean intensity within 1 cm³ around the voxel of the largest intensity.", func(l *Local) float64 { return l.Peak }},
	{"global_intensity_peak", "", "0F91", "HU", "Largest mean intensity within 1 cm³ around a voxel.", func(l *Local) float64 { return l.GlobalPeak }},
}
