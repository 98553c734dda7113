package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/verifier"
)

type verifyFlags struct {
	mode     string
	engine   string
	executor string
	tasks    []string
	deadline time.Duration
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify BUNDLE.car",
		Short: "Check a bundle, offline, and say what was established",
		Long: `Check the receipts in a bundle ("-" reads it from stdin). No socket is opened and nothing else is needed.

  attest  the executor signed these results: signature, links, every hash
  rerun   the results are what the modules compute: every task is run again and compared
  all     every mode that the evidence allows

A verdict says what was established, how surely, what it cost and what it revealed. Whoever makes up a whole bundle can
sign it with a key of their own: name the executor that you expect with --executor.`,
		Example: `  trilemma verify run.car --mode rerun
  trilemma verify run.car --mode attest --executor did:key:z6Mk… --json
  trilemma verify run.car --task blur`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFile("car"),
		RunE:              func(c *cobra.Command, args []string) error { return a.verify(c.Context(), args[0], f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.mode, "mode", "all", "attest, rerun, all; spot and zk need evidence that no command makes yet, and say undecided")
	fl.StringVar(&f.engine, "engine", engineNative, "what runs the tasks again: "+engineNames)
	fl.StringVar(&f.executor, "executor", "", "DID of the executor whose signature is expected")
	fl.StringArrayVar(&f.tasks, "task", nil, "check only the task of this label; may be given again")
	fl.DurationVar(&f.deadline, "deadline", 0, "give up after this long; the verdict is then undecided")
	completeFlag(c, "mode", oneOf("attest", "rerun", "spot", "zk", "all"))
	completeFlag(c, "engine", oneOf(engineNative, engineMachine))
	completeFlag(c, "executor", oneOf())
	completeFlag(c, "task", a.completeTask)
	return c
}

type verifyJSON struct {
	Outcome  verifier.Outcome `json:"outcome"`
	Reason   string           `json:"reason"`
	Run      string           `json:"run,omitempty"`
	Signer   string           `json:"signer"`
	Verdicts []verdictJSON    `json:"verdicts"`
}

type verdictJSON struct {
	Task      string           `json:"task"`
	Mode      verifier.Mode    `json:"mode"`
	Outcome   verifier.Outcome `json:"outcome"`
	Reason    string           `json:"reason"`
	Soundness string           `json:"soundness"`
	Cost      costJSON         `json:"cost"`
	Revealed  revealedJSON     `json:"revealed"`
}

type costJSON struct {
	WallSeconds float64 `json:"wall_seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	BytesRead   int64   `json:"bytes_read"`
}

type revealedJSON struct {
	Input  int64 `json:"input_bytes"`
	State  int64 `json:"state_bytes"`
	Output int64 `json:"output_bytes"`
}

func (a *app) verify(ctx context.Context, name string, f verifyFlags) error {
	mode, err := verifier.ParseMode(f.mode)
	if err != nil {
		return usage("%w", err)
	}
	if err := checkDeadline(f.deadline); err != nil {
		return err
	}
	if f.executor != "" {
		if err := capability.ParseDID(f.executor); err != nil {
			return usage("--executor: %w", err)
		}
	}
	b, size, err := a.readBundle(name)
	if damaged, ok := errors.AsType[*damagedBundle](err); ok { // that is a verdict
		return a.printReport(nothing(verifier.Attest, verifier.Invalid, damaged.Error(), verifier.Cost{Bytes: size}), "", f)
	}
	if err != nil {
		return err
	}
	cfg := verifier.Config{Mode: mode, Executor: f.executor, Tasks: f.tasks, Now: time.Now, CPU: processCPU}
	if mode == verifier.Rerun || mode == verifier.All {
		e, err := a.engine(ctx, f.engine, runtime.New)
		if err != nil {
			return err
		}
		defer e.close()
		cfg.Runner = e.Runner
	}
	ctx, cancel := limited(ctx, f.deadline)
	defer cancel()
	total := len(f.tasks)
	if total == 0 {
		total = tasks(b)
	}
	bar := a.progress(total)
	cfg.Progress = bar.done
	rep, err := verifier.Verify(ctx, b, cfg)
	bar.end()
	if errors.Is(err, context.DeadlineExceeded) {
		why := fmt.Sprintf("the deadline of %v passed", f.deadline)
		rep, err = nothing(mode, verifier.Undecided, why, verifier.Cost{Wall: f.deadline, Bytes: size}), nil
	}
	if errors.Is(err, verifier.ErrNoTask) {
		return &status{code: exitUsage, err: err, hint: "its tasks are " + strings.Join(labels(b), ", ")}
	}
	if errors.Is(err, context.Canceled) {
		return &status{code: exitUndecided, err: errors.New("interrupted: nothing was established")}
	}
	if err != nil {
		return hostFailure(err)
	}
	return a.printReport(rep, b.Root.String(), f)
}

// nothing is the report of a check that established nothing.
func nothing(mode verifier.Mode, o verifier.Outcome, reason string, cost verifier.Cost) *verifier.Report {
	return &verifier.Report{Outcome: o, Reason: reason, Verdicts: []verifier.Verdict{{
		Mode: mode, Outcome: o, Reason: reason, Soundness: "none: nothing was established", Cost: cost}}}
}

// printReport prints the verdicts and turns the outcome into the exit status.
func (a *app) printReport(rep *verifier.Report, run string, f verifyFlags) error {
	if a.json {
		out := verifyJSON{Outcome: rep.Outcome, Reason: rep.Reason, Run: run, Signer: rep.Signer, Verdicts: []verdictJSON{}}
		for _, v := range rep.Verdicts {
			out.Verdicts = append(out.Verdicts, verdictJSON{Task: v.Task, Mode: v.Mode, Outcome: v.Outcome, Reason: v.Reason, Soundness: v.Soundness,
				Cost:     costJSON{WallSeconds: v.Cost.Wall.Seconds(), CPUSeconds: v.Cost.CPU.Seconds(), BytesRead: v.Cost.Bytes},
				Revealed: revealedJSON{v.Revealed.Input, v.Revealed.State, v.Revealed.Output}})
		}
		if err := a.printJSON(out); err != nil {
			return err
		}
	} else if err := a.printVerdicts(rep, f); err != nil {
		return err
	}
	switch rep.Outcome {
	case verifier.Valid:
		return nil
	case verifier.Undecided:
		return &status{code: exitUndecided}
	}
	return &status{code: exitFailed}
}

func (a *app) printVerdicts(rep *verifier.Report, f verifyFlags) error {
	rows := [][]string{{"TASK", "MODE", "VERDICT", "WALL", "READ", "REVEALED"}}
	said := make(map[string]bool)
	var notes []string
	for _, v := range rep.Verdicts {
		task := v.Task
		if task == "" {
			task = "(run)"
		}
		rows = append(rows, []string{task, string(v.Mode), string(v.Outcome), v.Cost.Wall.Round(10 * time.Microsecond).String(),
			fmt.Sprintf("%d B", v.Cost.Bytes), fmt.Sprintf("%d B", v.Revealed.Input+v.Revealed.State+v.Revealed.Output)})
		note := fmt.Sprintf("%s: %s", v.Mode, v.Soundness)
		if v.Outcome != verifier.Valid {
			note = fmt.Sprintf("%s %s: %s", task, v.Mode, v.Reason)
		}
		if !said[note] {
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
	last := a.colour(a.out, map[verifier.Outcome]int{verifier.Valid: green, verifier.Undecided: yellow, verifier.Invalid: red}[rep.Outcome], string(rep.Outcome))
	if rep.Reason != "" {
		last += ": " + line(rep.Reason)
	}
	_, err := fmt.Fprintln(a.out, last)
	return err
}
