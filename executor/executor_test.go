package executor_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/internal/secrets"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/wasm"
	"github.com/trilemma-dev/trilemma/workflow"
)

// arithmetic exports add, div and forever.
func arithmetic() []byte {
	body := func(ins ...wasm.Instr) (b []byte) {
		for _, in := range append(ins, wasm.Instr{Op: wasm.OpEnd}) {
			b = wasm.AppendInstr(b, in)
		}
		return b
	}
	get := func(i uint32) wasm.Instr { return wasm.Instr{Op: wasm.OpLocalGet, Index: i} }
	binary := wasm.FuncType{Params: []wasm.ValueType{wasm.I32, wasm.I32}, Results: []wasm.ValueType{wasm.I32}}
	m := &wasm.Module{
		Types: []wasm.FuncType{binary, {}},
		Funcs: []uint32{0, 0, 1},
		Code: []wasm.Code{
			{Body: body(get(0), get(1), wasm.Instr{Op: wasm.OpI32Add})},
			{Body: body(get(0), get(1), wasm.Instr{Op: wasm.OpI32DivS})},
			{Body: body(wasm.Instr{Op: wasm.OpLoop, Block: wasm.BlockEmpty}, wasm.Instr{Op: wasm.OpBr}, wasm.Instr{Op: wasm.OpEnd})},
		},
		Exports: []wasm.Export{{Name: "add", Index: 0}, {Name: "div", Index: 1}, {Name: "forever", Index: 2}},
	}
	return m.Encode()
}

// counting counts the runs that reach the engine.
type counting struct {
	*runtime.Engine
	runs atomic.Int32
}

func (c *counting) Run(ctx context.Context, l *link.Linked, s [][]byte, lim link.Limits) (link.Result, error) {
	c.runs.Add(1)
	return c.Engine.Run(ctx, l, s, lim)
}

type keeper interface {
	store.Blocks
	store.Records
	store.Memo
}

// bench is an executor with its surroundings.
type bench struct {
	*executor.Executor
	engine  *counting
	key     *capability.Key
	secrets *secrets.Set
}

