package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// plainEvery is the time between two lines of progress where there is no
// terminal.
const plainEvery = 30 * time.Second

// meter shows how far a command came.
type meter interface {
	// at says that done of total steps are finished (total 0: not known yet).
	at(done, total int, what string)
	end()
}

// meter returns what the --progress flag asks for: by default a bar with an
// estimate of the remaining time on a terminal, plain lines elsewhere.
func (a *app) meter(title string) meter {
	kind := a.progress
	if kind == "auto" {
		kind = "plain"
		if f, ok := a.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			kind = "bar"
		}
	}
	if a.quiet {
		kind = "none"
	}
	switch kind {
	case "bar":
		_, plainColours := os.LookupEnv("NO_COLOR")
		return &bar{progressbar.NewOptions(-1, progressbar.OptionSetWriter(a.stderr), progressbar.OptionSetDescription(title),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(),
			progressbar.OptionEnableColorCodes(!plainColours), progressbar.OptionClearOnFinish())}
	case "json":
		return &lines{w: a.stderr, title: title, json: true, start: time.Now()}
	case "plain":
		return &lines{w: a.stderr, title: title, start: time.Now()}
	}
	return silent{}
}

type silent struct{}

func (silent) at(int, int, string) {}
func (silent) end()                {}

// bar draws on a terminal.
type bar struct{ *progressbar.ProgressBar }

func (b *bar) at(done, total int, what string) {
	if total > 0 && b.GetMax() != total {
		b.ChangeMax(total)
	}
	b.Describe(what)
	_ = b.Set(done) // a bar that cannot be drawn is no reason to stop
}

func (b *bar) end() { _ = b.Finish() }

// lines prints a line now and then, or a JSON object for each step.
type lines struct {
	mu          sync.Mutex
	w           io.Writer
	title       string
	json        bool
	start, last time.Time
}

func (l *lines) at(done, total int, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.json {
		text, err := json.Marshal(map[string]any{"task": l.title, "done": done, "total": total, "step": what, "seconds": now.Sub(l.start).Seconds()})
		if err == nil {
			fmt.Fprintf(l.w, "%s\n", text)
		}
		return
	}
	if l.last.IsZero() {
		l.last = l.start
	}
	if now.Sub(l.last) < plainEvery {
		return
	}
	l.last = now
	fmt.Fprintf(l.w, "%s: %d of %d, %s%s\n", l.title, done, total, what, remaining(now.Sub(l.start), done, total))
}

func (l *lines) end() {}

// remaining estimates the time to the end from the time so far.
func remaining(spent time.Duration, done, total int) string {
	if done == 0 || total <= done {
		return ""
	}
	left := spent * time.Duration(total-done) / time.Duration(done)
	return fmt.Sprintf(", about %s left", left.Round(time.Second))
}
