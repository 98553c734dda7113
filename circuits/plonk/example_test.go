package plonk_test

import (
	"errors"
	"fmt"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
)

// A proof has one length and one encoding, whatever is proved; what could be none is refused before any verifier sees it.
func ExampleParseProof() {
	_, err := plonk.ParseProof(make([]byte, plonk.ProofSize))
	fmt.Println(plonk.Backend{}.Name(), plonk.ProofSize, errors.Is(err, parts.ErrProof))
	// Output: plonk 576 true
}
