package httpapi_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"crypto/sha256"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/internal/work"
	"github.com/trilemma-dev/trilemma/store"
)

// memory is an engine that forgets everything with the process: the toy of this package's seam. Jobs run at once, in goroutines.
type memory struct {
	store.Memory
	worker *work.Worker

	mu     sync.Mutex
	jobs   map[string]*memoryJob
	order  []string
	feed   []httpapi.Issued
	seq    uint64
	change chan struct{} // closed at every change; owned by mu
	wg     sync.WaitGroup
}

type memoryJob struct {
	httpapi.Status
	seq    uint64
	cancel context.CancelFunc
}

func newMemory() *memory {
	return &memory{jobs: map[string]*memoryJob{}, change: make(chan struct{})}
}

// told wakes whoever waits; mu is held.
func (m *memory) told(j *memoryJob) {
	m.seq++
	j.seq = m.seq
	close(m.change)
	m.change = make(chan struct{})
}

func (m *memory) Submit(ctx context.Context, w httpapi.Work, blocks ...block.Block) (httpapi.Status, error) {
	for _, b := range blocks {
		if err := m.Put(ctx, b); err != nil {
			return httpapi.Status{}, err
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %s", w.Kind, w.Subject, w.Request))
	id := w.Kind + "-" + hex.EncodeToString(sum[:])
	m.mu.Lock()
	defer m.mu.Unlock()
	if j := m.jobs[id]; j != nil && j.State != httpapi.Failed && j.State != httpapi.Cancelled {
		return j.Status, nil
	}
	life, cancel := context.WithCancel(context.Background())
	j := &memoryJob{Status: httpapi.Status{ID: id, Kind: w.Kind, Subject: w.Subject, State: httpapi.Queued, Accepted: time.Now()}, cancel: cancel}
	m.jobs[id] = j
	m.order = append(m.order, id)
	m.told(j)
	m.wg.Go(func() { m.do(life, j, w) })
	return j.Status, nil
}

func (m *memory) do(ctx context.Context, j *memoryJob, w httpapi.Work) {
	set := func(f func(*httpapi.Status)) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if !j.State.Final() {
			f(&j.Status)
			m.told(j)
		}
	}
	set(func(s *httpapi.Status) { s.State, s.Started = httpapi.Running, time.Now() })
	answer, err := m.worker.Do(ctx, w.Kind, w.Request, func(stage string, done, total int, _ ...string) {
		set(func(s *httpapi.Status) { s.Stage, s.Done, s.Total = stage, int64(done), int64(total) })
	})
	b := block.Raw(answer)
	if err == nil {
		err = m.Put(ctx, b)
	}
	set(func(s *httpapi.Status) {
		s.Ended = time.Now()
		if err != nil {
			s.State, s.Error, s.Refused = httpapi.Failed, err.Error(), errors.Is(err, work.ErrRequest)
			return
		}
		s.State, s.Answer = httpapi.Done, b.CID
		if s.Receipts, err = work.Issued(w.Kind, answer); err == nil && len(s.Receipts) > 0 {
			m.feed = append(m.feed, httpapi.Issued{Seq: uint64(len(m.feed) + 1), Job: s.ID, Answer: b.CID, Receipts: s.Receipts, At: s.Ended})
		}
	})
}

func (m *memory) Job(_ context.Context, id string) (httpapi.Status, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if j := m.jobs[id]; j != nil {
		return j.Status, nil
	}
	return httpapi.Status{}, httpapi.ErrNoJob
}

func (m *memory) Cancel(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.jobs[id]
	switch {
	case j == nil:
		return httpapi.ErrNoJob
	case j.State.Final():
		return httpapi.ErrEnded
	}
	j.State, j.Ended = httpapi.Cancelled, time.Now()
	j.cancel()
	m.told(j)
	return nil
}

func (m *memory) List(_ context.Context, after string, limit int) (page []httpapi.Status, next string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := len(m.order)
	if after != "" {
		if _, err := fmt.Sscanf(after, "%d", &from); err != nil || from < 0 || from > len(m.order) {
			return nil, "", httpapi.ErrCursor
		}
	}
	for i := from - 1; i >= 0; i-- {
		if len(page) == limit {
			return page, fmt.Sprint(i + 1), nil
		}
		page = append(page, m.jobs[m.order[i]].Status)
	}
	return page, "", nil
}

func (m *memory) Watch(ctx context.Context, id string, after uint64, f func(httpapi.Event) error) error {
	for {
		m.mu.Lock()
		j, change := m.jobs[id], m.change
		var e httpapi.Event
		if j != nil {
			e = httpapi.Event{Seq: j.seq, Status: j.Status}
		}
		m.mu.Unlock()
		if j == nil {
			return httpapi.ErrNoJob
		}
		if e.Seq > after || e.State.Final() {
			if err := f(e); err != nil || e.State.Final() {
				return err
			}
			after = e.Seq
		}
		select {
		case <-change:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *memory) Feed(ctx context.Context, after uint64, f func(httpapi.Issued) error) error {
	for {
		m.mu.Lock()
		feed, change := m.feed, m.change
		m.mu.Unlock()
		for _, i := range feed {
			if i.Seq <= after {
				continue
			}
			if err := f(i); err != nil {
				return err
			}
			after = i.Seq
		}
		select {
		case <-change:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
