package pyradiomics

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/radiomics/filter"
)

// derived is an image made from the picture, at the voxels of the region.
type derived struct {
	name   string    // "wavelet-LLH"
	values []float64 // nil if the image is too small for the filter
	pixels Pixels    // the type that PyRadiomics' image has
}

// names returns the names of the images of type t, in PyRadiomics' order.
func (t *ImageType) names() []string {
	s := &t.Settings
	var names []string
	switch t.Name {
	case "LoG":
		for _, sigma := range s.Sigma {
			names = append(names, "log-sigma-"+strings.ReplaceAll(sigma.String(), ".", "-")+"-mm-3D")
		}
	case "Wavelet":
		for level := 1; level <= s.Level; level++ {
			prefix := "wavelet"
			if level > 1 {
				prefix += fmt.Sprint(level)
			}
			all := bands(s.Force2D)
			for _, b := range all[1:] {
				names = append(names, prefix+"-"+b)
			}
			if level == s.Level {
				names = append(names, prefix+"-"+all[0])
			}
		}
	case "LBP2D":
		names = []string{"lbp-2D"}
	case "LBP3D":
		for m := range s.LBP3DLevels {
			names = append(names, fmt.Sprintf("lbp-3D-m%d", m+1))
		}
		names = append(names, "lbp-3D-k")
	default:
		names = []string{strings.ToLower(t.Name)}
	}
	return names
}

// bands returns the bands of a wavelet transform, the approximation first. The
// first letter is for the fastest axis that is transformed.
func bands(planar bool) []string {
	all := []string{""}
	axes := 3
	if planar {
		axes = 2
	}
	for range axes {
		var next []string
		for _, b := range all {
			next = append(next, b+"L", b+"H")
		}
		all = next
	}
	return all
}

// derive makes the images of type t one after the other and hands them to f.
// Each call of f gets the image of the next name of [ImageType.names].
func (s *subject) derive(ctx context.Context, t *ImageType, f func(d derived) error) error {
	names, set := t.names(), &t.Settings
	one := func(values []float64, pixels Pixels) error { return f(derived{names[0], values, pixels}) }
	switch t.Name {
	case "Original":
		values := s.intensities()
		return one(values, s.picture.resolve(values))
	case "Square", "SquareRoot", "Logarithm", "Exponential":
		values := s.intensities()
		transform := pointwise(t.Name, s.picture.magnitude())
		inBlocks(len(values), func(lo, hi int) {
			for n := lo; n < hi; n++ {
				values[n] = transform(values[n])
			}
		})
		return one(values, Float64)
	case "Gradient":
		return one(s.gradient(set.GradientUseSpacing), Float32)
	case "LoG":
		for n, sigma := range set.Sigma {
			d := derived{name: names[n], pixels: Float32}
			if s.wideEnough(sigma.Value) {
				var err error
				if d.values, err = s.filtered(ctx, filter.Config{Kind: "log_itk", Sigma: sigma.Value}, s.farFrom(sigma.Value)); err != nil {
					return err
				}
			}
			if err := f(d); err != nil {
				return err
			}
		}
		return nil
	case "Wavelet":
		return s.wavelets(ctx, set, names, f)
	case "LBP2D":
		// PyRadiomics swaps the axis across with z: a slice across x has z for
		// its fast axis, and samples are counted from there.
		axes := [3][3]int{{0, 1, 2}, {0, 2, 1}, {2, 1, 0}}[set.Force2Ddimension]
		c := filter.Config{Kind: "lbp_2d", Radius: set.LBP2DRadius, Samples: set.LBP2DSamples, Method: set.LBP2DMethod}
		r := int(math.Ceil(set.LBP2DRadius)) + 1
		values, err := s.turned(ctx, c, [3]int{r, r, r}, axes)
		if err != nil {
			return err
		}
		pixels := s.picture.resolve(s.picture.box(s.region.lo, s.region.hi))
		if _, _, whole := pixels.span(); whole { // PyRadiomics writes the codes into an array of the image's type
			for n, x := range values {
				values[n] = math.Trunc(x)
			}
		}
		return one(values, pixels)
	case "LBP3D":
		for n, name := range names {
			m := fmt.Sprintf("m%d", n+1)
			if n == len(names)-1 {
				m = "k"
			}
			c := filter.Config{Kind: "lbp_3d", Harmonics: set.LBP3DLevels, Radius: set.LBP3DIcosphereRadius, Subdivision: &set.LBP3DIcosphereSubdivision, Map: m}
			r := int(math.Ceil(set.LBP3DIcosphereRadius)) + BSpline.reach()
			values, err := s.filtered(ctx, c, [3]int{r, r, r})
			if err != nil {
				return err
			}
			if err := f(derived{name, values, Float64}); err != nil {
				return err
			}
		}
		return nil
	}
	panic("pyradiomics: image type " + t.Name)
}

