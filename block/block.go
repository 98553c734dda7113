// Package block is content addressing: a block is bytes under a CID that was recomputed from them, and a node is a block
// in strict, canonical DAG-CBOR. Nothing that this package returns from untrusted bytes is larger than its limits,
// unverified or encoded in a second way.
package block

import (
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	mh "github.com/multiformats/go-multihash"
	_ "github.com/multiformats/go-multihash/register/sha3" // IPVM 0.1 links are SHA3-256
)

// Size limits, in bytes. They hold for every block that is read, whatever its source.
const (
	MaxBlock = 64 << 20 // any block: modules, inputs and outputs
	MaxNode  = 16 << 20 // a DAG-CBOR or DAG-JSON document
)

// Errors of this package; test with errors.Is.
var (
	ErrTooLarge     = errors.New("too large")
	ErrNotCanonical = errors.New("not canonical")
	ErrMismatch     = errors.New("content does not match its CID")
	ErrUnsupported  = errors.New("unsupported CID")
	ErrNotCAR       = errors.New("not a CAR file")
)

// Block is bytes and their CID. Data is never changed after the block was made.
type Block struct {
	CID  cid.Cid
	Data []byte
}

// Sum returns the CIDv1 of data with SHA2-256.
func Sum(codec uint64, data []byte) cid.Cid {
	return sum(codec, mh.SHA2_256, data)
}

// SumSHA3 returns the CIDv1 of a DAG-CBOR block with SHA3-256, as IPVM 0.1 addresses its tasks.
func SumSHA3(data []byte) cid.Cid {
	return sum(cid.DagCBOR, mh.SHA3_256, data)
}

func sum(codec, hash uint64, data []byte) cid.Cid {
	h, err := mh.Sum(data, hash, -1)
	if err != nil {
		panic(fmt.Sprintf("block: hash %#x is not registered: %v", hash, err)) // both hashes are linked in above
	}
	return cid.NewCidV1(codec, h)
}

// Raw makes a block of uninterpreted bytes.
func Raw(data []byte) Block { return Block{CID: Sum(cid.Raw, data), Data: data} }

// New makes a DAG-CBOR block of n.
func New(n datamodel.Node) (Block, error) {
	data, err := Encode(n)
	if err != nil {
		return Block{}, err
	}
	return Block{CID: Sum(cid.DagCBOR, data), Data: data}, nil
}

// Check recomputes the hash of data and compares it with c. It accepts CIDv1 with the raw or DAG-CBOR codec and a whole
// SHA2-256 or SHA3-256 digest; anything else is [ErrUnsupported].
func Check(c cid.Cid, data []byte) error {
	if err := Supported(c); err != nil {
		return err
	}
	if len(data) > MaxBlock {
		return fmt.Errorf("block %s: %w: more than %d bytes", c, ErrTooLarge, MaxBlock)
	}
	p := c.Prefix()
	if got := sum(p.Codec, p.MhType, data); !got.Equals(c) {
		return fmt.Errorf("block %s: %w", c, ErrMismatch)
	}
	return nil
}

// Supported reports, as an error, why this package would not accept a block under c.
func Supported(c cid.Cid) error {
	if !c.Defined() {
		return fmt.Errorf("%w: undefined", ErrUnsupported)
	}
	p := c.Prefix()
	switch {
	case p.Version != 1:
		return fmt.Errorf("%w: %s has version %d, want 1", ErrUnsupported, c, p.Version)
	case p.Codec != cid.Raw && p.Codec != cid.DagCBOR:
		return fmt.Errorf("%w: %s has codec %#x, want raw or dag-cbor", ErrUnsupported, c, p.Codec)
	case p.MhType != mh.SHA2_256 && p.MhType != mh.SHA3_256, p.MhLength != 32:
		return fmt.Errorf("%w: %s has hash %#x of %d bytes, want sha2-256 or sha3-256", ErrUnsupported, c, p.MhType, p.MhLength)
	}
	return nil
}

// Parse reads a CID from text and refuses those that [Check] would refuse.
func Parse(s string) (cid.Cid, error) {
	if len(s) > 256 {
		return cid.Undef, fmt.Errorf("%w: %d characters", ErrUnsupported, len(s))
	}
	c, err := cid.Decode(s)
	if err != nil {
		return cid.Undef, fmt.Errorf("not a CID: %q", s)
	}
	return c, Supported(c)
}
