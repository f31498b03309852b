package jpegll

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
	"github.com/plaquerisk/plaquerisk/dicom/codec/internal/sample"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// picture returns a frame with slopes, noise of the given width and, in its
// last row, jumps over the whole range.
func picture(m frame.Image, seed uint64, width int) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, m.Size())
	s := make([]uint16, m.Columns)
	for c := range m.Samples {
		for y := range m.Rows {
			for x := range s {
				s[x] = uint16(40*c+3*x+2*y+r.IntN(width)) & (1<<m.BitsStored - 1)
				if y == m.Rows-1 {
					s[x] = uint16(x%2) * (1<<m.BitsStored - 1)
				}
			}
			m.Put(b, y*m.Columns*m.Samples+c, m.Samples, s)
		}
	}
	return b
}

var images = []frame.Image{
	{Rows: 5, Columns: 7, Samples: 1, BitsAllocated: 8, BitsStored: 8},
	{Rows: 33, Columns: 31, Samples: 1, BitsAllocated: 16, BitsStored: 12},
	{Rows: 20, Columns: 9, Samples: 1, BitsAllocated: 16, BitsStored: 16},
	{Rows: 17, Columns: 12, Samples: 3, BitsAllocated: 8, BitsStored: 8},
	{Rows: 1, Columns: 1, Samples: 4, BitsAllocated: 16, BitsStored: 16},
}

// options returns every predictor, with and without restarts and with scans
// of their own.
func options() []Options {
	var all []Options
	for p := 1; p <= 7; p++ {
		for _, restart := range []int{0, 1, 3} {
			all = append(all, Options{Predictor: p, Restart: restart, Separate: restart == 1})
		}
	}
	return all
}

// Decoding is the inverse of encoding, and with a point transform loses the
// low bits alone.
func TestRoundTrip(t *testing.T) {
	for i, m := range images {
		for _, opt := range options() {
			for _, opt.Point = range []int{0, 2} {
				src := picture(m, uint64(i), 50)
				packed, err := Encode(nil, src, m, opt)
				if err != nil {
					t.Fatal(err)
				}
				if h, err := DecodeConfig(packed); err != nil || m.Accept(h) != nil {
					t.Fatalf("header %+v of %+v: %v", h, m, err)
				}
				dst := make([]byte, len(src))
				if err := Decode(dst, packed, m); err != nil {
					t.Fatalf("%+v %+v: %v", m, opt, err)
				}
				for k := range src {
					if low := k%(m.BitsAllocated/8) == 0; low {
						src[k] &^= 1<<opt.Point - 1
					}
				}
				if !bytes.Equal(dst, src) {
					t.Errorf("%+v %+v: other bytes come back", m, opt)
				}
			}
		}
	}
}

// dcmdjpeg (dcmtk, the code of the Independent JPEG Group) reads our streams
// as we wrote them. Its input is a data set around the stream.
func TestDCMTK(t *testing.T) {
	if testing.Short() {
		t.Skip("starts 84 processes")
	}
	dir := t.TempDir()
	for i, m := range images[:4] {
		worst := 0.0
		for _, opt := range options() {
			src := picture(m, uint64(i), 50)
			packed, err := Encode(nil, src, m, opt)
			if err != nil {
				t.Fatal(err)
			}
			in, out := filepath.Join(dir, "in.dcm"), filepath.Join(dir, "out.dcm")
			sample.Write(t, in, "1.2.840.10008.1.2.4.57", m, packed)
			sample.Run(t, "dcmdjpeg", in, out)
			if !bytes.HasPrefix(sample.Read(t, out).Fragments[0], src) {
				worst++
			}
		}
		verify.Check{
			Suite: "dicom pixels", Case: fmt.Sprintf("JPEG lossless written by us, %d samples of %d bits", m.Samples, m.BitsStored),
			Quantity: "streams that dcmdjpeg reads otherwise, of 21", Source: "dcmtk 3.6.7", Got: worst, Want: 0,
		}.Run(t)
	}
}

// A stream of another image, a cut one and one of another process are refused
// by their kind.
func TestRefuse(t *testing.T) {
	m := images[1]
	good, err := Encode(nil, picture(m, 1, 50), m, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	wide, narrow := m, m
	wide.Columns++
	narrow.BitsAllocated, narrow.BitsStored = 8, 8
	baseline := bytes.Replace(good, []byte{0xff, 0xc3}, []byte{0xff, 0xc0}, 1)
	for _, test := range []struct {
		name string
		src  []byte
		want frame.Image
		err  error
	}{
		{"empty", nil, m, frame.ErrDamaged},
		{"cut", good[:len(good)*2/3], m, frame.ErrDamaged},
		{"other columns", good, wide, frame.ErrMismatch},
		{"8 bits declared", good, narrow, frame.ErrMismatch},
		{"baseline", baseline, m, frame.ErrUnsupported},
	} {
		if err := Decode(make([]byte, test.want.Size()), test.src, test.want); !errors.Is(err, test.err) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for i, m := range images {
		for _, opt := range options() {
			b, _ := Encode(nil, picture(m, uint64(i), 9), m, opt)
			f.Add(b, uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, which uint8) {
		m := images[int(which)%len(images)]
		Decode(make([]byte, m.Size()), src, m)
	})
}

func BenchmarkDecode(b *testing.B) {
	m := frame.Image{Rows: 512, Columns: 512, Samples: 1, BitsAllocated: 16, BitsStored: 12}
	src, err := Encode(nil, picture(m, 1, 40), m, DefaultOptions())
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, m.Size())
	b.ReportAllocs()
	b.SetBytes(int64(len(dst)))
	for b.Loop() {
		if err := Decode(dst, src, m); err != nil {
			b.Fatal(err)
		}
	}
}
