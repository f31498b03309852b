package jpegll

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
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
	for _, tool := range []string{"dcmdjpeg", "dcmdump"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
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
			if err := os.WriteFile(in, part10(packed, m), 0o600); err != nil {
				t.Fatal(err)
			}
			if msg, err := exec.Command("dcmdjpeg", in, out).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, msg)
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if len(src)%2 == 1 {
				src = append(src, 0)
			}
			if !bytes.HasSuffix(got, src) {
				worst++
			}
		}
		verify.Check{
			Suite: "dicom pixels", Case: fmt.Sprintf("JPEG lossless written by us, %d samples of %d bits", m.Samples, m.BitsAllocated),
			Quantity: "streams that dcmdjpeg reads otherwise, of 21", Source: "dcmtk 3.6.7", Got: worst, Want: 0,
		}.Run(t)
	}
}

// part10 wraps a stream of JPEG lossless.
func part10(stream []byte, m frame.Image) []byte {
	b := append(make([]byte, 128), "DICM"...)
	put := func(group, element uint16, vr string, v []byte) {
		if len(v)%2 == 1 {
			v = append(v, 0)
		}
		b = append(b, byte(group), byte(group>>8), byte(element), byte(element>>8), vr[0], vr[1], byte(len(v)), byte(len(v)>>8))
		b = append(b, v...)
	}
	us := func(v int) []byte { return []byte{byte(v), byte(v >> 8)} }
	syntax := "1.2.840.10008.1.2.4.57\x00"
	put(2, 0, "UL", []byte{byte(8 + len(syntax)), 0, 0, 0})
	put(2, 0x10, "UI", []byte(syntax))
	put(8, 0x16, "UI", []byte("1.2.840.10008.5.1.4.1.1.7"))
	put(8, 0x18, "UI", []byte("2.25.1"))
	put(0x28, 2, "US", us(m.Samples))
	if m.Samples == 3 {
		put(0x28, 4, "CS", []byte("RGB"))
		put(0x28, 6, "US", us(0))
	} else {
		put(0x28, 4, "CS", []byte("MONOCHROME2"))
	}
	put(0x28, 0x10, "US", us(m.Rows))
	put(0x28, 0x11, "US", us(m.Columns))
	put(0x28, 0x100, "US", us(m.BitsAllocated))
	put(0x28, 0x101, "US", us(m.BitsStored))
	put(0x28, 0x102, "US", us(m.BitsStored-1))
	put(0x28, 0x103, "US", us(0))
	if len(stream)%2 == 1 {
		stream = append(stream, 0)
	}
	n := len(stream)
	b = append(b, 0xe0, 0x7f, 0x10, 0, 'O', 'B', 0, 0, 0xff, 0xff, 0xff, 0xff)
	b = append(b, 0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0)
	b = append(b, 0xfe, 0xff, 0, 0xe0, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	b = append(b, stream...)
	return append(b, 0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0)
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
