package reports

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/plaquerisk/plaquerisk/risk"
)

// newPlot returns an empty plot in the style of the report, labels in 8 pt.
func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	small := font.Font{Typeface: "Liberation", Variant: "Sans", Size: 8}
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font, a.Tick.Label.Font = small, small
		a.Label.TextStyle.Color, a.Tick.Label.Color = ink, ink
		a.LineStyle.Width, a.Tick.LineStyle.Width = 0.5, 0.5
		a.LineStyle.Color, a.Tick.LineStyle.Color = muted, muted
		a.Tick.Length = 3
		a.Padding = 0
		a.Tick.Marker = niceTicks{5}
	}
	p.Legend.TextStyle.Font = small
	p.Legend.TextStyle.Color = ink
	p.Legend.ThumbnailWidth = 18
	p.Legend.Padding = 1.5
	p.X.Label.Text, p.Y.Label.Text = clean(x), clean(y)
	return p
}

// niceTicks puts about n ticks at multiples of 1, 2 or 5 times a power of ten.
type niceTicks struct{ n int }

// Ticks returns the ticks of [lo, hi].
func (t niceTicks) Ticks(lo, hi float64) []plot.Tick {
	var out []plot.Tick
	step, decimals := niceStep(hi-lo, t.n)
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+1e-9*step; k++ {
		out = append(out, plot.Tick{Value: k * step, Label: fixed(k*step, decimals)})
	}
	return out
}

// niceStep returns a round step that divides span into at most n+1 parts, and
// the decimals its multiples need.
func niceStep(span float64, n int) (step float64, decimals int) {
	if !(span > 0) || math.IsInf(span, 0) {
		return 1, 0
	}
	raw := span / float64(max(n, 1))
	e := math.Floor(math.Log10(raw))
	base := math.Pow(10, e)
	for _, m := range []float64{1, 2, 5, 10} {
		if step = m * base; step >= raw*(1-1e-9) {
			if m == 10 {
				e++
			}
			break
		}
	}
	return step, max(0, int(-e))
}

// draw draws p so that its data area, without axes, is the given rectangle of
// the page in mm. Plots below each other share their axis of distance exactly.
func (s *sheet) draw(p *plot.Plot, x, y, w, h float64) {
	c := s.canvas(x, y, w, h)
	full := draw.New(c)
	inner := p.DataCanvas(full)
	full.Min.X -= inner.Min.X - full.Min.X
	full.Min.Y -= inner.Min.Y - full.Min.Y
	full.Max.X += vg.Length(w/mmPt) - inner.Max.X
	full.Max.Y += vg.Length(h/mmPt) - inner.Max.Y
	p.Draw(full)
}

// grid draws thin lines at the ticks.
func grid(p *plot.Plot) {
	g := plotter.NewGrid()
	g.Horizontal.Color, g.Vertical.Color = rule, rule
	g.Horizontal.Width, g.Vertical.Width = 0.25, 0.25
	p.Add(g)
}

// runs splits a curve where it is undefined.
func runs(x []float64, y []risk.Number) []plotter.XYs {
	var out []plotter.XYs
	open := false
	for n := range min(len(x), len(y)) {
		if !y[n].Defined() {
			open = false
			continue
		}
		if !open {
			out, open = append(out, nil), true
		}
		k := len(out) - 1
		out[k] = append(out[k], plotter.XY{X: x[n], Y: float64(y[n])})
	}
	return out
}

// pen is the look of a curve.
type pen struct {
	colour color.NRGBA
	width  vg.Length
	dash   []vg.Length
}

func (k pen) style() draw.LineStyle {
	return draw.LineStyle{Color: k.colour, Width: k.width, Dashes: k.dash}
}

// strokes draws polylines and stands in a legend.
type strokes struct {
	parts []plotter.XYs
	pen   pen
}