// wavelets makes the bands of the undecimated transform. The bands of level n
// stand for level start_level + n.
func (s *subject) wavelets(ctx context.Context, set *Settings, names []string, f func(d derived) error) error {
	pixels := Float64
	if s.picture.resolve(s.picture.box(s.region.lo, s.region.hi)) == Float32 {
		pixels = Float32
	}
	for _, name := range names {
		c := filter.Config{Kind: "wavelet_pywt", Wavelet: set.Wavelet, Level: set.StartLevel + 1}
		level, band, _ := strings.Cut(strings.TrimPrefix(name, "wavelet"), "-")
		if c.Band = band; level != "" {
			n, err := strconv.Atoi(level)
			if err != nil {
				panic("pyradiomics: " + name)
			}
			c.Level += n - 1
		}
		if set.Force2D {
			c.Dimensions, c.Axis = 2, axisNames[set.Force2Ddimension]
		}
		margin, err := s.waveletMargin(c)
		if err != nil {
			return err
		}
		values, err := s.filtered(ctx, c, margin)
		if err != nil {
			return err
		}
		if err := f(derived{name, values, pixels}); err != nil {
			return err
		}
	}
	return nil
}

// axisNames are the axes of PyRadiomics' force2Ddimension, z, y and x.
var axisNames = [3]string{"k", "j", "i"}

// waveletMargin returns the margin that makes a band independent of what lies
// beyond. The transform is periodic: where the margin does not fit into the
// picture, all of the axis is needed.
func (s *subject) waveletMargin(c filter.Config) ([3]int, error) {
	one, err := filter.New(filter.Config{Kind: "wavelet", Wavelet: c.Wavelet, Band: "LLL"})
	if err != nil {
		return [3]int{}, err
	}
	margin, _ := one.Support(s.picture.Spacing)
	for a := range 3 {
		margin[a] *= c.Level
		if s.region.lo[a] < margin[a] || s.region.hi[a]+margin[a] > s.picture.Size[a] {
			margin[a] = s.picture.Size[a]
		}
	}
	return margin, nil
}

// farFrom returns the margin beyond which the recursive Gaussian of sigma mm
// has fallen below 1e-10: its slowest pole is exp(−1.37/σ) per voxel.
func (s *subject) farFrom(sigma float64) (margin [3]int) {
	for a := range 3 {
		margin[a] = int(min(math.Ceil(18*sigma/s.picture.Spacing[a]), float64(s.picture.Size[a])))
	}
	return margin
}

// checkWavelet tells whether a wavelet is known.
func checkWavelet(name string) error {
	_, err := filter.New(filter.Config{Kind: "wavelet", Wavelet: name, Band: "LLL"})
	return err
}

// intensities returns the values of the picture at the voxels of the region.
func (s *subject) intensities() []float64 {
	return gathered(s.region, s.picture.at)
}

// pointwise returns the function of an image type; top is the largest absolute
// value of the whole image, which keeps its range:
//
//	square       x²/top
//	squareroot   sgn(x) √(|x| top)
//	logarithm    sgn(x) ln(|x| + 1) · top / ln(top + 1)
//	exponential  e^(x ln(top)/top)
func pointwise(name string, top float64) func(x float64) float64 {
	switch name {
	case "Square":
		c := 1 / math.Sqrt(top)
		return func(x float64) float64 { return (c * x) * (c * x) }
	case "SquareRoot":
		return func(x float64) float64 { return math.Copysign(math.Sqrt(math.Abs(x)*top), x) }
	case "Logarithm":
		c := top / math.Log(top+1)
		return func(x float64) float64 { return math.Copysign(math.Log(math.Abs(x)+1), x) * c }
	}
	c := math.Log(top) / top
	return func(x float64) float64 { return math.Exp(c * x) }
}

