package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/verifier"
	"github.com/trilemma-dev/trilemma/workflow"
)

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func newKey() (*capability.Key, error) { return capability.KeyFromSeed(bytes.Repeat([]byte{7}, 32)) }

// compile makes a workflow of tasks whose module is docs/examples/text.wasm.
func compile(tasks string) (*workflow.Workflow, error) {
	d, err := workflow.Parse("w.json", []byte(`{"trilemma": "workflow/1", "tasks": {`+tasks+`}}`))
	if err != nil {
		return nil, err
	}
	k, err := newKey()
	if err != nil {
		return nil, err
	}
	return workflow.Compile(d, workflow.Config{Sub: k.DID(), Profile: link.Profile, Fuel: 1_000_000_000, Memory: 64, Output: 1 << 20,
		ReadFile: func(name string) ([]byte, error) { return os.ReadFile(filepath.Join("..", "docs", "examples", name)) }})
}

// fib is a task under its own label.
func fib(n int) string {
	return fmt.Sprintf(`"fib%d": {"run": {"mod": "text.wasm", "fun": "fib", "params": [%d]}}`, n, n)
}

func runJob(w *workflow.Workflow) (cluster.Job, []block.Block) {
	var blocks []block.Block
	for _, c := range slices.SortedFunc(maps.Keys(w.Blocks), func(a, b cid.Cid) int { return strings.Compare(a.KeyString(), b.KeyString()) }) {
		blocks = append(blocks, block.Block{CID: c, Data: w.Blocks[c]})
	}
	return cluster.Job{Class: cluster.ClassExecute, Mode: "run", Subject: w.CID}, blocks
}

// executeOn is a handler that runs workflows. The result is the root of the bundle, the receipt the workflow's own.
func executeOn(e *cluster.Engine, memo store.Memo, effects map[string]executor.Effect) (cluster.Handler, error) {
	k, err := newKey()
	if err != nil {
		return nil, err
	}
	cfg := executor.Config{Signer: k, Runner: &engine.Machine{}, Engine: engine.NameMachine, Blocks: e, Records: e, Memo: memo, Effects: effects}
	plain, err := executor.New(cfg)
	if err != nil {
		return nil, err
	}
	cfg.Recorder = &machine.Engine{}
	recording, err := executor.New(cfg)
	if err != nil {
		return nil, err
	}
	modes := map[string]*executor.Executor{"run": plain, "transcript": recording}
	return func(ctx context.Context, w *cluster.Work) (out cluster.Outcome, err error) {
		x := modes[w.Job.Mode]
		if x == nil {
			return out, fmt.Errorf("%w: mode %q", cluster.ErrPermanent, w.Job.Mode)
		}
		flow, err := workflow.Read(w.Job.Subject, getter(ctx, e))
		if errors.Is(err, workflow.ErrMissing) {
			err = fmt.Errorf("%w: %w", cluster.ErrPermanent, err)
		}
		if err != nil {
			return out, err
		}
		r, err := x.Run(ctx, flow)
		if err != nil {
			return out, err
		}
		for c, data := range r.Bundle.Blocks {
			err = errors.Join(err, e.Put(ctx, block.Block{CID: c, Data: data}))
		}
		return cluster.Outcome{Result: r.Bundle.Root, Receipts: []cid.Cid{r.Receipt.CID}}, err
	}, nil
}

func getter(ctx context.Context, e *cluster.Engine) func(cid.Cid) (block.Block, bool) {
	return func(c cid.Cid) (block.Block, bool) {
		b, err := e.Get(ctx, c)
		return b, err == nil
	}
}

