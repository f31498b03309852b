package cohort

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// State is how far a case came.
type State string

// The states of a case in the journal.
const (
	Started State = "started"
	Done    State = "done"
	Failed  State = "failed"
)

// Entry is one line of the journal: a change of state.
type Entry struct {
	Case  string    `json:"case"`
	Key   string    `json:"key"` // of inputs, settings, model and version
	State State     `json:"state"`
	Exit  int       `json:"exit,omitempty"` // class of the failure
	Code  string    `json:"code,omitempty"` // PLQ-…
	Text  string    `json:"text,omitempty"`
	Time  time.Time `json:"time"`
}

// journal appends entries to ledger.jsonl; each is on disk before append
// returns, so that a killed run is understood by the next one.
type journal struct {
	mu sync.Mutex
	f  *os.File
}

// openJournal opens the journal of the batch folder dir and returns what it
// holds. A line that a killed process left unfinished is closed and ignored.
func openJournal(dir string) (*journal, []Entry, error) {
	path := filepath.Join(dir, "ledger.jsonl")
	entries, torn, err := readJournal(path)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, nil, err
	}
	if torn {
		if _, err := f.WriteString("\n"); err != nil {
			f.Close()
			return nil, nil, err
		}
	}
	return &journal{f: f}, entries, nil
}

// readJournal returns the entries of a journal and whether its last line lacks
// its end.
func readJournal(path string) (entries []Entry, torn bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	torn = len(text) > 0 && text[len(text)-1] != '\n'
	sc := bufio.NewScanner(bytes.NewReader(text))
	sc.Buffer(nil, 1<<20)
	for line := 1; sc.Scan(); line++ {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var e Entry
		if json.Unmarshal(sc.Bytes(), &e) != nil {
			continue // a torn line: its case is simply not finished
		}
		entries = append(entries, e)
	}
	if err := sc.Err(); err != nil {
		return nil, false, fmt.Errorf("%s: %w", path, err)
	}
	return entries, torn, nil
}

func (j *journal) append(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.f.Write(append(line, '\n')); err != nil {
		return err
	}
	return j.f.Sync()
}

func (j *journal) close() error { return j.f.Close() }

// progress is what a journal says about one case.
type progress struct {
	last       Entry
	unfinished int // starts without an end, since the last end, with the same key
}

// summarise returns the progress of every case.
func summarise(entries []Entry) map[string]progress {
	by := make(map[string]progress)
	for _, e := range entries {
		p := by[e.Case]
		switch {
		case e.State != Started:
			p.unfinished = 0
		case p.last.Key == e.Key && p.last.State == Started:
			p.unfinished++
		default:
			p.unfinished = 1
		}
		p.last = e
		by[e.Case] = p
	}
	return by
}
