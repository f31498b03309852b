package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/classifier"
	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
	"github.com/plaquerisk/plaquerisk/internal/suggest"
	"github.com/plaquerisk/plaquerisk/internal/version"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// app holds what all commands share.
type app struct {
	stdout, stderr io.Writer
	configPath     string
	jobs           int
	quiet          bool
	verbose        int
	logFormat      string
	logFile        string
	progress       string

	log     *slog.Logger
	close   []func() error
	running bool // the command line was understood
}

// run executes a command line and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (status int) {
	a := &app{stdout: stdout, stderr: stderr, log: slog.New(slog.DiscardHandler)}
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(stderr, "plaquerisk: PLQ-600: bug: %v; please report it with these lines\n%s", p, debug.Stack())
			status = int(pipeline.Internal)
		}
	}()
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	for _, c := range a.close {
		err = errors.Join(err, c())
	}
	return a.status(ctx, err)
}

// status prints err and returns the exit status that belongs to it.
func (a *app) status(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return int(pipeline.OK)
	case ctx.Err() != nil:
		cause := context.Cause(ctx)
		fmt.Fprintf(a.stderr, "plaquerisk: %v\n", cause)
		if errors.Is(cause, errTerminate) {
			return int(pipeline.Interrupted)
		}
		return int(pipeline.Cancelled)
	case !a.running:
		fmt.Fprintf(a.stderr, "plaquerisk: %v\n", err)
		return int(pipeline.Usage)
	}
	var known *pipeline.Error
	if errors.As(err, &known) {
		text := strings.Replace(err.Error(), known.Code+": ", "", 1)
		fmt.Fprintf(a.stderr, "plaquerisk: %s: %s\n", known.Code, text)
		fmt.Fprintf(a.stderr, "  what to do: docs/reference/notes.md#%s\n", strings.ToLower(known.Code))
	} else {
		fmt.Fprintf(a.stderr, "plaquerisk: %v\n", err)
	}
	return int(pipeline.ClassOf(err))
}

// root builds the tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "plaquerisk",
		Short: "Coronary plaque risk from cardiac CT, for research",
		Long: `plaquerisk scores coronary plaques from a CT angiogram and its segmentation:
radiomics of the plaque and finite-element stress of the wall, combined by
gradient-boosted trees into a risk per artery and patient, with a PDF report.

RESEARCH USE ONLY. Not a medical device. Not for diagnosis or treatment.`,
		Example: `  plaquerisk demo --out out/demo
  plaquerisk score --ct study/ct --seg plaque.seg.nrrd --out result
  plaquerisk batch run cohort.csv --out batch -j 2`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version.Version,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.setUp(); err != nil {
				return err
			}
			a.running = true
			return nil
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		word, ok := strings.CutPrefix(err.Error(), "unknown flag: --")
		if !ok {
			return err
		}
		var known []string
		for _, m := range longFlag.FindAllStringSubmatch(cmd.Flags().FlagUsages(), -1) {
			known = append(known, m[1])
		}
		if near, ok := suggest.Nearest(word, known); ok {
			return fmt.Errorf("%w; did you mean --%s?", err, near)
		}
		return fmt.Errorf("%w; %s --help lists the flags", err, cmd.CommandPath())
	})
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	f := root.PersistentFlags()
	f.StringVar(&a.configPath, "config", "", "settings `FILE`; else $"+pipeline.ConfigEnv+", else ./"+pipeline.ProjectFile+", else built-in")
	f.IntVarP(&a.jobs, "jobs", "j", runtime.NumCPU(), "processors to use; in a batch, cases at a time")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print results and errors only")
	f.CountVarP(&a.verbose, "verbose", "v", "log more; twice for every step")
	f.StringVar(&a.logFormat, "log-format", "text", "text or json")
	f.StringVar(&a.logFile, "log-file", "", "append the log to `FILE` instead of stderr")
	f.StringVar(&a.progress, "progress", "auto", "auto, bar, plain, json or none")
	root.AddCommand(
		a.demo(), a.inspect(), a.validate(), a.score(), a.extract(), a.solve(), a.train(), a.evaluate(),
		a.predict(), a.explain(), a.report(), a.modelCard(), a.batch(), a.radiomics(), a.dicom(), a.export(), a.repro(), a.phantom(), a.segment(), a.config(), a.doctor(), a.version(), exitCodes(),
	)
	for _, c := range root.Commands() {
		if c.HasSubCommands() && !c.Runnable() {
			group(c)
		}
	}
	return root
}

