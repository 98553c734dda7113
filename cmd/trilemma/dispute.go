package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/internal/wire"
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

func (a *app) dispute(ctx context.Context, nameA, nameB string, f disputeFlags) (err error) {
	if f.arity < 2 || f.arity > 1024 {
		return usage("--arity %d is not between 2 and 1024", f.arity)
	}
	if a.remote.url != "" && f.key != "" {
		return usage("--key is the service's own business")
	}
	cfg := verifier.SettleConfig{Tasks: f.tasks, Arity: f.arity, Now: time.Now, CPU: processCPU}
	if !f.held {
		cfg.Opener = &machine.Engine{}
	}
	if f.out != "" {
		if _, err = a.destination(f.out); err != nil {
			return err
		}
		if a.remote.url == "" {
			if cfg.Referee, err = a.signer(f.key); err != nil {
				return err
			}
		}
	}
	var bundles [2]*receipts.Bundle
	for i, name := range []string{nameA, nameB} {
		b, _, err := a.readBundle(name)
		if err != nil {
			return bad(err)
		}
		bundles[i] = b
	}
	if a.remote.url != "" {
		return a.disputeThere(ctx, bundles, f)
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
	out := report.Dispute(found)
	rulings := make([]*receipts.Archive, len(found))
	for i := range found {
		rulings[i] = found[i].Ruling
	}
	if err := a.writeRulings(ctx, out, rulings, f.out); err != nil {
		return err
	}
	return a.printDispute(out)
}

// writeRulings writes each ruling to a file, and notes their names. rulings are in the order of the tasks; some may be nil.
func (a *app) writeRulings(ctx context.Context, found *wire.Dispute, rulings []*receipts.Archive, name string) error {
	n := 0
	for i, r := range rulings {
		if r == nil {
			continue
		}
		to := name
		if n++; n > 1 {
			if name == "-" {
				return usage("there is more than one ruling, and one stdout: name a file with -o, or a task with --task")
			}
			ext := filepath.Ext(name)
			to = fmt.Sprintf("%s.%d%s", strings.TrimSuffix(name, ext), n, ext)
		}
		out, err := a.place(to)
		if err != nil {
			return err
		}
		if err := a.write(ctx, out, r.Write); err != nil {
			return err
		}
		found.Tasks[i].File = to
	}
	return nil
}

func (a *app) printDispute(out *wire.Dispute) error {
	rows := [][]string{{"TASK", "OUTCOME", "WRONG", "GROUND", "SEGMENT", "ROUNDS", "SENT", "REFEREE", "SIDES"}}
	var notes []string
	for i := range out.Tasks {
		s := &out.Tasks[i]
		spent := []string{fmt.Sprint(s.Rounds), fmt.Sprintf("%d B", s.Bytes), spentTime(s.Referee), spentTime(s.Sides)}
		for _, w := range s.Wrong {
			segment := "-"
			if w.Segment != nil {
				segment = fmt.Sprint(*w.Segment)
			}
			rows = append(rows, append([]string{s.Task, s.Outcome, w.Side, w.Ground, segment}, spent...))
			notes = append(notes, fmt.Sprintf("%s: %s is wrong: %s", s.Task, w.Executor, w.Reason))
		}
		if len(s.Wrong) == 0 {
			rows = append(rows, append([]string{s.Task, s.Outcome, "-", "-", "-"}, spent...))
			if s.Reason != "" {
				notes = append(notes, fmt.Sprintf("%s: %s", s.Task, s.Reason))
			}
		}
		if s.File != "" {
			notes = append(notes, fmt.Sprintf("%s: the ruling is in %s; check it with: trilemma verify %s", s.Task, s.File, s.File))
		}
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

func spentTime(s wire.Spent) string {
	return time.Duration(s.WallSeconds * float64(time.Second)).Round(10 * time.Microsecond).String()
}
