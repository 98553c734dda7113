package main

import (
	"fmt"
	"time"

	"github.com/trilemma-dev/trilemma/internal/wire"
)

// printExec shows a result: the values and the output as they are, or one JSON object.
func (a *app) printExec(out *wire.Exec) error {
	if a.json {
		if err := a.printJSON(out); err != nil {
			return err
		}
	} else {
		if err := a.guest(out.Stdout); err != nil {
			return err
		}
		fmt.Fprint(a.err, printable(string(out.Stderr)))
		for _, v := range out.Values {
			if err := a.guest([]byte(v + "\n")); err != nil {
				return err
			}
		}
		if out.Error != nil {
			return &status{code: exitFailed, err: fmt.Errorf("%s after %d fuel", out.Error.Message, out.Fuel)}
		}
	}
	if out.Error != nil {
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
	out := wire.Exec{Outcome: "error", Error: &wire.ExecError{Kind: "deadline", Message: err.Error()}, Values: []string{}, Stdout: []byte{}, Stderr: []byte{},
		Seconds: took.Seconds(), Engine: name}
	if err := a.printJSON(out); err != nil {
		return err
	}
	return &status{code: exitFailed}
}
