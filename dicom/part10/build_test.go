package part10

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"testing"
)

func written(t *testing.T, s *Set) *File {
	t.Helper()
	s.Text(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2")
	s.Text(0x00080018, "UI", "2.25.1")
	var b bytes.Buffer
	if err := s.Write(&b, "test"); err != nil {
		t.Fatal(err)
	}
	f, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if f.Damage != nil {
		t.Fatal(f.Damage)
	}
	return f
}

// What is put in any order is read back in the order of tags: text beyond ASCII,
// numbers, bytes of odd length, nested items; the last of two puts counts.
func TestBuild(t *testing.T) {
	s, item, inner := &Set{}, &Set{}, &Set{}
	s.Bytes(0x7fe00010, "OB", []byte{1, 2, 3})
	inner.Text(0x00080104, "LO", "Größe 大")
	item.Items(0x0040a168, inner)
	item.Int(0x00081160, "IS", -7, 12)
	s.Items(0x00081115, item, &Set{})
	s.Text(0x00080005, "CS", "ISO_IR 192")
	s.Text(0x00100010, "PN", "Müller^Ärztin=山田")
	s.Int(0x00280010, "US", 65535)
	s.Float(0x00200032, "DS", -1.0/3, 1e-7, math.Copysign(0, -1))
	s.Float(0x00409224, "FD", math.Pi)
	s.Text(0x00100010, "PN", "Meier^Ärztin=山田")
	s.Text(0x00080050, "SH", strings.Repeat("é", 20)+`\`)
	f := written(t, s)
	last := Tag(0)
	for e := range f.Data.All() {
		if e.Tag() <= last {
			t.Errorf("%v behind %v", e.Tag(), last)
		}
		last = e.Tag()
	}
	for tag, want := range map[Tag]string{0x00100010: "Meier^Ärztin=山田", 0x00080050: strings.Repeat("é", 16)} {
		if v, err := f.Data.Strings(tag); err != nil || len(v) != 1 || v[0] != want {
			t.Errorf("%v: %q, %v; want %q", tag, v, err, want)
		}
	}
	numbers := func(d Dataset, tag Tag) []float64 {
		e, ok := d.Lookup(tag)
		if !ok {
			t.Fatalf("%v is missing", tag)
		}
		v, err := e.Floats()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := numbers(f.Data, 0x00200032); math.Abs(v[0]+1.0/3) > 1e-12 || v[1] != 1e-7 || math.Signbit(v[2]) {
		t.Errorf("position %v", v)
	}
	if v := numbers(f.Data, 0x00409224); v[0] != math.Pi {
		t.Errorf("%v, want π", v)
	}
	e, _ := f.Data.Lookup(PixelData)
	if b, err := e.Bytes(); err != nil || !bytes.Equal(b, []byte{1, 2, 3, 0}) {
		t.Errorf("%v, %v", b, err)
	}
	seq, _ := f.Data.Lookup(0x00081115)
	n := 0
	for it := range seq.Items() {
		if n++; n > 1 {
			continue
		}
		if v := numbers(it, 0x00081160); len(v) != 2 || v[0] != -7 || v[1] != 12 {
			t.Errorf("integer string %v", v)
		}
		code, _ := it.Lookup(0x0040a168)
		for c := range code.Items() {
			if v, err := c.Strings(0x00080104); err != nil || v[0] != "Größe 大" {
				t.Errorf("%q, %v", v, err)
			}
		}
	}
	if n != 2 {
		t.Errorf("%d items, want 2", n)
	}
}

// A value that 16 bits cannot measure makes the file implicit, with all else kept.
func TestBuildLong(t *testing.T) {
	s := &Set{}
	many := make([]float64, 20000)
	for n := range many {
		many[n] = float64(n) / 8
	}
	item := &Set{}
	item.Float(0x30060050, "DS", many...)
	s.Items(0x30060040, item)
	s.Text(0x00080060, "CS", "RTSTRUCT")
	f := written(t, s)
	if f.Syntax != ImplicitLittle {
		t.Errorf("syntax %s, want implicit", f.Syntax)
	}
	seq, _ := f.Data.Lookup(0x30060040)
	for it := range seq.Items() {
		e, _ := it.Lookup(0x30060050)
		if v, err := e.Floats(); err != nil || len(v) != len(many) || v[19999] != many[19999] {
			t.Errorf("%d numbers, %v", len(v), err)
		}
	}
}

// What does not fit its representation is an error that names the element.
func TestBuildErrors(t *testing.T) {
	for name, put := range map[string]func(*Set){
		"(0028,0010)": func(s *Set) { s.Int(0x00280010, "US", 65536) },
		"(0008,0060)": func(s *Set) { s.Text(0x00080060, "CS", "MORE THAN SIXTEEN LETTERS") },
		"(0020,0032)": func(s *Set) { s.Float(0x00200032, "DS", math.NaN()) },
	} {
		s, item := &Set{}, &Set{}
		put(item)
		s.Items(0x00081115, item)
		if err := s.Write(&bytes.Buffer{}, "test"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (&Set{}).Write(&bytes.Buffer{}, "test"); err == nil {
		t.Error("an object without a class was written")
	}
}

// UIDs are of at most 64 characters, equal for equal parts only.
func TestUID(t *testing.T) {
	a, b, c := UID("x", "yz"), UID("xy", "z"), UID("x", "yz")
	if a != c || a == b || !regexp.MustCompile(`^2\.25\.[1-9][0-9]{1,38}$`).MatchString(a) {
		t.Errorf("%s, %s, %s", a, b, c)
	}
}
