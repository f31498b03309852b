package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/fem/benchmark"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// A folder without the table, or with another one, is refused in words; a value
// that misses is marked and fails the suite.
func TestReproMechanics(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []string{"holds no fem-benchmarks.csv", "the columns are not"} {
		var stdout, stderr bytes.Buffer
		status := run(context.Background(), []string{"repro", "mechanics", "--data", dir}, &stdout, &stderr)
		if status != int(pipeline.Unreadable) || !strings.Contains(stderr.String(), want) {
			t.Errorf("exit status %d: %s", status, &stderr)
		}
		if err := os.WriteFile(filepath.Join(dir, "fem-benchmarks.csv"), []byte("a,b\n1,2\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if ref, err := references(""); err != nil || len(ref) < 500 {
		t.Errorf("%d values in the program: %v", len(ref), err)
	}
	r := reproducedCase(&benchmark.Case{Section: "C", Name: "made up"}, []benchmark.Row{
		{Case: "x", Quantity: "u", Unit: "mm", Got: 1, Want: 1.001, Tol: 0.01}, {Case: "x", Quantity: "v", Unit: "mm", Got: 1, Want: 2, Tol: 0.01}})
	if r.Passed || r.Within != 1 || r.Values != 2 {
		t.Errorf("%+v", r)
	}
	var out bytes.Buffer
	a := &app{stdout: &out}
	if err := a.printCase(&r); err != nil || !strings.Contains(out.String(), "MISS  x: v") || !strings.Contains(out.String(), "ok    x: u") {
		t.Errorf("%v\n%s", err, &out)
	}
}
