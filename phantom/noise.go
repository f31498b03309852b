package phantom

import (
	"context"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Spectrum is the radial noise power spectrum of a slice,
//
//	NPS(f) ∝ f^p·exp(−(f/f₀)^q),  largest at f₀·(p/q)^(1/q)              (P.8)
//
// fitted to real scans within 8 % of its peak.
type Spectrum struct {
	P  float64 `json:"p"`
	Q  float64 `json:"q"`
	F0 float64 `json:"f0_per_mm"`
}

// At returns the spectrum at f (1/mm), up to a factor.
func (s Spectrum) At(f float64) float64 {
	return math.Pow(f, s.P) * math.Exp(-math.Pow(f/s.F0, s.Q))
}

// Peak returns the frequency of the largest power, 1/mm.
func (s Spectrum) Peak() float64 { return s.F0 * math.Pow(s.P/s.Q, 1/s.Q) }

// Streams of randomness of a patient: each use has its own.
const (
	streamAnatomy = iota + 1
	streamPlaques
	streamMaterials
	streamLatent
	streamLabels
	streamBranches
	streamNoise = 1 << 32 // plus the number of the pair of slices
)

// addNoise adds noise of standard deviation sd. Slices of 0.8 mm every 0.4 mm
// share half of their photons, so each slice is the mean of two independent
// fields, and neighbours correlate by one half.
func addNoise(ctx context.Context, vol *imaging.Volume, sd float64, sp Spectrum, seed uint64) error {
	nx, ny, nz := vol.Size[0], vol.Size[1], vol.Size[2]
	amp := spectrumAmplitude(nx, ny, vol.Spacing, sp, sd/math.Sqrt2)
	// Fields come in pairs, the real and the imaginary part of one transform. A
	// block of slices is noised at a time, which bounds the memory.
	const block = 16 // pairs
	plane := nx * ny
	fields := make([]float32, (2*block+1)*plane)
	pairs := (nz + 1 + 1) / 2
	for first := 0; first < pairs; first += block {
		n := min(block, pairs-first)
		err := par.For(ctx, n, func(b int) {
			at := (2*b + 1) * plane
			noisePair(fields[at:at+plane], fields[at+plane:at+2*plane], amp, nx, ny,
				rand.New(rand.NewPCG(seed, uint64(streamNoise+first+b))))
		})
		if err != nil {
			return err
		}
		// fields[0] is the last field of the block before; slice k is the sum of
		// fields k and k + 1.
		err = par.For(ctx, 2*n, func(f int) {
			k := 2*first + f - 1
			if k < 0 || k >= nz {
				return
			}
			row := vol.Values[k*plane:][:plane]
			a, b := fields[f*plane:][:plane], fields[(f+1)*plane:][:plane]
			for m := range row {
				row[m] += a[m] + b[m]
			}
		})
		if err != nil {
			return err
		}
		copy(fields[:plane], fields[2*n*plane:][:plane])
	}
	return nil
}

// spectrumAmplitude returns the amplitude of every frequency of an nx×ny
// plane such that the noise has standard deviation sd.
func spectrumAmplitude(nx, ny int, spacing [3]float64, sp Spectrum, sd float64) []float64 {
	amp := make([]float64, nx*ny)
	var sum float64
	for j := range ny {
		fy := float64(min(j, ny-j)) / (float64(ny) * spacing[1])
		for i := range nx {
			fx := float64(min(i, nx-i)) / (float64(nx) * spacing[0])
			p := sp.At(math.Hypot(fx, fy))
			amp[j*nx+i] = math.Sqrt(p)
			sum += p
		}
	}
	// A sum of cosines of amplitudes a·N(0,1) has the variance Σ a².
	scale := sd / math.Sqrt(sum)
	for m := range amp {
		amp[m] *= scale
	}
	return amp
}

// noisePair stores two independent noise fields in re and im: white complex
// noise, weighted in frequency, transformed back.
func noisePair(re, im []float32, amp []float64, nx, ny int, rng *rand.Rand) {
	c := make([]complex128, nx*ny)
	for m, a := range amp {
		// A frequency without power draws its deviates too, so that the numbers of
		// the others do not depend on the spectrum.
		x, y := rng.NormFloat64(), rng.NormFloat64()
		c[m] = complex(a*x, a*y)
	}
	fx := fourier.NewCmplxFFT(nx)
	for j := range ny {
		row := c[j*nx : (j+1)*nx]
		fx.Sequence(row, row)
	}
	// Columns, eight at a time for the sake of the cache.
	fy := fourier.NewCmplxFFT(ny)
	const bundle = 8
	var cols [bundle][]complex128
	for b := range cols {
		cols[b] = make([]complex128, ny)
	}
	for i := 0; i < nx; i += bundle {
		w := min(bundle, nx-i)
		for j := range ny {
			for b := range w {
				cols[b][j] = c[j*nx+i+b]
			}
		}
		for b := range w {
			fy.Sequence(cols[b], cols[b])
		}
		for j := range ny {
			for b := range w {
				v := cols[b][j]
				re[j*nx+i+b], im[j*nx+i+b] = float32(real(v)), float32(imag(v))
			}
		}
	}
}
