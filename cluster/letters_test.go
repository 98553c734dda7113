package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/cluster"
)

func letters(t testing.TB, e *cluster.Engine) (out []cluster.Letter) {
	t.Helper()
	err := e.Letters(t.Context(), func(l cluster.Letter) error {
		out = append(out, l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLetters gives a job up, reads its letter and submits it again with more luck.
func TestLetters(t *testing.T) {
	tests := map[string]struct {
		err   error
		tries int32
	}{
		"tried often": {errors.New("no luck"), 3},
		"hopeless":    {fmt.Errorf("no luck: %w", cluster.ErrPermanent), 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := open(t, t.TempDir())
			var calls atomic.Int32
			var luck atomic.Bool
			work(t, e, cluster.WorkerConfig{MaxTries: 3, Backoff: time.Millisecond, Handlers: map[string]cluster.Handler{"execute": func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
				calls.Add(1)
				if !luck.Load() {
					return cluster.Outcome{}, tt.err
				}
				if b, err := e.Get(ctx, block.Raw([]byte("input")).CID); err != nil || len(b.Data) == 0 {
					t.Errorf("what the job came with is lost: %v", err)
				}
				return echo(e)(ctx, w)
			}}})
			id := submit(t, e, job(1), block.Raw([]byte("input"))).ID
			last := ended(t, e, id)
			if last.State != cluster.Failed || !strings.Contains(last.Error, "no luck") || calls.Load() != tt.tries {
				t.Fatalf("%d calls, ended %+v", calls.Load(), last)
			}
			got := letters(t, e)
			if len(got) != 1 || got[0].ID != id || got[0].Tries != int(tt.tries) || got[0].Job.Mode != "test" || !strings.Contains(got[0].Error, "no luck") {
				t.Fatalf("letters: %+v", got)
			}
			luck.Store(true)
			if s, err := e.Requeue(t.Context(), id); err != nil || s.State != cluster.Queued || s.Attempt != 2 {
				t.Fatalf("requeued: %+v, %v", s, err)
			}
			if last = ended(t, e, id); last.State != cluster.Done || last.Attempt != 2 {
				t.Errorf("ended: %+v", last)
			}
			if got := letters(t, e); len(got) != 0 {
				t.Errorf("letters that are left: %+v", got)
			}
			if _, err := e.Requeue(t.Context(), id); !errors.Is(err, cluster.ErrNotFound) {
				t.Errorf("requeued once more: %v", err)
			}
		})
	}
}

// TestAgain submits a job that fails at once again and again: nobody is ever told of an earlier attempt's end as if it were that of the one submitted,
// and each attempt leaves its letter, however soon it fails.
func TestAgain(t *testing.T) {
	e := open(t, t.TempDir())
	work(t, e, cluster.WorkerConfig{MaxTries: 1, Handlers: map[string]cluster.Handler{"execute": func(context.Context, *cluster.Work) (cluster.Outcome, error) {
		return cluster.Outcome{}, cluster.ErrPermanent
	}}})
	for n := 1; n <= 1000; n++ {
		s := submit(t, e, job(1))
		if last := ended(t, e, s.ID); s.Attempt != n || last.Attempt != n || last.State != cluster.Failed {
			t.Fatalf("attempt %d: submitted as %d, ended %+v", n, s.Attempt, last)
		}
		if got := letters(t, e); len(got) != 1 || got[0].Attempt != n {
			t.Fatalf("attempt %d: letters: %+v", n, got)
		}
	}
}

// TestVainLetter has letters whose jobs did not end as they say: each job is read and submitted again by its last end alone.
func TestVainLetter(t *testing.T) {
	e := open(t, t.TempDir())
	bury := func(attempt int, cause string) {
		t.Helper()
		if err := e.Bury(t.Context(), job(1), attempt, errors.New(cause)); err != nil {
			t.Fatal(err)
		}
	}
	none := func(what string) {
		t.Helper()
		if got := letters(t, e); len(got) != 0 {
			t.Errorf("%s: letters: %+v", what, got)
		}
		if s, err := e.Requeue(t.Context(), mustID(t, job(1))); !errors.Is(err, cluster.ErrNotFound) {
			t.Errorf("%s: requeued: %+v, %v", what, s, err)
		}
	}
	bury(1, "nobody submitted it")
	none("a job that is not there")
	id := submit(t, e, job(1)).ID
	none("a job in the queue")
	var luck atomic.Bool
	work(t, e, cluster.WorkerConfig{MaxTries: 1, Handlers: map[string]cluster.Handler{"execute": func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
		if luck.Load() {
			return echo(e)(ctx, w)
		}
		return cluster.Outcome{}, errors.New("no luck")
	}}})
	for attempt := 1; attempt <= 2; attempt++ {
		if last := ended(t, e, id); last.State != cluster.Failed || last.Attempt != attempt {
			t.Fatalf("ended: %+v", last)
		}
		bury(attempt-1, "too late")
		if got := letters(t, e); len(got) != 1 || got[0].Attempt != attempt || got[0].Error != "no luck" {
			t.Fatalf("attempt %d: letters: %+v", attempt, got)
		}
		luck.Store(attempt == 2)
		if _, err := e.Requeue(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if last := ended(t, e, id); last.State != cluster.Done {
		t.Fatalf("ended: %+v", last)
	}
	bury(3, "killed before the end, which somebody else wrote")
	none("a job that is done")
}

// TestPanic has a handler that panics: the job fails and says where, the worker goes on.
func TestPanic(t *testing.T) {
	e := open(t, t.TempDir())
	work(t, e, cluster.WorkerConfig{MaxTries: 1, Handlers: map[string]cluster.Handler{"execute": func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
		if string(w.Job.Params) == "1" {
			panic("ouch")
		}
		return echo(e)(ctx, w)
	}}})
	if last := ended(t, e, submit(t, e, job(1)).ID); last.State != cluster.Failed || !strings.Contains(last.Error, "panicked: ouch") {
		t.Errorf("ended: %+v", last)
	}
	if last := ended(t, e, submit(t, e, job(2)).ID); last.State != cluster.Done {
		t.Errorf("ended: %+v", last)
	}
}

func TestCancel(t *testing.T) {
	e := open(t, t.TempDir())
	if err := e.Cancel(t.Context(), mustID(t, job(1))); !errors.Is(err, cluster.ErrNotFound) {
		t.Errorf("a job that nobody submitted: %v", err)
	}
	// In the queue: it never runs.
	queued := submit(t, e, job(1), block.Raw([]byte("input"))).ID
	if err := e.Cancel(t.Context(), queued); err != nil {
		t.Fatal(err)
	}
	if s, err := e.Job(t.Context(), queued); err != nil || s.State != cluster.Cancelled {
		t.Errorf("cancelled in the queue: %+v, %v", s, err)
	}
	if err := e.Cancel(t.Context(), queued); !errors.Is(err, cluster.ErrEnded) {
		t.Errorf("cancelled twice: %v", err)
	}
	// On its way: it stops.
	started, stopped := make(chan struct{}), make(chan error, 1)
	var ran []string
	work(t, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
		ran = append(ran, string(w.Job.Params))
		if len(ran) == 1 {
			close(started)
			<-ctx.Done()
			stopped <- context.Cause(ctx)
			return cluster.Outcome{}, ctx.Err()
		}
		return echo(e)(ctx, w)
	}}})
	running := submit(t, e, job(2)).ID
	<-started
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		s, err := e.Job(t.Context(), running)
		if err == nil && s.State == cluster.Running && !s.Started.IsZero() {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("on its way: %+v, %v", s, err)
		}
	}
	if err := e.Cancel(t.Context(), running); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-stopped:
		if !errors.Is(err, cluster.ErrEnded) {
			t.Errorf("the handler was stopped by %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the handler was not stopped")
	}
	if last := ended(t, e, running); last.State != cluster.Cancelled {
		t.Errorf("ended: %+v", last)
	}
	// Submitted again, it runs.
	if s := submit(t, e, job(1)); s.Attempt != 2 {
		t.Errorf("submitted again: %+v", s)
	}
	if last := ended(t, e, queued); last.State != cluster.Done || !slices.Equal(ran, []string{"2", "1"}) {
		t.Errorf("ended: %+v, ran %v", last, ran)
	}
	if err := e.Cancel(t.Context(), queued); !errors.Is(err, cluster.ErrEnded) {
		t.Errorf("cancelled when done: %v", err)
	}
	if b, err := e.Get(t.Context(), block.Raw([]byte("input")).CID); err != nil || string(b.Data) != "input" {
		t.Errorf("what the first attempt came with: %v", err)
	}
}

