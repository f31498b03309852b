package ibsi

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/radiomics"
)

//go:embed data/phantom.csv
var phantom []byte

//go:embed data/values.csv
var values []byte

// aggregations maps the names of the reference tables to our suffixes.
var aggregations = map[string]string{
	"2D, averaged": "2d_averaged", "2D, slice-merged": "2d_slice_merged", "2.5D, direction-merged": "25d_direction_merged",
	"2.5D, merged": "25d_merged", "3D, averaged": "3d_averaged", "3D, merged": "3d_merged", "2D": "2d", "2.5D": "25d", "3D": "3d",
}

// digits is the number of significant digits to which chapter 1 compares.
const digits = 3

// Digital compares all features in all aggregations on the digital phantom, from
// data inside the program.
func Digital(ctx context.Context) (*Suite, error) {
	s := &Suite{Name: "IBSI 1, digital phantom"}
	fail := func(err error) (*Suite, error) { return nil, fmt.Errorf("%s: %w", s.Name, err) }
	g := imaging.NewGrid([3]int{5, 4, 4}, [3]float64{2, 2, 2}, r3.Vec{})
	vol, mask := imaging.NewVolume(g), imaging.NewMask(g)
	image, err := readRecords(bytes.NewReader(phantom))
	if err != nil {
		return fail(err)
	}
	for n, r := range image {
		x, err := r.numbers("level", "inside")
		if err != nil {
			return fail(err)
		}
		vol.Values[n], mask.In[n] = float32(x[0]), x[1] == 1
	}
	reference, err := readRecords(bytes.NewReader(values))
	if err != nil {
		return fail(err)
	}
	cfg := radiomics.IBSIConfig()
	cfg.Discretisation = "none"
	cfg.Aggregations = []string{"2d_averaged", "2d_slice_merged", "25d_direction_merged", "25d_merged", "3d_averaged", "3d_merged"}
	if err := s.chapter1(ctx, vol, mask, cfg, reference); err != nil {
		return fail(err)
	}
	return s, nil
}

// chapter1 extracts features and compares them with rows of reference values.
func (s *Suite) chapter1(ctx context.Context, vol *imaging.Volume, mask *imaging.Mask, cfg radiomics.Config, reference []record) error {
	v, _, err := radiomics.Extract(ctx, vol, mask, cfg)
	if err != nil {
		return err
	}
	find := newFinder(&v)
	for _, r := range reference {
		x, err := r.numbers("value", "tolerance")
		if err != nil {
			return err
		}
		code := r["ibsi_id"]
		if p := r["param_id"]; p != "" {
			code = p
		}
		row := Row{Quantity: r["feature"] + " " + r["aggregation"], Code: code, Want: x[0], Tol: x[1], Digits: digits, Missing: true}
		find.fill(&row, code, aggregations[r["aggregation"]])
		s.Rows = append(s.Rows, row)
	}
	return nil
}

// finder finds features by code and aggregation.
type finder struct {
	v  *feature.Vector
	at map[[2]string]int
}

func newFinder(v *feature.Vector) *finder {
	f := &finder{v: v, at: map[[2]string]int{}}
	for n, c := range v.Schema.Columns() {
		f.at[[2]string{c.IBSI(), ""}] = n
		if parts := strings.Split(c.Name, "."); len(parts) == 4 {
			f.at[[2]string{c.IBSI(), parts[3]}] = n
		}
	}
	return f
}

// fill puts the value of a feature into row, if it was computed. Families of one
// aggregation have none in their names.
func (f *finder) fill(row *Row, code, aggregation string) {
	n, ok := f.at[[2]string{code, aggregation}]
	if !ok && aggregation == "3d" {
		n, ok = f.at[[2]string{code, ""}]
	}
	if ok {
		c := f.v.Schema.Column(n)
		row.Quantity, row.Got, row.Missing = c.Name+", "+c.Unit, f.v.Values[n], math.IsNaN(f.v.Values[n])
	}
}

// read reads an image and the first region of its mask.
func read(image, mask string) (*imaging.Volume, *imaging.Mask, error) {
	vol, err := format.ReadVolume(image)
	if err != nil {
		return nil, nil, err
	}
	seg, err := format.ReadSegmentation(mask)
	if err != nil {
		return nil, nil, err
	}
	if len(seg.Segments) == 0 {
		return nil, nil, fmt.Errorf("%s holds no region", mask)
	}
	roi, err := seg.Mask(0).Onto(&vol.Grid, imaging.OnVoxels)
	return vol, roi, err
}

// ctPhantom reads the CT phantom. The settings round it to whole HU.
func ctPhantom(dir string) (*imaging.Volume, *imaging.Mask, error) {
	at := filepath.Join(dir, "ibsi1", "ct_phantom", "nifti")
	return read(filepath.Join(at, "image.nii.gz"), filepath.Join(at, "mask.nii.gz"))
}

// configurations compares configurations A to E on the CT phantom.
func configurations(ctx context.Context, dir string, add func(*Suite)) error {
	vol, mask, err := ctPhantom(dir)
	if err != nil {
		return err
	}
	reference, err := readFile(filepath.Join(dir, "ibsi1", "ibsi1_reference_values.csv"))
	if err != nil {
		return err
	}
	for _, name := range []string{"A", "B", "C", "D", "E"} {
		cfg, _, err := radiomics.Preset("ibsi1_" + strings.ToLower(name))
		if err != nil {
			return err
		}
		var rows []record
		for _, r := range reference {
			if r["config"] == name {
				rows = append(rows, r)
			}
		}
		s := &Suite{Name: "IBSI 1, CT phantom, configuration " + name}
		if err := s.chapter1(ctx, vol, mask, cfg, rows); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		add(s)
		if s, err = steps(ctx, dir, name, vol, mask, cfg); err != nil {
			return err
		}
		add(s)
	}
	return nil
}

// steps compares the sizes, counts and intensities on the way from the image to
// the features of a configuration, to the digits that the table has.
func steps(ctx context.Context, dir, name string, vol *imaging.Volume, mask *imaging.Mask, cfg radiomics.Config) (*Suite, error) {
	s := &Suite{Name: "IBSI 1, CT phantom, steps of configuration " + name}
	table, err := readFile(filepath.Join(dir, "ibsi1", "ibsi1_diagnostic_values.csv"))
	if err != nil {
		return nil, err
	}
	cfg.Families = []string{"diagnostics"}
	v, _, err := radiomics.Extract(ctx, vol, mask, cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	for _, r := range table {
		if r["config"] != name {
			continue
		}
		x, err := r.numbers("value", "tolerance")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		row := Row{Quantity: r["tag"], Want: x[0], Tol: x[1], Missing: true, Digits: max(digits, len(strings.NewReplacer("-", "", ".", "").Replace(r["value"])))}
		diagnostic(&v, r["tag"], &row)
		s.Rows = append(s.Rows, row)
	}
	return s, nil
}

// diagnostic puts a check value into row, if it was computed.
func diagnostic(v *feature.Vector, tag string, row *Row) {
	if n, ok := v.Schema.Index("original.diagnostics." + tag); ok {
		row.Quantity, row.Got, row.Missing = tag+", "+v.Schema.Column(n).Unit, v.Values[n], math.IsNaN(v.Values[n])
	}
}
