package proving

import (
	"errors"
	"fmt"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/prover"
)

// ErrSize says that a proof system is not for circuits of this size.
var ErrSize = errors.New("the circuits are too large for this proof system")

// What PLONK takes: rows of a domain at most, and memory for each row of a part that is being proved, and of a reference string, in bytes: measured, see docs/plonk.md.
const (
	maxRows        = 1 << 18
	perRow         = 3000
	referenceBytes = 128
)

// CheckSize refuses a scheme whose circuits are too large for a proof system.
func CheckSize(s *proof.Scheme, backend parts.Backend) error {
	if backend != (plonk.Backend{}) {
		return nil
	}
	for _, sh := range s.Shapes {
		if n := prover.PlonkRows(sh.Constraints()); n > maxRows {
			return fmt.Errorf("%w: %s takes circuits of at most %d rows, %s would have about %d: the scheme %s has small ones", ErrSize, backend.Name(), maxRows, sh.Name(), n, proof.Tiny)
		}
	}
	return nil
}

// In is what a proof takes in a proof system, of what one in Groth16 does. Constraints stay those of the shapes.
func (e Estimate) In(backend parts.Backend) Estimate {
	e.Bytes = e.Size(backend)
	if backend == (plonk.Backend{}) {
		rows := int64(prover.PlonkRows(e.Part))
		e.PartBytes, e.Keys = rows*perRow, e.Keys+2*rows*referenceBytes
	}
	return e
}
