package lab

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/prover"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/store"
)

// What modes are compared with.
const (
	BaseWazero    = "wazero"    // the call alone, unmetered
	BaseSignature = "signature" // one receipt, signed and checked
	BaseGroth16   = "groth16"   // a circuit of multiplications and nothing else
	BaseKeys      = "keys"      // those that runs are proved with, made
)

func baselines() []mode {
	return []mode{
		{BaseWazero, []stage{{stageProduce, produceBare}}},
		{BaseSignature, []stage{{stageProduce, signReceipt}, {stageCheck, checkReceipt}}},
		{BaseGroth16, []stage{{stageProduce, provePlain}}},
		{BaseKeys, []stage{{stageProduce, makeKeys}}},
	}
}

func produceBare(ctx context.Context, s *subject) (turn, after func() error, err error) {
	e, err := s.native(ctx)
	if err != nil {
		return nil, nil, err
	}
	w, err := s.call.work()
	if err != nil {
		return nil, nil, err
	}
	var same agreement
	turn = func() error {
		r, err := e.Bare(ctx, w.Linked, w.Streams)
		return same.check(ctx, r, err)
	}
	after = func() error {
		for _, in := range w.Streams {
			s.Row.Input += int64(len(in))
		}
		r, err := e.Run(ctx, w.Linked, w.Streams, w.Limits)
		s.Row.Fuel = r.Fuel
		return err
	}
	return turn, after, nil
}

// signReceipt signs a task's receipt again.
func signReceipt(ctx context.Context, s *subject) (turn, after func() error, err error) {
	x, err := newSigner(&store.Memory{}, nil, true, nil)
	if err != nil {
		return nil, nil, err
	}
	c, err := callOf("fib", 1)
	if err != nil {
		return nil, nil, err
	}
	w, err := c.compile(x.key.DID(), nil)
	if err != nil {
		return nil, nil, err
	}
	run, err := x.run(ctx, w)
	if err != nil {
		return nil, nil, err
	}
	r := run.Results[0].Receipt
	var b block.Block
	turn = func() (err error) {
		b, err = receipts.Issue(x.key, r.Claim, r.Meta)
		return err
	}
	after = func() error {
		s.Row.Evidence = int64(len(b.Data))
		_, err := s.keep(fileBundle, receipts.NewArchive(b))
		return err
	}
	return turn, after, nil
}

func checkReceipt(_ context.Context, s *subject) (turn, after func() error, err error) {
	a, err := s.archive(fileBundle)
	if err != nil {
		return nil, nil, err
	}
	b, ok := a.Get(a.Root)
	if !ok {
		return nil, nil, fmt.Errorf("there is no receipt %s", a.Root)
	}
	turn = func() error {
		_, err := receipts.Open(b)
		return err
	}
	after = func() error {
		s.Row.Soundness = Soundness{Kind: SoundTrust, Assume: "the signer"}
		return nil
	}
	return turn, after, nil
}

// provePlain proves a circuit of as many multiplications as the row's size. Making the keys counts as set-up, and checking is booked by itself.
func provePlain(ctx context.Context, s *subject) (turn, after func() error, err error) {
	p, err := prover.NewPlain(ctx, rand.Reader, int(s.Row.Size))
	if err != nil {
		return nil, nil, err
	}
	after = func() (err error) {
		s.Row.Constraints, s.Row.Parts = int64(p.Constraints()), 1
		if s.Row.Evidence, s.Row.Keys, err = p.Sizes(); err != nil {
			return err
		}
		s.Row.Soundness = Soundness{Kind: SoundCryptographic, Assume: "pairings on BN254; whoever made the keys can forge"}
		h := harness{s: s, turn: p.Verify}
		if err := h.run(ctx); err != nil {
			return err
		}
		h.book(stageCheck)
		return nil
	}
	return p.Prove, after, nil
}
