package reports

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/risk"
)

var patients = []struct {
	name string
	make func() *risk.Assessment
}{{"full", testFull}, {"minimal", testMinimal}, {"empty", testEmpty}, {"extreme", testExtreme}}

func patientPDF(t *testing.T, a *risk.Assessment, cfg Config) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Patient(&b, a, cfg); err != nil {
		t.Fatal(err)
	}
	keep(t, b.Bytes())
	return b.Bytes()
}

// keep stores the file where REPORTS_OUT says, for a person to look at.
func keep(t *testing.T, b []byte) {
	if dir := os.Getenv("REPORTS_OUT"); dir != "" {
		name := strings.ReplaceAll(t.Name(), "/", "_") + ".pdf"
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Every page of every report carries the disclaimer, its number, the number of
// pages and the report identifier, whatever is missing or too long.
func TestFrameOnEveryPage(t *testing.T) {
	for _, c := range patients {
		t.Run(c.name, func(t *testing.T) { checkFrame(t, patientPDF(t, c.make(), DefaultConfig())) })
	}
}

func checkFrame(t *testing.T, pdf []byte) []string {
	t.Helper()
	if len(pdf) > 8<<20 {
		t.Errorf("file has %d bytes, want less than 8 MB", len(pdf))
	}
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext is not installed")
	}
	cmd := exec.Command(tool, "-layout", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	pages := strings.Split(strings.TrimSuffix(string(out), "\f"), "\f")
	for n, p := range pages {
		for _, want := range []string{Disclaimer, pageOf(n+1, len(pages)), "report "} {
			if !strings.Contains(p, want) {
				t.Errorf("page %d lacks %q", n+1, want)
			}
		}
	}
	return pages
}

func pageOf(n, all int) string { return fmt.Sprintf("page %d of %d", n, all) }

var cohorts = []struct {
	name string
	make func() *risk.Evaluation
}{{"full", testEvaluation}, {"empty", func() *risk.Evaluation { return &risk.Evaluation{Title: "nothing"} }}, {"extreme", testEvaluationExtreme}}

// Cohort reports have the same frame on every page, whatever is missing.
func TestCohortFrame(t *testing.T) {
	for _, c := range cohorts {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Cohort(&b, c.make(), DefaultConfig()); err != nil {
				t.Fatal(err)
			}
			keep(t, b.Bytes())
			checkFrame(t, b.Bytes())
		})
	}
}

// The same result gives the same bytes.
func TestSameBytes(t *testing.T) {
	first := patientPDF(t, testFull(), DefaultConfig())
	if !bytes.Equal(first, patientPDF(t, testFull(), DefaultConfig())) {
		t.Error("two runs of the patient report differ")
	}
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if err := Cohort(w, testEvaluation(), DefaultConfig()); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two runs of the cohort report differ")
	}
}

// The label of the model stands on every page of a report that shows a score.
func TestModelLabelOnEveryPage(t *testing.T) {
	for n, p := range checkFrame(t, patientPDF(t, testFull(), DefaultConfig())) {
		if !strings.Contains(p, "synthetic cohort, for demonstration") {
			t.Errorf("page %d lacks the label of the model", n+1)
		}
	}
}

// What was not computed is said in words.
func TestAbsentDataAreNamed(t *testing.T) {
	all := strings.Join(strings.Fields(strings.Join(checkFrame(t, patientPDF(t, testMinimal(), DefaultConfig())), " ")), " ")
	for _, want := range []string{"Not scored", "the segmentation holds a plaque only", "Wall stress and strain were not computed", "The coronary tree is not drawn", "NOT COMPUTED"} {
		if !strings.Contains(all, want) {
			t.Errorf("the report of a plaque-only segmentation lacks %q", want)
		}
	}
}

// Every character that the pages need is in the embedded font.
func TestGlyphs(t *testing.T) {
	for _, r := range "σ³²°±≥–×µθ−“”…ν·Πé½" {
		if !drawable(r) {
			t.Errorf("the font lacks %q", r)
		}
	}
}
