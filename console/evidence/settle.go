package evidence

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

// Settle finds out who is wrong where two bundles disagree, task by task. In each round of a dispute what is left is divided into as many parts as arity says.
func Settle(ctx context.Context, a, b *File, arity uint64) (*wire.Dispute, error) {
	if a.bundle == nil || b.bundle == nil {
		return nil, errors.New("a dispute is between two bundles")
	}
	found, err := verifier.Settle(ctx, a.bundle, b.bundle, verifier.SettleConfig{Arity: arity, Opener: &machine.Engine{}, Now: time.Now})
	if err != nil {
		return nil, err
	}
	return report.Dispute(found), nil
}

// Challenge is a challenge to an executor that was made here.
type Challenge struct {
	wire.Challenge
	Block []byte `json:"block"`
}

// Challenge makes a challenge with a fresh nonce: now that the receipt is here, whoever signed it cannot choose what is drawn. open is the challenge about the same run that
// was not answered yet; unless it is nil it is given again, for an open challenge is never drawn anew.
func (f *File) Challenge(samples int64, open []byte) (*Challenge, error) {
	if f.bundle == nil {
		return nil, errors.New("only a bundle's executor can be challenged")
	}
	var ch *spotcheck.Challenge
	var err error
	if open != nil {
		ch, err = spotcheck.ReadChallenge(open)
	} else {
		ch, err = newChallenge(f.bundle, samples)
	}
	if err != nil {
		return nil, err
	}
	b, err := ch.Block()
	if err != nil {
		return nil, err
	}
	drawn, err := verifier.Drawn(f.bundle, ch)
	if err != nil {
		return nil, err
	}
	return &Challenge{*report.Challenge(b.CID.String(), ch, drawn, open != nil), b.Data}, nil
}

func newChallenge(b *receipts.Bundle, samples int64) (*spotcheck.Challenge, error) {
	seed, err := spotcheck.NewNonce(rand.Reader)
	if err != nil {
		return nil, err
	}
	return spotcheck.NewChallenge(receipts.CID(b.Record.Receipt), seed, samples, nil)
}

// Answered checks an executor's answer to a challenge that was made here. Of the run no more than the segments that were drawn is repeated.
func (f *File) Answered(ctx context.Context, challenge []byte, answer *File, progress func(done int)) (*wire.Report, error) {
	if f.bundle == nil || answer.archive == nil {
		return nil, errors.New("there is no bundle or no answer")
	}
	ch, err := spotcheck.ReadChallenge(challenge)
	if err != nil {
		return nil, err
	}
	said, _, err := verifier.ReadAnswer(answer.archive)
	if err != nil {
		return nil, err
	}
	drawn := &verifier.Challenged{Challenge: ch, Ours: true, Answer: said, Get: answer.archive.Get}
	rep, err := verifier.Verify(ctx, f.bundle, verifier.Config{Mode: verifier.Spot, Challenged: drawn, Now: time.Now, Progress: progress})
	if err != nil {
		return nil, err
	}
	return report.Of(rep, f.Root), nil
}

// Respond is what the executor of a bundle answers to the question of a referee about a computation, both as DAG-CBOR. The task is run up to the segment that is asked for, if one is.
func (f *File) Respond(ctx context.Context, computation string, ask []byte) ([]byte, error) {
	if f.bundle == nil {
		return nil, errors.New("only a bundle's executor can answer")
	}
	c, err := block.Parse(computation)
	if err != nil {
		return nil, err
	}
	question, err := spotcheck.ReadAsk(ask)
	if err != nil {
		return nil, err
	}
	reply, err := verifier.Respond(ctx, f.bundle, c, question, &machine.Engine{})
	if err != nil {
		return nil, err
	}
	b, err := reply.Block()
	return b.Data, err
}
