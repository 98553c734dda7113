package lab

import (
	"context"
	"errors"
	"fmt"

	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/runtime"
)

// startGuest is a command of 25 KB, with a C library's start-up code.
const startGuest = "wc"

// Start is how long a module takes from its bytes to its end without input, its first instruction and all before it included: a new
// engine, decoding, validating, linking, compiled code from the disk or made, one run. Times are in milliseconds.
type Start struct {
	Module int    `json:"module_bytes"`
	Warm   Spread `json:"warm_ms"` // its compiled code is on disk
	Cold   Spread `json:"cold_ms"` // it is compiled, and kept
}

// starts measures n starts with a warm cache, and a few with none.
func starts(ctx context.Context, dir string, n int) (s Start, err error) {
	b, err := guests.Module(startGuest)
	if err != nil {
		return s, fmt.Errorf("lab: %w", err)
	}
	s.Module = len(b)
	warm, cold := make([]float64, n), make([]float64, min(n, 5))
	for i := range cold {
		fresh := fmt.Sprintf("%s-%d", dir, i)
		if cold[i], err = measure(wall(), func() error { return start(ctx, fresh) }); err != nil {
			return s, err
		}
	}
	for i := range warm {
		if warm[i], err = measure(wall(), func() error { return start(ctx, dir+"-0") }); err != nil {
			return s, err
		}
	}
	s.Warm, s.Cold = spreadOf(warm), spreadOf(cold)
	return s, nil
}

// start does all that a new process does to run a module. cache is where compiled code is kept.
func start(ctx context.Context, cache string) (err error) {
	e, err := runtime.New(ctx, runtime.Config{CacheDir: cache})
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	defer func() { err = errors.Join(err, e.Close(context.WithoutCancel(ctx))) }()
	w, err := newWork(startGuest, "", "", []any{[]byte{}})
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	r, err := e.Run(ctx, w.Linked, w.Streams, w.Limits)
	if err == nil && r.Outcome.Kind != link.OK {
		err = fmt.Errorf("lab: %s ended in: %s", startGuest, r.Outcome)
	}
	return err
}
