package reports

import (
	"bytes"
	"strings"
	"testing"
)

// A card is the same in Markdown and PDF, and a bar in a cell does not break the
// table.
func TestCard(t *testing.T) {
	c := &Card{Name: "toy", Label: "Research model", Rows: [][2]string{{"outcome", "a|b"}, {"learner", ""}}, Notes: []string{"few patients"}, Text: "For a test.", Program: "plaquerisk test",
		Features: CardTable{Heads: []string{"feature", "range"}, Rows: [][]string{{"x", "0 to 1"}}}}
	var md, pdf, again bytes.Buffer
	if err := c.Markdown(&md); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Model card: toy\n\n**Research model. " + Disclaimer + "**", `| outcome | a\|b |`, "| feature | range |\n|---|---|\n| x | 0 to 1 |", "- few patients\n\nFor a test.\n"} {
		if !strings.Contains(md.String(), want) {
			t.Errorf("%q is not in\n%s", want, &md)
		}
	}
	if err := c.PDF(&pdf, DefaultConfig()); err != nil {
		t.Fatal(err)
	}
	if err := c.PDF(&again, DefaultConfig()); err != nil || !bytes.Equal(pdf.Bytes(), again.Bytes()) || !bytes.HasPrefix(pdf.Bytes(), []byte("%PDF")) {
		t.Errorf("two runs differ, or no PDF (%v)", err)
	}
	if c.Rows[0][1] != "a|b" {
		t.Error("writing changed the card")
	}
}
