package lab

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/verifier"
)

// mode is a way to be sure of a result, as stages that run one after the other.
type mode struct {
	name   string
	stages []stage
}

// most is the longest run that a mode is measured on, in instructions: what hiding adds to a proof is seen on shorter ones than what a proof takes.
func (m *mode) most() uint64 {
	if m.name == ModeSecret {
		return 100_000
	}
	return math.MaxUint64
}

// modes are all that are compared.
func modes() []mode {
	return []mode{
		{string(verifier.Attest), []stage{{stageProduce, produceNative}, {stageCheck, checkAttest}}},
		{string(verifier.Rerun), []stage{{stageProduce, produceNative}, {stageCheck, checkRerun}}},
		{string(verifier.Spot), []stage{{stageProduce, produceTranscript}, {stageAnswer, answerSpot}, {stageCheck, checkSpot}}},
		{string(verifier.Dispute), []stage{{stageProduce, produceQuarrel}, {stageCheck, checkDispute}}},
		{string(verifier.ZK), []stage{{stageProduce, produceProof}, {stageCheck, checkProof}}},
		{ModeSecret, []stage{{stageProduce, produceSecretProof}, {stageCheck, checkProof}}},
	}
}

// Modes are the names of all modes.
func Modes() (names []string) {
	for _, m := range modes() {
		names = append(names, m.name)
	}
	return names
}

// What stages leave for each other.
const (
	fileBundle = "bundle.car"
	fileOther  = "other.car" // of an executor who says otherwise
	fileAnswer = "answer.car"
)

// native makes an engine that lives as long as the subject.
func (s *subject) native(ctx context.Context) (*runtime.Engine, error) {
	e, err := runtime.New(ctx, runtime.Config{})
	if err == nil {
		s.close = append(s.close, func() error { return e.Close(context.WithoutCancel(ctx)) })
	}
	return e, err
}

func produceNative(ctx context.Context, s *subject) (turn, after func() error, err error) {
	e, err := s.native(ctx)
	if err != nil {
		return nil, nil, err
	}
	x, err := newSigner(&store.Memory{}, e, true, nil)
	if err != nil {
		return nil, nil, err
	}
	return s.produce(ctx, x)
}

func produceTranscript(ctx context.Context, s *subject) (turn, after func() error, err error) {
	x, err := newSigner(&store.Memory{}, nil, true, nil)
	if err != nil {
		return nil, nil, err
	}
	return s.produce(ctx, x)
}

// produce runs the call for an executor, from the workflow to the bundle's bytes, and keeps the last bundle.
func (s *subject) produce(ctx context.Context, x *signer) (turn, after func() error, err error) {
	w, err := s.call.compile(x.key.DID(), nil)
	if err != nil {
		return nil, nil, err
	}
	var r *executor.Run
	var data bytes.Buffer
	turn = func() (err error) {
		if r, err = x.run(ctx, w); err != nil {
			return err
		}
		data.Reset()
		return r.Bundle.Write(&data)
	}
	after = func() error {
		s.describe(r)
		_, err := s.keep(fileBundle, r.Bundle)
		return err
	}
	return turn, after, nil
}

// describe notes what a run was.
func (s *subject) describe(r *executor.Run) {
	claim := r.Results[0].Receipt.Claim.Run
	if claim.Fuel != nil {
		s.Row.Fuel = uint64(*claim.Fuel)
	}
	if claim.Steps != nil {
		s.Row.Steps, s.Row.Segments = uint64(*claim.Steps), uint64(machine.Segments(*claim.Steps))
	}
	s.Row.Input = 0
	if claim.Inputs != nil {
		for _, in := range *claim.Inputs {
			s.Row.Input += in.Size
		}
	}
}

func checkAttest(ctx context.Context, s *subject) (turn, after func() error, err error) {
	return s.check(ctx, verifier.Config{Mode: verifier.Attest}, Soundness{Kind: SoundTrust, Assume: "the signer"})
}

func checkRerun(ctx context.Context, s *subject) (turn, after func() error, err error) {
	e, err := s.native(ctx)
	if err != nil {
		return nil, nil, err
	}
	return s.check(ctx, verifier.Config{Mode: verifier.Rerun, Runner: e}, Soundness{Kind: SoundExact})
}

// check verifies the bundle for whoever trusts its signer by name, from the bundle's bytes to the verdict, which must be valid.
func (s *subject) check(ctx context.Context, cfg verifier.Config, worth Soundness) (turn, after func() error, err error) {
	b, err := s.bundle(fileBundle)
	if err != nil {
		return nil, nil, err
	}
	signed, _ := b.Get(receipts.CID(b.Record.Receipt))
	receipt, err := receipts.Open(signed)
	if err != nil {
		return nil, nil, err
	}
	cfg.Executor, cfg.Now, cfg.CPU = receipt.Issuer, time.Now, s.clocks.CPU
	var v verifier.Verdict
	turn = func() error {
		b, err := s.bundle(fileBundle)
		if err != nil {
			return err
		}
		if cfg.Challenged != nil {
			if cfg.Challenged.Answer, cfg.Challenged.Get, err = s.answer(); err != nil {
				return err
			}
		}
		rep, err := verifier.Verify(ctx, b, cfg)
		if err != nil {
			return err
		}
		if rep.Outcome != verifier.Valid {
			return fmt.Errorf("%s: %s", rep.Outcome, rep.Reason)
		}
		v = rep.Verdicts[0]
		return nil
	}
	after = func() error {
		s.Row.Evidence, s.Row.Soundness = v.Cost.Bytes, worth
		s.Row.Soundness.Statement = v.Soundness
		s.Row.Revealed = Revealed{v.Revealed.Input, v.Revealed.State, v.Revealed.Output}
		return nil
	}
	return turn, after, nil
}
