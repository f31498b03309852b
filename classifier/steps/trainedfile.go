package steps

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// Format and Version head the file of a [Trained]. Version grows when a reader
// of the old one would misread the new one.
const (
	Format  = "plaquerisk.table_model"
	Version = 1
)

const maxModelBytes = 1 << 30

// Save writes t as JSON in one canonical form: fixed order of keys, shortest
// decimals, one key to a line, and last the SHA-256 over all that stands before
// it. [Open] reads it.
func (t *Trained) Save(w io.Writer) error {
	body, err := t.body()
	if err != nil {
		return fmt.Errorf("save model: %w", err)
	}
	_, err = w.Write(fmt.Appendf(body, ",\n\"sha256\": %q\n}\n", sha(body)))
	return err
}

// SHA256 returns the hash that [Trained.Save] writes, in hex.
func (t *Trained) SHA256() (string, error) {
	body, err := t.body()
	return sha(body), err
}

func sha(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// body returns the file up to the hash.
func (t *Trained) body() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n\"format\": %q,\n\"version\": %d", Format, Version)
	v := reflect.ValueOf(*t)
	for n := range v.NumField() {
		name, option, _ := strings.Cut(v.Type().Field(n).Tag.Get("json"), ",")
		if option == "omitempty" && v.Field(n).IsZero() {
			continue
		}
		text, err := json.Marshal(v.Field(n).Interface())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(&b, ",\n%q: %s", name, text)
	}
	return b.Bytes(), nil
}

// Open reads a model file. It refuses another format or version, content that
// does not give the hash, and whatever Save would not have written: unknown keys,
// keys that stand twice, trees that are no trees.
func Open(r io.Reader) (*Trained, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxModelBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	if len(raw) > maxModelBytes {
		return nil, fmt.Errorf("read model: larger than %d MiB", maxModelBytes>>20)
	}
	t, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	return t, nil
}

// IsTrained tells whether a file that starts with these bytes is one of a
// [Trained], and not of another kind of model.
func IsTrained(start []byte) bool {
	return bytes.Contains(start[:min(len(start), 200)], []byte(`"`+Format+`"`))
}

func parse(raw []byte) (*Trained, error) {
	var id struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(raw, &id); err != nil {
		return nil, err
	}
	if id.Format != Format {
		return nil, fmt.Errorf("format is %q, want %q", id.Format, Format)
	}
	if id.Version != Version {
		return nil, fmt.Errorf("version %d, this program reads version %d", id.Version, Version)
	}
	at := bytes.LastIndex(raw, []byte(",\n\"sha256\": "))
	if at < 0 {
		return nil, errors.New("it does not end with its hash")
	}
	if end := fmt.Sprintf(",\n\"sha256\": %q\n}\n", sha(raw[:at])); end != string(raw[at:]) {
		return nil, errors.New("its content does not give its SHA-256: it was changed after it was saved")
	}
	return decodeTrained(raw[:at])
}

// decodeTrained reads the file up to the hash.
func decodeTrained(body []byte) (*Trained, error) {
	t := &Trained{}
	if err := json.Unmarshal(slices.Concat(body, []byte("}")), t); err != nil {
		return nil, err
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	again, err := t.body()
	if err != nil {
		return nil, err
	}
	if n := differ(again, body); n >= 0 {
		return nil, fmt.Errorf("byte %d: %q is not what this program writes", n, body[n:min(len(body), n+20)])
	}
	return t, nil
}

// differ returns the first place at which a and b differ, −1 if they do not.
func differ(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	for n := range min(len(a), len(b)) {
		if a[n] != b[n] {
			return n
		}
	}
	return min(len(a), len(b))
}

// check tells what keeps t from predicting.
func (t *Trained) check() error {
	if n := len(t.Labels); n < 2 || n > maxClasses || t.Fitted == nil || t.Conformal == nil {
		return fmt.Errorf("%d classes, want 2 to %d, a model and sets", n, maxClasses)
	}
	if n := len(t.Features); n == 0 || n > maxColumns {
		return fmt.Errorf("%d features, want 1 to %d", n, maxColumns)
	}
	for n, f := range t.Features {
		switch {
		case n > 0 && f.Name <= t.Features[n-1].Name:
			return fmt.Errorf("feature %q does not follow %q: want increasing names", f.Name, t.Features[n-1].Name)
		case len(f.Categories) > boost.MaxCategories || !slices.IsSorted(f.Categories):
			return fmt.Errorf("feature %q: %d categories, want at most %d, increasing", f.Name, len(f.Categories), boost.MaxCategories)
		}
	}
	if k := classesOf(t.Fitted.Model); k != len(t.Labels) || len(t.Training.Classes) != k || len(t.Conformal.Thresholds) != k {
		return fmt.Errorf("a model of %d classes for %d labels, %d counts, %d thresholds", k, len(t.Labels), len(t.Training.Classes), len(t.Conformal.Thresholds))
	}
	for n := range t.Patient {
		if err := t.Patient[n].check(); err != nil {
			return err
		}
	}
	rows := 0
	for _, n := range t.Training.Classes {
		if rows += n; n < 0 {
			return fmt.Errorf("%d training rows of a class", n)
		}
	}
	if rows == 0 {
		return errors.New("no training rows")
	}
	if o := t.Outside; o != nil {
		n := len(o.Names)
		if len(o.Median) != n || len(o.Spread) != n || len(o.Axes) != len(o.Lambda) || !slices.IsSorted(o.Train) {
			return fmt.Errorf("outside: lengths differ, or distances do not increase")
		}
		for a := range o.Axes {
			if len(o.Axes[a]) != n || !(o.Lambda[a] > 0) {
				return fmt.Errorf("outside: axis %d has %d values of %d columns, variance %g", a+1, len(o.Axes[a]), n, o.Lambda[a])
			}
		}
	}
	return t.tryRow()
}

// tryRow predicts a row of missing values and one in the middle of the training
// ranges, so that a model whose parts do not fit together is refused when it is
// read and not when it is used.
func (t *Trained) tryRow() error {
	f := &Table{Classes: len(t.Labels), ID: []string{"1", "2"}, Patient: []string{"1", "2"}}
	for n := range t.Features {
		c := t.Features[n].column()
		c.Values = []float64{math.NaN(), t.Features[n].Low/2 + t.Features[n].High/2}
		f.Columns = append(f.Columns, c)
	}
	for _, s := range t.Fitted.Steps {
		if h, ok := s.(*Harmonised); ok && len(h.Sites) > 0 {
			f.Site = []string{h.Sites[0], h.Sites[0]}
		}
	}
	_, err := t.Predict(f)
	return err
}
