package reports

import (
	"image"
	"image/color"
	"math"
	"strings"
	"sync"

	"codeberg.org/go-fonts/dejavu/dejavusansmono"
	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansitalic"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"git.sr.ht/~sbinet/gg"
	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
)

// raster is a picture as paper: what a page shows, in pixels.
type raster struct {
	dc               *gg.Context
	k                float64 // pixels per mm
	text, line, area color.NRGBA
	alpha            float64
	clip             image.Rectangle // pixels that pictures may change
	faces            map[face]font.Face
	face             font.Face
}

// face names a font in a size, pixels.
type face struct {
	name string
	size float64
}

// fontFiles are the fonts of [begin], parsed once.
var fontFiles = sync.OnceValue(func() map[string]*opentype.Font {
	fonts := map[string]*opentype.Font{}
	for name, file := range map[string][]byte{
		"sans": liberationsansregular.TTF, "sansB": liberationsansbold.TTF, "sansI": liberationsansitalic.TTF, "mono": dejavusansmono.TTF,
	} {
		f, err := opentype.Parse(file)
		if err != nil {
			panic("reports: embedded font " + name + ": " + err.Error())
		}
		fonts[name] = f
	}
	return fonts
})

// newRaster returns white paper of w×h mm with k pixels per mm.
func newRaster(w, h, k float64) *raster {
	r := &raster{dc: gg.NewContext(int(math.Ceil(w*k)), int(math.Ceil(h*k))), k: k, alpha: 1, faces: map[face]font.Face{}}
	r.dc.SetColor(color.White)
	r.dc.Clear()
	r.clip = r.dc.Image().Bounds()
	return r
}

func opaque(r, g, b int) color.NRGBA { return color.NRGBA{uint8(r), uint8(g), uint8(b), 0xFF} }

func (r *raster) SetTextColor(red, g, b int)       { r.text = opaque(red, g, b) }
func (r *raster) SetDrawColor(red, g, b int)       { r.line = opaque(red, g, b) }
func (r *raster) SetFillColor(red, g, b int)       { r.area = opaque(red, g, b) }
func (r *raster) SetAlpha(alpha float64, _ string) { r.alpha = alpha }
func (r *raster) SetLineWidth(w float64)           { r.dc.SetLineWidth(r.k * w) }

// use makes c, under the present opacity, the colour of what follows.
func (r *raster) use(c color.NRGBA) {
	c.A = uint8(math.Round(255 * r.alpha))
	r.dc.SetColor(c)
}

func (r *raster) SetDashPattern(dash []float64, phase float64) {
	px := make([]float64, len(dash))
	for n, d := range dash {
		px[n] = r.k * d
	}
	r.dc.SetDash(px...)
	r.dc.SetDashOffset(r.k * phase)
}

func (r *raster) SetLineCapStyle(style string) {
	if style == "round" {
		r.dc.SetLineCapRound()
	} else {
		r.dc.SetLineCapButt()
	}
}

func (r *raster) SetLineJoinStyle(style string) {
	if style == "round" {
		r.dc.SetLineJoinRound()
	} else {
		r.dc.SetLineJoinBevel()
	}
}

func (r *raster) SetFont(family, style string, size float64) {
	f := face{name: family + style, size: size * mmPt * r.k}
	if r.faces[f] == nil {
		made, err := opentype.NewFace(fontFiles()[f.name], &opentype.FaceOptions{Size: f.size, DPI: 72})
		if err != nil {
			panic("reports: embedded font " + f.name + ": " + err.Error())
		}
		r.faces[f] = made
	}
	r.face = r.faces[f]
	r.dc.SetFontFace(r.face)
}

func (r *raster) GetStringWidth(text string) float64 {
	return float64(font.MeasureString(r.face, text)) / 64 / r.k
}

func (r *raster) Text(x, y float64, text string) {
	r.use(r.text)
	r.dc.DrawString(text, r.k*x, r.k*y)
}

func (r *raster) Line(x1, y1, x2, y2 float64) {
	r.MoveTo(x1, y1)
	r.LineTo(x2, y2)
	r.DrawPath("D")
}

func (r *raster) Rect(x, y, w, h float64, style string) {
	r.dc.DrawRectangle(r.k*x, r.k*y, r.k*w, r.k*h)
	r.DrawPath(style)
}

func (r *raster) Circle(x, y, radius float64, style string) {
	r.dc.DrawCircle(r.k*x, r.k*y, r.k*radius)
	r.DrawPath(style)
}

func (r *raster) MoveTo(x, y float64)          { r.dc.MoveTo(r.k*x, r.k*y) }
func (r *raster) LineTo(x, y float64)          { r.dc.LineTo(r.k*x, r.k*y) }
func (r *raster) CurveTo(cx, cy, x, y float64) { r.dc.QuadraticTo(r.k*cx, r.k*cy, r.k*x, r.k*y) }
func (r *raster) CurveBezierCubicTo(cx0, cy0, cx1, cy1, x, y float64) {
	r.dc.CubicTo(r.k*cx0, r.k*cy0, r.k*cx1, r.k*cy1, r.k*x, r.k*y)
}
func (r *raster) ClosePath() { r.dc.ClosePath() }

func (r *raster) DrawPath(style string) {
	if strings.Contains(style, "F") {
		r.use(r.area)
		r.dc.FillPreserve()
	}
	if strings.Contains(style, "D") {
		r.use(r.line)
		r.dc.StrokePreserve()
	}
	r.dc.ClearPath()
}

func (r *raster) ClipRect(x, y, w, h float64, _ bool) {
	r.dc.DrawRectangle(r.k*x, r.k*y, r.k*w, r.k*h)
	r.dc.Clip()
	r.clip = r.pixels(x, y, w, h).Intersect(r.dc.Image().Bounds())
}

func (r *raster) ClipEnd() {
	r.dc.ResetClip()
	r.clip = r.dc.Image().Bounds()
}

func (r *raster) TransformBegin() { r.dc.Push() }
func (r *raster) TransformEnd()   { r.dc.Pop() }
func (r *raster) TransformRotate(degrees, x, y float64) {
	r.dc.RotateAbout(-degrees*math.Pi/180, r.k*x, r.k*y) // y points downwards
}

// Picture places a picture, smooth between its pixels. Nothing rotates it.
func (r *raster) Picture(img image.Image, x, y, w, h float64) {
	on := r.dc.Image().(*image.RGBA).SubImage(r.clip).(*image.RGBA)
	draw.ApproxBiLinear.Scale(on, r.pixels(x, y, w, h), img, img.Bounds(), draw.Over, nil)
}

// pixels returns the pixels nearest to a rectangle in mm.
func (r *raster) pixels(x, y, w, h float64) image.Rectangle {
	at := func(mm float64) int { return int(math.Round(r.k * mm)) }
	return image.Rect(at(x), at(y), at(x+w), at(y+h))
}
