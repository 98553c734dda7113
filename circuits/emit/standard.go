package emit

import (
	"github.com/trilemma-dev/trilemma/circuits"
)

// Mix says how often the chips of steps are used, in parts of any whole. What is not in it is used never, which costs parts, not proofs: one
// shape has room for everything.
type Mix map[string]int

// Standard makes the shapes of a family for circuits of at most so many constraints:
//
//	head     the one of every proof: the statement, the numbers below 2¹⁶, and some of everything, so that a short run is one part
//	steps    steps of the mix
//	any      all steps alike, for what the mix does not have
//	image    cells that a run uses, and their initial values
//	program  the program's table
//
// It needs at least 2¹⁷ constraints for the head.
func (s *System) Standard(size int, mix Mix) ([]*Shape, error) {
	groups := make(map[group][]string)
	for _, p := range s.plans {
		g := p.group()
		groups[g] = append(groups[g], p.chip.Name)
	}
	head := make(map[string]int)
	free := size - reserve
	for i, p := range s.plans {
		switch {
		case p.chip.Once:
			head[p.chip.Name] = 1
			free -= s.plans[i].cost()
		case p.constant:
			head[p.chip.Name] = maxNumber
			free -= maxNumber * p.cost()
		}
	}
	// What is left of the head: half for steps, the rest for tables and images.
	s.share(head, groups[aStep], 1, free/2, nil)
	s.share(head, groups[aProgram], 1, free/6, nil)
	s.share(head, groups[anImage], 1, free/3, nil)
	var shapes []*Shape
	add := func(name string, block int, rows map[string]int) error {
		sh, err := s.Shape(name, block, rows)
		shapes = append(shapes, sh)
		return err
	}
	if err := add("head", 1, head); err != nil {
		return nil, err
	}
	for _, k := range []struct {
		name  string
		of    group
		block int
		mix   Mix
	}{{"steps", aStep, blockRows, mix}, {"any", aStep, 1, nil}, {"image", anImage, 1, nil}, {"program", aProgram, 1, nil}} {
		rows := make(map[string]int)
		s.share(rows, groups[k.of], k.block, size-reserve, k.mix)
		if err := add(k.name, k.block, rows); err != nil {
			return nil, err
		}
	}
	return shapes, nil
}

// reserve is what a circuit takes beside its rows, at most: sums, masks, powers of challenges.
const reserve = 64

// blockRows is how many rows there are in the blocks of steps: with more, a row would cost a tenth of a constraint less, and the head needs room for
// what makes no whole block.
const blockRows = 8

// group is what chips belong together in a shape.
type group int

const (
	aStep group = iota
	anImage
	aProgram
	other
)

func (p *plan) group() group {
	if p.chip.Once || p.constant {
		return other
	}
	for i := range p.messages {
		if p.messages[i].bus == circuits.BusFetch {
			if p.chip.Table {
				return aProgram
			}
			return aStep
		}
	}
	return anImage
}

// share adds rows of chips, in blocks, that take so many constraints, as often as the mix says; nil is all alike.
func (s *System) share(rows map[string]int, chips []string, block, constraints int, mix Mix) {
	weight, total := func(string) int { return 1 }, 0
	if mix != nil {
		weight = func(c string) int { return mix[c] }
	}
	cost := make(map[string]int)
	for _, p := range s.plans {
		cost[p.chip.Name] = p.blockCost(block)
	}
	for _, c := range chips {
		total += weight(c) * cost[c]
	}
	if total == 0 {
		return
	}
	for _, c := range chips {
		rows[c] += constraints * weight(c) / total * block
	}
}
