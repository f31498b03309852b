package jpegls

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
	"github.com/plaquerisk/plaquerisk/dicom/codec/internal/segment"
)

// DecodeConfig returns what the stream declares.
func DecodeConfig(src []byte) (frame.Header, error) {
	r := segment.Reader{Src: src}
	for {
		m, par, err := r.Next()
		if err != nil {
			return frame.Header{}, fmt.Errorf("jpeg-ls: %w", err)
		}
		if m == segment.SOF55 {
			f, err := parseFrame(par)
			return f.Header, err
		}
	}
}

func parseFrame(par []byte) (segment.Frame, error) {
	f, err := segment.ParseFrame(par)
	if err != nil {
		return f, fmt.Errorf("jpeg-ls: %w", err)
	}
	for i, c := range f.Components {
		if c.H != f.Components[0].H || c.V != f.Components[0].V {
			return f, fmt.Errorf("jpeg-ls: component %d is sampled more coarsely: %w", i, frame.ErrUnsupported)
		}
	}
	return f, nil
}

// preset holds the parameters that LSE may set; 0 asks for the default.
type preset struct{ maxval, t1, t2, t3, reset int }

// Decode stores the frame of src in dst. Samples are as they were coded; the
// sign is for the reader of the data set to put on.
func Decode(dst, src []byte, want frame.Image) error {
	if err := want.Check(dst); err != nil {
		return fmt.Errorf("jpeg-ls: %w", err)
	}
	var f segment.Frame
	var p preset
	r := segment.Reader{Src: src}
	for decoded := 0; decoded < want.Samples; {
		m, par, err := r.Next()
		if err != nil {
			return fmt.Errorf("jpeg-ls: %w", err)
		}
		switch {
		case m == segment.SOF55 && f.Samples == 0:
			if f, err = parseFrame(par); err == nil {
				err = want.Accept(f.Header)
			}
		case m == segment.LSE && len(par) >= 1:
			p, err = parsePreset(par, p)
		case m == segment.DRI && len(par) >= 2 && binary.BigEndian.Uint16(par) != 0:
			err = fmt.Errorf("restart intervals: %w", frame.ErrUnsupported)
		case m == 0xe8 && len(par) >= 5 && string(par[:4]) == "mrfx" && par[4] != 0:
			err = fmt.Errorf("colour transform %d of HP: %w", par[4], frame.ErrUnsupported)
		case m == segment.SOS:
			var s segment.Scan
			if s, err = f.ParseScan(par); err == nil {
				var n int
				n, err = decodeScan(dst, src[r.At:], want, f, s, p)
				r.At += n
				decoded += len(s.Components)
			}
		case m == segment.EOI:
			err = fmt.Errorf("%d of %d components: %w", decoded, want.Samples, frame.ErrDamaged)
		}
		if err != nil {
			return fmt.Errorf("jpeg-ls: %w", err)
		}
	}
	return nil
}

// parsePreset reads LSE (T.87 C.2.4.1).
func parsePreset(par []byte, p preset) (preset, error) {
	if par[0] != 1 {
		return p, fmt.Errorf("mapping table or large image (LSE %d): %w", par[0], frame.ErrUnsupported)
	}
	if len(par) < 11 {
		return p, fmt.Errorf("preset of %d bytes: %w", len(par), frame.ErrDamaged)
	}
	v := func(i int) int { return int(binary.BigEndian.Uint16(par[1+2*i:])) }
	return preset{v(0), v(1), v(2), v(3), v(4)}, nil
}