// group makes a command that only groups others print its help, and refuse a
// name that it does not know.
func group(cmd *cobra.Command) {
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		hint := ""
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "; did you mean " + near[0] + "?"
		}
		return usageError("unknown command %q for %q%s", args[0], cmd.CommandPath(), hint)
	}
}

// setUp applies the flags that all commands share.
func (a *app) setUp() error {
	if a.jobs < 1 {
		return fmt.Errorf("-j %d: want at least 1", a.jobs)
	}
	runtime.GOMAXPROCS(a.jobs)
	level := slog.LevelWarn
	switch {
	case a.quiet:
		level = slog.LevelError
	case a.verbose == 1:
		level = slog.LevelInfo
	case a.verbose > 1:
		level = slog.LevelDebug
	}
	w := a.stderr
	if a.logFile != "" {
		f, err := os.OpenFile(a.logFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("--log-file: %w", err)
		}
		a.close = append(a.close, f.Close)
		w = f
	}
	opt := &slog.HandlerOptions{Level: level}
	switch a.logFormat {
	case "text":
		a.log = slog.New(slog.NewTextHandler(w, opt))
	case "json":
		a.log = slog.New(slog.NewJSONHandler(w, opt))
	default:
		return fmt.Errorf("--log-format %q: want text or json", a.logFormat)
	}
	switch a.progress {
	case "auto", "bar", "plain", "json", "none":
		return nil
	}
	return fmt.Errorf("--progress %q: want auto, bar, plain, json or none", a.progress)
}

// settings loads the settings in force and says who named them.
func (a *app) settings() (cfg pipeline.Config, origin string, err error) {
	path, origin := pipeline.FindConfig(a.configPath)
	cfg, err = pipeline.LoadConfig(path)
	return cfg, origin, err
}

// pipeline returns a pipeline with the settings in force and a model: the file
// at modelPath, or the shipped one.
func (a *app) pipeline(modelPath string) (*pipeline.Pipeline, error) {
	cfg, _, err := a.settings()
	if err != nil {
		return nil, err
	}
	return a.pipelineWith(cfg, modelPath)
}

// pipelineWith is [app.pipeline] with given settings.
func (a *app) pipelineWith(cfg pipeline.Config, modelPath string) (*pipeline.Pipeline, error) {
	var model *classifier.Model
	if modelPath != "none" {
		var err error
		if model, err = pipeline.LoadModel(modelPath); err != nil {
			return nil, err
		}
	}
	p, err := pipeline.New(cfg, model)
	if err != nil {
		return nil, err
	}
	p.Log = a.log
	return p, nil
}

// usageError is a command line that cannot be meant.
func usageError(format string, args ...any) error {
	return &pipeline.Error{Class: pipeline.Usage, Code: "PLQ-620", Err: fmt.Errorf(format, args...)}
}

// longFlag finds the names in the usage text of flags.
var longFlag = regexp.MustCompile(`(?m)^\s+(?:-\w, )?--([a-z-]+)`)

// folder starts a folder of results that will appear whole at out.
func folder(out string, overwrite bool) (*atomicfile.Folder, error) {
	f, err := atomicfile.NewFolder(out, overwrite)
	if errors.Is(err, atomicfile.ErrExists) {
		err = fmt.Errorf("%w with --overwrite", err)
	}
	if err != nil {
		return nil, &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
	}
	return f, nil
}

// exitCodes is a help topic.
func exitCodes() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit status means",
		Long: `Exit status:
    0  ok
    1  internal error (a bug)
    2  wrong command line
    3  wrong settings or label map
    4  unreadable input
    5  nothing to score
    6  output cannot be written
    7  wall mechanics did not converge for any lesion
    8  some cases of a batch, or arteries of a solve, failed
    9  refused by quality control of the CT
   10  slices are missing
   75  terminated, resume is possible
  130  interrupted`,
	}
}
