package dicom_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/dicom/deidentify"
	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/dicom/pixel"
	"github.com/plaquerisk/plaquerisk/dicom/rtstruct"
	"github.com/plaquerisk/plaquerisk/dicom/seg"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// Limits of one damaged input: what is allocated beyond 2 MiB is at most four
// times the file with the pixels that it declares, and no reader takes longer.
const (
	slack   = 2 << 20 // a compressor has as much
	maxRate = 4
	maxTime = 10 * time.Second
	// tooMany pixels, bytes, are described but not decoded here.
	tooMany = 16 << 20
)

// reader is a reader, or some of one kind of file, with sound files.
type reader struct {
	name  string
	seeds [][]byte
	share int // of all inputs
	// read reads damaged bytes, also stored at path, and returns the bytes of
	// pixels that they declare.
	read func(b []byte, path string) (declared int64)
}

// Damaged files of every kind make no reader panic, hang or allocate more than
// a small multiple of what they hold. PLAQUERISK_FUZZ is the number of inputs.
func TestRobust(t *testing.T) {
	total := 3000
	if s := os.Getenv("PLAQUERISK_FUZZ"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		total = n
	}
	dir := t.TempDir()
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		if own, err := os.MkdirTemp("/dev/shm", "robust"); err == nil {
			defer os.RemoveAll(own)
			dir = own
		}
	}
	path := filepath.Join(dir, "input")
	all := readers(t)
	shares := 0
	for _, r := range all {
		shares += r.share
	}
	panics, hungry, inputs := 0.0, 0.0, 0
	worst, slowest := 0.0, time.Duration(0)
	for n, r := range all {
		rng := rand.New(rand.NewPCG(21, uint64(n)))
		for range total * r.share / shares {
			b := damaged(rng, r.seeds)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			inputs++
			declared, allocated, took, failure := attempt(r, b, path)
			slowest = max(slowest, took)
			rate := float64(allocated-slack) / float64(int64(len(b))+declared)
			worst = max(worst, rate)
			if failure != nil {
				panics++
			}
			if rate > maxRate {
				hungry++
			}
			if failure != nil || rate > maxRate || took > maxTime {
				kept := filepath.Join(os.TempDir(), fmt.Sprintf("robust-%s-%d", r.name, inputs))
				os.WriteFile(kept, b, 0o600)
				t.Errorf("%s: panic %v, %d bytes allocated for %d with %d declared, %v: %s", r.name, failure, allocated, len(b), declared, took, kept)
				if panics+hungry > 20 {
					t.Fatal("enough")
				}
			}
		}
	}
	verify.Check{Suite: "dicom robust", Case: fmt.Sprintf("%d damaged inputs of %d kinds", inputs, len(all)), Quantity: "panics", Source: "no file may stop the program", Got: panics}.Run(t)
	verify.Check{Suite: "dicom robust", Case: fmt.Sprintf("%d damaged inputs of %d kinds", inputs, len(all)), Quantity: "inputs for which more than 2 MiB + 4 × (file + declared pixels) was allocated", Source: "issue 7", Got: hungry}.Run(t)
	t.Logf("%d inputs; at most 2 MiB + %.2f × (file + declared pixels) allocated; slowest %v", inputs, max(worst, 0), slowest)
}

// attempt reads one input and measures.
func attempt(r reader, b []byte, path string) (declared, allocated int64, took time.Duration, failure any) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	func() {
		defer func() { failure = recover() }()
		declared = r.read(b, path)
	}()
	took = time.Since(start)
	runtime.ReadMemStats(&after)
	return declared, int64(after.TotalAlloc - before.TotalAlloc), took, failure
}

