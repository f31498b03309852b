package reports

import (
	"image"
	"image/color"
	"math"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// usable tells whether r holds a picture: foreign files may not.
func usable(r *risk.Raster) bool {
	return r != nil && r.Cols > 0 && r.Rows > 0 && r.Cols <= 1<<14 && r.Rows <= 1<<14 &&
		len(r.Values) == r.Cols*r.Rows && finite(r.DX, r.DY, r.X0, r.Y0) && r.DX != 0 && r.DY != 0
}

func finite(x ...float64) bool {
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// extent returns the borders of r on its axes, in the unit of the axes.
func extent(r *risk.Raster) (x0, x1, y0, y1 float64) {
	xa, xb := r.X0-r.DX/2, r.X0+(float64(r.Cols)-0.5)*r.DX
	ya, yb := r.Y0-r.DY/2, r.Y0+(float64(r.Rows)-0.5)*r.DY
	return min(xa, xb), max(xa, xb), min(ya, yb), max(ya, yb)
}

const dotsPerMM = 300 / 25.4 // pixels of a picture per mm of paper

// pixels returns how many pixels a picture gets on w×h mm of paper: 300 dpi,
// or its own if that is finer. No two pictures of a document have the same
// width in pixels: the PDF writer orders them by width, and equal ones by the
// random order of a map.
func (s *sheet) pixels(r *risk.Raster, w, h float64) (nx, ny int) {
	nx = min(max(r.Cols, int(math.Ceil(w*dotsPerMM))), 4096)
	return s.freeWidth(nx), min(max(r.Rows, int(math.Ceil(h*dotsPerMM))), 4096)
}

// freeWidth returns the least unused width from nx on.
func (s *sheet) freeWidth(nx int) int {
	for s.used[nx] {
		nx++
	}
	s.used[nx] = true
	return nx
}

// sample returns the value at a continuous column and row, linear between
// pixel centres; NaN counts as a hole.
func sample(r *risk.Raster, c, row float64) float64 {
	c, row = min(max(c, 0), float64(r.Cols-1)), min(max(row, 0), float64(r.Rows-1))
	i, j := min(int(c), max(r.Cols-2, 0)), min(int(row), max(r.Rows-2, 0))
	i1, j1 := min(i+1, r.Cols-1), min(j+1, r.Rows-1)
	u, v := c-float64(i), row-float64(j)
	at := func(i, j int) float64 { return float64(r.Values[j*r.Cols+i]) }
	return (1-v)*((1-u)*at(i, j)+u*at(i1, j)) + v*((1-u)*at(i, j1)+u*at(i1, j1))
}

// grey draws CT numbers through the window, linear between pixels.
func (s *sheet) grey(r *risk.Raster, w, h float64) image.Image {
	nx, ny := s.pixels(r, w, h)
	img := image.NewGray(image.Rect(0, 0, nx, ny))
	lo := s.cfg.WindowLevel - s.cfg.WindowWidth/2
	for y := range ny {
		row := (float64(y)+0.5)*float64(r.Rows)/float64(ny) - 0.5
		for x := range nx {
			v := sample(r, (float64(x)+0.5)*float64(r.Cols)/float64(nx)-0.5, row)
			g := (v - lo) / s.cfg.WindowWidth
			if math.IsNaN(g) {
				g = 0
			}
			img.Pix[y*img.Stride+x] = uint8(255 * min(max(g, 0), 1))
		}
	}
	return img
}

// heat draws values between lo and hi in cividis; holes are white.
func (s *sheet) heat(r *risk.Raster, w, h, lo, hi float64) image.Image {
	nx, ny := s.pixels(r, w, h)
	img := image.NewPaletted(image.Rect(0, 0, nx, ny), cividisPalette())
	for y := range ny {
		row := (float64(y)+0.5)*float64(r.Rows)/float64(ny) - 0.5
		for x := range nx {
			v := sample(r, (float64(x)+0.5)*float64(r.Cols)/float64(nx)-0.5, row)
			k := uint8(255)
			if t := (v - lo) / (hi - lo); !math.IsNaN(t) {
				k = uint8(math.Round(254 * min(max(t, 0), 1)))
			}
			img.Pix[y*img.Stride+x] = k
		}
	}
	return img
}

func cividisPalette() color.Palette {
	p := make(color.Palette, 256)
	for k := range 255 {
		p[k] = cividis(float64(k) / 254)
	}
	p[255] = white
	return p
}

// classes draws a tissue map: low attenuation hatched, calcified dotted, every
// border between tissues dark.
func (s *sheet) classes(r *risk.Raster, w, h float64) image.Image {
	nx, ny := s.pixels(r, w, h)
	palette := color.Palette{} // by tissue, then border, hatching, dots
	for t := range imaging.NumTissues {
		palette = append(palette, tissueColour(imaging.Tissue(t)))
	}
	border, hatch, dot := uint8(len(palette)), uint8(len(palette)+1), uint8(len(palette)+2)
	img := image.NewPaletted(image.Rect(0, 0, nx, ny), append(palette, color.NRGBA{0x30, 0x30, 0x30, 0xFF}, ink, white))
	at := func(x, y int) imaging.Tissue {
		x, y = min(max(x, 0), nx-1), min(max(y, 0), ny-1)
		v := r.Values[y*r.Rows/ny*r.Cols+x*r.Cols/nx]
		if !(v >= 0 && int(v) < imaging.NumTissues) {
			return imaging.Background
		}
		return imaging.Tissue(v)
	}
	for y := range ny {
		for x := range nx {
			t := at(x, y)
			c := uint8(t)
			switch {
			case t != at(x+1, y) || t != at(x, y+1) || t != at(x-1, y) || t != at(x, y-1):
				c = border
			case t == imaging.LowAttenuation && (x+y)%10 < 2:
				c = hatch
			case t == imaging.Calcified && x%8 < 2 && y%8 < 2:
				c = dot
			}
			img.Pix[y*img.Stride+x] = c
		}
	}
	return img
}

// swatch draws a small patch in the look of a tissue.
func (s *sheet) swatch(t imaging.Tissue, x, y, w, h float64) {
	s.fill(tissueColour(t))
	s.stroke(ink, 0.2)
	s.paper.Rect(x, y, w, h, "FD")
	switch t {
	case imaging.LowAttenuation:
		for k := 0.7; k < w; k += 0.8 {
			s.paper.Line(x+k, y, x+k, y+h)
		}
	case imaging.Calcified:
		s.fill(white)
		for k := 0.6; k < w-0.3; k += 1 {
			s.paper.Rect(x+k, y+h/2-0.2, 0.4, 0.4, "F")
		}
	}
}

// legend writes swatches of the tissues in a row at the cursor.
func (s *sheet) legend(x, y float64, tissues ...imaging.Tissue) {
	s.font("", 8)
	for _, t := range tissues {
		s.swatch(t, x, y, 5, 2.6)
		name := tissueWords(t)
		s.text(x+6, y+2.4, ink, name)
		x += 9.5 + s.paper.GetStringWidth(name)
	}
}

// colourBar draws a vertical cividis scale with ticks and its unit.
func (s *sheet) colourBar(x, y, h, lo, hi float64, unit string) {
	const w = 3.0
	steps := 64
	for k := range steps {
		s.fill(cividis((float64(k) + 0.5) / float64(steps)))
		s.paper.Rect(x, y+h-h*float64(k+1)/float64(steps), w, h/float64(steps)+0.02, "F")
	}
	s.stroke(muted, 0.15)
	s.paper.Rect(x, y, w, h, "D")
	s.font("", 8)
	for _, t := range (niceTicks{4}).Ticks(lo, hi) {
		ty := y + h - h*(t.Value-lo)/(hi-lo)
		s.stroke(muted, 0.15)
		s.paper.Line(x+w, ty, x+w+0.8, ty)
		s.text(x+w+1.3, ty+1, ink, t.Label)
	}
	s.text(x, y-2.2, ink, unit)
}

// scaleBar draws a bar of so many mm with its length above it.
func (s *sheet) scaleBar(x, y, k, mm float64, c color.NRGBA) {
	s.stroke(c, 0.6)
	s.paper.Line(x, y, x+mm*k, y)
	s.font("", 8)
	s.text(x, y-1.2, c, fixed(mm, 0)+" mm")
}

// axis draws ticks and labels of a horizontal axis of distance below y.
// k is mm on paper per unit.
func (s *sheet) axis(x, y, k, lo, hi float64, label string) {
	s.stroke(muted, 0.2)
	s.paper.Line(x, y, x+k*(hi-lo), y)
	s.font("", 8)
	n := max(2, int(k*(hi-lo)/16))
	for _, t := range (niceTicks{n}).Ticks(lo, hi) {
		tx := x + k*(t.Value-lo)
		s.paper.Line(tx, y, tx, y+1)
		s.textIn(tx-8, y+4, 16, "C", ink, t.Label)
	}
	if label != "" {
		s.textIn(x, y+7.6, k*(hi-lo), "C", ink, label)
	}
}

// upright draws ticks and labels of a vertical axis left of x; value v stands
// at y + k·(top−v).
func (s *sheet) upright(x, y, k, lo, hi float64, label string) {
	s.stroke(muted, 0.2)
	s.paper.Line(x, y, x, y+k*(hi-lo))
	s.font("", 8)
	n := max(3, int(k*(hi-lo)/3.5))
	for _, t := range (niceTicks{n}).Ticks(lo, hi) {
		ty := y + k*(hi-t.Value)
		s.paper.Line(x-1, ty, x, ty)
		s.textIn(x-13, ty+1, 11.3, "R", ink, t.Label)
	}
	if label != "" {
		cx, cy := x-11.5, y+k*(hi-lo)/2
		s.paper.TransformBegin()
		s.paper.TransformRotate(90, cx, cy)
		s.textIn(cx-30, cy, 60, "C", ink, label)
		s.paper.TransformEnd()
	}
}
