package machine

import (
	"context"
	"fmt"
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

// Run runs l on streams within lim, with the result that every engine gives. ctx stops a run within milliseconds; the error then
// wraps ctx.Err().
func (e *Engine) Run(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits) (link.Result, error) {
	p, err := e.Program(l)
	if err != nil {
		return link.Result{}, err
	}
	m := New(p, streams, lim)
	for !m.Ended() {
		if err := ctx.Err(); err != nil {
			return link.Result{}, fmt.Errorf("machine: run stopped: %w", err)
		}
		if _, err := m.Run(slice); err != nil {
			return link.Result{}, err
		}
	}
	return m.Result(), nil
}