// bundle gathers what a run left, by its links.
func bundle(t testing.TB, e *cluster.Engine, root cid.Cid) *receipts.Bundle {
	t.Helper()
	get := getter(t.Context(), e)
	var car bytes.Buffer
	w, err := block.NewCARWriter(&car, root)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[cid.Cid]bool{}
	for todo := []cid.Cid{root}; len(todo) > 0; todo = todo[1:] {
		b, ok := get(todo[0])
		if seen[todo[0]] || !ok {
			continue
		}
		seen[b.CID] = true
		if err := w.Put(b); err != nil {
			t.Fatal(err)
		}
		if b.CID.Prefix().Codec == cid.DagCBOR {
			n, err := block.Decode(b.Data)
			if err != nil {
				t.Fatal(err)
			}
			links, err := block.Links(n)
			if err != nil {
				t.Fatal(err)
			}
			todo = append(todo, links...)
		}
	}
	b, err := receipts.ReadBundle(&car, block.CARLimits{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// meter checks how many messages were stored on disk since it was asked last.
func meter(t testing.TB, e *cluster.Engine) (costs func(what string, want uint64)) {
	t.Helper()
	count := func() uint64 {
		t.Helper()
		n, err := e.Stored(t.Context())
		return must(t, n, err)
	}
	stored := count()
	return func(what string, want uint64) {
		t.Helper()
		now := count()
		if now-stored != want {
			t.Errorf("%s took %d messages on disk, want %d", what, now-stored, want)
		}
		stored = now
	}
}

func TestExecute(t *testing.T) {
	e := open(t, t.TempDir())
	w, err := compile(fib(10) + "," + fib(12))
	w = must(t, w, err)
	h, err := executeOn(e, &store.Memory{}, nil)
	h = must(t, h, err)
	j, blocks := runJob(w)
	work(t, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{cluster.ClassExecute: h}})
	costs := meter(t, e)
	s := submit(t, e, j, blocks...)
	last := ended(t, e, s.ID)
	if last.State != cluster.Done {
		t.Fatalf("ended: %+v", last)
	}
	costs("a run, accepted and finished", 2)
	if s := submit(t, e, j, blocks...); s.State != cluster.Done {
		t.Errorf("a run that is done: %+v", s)
	}
	costs("a run that is done", 0)
	b := bundle(t, e, last.Result)
	k, err := newKey()
	k = must(t, k, err)
	rep, err := verifier.Verify(t.Context(), b, verifier.Config{Mode: verifier.Rerun, Executor: k.DID(), Runner: &engine.Machine{}, Now: time.Now})
	if err != nil || rep.Outcome != verifier.Valid {
		t.Fatalf("the bundle is %+v, %v", rep, err)
	}
	if r, err := e.Get(t.Context(), last.Receipts[0]); err != nil {
		t.Error(err)
	} else if _, err := receipts.Open(r); err != nil {
		t.Error(err)
	}
	j.Mode = "transcript"
	s = submit(t, e, j)
	if last = ended(t, e, s.ID); last.State != cluster.Done {
		t.Fatalf("with transcripts: %+v", last)
	}
	for _, bad := range []struct {
		name string
		job  cluster.Job
		want string
	}{
		{"mode", cluster.Job{Class: "execute", Mode: "guess", Subject: w.CID}, "mode"},
		{"no workflow", cluster.Job{Class: "execute", Mode: "run", Subject: block.Raw([]byte("?")).CID}, "missing"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			s := submit(t, e, bad.job)
			if last := ended(t, e, s.ID); last.State != cluster.Failed || !strings.Contains(last.Error, bad.want) {
				t.Errorf("ended: %+v", last)
			}
		})
	}
}

// TestEffect counts what an effect did to the world when its run's end could not be written the first time.
func TestEffect(t *testing.T) {
	e := open(t, t.TempDir())
	w, err := compile(fib(10) + `, "tell": {"effect": {"cmd": "/test/tell", "args": {"what": {"await/ok": "fib10"}}}}`)
	w = must(t, w, err)
	j, blocks := runJob(w)
	var told, runs atomic.Int32
	h, err := executeOn(e, &store.Memory{}, map[string]executor.Effect{"/test/tell": func(_ context.Context, _ string, args datamodel.Node) (datamodel.Node, error) {
		told.Add(1)
		return args, nil
	}})
	h = must(t, h, err)
	work(t, e, cluster.WorkerConfig{Backoff: time.Millisecond, Handlers: map[string]cluster.Handler{"execute": func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
		out, err := h(ctx, w)
		if runs.Add(1) < 3 && err == nil {
			return cluster.Outcome{}, errors.New("the worker stumbled")
		}
		return out, err
	}}})
	s := submit(t, e, j, blocks...)
	last := ended(t, e, s.ID)
	if last.State != cluster.Done || told.Load() != 1 || runs.Load() != 3 {
		t.Fatalf("%d runs, told %d times, ended %+v", runs.Load(), told.Load(), last)
	}
	b := bundle(t, e, last.Result)
	rep, err := verifier.Verify(t.Context(), b, verifier.Config{Mode: verifier.Attest, Now: time.Now})
	if err != nil || rep.Outcome != verifier.Valid {
		t.Fatalf("the bundle is %+v, %v", rep, err)
	}
}
