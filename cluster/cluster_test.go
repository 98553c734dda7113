package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/store"
)

// Both are promised to those who take a store.
var (
	_ store.Blocks  = (*cluster.Engine)(nil)
	_ store.Records = (*cluster.Engine)(nil)
)

func open(t testing.TB, dir string) *cluster.Engine {
	t.Helper()
	e, err := cluster.Open(t.Context(), cluster.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// work runs a worker until the test or stop ends it.
func work(t testing.TB, e *cluster.Engine, cfg cluster.WorkerConfig) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Work(ctx, cfg) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func job(n int) cluster.Job {
	return cluster.Job{Class: "execute", Mode: "test", Subject: block.Raw([]byte("subject")).CID, Params: fmt.Append(nil, n)}
}

func submit(t testing.TB, e *cluster.Engine, j cluster.Job, blocks ...block.Block) cluster.Status {
	t.Helper()
	s, err := e.Submit(t.Context(), j, blocks...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ended waits for a job's end.
func ended(t testing.TB, e *cluster.Engine, id cluster.ID) (last cluster.Status) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := e.Watch(ctx, id, 0, func(ev cluster.Event) error {
		last = ev.Status
		return nil
	})
	if err != nil {
		t.Fatalf("watch %s: %v (it is %s)", id, err, last.State)
	}
	return last
}

// echo yields a block that says which job it was about, and a receipt of the same kind.
func echo(e *cluster.Engine) cluster.Handler {
	return func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
		b := block.Raw([]byte("result of " + string(w.ID)))
		r := block.Raw([]byte("receipt of " + string(w.ID)))
		w.Report(cluster.Progress{Stage: "echo", Done: 1, Total: 2}, "half of it")
		err := errors.Join(e.Put(ctx, b), e.Put(ctx, r))
		return cluster.Outcome{Result: b.CID, Receipts: cidsOf(r)}, err
	}
}

func TestJob(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "engine")
	e := open(t, dir)
	input := block.Raw([]byte("input"))
	costs := meter(t, e)
	s := submit(t, e, job(1), input)
	if s.State != cluster.Queued || s.Attempt != 1 || s.Accepted.IsZero() {
		t.Fatalf("submitted: %+v", s)
	}
	again := submit(t, e, job(1), input)
	if again.ID != s.ID || again.State != cluster.Queued {
		t.Fatalf("submitted again: %+v", again)
	}
	costs("an accepted job", 1)
	var calls atomic.Int32
	stop := work(t, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
		calls.Add(1)
		if b, err := e.Get(ctx, input.CID); err != nil || string(b.Data) != "input" {
			t.Errorf("the job's own block: %q, %v", b.Data, err)
		}
		return echo(e)(ctx, w)
	}}})
	last := ended(t, e, s.ID)
	if last.State != cluster.Done || !last.Result.Defined() || len(last.Receipts) != 1 || last.Ended.Before(last.Started) || last.Started.Before(last.Accepted) {
		t.Fatalf("ended: %+v", last)
	}
	costs("a finished job", 1)
	if done := submit(t, e, job(1), input); done.State != cluster.Done || calls.Load() != 1 {
		t.Errorf("a job that is done: %+v, %d calls", done, calls.Load())
	}
	costs("a job that is done", 0)
	stop()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, dir) // everything is still there
	for _, c := range append(last.Receipts, last.Result, input.CID) {
		if b, err := e.Get(t.Context(), c); err != nil || block.Check(c, b.Data) != nil {
			t.Errorf("block %s: %v", c, err)
		}
	}
	if got, err := e.Job(t.Context(), s.ID); err != nil || got.State != cluster.Done || got.Result != last.Result {
		t.Errorf("after a restart: %+v, %v", got, err)
	}
}

func cidsOf(bs ...block.Block) (out []cid.Cid) {
	for _, b := range bs {
		out = append(out, b.CID)
	}
	return out
}
