package capability

import (
	"bytes"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
)

// Tags of the payloads. Tokens are written with the first spelling; the release candidate's is read too.
const (
	tagInvocation = "ucan/inv@1.0.0"
	tagDelegation = "ucan/dlg@1.0.0"
	tagCandidate  = "-rc.1"
)

// MaxToken bounds the bytes of one token.
const MaxToken = 1 << 20

// seal signs payload and returns the envelope [signature, {h: header, tag: payload}] in DAG-CBOR (UCAN 1.0, "Envelope").
func seal(s Signer, tag string, payload datamodel.Node) ([]byte, error) {
	signed, err := qp.BuildMap(basicnode.Prototype.Any, 2, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "h", qp.Bytes(s.Varsig()))
		qp.MapEntry(ma, tag, qp.Node(payload))
	})
	if err != nil {
		return nil, fmt.Errorf("seal token: %w", err)
	}
	bytesToSign, err := block.Encode(signed)
	if err != nil {
		return nil, fmt.Errorf("seal token: %w", err)
	}
	sig, err := s.Sign(bytesToSign)
	if err != nil {
		return nil, fmt.Errorf("seal token: %w", err)
	}
	env, err := qp.BuildList(basicnode.Prototype.Any, 2, func(la datamodel.ListAssembler) {
		qp.ListEntry(la, qp.Bytes(sig))
		qp.ListEntry(la, qp.Node(signed))
	})
	if err != nil {
		return nil, fmt.Errorf("seal token: %w", err)
	}
	return block.Encode(env)
}

func errForeignKey(issuer string, s Signer) error {
	return fmt.Errorf("seal token: the issuer is %s, the key is that of %s", issuer, s.DID())
}

// envelope is an opened token.
type envelope struct {
	kind    string         // tagInvocation or tagDelegation
	payload datamodel.Node // a map
	cids    []cid.Cid      // see sameContent; the first is the token's own
}

// open checks an envelope: size, canonical encoding, shape, tag, header of the issuer's kind of key, signature by the
// payload's iss.
func open(data []byte) (*envelope, error) {
	if len(data) > MaxToken {
		return nil, fmt.Errorf("%w: %d bytes, limit %d", ErrToken, len(data), MaxToken)
	}
	env, err := block.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if env.Kind() != datamodel.Kind_List || env.Length() != 2 {
		return nil, fmt.Errorf("%w: an envelope is a list of signature and content", ErrToken)
	}
	sigNode, err := env.LookupByIndex(0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	signed, err := env.LookupByIndex(1)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	sig, err := sigNode.AsBytes()
	if err != nil {
		return nil, fmt.Errorf("%w: the signature is not bytes", ErrToken)
	}
	e := &envelope{}
	var header []byte
	if header, err = e.content(signed); err != nil {
		return nil, err
	}
	issuer, err := issuerOf(e.payload)
	if err != nil {
		return nil, err
	}
	pub, err := parseDID(issuer)
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	if !bytes.Equal(header, pub.header) {
		return nil, fmt.Errorf("%w: header % x does not fit the issuer's kind of key, want % x", ErrToken, header, pub.header)
	}
	signedBytes, err := block.Encode(signed)
	if err != nil {
		return nil, err
	}
	if !pub.verify(signedBytes, sig) {
		return nil, fmt.Errorf("%w with the key of %s", ErrSignature, issuer)
	}
	e.cids = sameContent(data, pub.twin(sig))
	return e, nil
}

// content splits {h: header, tag: payload}.
func (e *envelope) content(signed datamodel.Node) (header []byte, err error) {
	if signed.Kind() != datamodel.Kind_Map || signed.Length() != 2 {
		return nil, fmt.Errorf("%w: the content is not a header and one payload", ErrToken)
	}
	h, err := signed.LookupByString("h")
	if err != nil {
		return nil, fmt.Errorf("%w: no header", ErrToken)
	}
	if header, err = h.AsBytes(); err != nil {
		return nil, fmt.Errorf("%w: the header is not bytes", ErrToken)
	}
	for _, kind := range []string{tagInvocation, tagDelegation} {
		for _, tag := range []string{kind, kind + tagCandidate} {
			if p, err := signed.LookupByString(tag); err == nil {
				e.kind, e.payload = kind, p
			}
		}
	}
	switch {
	case e.payload == nil:
		return nil, fmt.Errorf("%w: neither a delegation nor an invocation, or of an unknown version", ErrToken)
	case e.payload.Kind() != datamodel.Kind_Map:
		return nil, fmt.Errorf("%w: the payload is not a map", ErrToken)
	}
	return header, nil
}

// fields starts reading the payload of a token that has to be of a kind.
func (e *envelope) fields(kind, name string) (*fields, error) {
	if e.kind != kind {
		return nil, fmt.Errorf("%w: not %s", ErrToken, name)
	}
	return &fields{node: e.payload}, nil
}

// sameContent returns the CIDs of all valid tokens that whoever holds this one can make of it: itself, and with ECDSA the
// one with the signature's twin. What is said of one of them (that it is revoked) holds for the other.
func sameContent(token, twin []byte) []cid.Cid {
	cids := []cid.Cid{tokenCID(token)}
	if twin != nil {
		const at = 3 // a list of two, a byte string of 64 bytes
		other := bytes.Clone(token)
		copy(other[at:], twin)
		cids = append(cids, tokenCID(other))
	}
	return cids
}

// tokenCID is the one CID that a token has (UCAN 1.0, "Content Identifiers"): CIDv1, DAG-CBOR, SHA2-256. A proof that is
// named otherwise is not found, or a revocation could be dodged by naming it otherwise.
func tokenCID(token []byte) cid.Cid { return block.Sum(cid.DagCBOR, token) }
