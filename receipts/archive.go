package receipts

import (
	"fmt"
	"io"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
)

// Archive is a root and the blocks that it reaches: the content of a file that is evidence, such as a bundle. A block that the root does not reach
// is never in it.
type Archive struct {
	Root   cid.Cid
	Blocks map[cid.Cid][]byte
}

// NewArchive makes an archive of blocks, of which the first is the root.
func NewArchive(blocks ...block.Block) *Archive {
	a := &Archive{Root: blocks[0].CID, Blocks: make(map[cid.Cid][]byte, len(blocks))}
	for _, b := range blocks {
		a.Blocks[b.CID] = b.Data
	}
	return a
}

// Get returns a block of the archive.
func (a *Archive) Get(c cid.Cid) (block.Block, bool) {
	data, ok := a.Blocks[c]
	return block.Block{CID: c, Data: data}, ok
}

// Write writes the archive as CARv1: the root first, then every other block once, in the order in which links are met.
func (a *Archive) Write(w io.Writer) error {
	cw, err := block.NewCARWriter(w, a.Root)
	if err != nil {
		return err
	}
	order, _, err := reach(a.Root, a.Get)
	if err != nil {
		return err
	}
	for _, c := range order {
		if err := cw.Put(block.Block{CID: c, Data: a.Blocks[c]}); err != nil {
			return err
		}
	}
	return nil
}

// ReadArchive reads an archive whose blocks may come in any order. Every block is hashed again; a block that comes twice or
// that the root does not reach is refused, so that no bit of the file is without a meaning.
func ReadArchive(r io.Reader, limits block.CARLimits) (*Archive, error) {
	cr, err := block.NewCARReader(r, limits)
	if err != nil {
		return nil, err
	}
	a := &Archive{Root: cr.Root, Blocks: make(map[cid.Cid][]byte)}
	for {
		blk, err := cr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if _, ok := a.Blocks[blk.CID]; ok {
			return nil, fmt.Errorf("%w: block %s comes twice", ErrBundle, blk.CID)
		}
		a.Blocks[blk.CID] = blk.Data
	}
	if _, ok := a.Blocks[a.Root]; !ok {
		return nil, fmt.Errorf("%w: the root %s is missing", ErrBundle, a.Root)
	}
	order, _, err := reach(a.Root, a.Get)
	if err != nil {
		return nil, err
	}
	if len(order) != len(a.Blocks) {
		met := make(map[cid.Cid]bool, len(order))
		for _, c := range order {
			met[c] = true
		}
		for c := range a.Blocks {
			if !met[c] {
				return nil, fmt.Errorf("%w: block %s is no part of the run", ErrBundle, c)
			}
		}
	}
	return a, nil
}

// Gather makes the archive of what root reaches from blocks that get finds, wherever they are; those that it does not find are left
// out. Its blocks take at most limit bytes.
func Gather(root cid.Cid, get func(cid.Cid) (block.Block, bool), limit int64) (*Archive, error) {
	a := &Archive{Root: root, Blocks: make(map[cid.Cid][]byte)}
	size := int64(0)
	_, _, err := reach(root, func(c cid.Cid) (block.Block, bool) {
		if size > limit {
			return block.Block{}, false
		}
		b, ok := get(c)
		if ok {
			size += int64(len(b.Data))
			a.Blocks[c] = b.Data
		}
		return b, ok
	})
	if err == nil && size > limit {
		err = fmt.Errorf("%w: what %s reaches has more than %d bytes", block.ErrTooLarge, root, limit)
	}
	if _, ok := a.Blocks[root]; err == nil && !ok {
		err = fmt.Errorf("%w: the root %s is missing", ErrBundle, root)
	}
	return a, err
}

// reach walks the links from root, each block once, breadth first. Links whose block is not there are missing.
func reach(root cid.Cid, get func(cid.Cid) (block.Block, bool)) (order, missing []cid.Cid, err error) {
	seen := map[cid.Cid]bool{root: true}
	queue := []cid.Cid{root}
	for len(queue) > 0 {
		c := queue[0]
		queue = queue[1:]
		b, ok := get(c)
		if !ok {
			missing = append(missing, c)
			continue
		}
		order = append(order, c)
		if c.Prefix().Codec != cid.DagCBOR {
			continue
		}
		n, err := block.Decode(b.Data)
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
