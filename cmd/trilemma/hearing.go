package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/client"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
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

func (a *app) hearingAnswerCommand() *cobra.Command {
	var side, out string
	c := &cobra.Command{
		Use:   "answer HEARING RUN.car --remote URL",
		Short: "Answer for the side of a bundle, until the service rules",
		Long: `Answer what the service asks the side whose executor signed RUN.car, from the bundle and by running the task, until nothing more is asked. The findings are printed as
those of dispute are; with -o the ruling is written, which anybody can check with verify.`,
		Example: "  trilemma hearing answer bafy… mine.car --remote https://referee.example -o ruling.car",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.hearingAnswer(c.Context(), args[0], args[1], side, out)
		},
	}
	fl := c.Flags()
	fl.StringVar(&side, "side", "", "A or B, if both are by the executor who signed the bundle")
	fl.StringVarP(&out, "output", "o", "", "write the ruling to this file")
	completeFlag(c, "side", oneOf("A", "B"))
	completeFlag(c, "output", cobra.FixedCompletions([]string{"car"}, cobra.ShellCompDirectiveFilterFileExt))
	return c
}

// Between two looks at a hearing whose other side is asked.
const (
	shortestPause = 50 * time.Millisecond
	longestPause  = 2 * time.Second
)

func (a *app) hearingAnswer(ctx context.Context, id, name, side, out string) error {
	if side != "" && side != "A" && side != "B" {
		return usage("--side %q is neither A nor B", side)
	}
	if out != "" {
		if _, err := a.destination(out); err != nil {
			return err
		}
	}
	b, _, err := a.readBundle(name)
	if err != nil {
		return bad(err)
	}
	c, err := a.referee(ctx)
	if err != nil {
		return err
	}
	h, err := c.Hearing(ctx, id)
	if err != nil {
		return remoteError(err)
	}
	if side, err = sideOf(h, b, side); err != nil {
		return err
	}
	for wait := shortestPause; !h.Done; {
		before := h.Round
		if h, err = a.respond(ctx, c, h, b, side); err != nil {
			return err
		}
		if h.Round != before {
			wait = shortestPause
		}
		if h.Done {
			break
		}
		if err := sleep(ctx, wait); err != nil {
			return interrupted()
		}
		wait = min(2*wait, longestPause)
		if h, err = a.look(ctx, c, h); err != nil {
			return err
		}
	}
	return a.heard(ctx, c, h, out)
}

func interrupted() error {
	return &status{code: exitUndecided, err: errors.New("interrupted: the hearing goes on, and who does not answer loses")}
}

// look asks where a hearing stands. A service that is away is waited for as long as an answer is.
func (a *app) look(ctx context.Context, c *client.Client, h *client.Hearing) (*client.Hearing, error) {
	deadline, late := time.Parse(time.RFC3339Nano, h.Deadline)
	said := false
	for wait := shortestPause; ; wait = min(2*wait, longestPause) {
		next, err := c.Hearing(ctx, h.ID)
		switch {
		case err == nil:
			return next, nil
		case !away(err) || late != nil || time.Now().After(deadline):
			return nil, remoteError(err)
		case !said:
			said = true
			fmt.Fprintf(a.err, "note: the service is waited for: %v\n", err)
		}
		if sleep(ctx, wait) != nil {
			return nil, interrupted()
		}
	}
}

// away reports whether an error says that there is no service at the moment, or one that is busy with something else, or has just begun: then it takes no token that could be
// a replay.
func away(err error) bool {
	if p, ok := errors.AsType[*client.Problem](err); ok {
		return p.Status >= http.StatusInternalServerError || p.Status == http.StatusTooManyRequests || p.Code == string(httpapi.CodeReplay)
	}
	_, ok := errors.AsType[*url.Error](err)
	return ok && !errors.Is(err, context.Canceled) || errors.Is(err, client.ErrAnswer) || errors.Is(err, io.ErrUnexpectedEOF)
}

// sideOf is the side whose executor signed a bundle: side, if that is not empty.
func sideOf(h *client.Hearing, b *receipts.Bundle, side string) (string, error) {
	run, err := report.Run(b)
	if err != nil {
		return "", bad(err)
	}
	s, signer := h.Settlement, run.Executor
	switch isA, isB := signer == s.ExecutorA, signer == s.ExecutorB; {
	case side == "A" && isA, side == "B" && isB:
		return side, nil
	case side != "" && (isA || isB):
		return "", usage("the bundle is signed by %s, which is the other side", signer)
	case isA && isB:
		return "", usage("both sides are %s: say with --side which one the bundle is of", signer)
	case isA:
		return "A", nil
	case isB:
		return "B", nil
	}
	return "", usage("the bundle is signed by %s; the sides are %s and %s", signer, s.ExecutorA, s.ExecutorB)
}

// respond answers what a side is asked, if it is asked something, and returns where the hearing stands then.
func (a *app) respond(ctx context.Context, c *client.Client, h *client.Hearing, b *receipts.Bundle, side string) (*client.Hearing, error) {
	for _, asked := range h.Asks {
		if asked.Side != side {
			continue
		}
		ask, err := spotcheck.ReadAsk(asked.Ask)
		if err != nil {
			return nil, hostFailure(fmt.Errorf("%w: %w", client.ErrAnswer, err))
		}
		id, err := block.Parse(h.Settlement.Computation)
		if err != nil {
			return nil, hostFailure(fmt.Errorf("%w: %w", client.ErrAnswer, err))
		}
		r, err := verifier.Respond(ctx, b, id, ask, &machine.Engine{})
		if err != nil {
			return nil, &status{code: exitUndecided, err: fmt.Errorf("cannot answer round %d: %w", h.Round, err)}
		}
		reply, err := r.Block()
		if err != nil {
			return nil, hostFailure(err)
		}
		next, err := c.Reply(ctx, h.ID, client.HearingReply{Side: side, Reply: reply.Data})
		switch {
		case err == nil:
			fmt.Fprintf(a.err, "round %d: answered %s for side %s\n", h.Round, asksFor(ask), side)
			return next, nil
		case away(err):
			return h, nil // it may have come, or not: that shows when the service is asked again
		}
		if now, lerr := c.Hearing(ctx, h.ID); lerr == nil && !slices.ContainsFunc(now.Asks, func(o wire.Asked) bool { return o.Side == side && bytes.Equal(o.Ask, asked.Ask) }) {
			return now, nil // somebody else has answered, or the time is over
		}
		return nil, remoteError(err)
	}
	return h, nil
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

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
