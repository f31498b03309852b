package risk

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Number is a float64 that may be undefined (NaN), which JSON writes as null.
type Number float64

// NaN is the undefined number.
func NaN() Number { return Number(math.NaN()) }

// Defined tells whether n holds a value.
func (n Number) Defined() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// MarshalJSON writes the shortest decimal that reads back as n.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Defined() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads null as NaN.
func (n *Number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = NaN()
		return nil
	}
	x, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("number %s: %w", b, err)
	}
	*n = Number(x)
	return nil
}

// Samples are float32 values, written as base64 of little-endian bytes: a
// picture of 300×100 pixels takes 160 kB instead of some 300 kB as decimals.
type Samples []float32

// MarshalJSON writes base64.
func (s Samples) MarshalJSON() ([]byte, error) {
	raw := make([]byte, 4*len(s))
	for n, x := range s {
		binary.LittleEndian.PutUint32(raw[4*n:], math.Float32bits(x))
	}
	return json.Marshal(raw)
}

// UnmarshalJSON reads base64.
func (s *Samples) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("samples: %w", err)
	}
	if len(raw)%4 != 0 {
		return fmt.Errorf("samples: %d bytes, want a multiple of 4", len(raw))
	}
	*s = make(Samples, len(raw)/4)
	for n := range *s {
		(*s)[n] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*n:]))
	}
	return nil
}
