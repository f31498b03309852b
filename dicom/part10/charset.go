package part10

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// set is a coded character set as it is designated to one half of the code
// table (ISO 2022): bytes are decoded in the upper or the lower half.
type set struct {
	decode encoding.Encoding
	prefix byte // written before each character in decode, if not 0
	bytes  int  // of a character
	upper  bool // occupies the upper half
}

// sets lists the sets by the number of their defined terms (PS3.3 C.12.1.1.2),
// with their escape sequences (PS3.3 tables C.12-3 and C.12-4).
var sets = []struct {
	number string // ISO_IR or ISO 2022 IR
	escape string
	set
}{
	{"6", "(B", set{charmap.ISO8859_1, 0, 1, false}},
	{"14", "(J", set{charmap.ISO8859_1, 0, 1, false}}, // JIS X 0201 romaji
	{"13", ")I", set{japanese.ShiftJIS, 0, 1, true}},  // JIS X 0201 katakana
	{"100", "-A", set{charmap.ISO8859_1, 0, 1, true}},
	{"101", "-B", set{charmap.ISO8859_2, 0, 1, true}},
	{"109", "-C", set{charmap.ISO8859_3, 0, 1, true}},
	{"110", "-D", set{charmap.ISO8859_4, 0, 1, true}},
	{"144", "-L", set{charmap.ISO8859_5, 0, 1, true}},
	{"127", "-G", set{charmap.ISO8859_6, 0, 1, true}},
	{"126", "-F", set{charmap.ISO8859_7, 0, 1, true}},
	{"138", "-H", set{charmap.ISO8859_8, 0, 1, true}},
	{"148", "-M", set{charmap.ISO8859_9, 0, 1, true}},
	{"203", "-b", set{charmap.ISO8859_15, 0, 1, true}},
	{"166", "-T", set{charmap.Windows874, 0, 1, true}},
	{"87", "$B", set{japanese.EUCJP, 0, 2, false}},
	{"87", "$@", set{japanese.EUCJP, 0, 2, false}},
	{"159", "$(D", set{japanese.EUCJP, 0x8f, 2, false}},
	{"149", "$)C", set{korean.EUCKR, 0, 2, true}},
	{"58", "$)A", set{simplifiedchinese.GBK, 0, 2, true}},
}

// whole lists the sets without code extension.
var whole = map[string]encoding.Encoding{
	"ISO_IR 192": unicode.UTF8, "GB18030": simplifiedchinese.GB18030, "GBK": simplifiedchinese.GBK,
}

// ascii tells whether b reads alike in all sets.
func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 || c == 0x1b {
			return false
		}
	}
	return true
}

// decodeText returns a value of the given representation in UTF-8.
func decodeText(b []byte, vr string, charsets []string) (string, error) {
	switch vr {
	case "SH", "LO", "ST", "LT", "UC", "UT", "PN", "UN":
	default: // the default repertoire
		return string(b), nil
	}
	first := ""
	if len(charsets) > 0 {
		first = strings.TrimSpace(charsets[0])
	}
	if e, ok := whole[first]; ok {
		s, err := e.NewDecoder().Bytes(b)
		if err != nil {
			return "", fmt.Errorf("text in %s: %w", first, err)
		}
		return string(s), nil
	}
	ascii := set{charmap.ISO8859_1, 0, 1, false}
	lower, upper := ascii, set{charmap.ISO8859_1, 0, 1, true}
	if number := strings.TrimPrefix(strings.TrimPrefix(first, "ISO_IR "), "ISO 2022 IR "); number != "" && number != "6" {
		found := false
		for _, s := range sets {
			if s.number == number {
				found = true
				if s.upper && s.bytes == 1 { // sets of two bytes begin with an escape sequence
					upper = s.set
				}
			}
		}
		if !found {
			return "", fmt.Errorf("character set %q is not known: %w", first, ErrDamaged)
		}
	}
	var out strings.Builder
	g0, g1 := lower, upper
	for len(b) > 0 {
		if b[0] == 0x1b {
			n, s, ok := escape(b[1:])
			if !ok {
				return "", fmt.Errorf("escape sequence %q is not known: %w", b[:min(4, len(b))], ErrDamaged)
			}
			if b = b[1+n:]; s.upper {
				g1 = s
			} else {
				g0 = s
			}
			continue
		}
		// At delimiters the initial sets are back (PS3.5 6.1.2.5.3).
		delimiters := "\r\n\f\t\\"
		if vr == "PN" {
			delimiters += "^="
		}
		// In sets of two bytes a byte of the lower half may look like one.
		if g0.bytes == 1 && strings.IndexByte(delimiters, b[0]) >= 0 {
			out.WriteByte(b[0])
			b = b[1:]
			g0, g1 = lower, upper
			continue
		}
		s := g0
		if b[0] >= 0x80 {
			s = g1
		}
		n := min(s.bytes, len(b))
		if b[0] < 0x21 { // space and control characters are in no set
			n, s = 1, ascii
		}
		if err := s.append(&out, b[:n]); err != nil {
			return "", err
		}
		b = b[n:]
	}
	return out.String(), nil
}

// escape finds the set of an escape sequence and its length without ESC.
func escape(b []byte) (n int, s set, ok bool) {
	for _, k := range sets {
		if bytes.HasPrefix(b, []byte(k.escape)) {
			return len(k.escape), k.set, true
		}
	}
	return 0, set{}, false
}

// append decodes one character.
func (s set) append(out *strings.Builder, b []byte) error {
	var code [3]byte
	c := code[:0]
	if s.prefix != 0 {
		c = append(c, s.prefix)
	}
	for _, v := range b {
		if s.bytes == 2 {
			v |= 0x80
		}
		c = append(c, v)
	}
	t, err := s.decode.NewDecoder().Bytes(c)
	if err != nil {
		return fmt.Errorf("bytes %x: %w", b, err)
	}
	out.Write(t)
	return nil
}
