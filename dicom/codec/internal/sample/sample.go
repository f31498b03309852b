// Package sample reads and writes the Part 10 files that tests of codecs
// exchange with other programs. It trusts what it reads.
package sample

import (
	"encoding/binary"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
)

// File is what a test needs of a Part 10 file in explicit VR little endian.
type File struct {
	Syntax    string
	Image     frame.Image
	Frames    int
	Offsets   []int64  // the basic offset table
	Starts    []int64  // of the fragments, counted as the offsets are
	Fragments [][]byte // one, if the pixels are native
}

// Read reads a file that is known to be sound.
func Read(t testing.TB, path string) *File {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := &File{Frames: 1}
	le := binary.LittleEndian
	short := func(v []byte) int { return int(le.Uint16(v)) }
	at := 0
	if string(b[128:132]) == "DICM" {
		at = 132
	}
	for at+8 <= len(b) {
		tag := uint32(le.Uint16(b[at:]))<<16 | uint32(le.Uint16(b[at+2:]))
		n, value := int64(short(b[at+6:])), at+8
		switch string(b[at+4 : at+6]) {
		case "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV":
			n, value = int64(le.Uint32(b[at+8:])), at+12
		}
		if b[at+4] < 'A' || b[at+4] > 'Z' { // SC_rgb_jpeg.dcm names no representation
			n, value = int64(le.Uint32(b[at+4:])), at+8
		}
		if tag == 0x7fe00010 {
			if n == 0xffffffff {
				f.items(b[value:])
			} else {
				f.Fragments = [][]byte{b[value : value+int(n)]}
			}
			return f
		}
		if n == 0xffffffff {
			at = value + skipSequence(b[value:])
			continue
		}
		v := b[value : value+int(n)]
		switch tag {
		case 0x00020010:
			f.Syntax = strings.Trim(string(v), " \x00")
		case 0x00280002:
			f.Image.Samples = short(v)
		case 0x00280008:
			f.Frames, _ = strconv.Atoi(strings.Trim(string(v), " \x00"))
		case 0x00280010:
			f.Image.Rows = short(v)
		case 0x00280011:
			f.Image.Columns = short(v)
		case 0x00280100:
			f.Image.BitsAllocated = short(v)
		case 0x00280101:
			f.Image.BitsStored = short(v)
		case 0x00280103:
			f.Image.Signed = short(v) == 1
		}
		at = value + int(n)
	}
	t.Fatalf("%s: no pixel data", path)
	return nil
}

// skipSequence returns the length of a sequence of undefined length.
func skipSequence(b []byte) int {
	le := binary.LittleEndian
	depth, at := 1, 0
	for depth > 0 {
		tag := uint32(le.Uint16(b[at:]))<<16 | uint32(le.Uint16(b[at+2:]))
		n, value := le.Uint32(b[at+4:]), at+8
		switch {
		case tag == 0xfffee0dd || tag == 0xfffee00d:
			depth--
			at = value
			continue
		case tag == 0xfffee000:
		default:
			n = uint32(le.Uint16(b[at+6:]))
			switch string(b[at+4 : at+6]) {
			case "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV":
				n, value = le.Uint32(b[at+8:]), at+12
			}
		}
		at = value
		if n == 0xffffffff {
			depth++
		} else {
			at += int(n)
		}
	}
	return at
}

// items reads offset table and fragments.
func (f *File) items(b []byte) {
	le := binary.LittleEndian
	start := 0
	for at := 0; at+8 <= len(b) && le.Uint32(b[at:]) == 0xe000fffe; {
		n := min(int(le.Uint32(b[at+4:])), len(b)-at-8)
		v := b[at+8 : at+8+n]
		if at == 0 {
			for ; len(v) >= 4; v = v[4:] {
				f.Offsets = append(f.Offsets, int64(le.Uint32(v)))
			}
			start = 8 + n
		} else {
			f.Starts = append(f.Starts, int64(at-start))
			f.Fragments = append(f.Fragments, v)
		}
		at += 8 + n
	}
}

// Write stores one frame: native pixels if syntax is that of explicit VR little
// endian, otherwise a fragment.
func Write(t testing.TB, path, syntax string, m frame.Image, pixels []byte) {
	t.Helper()
	b := append(make([]byte, 128), "DICM"...)
	put := func(group, element uint16, vr string, v []byte) {
		if len(v)%2 == 1 {
			v = append(v, 0)
		}
		b = append(b, byte(group), byte(group>>8), byte(element), byte(element>>8), vr[0], vr[1], byte(len(v)), byte(len(v)>>8))
		b = append(b, v...)
	}
	us := func(v int) []byte { return []byte{byte(v), byte(v >> 8)} }
	put(2, 0, "UL", []byte{byte(8 + len(syntax) + len(syntax)%2), 0, 0, 0})
	put(2, 0x10, "UI", []byte(syntax))
	put(8, 0x16, "UI", []byte("1.2.840.10008.5.1.4.1.1.7"))
	put(8, 0x18, "UI", []byte("2.25.1"))
	put(0x28, 2, "US", us(m.Samples))
	if m.Samples == 3 {
		put(0x28, 4, "CS", []byte("RGB "))
		put(0x28, 6, "US", us(0))
	} else {
		put(0x28, 4, "CS", []byte("MONOCHROME2 "))
	}
	put(0x28, 0x10, "US", us(m.Rows))
	put(0x28, 0x11, "US", us(m.Columns))
	put(0x28, 0x100, "US", us(m.BitsAllocated))
	put(0x28, 0x101, "US", us(m.BitsStored))
	put(0x28, 0x102, "US", us(m.BitsStored-1))
	signed := 0
	if m.Signed {
		signed = 1
	}
	put(0x28, 0x103, "US", us(signed))
	pixels = append([]byte(nil), pixels...)
	if len(pixels)%2 == 1 {
		pixels = append(pixels, 0)
	}
	le := binary.LittleEndian
	b = append(b, 0xe0, 0x7f, 0x10, 0, 'O', 'W', 0, 0)
	if syntax == Native {
		b = append(le.AppendUint32(b, uint32(len(pixels))), pixels...)
	} else {
		b = append(b, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0, 0xe0)
		b = append(le.AppendUint32(b, uint32(len(pixels))), pixels...)
		b = append(b, 0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Native is the transfer syntax of native pixels.
const Native = "1.2.840.10008.1.2.1"

// Run starts another program, and skips the test if it is not installed.
func Run(t testing.TB, name string, arg ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(err)
	}
	if msg, err := exec.Command(name, arg...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(arg, " "), err, msg)
	}
}
