package receipts

import (
	"fmt"
	"io"
	"maps"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
)

// Bundle is a run record and the blocks that it reaches. Blocks that were left out on purpose are missing from the map;
// a block that the record does not reach is never in it.
type Bundle struct {
	Root   cid.Cid
	Record Record
	Blocks map[cid.Cid][]byte
}

// Get returns a block of the bundle.
func (b *Bundle) Get(c cid.Cid) (block.Block, bool) { return b.archive().Get(c) }

// Write writes the bundle as [Archive.Write] does.
func (b *Bundle) Write(w io.Writer) error { return b.archive().Write(w) }

func (b *Bundle) archive() *Archive { return &Archive{b.Root, b.Blocks} }

// NewBundle makes the bundle of a record from the blocks that it reaches; others are dropped.
func NewBundle(r Record, blocks map[cid.Cid][]byte) (*Bundle, error) {
	r.Trilemma = RecordVersion
	root, err := block.Marshal(&r, types().TypeByName("Record"))
	if err != nil {
		return nil, err
	}
	all := maps.Clone(blocks)
	all[root.CID] = root.Data
	order, _, err := reach(root.CID, (&Archive{root.CID, all}).Get)
	if err != nil {
		return nil, err
	}
	kept := make(map[cid.Cid][]byte, len(order))
	for _, c := range order {
		kept[c] = all[c]
	}
	return &Bundle{Root: root.CID, Record: r, Blocks: kept}, nil
}

// ReadBundle reads a bundle as [ReadArchive] does.
func ReadBundle(r io.Reader, limits block.CARLimits) (*Bundle, error) {
	a, err := ReadArchive(r, limits)
	if err != nil {
		return nil, err
	}
	return a.Bundle()
}

// Bundle is the archive as a bundle, if its root is a run record.
func (a *Archive) Bundle() (*Bundle, error) {
	b := &Bundle{Root: a.Root, Blocks: a.Blocks}
	return b, b.readRecord(a.Blocks[a.Root])
}

func (b *Bundle) readRecord(data []byte) error {
	n, err := block.Decode(data)
	if err != nil {
		return fmt.Errorf("%w: root: %w", ErrBundle, err)
	}
	v, err := n.LookupByString("trilemma")
	if err != nil {
		return fmt.Errorf("%w: the root is not a run record", ErrBundle)
	}
	if s, err := v.AsString(); err != nil || s != RecordVersion {
		return fmt.Errorf("bundle: %w %.64q, this program knows %q", ErrVersion, s, RecordVersion)
	}
	if err := block.Unmarshal(data, &b.Record, types().TypeByName("Record")); err != nil {
		return fmt.Errorf("%w: root: %w", ErrBundle, err)
	}
	return nil
}
