package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/client"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
)

// serviceWith is a client of the service, where these bundles are put.
func (a *app) serviceWith(ctx context.Context, bundles ...*receipts.Bundle) (*client.Client, error) {
	c, _, err := a.service(ctx, engineNative)
	if err != nil {
		return nil, err
	}
	for _, b := range bundles {
		if err := c.PutBundle(ctx, b); err != nil {
			return nil, remoteError(err)
		}
	}
	return c, nil
}

// challengeThere has the service challenge the executor of a run: the nonce is its own, and it remembers that the challenge is open.
func (a *app) challengeThere(ctx context.Context, b *receipts.Bundle, out output, f seedFlags) error {
	if f.grindable || f.beacon != "" {
		return usage("--grindable and --beacon are about a challenge that is made here")
	}
	ask := client.ChallengeRequest{Run: b.Root.String(), Samples: f.samples, Seed: f.seed}
	var err error
	if ask.Weights, err = f.weighed(); err != nil {
		return err
	}
	c, err := a.serviceWith(ctx, b)
	if err != nil {
		return err
	}
	j, ch, err := c.NewChallenge(ctx, ask)
	if err != nil {
		return remoteError(err)
	}
	if err := a.write(ctx, out, func(w io.Writer) error { _, err := w.Write(ch.Data); return err }); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(j)
	}
	fmt.Fprintf(a.err, "challenge %s draws %d segments of the run %s\n", j.Challenge, len(j.Drawn), j.Receipt)
	return nil
}

// answerThere has the service answer a challenge.
func (a *app) answerThere(ctx context.Context, b *receipts.Bundle, ch *spotcheck.Challenge) (*receipts.Archive, error) {
	c, err := a.serviceWith(ctx, b)
	if err != nil {
		return nil, err
	}
	blk, err := ch.Block()
	if err != nil {
		return nil, hostFailure(err)
	}
	if err := c.Put(ctx, blk); err != nil {
		return nil, remoteError(err)
	}
	j, err := c.Answer(ctx, client.AnswerRequest{Run: b.Root.String(), Challenge: blk.CID.String()})
	if j, err = a.finished(ctx, c, j, err, nil); err != nil {
		return nil, err
	}
	if j.Answer == nil {
		return nil, hostFailure(client.ErrAnswer)
	}
	made, err := c.AnswerArchive(ctx, j.Answer.Answer)
	if err != nil {
		return nil, remoteError(err)
	}
	return made, nil
}

// checkThere has the service check an answer.
func (a *app) checkThere(ctx context.Context, b *receipts.Bundle, answer *receipts.Archive, size int64, f verifyFlags) error {
	if f.refutation != "" {
		return usage("--refutation is about a check that is made here")
	}
	c, err := a.serviceWith(ctx, b)
	if err != nil {
		return err
	}
	for id, data := range answer.Blocks {
		if err := c.Put(ctx, block.Block{CID: id, Data: data}); err != nil {
			return remoteError(err)
		}
	}
	return a.verdictsThere(ctx, c, b, size, client.VerifyRequest{Run: b.Root.String(), Mode: "spot", Executor: f.executor, Answer: answer.Root.String(), Fresh: rand.Text()}, f)
}

// disputeThere has the service find out who is wrong, and rule.
func (a *app) disputeThere(ctx context.Context, bundles [2]*receipts.Bundle, f disputeFlags) error {
	c, err := a.serviceWith(ctx, bundles[:]...)
	if err != nil {
		return err
	}
	j, err := c.Dispute(ctx, client.DisputeRequest{A: bundles[0].Root.String(), B: bundles[1].Root.String(), Tasks: f.tasks, Arity: f.arity, Held: f.held})
	if j, err = a.finished(ctx, c, j, err, nil); err != nil {
		return err
	}
	if j.Dispute == nil {
		return hostFailure(client.ErrAnswer)
	}
	var rulings []*receipts.Archive
	for _, s := range j.Dispute.Tasks {
		var r *receipts.Archive
		if s.Ruling != "" && f.out != "" {
			if r, err = c.RulingArchive(ctx, s.Ruling); err != nil {
				return remoteError(err)
			}
		}
		rulings = append(rulings, r)
	}
	if err := a.writeRulings(ctx, j.Dispute, rulings, f.out); err != nil {
		return err
	}
	fmt.Fprintf(a.err, "note: these are the findings of the service at %s\n", a.remote.url)
	return a.printDispute(j.Dispute)
}
