package boost

import "sync"

// lanes is the number of columns whose bins share one word of a row. Eight
// histograms of 256 words are 16 KiB, half of a first-level cache.
const lanes = 8

// groupBlocks is the largest number of blocks in a group: one cache line.
const groupBlocks = 8

// slots is the number of bins of a column in a bundle, in use or not: an index
// of one byte needs no bounds check.
const slots = 256

// cell is a bin of a histogram: sums of first and second derivatives, in
// units, and the number of rows where rows are counted.
type cell struct{ g, h, n int64 }

func (c cell) minus(d cell) cell { return cell{c.g - d.g, c.h - d.h, c.n - d.n} }

// packed holds both sums of a bin in one word, so that a row costs one
// addition: g in the upper half, which has a sign, h in the lower, which has
// none. Sums of packed words are packed sums as long as |Σg| < 2³¹ and
// 0 ≤ Σh < 2³².
type packed int64

func pack(g, h int64) packed { return packed(g<<32 + h) }
func (p packed) g() int64    { return int64(p) >> 32 }
func (p packed) h() int64    { return int64(uint32(p)) }

// bundle is the histograms of the columns of one block, while they are
// counted. The words are packed sums, or plain ones in passes of their own.
type bundle [lanes][slots]packed

// words are the bins of a group of blocks: stride words for each row, so that
// the bins of a row share a cache line or two.
type words struct {
	bins   []uint64
	stride int
}

// strip is the number of rows whose words stay in the cache while the blocks of
// a group are counted in turn.
const strip = 512

// addAll adds the derivatives d of the rows from first on, whose bins are those
// of one block.
func (h *bundle) addAll(w words, block, first int, d []packed) {
	at := first*w.stride + block
	for _, v := range d {
		b := w.bins[at]
		at += w.stride
		h[0][uint8(b)] += v
		h[1][uint8(b>>8)] += v
		h[2][uint8(b>>16)] += v
		h[3][uint8(b>>24)] += v
		h[4][uint8(b>>32)] += v
		h[5][uint8(b>>40)] += v
		h[6][uint8(b>>48)] += v
		h[7][uint8(b>>56)] += v
	}
}

// addRows adds the derivatives of some rows: d[i] belongs to rows[i].
func (h *bundle) addRows(w words, block int, rows []int32, d []packed) {
	d = d[:len(rows)]
	for i, r := range rows {
		b, v := w.bins[int(r)*w.stride+block], d[i]
		h[0][uint8(b)] += v
		h[1][uint8(b>>8)] += v
		h[2][uint8(b>>16)] += v
		h[3][uint8(b>>24)] += v
		h[4][uint8(b>>32)] += v
		h[5][uint8(b>>40)] += v
		h[6][uint8(b>>48)] += v
		h[7][uint8(b>>56)] += v
	}
}

// addLane adds the derivatives of some rows to the histogram of one column.
func addLane(h *[slots]packed, w words, block, lane int, rows []int32, d []packed) {
	d = d[:len(rows)]
	shift := uint(lane) * 8 & 63
	for i, r := range rows {
		h[uint8(w.bins[int(r)*w.stride+block]>>shift)] += d[i]
	}
}

// histogram holds the bins of all columns of a node, packed where the sums of
// the whole tree fit.
type histogram struct {
	packed []packed
	wide   []cell
}

// scratch is what one goroutine works on. Bundles are all zero between uses.
type scratch struct {
	bundles [groupBlocks]bundle
	entries []entry
	order   []entry
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}
