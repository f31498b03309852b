package nifti

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/internal/voxels"
)

// Sizes of the two headers, which also tell them and their byte order apart.
const (
	header1 = 348
	header2 = 540
)

// header holds what the two versions have in common.
type header struct {
	order            binary.ByteOrder
	version          int
	dim              [8]int64
	pixdim           [8]float64
	datatype         int
	dataOffset       int64
	slope, intercept float64
	qform, sform     int
	quatern, qoffset [3]float64
	srow             [3][4]float64
	units            int
}

// errPair is what the two-file form gets.
var errPair = errors.New("header of a two-file image (.hdr and .img): convert it to one file, .nii or .nii.gz")

// readHeader reads the header and returns the number of bytes it took.
func readHeader(r io.Reader) (*header, int64, error) {
	var b [header2]byte
	if _, err := io.ReadFull(r, b[:4]); err != nil {
		return nil, 0, fmt.Errorf("header: %w", noEOF(err))
	}
	h := &header{}
	size := 0
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(b[:]) {
		case header1:
			h.order, h.version, size = order, 1, header1
		case header2:
			h.order, h.version, size = order, 2, header2
		}
	}
	if size == 0 {
		return nil, 0, errors.New("not a NIfTI file: it begins with neither 348 nor 540 in either byte order")
	}
	if _, err := io.ReadFull(r, b[4:size]); err != nil {
		return nil, 0, fmt.Errorf("header: %w", noEOF(err))
	}
	var err error
	if h.version == 1 {
		err = h.decode1(b[:size])
	} else {
		err = h.decode2(b[:size])
	}
	return h, int64(size), err
}

// noEOF replaces the two ends of file by a sentence.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file is cut off")
	}
	return err
}

// single returns the shortest decimal number that rounds to the float32 with
// these bits: a spacing that was written as 0.4 reads as 0.4, not
// 0.4000000059604645.
func single(bits uint32) float64 {
	x := math.Float32frombits(bits)
	y, err := strconv.ParseFloat(strconv.FormatFloat(float64(x), 'g', -1, 32), 64)
	if err != nil { // not finite
		return float64(x)
	}
	return y
}

// decode1 fills h from the 348 bytes of NIfTI-1.
func (h *header) decode1(b []byte) error {
	switch string(b[344:348]) {
	case "n+1\x00":
	case "ni1\x00":
		return errPair
	default:
		return fmt.Errorf("magic %q: an Analyze 7.5 header, or not NIfTI; Analyze images do not tell left from right: convert the original to .nii", b[344:348])
	}
	f := func(at int) float64 { return single(h.order.Uint32(b[at:])) }
	i := func(at int) int { return int(int16(h.order.Uint16(b[at:]))) }
	for n := range 8 {
		h.dim[n] = int64(i(40 + 2*n))
		h.pixdim[n] = f(76 + 4*n)
	}
	h.datatype = i(70)
	offset := f(108)
	if !(offset >= 0 && offset < 1<<31) || offset != math.Trunc(offset) {
		return fmt.Errorf("vox_offset %g: not a place in the file", offset)
	}
	h.dataOffset = int64(offset)
	h.slope, h.intercept = f(112), f(116)
	h.units = int(b[123])
	h.qform, h.sform = i(252), i(254)
	for n := range 3 {
		h.quatern[n] = f(256 + 4*n)
		h.qoffset[n] = f(268 + 4*n)
		for m := range 4 {
			h.srow[n][m] = f(280 + 16*n + 4*m)
		}
	}
	return nil
}

// decode2 fills h from the 540 bytes of NIfTI-2.
func (h *header) decode2(b []byte) error {
	switch string(b[4:12]) {
	case "n+2\x00\r\n\x1a\n":
	case "ni2\x00\r\n\x1a\n":
		return errPair
	default:
		return fmt.Errorf("magic %q: want \"n+2\"; a transfer in text mode changes these bytes", b[4:12])
	}
	f := func(at int) float64 { return math.Float64frombits(h.order.Uint64(b[at:])) }
	i := func(at int) int { return int(int32(h.order.Uint32(b[at:]))) }
	for n := range 8 {
		h.dim[n] = int64(h.order.Uint64(b[16+8*n:]))
		h.pixdim[n] = f(104 + 8*n)
	}
	h.datatype = int(int16(h.order.Uint16(b[12:])))
	h.dataOffset = int64(h.order.Uint64(b[168:]))
	h.slope, h.intercept = f(176), f(184)
	h.qform, h.sform = i(344), i(348)
	for n := range 3 {
		h.quatern[n] = f(352 + 8*n)
		h.qoffset[n] = f(376 + 8*n)
		for m := range 4 {
			h.srow[n][m] = f(400 + 32*n + 8*m)
		}
	}
	h.units = i(500)
	return nil
}

