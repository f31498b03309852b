package codec

import (
	"fmt"
	"slices"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
)

// Fragment is a fragment of encapsulated pixel data: where it begins behind
// the offset table, counted from the tag of the first fragment's item, and its
// first bytes.
type Fragment struct {
	Offset int64
	Head   []byte // 12 bytes suffice
}

// Group tells which fragments form which frame: frame i has the fragments
// from starts[i] to starts[i+1]. It believes, in this order: as many fragments
// as frames; one frame; an offset table (basic or extended) whose entries all
// begin a fragment; the signature at the start of a stream. Offset tables are
// often empty and sometimes wrong.
func (s Syntax) Group(fragments []Fragment, offsets []int64, frames int) (starts []int, err error) {
	n := len(fragments)
	switch {
	case frames < 1 || n < frames:
		return nil, fmt.Errorf("%d fragments for %d frames: %w", n, frames, frame.ErrMismatch)
	case n == frames:
		starts = make([]int, n)
		for i := range starts {
			starts[i] = i
		}
		return append(starts, n), nil
	case frames == 1:
		return []int{0, n}, nil
	}
	if len(offsets) == frames && offsets[0] == fragments[0].Offset {
		for _, o := range offsets {
			i, ok := slices.BinarySearchFunc(fragments, o, func(f Fragment, o int64) int { return int(max(-1, min(1, f.Offset-o))) })
			if !ok || len(starts) > 0 && i <= starts[len(starts)-1] {
				break
			}
			starts = append(starts, i)
		}
		if len(starts) == frames {
			return append(starts, n), nil
		}
		starts = nil
	}
	if s.starts != nil {
		for i, f := range fragments {
			if s.starts(f.Head) {
				starts = append(starts, i)
			}
		}
		if len(starts) == frames && starts[0] == 0 {
			return append(starts, n), nil
		}
	}
	return nil, fmt.Errorf("%d fragments for %d frames, of which %d can be told to begin one: %w", n, frames, len(starts), frame.ErrMismatch)
}
