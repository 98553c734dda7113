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

func (s *Server) proofOperations() {
	register(s, workOperation("post-proof", "/v1/proofs", "proofs", "Prove a run's tasks",
		"The bundle must be here: it was made here, or its CAR file was imported. The answer names the run's record with the proofs, whose bundle holds them and the keys that they are checked under. "+
			"The service sees what it proves. An interrupted attempt goes on where it was."),
		need{command: capability.CommandProve, body: maxRequest}, s.postProof)
	register(s, huma.Operation{OperationID: "get-proof", Method: http.MethodGet, Path: "/v1/proofs/{cid}", Tags: []string{"proofs"},
		Summary: "What a proof says of itself", Description: "Whether it holds is what verification says. The proof itself is the block of the same CID."},
		need{command: capability.CommandGet, public: true}, s.getProof)
}

func (s *Server) postProof(ctx context.Context, in *ask[wire.ProveRequest]) (*accepted, error) {
	if len(s.cfg.Schemes) == 0 {
		return nil, problem(CodeRefused, "no proofs are made here")
	}
	if err := work.CheckProve(&in.Body, s.cfg.Schemes[0]); err != nil {
		return nil, err
	}
	c, err := s.asksFor(ctx, in.Body.Run, string(verifier.ZK), true)
	if err != nil {
		return nil, err
	}
	return submit(ctx, s, in, work.KindProve, c)
}

func (s *Server) getProof(ctx context.Context, in *named) (*reply[wire.ProofHead], error) {
	b, err := s.load(ctx, in)
	if err != nil {
		return nil, err
	}
	out, err := work.ProofOf(b)
	if err != nil {
		return nil, problem(CodeContent, "%v", err)
	}
	return &reply[wire.ProofHead]{*out}, nil
}
