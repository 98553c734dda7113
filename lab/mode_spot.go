package lab

import (
	"context"
	"io"
	"math/rand/v2"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

// challenge asks for samples of the run, as a verifier does that has its receipt: with a nonce that follows from the settings' seed here, so that the
// same segments are drawn from the same receipt.
func (s *subject) challenge(b *receipts.Bundle) (*spotcheck.Challenge, error) {
	nonce, err := spotcheck.NewNonce(random{rand.NewPCG(s.Settings.Seed, s.Row.Size)})
	if err != nil {
		return nil, err
	}
	segments, err := verifier.Segments(b)
	if err != nil {
		return nil, err
	}
	return spotcheck.NewChallenge(receipts.CID(b.Record.Receipt), nonce, int64(min(segments, s.Settings.Samples)), nil)
}

// random reads from a source.
type random struct{ *rand.PCG }

func (r random) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r.Uint64())
	}
	return len(p), nil
}

var _ io.Reader = random{}

func answerSpot(ctx context.Context, s *subject) (turn, after func() error, err error) {
	b, err := s.bundle(fileBundle)
	if err != nil {
		return nil, nil, err
	}
	ch, err := s.challenge(b)
	if err != nil {
		return nil, nil, err
	}
	var a *receipts.Archive
	opener := &machine.Engine{}
	turn = func() (err error) {
		a, err = verifier.Answer(ctx, b, ch, opener)
		return err
	}
	return turn, func() error { _, err := s.keep(fileAnswer, a); return err }, nil
}

// answer reads the answer that was kept.
func (s *subject) answer() (*spotcheck.Answer, func(cid.Cid) (block.Block, bool), error) {
	from, err := s.archive(fileAnswer)
	if err != nil {
		return nil, nil, err
	}
	a, _, err := verifier.ReadAnswer(from)
	return a, from.Get, err
}

func checkSpot(ctx context.Context, s *subject) (turn, after func() error, err error) {
	b, err := s.bundle(fileBundle)
	if err != nil {
		return nil, nil, err
	}
	ch, err := s.challenge(b)
	if err != nil {
		return nil, nil, err
	}
	worth := Soundness{Kind: SoundProbability, Assume: "the segments are drawn after the receipt was signed"}
	if worth.Single, worth.Tenth, err = detection(s.Row.Segments, uint64(ch.Samples)); err != nil {
		return nil, nil, err
	}
	return s.check(ctx, verifier.Config{Mode: verifier.Spot, Challenged: &verifier.Challenged{Challenge: ch, Ours: true}}, worth)
}

// detection is the probability to find one bad segment, and one bad segment in ten.
func detection(n, k uint64) (single, tenth *float64, err error) {
	for _, q := range []struct {
		bad uint64
		out **float64
	}{{1, &single}, {(n + 9) / 10, &tenth}} {
		p, err := spotcheck.Detection(n, q.bad, k)
		if err != nil {
			return nil, nil, err
		}
		f, _ := p.Float64()
		*q.out = &f
	}
	return single, tenth, nil
}
