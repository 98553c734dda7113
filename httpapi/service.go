package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/internal/work"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/workflow"
)

// reply is an answer with a body alone.
type reply[B any] struct{ Body B }

func (s *Server) serviceOperations() {
	register(s, huma.Operation{OperationID: "get-service", Method: http.MethodGet, Path: "/v1/service", Tags: []string{"service"},
		Summary: "Who this is, and what it allows"}, need{},
		func(context.Context, *struct{}) (*reply[wire.Service], error) {
			return &reply[wire.Service]{s.describe()}, nil
		})
	register(s, huma.Operation{OperationID: "list-keys", Method: http.MethodGet, Path: "/v1/keys", Tags: []string{"service"},
		Summary: "Manifests of the keys to prove with, and the families that proofs are checked under"}, need{command: capability.CommandGet, public: true}, s.listKeys)
	register(s, huma.Operation{OperationID: "post-revocation", Method: http.MethodPost, Path: "/v1/revocations", Tags: []string{"service"},
		Summary:     "Take back delegations, for ever",
		Description: "The body is a UCAN container in any encoding with revocations, and the chains that lead to what they revoke. It needs no token: a revocation is believed for what is in it.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": {}}},
	}, need{body: capability.MaxContainer * 2}, s.revoke)
}

func (s *Server) listKeys(context.Context, *struct{}) (*reply[wire.Keys], error) {
	out := &wire.Keys{Keys: []wire.Key{}, Families: []wire.Family{}}
	if s.cfg.Keys != nil {
		var err error
		if out, err = s.cfg.Keys(); err != nil {
			return nil, err
		}
	}
	return &reply[wire.Keys]{*out}, nil
}

func (s *Server) describe() wire.Service {
	l := s.cfg.Limits
	effects := append([]string{}, s.cfg.Effects...)
	return wire.Service{DID: s.cfg.Signer.DID(), Version: s.cfg.Version, Profile: link.Profile, Development: s.cfg.Open, Public: s.cfg.Public,
		Modes: work.Modes(), Schemes: append([]string{}, s.cfg.Schemes...), Engines: []string{work.EngineNative, work.EngineMachine}, Effects: effects,
		Limits: wire.Limits{Fuel: l.Fuel, Memory: l.Memory, Block: block.MaxBlock, CAR: l.Body, Blocks: l.Blocks, Document: workflow.MaxDocument,
			Rate: l.Rate, DIDRate: l.DIDRate, Concurrency: l.Concurrency, Watchers: l.Watchers, Wait: l.Wait.Seconds()}}
}

func (s *Server) revoke(ctx context.Context, _ *struct{}) (*reply[wire.Revocations], error) {
	data, err := granted(ctx).body.bytes()
	if err != nil {
		return nil, err
	}
	tokens, err := capability.ReadTokens(data)
	if err != nil {
		return nil, problem(CodeContent, "%v", err)
	}
	v := capability.Validator{Now: s.cfg.Now, Skew: skew, Subject: s.cfg.Signer.DID()}
	set := &store.Revocations{Records: s.cfg.Records}
	out := wire.Revocations{Revoked: []wire.Revoked{}}
	for _, token := range tokens.All() {
		inv, err := capability.OpenInvocation(token)
		if err != nil || inv.Command != capability.CommandRevoke {
			continue
		}
		r, err := v.Revocation(ctx, token, tokens)
		if err != nil {
			return nil, problem(CodeDenied, "%v", err)
		}
		if err := set.Keep(ctx, r); err != nil {
			return nil, err
		}
		out.Revoked = append(out.Revoked, wire.Revoked{CID: r.Delegation.String(), By: r.Revoker})
	}
	if len(out.Revoked) == 0 {
		return nil, problem(CodeContent, "there is no revocation in it")
	}
	return &reply[wire.Revocations]{out}, nil
}

// health answers as long as the process does.
func (s *Server) health(c *gin.Context) { c.String(http.StatusOK, "ok\n") }

// ready answers whether work can be taken.
func (s *Server) ready(c *gin.Context) {
	if s.draining.Err() != nil {
		problem(CodeUnavailable, "the service is about to end").write(c)
		return
	}
	if s.cfg.Ready != nil {
		if err := s.cfg.Ready(c.Request.Context()); err != nil {
			p := problem(CodeUnavailable, "%v", err)
			p.write(c)
			return
		}
	}
	c.String(http.StatusOK, "ready\n")
}
