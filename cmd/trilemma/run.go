package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/workflow"
)

// defaultFuel is the fuel of a task that names none: some ten seconds of native code.
const defaultFuel = 10_000_000_000

type runFlags struct {
	out           string
	engine        string
	key           string
	workers       int
	memory        int64
	deadline      time.Duration
	fresh         bool
	transcript    bool
	samples       int64
	seed          string
	withoutInputs bool
	files         string
	hosts         []string
	prove         bool
	proving       proveFlags
	secrets       string
	redacted      string
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run WORKFLOW",
		Short: "Run a workflow; every task gets a signed receipt",
		Long: `Run a workflow (JSON or YAML; "-" reads it from stdin). Every task's outcome gets a signed receipt. With -o the
receipts and all that they rest on are written to one CAR file, the bundle, which anyone can verify offline.

Results are remembered: a task that ran before, here, with the same module, inputs and limits is not run again.

Effects need permission: --files DIR for /file/write, --allow-http HOST for /http/post.`,
		Example: `  trilemma run workflow.json -o run.car
  trilemma run workflow.yaml --json | jq .tasks
  trilemma run workflow.json --transcript -o run.car
  trilemma run workflow.json --prove -o run.car
  trilemma run private.json --secrets my.secrets -o run.car
  trilemma run report.json --files ./out -o run.car`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFile("json", "yaml", "yml"),
		RunE: func(c *cobra.Command, args []string) error {
			f.proving.there(c, a)
			return a.runWorkflow(c.Context(), args[0], f)
		},
	}
	fl := c.Flags()
	fl.StringVarP(&f.out, "output", "o", "", "write the bundle to this file; - is stdout")
	fl.StringVar(&f.engine, "engine", engineNative, "what runs the tasks: "+engineNames)
	fl.StringVar(&f.key, "key", "", "sign with this key file instead of the one in TRILEMMA_HOME")
	fl.IntVar(&f.workers, "workers", 0, "tasks at once; 0: one for each core")
	fl.Int64Var(&f.memory, "memory", 4096, "MiB of guest memory that running tasks may claim together")
	fl.DurationVar(&f.deadline, "deadline", 0, "give up after this long; a task that had not ended then gets no receipt")
	fl.BoolVar(&f.fresh, "fresh", false, "run every task, even if its result is known")
	fl.BoolVar(&f.transcript, "transcript", false, "run every task on the machine, and commit to its states: what re-running, spot-checks and disputes look into")
	fl.Int64Var(&f.samples, "samples", 0, "with --transcript: put openings of so many segments into the bundle, so that verify --mode spot needs nobody")
	fl.StringVar(&f.seed, "seed", "", "with --samples: draw them from these bytes, in hexadecimal; default: from the transcripts, which is grindable")
	fl.BoolVar(&f.withoutInputs, "without-inputs", false, "leave the inputs' bytes out of the bundle; modes that need them will say undecided")
	fl.StringVar(&f.files, "files", "", "allow /file/write under this directory")
	fl.StringArrayVar(&f.hosts, "allow-http", nil, "allow /http/post to this host or host:port; may be given again")
	fl.BoolVar(&f.prove, "prove", false, "prove every task afterwards, as trilemma prove does")
	f.proving.add(c, "proving-memory")
	fl.StringVar(&f.secrets, "secrets", "", "keep what opens the workflow's secrets, and the hidden results, in this file (mode 0600); one that is there is added to")
	fl.StringVar(&f.redacted, "redacted", "", "with --secrets: write the workflow to this file, with commitments in place of its secrets")
	completeFlag(c, "engine", oneOf(engineNative, engineMachine))
	completeFlag(c, "output", cobra.FixedCompletions([]string{"car"}, cobra.ShellCompDirectiveFilterFileExt))
	completeFlag(c, "files", completeDir)
	completeFlag(c, "allow-http", oneOf())
	return c
}

// check refuses numbers that make no sense.
func (f *runFlags) check() error {
	switch {
	case f.workers < 0:
		return usage("--workers %d is negative", f.workers)
	case f.memory < 1 || f.memory > math.MaxInt64>>20:
		return usage("--memory %d is not a number of MiB from 1", f.memory)
	}
	switch {
	case f.samples != 0 && !f.transcript:
		return usage("--samples draws from transcripts: give --transcript too")
	case f.seed != "" && f.samples == 0:
		return usage("--seed is what --samples draws from: how many are to be drawn?")
	}
	if err := f.proving.check(); err != nil {
		return err
	}
	return checkDeadline(f.deadline)
}

