// Package engine says which engine serves a run. All engines give the same result, so that the choice decides only how long it takes; what
// was chosen is named beside every result.
package engine

import (
	"context"

	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// Names of the engines in receipts and reports.
const (
	NameNative  = "wazero"
	NameMachine = "machine"
)

// Machine runs everything on the machine. The zero value is ready; it is safe for concurrent use.
type Machine struct{ machine.Engine }

// Serve implements [evaluate.Server].
func (m *Machine) Serve(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits) (evaluate.Served, error) {
	return m.attempt(ctx, l, streams, lim, 1<<64-1)
}

func (m *Machine) attempt(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits, n uint64) (evaluate.Served, error) {
	r, took, err := m.Attempt(ctx, l, streams, lim, n)
	return evaluate.Served{Result: r, Engine: NameMachine, Steps: took}, err
}
