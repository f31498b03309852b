package jpeg2000

import (
	"encoding/binary"
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

// cases are pictures and options of opj_compress, one group for each part of
// the standard.
var cases = []struct {
	name    string
	samples int
	bits    int
	signed  bool
	lossy   bool
	options []string
}{
	{"levels", 1, 8, false, false, []string{"-n 1", "-n 2", "-n 6", "-n 4"}},
	{"depths", 1, 16, false, false, []string{"", "-n 3 -r 4,2,1"}},
	{"12 bits", 1, 12, false, false, []string{""}},
	{"2 bits", 1, 2, false, false, []string{"-n 3"}},
	{"signed", 1, 16, true, false, []string{"", "-n 3 -t 17,19"}},
	{"blocks and precincts", 1, 12, false, false, []string{"-b 4,4", "-b 64,4", "-b 16,32", "-n 3 -c [16,16],[8,8]", "-n 3 -c [32,16] -b 16,16", "-n 3 -c [8,8],[4,4],[2,2]"}},
	{"tiles and offsets", 1, 12, false, false, []string{"-n 3 -t 16,16", "-t 13,7 -n 3", "-d 5,3", "-n 3 -d 7,9 -t 16,16 -T 3,2", "-n 3 -t 16,16 -TP R", "-n 3 -TP L -r 10,5,1 -t 20,20"}},
	{"progressions", 3, 8, false, false, []string{
		"-p LRCP -n 3 -r 8,2,1 -c [16,16]", "-p RLCP -n 3 -r 8,2,1 -c [16,16]", "-p RPCL -n 3 -r 8,2,1 -c [16,16]", "-p PCRL -n 3 -r 8,2,1 -c [16,16]",
		"-p CPRL -n 3 -r 8,2,1 -c [16,16]", "-n 3 -p PCRL -t 20,20 -c [16,16] -d 3,5", "-n 4 -r 8,1 -POC T0=0,0,1,2,3,LRCP/T0=0,0,2,4,3,CPRL",
		"-SOP -EPH -PLT -TLM -r 4,1",
	}},
	{"colour", 3, 8, false, false, []string{"-mct 1", "-mct 0", "-n 3 -mct 1 -t 16,16"}},
	{"modes", 1, 12, false, false, []string{"-M 1", "-M 2", "-M 4", "-M 8", "-M 16", "-M 32", "-M 63", "-M 5", "-M 9 -b 16,16", "-M 1 -r 10,5,1"}},
	{"region of interest", 1, 8, false, false, []string{"-ROI c=0,U=4"}},
	{"irreversible", 1, 12, false, true, []string{"-I", "-I -r 5", "-I -r 20,10,4", "-n 3 -I -t 16,16 -d 3,1", "-I -n 1", "-I -M 1 -r 3", "-r 6"}},
	{"irreversible colour", 3, 8, false, true, []string{"-I", "-I -r 6", "-I -mct 0", "-I -n 5 -d 1,1"}},
}

// picture returns samples, component after component, as opj_compress reads
// them: slopes, waves, noise and edges.
func picture(rows, columns, samples, bits int, signed bool) []int32 {
	r := rand.New(rand.NewPCG(2, 5))
	top := float64(int(1)<<bits - 1)
	all := make([]int32, 0, rows*columns*samples)
	for c := range samples {
		for y := range rows {
			for x := range columns {
				v := 0.5 + 0.35*math.Sin(float64(x*(c+1))/5)*math.Cos(float64(y)/7) + 0.03*r.Float64()
				if x > columns/2 && y > rows/2 && x%9 < 4 {
					v = float64(c % 2)
				}
				s := int32(v*top + 0.5)
				if signed {
					s -= 1 << (bits - 1)
				}
				all = append(all, s)
			}
		}
	}
	return all
}

const high, wide = 37, 43

func imageOf(samples, bits int, signed bool) frame.Image {
	allocated := 8 * ((bits + 7) / 8)
	return frame.Image{Rows: high, Columns: wide, Samples: samples, BitsAllocated: allocated, BitsStored: bits, Signed: signed}
}

// bytesOf returns samples as opj_compress reads and opj_decompress writes them.
func bytesOf(s []int32, bits int) []byte {
	var b []byte
	for _, v := range s {
		if b = append(b, byte(v)); bits > 8 {
			b = append(b, byte(v>>8))
		}
	}
	return b
}

var update = flag.Bool("update", false, "write testdata with opj_compress and opj_decompress")

// Streams that OpenJPEG wrote decode to the picture, or, if lossy, to what
// OpenJPEG decodes, within 1.
func TestOpenJPEG(t *testing.T) {
	for _, test := range cases {
		m := imageOf(test.samples, test.bits, test.signed)
		src := picture(high, wide, test.samples, test.bits, test.signed)
		worst := 0.0
		for i, options := range test.options {
			name := fmt.Sprintf("testdata/%s-%d", strings.ReplaceAll(test.name, " ", "_"), i)
			if *update {
				encode(t, name, options, bytesOf(src, test.bits), test.samples, test.bits, test.signed, test.lossy)
			}
			stream, err := os.ReadFile(name + ".j2k")
			if err != nil {
				t.Fatal(err)
			}
			want := bytesOf(src, test.bits)
			if test.lossy {
				if want, err = os.ReadFile(name + ".raw"); err != nil {
					t.Fatal(err)
				}
			}
			dst := make([]byte, m.Size())
			if err := Decode(dst, stream, m); err != nil {
				t.Errorf("%s: %v", options, err)
				worst = math.Inf(1)
				continue
			}
			if d := difference(dst, want, m); d > 0 && (d > 1 || !test.lossy) {
				t.Errorf("%s %s: off by %g", test.name, options, d)
				worst = max(worst, d)
			} else {
				worst = max(worst, d)
			}
		}
		check := verify.Check{
			Suite: "dicom pixels", Case: fmt.Sprintf("JPEG 2000, %s: %d streams", test.name, len(test.options)),
			Quantity: "largest difference", Source: "OpenJPEG 2.5.0", Got: worst,
		}
		if test.lossy {
			check.Tol = 1
		}
		check.Run(t)
	}
}

// encode writes a stream, and if it is lossy what OpenJPEG makes of it.
func encode(t *testing.T, name, options string, src []byte, samples, bits int, signed, lossy bool) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.rawl"), filepath.Join(dir, "out.rawl")
	if err := os.WriteFile(in, src, 0o600); err != nil {
		t.Fatal(err)
	}
	sign := "u"
	if signed {
		sign = "s"
	}
	format := fmt.Sprintf("%d,%d,%d,%d,%s", wide, high, samples, bits, sign)
	sample.Run(t, "opj_compress", append([]string{"-i", in, "-o", name + ".j2k", "-F", format}, strings.Fields(options)...)...)
	if !lossy {
		return
	}
	sample.Run(t, "opj_decompress", "-i", name+".j2k", "-o", out)
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name+".raw", b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// difference returns the largest one between a decoded frame and samples,
// component after component.
func difference(dst, want []byte, m frame.Image) float64 {
	n := m.Rows * m.Columns
	got, ref := make([]uint16, n*m.Samples), make([]uint16, n*m.Samples)
	m.Get(got, dst, 0, 1)
	m.Get(ref, want, 0, 1)
	worst := 0
	for i := range n {
		for c := range m.Samples {
			d := int(int16(got[i*m.Samples+c])) - int(int16(ref[c*n+i]))
			worst = max(worst, d, -d)
		}
	}
	return float64(worst)
}

// A stream in JP2 boxes decodes like the stream alone.
func TestJP2(t *testing.T) {
	j2k, err := os.ReadFile("testdata/levels-2.j2k")
	if err != nil {
		t.Fatal(err)
	}
	box := func(kind string, body []byte) []byte {
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), kind...), body...)
	}
	jp2 := append(box("jP  ", []byte("\r\n\x87\n")), box("ftyp", []byte("jp2 \x00\x00\x00\x00jp2 "))...)
	jp2 = append(append(jp2, box("jp2h", nil)...), box("jp2c", j2k)...)
	m := imageOf(1, 8, false)
	a, b := make([]byte, m.Size()), make([]byte, m.Size())
	if err := errors.Join(Decode(a, j2k, m), Decode(b, jp2, m)); err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) {
		t.Error("other samples")
	}
	palette := append(box("jP  ", []byte("\r\n\x87\n")), box("jp2h", box("pclr", nil))...)
	if err := Decode(a, append(palette, box("jp2c", j2k)...), m); !errors.Is(err, frame.ErrUnsupported) {
		t.Errorf("palette: got %v", err)
	}
}

