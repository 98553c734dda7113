package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/work"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/wasm"
)

type execFlags struct {
	invoke, result, engine, stdin string
	env                           []string
	fuel, output, clock, seed     uint64
	memory                        uint32
	deadline                      time.Duration
}

func (a *app) execCommand() *cobra.Command {
	var f execFlags
	c := &cobra.Command{
		Use:   "exec MODULE [ARG...]",
		Short: "Run one module once, without a receipt",
		Long: `Run a WASI command (its _start), or with --invoke one exported function ("-" reads the module from stdin). Arguments
that begin with - are flags of this program, unless they are numbers or stand behind --.

Arguments of a function follow its signature: integers (decimal or 0x…, signed or unsigned), numbers (NaN, inf and -inf
too), and for a pair of i32 that stands for a list or string @FILE (bytes of a file) or any other text. Results are
printed one a line: integers signed, numbers as the shortest decimal that reads back as the same, bytes as base64.`,
		Example: `  trilemma exec fib.wasm --invoke fib 20
  trilemma exec math.wasm --invoke max -5 3
  trilemma exec sha256.wasm --invoke sha256 --result bytes @README.md
  trilemma exec wc.wasm --stdin book.txt -- -l`,
		Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return []string{"wasm"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(c *cobra.Command, args []string) error { return a.exec(c.Context(), args[0], args[1:], f) },
	}
	a.callFlags(c, &f)
	c.Flags().StringVar(&f.engine, "engine", engineNative, "what runs the module: "+engineNames)
	completeFlag(c, "engine", oneOf(engineNative, engineMachine))
	return c
}

// callFlags gives c, which takes a module and its arguments, the flags that say how to call it.
func (a *app) callFlags(c *cobra.Command, f *execFlags) {
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return &status{code: exitUsage, err: err, hint: "put -- before the module's own arguments: " + c.CommandPath() + " MODULE -- ARG..."}
	})
	fl := c.Flags()
	fl.StringVar(&f.invoke, "invoke", "", "exported function to call")
	fl.StringVar(&f.result, "result", "", "the function's result is bytes or string (canonical ABI); default: as in its signature")
	fl.StringVar(&f.stdin, "stdin", "", "file that a command reads as its standard input; - is ours")
	fl.StringArrayVar(&f.env, "env", nil, "KEY=VALUE in a command's environment; may be given again")
	fl.Uint64Var(&f.fuel, "fuel", defaultFuel, "Wasm instructions after which the outcome is fuel")
	fl.Uint32Var(&f.memory, "memory", link.DefaultPages, "cap of the memory, in pages of 64 KiB")
	fl.Uint64Var(&f.output, "output-bytes", link.DefaultOutput, "cap of all output, in bytes")
	fl.Uint64Var(&f.clock, "clock", 0, "where a command's clock starts, in nanoseconds since 1970")
	fl.Uint64Var(&f.seed, "seed", 0, "seed of a command's random numbers")
	fl.DurationVar(&f.deadline, "deadline", 0, "give up after this long")
	completeFlag(c, "result", oneOf("bytes", "string"))
	completeFlag(c, "invoke", a.completeExport)
}

// check refuses flags that make no sense.
func (f *execFlags) check() error {
	if f.memory > link.MaxPages {
		return usage("--memory %d is above the profile's %d pages", f.memory, link.MaxPages)
	}
	return checkDeadline(f.deadline)
}

// job is a call made ready to run.
func (f *execFlags) job(l *link.Linked, in [][]byte) *evaluate.Job {
	return &evaluate.Job{Linked: l, Streams: in, Limits: link.Limits{Fuel: f.fuel, Memory: f.memory, Output: f.output}}
}

func (a *app) exec(ctx context.Context, name string, args []string, f execFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	if a.remote.url != "" {
		return a.execThere(ctx, name, args, f)
	}
	l, in, err := a.link(name, args, f)
	if err != nil {
		return err
	}
	e, err := a.engine(ctx, f.engine, runtime.New)
	if err != nil {
		return err
	}
	defer e.close()
	ctx, cancel := limited(ctx, f.deadline)
	defer cancel()
	start := time.Now()
	res, err := evaluate.Serve(ctx, e.Runner, e.name, f.job(l, in))
	took := time.Since(start)
	if errors.Is(err, context.DeadlineExceeded) {
		return a.printDeadline(f.deadline, e.name, took)
	}
	if err != nil {
		return hostFailure(err)
	}
	out, err := work.ExecOf(l.Entry, res, took)
	if err != nil {
		return err
	}
	return a.printExec(out)
}

// link reads a module and makes a call of it ready to run.
func (a *app) link(name string, args []string, f execFlags) (*link.Linked, [][]byte, error) {
	m, err := a.module(name)
	if err != nil {
		return nil, nil, err
	}
	l, in, _, err := a.linkModule(name, m, args, f)
	return l, in, err
}

// linkModule makes a call of a module ready to run. name is what the module is called in messages. Of a function the values of its
// parameters are returned too.
func (a *app) linkModule(name string, m *wasm.Module, args []string, f execFlags) (*link.Linked, [][]byte, []datamodel.Node, error) {
	entry, in, params, err := a.input(m, args, f)
	if errors.Is(err, context.Canceled) {
		return nil, nil, nil, err
	}
	if le, ok := errors.AsType[*link.Error](err); ok {
		return nil, nil, nil, usage("%s: %w", name, le)
	}
	if err != nil {
		return nil, nil, nil, usage("%w", err)
	}
	l, err := link.Link(m, entry)
	if err != nil {
		return nil, nil, nil, usage("%s: %w", name, err)
	}
	if f.result == "" && f.invoke != "" && m.Export("cabi_post_"+f.invoke) != nil {
		fmt.Fprintln(a.err, line("note: "+f.invoke+" seems to return bytes or a string: without --result its pointer is shown"))
	}
	return l, in, params, nil
}

// module reads, validates and checks a module.
func (a *app) module(name string) (*wasm.Module, error) {
	data, err := a.readFile(name, block.MaxBlock)
	if err != nil {
		return nil, err
	}
	return loadModule(name, data)
}

func loadModule(name string, data []byte) (*wasm.Module, error) {
	m, err := wasm.Load(data)
	if err != nil {
		return nil, usage("%s: %w", name, err)
	}
	return m, nil
}
