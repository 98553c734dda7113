package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/propagation"

	"github.com/trilemma-dev/trilemma/block"
)

func (e *Engine) milli() int64 { return e.cfg.Now().UnixMilli() }

// moment is a time of the wire; 0 is none.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
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
// The trace that ctx belongs to goes with the job, to whichever process does it.
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
		queued, seq, last, err := e.standing(ctx, id)
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
		m := &nats.Msg{Subject: jobSubject + id.token(), Data: data, Header: nats.Header{}}
		propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(m.Header))
		_, err = e.publish(ctx, m, seq)
		if errors.Is(err, errConflict) {
			continue
		}
		if err != nil {
			return Status{}, fmt.Errorf("submit: %w", err)
		}
		if last != nil && State(last.State) == Failed {
			if err := e.unbury(ctx, id, attempt); err != nil {
				return Status{}, err
			}
		}
		if attempt > 1 { // else nobody can be listening
			e.tell(id, &report{State: string(Queued), Attempt: attempt})
		}
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

// Job returns what is known of a job: [ErrNotFound] if nobody submitted it.
func (e *Engine) Job(ctx context.Context, id ID) (Status, error) {
	if _, err := ParseID(string(id)); err != nil {
		return Status{}, err
	}
	queued, _, last, err := e.standing(ctx, id)
	switch {
	case err != nil:
		return Status{}, fmt.Errorf("job %s: %w", id, err)
	case last != nil && (State(last.State) == Done || queued == nil || queued.Attempt <= last.Attempt):
		return last.status(id), nil
	case queued != nil:
		return e.live(ctx, id, queued)
	}
	return Status{}, fmt.Errorf("job %.80s: %w", id, ErrNotFound)
}

// standing is a job's place in the queue, whose number is seq, and its last end; nil if there is none. The queue is looked at first: a job leaves it
// after its end is written, so that the end of whatever is not there any more is seen.
func (e *Engine) standing(ctx context.Context, id ID) (queued *accepted, seq uint64, last *end, err error) {
	if queued, seq, err = e.loadQueued(ctx, id); err != nil {
		return nil, 0, nil, err
	}
	last, _, err = e.loadEnd(ctx, id)
	return queued, seq, last, err
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
