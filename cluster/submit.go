package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/receipts"
)

func (e *Engine) milli() int64 { return e.cfg.Now().UnixMilli() }

// moment is a time of the wire; 0 is none.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

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

// loadQueued returns what lies in a job's queue, and its number; nil and 0 if nothing does.
func (e *Engine) loadQueued(ctx context.Context, id ID) (*accepted, uint64, error) {
	m, err := newest(ctx, e.jobs, jobSubject+id.token())
	if m == nil {
		return nil, 0, err
	}
	var rec accepted
	if err := decode(m.Data, &rec, "Accepted"); err != nil {
		return nil, 0, err
	}
	return &rec, m.Sequence, nil
}

// Submit accepts a job: when it returns, the job will end. blocks is content that the job needs and that may not be here
// yet; it is kept. To submit a job that is queued, running or done changes nothing and writes nothing; one that failed or
// was cancelled starts anew.
//
// After an error that is not about the job it may have been accepted all the same; to submit it again is harmless.
func (e *Engine) Submit(ctx context.Context, j Job, blocks ...block.Block) (Status, error) {
	id, err := j.ID()
	if err != nil {
		return Status{}, err
	}
	if j.Secret {
		return Status{}, fmt.Errorf("job %s: %w unless encrypted to the key of a worker, which this version cannot do", id, ErrSecret)
	}
	for { // until nobody comes between
		last, _, err := e.loadEnd(ctx, id)
		if err != nil {
			return Status{}, fmt.Errorf("submit: %w", err)
		}
		attempt := int64(1)
		if last != nil {
			if State(last.State) == Done {
				return last.status(id), nil
			}
			attempt = last.Attempt + 1
		}
		queued, seq, err := e.loadQueued(ctx, id)
		if err != nil {
			return Status{}, fmt.Errorf("submit: %w", err)
		}
		if queued != nil && queued.Attempt >= attempt {
			return e.live(ctx, id, queued)
		}
		rec := accepted{Version: acceptedVersion, Job: j.wire(), Attempt: attempt, At: e.milli()}
		if rec.Blocks, err = e.enclose(ctx, blocks); err != nil {
			return Status{}, err
		}
		data, err := encode(&rec, "Accepted")
		if err != nil {
			return Status{}, err
		}
		_, err = e.publish(ctx, &nats.Msg{Subject: jobSubject + id.token(), Data: data}, seq)
		if errors.Is(err, errConflict) {
			continue
		}
		if err != nil {
			return Status{}, fmt.Errorf("submit: %w", err)
		}
		if last != nil && State(last.State) == Failed {
			if err := e.unbury(ctx, id); err != nil {
				return Status{}, err
			}
		}
		e.tell(id, &report{State: string(Queued), Attempt: attempt})
		return rec.status(id), nil
	}
}

// enclose makes a pack of the blocks that are small and not kept yet; others are kept by themselves.
func (e *Engine) enclose(ctx context.Context, blocks []block.Block) ([]byte, error) {
	var small batch
	for _, b := range blocks {
		if err := e.Put(withBatch(ctx, &small), b); err != nil {
			return nil, err
		}
	}
	return pack(small.take())
}

// status is that of a job which nobody has begun.
func (a *accepted) status(id ID) Status {
	return Status{ID: id, Job: a.Job.job(), State: Queued, Attempt: int(a.Attempt), Accepted: moment(a.At)}
}

func (r *end) status(id ID) Status {
	s := Status{ID: id, Job: r.Job.job(), State: State(r.State), Attempt: int(r.Attempt), Receipts: cids(r.Receipts),
		Accepted: moment(r.Accepted), Started: moment(r.Started), Ended: moment(r.Ended)}
	if r.Error != nil {
		s.Error = *r.Error
	}
	if r.Result != nil {
		s.Result = receipts.CID(*r.Result)
	}
	return s
}

// add completes a status by what was told about the job.
func (r *report) add(s *Status) {
	if int(r.Attempt) != s.Attempt {
		return // of an earlier one
	}
	if !s.State.Final() {
		s.State, s.Started = State(r.State), moment(r.Started)
	}
	s.Progress = Progress{Stage: r.Stage, Done: r.Done, Total: r.Total, Left: time.Duration(r.Left) * time.Millisecond}
	s.Log = r.Log
	if r.Error != nil && s.Error == "" {
		s.Error = *r.Error // why it is tried again
	}
}