// withDefaults fills in what p leaves open (T.87 C.2.4.1.1) and checks it.
func (p preset) withDefaults(bitDepth, near int) (preset, error) {
	if p.maxval == 0 {
		p.maxval = 1<<bitDepth - 1
	}
	if p.maxval >= 1<<bitDepth || near > min(255, p.maxval/2) {
		return p, fmt.Errorf("largest value %d of %d bits, error %d: %w", p.maxval, bitDepth, near, frame.ErrDamaged)
	}
	clamp := func(i, low int) int {
		if i > p.maxval || i < low {
			return low
		}
		return i
	}
	b1, b2, b3 := 0, 0, 0 // the default thresholds before they are clamped
	if p.maxval >= 128 {
		f := (min(p.maxval, 4095) + 128) / 256
		b1, b2, b3 = f*(3-2)+2+3*near, f*(7-3)+3+5*near, f*(21-4)+4+7*near
	} else {
		f := 256 / (p.maxval + 1)
		b1, b2, b3 = max(2, 3/f+3*near), max(3, 7/f+5*near), max(4, 21/f+7*near)
	}
	if p.t1 == 0 {
		p.t1 = clamp(b1, near+1)
	}
	if p.t2 == 0 {
		p.t2 = clamp(b2, p.t1)
	}
	if p.t3 == 0 {
		p.t3 = clamp(b3, p.t2)
	}
	if p.reset == 0 {
		p.reset = 64
	}
	if p.t1 <= near || p.t2 < p.t1 || p.t3 < p.t2 || p.t3 > p.maxval || p.reset < 3 || p.reset > max(255, p.maxval) {
		return p, fmt.Errorf("thresholds %d, %d, %d, reset %d: %w", p.t1, p.t2, p.t3, p.reset, frame.ErrDamaged)
	}
	return p, nil
}

// decodeScan decodes one scan and returns the bytes that it took.
func decodeScan(dst, src []byte, want frame.Image, f segment.Frame, s segment.Scan, p preset) (int, error) {
	near, interleave, point := int(s.A), s.B, int(s.C&15)
	p, err := p.withDefaults(f.Bits, near)
	if err != nil {
		return 0, err
	}
	n, width := len(s.Components), f.Columns
	if interleave > 2 || interleave == 0 && n > 1 {
		return 0, fmt.Errorf("interleaving %d of %d components: %w", interleave, n, frame.ErrDamaged)
	}
	for _, t := range s.Tables {
		if t != 0 {
			return 0, fmt.Errorf("mapping table %d: %w", t, frame.ErrUnsupported)
		}
	}
	d := newDecoder(src, p, near)
	step, lines := 1, n // samples of a pixel in a line, lines of a row
	if interleave == 2 {
		step, lines = n, 1
	}
	cur, prev, runs := make([][]uint16, lines), make([][]uint16, lines), make([]int, lines)
	for c := range lines {
		cur[c], prev[c] = make([]uint16, (width+2)*step), make([]uint16, (width+2)*step)
	}
	all := f.Samples
	one := make([]uint16, width)
	for y := range f.Rows {
		for c := range lines {
			cur[c], prev[c] = prev[c], cur[c]
			line, above := cur[c], prev[c]
			copy(line[:step], above[step:2*step])                          // left of the first: above it
			copy(above[(width+1)*step:], above[width*step:(width+1)*step]) // right of the last above: it
			d.run = runs[c]
			if step == 1 {
				d.line(line, above)
			} else {
				d.pixels(line, above, step)
			}
			runs[c] = d.run
			if d.bits.short() {
				return 0, fmt.Errorf("row %d: the data end: %w", y, frame.ErrDamaged)
			}
			for k := range step {
				for x := range one {
					one[x] = line[(x+1)*step+k] << point
				}
				want.Put(dst, y*width*all+s.Components[max(c, k)], all, one)
			}
		}
	}
	return d.bits.at, nil
}

// context is what is known of the errors behind one pattern of gradients.
type context struct {
	a int32 // sum of magnitudes
	b int32 // sum, for the bias
	c int32 // correction of the prediction
	n int32 // how many
}

// flat is what is known of the errors behind a run.
type flat struct{ a, n, negative int32 }

type decoder struct {
	bits              reader
	near, step        int32 // largest error; 2·near + 1
	maxval, span      int32 // largest value; number of steps times step
	reset, limit, low int32 // low: bits of an error that is written out
	t3                int32
	quantum           []int8 // class −4…4 of a gradient −t3…t3
	contexts          [365]context
	flats             [2]flat
	run               int // index into runOrder
}

