package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// inspect lists the series of a folder.
func (a *app) inspect() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect DIR",
		Short: "List the series of a DICOM folder or archive with geometry, phase, kVp, kernel and findings",
		Long: `List the series of a DICOM folder, archive (.zip, .tar, .tar.gz, .tar.zst), DICOMDIR
or file with geometry, phase, kVp, kernel and findings, each with its code, place and
the exit status that score would end with. A NIfTI, NRRD or MetaImage volume is
described by its voxels. Nothing that identifies a patient is shown. The JSON follows
docs/reference/schemas/inspect.schema.json.`,
		Example: "  plaquerisk inspect study\n  plaquerisk inspect study.zip --json\n  plaquerisk inspect ct.nii.gz",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.look(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(a.stdout)
				enc.SetEscapeHTML(false)
				enc.SetIndent("", " ")
				return enc.Encode(l)
			}
			printListing(a.stdout, l)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// look lists what is at path.
func (a *app) look(ctx context.Context, path string) (*Listing, error) {
	unreadable := func(err error) error {
		return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-601", Err: err}
	}
	if kind := format.Name(path); kind != "" {
		v, err := format.ReadVolume(path)
		if err != nil {
			return nil, unreadable(err)
		}
		cfg, _, err := a.settings()
		if err != nil {
			return nil, err
		}
		g := &v.Grid
		l := listing(&dicom.Index{})
		l.Reason = "not DICOM: score takes the volume as it is"
		l.Image = &ListedImage{Kind: kind, Size: g.Size, SpacingMM: g.Spacing, OriginMM: place(g.Origin),
			Directions: directions(g), Findings: listFindings(cfg.DICOM.CheckVolume(v))}
		return l, nil
	}
	index, err := dicom.Scan(ctx, path)
	if err != nil {
		return nil, unreadable(err)
	}
	return listing(index), nil
}

// Listing is the JSON of inspect.
type Listing struct {
	Format  string          `json:"format"`
	Version int             `json:"version"`
	Series  []ListedSeries  `json:"series"`
	Skipped []ListedSkipped `json:"skipped"`
	Best    string          `json:"best"` // UID of the series that score would take; empty if there is none
	// BestPhase is its phase, where the series has several.
	BestPhase string `json:"best_phase,omitempty"`
	Reason    string `json:"reason,omitempty"` // why there is none
	// Image describes a volume that is not DICOM.
	Image *ListedImage `json:"image,omitempty"`
}

// ListedImage is a NIfTI, NRRD or MetaImage volume.
type ListedImage struct {
	Kind      string     `json:"kind"`
	Size      [3]int     `json:"size_voxels"`
	SpacingMM [3]float64 `json:"spacing_mm"`
	OriginMM  [3]float64 `json:"origin_lps_mm"`
	// Directions of i, j and k in LPS.
	Directions [3][3]float64   `json:"directions_lps"`
	Findings   []ListedFinding `json:"findings"`
}

