package reports

import (
	"cmp"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"strings"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Figure is a picture of an assessment that stands alone, drawn as in the report.
type Figure struct {
	Name  string // of a file: "LAD_curved"
	title string
	draw  func(s *sheet)
}

// treeColour is what the tree can be coloured by.
type treeColour struct {
	name, words, unit string
	curve             func(*risk.Profile) []risk.Number // nil: composition
}

var quantities = []treeColour{
	{"composition", "the plaque class of largest area", "", nil},
	{"burden", "plaque burden", "%", burden},
	{"plaque_area", "plaque area", "mm²", plaqueArea},
	{"lumen_area", "lumen area", "mm²", func(p *risk.Profile) []risk.Number { return p.LumenArea }},
	{"vessel_area", "area inside the outer wall", "mm²", func(p *risk.Profile) []risk.Number { return p.WallArea }},
	{"low_attenuation_area", "area of low attenuation plaque", "mm²", func(p *risk.Profile) []risk.Number { return p.LowAttenuation }},
	{"calcified_area", "area of calcified plaque", "mm²", func(p *risk.Profile) []risk.Number { return p.Calcified }},
	{"stress", "95th percentile of the first principal stress", "kPa", stressP95},
}

// Quantities returns the names of what the tree of [Figures] can be coloured by.
func Quantities() []string {
	var names []string
	for _, q := range quantities {
		names = append(names, q.name)
	}
	return names
}

// burden is the share of the vessel that is not lumen along an artery, percent.
func burden(p *risk.Profile) []risk.Number {
	out := make([]risk.Number, min(len(p.LumenArea), len(p.WallArea)))
	for n := range out {
		out[n] = 100 * (1 - p.LumenArea[n]/p.WallArea[n]) // NaN if either is undefined
	}
	return out
}

// plaqueArea is the sum of the four classes along an artery, mm².
func plaqueArea(p *risk.Profile) []risk.Number {
	out := make([]risk.Number, len(p.S))
	for n := range out {
		for _, l := range layers(p) {
			if n < len(l.area) && l.area[n].Defined() {
				out[n] += l.area[n]
			}
		}
	}
	return out
}

// Figures returns the figures of an assessment, artery by artery, and the tree
// coloured by a quantity of [Quantities]. artery, if not empty, is the only one;
// then there is no tree.
func Figures(a *risk.Assessment, artery coronary.Artery, quantity string) ([]Figure, error) {
	var by *treeColour
	for n := range quantities {
		if quantities[n].name == quantity {
			by = &quantities[n]
		}
	}
	if by == nil {
		return nil, fmt.Errorf("the tree cannot be coloured by %q, only by one of %s", quantity, strings.Join(Quantities(), ", "))
	}
	var out []Figure
	for n := range a.Arteries {
		if x := &a.Arteries[n]; artery == "" || x.Name == artery {
			out = append(out, arteryFigures(a, x)...)
		}
	}
	if len(out) == 0 {
		if artery != "" {
			return nil, fmt.Errorf("there is no picture of %s: it is not in the segmentation, or was not traced", artery)
		}
		return nil, errors.New("there is nothing to draw: no artery was traced")
	}
	if bs := branches(a); artery == "" && len(bs) > 0 {
		if by.curve != nil {
			if _, ok := valueRange(a, by.curve); !ok {
				return nil, fmt.Errorf("the tree cannot be coloured by %s: it was not computed in any artery", by.name)
			}
		}
		out = append(out, Figure{"tree_" + by.name, "Coronary tree by " + by.words, func(s *sheet) { s.twoViews(a, bs, by) }})
	}
	return out, nil
}

// arteryFigures returns the figures that the data of an artery allow.
func arteryFigures(a *risk.Assessment, x *risk.Artery) []Figure {
	var out []Figure
	name := cmp.Or(string(x.Name), "artery")
	add := func(kind, title string, draw func(s *sheet)) {
		out = append(out, Figure{name + "_" + kind, arteryShort(x.Name) + ": " + title, draw})
	}
	s0, s1 := distances(x)
	if p := x.Pictures; p != nil {
		if len(p.MPR) > 0 && s0 < s1 {
			add("straightened", "straightened CT", func(s *sheet) {
				s.lanes(a, x, s0, s1)
				s.straightened(x, s0, s1)
			})
		}
		if len(p.Curved) > 0 {
			add("curved", "curved CT", func(s *sheet) { s.curved("", a, x) })
		}
		if len(p.Sections) > 0 {
			add("lesion", "cross-sections of the narrowest plaque", func(s *sheet) { s.sections("", p.Sections, 3) })
		}
		if len(p.Montage) > 0 {
			add("sections", "cross-sections", func(s *sheet) { s.sections("", p.Montage, 6) })
		}
	}
	if x.Profile != nil && s0 < s1 {
		add("profile", "curves along the artery", func(s *sheet) {
			s.lanes(a, x, s0, s1)
			s.profile(x, s0, s1)
		})
	}
	return out
}

// twoViews draws the tree from the front and from the left, by one quantity.
func (s *sheet) twoViews(a *risk.Assessment, bs []branch, by *treeColour) {
	colour := byComposition
	var hi float64
	bar := 0.0 // mm kept for the colour bar
	if by.curve != nil {
		hi, _ = valueRange(a, by.curve)
		colour = byValue(by.curve, 0, hi)
		bar = 14
	}
	const gap = 4.0
	w := (s.width() - gap - bar) / 2
	k, h := math.Inf(1), 0.0
	views := []view{frontal, lateral}
	for _, v := range views {
		x0, x1, _, _ := v.box(bs)
		k = min(k, (w-12)/(x1-x0))
	}
	for _, v := range views {
		_, _, y0, y1 := v.box(bs)
		h = max(h, k*(y1-y0)+12)
	}
	if most := 120.0; h > most {
		k, h = k*(most-12)/(h-12), most
	}
	s.need(h + 20)
	s.font("", 8.5)
	for n, v := range views {
		s.text(margin+float64(n)*(w+gap), s.y+3, muted, "seen "+v.name)
	}
	s.y += 5
	for n, v := range views {
		s.tree(v, bs, margin+float64(n)*(w+gap), s.y, w, h, k, colour)
	}
	if by.curve != nil {
		s.colourBar(margin+2*w+gap+2.5, s.y+6, h-12, 0, hi, by.unit)
	}
	s.y += h + 2.5
	if by.curve == nil {
		s.legend(margin, s.y, imaging.LowAttenuation, imaging.FibroFatty, imaging.Fibrous, imaging.Calcified, imaging.Lumen)
		s.y += 5
	} else {
		s.small("White: not computed.")
	}
}

// pictureWidth and pictureHeight are the width of a picture and the most that it
// may need in height, mm.
const (
	pictureWidth  = 210.0
	pictureHeight = 1500.0
)

// WritePNG writes the figure as a picture, as wide as a page at the given dots
// per inch.
func (f Figure) WritePNG(w io.Writer, a *risk.Assessment, cfg Config, dpi float64) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	draft := f.onRaster(a, cfg, pictureHeight, 1) // coarse, for the height
	if draft.y > pictureHeight {
		return fmt.Errorf("figure %s would be %.0f mm high, more than %.0f mm: ask for fewer sections", f.Name, draft.y, pictureHeight)
	}
	return png.Encode(w, f.onRaster(a, cfg, draft.y+1, dpi/25.4).paper.(*raster).dc.Image())
}