// lastReport returns what was told about a job last; nil if nothing is remembered.
func (e *Engine) lastReport(ctx context.Context, id ID) (*report, error) {
	var m *jetstream.RawStreamMsg
	err := e.withEvents(ctx, func(s jetstream.Stream) (err error) {
		m, err = newest(ctx, s, eventSubject+id.token())
		return err
	})
	if m == nil {
		return nil, err
	}
	var r report
	return &r, decode(m.Data, &r, "Report")
}

// live is the status of a job that has not ended.
func (e *Engine) live(ctx context.Context, id ID, a *accepted) (Status, error) {
	s := a.status(id)
	r, err := e.lastReport(ctx, id)
	if err == nil && r != nil && !State(r.State).Final() {
		r.add(&s)
	}
	return s, err
}

// Job returns what is known of a job: [ErrNotFound] if nobody submitted it.
func (e *Engine) Job(ctx context.Context, id ID) (Status, error) {
	if _, err := ParseID(string(id)); err != nil {
		return Status{}, err
	}
	for range 3 { // a job may end between the two looks
		last, _, err := e.loadEnd(ctx, id)
		if err != nil {
			return Status{}, fmt.Errorf("job %s: %w", id, err)
		}
		if last != nil && State(last.State) == Done {
			return last.status(id), nil
		}
		queued, _, err := e.loadQueued(ctx, id)
		if err != nil {
			return Status{}, fmt.Errorf("job %s: %w", id, err)
		}
		if queued != nil && (last == nil || queued.Attempt > last.Attempt) {
			return e.live(ctx, id, queued)
		}
		if last != nil {
			return last.status(id), nil
		}
	}
	return Status{}, fmt.Errorf("job %.80s: %w", id, ErrNotFound)
}

// Cancel ends a job as cancelled, at once; whoever is about it stops soon, and what it did until then stays done. A job that
// has ended is [ErrEnded].
func (e *Engine) Cancel(ctx context.Context, id ID) error {
	if _, err := ParseID(string(id)); err != nil {
		return err
	}
	queued, _, err := e.loadQueued(ctx, id)
	if err != nil {
		return fmt.Errorf("cancel: %w", err)
	}
	last, seq, err := e.loadEnd(ctx, id)
	if err != nil {
		return fmt.Errorf("cancel: %w", err)
	}
	switch {
	case queued == nil && last == nil:
		return fmt.Errorf("cancel %.80s: %w", id, ErrNotFound)
	case queued == nil, last != nil && last.Attempt >= queued.Attempt:
		return fmt.Errorf("cancel %s: %w: %s", id, ErrEnded, last.State)
	}
	var to batch
	if err := e.inherit(ctx, &to, queued, last); err != nil { // it may be submitted again
		return err
	}
	rec := end{Job: queued.Job, Attempt: queued.Attempt, State: string(Cancelled), Accepted: queued.At}
	if err := e.finish(ctx, id, &rec, to.take(), seq); !errors.Is(err, ErrEnded) {
		return err
	}
	return fmt.Errorf("cancel %s: %w", id, ErrEnded)
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
	e.tell(id, &report{State: rec.State, Attempt: rec.Attempt, Started: rec.Started, Error: rec.Error})
	return nil
}

// signature is a word that no other end has.
func (e *Engine) signature() string { return fmt.Sprintf("%s-%d", e.name, e.ended.Add(1)) }

// tell says what a job came to, to those who listen. It does not wait: what matters is written elsewhere.
func (e *Engine) tell(id ID, r *report) {
	data, err := r.encode()
	if err == nil {
		_, err = e.js.PublishAsync(eventSubject+id.token(), data)
	}
	e.untold(id, err)
}

// tellNow is tell, and waits until it has been heard.
func (e *Engine) tellNow(ctx context.Context, id ID, r *report) {
	data, err := r.encode()
	if err == nil {
		_, err = e.js.Publish(ctx, eventSubject+id.token(), data)
	}
	e.untold(id, err)
}

func (e *Engine) untold(id ID, err error) {
	if err != nil {
		e.cfg.Log.Warn("engine: an event was lost", "job", id, "error", err)
	}
}

func (r *report) encode() ([]byte, error) {
	r.Version = reportVersion
	if r.Log == nil {
		r.Log = []string{}
	}
	return encode(r, "Report")
}
