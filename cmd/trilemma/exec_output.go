package main

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
)

// printExec shows a result: the values and the output as they are, or one JSON object.
func (a *app) printExec(entry link.Entry, res evaluate.Served, took time.Duration) error {
	value, outcome := link.Value(entry, res.Result)
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
			Fuel: res.Fuel, Seconds: took.Seconds(), Engine: res.Engine}
		if res.Engine == engine.NameMachine {
			out.Steps = &res.Steps
		}
		if out.Values == nil {
			out.Values = []string{}
		}
		if out.Stdout == nil { // null is no base64
			out.Stdout = []byte{}
		}
		if out.Stderr == nil {
			out.Stderr = []byte{}
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
		if err := a.guest(res.Streams[link.OutStdout]); err != nil {
			return err
		}
		fmt.Fprint(a.err, printable(string(res.Streams[link.OutStderr])))
		for _, v := range values {
			if err := a.guest([]byte(v + "\n")); err != nil {
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

// printDeadline tells of a run that was stopped from outside: it has no result, and how far it came says nothing.
func (a *app) printDeadline(deadline time.Duration, name string, took time.Duration) error {
	err := fmt.Errorf("the deadline of %v passed", deadline)
	if !a.json {
		return &status{code: exitFailed, err: err}
	}
	out := execJSON{Outcome: "error", Error: &errorJSON{Kind: "deadline", Message: err.Error()}, Values: []string{}, Stdout: []byte{}, Stderr: []byte{},
		Seconds: took.Seconds(), Engine: name}
	if err := a.printJSON(out); err != nil {
		return err
	}
	return &status{code: exitFailed}
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
	Steps   *uint64    `json:"steps,omitempty"` // of the machine
	Seconds float64    `json:"seconds"`
	Engine  string     `json:"engine"`
}
