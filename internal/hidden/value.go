package hidden

import (
	"errors"
	"fmt"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"
)

// Kinds of hidden parameters: how what is written in a workflow becomes a stream.
const (
	Bytes   = "bytes"   // as they are
	String  = "string"  // UTF-8
	Integer = "integer" // 64 bits, little-endian, two's complement; for a parameter of either integer type
)

// maxKind bounds the name of a kind, in bytes.
const maxKind = 1024

// Value stands in content for a value that is hidden: {"secret": {"kind": string, "commitment": bytes}}.
type Value struct {
	Kind       string
	Commitment Commitment
}

// secretKey is the only key of a map that stands for a hidden value.
const secretKey = "secret"

// ErrValue says that a map should stand for a hidden value, and does not.
var ErrValue = errors.New("no hidden value")

// Node is the value in the data model.
func (v Value) Node() (datamodel.Node, error) {
	return qp.BuildMap(basicnode.Prototype.Any, 1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, secretKey, qp.Map(2, func(ma datamodel.MapAssembler) {
			qp.MapEntry(ma, "kind", qp.String(v.Kind)) // in the order of DAG-CBOR
			qp.MapEntry(ma, "commitment", qp.Bytes(v.Commitment[:]))
		}))
	})
}

// ValueOf reads what stands for a hidden value. Anything else but a map with that key alone is none, without an error; the error wraps [ErrValue].
func ValueOf(n datamodel.Node) (v Value, ok bool, err error) {
	if n.Kind() != datamodel.Kind_Map || n.Length() != 1 {
		return v, false, nil
	}
	s, err := n.LookupByString(secretKey)
	if err != nil {
		return v, false, nil
	}
	if v, err = read(s); err != nil {
		return Value{}, false, fmt.Errorf("%w: %w", ErrValue, err)
	}
	return v, true, nil
}

func read(s datamodel.Node) (v Value, err error) {
	if s.Kind() != datamodel.Kind_Map || s.Length() != 2 {
		return v, errors.New("a map of commitment and kind is wanted")
	}
	c, err := s.LookupByString("commitment")
	if err != nil {
		return v, err
	}
	k, err := s.LookupByString("kind")
	if err != nil {
		return v, err
	}
	b, err := c.AsBytes()
	if err != nil {
		return v, err
	}
	if v.Commitment, err = ParseCommitment(b); err != nil {
		return v, err
	}
	if v.Kind, err = k.AsString(); err == nil && (v.Kind == "" || len(v.Kind) > maxKind) {
		err = fmt.Errorf("a kind of %d bytes", len(v.Kind))
	}
	return v, err
}
