package classifier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Format and Version head every model file. Version grows when a reader of the
// old one would misread the new one.
const (
	Format  = "plaquerisk.model"
	Version = 1
)

// The limits of model files.
const (
	maxFile    = 64 << 20
	maxColumns = 100_000
	maxNodes   = 1<<(maxDepth+1) - 1
)

// head is the model file without its trees and its hash.
type head struct {
	Format        string       `json:"format"`
	Version       int          `json:"version"`
	Card          Card         `json:"card"`
	Settings      Config       `json:"settings"`
	Training      Summary      `json:"training"`
	Prior         float64      `json:"prior_log_odds"`
	Empty         float64      `json:"empty_artery_log_odds"`
	EmptyArteries int          `json:"empty_arteries"`
	Base          float64      `json:"base_log_odds"`
	Notes         []risk.Note  `json:"notes"`
	Columns       []fileColumn `json:"columns"`
}

// fileColumn is a column with its range in training.
type fileColumn struct {
	feature.Column
	Missing   int       `json:"missing_rows"`
	Quantiles []float64 `json:"quantiles"`
}

// file is the whole model file.
type file struct {
	head
	Bags   [][]fileTree `json:"bags"`
	SHA256 string       `json:"sha256"`
}

// fileTree is a tree as flat arrays, one entry for each node. Leaves have
// feature −1; what they do not need is 0.
type fileTree struct {
	Feature     []int32   `json:"feature"`
	Threshold   []float64 `json:"threshold"`
	Left        []int32   `json:"left"`
	Right       []int32   `json:"right"`
	MissingLeft []int8    `json:"missing_left"`
	Value       []float32 `json:"value"`
	Cover       []float32 `json:"cover"`
	Gain        []float32 `json:"gain"`
}

// Save writes the model as JSON in one canonical form: fixed order of keys,
// shortest decimals, one column or tree to a line, and at the end the SHA-256
// over all that stands before it. [Load] reads it.
func (m *Model) Save(w io.Writer) error {
	body, err := m.body()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	body = fmt.Appendf(body, ",\n\"sha256\": %q\n}\n", hex.EncodeToString(sum[:]))
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("save model: %w", err)
	}
	return nil
}