// onRaster draws the figure with k pixels per mm.
func (f Figure) onRaster(a *risk.Assessment, cfg Config, height, k float64) *sheet {
	s := &sheet{paper: newRaster(pictureWidth, height, k), cfg: cfg, w: pictureWidth, h: height, used: map[int]bool{}, y: 6}
	s.head(f, a)
	f.draw(s)
	s.y += 2
	s.font("B", 8)
	s.text(margin, s.y+3, ink, Disclaimer)
	s.font("", 8)
	s.textIn(margin, s.y+3, s.width(), "R", muted, a.Provenance.Program+" "+a.Provenance.Version)
	s.y += 7
	return s
}

// head writes the title of a figure.
func (s *sheet) head(f Figure, a *risk.Assessment) {
	s.font("B", 13)
	s.text(margin, s.y+5, accent, f.title)
	s.font("", 8.5)
	s.textIn(margin, s.y+5, s.width(), "R", muted, "Case "+a.Case)
	s.y += 9
}

// WriteFigures writes figures as a PDF, each on pages of its own.
func WriteFigures(w io.Writer, a *risk.Assessment, figures []Figure, cfg Config) error {
	s, err := begin(cfg, "Coronary pictures, case "+a.Case, "Case "+a.Case, a, a.Provenance)
	if err != nil {
		return fmt.Errorf("figures: %w", err)
	}
	for _, f := range figures {
		s.page(f.title)
		f.draw(s)
	}
	return s.finish(w)
}
