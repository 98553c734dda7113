package cluster

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/nats-io/nats.go/jetstream"
)

// hub wakes those who wait for news. It carries none: whoever is woken reads what there is, at a pace of its own.
type hub struct {
	mu      sync.Mutex
	sleeper map[string]map[chan struct{}]struct{} // by key; owned by mu
	first   uint64                                // number of the first event that is heard of here; owned by mu
	latest  uint64                                // number of the last one, or of that before the first; owned by mu
	ends    uint64                                // number of the last message of the stream of ends that was read; owned by mu
}

// Keys beside those of jobs: of those who wait for any end, and, before a job's key, of those who wait for its end alone; of those who wait for what has
// been read of the stream of ends.
const (
	everyJob = ""
	endOf    = "end of "
	readEnds = "read"
)

// listen returns a channel that gets something after news about key.
func (h *hub) listen(key string) (news <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sleeper == nil {
		h.sleeper = make(map[string]map[chan struct{}]struct{})
	}
	if h.sleeper[key] == nil {
		h.sleeper[key] = make(map[chan struct{}]struct{})
	}
	h.sleeper[key][ch] = struct{}{}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.sleeper[key], ch)
		if len(h.sleeper[key]) == 0 {
			delete(h.sleeper, key)
		}
	}
}

// end wakes those who wait for the end of a job, whose key is given.
func (h *hub) end(job string) { h.wake(everyJob, job, endOf+job) }

// heard notes the number of an event, or of the last one that came before all that will be heard of.
func (h *hub) heard(seq uint64, begin bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if begin {
		h.first = seq + 1
	}
	h.latest = max(h.latest, seq)
}

// read notes that the stream of ends was read up to a number.
func (h *hub) read(seq uint64) {
	h.mu.Lock()
	h.ends = seq
	h.mu.Unlock()
	h.wake(readEnds)
}

func (h *hub) hasRead() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ends
}

func (h *hub) numbers() (first, latest uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.first, h.latest
}

func (h *hub) wake(keys ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range keys {
		for ch := range h.sleeper[k] {
			select {
			case ch <- struct{}{}:
			default: // it has been woken already
			}
		}
	}
}

// follow begins to read the headers of all ends, and of events from now on. It returns when what was there is read.
func (e *Engine) follow(ctx, life context.Context) error {
	info, err := e.ends.Info(ctx)
	if err != nil {
		return err
	}
	caught := make(chan struct{})
	all := sync.OnceFunc(func() { close(caught) })
	if info.State.Msgs == 0 {
		all()
	}
	err = e.consume(life, endsStream, jetstream.DeliverAllPolicy, func(m jetstream.Msg, md *jetstream.MsgMetadata) {
		if err := e.packs.index(m.Headers(), md.Sequence.Stream); err != nil {
			e.cfg.Log.Error("engine: end", "number", md.Sequence.Stream, "error", err)
		}
		e.watch.read(md.Sequence.Stream)
		if job, ok := strings.CutPrefix(m.Subject(), endSubject); ok {
			e.watch.end(job)
		}
		if md.NumPending == 0 {
			all()
		}
	})
	if err != nil {
		return err
	}
	events, err := (*e.events.Load()).Info(ctx)
	if err != nil {
		return err
	}
	e.watch.heard(max(events.State.LastSeq, 1), true)
	err = e.consume(life, eventsStream, jetstream.DeliverNewPolicy, func(m jetstream.Msg, md *jetstream.MsgMetadata) {
		e.watch.heard(md.Sequence.Stream, false)
		e.watch.wake(strings.TrimPrefix(m.Subject(), eventSubject))
	})
	if err != nil {
		return err
	}
	select {
	case <-caught:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// catchUp waits until the headers of all ends that there are now have been read, for as long as a request may take.
func (e *Engine) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	news, stop := e.watch.listen(readEnds)
	defer stop()
	info, err := e.ends.Info(ctx)
	for err == nil && e.watch.hasRead() < info.State.LastSeq {
		select {
		case <-news:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		return fmt.Errorf("engine: reading the ends of jobs: %w", err)
	}
	return nil
}

// consume calls f for the headers of a stream's messages, in order, until life ends.
func (e *Engine) consume(life context.Context, stream string, from jetstream.DeliverPolicy, f func(jetstream.Msg, *jetstream.MsgMetadata)) error {
	c, err := e.js.OrderedConsumer(life, stream, jetstream.OrderedConsumerConfig{DeliverPolicy: from, HeadersOnly: true})
	if err != nil {
		return err
	}
	cc, err := c.Consume(func(m jetstream.Msg) {
		md, err := m.Metadata()
		if err != nil {
			e.cfg.Log.Error("engine: message", "stream", stream, "error", err)
			return
		}
		f(m, md)
	}, jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
		if life.Err() != nil {
			return // the engine is being closed
		}
		e.cfg.Log.Warn("engine: following", "stream", stream, "error", err)
	}))
	if err != nil {
		return err
	}
	context.AfterFunc(life, cc.Stop)
	return nil
}

