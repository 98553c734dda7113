package capability

import (
	"context"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/ipld/go-ipld-prime/node/basicnode"
)

// CommandRevoke is the command that revokes a delegation (UCAN Revocation 1.0).
const CommandRevoke = "/ucan/revoke"

// Revocation is an accepted revocation: from now on no chain in which Revoker issued a link may use Delegation.
type Revocation struct {
	Delegation cid.Cid
	Revoker    string // did:key
	Token      []byte // the sealed invocation that says so
}

// Revoke signs a revocation of the delegation c on the signer's own behalf. It never expires, and the same call gives the
// same invocation: to revoke twice is to revoke once.
func Revoke(s Signer, c cid.Cid) ([]byte, error) {
	args, err := qp.BuildMap(basicnode.Prototype.Any, 1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "ucan", qp.Link(cidlink.Link{Cid: c}))
	})
	if err != nil {
		return nil, fmt.Errorf("revoke: %w", err)
	}
	return (&Invocation{Issuer: s.DID(), Subject: s.DID(), Command: CommandRevoke, Args: args}).Seal(s)
}

// Revocation opens a revocation and checks that it may be believed: that the invocation is allowed by its own proofs, and
// that the revoker issued a link on some way from the subject to the revoked delegation. The ways are looked for among the
// evidence's tokens, so that strangers cannot fill a set of revocations with noise; the subject itself needs no evidence,
// since it is at the root of every chain.
//
// The subject is v.Subject, or if that is empty the one that the revoked delegation names; the delegation's own issuer is
// then believed without a way. A service names its subject.
func (v Validator) Revocation(ctx context.Context, token []byte, evidence *Container) (*Revocation, error) {
	if evidence == nil {
		evidence = &Container{}
	}
	subject := v.Subject
	v.Subject, v.Executor = "", "" // a revocation is about the revoker, and for everyone who hears of it
	g, err := v.Validate(ctx, token, evidence)
	if err != nil {
		return nil, err
	}
	if g.Command != CommandRevoke {
		return nil, fmt.Errorf("%w: %s is not %s", ErrCommand, g.Command, CommandRevoke)
	}
	f := fields{node: g.Args}
	id := f.link("ucan")
	f.links("pth", false) // a hint: the evidence is searched anyhow
	if err := f.done(); err != nil {
		return nil, err
	}
	if id == nil {
		return nil, fmt.Errorf("%w: no field \"ucan\" names what is revoked", ErrToken)
	}
	r := &Revocation{*id, g.Subject, token}
	if r.Revoker == subject {
		return r, nil
	}
	issued, err := newNetwork(evidence).mayRevoke(*id, r.Revoker, subject)
	if err != nil {
		return nil, err
	}
	if !issued {
		return nil, fmt.Errorf("%w: %s issued no link of a chain to %s", ErrClaim, r.Revoker, id)
	}
	return r, nil
}
