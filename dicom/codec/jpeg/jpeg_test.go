package jpeg

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
	"github.com/plaquerisk/plaquerisk/dicom/codec/internal/sample"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// picture returns a frame with slopes, waves, noise and edges.
func picture(m frame.Image) []byte {
	r := rand.New(rand.NewPCG(1, 5))
	b := make([]byte, m.Size())
	top := float64(int(1)<<m.BitsStored - 1)
	s := make([]uint16, m.Columns)
	for y := range m.Rows {
		for c := range m.Samples {
			for x := range s {
				v := 0.5 + 0.3*math.Sin(float64(x*(c+1))/5)*math.Cos(float64(y)/7) + 0.05*r.Float64()
				if x > m.Columns/2 && y > m.Rows/2 && x%9 < 4 {
					v = float64(c%2) * 0.99
				}
				s[x] = uint16(v * top)
			}
			m.Put(b, y*m.Columns*m.Samples+c, m.Samples, s)
		}
	}
	return b
}

// cases are pictures and options of dcmcjpeg.
var cases = []struct {
	samples, bits int
	options       []string
}{
	{1, 8, []string{"+eb", "+eb +q 30", "+ee +q 95", "+eb -ho"}},
	{1, 12, []string{"+ee", "+ee +q 30"}},
	{3, 8, []string{"+eb +cr", "+eb +s2", "+eb +s4 +q 60", "+eb +n2 +q 30", "+eb +n1", "+ee +np"}},
}

var update = flag.Bool("update", false, "write testdata with dcmcjpeg and dcmdjpeg")

// Streams that the Independent JPEG Group's encoder wrote decode to the very
// samples that its decoder gives (both as dcmtk has them): depths, qualities,
// colour subsampling. Odd sizes leave blocks and pairs of samples incomplete.
func TestIJG(t *testing.T) {
	for _, test := range cases {
		worst := 0.0
		for _, options := range test.options {
			m := frame.Image{Rows: 37, Columns: 43, Samples: test.samples, BitsAllocated: 8 * ((test.bits + 7) / 8), BitsStored: test.bits}
			name := fmt.Sprintf("testdata/%dx%d%s", test.samples, test.bits, strings.ReplaceAll(strings.ReplaceAll(options, " ", ""), "+", "_"))
			if *update {
				encode(t, m, options, name)
			}
			worst = max(worst, compare(t, name, m))
		}
		verify.Check{
			Suite: "dicom pixels", Case: fmt.Sprintf("JPEG by dcmcjpeg, %d samples of %d bits, %d streams", test.samples, test.bits, len(test.options)),
			Quantity: "largest difference", Source: "dcmdjpeg of dcmtk 3.6.7 (IJG, islow)", Got: worst,
		}.Run(t)
	}
}

// Streams with restart markers decode to the samples of libjpeg-turbo.
func TestRestart(t *testing.T) {
	for name, samples := range map[string]int{"restart_grey": 1, "restart_420": 3} {
		m := frame.Image{Rows: 37, Columns: 43, Samples: samples, BitsAllocated: 8, BitsStored: 8}
		verify.Check{
			Suite: "dicom pixels", Case: "JPEG by Pillow, " + name, Quantity: "largest difference",
			Source: "Pillow 13.0 (libjpeg-turbo, islow)", Got: compare(t, "testdata/"+name, m),
		}.Run(t)
	}
}

// encode writes a stream of the picture, and what dcmdjpeg makes of it.
func encode(t *testing.T, m frame.Image, options, name string) {
	dir := t.TempDir()
	in, jpg, out := filepath.Join(dir, "in.dcm"), filepath.Join(dir, "jpg.dcm"), filepath.Join(dir, "out.dcm")
	sample.Write(t, in, sample.Native, m, picture(m))
	sample.Run(t, "dcmcjpeg", append(strings.Fields(options), in, jpg)...)
	sample.Run(t, "dcmdjpeg", "+cn", "+px", jpg, out)
	for ext, b := range map[string][]byte{".jpg": sample.Read(t, jpg).Fragments[0], ".raw": sample.Read(t, out).Fragments[0][:m.Size()]} {
		if err := os.WriteFile(name+ext, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// compare returns the largest difference between name.jpg and name.raw.
func compare(t *testing.T, name string, m frame.Image) float64 {
	t.Helper()
	src, err := os.ReadFile(name + ".jpg")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(name + ".raw")
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, m.Size())
	if err := Decode(dst, src, m); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	n := m.Rows * m.Columns * m.Samples
	x, y := make([]uint16, n), make([]uint16, n)
	m.Get(x, dst, 0, 1)
	m.Get(y, want, 0, 1)
	worst := 0
	for i := range x {
		worst = max(worst, int(x[i])-int(y[i]), int(y[i])-int(x[i]))
	}
	return float64(worst)
}

// What is damaged or not decoded is refused by its kind.
func TestRefuse(t *testing.T) {
	good, err := os.ReadFile("testdata/1x8_eb.jpg")
	if err != nil {
		t.Fatal(err)
	}
	m := frame.Image{Rows: 37, Columns: 43, Samples: 1, BitsAllocated: 8, BitsStored: 8}
	tall := m
	tall.Rows++
	progressive := bytes.Replace(good, []byte{0xff, 0xc0}, []byte{0xff, 0xc2}, 1)
	noTable := bytes.Replace(good, []byte{0xff, 0xdb}, []byte{0xff, 0xed}, 1)
	for _, test := range []struct {
		name string
		src  []byte
		want frame.Image
		err  error
	}{
		{"empty", nil, m, frame.ErrDamaged},
		{"cut", good[:len(good)-100], m, frame.ErrDamaged},
		{"rows", good, tall, frame.ErrMismatch},
		{"progressive", progressive, m, frame.ErrUnsupported},
		{"no quantiser", noTable, m, frame.ErrDamaged},
	} {
		if err := Decode(make([]byte, test.want.Size()), test.src, test.want); !errors.Is(err, test.err) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.jpg")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
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
