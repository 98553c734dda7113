package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/verifier"
)

type disputeFlags struct {
	tasks []string
	arity uint64
	key   string
	out   string
	held  bool
}

func (a *app) disputeCommand() *cobra.Command {
	var f disputeFlags
	c := &cobra.Command{
		Use:   "dispute A.car B.car",
		Short: "Find out which of two bundles is wrong about a task, and rule",
		Long: `Compare two bundles, by any executors, of workflows that share tasks. Where their receipts contradict each other, find out who is wrong: by what
they say as such, or by the first segment at whose end their transcripts differ, which is opened and replayed. That is exact if one side is honest.

Both sides are played here, from what the bundles hold: the openings are made by running the task. With -o the rulings are written, signed by our
key: evidence that anybody can check with verify. Status 0 if everything that is disputed is settled, 3 if something stays open.`,
		Example: `  trilemma dispute mine.car theirs.car -o ruling.car
  trilemma dispute mine.car theirs.car --task blur --json
  trilemma verify ruling.car`,
		Args: cobra.ExactArgs(2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 1 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return []string{"car"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(c *cobra.Command, args []string) error { return a.dispute(c.Context(), args[0], args[1], f) },
	}
	fl := c.Flags()
	fl.StringArrayVar(&f.tasks, "task", nil, "settle only the task of this label, in the first bundle; may be given again")
	fl.Uint64Var(&f.arity, "arity", 16, "into how many parts a round divides what is left: more are fewer rounds, and more bytes")
	fl.StringVar(&f.key, "key", "", "sign the ruling with this key file instead of the one in TRILEMMA_HOME")
	fl.StringVarP(&f.out, "output", "o", "", "write the ruling to this file; of more than one, the second to a file with .2 before the extension, and so on")
	fl.BoolVar(&f.held, "held", false, "use only the openings that the bundles hold, and run nothing")
	completeFlag(c, "task", a.completeTask)
	completeFlag(c, "output", cobra.FixedCompletions([]string{"car"}, cobra.ShellCompDirectiveFilterFileExt))
	return c
}

type disputeJSON struct {
	Outcome string           `json:"outcome"`
	Tasks   []settlementJSON `json:"tasks"`
}

type settlementJSON struct {
	Task        string      `json:"task"`
	Computation string      `json:"computation"`
	Outcome     string      `json:"outcome"`
	Reason      string      `json:"reason"`
	Differ      string      `json:"differ"`
	A           string      `json:"a"`
	B           string      `json:"b"`
	ExecutorA   string      `json:"executor_a"`
	ExecutorB   string      `json:"executor_b"`
	Wrong       []wrongJSON `json:"wrong"`
	Rounds      int         `json:"rounds"`
	Messages    int         `json:"messages"`
	Bytes       int64       `json:"bytes"`
	Referee     spentJSON   `json:"referee"`
	Sides       spentJSON   `json:"sides"`
	Ruling      string      `json:"ruling,omitempty"`
	File        string      `json:"file,omitempty"`
}

type spentJSON struct {
	WallSeconds float64 `json:"wall_seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
}

type wrongJSON struct {
	Side     string  `json:"side"`
	Executor string  `json:"executor"`
	Receipt  string  `json:"receipt"`
	Ground   string  `json:"ground"`
	Reason   string  `json:"reason"`
	Segment  *uint64 `json:"segment,omitempty"`
	Evidence string  `json:"evidence,omitempty"`
}

func (a *app) dispute(ctx context.Context, nameA, nameB string, f disputeFlags) error {
	if f.arity < 2 || f.arity > 1024 {
		return usage("--arity %d is not between 2 and 1024", f.arity)
	}
	cfg := verifier.SettleConfig{Tasks: f.tasks, Arity: f.arity, Now: time.Now, CPU: processCPU}
	if !f.held {
		cfg.Opener = &machine.Engine{}
	}
	if f.out != "" {
		if _, err := a.destination(f.out); err != nil {
			return err
		}
		key, err := a.signer(f.key)
		if err != nil {
			return err
		}
		cfg.Referee = key
	}
	var bundles [2]*receipts.Bundle
	for i, name := range []string{nameA, nameB} {
		b, _, err := a.readBundle(name)
		if err != nil {
			return bad(err)
		}
		bundles[i] = b
	}
	found, err := verifier.Settle(ctx, bundles[0], bundles[1], cfg)
	switch {
	case errors.Is(err, verifier.ErrNoTask):
		return &status{code: exitUsage, err: err, hint: "its tasks are " + strings.Join(labels(bundles[0]), ", ")}
	case errors.Is(err, verifier.ErrNothingShared):
		return usage("%w", err)
	case errors.Is(err, context.Canceled):
		return &status{code: exitUndecided, err: errors.New("interrupted: nothing was settled")}
	case err != nil:
		return &status{code: exitUsage, err: err}
	}
	files, err := a.writeRulings(ctx, found, f.out)
	if err != nil {
		return err
	}
	return a.printDispute(found, files)
}

// writeRulings writes each ruling to a file, and returns their names by the place of the settlement.
func (a *app) writeRulings(ctx context.Context, found []verifier.Settlement, name string) (map[int]string, error) {
	files := make(map[int]string)
	for i, s := range found {
		if s.Ruling == nil {
			continue
		}
		to := name
		if n := len(files); n > 0 {
			if name == "-" {
				return nil, usage("there is more than one ruling, and one stdout: name a file with -o, or a task with --task")
			}
			ext := filepath.Ext(name)
			to = fmt.Sprintf("%s.%d%s", strings.TrimSuffix(name, ext), n+1, ext)
		}
		out, err := a.place(to)
		if err != nil {
			return nil, err
		}
		if err := a.write(ctx, out, s.Ruling.Write); err != nil {
			return nil, err
		}
		files[i] = to
	}
	return files, nil
}

func (a *app) printDispute(found []verifier.Settlement, files map[int]string) error {
	out := disputeJSON{Outcome: verifier.Agreed, Tasks: []settlementJSON{}}
	rows := [][]string{{"TASK", "OUTCOME", "WRONG", "GROUND", "SEGMENT", "ROUNDS", "SENT", "REFEREE", "SIDES"}}
	var notes []string
	for i, s := range found {
		j := settlementJSON{Task: s.Task, Computation: s.Computation.String(), Outcome: s.State, Reason: s.Reason, Differ: s.Differ,
			A: s.Receipts[0].String(), B: s.Receipts[1].String(), ExecutorA: s.Executors[0], ExecutorB: s.Executors[1], Wrong: []wrongJSON{},
			Rounds: s.Rounds, Messages: s.Messages, Bytes: s.Bytes, Referee: newSpent(s.Referee), Sides: newSpent(s.Sides), File: files[i]}
		if s.Ruling != nil {
			j.Ruling = s.Ruling.Root.String()
		}
		spent := []string{fmt.Sprint(s.Rounds), fmt.Sprintf("%d B", s.Bytes), spentTime(s.Referee), spentTime(s.Sides)}
		for _, p := range s.Wrong {
			w := wrongJSON{Side: p.Side.String(), Executor: p.Executor, Receipt: p.Receipt.String(), Ground: p.Ground, Reason: p.Reason, Segment: p.Segment}
			segment := "-"
			if p.Segment != nil {
				segment = fmt.Sprint(*p.Segment)
			}
			if p.Evidence != nil {
				w.Evidence = p.Evidence.CID.String()
			}
			j.Wrong = append(j.Wrong, w)
			rows = append(rows, append([]string{s.Task, s.State, p.Side.String(), p.Ground, segment}, spent...))
			notes = append(notes, fmt.Sprintf("%s: %s is wrong: %s", s.Task, p.Executor, p.Reason))
		}
		if len(s.Wrong) == 0 {
			rows = append(rows, append([]string{s.Task, s.State, "-", "-", "-"}, spent...))
			if s.Reason != "" {
				notes = append(notes, fmt.Sprintf("%s: %s", s.Task, s.Reason))
			}
		}
		if files[i] != "" {
			notes = append(notes, fmt.Sprintf("%s: the ruling is in %s; check it with: trilemma verify %s", s.Task, files[i], files[i]))
		}
		out.Outcome = worseState(out.Outcome, s.State)
		out.Tasks = append(out.Tasks, j)
	}
	var code error
	if out.Outcome == verifier.Open {
		code = &status{code: exitUndecided}
	}
	if a.json {
		return errors.Join(a.printJSON(out), code)
	}
	if err := table(a.out, lines(rows)); err != nil {
		return err
	}
	for _, n := range notes {
		if _, err := fmt.Fprintln(a.out, line(n)); err != nil {
			return err
		}
	}
	return code
}

// worseState combines what became of two tasks: what is open over what is settled over agreement. What follows another task is as open as that is.
func worseState(a, b string) string {
	rank := map[string]int{verifier.Agreed: 0, verifier.Follows: 0, verifier.Settled: 1, verifier.Open: 2}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

func newSpent(c verifier.Cost) spentJSON { return spentJSON{c.Wall.Seconds(), c.CPU.Seconds()} }

func spentTime(c verifier.Cost) string { return c.Wall.Round(10 * time.Microsecond).String() }
