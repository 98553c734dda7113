package machine

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
)

// Pages are some pages of a space with what leads from them to the space's root: the digests of all subtrees without an
// opened page whose sibling has one, level by level from the pages up, from left to right. Pages have no trailing zeros.
type Pages struct {
	Index []int64
	Pages [][]byte
	Path  []byte
}

// errPages says that pages do not lead to the root.
var errPages = errors.New("its pages do not lead to the root")

// open collects pages of t, whose indices ascend. content gives a page; t must be up to date.
func (t *tree) open(indices []uint32, content func(uint32) []byte) Pages {
	p := Pages{Index: []int64{}, Pages: [][]byte{}, Path: []byte{}}
	for _, i := range indices {
		p.Index = append(p.Index, int64(i))
		p.Pages = append(p.Pages, bytes.Clone(bytes.TrimRight(content(i), "\x00")))
	}
	if len(indices) == 0 {
		return p
	}
	level := append([]uint32(nil), indices...)
	for l := range len(t.levels) - 1 {
		next := level[:0]
		for k := 0; k < len(level); k++ {
			i := level[k]
			if k+1 < len(level) && level[k+1] == i^1 { // i is even then
				k++
			} else {
				d := t.at(l, i^1)
				p.Path = append(p.Path, d[:]...)
			}
			next = append(next, i>>1)
		}
		level = next
	}
	return p
}

// check refuses pages whose indices do not ascend within the space, or that are not in their one form.
func (p *Pages) check(s space) error {
	if len(p.Index) != len(p.Pages) || len(p.Path)%sha256.Size != 0 || len(p.Index) == 0 && len(p.Path) > 0 {
		return errors.New("its pages, their indices and their path do not belong together")
	}
	for k, i := range p.Index {
		if i < 0 || i >= 1<<(sizes[s]-pageBits) || k > 0 && p.Index[k-1] >= i {
			return fmt.Errorf("page %d is out of place", i)
		}
		if b := p.Pages[k]; len(b) > PageSize || len(b) > 0 && b[len(b)-1] == 0 {
			return fmt.Errorf("page %d is not in its shortest form", i)
		}
	}
	return nil
}

// root is the root of a space whose opened pages have these digests, in order, and the others are as the path says. There must be
// at least one.
func (p *Pages) root(s space, h *hasher, digests []Digest) (Digest, error) {
	level := append([]int64(nil), p.Index...)
	nodes := append([]Digest(nil), digests...)
	path := p.Path
	for range h.depth(s) {
		n := 0
		for k := 0; k < len(level); k++ {
			i, left, right := level[k], nodes[k], Digest{}
			if k+1 < len(level) && level[k+1] == i^1 {
				k++
				right = nodes[k]
			} else {
				if len(path) < sha256.Size {
					return Digest{}, errPages
				}
				right, path = Digest(path), path[sha256.Size:]
				if i&1 == 1 {
					left, right = right, left
				}
			}
			level[n], nodes[n] = i>>1, h.nodeOf(s, &left, &right)
			n++
		}
		level, nodes = level[:n], nodes[:n]
	}
	if len(path) > 0 {
		return Digest{}, errPages
	}
	return nodes[0], nil
}

// verify checks that the pages lead to root. No pages lead anywhere.
func (p *Pages) verify(s space, h *hasher, root Digest) error {
	if err := p.check(s); err != nil || len(p.Index) == 0 {
		return err
	}
	digests := make([]Digest, len(p.Pages))
	for i, b := range p.Pages {
		digests[i] = h.pageOf(s, b)
	}
	got, err := p.root(s, h, digests)
	if err == nil && got != root {
		err = errPages
	}
	return err
}

// size is how many bytes the pages hold.
func (p *Pages) size() (n int64) {
	for _, b := range p.Pages {
		n += int64(len(b))
	}
	return n
}

// has reports whether page i is there.
func (p *Pages) has(i int64) bool {
	_, ok := p.find(i)
	return ok
}

func (p *Pages) find(i int64) ([]byte, bool) {
	lo, hi := 0, len(p.Index)
	for lo < hi {
		if mid := (lo + hi) / 2; p.Index[mid] < i {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(p.Index) && p.Index[lo] == i {
		return p.Pages[lo], true
	}
	return nil, false
}
