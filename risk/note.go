package risk

// Severity says how much a note matters.
type Severity string

// The severities, from harmless to fatal.
const (
	Info    Severity = "info"
	Warning Severity = "warning" // a number may be less certain, or was not computed
	Refusal Severity = "refusal" // quality control stops the run
)

// Note is what the reader of a report must know. Findings about the patient's
// data that do not stop a run are notes, and every note reaches the report.
type Note struct {
	Code     string   `json:"code"` // "PLQ-104": see docs/reference/notes.md
	Severity Severity `json:"severity"`
	Where    string   `json:"where,omitempty"` // "LAD-1", "slice at z = 12.40 mm"
	Text     string   `json:"text"`            // what, why, and what follows from it, in one or two sentences
}

// Code documents one kind of note or error. Every package that makes notes has
// a table NoteCodes, from which docs/reference/notes.md is generated.
type Code struct {
	Code  string // "PLQ-104"
	Title string // "slices are missing"
	Help  string // why it matters and what to do
}
