package spotcheck

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// MaxSamples bounds how many segments one challenge may ask for.
const MaxSamples = 1 << 12

// Part is a task's transcript as sampling sees it: so many segments.
type Part struct {
	Task     string // label
	Segments uint64
}

// Place is one segment of one task.
type Place struct {
	Task    string
	Segment uint64
}

// chance is a stream of uniform numbers that follows from a seed: SHA-256 of a tag, the seed and a counter.
type chance struct {
	seed [sha256.Size]byte
	next uint64
	left []byte
}

const drawTag = "trilemma spot-check draw/1"

func (c *chance) word() uint64 {
	if len(c.left) == 0 {
		b := append([]byte(drawTag), c.seed[:]...)
		d := sha256.Sum256(binary.LittleEndian.AppendUint64(b, c.next))
		c.left = d[:]
		c.next++
	}
	w := binary.LittleEndian.Uint64(c.left)
	c.left = c.left[8:]
	return w
}

// below is uniform below n > 0. Words above the last whole multiple of n are thrown away: taking them modulo n would favour small numbers.
func (c *chance) below(n uint64) uint64 {
	over := (math.MaxUint64%n + 1) % n // 2⁶⁴ mod n
	for {
		if w := c.word(); w <= math.MaxUint64-over {
			return w % n
		}
	}
}

// subset is k distinct numbers below n, in order, each set with the same probability (Floyd's algorithm; Bentley, Floyd, "A sample of
// brilliance", 1987). k is at most n.
func (c *chance) subset(n, k uint64) []uint64 {
	in := make(map[uint64]bool, k)
	out := make([]uint64, 0, k)
	for j := n - k; j < n; j++ {
		v := c.below(j + 1)
		if in[v] {
			v = j
		}
		in[v] = true
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}

// Draw is the k segments that a seed draws from the parts, or all if there are no more: distinct, in the order of the parts. The same arguments give the
// same segments.
//
// Without weights every segment of the run has the same chance, so that a task is drawn from in proportion to its steps. With weights, tasks
// get samples in proportion to weight × segments (see [Allot]), and within a task every segment has the same chance; a task that is not among the
// weights gets none.
func Draw(seed [sha256.Size]byte, parts []Part, k uint64, weights map[string]uint64) ([]Place, error) {
	if k == 0 || k > MaxSamples {
		return nil, fmt.Errorf("%d samples are not between 1 and %d", k, MaxSamples)
	}
	n, err := total(parts)
	if err != nil {
		return nil, err
	}
	c := &chance{seed: seed}
	var places []Place
	if weights == nil {
		at, first := 0, uint64(0) // the part that is looked at, and the number of its first segment
		for _, v := range c.subset(n, min(k, n)) {
			for v-first >= parts[at].Segments {
				first += parts[at].Segments
				at++
			}
			places = append(places, Place{parts[at].Task, v - first})
		}
		return places, nil
	}
	shares, err := Allot(parts, k, weights)
	if err != nil {
		return nil, err
	}
	for i, p := range parts {
		for _, v := range c.subset(p.Segments, shares[i]) {
			places = append(places, Place{p.Task, v})
		}
	}
	return places, nil
}

func total(parts []Part) (n uint64, err error) {
	for _, p := range parts {
		if p.Segments > 1<<56 || n > 1<<56 {
			return 0, fmt.Errorf("%w: %d and %d", ErrTooMany, n, p.Segments)
		}
		n += p.Segments
	}
	return n, nil
}

// Allot divides k samples among the parts in proportion to weight × segments, by the divisors 1, 3, 5, … (Webster's method), and none gets more than it has
// segments. Ties go to the earlier part.
func Allot(parts []Part, k uint64, weights map[string]uint64) ([]uint64, error) {
	known := 0
	for _, p := range parts {
		if w, ok := weights[p.Task]; ok {
			known++
			if w > 1<<20 {
				return nil, fmt.Errorf("the weight %d of %q is above %d", w, p.Task, 1<<20)
			}
		}
	}
	if known != len(weights) {
		return nil, fmt.Errorf("%d of %d weights are for tasks that have no transcript here", len(weights)-known, len(weights))
	}
	shares := make([]uint64, len(parts))
	for range k {
		best := -1
		for i, p := range parts {
			if weights[p.Task] > 0 && shares[i] < p.Segments && (best < 0 || claims(p, weights, shares[i], parts[best], shares[best]) > 0) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		shares[best]++
	}
	return shares, nil
}

// claims compares the quotients weight × segments / (2·share+1) of two parts.
func claims(a Part, weights map[string]uint64, shareA uint64, b Part, shareB uint64) int {
	// Cross-multiplied: at most 2⁵⁶ · 2²⁰ · 2¹⁴.
	quotient := func(p Part, by uint64) (hi, lo uint64) {
		h, l := bits.Mul64(p.Segments, weights[p.Task])
		h2, lo := bits.Mul64(l, by)
		return h*by + h2, lo
	}
	ah, al := quotient(a, 2*shareB+1)
	bh, bl := quotient(b, 2*shareA+1)
	return cmp.Or(cmp.Compare(ah, bh), cmp.Compare(al, bl))
}
