package machine

import (
	"crypto/sha256"
	"encoding/binary"
)

// Digest is a SHA-256 digest.
type Digest = [sha256.Size]byte

// Everything that is hashed begins with a byte that says what it is, so that no value can be taken for one of another kind.
const (
	tagPage    = 0x01 // a page of a space, behind the space's number
	tagNode    = 0x02 // two subtrees of a space
	tagState   = 0x03 // the state: scalars and the roots of its spaces
	tagWord    = 0x04 // an output stream's digest with one more word
	tagProgram = 0x05
	tagInputs  = 0x06
	tagRoot    = 0x07 // a leaf of the tree over a transcript's state roots
	tagRoots   = 0x08 // two subtrees of it
)

// space is a sequence of pages with a tree of its own. Spaces of the state come first, then those that a program or its input fix.
type space byte

const (
	spaceMemory space = iota
	spaceGlobals
	spaceRegisters
	spaceTables
	numStateSpaces

	spaceCode = iota
	spaceData
	spaceElements
	spaceInput
)

// sizes are the logarithms of the spaces' sizes in bytes. The pages that nobody wrote are zero.
var sizes = [...]int{
	spaceMemory:    30, // 16,384 pages of 64 KiB
	spaceGlobals:   24, // a million globals, and the lengths of segments
	spaceRegisters: 23, // MaxCells
	spaceTables:    23, // wasm.MaxTableCells
	spaceCode:      29, // MaxProgram
	spaceData:      26, // wasm.MaxModule
	spaceElements:  25, // wasm.MaxElements
	spaceInput:     31, // a stream is below 2 GiB
}

// hasher hashes pages of 1<<bits bytes, and nodes. It is not safe for concurrent use.
type hasher struct {
	bits int
	page []byte
	node [2 + 2*sha256.Size]byte
}

// newHasher makes a hasher for the profile's pages.
func newHasher() *hasher { return hasherOf(pageBits) }

func hasherOf(bits int) *hasher { return &hasher{bits: bits, page: make([]byte, 2+1<<bits)} }

// depth is the height of a space's tree: there are 2^depth pages.
func (h *hasher) depth(s space) int { return sizes[s] - h.bits }

// pageOf hashes up to a page of bytes; what is missing is zero.
func (h *hasher) pageOf(s space, b []byte) Digest {
	h.page[0], h.page[1] = tagPage, byte(s)
	clear(h.page[2+copy(h.page[2:], b):])
	return sha256.Sum256(h.page)
}

// cellPage hashes up to a page of cells, little-endian.
func (h *hasher) cellPage(s space, cells []uint64) Digest {
	h.page[0], h.page[1] = tagPage, byte(s)
	for i, c := range cells {
		binary.LittleEndian.PutUint64(h.page[2+8*i:], c)
	}
	clear(h.page[2+8*len(cells):])
	return sha256.Sum256(h.page)
}

func (h *hasher) nodeOf(s space, left, right *Digest) Digest {
	h.node[0], h.node[1] = tagNode, byte(s)
	copy(h.node[2:], left[:])
	copy(h.node[2+sha256.Size:], right[:])
	return sha256.Sum256(h.node[:])
}
