// Package suyash turns data sets of [part10] into those of
// github.com/suyashkumar/dicom, for code that knows that library's types: what
// its own parser gets wrong or refuses (decision 0020) comes out right.
package suyash

import (
	"fmt"

	"github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// Dataset returns the file meta information and the data set of f. Text is
// UTF-8; pixels are left out, and marked so.
func Dataset(f *part10.File) (dicom.Dataset, error) {
	var all []*dicom.Element
	for _, d := range []part10.Dataset{f.Meta, f.Data} {
		e, err := elements(d)
		if err != nil {
			return dicom.Dataset{}, err
		}
		all = append(all, e...)
	}
	return dicom.Dataset{Elements: all}, nil
}

func elements(d part10.Dataset) ([]*dicom.Element, error) {
	var all []*dicom.Element
	for e := range d.All() {
		x, err := element(e)
		if err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, nil
}

// element returns one element; its kind of value follows from its
// representation as it does in the library.
func element(e part10.Element) (*dicom.Element, error) {
	t := tag.Tag{Group: uint16(e.Tag() >> 16), Element: uint16(e.Tag())}
	vr := e.VR()
	x := &dicom.Element{Tag: t, RawValueRepresentation: vr, ValueRepresentation: tag.GetVRKind(t, vr), ValueLength: uint32(e.Len())}
	data, err := value(e, vr)
	if err != nil {
		return nil, err
	}
	if x.Value, err = dicom.NewValue(data); err != nil {
		return nil, fmt.Errorf("%v: %w", e.Tag(), err)
	}
	return x, nil
}

func value(e part10.Element, vr string) (any, error) {
	if e.Tag() == part10.PixelData {
		return dicom.PixelDataInfo{IntentionallySkipped: true, IsEncapsulated: e.Encapsulated()}, nil
	}
	switch vr {
	case "SQ":
		items := [][]*dicom.Element{}
		for it := range e.Items() {
			all, err := elements(it)
			if err != nil {
				return nil, err
			}
			items = append(items, all)
		}
		return items, nil
	case "US", "SS", "UL", "SL", "UV", "SV", "AT":
		v, err := e.Ints()
		ints := make([]int, len(v))
		for i := range v {
			ints[i] = int(v[i])
		}
		return ints, err
	case "FL", "FD":
		v, err := e.Floats()
		return append([]float64{}, v...), err
	case "OB", "OW", "OF", "OD", "OL", "OV", "UN":
		return e.Bytes()
	}
	v, err := e.Strings()
	return append([]string{}, v...), err
}
