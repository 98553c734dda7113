package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/circuits/plonk"
	"github.com/trilemma-dev/trilemma/lab"
)

func (a *app) benchProveCommand() *cobra.Command {
	var flags benchFlags
	var keys keyFlags
	c := &cobra.Command{
		Use:   "prove [MODULE [ARG...]]",
		Short: "Measure proofs, on the sample guests or on a module",
		Long: `Measure proofs of runs of about a million instructions, and the keys that they need, which are made anew and forgotten. How fast proofs are is told beside
what gnark does by itself in the same run, with a circuit of nothing but multiplications, and so is making keys and checking.

With --backend plonk the same run is proved in both proof systems, with circuits of the same shapes, and what that takes is put side by side.

With a module it is that which runs in the guests' place, as exec would run it.`,
		Example: `  trilemma bench prove
  trilemma bench prove --backend plonk --scheme tiny
  trilemma bench prove --scheme small --json fib.wasm --invoke fib 15`,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := flags.config(a, lab.Full, args)
			if err != nil {
				return err
			}
			return a.benchProve(c.Context(), cfg, keys)
		},
	}
	flags.add(c)
	keys.add(c)
	return c
}

func (a *app) benchProve(ctx context.Context, cfg lab.Config, keys keyFlags) (err error) {
	_, backend, err := keys.of()
	if err != nil {
		return err
	}
	if cfg.Dir, err = a.benchDir(); err != nil {
		return usage("%w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cfg.Dir)) }()
	if backend.Name() == plonk.Name {
		return measured(a, cfg, func(cfg lab.Config) (*lab.BackendReport, error) {
			return lab.Backends(ctx, cfg, keys.scheme, processPeak)
		}, a.printBackends)
	}
	return measured(a, cfg, func(cfg lab.Config) (*lab.ProveReport, error) { return lab.Prove(ctx, cfg, keys.scheme, peakSince) }, a.printProve)
}

func (a *app) printBackends(r *lab.BackendReport) error {
	rows := [][]string{{"BACKEND", "GUEST", "CALL", "STEPS", "PARTS", "PROVED IN", strings.ToUpper(r.Host.Clock), "AT MOST", "KEYS", "MADE IN", "BYTES", "VERIFY"}}
	for _, row := range r.Rows {
		rows = append(rows, []string{row.Backend, row.Guest, row.Call, fmt.Sprint(row.Steps), fmt.Sprint(row.Parts), fmt.Sprintf("%.1f s", row.Prove), fmt.Sprintf("%.1f s", row.Clock),
			fmt.Sprintf("%d MiB", row.Peak>>20), fmt.Sprintf("%d MiB", row.KeyBytes>>20), fmt.Sprintf("%.1f s", row.Keygen), fmt.Sprint(row.Bytes), ms(row.Verify)})
	}
	if err := table(a.out, rows); err != nil {
		return err
	}
	s := &r.Summary
	_, err := fmt.Fprintf(a.out, "\nplonk takes %.1f times the time to prove, %.1f times to verify, and %.1f times the bytes\n%s\n", s.Prove, s.Verify, s.Bytes, where(r.Host))
	return err
}

func (a *app) printProve(r *lab.ProveReport) error {
	rows := [][]string{{"GUEST", "CALL", "STEPS", "INSTRUCTIONS", "PARTS", "PER STEP", "OF ROWS", "PER INSTRUCTION", "EXECUTE", "TRACE", "COMMIT", "PROVE", "INSTRUCTIONS/S", "PREDICTED", "PEAK", "PREDICTED", "BYTES", "VERIFY"}}
	for _, row := range r.Rows {
		expected := "-"
		if row.ExpectedSeconds > 0 {
			expected = fmt.Sprintf("%.1f s of %.1f s", row.ExpectedSeconds, row.Trace+row.Commit+row.Prove)
		}
		rows = append(rows, []string{row.Guest, row.Call, fmt.Sprint(row.Steps), fmt.Sprint(row.Fuel), fmt.Sprint(row.Parts), fmt.Sprintf("%.1f", row.PerStep),
			fmt.Sprintf("%.1f", row.UsedPerStep), fmt.Sprintf("%.1f", row.PerFuel), ms(row.Execute * 1e3), fmt.Sprintf("%.1f s", row.Trace), fmt.Sprintf("%.1f s", row.Commit),
			fmt.Sprintf("%.1f s", row.Prove), fmt.Sprintf("%.0f", row.PerSecond), expected, fmt.Sprintf("%d MiB", row.Peak>>20),
			fmt.Sprintf("%d MiB", row.ExpectedPeak>>20), fmt.Sprint(row.Bytes), ms(row.Verify)})
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
%s; speed and checks are of %s time, the rest of wall time
`, s.PerStep, s.PerFuel, s.Rate, s.Relative, r.Raw, r.Scheme, s.Keygen, s.Load, s.Speedup, s.Verify, s.Batch, s.Peak>>20, where(r.Host), r.Host.Clock)
	return err
}
