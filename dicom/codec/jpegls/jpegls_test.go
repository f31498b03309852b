package jpegls

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
	"github.com/plaquerisk/plaquerisk/dicom/codec/internal/sample"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// annexH is the example of T.87 H.3: an image of 4×4 samples and its stream.
var annexH = struct {
	image  frame.Image
	pixels []byte
	stream string
}{
	frame.Image{Rows: 4, Columns: 4, Samples: 1, BitsAllocated: 8, BitsStored: 8},
	[]byte{0, 0, 90, 74, 68, 50, 43, 205, 64, 145, 145, 145, 100, 145, 145, 145},
	"\xff\xd8\xff\xf7\x00\x0b\x08\x00\x04\x00\x04\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00" +
		"\xc0\x00\x00\x6c\x80\x20\x8e\x01\xc0\x00\x00\x57\x40\x00\x00\x6e\xe6\x00\x00\x01\xbc\x18\x00\x00\x05\xd8\x00\x00\x91\x60\xff\xd9",
}

// The example of the standard decodes to its image.
func TestStandard(t *testing.T) {
	dst := make([]byte, annexH.image.Size())
	if err := Decode(dst, []byte(annexH.stream), annexH.image); err != nil {
		t.Fatal(err)
	}
	wrong := 0.0
	for i := range dst {
		if dst[i] != annexH.pixels[i] {
			wrong++
		}
	}
	verify.Check{
		Suite: "dicom pixels", Case: "JPEG-LS, image of 4×4 samples", Quantity: "wrong samples",
		Source: "ITU-T T.87 H.3", Got: wrong, Want: 0,
	}.Run(t)
}

// picture returns a frame with slopes, noise, flat areas and jumps.
func picture(m frame.Image, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 3))
	b := make([]byte, m.Size())
	s := make([]uint16, m.Columns)
	top := 1<<m.BitsStored - 1
	for y := range m.Rows {
		for c := range m.Samples {
			for x := range s {
				v := 20*c + 3*x + 2*y + r.IntN(1+top/64)
				switch {
				case y%16 > 9:
					v = top / 3 * (x / 29 % 3)
				case y%16 == 9:
					v = r.IntN(top + 1)
				}
				s[x] = uint16(v & top)
			}
			m.Put(b, y*m.Columns*m.Samples+c, m.Samples, s)
		}
	}
	return b
}

// worst returns the largest difference of samples.
func worst(a, b []byte, m frame.Image) float64 {
	n := m.Rows * m.Columns * m.Samples
	x, y := make([]uint16, n), make([]uint16, n)
	m.Get(x, a, 0, 1)
	m.Get(y, b, 0, 1)
	w := 0
	for i := range x {
		w = max(w, int(x[i])-int(y[i]), int(y[i])-int(x[i]))
	}
	return float64(w)
}

// cases are pictures and options of dcmcjpls: depths, interleavings,
// thresholds, resets, errors.
var cases = []struct {
	samples, bits int
	options       []string
}{
	{1, 8, []string{"", "+en +md 1", "+en +md 3", "+pc +t1 4 +t2 9 +t3 30", "+pc +rs 32", "+pc +rs 100 +en +md 2"}},
	{1, 16, []string{"", "+en +md 1", "+en +md 7", "+en +md 255", "+pc +t1 40 +t2 99 +t3 3000", "+pc +rs 255"}},
	{1, 12, []string{"+pc", "+en +md 2", "+en +md 10 +pc"}},
	{1, 10, []string{"+pc", "+en +md 1"}},
	{3, 8, []string{"+il", "+is", "+in", "+il +en +md 2", "+is +en +md 3", "+in +en +md 1", "+is +pc +rs 40 +t1 4"}},
}

// near returns the error that options allow.
func near(options string) (n float64) {
	if i := strings.Index(options, "+md "); i >= 0 {
		fmt.Sscan(options[i+4:], &n)
	}
	return n
}

// encoded returns the stream that dcmcjpls makes of a frame.
func encoded(t *testing.T, m frame.Image, src []byte, options string) []byte {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.dcm"), filepath.Join(dir, "out.dcm")
	sample.Write(t, in, sample.Native, m, src)
	sample.Run(t, "dcmcjpls", append(strings.Fields(options), in, out)...)
	return sample.Read(t, out).Fragments[0]
}

