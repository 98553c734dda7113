package emit

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

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

// version is the version of how shapes become circuits: it changes whenever the same rows give other constraints.
const version = "emit/1"

// Digest is a hash of what the shape is: the chips, and how many rows of which it holds, in blocks of which size.
func (sh *Shape) Digest() parts.Digest {
	h := sha256.New()
	chips := sh.sys.digest()
	fmt.Fprintf(h, "trilemma %s\n%x\n%q\n", version, chips, sh.name)
	for i, n := range sh.rows {
		if n > 0 {
			fmt.Fprintf(h, "%d %d %d %d\n", i, n, sh.block[i], sh.from[i])
		}
	}
	return parts.Digest(h.Sum(nil))
}
