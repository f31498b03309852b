package golearn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/sjwhitworth/golearn/base"

	"github.com/plaquerisk/plaquerisk/classifier"
	"github.com/plaquerisk/plaquerisk/feature"
)

// Classifier is gradient boosting for two classes on a golearn grid. Float
// attributes are features, NaN is missing; a categorical or binary attribute
// becomes one feature for each of its values. It can be used wherever golearn
// takes a base.Classifier.
type Classifier struct {
	base.BaseClassifier
	// Config are the settings of training, seed included.
	Config classifier.Config
	// Patient names the attribute whose value tells patients apart; it is no
	// feature. Empty: every row is a patient of its own.
	Patient string

	model    *classifier.Model
	encoding encoding
}

var _ base.Classifier = (*Classifier)(nil)

// encoding says how the attributes of a grid become columns.
type encoding struct {
	Patient    string     `json:"patient"`
	Classes    [2]string  `json:"classes"` // negative, positive: in increasing order
	Attributes []encoded  `json:"attributes"`
	columns    [][]string // names, by attribute
}

// encoded is one attribute.
type encoded struct {
	Name   string   `json:"name"`
	Values []string `json:"values"` // nil: a number
}

// New returns a classifier with default settings.
func New() *Classifier { return &Classifier{Config: classifier.DefaultConfig()} }

// Fit trains on grid, whose one class attribute has two different values. The
// greater of them, as text, is the positive class.
func (c *Classifier) Fit(grid base.FixedDataGrid) error {
	return c.FitContext(context.Background(), grid)
}

// FitContext is [Classifier.Fit] that can be cancelled.
func (c *Classifier) FitContext(ctx context.Context, grid base.FixedDataGrid) error {
	classes, err := classesOf(grid)
	if err != nil {
		return err
	}
	names := slices.Compact(slices.Sorted(slices.Values(classes)))
	if len(names) != 2 {
		return fmt.Errorf("golearn: %d classes %q, want two; for more use meta.OneVsAllModel", len(names), some(names))
	}
	enc, err := newEncoding(grid, c.Patient)
	if err != nil {
		return err
	}
	enc.Classes = [2]string{names[0], names[1]}
	table, err := enc.table(grid)
	if err != nil {
		return err
	}
	for r := range table.Rows {
		if classes[r] == enc.Classes[1] {
			table.Rows[r].Label = feature.Positive
		} else {
			table.Rows[r].Label = feature.Negative
		}
	}
	m, err := classifier.Train(ctx, table, c.Config)
	if err != nil {
		return fmt.Errorf("golearn: %w", err)
	}
	c.model, c.encoding = m, *enc
	return nil
}

// Predict returns a grid with the class attribute of grid alone, filled with
// predictions: the positive class from a probability of ½ upwards.
func (c *Classifier) Predict(grid base.FixedDataGrid) (base.FixedDataGrid, error) {
	p, err := c.Proba(grid)
	if err != nil {
		return nil, err
	}
	if n := len(grid.AllClassAttributes()); n != 1 {
		return nil, fmt.Errorf("golearn: %d class attributes, want one", n)
	}
	out := base.GeneratePredictionVector(grid)
	for r := range p {
		class := c.encoding.Classes[0]
		if p[r] >= 0.5 {
			class = c.encoding.Classes[1]
		}
		base.SetClass(out, r, class)
	}
	return out, nil
}

// Proba returns the probability of the positive class of each row.
func (c *Classifier) Proba(grid base.FixedDataGrid) ([]float64, error) {
	if c.model == nil {
		return nil, errors.New("golearn: predict before fit")
	}
	table, err := c.encoding.table(grid)
	if err != nil {
		return nil, err
	}
	at, err := table.Schema.Match(&c.model.Schema)
	if err != nil {
		return nil, fmt.Errorf("golearn: %w", err)
	}
	p := make([]float64, len(table.Rows))
	x := make([]float64, len(at))
	for r := range p {
		for n, col := range at {
			x[n] = table.Rows[r].Values[col]
		}
		p[r] = classifier.Logistic(c.model.Ensemble.LogOdds(x))
	}
	return p, nil
}

// Classes returns the negative and the positive class.
func (c *Classifier) Classes() (negative, positive string) {
	return c.encoding.Classes[0], c.encoding.Classes[1]
}

// Model returns the trained model, nil before Fit.
func (c *Classifier) Model() *classifier.Model { return c.model }

