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
	s.share(head, groups[aStep], free/2, nil)
	s.share(head, groups[aProgram], free/6, nil)
	s.share(head, groups[anImage], free/3, nil)
	var shapes []*Shape
	add := func(name string, rows map[string]int) error {
		sh, err := s.Shape(name, rows)
		shapes = append(shapes, sh)
		return err
	}
	if err := add("head", head); err != nil {
		return nil, err
	}
	for _, k := range []struct {
		name string
		of   group
		mix  Mix
	}{{"steps", aStep, mix}, {"any", aStep, nil}, {"image", anImage, nil}, {"program", aProgram, nil}} {
		rows := make(map[string]int)
		s.share(rows, groups[k.of], size-reserve, k.mix)
		if err := add(k.name, rows); err != nil {
			return nil, err
		}
	}
	return shapes, nil
}

// reserve is what a circuit takes beside its rows, at most: sums, masks, powers of challenges.
const reserve = 64

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

// share adds rows of chips that take so many constraints, as often as the mix says; nil is all alike.
func (s *System) share(rows map[string]int, chips []string, constraints int, mix Mix) {
	weight, total := func(c string) int { return mix[c] }, 0
	if mix == nil {
		weight = func(string) int { return 1 }
	}
	for _, c := range chips {
		total += weight(c) * s.Cost(c)
	}
	if total == 0 {
		return
	}
	for _, c := range chips {
		rows[c] += constraints * weight(c) / total
	}
}
