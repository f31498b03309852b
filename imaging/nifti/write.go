package nifti

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/internal/voxels"
)

// WriteVolume writes v as float32, compressed if gz is set. Both sform and
// qform are written, since some programs prefer one and some the other; a
// grid with oblique axes has no qform. An image too long for the 16-bit sizes
// of NIfTI-1 becomes NIfTI-2. The same volume gives the same bytes.
func WriteVolume(w io.Writer, v *imaging.Volume, gz bool) error {
	if len(v.Values) != v.Len() {
		panic("nifti: WriteVolume: length mismatch")
	}
	return write(w, &v.Grid, voxels.Float32, gz, gzip.BestSpeed, func(w io.Writer) error {
		return voxels.WriteFloats(w, v.Values)
	})
}

// WriteSlices writes a volume slice by slice, as [WriteVolume] does a whole
// one: slices hands them out in order. With whole set, values are int16, and
// one that is none is [voxels.ErrRange].
func WriteSlices(w io.Writer, g *imaging.Grid, whole, gz bool, slices voxels.Slices) error {
	kind := voxels.Float32
	if whole {
		kind = voxels.Int16
	}
	return write(w, g, kind, gz, gzip.BestSpeed, func(w io.Writer) error {
		return voxels.WriteSlices(w, g, kind, slices)
	})
}

// WriteSegmentation writes the label map s, compressed if gz is set, in the
// smallest of uint8, int16 and int32 that holds its labels. Names are lost,
// and a segmentation with more than one layer is refused: NRRD keeps both.
func WriteSegmentation(w io.Writer, s *imaging.Segmentation, gz bool) error {
	if len(s.Layers) != 1 {
		return fmt.Errorf("nifti: %d layers: a NIfTI label map cannot hold regions that overlap; write .seg.nrrd", len(s.Layers))
	}
	if len(s.Layers[0]) != s.Len() {
		panic("nifti: WriteSegmentation: length mismatch")
	}
	kind := voxels.LabelKind(s.Layers)
	return write(w, &s.Grid, kind, gz, gzip.DefaultCompression, func(w io.Writer) error {
		return voxels.WriteLayers(w, s.Layers, kind)
	})
}

// write writes header and voxels.
func write(w io.Writer, g *imaging.Grid, kind voxels.Kind, gz bool, level int, data func(io.Writer) error) error {
	if err := g.Validate(); err != nil {
		return fmt.Errorf("nifti: %w", err)
	}
	head := encode(g, kind)
	all := func(w io.Writer) error {
		bw := bufio.NewWriterSize(w, 1<<16)
		_, err := bw.Write(head)
		return errors.Join(err, data(bw), bw.Flush())
	}
	if !gz {
		return all(w)
	}
	z, err := gzip.NewWriterLevel(w, level)
	if err != nil {
		return err
	}
	return errors.Join(all(z), z.Close())
}

// encode returns the header with the empty list of extensions after it.
func encode(g *imaging.Grid, kind voxels.Kind) []byte {
	var code int16
	for c, k := range kinds {
		if k == kind {
			code = int16(c)
		}
	}
	var srow [3][4]float64
	for a := range 3 {
		step := r3.Scale(g.Spacing[a], g.Axes[a])
		srow[0][a], srow[1][a], srow[2][a] = -step.X, -step.Y, step.Z
	}
	srow[0][3], srow[1][3], srow[2][3] = -g.Origin.X, -g.Origin.Y, g.Origin.Z
	quatern, qfac, ok := quaternion(g)
	var qform int16
	if ok {
		qform = 1 // scanner coordinates
	}
	o := binary.LittleEndian
	if max(g.Size[0], g.Size[1], g.Size[2]) > math.MaxInt16 {
		b := make([]byte, header2+4)
		f := func(at int, x float64) { o.PutUint64(b[at:], math.Float64bits(x+0)) }
		o.PutUint32(b, header2)
		copy(b[4:], "n+2\x00\r\n\x1a\n")
		o.PutUint16(b[12:], uint16(code))
		o.PutUint16(b[14:], uint16(8*kind.Bytes()))
		for n := range 8 {
			o.PutUint64(b[16+8*n:], uint64(dim(g, n)))
			f(104+8*n, pixdim(g, n, qfac))
		}
		o.PutUint64(b[168:], uint64(len(b)))
		f(176, 1)
		o.PutUint32(b[344:], uint32(qform))
		o.PutUint32(b[348:], 1)
		for n := range 3 {
			f(352+8*n, quatern[n])
			f(376+8*n, srow[n][3])
			for m := range 4 {
				f(400+32*n+8*m, srow[n][m])
			}
		}
		o.PutUint32(b[500:], 2)
		return b
	}
	b := make([]byte, header1+4)
	f := func(at int, x float64) { o.PutUint32(b[at:], math.Float32bits(float32(x+0))) }
	o.PutUint32(b, header1)
	b[38] = 'r'
	for n := range 8 {
		o.PutUint16(b[40+2*n:], uint16(dim(g, n)))
		f(76+4*n, pixdim(g, n, qfac))
	}
	o.PutUint16(b[70:], uint16(code))
	o.PutUint16(b[72:], uint16(8*kind.Bytes()))
	f(108, float64(len(b)))
	f(112, 1)
	b[123] = 2 // mm
	o.PutUint16(b[252:], uint16(qform))
	o.PutUint16(b[254:], 1)
	for n := range 3 {
		f(256+4*n, quatern[n])
		f(268+4*n, srow[n][3])
		for m := range 4 {
			f(280+16*n+4*m, srow[n][m])
		}
	}
	copy(b[344:], "n+1\x00")
	return b
}

