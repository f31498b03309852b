package index

import (
	"bufio"
	"container/heap"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
)

// runHead is the first line of a run.
type runHead struct {
	Last     string `json:"last"` // path of the last file that was looked at
	Files    int    `json:"files"`
	NotDICOM int    `json:"not_dicom"`
}

func runPath(parts string, n int) string { return filepath.Join(parts, fmt.Sprintf("run-%06d", n)) }

// writeRun stores records in order.
func writeRun(path string, head runHead, records []*record) error {
	slices.SortFunc(records, compare)
	f, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer f.Discard()
	w := bufio.NewWriterSize(f, 1<<20)
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	w.Write(append(text, '\n'))
	for _, r := range records {
		w.WriteString(r.encode()) // errors stick until Flush
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Commit()
}

// run is a run that is being read.
type run struct {
	f *os.File
	r *bufio.Reader
	record
}

func openRun(path string) (*run, runHead, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, runHead{}, err
	}
	r := &run{f: f, r: bufio.NewReaderSize(f, 32<<10)}
	var head runHead
	line, err := r.r.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &head)
	}
	if err != nil {
		f.Close()
		return nil, head, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return r, head, nil
}

// next reads the next record; io.EOF ends.
func (r *run) next() error {
	line, err := r.r.ReadString('\n')
	if err != nil {
		return err // a run is renamed when it is whole
	}
	if err := r.decode(line); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(r.f.Name()), err)
	}
	return nil
}

// merge gives the records of several runs in order.
type merge []*run

func (m merge) Len() int           { return len(m) }
func (m merge) Less(a, b int) bool { return compare(&m[a].record, &m[b].record) < 0 }
func (m merge) Swap(a, b int)      { m[a], m[b] = m[b], m[a] }
func (m *merge) Push(x any)        { *m = append(*m, x.(*run)) }
func (m *merge) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}

var _ heap.Interface = (*merge)(nil)

func (m merge) close() {
	for _, r := range m {
		r.f.Close()
	}
}
