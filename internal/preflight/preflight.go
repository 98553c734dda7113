// Package preflight runs calls and workflows on the machine and counts their steps, so that it is known before anything is proved or paid what
// that takes, and what no proof covers. Nothing is signed or kept.
package preflight

import (
	"context"
	"errors"
	"time"

	"github.com/google/pprof/profile"
	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/machine/tally"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/wasm"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Run is a call or task that was counted, or one that did not run.
type Run struct {
	label   string
	guest   *wasm.Module
	tally   *tally.Tally // nil if it did not run
	out     receipts.Out
	seconds float64
	run     *proving.Traced // without what was written down; nil if no proof can show it
	refused error           // why not
}

// Predictor finds out what proofs take.
type Predictor struct {
	Scheme  *proof.Scheme
	Rate    proving.Rate
	Secrets evaluate.Secrets // of workflows that have some; nil refuses them
}

// predict writes a run down, as a proof would. That it is too long for that, or that something in it cannot be proved, is no error here.
func (p *Predictor) predict(ctx context.Context, c *Run, program *machine.Program, guest *wasm.Module, job *evaluate.Job) error {
	t, err := proving.Predict(ctx, p.Scheme, program, guest, job, c.tally.Result, time.Now)
	switch {
	case errors.Is(err, proving.ErrUnprovable), errors.Is(err, proving.ErrMemory):
		c.refused = err
		return nil
	case err != nil:
		return err
	}
	t.Run = nil
	c.run = t
	return nil
}

// ErrModule marks an error about the module: the machine cannot run it.
var ErrModule = errors.New("the machine cannot run it")

// Call counts one call of a module.
func (p *Predictor) Call(ctx context.Context, guest *wasm.Module, job *evaluate.Job) (Run, error) {
	out := Run{guest: guest}
	program, err := machine.Lower(job.Linked)
	if err != nil {
		return out, errors.Join(ErrModule, err)
	}
	start := time.Now()
	if out.tally, err = tally.Run(ctx, program, job.Streams, job.Limits); err != nil {
		return out, err
	}
	out.seconds = time.Since(start).Seconds()
	if err := p.predict(ctx, &out, program, guest, job); err != nil {
		return out, err
	}
	said, err := evaluate.Conclude(job, out.tally.Result, nil)
	if err != nil {
		return out, err
	}
	out.out = said.Out
	return out, nil
}

// tallying runs tasks one after the other and keeps the last one's tally.
type tallying struct {
	pre    *Predictor
	engine machine.Engine
	last   Run
}

// Run implements the executor's runner.
func (c *tallying) Run(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits) (link.Result, error) {
	return c.RunJob(ctx, &evaluate.Job{Linked: l, Streams: streams, Limits: lim})
}

// RunJob implements [evaluate.Knower].
func (c *tallying) RunJob(ctx context.Context, j *evaluate.Job) (link.Result, error) {
	p, err := c.engine.Program(j.Linked)
	if err != nil {
		return link.Result{}, err
	}
	start := time.Now()
	t, err := tally.Run(ctx, p, j.Streams, j.Limits)
	if err != nil {
		return link.Result{}, err
	}
	c.last = Run{tally: t, seconds: time.Since(start).Seconds()}
	return t.Result, c.pre.predict(ctx, &c.last, p, nil, j)
}

// Workflow counts the tasks that are not effects, for a key and a store that are forgotten afterwards. Content is looked up in the workflow and
// in blocks, which may be nil. progress, if set, is told how many tasks ended.
func (p *Predictor) Workflow(ctx context.Context, w *workflow.Workflow, blocks store.Blocks, progress func(done, total int)) (all []Run, effects []string, err error) {
	key, err := capability.GenerateKey("ed25519")
	if err != nil {
		return nil, nil, err
	}
	keep := &over{base: blocks}
	c := tallying{pre: p}
	ended := make(map[string]Run)
	ex, err := executor.New(executor.Config{Signer: key, Runner: &c, Engine: engine.NameMachine, Blocks: keep, Records: keep, Memo: keep, Secrets: p.Secrets, Workers: 1,
		Progress: func(e executor.Event) { // by the one worker, after the run that it tells of
			one := c.last
			one.label, one.out = e.Label, e.Out
			c.last = Run{}
			ended[e.Label] = one
			if progress != nil {
				progress(e.Done, e.Total)
			}
		}})
	if err != nil {
		return nil, nil, err
	}
	if err := ex.Dry(ctx, w); err != nil {
		return nil, nil, err
	}
	effects = []string{}
	for _, t := range w.Tasks {
		if t.Effect() {
			effects = append(effects, t.Label)
		} else if one, ok := ended[t.Label]; ok { // of tasks of one computation there is one
			all = append(all, one)
		}
	}
	return all, effects, guestsOf(ctx, w, keep, all)
}

// over is a store whose writes are forgotten, over one that is only read.
type over struct {
	store.Memory
	base store.Blocks
}

// Get implements [store.Blocks].
func (o *over) Get(ctx context.Context, c cid.Cid) (block.Block, error) {
	b, err := o.Memory.Get(ctx, c)
	if err != nil && o.base != nil {
		return o.base.Get(ctx, c)
	}
	return b, err
}

// guestsOf decodes the modules of the tasks that ran.
func guestsOf(ctx context.Context, w *workflow.Workflow, blocks store.Blocks, all []Run) error {
	modules := make(map[cid.Cid]*wasm.Module)
	for i := range all {
		if all[i].tally == nil {
			continue
		}
		id := w.Task(all[i].label).Mod
		if modules[id] == nil {
			data, ok := w.Blocks[id]
			if !ok {
				b, err := blocks.Get(ctx, id)
				if err != nil {
					return err
				}
				data = b.Data
			}
			m, err := wasm.Load(data)
			if err != nil {
				return err
			}
			modules[id] = m
		}
		all[i].guest = modules[id]
	}
	return nil
}

// ErrNothing says that nothing ran.
var ErrNothing = errors.New("nothing ran: there is no profile to write")

// Profile says where the steps of all runs went. name is what the profile calls the module.
func Profile(name string, all []Run) (*profile.Profile, error) {
	var each []*profile.Profile
	for _, c := range all {
		if c.tally == nil {
			continue
		}
		p, err := c.tally.Profile(c.guest, name, c.label)
		if err != nil {
			return nil, err
		}
		each = append(each, p)
	}
	if len(each) == 0 {
		return nil, ErrNothing
	}
	return profile.Merge(each)
}
