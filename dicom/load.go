package dicom

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Study is a series in memory.
type Study struct {
	Volume              *imaging.Volume // HU; nil if slices are missing or contradict each other
	Padding             int             // voxels that carried the padding value
	Image               risk.Image      // without what only the lumen can tell
	Findings            []Finding       // of the headers and of the image
	SHA256              string          // of voxels and geometry, in slice order
	Files               int
	FrameOfReferenceUID string
}

// Gate returns the worst gate of the findings.
func (s *Study) Gate() Gate {
	g := Pass
	for _, f := range s.Findings {
		g = max(g, f.Gate)
	}
	return g
}

// Load reads the voxels of s as HU on a right-handed lattice whose slices grow
// along the normal, and judges the scan. A series with missing or
// contradicting slices makes no volume: the study then has the findings, and
// the error is [ErrGap], [ErrConflict] or [ErrMixed]. Thick slices, missing
// contrast stand in the findings alone; ask [Study.Gate]. Another modality is
// [ErrNotCT].
func Load(ctx context.Context, s *Series, cfg Config) (*Study, error) {
	return load(ctx, s, cfg, cfg.Padding)
}

// load is Load with the value of padding voxels; NaN keeps what they have.
func load(ctx context.Context, s *Series, cfg Config, padHU float64) (*Study, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("dicom: settings: %w", err)
	}
	study := &Study{Files: s.files(), FrameOfReferenceUID: s.FrameOfReferenceUID, Image: s.describe(cfg)}
	study.Findings = append(study.Findings, s.Findings...)
	if err := s.check(); err != nil {
		if s.Image && s.Modality == "CT" {
			study.Findings = append(study.Findings, cfg.checkSeries(s, nil)...)
		} else {
			study.Findings = append(study.Findings, cfg.checkModality(s)...)
		}
		return study, err
	}
	vol := imaging.NewVolume(s.Grid)
	n := vol.Size[0] * vol.Size[1]
	padding := make([]int, len(s.Slices))
	sums := make([][sha256.Size]byte, len(s.Slices))
	err := s.each(ctx, func(k int, w *scratch) {
		dst := vol.Values[k*n : (k+1)*n]
		padding[k] = s.Slices[k].image.pixels.hu(dst, w.stored, padHU)
		sums[k] = s.Slices[k].image.hash(w, dst)
	})
	if err != nil {
		return study, err
	}
	study.Volume = vol
	whole := sha256.New()
	for k := range sums {
		whole.Write(sums[k][:])
		study.Padding += padding[k]
	}
	study.SHA256 = hex.EncodeToString(whole.Sum(nil))
	if study.Padding > 0 {
		study.Findings = append(study.Findings, finding(PLQPadding, risk.Info, Pass, "", "%d voxels (%.1f %%) are padding and were set to %g HU", study.Padding, 100*float64(study.Padding)/float64(vol.Len()), cfg.Padding))
	}
	study.Findings = append(study.Findings, cfg.checkSeries(s, vol)...)
	return study, nil
}

