package pyradiomics

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math"
	"os"
	"strings"
)

// ReadPixels returns the type of the numbers in an image file, from the header
// of a NIfTI, NRRD or MetaImage file as ITK reads it. It is AutoPixels for a
// folder, another format, or a file that cannot be read: whoever reads the
// image says why.
func ReadPixels(path string) Pixels {
	f, err := os.Open(path)
	if err != nil {
		return AutoPixels
	}
	defer f.Close()
	r := bufio.NewReader(f)
	var head io.Reader = r
	if magic, _ := r.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		if head, err = gzip.NewReader(r); err != nil {
			return AutoPixels
		}
	}
	text := make([]byte, 8<<10)
	n, _ := io.ReadFull(head, text)
	return headerPixels(text[:n])
}

// headerPixels reads the first bytes of an image file.
func headerPixels(b []byte) Pixels {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if len(b) < 348 {
			break
		}
		switch order.Uint32(b) {
		case 348: // NIfTI-1: slope and intercept turn whole numbers into real ones
			slope, intercept := math.Float32frombits(order.Uint32(b[112:])), math.Float32frombits(order.Uint32(b[116:]))
			return niftiPixels(order.Uint16(b[70:]), float64(slope), float64(intercept))
		case 540:
			slope, intercept := math.Float64frombits(order.Uint64(b[176:])), math.Float64frombits(order.Uint64(b[184:]))
			return niftiPixels(order.Uint16(b[12:]), slope, intercept)
		}
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" {
			break // the end of a header of NRRD
		}
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "type" && bytes.HasPrefix(b, []byte("NRRD")) {
			return nrrdPixels[strings.TrimSpace(value)]
		}
		if key, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(key) == "ElementType" {
			return metaPixels[strings.TrimSpace(value)]
		}
	}
	return AutoPixels
}

// niftiPixels returns the type of a NIfTI code. With a slope or an intercept
// ITK reads real numbers.
func niftiPixels(code uint16, slope, intercept float64) Pixels {
	p := map[uint16]Pixels{2: Uint8, 4: Int16, 8: Int32, 16: Float32, 64: Float64, 256: Int8, 512: Uint16, 768: Uint32}[code]
	if _, _, whole := p.span(); whole && (slope != 0 && slope != 1 || intercept != 0 && slope != 0) {
		return Float32
	}
	return p
}

var nrrdPixels = map[string]Pixels{
	"signed char": Int8, "int8": Int8, "int8_t": Int8, "uchar": Uint8, "unsigned char": Uint8, "uint8": Uint8, "uint8_t": Uint8,
	"short": Int16, "short int": Int16, "signed short": Int16, "signed short int": Int16, "int16": Int16, "int16_t": Int16,
	"ushort": Uint16, "unsigned short": Uint16, "unsigned short int": Uint16, "uint16": Uint16, "uint16_t": Uint16,
	"int": Int32, "signed int": Int32, "int32": Int32, "int32_t": Int32, "uint": Uint32, "unsigned int": Uint32, "uint32": Uint32, "uint32_t": Uint32,
	"float": Float32, "double": Float64,
}

var metaPixels = map[string]Pixels{
	"MET_CHAR": Int8, "MET_UCHAR": Uint8, "MET_SHORT": Int16, "MET_USHORT": Uint16, "MET_INT": Int32, "MET_LONG": Int32,
	"MET_UINT": Uint32, "MET_ULONG": Uint32, "MET_FLOAT": Float32, "MET_DOUBLE": Float64,
}
