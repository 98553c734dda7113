package work

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/verifier"
)

// Challenger makes challenges, and remembers them: a nonce is known as our own by that, and as long as a challenge of a run is open no other one is drawn.
type Challenger struct {
	Blocks  store.Blocks
	Records store.Records
}

// Keys of records. The value of the first is the open challenge, or nothing.
const (
	openKey = "challenge/open/" // before the CID of the run's receipt
	oursKey = "challenge/ours/" // before the CID of the challenge
)

// New makes a challenge to the executor of a run, or gives again the one that is open. Another one than that is refused.
func (c *Challenger) New(ctx context.Context, in *wire.ChallengeRequest) (*wire.Challenge, error) {
	b, err := Bundle(ctx, c.Blocks, in.Run)
	if err != nil {
		return nil, err
	}
	ch, err := newChallenge(b, in.Samples, in.Seed, in.Weights)
	if err != nil {
		return nil, err
	}
	drawn, err := verifier.Drawn(b, ch)
	if err != nil {
		return nil, refuse(err)
	}
	key := openKey + receipts.CID(b.Record.Receipt).String()
	before, err := c.open(ctx, key)
	if err != nil {
		return nil, err
	}
	if before != nil {
		if before.Samples != ch.Samples || before.Seed.Kind != ch.Seed.Kind || in.Seed != "" && before.Seed.Digest(receipts.CID(ch.Receipt), nil) != ch.Seed.Digest(receipts.CID(ch.Receipt), nil) ||
			(before.Weights == nil) != (ch.Weights == nil) || ch.Weights != nil && !maps.Equal(before.Weights.Values, ch.Weights.Values) {
			return nil, refuse(errors.New("another challenge of this run is open, and an open challenge is never drawn anew"))
		}
		if drawn, err = verifier.Drawn(b, before); err != nil {
			return nil, refuse(err)
		}
		ch = before
	}
	blk, err := ch.Block()
	if err != nil {
		return nil, err
	}
	if before == nil {
		if err := c.Blocks.Put(ctx, blk); err != nil {
			return nil, err
		}
		if _, err := c.Records.Create(ctx, oursKey+blk.CID.String(), nil); err != nil {
			return nil, err
		}
		created, err := c.Records.Create(ctx, key, blk.Data)
		if err == nil && !created { // the one before was decided, or somebody was first: two that are open at once would be two draws
			err = c.replace(ctx, key, blk.Data)
		}
		if err != nil {
			return nil, err
		}
	}
	return report.Challenge(blk.CID.String(), ch, drawn, before != nil), nil
}

// replace opens a challenge where one was decided.
func (c *Challenger) replace(ctx context.Context, key string, data []byte) error {
	now, err := c.open(ctx, key)
	if err == nil && now != nil {
		err = refuse(errors.New("another challenge of this run was opened just now"))
	}
	if err != nil {
		return err
	}
	return c.Records.Set(ctx, key, data)
}

// open returns the challenge that is open under a key, or nil.
func (c *Challenger) open(ctx context.Context, key string) (*spotcheck.Challenge, error) {
	data, err := c.Records.Load(ctx, key)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(data) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return spotcheck.ReadChallenge(data)
}

