package executor

import (
	"bytes"
	"context"
	"io"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// A result is kept as one record by its computation: a CAR of the receipt and of the small blocks that it links to. Large
// blocks lie in the store by themselves. One small file a task is what makes a thousand trivial tasks cheap.

// maxPacked bounds the size of a block in a record, and maxRecord the record.
const (
	maxPacked = workflow.MaxInline
	maxRecord = 512 << 10
)

// remember keeps a task's result for later runs.
func (r *run) remember(ctx context.Context, t *workflow.Task, receipt block.Block, blocks []block.Block) error {
	var record bytes.Buffer
	w, err := block.NewCARWriter(&record, receipt.CID)
	if err != nil {
		return err
	}
	for _, b := range append([]block.Block{receipt}, blocks...) {
		if len(b.Data) > maxPacked && !b.CID.Equals(receipt.CID) || record.Len()+len(b.Data) > maxRecord {
			err = r.e.cfg.Blocks.Put(ctx, b)
		} else {
			err = w.Put(b)
		}
		if err != nil {
			return err
		}
	}
	return r.e.cfg.Memo.Keep(ctx, t.Computation.String(), record.Bytes())
}

// recall finds the receipt of an earlier run of the same computation, with everything that it links to. Whatever is wrong
// with it, the task just runs again.
func (r *run) recall(ctx context.Context, t *workflow.Task) (*ended, []block.Block, bool) {
	if r.e.cfg.Fresh {
		return nil, nil, false
	}
	record, err := r.e.cfg.Memo.Find(ctx, t.Computation.String())
	if err != nil {
		return nil, nil, false
	}
	root, packed, err := Unpack(record)
	if err != nil {
		return nil, nil, false
	}
	return r.reopen(ctx, t, root, packed)
}

// Unpack reads the record of a remembered result: the CID of its receipt, and the blocks that it holds.
func Unpack(record []byte) (receipt cid.Cid, blocks map[cid.Cid]block.Block, err error) {
	cr, err := block.NewCARReader(bytes.NewReader(record), block.CARLimits{Blocks: 1000, Bytes: 2 * maxRecord})
	if err != nil {
		return cid.Undef, nil, err
	}
	blocks = make(map[cid.Cid]block.Block)
	for {
		b, err := cr.Next()
		if err == io.EOF {
			return cr.Root, blocks, nil
		}
		if err != nil {
			return cid.Undef, nil, err
		}
		blocks[b.CID] = b
	}
}

// reopen checks that a receipt is ours and about t, and gathers what it links to: from packed, the run or the store.
func (r *run) reopen(ctx context.Context, t *workflow.Task, c cid.Cid, packed map[cid.Cid]block.Block) (*ended, []block.Block, bool) {
	stored := r.get(ctx)
	get := func(c cid.Cid) (block.Block, bool) {
		if b, ok := packed[c]; ok {
			return b, true
		}
		return stored(c)
	}
	b, ok := get(c)
	if !ok {
		return nil, nil, false
	}
	receipt, err := receipts.Open(b)
	if err != nil || receipt.Issuer != r.e.cfg.Signer.DID() || !receipts.CID(receipt.Claim.Ran).Equals(t.CID) {
		return nil, nil, false
	}
	blocks := []block.Block{b}
	links := receipt.Claim.Links()
	switch t := receipt.Claim.Run.Transcript; {
	case t != nil:
		roots, ok := stateRoots(receipts.CID(*t), get)
		if !ok {
			return nil, nil, false
		}
		links = append(append(links, receipts.CID(*t)), roots...)
	case r.e.cfg.Recorder != nil && receipt.Claim.Run.Fuel != nil: // it ran without one
		return nil, nil, false
	}
	for _, l := range links {
		b, ok := get(l)
		if !ok {
			return nil, nil, false
		}
		blocks = append(blocks, b)
	}
	return &ended{receipt: receipt, memoised: true}, blocks, true
}

// stateRoots are the links of a transcript.
func stateRoots(transcript cid.Cid, get evaluate.Getter) (links []cid.Cid, ok bool) {
	b, ok := get(transcript)
	if !ok {
		return nil, false
	}
	t, err := machine.ReadTranscript(b.Data)
	if err != nil {
		return nil, false
	}
	for _, l := range t.Roots {
		links = append(links, receipts.CID(l))
	}
	return links, true
}
