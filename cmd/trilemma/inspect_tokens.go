package main

import (
	"context"
	"errors"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
)

// tokensJSON is a container of tokens as inspect shows it.
type tokensJSON struct {
	Kind   string          `json:"kind"` // tokens
	Tokens []describedJSON `json:"tokens"`
}

type describedJSON struct {
	CID     string `json:"cid"`
	Kind    string `json:"kind"`
	Says    string `json:"says"`
	Refused string `json:"refused,omitempty"` // why it would be refused, now and here
}

// inspectBare shows a delegation that is alone.
func (a *app) inspectBare(ctx context.Context, b block.Block) (*view, error) {
	c := &capability.Container{}
	if _, err := c.Add(b.Data); err != nil {
		return nil, usage("%w", err)
	}
	return a.inspectTokens(ctx, c)
}

// inspectTokens says of every token what it allows, and why it would be refused now, by the revocations that are known here.
// The status is 1 if one is no good token at all.
func (a *app) inspectTokens(ctx context.Context, c *capability.Container) (*view, error) {
	known, err := a.knownRevocations()
	if err != nil {
		return nil, err
	}
	out := tokensJSON{Kind: "tokens", Tokens: []describedJSON{}}
	v := &view{}
	v.fact("kind", "UCAN tokens")
	for _, d := range (capability.Validator{Revocations: known}).Describe(ctx, c) {
		j := describedJSON{CID: d.CID.String(), Kind: d.Kind, Says: d.Says}
		rows := [][]string{{"  says", d.Says}}
		if d.Refused != nil {
			j.Refused = d.Refused.Error()
			rows = append(rows, []string{"  refused", j.Refused})
		}
		if d.Kind == capability.KindUnreadable || errors.Is(d.Refused, capability.ErrSignature) {
			v.code = exitFailed
		}
		out.Tokens = append(out.Tokens, j)
		v.parts = append(v.parts, part{j.Kind + " " + j.CID, rows})
	}
	v.json = out
	return v, nil
}
