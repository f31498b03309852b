package reports

import (
	"image/color"
	"strings"
)

// column is one column of a table: its heading, which carries the unit, and
// its alignment (L, R or C).
type column struct {
	head  string
	align string
}

// table is laid out by the width of its content, wraps long cells and repeats
// its head on every page it reaches.
type table struct {
	cols  []column
	rows  [][]string
	size  float64 // of the font, pt; 8.5 if zero
	plain bool    // without head and rules: a list of names and values
	bold  []int   // rows in bold
}

const cellPad = 1.3 // left and right of a cell, mm

// table draws t at the cursor.
func (s *sheet) table(t table) {
	if t.size == 0 {
		t.size = 8.5
	}
	widths := s.widths(&t)
	h := leading(t.size)
	head := func() {
		if t.plain {
			return
		}
		cells := make([]string, len(t.cols))
		for c := range t.cols {
			cells[c] = t.cols[c].head
		}
		lines, n := s.cells(cells, widths, "B", t.size)
		hh := float64(n)*h + 2
		s.fill(accent)
		s.paper.Rect(margin, s.y, sum(widths), hh, "F")
		s.row(lines, widths, t, "B", white, h, n)
		s.y += hh
	}
	first := true
	for r, row := range t.rows {
		style := ""
		for _, b := range t.bold {
			if b == r {
				style = "B"
			}
		}
		lines, n := s.cells(row, widths, style, t.size)
		for start := 0; start < n; { // a row taller than a page goes on over the next
			room := int((s.bottom() - s.y - 2) / h)
			if first {
				room -= 3
			}
			if room < min(n-start, 40) {
				s.newPage(s.section + " (continued)")
				first = true
				room = int((s.bottom()-s.y-2)/h) - 4
			}
			if first {
				head()
				first = false
			}
			take := min(n-start, max(room, 1))
			part := make([][]string, len(lines))
			for c := range lines {
				if start < len(lines[c]) {
					part[c] = lines[c][start:min(start+take, len(lines[c]))]
				}
			}
			hh := float64(take)*h + 1.6
			if r%2 == 1 && !t.plain {
				s.fill(shade)
				s.paper.Rect(margin, s.y, sum(widths), hh, "F")
			}
			s.font(style, t.size)
			s.row(part, widths, t, style, ink, h, 0)
			s.y += hh
			start += take
			if !t.plain {
				s.stroke(rule, 0.15)
				s.paper.Line(margin, s.y, margin+sum(widths), s.y)
			}
		}
	}
	s.y += 3
}

// cells wraps the cells of a row and returns the lines and the largest number.
func (s *sheet) cells(row []string, widths []float64, style string, size float64) (lines [][]string, n int) {
	s.font(style, size)
	lines = make([][]string, len(widths))
	for c := range widths {
		if c < len(row) {
			lines[c] = s.wrap(row[c], widths[c]-2*cellPad+0.01)
		}
		n = max(n, len(lines[c]))
	}
	return lines, max(n, 1)
}

// row draws wrapped cells; with n > 0 the cells stand at the bottom of n lines.
func (s *sheet) row(lines [][]string, widths []float64, t table, style string, c color.NRGBA, h float64, n int) {
	x := margin
	for col := range widths {
		y := s.y + 0.8
		if n > 0 {
			y += float64(n-len(lines[col])) * h
		}
		colour := c
		if t.plain && col == 0 {
			colour = muted
		}
		for k, l := range lines[col] {
			s.font(style, t.size)
			s.textIn(x+cellPad, y+float64(k)*h+t.size*mmPt*0.95, widths[col]-2*cellPad, t.cols[col].align, colour, l)
		}
		x += widths[col]
	}
}

// widths shares the page among the columns: each at least as wide as its
// longest word (up to a limit), then in proportion to what it would like.
func (s *sheet) widths(t *table) []float64 {
	avail := s.width()
	least, liked := make([]float64, len(t.cols)), make([]float64, len(t.cols))
	limit := max(avail/float64(len(t.cols)), 24)
	measure := func(c int, cell, style string) {
		s.font(style, t.size)
		for _, l := range strings.Split(cell, "\n") {
			l = clean(l)
			if style == "" { // a head may always wrap
				liked[c] = max(liked[c], s.paper.GetStringWidth(l)+2*cellPad)
			}
			for _, w := range strings.Fields(l) {
				least[c] = max(least[c], min(s.paper.GetStringWidth(w)+2*cellPad, limit))
			}
		}
	}
	for c := range t.cols {
		measure(c, t.cols[c].head, "B")
		for _, row := range t.rows {
			if c < len(row) {
				measure(c, row[c], "")
			}
		}
		liked[c] = max(liked[c], least[c])
	}
	out := make([]float64, len(t.cols))
	need, want := sum(least), sum(liked)
	for c := range out {
		switch {
		case want <= avail && t.plain:
			out[c] = liked[c]
		case want <= avail:
			out[c] = liked[c] + (avail-want)/float64(len(out))
		case need >= avail:
			out[c] = least[c] * avail / need
		default:
			out[c] = least[c] + (avail-need)*(liked[c]-least[c])/(want-need)
		}
	}
	if t.plain && len(out) == 2 {
		out[0] = min(max(liked[0], 48), avail/3)
		out[1] = avail - out[0]
	}
	return out
}

func sum(x []float64) float64 {
	var t float64
	for _, v := range x {
		t += v
	}
	return t
}
