package executor

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// pure runs the tasks that are not effects. Tasks of one computation run once.
func (r *run) pure(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	byLabel := make(map[string]*workflow.Task, len(r.w.Tasks))
	unique := make(map[cid.Cid]*workflow.Task, len(r.w.Tasks))
	for _, t := range r.w.Tasks {
		if !t.Effect() {
			if _, ok := unique[t.Computation]; !ok {
				unique[t.Computation] = t
			}
			byLabel[t.Label] = unique[t.Computation]
		}
	}
	waits := make(map[*workflow.Task]int, len(unique))
	dependents := make(map[*workflow.Task][]*workflow.Task, len(unique))
	ready := make(chan *workflow.Task, len(unique))
	for _, t := range unique {
		before := make(map[*workflow.Task]bool)
		for _, a := range t.Awaits {
			before[byLabel[a.Label]] = true
		}
		for b := range before {
			dependents[b] = append(dependents[b], t)
		}
		if waits[t] = len(before); len(before) == 0 {
			ready <- t
		}
	}
	left := len(unique)
	if left == 0 {
		return ctx.Err()
	}
	var mu sync.Mutex // owns waits and left
	var wg sync.WaitGroup
	for range min(r.e.cfg.Workers, left) {
		wg.Go(func() {
			for {
				var t *workflow.Task
				select {
				case <-ctx.Done():
					return
				case next, ok := <-ready:
					if !ok {
						return
					}
					t = next
				}
				if err := r.task(ctx, t); err != nil {
					cancel(fmt.Errorf("task %q: %w", t.Label, err))
					return
				}
				mu.Lock()
				for _, d := range dependents[t] {
					if waits[d]--; waits[d] == 0 {
						ready <- d
					}
				}
				if left--; left == 0 {
					close(ready)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// task brings one task to its receipt.
func (r *run) task(ctx context.Context, t *workflow.Task) error {
	if !t.Secret {
		if d, blocks, ok := r.recall(ctx, t); ok {
			r.end(t, d, blocks)
			return nil
		}
	}
	params, failure, err := r.resolve(t)
	if err != nil {
		return err
	}
	if failure != nil {
		return r.fail(t, failure)
	}
	job, failure, err := r.e.cache.Task(t, params, r.get(ctx))
	if err != nil {
		return err
	}
	if failure != nil {
		return r.fail(t, failure)
	}
	return r.execute(ctx, t, job)
}

// resolve replaces the promises of a task's parameters by what the awaited tasks gave.
func (r *run) resolve(t *workflow.Task) (datamodel.Node, *receipts.Failure, error) {
	missed := ""
	params, miss, err := workflow.Resolve(t.Params, func(branch string, c cid.Cid) (datamodel.Node, bool) {
		out, ok := r.out(c)
		if !ok {
			return nil, false
		}
		v, ok := evaluate.Branch(out, branch)
		if !ok {
			missed = branch
		}
		return v, ok
	})
	if err != nil || miss == nil {
		return params, nil, err
	}
	return nil, evaluate.Mismatch(missed, miss.String()), nil
}

// fail signs a failure of a task that did not run.
func (r *run) fail(t *workflow.Task, f *receipts.Failure) error {
	b, receipt, err := r.issue(t, receipts.Claim{Out: receipts.Out{Error: f}}, nil)
	if err != nil {
		return err
	}
	r.end(t, &ended{receipt: receipt}, []block.Block{b})
	return nil
}

func (r *run) execute(ctx context.Context, t *workflow.Task, job *evaluate.Job) error {
	var err error
	if job.Secret != nil {
		if job, err = job.Reveal(r.e.cfg.Secrets.Opening); err != nil {
			return err
		}
	}
	need := min(int64(job.Limits.Memory)*link.PageSize, r.e.budget)
	if err := r.e.memory.Acquire(ctx, need); err != nil {
		return err
	}
	start := time.Now()
	profile, module := t.Profile, receipts.Link(t.Mod)
	claim := receipts.Run{Profile: &profile, Module: &module}
	res, recorded, err := r.start(ctx, job, &claim)
	r.e.memory.Release(need)
	if err != nil {
		return err
	}
	var sealed evaluate.Sealer
	if job.Secret != nil {
		sealed = job.Seal(res.Result, func(stream int, data []byte) (hidden.Commitment, error) {
			return r.e.cfg.Secrets.Seal(t.Computation, stream, data)
		})
	}
	c, err := evaluate.Conclude(job, res.Result, sealed)
	if err != nil {
		return err
	}
	c.Blocks = append(c.Blocks, recorded...)
	meta, err := r.meta(t, res.Engine, time.Since(start))
	if err != nil {
		return err
	}
	claim.Fuel, claim.Inputs, claim.Outputs = &c.Fuel, &c.Inputs, &c.Outputs
	b, receipt, err := r.issue(t, receipts.Claim{Out: c.Out, Run: claim}, meta)
	if err != nil {
		return err
	}
	if job.Secret == nil {
		if err := r.remember(ctx, t, b, c.Blocks); err != nil {
			return err
		}
	}
	r.end(t, &ended{receipt: receipt}, append(c.Blocks, b))
	return nil
}

// start runs a job, with a transcript if one is asked for: it is noted in claim, and its blocks are returned.
func (r *run) start(ctx context.Context, job *evaluate.Job, claim *receipts.Run) (evaluate.Served, []block.Block, error) {
	if r.e.cfg.Recorder == nil || job.Secret != nil {
		res, err := evaluate.Serve(ctx, r.e.cfg.Runner, r.e.cfg.Engine, job)
		return res, nil, err
	}
	var blocks []block.Block
	res, t, err := r.e.cfg.Recorder.Record(ctx, job.Linked, job.Streams, job.Limits, func(b block.Block) error {
		blocks = append(blocks, b)
		return nil
	})
	if err != nil {
		return evaluate.Served{}, nil, err
	}
	b, err := t.Block()
	if err != nil {
		return evaluate.Served{}, nil, err
	}
	transcript := receipts.Link(b.CID)
	claim.Program, claim.Steps, claim.Transcript = &t.Program, &t.Steps, &transcript
	return evaluate.Served{Result: res, Engine: r.e.cfg.Engine, Steps: uint64(t.Steps)}, append(blocks, b), nil
}

// meta is what a receipt says beside its claim. Of a secret task neither the time nor the engine, which depends on it: they would tell how long it was.
func (r *run) meta(t *workflow.Task, engine string, took time.Duration) (datamodel.Node, error) {
	return qp.BuildMap(basicnode.Prototype.Any, -1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "goos", qp.String(runtime.GOOS))
		qp.MapEntry(ma, "goarch", qp.String(runtime.GOARCH))
		if !t.Secret {
			qp.MapEntry(ma, "engine", qp.String(engine))
			qp.MapEntry(ma, "nanoseconds", qp.Int(took.Nanoseconds()))
		}
		if t.Source.Defined() { // what the task is called where it came from
			qp.MapEntry(ma, "instruction", qp.Link(receipts.Link(t.Source)))
		}
	})
}
