package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/verifier"
)

// proveFlags say how proofs are made.
type proveFlags struct {
	scheme  string
	backend string
	memory  int64
	workers int
}

func (f *proveFlags) add(c *cobra.Command, memory string) {
	fl := c.Flags()
	fl.StringVar(&f.scheme, "scheme", proof.Standard, "circuits to prove with: "+proof.Standard+"; "+proof.Small+" or "+proof.Tiny+", whose keys are made in less time, for short runs")
	fl.Int64Var(&f.memory, memory, 0, "MiB that proving may take; 0: no limit. What would take more is refused")
	fl.IntVar(&f.workers, "parts", 0, "parts of a proof to work at at once, as far as memory goes; 0: one for each core")
	completeFlag(c, "scheme", oneOf(proof.Names()...))
	backendFlag(c, &f.backend)
}

func (f *proveFlags) check() error {
	switch {
	case f.memory < 0 || f.memory > math.MaxInt64>>20:
		return usage("--memory %d is not a number of MiB", f.memory)
	case f.workers < 0:
		return usage("--parts %d is negative", f.workers)
	}
	return nil
}

func (a *app) proveCommand() *cobra.Command {
	var f proveFlags
	var tasks []string
	var to, private string
	c := &cobra.Command{
		Use:   "prove BUNDLE.car",
		Short: "Prove a bundle's tasks: zero-knowledge proofs that anyone can check without running them",
		Long: `Prove that the tasks of a run ended as their receipts say ("-" reads the bundle from stdin). The proofs are put into the bundle, which is written to -o,
or in place of the one that was read. A task is run again, on the machine, to find out how it goes; what no proof can show is refused with its place, and
what does not fit into the memory that it may take too, before anything is proved.

Keys are made at first use, and kept under TRILEMMA_HOME. Whoever makes keys can prove anything: these are development keys, which verify refuses unless it is
told otherwise. See trilemma setup.

An attempt that was interrupted or killed is taken up again by the same command.`,
		Example: `  trilemma prove run.car -o proved.car
  trilemma prove run.car --task blur --memory 2048 --json
  trilemma verify proved.car --mode zk --allow-dev-setup`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFile("car"),
		RunE: func(c *cobra.Command, args []string) error {
			f.there(c, a)
			return a.prove(c.Context(), args[0], to, private, tasks, f)
		},
	}
	f.add(c, "memory")
	c.Flags().StringArrayVar(&tasks, "task", nil, "prove only the task of this label; may be given again")
	c.Flags().StringVar(&private, "secrets", "", "file that opens what is hidden: see trilemma run --secrets")
	c.Flags().StringVarP(&to, "output", "o", "", "write the bundle to this file; - is stdout; default: in place of what was read")
	completeFlag(c, "task", a.completeTask)
	return c
}

func (a *app) prove(ctx context.Context, name, to, private string, tasks []string, f proveFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	var keep *secretsFile
	if private != "" {
		if a.remote.url != "" {
			return &status{code: exitUsage, err: fmt.Errorf("the service at %s would see what is hidden: nothing was sent", a.remote.url), hint: "prove it here, without --remote"}
		}
		var err error
		if keep, err = a.secretsIn(private); err != nil {
			return err
		}
	}
	if to == "" {
		to = name
	}
	out, err := a.destination(to)
	if err != nil {
		return err
	}
	b, _, err := a.readBundle(name)
	if err != nil {
		return bad(err)
	}
	b, made, err := a.proved(ctx, b, tasks, f, keep.opener())
	if err != nil {
		return err
	}
	if err := a.write(ctx, out, b.Write); err != nil {
		return err
	}
	return a.printProofs(made)
}

// there leaves the scheme to the service that is to prove, unless one was named.
func (f *proveFlags) there(c *cobra.Command, a *app) {
	if a.remote.url != "" && !c.Flags().Changed("scheme") {
		f.scheme = ""
	}
}

