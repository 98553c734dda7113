package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/receipts"
)

// receiptJSON is a receipt as inspect shows it: its signature has been checked.
type receiptJSON struct {
	Kind   string `json:"kind"` // receipt
	CID    string `json:"cid"`
	Signer string `json:"signer"`
	claimJSON
	Meta json.RawMessage `json:"meta,omitempty"`
}

// claimJSON is what a receipt says.
type claimJSON struct {
	Ran         string            `json:"ran"`
	Computation string            `json:"computation"`
	Outcome     string            `json:"outcome"`
	Error       *wire.Failure     `json:"error,omitempty"`
	Out         json.RawMessage   `json:"out,omitempty"`
	Profile     *string           `json:"profile,omitempty"`
	Module      string            `json:"module,omitempty"`
	Program     string            `json:"program,omitempty"`
	Fuel        *int64            `json:"fuel,omitempty"`
	Steps       *int64            `json:"steps,omitempty"`
	Transcript  string            `json:"transcript,omitempty"`
	Inputs      []regionJSON      `json:"inputs,omitempty"`
	Outputs     []regionJSON      `json:"outputs,omitempty"`
	Receipts    map[string]string `json:"receipts,omitempty"` // of a workflow: by label
}

type regionJSON struct {
	Stream     int64  `json:"stream"`
	Bytes      int64  `json:"bytes"` // of hidden output at most, of hidden input 0
	CID        string `json:"cid,omitempty"`
	Commitment string `json:"commitment,omitempty"` // of a hidden one
}

// row is the region as one of a table.
func (r *regionJSON) row(what string) []string {
	size, content := fmt.Sprintf("%d bytes", r.Bytes), r.CID
	if r.Commitment != "" {
		size, content = "hidden", "commitment "+r.Commitment
		if r.Bytes > 0 {
			size = fmt.Sprintf("hidden, at most %d bytes", r.Bytes)
		}
	}
	return []string{fmt.Sprintf("  %s %d", what, r.Stream), size, content}
}

// inspectToken shows a receipt or another token. A signature that does not verify is status 1, anything else that is wrong
// is status 2 and wraps [capability.ErrToken] if this is no token at all.
func (a *app) inspectToken(ctx context.Context, b block.Block) (*view, error) {
	inv, err := capability.OpenInvocation(b.Data)
	if err != nil {
		if _, isDelegation := capability.OpenDelegation(b.Data); isDelegation == nil {
			return a.inspectBare(ctx, b)
		}
	}
	switch {
	case errors.Is(err, capability.ErrSignature):
		return nil, &status{code: exitFailed, err: fmt.Errorf("a UCAN token that is forged or damaged: %w", err)}
	case err != nil:
		return nil, &status{code: exitUsage, err: fmt.Errorf("not a UCAN token: %w", err), hint: "known are receipts, and other UCAN 1.0 invocations and delegations"}
	case inv.Command == receipts.Command:
		r, err := receipts.Open(b)
		if err != nil {
			return nil, usage("a receipt that cannot be read: %w", err)
		}
		return showReceipt(r)
	}
	return showInvocation(b.CID, inv)
}

func claimOf(c receipts.Claim) (j claimJSON, err error) {
	j = claimJSON{Ran: linkText(&c.Ran), Computation: linkText(&c.Run.Computation), Profile: c.Run.Profile, Module: linkText(c.Run.Module),
		Fuel: c.Run.Fuel, Steps: c.Run.Steps, Transcript: linkText(c.Run.Transcript), Inputs: regions(c.Run.Inputs), Outputs: regions(c.Run.Outputs)}
	if c.Run.Program != nil {
		j.Program = hex.EncodeToString(*c.Run.Program)
	}
	j.Outcome, j.Error = wire.OutcomeOf(c.Out)
	if c.Out.Ok != nil {
		if j.Out, err = block.EncodeJSON(*c.Out.Ok); err != nil {
			return j, err
		}
	}
	if c.Run.Receipts != nil {
		j.Receipts = make(map[string]string, len(c.Run.Receipts.Keys))
		for label, l := range c.Run.Receipts.Values {
			j.Receipts[label] = linkText(&l)
		}
	}
	return j, nil
}

func linkText(l *datamodel.Link) string {
	if l == nil || *l == nil {
		return ""
	}
	return receipts.CID(*l).String()
}

func regions(rs *[]receipts.Region) (out []regionJSON) {
	if rs == nil {
		return nil
	}
	for _, r := range *rs {
		j := regionJSON{Stream: r.Stream, Bytes: r.Size, CID: linkText(r.Cid)}
		if r.Commitment != nil {
			j.Commitment = hex.EncodeToString(*r.Commitment)
		}
		out = append(out, j)
	}
	return out
}

