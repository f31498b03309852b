package material

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// forms holds the constants of each law that can be written out; the first of
// them must be given, as many as the number says.
var forms = map[string]struct {
	keys []string
	need int
}{
	"neo_hookean":   {[]string{"C10", "K"}, 2},
	"mooney_rivlin": {[]string{"C10", "C01", "K"}, 3},
	"yeoh":          {[]string{"C10", "C20", "C30", "K"}, 4},
	"exponential":   {[]string{"c1", "D1", "D2", "K"}, 4},
	"hgo":           {[]string{"C10", "k1", "k2", "K", "angle_deg", "kappa"}, 5},
}

// Parse reads a law of finite strain: the name of a published one, or a form with
// its constants in kPa,
//
//	neo_hookean C10=30 K=3000
//	hgo C10=15 k1=20 k2=10 K=3000 angle_deg=40 kappa=0
//
// It returns the angle of two families of fibres to the hoop direction, rad; NaN
// without fibres.
func Parse(text string) (Law, float64, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return nil, 0, fmt.Errorf("the law is empty")
	}
	name := fields[0]
	form, ok := forms[name]
	if !ok {
		if p, ok := PublishedLaw(name); ok && len(fields) == 1 {
			return p.Law, p.Angle, nil
		} else if ok {
			return nil, 0, fmt.Errorf("law %s takes no constants", name)
		}
		return nil, 0, fmt.Errorf("law %q is not known; write neo_hookean, mooney_rivlin, yeoh, exponential or hgo with their constants, or one of %s", name, strings.Join(publishedNames(), ", "))
	}
	values := map[string]float64{}
	for _, f := range fields[1:] {
		k, text, _ := strings.Cut(f, "=")
		v, err := strconv.ParseFloat(text, 64)
		switch _, twice := values[k]; {
		case !slices.Contains(form.keys, k):
			return nil, 0, fmt.Errorf("law %s takes no %q; it has %s", name, k, strings.Join(form.keys, ", "))
		case twice:
			return nil, 0, fmt.Errorf("law %s: %s is given twice", name, k)
		case err != nil:
			return nil, 0, fmt.Errorf("law %s: %s is %q: not a number", name, k, text)
		}
		values[k] = v
	}
	for _, k := range form.keys[:form.need] {
		if _, ok := values[k]; !ok {
			return nil, 0, fmt.Errorf("law %s needs %s", name, k)
		}
	}
	v := func(k string) float64 { return values[k] }
	var l Law
	angle := math.NaN()
	switch name {
	case "exponential":
		l = Exponential{C1: v("c1"), D1: v("D1"), D2: v("D2"), K: v("K")}
	case "hgo":
		l, angle = HGO{C10: v("C10"), K1: v("k1"), K2: v("k2"), Kappa: v("kappa"), K: v("K")}, deg(v("angle_deg"))
		if math.IsNaN(angle) || math.IsInf(angle, 0) {
			return nil, 0, fmt.Errorf("law hgo: angle_deg is %g: must be finite", v("angle_deg"))
		}
	default:
		l = Polynomial{C10: v("C10"), C01: v("C01"), C20: v("C20"), C30: v("C30"), K: v("K")}
	}
	if err := l.Check(); err != nil {
		return nil, 0, fmt.Errorf("law %s: %w", name, err)
	}
	return l, angle, nil
}

func publishedNames() (names []string) {
	for _, p := range published {
		names = append(names, p.Name)
	}
	return names
}
