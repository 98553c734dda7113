package emit

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/machine"
)

// Mix says how often chips of steps are used, in parts of any whole.
type Mix map[string]int

// Standard makes the shapes of a family for circuits of at most so many constraints:
//
//	head      the one of every proof: the statement, tables that are the same in every proof, and some of everything, so that a short
//	          run is one part
//	steps n   steps of one of the mixes, and what registers' ages take beside them
//	any       all steps alike
//
// and a small one for each class of chips that are used alike, so that no program is far from all mixes. The table for bitwise operations is apart if
// the head has no room for it.
func (s *System) Standard(size int, mixes ...Mix) ([]*Shape, error) {
	b := &standard{System: s, size: size - reserve, groups: make(map[group][]string)}
	for _, p := range s.plans {
		g := p.group()
		b.groups[g] = append(b.groups[g], p.chip.Name)
	}
	if err := b.head(); err != nil {
		return nil, err
	}
	for i, m := range mixes {
		rows := make(map[string]int)
		b.share(rows, b.groups[aStep], blockRows, b.size, m)
		if err := b.add(fmt.Sprintf("steps %d", i+1), blockRows, rows); err != nil {
			return nil, err
		}
	}
	rows := make(map[string]int)
	b.share(rows, append(append(append([]string{}, b.groups[aStep]...), b.groups[anImage]...), b.groups[aProgram]...), 1, b.size, nil)
	if err := b.add("any", 1, rows); err != nil {
		return nil, err
	}
	err := b.classes(mixes)
	return b.shapes, err
}

// standard makes a family.
type standard struct {
	*System
	size   int
	groups map[group][]string
	shapes []*Shape
}

func (b *standard) add(name string, block int, rows map[string]int) error {
	sh, err := b.Shape(name, block, rows)
	b.shapes = append(b.shapes, sh)
	return err
}

// head makes the head, and shapes apart for tables of numbers if these would take more than eleven of its twenty parts.
func (b *standard) head() error {
	head, free, numbers := make(map[string]int), b.size, 0
	always := b.sys.Contents(&machine.Program{}, circuits.Statement{})
	var apart []string
	for _, p := range b.plans {
		name, n := p.chip.Name, len(always[p.chip.Name].Rows)
		switch {
		case p.numbers > 0:
			if n = p.numbers; 20*(numbers+n) > 11*b.size {
				apart = append(apart, name)
				continue
			}
			numbers += n
		case p.chip.Once:
			n = 1
		case n == 0:
			continue
		}
		head[name] = n
		free -= n * p.cost()
	}
	if free < 0 {
		return fmt.Errorf("a circuit of %d constraints has no room for what every proof has", b.size)
	}
	// Of the rest half is for steps: as many rows of each as make no block, if there is room.
	b.share(head, b.groups[aStep], 1, free/2, nil)
	b.share(head, b.groups[aProgram], 1, free/6, nil)
	b.share(head, b.groups[anImage], 1, free/3, nil)
	if err := b.add("head", 1, head); err != nil {
		return err
	}
	for _, name := range apart {
		i, err := b.index(name)
		if err != nil {
			return err
		}
		n := b.plans[i].numbers * b.plans[i].cost()
		rows := map[string]int{name: b.plans[i].numbers}
		b.share(rows, b.groups[aStep], 1, min(b.size, 2*n-reserve)-n, nil)
		if err := b.add(name, 1, rows); err != nil {
			return err
		}
	}
	return nil
}

// reserve is what a circuit takes beside its rows, at most: sums, masks, powers of challenges.
const reserve = 128

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
	if p.chip.Once || p.numbers > 0 {
		return other
	}
	for i := range p.messages {
		switch p.messages[i].bus {
		case circuits.BusFetch:
			if p.chip.Table {
				return aProgram
			}
		case circuits.BusRegisterImage, circuits.BusMemoryImage, circuits.BusGrownImage, circuits.BusCellImage:
			return anImage
		}
	}
	if p.chip.Table {
		return anImage
	}
	return aStep
}

// share adds rows of chips, in blocks, that take so many constraints, as often as the mix says; nil is all alike.
func (b *standard) share(rows map[string]int, chips []string, block, constraints int, mix Mix) {
	weight, total := func(string) int { return 1 }, 0
	if mix != nil {
		weight = func(c string) int { return mix[c] }
	}
	cost := make(map[string]int)
	for _, p := range b.plans {
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
