package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// Archive is the other side, by whichever protocol.
type Archive interface {
	// Echo tells whether the archive answers.
	Echo(ctx context.Context) error
	// Find hands every match of a query to yield, and ends with its error.
	Find(ctx context.Context, q Query, yield func(Result) error) error
	// Fetch hands objects of a series to put: those with the given UIDs, all if
	// there are none. An error of put ends it.
	Fetch(ctx context.Context, series Name, instances []string, put Put) error
	// Send stores objects in the archive and tells of each how that ended.
	Send(ctx context.Context, objects []*Object, done func(*Object, error)) error
}

// Put takes an object as a Part 10 file. What of its name the protocol told is
// in name.
type Put func(r io.Reader, name Name) error

// Report is how a transfer ended.
type Report struct {
	Present     int // were there already
	Transferred int
	Failed      []Failure // in the order in which they failed
}

// Failure is an object that was not transferred, and why.
type Failure struct {
	Instance string // its UID
	Err      error
}

// Transfer holds the choices of Retrieve and Deliver.
type Transfer struct {
	Retry Retry
	// Again transfers also what is there already.
	Again bool
	// Progress, if not nil, is called after each series and each object with
	// the report so far.
	Progress func(Report)
}

func (t *Transfer) progress(r Report) {
	if t.Progress != nil {
		t.Progress(r)
	}
}

// Retrieve brings the objects of a study, of one of its series or a single one
// into the folder, series by series in the order of their UIDs. What is there is
// not fetched again; what a broken transfer left out is.
func Retrieve(ctx context.Context, a Archive, want Name, folder *Folder, t Transfer) (Report, error) {
	into := *folder
	into.Overwrite = into.Overwrite || t.Again
	var report Report
	all := []string{want.Series}
	if want.Series == "" {
		var err error
		if all, err = t.uids(ctx, a, Of(Series, want.Study, "", "")); err != nil {
			return report, err
		}
	}
	var errs []error
	for _, series := range all {
		s := retrieval{folder: &into, name: Name{Study: want.Study, Series: series}, got: map[string]bool{}}
		err := t.Retry.Do(ctx, func() error { return s.attempt(ctx, a, want.Instance) })
		report.Present += s.present
		report.Transferred += len(s.got)
		report.Failed = append(report.Failed, s.failed...)
		t.progress(report)
		if err != nil {
			errs = append(errs, fmt.Errorf("series %s: %w", series, err))
			if ctx.Err() != nil || IsTemporary(err) { // the archive is not there: nor will the others be
				break
			}
		}
	}
	if len(all) == 0 {
		return report, fmt.Errorf("study %s: %w", want.Study, ErrNone)
	}
	return report, errors.Join(errs...)
}

// ErrNone says that the archive holds nothing of the kind.
var ErrNone = errors.New("the archive holds no such objects")

// uids returns the UIDs of the matches in order, each once.
func uids(ctx context.Context, a Archive, q Query) ([]string, error) {
	if q.Value(q.Level.uidOf()) == "" { // what is not named is not told
		q.Keys = append(q.Keys, Key{Tag: q.Level.uidOf()})
	}
	var out []string
	err := a.Find(ctx, q, func(r Result) error {
		uid := r.Get(q.Level.uidOf())
		if !IsUID(uid) {
			return fmt.Errorf("a match at the %v level without UID: %w", q.Level, ErrWrong)
		}
		out = append(out, uid)
		return nil
	})
	slices.Sort(out)
	return slices.Compact(out), err
}

// uids is [uids] with retries.
func (t Transfer) uids(ctx context.Context, a Archive, q Query) (out []string, err error) {
	err = t.Retry.Do(ctx, func() error {
		out, err = uids(ctx, a, q)
		return err
	})
	return out, err
}

// retrieval is one series on its way into a folder.
type retrieval struct {
	folder  *Folder
	name    Name
	listed  []string        // instances that the archive says it has
	got     map[string]bool // in this run
	refused map[string]bool // arrived, but not to be kept
	present int
	failed  []Failure
}

