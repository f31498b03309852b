package feature

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// WriteParquet writes t as Parquet, one row per region: case, patient, artery,
// lesion and the extra columns as text, label as an integer, then one double per
// feature. What is not known is null. The columns' units and definitions stand
// in the metadata "plaquerisk.columns" of the file, as JSON. The same table
// gives the same bytes.
func WriteParquet(w io.Writer, t *Table) error { return writeAll(t, w, NewParquetWriter) }

// WriteLongParquet writes t as Parquet with the rows of [WriteLongCSV].
func WriteLongParquet(w io.Writer, t *Table) error {
	return writeAll(t, w, func(w io.Writer, s Schema, _ []string) (Writer, error) { return NewLongParquetWriter(w, s, nil) })
}

// cellsPerGroup bounds the values that wait in memory before they are written.
const cellsPerGroup = 4 << 20

// NewParquetWriter returns a writer of the format of [WriteParquet].
func NewParquetWriter(w io.Writer, s Schema, extra []string) (Writer, error) {
	var names []string
	for _, c := range s.cols {
		names = append(names, c.Name)
	}
	if err := unique(idColumns, extra, names); err != nil {
		return nil, err
	}
	p := &parquetWriter{add: func(p *parquetWriter, r *Row) error {
		for n, id := range []string{r.Case, r.Patient, r.Artery, r.Lesion} {
			p.text(n, id)
		}
		p.integer(4, r.Label, r.Label != Unknown)
		at := len(idColumns)
		for n, cell := range r.Extra {
			p.text(at+n, cell)
		}
		at += len(r.Extra)
		for n, x := range r.Values {
			p.number(at+n, x)
		}
		return p.end()
	}}
	for _, name := range idColumns {
		if name == "label" {
			p.column(name, parquet.Leaf(parquet.Int32Type))
		} else {
			p.column(name, parquet.String())
		}
	}
	for _, name := range extra {
		p.column(name, parquet.String())
	}
	for _, name := range names {
		p.column(name, parquet.Leaf(parquet.DoubleType))
	}
	return p, p.open(w, &s)
}

// NewLongParquetWriter returns a writer of the format of [WriteLongParquet]
// with extra columns at the end.
func NewLongParquetWriter(w io.Writer, s Schema, extra []string) (Writer, error) {
	if err := unique(longColumns, extra); err != nil {
		return nil, err
	}
	p := &parquetWriter{add: func(p *parquetWriter, r *Row) error {
		for n := range s.cols {
			v := newLong(&s, r, n)
			for m, cell := range []string{r.Case, r.Patient, r.Artery, r.Lesion, v.feature} {
				p.text(m, cell)
			}
			p.number(5, v.value)
			p.text(6, v.unit)
			p.text(7, v.flag)
			p.integer(8, v.voxels, v.voxels >= 0)
			p.integer(9, v.pairs, v.pairs >= 0)
			p.text(10, string(v.reason))
			p.text(11, v.ibsi)
			if len(extra) > 0 {
				for m, cell := range r.Extra {
					p.text(len(longColumns)+m, cell)
				}
			}
			if err := p.end(); err != nil {
				return err
			}
		}
		return nil
	}}
	for _, name := range append(slices.Clone(longColumns), extra...) {
		switch name {
		case "value":
			p.column(name, parquet.Leaf(parquet.DoubleType))
		case "voxels", "pairs":
			p.column(name, parquet.Leaf(parquet.Int32Type))
		default:
			p.column(name, parquet.String())
		}
	}
	return p, p.open(w, &s)
}

// parquetWriter collects the cells of one row at a time.
type parquetWriter struct {
	fields []parquet.Field
	row    parquet.Row
	rows   int // in the present group
	out    *parquet.GenericWriter[any]
	add    func(p *parquetWriter, r *Row) error
}

// column appends a column that may be null.
func (p *parquetWriter) column(name string, node parquet.Node) {
	p.fields = append(p.fields, field{parquet.Optional(node), name})
}

// open starts the file.
func (p *parquetWriter) open(w io.Writer, s *Schema) error {
	defs := make([]Definition, s.Len())
	for n := range defs {
		defs[n] = definition(&s.cols[n])
	}
	meta, err := marshal(defs)
	if err != nil {
		return err
	}
	schema := parquet.NewSchema("features", ordered{parquet.Group{}, p.fields})
	p.out = parquet.NewGenericWriter[any](w, schema, parquet.Compression(&parquet.Snappy), parquet.CreatedBy("plaquerisk", "1", "features"),
		parquet.KeyValueMetadata("plaquerisk.columns", string(meta)))
	p.row = make(parquet.Row, len(p.fields))
	return nil
}

func (p *parquetWriter) text(n int, s string)      { p.set(n, parquet.ByteArrayValue([]byte(s)), true) }
func (p *parquetWriter) number(n int, x float64)   { p.set(n, parquet.DoubleValue(x), !math.IsNaN(x)) }
func (p *parquetWriter) integer(n, x int, ok bool) { p.set(n, parquet.Int32Value(int32(x)), ok) }

// set puts a value into column n of the row, or null.
func (p *parquetWriter) set(n int, v parquet.Value, ok bool) {
	if !ok {
		p.row[n] = parquet.NullValue().Level(0, 0, n)
		return
	}
	p.row[n] = v.Level(0, 1, n)
}

// end finishes a row.
func (p *parquetWriter) end() error {
	if _, err := p.out.WriteRows([]parquet.Row{p.row}); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	if p.rows++; p.rows*len(p.fields) >= cellsPerGroup {
		p.rows = 0
		return p.out.Flush()
	}
	return nil
}

func (p *parquetWriter) Write(r *Row) error { return p.add(p, r) }

func (p *parquetWriter) Close() error { return p.out.Close() }

// ordered is a group of columns in their own order; the library's sorts them.
type ordered struct {
	parquet.Group
	fields []parquet.Field
}

func (o ordered) Fields() []parquet.Field { return o.fields }

// GoType is not used: rows are made of values, not of structs.
func (o ordered) GoType() reflect.Type { return reflect.TypeFor[struct{}]() }

// field is a column with its name.
type field struct {
	parquet.Node
	name string
}

func (f field) Name() string                          { return f.name }
func (f field) Value(reflect.Value) (v reflect.Value) { return v }
