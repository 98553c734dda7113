package cluster

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// Stored counts the messages that JetStream ever stored on disk for this engine: each was synced by itself.
func (e *Engine) Stored(ctx context.Context) (n uint64, err error) {
	streams := e.js.ListStreams(ctx)
	for info := range streams.Info() {
		if info.Config.Storage == jetstream.FileStorage {
			n += info.State.LastSeq
		}
	}
	return n, streams.Err()
}
