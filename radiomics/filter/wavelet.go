package filter

import (
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

//go:embed wavelets.csv
var waveletTable string

// wavelet holds the two analysis filters of a wavelet.
type wavelet struct {
	name      string
	low, high []float64
}

// waveletOf returns the wavelet of that name. The high pass of an orthogonal
// wavelet is the low pass backwards with every other sign changed:
//
//	hₙ = (−1)ⁿ⁺¹ l_{N−1−n}
func waveletOf(name string) (wavelet, error) {
	var names []string
	for line := range strings.Lines(waveletTable) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		if strings.HasPrefix(line, "#") {
			continue
		}
		names = append(names, fields[0])
		if fields[0] != name {
			continue
		}
		w := wavelet{name: name, low: numbers(fields[1])}
		if len(fields) > 2 {
			w.high = numbers(fields[2])
			return w, nil
		}
		for n := range w.low {
			w.high = append(w.high, math.Pow(-1, float64(n+1))*w.low[len(w.low)-1-n])
		}
		return w, nil
	}
	return wavelet{}, fmt.Errorf("wavelet: %q: want one of %s", name, strings.Join(names, ", "))
}

// numbers parses a list of the table.
func numbers(list string) []float64 {
	var w []float64
	for _, f := range strings.Fields(list) {
		x, err := strconv.ParseFloat(f, 64)
		if err != nil {
			panic("filter: wavelets.csv: " + err.Error())
		}
		w = append(w, x)
	}
	return w
}

// newWavelet makes a band of the undecimated separable wavelet transform (IBSI
// 2, section 3.5): along each axis the image is convolved with the low or the
// high pass, after the low pass of all lower levels, whose kernels have 2ˡ−1
// zeros between their taps at level l (counted from 0).
func newWavelet(c *Config) (response, error) {
	w, err := waveletOf(c.Wavelet)
	if err != nil {
		return nil, err
	}
	letters, err := c.letters()
	if err != nil {
		return nil, err
	}
	if reach := (len(w.low) + 1) << (c.Level - 1); reach > 2*maxRadius {
		return nil, fmt.Errorf("level: %d: the kernel of %s is wider than %d voxels", c.Level, c.Wavelet, 2*maxRadius)
	}
	var chains [3]chain
	for a, letter := range letters {
		for l := range c.Level {
			k := w.low
			if letter == 'H' && l == c.Level-1 {
				k = w.high
			}
			chains[a] = append(chains[a], spread(k, 1<<l))
		}
	}
	return product(c, chains), nil
}

// letters returns the band's letter of each axis.
func (c *Config) letters() (string, error) {
	b := strings.ToUpper(c.Band)
	if len(b) != c.Dimensions || strings.Trim(b, "LH") != "" {
		return "", fmt.Errorf("band: %q: want an L or H for each of %d axes", c.Band, c.Dimensions)
	}
	return b, nil
}

// spread makes the length of w odd with a zero at the end and puts step − 1
// zeros between its taps.
func spread(w []float64, step int) []float64 {
	w = slices.Clone(w)
	if len(w)%2 == 0 {
		w = append(w, 0)
	}
	s := make([]float64, (len(w)-1)*step+1)
	for t, x := range w {
		s[t*step] = x
	}
	return s
}

func shortWavelet(c *Config) string {
	n := c.Kind + "_" + c.Wavelet
	if c.Level > 1 {
		n += fmt.Sprintf("_level_%d", c.Level)
	}
	return n + "_" + strings.ToLower(c.Band)
}

func wordsWavelet(c *Config) string {
	return fmt.Sprintf("wavelet %s, band %s of level %d", c.Wavelet, strings.ToUpper(c.Band), c.Level) + rotationWords(c)
}
