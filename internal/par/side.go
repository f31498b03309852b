package par

import (
	"context"
	"runtime"
	"sync"
)

// Enough is the number of voxels, or of other things as cheap, from which
// goroutines pay.
const Enough = 20_000

// ForMany is [For] if work, in voxels, is at least [Enough], and otherwise the
// loop on this goroutine.
func ForMany(ctx context.Context, work, n int, f func(i int)) error {
	if work >= Enough {
		return For(ctx, n, f)
	}
	for i := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		f(i)
	}
	return ctx.Err()
}

// Side runs tasks beside each other if that pays. Each must write only to
// places of its own. The zero value runs them one after the other.
type Side struct {
	parallel bool
	tasks    sync.WaitGroup
}

// Begin says how much work, in voxels, the tasks to come are.
func (s *Side) Begin(work int) { s.parallel = work >= Enough && runtime.GOMAXPROCS(0) > 1 }

// Go starts a task, or does it.
func (s *Side) Go(task func()) {
	if s.parallel {
		s.tasks.Go(task)
	} else {
		task()
	}
}

// Wait waits for the tasks.
func (s *Side) Wait() { s.tasks.Wait() }
