package work

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
)

// UseOfCall is what a call may use.
func UseOfCall(c *wire.Call) capability.Use {
	return capability.Use{Fuel: c.Fuel, Memory: limitsOf(c).Memory, Modules: []string{c.Module}}
}

func limitsOf(c *wire.Call) link.Limits {
	lim := link.Limits{Fuel: c.Fuel, Memory: c.Memory, Output: c.Output}
	if lim.Memory == 0 {
		lim.Memory = link.DefaultPages
	}
	if lim.Output == 0 {
		lim.Output = link.DefaultOutput
	}
	return lim
}

// prepare links a call.
func (w *Worker) prepare(ctx context.Context, c *wire.Call) (*evaluate.Job, *wasm.Module, error) {
	lim := limitsOf(c)
	if lim.Memory > link.MaxPages || lim.Output > link.MaxOutput {
		return nil, nil, refuse(fmt.Errorf("at most %d pages and %d bytes of output", link.MaxPages, link.MaxOutput))
	}
	b, err := w.load(ctx, c.Module)
	if err != nil {
		return nil, nil, err
	}
	m, err := wasm.Load(b.Data)
	if err != nil {
		return nil, nil, refuse(err)
	}
	entry, streams, err := w.input(ctx, m, c)
	if err != nil {
		return nil, nil, err
	}
	l, err := link.Link(m, entry)
	if err != nil {
		return nil, nil, refuse(err)
	}
	return &evaluate.Job{Linked: l, Streams: streams, Limits: lim}, m, nil
}

func (w *Worker) input(ctx context.Context, m *wasm.Module, c *wire.Call) (entry link.Entry, streams [][]byte, err error) {
	if c.Invoke == "" {
		if len(c.Params) > 0 || c.Result != "" {
			return entry, nil, refuse(errors.New("params and result are a function's: invoke is not set"))
		}
		var stdin block.Block
		if c.Stdin != "" {
			if stdin, err = w.load(ctx, c.Stdin); err != nil {
				return entry, nil, err
			}
		}
		streams, err = link.CommandStreams(c.Args, c.Env, stdin.Data, c.Clock, c.Seed)
		if err != nil {
			err = refuse(err)
		}
		return entry, streams, err
	}
	if len(c.Args) > 0 || len(c.Env) > 0 || c.Stdin != "" {
		return entry, nil, refuse(errors.New("args, env and stdin are a command's: invoke is set"))
	}
	params := []datamodel.Node{}
	if len(c.Params) > 0 {
		if params, err = list(c.Params); err != nil {
			return entry, nil, refuse(err)
		}
	}
	if err = link.Check(m, c.Invoke); err == nil {
		entry, err = link.Resolve(m, c.Invoke, params, c.Result)
	}
	if err == nil {
		streams, err = link.Streams(entry, params, c.Clock, c.Seed)
	}
	if err != nil {
		err = refuse(err)
	}
	return entry, streams, err
}

// list reads a DAG-JSON list.
func list(data []byte) (out []datamodel.Node, err error) {
	n, err := block.DecodeJSON(data)
	if err != nil {
		return nil, err
	}
	if n.Kind() != datamodel.Kind_List {
		return nil, errors.New("params are not a list")
	}
	for it := n.ListIterator(); !it.Done(); {
		_, v, err := it.Next()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (w *Worker) exec(ctx context.Context, in wire.ExecRequest, p Progress) (*wire.Exec, error) {
	runner, name, err := w.engine(in.Engine)
	if err != nil {
		return nil, err
	}
	job, _, err := w.prepare(ctx, &in.Call)
	if err != nil {
		return nil, err
	}
	p("call", 0, 1)
	start := w.Now()
	res, err := evaluate.Serve(ctx, runner, name, job)
	if err != nil {
		return nil, err
	}
	return ExecOf(job.Linked.Entry, res, w.Now().Sub(start))
}

// ExecOf is what a call gave.
func ExecOf(entry link.Entry, res evaluate.Served, took time.Duration) (*wire.Exec, error) {
	value, outcome := link.Value(entry, res.Result)
	out := &wire.Exec{Outcome: "ok", Values: []string{}, Stdout: []byte{}, Stderr: []byte{}, Fuel: res.Fuel, Seconds: took.Seconds(), Engine: res.Engine}
	out.Stdout = append(out.Stdout, res.Streams[link.OutStdout]...) // null is no base64
	out.Stderr = append(out.Stderr, res.Streams[link.OutStderr]...)
	if res.Engine == engine.NameMachine {
		out.Steps = &res.Steps
	}
	if outcome.Kind != link.OK {
		out.Outcome = "error"
		out.Error = &wire.ExecError{Kind: string(outcome.Kind), Trap: string(outcome.Trap), Message: outcome.String()}
		if outcome.Kind == link.Exit {
			out.Error.Code = &outcome.Code
		}
		return out, nil
	}
	if entry.Func != "" {
		values, err := decimals(value, entry)
		if err != nil {
			return nil, err
		}
		out.Values = append(out.Values, values...)
	}
	return out, nil
}

// decimals shows results: integers signed, numbers as decimals or NaN, inf, -inf, bytes as base64, strings as they are.
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
		return []string{formatNumber(f, bits)}, err
	}
	n, err := v.AsInt()
	return []string{strconv.FormatInt(n, 10)}, err
}

// formatNumber writes the shortest decimal that reads back as f, with an exponent only where it is very large or small.
func formatNumber(f float64, bits int) string {
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.FormatFloat(f, format, -1, bits)
}