func newBench(t testing.TB, keep keeper, edit func(*executor.Config)) *bench {
	t.Helper()
	engine, err := runtime.New(t.Context(), runtime.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	key, err := capability.KeyFromSeed(bytes.Repeat([]byte{3}, 32))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{engine: &counting{Engine: engine}, key: key, secrets: secrets.New(rand.Reader)}
	cfg := executor.Config{Signer: key, Runner: b.engine, Engine: "native", Blocks: keep, Records: keep, Memo: keep, Secrets: b.secrets}
	if edit != nil {
		edit(&cfg)
	}
	if b.Executor, err = executor.New(cfg); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) compile(t testing.TB, tasks string) *workflow.Workflow {
	t.Helper()
	d, err := workflow.Parse("w.json", []byte(`{"trilemma": "workflow/1", "tasks": {`+tasks+`}}`))
	if err != nil {
		t.Fatal(err)
	}
	w, err := workflow.Compile(d, workflow.Config{Sub: b.key.DID(), Seal: b.secrets.Hide, Profile: link.Profile, Fuel: 1_000_000, Memory: 16, Output: 1000,
		ReadFile: func(name string) ([]byte, error) {
			if name != "m.wasm" {
				return nil, fs.ErrNotExist
			}
			return arithmetic(), nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (b *bench) run(t testing.TB, tasks string) *executor.Run {
	t.Helper()
	r, err := b.Run(t.Context(), b.compile(t, tasks))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// outs shows every task's result in one line.
func outs(t testing.TB, r *executor.Run) string {
	t.Helper()
	var parts []string
	for _, res := range r.Results {
		out := res.Receipt.Claim.Out
		s := ""
		if out.Ok != nil {
			b, err := block.EncodeJSON(*out.Ok)
			if err != nil {
				t.Fatal(err)
			}
			s = string(b)
		} else if s = out.Error.Kind; out.Error.Trap != nil {
			s += "(" + *out.Error.Trap + ")"
		}
		parts = append(parts, res.Task.Label+"="+s)
	}
	return strings.Join(parts, " ")
}

func call(label, fun, params string) string {
	return fmt.Sprintf(`%q: {"run": {"mod": "m.wasm", "fun": %q, "params": [%s]}}`, label, fun, params)
}

func TestRun(t *testing.T) {
	tests := []struct{ name, tasks, want string }{
		{"one", call("a", "add", "1, 2"), "a=3 ok"},
		{"chain", call("c", "add", `{"await/ok": "b"}, 100`) + "," + call("a", "add", "1, 2") + "," + call("b", "add", `{"await/ok": "a"}, {"await/ok": "a"}`), "a=3 b=6 c=106 ok"},
		{"trap", call("a", "div", "1, 0"), "a=trap(divide-by-zero) tasks"},
		{"fuel", `"a": {"run": {"mod": "m.wasm", "fun": "forever"}, "fuel": 1000}`, "a=fuel tasks"},
		{"mismatch", call("a", "div", "1, 0") + "," + call("b", "add", `{"await/ok": "a"}, 1`), "a=trap(divide-by-zero) b=mismatch tasks"},
		{"mismatch spreads", call("a", "div", "1, 0") + "," + call("b", "add", `{"await/ok": "a"}, 1`) + "," + call("c", "add", `{"await/ok": "b"}, 1`),
			"a=trap(divide-by-zero) b=mismatch c=mismatch tasks"},
		{"error not taken", call("a", "add", "1, 0") + "," + call("b", "add", `{"await/error": "a"}, 1`), "a=1 b=mismatch ok"},
		{"refused", call("a", "add", `1, "two"`), "a=refused tasks"},
		{"no export", call("a", "sub", `1, 2`), "a=refused tasks"},
		{"same computation", call("a", "add", "1, 2") + "," + call("b", "add", "1, 2"), "a=3 b=3 ok"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newBench(t, &store.Memory{}, nil).run(t, tt.tasks)
			got := outs(t, r) + " ok"
			if e := r.Receipt.Claim.Out.Error; e != nil {
				got = outs(t, r) + " " + e.Kind
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			for _, res := range r.Results {
				b, ok := r.Bundle.Get(res.Receipt.CID)
				if !ok {
					t.Fatalf("the receipt of %s is not in the bundle", res.Task.Label)
				}
				opened, err := receipts.Open(b)
				if err != nil || !receipts.CID(opened.Claim.Ran).Equals(res.Task.CID) {
					t.Errorf("%s: %v", res.Task.Label, err)
				}
			}
		})
	}
}

// claims are the results of a run without what may differ: times, and so receipts' CIDs.
func claims(r *executor.Run) string {
	var b strings.Builder
	for _, res := range r.Results {
		c := res.Receipt.Claim
		fmt.Fprintf(&b, "%s %s ", res.Task.Label, res.Task.CID)
		if c.Run.Fuel != nil {
			fmt.Fprint(&b, *c.Run.Fuel)
		}
		if c.Run.Outputs != nil {
			for _, o := range *c.Run.Outputs {
				fmt.Fprint(&b, " ", receipts.CID(*o.Cid))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestIndependence runs one wide workflow with one and with many workers, with and without memory to spare, cold and
// memoised: the same outcomes, outputs and fuel.
func TestIndependence(t *testing.T) {
	var tasks []string
	for i := range 40 {
		tasks = append(tasks, call(fmt.Sprintf("a%d", i), "add", fmt.Sprintf("%d, %d", i, i*i)))
		tasks = append(tasks, call(fmt.Sprintf("b%d", i), "div", fmt.Sprintf(`{"await/ok": "a%d"}, %d`, i, i%7)))
		tasks = append(tasks, call(fmt.Sprintf("c%d", i), "add", fmt.Sprintf(`{"await/ok": "b%d"}, {"await/ok": "a%d"}`, i, (i+1)%40)))
	}
	text := strings.Join(tasks, ",")
	keep := &store.Memory{}
	want := ""
	for name, edit := range map[string]func(*executor.Config){
		"default":      nil,
		"one worker":   func(c *executor.Config) { c.Workers = 1 },
		"many workers": func(c *executor.Config) { c.Workers = 32 },
		"tight memory": func(c *executor.Config) { c.Memory = 1 },
		"memoised":     func(c *executor.Config) { c.Blocks, c.Records, c.Memo = keep, keep, keep },
		"memoised 2":   func(c *executor.Config) { c.Blocks, c.Records, c.Memo = keep, keep, keep },
	} {
		got := claims(newBench(t, &store.Memory{}, edit).run(t, text))
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s: got\n%swant\n%s", name, got, want)
		}
	}
}

func TestMemoised(t *testing.T) {
	d, err := store.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, keep := range map[string]keeper{"memory": &store.Memory{}, "dir": d} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, keep, nil)
			tasks := call("a", "add", "1, 2") + "," + call("b", "div", `{"await/ok": "a"}, 0`)
			first := b.run(t, tasks)
			if n := b.engine.runs.Load(); n != 2 {
				t.Fatalf("%d runs", n)
			}
			second := b.run(t, tasks)
			if n := b.engine.runs.Load(); n != 2 {
				t.Errorf("a finished workflow ran again: %d runs", n)
			}
			if !second.Bundle.Root.Equals(first.Bundle.Root) || !second.Results[0].Memoised || len(second.Bundle.Blocks) != len(first.Bundle.Blocks) {
				t.Errorf("the bundles differ: %s, %s", first.Bundle.Root, second.Bundle.Root)
			}
			fresh := newBench(t, keep, func(c *executor.Config) { c.Fresh = true })
			if fresh.run(t, tasks); fresh.engine.runs.Load() != 2 {
				t.Error("Fresh did not run every task")
			}
		})
	}
}

// TestAddressed gives an executor a workflow that is addressed to another one.
func TestAddressed(t *testing.T) {
	b := newBench(t, &store.Memory{}, nil)
	w := b.compile(t, call("a", "add", "1, 2"))
	stranger, err := capability.KeyFromSeed(bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	other := newBench(t, &store.Memory{}, func(c *executor.Config) { c.Signer = stranger })
	if r, err := other.Run(t.Context(), w); !errors.Is(err, executor.ErrNotAllowed) || r != nil || other.engine.runs.Load() != 0 {
		t.Errorf("another executor ran it: %v, %v", r, err)
	}
}

// TestDeadline checks that a run that is cut off gives an error and no receipt.
func TestDeadline(t *testing.T) {
	keep := &store.Memory{}
	b := newBench(t, keep, nil)
	w := b.compile(t, `"a": {"run": {"mod": "m.wasm", "fun": "forever"}, "fuel": 9000000000000000000}`)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r, err := b.Run(ctx, w)
	if r != nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, %v", r, err)
	}
	if _, err := keep.Find(t.Context(), w.Tasks[0].Computation.String()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a deadline was memoised: %v", err)
	}
}

func write(label, name, content string) string {
	return fmt.Sprintf(`%q: {"effect": {"cmd": "/file/write", "args": {"name": %q, "content": %s}}}`, label, name, content)
}

func TestFileEffect(t *testing.T) {
	dir := t.TempDir()
	keep := &store.Memory{}
	b := newBench(t, keep, func(c *executor.Config) {
		c.Effects = map[string]executor.Effect{executor.CommandFileWrite: executor.FileWrite(dir)}
	})
	tasks := write("w", "sub/out.txt", `{"await/ok": "a"}`) + "," + call("a", "add", "1, 2")
	if got := outs(t, b.run(t, tasks)); got != `a=3 w={"bytes":1,"name":"sub/out.txt"}` {
		t.Fatal(got)
	}
	path := filepath.Join(dir, "sub", "out.txt")
	if data, err := os.ReadFile(path); err != nil || string(data) != "3" {
		t.Fatalf("%q, %v", data, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	b.run(t, tasks)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the effect was repeated by a second run")
	}
	if err := os.Symlink("/etc", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../out", "/out", "a/../../out", "link/out", ""} {
		if got := outs(t, b.run(t, write("w", name, `"x"`))); got != "w=effect" {
			t.Errorf("name %q: %s", name, got)
		}
	}
	if got := outs(t, newBench(t, keep, nil).run(t, write("w", "other", `"x"`))); got != "w=effect" {
		t.Errorf("without permission: %s", got)
	}
	if got := outs(t, b.run(t, write("w", "never", `"x"`)+","+call("a", "div", "1, 0"))); got != "a=trap(divide-by-zero) w=mismatch" {
		t.Errorf("after a failed pure task: %s", got)
	}
}

func TestPostEffect(t *testing.T) {
	var posts atomic.Int32
	var key atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		posts.Add(1)
		key.Store(r.Header.Get("Idempotency-Key"))
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, "thanks")
	}))
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	post := func(url string) string {
		return fmt.Sprintf(`"p": {"effect": {"cmd": "/http/post", "args": {"url": %q, "body": "hello"}}}`, url)
	}
	b := newBench(t, &store.Memory{}, func(c *executor.Config) {
		c.Effects = map[string]executor.Effect{executor.CommandHTTPPost: executor.HTTPPost([]string{host})}
	})
	r := b.run(t, post(srv.URL+"/x"))
	if got := outs(t, r); got != `p={"body":{"/":{"bytes":"dGhhbmtz"}},"status":201}` {
		t.Fatal(got)
	}
	if key.Load() != r.Results[0].Task.CID.String() {
		t.Errorf("idempotency key %v", key.Load())
	}
	b.run(t, post(srv.URL+"/x"))
	if posts.Load() != 1 {
		t.Errorf("%d posts for two runs", posts.Load())
	}
	for _, url := range []string{"http://127.0.0.1:1/", "file:///etc/passwd", "http://user:pw@" + host, "nonsense"} {
		if got := outs(t, b.run(t, post(url))); got != "p=effect" {
			t.Errorf("%s: %s", url, got)
		}
	}
	if posts.Load() != 1 {
		t.Errorf("%d posts", posts.Load())
	}
}

// TestEffectCrash plays a crash between the start of an effect and its answer.
func TestEffectCrash(t *testing.T) {
	for _, idempotent := range []bool{false, true} {
		t.Run(fmt.Sprint(idempotent), func(t *testing.T) {
			keep := &store.Memory{}
			calls := 0
			crash := true
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			effect := func(context.Context, string, datamodel.Node) (datamodel.Node, error) {
				calls++
				if crash {
					panic("crash")
				}
				return datamodel.Null, nil
			}
			b := newBench(t, keep, func(c *executor.Config) { c.Effects = map[string]executor.Effect{"/x": effect} })
			w := b.compile(t, fmt.Sprintf(`"e": {"effect": {"cmd": "/x", "args": {}, "idempotent": %v}}`, idempotent))
			func() {
				defer func() {
					if recover() == nil {
						t.Fatal("no crash")
					}
				}()
				if _, err := b.Run(ctx, w); err != nil {
					t.Error(err)
				}
			}()
			crash = false
			r, err := b.Run(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			out := r.Results[0].Receipt.Claim.Out
			if idempotent && (calls != 2 || out.Ok == nil) {
				t.Errorf("an idempotent effect: %d calls, %v", calls, out.Error)
			}
			if !idempotent && (calls != 1 || out.Error == nil || !strings.Contains(*out.Error.Message, "effect/unknown")) {
				t.Errorf("an effect: %d calls, %v", calls, out)
			}
		})
	}
}

func BenchmarkTrivialTasks(b *testing.B) {
	d, err := store.OpenDir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	var tasks []string
	for i := range 1000 {
		tasks = append(tasks, call(fmt.Sprintf("a%d", i), "add", fmt.Sprintf("%d, 1", i)))
	}
	x := newBench(b, d, func(c *executor.Config) { c.Fresh = true })
	w := x.compile(b, strings.Join(tasks, ","))
	for b.Loop() {
		if _, err := x.Run(b.Context(), w); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/task")
}
