package suyash

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// parse is the library's own parser; it panics on some files.
func parse(b []byte) (d dicom.Dataset, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return dicom.Parse(bytes.NewReader(b), int64(len(b)), nil, dicom.SkipPixelData())
}

// Where the library's parser gives a data set, ours gives the same one, apart
// from what decision 0020 lists: text beyond ASCII, tags as values, and
// representations that depend on the sign of pixels or were not known.
func TestLibrary(t *testing.T) {
	root := verify.Shared(t, "data", "dicom")
	files, elements, wrong := 0, 0, 0.0
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(p) != ".dcm" {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		want, err := parse(b)
		if err != nil {
			return nil
		}
		f, err := part10.Open(bytes.NewReader(b), int64(len(b)), part10.DefaultLimits())
		if err != nil {
			t.Errorf("%s: the library reads it, we do not: %v", p, err)
			wrong++
			return nil
		}
		if f.Damage != nil { // the library gives the element that is cut, we do not
			return nil
		}
		got, err := Dataset(f)
		if err != nil {
			t.Errorf("%s: %v", p, err)
			wrong++
			return nil
		}
		files++
		n, differences := compare(got.Elements, want.Elements)
		elements += n
		for _, d := range differences {
			t.Errorf("%s: %s", strings.TrimPrefix(p, root), d)
			wrong++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	verify.Check{
		Suite: "dicom data sets", Case: fmt.Sprintf("%d elements of %d samples", elements, files), Quantity: "read otherwise",
		Source: "github.com/suyashkumar/dicom v1.1.0", Got: wrong,
	}.Run(t)
}

// compare returns how many elements there are and how those of a differ from
// those of b.
func compare(a, b []*dicom.Element) (n int, differences []string) {
	if len(a) != len(b) {
		return 0, []string{fmt.Sprintf("%d elements, want %d", len(a), len(b))}
	}
	for i := range a {
		n++
		x, y := a[i], b[i]
		if x.Tag != y.Tag {
			return n, append(differences, fmt.Sprintf("%v instead of %v", x.Tag, y.Tag))
		}
		u, v := x.Value.GetValue(), y.Value.GetValue()
		switch y.RawValueRepresentation {
		case "AT", "UN", "OF", "OD": // split into halves, or bytes as text
			continue
		case "US": // read without the sign of the pixels
			if strings.Contains(fmt.Sprint(u), "-") {
				continue
			}
		}
		if x.Tag == tag.PixelData {
			continue
		}
		switch w := v.(type) {
		case []*dicom.SequenceItemValue:
			items, ok := u.([]*dicom.SequenceItemValue)
			if !ok || len(items) != len(w) {
				differences = append(differences, fmt.Sprintf("%v: %T instead of %d items", x.Tag, u, len(w)))
				continue
			}
			for k := range w {
				m, d := compare(items[k].GetValue().([]*dicom.Element), w[k].GetValue().([]*dicom.Element))
				n += m
				differences = append(differences, d...)
			}
		case []float64:
			// The library rounds numbers of 32 bits to their shortest decimal form.
			z, ok := u.([]float64)
			same := ok && len(z) == len(w)
			for k := 0; same && k < len(w); k++ {
				same = math.Abs(z[k]-w[k]) <= 1e-7*math.Abs(w[k])
			}
			if !same {
				differences = append(differences, fmt.Sprintf("%v: %v, want %v", x.Tag, u, v))
			}
		case []string:
			z, ok := u.([]string)
			if p, q := strings.Join(z, `\`), strings.Join(w, `\`); !ok || clean(p) != clean(q) && ascii(p) {
				differences = append(differences, fmt.Sprintf("%v %s: %q, want %q", x.Tag, x.RawValueRepresentation, u, v))
			}
		default:
			if fmt.Sprint(u) != fmt.Sprint(v) {
				differences = append(differences, fmt.Sprintf("%v %s %s: %.60v, want %.60v", x.Tag, x.RawValueRepresentation, y.RawValueRepresentation, u, v))
			}
		}
	}
	return n, differences
}

// clean removes padding, which the library keeps within values.
func clean(s string) string { return strings.NewReplacer(" ", "", "\x00", "").Replace(s) }

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 126 || r == 0x1b }) < 0
}
