package mha

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/internal/voxels"
)

// WriteVolume writes v as a single file of float32, compressed if z is set.
// Positions keep all digits. The same volume gives the same bytes.
func WriteVolume(w io.Writer, v *imaging.Volume, z bool) error {
	if len(v.Values) != v.Len() {
		panic("mha: WriteVolume: length mismatch")
	}
	return write(w, &v.Grid, voxels.Float32, z, zlib.BestSpeed, func(w io.Writer) error {
		return voxels.WriteFloats(w, v.Values)
	})
}

// WriteSegmentation writes s, which must have one layer, as a label map in a
// single file, compressed if z is set. A MetaImage has no place for names.
func WriteSegmentation(w io.Writer, s *imaging.Segmentation, z bool) error {
	if len(s.Layers) != 1 {
		return fmt.Errorf("mha: %d layers: a MetaImage holds one label map; write .seg.nrrd instead", len(s.Layers))
	}
	if len(s.Layers[0]) != s.Len() {
		panic("mha: WriteSegmentation: length mismatch")
	}
	kind := voxels.LabelKind(s.Layers)
	return write(w, &s.Grid, kind, z, zlib.DefaultCompression, func(w io.Writer) error {
		return voxels.WriteLayers(w, s.Layers, kind)
	})
}

var kindNames = map[voxels.Kind]string{voxels.Uint8: "MET_UCHAR", voxels.Int16: "MET_SHORT", voxels.Int32: "MET_INT", voxels.Float32: "MET_FLOAT"}

// write writes header and voxels. ITK needs the size of compressed data in the
// header, so they are held in memory.
func write(w io.Writer, g *imaging.Grid, kind voxels.Kind, z bool, level int, data func(io.Writer) error) error {
	if err := g.Validate(); err != nil {
		return fmt.Errorf("mha: %w", err)
	}
	var b strings.Builder
	b.WriteString("ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n")
	if z {
		var packed bytes.Buffer
		c, err := zlib.NewWriterLevel(&packed, level)
		if err != nil {
			return err
		}
		bw := bufio.NewWriterSize(c, 1<<16)
		if err := errors.Join(data(bw), bw.Flush(), c.Close()); err != nil {
			return err
		}
		fmt.Fprintf(&b, "CompressedData = True\nCompressedDataSize = %d\n", packed.Len())
		data = func(w io.Writer) error {
			_, err := packed.WriteTo(w)
			return err
		}
	} else {
		b.WriteString("CompressedData = False\n")
	}
	fmt.Fprintf(&b, "TransformMatrix = %s\nOffset = %s\nCenterOfRotation = 0 0 0\nAnatomicalOrientation = RAI\n",
		decimals(g.Axes[0], g.Axes[1], g.Axes[2]), decimals(g.Origin))
	fmt.Fprintf(&b, "ElementSpacing = %s\nDimSize = %d %d %d\nElementType = %s\n%s = LOCAL\n",
		decimals(r3.Vec{X: g.Spacing[0], Y: g.Spacing[1], Z: g.Spacing[2]}), g.Size[0], g.Size[1], g.Size[2], kindNames[kind], dataKey)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	bw := bufio.NewWriterSize(w, 1<<16)
	return errors.Join(data(bw), bw.Flush())
}

// decimals writes the parts of vectors with all digits.
func decimals(vs ...r3.Vec) string {
	var words []string
	for _, v := range vs {
		for _, x := range [3]float64{v.X, v.Y, v.Z} {
			words = append(words, strconv.FormatFloat(x+0, 'g', -1, 64))
		}
	}
	return strings.Join(words, " ")
}