// size returns the voxels along the three axes.
func (h *header) size() (size [3]int, err error) {
	d := h.dim[0]
	if d < 3 || d > 7 {
		return size, fmt.Errorf("dim[0] = %d: an image in space has three axes; store a single slice as a stack of one", d)
	}
	n := int64(1)
	for a := range 3 {
		x := h.dim[a+1]
		if x < 1 || x > imaging.MaxVoxels/n {
			return size, fmt.Errorf("dim %v: not a size between 1 and %d voxels", h.dim[1:4], imaging.MaxVoxels)
		}
		n *= x
		size[a] = int(x)
	}
	for a := int64(4); a <= d; a++ {
		if h.dim[a] != 1 {
			return size, fmt.Errorf("dim[%d] = %d: more than one image in the file; store one time point or component by itself", a, h.dim[a])
		}
	}
	return size, nil
}

// kinds maps datatype codes of nifti1.h.
var kinds = map[int]voxels.Kind{
	2: voxels.Uint8, 4: voxels.Int16, 8: voxels.Int32, 16: voxels.Float32, 64: voxels.Float64,
	256: voxels.Int8, 512: voxels.Uint16, 768: voxels.Uint32, 1024: voxels.Int64, 1280: voxels.Uint64,
}

// kind returns the type of the voxels.
func (h *header) kind() (voxels.Kind, error) {
	k, ok := kinds[h.datatype]
	if !ok {
		return 0, fmt.Errorf("datatype %d: not a scalar number (read are 2, 4, 8, 16, 64, 256, 512, 768, 1024, 1280)", h.datatype)
	}
	return k, nil
}

// scale returns slope and intercept; a slope of zero or NaN means none.
func (h *header) scale() (slope, intercept float64, err error) {
	if h.slope == 0 || math.IsNaN(h.slope) {
		return 1, 0, nil
	}
	if math.IsInf(h.slope, 0) || math.IsNaN(h.intercept) || math.IsInf(h.intercept, 0) {
		return 0, 0, fmt.Errorf("scl_slope %g, scl_inter %g: not finite", h.slope, h.intercept)
	}
	return h.slope, h.intercept, nil
}

// grid places the voxels, RAS to LPS.
func (h *header) grid() (imaging.Grid, error) {
	size, err := h.size()
	if err != nil {
		return imaging.Grid{}, err
	}
	var mm float64
	switch h.units & 7 {
	case 0, 2: // not said, mm
		mm = 1
	case 1:
		mm = 1000
	case 3:
		mm = 0.001
	default:
		return imaging.Grid{}, fmt.Errorf("xyzt_units %d: not a unit of length", h.units)
	}
	source, m := h.affine()
	column := func(c int) r3.Vec { return r3.Vec{X: -mm * m[0][c], Y: -mm * m[1][c], Z: mm * m[2][c]} }
	g, err := voxels.Place(size, [3]r3.Vec{column(0), column(1), column(2)}, column(3))
	if err != nil {
		return imaging.Grid{}, fmt.Errorf("%s: %w", source, err)
	}
	// −0 is a trap for whoever prints a grid.
	for _, x := range []*float64{&g.Origin.X, &g.Origin.Y, &g.Origin.Z} {
		*x += 0
	}
	for a := range g.Axes {
		g.Axes[a] = r3.Vec{X: g.Axes[a].X + 0, Y: g.Axes[a].Y + 0, Z: g.Axes[a].Z + 0}
	}
	return g, nil
}

// affine returns the first three rows of the matrix from index to RAS
// position in the file's unit, and the name of the field it comes from. The
// qform is
//
//	p = R(b, c, d)·diag(1, 1, qfac)·diag(pixdim)·i + q
//
// with the rotation of the unit quaternion a + bi + cj + dk, a ≥ 0.
func (h *header) affine() (string, [3][4]float64) {
	if h.sform > 0 {
		return "sform", h.srow
	}
	var m [3][4]float64
	if h.qform <= 0 {
		for n := range 3 {
			m[n][n] = h.pixdim[n+1]
		}
		return "pixdim", m
	}
	b, c, d := h.quatern[0], h.quatern[1], h.quatern[2]
	a := 1 - (b*b + c*c + d*d)
	if a < 1e-7 { // a half turn, as the reference implementation does
		l := 1 / math.Sqrt(b*b+c*c+d*d)
		b, c, d, a = b*l, c*l, d*l, 0
	} else {
		a = math.Sqrt(a)
	}
	rot := [3][3]float64{
		{a*a + b*b - c*c - d*d, 2*b*c - 2*a*d, 2*b*d + 2*a*c},
		{2*b*c + 2*a*d, a*a + c*c - b*b - d*d, 2*c*d - 2*a*b},
		{2*b*d - 2*a*c, 2*c*d + 2*a*b, a*a + d*d - c*c - b*b},
	}
	qfac := 1.0
	if h.pixdim[0] < 0 {
		qfac = -1
	}
	for n := range 3 {
		m[n] = [4]float64{rot[n][0] * h.pixdim[1], rot[n][1] * h.pixdim[2], rot[n][2] * h.pixdim[3] * qfac, h.qoffset[n]}
	}
	return "qform", m
}
