package archive_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
)

// shelf is an archive in memory that has its moods.
type shelf struct {
	objects map[string]*archive.Object // by instance UID
	poison  map[string]bool            // instances at which it breaks off
	refused map[string]bool            // that it does not take
	flood   bool                       // sends what nobody asked for
	noWhole bool                       // gives single instances alone
	breaks  int                        // how often yet it breaks off at any
	calls   int

	unlisted *archive.Object
}

func (s *shelf) Echo(context.Context) error { return nil }

func (s *shelf) Find(_ context.Context, q archive.Query, yield func(archive.Result) error) error {
	var uids []string
	for uid, o := range s.objects {
		if q.Level == archive.Series {
			uid = o.Series
		}
		if !slices.Contains(uids, uid) {
			uids = append(uids, uid)
		}
	}
	for _, uid := range uids {
		if err := yield(archive.Result{{Tag: archive.TagSOPInstance, Values: []string{uid}}, {Tag: archive.TagSeries, Values: []string{uid}}}); err != nil {
			return err
		}
	}
	return nil
}

var errBroken = errors.New("broken off")

func (s *shelf) Fetch(_ context.Context, series archive.Name, instances []string, put archive.Put) error {
	s.calls++
	if instances == nil {
		if s.noWhole {
			return errors.New("cannot tell which")
		}
		for uid := range s.objects {
			instances = append(instances, uid)
		}
		slices.Sort(instances)
	}
	if s.flood {
		instances = append([]string{"unasked"}, instances...)
	}
	for n, uid := range instances {
		if n == 2 && s.breaks > 0 {
			s.breaks--
			return archive.Temporary(errBroken, 0)
		}
		o, name := s.objects[uid], archive.Name{Instance: uid}
		if uid == "unasked" {
			o, name.Instance = s.unlisted, "" // WADO-RS does not tell
		}
		r, _, err := o.File()
		if err != nil {
			return err
		}
		err = put(r, name)
		r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) Send(_ context.Context, objects []*archive.Object, done func(*archive.Object, error)) error {
	s.calls++
	for n, o := range objects {
		switch {
		case s.poison[o.Instance], n == 2 && s.breaks > 0:
			s.breaks--
			return &archive.Broken{Object: o, Err: archive.Temporary(errBroken, 0)}
		case s.refused[o.Instance]:
			done(o, errors.New("not this class"))
		default:
			s.objects[o.Instance] = o
			done(o, nil)
		}
	}
	return nil
}

var patience = archive.Transfer{Retry: archive.Retry{Times: 2, Pause: time.Microsecond}}

// Objects that an archive refuses, or breaks off at, are named; the others
// arrive, also over a connection that breaks again and again.
func TestDeliver(t *testing.T) {
	objects, _, err := archive.Objects(context.Background(), series(t, 12))
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{objects: map[string]*archive.Object{objects[11].Instance: objects[11]}, breaks: 4,
		poison: map[string]bool{objects[1].Instance: true, objects[2].Instance: true, objects[7].Instance: true}, refused: map[string]bool{objects[5].Instance: true}}
	report, err := archive.Deliver(context.Background(), s, objects, patience)
	if err != nil || report.Present != 1 || report.Transferred != 7 || len(report.Failed) != 4 {
		t.Errorf("%+v %v", report, err)
	}
	for n, o := range objects {
		if _, there := s.objects[o.Instance]; there == (n == 1 || n == 2 || n == 5 || n == 7) {
			t.Errorf("object %d: there %v", n, there)
		}
	}
	// An archive that is gone is tried as often as was asked, and no object is
	// called at fault.
	gone := &absent{}
	report, err = archive.Deliver(context.Background(), gone, objects, archive.Transfer{Again: true, Retry: patience.Retry})
	if !errors.Is(err, errBroken) || gone.calls != 3 || len(report.Failed) != 0 || report.Transferred != 0 {
		t.Error(report, err, gone.calls)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := archive.Deliver(ctx, gone, objects, archive.Transfer{Again: true, Retry: patience.Retry}); !errors.Is(err, context.Canceled) {
		t.Error("cancelled:", err)
	}
}

// absent is an archive that is not there.
type absent struct{ shelf }

func (a *absent) Send(context.Context, []*archive.Object, func(*archive.Object, error)) error {
	a.calls++
	return archive.Temporary(errBroken, 0)
}

// A series arrives whole, over a connection that breaks off more often than is
// tried without progress, and from an archive that gives single instances
// alone.
func TestRetrieve(t *testing.T) {
	objects, _, err := archive.Objects(context.Background(), series(t, 12))
	if err != nil {
		t.Fatal(err)
	}
	want := archive.Name{Study: objects[0].Study}
	for name, s := range map[string]*shelf{"breaks": {breaks: 5}, "singles": {noWhole: true}, "both": {noWhole: true, breaks: 3}, "flood": {flood: true, breaks: 4}} {
		s.objects, s.unlisted = map[string]*archive.Object{}, objects[11]
		for _, o := range objects[:11] {
			s.objects[o.Instance] = o
		}
		folder := archive.NewFolder(t.TempDir())
		report, err := archive.Retrieve(context.Background(), s, want, folder, patience)
		if err != nil || report.Transferred != 11 || report.Present != 0 || len(report.Failed) != 0 {
			t.Errorf("%s: %+v %v", name, report, err)
		}
		s.calls = 0
		if report, err = archive.Retrieve(context.Background(), s, want, folder, patience); err != nil || report.Present != 11 || s.calls != 0 {
			t.Errorf("%s, again: %+v %v, %d calls", name, report, err, s.calls)
		}
		again := patience
		again.Again = true
		if report, err = archive.Retrieve(context.Background(), s, want, folder, again); err != nil || report.Transferred != 11 || report.Present != 0 {
			t.Errorf("%s, all again: %+v %v", name, report, err)
		}
	}
	if _, err := archive.Retrieve(context.Background(), &shelf{}, want, archive.NewFolder(t.TempDir()), patience); !errors.Is(err, archive.ErrNone) {
		t.Error(err)
	}
}

var _ archive.Archive = (*shelf)(nil)
