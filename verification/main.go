// Verification writes docs/verification.md from the comparisons that tests
// recorded: see package internal/verify and make verification.
//
//	verification out/verify docs/verification.md
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: verification FOLDER FILE.md")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "verification:", err)
		os.Exit(1)
	}
}

func run(dir, out string) error {
	checks, err := read(dir)
	if err != nil {
		return err
	}
	if len(checks) == 0 {
		return fmt.Errorf("%s holds no comparisons", dir)
	}
	return atomicfile.Write(out, page(checks))
}

// read gathers the comparisons of all tests, sorted, without repetitions.
func read(dir string) ([]verify.Check, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var all []verify.Check
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sc := bufio.NewScanner(bytes.NewReader(text))
		sc.Buffer(nil, 1<<20)
		for line := 1; sc.Scan(); line++ {
			var c verify.Check
			if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
				return nil, fmt.Errorf("%s: line %d: %w", name, line, err)
			}
			all = append(all, c)
		}
		if err := sc.Err(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	slices.SortStableFunc(all, func(a, b verify.Check) int {
		return cmp.Or(cmp.Compare(a.Suite, b.Suite), cmp.Compare(a.Case, b.Case), cmp.Compare(a.Quantity, b.Quantity))
	})
	return slices.Compact(all), nil
}

// page writes a summary and one table per suite.
func page(checks []verify.Check) []byte {
	var b bytes.Buffer
	b.WriteString("# Verification\n\nMade by `make verification` from the tests; not edited by hand. Every row compares a number of this program\n" +
		"with a number that we did not write: a published reference value, a closed form or another program.\n" +
		"\"3 digits\" marks values that are rounded to three significant digits first (the rule of IBSI).\n\n| suite | comparisons | hold |\n|---|---|---|\n")
	var suites []string
	count, pass := map[string]int{}, map[string]int{}
	for _, c := range checks {
		if count[c.Suite] == 0 {
			suites = append(suites, c.Suite)
		}
		count[c.Suite]++
		if c.Pass() {
			pass[c.Suite]++
		}
	}
	for _, s := range suites {
		fmt.Fprintf(&b, "| [%s](#%s) | %d | %d |\n", s, strings.ReplaceAll(strings.ToLower(s), " ", "-"), count[s], pass[s])
	}
	last := ""
	for _, c := range checks {
		if c.Suite != last {
			last = c.Suite
			fmt.Fprintf(&b, "\n## %s\n\n| case | quantity | got | want | tolerance | holds | source |\n|---|---|---|---|---|---|---|\n", c.Suite)
		}
		tol := fmt.Sprintf("%.3g", c.Tol)
		if c.Digits > 0 {
			tol += fmt.Sprintf(", %d digits", c.Digits)
		}
		holds := "yes"
		if !c.Pass() {
			holds = "**no**"
		}
		fmt.Fprintf(&b, "| %s | %s | %.6g | %.6g | %s | %s | %s |\n", cell(c.Case), cell(c.Quantity), c.Got, c.Want, tol, holds, cell(c.Source))
	}
	return b.Bytes()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
