package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/cobra/doc"

	"github.com/plaquerisk/plaquerisk/classifier"
	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/dicom/index"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/fem"
	"github.com/plaquerisk/plaquerisk/internal/strictyaml"
	"github.com/plaquerisk/plaquerisk/phantom"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/radiomics"
	"github.com/plaquerisk/plaquerisk/radiomics/pyradiomics"
	"github.com/plaquerisk/plaquerisk/risk"
	"github.com/plaquerisk/plaquerisk/segmentation"
)

var update = flag.Bool("update", false, "rewrite docs/reference from the code")

const (
	module    = "github.com/plaquerisk/plaquerisk"
	reference = "../../docs/reference"
)

// The reference pages are those of the code: settings from the Config structs
// and their comments, columns, codes, commands and schemas.
func TestReference(t *testing.T) {
	pages := map[string][]byte{
		"settings.md": settingsPage(t),
		"features.md": featuresPage(),
		"notes.md":    notesPage(t),
	}
	for name, text := range commandPages(t) {
		pages["commands/"+name] = text
	}
	for name, s := range schemas(t) {
		text, err := json.MarshalIndent(s, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		pages["schemas/"+name+".schema.json"] = append(text, '\n')
	}
	for _, name := range sortedKeys(pages) {
		file := filepath.Join(reference, filepath.FromSlash(name))
		if *update {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, pages[name], 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if old, err := os.ReadFile(file); err != nil || !bytes.Equal(old, pages[name]) {
			t.Errorf("docs/reference/%s is not what the code says (%v): run make generate", name, err)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// comments returns the comment of every field of every struct of a package of
// this module, by "Type.Field".
func comments(t *testing.T, pkg string) map[string]string {
	t.Helper()
	dir := filepath.Join("../..", strings.TrimPrefix(strings.TrimPrefix(pkg, module), "/"))
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			st, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range st.Fields.List {
				text := strings.TrimSpace(field.Doc.Text())
				if text == "" {
					text = strings.TrimSpace(field.Comment.Text())
				}
				for _, name := range field.Names {
					out[spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(text), " ")
				}
			}
			return true
		})
	}
	return out
}

// meaning returns the comment of a field as readers of settings and schemas
// need it, who do not know the field by its Go name: "Rays is the number of
// points." becomes "The number of points."
func meaning(field, comment string) string {
	rest, ok := strings.CutPrefix(comment, field+" ")
	if !ok || !unicode.IsLetter(rune(rest[0])) || strings.HasPrefix(rest, "of ") {
		return comment
	}
	for _, verb := range []string{"is ", "are ", "says "} {
		rest = strings.TrimPrefix(rest, verb)
	}
	if first := strings.Trim(strings.Fields(rest)[0], ",:"); first == "none" || first == "lesion" { // values, as they are written
		return rest
	}
	return strings.ToUpper(rest[:1]) + rest[1:]
}

// unit is what tells the unit of a number: the end of its key, or words for a
// number without one.
var unit = regexp.MustCompile(`^\S*_(mm3?|hu|ml|percent|kpa|mmhg|kpa_per_mm) |0 to 1|\bover\b|\bshare\b|\bpart of\b|ratio|standard deviations|probability|second derivative|\bloss\b`)

// settingsPage lists every key with its default and its comment.
func settingsPage(t *testing.T) []byte {
	var b bytes.Buffer
	b.WriteString("# Settings\n\nGenerated from the code by `make generate`. `plaquerisk config init` writes a file with all defaults;\n" +
		"unknown keys are errors. Everything stands under the key `plaquerisk`.\n")
	known := map[string]map[string]string{}
	var walk func(title string, v reflect.Value)
	walk = func(title string, v reflect.Value) {
		type sub struct {
			title string
			v     reflect.Value
		}
		var below []sub
		rows := 0
		for n := range v.NumField() {
			f := v.Type().Field(n)
			key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if key == "" || key == "-" {
				continue
			}
			if known[v.Type().PkgPath()] == nil {
				known[v.Type().PkgPath()] = comments(t, v.Type().PkgPath())
			}
			text := known[v.Type().PkgPath()][v.Type().Name()+"."+f.Name]
			if text == "" {
				t.Errorf("%s.%s (%s.%s) has no comment for its page", title, key, v.Type(), f.Name)
			}
			if f.Type.Kind() == reflect.Struct {
				below = append(below, sub{strings.TrimPrefix(title+"."+key, "."), v.Field(n)})
				continue
			}
			if rows == 0 {
				fmt.Fprintf(&b, "\n## %s\n\n| key | default | meaning |\n|---|---|---|\n", title)
			}
			rows++
			value, err := strictyaml.Encode(v.Field(n).Interface())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", key, strings.Join(strings.Fields(string(value)), " "), strings.ReplaceAll(meaning(f.Name, text), "|", "\\|"))
			if k := f.Type.Kind(); (k == reflect.Float64 || k == reflect.Float32) && !unit.MatchString(key+" "+text) {
				t.Errorf("%s.%s has a unit neither in its key nor in its comment", title, key)
			}
		}
		for _, s := range below {
			walk(s.title, s.v)
		}
	}
	walk("", reflect.ValueOf(pipeline.DefaultConfig()))
	return b.Bytes()
}

// featuresPage lists every column of the default settings and of the profiles.
func featuresPage() []byte {
	var b bytes.Buffer
	b.WriteString("# Features\n\nGenerated from the code by `make generate`. A name is `<image>.<family>.<feature>[.<aggregation>]`. Two values may be\n" +
		"compared only if name, unit and definition are equal.\n")
	ibsi := pipeline.DefaultConfig()
	ibsi.Radiomics = radiomics.IBSIConfig()
	for _, p := range []struct {
		title string
		cols  []feature.Column
	}{
		{"Default settings", pipeline.DefaultConfig().Columns()},
		{"Profile ibsi of `extract radiomics`", radiomics.Columns(ibsi.Radiomics)},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n| name | unit | modality | definition | meaning |\n|---|---|---|---|---|\n", p.title)
		for _, c := range p.cols {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", c.Name, c.Unit, c.Modality, strings.ReplaceAll(c.Definition(), "|", "\\|"), strings.ReplaceAll(c.Doc, "|", "\\|"))
		}
	}
	return b.Bytes()
}

// notesPage lists every code; a code must have one meaning.
func notesPage(t *testing.T) []byte {
	var all []risk.Code
	for _, codes := range [][]risk.Code{dicom.NoteCodes, segmentation.NoteCodes, radiomics.NoteCodes, pyradiomics.NoteCodes, fem.NoteCodes, classifier.NoteCodes, pipeline.NoteCodes} {
		all = append(all, codes...)
	}
	slices.SortFunc(all, func(a, b risk.Code) int { return strings.Compare(a.Code, b.Code) })
	var b bytes.Buffer
	b.WriteString("# Codes of notes and errors\n\nGenerated from the code by `make generate`. Every note of a report and every error of a command has one of these codes.\n")
	for n, c := range all {
		if n > 0 && all[n-1].Code == c.Code {
			t.Errorf("code %s has two meanings: %q and %q", c.Code, all[n-1].Title, c.Title)
		}
		fmt.Fprintf(&b, "\n## %s\n\n**%s.** %s\n", c.Code, c.Title, c.Help)
	}
	return b.Bytes()
}

// Every code that the sources use is explained.
func TestCodesAreExplained(t *testing.T) {
	page := notesPage(t)
	code := regexp.MustCompile(`"PLQ-\d{3}"`)
	err := filepath.WalkDir("../..", func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		for _, c := range code.FindAllString(string(text), -1) {
			if c = strings.Trim(c, `"`); !bytes.Contains(page, []byte("\n## "+c+"\n")) {
				t.Errorf("%s uses %s, which no NoteCodes explains", name, c)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// commandPages returns the pages of all commands.
func commandPages(t *testing.T) map[string][]byte {
	dir := t.TempDir()
	root := (&app{}).root()
	root.DisableAutoGenTag = true
	root.PersistentFlags().Lookup("jobs").DefValue = "all" // not the number of this machine
	if err := doc.GenMarkdownTree(root, dir); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string][]byte{}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		pages[f.Name()] = text
	}
	return pages
}

// schemas returns the schema of every JSON output and YAML input.
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	known := map[string]map[string]string{}
	describe := func(of reflect.Type, field string) string {
		pkg := of.PkgPath()
		if field == "" || !strings.HasPrefix(pkg, module) {
			return ""
		}
		if known[pkg] == nil {
			known[pkg] = comments(t, pkg)
		}
		return meaning(field, known[pkg][of.Name()+"."+field])
	}
	nullable := func(t reflect.Type) *jsonschema.Schema {
		switch t {
		case reflect.TypeFor[risk.Number](), reflect.TypeFor[feature.Value]():
			return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "number"}, {Type: "null"}}, Description: "null: undefined or not computed"}
		case reflect.TypeFor[radiomics.Spacing]():
			edge := func() *jsonschema.Schema { return &jsonschema.Schema{Type: "number", Minimum: "0"} }
			three := uint64(3)
			return &jsonschema.Schema{OneOf: []*jsonschema.Schema{edge(), {Type: "array", Items: edge(), MinItems: &three, MaxItems: &three}}}
		case reflect.TypeFor[feature.Count]():
			return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "integer"}, {Type: "null"}}, Description: "null: not counted"}
		case reflect.TypeFor[risk.Samples]():
			return &jsonschema.Schema{Type: "string", ContentEncoding: "base64", Description: "little-endian float32, row by row"}
		}
		return nil
	}
	out := map[string]*jsonschema.Schema{}
	for _, s := range []struct {
		name, tag string
		v         any
	}{
		{"assessment", "json", &risk.Assessment{}},
		{"evaluation", "json", &risk.Evaluation{}},
		{"coverage", "json", &classifier.Coverage{}},
		{"inspect", "json", &Listing{}},
		{"index", "json", &index.Line{}},
		{"run", "json", &pipeline.Run{}},
		{"batch", "json", &batchFile{}},
		{"batch-run", "json", &batchRecord{}},
		{"batch-status", "json", &statusFile{}},
		{"mechanics", "json", &risk.Walls{}},
		{"truth", "json", &phantom.Truth{}},
		{"cohort", "json", &phantom.Cohort{}},
		{"model", "json", &modelFile{}},
		{"version", "json", &versionFile{}},
		{"features", "json", &feature.Document{}},
		{"dictionary", "json", &dictionary{}},
		{"reproduction", "json", &reproduction{}},
		{"settings", "yaml", &pipeline.File{}},
		{"labels", "yaml", segmentation.LabelMap{}},
	} {
		r := jsonschema.Reflector{FieldNameTag: s.tag, Mapper: nullable, RequiredFromJSONSchemaTags: s.tag == "yaml",
			Namer: func(t reflect.Type) string { // Config and Artery are many
				if t.Name() == "" || t.PkgPath() == "" {
					return ""
				}
				return path.Base(t.PkgPath()) + "." + t.Name()
			},
			LookupComment: describe}
		schema := r.Reflect(s.v)
		allowNull(schema, reflect.TypeOf(s.v), s.tag, map[reflect.Type]bool{})
		schema.ID = jsonschema.ID("https://plaquerisk.github.io/schemas/" + s.name + ".schema.json")
		out[s.name] = schema
	}
	return out
}

