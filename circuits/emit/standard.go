package emit

import (
	"fmt"
	"math"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/machine"
)

// Mix says how often chips are used, in parts of any whole.
type Mix map[string]int

// Standard makes the shapes of a family for circuits of at most so many constraints, and for runs of which some are like the mixes:
//
//	head      the one of every proof: the statement, tables that are the same in every proof, and some of everything, so that a short
//	          run is one part
//	spread    the table for bitwise operations, if the head has no room for it
//	hidden    two for hidden streams
//
// and a small one for each class of chips that are used alike, so that no program is far from all mixes, and a larger one for those of which some mix has much.
func (s *System) Standard(size int, mixes ...Mix) ([]*Shape, error) {
	b := &standard{System: s, size: size - reserve, peak: s.peaks(mixes), always: s.sys.Contents(&machine.Program{}, circuits.Statement{})}
	if err := b.head(); err != nil {
		return nil, err
	}
	if err := b.classes(); err != nil {
		return nil, err
	}
	for _, sh := range []struct {
		name          string
		size, streams int
	}{{"hidden", 1 << 14, 4}, {"hidden, many", min(1<<17, size), 8}} {
		shape, err := s.Hidden(sh.name, sh.size, sh.streams)
		if err != nil {
			return nil, err
		}
		b.shapes = append(b.shapes, shape)
	}
	return b.shapes, nil
}

// Hidden makes a shape of so many constraints for hidden streams: so many of them, as input and as output, and the rest for their words.
func (s *System) Hidden(name string, size, streams int) (*Shape, error) {
	rows, words, cost := make(map[string]int), []string{}, 0
	free := size - reserve
	for _, p := range s.plans {
		switch {
		case p.permutation == nil:
		case p.chip.Columns[circuits.On].Given:
			rows[p.chip.Name] = streams
			free -= streams * p.cost()
		default:
			words = append(words, p.chip.Name)
			cost += p.cost()
		}
	}
	for _, name := range words {
		rows[name] = max(0, free/cost)
	}
	return s.Shape(name, 1, rows)
}

// ofProgram is the part that is foreseen for chips of which there are as many rows as the program is long: mixes of long runs do not show them.
const ofProgram = .02

// standard makes a family.
type standard struct {
	*System
	size   int
	peak   map[string]float64 // see [System.peaks]
	always circuits.Contents  // what the verifier knows of any run
	shapes []*Shape
}

// peaks is the part that a chip has of a mix's constraints, in the mix in which it is greatest.
func (s *System) peaks(mixes []Mix) map[string]float64 {
	peak := make(map[string]float64)
	for _, m := range mixes {
		all := 0
		for chip, n := range m {
			all += n * s.Cost(chip)
		}
		for chip, n := range m {
			peak[chip] = max(peak[chip], float64(n*s.Cost(chip))/float64(all))
		}
	}
	for _, chip := range []string{"program plain", "program charging", "program extra", "program", "initial word", "memory table"} {
		peak[chip] = max(peak[chip], ofProgram)
	}
	return peak
}

func (b *standard) add(name string, block int, rows map[string]int) error {
	sh, err := b.Shape(name, block, rows)
	b.shapes = append(b.shapes, sh)
	return err
}

// head makes the head, and shapes apart for tables of numbers if these would take more than eleven of its twenty parts.
func (b *standard) head() error {
	head, free, numbers := make(map[string]int), b.size, 0
	var apart []*plan
	for _, p := range b.plans {
		n := 0
		switch {
		case p.numbers > 0:
			if n = p.numbers; 20*(numbers+n) > 11*b.size {
				apart = append(apart, p)
				continue
			}
			numbers += n
		case p.chip.Once:
			n = 1
		default:
			n = len(b.always[p.chip.Name].Rows)
		}
		head[p.chip.Name] = n
		free -= n * p.cost()
	}
	if free < 0 {
		return fmt.Errorf("a circuit of %d constraints has no room for what every proof has", b.size)
	}
	b.fill(head, free)
	if err := b.add("head", 1, head); err != nil {
		return err
	}
	for _, p := range apart {
		rows := map[string]int{p.chip.Name: p.numbers}
		b.fill(rows, min(b.size-p.numbers*p.cost(), p.numbers/16))
		if err := b.add(p.chip.Name, 1, rows); err != nil {
			return err
		}
	}
	return nil
}

// fill adds rows of everything that take so many constraints: one of what a run has once at most, and of the rest more of what mixes use more, but less than in
// proportion, as one run is not like another.
func (b *standard) fill(rows map[string]int, constraints int) {
	weights, total := make([]int, len(b.plans)), 0
	for i, p := range b.plans {
		switch {
		case p.chip.Once || p.numbers > 0 || p.permutation != nil || b.whole(p):
		case p.ends():
			rows[p.chip.Name]++
			constraints -= p.cost()
		default:
			weights[i] = int(1000 * math.Sqrt(b.peak[p.chip.Name]+.0005))
			total += weights[i] * p.cost()
		}
	}
	for i, p := range b.plans {
		if n := constraints * weights[i] / total; n > 0 {
			rows[p.chip.Name] += n
		}
	}
}

// whole reports whether a chip is a table of which the head has all rows.
func (b *standard) whole(p *plan) bool { return p.free() && len(b.always[p.chip.Name].Rows) > 0 }

// reserve is what a circuit takes beside its rows, at most: sums, masks, powers of challenges.
const reserve = 128

// ends reports whether a chip's rows end a run, so that there is one at most.
func (p *plan) ends() bool {
	for i := range p.messages {
		if p.messages[i].bus == circuits.BusEnd {
			return true
		}
	}
	return false
}
