package rle

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
)

// The rows of PS3.5 G.3: literal and replicate runs, and the code that means
// nothing.
func TestUnpack(t *testing.T) {
	dst := make([]byte, 9)
	got := unpack(dst, []byte{2, 1, 2, 3, 0x80, 0xfd, 7, 0, 9, 0}, 1, len(dst))
	if want := []byte{1, 2, 3, 7, 7, 7, 7, 9, 0}; got != 8 || !bytes.Equal(dst, want) {
		t.Errorf("got %d bytes %v, want 8 bytes %v", got, dst, want)
	}
}

// noise returns an image with runs of all lengths.
func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var b []byte
	for len(b) < n {
		v := byte(r.Uint32())
		for range 1 + int(r.ExpFloat64()*float64(seed%40)) {
			b = append(b, v)
		}
	}
	return b[:n]
}

var images = []frame.Image{
	{Rows: 3, Columns: 5, Samples: 1, BitsAllocated: 8, BitsStored: 8},
	{Rows: 16, Columns: 300, Samples: 1, BitsAllocated: 16, BitsStored: 12},
	{Rows: 7, Columns: 9, Samples: 3, BitsAllocated: 16, BitsStored: 16},
	{Rows: 9, Columns: 130, Samples: 3, BitsAllocated: 32, BitsStored: 32},
	{Rows: 11, Columns: 13, Samples: 1, BitsAllocated: 1, BitsStored: 1},
}

// Decoding is the inverse of encoding.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(50) {
		for _, m := range images {
			src := noise(seed, m.Size())
			packed, err := Encode(nil, src, m)
			if err != nil {
				t.Fatal(err)
			}
			dst := make([]byte, len(src))
			if err := Decode(dst, packed, m); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(dst, src) {
				t.Fatalf("seed %d, %+v: other bytes come back", seed, m)
			}
		}
	}
}

// What cannot be the declared frame is refused by its kind.
func TestRefuse(t *testing.T) {
	m := images[1]
	good, _ := Encode(nil, noise(3, m.Size()), m)
	colour := m
	colour.Samples = 3
	for _, test := range []struct {
		name string
		src  []byte
		want frame.Image
		err  error
	}{
		{"empty", nil, m, frame.ErrDamaged},
		{"cut", good[:len(good)/2], m, frame.ErrDamaged},
		{"colour declared", good, colour, frame.ErrMismatch},
	} {
		if err := Decode(make([]byte, test.want.Size()), test.src, test.want); !errors.Is(err, test.err) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.err)
		}
	}
	if err := Decode(make([]byte, 3), good, m); !errors.Is(err, frame.ErrMismatch) {
		t.Errorf("short buffer: got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for i, m := range images {
		b, _ := Encode(nil, noise(uint64(i+2), m.Size()), m)
		f.Add(b, uint8(i))
	}
	f.Fuzz(func(t *testing.T, src []byte, which uint8) {
		m := images[int(which)%len(images)]
		Decode(make([]byte, m.Size()), src, m)
	})
}

func BenchmarkDecode(b *testing.B) {
	m := frame.Image{Rows: 512, Columns: 512, Samples: 1, BitsAllocated: 16, BitsStored: 12}
	src, _ := Encode(nil, noise(2, m.Size()), m)
	dst := make([]byte, m.Size())
	b.ReportAllocs()
	b.SetBytes(int64(len(dst)))
	for b.Loop() {
		if err := Decode(dst, src, m); err != nil {
			b.Fatal(err)
		}
	}
}
