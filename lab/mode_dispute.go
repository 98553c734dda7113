package lab

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/verifier"
)

// produceQuarrel is what one of two executors spends, and leaves what both sign: the other one forges one bit of one state.
func produceQuarrel(ctx context.Context, s *subject) (turn, after func() error, err error) {
	x, err := newSigner(&store.Memory{}, nil, true, nil)
	if err != nil {
		return nil, nil, err
	}
	turn, done, err := s.produce(ctx, x)
	if err != nil {
		return nil, nil, err
	}
	after = func() error {
		if err := done(); err != nil {
			return err
		}
		_, forged, _, _, err := s.call.quarrel(ctx)
		if err != nil {
			return err
		}
		_, err = s.keep(fileOther, forged)
		return err
	}
	return turn, after, nil
}

// checkDispute is the referee, from the bytes of two bundles to a signed ruling. What the sides spend to answer is booked as theirs.
func checkDispute(ctx context.Context, s *subject) (turn, after func() error, err error) {
	referee, err := capability.GenerateKey("ed25519")
	if err != nil {
		return nil, nil, err
	}
	var last verifier.Settlement
	opener := &machine.Engine{}
	turn = func() error {
		honest, err := s.bundle(fileBundle)
		if err != nil {
			return err
		}
		forged, err := s.bundle(fileOther)
		if err != nil {
			return err
		}
		found, err := verifier.Settle(ctx, honest, forged, verifier.SettleConfig{Opener: opener, Referee: referee, Now: time.Now, CPU: s.clocks.CPU})
		if err != nil {
			return err
		}
		last = found[0]
		if last.State != verifier.Settled || len(last.Wrong) != 1 || last.Wrong[0].Side != spotcheck.B {
			return fmt.Errorf("%s: %v %s: not the side that lied", last.State, last.Wrong, last.Reason)
		}
		s.sides.wall += last.Sides.Wall
		s.sides.cpu += last.Sides.CPU
		return nil
	}
	after = func() error {
		s.Row.Evidence = last.Bytes
		s.Row.Soundness = Soundness{Kind: SoundHonestSide, Assume: "one side is honest"}
		rep := verifier.VerifyRuling(last.Ruling, verifier.Config{Now: time.Now})
		if rep.Outcome != verifier.Invalid && len(rep.Verdicts) > 0 {
			s.Row.Soundness.Statement = rep.Verdicts[0].Soundness
		}
		return s.shown(&last.Wrong[0])
	}
	return turn, after, nil
}

// shown counts what the refutation's opening reveals. One without an opening reveals none of the run's state.
func (s *subject) shown(p *verifier.Party) error {
	if p.Evidence == nil {
		return nil
	}
	r, err := spotcheck.ReadRefutation(p.Evidence.Data)
	if err != nil || r.Opening == nil || p.Segment == nil {
		return err
	}
	o, err := machine.ReadOpening(bytes.Clone(*r.Opening))
	if err != nil {
		return err
	}
	w, err := s.call.work()
	if err != nil {
		return err
	}
	got, err := o.Replay(w.Limits, min(machine.SegmentSteps, s.Row.Steps-*p.Segment*machine.SegmentSteps))
	s.Row.Revealed = Revealed{Input: got.Input, State: got.State}
	return err
}
