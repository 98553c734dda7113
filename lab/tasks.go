package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Tasks is what a workflow of trivial tasks costs for each: scheduling, execution, a signed receipt, and both kept on disk. Times are in
// milliseconds.
type Tasks struct {
	Count      int    `json:"count"`
	First      Spread `json:"first_ms"` // in an empty store
	Again      Spread `json:"again_ms"` // the same workflow once more: every receipt is read and checked
	Executions int    `json:"again_executions"`
}

// trivialRuns is how many empty stores the workflow is run in.
const trivialRuns = 5

// counting counts the runs that reach an engine.
type counting struct {
	evaluate.Runner
	runs atomic.Int64
}

func (c *counting) Run(ctx context.Context, l *link.Linked, s [][]byte, lim link.Limits) (link.Result, error) {
	c.runs.Add(1)
	return c.Runner.Run(ctx, l, s, lim)
}

func trivialTasks(ctx context.Context, dir string, size Size) (t Tasks, err error) {
	t.Count = []int{1000, 100, 10}[size]
	key, err := capability.GenerateKey("ed25519")
	if err != nil {
		return t, fmt.Errorf("lab: %w", err)
	}
	w, err := trivial(key.DID(), t.Count)
	if err != nil {
		return t, err
	}
	native, err := runtime.New(ctx, runtime.Config{})
	if err != nil {
		return t, fmt.Errorf("lab: %w", err)
	}
	defer func() { err = errors.Join(err, native.Close(context.WithoutCancel(ctx))) }()
	engine := &counting{Runner: native}
	var first, again []float64
	for i := range trivialRuns {
		keep, err := store.OpenDir(fmt.Sprintf("%s-%d", dir, i))
		if err != nil {
			return t, fmt.Errorf("lab: %w", err)
		}
		ms, ran, err := runAll(ctx, w, key, engine, keep)
		if err != nil {
			return t, err
		}
		if ran != t.Count {
			return t, fmt.Errorf("lab: %d of %d tasks ran", ran, t.Count)
		}
		first = append(first, ms/float64(t.Count))
		if ms, ran, err = runAll(ctx, w, key, engine, keep); err != nil {
			return t, err
		}
		again = append(again, ms/float64(t.Count))
		t.Executions += ran
	}
	t.First, t.Again = spreadOf(first), spreadOf(again)
	return t, nil
}

// trivial is a workflow of n tasks that differ and do next to nothing.
func trivial(sub string, n int) (*workflow.Workflow, error) {
	const guest = "threshold"
	var tasks strings.Builder
	for i := range n {
		if i > 0 {
			tasks.WriteByte(',')
		}
		fmt.Fprintf(&tasks, `"t%d": {"run": {"mod": %q, "fun": "at_least", "params": [%d, 500]}}`, i, guest, i)
	}
	d, err := workflow.Parse("trivial.json", []byte(`{"trilemma": "workflow/1", "tasks": {`+tasks.String()+`}}`))
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	w, err := workflow.Compile(d, workflow.Config{Sub: sub, Profile: link.Profile, Fuel: 1000, Memory: 1, Output: 8,
		ReadFile: func(name string) ([]byte, error) {
			if name != guest {
				return nil, fs.ErrNotExist
			}
			return guests.Module(name)
		}})
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	return w, nil
}

// runAll runs w to its end, which must be a good one. It returns how many milliseconds that took, and how many tasks reached the engine.
func runAll(ctx context.Context, w *workflow.Workflow, key *capability.Key, engine *counting, keep *store.Dir) (ms float64, ran int, err error) {
	x, err := executor.New(executor.Config{Signer: key, Runner: engine, Engine: "wazero", Blocks: keep, Records: keep, Memo: keep})
	if err != nil {
		return 0, 0, fmt.Errorf("lab: %w", err)
	}
	before := engine.runs.Load()
	var r *executor.Run
	ms, err = measure(wall(), func() (err error) {
		r, err = x.Run(ctx, w)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("lab: %w", err)
	}
	if f := r.Receipt.Claim.Out.Error; f != nil {
		return 0, 0, fmt.Errorf("lab: a workflow of trivial tasks: %s", f)
	}
	return ms, int(engine.runs.Load() - before), nil
}
