package cohort

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// Scorer scores one case. Key identifies all that its results depend on; Score
// fills the folder dir. An error of class [pipeline.NotConverged] says that dir
// is filled but the case counts as failed.
type Scorer interface {
	Key(ctx context.Context, c *Case) (string, error)
	Score(ctx context.Context, c *Case, dir string) error
}

// maxUnfinished is the number of times that a case may take its process down
// with it before it is set aside.
const maxUnfinished = 3

// Options says how to run a batch.
type Options struct {
	Dir         string // batch folder; must exist
	Jobs        int    // cases at a time
	RetryFailed bool   // try failed cases again although nothing changed
	Now         func() time.Time
	Log         *slog.Logger
	// Progress, if not nil, is called after each case, one call at a time.
	Progress func(Progress)
}

// Progress is how far a batch came.
type Progress struct {
	Done, Failed, Total int
	Case                string
	Skipped             bool // finished by an earlier run
	Took                time.Duration
}

// Result counts the cases of a batch.
type Result struct {
	Total  int `json:"total"`
	Done   int `json:"done"`
	Failed int `json:"failed"`
}

const keyFile = "key.json"

// caseDir returns the folder of the results of a case.
func caseDir(dir, id string) string { return filepath.Join(dir, "results", "case="+id) }

// Run scores the cases of m that are not finished and writes the merged tables.
// It fails only if it cannot go on; failed cases are counted in the result and
// listed in failures.csv.
func Run(ctx context.Context, m *Manifest, s Scorer, opt Options) (Result, error) {
	release, err := lock(opt.Dir)
	if err != nil {
		return Result{}, err
	}
	defer release()
	if err := removeLeftovers(filepath.Join(opt.Dir, "results")); err != nil {
		return Result{}, err
	}
	j, entries, err := openJournal(opt.Dir)
	if err != nil {
		return Result{}, fmt.Errorf("journal: %w", err)
	}
	defer j.close()
	r := &run{Options: opt, scorer: s, journal: j, before: summarise(entries), count: Progress{Total: len(m.Cases)}}
	if err := r.all(ctx, m); err != nil {
		return Result{}, err
	}
	if err := Merge(ctx, m, opt.Dir); err != nil {
		return Result{}, fmt.Errorf("merge: %w", err)
	}
	return Result{Total: len(m.Cases), Done: r.count.Done, Failed: r.count.Failed}, nil
}

