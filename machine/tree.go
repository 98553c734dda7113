package machine

import "slices"

// pageCells is how many cells a page holds.
const pageCells = PageSize / 8

// tree is the Merkle tree of a space. Only a prefix of the pages is stored; those behind it are zero.
type tree struct {
	space  space
	h      *hasher
	zero   []Digest   // by level: the subtree of zero pages
	levels [][]Digest // by level, from the pages up; each at least as long as the stored pages need
	stale  []uint32   // pages whose digest changed since the nodes above were computed
}

func newTree(s space, h *hasher) *tree {
	depth := h.depth(s)
	t := &tree{space: s, h: h, zero: make([]Digest, depth+1), levels: make([][]Digest, depth+1)}
	t.zero[0] = h.pageOf(s, nil)
	for i := range depth {
		t.zero[i+1] = h.nodeOf(s, &t.zero[i], &t.zero[i])
	}
	return t
}

// set stores the digest of page i.
func (t *tree) set(i uint32, d Digest) {
	t.grow(i)
	if t.levels[0][i] != d {
		t.levels[0][i] = d
		t.stale = append(t.stale, i)
	}
}

// grow makes page i a stored one.
func (t *tree) grow(i uint32) {
	for level := range t.levels {
		need := int(i>>level) + 1
		if need <= len(t.levels[level]) {
			return
		}
		t.levels[level] = slices.Grow(t.levels[level], need-len(t.levels[level]))
		for len(t.levels[level]) < need {
			t.levels[level] = append(t.levels[level], t.zero[level])
		}
	}
}

// root brings the nodes up to date and returns the root.
func (t *tree) root() Digest {
	top := len(t.levels) - 1
	if len(t.stale) > 0 {
		slices.Sort(t.stale)
		for level := range top {
			next := t.stale[:0]
			for _, i := range t.stale {
				parent := i >> 1
				if n := len(next); n > 0 && next[n-1] == parent {
					continue
				}
				t.levels[level+1][parent] = t.h.nodeOf(t.space, t.at(level, parent<<1), t.at(level, parent<<1|1))
				next = append(next, parent)
			}
			t.stale = next
		}
		t.stale = t.stale[:0]
	}
	return *t.at(top, 0)
}

// at is node i of a level.
func (t *tree) at(level int, i uint32) *Digest {
	if uint64(i) < uint64(len(t.levels[level])) {
		return &t.levels[level][i]
	}
	return &t.zero[level]
}

// ofBytes makes the tree of a space that holds b.
func ofBytes(s space, h *hasher, b []byte) *tree {
	t := newTree(s, h)
	for i := 0; i*PageSize < len(b); i++ {
		t.set(uint32(i), h.pageOf(s, b[i*PageSize:min((i+1)*PageSize, len(b))]))
	}
	return t
}

// ofCells makes the tree of a space that holds cells.
func ofCells(s space, h *hasher, cells []uint64) *tree {
	t := newTree(s, h)
	for i := 0; i*pageCells < len(cells); i++ {
		t.set(uint32(i), h.cellPage(s, cells[i*pageCells:min((i+1)*pageCells, len(cells))]))
	}
	return t
}
