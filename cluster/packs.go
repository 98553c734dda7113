package cluster

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/ipfs/go-cid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/trilemma-dev/trilemma/block"
)

// Small blocks travel with the message that needs them: a job's with the job, a result's with the end. So a run is accepted
// with one write and finished with one; only what is too much for that gets packs of its own, in the same stream. Which
// message holds a block is kept in memory, and is found again in the messages' headers when an engine is opened.

const (
	maxPackedBlock = 64 << 10  // bytes of one block in a pack
	maxPack        = 512 << 10 // bytes of a pack
	cidBytes       = 36        // of every CID that package block supports
	cidsHeader     = "Trilemma-Blocks"
	keptPacks      = 64
)

// pack makes the CAR of blocks; no blocks are no bytes.
func pack(blocks []block.Block) ([]byte, error) {
	if len(blocks) == 0 {
		return nil, nil
	}
	var car bytes.Buffer
	w, err := block.NewCARWriter(&car, blocks[0].CID)
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		if err := w.Put(b); err != nil {
			return nil, err
		}
	}
	return car.Bytes(), nil
}

// unpack is the inverse of pack. Every block has been hashed again.
func unpack(car []byte) (blocks []block.Block, err error) {
	if len(car) == 0 {
		return nil, nil
	}
	r, err := block.NewCARReader(bytes.NewReader(car), block.CARLimits{Blocks: maxPack / 36, Bytes: 2 * maxPack})
	if err != nil {
		return nil, fmt.Errorf("packed blocks: %w", err)
	}
	for {
		b, err := r.Next()
		if err == io.EOF {
			return blocks, nil
		}
		if err != nil {
			return nil, fmt.Errorf("packed blocks: %w", err)
		}
		blocks = append(blocks, b)
	}
}

// packs knows which message of the stream of ends holds a block.
type packs struct {
	mu   sync.Mutex
	at   map[cid.Cid]uint64                 // number of the message; owned by mu
	kept map[uint64]map[cid.Cid]block.Block // packs that were read lately; owned by mu
}

// header names the blocks of a pack.
func packHeader(blocks []block.Block) nats.Header {
	var all []byte
	for _, b := range blocks {
		all = append(all, b.CID.Bytes()...)
	}
	return nats.Header{cidsHeader: {base64.StdEncoding.EncodeToString(all)}}
}

// index notes what the header of an end says that its pack holds. What it says is checked when a block is read.
func (p *packs) index(h nats.Header, seq uint64) error {
	all, err := base64.StdEncoding.DecodeString(h.Get(cidsHeader))
	if err != nil || len(all)%cidBytes != 0 || len(all) > maxPack {
		return errors.New("damaged list of blocks")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at = make(map[cid.Cid]uint64)
	}
	for ; len(all) > 0; all = all[cidBytes:] {
		c, err := cid.Cast(all[:cidBytes])
		if err != nil {
			return errors.New("damaged list of blocks")
		}
		p.at[c] = max(p.at[c], seq) // what is read late may be gone by now
	}
	return nil
}

func (p *packs) has(c cid.Cid) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.at[c]
	return ok
}

// find returns the block if its pack was read lately, else the number of the end that holds it; 0 is none.
func (p *packs) find(c cid.Cid) (b block.Block, ok bool, seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seq = p.at[c]
	b, ok = p.kept[seq][c]
	return b, ok, seq
}

// keep remembers the blocks of an end for a while.
func (p *packs) keep(seq uint64, blocks []block.Block) {
	m := make(map[cid.Cid]block.Block, len(blocks))
	for _, b := range blocks {
		m[b.CID] = b
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil || len(p.kept) >= keptPacks {
		p.kept = make(map[uint64]map[cid.Cid]block.Block, keptPacks)
	}
	p.kept[seq] = m
}

// packed reads a block from the message that holds it.
func (e *Engine) packed(ctx context.Context, c cid.Cid) (block.Block, bool, error) {
	for {
		b, ok, seq := e.packs.find(c)
		if ok || seq == 0 {
			return b, ok, nil
		}
		m, err := e.ends.GetMsg(ctx, seq)
		if err == nil {
			return e.unpacked(m, c)
		}
		if !missing(err) {
			return block.Block{}, false, err
		}
		// A job that had failed was submitted again, and its new end, which has the block now, was not heard of here yet.
		if err := e.catchUp(ctx); err != nil {
			return block.Block{}, false, err
		}
		if _, _, now := e.packs.find(c); now == seq {
			return block.Block{}, false, nil
		}
	}
}

// unpacked remembers what a message holds, and returns the block that is asked for, wherever it has moved to meanwhile.
func (e *Engine) unpacked(m *jetstream.RawStreamMsg, c cid.Cid) (block.Block, bool, error) {
	car := m.Data
	if !strings.HasPrefix(m.Subject, packSubject) {
		var rec end
		if err := decode(m.Data, &rec, "End"); err != nil {
			return block.Block{}, false, err
		}
		car = rec.Blocks
	}
	blocks, err := unpack(car)
	if err != nil {
		return block.Block{}, false, err
	}
	e.packs.keep(m.Sequence, blocks)
	for _, b := range blocks {
		if b.CID == c {
			return b, true, nil
		}
	}
	return block.Block{}, false, nil
}