func mustID(t testing.TB, j cluster.Job) cluster.ID {
	t.Helper()
	id, err := j.ID()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestStopped stops the worker again and again while a job is on its way: that is no failure of the job.
func TestStopped(t *testing.T) {
	e := open(t, t.TempDir())
	id := submit(t, e, job(1)).ID
	for i := range 6 {
		reached := make(chan struct{})
		stop := work(t, e, cluster.WorkerConfig{MaxTries: 2, Handlers: map[string]cluster.Handler{"execute": func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
			close(reached)
			if i == 5 {
				return echo(e)(ctx, w)
			}
			<-ctx.Done()
			return cluster.Outcome{}, ctx.Err()
		}}})
		<-reached
		if i == 5 {
			break
		}
		stop()
	}
	if last := ended(t, e, id); last.State != cluster.Done {
		t.Errorf("ended: %+v", last)
	}
}

// TestGrace drains a worker: what is on its way ends, what waits stays.
func TestGrace(t *testing.T) {
	e := open(t, t.TempDir())
	reached, goOn := make(chan struct{}), make(chan struct{})
	stop := work(t, e, cluster.WorkerConfig{Grace: time.Minute, Handlers: map[string]cluster.Handler{"execute": func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
		close(reached) // a second time is a panic: the second job must not begin
		<-goOn
		return echo(e)(ctx, w)
	}}})
	first, second := submit(t, e, job(1)).ID, submit(t, e, job(2)).ID
	<-reached
	go func() {
		time.Sleep(50 * time.Millisecond) // while the worker drains
		close(goOn)
	}()
	stop()
	if s, err := e.Job(t.Context(), first); err != nil || s.State != cluster.Done {
		t.Errorf("the job that was on its way: %+v, %v", s, err)
	}
	if s, err := e.Job(t.Context(), second); err != nil || s.State != cluster.Queued {
		t.Errorf("the job that waited: %+v, %v", s, err)
	}
}

// TestCrashLoop has a job that nobody survives: it is given up at last.
func TestCrashLoop(t *testing.T) {
	dir := t.TempDir()
	e := open(t, dir)
	id := submit(t, e, job(1)).ID
	for range 5 { // each of these takes the job and is gone, as after a kill
		reached := make(chan struct{})
		stop := work(t, e, cluster.WorkerConfig{MaxTries: 1, Handlers: map[string]cluster.Handler{"execute": func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
			close(reached)
			<-ctx.Done()
			return cluster.Outcome{}, ctx.Err()
		}}})
		select {
		case <-reached:
		case <-time.After(5 * time.Second):
		}
		stop()
	}
	last, err := e.Job(t.Context(), id)
	if err != nil || last.State != cluster.Failed || !strings.Contains(last.Error, "never came to an end") {
		t.Errorf("ended: %+v, %v", last, err)
	}
	if got := letters(t, e); len(got) != 1 || got[0].Tries != 5 {
		t.Errorf("letters: %+v", got)
	}
}