// SHA256 returns the hash that [Model.Save] writes, in hex. It panics on a
// model that cannot be saved.
func (m *Model) SHA256() string {
	body, err := m.body()
	if err != nil {
		panic("classifier: " + err.Error())
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// body returns the file up to the hash.
func (m *Model) body() ([]byte, error) {
	h := head{
		Format: Format, Version: Version, Card: m.Card, Settings: m.Settings, Training: m.Training,
		Prior: m.Prior, Empty: m.Empty, EmptyArteries: m.EmptyArteries, Base: m.Ensemble.Base, Notes: m.Notes,
	}
	if h.Notes == nil {
		h.Notes = []risk.Note{}
	}
	top, err := json.MarshalIndent(h, "", " ")
	if err != nil {
		return nil, fmt.Errorf("save model: %w", err)
	}
	var b bytes.Buffer
	b.Write(bytes.TrimSuffix(top, []byte(",\n \"columns\": null\n}")))
	b.WriteString(",\n\"columns\": [")
	for n := range m.Schema.Len() {
		c := fileColumn{m.Schema.Column(n), m.Ranges[n].Missing, m.Ranges[n].Quantiles}
		if c.Quantiles == nil {
			c.Quantiles = []float64{}
		}
		if err := line(&b, n, c); err != nil {
			return nil, err
		}
	}
	b.WriteString("\n],\n\"bags\": [")
	for n, bag := range m.Ensemble.Bags {
		if n > 0 {
			b.WriteString(",")
		}
		b.WriteString("[")
		for n, t := range bag {
			if err := line(&b, n, flatten(t)); err != nil {
				return nil, err
			}
		}
		b.WriteString("\n]")
	}
	b.WriteString("]")
	return b.Bytes(), nil
}

// line writes v as element n of a list, on a line of its own.
func line(b *bytes.Buffer, n int, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("save model: %w", err)
	}
	if n > 0 {
		b.WriteString(",")
	}
	b.WriteString("\n")
	b.Write(raw)
	return nil
}

// flatten returns a tree as it is written. Values, covers and gains of trees
// that we grow are float32 numbers already.
func flatten(t Tree) fileTree {
	var f fileTree
	for _, n := range t {
		missing := int8(0)
		if n.MissingLeft {
			missing = 1
		}
		f.Feature = append(f.Feature, n.Feature)
		f.Threshold = append(f.Threshold, n.Threshold)
		f.Left = append(f.Left, n.Left)
		f.Right = append(f.Right, n.Right)
		f.MissingLeft = append(f.MissingLeft, missing)
		f.Value = append(f.Value, float32(n.Value))
		f.Cover = append(f.Cover, float32(n.Cover))
		f.Gain = append(f.Gain, float32(n.Gain))
	}
	return f
}

// Load reads a model file. It refuses another format or version, unknown keys,
// trees that are not trees, numbers out of place, and a file whose content does
// not give its SHA-256.
func Load(r io.Reader) (*Model, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	if len(raw) > maxFile {
		return nil, fmt.Errorf("read model: larger than %d MiB", maxFile>>20)
	}
	var f file
	if err := decode(raw, &f); err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	m, err := f.model()
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	body, err := m.body()
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	sum := sha256.Sum256(body)
	if got := hex.EncodeToString(sum[:]); got != f.SHA256 {
		return nil, fmt.Errorf("read model: its content has SHA-256 %s, the file says %q: it was changed after it was saved", got, f.SHA256)
	}
	return m, nil
}

// decode reads the one JSON value in raw, strictly.
func decode(raw []byte, f *file) error {
	var id struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(raw, &id); err != nil {
		return err
	}
	if id.Format != Format {
		return fmt.Errorf("format is %q, want %q", id.Format, Format)
	}
	if id.Version != Version {
		return fmt.Errorf("version %d, this program reads version %d", id.Version, Version)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(f)
}

// model checks f and returns it as a model.
func (f *file) model() (*Model, error) {
	if err := f.Settings.Validate(); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	if n := len(f.Columns); n == 0 || n > maxColumns {
		return nil, fmt.Errorf("%d columns, want 1 to %d", n, maxColumns)
	}
	if n := len(f.Bags); n == 0 || n > maxBags {
		return nil, fmt.Errorf("%d bags, want 1 to %d", n, maxBags)
	}
	t := f.Training
	if min(t.Patients, t.PositivePatients, t.Arteries, t.PositiveArteries, t.Lesions, f.EmptyArteries) < 0 {
		return nil, errors.New("a count of the training data is negative")
	}
	m := &Model{
		Card: f.Card, Settings: f.Settings, Training: f.Training, Prior: f.Prior, Empty: f.Empty,
		EmptyArteries: f.EmptyArteries, Ensemble: &Ensemble{Base: f.Base}, Notes: f.Notes,
	}
	cols := make([]feature.Column, len(f.Columns))
	for n, c := range f.Columns {
		cols[n] = c.Column
		if c.Missing < 0 || (len(c.Quantiles) != 0 && len(c.Quantiles) != quantiles) || !slices.IsSorted(c.Quantiles) {
			return nil, fmt.Errorf("column %q: range in training is not %d increasing quantiles", c.Name, quantiles)
		}
		m.Ranges = append(m.Ranges, Range{Missing: c.Missing, Quantiles: c.Quantiles})
	}
	var err error
	if m.Schema, err = feature.NewSchema(cols...); err != nil {
		return nil, err
	}
	for b, trees := range f.Bags {
		if len(trees) > maxRounds {
			return nil, fmt.Errorf("bag %d has %d trees, want at most %d", b+1, len(trees), maxRounds)
		}
		bag := make(Bag, len(trees))
		for n := range trees {
			if bag[n], err = trees[n].tree(len(cols)); err != nil {
				return nil, fmt.Errorf("bag %d, tree %d: %w", b+1, n+1, err)
			}
		}
		m.Ensemble.Bags = append(m.Ensemble.Bags, bag)
	}
	return m, nil
}

// tree checks that f is one tree over the given number of columns: every node
// but the root is the child of exactly one node before it, no path is longer
// than allowed, and all numbers are finite.
func (f *fileTree) tree(columns int) (Tree, error) {
	n := len(f.Feature)
	if n == 0 || n > maxNodes {
		return nil, fmt.Errorf("%d nodes, want 1 to %d", n, maxNodes)
	}
	for _, l := range []int{len(f.Threshold), len(f.Left), len(f.Right), len(f.MissingLeft), len(f.Value), len(f.Cover), len(f.Gain)} {
		if l != n {
			return nil, fmt.Errorf("lists of %d and %d nodes", n, l)
		}
	}
	t := make(Tree, n)
	depth := make([]int, n) // of a node that has a parent, counted from 1
	depth[0] = 1
	for i := range t {
		t[i] = Node{
			Feature: f.Feature[i], Left: f.Left[i], Right: f.Right[i], MissingLeft: f.MissingLeft[i] == 1,
			Threshold: f.Threshold[i], Value: float64(f.Value[i]), Cover: float64(f.Cover[i]), Gain: float64(f.Gain[i]),
		}
		node := &t[i]
		switch {
		case depth[i] == 0:
			return nil, fmt.Errorf("node %d has no parent before it", i)
		case f.MissingLeft[i] != 0 && f.MissingLeft[i] != 1:
			return nil, fmt.Errorf("node %d: missing_left is %d, want 0 or 1", i, f.MissingLeft[i])
		case !(node.Cover > 0):
			return nil, fmt.Errorf("node %d: cover is %g, want more than 0", i, node.Cover)
		case node.Feature == -1:
			if node.Left != -1 || node.Right != -1 {
				return nil, fmt.Errorf("node %d is a leaf with children", i)
			}
			continue
		case node.Feature < -1 || int(node.Feature) >= columns:
			return nil, fmt.Errorf("node %d: column %d, want 0 to %d", i, node.Feature, columns-1)
		case depth[i] > maxDepth:
			return nil, fmt.Errorf("node %d: deeper than %d splits", i, maxDepth)
		}
		for _, child := range []int32{node.Left, node.Right} {
			if int(child) <= i || int(child) >= n {
				return nil, fmt.Errorf("node %d: child %d, want %d to %d", i, child, i+1, n-1)
			}
			if depth[child] != 0 {
				return nil, fmt.Errorf("node %d: child %d has two parents", i, child)
			}
			depth[child] = depth[i] + 1
		}
		if math.IsInf(node.Threshold, 0) || math.IsNaN(node.Threshold) {
			return nil, fmt.Errorf("node %d: threshold is not a number", i)
		}
	}
	return t, nil
}
