package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/plaquerisk/plaquerisk/risk"
)

// Card says what a model is, for whom, and how it came about.
type Card struct {
	Name     string      `json:"name"`
	Label    string      `json:"label"` // stands beside every score
	Rows     [][2]string `json:"facts"`
	Features CardTable   `json:"features"`
	Notes    []string    `json:"notes"`
	Text     string      `json:"text"` // what it is for and what not
	Program  string      `json:"program"`
}

// CardTable is a table of a card.
type CardTable struct {
	Heads []string   `json:"columns"`
	Rows  [][]string `json:"rows"`
}

// Markdown writes the card as Markdown.
func (c *Card) Markdown(w io.Writer) error {
	var b strings.Builder
	line := func(cells ...string) {
		for n := range cells {
			cells[n] = strings.ReplaceAll(cells[n], "|", "\\|")
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	fmt.Fprintf(&b, "# Model card: %s\n\n**%s. %s**\n\n| | |\n|---|---|\n", c.Name, c.Label, Disclaimer)
	for _, r := range c.Rows {
		line(r[0], r[1])
	}
	if len(c.Features.Rows) > 0 {
		b.WriteString("\n")
		line(append([]string{}, c.Features.Heads...)...)
		fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(c.Features.Heads)))
		for _, r := range c.Features.Rows {
			line(append([]string{}, r...)...)
		}
	}
	b.WriteString("\n")
	for _, note := range c.Notes {
		fmt.Fprintf(&b, "- %s\n", note)
	}
	if len(c.Notes) > 0 {
		b.WriteString("\n")
	}
	b.WriteString(c.Text + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// PDF writes the card as pages.
func (c *Card) PDF(w io.Writer, cfg Config) error {
	s, err := begin(cfg, "Model card: "+c.Name, c.Name, c, risk.Provenance{Program: c.Program})
	if err != nil {
		return fmt.Errorf("model card: %w", err)
	}
	s.page("Model card: " + c.Name)
	s.para(c.Label + ". " + Disclaimer)
	s.para(c.Text)
	s.heading("What it is", 30)
	s.pairs(c.Rows)
	if len(c.Notes) > 0 {
		s.heading("Notes", 15)
		for _, note := range c.Notes {
			s.para(note)
		}
	}
	if len(c.Features.Rows) > 0 {
		s.heading("Features", 30)
		t := table{rows: c.Features.Rows}
		for _, head := range c.Features.Heads {
			t.cols = append(t.cols, column{head, "L"})
		}
		s.table(t)
	}
	if err := s.finish(w); err != nil {
		return fmt.Errorf("model card: %w", err)
	}
	return nil
}
