package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/segmentation"
)

const maxExample = 70_000 // bytes

// Every schema has an example that follows it, and no example is without a
// schema. With -update the examples are made anew by the program, from a small
// patient and a small cohort (a minute); only labels.yaml is written by hand.
func TestExamples(t *testing.T) {
	if *update {
		writeExamples(t)
	}
	want := map[string]bool{}
	for name, s := range schemas(t) {
		ext := ".json"
		if name == "settings" || name == "labels" {
			ext = ".yaml"
		}
		want[name+ext] = true
		text, err := os.ReadFile(filepath.Join(reference, "examples", name+ext))
		if err != nil {
			t.Errorf("schema %s has no example: %v", s.ID, err)
			continue
		}
		if len(text) > maxExample {
			t.Errorf("example %s%s has %d bytes, want at most %d", name, ext, len(text), maxExample)
		}
		checkAgainst(t, name, text)
	}
	files, err := os.ReadDir(filepath.Join(reference, "examples"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !want[f.Name()] && f.Name() != "README.md" {
			t.Errorf("docs/reference/examples/%s is an example of no schema", f.Name())
		}
	}
}

// The examples of YAML inputs are read by the readers of the program, not only
// allowed by their schemas.
func TestExamplesAreRead(t *testing.T) {
	if _, err := pipeline.LoadConfig(filepath.Join(reference, "examples", "settings.yaml")); err != nil {
		t.Error(err)
	}
	labels, err := segmentation.ReadLabelMap(filepath.Join(reference, "examples", "labels.yaml"))
	if err != nil || len(labels) == 0 {
		t.Error(len(labels), "labels:", err)
	}
}

// Every command that the tutorials and the README show is one of this program,
// with flags that it has and all that it needs.
func TestCommandsOfTheTutorials(t *testing.T) {
	pages, err := filepath.Glob("../../docs/tutorials/*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.ReplaceAll(string(text), "\\\n", " "), "\n") {
			line, _, _ = strings.Cut(strings.TrimPrefix(line, "    bin/"), " #")
			line, _, _ = strings.Cut(line, " > ") // what the shell does
			words := quoted.FindAllString(line, -1)
			if len(words) == 0 || words[0] != "plaquerisk" || !strings.HasPrefix(line, "    ") && !strings.HasPrefix(line, "plaquerisk ") {
				continue
			}
			shown++
			cmd, args, err := (&app{}).root().Find(words[1:])
			if err == nil {
				err = cmd.ParseFlags(args)
			}
			if err == nil {
				err = errors.Join(cmd.ValidateArgs(cmd.Flags().Args()), cmd.ValidateRequiredFlags())
			}
			if err != nil {
				t.Errorf("%s: %s: %v", filepath.Base(page), strings.TrimSpace(line), err)
			}
		}
	}
	if shown < 15 {
		t.Errorf("found %d commands in the pages, want at least 15: is this test blind?", shown)
	}
}

var quoted = regexp.MustCompile(`"[^"]*"|\S+`)

// quick are settings under which a cohort is scored and judged in a minute.
const quick = `plaquerisk:
  mechanics: {elements_around: 16, elements_through: 2, element_length_mm: 1}
  training: {boosting: {bags: 2, rounds: 3}}
  evaluation: {folds: 3, repeats: 1, bootstrap: 100}
`