// removeLeftovers deletes what killed processes left half-written.
func removeLeftovers(results string) error {
	if err := os.MkdirAll(results, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(results)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".case=") {
			if err := os.RemoveAll(filepath.Join(results, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

type run struct {
	Options
	scorer  Scorer
	journal *journal
	before  map[string]progress

	mu    sync.Mutex
	count Progress
}

// all feeds the cases to the workers in the order of the manifest.
func (r *run) all(ctx context.Context, m *Manifest) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan *Case)
	var wg sync.WaitGroup
	for range max(r.Jobs, 1) {
		wg.Go(func() {
			for c := range next {
				if err := r.one(ctx, c); err != nil {
					cancel(err)
				}
			}
		})
	}
feed:
	for n := range m.Cases {
		select {
		case next <- &m.Cases[n]:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// one brings a case to its end. Only trouble with the batch folder itself, or a
// cancelled context, is an error.
func (r *run) one(ctx context.Context, c *Case) error {
	start := r.Now()
	if err := ctx.Err(); err != nil {
		return err
	}
	key, err := r.scorer.Key(ctx, c)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return r.finish(c, key, err, start)
	}
	before := r.before[c.ID]
	same := before.last.Key == key
	if finishedKey(r.Dir, c.ID) == key && !(same && before.last.State == Failed && r.RetryFailed) {
		if same && before.last.State == Failed {
			r.report(c, true, true, 0)
			return nil
		}
		r.report(c, false, true, 0)
		return nil
	}
	switch {
	case !same || r.RetryFailed:
	case before.last.State == Failed:
		r.report(c, true, true, 0)
		return nil
	case before.unfinished >= maxUnfinished:
		return r.finish(c, key, &pipeline.Error{Class: pipeline.Internal, Code: "PLQ-651",
			Err: fmt.Errorf("set aside: %d runs ended while they worked on this case; use --retry-failed to try again", before.unfinished)}, start)
	}
	if err := r.journal.append(Entry{Case: c.ID, Key: key, State: Started, Time: start}); err != nil {
		return err
	}
	err = r.score(ctx, c, key)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.finish(c, key, err, start)
}

// score fills and commits the folder of a case.
func (r *run) score(ctx context.Context, c *Case, key string) (err error) {
	folder, err := atomicfile.NewFolder(caseDir(r.Dir, c.ID), true)
	if err != nil {
		return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
	}
	defer folder.Discard()
	err = r.guarded(ctx, c, folder.Dir)
	if err != nil && pipeline.ClassOf(err) != pipeline.NotConverged {
		return err
	}
	text, jerr := json.Marshal(map[string]string{"key": key})
	if jerr != nil {
		return jerr
	}
	if werr := errors.Join(os.WriteFile(filepath.Join(folder.Dir, keyFile), append(text, '\n'), 0o644), folder.Commit()); werr != nil {
		return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: werr}
	}
	return err
}

// guarded turns a panic, which is a bug, into a failure of one case, so that
// the others are still scored.
func (r *run) guarded(ctx context.Context, c *Case, dir string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &pipeline.Error{Class: pipeline.Internal, Code: "PLQ-600", Err: fmt.Errorf("bug: %v; please report it", p)}
		}
	}()
	return r.scorer.Score(ctx, c, dir)
}

// finish records the end of a case.
func (r *run) finish(c *Case, key string, err error, start time.Time) error {
	e := Entry{Case: c.ID, Key: key, State: Done, Time: r.Now()}
	if err != nil {
		e.State, e.Exit, e.Code, e.Text = Failed, int(pipeline.ClassOf(err)), pipeline.CodeOf(err), causeText(err)
		r.Log.Warn("case failed", "case", c.ID, "code", e.Code, "error", e.Text)
	}
	if jerr := r.journal.append(e); jerr != nil {
		return jerr
	}
	r.report(c, err != nil, false, e.Time.Sub(start))
	return nil
}

// causeText returns the words of err without its code.
func causeText(err error) string {
	var e *pipeline.Error
	if errors.As(err, &e) {
		return strings.Replace(err.Error(), e.Code+": ", "", 1)
	}
	return err.Error()
}

func (r *run) report(c *Case, failed, skipped bool, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if failed {
		r.count.Failed++
	} else {
		r.count.Done++
	}
	r.count.Case, r.count.Skipped, r.count.Took = c.ID, skipped, took
	if r.Progress != nil {
		r.Progress(r.count)
	}
}

// finishedKey returns the key of the committed results of a case, or nothing.
func finishedKey(dir, id string) string {
	text, err := os.ReadFile(filepath.Join(caseDir(dir, id), keyFile))
	if err != nil {
		return ""
	}
	var k struct{ Key string }
	if json.Unmarshal(text, &k) != nil {
		return ""
	}
	return k.Key
}

// Status is the state of a case as the journal tells it.
type Status struct {
	Case  string `json:"case"`
	State State  `json:"state"` // "" if it never started
	Code  string `json:"code,omitempty"`
	Text  string `json:"text,omitempty"`
}

// ReadStatus returns the state of every case of m, in order, without touching
// the batch folder.
func ReadStatus(m *Manifest, dir string) ([]Status, error) {
	entries, _, err := readJournal(filepath.Join(dir, "ledger.jsonl"))
	if err != nil {
		return nil, err
	}
	by := summarise(entries)
	all := make([]Status, len(m.Cases))
	for n, c := range m.Cases {
		last := by[c.ID].last
		all[n] = Status{Case: c.ID, State: last.State, Code: last.Code, Text: last.Text}
	}
	return all, nil
}