// Streams that CharLS wrote come back as the image, or within the error that
// was allowed.
func TestCharLS(t *testing.T) {
	if testing.Short() {
		t.Skip("starts 24 processes")
	}
	for _, test := range cases {
		m := frame.Image{Rows: 70, Columns: 93, Samples: test.samples, BitsAllocated: 8 * ((test.bits + 7) / 8), BitsStored: test.bits}
		src := picture(m, uint64(test.bits))
		over := 0.0
		for _, options := range test.options {
			dst := make([]byte, len(src))
			if err := Decode(dst, encoded(t, m, src, options), m); err != nil {
				t.Errorf("%d bits %s: %v", test.bits, options, err)
				continue
			}
			if w := worst(dst, src, m); w > near(options) {
				t.Errorf("%d samples of %d bits, %s: off by %g", test.samples, test.bits, options, w)
				over++
			}
		}
		verify.Check{
			Suite: "dicom pixels", Case: fmt.Sprintf("JPEG-LS by CharLS, %d samples of %d bits", test.samples, test.bits),
			Quantity: fmt.Sprintf("streams beyond their allowed error, of %d", len(test.options)), Source: "dcmtk 3.6.7", Got: over, Want: 0,
		}.Run(t)
	}
}

var update = flag.Bool("update", false, "write testdata with dcmcjpls")

// The streams in testdata come back within their error.
func TestSmall(t *testing.T) {
	for _, test := range cases {
		m := frame.Image{Rows: 21, Columns: 19, Samples: test.samples, BitsAllocated: 8 * ((test.bits + 7) / 8), BitsStored: test.bits}
		src := picture(m, uint64(test.bits))
		for _, options := range test.options {
			name := fmt.Sprintf("testdata/%dx%d%s.jls", test.samples, test.bits, strings.ReplaceAll(strings.ReplaceAll(options, " ", ""), "+", "_"))
			if *update {
				if err := os.WriteFile(name, encoded(t, m, src, options), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			dst := make([]byte, len(src))
			if err := Decode(dst, b, m); err != nil {
				t.Fatal(err)
			}
			if w := worst(dst, src, m); w > near(options) {
				t.Errorf("%s: off by %g, allowed %g", name, w, near(options))
			}
		}
	}
}

// What is damaged or not decoded is refused by its kind.
func TestRefuse(t *testing.T) {
	good := annexH.stream
	with := func(segment string) string { return good[:15] + segment + good[15:] }
	wide := annexH.image
	wide.Columns = 5
	for _, test := range []struct {
		name, stream string
		want         frame.Image
		err          error
	}{
		{"empty", "", annexH.image, frame.ErrDamaged},
		{"cut", good[:40], annexH.image, frame.ErrDamaged},
		{"columns", good, wide, frame.ErrMismatch},
		{"mapping table", with("\xff\xf8\x00\x05\x02\x01\x01"), annexH.image, frame.ErrUnsupported},
		{"colour transform", with("\xff\xe8\x00\x07mrfx\x01"), annexH.image, frame.ErrUnsupported},
		{"thresholds", with("\xff\xf8\x00\x0d\x01\x00\xff\x00\x09\x00\x05\x00\x03\x00\x40"), annexH.image, frame.ErrDamaged},
		{"restart", with("\xff\xdd\x00\x04\x00\x01"), annexH.image, frame.ErrUnsupported},
	} {
		if err := Decode(make([]byte, test.want.Size()), []byte(test.stream), test.want); !errors.Is(err, test.err) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.err)
		}
	}
}

// seeds returns the streams of testdata.
func seeds(t testing.TB) map[string][]byte {
	files, err := filepath.Glob("testdata/*.jls")
	if err != nil || len(files) == 0 {
		t.Fatalf("no streams in testdata: %v", err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		if all[f], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(annexH.stream))
	for _, b := range seeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		h, err := DecodeConfig(src)
		if err != nil || h.Rows*h.Columns > 1<<16 {
			return
		}
		m := frame.Image{Rows: h.Rows, Columns: h.Columns, Samples: h.Samples, BitsAllocated: 8 * ((h.Bits + 7) / 8), BitsStored: h.Bits}
		Decode(make([]byte, m.Size()), src, m)
	})
}
