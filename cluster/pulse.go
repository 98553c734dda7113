package cluster

import (
	"context"
	"strings"
	"sync"
	"time"
)

// pulse says for a job that runs that it does: to the queue, so that nobody else gets it, and to those who watch. It also
// finds out that the job was cancelled.
type pulse struct {
	w     *worker
	d     *delivery
	begun time.Time
	done  chan struct{}
	gone  sync.WaitGroup

	mu    sync.Mutex
	last  report    // what was said, or is to be said next; owned by mu
	told  time.Time // when something was told; owned by mu
	since time.Time // when the stage began; owned by mu
	late  bool      // something is to be told; owned by mu
}

// tellEvery bounds how often a job's progress is told, new stages aside.
const tellEvery = 200 * time.Millisecond

// tellFirst is how long a job must run before anything is told of it: most are done by then.
const tellFirst = 20 * time.Millisecond

func newPulse(w *worker, d *delivery, cancel context.CancelCauseFunc) *pulse {
	now := w.e.cfg.Now()
	p := &pulse{w: w, d: d, begun: now, done: make(chan struct{}), since: now, late: true}
	d.started = now.UnixMilli()
	p.last = report{State: string(Running), Attempt: d.Attempt, Started: d.started, Failed: d.failed}
	p.gone.Go(func() { p.beat(cancel) })
	return p
}

// beat runs until the job has come back from its handler.
func (p *pulse) beat(cancel context.CancelCauseFunc) {
	news, stop := p.w.e.watch.listen(endOf + p.d.id.token())
	defer stop()
	heart := time.NewTicker(p.w.cfg.AckWait / 3)
	defer heart.Stop()
	tell := time.NewTimer(tellFirst)
	defer tell.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-tell.C:
			p.mu.Lock()
			if p.late {
				p.tell()
			}
			p.mu.Unlock()
			tell.Reset(tellEvery)
			continue
		case <-heart.C:
			p.w.note(p.d.msg.InProgress())
		case <-news:
		}
		if last, _, err := p.w.e.loadEnd(p.w.stop, p.d.id); err == nil && last != nil && last.Attempt >= p.d.Attempt {
			cancel(ErrEnded)
			return
		}
	}
}

// end is called when the handler has come back; it returns the job's log.
func (p *pulse) end() []string {
	close(p.done)
	p.gone.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.Log
}

// report implements [Work.Report].
func (p *pulse) report(to Progress, lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.w.e.cfg.Now()
	stage := line(to.Stage)
	fresh := stage != p.last.Stage
	if fresh {
		p.since = now
	}
	if to.Left == 0 && to.Done > 0 && to.Total > to.Done { // at the pace until now
		to.Left = time.Duration(float64(now.Sub(p.since)) / float64(to.Done) * float64(to.Total-to.Done))
	}
	log := append([]string(nil), p.last.Log...)
	for _, l := range lines {
		log = append(log, line(l))
	}
	p.last.Stage, p.last.Done, p.last.Total, p.last.Left = stage, to.Done, to.Total, to.Left.Milliseconds()
	p.last.Log = log[max(len(log)-MaxLog, 0):]
	if p.late = true; now.Sub(p.begun) >= tellFirst && (fresh || now.Sub(p.told) >= tellEvery) {
		p.tell()
	}
}

// tell is called with mu held.
func (p *pulse) tell() {
	r := p.last
	p.told, p.late = p.w.e.cfg.Now(), false
	p.w.e.tell(p.d.id, &r)
}

// line makes a text fit for one line of a log.
func line(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= MaxLine {
		return s
	}
	return strings.ToValidUTF8(s[:MaxLine-len("…")], "") + "…"
}
