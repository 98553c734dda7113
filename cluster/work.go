package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
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

// slots is how many jobs of a class are done at once.
func (c WorkerConfig) slots(class string) int { return max(c.Slots[class], 1) }

// worker does the jobs of some classes.
type worker struct {
	e    *Engine
	cfg  WorkerConfig
	roll *roll
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
	w := &worker{e: e, cfg: cfg, roll: newRoll(cfg, e.cfg.Now()), stop: stop}
	leave, err := w.answerRoll()
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	defer leave()
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
	slots.Go(func() { w.sweep(ctx, class, queue) })
	for range w.cfg.slots(class) {
		slots.Go(func() { w.slot(ctx, class, queue, h) })
	}
	slots.Wait()
}

// sweepEvery is how often jobs that have ended are removed from their queue. To remove each by itself would be one synced write more for each.
const sweepEvery = 2 * time.Second

// sweep removes jobs of a class that have ended: those before the first one that has not. Until then they lie in the queue beside their end.
func (w *worker) sweep(ctx context.Context, class string, queue jetstream.Consumer) {
	for swept := uint64(0); ctx.Err() == nil; pause(ctx, sweepEvery) {
		info, err := queue.Info(ctx)
		if err == nil && info.AckFloor.Stream > swept {
			if err = w.e.jobs.Purge(ctx, jetstream.WithPurgeSubject(jobSubject+class+".*"), jetstream.WithPurgeSequence(info.AckFloor.Stream+1)); err == nil {
				swept = info.AckFloor.Stream
			}
		}
		if err != nil && ctx.Err() == nil {
			w.e.cfg.Log.Warn("engine: removing jobs that have ended", "class", class, "error", err)
		}
	}
}

// queuePrefix begins the names of the classes' consumers.
const queuePrefix = "work-"

// queue is the consumer that all workers of a class share.
func (e *Engine) queue(ctx context.Context, class string, wait time.Duration) (jetstream.Consumer, error) {
	name := queuePrefix + class
	c, err := e.jobs.Consumer(ctx, name)
	if !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return c, err
	}
	return e.jobs.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{Durable: name, FilterSubject: jobSubject + class + ".*",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: wait, MaxDeliver: -1, MaxAckPending: 4096})
}

// slot does one job after the other.
func (w *worker) slot(ctx context.Context, class string, queue jetstream.Consumer, h Handler) {
	for ctx.Err() == nil {
		m, err := fetch(ctx, queue)
		switch {
		case err == nil:
			w.roll.busy[class].Add(1)
			w.handle(m, h)
			w.roll.busy[class].Add(-1)
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