// poll bounds how long news can be late if whoever should have woken us did not.
const poll = 10 * time.Second

// Watch calls f with what a job comes to, in order, until the job has ended (nil), f returns an error (that one) or ctx
// ends. after is the number of the last event that the caller knows; 0: it knows nothing, and is told first where the job
// stands. Events are kept for an hour and 64 a job, and each tells all that is known then.
func (e *Engine) Watch(ctx context.Context, id ID, after uint64, f func(Event) error) error {
	news, stop := e.watch.listen(id.token())
	defer stop()
	first, latest := e.watch.numbers()
	status, err := e.Job(ctx, id)
	if err != nil {
		return err
	}
	w := &watching{e: e, id: id, status: status, last: after, f: f}
	if status.State.Final() {
		w.last = max(after, latest)
		return w.end(status)
	}
	if after < first {
		w.last = latest
		if err := f(Event{Seq: latest, Status: status}); err != nil {
			return err
		}
	} else if err := w.read(ctx); err != nil {
		return err
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case <-news:
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := w.read(ctx); err != nil {
			return err
		}
		last, _, err := e.loadEnd(ctx, id)
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		if last != nil && (State(last.State) == Done || int(last.Attempt) >= w.status.Attempt) {
			return w.end(last.status(id))
		}
	}
}

// watching is somebody who follows a job.
type watching struct {
	e      *Engine
	id     ID
	status Status // what was told last
	last   uint64 // its number
	f      func(Event) error
}

// read tells the events that have come.
func (w *watching) read(ctx context.Context) error {
	for {
		var m *jetstream.RawStreamMsg
		err := w.e.withEvents(ctx, func(s jetstream.Stream) (err error) {
			m, err = next(ctx, s, eventSubject+w.id.token(), w.last+1)
			return err
		})
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		if m == nil {
			return nil
		}
		w.last = m.Sequence
		var r report
		if err := decode(m.Data, &r, "Report"); err != nil {
			return err
		}
		if int(r.Attempt) < w.status.Attempt {
			continue // whoever says so does not know that it has ended
		}
		w.status.Attempt = int(r.Attempt)
		r.add(&w.status)
		if err := w.f(Event{Seq: w.last, Status: w.status}); err != nil {
			return err
		}
	}
}

// end tells the end, which no event does: it has the number after the last one.
func (w *watching) end(s Status) error { return w.f(Event{Seq: w.last + 1, Status: s}) }

// Issued is an entry of the receipt feed: a job that is done, and the receipts that were issued for it. Seq grows from entry
// to entry, over restarts too.
type Issued struct {
	Seq      uint64
	Job      ID
	Result   cid.Cid
	Receipts []cid.Cid
	At       time.Time
}

// Feed calls f with every entry of the receipt feed whose number is above after, in order, and with those to come, until f
// returns an error (that one) or ctx ends.
func (e *Engine) Feed(ctx context.Context, after uint64, f func(Issued) error) error {
	news, stop := e.watch.listen(everyJob)
	defer stop()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		m, err := next(ctx, e.ends, endSubject+">", after+1)
		switch {
		case err != nil:
			return fmt.Errorf("receipt feed: %w", err)
		case m == nil:
			select {
			case <-news:
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		}
		after = m.Sequence
		var rec end
		if err := decode(m.Data, &rec, "End"); err != nil {
			return err
		}
		if len(rec.Receipts) == 0 {
			continue
		}
		id, err := rec.Job.job().ID()
		if err != nil {
			return err
		}
		if err := e.packs.index(m.Header, m.Sequence); err != nil { // see loadEnd
			return err
		}
		s := rec.status(id)
		if err := f(Issued{Seq: after, Job: id, Result: s.Result, Receipts: s.Receipts, At: s.Ended}); err != nil {
			return err
		}
	}
}
