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
