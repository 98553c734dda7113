package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/lab"
)

func (a *app) benchProveCommand() *cobra.Command {
	var flags benchFlags
	var name string
	c := &cobra.Command{
		Use:   "prove [MODULE [ARG...]]",
		Short: "Measure proofs, on the sample guests or on a module",
		Long: `Measure proofs of runs of about a million instructions, and the keys that they need, which are made anew and forgotten. How fast proofs are is told beside
what gnark does by itself in the same run, with a circuit of nothing but multiplications, and so is making keys and checking.

With a module it is that which runs in the guests' place, as exec would run it.`,
		Example: `  trilemma bench prove
  trilemma bench prove --scheme small --json fib.wasm --invoke fib 15`,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := flags.config(a, lab.Full, args)
			if err != nil {
				return err
			}
			return a.benchProve(c.Context(), cfg, name)
		},
	}
	flags.add(c)
	schemeFlag(c, &name)
	return c
}

func (a *app) benchProve(ctx context.Context, cfg lab.Config, name string) (err error) {
	if _, err := scheme(name); err != nil {
		return err
	}
	if cfg.Dir, err = a.benchDir(); err != nil {
		return usage("%w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cfg.Dir)) }()
	return measured(a, cfg, func(cfg lab.Config) (*lab.ProveReport, error) { return lab.Prove(ctx, cfg, name, processPeak) }, a.printProve)
}

func (a *app) printProve(r *lab.ProveReport) error {
	rows := [][]string{{"GUEST", "CALL", "STEPS", "INSTRUCTIONS", "PARTS", "PER STEP", "OF ROWS", "PER INSTRUCTION", "EXECUTE", "TRACE", "COMMIT", "PROVE", "INSTRUCTIONS/S", "BYTES", "VERIFY"}}
	for _, row := range r.Rows {
		rows = append(rows, []string{row.Guest, row.Call, fmt.Sprint(row.Steps), fmt.Sprint(row.Fuel), fmt.Sprint(row.Parts), fmt.Sprintf("%.1f", row.PerStep),
			fmt.Sprintf("%.1f", row.UsedPerStep), fmt.Sprintf("%.1f", row.PerFuel), ms(row.Execute * 1e3), fmt.Sprintf("%.1f s", row.Trace), fmt.Sprintf("%.1f s", row.Commit),
			fmt.Sprintf("%.1f s", row.Prove), fmt.Sprintf("%.0f", row.PerSecond), fmt.Sprint(row.Bytes), ms(row.Verify)})
	}
	if err := table(a.out, rows); err != nil {
		return err
	}
	s := &r.Summary
	_, err := fmt.Fprintf(a.out, `
constraints, padding and tables included: %.1f a step, %.1f an instruction
%.0f instructions a second; constraints of rows, against those of a plain circuit, in the same time: %.2f (%.0f a second)
keys of scheme %s: made in %.1f s, loaded in %.2f s; %.1f times as fast as gnark makes them
checked in %.2f ms for each part, %.1f times as fast as part by part with gnark
at most %d MiB
%s; speed is of %s time, the rest of wall time
`, s.PerStep, s.PerFuel, s.Rate, s.Relative, r.Raw, r.Scheme, s.Keygen, s.Load, s.Speedup, s.Verify, s.Batch, s.Peak>>20, where(r.Host), r.Host.Clock)
	return err
}
