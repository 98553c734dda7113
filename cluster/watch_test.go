package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/cluster"
)

var errEnough = errors.New("enough")

// TestWatch follows a job that says four things, and takes the thread up again after each of them.
func TestWatch(t *testing.T) {
	e := open(t, t.TempDir())
	id := submit(t, e, job(1)).ID
	goOn := make(chan struct{})
	work(t, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
		<-goOn
		time.Sleep(50 * time.Millisecond) // of what ends sooner nothing is told but its end
		for i := range 4 {
			w.Report(cluster.Progress{Stage: fmt.Sprint("stage ", i), Done: 1, Total: 3}, fmt.Sprint("line ", i), strings.Repeat("x", 1000))
		}
		return echo(e)(ctx, w)
	}}})
	var all []cluster.Event
	close(goOn)
	if err := e.Watch(t.Context(), id, 0, func(ev cluster.Event) error {
		all = append(all, ev)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var stages []string
	for i, ev := range all {
		if i > 0 && ev.Seq <= all[i-1].Seq {
			t.Errorf("number %d comes after %d", ev.Seq, all[i-1].Seq)
		}
		if strings.HasPrefix(ev.Stage, "stage") && !slices.Contains(stages, ev.Stage) {
			stages = append(stages, ev.Stage)
		}
		if len(ev.Log) > cluster.MaxLog {
			t.Errorf("%d lines", len(ev.Log))
		}
		for _, l := range ev.Log {
			if len(l) > cluster.MaxLine {
				t.Errorf("a line of %d bytes", len(l))
			}
		}
	}
	if len(stages) != 4 || all[len(all)-1].State != cluster.Done {
		t.Fatalf("stages %v, then %+v", stages, all[len(all)-1])
	}
	if end := all[len(all)-1]; len(end.Log) != 9 || end.Log[0] != "line 0" {
		t.Errorf("the log is %q", end.Log)
	}
	// From any event on, the rest follows; from the job's end on nobody is left without it.
	for i, from := range all {
		var rest []uint64
		err := e.Watch(t.Context(), id, from.Seq, func(ev cluster.Event) error {
			rest = append(rest, ev.Seq)
			return nil
		})
		if err != nil || len(rest) == 0 || rest[0] <= from.Seq && i < len(all)-1 {
			t.Errorf("after event %d of %d: %v, %v", i, len(all), rest, err)
		}
	}
	if err := e.Watch(t.Context(), mustID(t, job(2)), 0, nil); !errors.Is(err, cluster.ErrNotFound) {
		t.Errorf("a job that nobody submitted: %v", err)
	}
}

// feed reads n entries of the receipt feed.
func feed(t testing.TB, e *cluster.Engine, after uint64, n int) (out []cluster.Issued) {
	t.Helper()
	return feedWithin(t, e, after, n, 20*time.Second)
}

func feedWithin(t testing.TB, e *cluster.Engine, after uint64, n int, limit time.Duration) (out []cluster.Issued) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	err := e.Feed(ctx, after, func(i cluster.Issued) error {
		if out = append(out, i); len(out) == n {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Fatalf("%d entries of %d, then %v", len(out), n, err)
	}
	return out
}

// TestFeed reads the receipt feed while jobs end, over a restart, and from every place.
func TestFeed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "engine")
	e := open(t, dir)
	stop := work(t, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": echo(e)}})
	const n = 20
	go func() {
		for i := range n / 2 {
			if _, err := e.Submit(context.Background(), job(i)); err != nil {
				t.Error(err)
			}
		}
	}()
	first := feed(t, e, 0, n/2)
	stop()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, dir)
	work(t, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": echo(e)}})
	for i := n / 2; i < n; i++ {
		submit(t, e, job(i))
	}
	all := feed(t, e, 0, n)
	jobs := map[cluster.ID]bool{}
	for i, entry := range all {
		jobs[entry.Job] = true
		if len(entry.Receipts) != 1 || i > 0 && entry.Seq <= all[i-1].Seq {
			t.Errorf("entry %d: %+v", i, entry)
		}
		if i < len(first) && (entry.Seq != first[i].Seq || entry.Job != first[i].Job) {
			t.Errorf("entry %d was %+v and is %+v", i, first[i], entry)
		}
		if i < n-1 {
			if rest := feed(t, e, entry.Seq, n-1-i); rest[0].Seq != all[i+1].Seq {
				t.Errorf("after entry %d comes %d, want %d", i, rest[0].Seq, all[i+1].Seq)
			}
		}
	}
	if len(jobs) != n {
		t.Errorf("%d jobs in the feed, want %d", len(jobs), n)
	}
}

// TestList pages through jobs that wait and jobs that have ended.
func TestList(t *testing.T) {
	e := open(t, t.TempDir())
	stop := work(t, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": echo(e)}})
	for i := range 7 {
		ended(t, e, submit(t, e, job(i)).ID)
	}
	stop()
	for i := 7; i < 12; i++ {
		submit(t, e, job(i))
	}
	want := []string{"7", "8", "9", "10", "11", "6", "5", "4", "3", "2", "1", "0"}
	for _, limit := range []int{1, 2, 5, 12, 100} {
		var got []string
		for cursor := ""; ; {
			page, next, err := e.List(t.Context(), cluster.ListConfig{Cursor: cursor, Limit: limit})
			if err != nil || len(page) > limit {
				t.Fatalf("page of %d: %v", len(page), err)
			}
			for _, s := range page {
				got = append(got, string(s.Job.Params))
			}
			if cursor = next; next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: %v, want %v", limit, got, want)
		}
	}
	done, _, err := e.List(t.Context(), cluster.ListConfig{State: cluster.Done})
	if err != nil || len(done) != 7 {
		t.Errorf("done: %d, %v", len(done), err)
	}
	none, next, err := e.List(t.Context(), cluster.ListConfig{Class: "prove"})
	if err != nil || len(none) != 0 || next != "" {
		t.Errorf("of another class: %d, %q, %v", len(none), next, err)
	}
	for _, bad := range []string{"x", "e", "e0", "q01", "qq q", "e-1", "q" + strings.Repeat("z", 20)} {
		if _, _, err := e.List(t.Context(), cluster.ListConfig{Cursor: bad}); !errors.Is(err, cluster.ErrInvalid) {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
}

// TestLateWord has a worker that speaks of an earlier attempt when the job has been submitted again: who watches is told of the new one alone.
func TestLateWord(t *testing.T) {
	e := open(t, t.TempDir())
	stop := work(t, e, cluster.WorkerConfig{MaxTries: 1, Handlers: map[string]cluster.Handler{"execute": func(context.Context, *cluster.Work) (cluster.Outcome, error) {
		return cluster.Outcome{}, cluster.ErrPermanent
	}}})
	id := submit(t, e, job(1)).ID
	ended(t, e, id)
	stop()
	submit(t, e, job(1))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var told []cluster.Status
	err := e.Watch(ctx, id, 0, func(ev cluster.Event) error {
		told = append(told, ev.Status)
		switch len(told) {
		case 1:
			e.TellLate(ctx, id, 1)
			e.TellLate(ctx, id, 2)
		case 2:
			work(t, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": echo(e)}})
		}
		return nil
	})
	if err != nil || len(told) < 3 || told[len(told)-1].State != cluster.Done {
		t.Errorf("told %+v, %v", told, err)
	}
	for _, s := range told {
		if s.Attempt != 2 {
			t.Errorf("told of attempt %d: %+v", s.Attempt, s)
		}
	}
}
