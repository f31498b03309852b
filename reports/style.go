package reports

import (
	"image/color"
	"math"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// The colours of a report. Composition is never told by colour alone: low
// attenuation is hatched, and every patch has a dark outline.
var (
	ink    = color.NRGBA{0x1A, 0x1F, 0x26, 0xFF} // text
	muted  = color.NRGBA{0x55, 0x5E, 0x68, 0xFF} // secondary text, 6.6:1 on white
	rule   = color.NRGBA{0xC4, 0xCA, 0xD0, 0xFF}
	shade  = color.NRGBA{0xF2, 0xF4, 0xF6, 0xFF}
	accent = color.NRGBA{0x0B, 0x3C, 0x5D, 0xFF}
	amber  = color.NRGBA{0xFF, 0xF3, 0xD6, 0xFF}
	white  = color.NRGBA{0xFF, 0xFF, 0xFF, 0xFF}

	lowColour     = color.NRGBA{0xD5, 0x5E, 0x00, 0xFF}
	nonCalColour  = color.NRGBA{0xF0, 0xE4, 0x42, 0xFF}
	fibrousColour = color.NRGBA{0xC2, 0xB2, 0x10, 0xFF} // the darker half of non-calcified
	calColour     = color.NRGBA{0x00, 0x72, 0xB2, 0xFF}
	lumenColour   = color.NRGBA{0xBB, 0xBB, 0xBB, 0xFF}
	wallColour    = color.NRGBA{0xE6, 0xE6, 0xE6, 0xFF}
	lumenLine     = color.NRGBA{0x56, 0xB4, 0xE9, 0xFF} // contour on a CT picture
	wallLine      = color.NRGBA{0xE6, 0x9F, 0x00, 0xFF}
)

// tissueColour returns the fill of a tissue.
func tissueColour(t imaging.Tissue) color.NRGBA {
	switch t {
	case imaging.Lumen:
		return lumenColour
	case imaging.Wall:
		return wallColour
	case imaging.LowAttenuation:
		return lowColour
	case imaging.FibroFatty:
		return nonCalColour
	case imaging.Fibrous:
		return fibrousColour
	case imaging.Calcified:
		return calColour
	}
	return white
}

// cividis returns the colour of t in [0, 1] on the map of Nuñez, Anderton and
// Renslow (PLoS ONE 13(7):e0199239, 2018), made for readers with a colour
// vision deficiency and linear in lightness; here as the polynomials of
// degree five of d3-scale-chromatic (M. Bostock).
func cividis(t float64) color.NRGBA {
	t = min(max(t, 0), 1)
	c := func(x float64) uint8 { return uint8(math.Round(min(max(x, 0), 255))) }
	return color.NRGBA{
		c(-4.54 - t*(35.34-t*(2381.73-t*(6402.7-t*(7024.72-t*2710.57))))),
		c(32.49 + t*(170.73+t*(52.82-t*(131.46-t*(176.58-t*67.37))))),
		c(81.24 + t*(442.36-t*(2482.43-t*(6167.24-t*(6614.94-t*2475.67))))),
		0xFF,
	}
}

// dash stands for a value that was not computed.
const dash = "–"

// fixed writes x with the given decimals and a true minus sign.
func fixed(x float64, decimals int) string {
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return strings.Replace(s, "-", "−", 1)
}

// number writes n, or a dash if it is undefined.
func number(n risk.Number, decimals int) string {
	if !n.Defined() {
		return dash
	}
	return fixed(float64(n), decimals)
}

// quantity writes n with its unit, or "not computed".
func quantity(n risk.Number, decimals int, unit string) string {
	if !n.Defined() {
		return "not computed"
	}
	if unit == "" {
		return fixed(float64(n), decimals)
	}
	return fixed(float64(n), decimals) + " " + unit
}

// percent writes a probability as a whole percentage; the ends of the scale
// are never reached by rounding.
func percent(p float64) string {
	switch {
	case math.IsNaN(p):
		return dash
	case p > 0 && p < 0.01:
		return "< 1 %"
	case p < 1 && p > 0.99:
		return "> 99 %"
	}
	return fixed(100*p, 0) + " %"
}

// general writes a feature value of unknown size with three significant digits.
func general(n risk.Number) string {
	if !n.Defined() {
		return dash
	}
	x := float64(n)
	if a := math.Abs(x); a != 0 && (a >= 1e5 || a < 1e-3) {
		return strings.Replace(strconv.FormatFloat(x, 'e', 2, 64), "-", "−", -1)
	}
	decimals := 0
	for a := math.Abs(x); decimals < 5 && a != 0 && a < 100; a *= 10 {
		decimals++
	}
	if x == 0 {
		decimals = 0
	}
	return fixed(x, decimals)
}

// interval writes an estimate as "0.83 (0.74 to 0.90)".
func interval(v risk.Interval, decimals int) string {
	if !v.Value.Defined() {
		return dash
	}
	s := fixed(float64(v.Value), decimals)
	if !v.Low.Defined() || !v.High.Defined() {
		return s
	}
	return s + " (" + fixed(float64(v.Low), decimals) + " to " + fixed(float64(v.High), decimals) + ")"
}

// stacked writes an estimate above its interval, for narrow columns of values
// that are never negative: "0.83" above "(0.74–0.90)".
func stacked(v risk.Interval, decimals int) string {
	return strings.NewReplacer(" (", "\n(", " to ", "–").Replace(interval(v, decimals))
}

// upTo writes the resolution x of a measure, rounded up so that "< x" is true.
func upTo(x float64) string {
	t := fixed(math.Ceil(x*100-1e-6)/100, 2)
	return "< " + strings.TrimSuffix(strings.TrimRight(t, "0"), ".")
}
