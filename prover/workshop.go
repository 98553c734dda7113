package prover

import (
	"context"
	"fmt"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"golang.org/x/sync/errgroup"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// workshop has several parts of a job worked at at once.
type workshop struct {
	job     *Job
	longest int // columns of the largest part, and what is committed to beside them

	mu sync.Mutex // orders what the job is told
}

// each does something for every part, with a buffer for its columns. It stops at the first error, which it returns, and when ctx ends.
func (w *workshop) each(ctx context.Context, s Stage, do func(ctx context.Context, i int, buffer []fr.Element) error) error {
	g, ctx := errgroup.WithContext(ctx)
	next := make(chan int)
	g.Go(func() error {
		defer close(next)
		for i := range w.job.Work {
			select {
			case next <- i:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	w.progress(s, 0)
	done := 0
	for range min(max(w.job.Workers, 1), len(w.job.Work)) {
		g.Go(func() error {
			buffer := make([]fr.Element, w.longest)
			for i := range next {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := safely(ctx, i, buffer, do); err != nil {
					return err
				}
				w.mu.Lock()
				done++
				if w.job.Progress != nil {
					w.job.Progress(s, done, len(w.job.Work))
				}
				w.mu.Unlock()
			}
			return nil
		})
	}
	return g.Wait()
}

// safely turns a panic of gnark into an error: nobody else can in a goroutine of ours.
func safely(ctx context.Context, i int, buffer []fr.Element, do func(ctx context.Context, i int, buffer []fr.Element) error) (err error) {
	defer caught(fmt.Sprintf("part %d", i), &err)
	return do(ctx, i, buffer)
}

func (w *workshop) progress(s Stage, done int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.job.Progress != nil {
		w.job.Progress(s, done, len(w.job.Work))
	}
}

// done tells of a finished part.
func (w *workshop) done(i int, part parts.Part) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.job.Done == nil {
		return nil
	}
	return w.job.Done(i, part)
}