func writeExamples(t *testing.T) {
	t.Helper()
	t.Setenv("PLAQUERISK_CONFIG", "")
	dir, patient := t.TempDir(), sharedDir(t)
	at := func(name ...string) string { return filepath.Join(append([]string{dir}, name...)...) }
	do := func(args ...string) []byte {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if status := run(context.Background(), args, &stdout, &stderr); status != 0 {
			t.Fatalf("%s: exit status %d\n%s", strings.Join(args, " "), status, &stderr)
		}
		return stdout.Bytes()
	}
	read := func(name ...string) []byte {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(name...))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if err := os.WriteFile(at("quick.yaml"), []byte(quick), 0o644); err != nil {
		t.Fatal(err)
	}
	do("phantom", "cohort", "--patients", "12", "--seed", "3", "--out", at("cohort"))
	do("batch", "run", at("cohort", "manifest.csv"), "--model", "none", "--config", at("quick.yaml"), "--out", at("batch"))
	table := at("batch", "features_wide.csv")
	do("evaluate", table, "--config", at("quick.yaml"), "--out", at("evaluation"))
	do("evaluate", table, "--config", at("quick.yaml"), "--null-draws", "3", "--out", at("null"))
	do("train", table, "--config", at("quick.yaml"), "--out", at("model.json"), "--name", "my model", "--label", "research model")
	do("solve", "--config", at("quick.yaml"), "--ct", filepath.Join(patient, "patient", "ct"),
		"--seg", filepath.Join(patient, "patient", "segmentation.seg.nrrd"), "--out", at("walls"))
	do("dicom", "index", filepath.Join(patient, "patient", "ct"), "--out", at("index.jsonl")) // one series, one line
	do("config", "init", at("settings.yaml"))
	do("extract", "radiomics", "--ct", filepath.Join(patient, "ct.nii.gz"), "--mask", filepath.Join(patient, "plaques.seg.nrrd"),
		"--case", "p1", "--profile", "plaque", "--out", at("features.json"))

	// What depends on the machine and the day is fixed; pictures are left out.
	fixed := map[string]string{
		"pictures": `null`,
		"commit":   `"0123456789abcdef0123456789abcdef01234567"`, "go": `"go1.26.0"`, "os": `"linux"`, "arch": `"amd64"`,
		"cpus": `8`, "workers": `8`, "host": `"workstation"`, "working_folder": `"/data/study"`,
		"started": `"2026-01-01T09:00:00Z"`, "ended": `"2026-01-01T09:00:30Z"`, "seconds": `30`,
	}
	with := func(more ...string) map[string]string {
		all := map[string]string{}
		for k, v := range fixed {
			all[k] = v
		}
		for n := 0; n < len(more); n += 2 {
			all[more[n]] = more[n+1]
		}
		return all
	}
	examples := map[string][]byte{
		"settings.yaml":     read(at("settings.yaml")),
		"features.json":     trimmed(t, read(at("features.json")), fixed),
		"dictionary.json":   trimmed(t, do("radiomics", "list", "--json"), fixed),
		"reproduction.json": trimmed(t, do("repro", "ibsi", "--json"), fixed),
		"version.json":      trimmed(t, do("version", "--json"), fixed),
		"inspect.json":      trimmed(t, do("inspect", "--json", filepath.Join(patient, "patient", "ct")), fixed),
		"index.json":        trimmed(t, read(at("index.jsonl")), fixed),
		"assessment.json":   trimmed(t, read(patient, "result", "assessment.json"), fixed),
		"truth.json":        trimmed(t, read(patient, "patient", "truth.json"), fixed),
		"mechanics.json":    trimmed(t, read(at("walls", "mechanics.json")), fixed),
		"cohort.json":       trimmed(t, read(at("cohort", "cohort.json")), fixed),
		"evaluation.json":   trimmed(t, read(at("evaluation", "evaluation.json")), fixed),
		"coverage.json":     trimmed(t, read(at("null", "coverage.json")), fixed),
		"model.json":        trimmed(t, read(at("model.json")), fixed),
		"batch.json":        trimmed(t, read(at("batch", "batch.json")), with("manifest", `"/data/study/manifest.csv"`)),
		"batch-status.json": trimmed(t, do("batch", "status", "--json", at("batch")), fixed),
		"run.json": trimmed(t, read(patient, "result", "run.json"), with(
			"arguments", `["plaquerisk","score","--ct","patient/ct","--seg","patient/segmentation.seg.nrrd","--out","result"]`,
			"ct", `"patient/ct"`, "seg", `"patient/segmentation.seg.nrrd"`)),
		"batch-run.json": trimmed(t, read(at("batch", "run.json")), with(
			"arguments", `["plaquerisk","batch","run","manifest.csv","--model","none","--out","batch"]`)),
	}
	if err := os.MkdirAll(filepath.Join(reference, "examples"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range sortedKeys(examples) {
		if bytes.Contains(examples[name], []byte(dir)) || bytes.Contains(examples[name], []byte(patient)) {
			t.Errorf("example %s names a folder of this machine", name)
		}
		if err := os.WriteFile(filepath.Join(reference, "examples", name), examples[name], 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// trimmed returns a document with its keys in order, lists longer than six cut
// to three, and the values of some keys replaced.
func trimmed(t *testing.T, document []byte, replace map[string]string) []byte {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber()
	var copyValue func() string
	next := func() json.Token {
		token, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	text := func(v any) string {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(b.String())
	}
	copyValue = func() string {
		token := next()
		open, ok := token.(json.Delim)
		if !ok {
			return text(token)
		}
		var parts []string
		for dec.More() {
			if open == '[' {
				parts = append(parts, copyValue())
				continue
			}
			key := next().(string)
			value := copyValue()
			if other, ok := replace[key]; ok {
				value = other
			}
			parts = append(parts, fmt.Sprintf("%s:%s", text(key), value))
		}
		next()
		if open == '{' {
			return "{" + strings.Join(parts, ",") + "}"
		}
		if len(parts) > 6 {
			parts = parts[:3]
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(copyValue()), "", " "); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}