// ours reports whether a challenge was made here.
func (c *Challenger) ours(ctx context.Context, challenge cid.Cid) (bool, error) {
	_, err := c.Records.Load(ctx, oursKey+challenge.String())
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// decide notes that the open challenge of a run was answered, so that another one may be made.
func (c *Challenger) decide(ctx context.Context, b *receipts.Bundle, challenge cid.Cid) error {
	key := openKey + receipts.CID(b.Record.Receipt).String()
	now, err := c.open(ctx, key)
	if err != nil || now == nil {
		return err
	}
	blk, err := now.Block()
	if err != nil || !blk.CID.Equals(challenge) {
		return err
	}
	return c.Records.Set(ctx, key, nil)
}

// newChallenge makes a challenge with a seed that is fresh unless one is given.
func newChallenge(b *receipts.Bundle, samples int64, given string, weights map[string]uint64) (*spotcheck.Challenge, error) {
	seed, err := spotcheck.NewNonce(rand.Reader)
	if err != nil {
		return nil, err
	}
	if given != "" {
		data, err := hex.DecodeString(given)
		if err != nil {
			return nil, refuse(fmt.Errorf("the seed is not hexadecimal: %w", err))
		}
		seed = spotcheck.Supplied(data)
		if err := seed.Check(); err != nil {
			return nil, refuse(err)
		}
	}
	if samples == 0 {
		samples = defaultSamples
	}
	ch, err := spotcheck.NewChallenge(receipts.CID(b.Record.Receipt), seed, samples, weights)
	if err != nil {
		return nil, refuse(err)
	}
	return ch, nil
}

// answer makes the openings that a challenge draws, by running the tasks.
func (w *Worker) answer(ctx context.Context, in wire.AnswerRequest, p Progress) (*wire.Answer, error) {
	b, err := Bundle(ctx, w.Blocks, in.Run)
	if err != nil {
		return nil, err
	}
	data, err := w.load(ctx, in.Challenge)
	if err != nil {
		return nil, err
	}
	ch, err := spotcheck.ReadChallenge(data.Data)
	if err != nil {
		return nil, refuse(err)
	}
	p("openings", 0, 0)
	made, err := verifier.Answer(ctx, b, ch, &machine.Engine{})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil { // what the bundle lacks, or holds
		return nil, refuse(err)
	}
	if err := keepArchive(ctx, w.Blocks, made); err != nil {
		return nil, err
	}
	return report.Answer(made)
}

func keepArchive(ctx context.Context, blocks store.Blocks, a *receipts.Archive) error {
	for c, data := range a.Blocks {
		if err := blocks.Put(ctx, block.Block{CID: c, Data: data}); err != nil {
			return fmt.Errorf("keep %s: %w", a.Root, err)
		}
	}
	return nil
}

// answered makes an answer that was put ready for a verdict.
func (w *Worker) answered(ctx context.Context, name string) (*verifier.Challenged, error) {
	a, err := Archive(ctx, w.Blocks, name)
	if err != nil {
		return nil, err
	}
	answer, ch, err := verifier.ReadAnswer(a)
	if err != nil {
		return nil, refuse(fmt.Errorf("%s is not an answer: %w", name, err))
	}
	ours, err := (&Challenger{w.Blocks, w.Records}).ours(ctx, answer.ChallengeCID())
	return &verifier.Challenged{Challenge: ch, Ours: ours, Answer: answer, Get: a.Get}, err
}

// AnswerArchive gathers an answer, its challenge and its openings from stored blocks.
func AnswerArchive(ctx context.Context, blocks store.Blocks, root block.Block) (*receipts.Archive, error) {
	a, err := spotcheck.ReadAnswer(root.Data)
	if err != nil {
		return nil, refuse(err)
	}
	all := []block.Block{root}
	need := []cid.Cid{a.ChallengeCID()}
	for _, o := range a.Openings {
		need = append(need, receipts.CID(o.Opening))
	}
	size := 0
	for _, c := range need {
		b, err := blocks.Get(ctx, c)
		if err != nil {
			return nil, err
		}
		if size += len(b.Data); size > maxBundle {
			return nil, refuse(fmt.Errorf("the answer and its openings have more than %d bytes", maxBundle))
		}
		all = append(all, b)
	}
	return receipts.NewArchive(all...), nil
}

// RulingArchive gathers a ruling and what it rests on from stored blocks. One that does not hold is refused.
func RulingArchive(ctx context.Context, blocks store.Blocks, root block.Block) (*receipts.Archive, error) {
	g := &getter{ctx: ctx, blocks: blocks}
	all := []block.Block{root}
	_, err := spotcheck.OpenRuling(root, func(c cid.Cid) (block.Block, bool) {
		b, ok := g.get(c)
		if ok {
			all = append(all, b)
		}
		return b, ok
	})
	if g.err != nil {
		return nil, g.err
	}
	if err != nil {
		return nil, refuse(err)
	}
	return receipts.NewArchive(all...), nil
}

// CheckDispute refuses what cannot be asked.
func CheckDispute(in *wire.DisputeRequest) error {
	if in.Arity == 1 {
		return refuse(errors.New("an arity of 1 divides nothing"))
	}
	return nil
}

// dispute plays both sides of what two runs disagree about, and signs rulings.
func (w *Worker) dispute(ctx context.Context, in wire.DisputeRequest, p Progress) (*wire.Dispute, error) {
	if err := CheckDispute(&in); err != nil {
		return nil, err
	}
	a, err := Bundle(ctx, w.Blocks, in.A)
	if err != nil {
		return nil, err
	}
	b, err := Bundle(ctx, w.Blocks, in.B)
	if err != nil {
		return nil, err
	}
	cfg := verifier.SettleConfig{Tasks: in.Tasks, Arity: in.Arity, Referee: w.Signer, Now: w.Now, CPU: w.CPU}
	if !in.Held {
		cfg.Opener = &machine.Engine{}
	}
	p("settling", 0, 0)
	found, err := verifier.Settle(ctx, a, b, cfg)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil { // the bundles, or the request
		return nil, refuse(err)
	}
	for i := range found {
		if r := found[i].Ruling; r != nil {
			if err := keepArchive(ctx, w.Blocks, r); err != nil {
				return nil, err
			}
		}
	}
	return report.Dispute(found), nil
}
