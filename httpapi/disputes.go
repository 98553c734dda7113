package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/internal/work"
	"github.com/trilemma-dev/trilemma/verifier"
)

// modeDispute is what the invocation of a dispute states as its check.
const modeDispute = "dispute"

func (s *Server) disputeOperations() {
	register(s, huma.Operation{OperationID: "post-challenge", Method: http.MethodPost, Path: "/v1/challenges", Tags: []string{"verification"}, DefaultStatus: http.StatusCreated,
		Summary: "Challenge the executor of a run", Description: "The nonce is the service's own. As long as the challenge is not answered the same one is given again: an open challenge is never drawn anew. " +
			"The challenge itself is the block of its CID."},
		need{command: capability.CommandChallenge, body: maxRequest}, s.postChallenge)
	register(s, workOperation("post-answer", "/v1/answers", "verification", "Answer a challenge, by running what it draws",
		"The challenge must have been put. What the openings reveal, of state and input, is told to whoever asks. The answer with its openings is what its CID links to: the gateway has it as a CAR file. "+
			"To check it, name it in a verification of mode spot."),
		need{command: capability.CommandChallenge, body: maxRequest}, s.postAnswer)
	register(s, workOperation("post-dispute", "/v1/disputes", "verification", "Find out who is wrong where two runs disagree, and rule",
		"Both sides are played here, from what the bundles hold. Rulings are signed by the service; each is what its CID links to. The invocation's check is dispute."),
		need{command: capability.CommandChallenge, body: maxRequest}, s.postDispute)
}

func (s *Server) postChallenge(ctx context.Context, in *struct{ Body wire.ChallengeRequest }) (*reply[wire.Challenge], error) {
	if _, err := s.asksFor(ctx, in.Body.Run, string(verifier.Spot), false); err != nil {
		return nil, err
	}
	out, err := (&work.Challenger{Blocks: s.cfg.Blocks, Records: s.cfg.Records}).New(ctx, &in.Body)
	if err != nil {
		return nil, err
	}
	return &reply[wire.Challenge]{*out}, nil
}

func (s *Server) postAnswer(ctx context.Context, in *ask[wire.AnswerRequest]) (*accepted, error) {
	c, err := (&named{in.Body.Challenge}).parse()
	if err != nil {
		return nil, err
	}
	if _, err := s.cfg.Blocks.Get(ctx, c); err != nil {
		return nil, err
	}
	if c, err = s.asksFor(ctx, in.Body.Run, string(verifier.Spot), true); err != nil {
		return nil, err
	}
	return submit(ctx, s, in, work.KindAnswer, c)
}

func (s *Server) postDispute(ctx context.Context, in *ask[wire.DisputeRequest]) (*accepted, error) {
	if err := work.CheckDispute(&in.Body); err != nil {
		return nil, err
	}
	other, err := (&named{in.Body.B}).parse()
	if err != nil {
		return nil, err
	}
	if _, err := s.cfg.Blocks.Get(ctx, other); err != nil {
		return nil, err
	}
	c, err := s.asksFor(ctx, in.Body.A, modeDispute, !in.Body.Held)
	if err != nil {
		return nil, err
	}
	return submit(ctx, s, in, work.KindDispute, c)
}
