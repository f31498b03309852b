package reports

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image/color"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"codeberg.org/go-fonts/dejavu/dejavusansmono"
	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansitalic"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"

	"github.com/plaquerisk/plaquerisk/risk"
)

// Disclaimer stands at the foot of every page.
const Disclaimer = "RESEARCH USE ONLY. Not a medical device. Not for diagnosis or treatment."

const (
	margin = 16.0 // left and right, mm
	top    = 21.0 // first line below the header, mm
	foot   = 17.0 // kept free at the bottom, mm
	mmPt   = 25.4 / 72
	// allPages is replaced by the number of pages when the file is written.
	allPages = "{nb}"
)

// sheet is a PDF in the making: pages with header and footer, and a cursor y
// that text, tables and pictures move down the page.
type sheet struct {
	paper   paper
	pdf     *document // the same; nil on a picture
	cfg     Config
	w, h    float64 // page, mm
	y       float64 // cursor, mm from the top
	id      string  // of the report
	left    string  // of the header
	band    string  // label of the model, under the header
	program string
	section string
	used    map[int]bool // widths of pictures in pixels
}

// begin opens a document.
func begin(cfg Config, title, left string, content any, prov risk.Provenance) (*sheet, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("report identifier: %w", err)
	}
	sum := sha256.Sum256(raw)
	date, err := time.Parse(time.DateOnly, cfg.Date)
	if err != nil {
		return nil, err
	}
	size := map[string]string{"a4": "A4", "letter": "Letter"}[cfg.Paper]
	doc := &document{Fpdf: fpdf.New("P", "mm", size, "")}
	s := &sheet{paper: doc, pdf: doc, cfg: cfg, id: hex.EncodeToString(sum[:])[:12], left: clean(left), used: map[int]bool{}}
	s.program = clean(strings.TrimSpace(prov.Program + " " + prov.Version))
	p := doc.Fpdf
	s.w, s.h = p.GetPageSize()
	p.SetCatalogSort(true)
	p.SetCreationDate(date)
	p.SetModificationDate(date)
	p.SetTitle(clean(title), true)
	p.SetSubject("Report "+s.id+". "+Disclaimer, true)
	p.SetCreator(s.program, true)
	p.SetProducer("plaquerisk reports", true)
	p.SetLang("en-GB")
	p.SetMargins(margin, top, margin)
	p.SetAutoPageBreak(false, 0)
	p.SetCellMargin(0)
	// The PDF writer changes font bytes in place when it cuts out the used
	// glyphs: every document gets its own copy.
	p.AddUTF8FontFromBytes("sans", "", slices.Clone(liberationsansregular.TTF))
	p.AddUTF8FontFromBytes("sans", "B", slices.Clone(liberationsansbold.TTF))
	p.AddUTF8FontFromBytes("sans", "I", slices.Clone(liberationsansitalic.TTF))
	p.AddUTF8FontFromBytes("mono", "", slices.Clone(dejavusansmono.TTF))
	p.AliasNbPages(allPages)
	return s, p.Error()
}

