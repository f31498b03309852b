package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// inspect lists the series of a folder.
func (a *app) inspect() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "inspect DIR",
		Short:   "List the series of a DICOM folder or zip with geometry, phase, kVp, kernel and findings",
		Example: "  plaquerisk inspect study\n  plaquerisk inspect study.zip --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			index, err := dicom.Scan(cmd.Context(), args[0])
			if err != nil {
				return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-601", Err: err}
			}
			if asJSON {
				enc := json.NewEncoder(a.stdout)
				enc.SetEscapeHTML(false)
				enc.SetIndent("", " ")
				return enc.Encode(listing(index))
			}
			printIndex(a.stdout, index)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// Listing is the JSON of inspect.
type Listing struct {
	Format  string          `json:"format"`
	Version int             `json:"version"`
	Series  []ListedSeries  `json:"series"`
	Skipped []ListedSkipped `json:"skipped"`
	Best    string          `json:"best"` // UID of the series that score would take; empty if there is none
	Reason  string          `json:"reason,omitempty"`
}

// ListedSeries describes a series.
type ListedSeries struct {
	UID              string          `json:"uid"`
	Number           string          `json:"number"`
	Description      string          `json:"description"`
	Modality         string          `json:"modality"`
	Manufacturer     string          `json:"manufacturer"`
	Scanner          string          `json:"scanner"`
	Kernel           string          `json:"kernel"`
	KVp              *float64        `json:"kvp_kv"`
	Phase            string          `json:"phase"`
	Contrast         string          `json:"contrast_agent"`
	SliceThicknessMM *float64        `json:"slice_thickness_mm"`
	Slices           int             `json:"slices"`
	Size             [3]int          `json:"size_voxels"`
	SpacingMM        [3]float64      `json:"spacing_mm"`
	OriginMM         [3]float64      `json:"origin_lps_mm"`
	TransferSyntax   string          `json:"transfer_syntax"`
	Findings         []ListedFinding `json:"findings"`
}

// ListedFinding is a finding of quality control on the headers.
type ListedFinding struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Where    string `json:"where,omitempty"`
	Text     string `json:"text"`
	Exit     int    `json:"exit,omitempty"` // status that score would end with
}

// ListedSkipped is a file that could not be read.
type ListedSkipped struct {
	Path  string `json:"path"`
	Error string `json:"error"`
}

func listing(x *dicom.Index) Listing {
	l := Listing{Format: "plaquerisk.inspect", Version: 1, Series: []ListedSeries{}, Skipped: []ListedSkipped{}}
	for n := range x.Series {
		s := &x.Series[n]
		item := ListedSeries{UID: s.UID, Number: s.Number, Description: s.Description, Modality: s.Modality,
			Manufacturer: s.Manufacturer, Scanner: s.Model, Kernel: s.Kernel, KVp: defined(s.KVp), Phase: s.Phase,
			Contrast: s.ContrastAgent, SliceThicknessMM: defined(s.SliceThickness), Slices: len(s.Slices),
			Size: s.Grid.Size, SpacingMM: s.Grid.Spacing, OriginMM: [3]float64{s.Grid.Origin.X, s.Grid.Origin.Y, s.Grid.Origin.Z},
			TransferSyntax: s.TransferSyntax, Findings: []ListedFinding{}}
		for _, f := range s.Findings {
			item.Findings = append(item.Findings, ListedFinding{Code: f.Code, Severity: string(f.Severity), Where: f.Where, Text: f.Text, Exit: exitOf(f.Gate)})
		}
		l.Series = append(l.Series, item)
	}
	for n := range x.Skipped {
		l.Skipped = append(l.Skipped, ListedSkipped{Path: x.Skipped[n].Path, Error: x.Skipped[n].Error()})
	}
	if best, err := x.Choose("", ""); err != nil {
		l.Reason = err.Error()
	} else {
		l.Best = best.UID
	}
	return l
}

// exitOf returns the exit status of a gate.
func exitOf(g dicom.Gate) int {
	switch g {
	case dicom.Refuse:
		return int(pipeline.Refused)
	case dicom.Incomplete:
		return int(pipeline.Incomplete)
	}
	return 0
}

// defined returns nil for an undefined number, which JSON cannot hold.
func defined(x float64) *float64 {
	if x != x {
		return nil
	}
	return &x
}

func printIndex(w io.Writer, x *dicom.Index) {
	l := listing(x)
	for _, s := range l.Series {
		fmt.Fprintf(w, "series %s  %s\n", s.Number, s.Description)
		fmt.Fprintf(w, "  uid         %s\n", s.UID)
		fmt.Fprintf(w, "  modality    %s, %s %s\n", s.Modality, s.Manufacturer, s.Scanner)
		fmt.Fprintf(w, "  geometry    %d slices, %d×%d×%d voxels of %.3f×%.3f×%.3f mm, first at (%.2f, %.2f, %.2f) mm\n", s.Slices,
			s.Size[0], s.Size[1], s.Size[2], s.SpacingMM[0], s.SpacingMM[1], s.SpacingMM[2], s.OriginMM[0], s.OriginMM[1], s.OriginMM[2])
		fmt.Fprintf(w, "  slice       thickness %s mm\n", optional(s.SliceThicknessMM))
		fmt.Fprintf(w, "  phase       %s\n", orUnknown(s.Phase))
		fmt.Fprintf(w, "  kVp         %s\n", optional(s.KVp))
		fmt.Fprintf(w, "  kernel      %s\n", orUnknown(s.Kernel))
		fmt.Fprintf(w, "  contrast    %s\n", orUnknown(s.Contrast))
		fmt.Fprintf(w, "  syntax      %s\n", s.TransferSyntax)
		for _, f := range s.Findings {
			exit := ""
			if f.Exit != 0 {
				exit = fmt.Sprintf(" (score ends with exit %d)", f.Exit)
			}
			fmt.Fprintf(w, "  %-11s %s %s%s\n", f.Severity, f.Code, strings.TrimPrefix(f.Where+": "+f.Text, ": "), exit)
		}
	}
	for _, s := range l.Skipped {
		fmt.Fprintf(w, "skipped     %s\n", s.Error)
	}
	if l.Best != "" {
		fmt.Fprintf(w, "score would take series %s\n", l.Best)
	} else {
		fmt.Fprintf(w, "no series to score: %s\n", l.Reason)
	}
}

func optional(x *float64) string {
	if x == nil {
		return "unknown"
	}
	return fmt.Sprintf("%g", *x)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
