package index

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Config holds the choices of an index.
type Config struct {
	// Whole hashes all bytes of the files, pixels too; else what stands before
	// the pixels, which holds the UIDs.
	Whole bool
	// Overwrite replaces a manifest that is there.
	Overwrite bool
	// Run is how many files one run of records covers.
	Run int
	// Progress, if not nil, is called now and then with the counts so far.
	Progress func(Summary)
}

// DefaultConfig returns hashes of headers and runs of 131072 files.
func DefaultConfig() Config { return Config{Run: 1 << 17} }

// Summary counts what an index saw.
type Summary struct {
	Files    int // looked at
	NotDICOM int
	Damaged  int // DICOM files that belong to no series
	Series   int
	Resumed  bool // an index that had been stopped went on
}

// batch is how many files are read between two looks at the context.
const batch = 512

// job says what the parts beside a manifest are of.
type job struct {
	Version int    `json:"version"`
	Dir     string `json:"dir"`
	Whole   bool   `json:"whole"`
}

// builder is an index in the making.
type builder struct {
	dir, out, parts string
	cfg             Config
	sum             Summary
}

// Build writes the manifest of the files under dir to out. If it is stopped,
// the next call with the same dir, out and hashes goes on: folders that were
// read are not read again.
func Build(ctx context.Context, dir, out string, cfg Config) (Summary, error) {
	if !cfg.Overwrite {
		if _, err := os.Lstat(out); err == nil {
			return Summary{}, fmt.Errorf("%s: %w", out, atomicfile.ErrExists)
		}
	}
	root, err := filepath.EvalSymlinks(dir)
	if err == nil {
		root, err = filepath.Abs(root)
	}
	if err != nil {
		return Summary{}, err
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return Summary{}, cmp.Or(err, fmt.Errorf("%s is no folder", dir))
	}
	if out, err = filepath.Abs(out); err != nil {
		return Summary{}, err
	}
	b := &builder{dir: root, out: out, cfg: cfg, parts: filepath.Join(filepath.Dir(out), "."+filepath.Base(out)+".parts")}
	if err := b.open(); err != nil {
		return b.sum, err
	}
	n, err := b.walk(ctx)
	if err != nil {
		return b.sum, err
	}
	if err := b.judge(ctx, n); err != nil {
		return b.sum, err
	}
	if err := os.Rename(b.lines(), out); err != nil {
		return b.sum, err
	}
	return b.sum, os.RemoveAll(b.parts)
}

func (b *builder) lines() string { return filepath.Join(b.parts, "lines") }

// open makes the folder of parts, or takes up one of the same job.
func (b *builder) open() error {
	want, err := json.Marshal(job{1, b.dir, b.cfg.Whole})
	if err != nil {
		return err
	}
	path := filepath.Join(b.parts, "job.json")
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, want) {
		b.sum.Resumed = true
		return nil
	}
	if err := os.RemoveAll(b.parts); err != nil {
		return err
	}
	if err := os.MkdirAll(b.parts, 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, want)
}

// walk reads the headers of all files that no run covers yet and returns the
// number of runs.
func (b *builder) walk(ctx context.Context) (runs int, err error) {
	after := ""
	for ; ; runs++ {
		r, head, err := openRun(runPath(b.parts, runs))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return runs, err
		}
		r.f.Close()
		after = head.Last
		b.sum.Files, b.sum.NotDICOM = b.sum.Files+head.Files, b.sum.NotDICOM+head.NotDICOM
	}
	if _, err := os.Stat(filepath.Join(b.parts, "walked")); err == nil {
		return runs, nil
	}
	var paths []string
	var head runHead
	var records []*record
	take := func() error {
		found, err := b.records(ctx, paths)
		if err != nil {
			return err
		}
		for _, r := range found {
			head.Files++
			if r == nil {
				head.NotDICOM++
			} else {
				records = append(records, r)
			}
		}
		if len(paths) > 0 {
			head.Last = paths[len(paths)-1]
		}
		paths = paths[:0]
		return nil
	}
	save := func() error {
		if head.Files == 0 {
			return nil
		}
		if err := writeRun(runPath(b.parts, runs), head, records); err != nil {
			return err
		}
		runs++
		b.sum.Files, b.sum.NotDICOM = b.sum.Files+head.Files, b.sum.NotDICOM+head.NotDICOM
		head, records = runHead{}, records[:0]
		b.progress()
		return nil
	}
	err = b.files(ctx, after, func(path string) error {
		if paths = append(paths, path); len(paths) < min(batch, b.cfg.Run) {
			return nil
		}
		if err := take(); err != nil {
			return err
		}
		if head.Files >= b.cfg.Run {
			return save()
		}
		return nil
	})
	if err == nil {
		err = take()
	}
	if err == nil {
		err = save()
	}
	if err == nil {
		err = atomicfile.Write(filepath.Join(b.parts, "walked"), nil)
	}
	return runs, err
}

