package cluster

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/trilemma-dev/trilemma/receipts"
)

// Handler does the jobs of a class. ctx ends when the job was cancelled or the worker must stop. Blocks and records are to
// be had from the engine that the worker belongs to, with this ctx: small blocks that are put become durable with the job's
// end. A handler may be called for a job that another one did not finish, or is about.
//
// An error means that there is no result: the job is tried again, unless the error wraps [ErrPermanent].
type Handler func(ctx context.Context, w *Work) (Outcome, error)

// ErrPermanent marks a handler's error that would come again however often the job was tried.
var ErrPermanent = errors.New("cannot succeed")

// Outcome is what a job yielded.
type Outcome struct {
	Result   cid.Cid   // may be undefined
	Receipts []cid.Cid // those that were issued, for the feed
}

// Work is a job on its way.
type Work struct {
	ID      ID
	Job     Job
	Attempt int

	tell func(p Progress, lines []string)
}

// Report tells those who watch how far the job is, and adds lines to its log. What comes too often is told less often.
func (w *Work) Report(p Progress, lines ...string) { w.tell(p, lines) }

// WorkerConfig says what a worker does.
type WorkerConfig struct {
	Handlers map[string]Handler // by class; required
	Slots    map[string]int     // jobs at once, by class; 0: 1

	// AckWait is how long a job stays with a worker that says nothing; a worker says something three times as often. 0: 15 s.
	// The first worker of a class decides for all.
	AckWait time.Duration

	// MaxTries is how often a handler may fail before its job is given up; 0: 5. A job that is handed out four times as often
	// and does not end is given up too: whoever had it was stopped, or killed, perhaps by the job.
	MaxTries int

	Backoff time.Duration // before the second try, doubled with each one up to five minutes; 0: 1 s
	Grace   time.Duration // that running jobs have when the worker must stop; 0: none
}

const maxBackoff = 5 * time.Minute

func (c WorkerConfig) withDefaults() (WorkerConfig, error) {
	if len(c.Handlers) == 0 {
		return c, errors.New("cluster: a worker needs handlers")
	}
	for class := range c.Handlers {
		if !classPattern.MatchString(class) {
			return c, fmt.Errorf("%w: class %.40q", ErrInvalid, class)
		}
	}
	if c.AckWait <= 0 {
		c.AckWait = 15 * time.Second
	}
	if c.MaxTries <= 0 {
		c.MaxTries = 5
	}
	if c.Backoff <= 0 {
		c.Backoff = time.Second
	}
	return c, nil
}

// worker does the jobs of some classes.
type worker struct {
	e    *Engine
	cfg  WorkerConfig
	stop context.Context // the jobs' own end, after the grace
}

// Work takes jobs from the queues of the handlers' classes and does them until ctx ends. It then takes no more, gives those
// that run their grace, hands back what is left, and returns nil: the worker has drained. An engine that cannot be reached is
// waited for.
func (e *Engine) Work(ctx context.Context, cfg WorkerConfig) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	stop, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	w := &worker{e: e, cfg: cfg, stop: stop}
	var running sync.WaitGroup
	for class, h := range cfg.Handlers {
		running.Go(func() { w.class(ctx, class, h) })
	}
	<-ctx.Done()
	timer := time.AfterFunc(cfg.Grace, end)
	defer timer.Stop()
	running.Wait()
	return nil
}

// class does the jobs of a class.
func (w *worker) class(ctx context.Context, class string, h Handler) {
	var queue jetstream.Consumer
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		var err error
		if queue, err = w.e.queue(ctx, class, w.cfg.AckWait); err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		w.e.cfg.Log.Warn("engine: queue", "class", class, "error", err)
		pause(ctx, wait)
	}
	var slots sync.WaitGroup
	for range max(w.cfg.Slots[class], 1) {
		slots.Go(func() { w.slot(ctx, queue, h) })
	}
	slots.Wait()
}

// queue is the consumer that all workers of a class share.
func (e *Engine) queue(ctx context.Context, class string, wait time.Duration) (jetstream.Consumer, error) {
	name := "work-" + class
	c, err := e.jobs.Consumer(ctx, name)
	if !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return c, err
	}
	return e.jobs.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{Durable: name, FilterSubject: jobSubject + class + ".*",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: wait, MaxDeliver: -1, MaxAckPending: 4096})
}

// slot does one job after the other.
func (w *worker) slot(ctx context.Context, queue jetstream.Consumer, h Handler) {
	for ctx.Err() == nil {
		m, err := fetch(ctx, queue)
		switch {
		case err == nil:
			w.handle(m, h)
		case ctx.Err() != nil, errors.Is(err, nats.ErrTimeout), errors.Is(err, context.DeadlineExceeded), errors.Is(err, jetstream.ErrNoHeartbeat):
		default:
			w.e.cfg.Log.Warn("engine: fetching work", "error", err)
			pause(ctx, time.Second)
		}
	}
}

// fetchTime bounds how long a request for work stands: one that was lost with its server is known by nothing else.
const fetchTime = 3 * time.Second

func fetch(ctx context.Context, queue jetstream.Consumer) (jetstream.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	return queue.Next(jetstream.FetchContext(ctx))
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

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
	ctx, cancel := context.WithCancelCause(withBatch(w.stop, &to))
	defer cancel(nil)
	p := newPulse(w, d, cancel)
	d.started = p.started
	out, err := call(ctx, h, &Work{ID: d.id, Job: d.Job.job(), Attempt: int(d.Attempt), tell: p.report})
	p.end()
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
	rec := end{Job: d.Job, Attempt: d.Attempt, State: string(Done), Accepted: d.At, Started: d.started, Receipts: links(out.Receipts)}
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
	return w.write(d, &end{Job: d.Job, Attempt: d.Attempt, State: string(Failed), Accepted: d.At, Started: d.started, Error: new(line(cause.Error()))}, to, seq)
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
