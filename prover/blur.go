package prover

import (
	"math/bits"

	"github.com/trilemma-dev/trilemma/circuits/emit"
)

// blurred is shapes that hold at least as much as the chosen ones, in the order of all: of each as many as [Blur] says, so that the parts of a proof tell no
// more than that of a run that hides something.
func blurred(all, chosen []*emit.Shape) (out []*emit.Shape) {
	for _, sh := range all {
		n := 0
		for _, c := range chosen {
			if c == sh {
				n++
			}
		}
		if sh.Rows("statement") == 0 { // there is one head, whatever was run
			n = Blur(n)
		}
		for range n {
			out = append(out, sh)
		}
	}
	return out
}

// Blur is the lowest number that is not below n and has three leading bits: four steps for each power of two, so that at most a fourth is added.
func Blur(n int) int {
	const kept = 3
	shift := max(0, bits.Len(uint(n))-kept)
	return (n + 1<<shift - 1) >> shift << shift
}
