package archive

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Retry is how often and after which pause what failed for a passing reason is
// tried again. Pauses double and have no random part: runs can be repeated.
type Retry struct {
	Times int           // after the first attempt
	Pause time.Duration // before the second attempt
}

// DefaultRetry tries again after ½, 1, 2 and 4 s.
func DefaultRetry() Retry { return Retry{Times: 4, Pause: time.Second / 2} }

// maxPause bounds the pauses, those that a server asks for too.
const maxPause = time.Minute

// temporary is an error that may pass.
type temporary struct {
	error
	after time.Duration // what the other side asked for
}

func (t temporary) Unwrap() error { return t.error }

// Temporary marks an error that may pass; after is the pause that the other
// side asks for, 0 if it does not.
func Temporary(err error, after time.Duration) error { return temporary{err, after} }

// IsTemporary tells whether err was marked.
func IsTemporary(err error) bool {
	var t temporary
	return errors.As(err, &t)
}

// Do calls f until it succeeds, fails for good or has failed too often.
func (r Retry) Do(ctx context.Context, f func() error) error {
	pause := r.Pause
	for n := 0; ; n++ {
		err := f()
		var t temporary
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !errors.As(err, &t):
			return err
		case n >= r.Times && n == 0:
			return err
		case n >= r.Times:
			return fmt.Errorf("after %d attempts: %w", n+1, err)
		}
		wait := time.NewTimer(min(max(pause, t.after), maxPause))
		select {
		case <-ctx.Done():
			wait.Stop()
			return context.Cause(ctx)
		case <-wait.C:
		}
		pause *= 2
	}
}
