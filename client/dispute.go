package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
)

// NewChallenge has the service challenge the executor of a run whose bundle is there, and returns the challenge too. As long as it is not answered the same one is given again.
func (c *Client) NewChallenge(ctx context.Context, r ChallengeRequest) (*Challenge, block.Block, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, block.Block{}, err
	}
	var out Challenge
	use := c.useOfRun(ctx, r.Run, "spot", false)
	if err := c.get(ctx, call{method: http.MethodPost, path: "/v1/challenges", command: capability.CommandChallenge, use: use, typ: "application/json", body: data}, &out); err != nil {
		return nil, block.Block{}, err
	}
	id, err := block.Parse(out.Challenge)
	if err != nil {
		return nil, block.Block{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	b, err := c.Get(ctx, id)
	return &out, b, err
}

// Answer asks the service for the openings that a challenge draws from a run whose bundle is there. The challenge must have been put. See [Client.AnswerArchive].
func (c *Client) Answer(ctx context.Context, r AnswerRequest) (*Job, error) {
	return c.submit(ctx, "/v1/answers", capability.CommandChallenge, c.useOfRun(ctx, r.Run, "spot", true), r)
}

// Dispute asks the service who is wrong where two runs disagree whose bundles are there. It plays both sides, and signs its rulings: see [Client.RulingArchive].
func (c *Client) Dispute(ctx context.Context, r DisputeRequest) (*Job, error) {
	use := c.useOfRun(ctx, r.A, "dispute", !r.Held)
	return c.submit(ctx, "/v1/disputes", capability.CommandChallenge, use, r)
}
