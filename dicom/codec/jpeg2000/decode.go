package jpeg2000

import (
	"fmt"
	"sync"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
)

// DecodeConfig returns what the stream declares.
func DecodeConfig(src []byte) (frame.Header, error) {
	b, err := codestream(src)
	if err != nil {
		return frame.Header{}, fmt.Errorf("jpeg 2000: %w", err)
	}
	s, _, err := parseSize(b)
	if err != nil {
		return frame.Header{}, fmt.Errorf("jpeg 2000: %w", err)
	}
	return s.header(), nil
}

// Decode stores the frame of src in dst.
func Decode(dst, src []byte, want frame.Image) error {
	if err := decode(dst, src, want); err != nil {
		return fmt.Errorf("jpeg 2000: %w", err)
	}
	return nil
}

func decode(dst, src []byte, want frame.Image) error {
	if err := want.Check(dst); err != nil {
		return err
	}
	b, err := codestream(src)
	if err != nil {
		return err
	}
	s, rest, err := parseSize(b)
	if err != nil {
		return err
	}
	if err := want.Accept(s.header()); err != nil {
		return err
	}
	st, err := parse(rest, s)
	if err != nil {
		return err
	}
	if len(st.tiles) != s.tiles {
		return fmt.Errorf("%d of %d tiles: %w", len(st.tiles), s.tiles, frame.ErrDamaged)
	}
	if want.BitsAllocated == 1 {
		clear(dst) // bits are put one by one
	}
	d := decoders.Get().(*tileDecoder)
	d.dst, d.want, d.siz = dst, want, s
	defer func() {
		d.dst = nil
		decoders.Put(d)
	}()
	for _, t := range st.tiles {
		if err := d.decode(t); err != nil {
			return fmt.Errorf("tile %d: %w", t.index, err)
		}
	}
	return nil
}

// decoders keeps the buffers of one frame for the next: a series is hundreds of
// equal frames.
var decoders = sync.Pool{New: func() any { return new(tileDecoder) }}

// tileDecoder decodes tile after tile with one set of buffers.
type tileDecoder struct {
	dst    []byte
	want   frame.Image
	siz    siz
	blocks blockDecoder
	ints   [3][]int32
	floats [3][]float32
}

func (d *tileDecoder) decode(t *tile) error {
	all, body, err := t.packets(d.siz)
	if err != nil {
		return err
	}
	n := len(all)
	if t.order.transform && n < 3 {
		return fmt.Errorf("a colour transform of %d components: %w", n, frame.ErrDamaged)
	}
	for c := 0; c < n; {
		together := 1
		if c == 0 && t.order.transform {
			together = 3
			if all[0].reversible != all[1].reversible || all[0].reversible != all[2].reversible {
				return fmt.Errorf("a colour transform of different wavelets: %w", frame.ErrDamaged)
			}
		}
		if all[c].reversible {
			d.reversible(all[c:c+together], body, c)
		} else {
			d.irreversible(all[c:c+together], body, c)
		}
		c += together
	}
	return nil
}

// reversible decodes one component, or three with their colour transform.
func (d *tileDecoder) reversible(group []component, body []byte, first int) {
	for i := range group {
		k := &group[i]
		w := k.area.width()
		d.ints[i] = cleared(d.ints[i], w*k.area.height())
		plane := d.ints[i]
		d.eachBlock(k, body, func(b *block, _ *band) {
			for y := range int(b.height) {
				out := plane[(int(b.y)+y)*w+int(b.x):][:b.width]
				for x, v := range d.blocks.data[y*int(b.width):][:b.width] {
					out[x] = v / 2
				}
			}
		})
		synthesise(plane, w, k.resolutions, lift53)
	}
	if len(group) == 3 {
		inverseRCT(d.ints[0], d.ints[1], d.ints[2])
	}
	for i := range group {
		d.store(d.ints[i], group[i].area, first+i)
	}
}

// irreversible is the same with quantised coefficients.
func (d *tileDecoder) irreversible(group []component, body []byte, first int) {
	for i := range group {
		k := &group[i]
		w, n := k.area.width(), k.area.width()*k.area.height()
		if cap(d.floats[i]) < n {
			d.floats[i] = make([]float32, n)
		}
		d.floats[i] = d.floats[i][:n]
		plane := d.floats[i]
		clear(plane)
		d.eachBlock(k, body, func(b *block, in *band) {
			step := in.step / 2
			for y := range int(b.height) {
				out := plane[(int(b.y)+y)*w+int(b.x):][:b.width]
				for x, v := range d.blocks.data[y*int(b.width):][:b.width] {
					out[x] = float32(v) * step
				}
			}
		})
		synthesise(plane, w, k.resolutions, lift97)
	}
	if len(group) == 3 {
		inverseICT(d.floats[0], d.floats[1], d.floats[2])
	}
	for i := range group {
		w := group[i].area.width()
		d.ints[0] = cleared(d.ints[0], w)
		for y := range group[i].area.height() {
			round(d.ints[0], d.floats[i][y*w:][:w])
			d.storeRow(d.ints[0], group[i].area, y, first+i)
		}
	}
}

// eachBlock decodes the blocks of a component and hands them on.
func (d *tileDecoder) eachBlock(k *component, body []byte, use func(b *block, in *band)) {
	for r := range k.resolutions {
		res := &k.resolutions[r]
		for p := range res.precincts {
			for i := range res.precincts[p].bands {
				g := &res.precincts[p].bands[i]
				for n := range g.blocks {
					b := &g.blocks[n]
					if b.passes == 0 {
						continue
					}
					d.blocks.decode(b, body, res.bands[i].orient, k.modes)
					if k.shift > 0 {
						unshift(d.blocks.data, k.shift)
					}
					use(b, &res.bands[i])
				}
			}
		}
	}
}

// unshift brings the region of interest back to its size (T.800 H.1): its
// coefficients are those beyond 2^shift. data holds them twice.
func unshift(data []int32, shift int) {
	for i, v := range data {
		sign := v >> 31
		if m := int64(v ^ sign - sign); m >= 2<<shift {
			data[i] = int32(m>>shift) ^ sign - sign
		}
	}
}

func (d *tileDecoder) store(plane []int32, area rect, component int) {
	w := area.width()
	for y := range area.height() {
		d.storeRow(plane[y*w:][:w], area, y, component)
	}
}

func (d *tileDecoder) storeRow(row []int32, area rect, y, component int) {
	s := sink{dst: d.dst, want: d.want, depth: d.siz.components[component], component: component}
	s.put(row, area.x0-d.siz.image.x0, area.y0-d.siz.image.y0+y)
}
