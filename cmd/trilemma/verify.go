package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/verifier"
)

type verifyFlags struct {
	mode     string
	engine   string
	executor string
	tasks    []string
	deadline time.Duration

	samples    int64
	seed       string
	open       bool
	refutation string
	with       []string

	keys     []string
	allowDev bool
}

// check refuses flags that make no sense.
func (f *verifyFlags) check() error {
	if f.executor != "" {
		if err := capability.ParseDID(f.executor); err != nil {
			return usage("--executor: %w", err)
		}
	}
	return checkDeadline(f.deadline)
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify BUNDLE.car",
		Short: "Check a bundle, a ruling or a refutation, offline, and say what was established",
		Long: `Check the receipts in a bundle ("-" reads it from stdin). No socket is opened and nothing else is needed.

  attest  the executor signed these results: signature, links, every hash
  rerun   the results are what the modules compute: every task is run again and compared
  spot    random segments of the runs' transcripts are right, every link and both ends hold: by the openings in the bundle
  zk      the results are what the modules compute: by the proofs in the bundle, under keys that are trusted here
  check   each task as its workflow wishes: in a mode above, or by consensus, or optimistically, with the bundles and rulings that --with names
  all     every mode that the evidence allows

Mode spot checks what the bundle holds answers to. With --seed the segments are those that these bytes draw; with --open the openings are made here,
which costs a run, and the seed is fresh unless one is given.

Mode zk trusts keys under TRILEMMA_HOME and those of --keys: keys in a bundle are nobody's word. Development keys, whose maker can prove anything, are
refused unless --allow-dev-setup is given.

A ruling, as dispute writes it, and a refutation are checked by the evidence that they hold: valid says that they show what they claim.

A verdict says what was established, how surely, what it cost and what it revealed. Whoever makes up a whole bundle can
sign it with a key of their own: name the executor that you expect with --executor.`,
		Example: `  trilemma verify run.car --mode rerun
  trilemma verify run.car --mode attest --executor did:key:z6Mk… --json
  trilemma verify run.car --task blur
  trilemma verify run.car --mode spot --samples 50 --open
  trilemma verify run.car --mode zk --keys theirs.family
  trilemma verify run.car --mode check --with theirs.car --with ruling.car
  trilemma verify ruling.car`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFile("car"),
		RunE:              func(c *cobra.Command, args []string) error { return a.verify(c.Context(), args[0], f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.mode, "mode", "all", "attest, rerun, spot, zk, check, all")
	fl.StringVar(&f.engine, "engine", engineNative, "what runs the tasks again: "+engineNames)
	fl.StringVar(&f.executor, "executor", "", "DID of the executor whose signature is expected")
	fl.Int64Var(&f.samples, "samples", 0, "mode spot: how many segments to draw, of all tasks of the run; needs --seed or --open")
	fl.StringVar(&f.seed, "seed", "", "mode spot: draw from these bytes, in hexadecimal; the verdict says that they were supplied")
	fl.BoolVar(&f.open, "open", false, "mode spot: make the openings here, by running the tasks")
	fl.StringVar(&f.refutation, "refutation", "", "if a segment is wrong, write the evidence to this file")
	fl.StringArrayVar(&f.with, "with", nil, "mode check: another executor's bundle, or a ruling, to compare with; may be given again")
	fl.StringArrayVar(&f.keys, "keys", nil, "mode zk: trust the verifying keys in this file, as setup export writes it; may be given again")
	fl.BoolVar(&f.allowDev, "allow-dev-setup", false, "mode zk: accept development keys, whose maker can prove anything")
	fl.StringArrayVar(&f.tasks, "task", nil, "check only the task of this label; may be given again")
	fl.DurationVar(&f.deadline, "deadline", 0, "give up after this long; the verdict is then undecided")
	completeFlag(c, "mode", oneOf("attest", "rerun", "spot", "zk", "check", "all"))
	completeFlag(c, "engine", oneOf(engineNative, engineMachine))
	completeFlag(c, "executor", oneOf())
	completeFlag(c, "task", a.completeTask)
	return c
}

func (a *app) verify(ctx context.Context, name string, f verifyFlags) error {
	mode, err := verifier.ParseMode(f.mode)
	if err != nil {
		return usage("%w", err)
	}
	if err := f.check(); err != nil {
		return err
	}
	if drawing := f.samples != 0 || f.seed != "" || f.open; drawing && mode != verifier.Spot {
		return usage("--samples, --seed and --open are about --mode spot")
	} else if drawing && f.seed == "" && !f.open {
		return &status{code: exitUsage, err: errors.New("--samples needs a seed"),
			hint: "give one with --seed, or --open to have the openings made here; to ask the executor: trilemma challenge new"}
	}
	e, err := a.readEvidence(name)
	if damaged, ok := errors.AsType[*damagedBundle](err); ok { // that is a verdict
		return a.printReport(nothing(verifier.Attest, verifier.Invalid, damaged.Error(), verifier.Cost{Bytes: e.size}), "", f)
	}
	if err != nil {
		return err
	}
	clocks := verifier.Config{Executor: f.executor, Now: time.Now, CPU: processCPU}
	switch {
	case e.ruling != nil:
		return a.printReport(verifier.VerifyRuling(e.ruling, clocks), e.ruling.Root.String(), f)
	case e.refutation != nil:
		return a.printReport(verifier.VerifyRefutation(e.refutation, clocks), "", f)
	}
	if a.remote.url != "" {
		return a.verifyThere(ctx, e.bundle, e.size, f)
	}
	keep, err := a.challenges(receipts.CID(e.bundle.Record.Receipt))
	if err != nil {
		return err
	}
	cfg := verifier.Config{Mode: mode, Tasks: f.tasks, Ours: keep.ours, AllowDev: f.allowDev}
	if cfg.Family, err = a.trusted(f.keys); err != nil {
		return err
	}
	if err := a.others(&cfg, f.with); err != nil {
		return err
	}
	if mode == verifier.Rerun || mode == verifier.All || mode == verifier.Check {
		r, err := a.engine(ctx, f.engine, runtime.New)
		if err != nil {
			return err
		}
		defer r.close()
		cfg.Runner = r.Runner
	}
	if f.seed != "" || f.open {
		if cfg.Challenged, err = a.drawing(ctx, e.bundle, f); err != nil {
			return err
		}
	}
	rep, err := a.ask(ctx, e.bundle, e.size, f, cfg)
	if err != nil {
		return err
	}
	return a.conclude(ctx, rep, e.bundle.Root.String(), f)
}

// others reads the bundles and rulings that --with names.
func (a *app) others(cfg *verifier.Config, names []string) error {
	if len(names) > 0 && cfg.Mode != verifier.Check {
		return usage("--with is about --mode check")
	}
	cfg.Opener = &machine.Engine{}
	for _, name := range names {
		switch e, err := a.readEvidence(name); {
		case err != nil:
			return bad(err)
		case e.bundle != nil:
			cfg.Others = append(cfg.Others, e.bundle)
		case e.ruling != nil:
			cfg.Rulings = append(cfg.Rulings, e.ruling)
		default:
			return usage("%s is neither a bundle nor a ruling", name)
		}
	}
	return nil
}

// drawing is what --samples, --seed and --open ask for.
func (a *app) drawing(ctx context.Context, b *receipts.Bundle, f verifyFlags) (*verifier.Challenged, error) {
	from := seedFlags{samples: f.samples, seed: f.seed}
	if from.samples == 0 {
		from.samples = defaultSamples
	}
	ch, err := from.challenge(a, b)
	if err != nil {
		return nil, err
	}
	out, note, err := report.Draw(ctx, b, ch, f.open)
	if note != nil {
		fmt.Fprintln(a.err, "note: no openings could be made here:", note)
	}
	return out, hostFailure(err)
}

// ask verifies a bundle.
func (a *app) ask(ctx context.Context, b *receipts.Bundle, size int64, f verifyFlags, cfg verifier.Config) (*verifier.Report, error) {
	cfg.Executor, cfg.Now, cfg.CPU = f.executor, time.Now, processCPU
	ctx, cancel := limited(ctx, f.deadline)
	defer cancel()
	total := len(f.tasks)
	if total == 0 {
		total = tasks(b)
	}
	bar := a.progress(total)
	cfg.Progress = bar.done
	rep, err := verifier.Verify(ctx, b, cfg)
	bar.end()
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		why := fmt.Sprintf("the deadline of %v passed", f.deadline)
		return nothing(cfg.Mode, verifier.Undecided, why, verifier.Cost{Wall: f.deadline, Bytes: size}), nil
	case errors.Is(err, verifier.ErrNoTask):
		return nil, &status{code: exitUsage, err: err, hint: "its tasks are " + strings.Join(labels(b), ", ")}
	case errors.Is(err, context.Canceled):
		return nil, &status{code: exitUndecided, err: errors.New("interrupted: nothing was established")}
	case err != nil:
		return nil, hostFailure(err)
	}
	return rep, nil
}
