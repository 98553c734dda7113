package capability

import (
	"fmt"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"
)

// Delegation lets its audience do on the subject what its issuer may do, as far as command, policy and time bounds go: a
// UCAN 1.0 delegation. It allows nothing by itself: the issuer must be the subject, or hold a delegation.
type Delegation struct {
	Issuer    string // did:key that signs
	Audience  string // did:key that is allowed
	Subject   string // did:key whose resource it is about; empty for a powerline: whatever the issuer was given
	Command   string // covers the commands below it
	Policy    Policy
	Meta      datamodel.Node
	Nonce     []byte
	NotBefore *int64 // Unix seconds
	Expires   *int64 // Unix seconds, the last at which it holds; nil never
}

// Seal signs the delegation as its issuer and returns the token. The issuer is s's DID.
func (d *Delegation) Seal(s Signer) ([]byte, error) {
	if d.Issuer != s.DID() {
		return nil, errForeignKey(d.Issuer, s)
	}
	payload, err := d.payload()
	if err != nil {
		return nil, fmt.Errorf("seal token: %w", err)
	}
	e := envelope{kind: tagDelegation, payload: payload}
	if _, err := e.delegation(); err != nil { // what nobody could open is not signed
		return nil, fmt.Errorf("seal token: %w", err)
	}
	return seal(s, tagDelegation, payload)
}

func (d *Delegation) payload() (datamodel.Node, error) {
	return qp.BuildMap(basicnode.Prototype.Any, -1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "iss", qp.String(d.Issuer))
		qp.MapEntry(ma, "aud", qp.String(d.Audience))
		if d.Subject == "" {
			qp.MapEntry(ma, "sub", qp.Null())
		} else {
			qp.MapEntry(ma, "sub", qp.String(d.Subject))
		}
		qp.MapEntry(ma, "cmd", qp.String(d.Command))
		qp.MapEntry(ma, "pol", qp.Node(d.Policy.Node()))
		qp.MapEntry(ma, "nonce", qp.Bytes(d.Nonce))
		if d.Meta != nil {
			qp.MapEntry(ma, "meta", qp.Node(d.Meta))
		}
		if d.NotBefore != nil {
			qp.MapEntry(ma, "nbf", qp.Int(*d.NotBefore))
		}
		assembleTime(ma, "exp", d.Expires)
	})
}

// OpenDelegation decodes a token strictly and checks its signature.
func OpenDelegation(data []byte) (*Delegation, error) {
	e, err := open(data)
	if err != nil {
		return nil, err
	}
	return e.delegation()
}

func (e *envelope) delegation() (*Delegation, error) {
	f, err := e.fields(tagDelegation, "a delegation")
	if err != nil {
		return nil, err
	}
	d := &Delegation{}
	d.Issuer = f.did("iss", true)
	d.Audience = f.did("aud", true)
	if sub := f.get("sub", true); sub != nil && !sub.IsNull() {
		f.seen--
		d.Subject = f.did("sub", true)
	}
	d.Command = f.command("cmd")
	d.Policy = f.policy("pol")
	d.Meta = f.mapNode("meta", false)
	d.Nonce = f.bytes("nonce")
	d.NotBefore = f.time("nbf", false)
	d.Expires = f.time("exp", true)
	return d, f.done()
}
