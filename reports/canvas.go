package reports

import (
	"image"
	"image/color"
	"math"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// canvas lets gonum/plot draw on the page: paths become PDF paths, text is set
// in the fonts of the document. Its origin is the lower left corner of a
// rectangle on the page; its unit is the point.
type canvas struct {
	s     *sheet
	x, y  float64 // lower left corner on the page, mm from the upper left
	w, h  vg.Length
	state canvasState
	saved []canvasState
}

// canvasState is what Push saves. A point (x, y) of the caller is at
// (a·x + c·y + e, b·x + d·y + f) of the canvas.
type canvasState struct {
	a, b, c, d, e, f float64
	width            vg.Length
	dash             []vg.Length
	offset           vg.Length
	colour           color.NRGBA
}

// canvas returns a canvas on the rectangle with upper left corner (x, y), mm.
func (s *sheet) canvas(x, y, w, h float64) *canvas {
	c := &canvas{s: s, x: x, y: y + h, w: vg.Length(w / mmPt), h: vg.Length(h / mmPt)}
	c.state = canvasState{a: 1, d: 1}
	vg.Initialize(c)
	return c
}

// Size returns the size of the canvas.
func (c *canvas) Size() (w, h vg.Length) { return c.w, c.h }

// SetLineWidth sets the width of strokes.
func (c *canvas) SetLineWidth(w vg.Length) { c.state.width = w }

// SetLineDash sets the dash pattern of strokes.
func (c *canvas) SetLineDash(pattern []vg.Length, offset vg.Length) {
	c.state.dash, c.state.offset = append([]vg.Length(nil), pattern...), offset
}

// SetColor sets the colour of strokes, fills and text.
func (c *canvas) SetColor(col color.Color) {
	if col == nil {
		col = color.Black
	}
	c.state.colour = color.NRGBAModel.Convert(col).(color.NRGBA)
}

// Rotate turns what follows by rad, counterclockwise.
func (c *canvas) Rotate(rad float64) {
	sin, cos := math.Sincos(rad)
	s := c.state
	c.state.a, c.state.b = s.a*cos+s.c*sin, s.b*cos+s.d*sin
	c.state.c, c.state.d = s.c*cos-s.a*sin, s.d*cos-s.b*sin
}

// Translate moves the origin.
func (c *canvas) Translate(p vg.Point) {
	x, y := c.apply(p)
	c.state.e, c.state.f = x, y
}

// Scale stretches what follows.
func (c *canvas) Scale(x, y float64) {
	c.state.a *= x
	c.state.b *= x
	c.state.c *= y
	c.state.d *= y
}

// Push saves the state.
func (c *canvas) Push() { c.saved = append(c.saved, c.state) }

// Pop restores the state.
func (c *canvas) Pop() {
	c.state = c.saved[len(c.saved)-1]
	c.saved = c.saved[:len(c.saved)-1]
}

func (c *canvas) apply(p vg.Point) (x, y float64) {
	s, px, py := c.state, float64(p.X), float64(p.Y)
	return s.a*px + s.c*py + s.e, s.b*px + s.d*py + s.f
}

// page returns a point in mm on the page.
func (c *canvas) page(p vg.Point) (x, y float64) {
	px, py := c.apply(p)
	return c.x + px*mmPt, c.y - py*mmPt
}

// Stroke draws the line of a path.
func (c *canvas) Stroke(p vg.Path) {
	if c.state.width <= 0 {
		return
	}
	paper := c.s.paper
	paper.SetLineWidth(float64(c.state.width) * mmPt)
	pattern := make([]float64, len(c.state.dash))
	for n, d := range c.state.dash {
		pattern[n] = float64(d) * mmPt
	}
	paper.SetDashPattern(pattern, float64(c.state.offset)*mmPt)
	paper.SetLineJoinStyle("round")
	c.path(p, "D")
	paper.SetDashPattern(nil, 0)
}

// Fill fills a path.
func (c *canvas) Fill(p vg.Path) { c.path(p, "F") }

func (c *canvas) path(p vg.Path, style string) {
	if len(p) == 0 {
		return
	}
	paper, k := c.s.paper, c.state.colour
	paper.SetDrawColor(int(k.R), int(k.G), int(k.B))
	paper.SetFillColor(int(k.R), int(k.G), int(k.B))
	if k.A != 0xFF {
		paper.SetAlpha(float64(k.A)/255, "Normal")
		defer paper.SetAlpha(1, "Normal")
	}
	for n, q := range p {
		switch q.Type {
		case vg.MoveComp:
			paper.MoveTo(c.page(q.Pos))
		case vg.LineComp:
			paper.LineTo(c.page(q.Pos))
		case vg.ArcComp:
			const steps = 48
			for k := 0; k <= steps; k++ {
				sin, cos := math.Sincos(q.Start + q.Angle*float64(k)/steps)
				x, y := c.page(vg.Point{X: q.Pos.X + q.Radius*vg.Length(cos), Y: q.Pos.Y + q.Radius*vg.Length(sin)})
				if k == 0 && n == 0 {
					paper.MoveTo(x, y)
				} else {
					paper.LineTo(x, y)
				}
			}
		case vg.CurveComp:
			x, y := c.page(q.Pos)
			x0, y0 := c.page(q.Control[0])
			if len(q.Control) == 1 {
				paper.CurveTo(x0, y0, x, y)
			} else {
				x1, y1 := c.page(q.Control[1])
				paper.CurveBezierCubicTo(x0, y0, x1, y1, x, y)
			}
		case vg.CloseComp:
			paper.ClosePath()
		}
	}
	paper.DrawPath(style)
}

// FillString sets text with its baseline at p.
func (c *canvas) FillString(f font.Face, p vg.Point, text string) {
	if f.Font.Size == 0 {
		return
	}
	style := ""
	if f.Font.Weight >= stdfont.WeightBold {
		style = "B"
	} else if f.Font.Style == stdfont.StyleItalic {
		style = "I"
	}
	c.s.font(style, float64(f.Font.Size))
	x, y := c.page(p)
	if turn := math.Atan2(c.state.b, c.state.a) * 180 / math.Pi; math.Abs(turn) > 1e-9 {
		c.s.paper.TransformBegin()
		c.s.paper.TransformRotate(turn, x, y)
		defer c.s.paper.TransformEnd()
	}
	c.s.text(x, y, c.state.colour, text)
}

// DrawImage places a picture.
func (c *canvas) DrawImage(r vg.Rectangle, img image.Image) {
	x, y := c.page(vg.Point{X: r.Min.X, Y: r.Max.Y})
	x1, y1 := c.page(vg.Point{X: r.Max.X, Y: r.Min.Y})
	b := img.Bounds()
	wide := image.NewNRGBA(image.Rect(0, 0, c.s.freeWidth(b.Dx()), b.Dy()))
	for j := range b.Dy() {
		for i := range wide.Rect.Dx() {
			wide.Set(i, j, img.At(b.Min.X+i*b.Dx()/wide.Rect.Dx(), b.Min.Y+j))
		}
	}
	c.s.paper.Picture(wide, x, y, x1-x, y1-y)
}
