package codec

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
)

// Fragments become frames by count, by offset table and by signature, in this
// order; what cannot be told apart is refused.
func TestGroup(t *testing.T) {
	jpeg, _ := Lookup("1.2.840.10008.1.2.4.70")
	rle, _ := Lookup("1.2.840.10008.1.2.5")
	start, more := []byte{0xff, 0xd8, 0xff, 0xc3}, []byte{1, 2, 3, 4}
	fragments := []Fragment{{0, start}, {100, more}, {200, start}, {300, more}}
	for _, test := range []struct {
		name    string
		syntax  Syntax
		offsets []int64
		frames  int
		want    []int // nil if refused
	}{
		{"one each", rle, nil, 4, []int{0, 1, 2, 3, 4}},
		{"one frame", rle, []int64{0}, 1, []int{0, 4}},
		{"table", rle, []int64{0, 300}, 2, []int{0, 3, 4}},
		{"signature", jpeg, nil, 2, []int{0, 2, 4}},
		{"wrong table, signature", jpeg, []int64{0, 150}, 2, []int{0, 2, 4}},
		{"table that turns back", jpeg, []int64{0, 0}, 2, []int{0, 2, 4}},
		{"nothing to go by", rle, nil, 2, nil},
		{"wrong table", rle, []int64{0, 150}, 2, nil},
		{"too few", jpeg, nil, 5, nil},
	} {
		got, err := test.syntax.Group(fragments, test.offsets, test.frames)
		if !slices.Equal(got, test.want) || (err != nil) != (test.want == nil) {
			t.Errorf("%s: got %v, %v, want %v", test.name, got, err, test.want)
		}
	}
}

// Frames that are deflated or only put in fragments come back, in their
// places, and the one that is damaged is named.
func TestFrames(t *testing.T) {
	m := frame.Image{Rows: 4, Columns: 6, Samples: 1, BitsAllocated: 16, BitsStored: 16}
	want := make([]byte, 3*m.Size())
	for i := range want {
		want[i] = byte(i * i / 7)
	}
	var deflated, stored [][]byte
	for i := range 3 {
		one := want[i*m.Size():][:m.Size()]
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, 6)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(one); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		deflated, stored = append(deflated, append(b.Bytes(), 0)), append(stored, one)
	}
	for uid, src := range map[string][][]byte{"1.2.840.10008.1.2.8.1": deflated, "1.2.840.10008.1.2.1.98": stored} {
		s, ok := Lookup(uid)
		if !ok {
			t.Fatal(uid)
		}
		got := make([]byte, len(want))
		if err := s.Frames(context.Background(), got, src, m); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, other bytes", s.Name, err)
		}
		src[1] = src[1][:5]
		if err := s.Frames(context.Background(), got, src, m); !errors.Is(err, frame.ErrDamaged) || err.Error()[:8] != "frame 2:" {
			t.Errorf("%s: cut frame: %v", s.Name, err)
		}
	}
}
