package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/link"
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
		Long: `Run a WASI command (its _start), or with --invoke one exported function. Flags go before the arguments of a command
that has flags of its own: put -- between.

Arguments of a function follow its signature: integers (decimal or 0x…), numbers (NaN and inf too), and for a pair of i32
that stands for a list or string @FILE (bytes of a file) or any other text.`,
		Example: `  trilemma exec fib.wasm --invoke fib 20
  trilemma exec sha256.wasm --invoke sha256 --result bytes @README.md
  trilemma exec wc.wasm --stdin book.txt -- -l`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.exec(c.Context(), args[0], args[1:], f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.invoke, "invoke", "", "exported function to call")
	fl.StringVar(&f.result, "result", "", "the function's result is bytes or string (canonical ABI); default: as in its signature")
	fl.StringVar(&f.engine, "engine", "native", "what runs the module: "+engineNames)
	fl.StringVar(&f.stdin, "stdin", "", "file that a command reads as its standard input; - is ours")
	fl.StringArrayVar(&f.env, "env", nil, "KEY=VALUE in a command's environment; may be given again")
	fl.Uint64Var(&f.fuel, "fuel", defaultFuel, "Wasm instructions after which the outcome is fuel")
	fl.Uint32Var(&f.memory, "memory", link.DefaultPages, "cap of the memory, in pages of 64 KiB")
	fl.Uint64Var(&f.output, "output-bytes", link.DefaultOutput, "cap of all output, in bytes")
	fl.Uint64Var(&f.clock, "clock", 0, "where a command's clock starts, in nanoseconds since 1970")
	fl.Uint64Var(&f.seed, "seed", 0, "seed of a command's random numbers")
	fl.DurationVar(&f.deadline, "deadline", 0, "give up after this long")
	return c
}

func (a *app) exec(ctx context.Context, name string, args []string, f execFlags) error {
	m, err := a.module(name)
	if err != nil {
		return err
	}
	if f.memory > link.MaxPages {
		return usage("--memory %d is above the profile's %d pages", f.memory, link.MaxPages)
	}
	entry, in, err := a.input(m, args, f)
	if err != nil {
		return usage("%w", err)
	}
	l, err := link.Link(m, entry)
	if err != nil {
		return usage("%s: %w", name, err)
	}
	e, err := a.engine(ctx, f.engine)
	if err != nil {
		return err
	}
	defer e.close()
	if f.deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.deadline)
		defer cancel()
	}
	start := time.Now()
	res, err := e.Run(ctx, l, in, link.Limits{Fuel: f.fuel, Memory: f.memory, Output: f.output})
	took := time.Since(start)
	if errors.Is(err, context.DeadlineExceeded) {
		return &status{code: exitFailed, err: fmt.Errorf("the deadline of %v passed", f.deadline)}
	}
	if err != nil {
		return &status{code: exitFailed, err: err}
	}
	return a.printExec(entry, res, e.name, took)
}

// module reads, validates and checks a module.
func (a *app) module(name string) (*wasm.Module, error) {
	data, err := a.readFile(name, block.MaxBlock)
	if err != nil {
		return nil, err
	}
	m, err := decodeModule(data)
	if err != nil {
		return nil, usage("%s: %w", name, err)
	}
	return m, nil
}

func decodeModule(data []byte) (*wasm.Module, error) {
	m, err := wasm.Decode(data)
	if err == nil {
		err = wasm.Validate(m)
	}
	if err == nil {
		err = wasm.CheckProfile(m)
	}
	return m, err
}

// input turns the command line's arguments into an entry and its tapes.
func (a *app) input(m *wasm.Module, args []string, f execFlags) (link.Entry, [][]byte, error) {
	if f.invoke == "" {
		if f.result != "" {
			return link.Entry{}, nil, errors.New("--result needs --invoke: a command's result is its stdout")
		}
		for _, e := range f.env {
			if !strings.Contains(e, "=") {
				return link.Entry{}, nil, fmt.Errorf("--env %q is not KEY=VALUE", e)
			}
		}
		var stdin []byte
		if f.stdin != "" {
			var err error
			if stdin, err = a.readFile(f.stdin, math.MaxInt32); err != nil {
				return link.Entry{}, nil, err
			}
		}
		in, err := link.CommandStreams(args, f.env, stdin, f.clock, f.seed)
		return link.Entry{}, in, err
	}
	if f.stdin != "" || len(f.env) > 0 {
		return link.Entry{}, nil, errors.New("a function has no standard input and no environment: leave out --invoke, or --stdin and --env")
	}
	if err := link.Check(m, f.invoke); err != nil {
		return link.Entry{}, nil, err
	}
	sig, _ := m.TypeOfFunc(m.Export(f.invoke).Index)
	params, err := a.arguments(sig.Params, args)
	if err != nil {
		return link.Entry{}, nil, fmt.Errorf("%w; %s has the type %s", err, f.invoke, sig)
	}
	entry, err := link.Resolve(m, f.invoke, params, f.result)
	if err != nil {
		return entry, nil, err
	}
	in, err := link.Streams(entry, params, f.clock, f.seed)
	return entry, in, err
}

