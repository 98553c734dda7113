package circuits

import (
	"fmt"
	"maps"
	"math"
	"slices"

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

// bounded is 1 if fuel is a bound.
func (st *Statement) bounded() uint64 { return b2u(st.Hidden != nil) }

// input reports whether an input stream is hidden.
func (h *Hidden) input(stream int) bool {
	if h == nil {
		return false
	}
	_, ok := h.Inputs[stream]
	return ok
}

// inputs are what the verifier knows of hidden input streams, in the order of their numbers.
func (h *Hidden) inputs() (rows [][]uint64) {
	if h == nil {
		return nil
	}
	for _, i := range slices.Sorted(maps.Keys(h.Inputs)) {
		c := h.Inputs[i]
		l := c.Limbs()
		rows = append(rows, append([]uint64{1, uint64(i) + firstInput}, l[:]...))
	}
	return rows
}

// outputs are what the verifier knows of hidden output streams.
func (h *Hidden) outputs() (rows [][]uint64) {
	if h == nil {
		return nil
	}
	for _, i := range slices.Sorted(maps.Keys(h.Outputs)) {
		o := h.Outputs[i]
		l := o.Commitment.Limbs()
		rows = append(rows, append(append([]uint64{1, uint64(i)}, l[:]...), o.Most))
	}
	return rows
}
