package emit

import (
	"fmt"
	"slices"
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

// Choose chooses shapes that have room for so many rows of each chip: one that has the chips of one row; then, as long as rows are left, the one
// of whose constraints rows that are left take the most.
func (s *System) Choose(shapes []*Shape, counts map[string]int) ([]*Shape, error) {
	rows := make([]int, len(s.plans))
	for chip, n := range counts {
		i, err := s.index(chip)
		if err != nil {
			return nil, err
		}
		rows[i] = n
	}
	var chosen []*Shape
	for {
		left := s.left(chosen, rows)
		var best *Shape
		bestUsed, bestSize := 0, 1
		for _, sh := range shapes {
			used, size, once := 0, 0, false
			for i, p := range s.plans {
				c := p.blockCost(sh.block[i])
				used += c * (sh.takes(i, left[i]) / sh.block[i])
				size += c * (sh.rows[i] / sh.block[i])
				once = once || p.chip.Once && sh.rows[i] > 0
			}
			if once == (len(chosen) == 0) && used*bestSize > bestUsed*size {
				best, bestUsed, bestSize = sh, used, size
			}
		}
		if best == nil {
			for i, p := range s.plans {
				if left[i] > 0 {
					return nil, fmt.Errorf("no shape has room for %d more rows of %s", left[i], p.chip.Name)
				}
			}
			return chosen, nil
		}
		chosen = append(chosen, best)
	}
}

// left is how many rows of each chip shapes do not take, when they are given them as Cut does.
func (s *System) left(shapes []*Shape, rows []int) []int {
	left := slices.Clone(rows)
	for i := range left {
		for _, k := range byBlock(shapes, i) {
			left[i] -= shapes[k].takes(i, left[i])
		}
	}
	return left
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
