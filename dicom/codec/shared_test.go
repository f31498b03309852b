package codec

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
	"github.com/plaquerisk/plaquerisk/dicom/codec/internal/sample"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// decode returns all frames.
func decode(f *sample.File) ([]byte, error) {
	s, ok := Lookup(f.Syntax)
	if !ok {
		return nil, fmt.Errorf("transfer syntax %s: %w", f.Syntax, frame.ErrUnsupported)
	}
	fragments := make([]Fragment, len(f.Fragments))
	for i, b := range f.Fragments {
		fragments[i] = Fragment{Offset: f.Starts[i], Head: b[:min(12, len(b))]}
	}
	starts, err := s.Group(fragments, f.Offsets, f.Frames)
	if err != nil {
		return nil, err
	}
	frames := make([][]byte, f.Frames)
	for i := range frames {
		frames[i] = bytes.Join(f.Fragments[starts[i]:starts[i+1]], nil)
	}
	dst := make([]byte, f.Frames*f.Image.Size())
	return dst, s.Frames(context.Background(), dst, frames, f.Image)
}

// expected reads the rows of expected.tsv with compressed pixels.
func expected(t testing.TB) (dir string, rows []map[string]string) {
	dir = verify.Shared(t, "data", "dicom")
	b, err := os.ReadFile(filepath.Join(dir, "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	names := strings.Split(lines[0], "\t")
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, v := range strings.Split(line, "\t") {
			row[names[i]] = v
		}
		if _, ok := Lookup(row["ts"]); ok {
			rows = append(rows, row)
		}
	}
	return dir, rows
}

// refused lists the samples that hold no image, and what is wrong with them.
var refused = map[string]error{
	"odd/JPEG2000-embedded-sequence-delimiter.dcm": frame.ErrDamaged, // 3722445056 columns
}

// Every compressed sample decodes to the stored values of GDCM: lossless ones
// bit for bit, lossy ones to 1, lossy colour to 2.
func TestSamples(t *testing.T) {
	dir, rows := expected(t)
	for _, row := range rows {
		path := filepath.Join(dir, row["path"])
		if want := refused[row["path"]]; want != nil {
			if _, err := decode(sample.Read(t, path)); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", row["path"], err, want)
			}
			continue
		}
		if row["sha256"] == "" {
			continue
		}
		t.Run(row["path"], func(t *testing.T) {
			f := sample.Read(t, path)
			dst, err := decode(f)
			if err != nil {
				t.Fatal(err)
			}
			check := verify.Check{
				Suite: "dicom pixels", Case: row["path"], Quantity: "SHA-256 differs",
				Source: "GDCM 3.0.21 (expected.tsv)",
			}
			if sum := sha256.Sum256(dst); hex.EncodeToString(sum[:]) != row["sha256"] {
				check.Got = 1
				if s, _ := Lookup(f.Syntax); s.Lossy {
					check.Quantity, check.Tol = "largest difference of stored values", 1
					if f.Image.Samples > 1 {
						check.Tol = 2
					}
					check.Got = worst(f.Image, dst, byGDCM(t, path))
				}
			}
			check.Run(t)
		})
	}
}

// byGDCM returns the pixels as GDCM's converter decodes them.
func byGDCM(t *testing.T, path string) []byte {
	out := filepath.Join(t.TempDir(), "raw.dcm")
	sample.Run(t, "gdcmconv", "--raw", path, out)
	return sample.Read(t, out).Fragments[0]
}

// worst returns the largest difference of samples of 8 or 16 bits.
func worst(m frame.Image, a, b []byte) float64 {
	x, y := make([]uint16, len(a)*8/m.BitsAllocated), make([]uint16, len(a)*8/m.BitsAllocated)
	m.Get(x, a, 0, 1)
	m.Get(y, b, 0, 1)
	w := 0
	for i := range x {
		d := int(x[i]) - int(y[i])
		if m.Signed && m.BitsAllocated == 16 {
			d = int(int16(x[i])) - int(int16(y[i]))
		}
		w = max(w, d, -d)
	}
	return float64(w)
}

// The 1-bit segmentations decode to the frames of the native one.
func TestOneBit(t *testing.T) {
	dir, _ := expected(t)
	want := sample.Read(t, filepath.Join(dir, "seg/ct-3slice/liver.seg.dcm")).Fragments[0]
	for _, path := range []string{"syntax/rle/liver_rle.dcm", "syntax/jpeg2000/liver_j2k.dcm", "syntax/native/liver_deflate.dcm"} {
		got, err := decode(sample.Read(t, filepath.Join(dir, path)))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		wrong := 0
		for i := range got {
			wrong += bits.OnesCount8(got[i] ^ want[i])
		}
		verify.Check{
			Suite: "dicom pixels", Case: path, Quantity: "wrong bits of 3 frames", Source: "the native file of the same data",
			Got: float64(wrong),
		}.Run(t)
	}
}
