package runtime_test

import (
	"context"
	"errors"
	gort "runtime"
	"sync"
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/runtime"
)

// endless are the guests of hostile.wat that run for ever.
var endless = []struct {
	fun    string
	params []link.Kind
	args   []uint64
	result []link.Kind
}{
	{"spin", nil, nil, nil},
	{"spin_params", nil, nil, []link.Kind{link.I32}},
	{"spin_table", nil, nil, nil},
	{"twice", []link.Kind{link.I32}, []uint64{60}, nil},
	{"indirect_twice", []link.Kind{link.I32}, []uint64{60}, []link.Kind{link.I32}},
	{"fills", nil, nil, nil},
}

// TestContextStopsEndlessGuests gives every endless guest a deadline, on one processor, while the garbage collector is called for, which cannot
// interrupt native code by itself.
func TestContextStopsEndlessGuests(t *testing.T) {
	e := newEngine(t, runtime.Config{})
	m := linktest.Wat(t, "testdata/hostile.wat", *update)
	defer gort.GOMAXPROCS(gort.GOMAXPROCS(1))
	for _, g := range endless {
		t.Run(g.fun, func(t *testing.T) {
			l := mustLink(t, m, link.Entry{Func: g.fun, Params: g.params, Results: g.result})
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			collected := make(chan struct{})
			go func() {
				gort.GC()
				close(collected)
			}()
			begin := time.Now()
			r, err := e.Run(ctx, l, params(g.args...), link.Limits{Fuel: plenty, Memory: 1024})
			if !errors.Is(err, context.DeadlineExceeded) || r.Outcome.Kind != "" {
				t.Fatalf("%+v, %v", r, err)
			}
			if d := time.Since(begin); d > 2*time.Second {
				t.Errorf("stopped after %v", d)
			}
			<-collected
		})
	}
}

func TestCancel(t *testing.T) {
	e := newEngine(t, runtime.Config{})
	l := mustLink(t, linktest.Wat(t, "testdata/hostile.wat", *update), link.Entry{Func: "spin"})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if r, err := e.Run(ctx, l, params(), link.Limits{Fuel: 1 << 63, Memory: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := e.Run(ctx, l, params(), link.Limits{Fuel: 1, Memory: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that was cancelled before it began: %+v, %v", r, err)
	}
}

func TestHostile(t *testing.T) {
	e := newEngine(t, runtime.Config{})
	m := linktest.Wat(t, "testdata/hostile.wat", *update)
	for _, c := range []struct {
		fun    string
		params []link.Kind
		args   []uint64
		result []link.Kind
		lim    link.Limits
		want   link.OutcomeKind
	}{
		{"forever", nil, nil, nil, link.Limits{Fuel: plenty}, link.TooDeep},
		{"indirect_forever", []link.Kind{link.I32}, []uint64{1 << 30}, []link.Kind{link.I32}, link.Limits{Fuel: plenty}, link.TooDeep},
		{"bomb", nil, nil, []link.Kind{link.I32}, link.Limits{Fuel: plenty, Memory: 1024, Output: 8}, link.OK},
		{"flood", nil, nil, nil, link.Limits{Fuel: plenty, Memory: 2, Output: link.DefaultOutput}, link.OutputFull},
	} {
		t.Run(c.fun, func(t *testing.T) {
			l := mustLink(t, m, link.Entry{Func: c.fun, Params: c.params, Results: c.result})
			if c.lim.Memory == 0 {
				c.lim.Memory = 1
			}
			r, err := e.Run(t.Context(), l, params(c.args...), c.lim)
			if err != nil {
				t.Fatal(err)
			}
			if r.Outcome.Kind != c.want {
				t.Errorf("outcome %+v, want %s", r.Outcome, c.want)
			}
			if c.fun == "bomb" && string(r.Streams[link.OutResult]) != string(words(1024)) {
				t.Errorf("%x pages", r.Streams[link.OutResult])
			}
			if c.fun == "flood" && len(r.Streams[link.OutStdout]) != link.DefaultOutput {
				t.Errorf("%d bytes written", len(r.Streams[link.OutStdout]))
			}
		})
	}
}

// TestLargeShapes runs modules that are large in one dimension, each within the profile.
func TestLargeShapes(t *testing.T) {
	e := newEngine(t, runtime.Config{})
	for _, c := range linktest.Hostile() {
		t.Run(c.Name, func(t *testing.T) {
			begin := time.Now()
			l := mustLink(t, c.Module, link.Entry{Func: "f"})
			r, err := e.Run(t.Context(), l, params(), link.Limits{Fuel: plenty})
			if err != nil {
				t.Fatal(err)
			}
			if r.Outcome.Kind != c.Want {
				t.Errorf("outcome %+v, want %s", r.Outcome, c.Want)
			}
			t.Logf("%v, %d bytes linked", time.Since(begin).Round(time.Millisecond), len(l.Bytes))
		})
	}
}

// TestConcurrentRuns runs several tasks at once, some of them stopped, with room for one idle module only.
func TestConcurrentRuns(t *testing.T) {
	e := newEngine(t, runtime.Config{Modules: 1, CacheDir: t.TempDir()})
	m := linktest.Wat(t, "testdata/outcomes.wat", *update)
	add := mustLink(t, m, link.Entry{Func: "add", Params: []link.Kind{link.I32, link.I32}, Results: []link.Kind{link.I32}})
	down := mustLink(t, m, link.Entry{Func: "down", Params: []link.Kind{link.I32}, Results: []link.Kind{link.I32}})
	spin := mustLink(t, m, link.Entry{Func: "spin"})
	var wg sync.WaitGroup
	for i := range uint64(64) {
		wg.Go(func() {
			switch i % 4 {
			case 0, 1:
				r, err := e.Run(t.Context(), add, params(i, 1), link.Limits{Fuel: plenty, Memory: 1, Output: 8})
				if err != nil || string(r.Streams[link.OutResult]) != string(words(i+1)) {
					t.Errorf("%d + 1: %+v, %v", i, r, err)
				}
			case 2:
				r, err := e.Run(t.Context(), down, params(i), link.Limits{Fuel: plenty, Memory: 1, Output: 8})
				if err != nil || string(r.Streams[link.OutResult]) != string(words(i)) {
					t.Errorf("down %d: %+v, %v", i, r, err)
				}
			case 3:
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Millisecond/4)
				defer cancel()
				if r, err := e.Run(ctx, spin, params(), link.Limits{Fuel: 1 << 62, Memory: 1}); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("spin: %+v, %v", r, err)
				}
			}
		})
	}
	wg.Wait()
}
