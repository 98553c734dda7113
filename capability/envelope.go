package capability

import (
	"bytes"
	"fmt"

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

// open checks an envelope and returns its payload: size, canonical encoding, shape, tag, header of the issuer's kind of
// key, signature by the payload's iss.
func open(data []byte, tag string) (datamodel.Node, error) {
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
	header, payload, err := content(signed, tag)
	if err != nil {
		return nil, err
	}
	issuer, err := text(payload, "iss")
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
	if !pub.VerifyBytes(signedBytes, sig) {
		return nil, fmt.Errorf("%w with the key of %s", ErrSignature, issuer)
	}
	return payload, nil
}

// content splits {h: header, tag: payload}.
func content(signed datamodel.Node, tag string) (header []byte, payload datamodel.Node, err error) {
	if signed.Kind() != datamodel.Kind_Map || signed.Length() != 2 {
		return nil, nil, fmt.Errorf("%w: the content is not a header and one payload", ErrToken)
	}
	h, err := signed.LookupByString("h")
	if err != nil {
		return nil, nil, fmt.Errorf("%w: no header", ErrToken)
	}
	if header, err = h.AsBytes(); err != nil {
		return nil, nil, fmt.Errorf("%w: the header is not bytes", ErrToken)
	}
	for _, t := range []string{tag, tag + tagCandidate} {
		if payload, err = signed.LookupByString(t); err == nil {
			break
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: no payload %q: another kind of token or an unknown version", ErrToken, tag)
	}
	if payload.Kind() != datamodel.Kind_Map {
		return nil, nil, fmt.Errorf("%w: the payload is not a map", ErrToken)
	}
	return header, payload, nil
}