func (s *retrieval) attempt(ctx context.Context, a Archive, instance string) error {
	if s.listed == nil {
		var err error
		if s.listed, err = uids(ctx, a, Of(Instance, s.name.Study, s.name.Series, instance)); err != nil {
			return err
		}
		if len(s.listed) == 0 {
			return ErrNone
		}
		s.refused = map[string]bool{}
		for _, uid := range s.listed {
			if s.folder.Has(s.name.Series, uid) {
				s.present++
			}
		}
	}
	missing := s.missing()
	if len(missing) == 0 {
		return nil
	}
	some := missing
	if instance == "" && len(missing) == len(s.listed) {
		some = nil // all of the series, in one request
	}
	if err := a.Fetch(ctx, s.name, some, s.put); err != nil {
		return err
	}
	if left := s.missing(); len(left) > 0 {
		return Temporary(fmt.Errorf("the archive did not send %d of %d instances, %s first", len(left), len(s.listed), left[0]), 0)
	}
	return nil
}

// missing lists what is neither there nor known to be unusable.
func (s *retrieval) missing() []string {
	var out []string
	for _, uid := range s.listed {
		if !s.got[uid] && !s.refused[uid] && !s.folder.Has(s.name.Series, uid) {
			out = append(out, uid)
		}
	}
	return out
}

// put stores an object. One that cannot be kept is reported and does not stop
// the others.
func (s *retrieval) put(r io.Reader, told Name) error {
	source := &Watched{Reader: r}
	want := s.name
	want.Class, want.Instance = told.Class, told.Instance
	name, stored, err := s.folder.Put(source, want)
	switch {
	case source.Err != nil:
		return source.Err
	case errors.Is(err, ErrWrong), errors.Is(err, ErrLimit), errors.Is(err, ErrNotObject), errors.Is(err, part10.ErrDamaged), errors.Is(err, part10.ErrNotDICOM), errors.Is(err, part10.ErrLimit):
		uid := told.Instance
		if uid == "" {
			uid = name.Instance
		}
		if !s.refused[uid] {
			s.failed = append(s.failed, Failure{uid, err})
		}
		s.refused[uid] = true
		return nil
	case err != nil:
		return err
	case stored:
		s.got[name.Instance] = true
	}
	return nil
}

// Watched remembers how reading failed, to tell a lost connection from a full
// disk.
type Watched struct {
	io.Reader
	Err error
}

// Read reads from the Reader.
func (w *Watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if err != nil && err != io.EOF {
		w.Err = err
	}
	return n, err
}

// Deliver stores objects in the archive, series by series. Those that it has
// already are left out, as far as it tells.
func Deliver(ctx context.Context, a Archive, objects []*Object, t Transfer) (Report, error) {
	var report Report
	pending := objects
	if !t.Again {
		var err error
		if pending, err = t.unknown(ctx, a, objects); err != nil {
			return report, err
		}
		report.Present = len(objects) - len(pending)
	}
	err := t.Retry.Do(ctx, func() error {
		var last error
		var again []*Object
		told := map[*Object]bool{}
		err := a.Send(ctx, pending, func(o *Object, err error) {
			told[o] = true
			switch {
			case err == nil:
				report.Transferred++
			case IsTemporary(err):
				again, last = append(again, o), err
			default:
				report.Failed = append(report.Failed, Failure{o.Instance, err})
			}
			t.progress(report)
		})
		for _, o := range pending { // what was never tried
			if !told[o] {
				again = append(again, o)
			}
		}
		pending = again
		return errors.Join(err, last)
	})
	if err == nil && len(pending) > 0 {
		err = fmt.Errorf("the archive did not tell what became of %d objects", len(pending))
	}
	return report, err
}

// unknown returns the objects that the archive does not have.
func (t Transfer) unknown(ctx context.Context, a Archive, objects []*Object) ([]*Object, error) {
	type key struct{ study, series string }
	known := map[key][]string{}
	var out []*Object
	for _, o := range objects {
		k := key{o.Study, o.Series}
		uids, asked := known[k]
		if !asked {
			var err error
			if uids, err = t.uids(ctx, a, Of(Instance, o.Study, o.Series, "")); err != nil {
				return nil, fmt.Errorf("what the archive has of series %s: %w", o.Series, err)
			}
			known[k] = uids
		}
		if _, found := slices.BinarySearch(uids, o.Instance); !found {
			out = append(out, o)
		}
	}
	return out, nil
}
