package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/client"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
)

func (a *app) hearingCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "hearing",
		Short: "A dispute before a service, in which each side answers for itself",
		Long: `A dispute about one task of two runs, with a service as the referee and each side at a place of its own. One side opens the hearing; then both answer what the
service asks, each from its own bundle, until the service rules. Who does not answer in time loses. Where tokens are asked for, a side signs with the key that signed its run.`,
		Example: `  trilemma hearing open mine.car theirs.car --task blur --remote https://referee.example
  trilemma hearing answer bafy… mine.car --remote https://referee.example -o ruling.car`,
	}
	c.AddCommand(a.hearingOpenCommand(), a.hearingAnswerCommand(), a.hearingShowCommand())
	return c
}

func (a *app) hearingOpenCommand() *cobra.Command {
	r := client.HearingRequest{}
	var patience time.Duration
	c := &cobra.Command{
		Use:     "open A.car B.car --task LABEL --remote URL",
		Short:   "Open a hearing about a task that two bundles disagree about, and print its name",
		Example: "  trilemma hearing open mine.car theirs.car --task blur --patience 10m --remote https://referee.example",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if r.Patience = patience.Seconds(); patience <= 0 {
				return usage("--patience %v is not positive", patience)
			}
			return a.hearingOpen(c.Context(), args, r)
		},
	}
	fl := c.Flags()
	fl.StringVar(&r.Task, "task", "", "label of the task, in the first bundle; required")
	fl.Uint64Var(&r.Arity, "arity", 16, "into how many parts a round divides what is left: more are fewer rounds, and more bytes")
	fl.DurationVar(&patience, "patience", time.Minute, "how long a side is given for an answer")
	completeFlag(c, "task", a.completeTask)
	return c
}

func (a *app) hearingOpen(ctx context.Context, names []string, r client.HearingRequest) error {
	if r.Task == "" {
		return usage("name the task with --task")
	}
	var bundles []*receipts.Bundle
	for _, name := range names {
		b, _, err := a.readBundle(name)
		if err != nil {
			return bad(err)
		}
		bundles = append(bundles, b)
	}
	c, err := a.referee(ctx, bundles...)
	if err != nil {
		return err
	}
	r.A, r.B = bundles[0].Root.String(), bundles[1].Root.String()
	h, err := c.OpenHearing(ctx, r)
	if err != nil {
		return remoteError(err)
	}
	if a.json {
		return a.printJSON(h)
	}
	_, err = fmt.Fprintln(a.out, h.ID)
	return err
}

// referee is a client of the service that hears, where these bundles are put.
func (a *app) referee(ctx context.Context, bundles ...*receipts.Bundle) (*client.Client, error) {
	if a.remote.url == "" {
		return nil, &status{code: exitUsage, err: errors.New("a hearing is held by a service: name it with --remote"), hint: "trilemma dispute plays both sides here"}
	}
	return a.serviceWith(ctx, bundles...)
}

// asksFor is a referee's question in a few words.
func asksFor(ask *spotcheck.Ask) string {
	if ask.Opening != nil {
		return fmt.Sprintf("with segment %d", *ask.Opening)
	}
	return fmt.Sprintf("with %d states", len(ask.Roots))
}

// heard prints how a hearing ended, and writes the ruling.
func (a *app) heard(ctx context.Context, c *client.Client, h *client.Hearing, out string) error {
	found := &wire.Dispute{Outcome: h.Settlement.Outcome, Tasks: []wire.Settlement{h.Settlement}}
	if out != "" && h.Settlement.Ruling != "" {
		r, err := c.RulingArchive(ctx, h.Settlement.Ruling)
		if err != nil {
			return remoteError(err)
		}
		if err := a.writeRulings(ctx, found, []*receipts.Archive{r}, out); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.err, "note: these are the findings of the service at %s\n", a.remote.url)
	return a.printDispute(found)
}

func (a *app) hearingShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show HEARING --remote URL",
		Short:   "Say where a hearing stands, and who is asked what",
		Example: "  trilemma hearing show bafy… --remote https://referee.example",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return a.hearingShow(c.Context(), args[0]) },
	}
}

func (a *app) hearingShow(ctx context.Context, id string) error {
	c, err := a.referee(ctx)
	if err != nil {
		return err
	}
	h, err := c.Hearing(ctx, id)
	switch {
	case err != nil:
		return remoteError(err)
	case a.json:
		return a.printJSON(h)
	case h.Done:
		return a.heard(ctx, c, h, "")
	}
	rows := [][]string{{"SIDE", "EXECUTOR", "ROUND", "ASKED FOR", "UNTIL"}}
	for _, asked := range h.Asks {
		ask, err := spotcheck.ReadAsk(asked.Ask)
		if err != nil {
			return hostFailure(fmt.Errorf("%w: %w", client.ErrAnswer, err))
		}
		who := h.Settlement.ExecutorA
		if asked.Side == "B" {
			who = h.Settlement.ExecutorB
		}
		rows = append(rows, []string{asked.Side, who, fmt.Sprint(h.Round), asksFor(ask), h.Deadline})
	}
	return table(a.out, lines(rows))
}