// check returns why the series makes no volume of CT numbers.
func (s *Series) check() error {
	switch {
	case len(s.Slices) == 0:
		return fmt.Errorf("dicom: series %s: %w", s.UID, ErrNoSeries)
	case !s.Image && s.Slices[0].image.geometryErr != nil:
		return s.Slices[0].image.geometryErr
	case !s.Image:
		return &FileError{Path: s.Slices[0].Path, Tag: tImageType.String(), Err: fmt.Errorf("%s: %w", strings.Join(s.ImageType, `\`), ErrNoGeometry)}
	case s.Modality != "CT":
		return &FileError{Path: s.Slices[0].Path, Tag: tModality.String(), Err: fmt.Errorf("%q: %w", s.Modality, ErrNotCT)}
	}
	if err := s.contradiction(); err != nil {
		return err
	}
	for _, sl := range s.Slices {
		if sl.image.pixelErr != nil {
			return fileError(sl.Path, sl.image.pixelErr)
		}
	}
	if err := s.Grid.Validate(); err != nil {
		return fmt.Errorf("dicom: series %s: %w", s.UID, err)
	}
	return nil
}

// Slicewise hands the HU of the slices to f, one after the other from the first
// along the normal, without holding the volume: padding keeps the value that the
// files give it, and the scan is not judged. It fails where [Load] gives no
// volume. hu is valid until f returns.
func (s *Series) Slicewise(ctx context.Context, f func(k int, hu []float32) error) error {
	if err := s.check(); err != nil {
		return err
	}
	at := 2 * runtime.GOMAXPROCS(0) // slices at a time
	block := make([][]float32, min(at, len(s.Slices)))
	for k := range block {
		block[k] = make([]float32, s.Grid.Size[0]*s.Grid.Size[1])
	}
	for lo := 0; lo < len(s.Slices); lo += at {
		part := Series{Slices: s.Slices[lo:min(lo+at, len(s.Slices))]}
		err := part.each(ctx, func(k int, w *scratch) {
			part.Slices[k].image.pixels.hu(block[k], w.stored, math.NaN())
		})
		if err != nil {
			return err
		}
		for k := range part.Slices {
			if err := f(lo+k, block[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// files returns how many files hold the slices.
func (s *Series) files() int {
	seen := map[string]bool{}
	for _, sl := range s.Slices {
		seen[sl.Path] = true
	}
	return len(seen)
}

// checkModality judges what is no volume.
func (c Config) checkModality(s *Series) []Finding {
	if s.Modality == "CT" {
		return nil
	}
	return []Finding{finding(PLQModality, risk.Refusal, Refuse, "", "%v is %q, want CT", tModality, s.Modality)}
}

// contradiction returns the first finding that forbids a volume, as an error.
func (s *Series) contradiction() error {
	for _, c := range []struct {
		code string
		err  error
	}{{PLQMixed, ErrMixed}, {PLQConflict, ErrConflict}, {PLQIrregular, ErrConflict}, {PLQMissing, ErrGap}, {PLQDamaged, ErrGap}} {
		for _, f := range s.Findings {
			if f.Code == c.code && f.Gate != Pass {
				path, t := f.path, f.tag
				if path == "" {
					path, t = s.Slices[0].Path, tPosition
				}
				return &FileError{Path: path, Tag: t.String(), Err: fmt.Errorf("%w: %s", c.err, f.Text)}
			}
		}
	}
	return nil
}

// describe returns what the report says about the image.
func (s *Series) describe(cfg Config) risk.Image {
	im := risk.Image{
		Series: s.Description, Number: s.Number, Modality: s.Modality, Manufacturer: s.Manufacturer,
		Scanner: s.Model, Kernel: s.Kernel, KVp: risk.Number(s.KVp), Phase: s.Phase,
		SliceThicknessMM: risk.Number(s.SliceThickness), SpacingMM: s.Grid.Spacing, Size: s.Grid.Size,
		LumenMeanHU: risk.Number(math.NaN()), LumenSDHU: risk.Number(math.NaN()), NoiseHU: risk.Number(math.NaN()),
	}
	if cfg.StudyDate {
		im.StudyDate = s.studyDate
	}
	return im
}

// each reads the slices, several at a time, and hands the stored values of
// each to f.
func (s *Series) each(ctx context.Context, f func(k int, w *scratch)) error {
	files := map[*source]*opened{}
	for k := 1; k < len(s.Slices); k++ {
		if src := s.Slices[k].image.src; src == s.Slices[k-1].image.src {
			files[src] = &opened{}
		}
	}
	errs := make([]error, len(s.Slices))
	err := par.For(ctx, len(s.Slices), func(k int) {
		w := scratches.Get().(*scratch)
		defer scratches.Put(w)
		m := s.Slices[k].image
		if err := m.read(w, files); err != nil {
			errs[k] = fileError(m.label, err)
			return
		}
		f(k, w)
	})
	for _, o := range files {
		if o.done != nil {
			o.done()
		}
	}
	return errors.Join(append([]error{err}, errs...)...)
}

// hash returns the SHA-256 of what decides about a slice: its place, its
// spacing and its HU, as little-endian numbers. File names, encodings and
// other attributes have no part in it.
func (m *image) hash(w *scratch, hu []float32) [sha256.Size]byte {
	b := w.raw[:0]
	b = binary.LittleEndian.AppendUint32(b, uint32(m.cols))
	b = binary.LittleEndian.AppendUint32(b, uint32(m.rows))
	for _, x := range []float64{m.spacing[0], m.spacing[1]} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	for _, v := range []r3.Vec{m.position, m.row, m.col} {
		for _, x := range []float64{v.X, v.Y, v.Z} {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
	}
	for _, v := range hu {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	w.raw = b
	return sha256.Sum256(b)
}