// ListedSeries describes a series, or one phase of it.
type ListedSeries struct {
	UID              string     `json:"uid"`
	Number           string     `json:"number"`
	Description      string     `json:"description"`
	Modality         string     `json:"modality"`
	Manufacturer     string     `json:"manufacturer"`
	Scanner          string     `json:"scanner"`
	Kernel           string     `json:"kernel"`
	KVp              *float64   `json:"kvp_kv"`
	Phase            string     `json:"phase"`
	PhasePercent     *float64   `json:"phase_percent"` // of the cardiac cycle
	Contrast         string     `json:"contrast_agent"`
	SliceThicknessMM *float64   `json:"slice_thickness_mm"`
	Slices           int        `json:"slices"`
	Size             [3]int     `json:"size_voxels"`
	SpacingMM        [3]float64 `json:"spacing_mm"`
	OriginMM         [3]float64 `json:"origin_lps_mm"`
	// Directions of i, j and k in LPS; k is oblique to i and j in a tilted gantry.
	Directions     [3][3]float64   `json:"directions_lps"`
	TransferSyntax string          `json:"transfer_syntax"`
	Findings       []ListedFinding `json:"findings"`
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

func listing(x *dicom.Index) *Listing {
	l := &Listing{Format: "plaquerisk.inspect", Version: 1, Series: []ListedSeries{}, Skipped: []ListedSkipped{}}
	for n := range x.Series {
		s := &x.Series[n]
		item := ListedSeries{UID: s.UID, Number: s.Number, Description: s.Description, Modality: s.Modality,
			Manufacturer: s.Manufacturer, Scanner: s.Model, Kernel: s.Kernel, KVp: defined(s.KVp), Phase: s.Phase, PhasePercent: defined(s.PhasePercent),
			Contrast: s.ContrastAgent, SliceThicknessMM: defined(s.SliceThickness), Slices: len(s.Slices),
			Size: s.Grid.Size, SpacingMM: s.Grid.Spacing, OriginMM: place(s.Grid.Origin),
			Directions: directions(&s.Grid), TransferSyntax: s.TransferSyntax, Findings: listFindings(s.Findings)}
		l.Series = append(l.Series, item)
	}
	for n := range x.Skipped {
		l.Skipped = append(l.Skipped, ListedSkipped{Path: x.Skipped[n].Path, Error: x.Skipped[n].Error()})
	}
	if best, err := x.Choose("", ""); err != nil {
		l.Reason = err.Error()
	} else {
		l.Best, l.BestPhase = best.UID, best.Phase
	}
	return l
}

func place(p r3.Vec) [3]float64 { return [3]float64{p.X, p.Y, p.Z} }

func directions(g *imaging.Grid) [3][3]float64 {
	return [3][3]float64{place(g.Axes[0]), place(g.Axes[1]), place(g.Axes[2])}
}

func listFindings(findings []dicom.Finding) []ListedFinding {
	out := []ListedFinding{}
	for _, f := range findings {
		out = append(out, ListedFinding{Code: f.Code, Severity: string(f.Severity), Where: f.Where, Text: f.Text, Exit: exitOf(f.Gate)})
	}
	return out
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

func printListing(w io.Writer, l *Listing) {
	for _, s := range l.Series {
		fmt.Fprintf(w, "series %s  %s\n", s.Number, s.Description)
		fmt.Fprintf(w, "  uid         %s\n", s.UID)
		fmt.Fprintf(w, "  modality    %s, %s %s\n", s.Modality, s.Manufacturer, s.Scanner)
		fmt.Fprintf(w, "  geometry    %d slices, %s\n", s.Slices, geometry(s.Size, s.SpacingMM, s.OriginMM))
		fmt.Fprintf(w, "  slice       thickness %s mm\n", optional(s.SliceThicknessMM))
		fmt.Fprintf(w, "  phase       %s\n", orUnknown(s.Phase))
		fmt.Fprintf(w, "  kVp         %s\n", optional(s.KVp))
		fmt.Fprintf(w, "  kernel      %s\n", orUnknown(s.Kernel))
		fmt.Fprintf(w, "  contrast    %s\n", orUnknown(s.Contrast))
		fmt.Fprintf(w, "  syntax      %s\n", s.TransferSyntax)
		printFindings(w, s.Findings)
	}
	for _, s := range l.Skipped {
		fmt.Fprintf(w, "skipped     %s\n", s.Error)
	}
	switch m := l.Image; {
	case m != nil:
		fmt.Fprintf(w, "%s volume  %s\n", m.Kind, geometry(m.Size, m.SpacingMM, m.OriginMM))
		printFindings(w, m.Findings)
	case l.Best == "":
		fmt.Fprintf(w, "no series to score: %s\n", l.Reason)
	case l.BestPhase != "":
		fmt.Fprintf(w, "score would take series %s, phase %s\n", l.Best, l.BestPhase)
	default:
		fmt.Fprintf(w, "score would take series %s\n", l.Best)
	}
}

func geometry(size [3]int, spacing, origin [3]float64) string {
	return fmt.Sprintf("%d×%d×%d voxels of %.3f×%.3f×%.3f mm, first at (%.2f, %.2f, %.2f) mm",
		size[0], size[1], size[2], spacing[0], spacing[1], spacing[2], origin[0], origin[1], origin[2])
}

func printFindings(w io.Writer, findings []ListedFinding) {
	for _, f := range findings {
		exit := ""
		if f.Exit != 0 {
			exit = fmt.Sprintf(" (score ends with exit %d)", f.Exit)
		}
		fmt.Fprintf(w, "  %-11s %s %s%s\n", f.Severity, f.Code, strings.TrimPrefix(f.Where+": "+f.Text, ": "), exit)
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