// runOrder holds the logarithm of the run that each step of the adaptation
// stands for (J of T.87 A.2.1).
var runOrder = [32]int{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15}

func newDecoder(src []byte, p preset, near int) *decoder {
	d := &decoder{bits: reader{src: src}, near: int32(near), step: int32(2*near + 1), maxval: int32(p.maxval), reset: int32(p.reset), t3: int32(p.t3)}
	steps := (d.maxval+2*d.near)/d.step + 1
	d.span = steps * d.step
	d.low = int32(bits.Len32(uint32(steps - 1)))
	deep := max(2, int32(bits.Len32(uint32(d.maxval))))
	d.limit = 2 * (deep + max(8, deep))
	for i := range d.contexts {
		d.contexts[i] = context{a: max(2, (steps+32)/64), n: 1}
	}
	for i := range d.flats {
		d.flats[i] = flat{a: max(2, (steps+32)/64), n: 1}
	}
	d.quantum = make([]int8, 2*p.t3+1)
	for g := -p.t3; g <= p.t3; g++ {
		q := 0
		for _, t := range []int{near + 1, p.t1, p.t2, p.t3} {
			if max(g, -g) >= t {
				q++
			}
		}
		if g < 0 {
			q = -q
		}
		d.quantum[g+p.t3] = int8(q)
	}
	return d
}

// class returns the class of a gradient.
func (d *decoder) class(g int32) int32 {
	return int32(d.quantum[min(max(g, -d.t3), d.t3)+d.t3])
}

// line decodes one component of a row. Index 0 of a line and its last one are
// the neighbours outside.
func (d *decoder) line(cur, prev []uint16) {
	width := len(cur) - 2
	prev = prev[:len(cur)]
	ra, rb, rc := int32(cur[0]), int32(prev[1]), int32(prev[0])
	for x := 1; x <= width; {
		rd := int32(prev[x+1])
		q := (d.class(rd-rb)*9+d.class(rb-rc))*9 + d.class(rc-ra)
		if q != 0 {
			rc, rb, ra = rb, rd, d.regular(q, ra, rb, rc)
			cur[x] = uint16(ra)
			x++
			continue
		}
		n, whole := d.runLength(width + 1 - x)
		for range n {
			cur[x] = uint16(ra)
			x++
		}
		if !whole {
			rb = int32(prev[x])
			if max(ra-rb, rb-ra) <= d.near {
				ra = d.rebuild(ra, d.interruption(1))
			} else {
				ra = d.rebuild(rb, signed(d.interruption(0), (rb-ra)>>31))
			}
			cur[x] = uint16(ra)
			x++
			d.run = max(0, d.run-1)
		}
		if x <= width {
			rc, rb = int32(prev[x-1]), int32(prev[x])
		}
	}
}

// pixels decodes a row whose n components are interleaved by sample: a run
// needs all of them to be flat.
func (d *decoder) pixels(cur, prev []uint16, n int) {
	for x, end := n, len(cur)-n; x < end; {
		flat := true
		var q [4]int32
		for c := range n {
			ra, rb, rc, rd := d.around(cur, prev, x+c, n)
			q[c] = (d.class(rd-rb)*9+d.class(rb-rc))*9 + d.class(rc-ra)
			flat = flat && q[c] == 0
		}
		if !flat {
			for c := range n {
				ra, rb, rc, _ := d.around(cur, prev, x+c, n)
				cur[x+c] = uint16(d.regular(q[c], ra, rb, rc))
			}
			x += n
			continue
		}
		k, whole := d.runLength((end - x) / n)
		for range k * n {
			cur[x] = cur[x-n]
			x++
		}
		if !whole {
			for c := range n {
				ra, rb := int32(cur[x+c-n]), int32(prev[x+c])
				cur[x+c] = uint16(d.rebuild(rb, signed(d.interruption(0), (rb-ra)>>31)))
			}
			x += n
			d.run = max(0, d.run-1)
		}
	}
}