// damaged returns one of the seeds with one to eight faults.
func damaged(rng *rand.Rand, seeds [][]byte) []byte {
	b := bytes.Clone(seeds[rng.IntN(len(seeds))])
	for range 1 + rng.IntN(8) {
		if len(b) < 16 {
			return b
		}
		at := rng.IntN(len(b) - 8)
		if rng.IntN(2) == 0 { // headers are where the traps are
			at = rng.IntN(min(len(b)-8, 1400))
		}
		extremes := []uint32{0, 1, 0x7f, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0xe000fffe, 0xe00dfffe, 0xe0ddfffe, uint32(len(b))}
		switch rng.IntN(9) {
		case 0, 1:
			b[at] = byte(rng.Uint32())
		case 2:
			b[at] ^= 1 << rng.IntN(8)
		case 3:
			binary.LittleEndian.PutUint16(b[at:], uint16(extremes[rng.IntN(len(extremes))]))
		case 4:
			binary.LittleEndian.PutUint32(b[at:], extremes[rng.IntN(len(extremes))])
		case 5: // lost
			n := min(1+rng.IntN(64), len(b)-at)
			b = append(b[:at], b[at+n:]...)
		case 6: // twice
			n := min(1+rng.IntN(64), len(b)-at)
			b = append(b[:at+n:at+n], b[at:]...)
		case 7: // of another file
			o := seeds[rng.IntN(len(seeds))]
			from := rng.IntN(len(o))
			n := min(1+rng.IntN(200), len(o)-from)
			b = append(append(b[:at:at], o[from:from+n]...), b[at:]...)
		case 8: // cut
			if rng.IntN(4) == 0 {
				b = b[:at]
			} else {
				copy(b[at:], []string{"SQ", "UN", "OB", "OW", "UT", "DS", "US", "PN"}[rng.IntN(8)])
			}
		}
	}
	return b
}

// readers returns all of them with files of our own making.
func readers(t *testing.T) []reader {
	names, err := filepath.Glob("testdata/seeds/*.dcm")
	if err != nil || len(names) < 15 {
		t.Fatalf("%d seeds, %v", len(names), err)
	}
	var files [][]byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, b)
	}
	objects, grid := written(t)
	p, err := deidentify.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	p.AcceptBurnedIn = true
	all := []reader{
		{"dicom", files, 70, func(b []byte, path string) int64 {
			_, _ = p.File(io.Discard, bytes.NewReader(b), int64(len(b)))
			return values(b, grid)
		}},
		{"objects", objects, 8, func(b []byte, path string) int64 { return values(b, grid) }},
		{"series", files, 10, func(b []byte, path string) int64 { return values(b, grid) + series(path) }},
	}
	for kind, write := range map[string]func(io.Writer, [][]byte){"zip": zipped, "tar": tarred, "gz": gzipped, "zst": zstandard} {
		var b bytes.Buffer
		write(&b, [][]byte{files[0], files[len(files)-1]})
		all = append(all, reader{kind, [][]byte{b.Bytes()}, 1, func(_ []byte, path string) int64 { return series(path) }})
	}
	v := imaging.NewVolume(imaging.NewGrid([3]int{9, 8, 7}, [3]float64{1, 1, 2}, grid.Origin))
	for _, name := range []string{"v.nii", "v.nii.gz", "v.nrrd", "v.mha"} {
		var b bytes.Buffer
		if err := format.WriteVolume(&b, name, v); err != nil {
			t.Fatal(err)
		}
		all = append(all, reader{name, [][]byte{b.Bytes()}, 2, func(_ []byte, path string) (declared int64) {
			if v, err := format.ReadVolume(path); err == nil {
				declared += 4 * int64(len(v.Values))
			}
			if s, err := format.ReadSegmentation(path); err == nil {
				declared += 4 * int64(len(s.Layers)*s.Len())
			}
			return declared
		}})
	}
	return all
}

