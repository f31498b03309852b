package seg

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/internal/validate"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// small is the lattice of the made files: 8 columns, 6 rows.
var small = imaging.NewGrid([3]int{8, 6, 5}, [3]float64{0.5, 0.7, 1}, r3.Vec{X: -2, Y: 3, Z: 40})

// made returns a file with two frames, slices 1 and 3 of small, of a given type.
// Pixel n has the value n, of a LABELMAP n modulo 4; BINARY its lowest bit.
func made(t testing.TB, kind string) []byte {
	t.Helper()
	s := &part10.Set{}
	s.Text(sopClass, "UI", map[string]string{"LABELMAP": LabelMapStorage}[kind]+map[bool]string{true: Storage}[kind != "LABELMAP"])
	s.Text(0x00080018, "UI", "2.25.1")
	s.Text(frameOfReference, "UI", "2.25.2")
	s.Text(segmentationType, "CS", kind)
	s.Int(0x00280002, "US", 1)
	s.Text(0x00280004, "CS", "MONOCHROME2")
	s.Int(0x00280008, "IS", 2)
	s.Int(0x00280010, "US", small.Size[1])
	s.Int(0x00280011, "US", small.Size[0])
	bits := 8
	if kind == "BINARY" {
		bits = 1
	}
	s.Int(0x00280100, "US", bits)
	s.Int(0x00280101, "US", bits)
	s.Int(0x00280102, "US", bits-1)
	s.Int(0x00280103, "US", 0)
	if kind == "FRACTIONAL" {
		s.Int(maximumFraction, "US", 95)
	}
	if kind == "LABELMAP" {
		s.Int(pixelPadding, "US", 2)
	}
	var segments, frames []*part10.Set
	for n := range 3 {
		it := &part10.Set{}
		it.Int(segmentNumber, "US", n)
		it.Text(segmentLabel, "LO", "segment "+strconv.Itoa(n))
		if n > 0 || kind == "LABELMAP" {
			segments = append(segments, it)
		}
	}
	s.Items(segmentSequence, segments...)
	shared := &part10.Set{}
	o := &part10.Set{}
	o.Float(imageOrientation, "DS", 1, 0, 0, 0, 1, 0)
	shared.Items(planeOrientation, o)
	m := &part10.Set{}
	m.Float(pixelSpacing, "DS", small.Spacing[1], small.Spacing[0])
	m.Float(sliceThickness, "DS", 1)
	shared.Items(pixelMeasures, m)
	s.Items(0x52009229, shared)
	for n, k := range []int{3, 1} { // frames come in any order
		f := &part10.Set{}
		p := &part10.Set{}
		at := small.Point(0, 0, float64(k))
		p.Float(imagePosition, "DS", at.X, at.Y, at.Z)
		f.Items(planePosition, p)
		which := &part10.Set{}
		which.Int(referencedSegment, "US", n+1)
		f.Items(segmentIdentified, which)
		frames = append(frames, f)
	}
	s.Items(0x52009230, frames...)
	var pixels []byte
	area := small.Size[0] * small.Size[1]
	for n := range 2 * area {
		switch v := n % area; kind {
		case "BINARY":
			if n%8 == 0 {
				pixels = append(pixels, 0)
			}
			pixels[n/8] |= byte(v&1) << (n % 8)
		case "LABELMAP":
			pixels = append(pixels, byte(v%4))
		default:
			pixels = append(pixels, byte(2*v))
		}
	}
	s.Bytes(part10.PixelData, "OB", pixels)
	var b bytes.Buffer
	if err := s.Write(&b, "test"); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readBytes(b []byte) (*File, error) {
	f, err := part10.Open(bytes.NewReader(b), int64(len(b)), part10.DefaultLimits())
	if err != nil {
		return nil, err
	}
	return Read(context.Background(), f, &small)
}

// Of fractions, half of the whole is in; of label maps, neither number 0 nor the
// padding, and a number without a description is a segment without a name. The
// frames lie on their slices.
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		kind   string
		counts map[int32]int // voxels of each segment
		names  map[int32]string
	}{
		{"BINARY", map[int32]int{1: 24, 2: 24}, map[int32]string{1: "segment 1", 2: "segment 2"}},
		{"FRACTIONAL", map[int32]int{1: 24, 2: 24}, map[int32]string{1: "segment 1", 2: "segment 2"}}, // 48 of 95 is the first above half
		{"LABELMAP", map[int32]int{1: 24, 3: 24}, map[int32]string{1: "segment 1", 3: ""}},
	} {
		s, err := readBytes(made(t, c.kind))
		if err != nil {
			t.Errorf("%s: %v", c.kind, err)
			continue
		}
		if len(s.Segments) != len(c.counts) || s.Type != c.kind {
			t.Errorf("%s: %s, %+v", c.kind, s.Type, s.Segments)
		}
		for n, seg := range s.Segments {
			m := s.Mask(n)
			if m == nil || m.Count() != c.counts[seg.Value] || seg.Name != c.names[seg.Value] {
				t.Errorf("%s: segment %+v: %v", c.kind, seg, m)
				continue
			}
			f, err := imaging.Align(&small, &m.Grid, imaging.OnVoxels)
			if err != nil {
				t.Fatal(err)
			}
			for at, in := range m.In {
				i, j, k := m.Coords(at)
				if p := f.At(i, j, k); in && p[2] != 1 && p[2] != 3 {
					t.Errorf("%s: segment %d on slice %d", c.kind, seg.Value, p[2])
				}
			}
		}
	}
}

// damaged reads one damaged file and judges what came of it: a segmentation that
// fits its grid, or an error, within bounded memory.
func damaged(t *testing.T, b []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s, err := readBytes(b)
	runtime.ReadMemStats(&after)
	// Layers of 4 bytes for up to 2¹⁸ voxels and 16 of each pixel, of which a byte
	// holds up to 8, and the nodes of the headers.
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(1)<<22+1000*uint64(len(b)); got > most {
		t.Errorf("%d bytes allocated for a file of %d: %v", got, len(b), err)
	}
	if err != nil {
		return
	}
	for _, l := range s.Layers {
		if len(l) != s.Len() {
			t.Fatalf("layer of %d voxels on %v", len(l), s.Size)
		}
	}
	for n := range s.Segments {
		s.Mask(n)
	}
}

// FuzzRead: see damaged.
func FuzzRead(f *testing.F) {
	for _, kind := range []string{"BINARY", "FRACTIONAL", "LABELMAP"} {
		f.Add(made(f, kind))
	}
	f.Fuzz(damaged)
}

// TestDamaged is the part of fuzzing that every run of the tests repeats: bytes
// changed, numbers made large, pieces cut out. PLAQUERISK_FUZZ sets how many.
func TestDamaged(t *testing.T) {
	runs := 600
	if n, err := strconv.Atoi(os.Getenv("PLAQUERISK_FUZZ")); err == nil {
		runs = n
	}
	r := rand.New(rand.NewPCG(7, 62))
	seeds := [][]byte{made(t, "BINARY"), made(t, "FRACTIONAL"), made(t, "LABELMAP")}
	for range runs {
		damaged(t, validate.Damage(r, seeds[r.IntN(len(seeds))]))
	}
}