// around returns the neighbours left, above, above left and above right.
func (d *decoder) around(cur, prev []uint16, i, n int) (ra, rb, rc, rd int32) {
	return int32(cur[i-n]), int32(prev[i]), int32(prev[i-n]), int32(prev[i+n])
}

// signed returns v, or −v if sign is −1 and not 0.
func signed(v, sign int32) int32 { return v ^ sign - sign }

// regular decodes a sample in context q ≠ 0 (T.87 A.4 to A.6).
func (d *decoder) regular(q, ra, rb, rc int32) int32 {
	sign := q >> 31
	ctx := &d.contexts[signed(q, sign)]
	px := min(max(min(ra, rb), ra+rb-rc), max(ra, rb)) // the median edge detector
	px = min(max(px+signed(ctx.c, sign), 0), d.maxval)
	k := order(ctx.a, ctx.n)
	m := d.bits.golomb(k, d.limit, d.low)
	e := m>>1 ^ -(m & 1)
	if k == 0 && d.near == 0 && 2*ctx.b <= -ctx.n {
		e = ^e
	}

	ctx.b += e * d.step
	ctx.a += max(e, -e)
	if ctx.n == d.reset {
		ctx.a >>= 1
		ctx.b >>= 1
		ctx.n >>= 1
	}
	ctx.n++
	if ctx.b <= -ctx.n {
		ctx.b = max(ctx.b+ctx.n, 1-ctx.n)
		ctx.c = max(ctx.c-1, -128)
	} else if ctx.b > 0 {
		ctx.b = min(ctx.b-ctx.n, 0)
		ctx.c = min(ctx.c+1, 127)
	}
	return d.rebuild(px, signed(e, sign))
}

// rebuild returns the sample with prediction px and error e, in steps.
func (d *decoder) rebuild(px, e int32) int32 {
	v := px + e*d.step
	if v < -d.near {
		v += d.span
	} else if v > d.maxval+d.near {
		v -= d.span
	}
	return min(max(v, 0), d.maxval)
}

// order returns the smallest k with n·2^k ≥ a, the Golomb parameter. The mean
// error of sound data asks for 16 at most.
func order(a, n int32) int32 {
	k := max(int32(bits.Len32(uint32(a))-bits.Len32(uint32(n))), 0)
	if n<<(k&31) < a {
		k++
	}
	return min(k, 16)
}

// runLength reads a run of at most room samples. It is whole if it reaches
// the end of the line, so that no sample interrupts it.
func (d *decoder) runLength(room int) (n int, whole bool) {
	for d.bits.bit() {
		full := 1 << runOrder[d.run]
		if full > room-n {
			return room, true
		}
		n += full
		d.run = min(d.run+1, 31)
		if n == room {
			return n, true
		}
	}
	n += int(d.bits.bitsOf(int32(runOrder[d.run])))
	if n >= room { // not legal: the run would have been whole
		d.bits.damaged = true
		return room, true
	}
	return n, false
}

// interruption decodes the error of the sample that ends a run (T.87 A.7.2);
// kind is 1 if left and above are equal.
func (d *decoder) interruption(kind int32) int32 {
	ctx := &d.flats[kind]
	k := order(ctx.a+kind*(ctx.n>>1), ctx.n)
	m := d.bits.golomb(k, d.limit-int32(runOrder[d.run])-1, d.low)
	t := m + kind
	e := (t + 1) >> 1
	if (k != 0 || 2*ctx.negative >= ctx.n) == (t&1 == 1) {
		e = -e
	}
	if e < 0 {
		ctx.negative++
	}
	ctx.a += (m + 1 - kind) >> 1
	if ctx.n == d.reset {
		ctx.a >>= 1
		ctx.n >>= 1
		ctx.negative >>= 1
	}
	ctx.n++
	return e
}
