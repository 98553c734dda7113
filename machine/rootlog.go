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

// split is where a list of n > 1 leaves is split: the greatest power of two below n.
func split(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }

// RootPath returns what shows that roots[i] stands at place i of the list: the hashes beside the way from its leaf to the root, from
// the leaf up (RFC 6962, section 2.1.1). There is such a place.
func RootPath(roots []Digest, i uint64) []Digest {
	n := uint64(len(roots))
	if n == 1 {
		return nil
	}
	k := split(n)
	if i < k {
		return append(RootPath(roots[:k], i), RootOfRoots(roots[k:]))
	}
	return append(RootPath(roots[k:], i-k), RootOfRoots(roots[:k]))
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
