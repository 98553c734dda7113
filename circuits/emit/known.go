package emit

import "slices"

// Constant reports whether a chip is a table whose rows are the same in every proof.
func (s *System) Constant(chip string) bool {
	i, err := s.index(chip)
	return err == nil && s.plans[i].numbers > 0
}

// Block is how many rows there are in a block of those chips that have blocks.
func (sh *Shape) Block() int { return slices.Max(sh.block) }

// Constraints is how many constraints the rows take.
func (sh *Shape) Constraints() (n int) {
	for i, p := range sh.sys.plans {
		n += sh.rows[i] / sh.block[i] * p.blockCost(sh.block[i])
	}
	return n
}
