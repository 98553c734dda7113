package capability

import (
	"bytes"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ucan-wg/go-ucan/pkg/policy/literal"

	"github.com/trilemma-dev/trilemma/block"
)

// FuzzPayload reads payloads as if they were signed. Law: what is read says all that was written, so that written again it
// is the same, byte for byte.
func FuzzPayload(f *testing.F) {
	k := generated(f, "ed25519")
	soon := int64(2_000_000_000)
	args, err := literal.Map(map[string]any{"fuel": 10})
	if err != nil {
		f.Fatal(err)
	}
	c := tokenCID(nil)
	for _, build := range []func() (datamodel.Node, error){
		(&Delegation{Issuer: k.DID(), Audience: k.DID(), Subject: k.DID(), Command: "/a/b", Nonce: []byte{1}, NotBefore: &soon, Expires: &soon, Meta: args}).payload,
		(&Delegation{Issuer: k.DID(), Audience: k.DID(), Command: "/"}).payload,
		(&Invocation{Issuer: k.DID(), Audience: k.DID(), Subject: k.DID(), Command: "/a/b", Args: args, Proofs: []cid.Cid{c}, Meta: args, Expires: &soon, IssuedAt: &soon, Cause: &c}).payload,
		(&Invocation{Issuer: k.DID(), Subject: k.DID(), Command: "/", Args: args}).payload,
	} {
		n, err := build()
		if err != nil {
			f.Fatal(err)
		}
		data, err := block.Encode(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := block.Decode(data)
		if err != nil || n.Kind() != datamodel.Kind_Map {
			return
		}
		d, err := (&envelope{kind: tagDelegation, payload: n}).delegation()
		if err == nil {
			same(t, data, d.payload)
			_ = d.String()
		}
		inv, err2 := (&envelope{kind: tagInvocation, payload: n}).invocation()
		if err2 == nil {
			same(t, data, inv.payload)
			_ = inv.String()
		}
		if err == nil && err2 == nil {
			t.Fatal("both a delegation and an invocation")
		}
	})
}

func same(t *testing.T, data []byte, build func() (datamodel.Node, error)) {
	t.Helper()
	n, err := build()
	if err != nil {
		t.Fatal(err)
	}
	again, err := block.Encode(n)
	if err != nil || !bytes.Equal(again, data) {
		t.Fatalf("read %x, written %x (%v)", data, again, err)
	}
}
