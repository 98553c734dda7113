package executor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/store"
)

// TestEffectNotDone tries an effect again after a failure that changed nothing, as often as it takes, and not once it was done.
func TestEffectNotDone(t *testing.T) {
	d, err := store.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, keep := range map[string]keeper{"memory": &store.Memory{}, "dir": d} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			b := newBench(t, keep, func(c *executor.Config) {
				c.Effects = map[string]executor.Effect{"/x": func(context.Context, string, datamodel.Node) (datamodel.Node, error) {
					if calls++; calls < 4 {
						return nil, fmt.Errorf("%w: try %d", executor.ErrNotDone, calls)
					}
					return datamodel.Null, nil
				}}
			})
			for i, want := range []string{"e=effect", "e=effect", "e=effect", "e=null", "e=null", "e=null"} {
				if got := outs(t, b.run(t, `"e": {"effect": {"cmd": "/x", "args": {}}}`)); got != want {
					t.Fatalf("run %d: %s, want %s", i, got, want)
				}
			}
			if calls != 4 {
				t.Errorf("%d calls", calls)
			}
		})
	}
}

// thoughtful is a store whose answers take a while to arrive.
type thoughtful struct{ keeper }

func (s thoughtful) Load(ctx context.Context, key string) ([]byte, error) {
	v, err := s.keeper.Load(ctx, key)
	time.Sleep(time.Second)
	return v, err
}

// TestEffectRace has many runs at once want an effect whose last attempt changed nothing, and all read that before any of
// them acts on it: one of them does it.
func TestEffectRace(t *testing.T) {
	calls := 0
	b := newBench(t, thoughtful{&store.Memory{}}, func(c *executor.Config) {
		c.Effects = map[string]executor.Effect{"/x": func(context.Context, string, datamodel.Node) (datamodel.Node, error) {
			if calls++; calls == 1 {
				return nil, executor.ErrNotDone
			}
			return datamodel.Null, nil
		}}
	})
	w := b.compile(t, `"e": {"effect": {"cmd": "/x", "args": {}}}`)
	synctest.Test(t, func(t *testing.T) {
		if _, err := b.Run(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		for range 8 {
			go func() {
				if _, err := b.Run(t.Context(), w); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		time.Sleep(time.Minute)
	})
	if calls != 2 {
		t.Errorf("the effect was done %d times", calls-1)
	}
}

// TestPostOnce breaks the connection of a second post after the request was read: the client must not send it again by
// itself, as Go's does for a request with an Idempotency-Key over a connection that worked before.
func TestPostOnce(t *testing.T) {
	var posts atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		if posts.Add(1) == 1 {
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}))
	defer srv.Close()
	b := newBench(t, &store.Memory{}, func(c *executor.Config) {
		c.Effects = map[string]executor.Effect{executor.CommandHTTPPost: executor.HTTPPost([]string{strings.TrimPrefix(srv.URL, "http://")})}
	})
	post := func(label string) string {
		return fmt.Sprintf(`%q: {"effect": {"cmd": "/http/post", "args": {"url": "%s/%s", "body": "x"}}}`, label, srv.URL, label)
	}
	r := b.run(t, post("first")+","+post("second"))
	if n := posts.Load(); n != 2 {
		t.Errorf("%d posts for two effects", n)
	}
	failed := r.Results[1].Receipt.Claim.Out.Error
	if failed == nil || !strings.Contains(*failed.Message, "effect/unknown") {
		t.Errorf("a post without an answer: %v", failed)
	}
}

// TestEffectsLast checks the order: effects start when every pure task has ended, and await each other.
func TestEffectsLast(t *testing.T) {
	var order []string
	var mu sync.Mutex
	b := newBench(t, &store.Memory{}, func(c *executor.Config) {
		c.Workers = 4
		c.Progress = func(e executor.Event) { mu.Lock(); order = append(order, e.Label); mu.Unlock() }
		c.Effects = map[string]executor.Effect{"/x": func(_ context.Context, _ string, args datamodel.Node) (datamodel.Node, error) {
			return args.LookupByString("v")
		}}
	})
	effect := func(label, v string) string {
		return fmt.Sprintf(`%q: {"effect": {"cmd": "/x", "args": {"v": %s}}}`, label, v)
	}
	tasks := []string{effect("y", `{"await/ok": "x"}`), effect("x", `{"await/ok": "sum"}`), call("sum", "add", `{"await/ok": "l"}, {"await/ok": "r"}`), call("l", "add", "1, 2"), call("r", "add", "3, 4")}
	if got := outs(t, b.run(t, strings.Join(tasks, ","))); got != "l=3 r=7 sum=10 x=10 y=10" {
		t.Error(got)
	}
	if got := strings.Join(order, " "); !strings.HasSuffix(got, "sum x y") {
		t.Errorf("order %s", got)
	}
}

// TestEffectCancelled cancels a run while an effect is done: what the world answered is recorded, and the effect is not done
// again. One that was cancelled before is not begun.
func TestEffectCancelled(t *testing.T) {
	keep := &store.Memory{}
	calls := 0
	ctx, cancel := context.WithCancel(t.Context())
	b := newBench(t, refusing{keep}, func(c *executor.Config) {
		c.Effects = map[string]executor.Effect{"/x": func(context.Context, string, datamodel.Node) (datamodel.Node, error) {
			calls++
			cancel()
			return datamodel.Null, nil
		}}
	})
	w := b.compile(t, `"e": {"effect": {"cmd": "/x", "args": {}}}, "f": {"effect": {"cmd": "/x", "args": {"again": true}}}`)
	if _, err := b.Run(ctx, w); !errors.Is(err, context.Canceled) {
		t.Fatalf("a run that was cancelled: %v", err)
	}
	if calls != 1 {
		t.Fatalf("%d effects were begun", calls)
	}
	if got := outs(t, b.run(t, `"e": {"effect": {"cmd": "/x", "args": {}}}, "f": {"effect": {"cmd": "/x", "args": {"again": true}}}`)); got != "e=null f=null" || calls != 2 {
		t.Errorf("then %s, %d calls", got, calls)
	}
}

// refusing is a store that does nothing for a caller who has given up, as one behind a network would.
type refusing struct{ keeper }

func (s refusing) Set(ctx context.Context, key string, value []byte) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.keeper.Set(ctx, key, value)
}

func (s refusing) Put(ctx context.Context, b block.Block) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.keeper.Put(ctx, b)
}
