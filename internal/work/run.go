package work

import (
	"context"
	"fmt"
	"slices"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Workflow reads a workflow from stored blocks.
func Workflow(ctx context.Context, blocks store.Blocks, name string) (*workflow.Workflow, error) {
	c, err := block.Parse(name)
	if err != nil {
		return nil, refuse(err)
	}
	g := &getter{ctx: ctx, blocks: blocks}
	w, err := workflow.Read(c, g.get)
	if g.err != nil {
		return nil, g.err
	}
	if err != nil {
		return nil, refuse(err)
	}
	return w, nil
}

func (w *Worker) run(ctx context.Context, in wire.RunRequest, p Progress) (*wire.Run, error) {
	wf, err := Workflow(ctx, w.Blocks, in.Workflow)
	if err != nil {
		return nil, err
	}
	e, err := w.executor(in, func(e executor.Event) {
		outcome, _ := wire.OutcomeOf(e.Out)
		p("tasks", e.Done, e.Total, outcome+" "+e.Label)
	})
	if err != nil {
		return nil, err
	}
	if err := e.Check(ctx, wf); err != nil {
		return nil, refuse(err)
	}
	for _, t := range wf.Tasks {
		if t.Secret {
			return nil, refuse(fmt.Errorf("task %q is %w", t.Label, ErrSecret))
		}
	}
	p("tasks", 0, len(wf.Tasks))
	r, err := e.Run(ctx, wf)
	if err != nil {
		return nil, err
	}
	if err := w.keep(ctx, wf, r.Bundle); err != nil {
		return nil, err
	}
	return RunOf(r)
}

func (w *Worker) executor(in wire.RunRequest, progress func(executor.Event)) (*executor.Executor, error) {
	runner, name, err := w.engine(in.Engine)
	if err != nil {
		return nil, err
	}
	cfg := executor.Config{Signer: w.Signer, Runner: runner, Engine: name, Blocks: w.Blocks, Records: w.Records, Memo: w.Memo,
		Workers: w.Workers, Memory: w.Memory, Fresh: in.Fresh != "", Effects: w.Effects, Progress: progress}
	if in.Transcript {
		_, cfg.Engine, _ = w.engine(EngineMachine)
		cfg.Recorder = &machine.Engine{}
	}
	return executor.New(cfg)
}

// keep stores a bundle's blocks, and those of the computations, which receipts and promises link to.
func (w *Worker) keep(ctx context.Context, wf *workflow.Workflow, b *receipts.Bundle) error {
	more, err := Computations(wf)
	if err != nil {
		return err
	}
	for _, c := range more {
		if err := w.Blocks.Put(ctx, c); err != nil {
			return fmt.Errorf("keep run %s: %w", b.Root, err)
		}
	}
	for c, data := range b.Blocks {
		if err := w.Blocks.Put(ctx, block.Block{CID: c, Data: data}); err != nil {
			return fmt.Errorf("keep run %s: %w", b.Root, err)
		}
	}
	return nil
}

// RunOf is what a run gave.
func RunOf(r *executor.Run) (*wire.Run, error) {
	out := &wire.Run{Run: r.Bundle.Root.String(), Workflow: receipts.CID(r.Bundle.Record.Workflow).String(), Receipt: r.Receipt.CID.String(),
		Executor: r.Receipt.Issuer, Tasks: make(map[string]wire.Task, len(r.Results))}
	out.Outcome, out.Error = wire.OutcomeOf(r.Receipt.Claim.Out)
	for _, t := range r.Results {
		j, err := report.Task(t.Receipt)
		if err != nil {
			return nil, err
		}
		j.Memoised = t.Memoised
		out.Tasks[t.Task.Label] = j
	}
	return out, nil
}

// Issued are the receipts that were issued for an answer of a kind: those of results that were known are not among them.
func Issued(kind string, answer []byte) ([]cid.Cid, error) {
	if kind != KindRun {
		return nil, nil
	}
	r, err := Read[wire.Run](answer)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, t := range r.Tasks {
		if !t.Memoised {
			names = append(names, t.Receipt)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names) // labels of one computation share a receipt
	var out []cid.Cid
	for _, name := range append(names, r.Receipt) {
		c, err := block.Parse(name)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}
