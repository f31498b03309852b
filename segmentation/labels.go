package segmentation

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/suggest"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Structure says what a mask holds.
type Structure string

// The structures.
const (
	Lumen        Structure = "lumen"
	Wall         Structure = "wall"   // without the lumen, with the plaque
	Plaque       Structure = "plaque" // all of it
	Calcified    Structure = "calcified"
	NonCalcified Structure = "non_calcified"
	Lipid        Structure = "lipid" // low attenuation or necrotic core
)

// Structures returns all structures.
func Structures() []Structure {
	return []Structure{Lumen, Wall, Plaque, Calcified, NonCalcified, Lipid}
}

// isPlaque tells whether s is plaque or a component of it.
func (s Structure) isPlaque() bool { return s != Lumen && s != Wall }

// Label is the meaning of a segment.
type Label struct {
	Artery    coronary.Artery `yaml:"artery,omitempty" json:"artery,omitempty"` // empty: not said
	Structure Structure       `yaml:"structure" json:"structure"`
	Instance  int             `yaml:"instance,omitempty" json:"instance,omitempty"` // number of the plaque in its artery, from 1; 0: not said
}

// String returns "LAD plaque 1".
func (l Label) String() string {
	s := string(l.Structure)
	if l.Artery != "" {
		s = string(l.Artery) + " " + s
	}
	if l.Instance > 0 {
		s += " " + strconv.Itoa(l.Instance)
	}
	return s
}

// LabelMap gives meanings to segment names or, as decimal text, label values.
type LabelMap map[string]Label

// Mask is a set of voxels with its meaning.
type Mask struct {
	Label
	Name string // of the segment, or its value
	*imaging.Mask
}

// Bounds of a label map file. The YAML parser takes time with the square of the
// nesting, so a hostile file of deep brackets is refused before it is parsed.
const (
	maxLabelMap = 1 << 16 // bytes
	maxLine     = 1000    // bytes
	maxNesting  = 8       // open brackets
)

// tame tells whether text stays within the bounds of a label map.
func tame(text []byte) error {
	if len(text) > maxLabelMap {
		return fmt.Errorf("more than %d bytes: this is no label map", maxLabelMap)
	}
	depth := 0
	for n, line := range bytes.Split(text, []byte("\n")) {
		if len(line) > maxLine {
			return fmt.Errorf("line %d: longer than %d bytes: this is no label map", n+1, maxLine)
		}
		for _, c := range line {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			}
			if depth > maxNesting {
				return fmt.Errorf("line %d: more than %d open brackets: this is no label map", n+1, maxNesting)
			}
		}
	}
	return nil
}

