package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/lab"
)

func (a *app) benchMachineCommand() *cobra.Command {
	var flags benchFlags
	var sweep bool
	c := &cobra.Command{
		Use:   "machine [MODULE [ARG...]]",
		Short: "Measure the machine, on the sample guests or on a module",
		Long: `Measure the machine, which runs tasks step by step. The sample guests run in it, in wazero's interpreter, and in it while it keeps a
transcript, in turns: the ratios are what the machine is worth, and what a transcript costs. Beside them: how many steps a Wasm
instruction takes, and the memory that a run with a transcript asks for, all of it from first to last.

With a module it is that which runs in the guests' place, as exec would run it.

With --sweep: what a transcript would cost with larger pages than the profile's and other lengths of segments. For each choice, over
all works: the time with a transcript over the time without, the state that a segment's opening would show, and how long a segment takes.`,
		Example: `  trilemma bench machine
  trilemma bench machine --turns 50 --json
  trilemma bench machine --sweep --turns 3
  trilemma bench machine fib.wasm --invoke fib 30`,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := flags.config(a, lab.Small, args)
			if err != nil {
				return err
			}
			if sweep {
				return measured(a, cfg, func(cfg lab.Config) (*lab.SweepReport, error) { return lab.Sweep(c.Context(), cfg) }, a.printSweep)
			}
			return measured(a, cfg, func(cfg lab.Config) (*lab.MachineReport, error) { return lab.Machine(c.Context(), cfg) }, a.printMachine)
		},
	}
	flags.add(c)
	c.Flags().BoolVar(&sweep, "sweep", false, "measure other sizes of pages and lengths of segments than the profile's")
	return c
}

func (a *app) printMachine(r *lab.MachineReport) error {
	rows := [][]string{{"GUEST", "CALL", "INSTRUCTIONS", "STEPS EACH", "MACHINE", "INTERPRETER", "RATIO", "QUARTILES", "TRANSCRIPT", "QUARTILES", "GUEST MEMORY", "ALLOCATED"}}
	for _, row := range r.Rows {
		rows = append(rows, []string{row.Guest, row.Call, fmt.Sprint(row.Fuel), fmt.Sprintf("%.3f", row.PerInstr), mips(row.Machine), mips(row.Interpreter),
			fmt.Sprintf("%.2f", row.Speed.Median), fmt.Sprintf("%.2f to %.2f", row.Speed.Low, row.Speed.High),
			fmt.Sprintf("%.3f", row.Overhead.Median), fmt.Sprintf("%.3f to %.3f", row.Overhead.Low, row.Overhead.High),
			mib(float64(row.Memory)), mib(float64(row.Allocated))})
	}
	if err := table(a.out, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, `
machine over wazero's interpreter, geometric mean: %.2f
with a transcript over without, pages of %d bytes, segments of %d steps: %.3f
steps for each Wasm instruction: %.3f
%s; in %s time
`, r.Summary.Speed, r.Page, r.Segment, r.Summary.Overhead, r.Summary.PerInstr, where(r.Host), r.Host.Clock)
	return err
}

func (a *app) printSweep(r *lab.SweepReport) error {
	rows := [][]string{{"PAGE", "SEGMENT", "OVERHEAD", "WORST", "OPENING", "LARGEST", "REPLAY"}}
	for _, c := range r.Cuts {
		rows = append(rows, []string{fmt.Sprint(c.Page), fmt.Sprint(c.Segment), fmt.Sprintf("%.3f", c.Overhead), fmt.Sprintf("%.3f", c.Worst),
			kib(c.Opening), kib(c.Largest), ms(c.Replay)})
	}
	if err := table(a.out, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "\n%s; in %s time\n", where(r.Host), r.Host.Clock)
	return err
}

// mips shows millions of Wasm instructions per second.
func mips(v float64) string { return fmt.Sprintf("%.0f M/s", v) }

func mib(bytes float64) string { return fmt.Sprintf("%.1f MiB", bytes/(1<<20)) }

func kib(bytes float64) string { return fmt.Sprintf("%.1f KiB", bytes/(1<<10)) }
