package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/preflight"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/internal/secrets"
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

func (a *app) predictor(name string) (*preflight.Predictor, error) {
	s, err := scheme(name)
	if err != nil {
		return nil, err
	}
	dir, err := a.keyDir()
	if err != nil {
		return nil, err
	}
	rate, err := proving.LoadRate(dir)
	return &preflight.Predictor{Scheme: s, Rate: rate}, hostFailure(err)
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
	if a.remote.url != "" {
		return a.preflightThere(c, name, data, args, f)
	}
	pre, err := a.predictor(f.scheme)
	if err != nil {
		return err
	}
	ctx, cancel := limited(c.Context(), f.deadline)
	defer cancel()
	kind, effects := "module", []string{}
	var all []preflight.Run
	if isModule(data) {
		var one preflight.Run
		one, err = a.countModule(ctx, pre, name, data, args, f.execFlags)
		all = []preflight.Run{one}
	} else {
		kind = "workflow"
		if err := onlyWorkflow(c, args); err != nil {
			return err
		}
		all, effects, err = a.countWorkflow(ctx, pre, name, data)
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
	out, err := pre.Report(kind, all, effects)
	if err != nil {
		return hostFailure(err)
	}
	return a.printPreflight(out, to.name == "-")
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

func (a *app) countModule(ctx context.Context, pre *preflight.Predictor, name string, data []byte, args []string, f execFlags) (out preflight.Run, err error) {
	m, err := loadModule(name, data)
	if err != nil {
		return out, err
	}
	l, in, _, err := a.linkModule(name, m, args, f)
	if err != nil {
		return out, err
	}
	out, err = pre.Call(ctx, m, f.job(l, in))
	if errors.Is(err, preflight.ErrModule) {
		return out, usage("%s: %w", name, err)
	}
	return out, err
}

// countWorkflow runs the tasks that are not effects, for a key and a store that are forgotten afterwards.
func (a *app) countWorkflow(ctx context.Context, pre *preflight.Predictor, name string, data []byte) (all []preflight.Run, effects []string, err error) {
	d, err := document(name, data)
	if err != nil {
		return nil, nil, err
	}
	key, err := capability.GenerateKey("ed25519")
	if err != nil {
		return nil, nil, err
	}
	if d.Redacted() {
		return nil, nil, usage("the workflow is redacted: what its secrets are is not known here")
	}
	keep := secrets.New(rand.Reader) // forgotten like the rest
	pre.Secrets = keep
	w, err := a.compile(ctx, d, key.DID(), a.inStore, keep)
	if err != nil {
		return nil, nil, err
	}
	bar := a.progress(len(w.Tasks))
	defer bar.end()
	return pre.Workflow(ctx, w, nil, func(done, _ int) { bar.done(done) })
}

// writeProfile writes the profiles of all runs as one.
func (a *app) writeProfile(ctx context.Context, to output, name string, all []preflight.Run) error {
	whole, err := preflight.Profile(name, all)
	if errors.Is(err, preflight.ErrNothing) {
		return &status{code: exitFailed, err: err}
	}
	if err != nil {
		return err
	}
	return a.write(ctx, to, func(w io.Writer) error { return whole.Write(w) })
}