// allowNull lets the fields of t and of what it holds be null where Go writes
// null: pointers and slices that are nil and not left out.
func allowNull(root *jsonschema.Schema, t reflect.Type, tag string, seen map[reflect.Type]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return
	}
	seen[t] = true
	def := root.Definitions[path.Base(t.PkgPath())+"."+t.Name()]
	for _, f := range reflect.VisibleFields(t) { // those of embedded structs too: they stand in the same object
		allowNull(root, f.Type, tag, seen)
		key, opt, _ := strings.Cut(f.Tag.Get(tag), ",")
		if k := f.Type.Kind(); def == nil || def.Properties == nil || strings.Contains(opt, "omitempty") || k != reflect.Pointer && k != reflect.Slice {
			continue
		}
		if old, ok := def.Properties.Get(key); ok && old.OneOf == nil {
			text := old.Description
			old.Description = ""
			def.Properties.Set(key, &jsonschema.Schema{OneOf: []*jsonschema.Schema{old, {Type: "null"}}, Description: text})
		}
	}
}

// modelFile is a model file as its users see it; the trees are the program's own.
type modelFile struct {
	Format        string             `json:"format"`
	Version       int                `json:"version"`
	Card          classifier.Card    `json:"card"`
	Settings      any                `json:"settings"` // of training
	Training      classifier.Summary `json:"training"`
	Prior         float64            `json:"prior_log_odds"`
	Empty         float64            `json:"empty_artery_log_odds"`
	EmptyArteries int                `json:"empty_arteries"`
	Base          float64            `json:"base_log_odds"`
	Notes         []risk.Note        `json:"notes"`
	Columns       []any              `json:"columns"` // that the model needs, with their ranges in training
	Bags          []any              `json:"bags"`    // trees
	SHA256        string             `json:"sha256"`
}

// checkAgainst validates a decoded document against a schema of docs/reference.
func checkAgainst(t *testing.T, name string, document []byte) {
	t.Helper()
	c := validator.NewCompiler()
	schema, err := c.Compile(filepath.Join(reference, "schemas", name+".schema.json"))
	if err != nil {
		t.Fatalf("schema %s: %v", name, err)
	}
	if name == "settings" || name == "labels" {
		// In YAML 1.2 1e-06 is a number; goccy's untyped reader wants a point in it.
		document = regexp.MustCompile(`(?m): (\d+)(e[-+]?\d+)$`).ReplaceAll(document, []byte(": $1.0$2"))
		if document, err = yaml.YAMLToJSON(document); err != nil {
			t.Fatal(err)
		}
	}
	v, err := validator.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%s does not follow its schema: %v", name, err)
	}
}
