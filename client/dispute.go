package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
)

// NewChallenge has the service challenge the executor of a run whose bundle is there, and returns the challenge too. As long as it is not answered the same one is given again.
func (c *Client) NewChallenge(ctx context.Context, r ChallengeRequest) (*Challenge, block.Block, error) {
	var out Challenge
	use := c.useOfRun(ctx, r.Run, "spot", false)
	if err := c.post(ctx, "/v1/challenges", capability.CommandChallenge, use, nil, r, &out); err != nil {
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

// OpenHearing opens a dispute about one task of two runs whose bundles are at the service, whose sides answer for themselves.
func (c *Client) OpenHearing(ctx context.Context, r HearingRequest) (*Hearing, error) {
	return c.hearing(ctx, "/v1/hearings", c.useOfRun(ctx, r.A, "dispute", false), r)
}

// Hearing asks where a hearing stands.
func (c *Client) Hearing(ctx context.Context, id string) (*Hearing, error) {
	var out Hearing
	return named(id, &out, c.get(ctx, call{method: http.MethodGet, path: "/v1/hearings/" + url.PathEscape(id), command: capability.CommandGet}, &out))
}

// Reply answers for a side, whose executor signs the request: see verifier.Respond for what to answer.
func (c *Client) Reply(ctx context.Context, id string, r HearingReply) (*Hearing, error) {
	out, err := c.hearing(ctx, "/v1/hearings/"+url.PathEscape(id)+"/replies", nil, r)
	return named(id, out, err)
}

// named refuses a hearing that is not the one that was asked for.
func named(id string, h *Hearing, err error) (*Hearing, error) {
	if err == nil && h.ID != id {
		err = fmt.Errorf("%w: the hearing %.100q", ErrAnswer, h.ID)
	}
	return h, err
}

func (c *Client) hearing(ctx context.Context, path string, use *capability.Use, body any) (*Hearing, error) {
	var out Hearing
	return &out, c.post(ctx, path, capability.CommandChallenge, use, nil, body, &out)
}
