package dicom

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// explicit returns one element in explicit little endian.
func explicit(t part10.Tag, vr string, value []byte) []byte {
	var e encoder
	e.put(tag(t), vr, string(value))
	return e.b
}

// macro returns a sequence of one item.
func macro(t part10.Tag, elements ...[]byte) []byte {
	return explicit(t, "SQ", items(bytes.Join(elements, nil)))
}

// items returns the value of a sequence.
func items(each ...[]byte) []byte {
	var b []byte
	for _, v := range each {
		b = append(b, 0xfe, 0xff, 0, 0xe0)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	return b
}

// enhance writes the slices of a folder as one enhanced image: the first phase
// as it is and, if there are two, a second one whose pixels are reversed.
func enhance(t testing.TB, dir string, phases int) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	var pixels []byte
	var groups [][]byte
	var first *part10.File
	value := func(f *part10.File, tag part10.Tag) []byte {
		e, ok := f.Data.Lookup(tag)
		if !ok {
			t.Fatalf("no %v", tag)
		}
		b, err := e.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for phase := range phases {
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := part10.Open(bytes.NewReader(b), int64(len(b)), part10.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = f
			}
			p := value(f, part10.PixelData)
			if phase == 1 {
				for i := 0; i < len(p)/2; i += 2 {
					k := len(p) - 2 - i
					p[i], p[i+1], p[k], p[k+1] = p[k], p[k+1], p[i], p[i+1]
				}
			}
			pixels = append(pixels, p...)
			percent := binary.LittleEndian.AppendUint64(nil, 0x4044000000000000) // 40.0
			if phase == 1 {
				percent = binary.LittleEndian.AppendUint64(nil, 0x4052c00000000000) // 75.0
			}
			groups = append(groups, bytes.Join([][]byte{
				macro(0x00189118, explicit(0x00209241, "FD", percent)),
				macro(0x00209113, explicit(0x00200032, "DS", value(f, 0x00200032))),
			}, nil))
		}
	}
	shared := bytes.Join([][]byte{
		macro(0x00209116, explicit(0x00200037, "DS", value(first, 0x00200037))),
		macro(0x00289110, explicit(0x00180050, "DS", value(first, 0x00180050)), explicit(0x00280030, "DS", value(first, 0x00280030))),
		macro(0x00289145, explicit(0x00281052, "DS", value(first, 0x00281052)), explicit(0x00281053, "DS", value(first, 0x00281053))),
	}, nil)
	moved := map[part10.Tag]bool{0x00200032: true, 0x00200037: true, 0x00280030: true, 0x00180050: true, 0x00281052: true, 0x00281053: true}
	var out bytes.Buffer
	err = first.Rewrite(&out, func(e part10.Element) part10.Edit {
		return part10.Edit{Delete: moved[e.Tag()], Replace: e.Tag() == part10.PixelData, Value: pixels}
	},
		part10.Added{Tag: 0x00280008, VR: "IS", Value: fmt.Append(nil, len(groups))},
		part10.Added{Tag: 0x52009229, VR: "SQ", Value: items(shared)}, part10.Added{Tag: 0x52009230, VR: "SQ", Value: items(groups...)})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "enhanced.dcm"), out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// An enhanced image is the volume of the slices it was made of; two phases in
// one file are two series.
func TestEnhanced(t *testing.T) {
	dir := writeSeries(t, ramp(grid(6)), DefaultMeta())
	want, err := Load(context.Background(), choose(t, dir), DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	got, err := Load(context.Background(), choose(t, enhance(t, dir, 1)), DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if got.SHA256 != want.SHA256 || got.Volume.Grid != want.Volume.Grid {
		t.Errorf("another volume: %+v, want %+v", got.Volume.Grid, want.Volume.Grid)
	}
	x, err := Scan(context.Background(), enhance(t, dir, 2))
	if err != nil {
		t.Fatal(err)
	}
	var phases []string
	for _, s := range x.Series {
		phases = append(phases, fmt.Sprintf("%s of %d slices", s.Phase, len(s.Slices)))
	}
	if got := strings.Join(phases, ", "); got != "40 % of 6 slices, 75 % of 6 slices" {
		t.Errorf("series: %s", got)
	}
}

// The frames of a real enhanced CT lie where pydicom says.
func TestEnhancedCT(t *testing.T) {
	root := verify.Shared(t, "data", "dicom")
	const name = "multiframe/eCT_Supplemental.dcm"
	all, err := readImages(&source{label: name, path: filepath.Join(root, name)})
	if err != nil || len(all) != 2 {
		t.Fatalf("%d images, %v", len(all), err)
	}
	for i, z := range []float64{-159, -149} {
		m := all[i]
		if m.geometryErr != nil || m.pixelErr != nil {
			t.Fatal(m.geometryErr, m.pixelErr)
		}
		verify.Check{Suite: "dicom series", Case: fmt.Sprintf("%s, frame %d", name, i+1), Quantity: "z, mm", Source: "pydicom 2.4.4", Got: m.position.Z, Want: z}.Run(t)
		verify.Check{Suite: "dicom series", Case: fmt.Sprintf("%s, frame %d", name, i+1), Quantity: "RescaleIntercept, HU", Source: "pydicom 2.4.4", Got: m.pixels.intercept, Want: -1024}.Run(t)
	}
}

// Groups of other frames than are declared make the file damaged.
func TestEnhancedRefused(t *testing.T) {
	dir := enhance(t, writeSeries(t, ramp(grid(6)), DefaultMeta()), 1)
	edit(t, dir, "enhanced.dcm", "\x28\x00\x08\x00IS\x02\x006 ", "\x28\x00\x08\x00IS\x02\x005 ")
	x, err := Scan(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Skipped) != 1 || x.Skipped[0].Tag != tFrames.String() {
		t.Errorf("skipped: %+v", x.Skipped)
	}
}