func (b *builder) progress() {
	if b.cfg.Progress != nil {
		b.cfg.Progress(b.sum)
	}
}

// records reads the files, several at a time.
func (b *builder) records(ctx context.Context, paths []string) ([]*record, error) {
	out := make([]*record, len(paths))
	err := par.For(ctx, len(paths), func(n int) { out[n] = read(b.dir, paths[n], b.cfg.Whole) })
	return out, err
}

// files hands the files behind after to yield, in the order of the walk.
func (b *builder) files(ctx context.Context, after string, yield func(path string) error) error {
	return filepath.WalkDir(b.dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case p == b.parts:
			return filepath.SkipDir
		case p == b.out:
			return nil
		}
		rel, err := filepath.Rel(b.dir, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && walked(rel, after) && !strings.HasPrefix(after, rel+"/") {
				return filepath.SkipDir
			}
			return nil
		}
		if d.Type()&fs.ModeSymlink != 0 { // to a file, not to a folder, which could lead in a circle
			if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() {
				return nil
			}
		} else if !d.Type().IsRegular() {
			return nil
		}
		if walked(rel, after) {
			return nil
		}
		return yield(rel)
	})
}

// walked tells whether a walk reaches path before after, or now.
func walked(path, after string) bool {
	for after != "" {
		a, restA, deepA := strings.Cut(path, "/")
		b, restB, deepB := strings.Cut(after, "/")
		if a != b {
			return a < b
		}
		if !deepA || !deepB {
			return !deepA
		}
		path, after = restA, restB
	}
	return false
}

// judge merges the runs and appends a line for each series that has none yet.
func (b *builder) judge(ctx context.Context, runs int) (err error) {
	done, any, err := b.written()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(b.lines(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Sync(), f.Close()) }()
	var m merge
	defer func() { m.close() }()
	for n := range runs {
		r, _, err := openRun(runPath(b.parts, n))
		if err != nil {
			return err
		}
		switch err := r.next(); {
		case err == io.EOF: // files, but none of them DICOM
			r.f.Close()
		case err != nil:
			r.f.Close()
			return err
		default:
			m = append(m, r)
		}
	}
	heap.Init(&m)
	for len(m) > 0 {
		records, err := m.series()
		if err != nil {
			return err
		}
		if records[0].series == "" {
			b.sum.Damaged = len(records)
		} else if b.sum.Series++; b.sum.Series%100 == 0 {
			b.progress()
		}
		if any && records[0].series <= done {
			continue
		}
		l, err := line(ctx, b.dir, records)
		if err != nil {
			return err
		}
		text, err := json.Marshal(l)
		if err != nil {
			return err
		}
		if _, err := f.Write(append(text, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// series takes the records of the next series.
func (m *merge) series() ([]record, error) {
	var out []record
	for len(*m) > 0 && (len(out) == 0 || (*m)[0].series == out[0].series) {
		first := (*m)[0]
		out = append(out, first.record)
		switch err := first.next(); {
		case err == io.EOF:
			first.f.Close()
			heap.Pop(m)
		case err != nil:
			return nil, err
		default:
			heap.Fix(m, 0)
		}
	}
	return out, nil
}

// written returns the last series that has a line, and cuts off a line that a
// killed process left unfinished.
func (b *builder) written() (last string, any bool, err error) {
	f, err := os.OpenFile(b.lines(), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	var end int64
	var whole []byte
	for {
		text, err := r.ReadBytes('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", false, err
		}
		end += int64(len(text))
		whole = text
	}
	if whole == nil {
		return "", false, f.Truncate(0)
	}
	var l Line
	if err := json.Unmarshal(whole, &l); err != nil {
		return "", false, fmt.Errorf("lines: %w", err)
	}
	return l.SeriesUID, true, f.Truncate(end)
}