// ReadLabelMap reads a YAML file such as
//
//	LAD_plaque_1: {artery: LAD, structure: plaque, instance: 1}
//	2: {artery: LAD, structure: lumen}
func ReadLabelMap(path string) (LabelMap, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("label map: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxLabelMap+1))
	if err != nil {
		return nil, fmt.Errorf("label map: %w", err)
	}
	lm, err := ParseLabelMap(text)
	if err != nil {
		return nil, fmt.Errorf("label map %s: %w", path, err)
	}
	return lm, nil
}

// ParseLabelMap reads the text of a label map. Unknown keys, arteries and
// structures, repeated names and repeated plaques are errors with their line.
func ParseLabelMap(text []byte) (LabelMap, error) {
	if err := tame(text); err != nil {
		return nil, err
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("not readable as YAML: %s", strings.TrimSpace(err.Error()))
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, errors.New("want one YAML map from segment name or number to {artery, structure, instance}")
	}
	entries, ok := mapping(file.Docs[0].Body)
	if !ok {
		return nil, fmt.Errorf("%swant a map from segment name or number to {artery, structure, instance}", lineOf(file.Docs[0].Body))
	}
	lm := LabelMap{}
	plaques := map[Label]string{}
	var errs []error
	for _, e := range entries {
		key, ok := scalar(e.Key)
		if !ok || key == "" {
			errs = append(errs, fmt.Errorf("%sa segment name must be plain text or a number", lineOf(e.Key)))
			continue
		}
		label, err := parseLabel(e.Value)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s%q: %w", lineOf(e.Key), key, err))
			continue
		}
		if _, twice := lm[key]; twice {
			errs = append(errs, fmt.Errorf("%s%q stands twice", lineOf(e.Key), key))
			continue
		}
		if label.Instance > 0 {
			if other, twice := plaques[label]; twice {
				errs = append(errs, fmt.Errorf("%s%q and %q are both %s", lineOf(e.Key), other, key, label))
				continue
			}
			plaques[label] = key
		}
		lm[key] = label
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if len(lm) == 0 {
		return nil, errors.New("no entry")
	}
	return lm, nil
}

// parseLabel reads {artery: LAD, structure: plaque, instance: 1}.
func parseLabel(n ast.Node) (Label, error) {
	fields, ok := mapping(n)
	if !ok {
		return Label{}, errors.New("want {artery: LAD, structure: plaque, instance: 1}")
	}
	var l Label
	seen := map[string]bool{}
	for _, f := range fields {
		key, _ := scalar(f.Key)
		value, ok := scalar(f.Value)
		if !ok {
			return Label{}, fmt.Errorf("%q: want a plain value", key)
		}
		if seen[key] {
			return Label{}, fmt.Errorf("key %q stands twice", key)
		}
		seen[key] = true
		switch key {
		case "artery":
			if l.Artery, ok = coronary.ParseArtery(value); !ok {
				return Label{}, fmt.Errorf("unknown artery %q%s", value, hint(value, coronary.Arteries()))
			}
		case "structure":
			l.Structure = Structure(value)
			if !slices.Contains(Structures(), l.Structure) {
				return Label{}, fmt.Errorf("unknown structure %q%s", value, hint(value, Structures()))
			}
		case "instance":
			i, err := strconv.Atoi(value)
			if err != nil || i < 1 || i > 999 {
				return Label{}, fmt.Errorf("instance %q: want a number from 1 to 999", value)
			}
			l.Instance = i
		default:
			return Label{}, fmt.Errorf("unknown key %q%s", key, hint(key, []string{"artery", "structure", "instance"}))
		}
	}
	if l.Structure == "" {
		return Label{}, errors.New(`key "structure" is missing`)
	}
	if l.Instance > 0 && !l.Structure.isPlaque() {
		return Label{}, fmt.Errorf("instance: only plaques are numbered, not %s", l.Structure)
	}
	return l, nil
}

// hint names the known word that was probably meant, one with the same letters
// first, and otherwise all.
func hint[T ~string](word string, known []T) string {
	letters := func(s string) string {
		r := []rune(strings.ToLower(s))
		slices.Sort(r)
		return string(r)
	}
	words := make([]string, len(known))
	for n, k := range known {
		words[n] = string(k)
		if letters(words[n]) == letters(word) {
			return suggest.Hint(words[n], words[n:n+1])
		}
	}
	if h := suggest.Hint(word, words); h != "" {
		return h
	}
	return "; known are " + strings.Join(words, ", ")
}

// mapping returns the entries of a block or flow map.
func mapping(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// scalar returns the text of a plain or quoted value.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		if t := n.GetToken(); t != nil {
			return t.Value, true
		}
	case *ast.MappingKeyNode:
		return scalar(n.Value)
	}
	return "", false
}

// lineOf returns "line 3: ", or nothing if it is not known.
func lineOf(n ast.Node) string {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return ""
	}
	return fmt.Sprintf("line %d: ", n.GetToken().Position.Line)
}

// Words of segment names. A name is recognised if every word of it is known and
// exactly one structure results; so "aortic wall" is not taken for a coronary.
var (
	structureWords = map[string]Structure{
		"lumen": Lumen, "blood": Lumen,
		"wall":   Wall,
		"plaque": Plaque, "plaques": Plaque, "lesion": Plaque, "lesions": Plaque, "atheroma": Plaque,
		"calcified": Calcified, "calcium": Calcified, "calc": Calcified, "calcification": Calcified, "calcifications": Calcified, "cp": Calcified,
		"noncalcified": NonCalcified, "ncp": NonCalcified,
		"lipid": Lipid, "necrotic": Lipid, "lrnc": Lipid, "lap": Lipid, "lowattenuation": Lipid,
	}
	arteryWords = map[string]coronary.Artery{
		"lm": coronary.LM, "lmca": coronary.LM, "lad": coronary.LAD, "lcx": coronary.LCX, "cx": coronary.LCX, "circumflex": coronary.LCX, "rca": coronary.RCA,
	}
	phrases = strings.NewReplacer( // words that belong together; applied to " a b c "
		" left main ", " lm ", " left anterior descending ", " lad ", " left circumflex ", " lcx ", " right coronary ", " rca ",
		" non calcified ", " noncalcified ", " non calc ", " noncalcified ", " low attenuation ", " lowattenuation ",
		" necrotic core ", " necrotic ", " lipid core ", " lipid ", " lipid rich ", " lipid ",
	)
	fillers = []string{"coronary", "artery", "vessel", "outer", "mask", "segment", "segmentation", "label", "component", "tissue"}
)

// ParseName recognises the usual names of segments: "LAD_plaque_1",
// "lad-lumen", "RCA vessel wall", "Calcified plaque", "NCP", "necrotic core".
func ParseName(name string) (Label, bool) {
	var l Label
	text := phrases.Replace(" " + strings.Join(words(name), " ") + " ")
	for _, w := range strings.Fields(phrases.Replace(text)) {
		if a, ok := arteryWords[w]; ok {
			if l.Artery != "" && l.Artery != a {
				return Label{}, false
			}
			l.Artery = a
			continue
		}
		if s, ok := structureWords[w]; ok {
			switch {
			case l.Structure == "" || l.Structure == s || l.Structure == Plaque && s.isPlaque():
				l.Structure = s
			case s == Plaque && l.Structure.isPlaque(): // "calcified plaque"
			default:
				return Label{}, false
			}
			continue
		}
		if n, err := strconv.Atoi(w); err == nil && n >= 1 && n <= 999 && l.Instance == 0 {
			l.Instance = n
			continue
		}
		if !slices.Contains(fillers, w) {
			return Label{}, false
		}
	}
	if l.Structure == "" {
		return Label{}, false
	}
	if !l.Structure.isPlaque() {
		l.Instance = 0
	}
	return l, true
}

