package pipeline

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/dicom/rtstruct"
	"github.com/plaquerisk/plaquerisk/dicom/seg"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/risk"
)

// regionFile is a file of masks that was read.
type regionFile struct {
	*imaging.Segmentation
	dicom bool // placed by the file on the voxels of the CT
	notes []risk.Note
}

// thinRegion is how far the volume of a mask may be from that which its contours
// enclose before the reader is told.
const thinRegion = 0.1

// readRegions reads the masks at path: NIfTI, NRRD or MetaImage, or a
// segmentation or structure set of DICOM. ct is the image they belong to. A
// structure set has no voxels of its own: rule says which its contours fill, and
// without ct its regions are named but empty.
func readRegions(ctx context.Context, path string, rule rtstruct.Rule, ct *Input) (*regionFile, error) {
	if format.IsImage(path) {
		s, err := format.ReadSegmentation(path)
		return &regionFile{Segmentation: s}, err
	}
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return nil, err
	}
	f, err := part10.Open(r, info.Size(), part10.DefaultLimits())
	if err != nil || !seg.Is(f) && !rtstruct.Is(f) {
		if err == nil {
			class, _ := f.Data.Strings(sopClass) // "" is no class either
			return nil, fmt.Errorf("%s: DICOM, but neither a segmentation nor a structure set: SOP class %s", path, strings.Join(class, ""))
		}
		s, err := format.ReadSegmentation(path) // says what the file looks like
		return &regionFile{Segmentation: s}, err
	}
	out := &regionFile{dicom: true}
	if seg.Is(f) {
		err = out.segmentation(ctx, f, ct)
	} else {
		err = out.structures(ctx, f, rule, ct)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

const sopClass part10.Tag = 0x00080016

func (m *regionFile) segmentation(ctx context.Context, f *part10.File, ct *Input) error {
	var grid *imaging.Grid
	if ct != nil {
		grid = &ct.Volume.Grid
	}
	s, err := seg.Read(ctx, f, grid)
	if err != nil {
		return err
	}
	m.Segmentation = s.Segmentation
	m.frame(s.FrameOfReference, ct, "")
	return nil
}

func (m *regionFile) structures(ctx context.Context, f *part10.File, rule rtstruct.Rule, ct *Input) error {
	switch rule {
	case "":
		rule = rtstruct.ByCentre
	case rtstruct.ByCentre, rtstruct.ByVolume:
	default:
		return fail(Usage, "PLQ-620", fmt.Errorf("contours %q: want %s or %s", rule, rtstruct.ByCentre, rtstruct.ByVolume))
	}
	rois, err := rtstruct.Read(f)
	if err != nil {
		return err
	}
	if ct == nil {
		nowhere := imaging.NewGrid([3]int{1, 1, 1}, [3]float64{1, 1, 1}, r3.Vec{})
		for n := range rois {
			rois[n].Contours = nil
		}
		place, err := rtstruct.Segmentation(ctx, &nowhere, rois)
		if err == nil {
			m.Segmentation = place.Segmentation
		}
		return err
	}
	place, err := rtstruct.SegmentationBy(ctx, &ct.Volume.Grid, rois, rule)
	if err != nil {
		return err
	}
	m.Segmentation = place.Segmentation
	for n := range rois {
		r, p := &rois[n], &place.Regions[n]
		note := func(code string, severity risk.Severity, text string, args ...any) {
			m.notes = append(m.notes, risk.Note{Code: code, Severity: severity, Where: r.Name, Text: fmt.Sprintf(text, args...)})
		}
		m.frame(r.FrameOfReference, ct, r.Name)
		if r.Skipped > 0 {
			note("PLQ-641", risk.Info, "%d points, open curves or contours of one or two points enclose nothing and were left out.", r.Skipped)
		}
		if p.Between {
			note("PLQ-641", risk.Info, "The contours lie between the slices of the CT or oblique to them; each fills a slab halfway to its neighbours.")
		}
		if p.Cut > 0 {
			note("PLQ-206", risk.Warning, "%d contours reach beyond the CT and were cut off", p.Cut)
		}
		if got := p.Volume; p.Cut == 0 && p.Enclosed > 0 && !(got > (1-thinRegion)*p.Enclosed && got < (1+thinRegion)*p.Enclosed) {
			note("PLQ-642", risk.Warning, "The contours enclose %.2f mm³, the voxels whose centres lie within them measure %.2f mm³.", p.Enclosed, got)
		}
	}
	return nil
}

// frame notes a frame of reference that is not that of the CT.
func (m *regionFile) frame(uid string, ct *Input, where string) {
	if ct != nil && uid != "" && ct.FrameOfReference != "" && uid != ct.FrameOfReference {
		m.notes = append(m.notes, risk.Note{Code: "PLQ-640", Severity: risk.Warning, Where: where,
			Text: "The segmentation names another frame of reference than the CT; its place in mm was taken as it stands."})
	}
}

// maskFile returns the file of masks at path: path itself or, of a folder, the
// only segmentation or structure set in it.
func maskFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return path, err
	}
	var found []string
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if isMaskObject(name) {
			found = append(found, name)
		}
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", fmt.Errorf("%s: a folder without a DICOM segmentation or structure set", path)
	case len(found) > 1:
		return "", fmt.Errorf("%s: a folder with %d segmentations or structure sets: name one of them, as %s", path, len(found), found[0])
	}
	return found[0], nil
}

// isMaskObject tells whether a file is a segmentation or a structure set.
func isMaskObject(path string) bool {
	r, err := os.Open(path)
	if err != nil {
		return false
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return false
	}
	limits := part10.DefaultLimits()
	limits.StopAt = 0x00100000 // the class of an object stands before its patient
	f, err := part10.Open(r, info.Size(), limits)
	return err == nil && (seg.Is(f) || rtstruct.Is(f))
}
