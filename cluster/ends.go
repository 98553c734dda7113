package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/receipts"
)

// loadEnd returns a job's newest end and its number; nil and 0 if there is none.
func (e *Engine) loadEnd(ctx context.Context, id ID) (*end, uint64, error) {
	m, err := newest(ctx, e.ends, endSubject+id.token())
	if m == nil {
		return nil, 0, err
	}
	var rec end
	if err := decode(m.Data, &rec, "End"); err != nil {
		return nil, 0, err
	}
	// Whoever learns of the end may ask for its blocks before those who follow the stream have come to it.
	return &rec, m.Sequence, e.packs.index(m.Header, m.Sequence)
}

func (r *end) status(id ID) Status {
	s := Status{ID: id, Job: r.Job.job(), State: State(r.State), Attempt: int(r.Attempt), Receipts: cids(r.Receipts), Log: r.Log,
		Accepted: moment(r.Accepted), Started: moment(r.Started), Ended: moment(r.Ended)}
	if r.Error != nil {
		s.Error = *r.Error
	}
	if r.Result != nil {
		s.Result = receipts.CID(*r.Result)
	}
	return s
}

// inherit begins what an end will keep: the blocks that the job came with, and those of the end that it replaces, if there is one.
func (e *Engine) inherit(ctx context.Context, to *batch, a *accepted, last *end) error {
	packs := [][]byte{a.Blocks}
	if last != nil {
		packs = append(packs, last.Blocks)
	}
	for _, p := range packs {
		blocks, err := unpack(p)
		if err != nil {
			return err
		}
		for _, b := range blocks {
			if to.add(b) {
				continue
			}
			if err := e.write(ctx, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish writes a job's end, unless another one came first: that is [ErrEnded]. last is the number of the end before.
func (e *Engine) finish(ctx context.Context, id ID, rec *end, blocks []block.Block, last uint64) (err error) {
	rec.Version, rec.Ended, rec.By = endVersion, e.milli(), e.signature()
	if rec.Receipts == nil {
		rec.Receipts = links(nil)
	}
	if rec.Log == nil {
		rec.Log = []string{}
	}
	if rec.Blocks, err = pack(blocks); err != nil {
		return err
	}
	data, err := encode(rec, "End")
	if err != nil {
		return err
	}
	seq, err := e.publish(ctx, &nats.Msg{Subject: endSubject + id.token(), Data: data, Header: packHeader(blocks)}, last)
	if errors.Is(err, errConflict) {
		was, n, err := e.loadEnd(ctx, id)
		switch {
		case err != nil:
			return err
		case was == nil || was.By != rec.By: // else our own word, whose acknowledgement was lost
			return ErrEnded
		}
		seq = n
	} else if err != nil {
		return fmt.Errorf("end of %s: %w", id, err)
	}
	if err := e.packs.index(packHeader(blocks), seq); err != nil {
		return err
	}
	e.watch.end(id.token()) // those who follow the stream hear of it a little later
	return nil
}

// signature is a word that no other end has.
func (e *Engine) signature() string { return fmt.Sprintf("%s-%d", e.name, e.ended.Add(1)) }
