package emit

import (
	"fmt"
	"maps"
	"slices"

	"github.com/trilemma-dev/trilemma/circuits"
)

// Cost is how many constraints a row of a chip takes outside of blocks; 0 if there is no such chip.
func (s *System) Cost(chip string) int { return s.BlockCost(chip, 1, 1) }

// BlockCost is how many constraints so many rows of a chip take, in blocks of so many.
func (s *System) BlockCost(chip string, rows, block int) int {
	i, err := s.index(chip)
	if err != nil {
		return 0
	}
	return rows / block * s.plans[i].blockCost(block)
}

func (p *plan) cost() (n int) {
	for _, l := range p.laws {
		n += max(1, len(l.products))
		for _, product := range l.products {
			n += len(product) - 2
		}
	}
	if p.permutation != nil {
		n += circuits.PermutationCost
	}
	n += len(p.given) // a step of the polynomial each
	if p.chip.Once {
		n++ // that it counts
	}
	counted := false
	for i := range p.messages {
		m := &p.messages[i]
		for k := 1; k < len(m.key); k++ {
			if !m.key[k].constant() {
				n++
			}
		}
		for k := 0; k+1 < len(m.value); k++ {
			if !m.value[k].constant() {
				n++
			}
		}
		switch {
		case m.sum():
			if !p.chip.Once && !m.value[0].constant() {
				n++
			}
		case p.chip.Table && len(m.value) > 0:
			n += 2
		default:
			n++
		}
		counted = counted || !p.chip.Table && !p.chip.Once && !m.sum()
	}
	if counted {
		n++
	}
	return n
}

// blockCost is how many constraints a block of rows takes.
func (p *plan) blockCost(rows int) int {
	shared := 0
	if !p.chip.Table && !p.chip.Once {
		shared = 1 // the selection
		for i := range p.laws {
			if p.laws[i].only(0) {
				shared++
			}
		}
	}
	return rows*p.cost() - (rows-1)*shared
}

// Choose chooses shapes that have room for so many rows of each chip: one that has the chips of one row; those that hold a part of a table of numbers
// behind the first; then, as long as rows are left, the one of whose constraints rows that are left take the most, where a part costs some constraints beside.
func (s *System) Choose(shapes []*Shape, counts map[string]int) ([]*Shape, error) {
	c := &choice{System: s, need: make([]int, len(s.plans)), room: make(map[int][]int)}
	for chip, n := range counts {
		i, err := s.index(chip)
		if err != nil {
			return nil, err
		}
		c.need[i] = n
	}
	var chosen []*Shape
	for {
		c.count()
		best := c.best(shapes, len(chosen) == 0)
		if best == nil {
			break
		}
		for range c.times(best) {
			chosen = append(chosen, best)
			c.take(best)
		}
		if len(chosen) > 1 {
			continue
		}
		for _, sh := range shapes {
			if c.slice(sh) {
				chosen = append(chosen, sh)
				c.take(sh)
			}
		}
	}
	for i, p := range s.plans {
		if c.left[i] > 0 {
			return nil, fmt.Errorf("no shape has room for %d more rows of %s", c.left[i], p.chip.Name)
		}
	}
	return chosen, nil
}

// slice reports whether a shape holds a part of a table of numbers that is needed, behind the first part.
func (c *choice) slice(sh *Shape) bool {
	for i := range c.plans {
		if sh.rows[i] > 0 && sh.from[i] > 0 && c.need[i] > 0 {
			return true
		}
	}
	return false
}

// choice is shapes as far as they are chosen: what there is room for, by size of blocks and chip.
type choice struct {
	*System
	need, left []int
	room       map[int][]int
}

func (c *choice) take(sh *Shape) {
	for i, n := range sh.rows {
		if n > 0 {
			b := sh.block[i]
			if c.room[b] == nil {
				c.room[b] = make([]int, len(c.need))
			}
			c.room[b][i] += n
		}
	}
}

// count finds how many rows of each chip are left, when rows are given to shapes as Cut does.
func (c *choice) count() {
	c.left = slices.Clone(c.need)
	for _, b := range slices.Backward(slices.Sorted(maps.Keys(c.room))) {
		for i := range c.left {
			n := min(c.left[i], c.room[b][i])
			c.left[i] -= n - n%b
		}
	}
}

// best is the shape that is used best, or nil if none is of use. The first one has the chips of one row, the others have not.
func (c *choice) best(shapes []*Shape, first bool) (best *Shape) {
	bestUsed, bestSize := 0, 1
	for _, sh := range shapes {
		used, size, once := 0, PartOverhead, false
		for i, p := range c.plans {
			if sh.rows[i] == 0 {
				continue
			}
			cost := p.blockCost(sh.block[i])
			used += cost * (sh.takes(i, c.left[i]) / sh.block[i])
			size += cost * (sh.rows[i] / sh.block[i])
			once = once || p.chip.Once
		}
		if once == first && used*bestSize > bestUsed*size {
			best, bestUsed, bestSize = sh, used, size
		}
	}
	return best
}

// times is how often a shape can be taken before it is looked for the best one again: as long as it is used almost as well as the first time.
func (c *choice) times(sh *Shape) int {
	used := func(k int) (sum int) {
		for i, p := range c.plans {
			if n := min(c.left[i], k*sh.rows[i]); n > 0 {
				sum += p.blockCost(sh.block[i]) * (n / sh.block[i])
			}
		}
		return sum
	}
	once, k := used(1), 1
	for sh.only() && 20*used(2*k) >= 19*once*2*k {
		k *= 2
	}
	return k
}

// only reports whether a shape may be taken many times: it has no chip of one row.
func (sh *Shape) only() bool {
	for i, p := range sh.sys.plans {
		if p.chip.Once && sh.rows[i] > 0 {
			return false
		}
	}
	return true
}

// byBlock is the indices of shapes in the order in which they take rows of a chip: those with large blocks first.
func byBlock(shapes []*Shape, chip int) []int {
	order := make([]int, len(shapes))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return shapes[b].block[chip] - shapes[a].block[chip] })
	return order
}
