// Package store says what a keeper of blocks and records promises, and holds the two simple keepers: memory and a
// directory. The durable store of the service lives with its engine.
package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
)

// ErrNotFound is returned for a block or record that is not there.
var ErrNotFound = errors.New("not found")

// ErrUnwritable is what the errors of a keeper are that can keep nothing now, as its disk is full or cannot be written to. What it has can still be read.
var ErrUnwritable = errors.New("nothing can be kept now")

// Blocks keeps blocks by CID. Implementations are safe for concurrent use.
//
// Law: after Put(b) returned nil, Get(b.CID) returns b, also in a later process if the store is durable. Blocks that Get
// returns match their CID.
type Blocks interface {
	Put(ctx context.Context, b block.Block) error
	Get(ctx context.Context, c cid.Cid) (block.Block, error)
}

// Records keeps small values by key. A key is a short string of letters, digits, '-' and '/'. Implementations are safe
// for concurrent use.
//
// Laws: Create stores value unless the key has one; it reports whether it did, and of several concurrent calls exactly
// one does. Set replaces. A reader sees a whole value, old or new. A durable store has synced the value to disk before
// Create or Set return.
type Records interface {
	Create(ctx context.Context, key string, value []byte) (created bool, err error)
	Set(ctx context.Context, key string, value []byte) error
	Load(ctx context.Context, key string) ([]byte, error)
}

// Memo keeps values by key as long as it likes: what can be made again. Implementations are safe for concurrent use.
//
// Law: Find returns a value that was kept under the key, whole, or [ErrNotFound].
type Memo interface {
	Keep(ctx context.Context, key string, value []byte) error
	Find(ctx context.Context, key string) ([]byte, error)
}

// Memory keeps blocks and records until the process ends. The zero value is ready to use.
type Memory struct {
	mu      sync.RWMutex
	blocks  map[cid.Cid][]byte
	records map[string][]byte
}

// Put implements [Blocks].
func (m *Memory) Put(_ context.Context, b block.Block) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.blocks == nil {
		m.blocks = make(map[cid.Cid][]byte)
	}
	m.blocks[b.CID] = b.Data
	return nil
}

// Get implements [Blocks].
func (m *Memory) Get(_ context.Context, c cid.Cid) (block.Block, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	data, ok := m.blocks[c]
	if !ok {
		return block.Block{}, fmt.Errorf("block %s: %w", c, ErrNotFound)
	}
	return block.Block{CID: c, Data: data}, nil
}

// Create implements [Records].
func (m *Memory) Create(_ context.Context, key string, value []byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.records[key]; ok {
		return false, nil
	}
	m.set(key, value)
	return true, nil
}

// Set implements [Records].
func (m *Memory) Set(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(key, value)
	return nil
}

// Keep implements [Memo].
func (m *Memory) Keep(ctx context.Context, key string, value []byte) error {
	return m.Set(ctx, "memo/"+key, value)
}

// Find implements [Memo].
func (m *Memory) Find(ctx context.Context, key string) ([]byte, error) {
	return m.Load(ctx, "memo/"+key)
}

func (m *Memory) set(key string, value []byte) {
	if m.records == nil {
		m.records = make(map[string][]byte)
	}
	m.records[key] = append([]byte(nil), value...)
}

// Load implements [Records].
func (m *Memory) Load(_ context.Context, key string) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.records[key]
	if !ok {
		return nil, fmt.Errorf("record %s: %w", key, ErrNotFound)
	}
	return append([]byte(nil), v...), nil
}
