package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/lab"
	"github.com/trilemma-dev/trilemma/link"
)

func (a *app) benchCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "bench",
		Short:   "Measure what this machine does",
		Example: "  trilemma bench native",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.benchNativeCommand(), a.benchMachineCommand(), a.benchSpotCommand(), a.benchProveCommand(), a.benchTrilemmaCommand(), a.benchHTTPCommand(), a.benchWorkersCommand())
	return c
}

func (a *app) benchNativeCommand() *cobra.Command {
	var flags benchFlags
	c := &cobra.Command{
		Use:   "native [MODULE [ARG...]]",
		Short: "Measure native execution, of the sample guests or of a module",
		Long: `Measure native execution. The sample guests run metered, as every task does, and as wazero runs them alone, in turns: the ratio
is what determinism and metering cost. Then: how long a module of 25 KB takes to start, with its compiled code on disk (warm)
and without (cold), and what a workflow of 1,000 trivial tasks costs for each, receipts kept on disk included.

With a module it is that which runs in the guests' place, as exec would run it.`,
		Example: `  trilemma bench native
  trilemma bench native --turns 50 --json
  trilemma bench native fib.wasm --invoke fib 30`,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := flags.config(a, lab.Full, args)
			if err != nil {
				return err
			}
			return a.benchNative(c.Context(), cfg)
		},
	}
	flags.add(c)
	return c
}

// benchFlags are the flags of every benchmark that runs the guests, or a module in their place.
type benchFlags struct {
	exec  execFlags
	turns int
	tiny  bool
}

func (f *benchFlags) add(c *cobra.Command) {
	c.ValidArgsFunction = completeFile("wasm")
	c.Flags().StringVar(&f.exec.invoke, "invoke", "", "exported function of the module to call")
	c.Flags().StringVar(&f.exec.result, "result", "", "the function's result is bytes or string (canonical ABI)")
	c.Flags().StringVar(&f.exec.stdin, "stdin", "", "file that a command reads as its standard input; - is ours")
	c.Flags().IntVar(&f.turns, "turns", 15, "how often each thing is measured")
	c.Flags().BoolVar(&f.tiny, "tiny", false, "so little work that the numbers say nothing: to see that it runs")
}

// config is what the flags ask for; args are a module and its arguments, or nothing.
func (f *benchFlags) config(a *app, size lab.Size, args []string) (lab.Config, error) {
	cfg := lab.Config{Size: size, Turns: f.turns, CPU: processCPU}
	if f.turns < 1 {
		return cfg, usage("--turns %d is not a number from 1", f.turns)
	}
	if f.tiny {
		cfg.Size = lab.Tiny
	}
	if len(args) > 0 {
		w, err := a.work(args[0], args[1:], f.exec)
		if err != nil {
			return cfg, err
		}
		cfg.Works = []*lab.Work{w}
	}
	return cfg, nil
}

// measured runs a benchmark with a progress bar, and prints what it found: as JSON, or by show.
func measured[R any](a *app, cfg lab.Config, bench func(lab.Config) (*R, error), show func(*R) error) error {
	var bar *progress
	cfg.Progress = func(done, total int) {
		if bar == nil {
			bar = a.progress(total)
		}
		bar.done(done)
	}
	r, err := bench(cfg)
	if bar != nil {
		bar.end()
	}
	if err != nil {
		return hostFailure(err)
	}
	if a.json {
		return a.printJSON(r)
	}
	return show(r)
}

// work makes a call of a module ready to run.
func (a *app) work(name string, args []string, f execFlags) (*lab.Work, error) {
	l, in, err := a.link(name, args, f)
	if err != nil {
		return nil, err
	}
	return &lab.Work{Guest: filepath.Base(name), Call: f.invoke + "(" + strings.Join(args, ", ") + ")", Linked: l, Streams: in,
		Limits: link.Limits{Fuel: math.MaxInt64, Memory: link.DefaultPages, Output: link.DefaultOutput}}, nil
}

// benchDir makes an empty directory where the program's state lies, for what a benchmark keeps on disk.
func (a *app) benchDir() (string, error) {
	dir, err := a.home()
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		dir, err = os.MkdirTemp(dir, "bench-")
	}
	return dir, err
}

func (a *app) benchNative(ctx context.Context, cfg lab.Config) (err error) {
	if cfg.Dir, err = a.benchDir(); err != nil {
		return usage("%w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cfg.Dir)) }()
	return measured(a, cfg, func(cfg lab.Config) (*lab.NativeReport, error) { return lab.Native(ctx, cfg) }, a.printNative)
}

func (a *app) printNative(r *lab.NativeReport) error {
	rows := [][]string{{"GUEST", "CALL", "INSTRUCTIONS", "METERED", "BARE", "RATIO", "QUARTILES"}}
	for _, row := range r.Rows {
		rows = append(rows, []string{row.Guest, row.Call, fmt.Sprint(row.Fuel), ms(row.Metered), ms(row.Bare), fmt.Sprintf("%.3f", row.Ratio.Median),
			fmt.Sprintf("%.3f to %.3f", row.Ratio.Low, row.Ratio.High)})
	}
	if err := table(a.out, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, `
metered over bare, geometric mean: %.3f
start of a module of %d bytes: warm %s, cold %s
a trivial task, one of %d: %s with its receipt, %s when it is known (%d ran again)
%s; the ratio is one of %s time, the rest is wall time
`, r.Summary.Ratio, r.Start.Module, within(r.Start.Warm), within(r.Start.Cold),
		r.Tasks.Count, within(r.Tasks.First), within(r.Tasks.Again), r.Tasks.Executions,
		where(r.Host), r.Host.Clock)
	return err
}

func where(h lab.Host) string {
	return fmt.Sprintf("%s on %s/%s, %d cores", h.Engine, h.OS, h.Arch, h.Cores)
}

func ms(v float64) string { return fmt.Sprintf("%.2f ms", v) }

// within shows a spread of milliseconds.
func within(s lab.Spread) string {
	return fmt.Sprintf("%s (%.2f to %.2f)", ms(s.Median), s.Low, s.High)
}
