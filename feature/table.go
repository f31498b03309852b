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
