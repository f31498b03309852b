package codec

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
	"github.com/plaquerisk/plaquerisk/dicom/codec/jpeg"
	"github.com/plaquerisk/plaquerisk/dicom/codec/jpeg2000"
	"github.com/plaquerisk/plaquerisk/dicom/codec/jpegll"
	"github.com/plaquerisk/plaquerisk/dicom/codec/jpegls"
	"github.com/plaquerisk/plaquerisk/dicom/codec/rle"
)

// format is a decoder with sound streams to be damaged.
type format struct {
	name   string
	decode Decoder
	config func([]byte) (frame.Header, error) // nil if streams do not say
	want   frame.Image                        // then
	seeds  [][]byte
}

func formats(t *testing.T) []format {
	files := func(pattern string) (all [][]byte) {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: no streams: %v", pattern, err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
		return all
	}
	m := frame.Image{Rows: 20, Columns: 30, Samples: 3, BitsAllocated: 16, BitsStored: 16}
	pixels := make([]byte, m.Size())
	for i := range pixels {
		pixels[i] = byte(i / 7 * i)
	}
	packed, err := rle.Encode(nil, pixels, m)
	if err != nil {
		t.Fatal(err)
	}
	var lossless [][]byte
	for p := 1; p <= 7; p++ {
		b, err := jpegll.Encode(nil, pixels, m, jpegll.Options{Predictor: p, Restart: p / 2, Separate: p == 3})
		if err != nil {
			t.Fatal(err)
		}
		lossless = append(lossless, b)
	}
	return []format{
		{name: "rle", decode: rle.Decode, want: m, seeds: [][]byte{packed}},
		{name: "jpegll", decode: jpegll.Decode, config: jpegll.DecodeConfig, seeds: lossless},
		{name: "jpeg", decode: jpeg.Decode, config: jpeg.DecodeConfig, seeds: files("jpeg/testdata/*.jpg")},
		{name: "jpegls", decode: jpegls.Decode, config: jpegls.DecodeConfig, seeds: files("jpegls/testdata/*.jls")},
		{name: "jpeg2000", decode: jpeg2000.Decode, config: jpeg2000.DecodeConfig, seeds: files("jpeg2000/testdata/*.j2k")},
	}
}

// damage changes, cuts, repeats or removes bytes.
func damage(r *rand.Rand, src []byte) []byte {
	b := bytes.Clone(src)
	for range 1 + r.IntN(6) {
		at := r.IntN(len(b))
		if r.IntN(3) == 0 {
			at = r.IntN(min(len(b), 120)) // headers
		}
		switch r.IntN(8) {
		case 0:
			b = b[:max(at, 1)]
		case 1:
			n := min(1+r.IntN(8), len(b)-at)
			b = append(b[:at:at], b[at+n:]...)
		case 2:
			n := min(1+r.IntN(40), len(b)-at)
			b = append(b[:at+n:at+n], b[at:]...)
		case 3:
			b[at] ^= 1 << r.IntN(8)
		case 4:
			b[at] = []byte{0, 1, 0x7f, 0x80, 0xff}[r.IntN(5)]
		default:
			b[at] = byte(r.Uint32())
		}
		if len(b) == 0 {
			return []byte{0}
		}
	}
	return b
}

// Damaged streams never make a decoder panic, nor allocate more than four
// times their length and the declared frame. Beyond that tables of fixed size
// are allowed. PLAQUERISK_MUTATIONS is how many streams per format.
func TestDamagedStreams(t *testing.T) {
	const fixed = 256 << 10
	n := 500
	if s := os.Getenv("PLAQUERISK_MUTATIONS"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	for _, f := range formats(t) {
		r := rand.New(rand.NewPCG(11, uint64(len(f.name))))
		var most float64
		for range n {
			src := damage(r, f.seeds[r.IntN(len(f.seeds))])
			want := f.want
			if f.config != nil {
				h, err := f.config(src)
				if err != nil || h.Rows*h.Columns*h.Samples > 1<<17 {
					continue
				}
				want = frame.Image{Rows: h.Rows, Columns: h.Columns, Samples: h.Samples, BitsAllocated: 16, BitsStored: 16, Signed: h.Signed}
				if h.Bits <= 8 {
					want.BitsAllocated, want.BitsStored = 8, 8
				}
			}
			dst := make([]byte, want.Size())
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f.decode(dst, src, want) // damaged or not, it returns
			runtime.ReadMemStats(&after)
			used := float64(after.TotalAlloc-before.TotalAlloc) - fixed
			if ratio := used / float64(len(src)+len(dst)); ratio > most {
				if most = ratio; ratio > 4 {
					t.Errorf("%s: %.0f bytes for a stream of %d and a frame of %d", f.name, used+fixed, len(src), len(dst))
				}
			}
		}
		t.Logf("%s: %d streams, at most %.2f times stream and frame", f.name, n, most)
	}
}
