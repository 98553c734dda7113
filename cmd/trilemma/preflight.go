package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/pprof/profile"
	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/internal/work"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/machine/tally"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/wasm"
	"github.com/trilemma-dev/trilemma/workflow"
)

type preflightFlags struct {
	execFlags
	pprof  string
	scheme string
}

func (a *app) preflightCommand() *cobra.Command {
	var f preflightFlags
	c := &cobra.Command{
		Use:   "preflight MODULE|WORKFLOW [ARG...]",
		Short: "Count what a run does, and say what in it no proof covers",
		Long: `Run a module as exec does, or the tasks of a workflow, on the machine, and count its steps: how many, of which kind, in which functions.
Nothing is signed, remembered or sent; effects are left out. What would make the run unprovable is named with its place, and what a proof takes is
predicted: its parts, their constraints and its size exactly, its time from the last proof that was made here. Exit status 1: something that
was executed could not be proved.`,
		Example: `  trilemma preflight fib.wasm --invoke fib 20
  trilemma preflight wc.wasm --stdin book.txt --pprof steps.pb.gz
  trilemma preflight workflow.json --json | jq .tasks`,
		Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return []string{"wasm", "json", "yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(c *cobra.Command, args []string) error { return a.preflight(c, args[0], args[1:], f) },
	}
	a.callFlags(c, &f.execFlags)
	schemeFlag(c, &f.scheme)
	c.Flags().StringVar(&f.pprof, "pprof", "", "write where the steps went to this file, for go tool pprof")
	completeFlag(c, "pprof", cobra.FixedCompletions([]string{"gz"}, cobra.ShellCompDirectiveFilterFileExt))
	return c
}

// counted is a call or task that was counted, or one that did not run.
type counted struct {
	label   string
	guest   *wasm.Module
	tally   *tally.Tally // nil if it did not run
	outcome string
	failure *wire.Failure
	seconds float64
	run     *proving.Traced // without what was written down; nil if no proof can show it
	refused error           // why not
}

// predictor finds out what proofs take.
type predictor struct {
	scheme *proof.Scheme
	rate   proving.Rate
}

func (a *app) predictor(name string) (*predictor, error) {
	s, err := scheme(name)
	if err != nil {
		return nil, err
	}
	dir, err := a.keyDir()
	if err != nil {
		return nil, err
	}
	rate, err := proving.LoadRate(dir)
	return &predictor{s, rate}, hostFailure(err)
}

// predict writes a run down, as a proof would. That it is too long for that, or that something in it cannot be proved, is no error here.
func (p *predictor) predict(ctx context.Context, c *counted, program *machine.Program, guest *wasm.Module, streams [][]byte, lim link.Limits) error {
	t, err := proving.Trace(ctx, p.scheme, program, guest, streams, lim, 0, time.Now)
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

func (a *app) preflight(c *cobra.Command, name string, args []string, f preflightFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	var to output
	if f.pprof != "" {
		var err error
		if to, err = a.place(f.pprof); err != nil {
			return err
		}
		if to.name == "-" && a.json {
			return usage("the profile and the JSON object cannot both go to stdout")
		}
	}
	data, err := a.readFile(name, block.MaxBlock)
	if err != nil {
		return err
	}
	pre, err := a.predictor(f.scheme)
	if err != nil {
		return err
	}
	ctx, cancel := limited(c.Context(), f.deadline)
	defer cancel()
	out := preflightJSON{Kind: "module", Effects: []string{}}
	var all []counted
	if isModule(data) {
		var one counted
		one, err = a.countModule(ctx, pre, name, data, args, f.execFlags)
		all = []counted{one}
	} else {
		out.Kind = "workflow"
		if err := onlyWorkflow(c, args); err != nil {
			return err
		}
		all, out.Effects, err = a.countWorkflow(ctx, pre, name, data)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &status{code: exitUndecided, err: fmt.Errorf("the deadline of %v passed before the run ended: nothing was found out", f.deadline)}
	}
	if err != nil {
		return hostFailure(err)
	}
	if f.pprof != "" {
		if err := a.writeProfile(c.Context(), to, name, all); err != nil {
			return err
		}
	}
	return a.printPreflight(out, all, pre, to.name == "-")
}

// onlyWorkflow refuses what is about one call where there is a workflow.
func onlyWorkflow(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("a workflow has its own parameters: %q is one too many", args[0])
	}
	for _, name := range []string{"invoke", "result", "stdin", "env", "fuel", "memory", "output-bytes", "clock", "seed"} {
		if c.Flags().Changed(name) {
			return usage("--%s is about one call of a module: a workflow says itself what its tasks are", name)
		}
	}
	return nil
}

func (a *app) countModule(ctx context.Context, pre *predictor, name string, data []byte, args []string, f execFlags) (out counted, err error) {
	m, err := loadModule(name, data)
	if err != nil {
		return out, err
	}
	l, in, _, err := a.linkModule(name, m, args, f)
	if err != nil {
		return out, err
	}
	p, err := machine.Lower(l)
	if err != nil {
		return out, usage("%s: %w", name, err)
	}
	job := f.job(l, in)
	start := time.Now()
	t, err := tally.Run(ctx, p, job.Streams, job.Limits)
	if err != nil {
		return out, err
	}
	out = counted{guest: m, tally: t, seconds: time.Since(start).Seconds()}
	if err := pre.predict(ctx, &out, p, m, job.Streams, job.Limits); err != nil {
		return out, err
	}
	said, err := evaluate.Conclude(job, t.Result)
	if err != nil {
		return out, err
	}
	out.outcome, out.failure = work.OutcomeOf(said.Out)
	return out, nil
}

// tallying runs tasks one after the other and keeps the last one's tally.
type tallying struct {
	pre    *predictor
	engine machine.Engine
	last   counted
}

// Run implements the executor's runner.
func (c *tallying) Run(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits) (link.Result, error) {
	p, err := c.engine.Program(l)
	if err != nil {
		return link.Result{}, err
	}
	start := time.Now()
	t, err := tally.Run(ctx, p, streams, lim)
	if err != nil {
		return link.Result{}, err
	}
	c.last = counted{tally: t, seconds: time.Since(start).Seconds()}
	return t.Result, c.pre.predict(ctx, &c.last, p, nil, streams, lim)
}

// countWorkflow runs the tasks that are not effects, for a key and a store that are forgotten afterwards.
func (a *app) countWorkflow(ctx context.Context, pre *predictor, name string, data []byte) (all []counted, effects []string, err error) {
	d, err := document(name, data)
	if err != nil {
		return nil, nil, err
	}
	key, err := capability.GenerateKey("ed25519")
	if err != nil {
		return nil, nil, err
	}
	w, err := a.compile(ctx, d, key.DID(), a.inStore)
	if err != nil {
		return nil, nil, err
	}
	var keep store.Memory
	c := tallying{pre: pre}
	ended := make(map[string]counted)
	bar := a.progress(len(w.Tasks))
	defer bar.end()
	ex, err := executor.New(executor.Config{Signer: key, Runner: &c, Engine: engine.NameMachine, Blocks: &keep, Records: &keep, Memo: &keep, Workers: 1,
		Progress: func(e executor.Event) { // by the one worker, after the run that it tells of
			one := c.last
			one.label = e.Label
			one.outcome, one.failure = work.OutcomeOf(e.Out)
			c.last = counted{}
			ended[e.Label] = one
			bar.done(e.Done)
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
	return all, effects, guestsOf(w, all)
}

// guestsOf decodes the modules of the tasks that ran.
func guestsOf(w *workflow.Workflow, all []counted) error {
	modules := make(map[string]*wasm.Module)
	for i := range all {
		if all[i].tally == nil {
			continue
		}
		id := w.Task(all[i].label).Mod
		if modules[id.KeyString()] == nil {
			m, err := wasm.Load(w.Blocks[id])
			if err != nil {
				return err
			}
			modules[id.KeyString()] = m
		}
		all[i].guest = modules[id.KeyString()]
	}
	return nil
}

// writeProfile writes the profiles of all runs as one.
func (a *app) writeProfile(ctx context.Context, to output, name string, all []counted) error {
	var each []*profile.Profile
	for _, c := range all {
		if c.tally == nil {
			continue
		}
		p, err := c.tally.Profile(c.guest, name, c.label)
		if err != nil {
			return err
		}
		each = append(each, p)
	}
	if len(each) == 0 {
		return &status{code: exitFailed, err: errors.New("nothing ran: there is no profile to write")}
	}
	whole, err := profile.Merge(each)
	if err != nil {
		return err
	}
	return a.write(ctx, to, func(w io.Writer) error { return whole.Write(w) })
}
