package main

import (
	"context"
	"errors"
)

// unlessInterrupted waits for work that may be slow to notice that its context has ended: when it has, the work is not waited for, and the process ends with it. What it
// was at has to be whole on disk at any time.
func unlessInterrupted[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		r.v, r.err = work()
		done <- r
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		var none T
		return none, &status{code: exitFailed, err: errors.New("interrupted"), hint: "the same command goes on where it was"}
	}
}
