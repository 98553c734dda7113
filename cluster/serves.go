package cluster

import (
	"context"
	"errors"
	"fmt"
)

// ErrOtherExecutor says that an engine's workflows are addressed to another executor.
var ErrOtherExecutor = errors.New("addressed to another executor")

// Serves notes that the workflows of this engine are addressed to the executor of a DID. The first one stays: whoever comes
// with another could sign nothing that the others' receipts go with, and gets [ErrOtherExecutor].
func (e *Engine) Serves(ctx context.Context, did string) error {
	err := e.create(ctx, executorKey, []byte(did))
	if err == nil || !conflict(err) {
		return e.storageError(err)
	}
	v, err := e.value(ctx, executorKey)
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	if string(v) != did {
		return fmt.Errorf("engine: its workflows are %w: %s, not %s", ErrOtherExecutor, v, did)
	}
	return nil
}
