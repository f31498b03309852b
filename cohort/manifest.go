package cohort

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// manifestColumns must stand in a manifest, in any order. Further columns pass
// through to the tables.
var manifestColumns = []string{"case", "patient", "ct", "seg", "labels", "artery", "outcome"}

// PressureColumn may stand in a manifest: the blood pressure of the case, "120/80"
// mmHg, or nothing where it is not known. It passes through to the tables too.
const PressureColumn = "blood_pressure_mmhg"

// SeriesColumn and PhaseColumn may stand in a manifest: the UID of the series and
// the cardiac phase of the CT to take, or nothing for the best candidate. They
// pass through to the tables too.
const (
	SeriesColumn = "series_uid"
	PhaseColumn  = "phase"
)

// MaxManifestRows bounds a manifest.
const MaxManifestRows = 5_000_000

// Manifest lists the cases of a cohort.
type Manifest struct {
	Path       string
	Cases      []Case // in the order of their first rows
	ExtraNames []string
}

// Case is one scan to score. Paths are as given if absolute, else relative to
// the manifest.
type Case struct {
	ID       string // names the folder of its results
	Patient  string
	CT       string
	Seg      string
	Labels   string // label map file; empty: names are recognised
	Series   string // of [SeriesColumn]; empty: the best candidate
	Phase    string // of [PhaseColumn]; empty: the best candidate
	Pressure string // of [PressureColumn]; empty: that of the settings
	Outcomes []Outcome
	Line     int // of its first row
}

// Outcome is the label of one artery of a case.
type Outcome struct {
	Artery coronary.Artery // empty: all arteries of the case
	Label  int             // feature.Positive, Negative or Unknown
	Extra  []string        // values of Manifest.ExtraNames
}

// Outcome returns the outcome that holds for artery a: its own row, else the
// row that holds for all.
func (c *Case) Outcome(a coronary.Artery) Outcome {
	all := Outcome{Label: feature.Unknown}
	if len(c.Outcomes) > 0 {
		all.Extra = c.Outcomes[0].Extra
	}
	for _, o := range c.Outcomes {
		switch o.Artery {
		case a:
			return o
		case "":
			all = o
		}
	}
	return all
}

// caseID keeps case names usable as folder names on every system.
var caseID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// ReadManifest reads a CSV with the columns case, patient, ct, seg, labels,
// artery and outcome. Rows of one case must agree in all but artery, outcome
// and the columns that pass through. All that is wrong is reported at once,
// with line numbers.
func ReadManifest(path string) (*Manifest, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	defer f.Close()
	m, err := parseManifest(f, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", path, err)
	}
	m.Path = path
	return m, nil
}

func parseManifest(r io.Reader, dir string) (*Manifest, error) {
	cr := csv.NewReader(r)
	cr.TrimLeadingSpace = true
	cr.FieldsPerRecord = -1
	head, err := cr.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	head[0] = strings.TrimPrefix(head[0], "\ufeff")
	at := make(map[string]int, len(head))
	m := &Manifest{}
	var extra []int
	for n, name := range head {
		if _, twice := at[name]; twice || name == "" {
			return nil, fmt.Errorf("header: column %d %q is empty or stands twice", n+1, name)
		}
		at[name] = n
		if !slices.Contains(manifestColumns, name) {
			m.ExtraNames = append(m.ExtraNames, name)
			extra = append(extra, n)
		}
	}
	for _, name := range manifestColumns {
		if _, ok := at[name]; !ok {
			return nil, fmt.Errorf("header: column %q is missing; a manifest has the columns %s", name, strings.Join(manifestColumns, ","))
		}
	}
	byID := map[string]int{}
	var wrong []string
	complain := func(line int, format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf("line %d: ", line)+fmt.Sprintf(format, args...))
	}
	for rows := 0; ; rows++ {
		rec, err := cr.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := cr.FieldPos(0)
		if rows == MaxManifestRows {
			return nil, fmt.Errorf("line %d: more than %d rows", line, MaxManifestRows)
		}
		if len(rec) != len(head) {
			complain(line, "%d cells, the header has %d", len(rec), len(head))
			continue
		}
		cell := func(name string) string { return rec[at[name]] }
		place := func(name string) string {
			p := cell(name)
			if p == "" || filepath.IsAbs(p) {
				return p
			}
			return filepath.Join(dir, filepath.FromSlash(p))
		}
		c := Case{ID: cell("case"), Patient: cell("patient"), CT: place("ct"), Seg: place("seg"), Labels: place("labels"), Line: line}
		for _, o := range []struct {
			name string
			to   *string
		}{{SeriesColumn, &c.Series}, {PhaseColumn, &c.Phase}} {
			if n, ok := at[o.name]; ok {
				*o.to = strings.TrimSpace(rec[n])
			}
		}
		if n, ok := at[PressureColumn]; ok {
			c.Pressure = rec[n]
			if _, err := pipeline.ParseBloodPressure(c.Pressure); err != nil {
				complain(line, "case %s: %s: %v", c.ID, PressureColumn, err)
			}
		}
		if !caseID.MatchString(c.ID) {
			complain(line, "case %q: use letters, digits, dot, dash and underscore, starting with a letter or digit: it names a folder", c.ID)
			continue
		}
		for _, must := range []struct{ name, value string }{{"patient", c.Patient}, {"ct", c.CT}, {"seg", c.Seg}} {
			if must.value == "" {
				complain(line, "case %s: no %s", c.ID, must.name)
			}
		}
		o := Outcome{Label: feature.Unknown}
		if text := cell("artery"); text != "" {
			a, ok := coronary.ParseArtery(text)
			if !ok {
				complain(line, "case %s: artery %q: want LM, LAD, LCX or RCA, or nothing for the whole patient", c.ID, text)
			}
			o.Artery = a
		}
		switch text := cell("outcome"); text {
		case "":
		case "0":
			o.Label = feature.Negative
		case "1":
			o.Label = feature.Positive
		default:
			complain(line, "case %s: outcome %q: want 0, 1 or nothing", c.ID, text)
		}
		for _, n := range extra {
			o.Extra = append(o.Extra, rec[n])
		}
		n, known := byID[c.ID]
		if !known {
			n = len(m.Cases)
			byID[c.ID] = n
			m.Cases = append(m.Cases, c)
		}
		first := &m.Cases[n]
		if first.Patient != c.Patient || first.CT != c.CT || first.Seg != c.Seg || first.Labels != c.Labels || first.Series != c.Series || first.Phase != c.Phase || first.Pressure != c.Pressure {
			complain(line, "case %s differs from line %d in patient, ct, seg, labels, series, phase or blood pressure", c.ID, first.Line)
		}
		for _, other := range first.Outcomes {
			if other.Artery == o.Artery {
				complain(line, "case %s: artery %q stands twice", c.ID, o.Artery)
			}
		}
		first.Outcomes = append(first.Outcomes, o)
	}
	if len(wrong) > 0 {
		const most = 20
		if n := len(wrong); n > most {
			wrong = append(wrong[:most], fmt.Sprintf("and %d more", n-most))
		}
		return nil, fmt.Errorf("%s", strings.Join(wrong, "\n  "))
	}
	if len(m.Cases) == 0 {
		return nil, fmt.Errorf("no cases under the header")
	}
	return m, nil
}