// Plot draws the lines, clipped to the data area.
func (l strokes) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	for _, part := range l.parts {
		pts := make([]vg.Point, len(part))
		for n, q := range part {
			pts[n] = vg.Point{X: tx(q.X), Y: ty(q.Y)}
		}
		c.StrokeLines(l.pen.style(), c.ClipLinesXY(pts)...)
	}
}

// Thumbnail draws a piece of the line.
func (l strokes) Thumbnail(c *draw.Canvas) {
	y := c.Center().Y
	c.StrokeLine2(l.pen.style(), c.Min.X, y, c.Max.X, y)
}

// band fills between two curves over the same x.
type band struct {
	x, lo, hi []float64
	fill      color.NRGBA
	line      color.NRGBA // outline, none if transparent
	hatch     bool        // vertical lines, so that the patch is told without colour
}

// Plot fills the band, clipped to the data area.
func (b band) Plot(c draw.Canvas, p *plot.Plot) {
	if len(b.x) < 2 {
		return
	}
	tx, ty := p.Transforms(&c)
	var pts []vg.Point
	for n := range b.x {
		pts = append(pts, vg.Point{X: tx(b.x[n]), Y: ty(b.hi[n])})
	}
	for n := len(b.x) - 1; n >= 0; n-- {
		pts = append(pts, vg.Point{X: tx(b.x[n]), Y: ty(b.lo[n])})
	}
	pts = c.ClipPolygonXY(pts)
	c.FillPolygon(b.fill, pts)
	if b.hatch {
		st := draw.LineStyle{Color: ink, Width: 0.35}
		last := vg.Length(math.Inf(-1))
		for n := range b.x {
			if x := tx(b.x[n]); b.hi[n] > b.lo[n] && x-last >= 2 {
				c.StrokeLine2(st, x, ty(b.lo[n]), x, ty(b.hi[n]))
				last = x
			}
		}
	}
	if b.line.A != 0 {
		c.StrokeLines(draw.LineStyle{Color: b.line, Width: 0.4}, pts)
	}
}

// Thumbnail draws a patch of the band.
func (b band) Thumbnail(c *draw.Canvas) {
	pts := []vg.Point{{X: c.Min.X, Y: c.Min.Y}, {X: c.Max.X, Y: c.Min.Y}, {X: c.Max.X, Y: c.Max.Y}, {X: c.Min.X, Y: c.Max.Y}}
	c.FillPolygon(b.fill, pts)
}

// dots draws markers: a shape for each series so that colour is not needed.
type dots struct {
	at     plotter.XYs
	colour color.NRGBA
	shape  draw.GlyphDrawer
	radius vg.Length
}

// Plot draws the markers inside the data area.
func (d dots) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	for _, q := range d.at {
		c.DrawGlyph(draw.GlyphStyle{Color: d.colour, Radius: d.radius, Shape: d.shape}, vg.Point{X: tx(q.X), Y: ty(q.Y)})
	}
}

// Thumbnail draws one marker.
func (d dots) Thumbnail(c *draw.Canvas) {
	c.DrawGlyph(draw.GlyphStyle{Color: d.colour, Radius: d.radius, Shape: d.shape}, c.Center())
}

// span sets the ranges of the axes.
func span(p *plot.Plot, x0, x1, y0, y1 float64) {
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = x0, x1, y0, y1
}

// ceiling returns a round number at or above x for the end of an axis.
func ceiling(x float64) float64 {
	if !(x > 0) {
		return 1
	}
	step, _ := niceStep(x*1.05, 4)
	return math.Ceil(x*1.02/step) * step
}

// Short names for what other files build plots from.
type (
	xy    = plotter.XY
	xys   = plotter.XYs
	vgLen = vg.Length
)

// silent keeps the ticks of t and drops their labels: the axis below has them.
type silent struct{ t plot.Ticker }

// Ticks returns ticks whose labels are one space, so that they count as major.
func (q silent) Ticks(lo, hi float64) []plot.Tick {
	ts := q.t.Ticks(lo, hi)
	for n := range ts {
		ts[n].Label = " "
	}
	return ts
}
