package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/store"
)

func (e *Engine) checkRecord(key string, value []byte) error {
	if len(value) > maxValue {
		return fmt.Errorf("record %.80q: %w: %d bytes, limit %d", key, block.ErrTooLarge, len(value), maxValue)
	}
	return e.broken()
}

// Create implements store.Records. An error may mean that the record was made all the same.
func (e *Engine) Create(ctx context.Context, key string, value []byte) (bool, error) {
	if err := e.checkRecord(key, value); err != nil {
		return false, err
	}
	if err := e.flush(ctx); err != nil {
		return false, err
	}
	err := e.create(ctx, recordKey+key, value)
	if conflict(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("record %.80q: %w", key, e.storageError(err))
	}
	e.writes.Add(1)
	return true, nil
}

// Set implements store.Records.
func (e *Engine) Set(ctx context.Context, key string, value []byte) error {
	if err := e.checkRecord(key, value); err != nil {
		return err
	}
	if err := e.flush(ctx); err != nil {
		return err
	}
	if err := e.set(ctx, recordKey+key, value); err != nil {
		return fmt.Errorf("record %.80q: %w", key, e.storageError(err))
	}
	e.writes.Add(1)
	return nil
}

// Load implements store.Records.
func (e *Engine) Load(ctx context.Context, key string) ([]byte, error) {
	v, err := e.value(ctx, recordKey+key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, fmt.Errorf("record %.80q: %w", key, store.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("record %.80q: %w", key, err)
	}
	return v, nil
}
