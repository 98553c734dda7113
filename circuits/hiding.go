package circuits

import (
	"fmt"
	"math"

	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
)

// Hidden says which streams of a run are hidden, by number; the others are public, and none is both. Exit codes stay public, and so does what a run
// ends in.
type Hidden struct {
	Inputs  map[int]hidden.Commitment
	Outputs map[int]Sealed
}

// Sealed is a hidden output stream.
type Sealed struct {
	Commitment hidden.Commitment
	Most       uint64 // public bound of its size, in bytes
}

// Secrets opens hidden streams: whoever proves has it, and nobody else.
type Secrets struct {
	Inputs  map[int]hidden.Opening
	Outputs map[int]hidden.Salt
}

// Covers says why the hidden streams of a statement cannot be; nil if they can, or if there are none.
func (st *Statement) Covers() error {
	if st.Hidden == nil {
		return nil
	}
	for i := range st.Hidden.Inputs {
		switch {
		case i < 0 || i >= len(st.Inputs):
			return fmt.Errorf("input stream %d of %d is hidden", i, len(st.Inputs))
		case len(st.Inputs[i]) > 0:
			return fmt.Errorf("input stream %d is hidden and public", i)
		}
	}
	for i, o := range st.Hidden.Outputs {
		switch {
		case i < 0 || i >= link.OutStreams:
			return fmt.Errorf("output stream %d of %d is hidden", i, link.OutStreams)
		case len(st.Outputs[i]) > 0:
			return fmt.Errorf("output stream %d is hidden and public", i)
		case o.Most > math.MaxUint32:
			return fmt.Errorf("hidden output stream %d has up to %d bytes, more than chips show", i, o.Most)
		}
	}
	return nil
}

// written is how many bytes of output there are: of hidden streams, at most. It is for statements that [Statement.Covers] accepts.
func (st *Statement) written() (n uint64) {
	for _, s := range st.Outputs {
		n += uint64(len(s))
	}
	if st.Hidden != nil {
		for _, o := range st.Hidden.Outputs {
			n += o.Most
		}
	}
	return n
}
