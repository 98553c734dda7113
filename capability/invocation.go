package capability

import (
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
)

// Invocation asks for, or states, one action: a UCAN 1.0 invocation.
type Invocation struct {
	Issuer   string // did:key that signs
	Subject  string // did:key whose resource is acted on
	Audience string // did:key of the executor; empty if it is the subject
	Command  string // "/segment/segment"
	Args     datamodel.Node
	Proofs   []cid.Cid // delegations, root first
	Meta     datamodel.Node
	Nonce    []byte // empty for an idempotent task
	Expires  *int64 // Unix seconds; nil never
	IssuedAt *int64 // Unix seconds
	Cause    *cid.Cid
}

// Seal signs the invocation as its issuer and returns the token. The issuer is s's DID.
func (inv *Invocation) Seal(s Signer) ([]byte, error) {
	if inv.Issuer != s.DID() {
		return nil, errForeignKey(inv.Issuer, s)
	}
	if inv.Args == nil {
		return nil, fmt.Errorf("seal token: %w: no arguments", ErrToken)
	}
	payload, err := inv.payload()
	if err != nil {
		return nil, fmt.Errorf("seal token: %w", err)
	}
	e := envelope{kind: tagInvocation, payload: payload}
	if _, err := e.invocation(); err != nil { // what nobody could open is not signed
		return nil, fmt.Errorf("seal token: %w", err)
	}
	return seal(s, tagInvocation, payload)
}

func (inv *Invocation) payload() (datamodel.Node, error) {
	return qp.BuildMap(basicnode.Prototype.Any, -1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "iss", qp.String(inv.Issuer))
		if inv.Audience != "" {
			qp.MapEntry(ma, "aud", qp.String(inv.Audience))
		}
		inv.task(ma)
		qp.MapEntry(ma, "prf", qp.List(int64(len(inv.Proofs)), func(la datamodel.ListAssembler) {
			for _, c := range inv.Proofs {
				qp.ListEntry(la, qp.Link(cidlink.Link{Cid: c}))
			}
		}))
		if inv.Meta != nil {
			qp.MapEntry(ma, "meta", qp.Node(inv.Meta))
		}
		assembleTime(ma, "exp", inv.Expires)
		if inv.IssuedAt != nil {
			qp.MapEntry(ma, "iat", qp.Int(*inv.IssuedAt))
		}
		if inv.Cause != nil {
			qp.MapEntry(ma, "cause", qp.Link(cidlink.Link{Cid: *inv.Cause}))
		}
	})
}

// task assembles the fields that name the task.
func (inv *Invocation) task(ma datamodel.MapAssembler) {
	qp.MapEntry(ma, "sub", qp.String(inv.Subject))
	qp.MapEntry(ma, "cmd", qp.String(inv.Command))
	qp.MapEntry(ma, "args", qp.Node(inv.Args))
	qp.MapEntry(ma, "nonce", qp.Bytes(inv.Nonce))
}

// TaskCID is the CID of {sub, cmd, args, nonce}: what is asked, whoever asks.
func (inv *Invocation) TaskCID() (cid.Cid, error) {
	n, err := qp.BuildMap(basicnode.Prototype.Any, 4, inv.task)
	if err != nil {
		return cid.Undef, err
	}
	b, err := block.New(n)
	return b.CID, err
}

// OpenInvocation decodes a token strictly and checks its signature. Whether the issuer is allowed what it asks is another
// question: see [Validator].
func OpenInvocation(data []byte) (*Invocation, error) {
	e, err := open(data)
	if err != nil {
		return nil, err
	}
	return e.invocation()
}

func (e *envelope) invocation() (*Invocation, error) {
	f, err := e.fields(tagInvocation, "an invocation")
	if err != nil {
		return nil, err
	}
	inv := &Invocation{}
	inv.Issuer = f.did("iss", true)
	inv.Subject = f.did("sub", true)
	inv.Audience = f.did("aud", false)
	inv.Command = f.command("cmd")
	inv.Args = f.mapNode("args", true)
	inv.Meta = f.mapNode("meta", false)
	inv.Nonce = f.bytes("nonce")
	inv.Expires = f.time("exp", true)
	inv.IssuedAt = f.time("iat", false)
	inv.Proofs = f.links("prf", true)
	inv.Cause = f.link("cause")
	return inv, f.done()
}

// IsInvocation reports whether data has the shape of an invocation. Its signature is not looked at.
func IsInvocation(data []byte) bool {
	if len(data) > MaxToken {
		return false
	}
	env, err := block.Decode(data)
	if err != nil || env.Kind() != datamodel.Kind_List || env.Length() != 2 {
		return false
	}
	signed, err := env.LookupByIndex(1)
	if err != nil {
		return false
	}
	e := &envelope{}
	_, err = e.content(signed)
	return err == nil && e.kind == tagInvocation
}
