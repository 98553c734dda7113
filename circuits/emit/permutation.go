package emit

import (
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/std/permutation/poseidon2"

	"github.com/trilemma-dev/trilemma/internal/hidden"
)

// permutation says that out is the permutation of package hidden, applied to in.
type permutation struct {
	in, out [hidden.Width]lin
}

// permute emits a row's permutation, if it has one: gnark's, which commits to nothing and asks for no hints.
func (e *emitter) permute(p *permutation, row []frontend.Variable) {
	if p == nil || e.err != nil {
		return
	}
	if e.sponge == nil {
		if e.sponge, e.err = poseidon2.NewPoseidon2FromParameters(e.api, hidden.Width, hidden.FullRounds, hidden.PartialRounds); e.err != nil {
			return
		}
	}
	state := make([]frontend.Variable, hidden.Width)
	for i := range state {
		state[i] = e.lin(&p.in[i], row)
	}
	if e.err = e.sponge.Permutation(state); e.err != nil {
		return
	}
	for i := range state {
		e.api.AssertIsEqual(state[i], e.lin(&p.out[i], row))
	}
}
