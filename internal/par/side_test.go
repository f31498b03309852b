package par

import (
	"context"
	"errors"
	"testing"
)

// Tasks and loops have run when they are waited for, whether they are worth
// goroutines or not, and a cancelled loop says so.
func TestSide(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		for _, work := range []int{0, Enough - 1, Enough} {
			var s Side
			done := make([]bool, 5)
			s.Begin(work)
			for n := range done {
				s.Go(func() { done[n] = true })
			}
			s.Wait()
			count := make([]int, 100)
			if err := ForMany(t.Context(), work, len(count), func(i int) { count[i]++ }); err != nil {
				t.Fatal(err)
			}
			for n := range done {
				if !done[n] || count[n] != 1 || count[99-n] != 1 {
					t.Errorf("work %d: task %d ran: %v, index %d: %d times", work, n, done[n], n, count[n])
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			if err := ForMany(ctx, work, 1_000_000, func(int) { cancel() }); !errors.Is(err, context.Canceled) {
				t.Errorf("work %d: error %v", work, err)
			}
		}
	})
}