// String says what the classifier is in one line.
func (c *Classifier) String() string {
	b := c.Config.Boosting
	s := fmt.Sprintf("plaquerisk gradient boosting: %d bags of %d trees of depth %d", b.Bags, b.Rounds, b.MaxDepth)
	if c.model == nil {
		return s + ", not fitted"
	}
	return fmt.Sprintf("%s, %d columns, %q against %q", s, c.model.Schema.Len(), c.encoding.Classes[1], c.encoding.Classes[0])
}

// The name and version of what is saved.
const (
	savedName    = "plaquerisk.boosting"
	savedVersion = "1"
)

// GetMetadata names the classifier in golearn's archives.
func (c *Classifier) GetMetadata() base.ClassifierMetadataV1 {
	return base.ClassifierMetadataV1{FormatVersion: 1, ClassifierName: savedName, ClassifierVersion: savedVersion}
}

// Save writes the fitted classifier as a golearn archive.
func (c *Classifier) Save(path string) error {
	w, err := base.CreateSerializedClassifierStub(path, c.GetMetadata())
	if err != nil {
		return fmt.Errorf("golearn: save %s: %w", path, err)
	}
	err = c.SaveWithPrefix(w, "")
	return errors.Join(err, w.Close())
}

// Load reads what [Classifier.Save] has written.
func (c *Classifier) Load(path string) error {
	r, err := base.ReadSerializedClassifierStub(path)
	if err != nil {
		return fmt.Errorf("golearn: load %s: %w", path, err)
	}
	defer r.Close()
	if r.Metadata != nil && r.Metadata.ClassifierName != savedName {
		return fmt.Errorf("golearn: load %s: it holds a %q, want %q", path, r.Metadata.ClassifierName, savedName)
	}
	return c.LoadWithPrefix(r, "")
}

// SaveWithPrefix writes the classifier as part of an archive.
func (c *Classifier) SaveWithPrefix(w *base.ClassifierSerializer, prefix string) error {
	if c.model == nil {
		return errors.New("golearn: save before fit")
	}
	var b bytes.Buffer
	if err := c.model.Save(&b); err != nil {
		return err
	}
	if err := w.WriteJSONForKey(w.Prefix(prefix, "PLAQUERISK_ENCODING"), &c.encoding); err != nil {
		return fmt.Errorf("golearn: save: %w", err)
	}
	if err := w.WriteBytesForKey(w.Prefix(prefix, "PLAQUERISK_MODEL"), b.Bytes()); err != nil {
		return fmt.Errorf("golearn: save: %w", err)
	}
	return nil
}

// LoadWithPrefix reads the classifier from its part of an archive.
func (c *Classifier) LoadWithPrefix(r *base.ClassifierDeserializer, prefix string) error {
	var enc encoding
	if err := r.GetJSONForKey(r.Prefix(prefix, "PLAQUERISK_ENCODING"), &enc); err != nil {
		return fmt.Errorf("golearn: load: %w", err)
	}
	raw, err := r.GetBytesForKey(r.Prefix(prefix, "PLAQUERISK_MODEL"))
	if err != nil {
		return fmt.Errorf("golearn: load: %w", err)
	}
	m, err := classifier.Load(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("golearn: load: %w", err)
	}
	enc.name()
	c.model, c.encoding, c.Patient, c.Config = m, enc, enc.Patient, m.Settings
	return nil
}

// classesOf returns the class of each row, as text.
func classesOf(grid base.FixedDataGrid) ([]string, error) {
	attrs := grid.AllClassAttributes()
	if len(attrs) != 1 {
		return nil, fmt.Errorf("golearn: %d class attributes, want one", len(attrs))
	}
	return texts(grid, attrs[0])
}

// texts returns the values of an attribute as text. Numbers are written in
// full: golearn itself rounds them to two decimals.
func texts(grid base.FixedDataGrid, a base.Attribute) ([]string, error) {
	spec, err := grid.GetAttribute(a)
	if err != nil {
		return nil, fmt.Errorf("golearn: attribute %q: %w", a.GetName(), err)
	}
	_, rows := grid.Size()
	out := make([]string, rows)
	for r := range out {
		raw := grid.Get(spec, r)
		switch a.(type) {
		case *base.FloatAttribute:
			out[r] = strconv.FormatFloat(base.UnpackBytesToFloat(raw), 'g', -1, 64)
		default:
			out[r] = a.GetStringFromSysVal(raw)
		}
	}
	return out, nil
}

