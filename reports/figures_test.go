package reports

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/risk"
)

// withCurved adds a curved plane, linear in its vertical coordinate, to the
// first artery of a fixture.
func withCurved(a *risk.Assessment) *risk.Assessment {
	q := risk.CurvedPicture{Image: risk.Raster{Cols: 101, Rows: 51, X0: -10, Y0: 10, DX: 0.5, DY: -0.4, AxisUnit: "mm", Unit: "HU"}}
	for n := range q.Image.Cols * q.Image.Rows {
		q.Image.Values = append(q.Image.Values, float32(40*(q.Image.Y0+float64(n/q.Image.Cols)*q.Image.DY)+300))
	}
	for s := 0.0; s <= 30; s += 0.5 {
		q.S = append(q.S, s)
		q.Line = append(q.Line, [2]float64{s, 0})
	}
	a.Arteries[0].Pictures.Curved = []risk.CurvedPicture{q, q}
	a.Arteries[0].Profile.Segments = []risk.SegmentSpan{{Segment: "pRCA", FromMM: 0, ToMM: 20}, {Segment: "mRCA", FromMM: 20, ToMM: 40}}
	return a
}

// Every figure of a full assessment is a picture of the width of a page, has
// something on it, gives the same bytes again, and all make a document.
func TestFigures(t *testing.T) {
	a := withCurved(testFull())
	figures, err := Figures(a, "", "burden")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, f := range figures {
		_, kind, _ := strings.Cut(f.Name, "_")
		kinds[kind] = true
		var one, two bytes.Buffer
		for _, b := range []*bytes.Buffer{&one, &two} {
			if err := f.WritePNG(b, a, DefaultConfig(), 100); err != nil {
				t.Fatal(f.Name, err)
			}
		}
		if !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Errorf("%s: the picture differs from itself", f.Name)
		}
		img, err := png.Decode(&one)
		if err != nil {
			t.Fatal(f.Name, err)
		}
		if w := img.Bounds().Dx(); w != int(math.Ceil(pictureWidth*100/25.4)) {
			t.Errorf("%s is %d pixels wide", f.Name, w)
		}
		if n := inked(img); n < 2000 {
			t.Errorf("%s has %d pixels that are not white", f.Name, n)
		}
	}
	for _, kind := range []string{"straightened", "curved", "lesion", "profile", "burden"} {
		if !kinds[kind] {
			t.Errorf("there is no figure of kind %s", kind)
		}
	}
	var pdf bytes.Buffer
	if err := WriteFigures(&pdf, a, figures, DefaultConfig()); err != nil {
		t.Fatal(err)
	}
	checkFrame(t, pdf.Bytes())
	checkOverlap(t, pdf.Bytes())
}

func inked(img image.Image) int {
	n := 0
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if r, _, _, _ := img.At(x, y).RGBA(); r < 0xE000 {
				n++
			}
		}
	}
	return n
}

// A picture on the raster has its place and its scale: the grey of a plane that
// is linear in height falls as it should, mm by mm.
func TestRasterScale(t *testing.T) {
	const k = 10.0
	r := newRaster(50, 50, k)
	src := image.NewGray(image.Rect(0, 0, 256, 256))
	for y := range 256 {
		for x := range 256 {
			src.Pix[y*src.Stride+x] = uint8(y)
		}
	}
	r.Picture(src, 10, 12, 25.6, 25.6)
	img := r.dc.Image().(*image.RGBA)
	for mm := 1.0; mm < 25; mm++ {
		if got, want := float64(img.RGBAAt(200, int(k*(12+mm))).R), 10*mm; math.Abs(got-want) > 1.5 {
			t.Errorf("%g mm below the upper edge the grey is %g, want %g", mm, got, want)
		}
	}
	if c := img.RGBAAt(98, 200); c.R != 0xFF {
		t.Error("the picture reaches beyond its left edge")
	}
}

// What cannot be drawn is said.
func TestFiguresRefuse(t *testing.T) {
	a := testFull()
	for _, c := range []struct {
		artery coronary.Artery
		by     string
		a      *risk.Assessment
		want   string
	}{
		{"", "colour", a, "only by one of composition"},
		{"LCX", "composition", &risk.Assessment{Arteries: a.Arteries[:1]}, "no picture of LCX"},
		{"", "composition", &risk.Assessment{}, "no artery was traced"},
	} {
		if _, err := Figures(c.a, c.artery, c.by); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}