func showReceipt(r *receipts.Receipt) (*view, error) {
	claim, err := claimOf(r.Claim)
	if err != nil {
		return nil, err
	}
	out := receiptJSON{Kind: "receipt", CID: r.CID.String(), Signer: r.Issuer, claimJSON: claim}
	if r.Meta != nil {
		if out.Meta, err = block.EncodeJSON(r.Meta); err != nil {
			return nil, err
		}
	}
	v := &view{json: out}
	v.fact("kind", "receipt")
	v.fact("cid", out.CID)
	v.fact("signer", out.Signer+" (the signature verifies)")
	v.fact("task", claim.Ran)
	v.fact("computation", claim.Computation)
	if claim.Error != nil {
		v.fact("outcome", "error: "+claim.Error.Message)
	} else {
		v.fact("outcome", claim.Outcome)
		v.fact("result", summary(*r.Claim.Out.Ok, func(cid.Cid) (block.Block, bool) { return block.Block{}, false }))
	}
	if claim.Profile != nil {
		v.fact("profile", *claim.Profile)
	}
	v.fact("module", claim.Module)
	v.fact("program", claim.Program)
	v.fact("fuel", count(claim.Fuel))
	v.fact("steps", count(claim.Steps))
	v.fact("transcript", claim.Transcript)
	v.fact("meta", string(out.Meta))
	var rows [][]string
	for _, s := range claim.Inputs {
		rows = append(rows, s.row("in"))
	}
	for _, s := range claim.Outputs {
		rows = append(rows, s.row("out"))
	}
	if len(rows) > 0 {
		v.parts = append(v.parts, part{"tapes", rows})
	}
	if r.Claim.Run.Receipts != nil {
		rows = nil
		for _, label := range r.Claim.Run.Receipts.Keys {
			rows = append(rows, []string{"  " + label, claim.Receipts[label]})
		}
		v.parts = append(v.parts, part{"receipts of its tasks", rows})
	}
	return v, nil
}

func count(n *int64) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

// invocationJSON is a UCAN invocation as inspect shows it: its signature has been checked, what it rests on has not.
type invocationJSON struct {
	Kind     string          `json:"kind"` // invocation
	CID      string          `json:"cid"`
	Task     string          `json:"task"`
	Issuer   string          `json:"issuer"`
	Subject  string          `json:"subject"`
	Audience string          `json:"audience,omitempty"`
	Command  string          `json:"command"`
	Args     json.RawMessage `json:"args"`
	Proofs   []string        `json:"proofs"`
	Nonce    string          `json:"nonce"` // hex
	Expires  *int64          `json:"expires,omitempty"`
	Issued   *int64          `json:"issued,omitempty"`
	Cause    string          `json:"cause,omitempty"`
	Meta     json.RawMessage `json:"meta,omitempty"`
}

func showInvocation(c cid.Cid, inv *capability.Invocation) (*view, error) {
	task, err := inv.TaskCID()
	if err != nil {
		return nil, err
	}
	out := invocationJSON{Kind: "invocation", CID: c.String(), Task: task.String(), Issuer: inv.Issuer, Subject: inv.Subject, Audience: inv.Audience,
		Command: inv.Command, Proofs: []string{}, Nonce: hex.EncodeToString(inv.Nonce), Expires: inv.Expires, Issued: inv.IssuedAt}
	if out.Args, err = block.EncodeJSON(inv.Args); err != nil {
		return nil, err
	}
	if inv.Meta != nil {
		if out.Meta, err = block.EncodeJSON(inv.Meta); err != nil {
			return nil, err
		}
	}
	for _, p := range inv.Proofs {
		out.Proofs = append(out.Proofs, p.String())
	}
	if inv.Cause != nil {
		out.Cause = inv.Cause.String()
	}
	v := &view{json: out}
	v.fact("kind", "UCAN invocation")
	v.fact("cid", out.CID)
	v.fact("task", out.Task)
	v.fact("issuer", out.Issuer+" (the signature verifies)")
	v.fact("subject", out.Subject)
	v.fact("audience", out.Audience)
	v.fact("command", out.Command)
	v.fact("args", string(out.Args))
	v.fact("nonce", out.Nonce)
	v.fact("issued", moment(inv.IssuedAt))
	if inv.Expires == nil {
		v.fact("expires", "never")
	}
	v.fact("expires", moment(inv.Expires))
	v.fact("cause", out.Cause)
	v.fact("meta", string(out.Meta))
	if len(out.Proofs) == 0 {
		v.fact("proofs", "none")
	}
	for _, p := range out.Proofs {
		v.fact("proof", p+" (not checked)")
	}
	return v, nil
}

// moment writes a time in seconds since 1970, or nothing.
func moment(unix *int64) string {
	if unix == nil {
		return ""
	}
	return time.Unix(*unix, 0).UTC().Format(time.RFC3339)
}
