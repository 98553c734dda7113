package machine

import (
	"context"

	"github.com/trilemma-dev/trilemma/link"
)

// OpenEvery opens segments of any length.
func (e *Engine) OpenEvery(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits, segment uint64, segments []uint64) ([]*Opening, error) {
	return e.open(ctx, l, streams, lim, segment, segments)
}

// SizeBound is open to tests.
var SizeBound = sizeBound
