package machine

import (
	"encoding/binary"
	"testing"
)

// TestRootPaths: in lists of every length up to some, every root is shown by its path, and by nothing else.
func TestRootPaths(t *testing.T) {
	var roots []Digest
	for n := uint64(1); n <= 70; n++ {
		var d Digest
		binary.LittleEndian.PutUint64(d[:], n)
		roots = append(roots, d)
		root, tree := RootOfRoots(roots), NewRootTree(roots)
		if tree.Root() != root {
			t.Fatalf("the tree over %d roots has another root than the log", n)
		}
		for i, d := range roots {
			path := tree.Path(uint64(i))
			if !CheckRootPath(root, n, uint64(i), d, path) {
				t.Fatalf("root %d of %d is not shown by its path", i, n)
			}
			for j := range n + 1 {
				if CheckRootPath(root, n, j, d, path) != (j == uint64(i)) {
					t.Fatalf("root %d of %d is shown at place %d", i, n, j)
				}
			}
			d[0] ^= 1
			if CheckRootPath(root, n, uint64(i), d, path) {
				t.Fatalf("another root is shown at place %d of %d", i, n)
			}
			d[0] ^= 1
			if CheckRootPath(root, n, uint64(i), d, append(path, Digest{})) || len(path) > 0 && CheckRootPath(root, n, uint64(i), d, path[1:]) {
				t.Fatalf("a path of another length shows root %d of %d", i, n)
			}
			for k := range path {
				path[k][31] ^= 0x80
				if CheckRootPath(root, n, uint64(i), d, path) {
					t.Fatalf("root %d of %d is shown by a path with another hash", i, n)
				}
				path[k][31] ^= 0x80
			}
		}
	}
	if _, ok := RootNodes(1<<63, 5, Digest{}, make([]Digest, 65)); ok {
		t.Error("a path of 65 hashes is followed")
	}
}