// Where stream and data set disagree about the sign, the data set reads the
// bits of the stream.
func TestSign(t *testing.T) {
	stream, err := os.ReadFile("testdata/12_bits-0.j2k")
	if err != nil {
		t.Fatal(err)
	}
	m := imageOf(1, 12, true)
	dst := make([]byte, m.Size())
	if err := Decode(dst, stream, m); err != nil {
		t.Fatal(err)
	}
	for i, v := range picture(high, wide, 1, 12, false) {
		if got, want := int16(binary.LittleEndian.Uint16(dst[2*i:])), int16(v<<4)>>4; got != want {
			t.Fatalf("sample %d: got %d, want %d of %d", i, got, want, v)
		}
	}
}

// What is damaged or not decoded is refused by its kind.
func TestRefuse(t *testing.T) {
	good, err := os.ReadFile("testdata/levels-2.j2k")
	if err != nil {
		t.Fatal(err)
	}
	m := imageOf(1, 8, false)
	broad := m
	broad.Columns++
	narrow := m
	narrow.BitsAllocated, narrow.BitsStored = 1, 1
	with := func(at int, b byte) []byte {
		s := append([]byte(nil), good...)
		s[at] = b
		return s
	}
	for _, test := range []struct {
		name string
		src  []byte
		want frame.Image
		err  error
	}{
		{"empty", nil, m, frame.ErrDamaged},
		{"cut", good[:len(good)-50], m, frame.ErrDamaged},
		{"columns", good, broad, frame.ErrMismatch},
		{"1 bit declared", good, narrow, frame.ErrMismatch},
		{"subsampled", with(43, 2), m, frame.ErrUnsupported},
		{"a tile of 1×1 that covers nothing", with(27, 0), m, frame.ErrDamaged},
	} {
		if err := Decode(make([]byte, test.want.Size()), test.src, test.want); !errors.Is(err, test.err) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.j2k")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		h, err := DecodeConfig(src)
		if err != nil || h.Rows*h.Columns > 1<<14 {
			return
		}
		m := frame.Image{Rows: h.Rows, Columns: h.Columns, Samples: h.Samples, BitsAllocated: 16, BitsStored: 16, Signed: h.Signed}
		Decode(make([]byte, m.Size()), src, m)
	})
}
