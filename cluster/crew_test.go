package cluster_test

import (
	"bytes"
	"context"
	"log/slog"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/cluster"
)

// TestCrew: workers answer a roll call with what they do and how busy they are, and are gone when they have ended.
func TestCrew(t *testing.T) {
	e := open(t, t.TempDir())
	posts := func() (out [][]cluster.Post) {
		t.Helper()
		all, err := e.Crew(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if m.Host == "" || time.Since(m.Since) > time.Minute || time.Since(m.Since) < -time.Second {
				t.Errorf("a worker %q since %v", m.Host, m.Since)
			}
			out = append(out, m.Posts)
		}
		return out
	}
	// want is what the crew comes to within a while.
	want := func(want ...[]cluster.Post) {
		t.Helper()
		var got [][]cluster.Post
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
			if got = posts(); reflect.DeepEqual(got, want) {
				return
			}
		}
		t.Errorf("the crew is %+v, not %+v", got, want)
	}
	want()
	started, release := make(chan struct{}), make(chan struct{})
	handler := func(context.Context, *cluster.Work) (cluster.Outcome, error) {
		started <- struct{}{}
		<-release
		return cluster.Outcome{}, nil
	}
	work(t, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"check": handler, "execute": handler}, Slots: map[string]int{"execute": 3}})
	want([]cluster.Post{{Class: "check", Slots: 1}, {Class: "execute", Slots: 3}})
	for _, n := range []string{"1", "2"} {
		if _, err := e.Submit(t.Context(), cluster.Job{Class: "execute", Mode: "test", Subject: block.Raw([]byte(n)).CID}); err != nil {
			t.Fatal(err)
		}
		<-started
	}
	want([]cluster.Post{{Class: "check", Slots: 1}, {Class: "execute", Slots: 3, Busy: 2}})
	close(release)
	want([]cluster.Post{{Class: "check", Slots: 1}, {Class: "execute", Slots: 3}})
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		left <- e.Work(ctx, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"prove": handler}})
	}()
	want([]cluster.Post{{Class: "check", Slots: 1}, {Class: "execute", Slots: 3}}, []cluster.Post{{Class: "prove", Slots: 1}})
	leave()
	if err := <-left; err != nil {
		t.Error(err)
	}
	want([]cluster.Post{{Class: "check", Slots: 1}, {Class: "execute", Slots: 3}})
}

// strange counts the lines of a log about workers that nobody can understand.
type strange struct{ lines atomic.Int64 }

func (s *strange) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("nobody can understand")) {
		s.lines.Add(1)
	}
	return len(line), nil
}

// TestCrewHecklers: whoever answers a roll call with too much, too often or nonsense is left out, in a bounded time and with one line in the log.
func TestCrewHecklers(t *testing.T) {
	var log strange
	e, err := cluster.Open(t.Context(), cluster.Config{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	for name, c := range map[string]struct {
		posts, answers, most int
		lines                int64
	}{
		"noise":           {0, 5000, 0, 1},
		"large":           {20_000, 20, 0, 1},
		"many":            {1, 5000, 1000, 0},
		"one like others": {1, 1, 1, 0},
	} {
		before := log.lines.Load()
		stop, err := e.Heckle(c.posts, c.answers)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		all, err := e.Crew(t.Context())
		if took := time.Since(began); err != nil || took > 5*time.Second || len(all) > c.most {
			t.Errorf("%s: %d workers in %v: %v", name, len(all), took, err)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if n := log.lines.Load() - before; n != c.lines {
			t.Errorf("%s: %d lines in the log", name, n)
		}
	}
}