// newEncoding reads which attributes grid has and which values they take.
func newEncoding(grid base.FixedDataGrid, patient string) (*encoding, error) {
	enc := &encoding{Patient: patient}
	found := false
	for _, a := range base.NonClassAttributes(grid) {
		if a.GetName() == patient {
			found = true
			continue
		}
		e := encoded{Name: a.GetName()}
		if _, number := a.(*base.FloatAttribute); !number {
			values, err := texts(grid, a)
			if err != nil {
				return nil, err
			}
			slices.Sort(values)
			e.Values = slices.Compact(values)
			if len(e.Values) > maxValues {
				return nil, fmt.Errorf("golearn: attribute %q has %d different values, at most %d can be features; is it an identifier?", e.Name, len(e.Values), maxValues)
			}
		}
		enc.Attributes = append(enc.Attributes, e)
	}
	if patient != "" && !found {
		return nil, fmt.Errorf("golearn: no attribute %q, which should tell patients apart", patient)
	}
	enc.name()
	return enc, nil
}

// maxValues is the largest number of values of a categorical feature.
const maxValues = 64

// name makes the names of the columns.
func (enc *encoding) name() {
	enc.columns = nil
	for _, a := range enc.Attributes {
		names := []string{a.Name}
		if a.Values != nil {
			names = nil
			for _, v := range a.Values {
				names = append(names, a.Name+"="+v)
			}
		}
		enc.columns = append(enc.columns, names)
	}
}

// table returns the rows of grid as lesions with unknown outcome, each an
// artery of its own. Attributes are found by name.
func (enc *encoding) table(grid base.FixedDataGrid) (*feature.Table, error) {
	var cols []feature.Column
	for _, names := range enc.columns {
		for _, name := range names {
			cols = append(cols, feature.Column{Name: name, Unit: "1", Modality: feature.Clinical, Ref: "golearn attribute"})
		}
	}
	schema, err := feature.NewSchema(cols...)
	if err != nil {
		return nil, fmt.Errorf("golearn: %w", err)
	}
	_, rows := grid.Size()
	t := &feature.Table{Schema: schema, Rows: make([]feature.Row, rows)}
	values := make([]float64, rows*len(cols))
	for r := range t.Rows {
		id := fmt.Sprintf("row %08d", r+1)
		t.Rows[r] = feature.Row{Case: id, Patient: id, Lesion: id, Label: feature.Unknown, Values: values[r*len(cols) : (r+1)*len(cols)]}
	}
	if enc.Patient != "" {
		a := base.GetAttributeByName(grid, enc.Patient)
		if a == nil {
			return nil, fmt.Errorf("golearn: no attribute %q, which should tell patients apart", enc.Patient)
		}
		ids, err := texts(grid, a)
		if err != nil {
			return nil, err
		}
		for r := range t.Rows {
			t.Rows[r].Patient = ids[r]
		}
	}
	at := 0
	for n, e := range enc.Attributes {
		if err := e.fill(grid, t, at); err != nil {
			return nil, err
		}
		at += len(enc.columns[n])
	}
	return t, nil
}

// fill sets the columns from at on that stand for the attribute.
func (e *encoded) fill(grid base.FixedDataGrid, t *feature.Table, at int) error {
	a := base.GetAttributeByName(grid, e.Name)
	if a == nil {
		return fmt.Errorf("golearn: no attribute %q, which the classifier was trained with", e.Name)
	}
	if _, number := a.(*base.FloatAttribute); number != (e.Values == nil) {
		return fmt.Errorf("golearn: attribute %q is of another kind than in training", e.Name)
	}
	if e.Values == nil {
		spec, err := grid.GetAttribute(a)
		if err != nil {
			return fmt.Errorf("golearn: attribute %q: %w", e.Name, err)
		}
		for r := range t.Rows {
			x := base.UnpackBytesToFloat(grid.Get(spec, r))
			if math.IsInf(x, 0) {
				return fmt.Errorf("golearn: row %d, attribute %q: infinite value", r+1, e.Name)
			}
			t.Rows[r].Values[at] = x
		}
		return nil
	}
	values, err := texts(grid, a)
	if err != nil {
		return err
	}
	for r := range t.Rows {
		for n, v := range e.Values {
			if values[r] == v {
				t.Rows[r].Values[at+n] = 1
			}
		}
	}
	return nil
}

// some returns the first few of many names.
func some(names []string) []string { return names[:min(len(names), 5)] }