// unfinished is the error of a run that did not end.
func unfinished(err error, deadline time.Duration) error {
	const hint = "no bundle was written; tasks that had ended are remembered"
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &status{code: exitFailed, err: fmt.Errorf("the deadline of %v passed: %w", deadline, err), hint: hint}
	case errors.Is(err, context.Canceled):
		return &status{code: exitFailed, err: errors.New("interrupted"), hint: hint}
	case errors.Is(err, evaluate.ErrOpen):
		return usage("%w", err)
	}
	return hostFailure(err)
}

// checkDeadline refuses a time that has passed; 0 is none.
func checkDeadline(d time.Duration) error {
	if d < 0 {
		return usage("--deadline %v is negative", d)
	}
	return nil
}

// limited is ctx with a deadline; 0 is none.
func limited(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

func (a *app) runWorkflow(ctx context.Context, name string, f runFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	var out output
	if f.out != "" {
		var err error
		if out, err = a.place(f.out); err != nil {
			return err
		}
		if out.name == "-" && a.json {
			return usage("the bundle and the JSON object cannot both go to stdout")
		}
	}
	data, err := a.readFile(name, workflow.MaxDocument)
	if err != nil {
		return err
	}
	d, err := document(name, data)
	if err != nil {
		return err
	}
	keep, err := a.secretsFor(d, &f)
	if err != nil {
		return err
	}
	timed, cancel := limited(ctx, f.deadline)
	defer cancel()
	var r *executor.Run
	if a.remote.url != "" {
		r, err = a.runThere(ctx, timed, d, f)
	} else {
		r, err = a.runHere(ctx, timed, name, d, f, keep)
	}
	if err != nil {
		return err
	}
	if err := keep.save(ctx, a); err != nil { // before anything that is hidden by it
		return unfinished(err, f.deadline)
	}
	if err := a.writeRedacted(ctx, d, f.redacted); err != nil {
		return unfinished(err, f.deadline)
	}
	var proved *wire.Proofs
	if f.samples != 0 {
		if r.Bundle, err = a.withOpenings(timed, r.Bundle, seedFlags{samples: f.samples, seed: f.seed, grindable: f.seed == ""}); err != nil {
			return unfinished(err, f.deadline)
		}
	}
	if f.prove {
		if r.Bundle, proved, err = a.proved(timed, r.Bundle, nil, f.proving, keep.opener()); err != nil {
			return unfinished(err, f.deadline)
		}
	}
	if f.withoutInputs {
		if r.Bundle, err = withoutInputs(r); err != nil {
			return err
		}
	}
	if f.out != "" {
		if err := a.write(ctx, out, r.Bundle.Write); err != nil {
			return unfinished(err, f.deadline)
		}
	}
	if err := a.printRun(r, proved, out.name); err != nil {
		return err
	}
	if r.Receipt.Claim.Out.Error != nil {
		return &status{code: exitFailed}
	}
	return nil
}

// runHere runs a workflow in this process. What comes before the tasks is no part of the deadline, which timed has.
func (a *app) runHere(ctx, timed context.Context, name string, d *workflow.Document, f runFlags, private *secretsFile) (*executor.Run, error) {
	key, err := a.signer(f.key)
	if err != nil {
		return nil, err
	}
	keep, err := a.store()
	if err != nil {
		return nil, err
	}
	w, err := a.compile(ctx, d, key.DID(), keep.Get, private.set())
	if err != nil {
		return nil, err
	}
	effects, err := f.effects(w)
	if err != nil {
		return nil, err
	}
	e, err := a.engine(ctx, f.engine, runtime.New)
	if err != nil {
		return nil, err
	}
	defer e.close()
	var bar *progress
	cfg := executor.Config{Signer: key, Runner: e.Runner, Engine: e.name, Blocks: keep, Records: keep, Memo: keep,
		Workers: f.workers, Memory: f.memory << 20, Fresh: f.fresh, Effects: effects, Progress: func(e executor.Event) { bar.done(e.Done) }}
	if private != nil {
		cfg.Secrets = private.Set
	}
	if f.transcript {
		cfg.Recorder, cfg.Engine = &machine.Engine{}, engine.NameMachine
		a.withoutTranscript(w)
	}
	ex, err := executor.New(cfg)
	if err != nil {
		return nil, usage("%w", err)
	}
	if err := ex.Check(ctx, w); err != nil {
		return nil, usage("%s: %w", name, err)
	}
	bar = a.progress(len(w.Tasks))
	r, err := ex.Run(timed, w)
	bar.end()
	if err != nil {
		return nil, unfinished(err, f.deadline)
	}
	return r, nil
}

func (a *app) signer(path string) (*capability.Key, error) {
	if path == "" {
		return a.key()
	}
	k, err := capability.LoadKey(path)
	if err != nil {
		return nil, usage("signing key: %w", err)
	}
	return k, nil
}