// words cuts a name at everything that is no letter or digit, between letters
// and digits, and between a small letter and a capital.
func words(name string) []string {
	var out []string
	var prev rune
	for _, r := range name {
		letter, digit := unicode.IsLetter(r), unicode.IsDigit(r)
		switch {
		case !letter && !digit:
			prev = 0
			continue
		case prev == 0, digit != unicode.IsDigit(prev), unicode.IsUpper(r) && unicode.IsLower(prev):
			out = append(out, "")
		}
		out[len(out)-1] += string(unicode.ToLower(r))
		prev = r
	}
	return out
}

// ErrNothing tells that a segmentation was read but holds nothing with a
// meaning: other errors of Import are of the file itself.
var ErrNothing = errors.New("the segmentation holds nothing with a meaning")

// nothing is ErrNothing with a text of its own.
type nothing struct{ text string }

func (e nothing) Error() string        { return e.text }
func (e nothing) Is(target error) bool { return target == ErrNothing }

// Import gives the segments of a file their meaning, by the label map first and
// by their names otherwise. Segments without a meaning are left out with a
// note. It fails with ErrNothing if nothing is left.
func Import(seg *imaging.Segmentation, lm LabelMap) ([]Mask, []risk.Note, error) {
	var masks []Mask
	var notes []risk.Note
	var unknown, empty []string
	used := map[string]bool{}
	owner := map[Label]string{}
	for n := range seg.Segments {
		s := &seg.Segments[n]
		if s.Layer < 0 || s.Layer >= len(seg.Layers) || len(seg.Layers[s.Layer]) != seg.Len() {
			return nil, nil, fmt.Errorf("segment %q: its layer %d is not in the file", s.Name, s.Layer)
		}
		value := strconv.Itoa(int(s.Value))
		name := s.Name
		if name == "" {
			name = "label " + value
		}
		label, ok := Label{}, false
		for _, key := range []string{s.Name, s.ID, value} {
			if l, found := lm[key]; found && key != "" {
				label, ok = l, true
				used[key] = true
				break
			}
		}
		if !ok && s.Name != "" {
			label, ok = ParseName(s.Name)
		}
		if !ok && len(lm) == 0 && len(seg.Segments) == 1 && s.Value == 1 && generic(s.Name) {
			label, ok = Label{Structure: Plaque}, true
			notes = append(notes, note("PLQ-204", risk.Info, name, "the only segment has the value 1 and no name with a meaning; it is taken for plaque"))
		}
		if !ok {
			unknown = append(unknown, strconv.Quote(name))
			continue
		}
		if other, twice := owner[label]; twice && label.Instance > 0 {
			return nil, nil, fmt.Errorf("segments %q and %q are both %s: number them or use a label map", other, name, label)
		}
		owner[label] = name
		m := seg.Mask(n)
		if m == nil {
			empty = append(empty, strconv.Quote(name))
			continue
		}
		masks = append(masks, Mask{Label: label, Name: name, Mask: m})
	}
	if len(unknown) > 0 {
		notes = append(notes, note("PLQ-201", risk.Warning, "", "not recognised and left out: %s", strings.Join(unknown, ", ")))
	}
	if len(empty) > 0 {
		notes = append(notes, note("PLQ-202", risk.Warning, "", "without a voxel: %s", strings.Join(empty, ", ")))
	}
	var absent []string
	for key := range lm {
		if !used[key] {
			absent = append(absent, strconv.Quote(key))
		}
	}
	if len(absent) > 0 {
		slices.Sort(absent)
		notes = append(notes, note("PLQ-203", risk.Warning, "", "in the label map but not in the segmentation: %s", strings.Join(absent, ", ")))
	}
	if len(masks) == 0 {
		switch {
		case len(seg.Segments) == 0:
			return nil, notes, nothing{"the segmentation has no segment: no voxel is above 0"}
		case len(unknown) == 0:
			return nil, notes, nothing{"the segmentation has no voxel: " + strings.Join(empty, ", ")}
		}
		return nil, notes, nothing{fmt.Sprintf("no segment with a voxel is recognised (%s): say what they are in a label map (--labels)", strings.Join(unknown, ", "))}
	}
	return masks, notes, nil
}

// generic tells whether a segment name says nothing: none, "Segment_1", "mask".
func generic(name string) bool {
	for _, w := range words(name) {
		if _, err := strconv.Atoi(w); err != nil && !slices.Contains(fillers, w) && w != "roi" {
			return false
		}
	}
	return true
}
