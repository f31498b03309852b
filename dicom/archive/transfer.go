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
		s := retrieval{name: Name{Study: want.Study, Series: series}, got: map[string]bool{}, refused: map[string]bool{}}
		s.folder = into
		s.folder.only = s.asked
		var err error
		for err == nil && !s.complete { // each time round, some arrive
			err = t.Retry.Do(ctx, func() error {
				before := s.arrived()
				err := s.attempt(ctx, a, want.Instance)
				if s.arrived() > before && IsTemporary(err) && ctx.Err() == nil {
					return nil // it goes on: patience begins anew
				}
				return err
			})
		}
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
	folder  Folder
	name    Name
	listed  []string        // instances that the archive says it has
	got     map[string]bool // in this run
	refused map[string]bool // arrived, but not to be kept
	present int
	failed  []Failure

	tried    bool // to fetch
	complete bool
}

func (s *retrieval) arrived() int { return len(s.listed) - len(s.missing()) }

func (s *retrieval) attempt(ctx context.Context, a Archive, instance string) error {
	if s.listed == nil {
		var err error
		if s.listed, err = uids(ctx, a, Of(Instance, s.name.Study, s.name.Series, instance)); err != nil {
			return err
		}
		if len(s.listed) == 0 {
			return ErrNone
		}
		for _, uid := range s.listed {
			if s.folder.Has(s.name.Series, uid) {
				s.present++
			}
		}
	}
	missing := s.missing()
	if len(missing) == 0 {
		s.complete = true
		return nil
	}
	some := missing
	if instance == "" && len(missing) == len(s.listed) && !s.tried {
		some = nil // all of the series, in one request
	}
	s.tried = true
	err := a.Fetch(ctx, s.name, some, s.put)
	if err != nil && some == nil && !IsTemporary(err) && ctx.Err() == nil {
		// It has listed the instances: perhaps it gives them one by one.
		err = a.Fetch(ctx, s.name, s.missing(), s.put)
	}
	if err != nil {
		return err
	}
	if left := s.missing(); len(left) > 0 {
		return Temporary(fmt.Errorf("the archive did not send %d of %d instances, %s first", len(left), len(s.listed), left[0]), 0)
	}
	s.complete = true
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

// asked tells whether an instance is one of those that the archive listed: it
// cannot fill the disk with others.
func (s *retrieval) asked(instance string) bool {
	_, found := slices.BinarySearch(s.listed, instance)
	return found
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
		if uid != "" && !s.asked(uid) {
			return nil // it stays out
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

// Broken is a transfer that ended while the archive dealt with one object, which
// may be the reason. It wraps the error.
type Broken struct {
	Object *Object
	Err    error
}

// Error is that of the transfer.
func (b *Broken) Error() string { return b.Err.Error() }

// Unwrap returns the error of the transfer.
func (b *Broken) Unwrap() error { return b.Err }

// Deliver stores objects in the archive. Those that it has already are left
// out, as far as it tells. One at which the archive breaks off twice is given
// up, for the sake of the others.
func Deliver(ctx context.Context, a Archive, objects []*Object, t Transfer) (Report, error) {
	d := delivery{pending: objects, blame: map[*Object]int{}}
	if !t.Again {
		var err error
		if d.pending, err = t.unknown(ctx, a, objects); err != nil {
			return d.report, err
		}
		d.report.Present = len(objects) - len(d.pending)
	}
	for len(d.pending) > 0 { // each time round, some are settled
		err := t.Retry.Do(ctx, func() error {
			before := len(d.pending)
			err := d.round(ctx, a, t.progress)
			if len(d.pending) < before && ctx.Err() == nil {
				return nil // it goes on: patience begins anew
			}
			return err
		})
		if err != nil {
			return d.report, err
		}
	}
	return d.report, nil
}

// delivery is a set of objects on their way to an archive.
type delivery struct {
	report  Report
	pending []*Object
	blame   map[*Object]int // how often the archive broke off at it
}

// round tries all that are pending once.
func (d *delivery) round(ctx context.Context, a Archive, progress func(Report)) error {
	var last error
	var busy []*Object // the archive could not just now
	told := map[*Object]bool{}
	fail := func(o *Object, err error) {
		d.report.Failed = append(d.report.Failed, Failure{o.Instance, err})
	}
	err := a.Send(ctx, d.pending, func(o *Object, err error) {
		told[o] = true
		switch {
		case err == nil:
			d.report.Transferred++
		case IsTemporary(err):
			busy, last = append(busy, o), err
		default:
			fail(o, err)
		}
		progress(d.report)
	})
	var broken *Broken
	if errors.As(err, &broken) && ctx.Err() == nil {
		told[broken.Object] = true
		err = Temporary(err, 0) // without it, the others may be taken
		if d.blame[broken.Object]++; d.blame[broken.Object] == 2 {
			fail(broken.Object, broken.Err)
		} else {
			busy = append(busy, broken.Object)
		}
	}
	var rest []*Object
	for _, o := range d.pending {
		if !told[o] {
			rest = append(rest, o)
		}
	}
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("the archive did not tell what became of %d objects", len(rest))
	}
	d.pending = append(rest, busy...)
	return errors.Join(err, last)
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