// arguments reads texts as values of a signature.
func (a *app) arguments(types []wasm.ValueType, args []string) (out []datamodel.Node, err error) {
	for i, arg := range args {
		if len(types) == 0 {
			return nil, fmt.Errorf("%d arguments are too many", len(args))
		}
		var v datamodel.Node
		t := types[0]
		types = types[1:]
		switch t {
		case wasm.F32, wasm.F64:
			v, err = parseNumber(arg)
		case wasm.I32, wasm.I64:
			v, err = parseInteger(arg)
			if err != nil && t == wasm.I32 && len(types) > 0 && types[0] == wasm.I32 {
				types = types[1:]
				v, err = a.parseText(arg)
			}
		default:
			err = fmt.Errorf("references cannot be given")
		}
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		out = append(out, v)
	}
	if len(types) > 0 {
		return nil, fmt.Errorf("%d arguments are too few", len(args))
	}
	return out, nil
}

func parseInteger(s string) (datamodel.Node, error) {
	if v, err := strconv.ParseInt(s, 0, 64); err == nil {
		return basicnode.NewInt(v), nil
	}
	v, err := strconv.ParseUint(s, 0, 64)
	if err != nil {
		return nil, fmt.Errorf("%.40q is not an integer", s)
	}
	return basicnode.NewUint(v), nil
}

func parseNumber(s string) (datamodel.Node, error) {
	v, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%.40q is not a number", s)
	case math.IsNaN(v):
		return basicnode.NewString("NaN"), nil
	case math.IsInf(v, 1):
		return basicnode.NewString("inf"), nil
	case math.IsInf(v, -1):
		return basicnode.NewString("-inf"), nil
	}
	return basicnode.NewFloat(v), nil
}

func (a *app) parseText(s string) (datamodel.Node, error) {
	file, ok := strings.CutPrefix(s, "@")
	if !ok {
		return basicnode.NewString(s), nil
	}
	data, err := a.readFile(file, math.MaxInt32)
	return basicnode.NewBytes(data), err
}

// printExec shows a result: the values and the output as they are, or one JSON object.
func (a *app) printExec(entry link.Entry, res link.Result, engine string, took time.Duration) error {
	value, outcome := link.Value(entry, res)
	failed := outcome.Kind != link.OK
	var values []string
	if !failed && entry.Func != "" {
		var err error
		if values, err = decimals(value, entry); err != nil {
			return err
		}
	}
	if a.json {
		out := execJSON{Outcome: "ok", Values: values, Stdout: res.Streams[link.OutStdout], Stderr: res.Streams[link.OutStderr],
			Fuel: res.Fuel, Seconds: took.Seconds(), Engine: engine}
		if out.Values == nil {
			out.Values = []string{}
		}
		if failed {
			out.Outcome = "error"
			out.Error = &errorJSON{Kind: string(outcome.Kind), Trap: string(outcome.Trap), Message: outcome.String()}
			if outcome.Kind == link.Exit {
				out.Error.Code = &outcome.Code
			}
		}
		if err := a.printJSON(out); err != nil {
			return err
		}
	} else {
		if err := a.write(res.Streams[link.OutStdout]); err != nil {
			return err
		}
		fmt.Fprint(a.err, printable(string(res.Streams[link.OutStderr])))
		for _, v := range values {
			if _, err := fmt.Fprintln(a.out, v); err != nil {
				return err
			}
		}
		if failed {
			return &status{code: exitFailed, err: fmt.Errorf("%s after %d fuel", outcome, res.Fuel)}
		}
	}
	if failed {
		return &status{code: exitFailed}
	}
	return nil
}

// decimals shows results: integers and numbers as decimals, bytes as base64, strings as they are.
func decimals(v datamodel.Node, entry link.Entry) ([]string, error) {
	switch v.Kind() {
	case datamodel.Kind_Null:
		return nil, nil
	case datamodel.Kind_Bytes:
		b, err := v.AsBytes()
		return []string{base64.StdEncoding.EncodeToString(b)}, err
	case datamodel.Kind_String:
		s, err := v.AsString()
		return []string{s}, err
	case datamodel.Kind_List:
		var out []string
		for it := v.ListIterator(); !it.Done(); {
			i, item, err := it.Next()
			if err != nil {
				return nil, err
			}
			one, err := decimals(item, link.Entry{Results: entry.Results[i : i+1]})
			if err != nil {
				return nil, err
			}
			out = append(out, one...)
		}
		return out, nil
	case datamodel.Kind_Float:
		f, err := v.AsFloat()
		bits := 64
		if len(entry.Results) == 1 && entry.Results[0] == link.F32 {
			bits = 32
		}
		return []string{strconv.FormatFloat(f, 'g', -1, bits)}, err
	}
	n, err := v.AsInt()
	return []string{strconv.FormatInt(n, 10)}, err
}

type errorJSON struct {
	Kind    string  `json:"kind"`
	Trap    string  `json:"trap,omitempty"`
	Code    *uint32 `json:"code,omitempty"`
	Message string  `json:"message"`
}

type execJSON struct {
	Outcome string     `json:"outcome"`
	Error   *errorJSON `json:"error,omitempty"`
	Values  []string   `json:"values"`
	Stdout  []byte     `json:"stdout"`
	Stderr  []byte     `json:"stderr"`
	Fuel    uint64     `json:"fuel"`
	Seconds float64    `json:"seconds"`
	Engine  string     `json:"engine"`
}
