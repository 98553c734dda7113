package machine

import (
	"fmt"
	"iter"
	"math/bits"
	"slices"
)

// maxPaged is the largest page that [Paged] takes: a page of Wasm's memory.
const maxPaged = 1 << 16

// Paged begins to follow m, as [NewCommitment] does, with larger pages than those of [PageSize]. Its roots are those of no profile: it is
// there to choose one by.
func Paged(m *Machine, size int) (*Commitment, error) {
	if size < PageSize || size > maxPaged || size&(size-1) != 0 {
		return nil, fmt.Errorf("machine: pages of %d bytes: want a power of two from %d to %d", size, PageSize, maxPaged)
	}
	return newCommitment(m, hasherOf(bits.TrailingZeros(uint(size)))), nil
}

// Touched is how many pages of the state were read or written since the last root, and how many hashes it takes to show that they are the
// state's: the siblings of all nodes between them and the roots of their spaces. Of registers it counts all that frames lay in.
func (c *Commitment) Touched() (pages, hashes int) {
	const how = pageRead | pageWritten
	for s, seen := range [numStateSpaces]iter.Seq[uint32]{
		spaceMemory: c.pages(c.m.touched, how), spaceGlobals: c.pages(c.m.globalsSeen, how),
		spaceTables: c.pages(c.m.tablesSeen, how), spaceRegisters: c.framePages(),
	} {
		nodes := slices.Collect(seen)
		pages += len(nodes)
		for range c.h.depth(space(s)) {
			parents := nodes[:0]
			for _, n := range nodes {
				if len(parents) == 0 || parents[len(parents)-1] != n>>1 {
					parents = append(parents, n>>1)
					hashes++ // its sibling, unless that follows
				} else {
					hashes--
				}
			}
			nodes = parents
		}
	}
	return pages, hashes
}