// values reads all values and pixels of a file, and what is drawn in it.
func values(b []byte, g *imaging.Grid) (declared int64) {
	f, err := part10.Open(bytes.NewReader(b), int64(len(b)), part10.DefaultLimits())
	if err != nil {
		return 0
	}
	walk(f.Data)
	if s, err := pixel.Open(f); err == nil {
		declared = int64(s.Frames) * int64(s.Size())
		if declared <= tooMany {
			dst := make([]byte, declared)
			if err := s.Read(context.Background(), dst, 0); err == nil && !s.Float {
				s.Values(make([]int32, s.Rows*s.Columns*s.Samples), dst[:s.Size()])
				declared += 2 * int64(s.Size()) // what this test adds
			}
		}
	}
	if seg.Is(f) {
		_, _ = seg.Read(context.Background(), f, g)
	}
	if rtstruct.Is(f) {
		_, _ = rtstruct.Read(f)
	}
	return declared
}

func walk(d part10.Dataset) {
	for e := range d.All() {
		nested := false
		for item := range e.Items() {
			nested = true
			walk(item)
		}
		if nested || e.Tag() == part10.PixelData {
			continue
		}
		switch e.VR() {
		case "US", "SS", "UL", "SL", "AT", "SV", "UV":
			_, _ = e.Ints()
		case "FL", "FD", "DS", "IS":
			_, _ = e.Floats()
		default:
			_, _ = e.Strings()
		}
	}
}

// series reads what can be read as a volume, whatever its kind.
func series(path string) (declared int64) {
	x, err := dicom.Scan(context.Background(), path)
	if err != nil {
		return 0
	}
	for n := range x.Series {
		s := &x.Series[n]
		if size := 4 * int64(s.Grid.Len()); size < tooMany {
			declared += size
			_, _ = dicom.Load(context.Background(), s, dicom.DefaultConfig())
		}
	}
	return declared
}

// written returns a segmentation and a structure set on a small series.
func written(t *testing.T) (objects [][]byte, g *imaging.Grid) {
	dir := t.TempDir()
	v := imaging.NewVolume(imaging.NewGrid([3]int{16, 12, 4}, [3]float64{0.4, 0.5, 0.6}, imaging.Grid{}.Origin))
	if err := dicom.Write(context.Background(), dir, v, dicom.DefaultMeta()); err != nil {
		t.Fatal(err)
	}
	x, err := dicom.Scan(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	src, err := object.ReadSource(context.Background(), &x.Series[0])
	if err != nil {
		t.Fatal(err)
	}
	m := imaging.NewMask(v.Grid)
	for k := 1; k < 3; k++ {
		for n := range 5 * 4 {
			m.In[m.Offset(5+n%5, 4+n/5, k)] = true
		}
	}
	meta := object.Meta{Seed: "robust", Program: "plaquerisk", Version: "0", Series: 9, Describe: "seed"}
	var a, b bytes.Buffer
	if err := seg.Write(&a, src, []seg.Region{{Name: "plaque", Mask: m, Category: object.Abnormal, Type: object.Plaque, Algorithm: "MANUAL"}}, &meta); err != nil {
		t.Fatal(err)
	}
	if err := rtstruct.Write(&b, src, []rtstruct.Region{{Name: "plaque", Mask: m, Algorithm: "MANUAL"}}, &meta); err != nil {
		t.Fatal(err)
	}
	return [][]byte{a.Bytes(), b.Bytes()}, &v.Grid
}

func zipped(w io.Writer, files [][]byte) {
	z := zip.NewWriter(w)
	for n, b := range files {
		e, _ := z.Create(fmt.Sprint("IM", n))
		e.Write(b)
	}
	z.Close()
}

func tarred(w io.Writer, files [][]byte) {
	z := tar.NewWriter(w)
	for n, b := range files {
		z.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprint("IM", n), Size: int64(len(b)), Mode: 0o600})
		z.Write(b)
	}
	z.Close()
}

func gzipped(w io.Writer, files [][]byte) {
	z := gzip.NewWriter(w)
	tarred(z, files)
	z.Close()
}

func zstandard(w io.Writer, files [][]byte) {
	z, _ := zstd.NewWriter(w)
	tarred(z, files)
	z.Close()
}
