package pixel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// open reads the pixels of a file.
func open(b []byte) (*Source, error) {
	f, err := part10.Open(bytes.NewReader(b), int64(len(b)), part10.DefaultLimits())
	if err != nil {
		return nil, err
	}
	return Open(f)
}

// expected returns the rows of expected.tsv.
func expected(t testing.TB) (root string, rows []map[string]string) {
	root = verify.Shared(t, "data", "dicom")
	b, err := os.ReadFile(filepath.Join(root, "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	columns := strings.Split(lines[0], "\t")
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, v := range strings.Split(line, "\t") {
			row[columns[i]] = v
		}
		rows = append(rows, row)
	}
	return root, rows
}

// refused lists samples with reference pixels that are not read, and why.
var refused = map[string]error{
	"odd/JPEG2000-embedded-sequence-delimiter.dcm": frame.ErrDamaged,     // 3722445056 columns
	"syntax/htj2k/HTJ2KLossless_08_RGB.dcm":        frame.ErrUnsupported, // high throughput
	"syntax/htj2k/HTJ2K_08_RGB.dcm":                frame.ErrUnsupported,
}

// lossy lists samples whose reference differs by rounding (package codec
// compares them sample by sample).
func lossy(s *Source) bool { return s.Compressed && s.Lossy }

// Every sample with reference pixels, native or compressed, in one frame or
// many, gives the stored values of pydicom and GDCM.
func TestSamples(t *testing.T) {
	if testing.Short() {
		t.Skip("package codec reads the compressed ones")
	}
	root, rows := expected(t)
	exact, rounded, wrong := 0, 0, 0.0
	for _, row := range rows {
		if row["sha256"] == "" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(root, row["path"]))
		if err != nil {
			t.Fatal(err)
		}
		s, err := open(b)
		var dst []byte
		if err == nil {
			dst = make([]byte, s.Frames*s.Size())
			err = s.Read(context.Background(), dst, 0)
		}
		if want := refused[row["path"]]; want != nil || err != nil {
			if want == nil || !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", row["path"], err, want)
				wrong++
			}
			continue
		}
		if s.BitsAllocated == 1 { // the reference has a byte for each
			dst = unpacked(s, dst)
		}
		sum := sha256.Sum256(dst)
		switch {
		case hex.EncodeToString(sum[:]) == row["sha256"]:
			exact++
		case lossy(s):
			rounded++
		default:
			t.Errorf("%s: other pixels", row["path"])
			wrong++
		}
	}
	verify.Check{
		Suite: "dicom pixels", Case: fmt.Sprintf("all samples: %d exact, %d lossy ones rounded otherwise", exact, rounded), Quantity: "files with other pixels",
		Source: "pydicom 2.3.1 with GDCM 3.0.21 (expected.tsv)", Got: wrong,
	}.Run(t)
}

// unpacked returns a byte for each pixel of one bit.
func unpacked(s *Source, src []byte) []byte {
	n := s.Rows * s.Columns * s.Samples
	out := make([]byte, 0, s.Frames*n)
	v := make([]int32, n)
	for i := range s.Frames {
		s.Values(v, src[i*s.Size():(i+1)*s.Size()])
		for _, x := range v {
			out = append(out, byte(x))
		}
	}
	return out
}

// A frame alone is what it is among all.
func TestSingleFrames(t *testing.T) {
	root := verify.Shared(t, "data", "dicom")
	for _, name := range []string{"syntax/native/liver_nonbyte_aligned.dcm", "syntax/rle/emri_small_RLE.dcm", "syntax/native/emri_small_big_endian.dcm", "syntax/jpeg2000/liver_j2k.dcm"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		s, err := open(b)
		if err != nil {
			t.Fatal(err)
		}
		all := make([]byte, s.Frames*s.Size())
		if err := s.Read(context.Background(), all, 0); err != nil {
			t.Fatal(err)
		}
		one := make([]byte, s.Size())
		for i := range s.Frames {
			if err := s.Read(context.Background(), one, i); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(one, all[i*s.Size():(i+1)*s.Size()]) {
				t.Errorf("%s: frame %d differs", name, i)
			}
		}
	}
}

// The sign stands at HighBit, and bits around the stored ones are left out.
func TestValues(t *testing.T) {
	s := &Source{Image: frame.Image{Rows: 1, Columns: 3, Samples: 1, BitsAllocated: 16, BitsStored: 12, Signed: true}, HighBit: 11}
	src := []byte{0xff, 0xff, 0x00, 0x08, 0xff, 0x77}
	for _, test := range []struct {
		high   int
		signed bool
		want   [3]int32
	}{
		{11, true, [3]int32{-1, -2048, 0x7ff}},
		{11, false, [3]int32{0xfff, 0x800, 0x7ff}},
		{15, true, [3]int32{-1, 0x080, 0x77f}},
		{0, true, [3]int32{-1, -2048, 0x7ff}}, // missing
	} {
		s.HighBit, s.Signed = test.high, test.signed
		var got [3]int32
		if s.Values(got[:], src); got != test.want {
			t.Errorf("high bit %d, signed %v: got %v, want %v", test.high, test.signed, got, test.want)
		}
	}
}

// Damaged files give an error or pixels, never a panic.
func TestDamagedFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("reads thousands of damaged files")
	}
	root, rows := expected(t)
	r := rand.New(rand.NewPCG(5, 2))
	for _, row := range rows {
		b, err := os.ReadFile(filepath.Join(root, row["path"]))
		if err != nil {
			t.Fatal(err)
		}
		if row["shape"] == "" || len(b) > 100<<10 {
			continue
		}
		for range 10 {
			c := bytes.Clone(b)
			for range 1 + r.IntN(5) {
				c[r.IntN(min(len(c), 4000))] = byte(r.Uint32())
			}
			s, err := open(c)
			if err != nil || s.Frames*s.Size() > 1<<24 {
				continue
			}
			s.Read(context.Background(), make([]byte, s.Frames*s.Size()), 0)
		}
	}
}
