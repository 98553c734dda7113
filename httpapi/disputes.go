package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/internal/work"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/store"
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
		"The challenge must have been put. What the openings reveal, of state and input, is told to whoever asks. "+
			"To check it, name it in a verification of mode spot."),
		need{command: capability.CommandChallenge, body: maxRequest}, s.postAnswer)
	register(s, workOperation("post-dispute", "/v1/disputes", "verification", "Find out who is wrong where two runs disagree, and rule",
		"Both sides are played here, from what the bundles hold. Rulings are signed by the service. The invocation's check is dispute."),
		need{command: capability.CommandChallenge, body: maxRequest}, s.postDispute)
	register(s, huma.Operation{OperationID: "post-hearing", Method: http.MethodPost, Path: "/v1/hearings", Tags: []string{"verification"}, DefaultStatus: http.StatusCreated,
		Summary: "Open a dispute about one task, whose sides answer for themselves", Description: "The same request is the same hearing. What is decided by what the runs say as such is decided at once. The invocation's check is dispute."},
		need{command: capability.CommandChallenge, body: maxRequest}, s.postHearing)
	register(s, huma.Operation{OperationID: "get-hearing", Method: http.MethodGet, Path: "/v1/hearings/{cid}", Tags: []string{"verification"}, Summary: "Where a hearing stands, and what it asks"},
		need{command: capability.CommandGet}, s.getHearing)
	register(s, huma.Operation{OperationID: "post-reply", Method: http.MethodPost, Path: "/v1/hearings/{cid}/replies", Tags: []string{"verification"}, DefaultStatus: http.StatusCreated,
		Summary: "Answer for a side", Description: "The invocation is signed by the executor of that side. Who has not answered by the deadline loses."},
		need{command: capability.CommandChallenge, body: 16 << 20}, s.postReply)
	register(s, huma.Operation{OperationID: "get-answer", Method: http.MethodGet, Path: "/v1/answers/{cid}", Tags: []string{"verification"},
		Responses: answers("The answer, its challenge and its openings", typeCAR), Summary: "An answer to a challenge, as one CAR file"},
		need{command: capability.CommandGet, public: true}, func(ctx context.Context, in *named) (*huma.StreamResponse, error) {
			return s.getArchive(ctx, in, work.AnswerArchive)
		})
	register(s, huma.Operation{OperationID: "get-ruling", Method: http.MethodGet, Path: "/v1/rulings/{cid}", Tags: []string{"verification"},
		Responses: answers("The ruling, the receipts that it is about, and its evidence", typeCAR), Summary: "A ruling, as one CAR file"},
		need{command: capability.CommandGet, public: true}, func(ctx context.Context, in *named) (*huma.StreamResponse, error) {
			return s.getArchive(ctx, in, work.RulingArchive)
		})
}

func (s *Server) hearings() *work.Hearings {
	return &work.Hearings{Referee: s.cfg.Signer, Blocks: s.cfg.Blocks, Records: s.cfg.Records, Now: s.cfg.Now}
}

func (s *Server) postHearing(ctx context.Context, in *struct{ Body wire.HearingRequest }) (*reply[wire.Hearing], error) {
	for _, run := range []string{in.Body.A, in.Body.B} {
		if _, err := s.asksFor(ctx, run, modeDispute, false); err != nil {
			return nil, err
		}
	}
	return heard(s.hearings().Open(ctx, &in.Body))
}

func (s *Server) getHearing(ctx context.Context, in *named) (*reply[wire.Hearing], error) {
	if _, err := in.parse(); err != nil {
		return nil, err
	}
	return heard(s.hearings().Look(ctx, in.CID))
}

// replyInput is a side's answer to what a hearing asks.
type replyInput struct {
	CID  string `path:"cid" maxLength:"256"`
	Body wire.HearingReply
}

func (s *Server) postReply(ctx context.Context, in *replyInput) (*reply[wire.Hearing], error) {
	if _, err := (&named{in.CID}).parse(); err != nil {
		return nil, err
	}
	by := granted(ctx).principal
	if !strings.HasPrefix(by, "did:") { // in development mode anybody here may answer
		by = ""
	}
	out, err := s.hearings().Reply(ctx, in.CID, by, &in.Body)
	if errors.Is(err, work.ErrOtherSide) {
		return nil, problem(CodeDenied, "%v", err).hint("sign the request with the key that signed the side's run")
	}
	return heard(out, err)
}

func heard(h *wire.Hearing, err error) (*reply[wire.Hearing], error) {
	if err != nil {
		return nil, err
	}
	return &reply[wire.Hearing]{*h}, nil
}

// getArchive gathers what a block is the root of, and sends it as a CAR file.
func (s *Server) getArchive(ctx context.Context, in *named, gather func(context.Context, store.Blocks, block.Block) (*receipts.Archive, error)) (*huma.StreamResponse, error) {
	b, err := s.load(ctx, in)
	if err != nil {
		return nil, err
	}
	a, err := gather(ctx, s.cfg.Blocks, b)
	if errors.Is(err, work.ErrRequest) {
		return nil, problem(CodeContent, "%v", err)
	}
	if err != nil {
		return nil, err
	}
	return s.car(ctx, in.CID, a.Write), nil
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
