package capability

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
)

// Bounds of a container, whatever it says of itself.
const (
	MaxContainer = 4 << 20 // bytes after decompression; before it a third more, which is what base64 adds
	MaxTokens    = 1024
)

const containerTag = "ctn-v1"

// Encoding is how a container is written: its first byte (UCAN Container 1.0).
type Encoding byte

// The six encodings.
const (
	Raw           Encoding = '@'
	Base64        Encoding = 'B' // standard alphabet, padded
	Base64URL     Encoding = 'C' // unpadded
	RawGzip       Encoding = 'M'
	Base64Gzip    Encoding = 'O'
	Base64URLGzip Encoding = 'P'
)

// form is what an encoding does to the bytes; text is nil for none.
type form struct {
	text *base64.Encoding
	gzip bool
}

func (e Encoding) form() (form, error) {
	switch e {
	case Raw, RawGzip:
		return form{nil, e == RawGzip}, nil
	case Base64, Base64Gzip:
		return form{base64.StdEncoding.Strict(), e == Base64Gzip}, nil
	case Base64URL, Base64URLGzip:
		return form{base64.RawURLEncoding.Strict(), e == Base64URLGzip}, nil
	}
	return form{}, fmt.Errorf("%w: a container starts with one of @ B C M O P, not with %q", ErrToken, byte(e))
}

// Text reports whether the encoding is printable.
func (e Encoding) Text() bool {
	f, err := e.form()
	return err == nil && f.text != nil
}

// Container is a set of tokens by CID. It says nothing about them: they may be forged, expired or beside the point. The
// zero value is empty. It is not safe for concurrent use while tokens are added.
type Container struct {
	tokens map[cid.Cid][]byte
	size   int
}

// Add puts a token into the container, unless it is there already, and returns its CID.
func (c *Container) Add(token []byte) (cid.Cid, error) {
	id := tokenCID(token)
	if _, ok := c.tokens[id]; ok {
		return id, nil
	}
	const overhead = 16 // of the list around the tokens
	if c.size += len(token) + overhead; c.size > MaxContainer || len(c.tokens) >= MaxTokens {
		return id, fmt.Errorf("%w: more than %d tokens or %d bytes", ErrToken, MaxTokens, MaxContainer)
	}
	if c.tokens == nil {
		c.tokens = make(map[cid.Cid][]byte)
	}
	c.tokens[id] = token
	return id, nil
}

// Len is the number of tokens.
func (c *Container) Len() int { return len(c.tokens) }

// Proof implements [Proofs].
func (c *Container) Proof(id cid.Cid) ([]byte, bool) {
	token, ok := c.tokens[id]
	return token, ok
}

// All yields the tokens in the order of their bytes.
func (c *Container) All() iter.Seq2[cid.Cid, []byte] {
	return func(yield func(cid.Cid, []byte) bool) {
		ids := make([]cid.Cid, 0, len(c.tokens))
		for id := range c.tokens {
			ids = append(ids, id)
		}
		slices.SortFunc(ids, func(a, b cid.Cid) int { return bytes.Compare(c.tokens[a], c.tokens[b]) })
		for _, id := range ids {
			if !yield(id, c.tokens[id]) {
				return
			}
		}
	}
}

// Encode writes the container. The same tokens give the same bytes, except that gzip may change between releases of Go.
func (c *Container) Encode(e Encoding) ([]byte, error) {
	f, err := e.form()
	if err != nil {
		return nil, err
	}
	n, err := qp.BuildMap(basicnode.Prototype.Any, 1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, containerTag, qp.List(int64(c.Len()), func(la datamodel.ListAssembler) {
			for _, token := range c.All() {
				qp.ListEntry(la, qp.Bytes(token))
			}
		}))
	})
	if err != nil {
		return nil, err
	}
	data, err := block.Encode(n)
	if err != nil {
		return nil, err
	}
	if f.gzip {
		var buf bytes.Buffer
		w := gzip.NewWriter(&buf)
		_, err := w.Write(data)
		if err := errors.Join(err, w.Close()); err != nil {
			return nil, err
		}
		data = buf.Bytes()
	}
	if f.text != nil {
		data = f.text.AppendEncode(nil, data)
	}
	return append([]byte{byte(e)}, data...), nil
}

// ReadContainer reads a container in any encoding. Memory is bounded by [MaxContainer], whatever a compressed one would
// unfold to. Tokens may come in any order, but none twice.
func ReadContainer(data []byte) (*Container, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: an empty container", ErrToken)
	}
	f, err := Encoding(data[0]).form()
	if err != nil {
		return nil, err
	}
	if data, err = f.unfold(data[1:]); err != nil {
		return nil, err
	}
	n, err := block.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%w: container: %w", ErrToken, err)
	}
	if n.Kind() != datamodel.Kind_Map || n.Length() != 1 {
		return nil, fmt.Errorf("%w: a container is a map with one entry", ErrToken)
	}
	list, err := n.LookupByString(containerTag)
	if err != nil || list.Kind() != datamodel.Kind_List || list.Length() > MaxTokens {
		return nil, fmt.Errorf("%w: no list of at most %d tokens under %q", ErrToken, MaxTokens, containerTag)
	}
	c := &Container{}
	for it := list.ListIterator(); !it.Done(); {
		i, v, err := it.Next()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrToken, err)
		}
		token, err := v.AsBytes()
		if err != nil {
			return nil, fmt.Errorf("%w: entry %d of the container is not bytes", ErrToken, i)
		}
		if _, err := c.Add(token); err != nil {
			return nil, err
		}
		if int64(c.Len()) != i+1 {
			return nil, fmt.Errorf("%w: entry %d of the container is there twice", ErrToken, i)
		}
	}
	return c, nil
}

// ReadTokens reads what people keep in files: a container, after a printable one perhaps white space, or one bare token.
func ReadTokens(data []byte) (*Container, error) {
	if len(data) > 0 && data[0] == 0x82 { // a list of two in DAG-CBOR
		if len(data) > MaxToken {
			return nil, fmt.Errorf("%w: %d bytes, limit %d", ErrToken, len(data), MaxToken)
		}
		c := &Container{}
		_, err := c.Add(data)
		return c, err
	}
	if len(data) > 0 && Encoding(data[0]).Text() {
		data = bytes.TrimRight(data, " \t\r\n")
	}
	return ReadContainer(data)
}

// unfold undoes the base encoding and the compression.
func (f form) unfold(data []byte) ([]byte, error) {
	if len(data) > MaxContainer/3*4+4 {
		return nil, fmt.Errorf("%w: a container of %d bytes", ErrToken, len(data))
	}
	if f.text != nil {
		if bytes.ContainsAny(data, "\r\n") { // which the decoder would skip
			return nil, fmt.Errorf("%w: a container with line breaks", ErrToken)
		}
		var err error
		if data, err = f.text.AppendDecode(nil, data); err != nil {
			return nil, fmt.Errorf("%w: container: %w", ErrToken, err)
		}
	}
	if f.gzip {
		r := bytes.NewReader(data)
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("%w: container: %w", ErrToken, err)
		}
		z.Multistream(false)
		if data, err = io.ReadAll(io.LimitReader(z, MaxContainer+1)); err != nil {
			return nil, fmt.Errorf("%w: container: %w", ErrToken, err)
		}
		if r.Len() > 0 && len(data) <= MaxContainer {
			return nil, fmt.Errorf("%w: %d bytes follow the compressed container", ErrToken, r.Len())
		}
	}
	if len(data) > MaxContainer {
		return nil, fmt.Errorf("%w: a container unfolds to more than %d bytes", ErrToken, MaxContainer)
	}
	return data, nil
}