// dim returns dim[n] of the header.
func dim(g *imaging.Grid, n int) int {
	switch {
	case n == 0:
		return 3
	case n <= 3:
		return g.Size[n-1]
	}
	return 1
}

// pixdim returns pixdim[n] of the header.
func pixdim(g *imaging.Grid, n int, qfac float64) float64 {
	switch {
	case n == 0:
		return qfac
	case n <= 3:
		return g.Spacing[n-1]
	}
	return 0
}

// quaternion returns b, c, d of the rotation from index to RAS axes and the
// sign of the third axis; ok is false if the axes are not perpendicular.
func quaternion(g *imaging.Grid) (q [3]float64, qfac float64, ok bool) {
	for a := range 3 {
		if math.Abs(r3.Dot(g.Axes[a], g.Axes[(a+1)%3])) > 1e-5 {
			return q, 1, false
		}
	}
	var m [3][3]float64
	for a, v := range g.Axes {
		m[0][a], m[1][a], m[2][a] = -v.X, -v.Y, v.Z
	}
	qfac = 1
	det := m[0][0]*(m[1][1]*m[2][2]-m[1][2]*m[2][1]) - m[0][1]*(m[1][0]*m[2][2]-m[1][2]*m[2][0]) + m[0][2]*(m[1][0]*m[2][1]-m[1][1]*m[2][0])
	if det < 0 {
		qfac = -1
		for n := range 3 {
			m[n][2] = -m[n][2]
		}
	}
	// The largest of a², b², c², d² is divided by.
	var a, b, c, d float64
	switch {
	case m[0][0]+m[1][1]+m[2][2] > 0:
		a = math.Sqrt(1+m[0][0]+m[1][1]+m[2][2]) / 2
		b, c, d = (m[2][1]-m[1][2])/(4*a), (m[0][2]-m[2][0])/(4*a), (m[1][0]-m[0][1])/(4*a)
	case m[0][0] >= m[1][1] && m[0][0] >= m[2][2]:
		b = math.Sqrt(1+m[0][0]-m[1][1]-m[2][2]) / 2
		a, c, d = (m[2][1]-m[1][2])/(4*b), (m[0][1]+m[1][0])/(4*b), (m[0][2]+m[2][0])/(4*b)
	case m[1][1] >= m[2][2]:
		c = math.Sqrt(1-m[0][0]+m[1][1]-m[2][2]) / 2
		a, b, d = (m[0][2]-m[2][0])/(4*c), (m[0][1]+m[1][0])/(4*c), (m[1][2]+m[2][1])/(4*c)
	default:
		d = math.Sqrt(1-m[0][0]-m[1][1]+m[2][2]) / 2
		a, b, c = (m[1][0]-m[0][1])/(4*d), (m[0][2]+m[2][0])/(4*d), (m[1][2]+m[2][1])/(4*d)
	}
	if a < 0 {
		b, c, d = -b, -c, -d
	}
	return [3]float64{b, c, d}, qfac, true
}
