package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
)

// input turns the command line's arguments into an entry, its tapes, and for a function the values that these hold.
func (a *app) input(m *wasm.Module, args []string, f execFlags) (entry link.Entry, in [][]byte, params []datamodel.Node, err error) {
	if f.invoke == "" {
		if f.result != "" {
			return entry, nil, nil, errors.New("--result needs --invoke: a command's result is its stdout")
		}
		for _, e := range f.env {
			if !strings.Contains(e, "=") {
				return entry, nil, nil, fmt.Errorf("--env %q is not KEY=VALUE", e)
			}
		}
		var stdin []byte
		if f.stdin != "" {
			if stdin, err = a.readFile(f.stdin, math.MaxInt32); err != nil {
				return entry, nil, nil, err
			}
		}
		in, err = link.CommandStreams(args, f.env, stdin, f.clock, f.seed)
		return entry, in, nil, err
	}
	if f.stdin != "" || len(f.env) > 0 {
		return entry, nil, nil, errors.New("a function has no standard input and no environment: leave out --invoke, or --stdin and --env")
	}
	if err := link.Check(m, f.invoke); err != nil {
		return entry, nil, nil, err
	}
	sig, _ := m.TypeOfFunc(m.Export(f.invoke).Index)
	params, err = a.arguments(sig.Params, args)
	if err != nil {
		return entry, nil, nil, fmt.Errorf("%w; %s has the type %s", err, f.invoke, sig)
	}
	entry, err = link.Resolve(m, f.invoke, params, f.result)
	if err != nil {
		return entry, nil, nil, err
	}
	in, err = link.Streams(entry, params, f.clock, f.seed)
	return entry, in, params, err
}

// arguments reads texts as values of a signature. A pair of i32 takes one text that is no integer, and any text where the
// arguments are so few that each of them must stand for a pair.
func (a *app) arguments(types []wasm.ValueType, args []string) (out []datamodel.Node, err error) {
	for i, arg := range args {
		if len(types) == 0 {
			return nil, fmt.Errorf("%d arguments are too many", len(args))
		}
		var v datamodel.Node
		pair := len(types) > 1 && types[0] == wasm.I32 && types[1] == wasm.I32
		pairs := pair && len(types) == 2*(len(args)-i) && !slices.ContainsFunc(types, func(t wasm.ValueType) bool { return t != wasm.I32 })
		taken := 1
		switch t := types[0]; {
		case t == wasm.I32 || t == wasm.I64:
			v, err = parseInteger(arg, t)
			if pairs || pair && errors.Is(err, errNotInteger) {
				v, err = a.parseText(arg)
				taken = 2
			}
		case t == wasm.F32 || t == wasm.F64:
			v, err = parseNumber(arg, t)
		default:
			err = errors.New("references cannot be given")
		}
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		types = types[taken:]
		out = append(out, v)
	}
	if len(types) > 0 {
		return nil, fmt.Errorf("%d arguments are too few", len(args))
	}
	return out, nil
}

var errNotInteger = errors.New("not an integer")

// parseInteger reads an integer, signed or not, that fits t. A leading zero does not make it octal.
func parseInteger(s string, t wasm.ValueType) (datamodel.Node, error) {
	digits, base := strings.TrimLeft(s, "+-"), 10
	if strings.HasPrefix(digits, "0x") || strings.HasPrefix(digits, "0X") {
		base = 0
	}
	bits := 64
	if t == wasm.I32 {
		bits = 32
	}
	v, err := strconv.ParseInt(s, base, bits)
	if err == nil {
		return basicnode.NewInt(v), nil
	}
	u, uerr := strconv.ParseUint(strings.TrimPrefix(s, "+"), base, bits)
	switch {
	case uerr == nil && u > math.MaxInt64:
		return basicnode.NewUint(u), nil
	case uerr == nil:
		return basicnode.NewInt(int64(u)), nil
	case errors.Is(err, strconv.ErrRange):
		return nil, fmt.Errorf("%.40s does not fit %s", s, t)
	}
	return nil, fmt.Errorf("%.40q is %w", s, errNotInteger)
}

// parseNumber reads a number as the nearest one that t has.
func parseNumber(s string, t wasm.ValueType) (datamodel.Node, error) {
	bits := 64
	if t == wasm.F32 {
		bits = 32
	}
	v, err := strconv.ParseFloat(s, bits)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return nil, fmt.Errorf("%.40s does not fit %s", s, t)
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

// isNumber reports whether s can only be meant as a number, one that is too large for any type included.
func isNumber(s string) bool {
	if _, err := strconv.ParseFloat(s, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return true
	}
	_, err := strconv.ParseInt(s, 0, 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

// arrange lets negative numbers be arguments of c: if args has one where the flags' parser would look for a flag, all
// arguments are put behind the flags and a --, in their order. Other args are returned as they are.
func arrange(c *cobra.Command, args []string) []string {
	var flags, rest []string
	negative := false
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			rest = append(rest, args[i+1:]...)
			i = len(args)
		case strings.HasPrefix(arg, "--"):
			flags = append(flags, arg)
			name, _, whole := strings.Cut(arg[2:], "=")
			if f := c.Flag(name); f != nil && f.NoOptDefVal == "" && !whole && i+1 < len(args) {
				i++
				flags = append(flags, args[i])
			}
		case strings.HasPrefix(arg, "-") && isNumber(arg):
			negative = true
			rest = append(rest, arg)
		case len(arg) > 1 && arg[0] == '-': // -h is the one short flag, and takes no value
			flags = append(flags, arg)
		default:
			rest = append(rest, arg)
		}
	}
	if !negative {
		return args
	}
	return append(append(flags, "--"), rest...)
}

func (a *app) parseText(s string) (datamodel.Node, error) {
	file, ok := strings.CutPrefix(s, "@")
	if !ok {
		return basicnode.NewString(s), nil
	}
	data, err := a.readFile(file, math.MaxInt32)
	return basicnode.NewBytes(data), err
}
