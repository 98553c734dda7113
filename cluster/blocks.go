package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/store"
)

// maxValue bounds one value of a bucket; what is larger is an object, in chunks of this size.
const maxValue = 512 << 10

// batch gathers the small blocks that a handler puts, so that they are written with the job's end.
type batch struct {
	mu     sync.Mutex
	blocks []block.Block        // not durable yet; owned by mu
	byCID  map[cid.Cid]struct{} // of blocks; owned by mu
	known  map[cid.Cid][]byte   // that the job came with, and blocks; owned by mu
	size   int                  // of blocks; owned by mu
}

type batchKey struct{}

func withBatch(ctx context.Context, b *batch) context.Context {
	return context.WithValue(ctx, batchKey{}, b)
}

func batchOf(ctx context.Context) *batch {
	b, _ := ctx.Value(batchKey{}).(*batch)
	return b
}

// add keeps a block of at most maxPackedBlock bytes for the end, if there is room.
func (b *batch) add(blk block.Block) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.byCID[blk.CID]; ok {
		return true
	}
	if b.size+len(blk.Data)+64 > maxPack {
		return false
	}
	if b.byCID == nil {
		b.byCID = make(map[cid.Cid]struct{})
	}
	b.byCID[blk.CID] = struct{}{}
	b.blocks = append(b.blocks, blk)
	b.size += len(blk.Data) + 64
	b.learn(blk)
	return true
}

func (b *batch) learn(blk block.Block) {
	if b.known == nil {
		b.known = make(map[cid.Cid][]byte)
	}
	b.known[blk.CID] = blk.Data
}

func (b *batch) get(c cid.Cid) (block.Block, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.known[c]
	return block.Block{CID: c, Data: data}, ok
}

// take returns the blocks that are not durable yet, and forgets that they are not.
func (b *batch) take() []block.Block {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.blocks
	b.blocks, b.byCID, b.size = nil, nil, 0
	return out
}

// flush makes durable what a handler has put so far, with one write: more is to come, or a record is to link to it.
func (e *Engine) flush(ctx context.Context) error {
	to := batchOf(ctx)
	if to == nil {
		return nil
	}
	blocks := to.take()
	if len(blocks) == 0 {
		return nil
	}
	data, err := pack(blocks)
	if err != nil {
		return err
	}
	h := packHeader(blocks)
	seq, err := e.publish(ctx, &nats.Msg{Subject: packSubject + e.signature(), Data: data, Header: h}, 0)
	if err != nil {
		return fmt.Errorf("keep %d blocks: %w", len(blocks), err)
	}
	return e.packs.index(h, seq)
}

// Put implements store.Blocks. Within a handler a small block becomes durable with the job's end, or before the next
// Create or Set returns; everything else is durable when Put returns. A block that is there is not written again.
func (e *Engine) Put(ctx context.Context, b block.Block) error {
	if err := block.Check(b.CID, b.Data); err != nil {
		return err
	}
	if e.packs.has(b.CID) || e.stored.has(b.CID) {
		return nil
	}
	to := batchOf(ctx)
	if to == nil || len(b.Data) > maxPackedBlock {
		return e.write(ctx, b)
	}
	for !to.add(b) {
		if err := e.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Forget removes a block that was kept by itself and that nobody will ask for again. One that is not there, or lies in a pack, is left as it is.
func (e *Engine) Forget(ctx context.Context, c cid.Cid) error {
	if e.packs.has(c) {
		return nil
	}
	e.stored.remove(c)
	err := e.remove(ctx, blockKey+c.String())
	if oerr := e.content.Delete(ctx, c.String()); !errors.Is(oerr, jetstream.ErrObjectNotFound) {
		err = errors.Join(err, oerr)
	}
	if err != nil {
		return fmt.Errorf("forget block %s: %w", c, e.storageError(err))
	}
	return nil
}

// contentTimeout bounds how long an object may take on its way.
const contentTimeout = time.Minute

// write makes a block durable by itself.
func (e *Engine) write(ctx context.Context, b block.Block) error {
	err := e.broken()
	switch {
	case err != nil:
	case len(b.Data) <= maxValue:
		err = e.create(ctx, blockKey+b.CID.String(), b.Data)
	default:
		err = e.writeObject(ctx, b)
	}
	switch {
	case conflict(err):
	case err != nil:
		return fmt.Errorf("keep block %s: %w", b.CID, e.storageError(err))
	default:
		e.writes.Add(1)
	}
	e.stored.add(b.CID)
	return nil
}

// writeObject keeps a block in chunks. One that is there is a conflict.
func (e *Engine) writeObject(ctx context.Context, b block.Block) error {
	ctx, cancel := context.WithTimeout(ctx, contentTimeout)
	defer cancel()
	_, err := e.content.GetInfo(ctx, b.CID.String())
	if err == nil {
		return jetstream.ErrKeyExists
	}
	if !errors.Is(err, jetstream.ErrObjectNotFound) {
		return err
	}
	_, err = e.content.Put(ctx, jetstream.ObjectMeta{Name: b.CID.String(), Opts: &jetstream.ObjectMetaOptions{ChunkSize: maxValue}}, bytes.NewReader(b.Data))
	return err
}

// Get implements store.Blocks. A block that no longer matches its CID counts as not found.
func (e *Engine) Get(ctx context.Context, c cid.Cid) (block.Block, error) {
	if err := block.Supported(c); err != nil {
		return block.Block{}, err
	}
	if from := batchOf(ctx); from != nil {
		if b, ok := from.get(c); ok {
			return b, nil
		}
	}
	if b, ok, err := e.packed(ctx, c); err != nil || ok {
		return b, err
	}
	data, err := e.read(ctx, c)
	if err != nil {
		return block.Block{}, err
	}
	if err := block.Check(c, data); err != nil {
		return block.Block{}, fmt.Errorf("block %s: damaged: %w", c, store.ErrNotFound)
	}
	e.stored.add(c)
	return block.Block{CID: c, Data: data}, nil
}

func (e *Engine) read(ctx context.Context, c cid.Cid) ([]byte, error) {
	data, err := e.value(ctx, blockKey+c.String())
	if err == nil {
		return data, nil
	}
	if !errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, fmt.Errorf("block %s: %w", c, err)
	}
	ctx, cancel := context.WithTimeout(ctx, contentTimeout)
	defer cancel()
	o, err := e.content.Get(ctx, c.String())
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, fmt.Errorf("block %s: %w", c, store.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("block %s: %w", c, err)
	}
	data, err = io.ReadAll(io.LimitReader(o, block.MaxBlock+1))
	if err = errors.Join(err, o.Close()); err != nil {
		return nil, fmt.Errorf("block %s: %w", c, err)
	}
	return data, nil
}

// cidSet remembers some of the CIDs that it was given: which blocks are known to be durable.
type cidSet struct {
	mu  sync.Mutex
	set map[cid.Cid]struct{} // owned by mu
}

const maxCIDSet = 1 << 16

func (s *cidSet) has(c cid.Cid) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.set[c]
	return ok
}

func (s *cidSet) add(c cid.Cid) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == nil || len(s.set) >= maxCIDSet {
		s.set = make(map[cid.Cid]struct{})
	}
	s.set[c] = struct{}{}
}

func (s *cidSet) remove(c cid.Cid) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.set, c)
}
