package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/client"
	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

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

// mostQuestions is how often a side answers, or tries to. A list of 2⁶⁴ segments is halved 64 times; the rest is for answers that a service fails to take.
const mostQuestions = 200

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
	for wait, questions := shortestPause, 0; !h.Done; {
		before := h.Round
		if asks(h, side) != nil {
			questions++
		}
		if questions > mostQuestions {
			return &status{code: exitUndecided, err: fmt.Errorf("the service has not ruled after %d questions, and no dispute needs so many", mostQuestions), hint: "have another service hear it"}
		}
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
			a.waiting(err)
		}
		if sleep(ctx, wait) != nil {
			return nil, interrupted()
		}
	}
}

// away reports whether an error says that there is no service at the moment. Something else may answer in its place until it is back.
func away(err error) bool { return client.Away(err) || errors.Is(err, client.ErrAnswer) }

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
	asked := asks(h, side)
	if asked == nil {
		return h, nil
	}
	ask, err := spotcheck.ReadAsk(asked)
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
	if now, lerr := c.Hearing(ctx, h.ID); lerr == nil && !bytes.Equal(asks(now, side), asked) {
		return now, nil // somebody else has answered, or the time is over
	}
	return nil, remoteError(err)
}

// asks is what a side is asked; nil for nothing.
func asks(h *client.Hearing, side string) []byte {
	for _, asked := range h.Asks {
		if asked.Side == side {
			return asked.Ask
		}
	}
	return nil
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
