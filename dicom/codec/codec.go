package codec

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
	"github.com/plaquerisk/plaquerisk/dicom/codec/jpeg"
	"github.com/plaquerisk/plaquerisk/dicom/codec/jpeg2000"
	"github.com/plaquerisk/plaquerisk/dicom/codec/jpegll"
	"github.com/plaquerisk/plaquerisk/dicom/codec/jpegls"
	"github.com/plaquerisk/plaquerisk/dicom/codec/rle"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Decoder stores the frame of src in dst, which has want.Size() bytes.
type Decoder func(dst, src []byte, want frame.Image) error

// Syntax is a transfer syntax with compressed frames.
type Syntax struct {
	UID  string
	Name string
	// Lossy tells that the encoder may have changed values.
	Lossy  bool
	Decode Decoder
	// starts tells whether a fragment begins a frame; nil if each does.
	starts func(fragment []byte) bool
}

// syntaxes lists what is decoded, by UID. The JPEG family is told apart by the
// stream, since files exist that name another process than they hold.
var syntaxes = []Syntax{
	{"1.2.840.10008.1.2.4.50", "JPEG baseline", true, anyJPEG, jpegStarts},
	{"1.2.840.10008.1.2.4.51", "JPEG extended", true, anyJPEG, jpegStarts},
	{"1.2.840.10008.1.2.4.57", "JPEG lossless", false, anyJPEG, jpegStarts},
	{"1.2.840.10008.1.2.4.70", "JPEG lossless, first-order prediction", false, anyJPEG, jpegStarts},
	{"1.2.840.10008.1.2.4.80", "JPEG-LS lossless", false, jpegls.Decode, jpegStarts},
	{"1.2.840.10008.1.2.4.81", "JPEG-LS near-lossless", true, jpegls.Decode, jpegStarts},
	{"1.2.840.10008.1.2.4.90", "JPEG 2000 lossless", false, jpeg2000.Decode, jpeg2000Starts},
	{"1.2.840.10008.1.2.4.91", "JPEG 2000", true, jpeg2000.Decode, jpeg2000Starts},
	{"1.2.840.10008.1.2.5", "RLE", false, rle.Decode, nil},
	{"1.2.840.10008.1.2.8.1", "deflated frames", false, inflate, nil},
	{"1.2.840.10008.1.2.1.98", "uncompressed in fragments", false, stored, nil},
}

// Lookup returns the transfer syntax with the given UID, and whether its
// frames can be decoded here.
func Lookup(uid string) (Syntax, bool) {
	i := slices.IndexFunc(syntaxes, func(s Syntax) bool { return s.UID == uid })
	if i < 0 {
		return Syntax{}, false
	}
	return syntaxes[i], true
}

// Frames decodes src, one stream per frame, in parallel into dst, frame after
// frame. Each frame starts on a byte, also with one bit per pixel.
func (s Syntax) Frames(ctx context.Context, dst []byte, src [][]byte, want frame.Image) error {
	size := want.Size()
	if len(dst) != size*len(src) {
		return fmt.Errorf("%s: %d frames have %d bytes, their buffer %d: %w", s.Name, len(src), size*len(src), len(dst), frame.ErrMismatch)
	}
	failed := make([]error, len(src))
	if err := par.For(ctx, len(src), func(i int) {
		failed[i] = s.Decode(dst[i*size:(i+1)*size], src[i], want)
	}); err != nil {
		return err
	}
	for i, err := range failed {
		if err != nil {
			return fmt.Errorf("frame %d: %w", i+1, err)
		}
	}
	return nil
}

// anyJPEG chooses by the process that the stream names.
func anyJPEG(dst, src []byte, want frame.Image) error {
	if jpeg.IsLossless(src) {
		return jpegll.Decode(dst, src, want)
	}
	return jpeg.Decode(dst, src, want)
}

// stored copies a frame that is in a fragment, but not compressed.
func stored(dst, src []byte, want frame.Image) error {
	if err := want.Check(dst); err != nil {
		return err
	}
	if copy(dst, src) < len(dst) {
		return fmt.Errorf("%d of %d bytes: %w", len(src), len(dst), frame.ErrDamaged)
	}
	return nil
}

// inflate decodes a deflated frame. Behind it the stream may be padded.
func inflate(dst, src []byte, want frame.Image) error {
	if err := want.Check(dst); err != nil {
		return fmt.Errorf("inflate: %w", err)
	}
	z := flate.NewReader(bytes.NewReader(src))
	defer z.Close()
	if n, err := io.ReadFull(z, dst); err != nil {
		return fmt.Errorf("inflate: %d of %d bytes: %w: %w", n, len(dst), frame.ErrDamaged, err)
	}
	return nil
}

func jpegStarts(b []byte) bool { return bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff}) }

func jpeg2000Starts(b []byte) bool {
	return bytes.HasPrefix(b, []byte{0xff, 0x4f, 0xff, 0x51}) || len(b) >= 12 && string(b[4:8]) == "jP  "
}
