package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/verifier"
)

// nothing is the report of a check that established nothing.
func nothing(mode verifier.Mode, o verifier.Outcome, reason string, cost verifier.Cost) *verifier.Report {
	return &verifier.Report{Outcome: o, Reason: reason, Verdicts: []verifier.Verdict{{
		Mode: mode, Outcome: o, Reason: reason, Soundness: "none: nothing was established", Cost: cost}}}
}

// printReport prints the verdicts and turns the outcome into the exit status.
func (a *app) printReport(rep *verifier.Report, run string, f verifyFlags) error {
	return a.printWire(report.Of(rep, run), f)
}

// printWire is printReport for a report as the service gives it.
func (a *app) printWire(out *wire.Report, f verifyFlags) error {
	if a.json {
		if err := a.printJSON(out); err != nil {
			return err
		}
	} else if err := a.printVerdicts(out, f); err != nil {
		return err
	}
	switch verifier.Outcome(out.Outcome) {
	case verifier.Valid:
		return nil
	case verifier.Undecided:
		return &status{code: exitUndecided}
	}
	return &status{code: exitFailed}
}

func (a *app) printVerdicts(rep *wire.Report, f verifyFlags) error {
	rows := [][]string{{"TASK", "MODE", "VERDICT", "WALL", "READ", "REVEALED"}}
	said := make(map[string]bool)
	var notes []string
	whole := slices.ContainsFunc(rep.Verdicts, func(v wire.Verdict) bool {
		return v.Task == "" && v.Mode == string(verifier.Spot) && v.Outcome == string(verifier.Valid)
	})
	for _, v := range rep.Verdicts {
		task := v.Task
		if task == "" {
			task = "(run)"
		}
		rows = append(rows, []string{task, v.Mode, v.Outcome, seconds(v.Cost.WallSeconds).Round(10 * time.Microsecond).String(),
			fmt.Sprintf("%d B", v.Cost.BytesRead), fmt.Sprintf("%d B", v.Revealed.Input+v.Revealed.State+v.Revealed.Output)})
		note := fmt.Sprintf("%s: %s", v.Mode, v.Soundness)
		if v.Mode == string(verifier.Dispute) && v.Outcome == string(verifier.Valid) {
			note = fmt.Sprintf("%s: %s (%s)", v.Mode, v.Reason, v.Soundness)
		}
		if v.Outcome != string(verifier.Valid) {
			note = fmt.Sprintf("%s %s: %s", task, v.Mode, v.Reason)
		}
		if of := whole && v.Mode == string(verifier.Spot) && v.Task != "" && v.Sampling != nil; !of && !said[note] { // the run's note says it
			said[note] = true
			notes = append(notes, note)
		}
	}
	if err := table(a.out, lines(rows)); err != nil {
		return err
	}
	for _, n := range notes {
		if _, err := fmt.Fprintln(a.out, line(n)); err != nil {
			return err
		}
	}
	if rep.Signer != "" {
		word := "not named; pass --executor to expect one"
		if f.executor != "" {
			word = "expected " + f.executor
		}
		if _, err := fmt.Fprintf(a.out, "signer: %s (%s)\n", rep.Signer, word); err != nil {
			return err
		}
	}
	last := a.colour(a.out, map[string]int{string(verifier.Valid): green, string(verifier.Undecided): yellow, string(verifier.Invalid): red}[rep.Outcome], rep.Outcome)
	if rep.Reason != "" {
		last += ": " + line(rep.Reason)
	}
	_, err := fmt.Fprintln(a.out, last)
	return err
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
