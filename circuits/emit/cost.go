package emit

import (
	"fmt"
)

// Cost is how many constraints a row of a chip takes, wherever it stands; 0 if there is no such chip.
func (s *System) Cost(chip string) int {
	i, err := s.index(chip)
	if err != nil {
		return 0
	}
	return s.plans[i].cost()
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
		if len(m.value) == 2 && !m.value[0].constant() {
			n++
		}
		switch {
		case m.sum():
			if !p.chip.Once && !m.value[0].constant() {
				n++
			}
		case m.mult != p.on() && len(m.value) > 0 && !p.chip.Once:
			n += 2
		default:
			n++
		}
		counted = counted || m.mult == p.on() && !p.chip.Once && !m.sum()
	}
	if counted {
		n++
	}
	return n
}

// Choose chooses shapes that have room for so many rows of each chip: one with every chip that has one row, then, as long as rows are left,
// the one of whose constraints rows that are left take the most.
func (s *System) Choose(shapes []*Shape, counts map[string]int) ([]*Shape, error) {
	left := make([]int, len(s.plans))
	for chip, n := range counts {
		i, err := s.index(chip)
		if err != nil {
			return nil, err
		}
		left[i] = n
	}
	var chosen []*Shape
	take := func(sh *Shape) {
		chosen = append(chosen, sh)
		for i := range left {
			left[i] -= min(left[i], sh.rows[i])
		}
	}
	for {
		var best *Shape
		bestUsed, bestSize := 0, 1
		for _, sh := range shapes {
			used, size, once := 0, 0, false
			for i, p := range s.plans {
				c := p.cost()
				used += c * min(left[i], sh.rows[i])
				size += c * sh.rows[i]
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
		take(best)
	}
}
