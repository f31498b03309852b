package reports

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
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

var full []byte

// fullPDF draws the full patient once for all tests.
func fullPDF(t *testing.T) []byte {
	t.Helper()
	if full == nil {
		full = patientPDF(t, testFull(), DefaultConfig())
	}
	return full
}

// word is a word of a page with its box, pt.
type word struct {
	x0, y0, x1, y1 float64
	text           string
}

var wordLine = regexp.MustCompile(`<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">(.*)</word>`)

// checkOverlap fails where two words of a page cover each other, or a word
// leaves the page. Boxes hold ascenders and descenders of the font, so that a
// quarter is taken off above and below.
func checkOverlap(t *testing.T, pdf []byte) {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext is not installed")
	}
	cmd := exec.Command(tool, "-bbox", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for n, page := range strings.Split(string(out), "<page ")[1:] {
		var words []word
		for _, m := range wordLine.FindAllStringSubmatch(page, -1) {
			var v [4]float64
			for k := range v {
				v[k], _ = strconv.ParseFloat(m[k+1], 64)
			}
			cut := (v[3] - v[1]) / 4
			if v[3]-v[1] > v[2]-v[0] && len(m[5]) > 2 {
				cut = 0 // turned text
			}
			words = append(words, word{v[0], v[1] + cut, v[2], v[3] - cut, m[5]})
		}
		for i, a := range words {
			if a.x0 < 30 || a.x1 > 595.3-30 || a.y1 > 842-15 {
				t.Errorf("page %d: %q leaves the margins: %.0f to %.0f", n+1, a.text, a.x0, a.x1)
			}
			for _, b := range words[:i] {
				if min(a.x1, b.x1)-max(a.x0, b.x0) > 0.8 && min(a.y1, b.y1)-max(a.y0, b.y0) > 0.5 {
					t.Errorf("page %d: %q covers %q at (%.0f, %.0f) pt", n+1, a.text, b.text, a.x0, a.y0)
				}
			}
		}
	}
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
		t.Run(c.name, func(t *testing.T) {
			var pdf []byte
			if c.name == "full" {
				pdf = fullPDF(t)
			} else {
				pdf = patientPDF(t, c.make(), DefaultConfig())
			}
			checkFrame(t, pdf)
			checkOverlap(t, pdf)
		})
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
			checkOverlap(t, b.Bytes())
		})
	}
}

// The same result gives the same bytes, also when reports are drawn at the same
// time and after others in one process.
func TestSameBytes(t *testing.T) {
	first := fullPDF(t)
	if !bytes.Equal(first, patientPDF(t, testFull(), DefaultConfig())) {
		t.Error("two runs of the patient report differ")
	}
	var out [3]bytes.Buffer // at the same time, as in a batch
	var errs [3]error
	var wg sync.WaitGroup
	for n := range out {
		wg.Go(func() { errs[n] = Cohort(&out[n], testEvaluation(), DefaultConfig()) })
	}
	wg.Wait()
	for n := range out {
		if errs[n] != nil {
			t.Fatal(errs[n])
		}
		if !bytes.Equal(out[0].Bytes(), out[n].Bytes()) {
			t.Error("two runs of the cohort report differ")
		}
	}
}

// The label of the model stands on every page of a report that shows a score.
func TestModelLabelOnEveryPage(t *testing.T) {
	for n, p := range checkFrame(t, fullPDF(t)) {
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

// A plaque whose artery nobody named has its page and its row.
func TestUnnamedArtery(t *testing.T) {
	a := testMinimal()
	a.Arteries = []risk.Artery{{Measures: a.Lesions[0].Measures, Lesions: []string{a.Lesions[0].Name}, Level: risk.Level{Reason: "no model was given"}}}
	all := strings.Join(checkFrame(t, patientPDF(t, a, DefaultConfig())), " ")
	for _, want := range []string{"Artery not named", "artery not named"} {
		if !strings.Contains(all, want) {
			t.Errorf("the report lacks %q", want)
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

// Settings that cannot be drawn are refused in the words of the YAML file.
func TestConfig(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	err := Config{Paper: "a3", Date: "today"}.Validate()
	for _, want := range []string{"paper", "window_width_hu", "document_date"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error %v does not name %s", err, want)
		}
	}
	letter := DefaultConfig()
	letter.Paper = "letter"
	checkFrame(t, patientPDF(t, testMinimal(), letter))
}

// Numbers are rounded to what a reader may trust, and absent ones are dashes.
func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{fixed(-0.04, 1), "0.0"}, {fixed(-1.25, 1), "−1.2"}, {number(risk.NaN(), 1), "–"}, {quantity(risk.NaN(), 1, "mm"), "not computed"},
		{percent(0.342), "34 %"}, {percent(0.001), "< 1 %"}, {percent(0.999), "> 99 %"}, {general(15234), "15234"}, {general(0.012345), "0.0123"}, {general(1.5e-7), "1.50e−07"},
		{capWords(&risk.Measures{CapMM: 0.2, CapBelowVoxel: true}, [3]float64{0.35, 0.35, 0.5}), "below resolution (< 0.75 mm)"},
		{interval(risk.Interval{Value: 0.5, Low: -0.1, High: 0.9}, 1), "0.5 (−0.1 to 0.9)"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// The colour map grows lighter from end to end.
func TestCividis(t *testing.T) {
	last := -1.0
	for k := range 101 {
		c := cividis(float64(k) / 100)
		y := 0.2126*float64(c.R) + 0.7152*float64(c.G) + 0.0722*float64(c.B)
		if y < last {
			t.Errorf("the map grows darker at %d %%", k)
		}
		last = y
	}
}

func ExamplePatient() {
	a := &risk.Assessment{Case: "P-001", Patient: risk.Level{Reason: "no plaque in the segmentation"}}
	var pdf bytes.Buffer
	if err := Patient(&pdf, a, DefaultConfig()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(pdf.Bytes()[:5]))
	// Output: %PDF-
}
