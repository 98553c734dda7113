package block

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/codec"
	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/codec/dagjson"
	"github.com/ipld/go-ipld-prime/datamodel"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/ipld/go-ipld-prime/node/bindnode"
	"github.com/ipld/go-ipld-prime/schema"
	"github.com/ipld/go-ipld-prime/traversal"
	"github.com/polydawn/refmt/json"
	"github.com/polydawn/refmt/shared"
	"github.com/polydawn/refmt/tok"
)

// maxDepth bounds the nesting of a document.
const maxDepth = 128

// Encode returns the canonical DAG-CBOR of n: sorted keys, shortest lengths, 64-bit floats.
func Encode(n datamodel.Node) ([]byte, error) {
	var b bytes.Buffer
	if err := dagcbor.Encode(n, &b); err != nil {
		return nil, fmt.Errorf("encode dag-cbor: %w", err)
	}
	if b.Len() > MaxNode {
		return nil, fmt.Errorf("encode dag-cbor: %w: %d bytes, limit %d", ErrTooLarge, b.Len(), MaxNode)
	}
	return b.Bytes(), nil
}

// Decode reads strict DAG-CBOR: data is refused with [ErrNotCanonical] unless Encode gives the same bytes back. (The
// library's decoder alone accepts unsorted keys, short floats and strings that are not UTF-8.)
func Decode(data []byte) (datamodel.Node, error) {
	if len(data) > MaxNode {
		return nil, fmt.Errorf("decode dag-cbor: %w: %d bytes, limit %d", ErrTooLarge, len(data), MaxNode)
	}
	nb := basicnode.Prototype.Any.NewBuilder()
	opts := dagcbor.DecodeOptions{AllowLinks: true, MaxDepth: maxDepth, AllocationBudget: 16 * MaxNode}
	if err := opts.Decode(nb, bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("decode dag-cbor: %w", err)
	}
	n := nb.Build()
	again, err := Encode(n)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, data) {
		return nil, fmt.Errorf("decode dag-cbor: %w", ErrNotCanonical)
	}
	return n, checkText(n)
}

// checkText refuses strings and keys that are not UTF-8. The depth of n was bounded by its decoder.
func checkText(n datamodel.Node) error {
	switch n.Kind() {
	case datamodel.Kind_String:
		s, err := n.AsString()
		if err != nil {
			return err
		}
		if !utf8.ValidString(s) {
			return fmt.Errorf("decode dag-cbor: %w: a string is not UTF-8", ErrNotCanonical)
		}
	case datamodel.Kind_List:
		for it := n.ListIterator(); !it.Done(); {
			_, v, err := it.Next()
			if err != nil {
				return err
			}
			if err := checkText(v); err != nil {
				return err
			}
		}
	case datamodel.Kind_Map:
		for it := n.MapIterator(); !it.Done(); {
			k, v, err := it.Next()
			if err != nil {
				return err
			}
			if err := checkText(k); err != nil {
				return err
			}
			if err := checkText(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// Marshal makes a DAG-CBOR block of the Go value that v points to, by its schema type.
func Marshal(v any, t schema.Type) (Block, error) {
	return New(bindnode.Wrap(v, t).Representation())
}

// Unmarshal decodes strict DAG-CBOR into the Go value that v points to, by its schema type. Fields that the schema does
// not know are errors.
func Unmarshal(data []byte, v any, t schema.Type) (err error) {
	defer func() { // bindnode reports some mismatches of hostile data by panicking
		if r := recover(); r != nil {
			err = fmt.Errorf("decode %s: %v", t.Name(), r)
		}
	}()
	// One strict pass over the data model first, so that what bindnode sees is bounded and canonical.
	n, err := Decode(data)
	if err != nil {
		return err
	}
	nb := bindnode.Prototype(v, t).Representation().NewBuilder()
	if err := datamodel.Copy(n, nb); err != nil {
		return fmt.Errorf("decode %s: %w", t.Name(), err)
	}
	reflect.ValueOf(v).Elem().Set(reflect.ValueOf(bindnode.Unwrap(nb.Build())).Elem())
	return nil
}

// EncodeJSON returns the DAG-JSON of n.
func EncodeJSON(n datamodel.Node) ([]byte, error) {
	var b bytes.Buffer
	sink := points{json.NewEncoder(&b, json.EncodeOptions{}), &b}
	opts := dagjson.EncodeOptions{EncodeLinks: true, EncodeBytes: true, MapSortMode: codec.MapSortMode_Lexical}
	if err := dagjson.Marshal(n, sink, opts); err != nil {
		return nil, fmt.Errorf("encode dag-json: %w", err)
	}
	return b.Bytes(), nil
}

// points sees to it that whole floats are read as floats again: refmt leaves their decimal point out, and reads as an integer whatever begins
// with more digits than one has.
type points struct {
	shared.TokenSink
	out *bytes.Buffer // where the sink writes, at once
}

func (p points) Step(t *tok.Token) (done bool, err error) {
	at := p.out.Len()
	done, err = p.TokenSink.Step(t)
	if wrote := p.out.Bytes()[at:]; err != nil || t.Type != tok.TFloat64 || bytes.ContainsAny(wrote, ".e") {
		return done, err
	}
	form := byte('f')
	if math.Abs(t.Float64) >= 1e18 {
		form = 'e'
	}
	p.out.Truncate(len(bytes.TrimRight(p.out.Bytes(), "-0123456789")))
	text := strconv.FormatFloat(t.Float64, form, -1, 64)
	if form == 'f' {
		text += ".0"
	}
	p.out.WriteString(text)
	return done, err
}

// DecodeJSON reads DAG-JSON. Whitespace and the order of keys are free: DAG-JSON is for people, and never hashed here.
func DecodeJSON(data []byte) (datamodel.Node, error) {
	if len(data) > MaxNode {
		return nil, fmt.Errorf("decode dag-json: %w: %d bytes, limit %d", ErrTooLarge, len(data), MaxNode)
	}
	nb := basicnode.Prototype.Any.NewBuilder()
	opts := dagjson.DecodeOptions{ParseLinks: true, ParseBytes: true, MaxDepth: maxDepth}
	if err := opts.Decode(nb, bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("decode dag-json: %w", err)
	}
	return nb.Build(), nil
}

// Link returns a link node's CID.
func Link(n datamodel.Node) (cid.Cid, bool) {
	if n == nil || n.Kind() != datamodel.Kind_Link {
		return cid.Undef, false
	}
	l, err := n.AsLink()
	if err != nil {
		return cid.Undef, false
	}
	cl, ok := l.(cidlink.Link)
	return cl.Cid, ok
}

// Links returns the CIDs that n links to, in the order of the document, duplicates included.
func Links(n datamodel.Node) ([]cid.Cid, error) {
	ls, err := traversal.SelectLinks(n)
	if err != nil {
		return nil, err
	}
	out := make([]cid.Cid, 0, len(ls))
	for _, l := range ls {
		cl, ok := l.(cidlink.Link)
		if !ok {
			return nil, fmt.Errorf("%w: link of type %T", ErrUnsupported, l)
		}
		out = append(out, cl.Cid)
	}
	return out, nil
}
