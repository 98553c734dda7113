package proof

import (
	"fmt"
	"math"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/machine"
)

// Names of schemes that this program has: see [Named].
const (
	Standard = "standard" // for runs of any length
	Small    = "small"    // for short runs: fewer and smaller keys
	Tiny     = "tiny"     // for very short runs: the smallest keys, for a ceremony, or for slow proof systems
)

// Names are the names of schemes.
func Names() []string { return []string{Standard, Small, Tiny} }

// Sizes of circuits, in constraints: just below powers of two, which the evaluation domain is.
const (
	standardSize = 1<<17 - 64
	smallSize    = 1<<18 - 64
	restSize     = 1<<16 - 64
	tinySize     = 1<<13 - 64
	hiddenSize   = 1<<13 - 64
)

// Named makes the scheme of a name.
func Named(name string) (*Scheme, error) {
	switch name {
	case Standard:
		return NewScheme(standardSize, mixes()...)
	case Small:
		return newSystem().small()
	case Tiny:
		return newSystem().tiny()
	}
	return nil, fmt.Errorf("unknown scheme %q, want one of %v", name, Names())
}

// small has a shape for all that every proof has, into which short runs fit with all that they are, and a smaller one for what does not. Both have some rows of every
// chip, more of those that runs use more; less than in proportion, as one run is not like another. A third one is for hidden streams, which are rare and dear.
func (s *Scheme) small() (*Scheme, error) {
	head, rest := s.constants(), make(map[string]int)
	free := smallSize - reserve
	for _, c := range s.Chips.Chips {
		switch n, _ := c.Numbers(); {
		case c.Once:
			head[c.Name] = 1
		case n > 0:
			head[c.Name] = n
		}
		free -= head[c.Name] * s.System.Cost(c.Name)
	}
	s.share(head, s.Chips.Chips, free)
	s.share(rest, s.Chips.Chips, restSize-reserve)
	for _, sh := range []struct {
		name string
		rows map[string]int
	}{{"head", head}, {"rest", rest}} {
		shape, err := s.System.Shape(sh.name, 1, sh.rows)
		if err != nil {
			return nil, err
		}
		s.Shapes = append(s.Shapes, shape)
	}
	return s, s.hidden()
}

// hidden adds the shape for hidden streams: of three as input and as output, and some words.
func (s *Scheme) hidden() error {
	shape, err := s.System.Hidden("hidden", hiddenSize, 3)
	s.Shapes = append(s.Shapes, shape)
	return err
}

// constants is how many rows the tables have that are the same for all programs, but for those of numbers. Proofs of runs that hide something have
// all of them: see [emit.Rows.Whole].
func (s *Scheme) constants() map[string]int {
	rows := make(map[string]int)
	for name, c := range s.Chips.Contents(&machine.Program{}, circuits.Statement{}) {
		if len(c.Rows) > 1 {
			rows[name] = len(c.Rows)
		}
	}
	return rows
}

// always reports whether a chip has the same number of rows in every proof.
func always(c *circuits.Chip) bool {
	n, _ := c.Numbers()
	return n > 0 || c.Once
}

// reserve is what a circuit takes beside its rows, at most: sums, masks, powers of challenges.
const reserve = 64

// share adds rows of chips, but for those that every proof has as they are and those of hidden streams, that take so many constraints: a row of each, then half of what is left for steps, a quarter for the program and what else the
// verifier knows, a quarter for cells.
func (s *Scheme) share(rows map[string]int, chips []*circuits.Chip, constraints int) {
	type group struct {
		of    int // part of a quarter
		names []string
		total float64
	}
	steps, tables, cells := &group{of: 2}, &group{of: 1}, &group{of: 1}
	used := usual()
	weight := func(name string) float64 { return math.Sqrt(float64(used[name]) + 0.2) }
	for _, c := range chips {
		if always(c) || c.Permutation != nil {
			continue
		}
		g := cells
		switch {
		case c.IsStep():
			g = steps
		case c.Table:
			g = tables
		}
		rows[c.Name]++
		constraints -= s.System.Cost(c.Name)
		g.names = append(g.names, c.Name)
		g.total += float64(weight(c.Name) * float64(s.System.Cost(c.Name))) // rounded, and so the same everywhere
	}
	for _, g := range []*group{steps, tables, cells} {
		for _, name := range g.names {
			rows[name] += int(float64(constraints*g.of/4) * weight(name) / g.total)
		}
	}
}

// usual is how much chips are used, in the mean of the mixes.
func usual() emit.Mix {
	used, all := others(), mixes()
	for _, m := range all {
		for chip, n := range m {
			used[chip] += n / len(all)
		}
	}
	return used
}

// others is how much chips that show no steps are used in short runs, as [mixes] has it.
func others() emit.Mix {
	return emit.Mix{"program plain": 3500, "program charging": 500, "program extra": 1500, "program": 500, "memory table": 100, "input words": 500, "output words": 50, "word": 500, "initial word": 100, "register": 500,
		"register refresh": 20, "grown word": 100, "cell": 20}
}
