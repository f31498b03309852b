package voxels

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Text turns numbers written as decimal text, with white space or commas
// between them, into the bytes of float64, little-endian.
func Text(r *bufio.Reader) io.Reader { return &decimals{r: r} }

type decimals struct {
	r   *bufio.Reader
	buf bytes.Buffer
}

func (d *decimals) Read(p []byte) (int, error) {
	for d.buf.Len() < len(p) {
		word, err := d.word()
		if err != nil {
			if d.buf.Len() > 0 && errors.Is(err, io.EOF) {
				break
			}
			return 0, err
		}
		x, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return 0, fmt.Errorf("ascii data: %.40q is not a number", word)
		}
		d.buf.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)))
	}
	return d.buf.Read(p)
}

// word returns the next word.
func (d *decimals) word() (string, error) {
	var w []byte
	for {
		b, err := d.r.ReadByte()
		if err != nil {
			if len(w) > 0 && errors.Is(err, io.EOF) {
				return string(w), nil
			}
			return "", err
		}
		if b <= ' ' || b == ',' {
			if len(w) > 0 {
				return string(w), nil
			}
			continue
		}
		if len(w) == 64 {
			return "", fmt.Errorf("ascii data: %.40q is not a number", w)
		}
		w = append(w, b)
	}
}