// gradient returns the magnitude of the gradient by central differences, the
// border voxels repeated, in float32 as ITK's GradientMagnitudeImageFilter.
func (s *subject) gradient(useSpacing bool) []float64 {
	lo, hi := s.around([3]int{1, 1, 1})
	box := s.picture.box(lo, hi)
	size := [3]int{hi[0] - lo[0], hi[1] - lo[1], hi[2] - lo[2]}
	stride := [3]int{1, size[0], size[0] * size[1]}
	return gathered(s.region, func(i, j, k int) float64 {
		x := [3]int{i - lo[0], j - lo[1], k - lo[2]}
		at := x[0] + x[1]*stride[1] + x[2]*stride[2]
		var sum float64
		for a := range 3 {
			up, down := at, at
			if x[a]+1 < size[a] {
				up += stride[a]
			}
			if x[a] > 0 {
				down -= stride[a]
			}
			d := 0.5*box[up] - 0.5*box[down]
			if useSpacing {
				d /= s.picture.Spacing[a]
			}
			sum += d * d
		}
		return float64(float32(math.Sqrt(sum)))
	})
}

// around returns the box of the region with a margin, cut to the picture.
func (s *subject) around(margin [3]int) (lo, hi [3]int) {
	for a := range 3 {
		lo[a], hi[a] = s.region.lo[a]-margin[a], s.region.hi[a]+margin[a]
	}
	return s.picture.Clamp(lo, hi)
}

// wideEnough tells whether the picture is large enough for a LoG of sigma mm.
func (s *subject) wideEnough(sigma float64) bool {
	for a := range 3 {
		if n := s.picture.Size[a]; n < 4 || float64(n) < math.Ceil(sigma/s.picture.Spacing[a])+1 {
			return false
		}
	}
	return true
}

// filtered returns the response of a filter at the voxels of the region. The
// filter sees the picture in a box about the region, and all of an axis along
// which the margin does not suffice: see [filter.Filter.Support].
func (s *subject) filtered(ctx context.Context, c filter.Config, margin [3]int) ([]float64, error) {
	return s.turned(ctx, c, margin, [3]int{0, 1, 2})
}

// turned is filtered on the picture with its axes in another order, the fastest
// first.
func (s *subject) turned(ctx context.Context, c filter.Config, margin, axes [3]int) ([]float64, error) {
	h, err := filter.New(c)
	if err != nil {
		return nil, err
	}
	lo, hi := s.around(margin)
	size := [3]int{hi[0] - lo[0], hi[1] - lo[1], hi[2] - lo[2]}
	stride := [3]int{1, size[0], size[0] * size[1]}
	g := imaging.NewGrid([3]int{size[axes[0]], size[axes[1]], size[axes[2]]},
		[3]float64{s.picture.Spacing[axes[0]], s.picture.Spacing[axes[1]], s.picture.Spacing[axes[2]]}, r3.Vec{})
	box, values := imaging.NewVolume(g), s.picture.box(lo, hi)
	inSlices(len(box.Values), g.Size[2], func(k int) {
		for j := range g.Size[1] {
			row := box.Values[g.Offset(0, j, k):][:g.Size[0]]
			for i := range row {
				row[i] = float32(values[i*stride[axes[0]]+j*stride[axes[1]]+k*stride[axes[2]]])
			}
		}
	})
	response, err := h.Apply(ctx, box)
	if err != nil {
		return nil, err
	}
	return gathered(s.region, func(i, j, k int) float64 {
		x := [3]int{i - lo[0], j - lo[1], k - lo[2]}
		return response.At(x[axes[0]], x[axes[1]], x[axes[2]])
	}), nil
}