// proved proves tasks of a bundle, here or at the service that was named, which does not open what is hidden, and says what was proved.
func (a *app) proved(ctx context.Context, b *receipts.Bundle, tasks []string, f proveFlags, open proving.Opener) (*receipts.Bundle, *wire.Proofs, error) {
	if a.remote.url != "" {
		return a.proveThere(ctx, b, tasks, f)
	}
	b, made, err := a.proofs(ctx, b, tasks, f, open)
	if err != nil {
		return nil, nil, err
	}
	return b, proving.ProofsOf(b, made, processPeak()), nil
}

// proofs proves tasks of a bundle. open opens what is hidden; it may be nil.
func (a *app) proofs(ctx context.Context, b *receipts.Bundle, tasks []string, f proveFlags, open proving.Opener) (*receipts.Bundle, []proving.Proved, error) {
	claims, err := verifier.Claims(b, tasks)
	if err != nil {
		return nil, nil, usage("%w", err)
	}
	if len(claims) == 0 {
		return nil, nil, usage("no task of the bundle ran: there is nothing to prove")
	}
	keys := keyFlags{f.scheme, f.backend}
	s, backend, err := keys.of()
	if err != nil {
		return nil, nil, err
	}
	if err := proving.Check(ctx, s, backend, b, tasks, f.memory<<20, time.Now, open); err != nil {
		return nil, nil, provingFailure(err)
	}
	k, err := a.keysIn(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	home, err := a.home()
	if err != nil {
		return nil, nil, err
	}
	if f.memory > 0 { // the collector works harder before more would be taken
		debug.SetMemoryLimit(f.memory << 20)
	}
	bar := a.stages()
	p := proving.New(proving.Config{Keys: k, Sessions: filepath.Join(home, "proving"), Memory: f.memory << 20, Workers: f.workers, Random: rand.Reader, Now: time.Now, Open: open,
		Progress: bar.show})
	type result struct {
		b    *receipts.Bundle
		made []proving.Proved
	}
	r, err := unlessInterrupted(ctx, func() (r result, err error) {
		r.b, r.made, err = p.Bundle(ctx, b, tasks)
		return r, err
	})
	bar.end()
	if err != nil {
		return nil, nil, provingFailure(err)
	}
	return r.b, r.made, a.keepRate(r.made)
}

// keepRate keeps how fast proving was, for preflight.
func (a *app) keepRate(made []proving.Proved) error {
	rate := proving.RateOf(made)
	if rate.Constraints == 0 {
		return nil
	}
	dir, err := a.keyDir()
	if err != nil {
		return err
	}
	return hostFailure(proving.SaveRate(dir, rate))
}

// provingFailure gives an error its status.
func provingFailure(err error) error {
	switch {
	case errors.Is(err, proving.ErrUnprovable), errors.Is(err, proving.ErrReceipt):
		return &status{code: exitFailed, err: err}
	case errors.Is(err, evaluate.ErrOpen):
		return &status{code: exitUsage, err: err, hint: "name the file that trilemma run --secrets wrote with --secrets"}
	case errors.Is(err, proving.ErrMemory):
		return &status{code: exitFailed, err: err, hint: "nothing was proved; preflight says what a run takes"}
	}
	return hostFailure(err)
}

// printProofs shows what was proved.
func (a *app) printProofs(made *wire.Proofs) error {
	if a.json {
		return a.printJSON(made)
	}
	rows := [][]string{{"TASK", "STEPS", "FUEL", "PARTS", "RAN IN", "PROVED IN", "BYTES", "SETUP"}}
	for _, task := range slices.Sorted(maps.Keys(made.Tasks)) {
		p := made.Tasks[task]
		rows = append(rows, []string{task, fmt.Sprint(p.Steps), fmt.Sprint(p.Fuel), fmt.Sprint(p.Proofs), time.Duration(p.Execute * float64(time.Second)).Round(time.Microsecond).String(),
			fmt.Sprintf("%.1f s", p.Seconds), fmt.Sprint(p.Bytes), p.Setup})
	}
	if err := table(a.err, lines(rows)); err != nil {
		return err
	}
	fmt.Fprintf(a.err, "run %s\n", made.Run)
	return nil
}
