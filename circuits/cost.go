package circuits

import "github.com/trilemma-dev/trilemma/internal/hidden"

// Cost estimates how many R1CS constraints a row of a chip takes in a backend that adds up fractions: one for each message, one more for each further
// field of its key and each further value that is not a constant, and one for each product and each value that must not be 0. The bit that says whether a row
// counts is not counted: rows can share one in blocks. What binds given columns to what the verifier knows is not counted either.
func (s *System) Cost(c *Chip) (n int) {
	for i := range c.Messages {
		m := &c.Messages[i]
		if s.Buses[m.Bus].Kind != Sum || m.Mult != On {
			n++
		}
		for k := 1; k < len(m.Key); k++ {
			if len(m.Key[k].Lin().Terms) > 0 {
				n++
			}
		}
		for k := 0; k+1 < len(m.Value); k++ {
			if len(m.Value[k].Terms) > 0 {
				n++
			}
		}
	}
	for i := range c.Constraints {
		if con := &c.Constraints[i]; con.Name != onIsBit {
			n += max(1, con.products())
		}
	}
	if c.Permutation != nil {
		n += PermutationCost
	}
	return n + len(c.NonZero)
}

// PermutationCost is three products for each fifth power, and one constraint for each element that comes out.
const PermutationCost = 3*(hidden.Width*hidden.FullRounds+hidden.PartialRounds) + hidden.Width

// products is how many multiplications a constraint takes.
func (c *Constraint) products() (n int) {
	for _, p := range c.Sum {
		n += len(p) - 1
	}
	return n
}

// IsStep reports whether a chip's rows are steps of a run, one for each.
func (c *Chip) IsStep() bool {
	return len(c.Messages) > 0 && c.Messages[0].Bus == BusState && !c.Messages[0].Send
}
