package engine

import (
	"context"
	"errors"
	"sync"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/runtime"
)

// What compiling a linked module takes, in steps that the machine takes meanwhile: about 2 ms and 1 µs for each byte, at 80 steps a µs. See
// RATIONALE.md for the measurement. The numbers decide how long a run takes, never what it gives.
const (
	compileSteps        = 160_000
	compileStepsPerByte = 80
)

// Native runs compiled code where there is some, and otherwise rents before it buys: a module that is not compiled runs on the machine until
// its runs have taken as many steps as compiling takes; only then is it compiled, and the run that was cut off repeated. With the
// costs above, a module takes at most twice as long as with the better engine alone. It is safe for concurrent use.
type Native struct {
	native  *runtime.Engine
	machine Machine

	mu    sync.Mutex
	spent map[cid.Cid]uint64 // steps on the machine, by linked module
}

// maxSpent bounds for how many modules a Native remembers what was spent.
const maxSpent = 1 << 16

// NewNative returns a Native that compiles with e. Closing e remains the caller's business.
func NewNative(e *runtime.Engine) *Native { return &Native{native: e} }

// Run implements [evaluate.Runner].
func (n *Native) Run(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits) (link.Result, error) {
	s, err := n.Serve(ctx, l, streams, lim)
	return s.Result, err
}

// Serve implements [evaluate.Server].
func (n *Native) Serve(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits) (evaluate.Served, error) {
	if steps := n.allowance(l); steps > 0 && !n.native.Compiled(l) {
		s, err := n.machine.attempt(ctx, l, streams, lim, steps)
		n.spend(l.CID, s.Steps)
		if err == nil || ctx.Err() != nil {
			return s, err
		}
		if !errors.Is(err, machine.ErrUnfinished) { // it is too large for the machine, or the host failed: it will not go better the next time
			n.spend(l.CID, steps)
		}
	}
	r, err := n.native.Run(ctx, l, streams, lim)
	return evaluate.Served{Result: r, Engine: NameNative}, err
}

// allowance is how many steps a module may still take before it is compiled.
func (n *Native) allowance(l *link.Linked) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := compileSteps + compileStepsPerByte*uint64(len(l.Bytes))
	return all - min(all, n.spent[l.CID])
}

func (n *Native) spend(c cid.Cid, steps uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.spent == nil || len(n.spent) >= maxSpent {
		n.spent = make(map[cid.Cid]uint64)
	}
	n.spent[c] += steps
}
