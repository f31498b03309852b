package feature

// Outcomes of a row.
const (
	Unknown  = -1
	Negative = 0
	Positive = 1
)

// Row is one lesion with its features.
type Row struct {
	Case    string // scan; one patient may have several
	Patient string // the unit of every split
	Artery  string // "LAD"; rows of one case and artery share a label
	Lesion  string // "LAD-1", unique in its case; empty for an artery without plaque
	Label   int    // Positive, Negative or Unknown
	Extra   []string
	Values  []float64 // as many as the schema has columns
	Support []Support // as many as Values, or nil where nothing is known
}

// Table holds many lesions.
type Table struct {
	Schema Schema
	// ExtraNames are columns of text that pass through from a manifest (site,
	// sex, …); Row.Extra holds their values.
	ExtraNames []string
	Rows       []Row
}

// Filter returns the table with the columns that keep accepts.
func (t *Table) Filter(keep func(c *Column) bool) *Table {
	out := &Table{ExtraNames: t.ExtraNames, Rows: make([]Row, len(t.Rows))}
	var at []int
	var cols []Column
	for n := range t.Schema.cols {
		if c := &t.Schema.cols[n]; keep(c) {
			at, cols = append(at, n), append(cols, *c)
		}
	}
	out.Schema = MustSchema(cols...)
	for n, r := range t.Rows {
		row := r
		row.Values = make([]float64, len(at))
		row.Support = nil
		for m, from := range at {
			row.Values[m] = r.Values[from]
			if r.Support != nil {
				row.Support = append(row.Support, r.Support[from])
			}
		}
		out.Rows[n] = row
	}
	return out
}
