package rtstruct

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// Storage is the class of structure sets.
const Storage = "1.2.840.10008.5.1.4.1.1.481.3"

// ErrNotStructureSet tells that a file is something else.
var ErrNotStructureSet = errors.New("not a DICOM structure set")

// Tags of structure sets.
const (
	sopClass         part10.Tag = 0x00080016
	structureSetROI  part10.Tag = 0x30060020
	roiNumber        part10.Tag = 0x30060022
	referencedFrame  part10.Tag = 0x30060024
	roiName          part10.Tag = 0x30060026
	roiContour       part10.Tag = 0x30060039
	contours         part10.Tag = 0x30060040
	contourType      part10.Tag = 0x30060042
	contourData      part10.Tag = 0x30060050
	referencedROI    part10.Tag = 0x30060084
	frameOfReference part10.Tag = 0x00200052
)

// Is tells whether f is a structure set.
func Is(f *part10.File) bool {
	class, err := object.Text(f.Data, sopClass)
	return err == nil && class == Storage
}

// ROI is one region of interest.
type ROI struct {
	Number           int
	Name             string
	FrameOfReference string     // UID
	Contours         [][]r3.Vec // closed and planar, of 3 points or more, LPS mm
	// Skipped counts contours that enclose nothing: points, open curves, one or
	// two points.
	Skipped int
}

// Read reads the regions of a structure set, in the order of their contours.
func Read(f *part10.File) ([]ROI, error) {
	if f.Damage != nil {
		return nil, f.Damage
	}
	if !Is(f) {
		return nil, ErrNotStructureSet
	}
	var rois []ROI
	byNumber := map[int]int{}
	for it := range object.Items(f.Data, structureSetROI) {
		n, ok, err := object.Int(it, roiNumber)
		if err != nil {
			return nil, err
		}
		if _, twice := byNumber[n]; !ok || twice {
			return nil, fmt.Errorf("region %d: %v %d is missing or stands twice: %w", len(rois)+1, roiNumber, n, part10.ErrDamaged)
		}
		roi := ROI{Number: n}
		if roi.Name, err = object.Text(it, roiName); err != nil {
			return nil, err
		}
		if roi.FrameOfReference, err = object.Text(it, referencedFrame); err != nil {
			return nil, err
		}
		byNumber[n] = len(rois)
		rois = append(rois, roi)
	}
	for it := range object.Items(f.Data, roiContour) {
		n, _, err := object.Int(it, referencedROI)
		if err != nil {
			return nil, err
		}
		at, ok := byNumber[n]
		if !ok {
			return nil, fmt.Errorf("contours of region %d, which is not described: %w", n, part10.ErrDamaged)
		}
		roi := &rois[at]
		if err := roi.read(it); err != nil {
			return nil, fmt.Errorf("region %d %q: %w", n, roi.Name, err)
		}
	}
	return rois, nil
}

// read adds the contours of one item.
func (r *ROI) read(d part10.Dataset) error {
	n := 0
	for it := range object.Items(d, contours) {
		n++
		kind, err := object.Text(it, contourType)
		if err != nil {
			return fmt.Errorf("contour %d: %w", n, err)
		}
		switch kind {
		case "CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "INTERPOLATED_PLANAR":
		default: // points and open curves
			r.Skipped++
			continue
		}
		e, ok := it.Lookup(contourData)
		if !ok {
			return fmt.Errorf("contour %d: %v is missing: %w", n, contourData, part10.ErrDamaged)
		}
		v, err := coordinates(e)
		if err != nil {
			return fmt.Errorf("contour %d: %w", n, err)
		}
		if len(v) < 9 {
			r.Skipped++
			continue
		}
		points := make([]r3.Vec, len(v)/3)
		for i := range points {
			points[i] = object.Vec(v[3*i:])
		}
		r.Contours = append(r.Contours, points)
	}
	return nil
}

// coordinates reads the numbers of ContourData. A file may hold millions of them,
// so they are not made strings one by one.
func coordinates(e part10.Element) ([]float64, error) {
	b, err := e.Bytes()
	if err != nil {
		return nil, err
	}
	b = bytes.TrimRight(b, " \x00")
	v := make([]float64, 0, bytes.Count(b, []byte{'\\'})+1)
	for len(b) > 0 {
		word, rest, _ := bytes.Cut(b, []byte{'\\'})
		b = rest
		x, err := strconv.ParseFloat(string(bytes.TrimSpace(word)), 64)
		if err != nil || !(math.Abs(x) <= farthest) {
			return nil, fmt.Errorf("%v: %.20q is no place in a patient: %w", contourData, word, part10.ErrDamaged)
		}
		v = append(v, x)
	}
	if len(v)%3 != 0 {
		return nil, fmt.Errorf("%v: %d numbers are no points: %w", contourData, len(v), part10.ErrDamaged)
	}
	return v, nil
}

// farthest is how far from the origin of its frame of reference a point may
// lie, mm.
const farthest = 1e6
