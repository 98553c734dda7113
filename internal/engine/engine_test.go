package engine_test

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/wasm"
)

var limits = link.Limits{Fuel: 1 << 40, Memory: 16, Output: 1 << 10}

// fib is a sample linked for fib(n), which takes about 1.6ⁿ calls.
func fib(t testing.TB) *link.Linked {
	t.Helper()
	b, err := guests.Module("fib")
	if err != nil {
		t.Fatal(err)
	}
	return linked(t, linktest.Parse(t, b), link.Entry{Func: "fib", Params: []link.Kind{link.I32}, Results: []link.Kind{link.I64}})
}

func linked(t testing.TB, m *wasm.Module, e link.Entry) *link.Linked {
	t.Helper()
	l, err := link.Link(m, e)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func number(n uint64) [][]byte {
	s := make([][]byte, link.StreamParam, link.StreamParam+1)
	s[link.StreamConfig] = make([]byte, 16)
	return append(s, binary.LittleEndian.AppendUint64(nil, n))
}

func open(t testing.TB, dir string) *runtime.Engine {
	t.Helper()
	if !runtime.Supported() {
		t.Skip("wazero has no compiler here")
	}
	e, err := runtime.New(t.Context(), runtime.Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func serve(t testing.TB, s evaluate.Server, l *link.Linked, n uint64) evaluate.Served {
	t.Helper()
	r, err := s.Serve(t.Context(), l, number(n), limits)
	if err != nil || r.Outcome.Kind != link.OK {
		t.Fatalf("fib(%d): %+v, %v", n, r, err)
	}
	return r
}

// TestShortRunsAreNotCompiled checks who serves: the machine what is short and not compiled, the native engine what is long, and all that is compiled,
// by this process or an earlier one. The result is the same.
func TestShortRunsAreNotCompiled(t *testing.T) {
	dir := t.TempDir()
	l := fib(t)
	n := engine.NewNative(open(t, dir))
	short := serve(t, n, l, 5)
	if short.Engine != engine.NameMachine || short.Steps == 0 {
		t.Errorf("a short run was served by %s in %d steps", short.Engine, short.Steps)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*", "*")); err != nil || len(files) > 0 {
		t.Errorf("a short run left %v (%v)", files, err)
	}
	long := serve(t, n, l, 27)
	if long.Engine != engine.NameNative || long.Steps != 0 {
		t.Errorf("a long run was served by %s in %d steps", long.Engine, long.Steps)
	}
	if again := serve(t, n, l, 5); again.Engine != engine.NameNative || cmp.Diff(short.Result, again.Result) != "" {
		t.Errorf("what is compiled was served by %s; results (-machine +native):\n%s", again.Engine, cmp.Diff(short.Result, again.Result))
	}
	later := engine.NewNative(open(t, dir))
	if r := serve(t, later, l, 5); r.Engine != engine.NameNative {
		t.Errorf("what is compiled on disk was served by %s", r.Engine)
	}
	if err := os.RemoveAll(filepath.Join(dir, "linked")); err != nil {
		t.Fatal(err)
	}
	if r := serve(t, engine.NewNative(open(t, dir)), l, 5); r.Engine != engine.NameMachine {
		t.Errorf("without the note of it, what is compiled on disk was served by %s", r.Engine)
	}
	var m engine.Machine
	if r := serve(t, &m, l, 27); r.Engine != engine.NameMachine || r.Steps == 0 || cmp.Diff(r.Result, long.Result) != "" {
		t.Errorf("%s; results (-machine +native):\n%s", r.Engine, cmp.Diff(r.Result, long.Result))
	}
}

// TestRentIsSummed checks that many short runs of one module lead to its compilation, when together they have taken what that takes.
func TestRentIsSummed(t *testing.T) {
	n := engine.NewNative(open(t, ""))
	l := fib(t)
	steps, last := uint64(0), uint64(0)
	for range 1000 {
		r := serve(t, n, l, 15)
		if r.Engine == engine.NameNative {
			break
		}
		steps, last = steps+r.Steps, r.Steps
	}
	if most := uint64(160_000 + 80*len(l.Bytes)); steps > most || steps+last < most {
		t.Errorf("compiled after %d steps in runs of %d, want %d", steps, last, most)
	}
}

// TestStopped checks that a context that ends is an error, on the machine too, and is not taken for a run that is too long.
func TestStopped(t *testing.T) {
	n := engine.NewNative(open(t, ""))
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if _, err := n.Serve(ctx, fib(t), number(5), limits); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := n.Run(ctx, fib(t), number(60), limits); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// modules are n modules that differ, each the fib sample with another custom section's worth of a function: f(x) = x + i.
func modules(b *testing.B, n int) (all []*link.Linked) {
	for i := range n {
		var code []byte
		for _, in := range []wasm.Instr{{Op: wasm.OpLocalGet}, {Op: wasm.OpI32Const, Const: uint64(i)}, {Op: wasm.OpI32Add}, {Op: wasm.OpEnd}} {
			code = wasm.AppendInstr(code, in)
		}
		i32 := []wasm.ValueType{wasm.I32}
		m := &wasm.Module{Types: []wasm.FuncType{{Params: i32, Results: i32}}, Funcs: []uint32{0}, Code: []wasm.Code{{Body: code}},
			Exports: []wasm.Export{{Name: "f", Kind: wasm.ExternFunc}}}
		if err := wasm.Validate(m); err != nil {
			b.Fatal(err)
		}
		all = append(all, linked(b, m, link.Entry{Func: "f", Params: []link.Kind{link.I32}, Results: []link.Kind{link.I32}}))
	}
	return all
}

// alone is the native engine without the rule.
type alone struct{ *runtime.Engine }

func (a alone) Serve(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits) (evaluate.Served, error) {
	r, err := a.Run(ctx, l, streams, lim)
	return evaluate.Served{Result: r, Engine: engine.NameNative}, err
}

// BenchmarkCold measures what has never run before: 1,000 trivial tasks of 1,000 modules, and one long task, with an empty cache; natively at once, and
// by the rule. Times are of a whole pass.
func BenchmarkCold(b *testing.B) {
	small := modules(b, 1000)
	long := fib(b)
	for _, w := range []struct {
		name  string
		rule  bool
		tasks []*link.Linked
		arg   uint64
	}{
		{"1000 modules/compiled at once", false, small, 1}, {"1000 modules/by the rule", true, small, 1},
		{"fib 38/compiled at once", false, []*link.Linked{long}, 38}, {"fib 38/by the rule", true, []*link.Linked{long}, 38},
	} {
		b.Run(w.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				e := open(b, b.TempDir())
				var s evaluate.Server = alone{e}
				if w.rule {
					s = engine.NewNative(e)
				}
				b.StartTimer()
				for _, l := range w.tasks {
					serve(b, s, l, w.arg)
				}
			}
		})
	}
}
