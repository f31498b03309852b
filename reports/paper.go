package reports

import (
	"bytes"
	"fmt"
	"image"
	"image/png"

	"codeberg.org/go-pdf/fpdf"
)

// paper is what a sheet draws on: the pages of a document or one picture.
// Lengths are mm from the upper left corner; the words are those of fpdf.
type paper interface {
	SetFont(family, style string, size float64) // size in points
	GetStringWidth(text string) float64
	Text(x, y float64, text string)
	SetTextColor(r, g, b int)

	SetDrawColor(r, g, b int)
	SetFillColor(r, g, b int)
	SetAlpha(alpha float64, mode string)
	SetLineWidth(w float64)
	SetDashPattern(dash []float64, phase float64)
	SetLineCapStyle(style string)
	SetLineJoinStyle(style string)

	Line(x1, y1, x2, y2 float64)
	Rect(x, y, w, h float64, style string) // style: D draws the line, F fills
	Circle(x, y, r float64, style string)
	MoveTo(x, y float64)
	LineTo(x, y float64)
	CurveTo(cx, cy, x, y float64)
	CurveBezierCubicTo(cx0, cy0, cx1, cy1, x, y float64)
	ClosePath()
	DrawPath(style string)

	ClipRect(x, y, w, h float64, outline bool)
	ClipEnd()
	TransformBegin()
	TransformRotate(degrees, x, y float64) // counter-clockwise
	TransformEnd()

	// Picture places img with its upper left corner at (x, y).
	Picture(img image.Image, x, y, w, h float64)
}

// document is a PDF as paper.
type document struct {
	*fpdf.Fpdf
	pictures int
}

// pictureEncoder trades a larger file for time: compressing the noise of a CT
// harder takes most of the time of a report and saves little.
var pictureEncoder = png.Encoder{CompressionLevel: png.BestSpeed}

// Picture places a picture.
func (d *document) Picture(img image.Image, x, y, w, h float64) {
	var b bytes.Buffer
	if err := pictureEncoder.Encode(&b, img); err != nil {
		d.SetError(fmt.Errorf("picture: %w", err))
		return
	}
	d.pictures++
	name := fmt.Sprintf("picture%04d", d.pictures)
	opt := fpdf.ImageOptions{ImageType: "png"}
	d.RegisterImageOptionsReader(name, opt, &b)
	d.ImageOptions(name, x, y, w, h, false, opt, 0, "")
}
