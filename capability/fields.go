package capability

import (
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"

	"github.com/trilemma-dev/trilemma/block"
)

// MaxProofs bounds the chain that a token may name.
const MaxProofs = 256

// fields reads the fields of a payload one by one and keeps the first error. done then tells that error, or one about a
// field that nobody asked for.
type fields struct {
	node datamodel.Node
	seen int64
	err  error
}

func (f *fields) fail(key, format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf("%w: field %q %s", ErrToken, key, fmt.Sprintf(format, args...))
	}
}

func (f *fields) get(key string, required bool) datamodel.Node {
	n, err := f.node.LookupByString(key)
	if err != nil {
		if required {
			f.fail(key, "is missing")
		}
		return nil
	}
	f.seen++
	return n
}

func (f *fields) done() error {
	if f.err == nil && f.seen != f.node.Length() {
		return fmt.Errorf("%w: %d unknown fields", ErrToken, f.node.Length()-f.seen)
	}
	return f.err
}

func (f *fields) text(key string) string {
	n := f.get(key, true)
	if n == nil {
		return ""
	}
	s, err := n.AsString()
	if err != nil {
		f.fail(key, "is not a string")
	}
	return s
}

func (f *fields) did(key string, required bool) string {
	n := f.get(key, required)
	if n == nil {
		return ""
	}
	s, err := n.AsString()
	if err == nil {
		err = ParseDID(s)
	}
	if err != nil {
		f.fail(key, "is not a did:key: %v", err)
	}
	return s
}

func (f *fields) mapNode(key string, required bool) datamodel.Node {
	n := f.get(key, required)
	if n != nil && n.Kind() != datamodel.Kind_Map {
		f.fail(key, "is not a map")
	}
	return n
}

func (f *fields) bytes(key string) []byte {
	n := f.get(key, true)
	if n == nil {
		return nil
	}
	b, err := n.AsBytes()
	if err != nil {
		f.fail(key, "is not bytes")
	}
	return b
}

// maxInteger keeps times and indices within what every implementation's numbers hold exactly.
const maxInteger = 1<<53 - 1

func (f *fields) time(key string, required bool) *int64 {
	n := f.get(key, required)
	if n == nil || (n.IsNull() && required) {
		return nil
	}
	t, err := n.AsInt()
	if err != nil || t < -maxInteger || t > maxInteger {
		f.fail(key, "is not a time in seconds")
		return nil
	}
	return &t
}

func (f *fields) link(key string) *cid.Cid {
	n := f.get(key, false)
	if n == nil {
		return nil
	}
	c, ok := block.Link(n)
	if !ok {
		f.fail(key, "is not a link")
		return nil
	}
	return &c
}

func (f *fields) links(key string, required bool) []cid.Cid {
	n := f.get(key, required)
	if n == nil {
		return nil
	}
	if n.Kind() != datamodel.Kind_List || n.Length() > MaxProofs {
		f.fail(key, "is not a list of at most %d links", MaxProofs)
		return nil
	}
	var out []cid.Cid
	for it := n.ListIterator(); !it.Done(); {
		_, v, err := it.Next()
		if err != nil {
			f.fail(key, "cannot be read")
			return nil
		}
		c, ok := block.Link(v)
		if !ok {
			f.fail(key, "holds something that is not a link")
			return nil
		}
		out = append(out, c)
	}
	return out
}

// command reads a command's path.
func (f *fields) command(key string) string {
	s := f.text(key)
	if f.err == nil {
		if err := ParseCommand(s); err != nil {
			f.fail(key, "is not a command: %v", err)
		}
	}
	return s
}

func (f *fields) policy(key string) (p Policy) {
	n := f.get(key, true)
	if n == nil {
		return p
	}
	p, err := ParsePolicy(n)
	if err != nil && f.err == nil {
		f.err = err
	}
	return p
}

// assembleTime is the inverse of time for a required field.
func assembleTime(ma datamodel.MapAssembler, key string, t *int64) {
	if t == nil {
		qp.MapEntry(ma, key, qp.Null())
		return
	}
	qp.MapEntry(ma, key, qp.Int(*t))
}

// issuerOf reads who signed a payload.
func issuerOf(n datamodel.Node) (string, error) {
	f := fields{node: n}
	s := f.text("iss")
	return s, f.err
}