// finish writes the document.
func (s *sheet) finish(w io.Writer) error {
	var b bytes.Buffer
	if err := s.pdf.Output(&b); err != nil {
		return fmt.Errorf("write PDF: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// width is the width between the margins.
func (s *sheet) width() float64 { return s.w - 2*margin }

// bottom is the last y that content may reach.
func (s *sheet) bottom() float64 { return s.h - foot }

// page starts a page with a title and a bookmark.
func (s *sheet) page(title string) {
	s.section = title
	s.newPage(title)
	s.pdf.Bookmark(title, 0, 0)
}

func (s *sheet) newPage(title string) {
	s.pdf.AddPage()
	s.paper.SetAlpha(1, "Normal")
	s.frame()
	s.y = top
	if s.band != "" {
		s.font("B", 8.5)
		lines := s.wrap(s.band, s.width()-4)
		hh := 1.6 + 3.7*float64(len(lines))
		s.fill(amber)
		s.paper.Rect(margin, s.y-2, s.width(), hh, "F")
		for n, l := range lines {
			s.text(margin+2, s.y+1.4+3.7*float64(n), ink, l)
		}
		s.y += hh + 1
	}
	s.font("B", 16)
	for _, l := range s.wrap(title, s.width()) {
		s.y += 6
		s.text(margin, s.y, accent, l)
		s.y++
	}
	s.y += 3
}

// frame draws header and footer.
func (s *sheet) frame() {
	s.font("", 8.5)
	s.paper.SetTextColor(int(muted.R), int(muted.G), int(muted.B))
	s.paper.Text(s.w-margin-22, 12, fmt.Sprintf("page %d of %s", s.pdf.PageNo(), allPages))
	s.font("mono", 8.5)
	s.text(s.w-margin-64, 12, muted, "report "+s.id)
	s.font("B", 8.5)
	s.text(margin, 12, ink, s.fit(s.left, s.width()-68))
	s.stroke(rule, 0.25)
	s.paper.Line(margin, 14.5, s.w-margin, 14.5)
	s.paper.Line(margin, s.h-13.5, s.w-margin, s.h-13.5)
	s.font("B", 8.5)
	s.text(margin, s.h-9.2, ink, Disclaimer)
	s.font("", 8.5)
	label := s.fit(s.program, 45)
	s.text(s.w-margin-s.paper.GetStringWidth(label), s.h-9.2, muted, label)
}

// need continues on a new page unless h mm are free on this one. A picture has
// no second page.
func (s *sheet) need(h float64) bool {
	if s.pdf == nil || s.y+h <= s.bottom() {
		return false
	}
	s.newPage(s.section + " (continued)")
	return true
}

func (s *sheet) font(style string, size float64) {
	if style == "mono" {
		s.paper.SetFont("mono", "", size)
		return
	}
	s.paper.SetFont("sans", style, size)
}

func (s *sheet) fill(c color.NRGBA) { s.paper.SetFillColor(int(c.R), int(c.G), int(c.B)) }

func (s *sheet) stroke(c color.NRGBA, width float64) {
	s.paper.SetDrawColor(int(c.R), int(c.G), int(c.B))
	s.paper.SetLineWidth(width)
	s.paper.SetDashPattern(nil, 0)
}

// text draws one line with its baseline at y.
func (s *sheet) text(x, y float64, c color.NRGBA, t string) {
	s.paper.SetTextColor(int(c.R), int(c.G), int(c.B))
	s.paper.Text(x, y, clean(t))
}

// textIn draws one line inside [x, x+w]: align is L, C or R.
func (s *sheet) textIn(x, y, w float64, align string, c color.NRGBA, t string) {
	t = clean(t)
	switch align {
	case "R":
		x += w - s.paper.GetStringWidth(t)
	case "C":
		x += (w - s.paper.GetStringWidth(t)) / 2
	}
	s.text(x, y, c, t)
}

// fit shortens t with an ellipsis until it is at most w wide.
func (s *sheet) fit(t string, w float64) string {
	t = clean(t)
	if s.paper.GetStringWidth(t) <= w {
		return t
	}
	r := []rune(t)
	for len(r) > 1 && s.paper.GetStringWidth(string(r)+"…") > w {
		r = r[:len(r)-1]
	}
	return strings.TrimRight(string(r), " ") + "…"
}

// wrap breaks t into lines of at most w, at spaces and line ends, and inside a
// word that is longer than a line (after a dot if there is one, as in names of features).
func (s *sheet) wrap(t string, w float64) []string {
	var lines []string
	for _, para := range strings.Split(t, "\n") {
		line := ""
		for _, word := range strings.Fields(clean(para)) {
			try := word
			if line != "" {
				try = line + " " + word
			}
			if s.paper.GetStringWidth(try) <= w {
				line = try
				continue
			}
			if line != "" {
				lines = append(lines, line)
			}
			for s.paper.GetStringWidth(word) > w {
				n := s.breakAt(word, w)
				lines = append(lines, word[:n])
				word = word[n:]
			}
			line = word
		}
		lines = append(lines, line)
	}
	return lines
}

// breakAt returns how many bytes of word fit into w, at least one rune.
func (s *sheet) breakAt(word string, w float64) int {
	last, nice, dot := 0, 0, 0
	for n, r := range word {
		end := n + len(string(r))
		if s.paper.GetStringWidth(word[:end]) > w && last > 0 {
			break
		}
		last = end
		switch r {
		case '.':
			dot = end
		case '_', '-', '/':
			nice = end
		}
	}
	if dot > 0 && last < len(word) {
		return dot
	}
	if nice > 0 && last < len(word) {
		return nice
	}
	return last
}

// leading is the line distance of a font size, mm.
func leading(size float64) float64 { return size * mmPt * 1.32 }

// prose writes a paragraph.
func (s *sheet) prose(style string, size float64, c color.NRGBA, t string) {
	s.font(style, size)
	h := leading(size)
	for _, l := range s.wrap(t, s.width()) {
		if s.need(h) {
			s.font(style, size)
		}
		s.text(margin, s.y+size*mmPt, c, l)
		s.y += h
	}
	s.y += 1.5
}

func (s *sheet) para(t string)  { s.prose("", 10, ink, t) }
func (s *sheet) small(t string) { s.prose("", 8.5, muted, t) }

// heading writes a second-level title and keeps room for what follows.
func (s *sheet) heading(t string, follows float64) {
	s.need(10 + follows)
	s.y += 2.5
	s.font("B", 11.5)
	s.text(margin, s.y+4, accent, s.fit(t, s.width()))
	s.y += 7
}

// stated returns t, or words that say it is missing.
func stated(t string) string {
	if strings.TrimSpace(t) == "" {
		return "not stated"
	}
	return t
}

// pairs writes a two-column list of names and values.
func (s *sheet) pairs(rows [][2]string) {
	t := table{cols: []column{{"", "L"}, {"", "L"}}, plain: true, size: 9.5}
	for _, r := range rows {
		t.rows = append(t.rows, []string{r[0], stated(r[1])})
	}
	s.table(t)
}

// glyphs tells which characters the text font can draw.
var glyphs = sync.OnceValue(func() *sfnt.Font {
	f, err := sfnt.Parse(liberationsansregular.TTF)
	if err != nil {
		panic("reports: embedded font: " + err.Error())
	}
	return f
})

// drawable tells whether every font of a report has r. Characters beyond the
// basic plane are not supported by the PDF writer.
func drawable(r rune) bool {
	if r >= 0x20 && r < 0x7F {
		return true
	}
	if r < 0xA0 || r > 0xFFFF {
		return false
	}
	g, err := glyphs().GlyphIndex(nil, r)
	return err == nil && g != 0
}

// clean replaces what cannot be drawn by a question mark, and line ends and
// tabs by spaces.
func clean(t string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case drawable(r):
			return r
		}
		return '?'
	}, strings.ReplaceAll(t, allPages, "(nb)"))
}
