package jpeg

import "github.com/plaquerisk/plaquerisk/dicom/codec/frame"

// store brings all components to full size and stores them.
func (d *decoder) store(dst []byte, want frame.Image) {
	n := len(d.planes)
	row := make([]uint16, d.mcusX*d.maxH*8)
	for c := range d.planes {
		p := &d.planes[c]
		for y := range want.Rows {
			p.upsample(row, y, d.maxH/p.h, d.maxV/p.v)
			want.Put(dst, y*want.Columns*n+c, n, row[:want.Columns])
		}
	}
}

// upsample stores row y of the image in dst, with each sample of the plane
// standing for h×v of it. As in IJG, halved components are interpolated
// (jdsample.c: weights 3/4 and 1/4 in each direction, rounded up and down in
// turn), and others repeated.
func (p *plane) upsample(dst []uint16, y, h, v int) {
	row := p.row(y / v)
	switch {
	case h == 1 && v == 1:
		copy(dst, row)
	case h == 2 && v == 1 && p.width > 2:
		last := len(row) - 1
		for i, s := range row {
			s := int(s)
			dst[2*i] = uint16((3*s + int(row[max(i-1, 0)]) + 1) >> 2)
			dst[2*i+1] = uint16((3*s + int(row[min(i+1, last)]) + 2) >> 2)
		}
	case h == 2 && v == 2 && p.width > 2:
		near := p.row(max(y/2-1+y%2*2, 0)) // above for even rows, below for odd ones
		sum := func(i int) int {
			i = min(max(i, 0), len(row)-1)
			return 3*int(row[i]) + int(near[i])
		}
		for i := range row {
			dst[2*i] = uint16((3*sum(i) + sum(i-1) + 8) >> 4)
			dst[2*i+1] = uint16((3*sum(i) + sum(i+1) + 7) >> 4)
		}
	default:
		for i, s := range row {
			for k := range h {
				dst[i*h+k] = s
			}
		}
	}
}

// row returns a row of the plane without its padding; behind the last one
// comes the last.
func (p *plane) row(y int) []uint16 {
	return p.samples[min(y, p.height-1)*p.stride:][:p.width]
}
