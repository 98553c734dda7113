package runtime

import (
	"context"

	"github.com/tetratelabs/wazero"

	"github.com/trilemma-dev/trilemma/link"
)

// Interpreter is wazero's own interpreter, which benchmarks compare the machine with. It is no engine: nothing is metered, and it gives up at
// 2,000 frames. It is safe for concurrent use.
type Interpreter struct{ e *Engine }

// NewInterpreter makes an interpreter. It works on every platform. ctx is used for the set-up only.
func NewInterpreter(ctx context.Context) (*Interpreter, error) {
	e, err := newEngine(ctx, wazero.NewRuntimeConfigInterpreter(), Config{})
	if err != nil {
		return nil, err
	}
	return &Interpreter{e}, nil
}

// Bare is what [Engine.Bare] is, interpreted.
func (i *Interpreter) Bare(ctx context.Context, l *link.Linked, streams [][]byte) (link.Result, error) {
	return i.e.Bare(ctx, l, streams)
}

// Close frees all code. No run may be under way.
func (i *Interpreter) Close(ctx context.Context) error { return i.e.Close(ctx) }
