package machine

import (
	"crypto/sha256"
	"math/bits"
)

// rootLog is the Merkle tree over a transcript's state roots, as it grows: the shape is that of RFC 6962, section 2.1, where a list is
// split at the greatest power of two below its length. Leaves and nodes have tags of their own.
type rootLog struct {
	n     uint64
	peaks []Digest // roots of the full subtrees, from the left
}

func rootLeaf(d Digest) Digest {
	var b [1 + sha256.Size]byte
	b[0] = tagRoot
	copy(b[1:], d[:])
	return sha256.Sum256(b[:])
}

func rootNode(left, right Digest) Digest {
	var b [1 + 2*sha256.Size]byte
	b[0] = tagRoots
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// add appends a state root.
func (l *rootLog) add(d Digest) {
	l.peaks = append(l.peaks, rootLeaf(d))
	for range bits.TrailingZeros64(l.n + 1) {
		last := len(l.peaks) - 1
		l.peaks[last-1] = rootNode(l.peaks[last-1], l.peaks[last])
		l.peaks = l.peaks[:last]
	}
	l.n++
}

// root is the root of the list so far, which is not empty.
func (l *rootLog) root() Digest {
	d := l.peaks[len(l.peaks)-1]
	for i := len(l.peaks) - 2; i >= 0; i-- {
		d = rootNode(l.peaks[i], d)
	}
	return d
}

// RootOfRoots is the root of a transcript's tree over these state roots, which are not none.
func RootOfRoots(roots []Digest) Digest {
	var l rootLog
	for _, d := range roots {
		l.add(d)
	}
	return l.root()
}

// Split is where a list of n > 1 state roots is split: the greatest power of two below n.
func Split(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }

// RootTree is the Merkle tree over a list of state roots, kept whole so that many of them can be shown. It is safe for concurrent use.
type RootTree struct {
	levels [][]Digest // from the leaves up; a node without a right neighbour stands on the next level as it is
}

// NewRootTree makes the tree over these state roots, which are not none.
func NewRootTree(roots []Digest) *RootTree {
	level := make([]Digest, len(roots))
	for i, d := range roots {
		level[i] = rootLeaf(d)
	}
	t := &RootTree{levels: [][]Digest{level}}
	for len(level) > 1 {
		next := make([]Digest, 0, (len(level)+1)/2)
		for i := 0; i < len(level); i += 2 {
			if i+1 == len(level) {
				next = append(next, level[i])
			} else {
				next = append(next, rootNode(level[i], level[i+1]))
			}
		}
		t.levels, level = append(t.levels, next), next
	}
	return t
}

// Root is the root of the tree.
func (t *RootTree) Root() Digest { return t.levels[len(t.levels)-1][0] }

// Path returns what shows that the state root at place i of the list stands there: the hashes beside the way from its leaf to the root, from the
// leaf up (RFC 6962, section 2.1.1). There is such a place.
func (t *RootTree) Path(i uint64) (path []Digest) {
	for _, level := range t.levels {
		if beside := i ^ 1; beside < uint64(len(level)) {
			path = append(path, level[beside])
		}
		i >>= 1
	}
	return path
}

// CheckRootPath reports whether path shows that d stands at place i of the list of n state roots that root commits to. A path that is too long
// or too short shows nothing.
func CheckRootPath(root Digest, n, i uint64, d Digest, path []Digest) bool {
	nodes, ok := RootNodes(n, i, d, path)
	return ok && nodes[len(nodes)-1] == root
}

// RootNodes returns the nodes on the way from the leaf at place i of a list of n state roots to the list's root, both included, if the path's
// hashes lie beside it; false if there is no such place or the path has another length.
func RootNodes(n, i uint64, d Digest, path []Digest) ([]Digest, bool) {
	if i >= n || len(path) > 64 {
		return nil, false
	}
	nodes := []Digest{rootLeaf(d)}
	last := n - 1
	for _, p := range path {
		if last == 0 {
			return nil, false
		}
		at := nodes[len(nodes)-1]
		if i&1 == 1 || i == last {
			at = rootNode(p, at)
			for ; i&1 == 0 && i != 0; i, last = i>>1, last>>1 {
			}
		} else {
			at = rootNode(at, p)
		}
		nodes = append(nodes, at)
		i, last = i>>1, last>>1
	}
	return nodes, last == 0
}
