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
