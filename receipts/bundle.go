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
func (b *Bundle) Get(c cid.Cid) (block.Block, bool) {
	data, ok := b.Blocks[c]
	return block.Block{CID: c, Data: data}, ok
}

// Write writes the bundle as CARv1: the root first, then every other block once, in the order in which links are met.
func (b *Bundle) Write(w io.Writer) error {
	cw, err := block.NewCARWriter(w, b.Root)
	if err != nil {
		return err
	}
	order, _, err := reach(b.Root, b.Blocks)
	if err != nil {
		return err
	}
	for _, c := range order {
		if err := cw.Put(block.Block{CID: c, Data: b.Blocks[c]}); err != nil {
			return err
		}
	}
	return nil
}

// NewBundle makes the bundle of a record from the blocks that it reaches; others are dropped.
func NewBundle(r Record, blocks map[cid.Cid][]byte) (*Bundle, error) {
	r.Trilemma = RecordVersion
	root, err := block.Marshal(&r, types().TypeByName("Record"))
	if err != nil {
		return nil, err
	}
	all := maps.Clone(blocks)
	all[root.CID] = root.Data
	order, _, err := reach(root.CID, all)
	if err != nil {
		return nil, err
	}
	kept := make(map[cid.Cid][]byte, len(order))
	for _, c := range order {
		kept[c] = all[c]
	}
	return &Bundle{Root: root.CID, Record: r, Blocks: kept}, nil
}

// ReadBundle reads a bundle whose blocks may come in any order. Every block is hashed again; a block that comes twice or
// that the root does not reach is refused, so that no bit of the file is without a meaning.
func ReadBundle(r io.Reader, limits block.CARLimits) (*Bundle, error) {
	cr, err := block.NewCARReader(r, limits)
	if err != nil {
		return nil, err
	}
	b := &Bundle{Root: cr.Root, Blocks: make(map[cid.Cid][]byte)}
	for {
		blk, err := cr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if _, ok := b.Blocks[blk.CID]; ok {
			return nil, fmt.Errorf("%w: block %s comes twice", ErrBundle, blk.CID)
		}
		b.Blocks[blk.CID] = blk.Data
	}
	root, ok := b.Blocks[b.Root]
	if !ok {
		return nil, fmt.Errorf("%w: the root %s is missing", ErrBundle, b.Root)
	}
	if err := b.readRecord(root); err != nil {
		return nil, err
	}
	order, _, err := reach(b.Root, b.Blocks)
	if err != nil {
		return nil, err
	}
	if len(order) != len(b.Blocks) {
		met := make(map[cid.Cid]bool, len(order))
		for _, c := range order {
			met[c] = true
		}
		for c := range b.Blocks {
			if !met[c] {
				return nil, fmt.Errorf("%w: block %s is no part of the run", ErrBundle, c)
			}
		}
	}
	return b, nil
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

// reach walks the links from root, each block once, breadth first. Links whose block is not there are missing.
func reach(root cid.Cid, blocks map[cid.Cid][]byte) (order, missing []cid.Cid, err error) {
	seen := map[cid.Cid]bool{root: true}
	queue := []cid.Cid{root}
	for len(queue) > 0 {
		c := queue[0]
		queue = queue[1:]
		data, ok := blocks[c]
		if !ok {
			missing = append(missing, c)
			continue
		}
		order = append(order, c)
		if c.Prefix().Codec != cid.DagCBOR {
			continue
		}
		n, err := block.Decode(data)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: block %s: %w", ErrBundle, c, err)
		}
		links, err := block.Links(n)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: block %s: %w", ErrBundle, c, err)
		}
		for _, l := range links {
			if !seen[l] {
				seen[l] = true
				queue = append(queue, l)
			}
		}
	}
	return order, missing, nil
}
