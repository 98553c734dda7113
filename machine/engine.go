package machine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/link"
)

// Engine runs linked modules on machines, and keeps the programs that it made. The zero value is ready; it is safe for
// concurrent use.
type Engine struct {
	mu       sync.Mutex
	programs map[cid.Cid]*Program
	kept     int // instructions
}

// maxKept bounds the instructions that an Engine keeps: some 100 MB.
const maxKept = 4 << 20

// slice is how many steps are taken between two looks at the context: some milliseconds.
const slice = 1 << 20

// Program returns the program of a linked module.
func (e *Engine) Program(l *link.Linked) (*Program, error) {
	e.mu.Lock()
	p := e.programs[l.CID]
	e.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := Lower(l)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.kept += len(p.Code); e.programs == nil || e.kept > maxKept {
		e.programs, e.kept = make(map[cid.Cid]*Program), len(p.Code)
	}
	e.programs[l.CID] = p
	return p, nil
}

// ErrUnfinished says that a run takes more steps than it was given. It is no result.
var ErrUnfinished = errors.New("machine: the run takes more steps than it was given")

// Run runs l on streams within lim, with the result that every engine gives. ctx stops a run within milliseconds; the error then
// wraps ctx.Err().
func (e *Engine) Run(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits) (link.Result, error) {
	r, _, err := e.Attempt(ctx, l, streams, lim, math.MaxUint64)
	return r, err
}

// Attempt is [Engine.Run] for at most n steps, and tells how many it took. A run that did not end by then has no result: the error
// is [ErrUnfinished].
func (e *Engine) Attempt(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits, n uint64) (r link.Result, took uint64, err error) {
	p, err := e.Program(l)
	if err != nil {
		return r, 0, err
	}
	m := New(p, streams, lim)
	for !m.Ended() {
		if err := ctx.Err(); err != nil {
			return r, m.Steps(), fmt.Errorf("machine: run stopped: %w", err)
		}
		if m.Steps() == n {
			return r, n, ErrUnfinished
		}
		if _, err := m.Run(min(slice, n-m.Steps())); err != nil {
			return r, m.Steps(), err
		}
	}
	return m.Result(), m.Steps(), nil
}
