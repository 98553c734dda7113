package cluster

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/propagation"

	"github.com/trilemma-dev/trilemma/receipts"
)

// handle does one job, or finds that there is nothing left to do.
func (w *worker) handle(m jetstream.Msg, h Handler) {
	d, err := w.read(m)
	if err != nil {
		w.e.cfg.Log.Error("engine: a job that nobody can read was dropped", "subject", m.Subject(), "error", err)
		w.note(m.Term())
		return
	}
	err = w.do(d, h)
	switch {
	case err == nil, errors.Is(err, ErrEnded):
		w.note(m.Ack())
	case w.stop.Err() != nil: // it is another worker's now
		w.note(m.Nak())
	default:
		w.e.cfg.Log.Warn("engine: job", "job", d.id, "handed out", d.tries, "failed", d.failed+1, "error", err)
		w.e.tellNow(w.stop, d.id, &report{State: string(Queued), Attempt: d.Attempt, Failed: d.failed + 1, Error: new(line(err.Error()))})
		w.note(m.NakWithDelay(w.backoff(d.failed)))
	}
}

// note logs what could not be said to the queue: the job then comes again, and turns out to be done.
func (w *worker) note(err error) {
	if err != nil {
		w.e.cfg.Log.Warn("engine: queue", "error", err)
	}
}

func (w *worker) backoff(failed int64) time.Duration {
	return min(w.cfg.Backoff<<min(failed, 20), maxBackoff)
}

// delivery is a job that was handed to us.
type delivery struct {
	accepted
	id      ID
	tries   int64 // how often it was handed out, this time included
	failed  int64 // how often a handler failed before
	started int64 // milliseconds since 1970; 0: it was not
	log     []string
	msg     jetstream.Msg
}

func (w *worker) read(m jetstream.Msg) (*delivery, error) {
	d := &delivery{msg: m}
	md, err := m.Metadata()
	if err != nil {
		return nil, err
	}
	d.tries = int64(md.NumDelivered)
	if err := decode(m.Data(), &d.accepted, "Accepted"); err != nil {
		return nil, err
	}
	if d.id, err = d.Job.job().ID(); err != nil {
		return nil, err
	}
	if jobSubject+d.id.token() != m.Subject() {
		return nil, fmt.Errorf("%w: %s under %s", ErrInvalid, d.id, m.Subject())
	}
	return d, nil
}

// do brings a job to its end. An error means that it has none yet; [ErrEnded] that somebody else brought it there.
func (w *worker) do(d *delivery, h Handler) error {
	last, seq, err := w.e.loadEnd(w.stop, d.id)
	if err != nil {
		return err
	}
	if last != nil && last.Attempt >= d.Attempt {
		return ErrEnded
	}
	var to batch
	err = w.e.inherit(w.stop, &to, &d.accepted, last)
	switch {
	case d.tries > 4*int64(w.cfg.MaxTries) && err == nil: // whoever had it did not live to say why
		return w.giveUp(d, &to, seq, fmt.Errorf("it was handed out %d times and never came to an end", d.tries-1))
	case d.tries > 4*int64(w.cfg.MaxTries):
		return w.giveUp(d, &to, seq, err)
	case err != nil:
		return err
	}
	if d.failed, err = w.failures(d); err != nil {
		return err
	}
	traced := propagation.TraceContext{}.Extract(w.stop, propagation.HeaderCarrier(d.msg.Headers()))
	ctx, cancel := context.WithCancelCause(withBatch(traced, &to))
	defer cancel(nil)
	p := newPulse(w, d, cancel)
	out, err := call(ctx, h, &Work{ID: d.id, Job: d.Job.job(), Attempt: int(d.Attempt), tell: p.report})
	d.log = p.end()
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, ErrEnded):
		return ErrEnded
	case err == nil:
		return w.finish(d, &to, out, seq)
	case w.stop.Err() != nil:
		return err
	case errors.Is(err, ErrPermanent), d.failed+1 >= int64(w.cfg.MaxTries):
		return w.giveUp(d, &to, seq, err)
	}
	return err
}

// failures is how often a handler failed at a job, as far as somebody remembers.
func (w *worker) failures(d *delivery) (int64, error) {
	if d.tries == 1 {
		return 0, nil
	}
	r, err := w.e.lastReport(w.stop, d.id)
	if err != nil || r == nil || r.Attempt != d.Attempt {
		return 0, err
	}
	return r.Failed, nil
}

// call makes an error of a panic.
func call(ctx context.Context, h Handler, work *Work) (out Outcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the handler panicked: %v\n%s", r, debug.Stack())
		}
	}()
	return h(ctx, work)
}

// finish writes the end of a job that yielded something, even if the worker must stop just now.
func (w *worker) finish(d *delivery, to *batch, out Outcome, seq uint64) error {
	rec := end{Job: d.Job, Attempt: d.Attempt, State: string(Done), Accepted: d.At, Started: d.started, Receipts: links(out.Receipts), Log: d.log}
	if out.Result.Defined() {
		rec.Result = new(receipts.Link(out.Result))
	}
	return w.write(d, &rec, to, seq)
}

// giveUp ends a job without a result.
func (w *worker) giveUp(d *delivery, to *batch, seq uint64, cause error) error {
	if err := w.e.bury(context.WithoutCancel(w.stop), d.id, &d.accepted, d.tries, cause); err != nil {
		return err
	}
	return w.write(d, &end{Job: d.Job, Attempt: d.Attempt, State: string(Failed), Accepted: d.At, Started: d.started, Log: d.log,
		Error: new(line(cause.Error()))}, to, seq)
}

// maxFinish bounds how long the end of a job is tried to be written: the job has been done, and would be done again.
const maxFinish = time.Minute

// write writes a job's end, again and again if the engine cannot be reached, while the job stays ours.
func (w *worker) write(d *delivery, rec *end, to *batch, seq uint64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.stop), maxFinish)
	defer cancel()
	blocks := to.take()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := w.e.finish(ctx, d.id, rec, blocks, seq)
		if err == nil || errors.Is(err, ErrEnded) || ctx.Err() != nil || errors.Is(err, ErrFull) || errors.Is(err, ErrDisk) {
			return err
		}
		w.e.cfg.Log.Warn("engine: end of a job", "job", d.id, "error", err)
		w.note(d.msg.InProgress())
		pause(ctx, wait)
	}
}
